//! Traces, as an operator with a shell and as a collector see them.

use std::process::Command;

use serde_json::{Value, json};

use super::receiver::attributes;
use super::{DRAWING, Service, TRACE, ask, eventually, keep_everything, parse, serve};

const PILE: &str = include_str!("../../../examples/pile.svgx");
/// Far over the budget of 100 ms, however fast the machine.
const SECONDS: f64 = 60.0;
const ROOM: &str = include_str!("../../../examples/room.svgx");

pub(super) fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"))
}

pub(super) fn recent(service: &Service) -> Vec<Value> {
    let answer = body(&ask(service.internal, "GET /traces HTTP/1.1", ""));
    answer["traces"].as_array().expect("a list").clone()
}

/// The spans of a trace the service remembers, or will in a moment: the last
/// holder of a server span may end after the answer was read.
pub(super) fn spans(service: &Service, trace: &str) -> Vec<Value> {
    let resources = eventually("the trace", || {
        let answer = ask(service.internal, &format!("GET /traces/{trace} HTTP/1.1"), "");
        body(&answer)["resourceSpans"].as_array().cloned()
    });
    let mut spans = Vec::new();
    for resource in resources {
        for scope in resource["scopeSpans"].as_array().expect("scopes") {
            spans.extend(scope["spans"].as_array().expect("spans").iter().cloned());
        }
    }
    spans
}

pub(super) fn post(service: &Service, path: &str, body: &Value) -> String {
    ask(service.public, &format!("POST {path} HTTP/1.1"), &body.to_string())
}

#[test]
fn a_slow_request_is_kept_at_ratio_zero_with_every_stage_and_its_numbers() {
    let service = serve(None, &[("OTEL_TRACES_SAMPLER_ARG", "0")]);
    post(
        &service,
        "/compile/svg",
        &json!({"content": "<svg xmlns='http://www.w3.org/2000/svg'/>"}),
    );
    let asked = json!({"content": PILE, "options": {"duration": SECONDS, "changes_only": true}});
    let answer = post(&service, "/simulate", &asked);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (kept, slow) = eventually("the trace", || {
        let kept = recent(&service);
        let slow = kept.iter().find(|t| t["name"] == "POST /simulate")?.clone();
        Some((kept, slow))
    });
    assert_ne!(slow["outcome"], "ok", "{slow}");
    assert!(kept.iter().all(|t| t["outcome"] != "ok"), "{kept:?}");

    let spans = spans(&service, slow["trace_id"].as_str().expect("an id"));
    let named = |name: &str| {
        let found = spans.iter().find(|s| s["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {spans:?}"))
    };
    let root = named("POST /simulate");
    for name in ["admit", "read", "queue", "work"] {
        assert_eq!(named(name)["parentSpanId"], root["spanId"], "{name}");
    }
    for name in ["parse", "step", "encode"] {
        assert_eq!(named(name)["parentSpanId"], named("work")["spanId"], "{name}");
    }
    let time = |span: &Value, name: &str| {
        span[name].as_str().and_then(|t| t.parse::<u64>().ok()).expect("a time")
    };
    for span in &spans {
        let (began, ended) = (time(span, "startTimeUnixNano"), time(span, "endTimeUnixNano"));
        assert!(began <= ended && began >= time(root, "startTimeUnixNano"), "{span}");
    }
    let facts = attributes(named("step"));
    let fact = |key: &str| facts.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_f64());
    assert!(fact("svgx.body.count").flatten().is_some_and(|n| n > 1.0), "{facts:?}");
    assert!(fact("svgx.step.count").flatten().is_some_and(|n| n > 1.0), "{facts:?}");
}

#[test]
fn a_request_that_was_wrong_leaves_the_status_unset_and_continues_the_callers_trace() {
    let service = serve(None, &keep_everything());
    let head = format!(
        "POST /parse HTTP/1.1\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n\
        baggage: user=ada,svgx.scenario=probe"
    );
    let answer = ask(service.public, &head, "{");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let spans = spans(&service, TRACE);
    let root = spans.iter().find(|s| s["name"] == "POST /parse").expect("the server span");
    assert_eq!(root["parentSpanId"], "00f067aa0ba902b7");
    assert!(root["status"]["code"].as_u64().unwrap_or(0) == 0, "{root}");
    let facts = attributes(root);
    assert!(facts.iter().all(|(key, _)| key != "error.type"), "{facts:?}");
    assert!(facts.contains(&("svgx.scenario".to_owned(), "probe".into())), "{facts:?}");
}

