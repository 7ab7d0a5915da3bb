//! Requests a second through the whole edge (trace, key, rate, metrics, headers) against a
//! bare actix-web handler that answers the same bytes, over loopback in the same run.
//!
//! `/health`: the target is 0.85 of the bare handler. `/parse`: the room, sent anew each time
//! with another comment, so that the cache never knows it; the bare handler reads the same
//! body and answers as many bytes. Client and servers share the processors, so that the ratio
//! counts, not the rate.
//!
//! `cargo bench --bench http`

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use actix_web::{App, HttpResponse, HttpServer, web};

const ROOM: &str = include_str!("../examples/room.svgx");
/// Connections, each asking again as soon as it is answered.
const CLIENTS: usize = 8;
/// Requests of one connection in one round.
const REQUESTS: usize = 1_500;
const ROUNDS: usize = 9;
const KEY: &str = "bench-0123456789abcdef";

/// The engine as it is served; ends with the value.
struct Engine {
    process: Child,
    at: SocketAddr,
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Engine {
    fn start() -> Engine {
        let mut process = Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "off"])
            // High enough never to refuse; the counting is part of the edge.
            .args(["--rate-limit-rest", "60000000", "--rate-limit-burst", "1000000"])
            .args(["--api-key", &format!("bench:{KEY}")])
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the engine starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let bound: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let at = bound["public"].as_str().and_then(|a| a.parse().ok()).expect("an address");
        Engine { process, at }
    }
}

/// A server with two handlers and nothing around them, on as many threads as the engine's.
fn bare(health: Vec<u8>, parsed: Vec<u8>) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let (health, parsed) = (bytes::Bytes::from(health), bytes::Bytes::from(parsed));
        let json =
            |body: bytes::Bytes| HttpResponse::Ok().content_type("application/json").body(body);
        let server = HttpServer::new(move || {
            let (health, parsed) = (health.clone(), parsed.clone());
            App::new()
                .route(
                    "/health",
                    web::get().to(move || {
                        let h = health.clone();
                        async move { json(h) }
                    }),
                )
                .route(
                    "/parse",
                    web::post().to(move |_: web::Bytes| {
                        let p = parsed.clone();
                        async move { json(p) }
                    }),
                )
        })
        .workers(2)
        .bind("127.0.0.1:0")
        .expect("a free port");
        tell.send(server.addrs()[0]).expect("somebody waits");
        actix_web::rt::System::new().block_on(server.run()).expect("it serves");
    });
    told.recv().expect("it listens")
}

/// What one connection asks for, the `i`th time.
type Ask = fn(usize) -> String;

fn health(_: usize) -> String {
    format!("GET /health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n")
}

fn parse(i: usize) -> String {
    let body = format!("{ROOM}<!-- {i} -->");
    format!(
        "POST /parse HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Type: image/svg+xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one answer; its body. The head is gone through once, however many lines it has:
/// what a client makes of them is not the server's work.
fn answer(reader: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut head = Vec::new();
    let end = loop {
        let more = reader.fill_buf().expect("an answer");
        assert!(!more.is_empty(), "the server hung up");
        let before = head.len();
        head.extend_from_slice(more);
        if let Some(end) = memchr::memmem::find(&head, b"\r\n\r\n") {
            reader.consume(end + 4 - before);
            break end;
        }
        reader.consume(head.len() - before);
    };
    head.truncate(end);
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    let name = b"\r\ncontent-length: ";
    let from = memchr::memmem::find(&head, name).expect("a length") + name.len();
    let digits = head[from..].iter().map_while(|d| char::from(*d).to_digit(10));
    let length = digits.fold(0, |n, d| n * 10 + d as usize);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    body
}

fn one(at: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(at).expect("it accepts");
    stream.write_all(request.as_bytes()).expect("sent");
    answer(&mut BufReader::new(stream))
}

/// Requests a second over [`CLIENTS`] connections; `round` keeps bodies from repeating.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn throughput(at: SocketAddr, ask: Ask, round: usize) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                let mut stream = TcpStream::connect(at).expect("it accepts");
                stream.set_nodelay(true).expect("a socket");
                let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
                for i in 0..REQUESTS {
                    let request = ask((round * CLIENTS + client) * REQUESTS + i);
                    stream.write_all(request.as_bytes()).expect("sent");
                    answer(&mut reader);
                }
            });
        }
    });
    (CLIENTS * REQUESTS) as f64 / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    let engine = Engine::start();
    let plain = bare(one(engine.at, &health(0)), one(engine.at, &parse(0)));
    println!("{:>8} {:>12} {:>12} {:>10}", "path", "svgx req/s", "bare req/s", "svgx/bare");
    for (path, ask) in [("/health", health as Ask), ("/parse", parse as Ask)] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // Alternate, so that a slow moment of the machine falls on both. The first round warms up.
        for round in 0..=ROUNDS {
            let pair = (throughput(engine.at, ask, round), throughput(plain, ask, round));
            if round > 0 {
                ours.push(pair.0);
                theirs.push(pair.1);
            }
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{path:>8} {ours:>12.0} {theirs:>12.0} {:>10.2}", ours / theirs);
    }
}
