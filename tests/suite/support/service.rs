//! The binary, serving on free ports of this machine until the value is dropped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use svgx_operations::http::Client;
use tokio::runtime::Runtime;

pub(crate) const ROOM: &str = include_str!("../../../examples/room.svgx");

/// For tests that are not about the controller: unoptimised and beside all the others, the
/// engine is too slow for its budgets, and would rightly refuse. A flag has precedence.
const UNHURRIED: (&str, &str) = ("SVGX_CONTROLLER", "shadow");

/// A process that does not outlive its test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Tells it something.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).expect("a process id");
        rustix::process::kill_process(id, signal).expect("it runs");
    }

    /// Asks it to end, and waits; whether it ended well.
    pub(crate) fn terminate(&mut self) -> bool {
        self.signal(Signal::TERM);
        self.0.wait().expect("it ends").success()
    }
}

/// A running service.
pub(crate) struct Service {
    pub(crate) process: Running,
    /// The public endpoints.
    pub(crate) public: SocketAddr,
    /// Metrics and probes.
    pub(crate) internal: SocketAddr,
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
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {}\n{}", self.head, String::from_utf8_lossy(&self.body))
        })
    }
}

/// A connection to `at` that does not wait for ever.
pub(crate) fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a timeout");
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
        Service::spawn(Command::new(env!("CARGO_BIN_EXE_svgx")), flags, variables, log)
    }

    /// Started by another program, which is given its path last.
    pub(crate) fn wrapped(by: &[&str], flags: &[&str]) -> Service {
        let (program, arguments) = by.split_first().expect("a program");
        let mut command = Command::new(program);
        command.args(arguments).arg(env!("CARGO_BIN_EXE_svgx"));
        Service::spawn(command, flags, &[("PATH", "/usr/bin:/bin")], None)
    }

    fn spawn(
        mut command: Command,
        flags: &[&str],
        variables: &[(&str, &str)],
        log: Option<&Path>,
    ) -> Service {
        let stderr =
            log.map_or_else(Stdio::null, |path| std::fs::File::create(path).expect("a log").into());
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
            .args(flags)
            .env_clear()
            .envs([UNHURRIED])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let mut process = Running(command.spawn().expect("the binary runs"));
        let mut line = String::new();
        let out = process.0.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let bound: Value = serde_json::from_str(&line).expect("one line of JSON");
        let at =
            |name: &str| bound[name].as_str().and_then(|a| a.parse().ok()).expect("an address");
        Service { process, public: at("public"), internal: at("internal") }
    }

    /// The status that the internal listener answers a GET with.
    pub(crate) fn probe(&self, path: &str) -> u16 {
        let client = Client::new(&format!("http://{}", self.internal), None, None);
        block(client.expect("a client").get(path, &[])).expect("an answer").status
    }

    /// Tells the process something.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Ends it at once, as a failing machine does.
    pub(crate) fn kill(mut self) {
        self.process.0.kill().expect("it runs");
        self.process.0.wait().expect("it ends");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.0.wait().expect("it ends")
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> Answer {
        self.ask("GET", path, headers, b"")
    }

    pub(crate) fn send(&self, path: &str, headers: &str, body: &[u8]) -> Answer {
        self.ask("POST", path, headers, body)
    }

    /// One request on a connection of its own; `headers` are lines with their ends.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = connect(self.public);
        let length = match method {
            "GET" | "HEAD" | "DELETE" => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}{length}\r\n",
            self.public
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
