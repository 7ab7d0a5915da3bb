//! One tick of a drag, over HTTP and over a WebSocket, with 1, 10 and 50 editors in one session of
//! 1 000 elements: each drags an element of its own, thirty times a second.
//!
//! Latency is counted from the moment a tick was due until its answer was read: over HTTP that is when
//! it would outlive the process, over the stream when it is done and on its way to the others
//! (`durable` follows). *Seen* is until another editor has read its patch. Editors and engine share the
//! processors. The target is 16 ms at P95 for the answer, 33 ms until it is seen, 60 ms with 50.
//!
//! Where there is a `redis-server`, the same once more with two engines that share the session on it:
//! every other editor asks the one that does not have it. The target there is 12 ms at P95 for the
//! answer of the stream, 25 ms for that over HTTP, which is durable, and 33 ms until it is seen.
//!
//! `cargo bench --bench together`

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const ELEMENTS: usize = 1_000;
const EVERY: Duration = Duration::from_micros(33_333);
const TICKS: u32 = 150;
const EDITORS: [usize; 3] = [1, 10, 50];

/// A process that ends with this.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Engines that serve one session, and what they keep it on.
struct Service {
    addresses: Vec<SocketAddr>,
    /// In the order they are ended.
    _processes: Vec<Process>,
    _directory: tempfile::TempDir,
}

impl Service {
    /// One engine with a file of its own.
    fn alone() -> Service {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().to_string_lossy().into_owned();
        let (process, at) = engine(&["--data-dir", &data]);
        Service { addresses: vec![at], _processes: vec![process], _directory: directory }.begin()
    }

    /// Two engines on a Redis; none where there is no Redis.
    fn shared() -> Option<Service> {
        let directory = tempfile::tempdir().expect("a directory");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        let redis = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &free.port().to_string(), "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .args(["--maxmemory-policy", "noeviction", "--dir"])
            .arg(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let redis = Process(redis);
        let secret = directory.path().join("secret");
        std::fs::write(&secret, "known to these two alone").expect("a file");
        let (store, secret) = (format!("redis://{free}/0"), secret.to_string_lossy().into_owned());
        let flags = ["--store", &store, "--replica-secret-file", &secret];
        let (one, first) = engine(&[&flags[..], &["--replica-listen", "127.0.0.1:0"]].concat());
        let (two, second) = engine(&[&flags[..], &["--replica-listen", "127.0.0.1:0"]].concat());
        let addresses = vec![first, second];
        let _processes = vec![one, two, redis];
        Some(Service { addresses, _processes, _directory: directory }.begin())
    }

    /// Begins the session that all edit.
    fn begin(self) -> Service {
        let mut drawing =
            String::from("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4000 4000'>");
        for n in 0..ELEMENTS {
            let (x, y) = (n % 32 * 100, n / 32 * 100);
            let _ = write!(drawing, "<rect id='e{n}' x='{x}' y='{y}' width='50' height='50'/>");
        }
        drawing.push_str("</svg>");
        let body = serde_json::json!({ "content": drawing, "session": "plan" }).to_string();
        let status = Http::open(self.of(0)).ask("/sessions", &body);
        assert_eq!(status, 200, "the session begins");
        self
    }

    /// The engine that an editor asks.
    fn of(&self, editor: usize) -> SocketAddr {
        self.addresses[editor % self.addresses.len()]
    }
}

fn engine(flags: &[&str]) -> (Process, SocketAddr) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "off"])
        .args(["--rate-limit", "off"])
        .args(flags)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the engine starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let bound: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let at = bound["public"].as_str().and_then(|a| a.parse().ok()).expect("an address");
    (Process(process), at)
}

/// A connection that asks and waits for its answer.
struct Http(BufReader<TcpStream>);

impl Http {
    fn open(at: SocketAddr) -> Http {
        let stream = TcpStream::connect(at).expect("it accepts");
        stream.set_nodelay(true).expect("a socket");
        Http(BufReader::new(stream))
    }

    fn ask(&mut self, path: &str, body: &str) -> u16 {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(head.as_bytes()).expect("sent");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("a head") > 0, "the engine hung up");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if status == 0 {
                status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
            }
            if let Some(given) = line.strip_prefix("content-length: ") {
                length = given.parse().expect("a length");
            }
        }
        self.0.read_exact(&mut vec![0; length]).expect("a body");
        status
    }
}

impl Http {
    /// Asks until it is done: the ends of a drag are not what is measured.
    fn insist(&mut self, body: &str) {
        for _ in 0..100 {
            if self.ask("/interactive", body) == 200 {
                return;
            }
            thread::sleep(EVERY);
        }
    }
}

