//! `svgx staging validate` against an engine that is broken on purpose, one criterion at a time: the
//! check of that criterion fails, and no other.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures::{StreamExt as _, stream};
use parking_lot::Mutex;
use serde_json::json;
use svgx_controller::spec::Spec;
use svgx_operations::http::{Client, Reply};
use svgx_operations::staging::validate::{Latency, Options, Report, Verdict, validate};

use crate::support::service::{Service, block};

/// What is broken.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Nothing.
    None,
    /// In answers of a path, a text is another.
    Text(&'static str, &'static str, &'static str),
    /// Answers of a path carry another header, or none.
    Header(&'static str, &'static str, Option<&'static str>),
    /// Every fifth request of the load on a path meets this status.
    Fifth(&'static str, u16),
    /// A request with this key, or none, is let in.
    LetIn(Option<&'static str>),
    /// A body with this text is taken for a drawing.
    Swallow(&'static str),
    /// Nobody is ever limited.
    Unlimited,
    /// The collector gets nothing.
    NoTraces,
    /// The log has nothing.
    NoLogs,
    /// The address is neither private nor on this machine.
    Public,
}

/// Name, what is broken, and the checks that fail.
type Case = (&'static str, Fault, &'static [&'static str]);

const CASES: &[Case] = &[
    ("nothing", Fault::None, &[]),
    ("health", Fault::Text("/health", "\"healthy\"", "\"degraded\""), &["health"]),
    ("a bucket", Fault::Text("/metrics", "le=\"16\"", "le=\"15\""), &["metrics"]),
    ("parse", Fault::Text("/parse", "epnl1", "epnl9"), &["parse"]),
    ("evaluate", Fault::Text("/evaluate", "0.96", "0.97"), &["evaluate"]),
    ("simulate", Fault::Text("/simulate", "441.45", "441.54"), &["simulate"]),
    ("interactive", Fault::Text("/interactive", "\"on\"", "\"off\""), &["interactive"]),
    ("precision", Fault::Text("/precision", "10.12", "10.13"), &["precision"]),
    ("state", Fault::Text("/state", "lf01", "lf02"), &["state"]),
    ("compile/svg", Fault::Text("/compile/svg", "epnl1_box", "epnl2_box"), &["compile-svg"]),
    (
        "compile/json",
        Fault::Text("/compile/json", "\"type\":\"svgx\"", "\"type\":\"\""),
        &["compile-json"],
    ),
    (
        "slow clicks",
        Fault::Header("/interactive", "x-response-time", Some("16001.00ms")),
        &["latency-ui"],
    ),
    (
        "slow redraw",
        Fault::Header("/compile/svg", "x-response-time", Some("32001.00ms")),
        &["latency-redraw"],
    ),
    (
        "slow physics",
        Fault::Header("/simulate", "x-response-time", Some("100001.00ms")),
        &["latency-physics"],
    ),
    ("refusals", Fault::Fifth("/simulate", 409), &["success"]),
    (
        "a refusal that does not say until when",
        Fault::Fifth("/simulate", 503),
        &["success", "errors"],
    ),
    // An error of the service is a request without success as well.
    ("errors", Fault::Fifth("/simulate", 500), &["success", "errors"]),
    (
        "memory",
        Fault::Text("/metrics", "process_memory_usage_bytes ", "process_memory_usage_bytes 9"),
        &["memory"],
    ),
    ("cpu", Fault::Text("/metrics", "{cpu_mode=\"user\"} ", "{cpu_mode=\"user\"} 99"), &["cpu"]),
    ("no key", Fault::LetIn(None), &["key-missing"]),
    ("a wrong key", Fault::LetIn(Some("not-a-key-of-this-service")), &["key-wrong"]),
    ("a revoked key", Fault::LetIn(Some("revoked")), &["key-revoked"]),
    ("hostile input", Fault::Swallow("DROP TABLE"), &["hostile-input"]),
    ("the rate", Fault::Unlimited, &["rate-limit"]),
    ("sniffing", Fault::Header("/health", "x-content-type-options", None), &["headers"]),
    ("in the clear", Fault::Public, &["tls"]),
    ("no scrape", Fault::Text("/prometheus/api/v1/query", "\"1\"", "\"0\""), &["scraped"]),
    ("an alert", Fault::Text("/prometheus/api/v1/rules", "ServiceDown", "ServiceUp"), &["alerts"]),
    ("a dashboard", Fault::Text("/grafana/api/search", "svgx-slo", "mine"), &["dashboards"]),
    ("traces", Fault::NoTraces, &["traces"]),
    ("logs", Fault::NoLogs, &["logs"]),
];

/// Objectives that a slow machine keeps, for the engine and for whoever judges it.
fn lenient(folder: &Path) -> Spec {
    let mut texts = Vec::new();
    for (name, text) in Spec::embedded_files() {
        let text = text
            .replace("\"0.016\"", "\"16\"")
            .replace("\"0.032\"", "\"32\"")
            .replace("\"0.1\"", "\"100\"")
            .replace("value: 0.80", "value: 8.0");
        let file = Path::new(name).file_name().expect("a name");
        std::fs::write(folder.join(file), &text).expect("written");
        texts.push((*name, text));
    }
    let pairs: Vec<(&str, &str)> = texts.iter().map(|(n, t)| (*n, t.as_str())).collect();
    Spec::parse(&pairs).unwrap_or_else(|e| panic!("{e}"))
}

/// Between the validation and the engine.
struct Proxy {
    engine: Client,
    fault: Fault,
    key: String,
    seen: AtomicUsize,
    traces: Mutex<File>,
    rules: String,
}

/// Starts a proxy; its address. It ends with the process.
fn proxy(proxy: Proxy) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let shared = Arc::new(proxy);
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let data = Data::from(shared);
            let server = HttpServer::new(move || {
                let limit = web::PayloadConfig::new(32 << 20);
                App::new().app_data(data.clone()).app_data(limit).default_service(web::to(pass))
            });
            let server =
                server.workers(1).disable_signals().bind("0.0.0.0:0").expect("a free port");
            tell.send(server.addrs()[0]).expect("somebody listens");
            server.run().await
        })
    });
    told.recv().expect("it starts")
}

async fn pass(request: HttpRequest, body: Bytes, proxy: Data<Proxy>) -> HttpResponse {
    let path = request.path().to_owned();
    let reply = match neighbour(&path, &proxy.rules) {
        Some(text) => (200, vec![("content-type".to_owned(), "application/json".to_owned())], text),
        None => forward(&request, &path, body, &proxy).await,
    };
    let (mut status, mut headers, mut text) = reply;
    match proxy.fault {
        Fault::Text(at, from, to) if path == at => text = text.replace(from, to),
        Fault::Header(at, name, value) if path == at => {
            headers.retain(|(n, _)| n != name);
            headers.extend(value.map(|v| (name.to_owned(), v.to_owned())));
        }
        Fault::Fifth(at, other)
            if path == at
                && request.headers().contains_key("traceparent")
                && proxy.seen.fetch_add(1, Ordering::AcqRel).is_multiple_of(5) =>
        {
            status = other;
        }
        Fault::Unlimited if status == 429 => status = 200,
        _ => {}
    }
    let status = actix_web::http::StatusCode::from_u16(status).expect("a status");
    let mut response = HttpResponse::build(status);
    headers.iter().for_each(|h| {
        response.insert_header((h.0.as_str(), h.1.as_str()));
    });
    response.body(text)
}

async fn forward(
    request: &HttpRequest,
    path: &str,
    body: Bytes,
    proxy: &Proxy,
) -> (u16, Vec<(String, String)>, String) {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    let mut key = header("authorization").and_then(|v| v.strip_prefix("Bearer "));
    if matches!(proxy.fault, Fault::LetIn(who) if who == key) {
        key = Some(&proxy.key);
    }
    if matches!(proxy.fault, Fault::Swallow(what) if String::from_utf8_lossy(&body).contains(what))
    {
        return (200, Vec::new(), "{}".to_owned());
    }
    let passed = ["content-type", "accept", "traceparent"];
    let headers: Vec<(&str, &str)> = passed.iter().filter_map(|n| Some((*n, header(n)?))).collect();
    let query = request.query_string();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let method =
        reqwest::Method::from_bytes(request.method().as_str().as_bytes()).expect("a method");
    let client = proxy.engine.with_key(key.map(str::to_owned));
    let Ok(reply) = client.send(method, &target, &headers, body).await else {
        return (502, Vec::new(), "the engine does not answer".to_owned());
    };
    // What a collector would write.
    if let (Some(parent), false) = (header("traceparent"), matches!(proxy.fault, Fault::NoTraces)) {
        let trace = parent.split('-').nth(1).unwrap_or_default();
        writeln!(proxy.traces.lock(), "{{\"traceId\":\"{trace}\"}}").expect("written");
    }
    (reply.status, kept(&reply), reply.text())
}

fn kept(reply: &Reply) -> Vec<(String, String)> {
    let own = ["content-length", "transfer-encoding", "connection", "date"];
    let pairs = reply.headers.iter().filter(|(n, _)| !own.contains(&n.as_str()));
    pairs.filter_map(|(n, v)| Some((n.to_string(), v.to_str().ok()?.to_owned()))).collect()
}

/// Prometheus and Grafana, as far as they are asked.
fn neighbour(path: &str, rules: &str) -> Option<String> {
    match path {
        "/prometheus/api/v1/query" => Some(
            json!({ "data": { "result": [
                { "metric": { "instance": "a" }, "value": [0, "1"] },
                { "metric": { "instance": "b" }, "value": [0, "1"] },
            ] } })
            .to_string(),
        ),
        "/prometheus/api/v1/rules" => Some(rules.to_owned()),
        "/grafana/api/search" => {
            Some(json!([{ "uid": "svgx-slo" }, { "uid": "other" }]).to_string())
        }
        _ => None,
    }
}

fn failed(report: &Report) -> Vec<&str> {
    report.checks.iter().filter(|c| c.verdict == Verdict::Failed).map(|c| c.id).collect()
}

#[test]
fn each_broken_criterion_is_found_by_its_own_check_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let slo = folder.path().join("slo");
    std::fs::create_dir(&slo).expect("made");
    let spec = lenient(&slo);
    let (log, empty) = (folder.path().join("log"), folder.path().join("empty"));
    File::create(&empty).expect("made");
    // A key for each case, so that each has a rate of its own.
    let keys: Vec<String> = (0..CASES.len()).map(|n| format!("k{n}:key-number-{n}")).collect();
    let keys = keys.join(",");
    let slo = slo.display().to_string();
    let engine = Service::with_environment(
        &["--slo-dir", &slo, "--log-format", "json"],
        &[("SVGX_API_KEYS", &keys)],
        Some(&log),
    );
    let alerts = svgx_operations::alert::alerts(&spec).expect("alerts");
    let rules: Vec<_> = alerts
        .iter()
        .map(|a| json!({ "type": "alerting", "name": a.name, "health": "ok" }))
        .collect();
    let rules = json!({ "data": { "groups": [{ "rules": rules }] } }).to_string();

    let run = async |n: usize, (name, fault, expected): &Case| {
        let key = format!("key-number-{n}");
        let traces = folder.path().join(format!("traces-{n}"));
        let at = proxy(Proxy {
            engine: Client::new(&format!("http://{}", engine.public), None, None)
                .expect("a client"),
            fault: *fault,
            key: key.clone(),
            seen: AtomicUsize::new(0),
            traces: Mutex::new(File::create(&traces).expect("made")),
            rules: rules.clone(),
        });
        let here = format!("http://127.0.0.1:{}", at.port());
        let url = match fault {
            // Leads here too, without being called this machine.
            Fault::Public => format!("http://0.0.0.0:{}", at.port()),
            _ => here.clone(),
        };
        let options = Options {
            url,
            key: Some(key),
            revoked_key: Some("revoked".to_owned()),
            prometheus: Some(format!("{here}/prometheus")),
            grafana: Some(format!("{here}/grafana")),
            dashboards: vec!["svgx-slo".to_owned()],
            traces: Some(traces),
            logs: Some(if matches!(fault, Fault::NoLogs) { empty.clone() } else { log.clone() }),
            users: 3,
            duration: Duration::from_secs(1),
            latency: Latency::Engine,
            ..Options::default()
        };
        let report = validate(&options, &spec).await.expect("a report");
        assert_eq!(failed(&report), *expected, "{name}\n{}", report.human());
        let wrong = report.checks.iter().filter(|c| c.verdict == Verdict::Failed);
        assert!(wrong.clone().all(|c| c.shown.is_some()), "each failure names a command");
        // Every criterion was looked at: only an address on this machine needs no TLS.
        let skipped = report.checks.iter().filter(|c| c.verdict == Verdict::Skipped).map(|c| c.id);
        assert!(skipped.clone().all(|id| id == "tls"), "{name}: {:?}", skipped.collect::<Vec<_>>());
        report.checks.len()
    };
    let runs = stream::iter(CASES.iter().enumerate()).map(|(n, case)| run(n, case));
    let counts: Vec<usize> = block(runs.buffer_unordered(4).collect());
    assert!(counts.iter().all(|c| *c == counts[0]), "every run makes every check: {counts:?}");
}

#[test]
fn where_nobody_answers_the_health_fails_and_nothing_else_is_tried() {
    let spec = Spec::embedded().expect("valid");
    // Bound and closed again: nobody is there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    let options =
        Options { url: format!("http://{}", free.expect("an address")), ..Options::default() };
    let report = block(validate(&options, &spec)).expect("a report");
    assert_eq!((failed(&report), report.checks.len()), (vec!["health"], 1));
}
