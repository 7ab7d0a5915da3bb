//! `svgx staging backup` and `restore`: configuration, secrets if they can be encrypted, and every
//! session, in a folder that says what is in it.
//!
//! ```text
//! backup.json            what is here: size, hash, sessions; written last
//! configuration.json     the objects of the namespace, as they were applied
//! secrets.json.age       its secrets, for the recipients of age; left out without one
//! data/NAME/sessions.redb  the sessions of one replica
//! ```
//!
//! Replicas have sessions of their own. A restore joins them, the later of two of the same name,
//! and gives all of them to every replica: so each is found wherever its client is led.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::manifest::elements;
use super::tools::{self, Forward, Kubectl};
use super::{INSTALLED_SECRETS, journal};
use crate::http::{self, Client};
use svgx_session::{Copied, Embedded, STORE_FILE, Store as _, StoreError, StoreLimits, copy};

/// The port of the internal listener in the pod.
const INTERNAL: u16 = 9464;

/// Where the engines are.
#[derive(Debug)]
pub enum Engines {
    /// In a cluster: every replica.
    Cluster(Kubectl),
    /// Here: the internal addresses, and the operator's key.
    Addresses(Vec<String>, String),
}

/// Why there is no backup, or it did not come back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program failed.
    #[error(transparent)]
    Tool(#[from] tools::Error),
    /// An engine did not answer.
    #[error(transparent)]
    Client(#[from] http::Error),
    /// An engine refused.
    #[error("{engine} answered {status}: {text}")]
    Refused {
        /// Which.
        engine: String,
        /// With what.
        status: u16,
        /// And why.
        text: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it was when the backup was made.
    #[error("{0}: not what it was when the backup was made")]
    Changed(String),
    /// The sessions cannot be joined.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something is missing.
    #[error("{0}")]
    Missing(String),
}

/// What is in a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contents {
    /// The version of the program that made it.
    pub version: String,
    /// When, in UTC.
    pub time: String,
    /// The files, from the backup's folder.
    pub files: Vec<Part>,
    /// Whether secrets are in it.
    pub secrets: bool,
}

/// A file of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// Its path.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its BLAKE3 hash.
    pub blake3: String,
    /// The sessions in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<u64>,
}

/// An engine that can be asked.
struct Engine {
    name: String,
    client: Client,
    /// Open as long as it is asked.
    _way: Option<Forward>,
}

impl Engines {
    fn all(&self) -> Result<Vec<Engine>, Error> {
        match self {
            Engines::Addresses(addresses, key) => addresses
                .iter()
                .enumerate()
                .map(|(n, address)| {
                    let client = Client::new(address, Some(key.clone()), None)?;
                    Ok(Engine { name: format!("engine-{n}"), client, _way: None })
                })
                .collect(),
            Engines::Cluster(kubectl) => {
                let key = kubectl.secret("svgx-engine-keys", "operator-key")?;
                let key = key.ok_or_else(|| {
                    Error::Missing("no operator-key in the secret svgx-engine-keys".into())
                })?;
                let pods = ["pods", "--selector=app.kubernetes.io/component=engine"];
                let pods = kubectl.get(&pods)?.unwrap_or_default();
                let names = elements(&pods["items"])
                    .filter(|p| {
                        p["status"]["phase"] == "Running"
                            && p["metadata"]["deletionTimestamp"].is_null()
                    })
                    .filter_map(|p| p["metadata"]["name"].as_str());
                names
                    .map(|name| {
                        let way = kubectl.forward(&format!("pod/{name}"), INTERNAL)?;
                        let client = Client::new(&way.url(), Some(key.clone()), None)?;
                        Ok(Engine { name: name.to_owned(), client, _way: Some(way) })
                    })
                    .collect()
            }
        }
    }
}