#[test]
fn what_is_done_later_is_a_part_of_the_trace_of_its_request() {
    let service = serve(None, &keep_everything());
    let head = format!(
        "POST /compile/svg HTTP/1.1\r\nPrefer: respond-async\r\n\
         traceparent: 00-{TRACE}-00f067aa0ba902b7-01"
    );
    let answer = ask(service.public, &head, &json!({"content": ROOM}).to_string());
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let spans = eventually("the job's part", || {
        let spans = spans(&service, TRACE);
        let both = ["POST /compile/svg", "job"];
        both.iter().all(|name| spans.iter().any(|s| s["name"] == *name)).then_some(spans)
    });
    let named = |name: &str| {
        let found = spans.iter().find(|s| s["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {spans:?}"))
    };
    assert_eq!(named("job")["parentSpanId"], named("POST /compile/svg")["spanId"]);
    for name in ["queue", "work"] {
        assert_eq!(named(name)["parentSpanId"], named("job")["spanId"], "{name}");
    }
    assert_eq!(named("compile")["parentSpanId"], named("work")["spanId"]);
    let facts = attributes(named("job"));
    assert!(facts.contains(&("svgx.budget.class".to_owned(), "batch".into())), "{facts:?}");
    assert!(facts.contains(&("svgx.slo.outcome".to_owned(), "ok".into())), "{facts:?}");
}

#[test]
fn two_requests_of_one_trace_are_decided_about_apart() {
    let service = serve(None, &[("OTEL_TRACES_SAMPLER_ARG", "0")]);
    let asked = json!({"content": PILE, "options": {"duration": SECONDS, "changes_only": true}});
    // The caller keeps neither of them; one comes to need attention.
    let with = |path: &str, body: &str| {
        let head = format!("POST {path} HTTP/1.1\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-00");
        ask(service.public, &head, body)
    };
    with("/parse", DRAWING);
    with("/simulate", &asked.to_string());
    with("/parse", DRAWING);
    let spans = spans(&service, TRACE);
    assert!(spans.iter().any(|s| s["name"] == "step"), "{spans:?}");
    assert!(spans.iter().all(|s| s["name"] != "POST /parse"), "{spans:?}");
}

fn svgx(service: &Service, arguments: &[&str]) -> String {
    let from = service.internal.to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_svgx"));
    let output = command.args(arguments).args(["--from", &from]).output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "svgx {arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_operator_sees_the_service_and_one_trace_from_a_shell() {
    let service = serve(None, &keep_everything());
    post(&service, "/evaluate", &json!({"content": ROOM}));
    parse(&service);
    assert!(!spans(&service, TRACE).is_empty());
    let top = svgx(&service, &["top", "--once"]);
    for expected in ["svgx-engine", "redraw", "32 ms", "urgent", "POST /evaluate", TRACE] {
        assert!(top.contains(expected), "{expected} in\n{top}");
    }
    let list = svgx(&service, &["trace", "--list"]);
    assert!(list.lines().any(|l| l.contains("POST /parse") && l.ends_with(TRACE)), "{list}");
    let text = svgx(&service, &["trace", TRACE, "--text"]);
    assert!(text.starts_with("POST /parse") && text.contains("parse"), "{text}");
    let picture = svgx(&service, &["trace", TRACE]);
    let drawn = roxmltree::Document::parse(&picture).expect("well-formed");
    assert!(drawn.descendants().any(|n| n.text() == Some("encode")), "{picture}");
}

#[test]
fn a_trace_that_its_caller_keeps_is_kept_and_the_answer_says_what_is_true() {
    const KEPT: &str = "11111111111111111111111111111111";
    const DROPPED: &str = "22222222222222222222222222222222";
    // (variables, kept of a caller that keeps it, kept of one that does not)
    type Variables = &'static [(&'static str, &'static str)];
    let cases: [(Variables, bool, bool); 4] = [
        (&[], true, false),
        (&[("OTEL_TRACES_SAMPLER_ARG", "1")], true, false),
        (&[("OTEL_TRACES_SAMPLER", "always_on")], true, true),
        (&[("OTEL_TRACES_SAMPLER", "always_off")], false, false),
    ];
    for (variables, sampled, unsampled) in cases {
        let service = serve(None, variables);
        for (trace, flag, kept) in [(KEPT, "01", sampled), (DROPPED, "00", unsampled)] {
            let head =
                format!("GET /health HTTP/1.1\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-{flag}");
            let answer = ask(service.public, &head, "");
            let parent = answer.lines().find_map(|l| l.strip_prefix("traceparent: "));
            let parent = parent.unwrap_or_else(|| panic!("{answer}"));
            assert_eq!(parent.ends_with("-01"), kept, "{variables:?} {flag}: {parent}");
        }
        // What is kept is there in a moment; the rest was answered before it or just after.
        let ids = || {
            let ids =
                recent(&service).into_iter().map(|t| t["trace_id"].as_str().map(str::to_owned));
            ids.flatten().collect::<Vec<String>>()
        };
        if sampled {
            eventually("the trace", || ids().contains(&KEPT.to_owned()).then_some(()));
        }
        if unsampled {
            eventually("the trace", || ids().contains(&DROPPED.to_owned()).then_some(()));
        }
        let all = ids();
        assert_eq!(all.contains(&KEPT.to_owned()), sampled, "{variables:?}: {all:?}");
        assert_eq!(all.contains(&DROPPED.to_owned()), unsampled, "{variables:?}: {all:?}");
    }
}
