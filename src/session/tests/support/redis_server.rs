//! A Redis of a test's own: on a free port of this machine, with a folder that goes with it.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How it is to be set for sessions.
const SAFE: &[(&str, &str)] =
    &[("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction")];
/// How often it is looked whether it answers, and how many times.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 1_500;

/// A server that ends with its value.
#[derive(Debug)]
pub(crate) struct RedisServer {
    child: Option<Child>,
    port: u16,
    directory: tempfile::TempDir,
    settings: Vec<(String, String)>,
}

impl RedisServer {
    /// One that keeps what it acknowledges; `None` where the program is not installed, which is
    /// said. `SVGX_TEST_REDIS` names another program of the same protocol.
    pub(crate) fn start() -> Option<RedisServer> {
        RedisServer::start_with(&[])
    }

    /// The same, with some settings of it changed.
    pub(crate) fn start_with(changed: &[(&str, &str)]) -> Option<RedisServer> {
        let found = Command::new(program()).arg("--version").stdout(Stdio::null()).status();
        if found.is_err() {
            println!("skipped: {} is not installed", program());
            return None;
        }
        let mut settings: Vec<(String, String)> =
            SAFE.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (name, value) in changed {
            settings.retain(|(known, _)| known != name);
            settings.push(((*name).to_owned(), (*value).to_owned()));
        }
        // Another process may take a port between its choice and its use.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut server = RedisServer {
                child: None,
                port,
                directory: tempfile::tempdir().unwrap(),
                settings: settings.clone(),
            };
            if server.restart() {
                return Some(server);
            }
        }
        panic!("{} does not start", program());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// As if the machine's out-of-memory killer had come.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again on what it left behind; whether it answers.
    pub(crate) fn restart(&mut self) -> bool {
        let mut command = Command::new(program());
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""]);
        command.arg("--dir").arg(self.directory.path());
        for (name, value) in &self.settings {
            command.arg(format!("--{name}")).arg(value);
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap();
        for _ in 0..LOOKS {
            if let Ok(Some(_)) = child.try_wait() {
                return false;
            }
            if self.ask(&["PING"]).as_deref() == Some("PONG") {
                self.child = Some(child);
                return true;
            }
            std::thread::sleep(LOOK);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        false
    }

    /// What it answers to a command, as text.
    pub(crate) fn ask(&self, command: &[&str]) -> Option<String> {
        let client = redis::Client::open(self.url()).ok()?;
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(5)).ok()?;
        let (first, rest) = command.split_first()?;
        let value = redis::cmd(first).arg(rest).query::<redis::Value>(&mut connection).ok()?;
        redis::from_redis_value::<String>(value).ok()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn program() -> String {
    std::env::var("SVGX_TEST_REDIS").unwrap_or_else(|_| "redis-server".to_owned())
}
