//! What telemetry costs: `cargo bench --bench telemetry [-- --quick]`.
//!
//! First the whole service, by ratios of one run: throughput, P95 and processor
//! time of `/parse` and `/interactive` with all telemetry on (the Collector
//! running; an address where no collector is) against all of it off. The three
//! services run side by side and are loaded in turn, many short turns each, so
//! that whatever else the machine does falls on all alike. Asked: at least 0.95
//! of the throughput, at most 1.05 of the P95.
//!
//! Then deep traces that nobody asked for, against none at all: how many spans the work of a
//! request could open, what each of those costs while it is off, and that over the time of the
//! request, all measured in this run. Asked: less than a thousandth. Beside it what the same work
//! takes with the spans on.
//!
//! Then single measurements: nanoseconds and allocations.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the real clock")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

const ROOM: &str = include_str!("../examples/room.svgx");
/// Connections that ask at once: one for each processor of a small machine.
const CONNECTIONS: usize = 2;

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let (turns, turn) = if quick { (4, 250) } else { (40, 500) };
    service(turns, Duration::from_millis(turn));
    deep::main(if quick { 200 } else { 2_000 });
    println!("\none measurement (median of many), and what it allocates:");
    single::main();
}

/// A process that does not outlive the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Service {
    name: &'static str,
    process: Running,
    at: SocketAddr,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

fn start(name: &'static str, folder: &Path, variables: &[(&str, &str)]) -> Service {
    let log = std::fs::File::create(folder.join(format!("{name}.log"))).expect("a log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_svgx"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
        .args(["--rate-limit", "off", "--log-format", "json"])
        .env_clear()
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(log);
    let mut process = Running(command.spawn().expect("the binary starts"));
    let mut line = String::new();
    let stdout = process.0.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
    let at: Value = serde_json::from_str(&line).expect("JSON");
    let at = at["public"].as_str().and_then(|a| a.parse().ok()).expect("an address");
    Service { name, process, at }
}

fn collector(folder: &Path) -> Option<(Running, String)> {
    let tools = std::env::var_os("SVGX_TEST_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools"), PathBuf::from);
    let binary = tools.join("bin/otelcol-svgx");
    if !binary.exists() {
        println!("no Collector here (./test collector builds it): its rows are missing");
        return None;
    }
    let config = "k8s/components/otel-collector/collector.yaml";
    let ports = [free_port(), free_port(), free_port()];
    let at = |i: usize| format!("127.0.0.1:{}", ports[i]);
    let mut command = Command::new(binary);
    command
        .arg("--config")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(config))
        .env("OTEL_COLLECTOR_GRPC", at(0))
        .env("OTEL_COLLECTOR_HTTP", at(1))
        .env("OTEL_COLLECTOR_HEALTH", at(2))
        .env("OTEL_COLLECTOR_FILES", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let running = Running(command.spawn().expect("the collector starts"));
    while TcpStream::connect(at(0)).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
    Some((running, format!("http://{}", at(0))))
}

fn service(turns: usize, turn: Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = collector(folder.path());
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let mut services = vec![start(
        "all off",
        folder.path(),
        &[("OTEL_SDK_DISABLED", "true"), ("LOG_LEVEL", "off")],
    )];
    if let Some((_, endpoint)) = &collector {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
        services.push(start("all on", folder.path(), &variables));
    }
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", nowhere.as_str())];
    services.push(start("collector dead", folder.path(), &variables));

    let parse = json!({"content": ROOM}).to_string();
    let load = json!({"operation": "load", "content": ROOM}).to_string();
    let click = json!({"operation": "click", "element_id": "lf01"}).to_string();
    println!(
        "{:<14} {:<16} {:>9} {:>7} {:>9} {:>7} {:>11} {:>7}",
        "request", "telemetry", "req/s", "ratio", "P95 ms", "ratio", "cpu µs/req", "ratio"
    );
    for (name, path, body) in
        [("/parse", "/parse", &parse), ("/interactive", "/interactive", &click)]
    {
        let mut seen: Vec<Measured> = services.iter().map(|_| Measured::default()).collect();
        for service in &services {
            Connection::open(service.at).ask("/interactive", &load);
        }
        // One more turn at the start warms everything up and is not counted.
        for i in 0..=turns {
            // There and back (ABBA), beginning with another one each time: what drifts
            // falls on all alike, and so does coming after somebody.
            let n = services.len();
            for k in 0..n {
                let k = if i.is_multiple_of(2) { k } else { n - 1 - k };
                let s = (i / 2 + k) % n;
                let turned = measure_turn(&services[s], path, body, turn);
                if i > 0 {
                    seen[s].add(&turned);
                }
            }
        }
        let off = seen[0].figures();
        for (service, seen) in services.iter().zip(&seen) {
            let (rate, p95, cpu) = seen.figures();
            println!(
                "{name:<14} {:<16} {rate:>9.0} {:>7.3} {p95:>9.3} {:>7.3} {cpu:>11.1} {:>7.3}",
                service.name,
                rate / off.0,
                p95 / off.1,
                cpu / off.2
            );
        }
    }
}

