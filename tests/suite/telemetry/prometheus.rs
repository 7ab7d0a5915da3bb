//! The page, as a real Prometheus reads and stores it.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use svgx_operations::http;

use super::{Running, Service, TRACE, ask, eventually, free_port, keep_everything, parse, serve};

/// A Prometheus that scrapes a service every second.
struct Prometheus {
    at: SocketAddr,
    _process: Running,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// `None` where it is not installed.
    fn of(service: &Service) -> Option<Prometheus> {
        let version = Command::new("prometheus").arg("--version").output();
        if !version.is_ok_and(|output| output.status.success()) {
            println!("skipped: no prometheus here");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("prometheus.yaml");
        let text = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: svgx-engine\n    \
             static_configs: [{{targets: ['{}']}}]\n",
            service.internal
        );
        fs::write(&config, text).expect("written");
        let at = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={at}"))
            .arg("--enable-feature=exemplar-storage")
            .stdout(Stdio::null())
            .stderr(log);
        let process = Running(command.spawn().expect("it starts"));
        eventually("Prometheus", || std::net::TcpStream::connect(at).ok());
        Some(Prometheus { at, _process: process, _folder: folder })
    }

    /// The data of an answer of its API; none while it has none.
    fn data(&self, path: &str) -> Option<Value> {
        let reply = http::get(&self.at.to_string(), path, Duration::from_secs(10)).ok()?;
        reply.json().get_mut("data").map(Value::take)
    }

    /// The value of an expression with one series.
    fn value(&self, expression: &str) -> Option<f64> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_:.".contains(&b);
        let encoded: String = expression
            .bytes()
            .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect();
        let data = self.data(&format!("/api/v1/query?query={encoded}"))?;
        data.pointer("/result/0/value/1")?.as_str()?.parse().ok()
    }
}

#[test]
fn prometheus_leads_from_a_bucket_to_the_trace() {
    let service = serve(None, &keep_everything());
    parse(&service);
    let Some(prometheus) = Prometheus::of(&service) else { return };
    let query = "/api/v1/query_exemplars?query=svgx_operation_duration_seconds_bucket\
        &start=0&end=9999999999";
    let exemplar =
        eventually("an exemplar", || prometheus.data(query)?.pointer("/0/exemplars/0").cloned());
    assert_eq!(exemplar["labels"]["trace_id"], TRACE, "{exemplar}");
    assert_eq!(exemplar["labels"]["span_id"].as_str().map(str::len), Some(16), "{exemplar}");
}

#[test]
fn whatever_operators_call_their_attributes_the_page_is_read() {
    let attributes = "cost center=42,app.kubernetes.io:part=x,owner@example=y,8ball=1,größe=xl,\
        a-b=1,a.b=2,team=cad \"east\"";
    let service = serve(None, &[("OTEL_RESOURCE_ATTRIBUTES", attributes)]);
    let Some(prometheus) = Prometheus::of(&service) else { return };
    let up = eventually("a scrape", || prometheus.value("up").filter(|up| *up == 1.0));
    assert_eq!(up, 1.0);
    let found = eventually("the service's labels", || {
        let data = prometheus.data("/api/v1/query?query=target_info")?;
        data.pointer("/result/0/metric").cloned()
    });
    for (label, value) in [
        ("cost_center", "42"),
        ("app_kubernetes_io_part", "x"),
        ("owner_example", "y"),
        ("_8ball", "1"),
        ("gr_e", "xl"),
        ("a_b", "1;2"),
        ("team", "cad \"east\""),
    ] {
        assert_eq!(found[label], value, "{label} of {found}");
    }
}

#[test]
fn the_first_burst_and_the_first_single_event_are_seen() {
    // With the controller, which refuses.
    let service = serve(None, &[("SVGX_CONTROLLER", "on")]);
    let Some(prometheus) = Prometheus::of(&service) else { return };
    const FAILED: &str = "http_server_request_duration_seconds_count{http_route=\"/simulate\",\
        http_response_status_code=\"503\"}";
    const SHED: &str = "svgx_operation_outcomes_total{svgx_slo_reason=\"doomed\",\
        svgx_budget_class=\"physics\"}";
    // Both are there before anything happened, at zero.
    for series in [FAILED, SHED] {
        let first = eventually(series, || prometheus.value(&format!("sum({series})")));
        assert_eq!(first, 0.0, "{series}");
    }
    let late = "POST /simulate HTTP/1.1\r\nX-SVGX-Timeout-Ms: 0";
    let drawing = r#"{"content":"<svg xmlns='http://www.w3.org/2000/svg'/>"}"#;
    let refuse = |n: usize| {
        (0..n).filter(|_| ask(service.public, late, drawing).starts_with("HTTP/1.1 503")).count()
    };
    assert_eq!(refuse(1), 1);
    for series in [FAILED, SHED] {
        let grown = format!("sum(rate({series}[1m]))");
        eventually(series, || prometheus.value(&grown).filter(|rate| *rate > 0.0));
    }
    assert_eq!(refuse(9), 9);
    let increase = format!("sum(increase({FAILED}[1m]))");
    eventually("the burst", || prometheus.value(&increase).filter(|n| *n > 9.0));
}
