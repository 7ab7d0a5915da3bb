//! Deep traces: who gets one, what is in it, and that it ends by itself.

use serde_json::{Value, json};

use super::receiver::attributes;
use super::traces::{body, post, recent, spans};
use super::{Service, TRACE, ask, eventually, serve};

const PILE: &str = include_str!("../../../examples/pile.svgx");
const SKETCH: &str = include_str!("../../../examples/sketch.svgx");

/// Asks the internal listener; the status and the answer.
fn operate(service: &Service, method: &str, asked: &str) -> (u16, Value) {
    let answer = ask(service.internal, &format!("{method} /traces/deep HTTP/1.1"), asked);
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    (status, body(&answer))
}

/// A request whose caller says whether it keeps the trace.
fn called(service: &Service, trace: &str, flag: &str, path: &str, asked: &Value) -> String {
    let parent = format!("traceparent: 00-{trace}-00f067aa0ba902b7-{flag}");
    let head = format!("POST {path} HTTP/1.1\r\n{parent}");
    ask(service.public, &head, &asked.to_string())
}

/// A drawing that nobody has sent before, so that it is found in no cache.
fn fresh(drawing: &str, n: usize) -> String {
    format!("{}<!-- {n} -->", drawing.trim_end())
}

fn names(spans: &[Value]) -> Vec<&str> {
    spans.iter().filter_map(|s| s["name"].as_str()).collect()
}

/// The names from a span up to the request.
fn path(spans: &[Value], name: &str) -> Vec<String> {
    let find = |key: &str, value: &Value| spans.iter().find(|s| s[key] == *value);
    let mut at = find("name", &name.into());
    let mut path = Vec::new();
    while let Some(span) = at.filter(|_| path.len() < 20) {
        path.push(span["name"].as_str().unwrap_or_default().to_owned());
        at = find("spanId", &span["parentSpanId"]);
    }
    path
}