struct Measured {
    micros: Histogram<u64>,
    spent: Duration,
    cpu: Duration,
}

impl Default for Measured {
    fn default() -> Measured {
        let micros = Histogram::new(3).expect("three digits");
        Measured { micros, spent: Duration::ZERO, cpu: Duration::ZERO }
    }
}

impl Measured {
    fn add(&mut self, turn: &Measured) {
        self.micros.add(&turn.micros).expect("it grows");
        self.spent += turn.spent;
        self.cpu += turn.cpu;
    }

    /// Requests per second, P95 in milliseconds, microseconds of processor per request.
    fn figures(&self) -> (f64, f64, f64) {
        let n = self.micros.len() as f64;
        let p95 = self.micros.value_at_quantile(0.95) as f64 / 1e3;
        (n / self.spent.as_secs_f64(), p95, self.cpu.as_secs_f64() * 1e6 / n)
    }
}

fn measure_turn(service: &Service, path: &str, body: &str, turn: Duration) -> Measured {
    let before = processor_time(service.process.0.id());
    let began = Instant::now();
    let mut seen = Measured::default();
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let mut micros = Histogram::<u64>::new(3).expect("three digits");
                    let mut connection = Connection::open(service.at);
                    while began.elapsed() < turn {
                        let asked = Instant::now();
                        connection.ask(path, body);
                        micros.saturating_record(asked.elapsed().as_micros() as u64);
                    }
                    micros
                })
            })
            .collect();
        for micros in asking {
            seen.micros.add(micros.join().expect("no panic")).expect("it grows");
        }
    });
    seen.spent = began.elapsed();
    seen.cpu = processor_time(service.process.0.id()).saturating_sub(before);
    seen
}

/// User and system time of a process, in ticks of 10 ms.
fn processor_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|t| t.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// A connection that stays open.
struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    fn open(at: SocketAddr) -> Connection {
        let stream = TcpStream::connect(at).expect("it listens");
        stream.set_nodelay(true).expect("set");
        Connection { reader: BufReader::new(stream) }
    }

    fn ask(&mut self, path: &str, body: &str) {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.reader.get_mut().write_all(request.as_bytes()).expect("sent");
        let (mut length, mut line, mut first) = (0, String::new(), true);
        loop {
            line.clear();
            self.reader.read_line(&mut line).expect("answered");
            if first {
                assert!(line.starts_with("HTTP/1.1 200"), "{line}");
                first = false;
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
        }
        std::io::copy(&mut (&mut self.reader).take(length), &mut std::io::sink()).expect("read");
    }
}

/// Deep traces while they are off.
mod deep {
    use std::hint::black_box;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use opentelemetry::trace::{SpanId, TraceId};
    use svgx_base::budget::{Budget, Class, Clock as _, Monotonic, Tier};
    use svgx_base::deep_span;
    use svgx_engine::constraint::{Options, Sketch, solve};
    use svgx_engine::document::{Limits, parse};
    use svgx_engine::geometry::Scene;
    use svgx_engine::physics;
    use svgx_telemetry::deep::{Ask, DeepTraces, Subject, attach};
    use svgx_telemetry::server;

