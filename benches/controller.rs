//! What the controller itself costs.
//!
//! `cargo bench --bench controller`, a minute. It prints:
//! - a decision and a tick of the pure core, P50 and P99 over single calls, with
//!   queues from empty to full, a thousand keys and a thousand sessions;
//! - the same decision through the lock of the pool;
//! - the memory of the core once everything in it has been used;
//! - the processor time of a refused request end to end, by the time the engine's
//!   process used for many of them over HTTP, beside an empty answer of the same server.
//!
//! Bounds: a decision 1 µs P50 and 3 µs P99, a tick 50 µs, 1 MiB, a refusal 25 µs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use svgx_base::budget::{Class, Clock as _, Manual, Monotonic, Time};
use svgx_controller::core::{Controller, Cost, Lane, Next, Outcome, Sensors};
use svgx_controller::spec::Spec;
use svgx_controller::{Request, Runtime, RuntimeOptions, SessionId, TenantId};
use svgx_load::overload::Engine;
use svgx_load::{Answer, Connection, Target, pile};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let spec = Spec::embedded().expect("valid");
    println!("{:<52} {:>9} {:>9} {:>9}", "", "p50", "p99", "max");
    for waiting in [0, 10, 100, 1_000] {
        decisions(&spec, waiting);
    }
    ticks(&spec);
    through_the_lock(&spec);
    memory(&spec);
    refusals();
}

/// Prints quantiles of single calls in nanoseconds, the cost of reading the clock taken off.
fn show(what: &str, mut samples: Vec<u64>) {
    let clock = Monotonic::new();
    let mut empty: Vec<u64> = (0..10_000)
        .map(|_| {
            let from = clock.now();
            clock.now().0 - from.0
        })
        .collect();
    empty.sort_unstable();
    samples.sort_unstable();
    let at = |share: f64| {
        let index = ((samples.len() - 1) as f64 * share) as usize;
        samples[index].saturating_sub(empty[empty.len() / 2])
    };
    println!("{what:<52} {:>6} ns {:>6} ns {:>6} ns", at(0.5), at(0.99), at(1.0));
}

/// A busy controller: every kind of request, a thousand keys and sessions.
struct Busy {
    controller: Controller,
    now: u64,
    turn: u64,
}

impl Busy {
    fn new(spec: &Spec) -> Busy {
        let mut busy = Busy { controller: Controller::new(spec, 2.0, 1), now: 1, turn: 0 };
        for _ in 0..20_000 {
            busy.arrive();
            busy.work(0);
        }
        busy
    }

    fn arrive(&mut self) -> u64 {
        const KINDS: [(Class, &str, u64); 6] = [
            (Class::Ui, "session.operate", 1_000),
            (Class::Ui, "session.state", 1_000),
            (Class::Redraw, "parse", 1_000),
            (Class::Redraw, "compile", 4_000),
            (Class::Physics, "simulate", 12_000),
            (Class::Physics, "solve", 500),
        ];
        self.turn += 1;
        self.now += 1_500_000;
        let (class, operation, size) = KINDS[self.turn as usize % KINDS.len()];
        let request = Request {
            size,
            tenant: TenantId(self.turn * 7 % 1_000),
            session: SessionId(self.turn * 13 % 1_000 + 1),
            trace_id: u128::from(self.turn),
            ..Request::new(class, operation)
        };
        let clock = Monotonic::new();
        let from = clock.now();
        let decision = self.controller.on_arrival(Time(self.now), std::hint::black_box(&request));
        let took = clock.now().0 - from.0;
        if let Some(job) = decision.job {
            self.controller.on_ready(Time(self.now), job);
        }
        took
    }

    /// Works until so many jobs are left.
    fn work(&mut self, left: u32) {
        for lane in Lane::ALL {
            while self.controller.in_flight() > left {
                match self.controller.next(Time(self.now), lane) {
                    Next::Idle => break,
                    Next::Drop(..) => {}
                    Next::Run(assignment) => {
                        let cost = Cost { cpu: 400_000, ran: 400_000 };
                        let now = Time(self.now);
                        self.controller.on_finish(now, assignment.job, cost, Outcome::Done);
                    }
                }
            }
        }
        if self.turn.is_multiple_of(6) {
            self.controller.tick(Time(self.now), Some(Sensors { cores: 2.0 }));
        }
    }
}

fn decisions(spec: &Spec, waiting: u32) {
    let mut busy = Busy::new(spec);
    let samples = (0..100_000)
        .map(|_| {
            let took = busy.arrive();
            busy.work(waiting);
            took
        })
        .collect();
    show(&format!("decision, up to {waiting} jobs waiting"), samples);
}

fn ticks(spec: &Spec) {
    let mut busy = Busy::new(spec);
    let clock = Monotonic::new();
    let samples = (0..20_000)
        .map(|_| {
            for _ in 0..6 {
                busy.arrive();
            }
            busy.work(200);
            busy.now += 10_000_000;
            let from = clock.now();
            busy.controller.tick(Time(busy.now), Some(Sensors { cores: 2.0 }));
            clock.now().0 - from.0
        })
        .collect();
    show("tick, a thousand keys", samples);
}

