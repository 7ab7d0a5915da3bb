//! The running service, held against `slo/telemetry/`: nothing undeclared is
//! emitted, nothing declared is missing.

use std::collections::{BTreeMap, BTreeSet};

use super::declared::{Instrument, Level, Reference, Registry, SpanKind};
use serde_json::{Value, json};
use svgx_controller::Reason;

use super::deep::drive_deeply;
use super::receiver::{Receiver, Spoken, attributes};
use super::{Service, ask, eventually, metrics, serve};

const ROOM: &str = include_str!("../../../examples/room.svgx");

const SKETCH: &str = include_str!("../../../examples/sketch.svgx");

const DXF: &str = "0\nSECTION\n2\nENTITIES\n0\nLINE\n11\n9\n21\n9\n0\nENDSEC\n0\nEOF\n";

/// One request to everything there is, right and wrong.
fn drive(service: &Service) {
    let post = |path: &str, body: Value| {
        let answer = ask(service.public, &format!("POST {path} HTTP/1.1"), &body.to_string());
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    };
    let get = |path: &str| ask(service.public, &format!("GET {path} HTTP/1.1"), "");
    // The second one is found in the cache.
    for _ in 0..2 {
        post("/parse", json!({"content": ROOM}));
    }
    post("/evaluate", json!({"content": ROOM}));
    post("/simulate", json!({"content": ROOM}));
    post("/simulate", json!({"content": ROOM, "options": {"duration": 0.2}}));
    post("/constraints/solve", json!({"content": SKETCH}));
    post("/networks/solve", json!({"content": ROOM}));
    post("/export/dxf", json!({"content": ROOM}));
    post("/export/pdf", json!({"content": ROOM}));
    post("/import/dxf", json!({"content": DXF}));
    post("/query", json!({"content": ROOM, "interference": {}}));
    post("/edit", json!({"content": ROOM, "edits": []}));
    post("/compile/svg", json!({"content": ROOM}));
    post("/compile/json", json!({"content": ROOM}));
    post("/render", json!({"content": ROOM, "options": {"width": 64}}));
    post("/interactive", json!({"operation": "load", "content": ROOM}));
    post("/interactive", json!({"operation": "click", "element_id": "lf01"}));
    post("/precision", json!({"level": "edit", "coordinates": [1.234, 5.678]}));
    for path in ["/state", "/health", "/metrics", "/metrics.json", "/openapi.json", "/slo"] {
        assert!(get(path).starts_with("HTTP/1.1 200"), "{path}");
    }
    assert!(get("/nowhere").starts_with("HTTP/1.1 404"));
    let later = "POST /parse HTTP/1.1\r\nPrefer: respond-async";
    let later = ask(service.public, later, &json!({"content": ROOM}).to_string());
    assert!(later.starts_with("HTTP/1.1 202"), "{later}");
    let place = later.lines().find_map(|l| l.strip_prefix("location: ")).expect("a place to ask");
    eventually("the end of the job", || get(place).contains("\"stage\":\"done\"").then_some(()));
    let wrong = ask(service.public, "POST /parse HTTP/1.1", "{");
    assert!(wrong.starts_with("HTTP/1.1 400"), "{wrong}");
}

#[test]
fn every_series_of_the_page_is_declared_and_every_declared_one_is_there() {
    let registry = Registry::embedded().expect("valid");
    let service = serve(None, &[]);
    drive(&service);
    let exposed = registry.exposed();
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let page = metrics(&service, "text/plain");
    let (_, body) = page.split_once("\r\n\r\n").expect("a body");
    for line in body.lines().filter(|l| !l.starts_with('#') && l.contains(' ')) {
        let name = line.split(['{', ' ']).next().expect("a name");
        let Some(declared) = exposed.get(name) else { panic!("{name} is not declared: {line}") };
        for label in labels(line) {
            let known = declared.contains(label) || label == "otel_metric_overflow";
            assert!(known, "{name} does not declare {label}: {line}");
        }
        seen.entry(name).or_default().insert(line.rsplit_once(' ').expect("a value").0);
    }
    for metric in &registry.metrics {
        // What needs a collector is looked at there.
        if metric.name.starts_with("svgx.telemetry.") {
            continue;
        }
        let name = metric.prometheus_name();
        let counted =
            if metric.instrument == Instrument::Histogram { format!("{name}_count") } else { name };
        let series = seen.get(&*counted).map_or(0, BTreeSet::len);
        let bound = metric.annotations.svgx.series;
        assert!(series > 0, "{counted} is declared and not there in\n{page}");
        assert!(series <= bound, "{counted}: {series} series, {bound} declared");
    }
}

fn labels(line: &str) -> impl Iterator<Item = &str> {
    let inside =
        line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map_or("", |(l, _)| l);
    // No value of ours holds a comma followed by a name and an equals sign.
    inside.split("\",").filter_map(|pair| pair.split_once("=\"").map(|(name, _)| name))
}

