//! Telemetry, as a scraper and a collector see it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use svgx_engine::slo::spec::Spec;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const DRAWING: &str = r#"{"content":"<svg xmlns='http://www.w3.org/2000/svg'><rect id='r' width='10' height='10'/></svg>"}"#;

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn terminate(&mut self) -> bool {
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a process id");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.0.wait().expect("it ends").success()
    }
}

struct Service {
    process: Running,
    public: SocketAddr,
    internal: SocketAddr,
}

fn serve(log: Option<&Path>, variables: &[(&str, &str)]) -> Service {
    let stderr = log.map_or_else(Stdio::null, |path| fs::File::create(path).expect("a log").into());
    let mut command = Command::new(env!("CARGO_BIN_EXE_svgx"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
        .args(["--log-format", "json"])
        .env_clear()
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(stderr);
    let mut process = Running(command.spawn().expect("the binary starts"));
    let stdout = process.0.stdout.take().expect("piped");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
    let at: Value = serde_json::from_str(&line).expect("JSON");
    let address = |name: &str| at[name].as_str().and_then(|a| a.parse().ok()).expect("an address");
    Service { public: address("public"), internal: address("internal"), process }
}

/// One request on a connection of its own; the whole answer as text.
fn ask(at: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let request = format!(
        "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    String::from_utf8_lossy(&answer).into_owned()
}

fn parse(service: &Service) -> String {
    let head = format!("POST /parse HTTP/1.1\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01");
    ask(service.public, &head, DRAWING)
}

fn metrics(service: &Service, accept: &str) -> String {
    ask(service.internal, &format!("GET /metrics HTTP/1.1\r\nAccept: {accept}"), "")
}

fn keep_everything() -> [(&'static str, &'static str); 1] {
    [("OTEL_TRACES_SAMPLER_ARG", "1")]
}

#[test]
fn every_edge_an_objective_names_is_an_edge_of_the_histogram() {
    let service = serve(None, &[]);
    let answer = parse(&service);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let text = metrics(&service, "text/plain");
    let spec = Spec::embedded().expect("valid");
    for objective in &spec.objectives {
        let edge = format!("le=\"{}\"", objective.threshold.as_f64());
        for metric in ["svgx_operation_duration_seconds", "http_server_request_duration_seconds"] {
            let bucket = format!("{metric}_bucket{{");
            let found = text.lines().any(|l| l.starts_with(&bucket) && l.contains(&edge));
            assert!(found, "{metric} has no {edge} in\n{text}");
        }
    }
    let count = text
        .lines()
        .find(|l| l.starts_with("svgx_operation_duration_seconds_count{"))
        .expect("the operation is counted");
    assert!(count.contains("svgx_budget_class=\"redraw\"") && count.ends_with(" 1"), "{count}");
}

#[test]
fn openmetrics_leads_from_a_bucket_to_the_trace_of_the_caller() {
    let service = serve(None, &keep_everything());
    let answer = parse(&service);
    assert!(answer.contains(&format!("traceparent: 00-{TRACE}-")), "{answer}");
    let text = metrics(&service, "application/openmetrics-text; version=1.0.0");
    let exemplar = format!("# {{trace_id=\"{TRACE}\"");
    for metric in ["svgx_operation_duration_seconds", "http_server_request_duration_seconds"] {
        let found = text.lines().any(|l| l.starts_with(metric) && l.contains(&exemplar));
        assert!(found, "{metric} has no exemplar in\n{text}");
    }
    assert!(text.contains("# EOF"));
    assert!(!metrics(&service, "text/plain").contains("trace_id"));
}

#[test]
fn the_log_line_of_a_request_has_its_trace_at_the_top_level() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut service = serve(Some(&log), &[]);
    parse(&service);
    assert!(service.process.terminate());
    let text = fs::read_to_string(&log).expect("written");
    let line = text
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .find(|l| l["target"] == "svgx::request")
        .expect("a line for the request");
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["status"], 200);
    assert_eq!(line["class"], "redraw");
}

#[test]
fn a_decision_is_found_by_its_trace() {
    let service = serve(None, &[]);
    parse(&service);
    for at in [service.public, service.internal] {
        let head = format!("GET /slo/decisions?trace_id={TRACE} HTTP/1.1");
        let answer = ask(at, &head, "");
        assert!(answer.contains(TRACE) && answer.contains("\"operation\":\"parse\""), "{answer}");
        assert!(ask(at, "GET /slo HTTP/1.1", "").contains("\"burn_rate\""));
        let wrong = ask(at, "GET /slo/decisions?trace_id=xyz HTTP/1.1", "");
        assert!(wrong.starts_with("HTTP/1.1 422"), "{wrong}");
    }
}

#[test]
fn the_stream_says_the_state_again_and_again() {
    let service = serve(None, &[]);
    let mut stream = TcpStream::connect(service.internal).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    stream.write_all(b"GET /slo/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let events = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .filter(|line| line == "event: status")
        .take(2)
        .count();
    assert_eq!(events, 2);
}

fn collector() -> Option<PathBuf> {
    let folder = std::env::var_os("SVGX_TEST_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools"), PathBuf::from);
    let path = folder.join("bin/otelcol-svgx");
    path.exists().then_some(path)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

#[test]
fn the_collector_receives_traces_metrics_and_logs_of_one_trace() {
    let Some(binary) = collector() else {
        println!("skipped: no otelcol-svgx in $SVGX_TEST_TOOLS/bin or target/tools/bin");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (port, path) = (free_port(), |name: &str| folder.path().join(name));
    let file = |name: &str| path(name).display().to_string();
    let config = format!(
        "receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: 127.0.0.1:{port}\n\
         exporters:\n  file/traces:\n    path: {}\n  file/metrics:\n    path: {}\n  file/logs:\n    path: {}\n\
         service:\n  telemetry:\n    metrics:\n      level: none\n  pipelines:\n    \
         traces: {{receivers: [otlp], exporters: [file/traces]}}\n    \
         metrics: {{receivers: [otlp], exporters: [file/metrics]}}\n    \
         logs: {{receivers: [otlp], exporters: [file/logs]}}\n",
        file("traces"),
        file("metrics"),
        file("logs")
    );
    fs::write(path("config.yaml"), config).expect("written");
    let said = fs::File::create(path("collector.log")).expect("a log");
    let mut command = Command::new(binary);
    command.arg("--config").arg(path("config.yaml")).stdout(Stdio::null()).stderr(said);
    let mut collector = Running(command.spawn().expect("the collector starts"));
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let up = (0..600).any(|_| {
        let up = TcpStream::connect(at).is_ok();
        if !up {
            std::thread::sleep(Duration::from_millis(100));
        }
        up
    });
    assert!(up, "{}", fs::read_to_string(path("collector.log")).unwrap_or_default());

    let endpoint = format!("http://127.0.0.1:{port}");
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_TRACES_SAMPLER_ARG", "1")];
    let mut service = serve(None, &variables);
    let answer = parse(&service);
    assert!(answer.contains(TRACE), "{answer}");
    // Nothing is waited for: a stopping service sends what it holds.
    assert!(service.process.terminate());
    assert!(collector.terminate());

    let read = |name: &str| fs::read_to_string(path(name)).unwrap_or_default();
    let (traces, metrics, logs) = (read("traces"), read("metrics"), read("logs"));
    assert!(traces.contains(TRACE), "traces: {traces}");
    for expected in ["POST /parse", "svgx.slo.outcome", "http.response.status_code"] {
        assert!(traces.contains(expected), "{expected} in {traces}");
    }
    assert!(logs.contains(TRACE), "logs: {logs}");
    assert!(metrics.contains("svgx.operation.duration"), "metrics: {metrics}");
}
