//! The road to the collector: both protocols, TLS, and a collector that is
//! dead, comes back, or was never there.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::receiver::{Collector, Received, Receiver, attributes};
use super::sink::Sink;
use super::{Service, TRACE, ask, eventually, metrics, parse, serve};

/// The request of [`parse`] in traces, metrics and logs, linked by its trace.
fn check_linked(received: &Received) {
    let span = received.spans.iter().find(|s| s.item["name"] == "POST /parse").expect("the span");
    assert_eq!(span.item["traceId"], TRACE);
    let names: Vec<String> = attributes(&span.item).into_iter().map(|(k, _)| k).collect();
    for expected in ["svgx.slo.outcome", "http.response.status_code"] {
        assert!(names.iter().any(|n| n == expected), "{expected} in {names:?}");
    }
    let line = received.records.iter().find(|r| r.item["traceId"] == TRACE).expect("the line");
    assert_eq!(line.item["spanId"], span.item["spanId"]);
    assert!(received.metrics.iter().any(|m| m.item["name"] == "svgx.operation.duration"));
}

fn one_request(variables: &[(String, String)]) {
    let mut variables: Vec<(&str, &str)> = variables.iter().map(|(k, v)| (&**k, &**v)).collect();
    variables.push(("OTEL_TRACES_SAMPLER_ARG", "1"));
    let mut service = serve(None, &variables);
    let answer = parse(&service);
    assert!(answer.contains(TRACE), "{answer}");
    // Nothing is waited for: a stopping service sends what it holds.
    assert!(service.process.terminate());
}

#[test]
fn the_collector_receives_traces_metrics_and_logs_of_one_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut receiver = Receiver::start(folder.path());
    one_request(&receiver.variables());
    check_linked(&receiver.stop());
}

#[test]
fn the_collector_receives_the_same_over_http_compressed() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(mut collector) = Collector::new(folder.path()) else { return };
    collector.start();
    one_request(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(), "http/protobuf".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), collector.http()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION".to_owned(), "gzip".to_owned()),
    ]);
    collector.stop();
    check_linked(&collector.received());
}

#[test]
fn headers_and_compression_are_those_of_the_standard_variables() {
    let sink = Sink::start();
    one_request(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(), "http/protobuf".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), sink.endpoint()),
        ("OTEL_EXPORTER_OTLP_HEADERS".to_owned(), "x-tenant=studio".to_owned()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION".to_owned(), "gzip".to_owned()),
    ]);
    let heard = sink.take();
    assert!(!heard.traces.is_empty() && !heard.metrics.is_empty() && !heard.logs.is_empty());
    for head in &heard.heads {
        assert!(head.contains("x-tenant: studio"), "{head}");
        assert!(head.contains("content-encoding: gzip"), "{head}");
    }
}

/// A certificate for `localhost` and its key; `None`, said aloud, without openssl.
fn certificate(folder: &Path) -> Option<()> {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(folder)
        .output();
    if made.is_ok_and(|output| output.status.success()) {
        return Some(());
    }
    println!("skipped: openssl makes no certificate here");
    None
}

#[test]
fn tls_to_the_collector_is_checked_against_the_certificate_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(collector) = Collector::new(folder.path()) else { return };
    let Some(()) = certificate(folder.path()) else { return };
    let path = |name: &str| folder.path().join(name).display().to_string();
    let tls = format!("{{cert_file: {}, key_file: {}}}", path("certificate.pem"), path("key.pem"));
    let mut collector = collector.with(&format!(
        "receivers: {{otlp: {{protocols: {{grpc: {{tls: {tls}}}, http: {{tls: {tls}}}}}}}}}\n"
    ));
    collector.start();
    let secure = |endpoint: String| endpoint.replace("http://127.0.0.1", "https://localhost");
    for (protocol, endpoint) in
        [("grpc", secure(collector.grpc())), ("http/protobuf", secure(collector.http()))]
    {
        one_request(&[
            ("OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(), protocol.to_owned()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE".to_owned(), path("certificate.pem")),
        ]);
    }
    collector.stop();
    let received = collector.received();
    check_linked(&received);
    let requests = received.spans.iter().filter(|s| s.item["name"] == "POST /parse").count();
    assert_eq!(requests, 2, "one by each protocol");
}

/// Sent and lost items of a signal, by the service's own count.
fn counted(service: &Service, signal: &str) -> (u64, u64) {
    let page = metrics(service, "text/plain");
    let sum = |name: &str| -> u64 {
        page.lines()
            .filter(|l| l.starts_with(name) && l.contains(&format!("signal=\"{signal}\"")))
            .filter_map(|l| l.rsplit_once(' ')?.1.parse::<u64>().ok())
            .sum()
    };
    (sum("svgx_telemetry_sent_total{"), sum("svgx_telemetry_lost_total{"))
}

#[test]
fn a_collector_that_is_killed_and_comes_back_costs_no_request_and_every_loss_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(collector) = Collector::new(folder.path()) else { return };
    // What is acknowledged is in the file: nothing is kept in the Collector's memory.
    let mut collector =
        collector.with("service: {pipelines: {traces: {processors: [memory_limiter]}}}\n");
    collector.start();
    let endpoint = collector.grpc();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_TRACES_SAMPLER_ARG", "1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "128"),
        ("SVGX_RATE_LIMIT", "off"),
    ];
    let mut service = serve(None, &variables);

    let (stop, requests) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = ask(service.public, "GET /health HTTP/1.1", "");
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                    requests.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
        }
        let sent = |at_least: u64| {
            eventually("an export", || {
                let (sent, _) = counted(&service, "traces");
                (sent >= at_least).then_some(sent)
            })
        };
        let before = sent(100);
        collector.kill();
        // Without it the queue runs over, and that is seen at once.
        eventually("a loss", || (counted(&service, "traces").1 > 0).then_some(()));
        collector.start();
        sent(before + 200);
        stop.store(true, Ordering::Relaxed);
    });

    // GET /health is answered at the edge: its trace is the server span alone.
    let produced = requests.load(Ordering::Relaxed);
    let (sent, lost) = eventually("the rest", || {
        let (sent, lost) = counted(&service, "traces");
        (sent + lost >= produced).then_some((sent, lost))
    });
    assert_eq!(sent + lost, produced, "sent {sent}, lost {lost}");
    assert!(lost > 0);
    assert!(service.process.terminate());
    collector.stop();
    let received = collector.received();
    // A batch may be sent twice when its acknowledgement was lost.
    let distinct: BTreeSet<&str> =
        received.spans.iter().filter_map(|s| s.item["spanId"].as_str()).collect();
    assert_eq!(distinct.len() as u64, sent, "sent {sent}, lost {lost}");
}

#[test]
fn a_collector_that_never_was_costs_nothing_but_its_own_loss() {
    // A port that is bound and never answers: worse than one that refuses.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", deaf.local_addr().expect("an address"));
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ("OTEL_TRACES_SAMPLER_ARG", "1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
        ("SVGX_RATE_LIMIT", "off"),
    ];
    let mut service = serve(None, &variables);
    for _ in 0..100 {
        assert!(ask(service.public, "GET /state HTTP/1.1", "").starts_with("HTTP/1.1 200"));
    }
    let (sent, lost) = counted(&service, "traces");
    assert_eq!(sent, 0);
    assert!(lost > 0, "the queue holds 64 of 500 spans");
    // It ends in bounded time, though what waits cannot be sent.
    assert!(service.process.terminate());
}