#[test]
fn what_the_collector_receives_is_declared_with_its_unit_and_its_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut receiver = Receiver::start(folder.path());
    let mut variables = receiver.variables();
    variables.push(("OTEL_TRACES_SAMPLER_ARG".to_owned(), "1".to_owned()));
    let variables: Vec<(&str, &str)> = variables.iter().map(|(k, v)| (&**k, &**v)).collect();
    let data = tempfile::tempdir().expect("a folder");
    let flags = ["--log-format", "json", "--data-dir", data.path().to_str().expect("text")];
    let mut service = Service::with_environment(&flags, &variables, None);
    drive(&service);
    drive_deeply(&service);
    assert!(service.process.terminate());
    let received = receiver.stop();
    let registry = Registry::embedded().expect("valid");

    let mut seen = BTreeSet::new();
    for Spoken { item, .. } in &received.metrics {
        let name = item["name"].as_str().expect("a name");
        let metric = registry.metric(name).unwrap_or_else(|| panic!("{name} is not declared"));
        assert_eq!(item["unit"], *metric.unit, "{name}");
        assert_eq!(item["description"], *metric.brief, "{name}");
        let (instrument, data) = instrument(item);
        assert_eq!(instrument, metric.instrument, "{name}");
        let points = data["dataPoints"].as_array().expect("points");
        assert!(points.len() <= metric.annotations.svgx.series, "{name}");
        for point in points {
            check(&registry, name, &metric.attributes, point);
        }
        seen.insert(name);
    }
    for metric in &registry.metrics {
        assert!(seen.contains(&*metric.name), "{} is missing", metric.name);
    }

    let mut seen = BTreeSet::new();
    for Spoken { item, .. } in &received.spans {
        let name = item["name"].as_str().expect("a name");
        // SPAN_KIND_SERVER is 2 in OTLP.
        let side = if item["kind"] == 2 { SpanKind::Server } else { SpanKind::Internal };
        let own = format!("svgx.{name}");
        let declared = registry
            .spans
            .iter()
            .find(|s| s.side == side && (side == SpanKind::Server || s.kind == own));
        let span = declared.unwrap_or_else(|| panic!("span {name} is not declared"));
        check(&registry, name, &span.attributes, item);
        seen.insert(&*span.kind);
    }
    for span in registry.spans.iter().filter(|span| !span.annotations.svgx.rare) {
        assert!(seen.contains(&*span.kind), "span {} is missing", span.kind);
    }

    let mut lines = 0;
    for Spoken { item, .. } in &received.records {
        // A record without a name is a sentence for people.
        let Some(name) = item["eventName"].as_str().filter(|n| n.starts_with("svgx.")) else {
            continue;
        };
        let event = registry.events.iter().find(|e| e.name == name);
        let event = event.unwrap_or_else(|| panic!("event {name} is not declared"));
        check(&registry, name, &event.attributes, item);
        lines += 1;
    }
    assert!(lines > 10, "{lines} access lines");

    let mut speaker: Vec<Reference> = Vec::new();
    for entity in &registry.entities {
        speaker.extend(entity.identity.iter().chain(&entity.description).cloned());
    }
    let all = received.spans.iter().chain(&received.metrics).chain(&received.records);
    for spoken in all {
        check(&registry, "resource", &speaker, &spoken.resource);
    }
}

fn instrument(item: &Value) -> (Instrument, &Value) {
    if let Some(sum) = item.get("sum") {
        let monotonic = sum["isMonotonic"].as_bool().unwrap_or_default();
        return (if monotonic { Instrument::Counter } else { Instrument::UpDownCounter }, sum);
    }
    match (item.get("gauge"), item.get("histogram")) {
        (Some(gauge), _) => (Instrument::Gauge, gauge),
        (_, Some(histogram)) => (Instrument::Histogram, histogram),
        _ => panic!("neither sum, gauge nor histogram: {item}"),
    }
}

/// The attributes of `of` are those declared, all that have to be, with values they may have.
fn check(registry: &Registry, name: &str, declared: &[Reference], of: &Value) {
    let present = attributes(of);
    if present.iter().any(|(key, _)| key == "otel.metric.overflow") {
        return;
    }
    for (key, value) in &present {
        assert!(declared.iter().any(|d| d.key == *key), "{name} does not declare {key}");
        let attribute = &registry.attributes[key];
        assert!(attribute.allows(value), "{name}: {key} may not be {value}");
    }
    for reference in declared.iter().filter(|r| r.requirement_level == Level::Required) {
        let there = present.iter().any(|(key, _)| *key == reference.key);
        assert!(there, "{name} has no {}: {of}", reference.key);
    }
}

#[test]
fn every_reason_of_the_controller_is_a_declared_word() {
    let registry = Registry::embedded().expect("valid");
    let reason = &registry.attributes["svgx.slo.reason"];
    for r in Reason::ALL {
        assert!(
            reason.allows(&r.as_str().into()),
            "{r} is missing in slo/telemetry/attributes.yaml"
        );
    }
}

#[test]
fn the_page_and_the_collector_say_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut receiver = Receiver::start(folder.path());
    let variables = receiver.variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(k, v)| (&**k, &**v)).collect();
    let mut service = serve(None, &variables);
    drive(&service);
    let page = metrics(&service, "text/plain");
    assert!(service.process.terminate());
    let received = receiver.stop();
    let mut compared = 0;
    for name in ["svgx.operation.duration", "http.server.request.duration", "svgx.queue.wait"] {
        // The last push, at the end, has what the page had: nothing came in between.
        let last = received.metrics.iter().rfind(|m| m.item["name"] == name).expect("received");
        let series = format!("{}_seconds_count{{", name.replace('.', "_"));
        for point in last.item["histogram"]["dataPoints"].as_array().expect("points") {
            let line = page.lines().find(|line| {
                let labels = attributes(point).into_iter().map(|(key, value)| {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    format!("{}=\"{value}\"", key.replace('.', "_"))
                });
                // One set of labels may be part of another: the number decides.
                line.starts_with(&series)
                    && line.matches("=\"").count() == attributes(point).len()
                    && labels.into_iter().all(|label| line.contains(&label))
            });
            let line = line.unwrap_or_else(|| panic!("{point} of {name} is not in\n{page}"));
            let count =
                point["count"].as_str().map_or_else(|| point["count"].to_string(), str::to_owned);
            assert!(line.ends_with(&format!(" {count}")), "{line}: {count}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared} series");
}