    const SKETCH: &str = include_str!("../examples/sketch.svgx");
    const PILE: &str = include_str!("../examples/pile.svgx");

    fn budget() -> Budget {
        let clock = Arc::new(Monotonic::new());
        let ends = clock.now().after(Duration::from_secs(3_600));
        Budget::unlimited(Class::Physics, Tier::Compute).until(ends, clock)
    }

    fn sketch() {
        let (limits, budget) = (Limits::default(), budget());
        let document = parse(SKETCH, &limits).expect("a drawing");
        let scene = Scene::build(&document, &limits, &budget).expect("a scene");
        let sketch = Sketch::read(&document, &scene, &limits).expect("a sketch");
        let mut solver = sketch.solver_within(&limits, &budget).expect("a solver");
        let options = Options { diagnose: true, targets: Vec::new() };
        black_box(solve(&mut solver, options, &budget).expect("solved"));
    }

    fn pile() {
        let (limits, budget) = (Limits::default(), budget());
        let document = parse(PILE, &limits).expect("a drawing");
        let scene = Scene::build(&document, &limits, &budget).expect("a scene");
        let options = physics::Options { duration: 0.5, ..physics::Options::default() };
        let done = physics::simulate(&document, &scene, &options, &limits, &budget, &mut |_| {
            std::ops::ControlFlow::Continue(())
        });
        black_box(done.expect("simulated"));
    }

    /// The median of `times` runs.
    fn median(times: usize, work: impl Fn()) -> Duration {
        let mut all: Vec<Duration> = (0..times.max(3))
            .map(|_| {
                let began = Instant::now();
                work();
                began.elapsed()
            })
            .collect();
        all.sort();
        all[all.len() / 2]
    }

    /// What a span costs that is off: of a thousand in a loop of which the loop itself is taken.
    fn of_one(times: usize) -> f64 {
        const MANY: u32 = 1_000;
        let with = median(times, || {
            for i in 0..MANY {
                let span = deep_span!("component", svgx.equation.count = i64::from(black_box(i)));
                black_box(&span);
            }
        });
        let without = median(times, || {
            for i in 0..MANY {
                black_box(i);
            }
        });
        with.saturating_sub(without).as_secs_f64() * 1e9 / f64::from(MANY)
    }

    pub(super) fn main(times: usize) {
        let _telemetry = super::single::telemetry();
        let one = of_one(times);
        println!("\ndeep traces that are off, against none; one span that is off: {one:.1} ns");
        println!(
            "{:<20} {:>7} {:>11} {:>11} {:>11}",
            "work", "spans", "off µs", "off/none", "on/off"
        );
        let works: [(&str, fn()); 2] = [("/constraints/solve", sketch), ("/simulate, 0.5 s", pile)];
        for (name, work) in works {
            let times = times / 10;
            let off = median(times, work);
            let deep = DeepTraces::default();
            let ask = Ask { key: None, route: None, requests: 1_000, seconds: 3_600 };
            deep.ask(Monotonic::new().now(), ask).expect("possible");
            let subject = Subject { key: "bench", route: None, kept_by_caller: false };
            let ids = (TraceId::from(7_u128), SpanId::from(9_u64));
            let mut spans = 0;
            let mut traced = Vec::new();
            for _ in 0..times.clamp(3, 900) {
                let trace = deep.begin(Monotonic::new().now(), &subject).expect("a place");
                let here = attach(server::context(ids, Some(&trace)));
                let began = Instant::now();
                work();
                traced.push(began.elapsed());
                drop(here);
                spans = trace.spans();
            }
            traced.sort();
            let off = off.as_secs_f64();
            let none = off - spans as f64 * one * 1e-9;
            let on = traced[traced.len() / 2].as_secs_f64();
            let (micros, cost, more) = (off * 1e6, off / none, on / off);
            println!("{name:<20} {spans:>7} {micros:>11.1} {cost:>11.5} {more:>11.3}");
        }
    }
}

mod single {
    use std::sync::OnceLock;
    use std::time::{Duration, SystemTime};

