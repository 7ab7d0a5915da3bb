//! The programs that do the work in a cluster: `kubectl` and whatever builds images here.
//!
//! They are found on the `PATH`, so a test puts its own there. What is told to kubectl is a closed
//! list: nothing in it deletes.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use serde_json::Value;

/// Why a program did not do its part.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not installed.
    #[error("{0} is not installed")]
    Missing(&'static str),
    /// It cannot be started, or talked to.
    #[error("{command}: {source}")]
    Start {
        /// What was to run.
        command: String,
        /// Why it did not.
        source: std::io::Error,
    },
    /// It failed.
    #[error("{command}: {message}")]
    Failed {
        /// What ran.
        command: String,
        /// What it said.
        message: String,
    },
    /// It said something else than expected.
    #[error("{command}: cannot read its answer: {message}")]
    Answer {
        /// What ran.
        command: String,
        /// What is wrong with the answer.
        message: String,
    },
}

/// Where a program is, if it is on the `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| p.is_file())
}

/// Runs a program to its end; what it wrote.
///
/// # Errors
/// [`Error::Start`], [`Error::Failed`] with the end of its error output.
pub fn run(program: &str, arguments: &[&str], input: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    run_to(program, arguments, input, |output| output.status.success())
}

/// As [`run`], for work that takes minutes: on a terminal its own progress is shown.
///
/// # Errors
/// As [`run`]; what a program said on a terminal is not said again.
pub fn run_shown(program: &str, arguments: &[&str]) -> Result<(), Error> {
    if !std::io::stderr().is_terminal() {
        return run(program, arguments, None).map(drop);
    }
    let command = format!("{program} {}", arguments.join(" "));
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).status();
    let status = status.map_err(|source| Error::Start { command: command.clone(), source })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { command, message: format!("{status}: see above") })
}

