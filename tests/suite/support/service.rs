//! The binary, serving on free ports of this machine until the value is dropped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use svgx_operations::staging::client::Client;
use tokio::runtime::Runtime;

use crate::support::engine::UNHURRIED;

pub(crate) const ROOM: &str = include_str!("../../../examples/room.svgx");

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

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// What a connection said until it was closed.
    pub(crate) fn read(stream: &mut TcpStream) -> Answer {
        let mut raw = Vec::new();
        let _ = stream.read_to_end(&mut raw);
        let end = raw.windows(4).position(|w| w == b"\r\n\r\n").expect("an answer with a head");
        let head = String::from_utf8(raw[..end].to_vec()).expect("a head in text");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        Answer { status, head, body: raw[end + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// A connection to `at` that does not wait for ever.
pub(crate) fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    stream
}

impl Service {
    /// Without keys, without rates, in memory.
    pub(crate) fn start() -> Service {
        Service::with(&["--rate-limit", "off"], None)
    }

    /// With these flags; its log goes to `log`.
    pub(crate) fn with(flags: &[&str], log: Option<&Path>) -> Service {
        Service::with_environment(flags, &[], log)
    }

    /// With these flags and variables; its log goes to `log`.
    pub(crate) fn with_environment(
        flags: &[&str],
        variables: &[(&str, &str)],
        log: Option<&Path>,
    ) -> Service {
        let stderr =
            log.map_or_else(Stdio::null, |path| std::fs::File::create(path).expect("a log").into());
        let mut process = Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
            .args(flags)
            .env_clear()
            .envs([UNHURRIED])
            .envs(variables.iter().copied())
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

    /// Ends it at once, as a failing machine does.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait().expect("it ends")
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> Answer {
        self.ask("GET", path, headers, b"")
    }

    pub(crate) fn send(&self, path: &str, headers: &str, body: &[u8]) -> Answer {
        self.ask("POST", path, headers, body)
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = connect(self.public);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\
             Content-Length: {}\r\n\r\n",
            self.public,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        // The service may answer, and hang up, before it has read everything.
        let _ = stream.write_all(body);
        Answer::read(&mut stream)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(path, "Content-Type: application/json\r\n", body.to_string().as_bytes())
    }

    /// What `path` answers about the room.
    pub(crate) fn room(&self, path: &str, options: &Value) -> Value {
        let answer = self.post(path, &json!({ "content": ROOM, "options": options }));
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200, "{path}: {text}");
        let value = answer.json();
        assert_eq!((&value["status"], &value["success"]), (&json!("success"), &json!(true)));
        assert!(value["duration_ms"].is_number() && value["statistics"].is_object(), "{path}");
        value
    }
}

/// Runs what waits for a network.
pub(crate) fn block<T>(future: impl Future<Output = T>) -> T {
    // One for all: a connection that a client keeps lives on the runtime it was made on.
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
    RUNTIME.block_on(future)
}
