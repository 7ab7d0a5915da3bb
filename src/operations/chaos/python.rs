//! Functions in Python, all in one process of `python3`.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

const DRIVER: &str = include_str!("driver.py");

type Waiting = Arc<Mutex<HashMap<u64, Sender<Value>>>>;

/// A process that runs functions, until it is dropped.
#[derive(Debug)]
pub(super) struct Python {
    process: Child,
    asks: Mutex<(u64, Option<ChildStdin>)>,
    waiting: Waiting,
}

impl Python {
    /// Starts it; modules are also found in `modules`.
    pub(super) fn start(modules: &Path, variables: &[(String, String)]) -> std::io::Result<Python> {
        let before = std::env::var_os("PYTHONPATH");
        let paths = before.iter().flat_map(std::env::split_paths);
        let paths = std::env::join_paths(std::iter::once(modules.to_owned()).chain(paths))
            .map_err(std::io::Error::other)?;
        let mut process = Command::new("python3")
            .args(["-c", DRIVER])
            .env("PYTHONPATH", paths)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(variables.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Not in the group of a terminal: an interrupt is for the runner, which undoes.
            .process_group(0)
            .spawn()?;
        let waiting: Waiting = Arc::default();
        if let Some(out) = process.stdout.take() {
            let waiting = Arc::clone(&waiting);
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    let Ok(said) = serde_json::from_str::<Value>(&line) else { continue };
                    let id = said.get("id").and_then(Value::as_u64).unwrap_or_default();
                    let to = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                    // Nobody waits for what came too late.
                    let _ = to.map(|to| to.send(said));
                }
                // Whoever still waits hears that nothing comes any more.
                waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
            });
        }
        let stdin = process.stdin.take();
        Ok(Python { process, asks: Mutex::new((0, stdin)), waiting })
    }

    /// Calls a function, and waits for at most `limit`.
    pub(super) fn call(
        &self,
        module: &str,
        func: &str,
        arguments: &Value,
        configuration: &Map<String, Value>,
        limit: Duration,
    ) -> Result<Value, String> {
        let answer = self.ask(module, func, arguments, configuration)?;
        let said = answer
            .recv_timeout(limit)
            .map_err(|e| format!("{module}.{func}: no answer ({e}; limit {limit:?})"))?;
        match said.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(said.get("output").cloned().unwrap_or_default()),
        }
    }

    fn ask(
        &self,
        module: &str,
        func: &str,
        arguments: &Value,
        configuration: &Map<String, Value>,
    ) -> Result<Receiver<Value>, String> {
        let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        asks.0 += 1;
        let id = asks.0;
        let (to, from) = channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, to);
        let line = json!({
            "id": id, "module": module, "func": func, "arguments": arguments,
            "configuration": configuration,
        });
        let stdin = asks.1.as_mut().ok_or("python3 is gone")?;
        writeln!(stdin, "{line}")
            .and_then(|()| stdin.flush())
            .map_err(|e| format!("python3 is gone: {e}"))?;
        Ok(from)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The end of its input ends it; what it runs still is cut off.
        self.asks.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
        for _ in 0..50 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
