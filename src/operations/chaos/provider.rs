//! How an activity is done: a request, a program, a function in Python.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::experiment::{LONGEST_ACTIVITY, Provider, substitute, substituted};
use super::python::Python;
use super::spawn;
use crate::http;

/// Does activities: what they share.
#[derive(Debug)]
pub(super) struct Doer {
    /// The values of the configuration.
    pub(super) values: Map<String, Value>,
    /// Where modules of Python are.
    pub(super) modules: PathBuf,
    /// Variables of the programs that are started, beside those of this process.
    pub(super) variables: Vec<(String, String)>,
    /// Started when it is first needed.
    pub(super) python: OnceLock<Result<Python, String>>,
}

fn limit(seconds: Option<f64>) -> Duration {
    let seconds = seconds.filter(|s| (0.0..=LONGEST_ACTIVITY).contains(s));
    Duration::from_secs_f64(seconds.unwrap_or(LONGEST_ACTIVITY))
}

impl Doer {
    /// The output of an activity, or how it failed.
    pub(super) fn activity(&self, provider: &Provider) -> Result<Value, String> {
        match provider {
            Provider::Http { url, method, headers, arguments, timeout } => {
                let url = substituted(url, &self.values);
                let method = method.as_deref().unwrap_or("GET").to_uppercase();
                let headers =
                    headers.iter().map(|(k, v)| (k.clone(), substituted(v, &self.values)));
                let arguments = arguments.as_ref().map(|a| substitute(a, &self.values));
                request(&url, &method, &headers.collect::<Vec<_>>(), arguments, limit(*timeout))
            }
            Provider::Process { path, arguments, timeout } => {
                let arguments = substitute(arguments, &self.values);
                self.process(&substituted(path, &self.values), &arguments, limit(*timeout))
            }
            Provider::Python { module, func, arguments } => {
                let arguments = substitute(&Value::Object(arguments.clone()), &self.values);
                let start = || {
                    Python::start(&self.modules, &self.variables)
                        .map_err(|e| format!("python3: {e}"))
                };
                let python = self.python.get_or_init(start).as_ref().map_err(String::clone)?;
                python.call(module, func, &arguments, &self.values, limit(None))
            }
        }
    }

    fn process(&self, path: &str, arguments: &Value, limit: Duration) -> Result<Value, String> {
        let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let mut command = match arguments {
            // A line is for the shell, as with Chaos Toolkit.
            Value::String(line) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{path} {line}")]);
                shell
            }
            Value::Object(pairs) => {
                let mut command = Command::new(path);
                command.args(pairs.iter().flat_map(|(k, v)| [k.clone(), text(v)]));
                command
            }
            list => {
                let mut command = Command::new(path);
                let words = list.as_array().into_iter().flatten().map(text);
                command.args(words.filter(|w| !w.is_empty() && w != "null"));
                command
            }
        };
        command.envs(self.variables.iter().map(|(k, v)| (k, v)));
        let ended = spawn::run(&mut command, limit).map_err(|e| format!("{path}: {e}"))?;
        if ended.late {
            return Err(format!("{path}: no end within {limit:?}"));
        }
        // A signal is a negative status, as with Python.
        Ok(json!({
            "status": ended.code.unwrap_or(-1), "stdout": ended.stdout, "stderr": ended.stderr,
        }))
    }
}

fn request(
    url: &str,
    method: &str,
    headers: &[(String, String)],
    arguments: Option<Value>,
    limit: Duration,
) -> Result<Value, String> {
    let mut url = reqwest::Url::parse(url).map_err(|e| format!("{url:?} is no address: {e}"))?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|e| e.to_string())?;
    let mut body = Vec::new();
    match arguments {
        Some(Value::Object(pairs)) if method == Method::GET => {
            for (name, value) in &pairs {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                url.query_pairs_mut().append_pair(name, &value);
            }
        }
        Some(Value::String(text)) => body = text.into_bytes(),
        Some(other) => body = other.to_string().into_bytes(),
        None => {}
    }
    let base = url.origin().ascii_serialization();
    let path = url.as_str().strip_prefix(&base).unwrap_or("/").to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let reply = runtime.map_err(|e| e.to_string())?.block_on(async {
        let client = http::Client::new(&base, None, None).map_err(|e| e.to_string())?;
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let answer = client.send(method, &path, &headers, body.into());
        let answer = tokio::time::timeout(limit, answer).await;
        answer.map_err(|_| format!("{url}: no answer within {limit:?}"))?.map_err(|e| e.to_string())
    })?;
    let body = match reply.header("content-type") {
        Some("application/json") => reply.json(),
        _ => Value::String(reply.text()),
    };
    let headers: Map<String, Value> = reply
        .headers
        .iter()
        .map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into()))
        .collect();
    Ok(json!({"status": reply.status, "headers": headers, "body": body}))
}