/// Makes a backup in the new folder `to`. `recipients` are age's, who can read the secrets.
///
/// # Errors
/// [`Error`]; what was written until then is in `to.partial`.
pub async fn backup(
    engines: &Engines,
    to: &Path,
    recipients: &[String],
) -> Result<Contents, Error> {
    if to.exists() {
        return Err(Error::Missing(format!("{} is there already", to.display())));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let folder = PathBuf::from(partial);
    let mut writer = Writer { folder: folder.clone(), files: Vec::new() };
    let mut secrets = false;
    if let Engines::Cluster(kubectl) = engines {
        let what = [
            "configmap,service,deployment,statefulset,ingress,horizontalpodautoscaler",
            "--selector=app.kubernetes.io/part-of=svgx",
        ];
        let mut objects = kubectl.get(&what)?.unwrap_or_else(|| json!({ "items": [] }));
        clean(&mut objects);
        writer.write("configuration.json", &pretty(&objects), None)?;
        if !recipients.is_empty() {
            writer.write("secrets.json.age", &encrypted(kubectl, recipients)?, None)?;
            secrets = true;
        }
    }
    let all = engines.all()?;
    if all.is_empty() {
        return Err(Error::Missing("no engine is running".to_owned()));
    }
    for engine in &all {
        let reply = engine.client.get("backup", &[]).await?;
        let good = good(&engine.name, reply)?;
        let sessions = good.header("x-svgx-sessions").and_then(|v| v.parse().ok());
        writer.write(&format!("data/{}/{STORE_FILE}", engine.name), &good.body, sessions)?;
    }
    let contents = Contents {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: journal::now(),
        files: writer.files.clone(),
        secrets,
    };
    writer.write("backup.json", &pretty(&json!(contents)), None)?;
    std::fs::rename(&folder, to).map_err(|source| Error::File { path: to.to_owned(), source })?;
    Ok(contents)
}

/// Brings a backup back into engines that have no sessions, and compares what they then have.
/// In a cluster, secrets come back first where `identity` can read them and none is there yet.
///
/// # Errors
/// [`Error`].
pub async fn restore(
    engines: &Engines,
    from: &Path,
    identity: Option<&Path>,
) -> Result<Copied, Error> {
    let contents = verify(from)?;
    if let (Engines::Cluster(kubectl), Some(identity)) = (engines, identity) {
        decrypt(kubectl, from, identity)?;
    }
    let scratch =
        Scratch(std::env::temp_dir().join(format!("svgx-restore-{}", std::process::id())));
    let joined = Embedded::open(&scratch.0.join("joined"), StoreLimits::default())?;
    for (n, part) in contents.files.iter().filter(|f| f.sessions.is_some()).enumerate() {
        // Opening a store may write to it; the backup stays as it is.
        let folder = scratch.0.join(n.to_string());
        let source = file(from, &part.path)?;
        let here = folder.join(STORE_FILE);
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&here, source))
            .map_err(|source| Error::File { path: here, source })?;
        let store = Embedded::open(&folder, StoreLimits::default())?;
        copy(&store, &joined)?;
        store.close()?;
    }
    let expected = joined.list(None)?;
    let path = joined.path().to_owned();
    joined.close()?;
    let bytes = bytes::Bytes::from(
        std::fs::read(&path).map_err(|source| Error::File { path: path.clone(), source })?,
    );
    let mut copied = Copied::default();
    let all = engines.all()?;
    if all.is_empty() {
        return Err(Error::Missing("no engine is running".to_owned()));
    }
    for engine in &all {
        let reply = engine.client.send(Method::POST, "restore", &[], bytes.clone()).await?;
        // Taken in by an earlier attempt, perhaps: what counts is what it has.
        if reply.status != 409 {
            let reply = good(&engine.name, reply)?;
            copied = serde_json::from_slice(&reply.body).unwrap_or_default();
        }
        let back = good(&engine.name, engine.client.get("backup", &[]).await?)?;
        let folder = scratch.0.join(format!("proof-{}", engine.name));
        let here = folder.join(STORE_FILE);
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&here, &back.body))
            .map_err(|source| Error::File { path: here, source })?;
        let proof = Embedded::open(&folder, StoreLimits::default())?;
        let lasts = |l: &svgx_session::Listing| (l.key.clone(), l.last);
        let mut wanted: Vec<_> = expected.iter().map(lasts).collect();
        let mut held: Vec<_> = proof.list(None)?.iter().map(lasts).collect();
        proof.close()?;
        wanted.sort();
        held.sort();
        if wanted != held {
            let text = format!(
                "{} has {} sessions, the backup {}, or others",
                engine.name,
                held.len(),
                wanted.len()
            );
            return Err(Error::Missing(text));
        }
    }
    Ok(copied)
}

