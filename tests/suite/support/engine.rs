//! The binary as a service of its own, for tests that need several of them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// For tests that are not about the controller: unoptimised and beside all the others, the
/// engine is too slow for its budgets, and would rightly refuse. A flag has precedence.
pub(crate) const UNHURRIED: (&str, &str) = ("SVGX_CONTROLLER", "shadow");

/// A running engine; ends with the value.
pub(crate) struct Engine {
    process: Child,
    pub(crate) at: String,
}

/// What it answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Engine {
    pub(crate) fn start(more: &[&str]) -> Engine {
        let mut process = Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "off"])
            .args(["--rate-limit", "off", "--log-level", "warn"])
            .args(more)
            .env_clear()
            .envs([UNHURRIED])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let out = process.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let bound: Value = serde_json::from_str(&line).expect("one line of JSON");
        let at = bound["public"].as_str().expect("an address").to_owned();
        Engine { process, at }
    }

    /// One request on a connection of its own; `headers` are lines with their ends.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.at).expect("it accepts");
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a timeout");
        let length = match method {
            "GET" | "DELETE" => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}{length}\r\n",
            self.at
        );
        stream.write_all(head.as_bytes()).expect("sent");
        // It may answer, and hang up, before it has read everything.
        let _ = stream.write_all(body);
        let mut raw = Vec::new();
        let _ = stream.read_to_end(&mut raw);
        let end = raw.windows(4).position(|w| w == b"\r\n\r\n").expect("an answer with a head");
        let head = String::from_utf8(raw[..end].to_vec()).expect("a head in text");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        Answer { status, head, body: raw[end + 4..].to_vec() }
    }
}

impl Answer {
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
