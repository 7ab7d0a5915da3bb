//! The binary, serving on free ports of this machine until the value is dropped.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use svgx_engine::ops::staging::client::Client;

/// A running service.
pub(crate) struct Service {
    process: Child,
    /// The public endpoints.
    pub(crate) public: SocketAddr,
    internal: SocketAddr,
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Service {
    /// Without keys, without rates, in memory.
    pub(crate) fn start() -> Service {
        Service::with(&["--rate-limit", "off"], None)
    }

    /// With these flags; its log goes to `log`.
    pub(crate) fn with(flags: &[&str], log: Option<&Path>) -> Service {
        let stderr =
            log.map_or_else(Stdio::null, |path| std::fs::File::create(path).expect("a log").into());
        let mut process = Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
            .args(flags)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let out = process.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let bound: Value = serde_json::from_str(&line).expect("one line of JSON");
        let at =
            |name: &str| bound[name].as_str().and_then(|a| a.parse().ok()).expect("an address");
        Service { process, public: at("public"), internal: at("internal") }
    }

    /// The status that the internal listener answers a GET with.
    pub(crate) fn internal(&self, path: &str) -> u16 {
        let client = Client::new(&format!("http://{}", self.internal), None, None);
        block(client.expect("a client").get(path, &[])).expect("an answer").status
    }

    /// Where metrics and probes are.
    pub(crate) fn internal_address(&self) -> SocketAddr {
        self.internal
    }

    /// Tells the process something.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.process.id()).expect("a process id");
        let id = rustix::process::Pid::from_raw(id).expect("a process id");
        rustix::process::kill_process(id, signal).expect("it runs");
    }
}

/// Runs what waits for a network, in a runtime of its own.
pub(crate) fn block<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}