    use opentelemetry::trace::{SpanId, TraceId};
    use svgx_base::budget::Time;
    use svgx_controller::spec::Spec;
    use svgx_telemetry::access_log::AccessLine;
    use svgx_telemetry::stage::{Facts, Stage, Stages, Step};
    use svgx_telemetry::{Outcome, Request, Rule, Sampler, Settings, Telemetry, deep, server};

    pub(super) fn main() {
        divan::Divan::default().main();
    }

    /// Without a collector, keeping nothing but what needs attention. Log lines
    /// go where this program's errors go: send them to `/dev/null`.
    pub(super) fn telemetry() -> &'static Telemetry {
        static ONE: OnceLock<Telemetry> = OnceLock::new();
        ONE.get_or_init(|| {
            let spec = Spec::embedded().expect("valid");
            let settings = Settings {
                latency_buckets: spec.latency_buckets(),
                sampler: Sampler { rule: Rule::Ratio(0.0), parent_based: true },
                ..Settings::default()
            };
            Telemetry::start(&settings).expect("the first of the process")
        })
    }

    fn noted() -> Stages {
        let stages = Stages::default();
        for step in [Step::Admit, Step::Read, Step::Queue, Step::Parse, Step::Encode, Step::Work] {
            let facts = Facts::from_slice(&[("svgx.element.count", 120_u64.into())]);
            stages.note(Stage { step, began: Time(1), ended: Time(2), facts });
        }
        stages
    }

    #[divan::bench]
    fn latency_of_a_request(bencher: divan::Bencher<'_, '_>) {
        let metrics = telemetry().metrics();
        let request = Request {
            method: "POST",
            scheme: "http",
            route: Some("/parse"),
            status: 200,
            duration: Duration::from_micros(900),
            trace: None,
        };
        bencher.bench_local(|| metrics.request(&request));
    }

    #[divan::bench]
    fn latency_of_an_operation(bencher: divan::Bencher<'_, '_>) {
        let metrics = telemetry().metrics();
        let took = Duration::from_micros(900);
        bencher.bench_local(|| {
            metrics.operation("redraw", "parse", took, Outcome::Ok, "completed", None);
        });
    }

    #[divan::bench]
    fn one_counter(bencher: divan::Bencher<'_, '_>) {
        let metrics = telemetry().metrics();
        bencher.bench_local(|| metrics.delivered("redraw", "compute"));
    }

    #[divan::bench]
    fn six_stages_noted(bencher: divan::Bencher<'_, '_>) {
        bencher.bench_local(noted);
    }

    #[divan::bench]
    fn a_context_to_work_in(bencher: divan::Bencher<'_, '_>) {
        let trace = (TraceId::from(7_u128), SpanId::from(9_u64));
        bencher.bench_local(|| drop(deep::attach(server::context(trace, None))));
    }

    #[divan::bench]
    fn a_trace_of_seven_spans_that_is_kept(bencher: divan::Bencher<'_, '_>) {
        let telemetry = telemetry();
        bencher.bench_local(|| {
            let ended = server::Ended {
                trace: (TraceId::from(7_u128), SpanId::from(9_u64)),
                parent: None,
                method: "POST",
                scheme: "http",
                route: Some("/parse"),
                path: "/parse",
                scenario: None,
                status: 200,
                outcome: Outcome::OverBudget,
                facts: Facts::new(),
                began: (Time(0), SystemTime::UNIX_EPOCH),
                took: Duration::from_micros(900),
                stages: &noted(),
                deep: None,
            };
            telemetry.finish(&ended);
        });
    }

    #[divan::bench]
    fn one_access_line(bencher: divan::Bencher<'_, '_>) {
        let telemetry = telemetry();
        let access = AccessLine {
            at: SystemTime::UNIX_EPOCH,
            trace: (TraceId::from(7_u128), SpanId::from(9_u64)),
            method: "POST",
            route: Some("/parse"),
            status: 200,
            duration: Duration::from_micros(900),
            queued: Duration::from_micros(10),
            bytes: 4_096,
            key: "anonymous",
            class: Some("redraw"),
            outcome: "ok",
            reason: Some("completed"),
        };
        bencher.bench_local(|| telemetry.access(&access, false));
    }
}