fn through_the_lock(spec: &Spec) {
    let options = RuntimeOptions { cores: Some(2.0), ..RuntimeOptions::default() };
    let manual: Arc<Manual> = Arc::default();
    let runtime = Runtime::start(spec, manual, options).expect("threads");
    let clock = Monotonic::new();
    let request = Request { size: 1_000, ..Request::new(Class::Ui, "session.operate") };
    let samples = (0..100_000)
        .map(|_| {
            let from = clock.now();
            let ticket = runtime.admit(std::hint::black_box(&request));
            let took = clock.now().0 - from.0;
            drop(ticket);
            took
        })
        .collect();
    show("decision through the lock of the pool", samples);
}

fn memory(spec: &Spec) {
    let before = allocated();
    let mut busy = Busy::new(spec);
    for _ in 0..5_000 {
        busy.arrive();
    }
    let kib = allocated().saturating_sub(before) as f64 / 1024.0;
    println!("{:<52} {kib:>6.0} KiB", "memory of the core, everything used");
}

fn allocated() -> usize {
    tikv_jemalloc_ctl::epoch::advance().expect("an epoch");
    tikv_jemalloc_ctl::stats::allocated::read().expect("a figure")
}

/// Connections of a flood: refusals come in a flood, and then a worker that woke up has many
/// to answer.
const FLOOD: u32 = 64;

/// Many requests that are refused without exception: physics is pinned to its coarsest tier
/// and every request insists on the finest.
fn refusals() {
    let program = Path::new(env!("CARGO_BIN_EXE_svgx"));
    let arguments = ["--controller", "on", "--operator", "anonymous"];
    let engine = Engine::start(program, &arguments).expect("the engine runs");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let target = Target::parse(&engine.public, false).expect("an address");
        let at = target.address();
        let mut connection = Connection::open(at).await.expect("it accepts");
        let pin = br#"{"pin":"ui","seconds":600}"#;
        let head = head("PUT", "/slo/controls", "application/json", "", pin.len());
        let pinned = connection.post(&head, pin).await.expect("an answer");
        assert_eq!(pinned.status, 200, "{}", String::from_utf8_lossy(&pinned.body));

        let strict = "X-SVGX-Precision: compute; strict\r\n";
        let small = pile(1);
        let large = pile(600);
        let cases = [
            ("GET of an unknown path (the server itself)", "GET", "/nowhere", "", ""),
            ("refused, body of 0.5 kB", "POST", "/simulate", strict, small.as_str()),
            ("refused, body of 100 kB", "POST", "/simulate", strict, large.as_str()),
        ];
        for (what, method, path, headers, body) in cases {
            let head = self::head(method, path, "image/svg+xml", headers, body.len());
            let expected = if method == "GET" { 404 } else { 503 };
            let count = if body.len() > 10_000 { 6_400 } else { 38_400 };
            for connections in [1, FLOOD] {
                many(at, &head, body, count / 10, expected, connections).await;
                let before = engine.cpu();
                let slowest = many(at, &head, body, count, expected, connections).await;
                let cpu = engine.cpu().saturating_sub(before);
                println!(
                    "{:<52} {:>6.1} µs of processor, p99 {:.0} µs",
                    format!("{what}, {connections} at once"),
                    cpu.as_secs_f64() * 1e6 / f64::from(count),
                    slowest.as_secs_f64() * 1e6,
                );
            }
        }
    });
}

fn head(method: &str, path: &str, media: &str, headers: &str, length: usize) -> String {
    let body = match method {
        "GET" => String::new(),
        _ => format!("Content-Type: {media}\r\nContent-Length: {length}\r\n"),
    };
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{body}\r\n")
}

/// Sends `count` requests over so many connections and answers the P99 of their time.
async fn many(
    at: std::net::SocketAddr,
    head: &str,
    body: &str,
    count: u32,
    expected: u16,
    connections: u32,
) -> Duration {
    let each = (0..connections).map(|_| one_by_one(at, head, body, count / connections, expected));
    let mut times = futures::future::join_all(each).await.concat();
    times.sort_unstable();
    Duration::from_nanos(times[(times.len() - 1) * 99 / 100])
}

/// One request after the other; what each took. A connection that the engine closes is opened
/// again.
async fn one_by_one(
    at: std::net::SocketAddr,
    head: &str,
    body: &str,
    count: u32,
    expected: u16,
) -> Vec<u64> {
    let clock = Monotonic::new();
    let mut connection = Connection::open(at).await.expect("it accepts");
    let mut times: Vec<u64> = Vec::new();
    for _ in 0..count {
        let from = clock.now();
        let answer: Answer = match connection.post(head, body.as_bytes()).await {
            Ok(answer) => answer,
            Err(_) => {
                connection = Connection::open(at).await.expect("it accepts");
                connection.post(head, body.as_bytes()).await.expect("an answer")
            }
        };
        times.push(clock.now().0 - from.0);
        assert_eq!(answer.status, expected, "{}", String::from_utf8_lossy(&answer.body));
        if !answer.keeps_alive() {
            connection = Connection::open(at).await.expect("it accepts");
        }
    }
    times
}