/// As [`run`]; `good` says which ends are those of success.
fn run_to(
    program: &str,
    arguments: &[&str],
    input: Option<&[u8]>,
    good: impl Fn(&Output) -> bool,
) -> Result<Vec<u8>, Error> {
    let command = format!("{program} {}", arguments.join(" "));
    let start = |source| Error::Start { command: command.clone(), source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    // Fed by a thread of its own: the program may answer before it has read everything.
    let feeding = match (child.stdin.take(), input) {
        (Some(mut pipe), Some(input)) => {
            let input = input.to_vec();
            // A program that stops reading says why itself.
            Some(std::thread::spawn(move || pipe.write_all(&input)))
        }
        _ => None,
    };
    let output = child.wait_with_output().map_err(start)?;
    if let Some(feeding) = feeding {
        let _ = feeding.join();
    }
    if good(&output) {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = text.lines().rev().take(5).collect();
    let message = last.into_iter().rev().collect::<Vec<_>>().join("\n");
    Err(Error::Failed { command, message: format!("{}: {message}", output.status) })
}

/// How objects are applied, and compared before.
const SERVER_SIDE: [&str; 3] =
    ["--server-side", "--force-conflicts", "--field-manager=svgx-staging"];

/// kubectl, in one namespace.
#[derive(Clone, Debug)]
pub struct Kubectl {
    namespace: String,
}

impl Kubectl {
    /// kubectl, if it is installed.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn new(namespace: &str) -> Result<Kubectl, Error> {
        find("kubectl").ok_or(Error::Missing("kubectl"))?;
        Ok(Kubectl { namespace: namespace.to_owned() })
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether the cluster answers: the context it is known by, and its version.
    ///
    /// # Errors
    /// [`Error::Failed`], with what to look at.
    pub fn reach(&self) -> Result<(String, String), Error> {
        let asked = self.call(&["get", "--raw", "/version", "--request-timeout=10s"], None);
        let answer = asked.map_err(|error| match error {
            Error::Failed { command, message } => Error::Failed {
                command,
                message: format!(
                    "{message}\nthe cluster does not answer; `kubectl config get-contexts` shows \
                     which there are, `kubectl cluster-info` asks the current one"
                ),
            },
            other => other,
        })?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let version = answer["gitVersion"].as_str().unwrap_or("of unknown version").to_owned();
        // Inside a pod there is no context, and the cluster is the pod's own.
        let context = run("kubectl", &["config", "current-context"], None).unwrap_or_default();
        let context = String::from_utf8_lossy(&context).trim().to_owned();
        Ok((if context.is_empty() { "the cluster".to_owned() } else { context }, version))
    }

    /// What applying these objects would change, as a unified diff; empty: nothing.
    ///
    /// # Errors
    /// [`Error`].
    pub fn diff(&self, objects: &[Value]) -> Result<String, Error> {
        let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        let namespace = ["--namespace", self.namespace.as_str()];
        let diff = [&namespace[..], &["diff", "--filename=-"], &SERVER_SIDE[..]].concat();
        // 1: there are differences. Without one to show, something else ended kubectl so.
        let good = |output: &Output| match output.status.code() {
            Some(1) => !output.stdout.is_empty(),
            code => code == Some(0),
        };
        let out = run_to("kubectl", &diff, Some(list.to_string().as_bytes()), good)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn call(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Vec<u8>, Error> {
        let mut all = vec!["--namespace", self.namespace.as_str()];
        all.extend(arguments);
        run("kubectl", &all, input)
    }

    /// Objects as JSON: `get(&["deployment", "svgx-engine-staging"])`. `None` where there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub fn get(&self, what: &[&str]) -> Result<Option<Value>, Error> {
        let mut all = vec!["get", "--ignore-not-found", "--output=json"];
        all.extend(what);
        let out = self.call(&all, None)?;
        if out.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        serde_json::from_slice(&out).map(Some).map_err(|e| Error::Answer {
            command: format!("kubectl {}", all.join(" ")),
            message: e.to_string(),
        })
    }

    /// Makes the cluster hold these objects; those of others are left alone. Fields of theirs that
    /// somebody else has set since, as `rollout undo` does, are theirs again.
    ///
    /// # Errors
    /// [`Error`].
    pub fn apply(&self, objects: &[Value]) -> Result<(), Error> {
        let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        let apply = [&["apply", "--filename=-"], &SERVER_SIDE[..]].concat();
        self.call(&apply, Some(list.to_string().as_bytes())).map(drop)
    }

    /// Makes an object that must not be there yet. What is in it never is an argument, which
    /// other processes could read.
    ///
    /// # Errors
    /// [`Error`].
    pub fn create(&self, object: &Value) -> Result<(), Error> {
        self.call(&["create", "--filename=-"], Some(object.to_string().as_bytes())).map(drop)
    }

    /// Waits until the Deployment has rolled out.
    ///
    /// # Errors
    /// [`Error::Failed`] when it does not in `seconds`.
    pub fn wait(&self, deployment: &str, seconds: u64) -> Result<(), Error> {
        let timeout = format!("--timeout={seconds}s");
        let name = format!("deployment/{deployment}");
        run_shown(
            "kubectl",
            &["--namespace", &self.namespace, "rollout", "status", &name, &timeout],
        )
    }

    /// Goes back to a revision of the Deployment: its pods, and the configuration they name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn undo(&self, deployment: &str, revision: u64) -> Result<(), Error> {
        let to = format!("--to-revision={revision}");
        let name = format!("deployment/{deployment}");
        self.call(&["rollout", "undo", &name, &to], None).map(drop)
    }

    /// The values of a Secret.
    ///
    /// # Errors
    /// [`Error`].
    pub fn secret(&self, name: &str, key: &str) -> Result<Option<String>, Error> {
        let Some(secret) = self.get(&["secret", name])? else { return Ok(None) };
        let Some(text) = secret["data"][key].as_str() else { return Ok(None) };
        let bad = |message: String| Error::Answer { command: format!("secret {name}"), message };
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        let bytes = bytes.map_err(|e| bad(e.to_string()))?;
        String::from_utf8(bytes).map(Some).map_err(|e| bad(e.to_string()))
    }

    /// Leads a free port of this machine to one in the cluster, until the value is dropped.
    ///
    /// # Errors
    /// [`Error`].
    pub fn forward(&self, to: &str, port: u16) -> Result<Forward, Error> {
        let command = format!("kubectl port-forward {to} :{port}");
        let start = |source| Error::Start { command: command.clone(), source };
        let mut child = Command::new("kubectl")
            .args(["--namespace", &self.namespace, "port-forward", to, &format!(":{port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(start)?;
        let out = child.stdout.take();
        // Ends the child, should the line not come.
        let mut forward = Forward { child, local: 0 };
        let mut line = String::new();
        if let Some(out) = out {
            BufReader::new(out).read_line(&mut line).map_err(start)?;
        }
        // "Forwarding from 127.0.0.1:41234 -> 8000"
        let local = line.split(" -> ").next().and_then(|l| l.rsplit(':').next());
        match local.and_then(|p| p.trim().parse().ok()) {
            Some(local) => {
                forward.local = local;
                Ok(forward)
            }
            None => Err(Error::Answer { command, message: format!("{line:?}") }),
        }
    }
}

/// A way into the cluster; closed with the value.
#[derive(Debug)]
pub struct Forward {
    child: Child,
    local: u16,
}

impl Forward {
    /// Where it begins.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.local)
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