/// Reads what a backup says it is, and holds its files to it.
///
/// # Errors
/// [`Error::File`], [`Error::Changed`].
pub fn verify(from: &Path) -> Result<Contents, Error> {
    let text = file(from, "backup.json")?;
    let contents: Contents =
        serde_json::from_slice(&text).map_err(|_| Error::Changed("backup.json".to_owned()))?;
    for part in &contents.files {
        let bytes = file(from, &part.path)?;
        if blake3::hash(&bytes).to_hex().as_str() != part.blake3 {
            return Err(Error::Changed(part.path.clone()));
        }
    }
    Ok(contents)
}

fn file(folder: &Path, path: &str) -> Result<Vec<u8>, Error> {
    let path = folder.join(path);
    std::fs::read(&path).map_err(|source| Error::File { path, source })
}

fn good(engine: &str, reply: http::Reply) -> Result<http::Reply, Error> {
    if reply.status == 200 {
        return Ok(reply);
    }
    Err(Error::Refused { engine: engine.to_owned(), status: reply.status, text: reply.excerpt() })
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// Takes out what the cluster adds and another cluster would not take.
fn clean(list: &mut Value) {
    for object in list["items"].as_array_mut().into_iter().flatten() {
        if let Some(object) = object.as_object_mut() {
            object.remove("status");
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                for field in [
                    "uid",
                    "resourceVersion",
                    "creationTimestamp",
                    "generation",
                    "managedFields",
                    "ownerReferences",
                ] {
                    metadata.remove(field);
                }
            }
        }
    }
}

/// The installed secrets, readable for the recipients only.
fn encrypted(kubectl: &Kubectl, recipients: &[String]) -> Result<Vec<u8>, Error> {
    tools::find("age").ok_or(tools::Error::Missing("age"))?;
    let mut items = Vec::new();
    for name in INSTALLED_SECRETS {
        items.extend(kubectl.get(&["secret", name])?);
    }
    let mut list = json!({ "items": items });
    clean(&mut list);
    let mut arguments = Vec::new();
    for recipient in recipients {
        arguments.extend(["--recipient", recipient.as_str()]);
    }
    Ok(tools::run("age", &arguments, Some(&pretty(&list)))?)
}

fn decrypt(kubectl: &Kubectl, from: &Path, identity: &Path) -> Result<(), Error> {
    let identity = identity.display().to_string();
    let sealed = file(from, "secrets.json.age")?;
    let text = tools::run("age", &["--decrypt", "--identity", &identity], Some(&sealed))?;
    let list: Value =
        serde_json::from_slice(&text).map_err(|_| Error::Changed("secrets.json.age".to_owned()))?;
    for secret in elements(&list["items"]) {
        let name = secret["metadata"]["name"].as_str().unwrap_or_default();
        if kubectl.get(&["secret", name])?.is_none() {
            kubectl.create(secret)?;
        }
    }
    Ok(())
}

struct Writer {
    folder: PathBuf,
    files: Vec<Part>,
}

impl Writer {
    fn write(&mut self, path: &str, bytes: &[u8], sessions: Option<u64>) -> Result<(), Error> {
        let target = self.folder.join(path);
        let parent = target.parent().unwrap_or(&self.folder);
        // Drawings of others, and secrets: for the owner only.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)
            .and_then(|()| std::fs::write(&target, bytes))
            .map_err(|source| Error::File { path: target, source })?;
        self.files.push(Part {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            blake3: blake3::hash(bytes).to_hex().to_string(),
            sessions,
        });
        Ok(())
    }
}

/// A folder that goes with its value.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // In the folder for temporary files: whoever cleans that up gets it, if this does not.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