/// As much of a WebSocket as this needs.
struct Live {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Live {
    fn open(at: SocketAddr, participant: &str) -> Live {
        let mut stream = TcpStream::connect(at).expect("it accepts");
        stream.set_nodelay(true).expect("a socket");
        stream
            .write_all(
                b"GET /sessions/plan/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: svgx.v1\r\n\r\n",
            )
            .expect("sent");
        let mut live = Live { stream, buffer: Vec::new() };
        let end = loop {
            live.more();
            if let Some(end) = memchr::memmem::find(&live.buffer, b"\r\n\r\n") {
                break end;
            }
        };
        assert!(live.buffer.starts_with(b"HTTP/1.1 101"), "a stream");
        live.buffer.drain(..end + 4);
        live.say(&format!(r#"{{"frame":"hello","participant":"{participant}"}}"#));
        while !live.next().is_some_and(|text| text.starts_with(br#"{"frame":"reset""#)) {}
        live
    }

    fn say(&mut self, text: &str) {
        let mut frame = vec![0x81];
        match text.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend_from_slice(text.as_bytes());
        self.stream.write_all(&frame).expect("sent");
    }

    /// Whether more came before the read timed out.
    fn more(&mut self) -> bool {
        let mut piece = [0; 64 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => panic!("the engine hung up"),
            Ok(count) => self.buffer.extend_from_slice(&piece[..count]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return false;
            }
            Err(error) => panic!("{error}"),
        }
        true
    }

    /// The next frame; none where the read timed out.
    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some((opcode, payload)) = self.whole() {
                match opcode {
                    1 => return Some(payload),
                    // A ping: a round is shorter than the patience of the engine.
                    9 => {}
                    other => panic!("opcode {other}: {}", String::from_utf8_lossy(&payload)),
                }
            } else if !self.more() {
                return None;
            }
        }
    }

    fn whole(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, short) = (*self.buffer.first()?, *self.buffer.get(1)?);
        let (from, length) = match short {
            126 => (4, self.buffer.get(2..4)?.iter().fold(0, |n, b| n << 8 | usize::from(*b))),
            127 => (10, self.buffer.get(2..10)?.iter().fold(0, |n, b| n << 8 | usize::from(*b))),
            short => (2, usize::from(short)),
        };
        let payload = self.buffer.get(from..from + length)?.to_vec();
        self.buffer.drain(..from + length);
        Some((first & 0x0f, payload))
    }
}

/// What one round measured, in milliseconds.
#[derive(Default)]
struct Measured {
    answered: Vec<f64>,
    seen: Vec<f64>,
    refused: usize,
}

fn at(percent: usize, of: &mut [f64]) -> String {
    of.sort_by(f64::total_cmp);
    match of.get((of.len() * percent / 100).min(of.len().saturating_sub(1))) {
        Some(ms) => format!("{ms:.2}"),
        None => "-".to_owned(),
    }
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// A tick of an editor, and when it is due.
fn tick(begun: Instant, editor: usize, editors: usize, n: u32) -> (Instant, String) {
    // Not all at the same moment.
    let shift = EVERY * editor as u32 / editors as u32;
    let x = editor * 10 + n as usize % 40;
    (begun + shift + EVERY * n, format!(r#""coordinates":{{"x":{x},"y":10}}"#))
}

fn over_http(service: &Service, editors: usize) -> Measured {
    let barrier = Arc::new(Barrier::new(editors));
    let each = move |editor: usize, barrier: &Barrier, at: SocketAddr| {
        let mut http = Http::open(at);
        let who = format!(r#""session":"plan","participant":"h{editor}""#);
        let start = format!(
            r#"{{{who},"operation":"drag_start","element_id":"e{editor}","coordinates":{{"x":0,"y":0}}}}"#
        );
        http.insist(&start);
        barrier.wait();
        let begun = Instant::now();
        let mut measured = Measured::default();
        for n in 0..TICKS {
            let (due, place) = tick(begun, editor, editors, n);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            match http.ask("/interactive", &format!(r#"{{{who},"operation":"drag_move",{place}}}"#))
            {
                200 => measured.answered.push(ms(due)),
                _ => measured.refused += 1,
            }
        }
        http.insist(&format!(r#"{{{who},"operation":"drag_end"}}"#));
        measured
    };
    let threads: Vec<_> = (0..editors)
        .map(|editor| {
            let (barrier, address) = (Arc::clone(&barrier), service.of(editor));
            thread::spawn(move || each(editor, &barrier, address))
        })
        .collect();
    all(threads)
}

fn over_stream(service: &Service, editors: usize) -> Measured {
    let barrier = Arc::new(Barrier::new(editors));
    let sent: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
    let threads: Vec<_> = (0..editors)
        .map(|editor| {
            let address = service.of(editor);
            let (barrier, sent) = (Arc::clone(&barrier), Arc::clone(&sent));
            let shared = Arc::clone(&sent);
            thread::spawn(move || {
                let mut live = Live::open(address, &format!("w{editor}"));
                let say = |live: &mut Live, id: &str, operation: &str| {
                    live.say(&format!(r#"{{"frame":"operation","id":"{id}","operation":{{{operation}}}}}"#));
                };
                let start = format!(
                    r#""operation":"drag_start","element_id":"e{editor}","coordinates":{{"x":0,"y":0}}"#
                );
                let name = format!("{editors}-{editor}");
                say(&mut live, &format!("{name}-start"), &start);
                let waiting: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
                let mut reading = Live {
                    stream: live.stream.try_clone().expect("a socket"),
                    buffer: std::mem::take(&mut live.buffer),
                };
                barrier.wait();
                let begun = Instant::now();
                let reader = {
                    let waiting = Arc::clone(&waiting);
                    thread::spawn(move || {
                        let mut measured = Measured::default();
                        let until = begun + EVERY * (TICKS + 60);
                        let patience = Duration::from_millis(100);
                        reading.stream.set_read_timeout(Some(patience)).expect("a timeout");
                        while Instant::now() < until {
                            let Some(frame) = reading.next() else { continue };
                            hear(&frame, &waiting, &sent, editor, &mut measured);
                        }
                        measured.refused += waiting.lock().expect("a lock").len();
                        measured
                    })
                };
                for n in 0..TICKS {
                    let (due, place) = tick(begun, editor, editors, n);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let id = format!("{name}-{n}");
                    waiting.lock().expect("a lock").insert(id.clone(), due);
                    shared.lock().expect("a lock").insert(id.clone(), due);
                    say(&mut live, &id, &format!(r#""operation":"drag_move",{place}"#));
                }
                reader.join().expect("a reader")
            })
        })
        .collect();
    all(threads)
}

/// What a frame says of a tick.
fn hear(
    frame: &[u8],
    waiting: &Mutex<HashMap<String, Instant>>,
    sent: &Mutex<HashMap<String, Instant>>,
    editor: usize,
    measured: &mut Measured,
) {
    let is = |name: &str| frame.get(10..).is_some_and(|rest| rest.starts_with(name.as_bytes()));
    let id = || {
        let from = memchr::memmem::find(frame, br#""id":""#)? + 6;
        let length = frame.get(from..)?.iter().position(|b| *b == b'"')?;
        String::from_utf8(frame.get(from..from + length)?.to_vec()).ok()
    };
    if is("answer") {
        if let Some(due) = id().and_then(|id| waiting.lock().expect("a lock").remove(&id)) {
            measured.answered.push(ms(due));
        }
    } else if is("problem") {
        if id().and_then(|id| waiting.lock().expect("a lock").remove(&id)).is_some() {
            measured.refused += 1;
        }
    } else if is("patch") && editor == 0 {
        // One of them looks when it sees what the others do.
        let Some(id) = id().filter(|id| !waiting.lock().expect("a lock").contains_key(id)) else {
            return;
        };
        if let Some(due) = sent.lock().expect("a lock").remove(&id) {
            measured.seen.push(ms(due));
        }
    }
}

fn all(threads: Vec<thread::JoinHandle<Measured>>) -> Measured {
    let mut all = Measured::default();
    for thread in threads {
        let one = thread.join().expect("an editor");
        all.answered.extend(one.answered);
        all.seen.extend(one.seen);
        all.refused += one.refused;
    }
    all
}

fn main() {
    println!("{ELEMENTS} elements, {TICKS} ticks of each editor, one every {EVERY:?}; ms");
    println!("| engines | editors | over | P50 | P95 | P99 | seen P50 | P95 | P99 | refused |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let starts: [fn() -> Option<Service>; 2] = [|| Some(Service::alone()), Service::shared];
    for start in starts {
        for editors in EDITORS {
            for over in ["HTTP", "WebSocket"] {
                let Some(service) = start() else {
                    println!("two engines: skipped, there is no redis-server here");
                    return;
                };
                let mut measured = match over {
                    "HTTP" => over_http(&service, editors),
                    _ => over_stream(&service, editors),
                };
                let answered = [50, 95, 99].map(|percent| at(percent, &mut measured.answered));
                let seen = [50, 95, 99].map(|percent| at(percent, &mut measured.seen));
                println!(
                    "| {} | {editors} | {over} | {} | {} | {} |",
                    service.addresses.len(),
                    answered.join(" | "),
                    seen.join(" | "),
                    measured.refused
                );
            }
        }
    }
}
