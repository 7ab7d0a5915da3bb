//! What a deployment needs, asked before anything is built: minutes of building are lost when the
//! cluster or the registry turns out not to answer.

use std::path::Path;

use super::deploy::Plan;
use super::image::Builder;
use super::tools::{self, Error, Kubectl, find};
use crate::http::Client;

/// Asks for the cluster, and where an image is to be built, for the tools; tells `say` what it
/// found.
///
/// # Errors
/// [`Error`], for the first that is not there.
pub fn tools(plan: &Plan, say: &mut dyn FnMut(&str)) -> Result<Kubectl, Error> {
    let kubectl = Kubectl::new(&plan.namespace)?;
    let (context, version) = kubectl.reach()?;
    say(&format!("cluster: {context} answers, Kubernetes {version}"));
    if plan.prebuilt.is_none() {
        let builder = Builder::found()?;
        runnable(&plan.prepare)?;
        say(&format!("tools: kubectl, {}, {}", builder.program(), plan.prepare));
    }
    Ok(kubectl)
}

/// Asks the registry whether it is there. It answers `/v2/` with 200, or 401 where it wants to
/// know who asks (OCI distribution specification, 1.1).
///
/// # Errors
/// [`Error::Failed`] when nothing answers, or something that is no registry.
pub async fn registry(image: &str, say: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let Some(host) = host(image) else {
        say("registry: that of the image tool, not asked");
        return Ok(());
    };
    let failed = |message: String| Error::Failed {
        command: format!("registry {host}"),
        message: format!(
            "{message}\n--registry names another; --no-registry-check pushes without asking, \
             where only the image tool can reach it"
        ),
    };
    let mut reasons = Vec::new();
    for scheme in ["https", "http"] {
        let client = Client::new(&format!("{scheme}://{host}/"), None, None);
        match client.map_err(|e| failed(e.to_string()))?.get("v2/", &[]).await {
            Ok(reply) if matches!(reply.status, 200 | 401) => {
                say(&format!("registry: {host} answers"));
                return Ok(());
            }
            Ok(reply) => reasons.push(format!("{scheme}: /v2/ answers {}", reply.status)),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(failed(reasons.join("\n")))
}

/// The host of an image's name. The first part is one if it has a dot or a port, or is localhost.
fn host(image: &str) -> Option<&str> {
    let (first, _) = image.split_once('/')?;
    (first == "localhost" || first.contains(['.', ':'])).then_some(first)
}

fn runnable(program: &str) -> Result<(), Error> {
    let there =
        if program.contains('/') { Path::new(program).is_file() } else { find(program).is_some() };
    if there {
        return Ok(());
    }
    Err(tools::Error::Start {
        command: program.to_owned(),
        source: std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "it is not there; run this in the root of the project, or name one by --prepare",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_told_from_a_folder_by_its_dot_or_port() {
        for (image, expected) in [
            ("localhost:5000/svgx-engine:staging", Some("localhost:5000")),
            ("localhost/svgx-engine", Some("localhost")),
            ("registry.example.com/a/b@sha256:0", Some("registry.example.com")),
            ("team/svgx-engine:1", None),
            ("svgx-engine:1", None),
        ] {
            assert_eq!(host(image), expected, "{image}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        for program in ["no-such-program-at-all", "./no/such/file"] {
            let error = runnable(program).expect_err("not there").to_string();
            assert!(error.contains(program) && error.contains("--prepare"), "{error}");
        }
        assert!(runnable("true").is_ok());
    }
}
