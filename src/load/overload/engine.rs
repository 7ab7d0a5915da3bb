//! The engine under test: a process of its own, and what it uses and says.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Deserialize;

use super::Error;

/// A running engine; ends with the value.
#[derive(Debug)]
pub struct Engine {
    process: Child,
    /// Where its endpoints listen.
    pub public: String,
    internal: SocketAddr,
}

/// What the engine says about itself, as far as it is needed here.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ControllerState {
    /// The tier physics is worked at.
    pub(super) tier: String,
    /// Moves of the tier since the start.
    pub(super) tier_moves: u64,
    /// Ticks at which the backstop acted.
    pub(super) backstop_fired: u64,
}

#[derive(Deserialize)]
struct Bound {
    public: String,
    internal: Option<String>,
}

impl Engine {
    /// Starts `program serve` on free ports, without rate limits, with more arguments.
    ///
    /// # Errors
    /// [`Error::Engine`] when it does not come up.
    pub fn start(program: &Path, more: &[&str]) -> Result<Engine, Error> {
        let started = |e: io::Error| Error::Engine(format!("{}: {e}", program.display()));
        let mut process = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
            .args(["--rate-limit", "off", "--log-level", "warn"])
            .args(more)
            // What is set for others must not configure this one, or keep it from starting.
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(started)?;
        let output = last_words(&mut process).map_err(started)?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(started)?;
        }
        let bound: Result<Bound, _> = serde_json::from_str(&line);
        let address = bound.ok().and_then(|b| Some((b.public, b.internal?.parse().ok()?)));
        let Some((public, internal)) = address else {
            // It did not start; what it is goes with the process.
            let _ = process.kill();
            let _ = process.wait();
            let output = output.join().unwrap_or_default();
            let what = format!("it did not say where it listens: {line:?}; it said: {output}");
            return Err(Error::Engine(what));
        };
        Ok(Engine { process, public, internal })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Processor time it has used, in steps of ten milliseconds.
    pub fn cpu(&self) -> Duration {
        cpu(self.id())
    }

    pub(super) fn internal(&self) -> SocketAddr {
        self.internal
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads the standard error of `process` to its end, so that it never waits for a reader,
/// and keeps the last of it.
fn last_words(process: &mut Child) -> io::Result<JoinHandle<String>> {
    let mut from = process.stderr.take();
    std::thread::Builder::new().name("engine-stderr".to_owned()).spawn(move || {
        let (mut kept, mut chunk) = (Vec::new(), [0; 4096]);
        while let Some(Ok(read @ 1..)) = from.as_mut().map(|from| from.read(&mut chunk)) {
            kept.extend_from_slice(chunk.get(..read).unwrap_or_default());
            let excess = kept.len().saturating_sub(LAST_WORDS);
            kept.drain(..excess);
        }
        String::from_utf8_lossy(&kept).trim().to_owned()
    })
}

/// Bytes of the engine's standard error that are kept.
const LAST_WORDS: usize = 4 << 10;

/// Processor time a process has used (proc(5): in hundredths of a second).
pub(super) fn cpu(process: u32) -> Duration {
    let read = || {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name may hold anything; what follows its last parenthesis is in columns.
        let mut columns = text.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let user: u64 = columns.next()?.parse().ok()?;
        let system: u64 = columns.next()?.parse().ok()?;
        Some(Duration::from_millis((user + system) * 10))
    };
    read().unwrap_or_default()
}

/// Asks `GET /slo`; none when that fails.
pub(super) fn controller_state(at: SocketAddr) -> Option<ControllerState> {
    let second = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&at, second).ok()?;
    stream.set_read_timeout(Some(second)).ok()?;
    write!(stream, "GET /slo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    serde_json::from_slice(answer.get(end + 4..)?).ok()
}
