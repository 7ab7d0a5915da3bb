//! `svgx staging status` and `rollback`: what runs, what ran before, and back to that.

use std::path::Path;

use serde::Serialize;

use super::deploy::revision;
use super::journal::{self, Entry};
use super::manifest::elements;
use super::tools::{Error, Kubectl};

/// How a deployment stands.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Where.
    pub namespace: String,
    /// The revision in force; none: nothing is deployed.
    pub revision: Option<u64>,
    /// The image in force.
    pub image: Option<String>,
    /// Replicas that are wanted, updated, and ready.
    pub replicas: [u64; 3],
    /// Revisions that can be gone back to, with their images.
    pub history: Vec<(u64, String)>,
    /// The last line of the journal.
    pub last: Option<Entry>,
}

/// Asks the cluster about the Deployment `name`, and the journal.
///
/// # Errors
/// [`Error`]; a journal that cannot be read is none.
pub fn status(kubectl: &Kubectl, name: &str, journal: &Path) -> Result<Status, Error> {
    let deployment = kubectl.get(&["deployment", name])?.unwrap_or_default();
    let count = |name: &str| deployment["status"][name].as_u64().unwrap_or(0);
    let mut history = Vec::new();
    let sets = ["replicaset", "--selector=app.kubernetes.io/component=engine"];
    let sets = kubectl.get(&sets)?.unwrap_or_default();
    for set in elements(&sets["items"]) {
        let number = &set["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
        let image = &set["spec"]["template"]["spec"]["containers"][0]["image"];
        if let Some(number) = number.as_str().and_then(|n| n.parse().ok()) {
            history.push((number, image.as_str().unwrap_or("?").to_owned()));
        }
    }
    history.sort();
    let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    Ok(Status {
        namespace: kubectl.namespace().to_owned(),
        revision: revision(kubectl, name)?,
        image: image.as_str().map(str::to_owned),
        replicas: [count("replicas"), count("updatedReplicas"), count("readyReplicas")],
        history,
        last: journal::read(journal).ok().and_then(|mut entries| entries.pop()),
    })
}

/// Goes back to `to`, or to the revision before the one in force; the revision gone back to.
///
/// # Errors
/// [`Error`], also when there is none to go back to.
pub fn rollback(
    kubectl: &Kubectl,
    name: &str,
    to: Option<u64>,
    timeout: u64,
) -> Result<u64, Error> {
    let now = status(kubectl, name, Path::new(""))?;
    let before = |revision: &u64| now.revision.is_some_and(|n| *revision < n);
    let known: Vec<u64> = now.history.iter().map(|(revision, _)| *revision).collect();
    let target = to.or_else(|| known.iter().copied().filter(before).max());
    let target = target.filter(|t| known.contains(t)).ok_or_else(|| Error::Failed {
        command: "rollback".to_owned(),
        message: {
            let list: Vec<String> = known.iter().map(u64::to_string).collect();
            let now = now.revision.map_or_else(|| "none".to_owned(), |n| n.to_string());
            format!("no such revision; there are {}; {now} is in force", list.join(", "))
        },
    })?;
    kubectl.undo(name, target)?;
    kubectl.wait(name, timeout)?;
    Ok(target)
}