fn fact(spans: &[Value], name: &str, key: &str) -> Value {
    let span = spans.iter().find(|s| s["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    let facts = attributes(span);
    let found = facts.into_iter().find(|(k, _)| k == key);
    found.unwrap_or_else(|| panic!("{name} does not say {key}")).1
}

/// Everything that a deep trace may tell of, once.
pub(super) fn drive_deeply(service: &Service) {
    let (status, shown) = operate(service, "PUT", r#"{"requests": 1000}"#);
    assert_eq!(status, 200, "{shown}");
    let text = "<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'>\
        <text x='2' y='20'>a</text></svg>";
    let line = |id: &str, x: f64| json!({"id": id, "type": "line", "x1": 0.0, "y1": 0.0, "x2": x, "y2": 1.0});
    let both = |value: f64| json!({"type": "distance", "of": ["a.start", "a.end"], "value": value});
    let conflict = json!({"entities": [line("a", 10.0)], "constraints": [both(10.0), both(20.0)]});
    let target = json!({"point": "a.end", "x": 3.0, "y": 30.0});
    let pulled = json!({"entities": [line("a", 10.0)], "constraints": [both(10.0)]});
    let pulled = json!({"problem": pulled, "options": {"targets": [target]}});
    for (path, asked) in [
        ("/parse", json!({"content": "{\"elements\": []}"})),
        ("/evaluate", json!({"content": fresh(include_str!("../../../examples/room.svgx"), 1)})),
        ("/constraints/solve", json!({"content": fresh(SKETCH, 1)})),
        ("/constraints/solve", pulled),
        ("/constraints/solve", json!({"problem": conflict})),
        ("/simulate", json!({"content": fresh(include_str!("../../../examples/room.svgx"), 2)})),
        ("/simulate", json!({"content": fresh(PILE, 1), "options": {"duration": 0.5}})),
        ("/compile/svg", json!({"content": fresh(text, 1)})),
        ("/compile/json", json!({"content": fresh(text, 2)})),
        ("/render", json!({"content": fresh(text, 3)})),
        ("/render", json!({"content": fresh(text, 4), "options": {"engine": "resvg"}})),
        (
            "/interactive",
            json!({"operation": "load", "content": fresh(SKETCH, 2), "session": "deep"}),
        ),
        ("/interactive", json!({"operation": "click", "element_id": "web1", "session": "deep"})),
    ] {
        post(service, path, &asked);
    }
    let stream = json!({"content": PILE, "options": {"duration": 0.5, "checkpoint": 0.001}});
    let head = "POST /simulate HTTP/1.1\r\nAccept: application/x-ndjson";
    ask(service.public, head, &stream.to_string());
    assert_eq!(operate(service, "DELETE", "").0, 200);
}

#[test]
fn an_operator_sees_into_the_solver_and_it_ends_by_itself() {
    let service = serve(None, &[("OTEL_TRACES_SAMPLER_ARG", "0")]);
    let asked = r#"{"route": "/constraints/solve", "requests": 1, "seconds": 60}"#;
    let (status, shown) = operate(&service, "PUT", asked);
    assert_eq!((status, &shown["asked"]["requests_left"]), (200, &json!(1)), "{shown}");
    post(&service, "/parse", &json!({"content": fresh(SKETCH, 1)}));
    for n in 2..5 {
        let answer = post(&service, "/constraints/solve", &json!({"content": fresh(SKETCH, n)}));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    // One, and it ended by itself: nobody called DELETE.
    let (_, shown) = operate(&service, "GET", "");
    assert_eq!(shown["asked"], Value::Null, "{shown}");
    let is_deep = |t: &Value| t["attributes"]["svgx.deep.asked_by"] == "operator";
    let kept = eventually("the trace", || {
        let kept: Vec<Value> = recent(&service).into_iter().filter(is_deep).collect();
        (!kept.is_empty()).then_some(kept)
    });
    let [trace] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(trace["name"], "POST /constraints/solve");
    let spans = spans(&service, trace["trace_id"].as_str().expect("an id"));
    for (name, expected) in [
        ("scan", "parse work"),
        ("validate", "parse work"),
        ("cascade", "scene work"),
        ("sketch", "work"),
        ("plan", "constraints solve work"),
        ("component", "constraints solve work"),
        ("diagnose", "solve work"),
    ] {
        let root = ["POST /constraints/solve".to_owned()];
        let expected: Vec<String> = [name.to_owned()]
            .into_iter()
            .chain(expected.split(' ').map(str::to_owned))
            .chain(root)
            .collect();
        assert_eq!(path(&spans, name), expected, "{:?}", names(&spans));
    }
    assert!(fact(&spans, "component", "svgx.residual").as_f64().is_some_and(|mm| mm < 0.001));
    assert!(fact(&spans, "constraints", "svgx.constraint.count").as_u64().is_some_and(|n| n > 1));
    let time = |s: &Value, key: &str| s[key].as_str().and_then(|t| t.parse::<u64>().ok());
    let root = spans.iter().find(|s| s["name"] == "POST /constraints/solve").expect("the request");
    for span in &spans {
        for key in ["startTimeUnixNano", "endTimeUnixNano"] {
            let at = time(span, key).expect("a time");
            assert!(time(root, "startTimeUnixNano").expect("a time") <= at, "{span}");
            assert!(at <= time(root, "endTimeUnixNano").expect("a time"), "{span}");
        }
    }
}

#[test]
fn many_equal_parts_leave_room_for_what_follows_them() {
    let service = serve(None, &[]);
    operate(&service, "PUT", r#"{"route": "/constraints/solve"}"#);
    const PARTS: usize = 600;
    // A triangle each: three sizes that do not agree with where it was drawn.
    let (mut entities, mut constraints) = (Vec::new(), Vec::new());
    for i in 0..PARTS {
        for (name, x, y) in [("a", 0.0, 0.0), ("b", 30.0, 0.0), ("c", 10.0, 25.0)] {
            let (id, x) = (format!("{name}{i}"), x + 100.0 * i as f64);
            entities.push(json!({"id": id, "type": "point", "x": x, "y": y}));
        }
        for (one, other, value) in [("a", "b", 40.0), ("b", "c", 35.0), ("c", "a", 30.0)] {
            let of = [format!("{one}{i}"), format!("{other}{i}")];
            constraints.push(json!({"type": "distance", "of": of, "value": value}));
        }
    }
    let asked = json!({"problem": {"entities": entities, "constraints": constraints}});
    let answer = called(&service, TRACE, "00", "/constraints/solve", &asked);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let spans = spans(&service, TRACE);
    let seen = names(&spans);
    assert_eq!(fact(&spans, "plan", "svgx.component.count"), json!(PARTS), "{seen:?}");
    assert_eq!(seen.iter().filter(|name| **name == "component").count(), 48);
    assert!(seen.contains(&"iteration") && seen.contains(&"diagnose"), "{seen:?}");
    assert_eq!(path(&spans, "iteration")[..2], ["iteration", "component"]);
    let root = spans.iter().find(|s| s["name"] == "POST /constraints/solve").expect("the request");
    assert!(attributes(root).iter().all(|(key, _)| key != "svgx.deep.dropped"), "{root}");
}

#[test]
fn a_simulation_is_told_in_groups_of_steps_with_their_phases() {
    let service = serve(None, &[]);
    operate(&service, "PUT", r#"{"route": "/simulate"}"#);
    let asked = json!({"content": fresh(PILE, 1), "options": {"duration": 0.5}});
    let answer = called(&service, TRACE, "00", "/simulate", &asked);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let spans = spans(&service, TRACE);
    let groups: Vec<&Value> = spans.iter().filter(|s| s["name"] == "steps").collect();
    assert!((1..=24).contains(&groups.len()), "{:?}", names(&spans));
    let steps: u64 = groups
        .iter()
        .flat_map(|s| attributes(s))
        .filter(|(k, _)| k == "svgx.step.count")
        .filter_map(|(_, n)| n.as_u64())
        .sum();
    assert_eq!(json!(steps), fact(&spans, "step", "svgx.step.count"));
    assert_eq!(path(&spans, "narrow")[..3], ["narrow", "steps", "step"]);
    assert_eq!(fact(&spans, "solver", "svgx.aggregated"), json!(true));
    assert!(fact(&spans, "bodies", "svgx.body.count").as_u64().is_some_and(|n| n > 1));
}

#[test]
fn a_caller_that_keeps_its_trace_sees_into_it_as_often_as_it_may_and_no_other_does() {
    let service = serve(None, &[("SVGX_RATE_LIMIT", "off")]);
    let asked = |n: usize| json!({"content": fresh(SKETCH, n)});
    // A trace of its own: on a busy machine it is late, and kept.
    called(&service, &"a".repeat(32), "00", "/parse", &asked(0));
    assert!(operate(&service, "GET", "").1["callers"]["traced"] == 0);
    called(&service, TRACE, "01", "/parse", &asked(1));
    let seen = spans(&service, TRACE);
    assert_eq!(path(&seen, "scan")[..3], ["scan", "parse", "work"]);
    assert_eq!(fact(&seen, "POST /parse", "svgx.deep.asked_by"), json!("caller"));
    const MANY: u64 = 60;
    for n in 0..MANY {
        let trace = format!("{:032x}", n + 1);
        called(&service, &trace, "01", "/parse", &asked(n as usize + 2));
    }
    let (_, shown) = operate(&service, "GET", "");
    let count = |key: &str| shown["callers"][key].as_u64().expect("a number");
    assert_eq!(count("traced") + count("refused"), MANY + 1, "{shown}");
    assert!(count("traced") >= count("burst") && count("refused") > 0, "{shown}");
    // A trace without its steps is kept all the same, as its caller keeps it.
    let last = spans(&service, &format!("{MANY:032x}"));
    assert!(names(&last).contains(&"parse"), "{last:?}");
}

#[test]
fn off_means_none() {
    let service = serve(None, &[("OTEL_TRACES_SAMPLER", "always_on")]);
    let answer = post(&service, "/constraints/solve", &json!({"content": SKETCH}));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let kept = eventually("the trace", || {
        let kept = recent(&service);
        (!kept.is_empty()).then_some(kept)
    });
    let spans = spans(&service, kept[0]["trace_id"].as_str().expect("an id"));
    let usual = ["admit", "read", "queue", "work", "parse", "solve", "encode"];
    let root = "POST /constraints/solve";
    for name in names(&spans) {
        assert!(usual.contains(&name) || name == root, "{name}");
    }
}

#[test]
fn the_work_of_a_job_and_of_the_store_is_told_where_it_belongs() {
    let data = tempfile::tempdir().expect("a folder");
    let flags = ["--log-format", "json", "--data-dir", data.path().to_str().expect("text")];
    let service = Service::with_environment(&flags, &[], None);
    operate(&service, "PUT", r#"{"requests": 9}"#);
    let head = format!(
        "POST /parse HTTP/1.1\r\nPrefer: respond-async\r\n\
         traceparent: 00-{TRACE}-00f067aa0ba902b7-00"
    );
    let answer = ask(service.public, &head, &json!({"content": fresh(SKETCH, 1)}).to_string());
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let seen = eventually("the job", || {
        let seen = spans(&service, TRACE);
        names(&seen).contains(&"job").then_some(seen)
    });
    assert_eq!(path(&seen, "scan"), ["scan", "parse", "work", "job", "POST /parse"]);

    const LOADED: &str = "11111111111111111111111111111111";
    let load = json!({"operation": "load", "content": SKETCH});
    let answer = called(&service, LOADED, "00", "/interactive", &load);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen = spans(&service, LOADED);
    assert_eq!(path(&seen, "commit")[..2], ["commit", "write"], "{:?}", names(&seen));
    assert!(fact(&seen, "write", "svgx.write.size").as_u64().is_some_and(|n| n > 100));
}

#[test]
fn what_cannot_be_asked_for_is_refused_and_says_why() {
    let service = serve(None, &[]);
    for (asked, expected) in [
        ("", "the text ends where a value should begin"),
        ("{", "the text ends inside an object"),
        (r#"{"requests": 0}"#, "requests is 0; 1 to 1000"),
        (r#"{"requests": 1001}"#, "requests is 1001; 1 to 1000"),
        (r#"{"seconds": 3601}"#, "seconds is 3601; 1 to 3600"),
        (r#"{"requests": -1}"#, "expected a whole number, 0 or more"),
        (r#"{"request": 1}"#, "did you mean `requests`?"),
        (r#"{"route": "/simulat"}"#, "did you mean `/simulate`?"),
        (r#"{"key": "eve"}"#, "\"eve\" is the name of no key"),
    ] {
        let (status, answer) = operate(&service, "PUT", asked);
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(status == 422 && detail.contains(expected), "{asked}: {status} {answer}");
    }
    assert_eq!(operate(&service, "GET", "").1["asked"], Value::Null);
    let page = "PUT /traces/deep HTTP/1.1\r\nOrigin: http://evil.example";
    assert!(ask(service.internal, page, "{}").starts_with("HTTP/1.1 403"));
    let large = format!("{{\"key\": \"{}\"}}", "x".repeat(5_000));
    let answer = ask(service.internal, "PUT /traces/deep HTTP/1.1", &large);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let off = serve(None, &[("OTEL_SDK_DISABLED", "true")]);
    assert_eq!(operate(&off, "PUT", "{}").0, 409);
}
