//! `POST /simulate` as a stream: over TCP, against the binary.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::service::Service;

pub(super) const LINES: &str = "application/x-ndjson";

/// A running service, and its answers while they come in.
pub(super) struct Streaming(Service);

impl Streaming {
    pub(super) fn start() -> Streaming {
        Streaming::with(&[])
    }

    fn with(more: &[&str]) -> Streaming {
        Streaming(Service::with(&[&["--rate-limit", "off"], more].concat(), None))
    }

    fn open(&self, method: &str, path: &str, accept: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.0.public).expect("it accepts");
        stream.set_read_timeout(Some(Duration::from_secs(600))).expect("a timeout");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: {accept}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.0.public,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(body).expect("sent");
        let mut from = BufReader::new(stream);
        let (mut status, mut head, mut chunked) = (0, String::new(), false);
        loop {
            let mut line = String::new();
            from.read_line(&mut line).expect("a head");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if status == 0 {
                status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
            }
            chunked |= line == "transfer-encoding: chunked";
            let _ = writeln!(head, "{line}");
        }
        Answer { status, head, chunked, from, rest: Vec::new() }
    }

    pub(super) fn simulate(&self, accept: &str, content: &str, options: &Value) -> Answer {
        let body = json!({ "content": content, "options": options }).to_string();
        self.open("POST", "/simulate", accept, body.as_bytes())
    }

    /// Jobs admitted and not ended, over all classes.
    fn in_flight(&self) -> u64 {
        let status = self.open("GET", "/slo", "application/json", b"").all();
        let status: Value = serde_json::from_slice(&status).expect("JSON");
        let lanes = status["lanes"].as_array().expect("lanes");
        let count = |lane: &Value, name: &str| lane[name].as_u64().expect("a number");
        lanes.iter().map(|l| count(l, "running") + count(l, "waiting")).sum()
    }
}

/// An answer as it comes in.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    chunked: bool,
    from: BufReader<TcpStream>,
    rest: Vec<u8>,
}

impl Answer {
    /// The next line of the body; none at its end.
    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(String::from_utf8(line).expect("text").trim_end().to_owned());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// Reads a chunk.
    fn more(&mut self) -> bool {
        if !self.chunked {
            return self.from.read_to_end(&mut self.rest).expect("a body") > 0;
        }
        let mut size = String::new();
        self.from.read_line(&mut size).expect("a chunk");
        let size = usize::from_str_radix(size.trim(), 16).expect("its size");
        let mut chunk = vec![0; size + 2];
        self.from.read_exact(&mut chunk).expect("the chunk");
        self.rest.extend(&chunk[..size]);
        size > 0
    }

    pub(super) fn all(mut self) -> Vec<u8> {
        while self.more() {}
        self.rest
    }

    pub(super) fn lines(mut self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }
}

/// Boxes falling into a pen.
fn pile(n: i32) -> String {
    let mut text = String::from(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx">
<rect id="floor" x="-1000" y="0" width="9000" height="500"><arx:physics motion="fixed"/></rect>
<rect id="left" x="-1000" y="-9000" width="500" height="9000"><arx:physics motion="fixed"/></rect>
<rect id="right" x="6000" y="-9000" width="500" height="9000"><arx:physics motion="fixed"/></rect>
"#,
    );
    for i in 0..n {
        let (x, y) = (700 * (i % 8) + 31 * (i / 8 % 5), -900 - 800 * (i / 8));
        let _ = writeln!(
            text,
            r#"<rect id="b{i}" x="{x}" y="{y}" width="500" height="500"><arx:physics restitution="0.2"><arx:mass value="10" unit="kg"/></arx:physics></rect>"#
        );
    }
    text + "</svg>"
}

pub(super) fn member(line: &str, name: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(line).expect("a line is JSON");
    value.get(name).cloned()
}

pub(super) fn until<'l>(lines: &'l [String], name: &str) -> Vec<&'l String> {
    lines.iter().filter(|l| member(l, name).is_some()).collect()
}

#[test]
fn frames_arrive_while_it_runs_and_whoever_hangs_up_frees_the_place() {
    let service = Streaming::start();
    // An hour of 100 boxes: minutes of work.
    let options = json!({ "duration": 3600, "fps": 25, "precision": "ui", "changes_only": true });
    let mut answer = service.simulate(LINES, &pile(100), &options);
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert!(answer.head.contains("content-type: application/x-ndjson"), "{}", answer.head);
    let start = answer.line().and_then(|l| member(&l, "start")).expect("it begins");
    assert_eq!((&start["tier"], &start["bodies"]), (&json!("ui"), &json!(103)));
    for n in 1..=20 {
        let frame = answer.line().and_then(|l| member(&l, "frame")).expect("a frame");
        let time = frame["time"].as_f64().expect("a time");
        assert!((time - f64::from(n) / 25.0).abs() < 1e-9, "frame {n} is at {time}");
    }
    drop(answer);
    for _ in 0..300 {
        if service.in_flight() == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the place is still taken");
}

#[test]
fn a_client_that_does_not_read_keeps_nobody_waiting() {
    let service = Streaming::start();
    let options = json!({ "duration": 3600, "fps": 25, "precision": "ui" });
    let idle = service.simulate(LINES, &pile(100), &options);
    assert_eq!(idle.status, 200);
    // The lane has one thread; another stream runs to its end beside it.
    let short = json!({ "duration": 0.5, "precision": "ui" });
    let lines = service.simulate(LINES, &pile(8), &short).lines();
    assert_eq!(until(&lines, "frame").len(), 15);
    assert_eq!(until(&lines, "outcome").len(), 1);
    drop(idle);
}

#[test]
fn a_stream_taken_up_from_a_token_goes_on_with_the_same_bytes() {
    let service = Streaming::start();
    let drawing = pile(24);
    let options = json!({ "duration": 1.5, "precision": "ui", "checkpoint": 0.5 });
    let whole = service.simulate(LINES, &drawing, &options).lines();
    assert_eq!(until(&whole, "frame").len(), 45);
    let checkpoints = until(&whole, "checkpoint");
    assert_eq!(checkpoints.len(), 2, "none at the end");
    for line in checkpoints {
        let checkpoint = member(line, "checkpoint").expect("one");
        let done = checkpoint["frames"].as_u64().expect("a count") as usize;
        let resume = json!({ "resume": checkpoint["resume"], "checkpoint": 0.5 });
        let rest = service.simulate(LINES, &drawing, &resume).lines();
        let start = member(&rest[0], "start").expect("it begins");
        assert_eq!(start["time"], checkpoint["time"]);
        assert_eq!(until(&rest, "frame"), until(&whole, "frame")[done..]);
        assert_eq!(rest.last(), whole.last());
    }
    // The answer in one piece is the same simulation.
    let one = json!({ "duration": 1.5, "precision": "ui" });
    let one = service.simulate("application/json", &drawing, &one).all();
    let one: Value = serde_json::from_slice(&one).expect("JSON");
    let outcome = member(whole.last().expect("a line"), "outcome").expect("the outcome");
    if one["simulation"]["partial"] == json!(false) && one["precision"] == "ui" {
        assert_eq!(one["simulation"]["digest"], outcome["digest"]);
        assert_eq!(one["error_mm"], outcome["error"]["millimetres"]);
    }

    // Of another drawing, damaged, or with options of its own: refused.
    let token =
        member(until(&whole, "checkpoint")[0], "checkpoint").expect("one")["resume"].clone();
    let text = token.as_str().expect("text");
    for (drawing, options) in [
        (pile(25), json!({ "resume": text })),
        (drawing.clone(), json!({ "resume": text.replace('0', "1") })),
        (drawing.clone(), json!({ "resume": "no token" })),
        (drawing.clone(), json!({ "resume": text, "duration": 3 })),
        (drawing, json!({ "duration": 1, "checkpoint": 0 })),
    ] {
        let refused = service.simulate(LINES, &drawing, &options);
        assert_eq!(refused.status, 422, "{}", options.to_string().len());
        let problem: Value = serde_json::from_slice(&refused.all()).expect("JSON");
        assert!(problem["errors"][0]["pointer"].is_string(), "{problem}");
    }
}

#[test]
fn a_stream_of_a_stopping_service_ends_with_a_token() {
    let mut service = Streaming::start();
    let options = json!({ "duration": 3600, "fps": 25, "precision": "ui", "changes_only": true });
    let mut answer = service.simulate(LINES, &pile(40), &options);
    assert!(answer.line().is_some() && answer.line().is_some());
    service.0.signal(rustix::process::Signal::TERM);
    let lines = answer.lines();
    let outcome = lines.last().and_then(|l| member(l, "outcome")).expect("an outcome");
    assert_eq!((&outcome["partial"], &outcome["ended"]), (&json!(true), &json!("cancelled")));
    assert!(outcome["resume"].as_str().is_some_and(|t| t.len() > 100));
    assert!(outcome["error"]["millimetres"].is_number());
    assert!(service.0.wait().success());
}

#[test]
fn events_carry_the_same_lines() {
    let service = Streaming::start();
    let (drawing, options) = (pile(4), json!({ "duration": 0.2, "precision": "ui" }));
    let lines = service.simulate(LINES, &drawing, &options).lines();
    let answer = service.simulate("text/event-stream", &drawing, &options);
    assert!(answer.head.contains("content-type: text/event-stream"), "{}", answer.head);
    let events = answer.lines();
    let mut data = Vec::new();
    for event in events.split(|l| l.is_empty()).filter(|e| !e.is_empty()) {
        let [name, line] = event else { panic!("{event:?}") };
        let (name, line) = (&name["event: ".len()..], &line["data: ".len()..]);
        assert!(member(line, name).is_some(), "{name}");
        data.push(line.to_owned());
    }
    assert_eq!(data, lines);
}

#[test]
fn the_state_at_the_end_depends_on_neither_process_nor_threads() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("pile.svgx");
    std::fs::write(&file, pile(16)).expect("written");
    let told = |tier: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(["simulate", "--format", "ndjson", "--tier", tier])
            .arg(&file)
            .output()
            .expect("the binary runs");
        let text = String::from_utf8(done.stdout).expect("text");
        let last = member(text.lines().last().expect("a line"), "outcome").expect("the outcome");
        last["digest"].clone()
    };
    for tier in ["ui", "edit"] {
        let digest = told(tier);
        assert!(digest.is_string());
        assert_eq!(told(tier), digest, "another process");
        for threads in ["1", "4"] {
            let service = Streaming::with(&["--compute-threads", threads]);
            let options = json!({ "duration": 1, "precision": tier });
            let lines = service.simulate(LINES, &pile(16), &options).lines();
            let outcome = lines.last().and_then(|l| member(l, "outcome")).expect("an outcome");
            assert_eq!(outcome["digest"], digest, "{threads} threads");
        }
    }
}

#[test]
fn an_answer_says_its_tier_its_reason_and_its_error_or_is_refused_when_strict() {
    let service = Streaming::start();
    let work = json!({ "duration": 10, "fps": 10, "precision": "compute" });
    let answer = service.simulate("application/json", &pile(100), &work);
    assert_eq!(answer.status, 200, "{}", answer.head);
    let answer: Value = serde_json::from_slice(&answer.all()).expect("JSON");
    assert_eq!(answer["precision_asked"], "compute");
    assert!(answer["error_mm"].is_number() && answer["reason"].is_string());
    assert_eq!(answer["error_mm"], answer["error"]["millimetres"]);
    let partial = answer["simulation"]["partial"] == json!(true);
    assert_eq!(partial, answer["reason"] == "deadline", "{}", answer["reason"]);

    let strict = json!({ "duration": 10, "fps": 10, "precision": "strict" });
    let refused = service.simulate("application/json", &pile(100), &strict);
    let (status, body) = (refused.status, refused.all());
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    if status == 200 {
        assert_eq!((&body["precision"], &body["reason"]), (&json!("compute"), &json!("completed")));
    } else {
        assert_eq!((status, &body["code"]), (503, &json!("strict-precision")));
    }
}

#[test]
fn what_cannot_be_simulated_is_a_problem_that_names_the_element_and_its_line() {
    // Reading the crowd below takes half a second of the batch lane, which is the last to get
    // a busy processor.
    let service = Streaming::with(&["--request-timeout", "600"]);
    let drawing = |inside: &str, after: &str| {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx">
<rect id="slab" x="0" y="0" width="10" height="10"><arx:physics>
{inside}
</arx:physics></rect>
{after}</svg>"#
        )
    };
    let mass = r#"<arx:mass value="5" unit="kg"/>"#;
    let one = |more: &str| drawing(&format!("{mass}{more}"), "");
    let joined = r#"<arx:system id="s" type="x"><arx:connections><arx:connection from="slab" to="nobody" type="hinge"/></arx:connections></arx:system>"#;
    for accept in [LINES, "application/json"] {
        for (content, code, line) in [
            (drawing(r#"<arx:mass value="-5" unit="kg"/>"#, ""), "physics-mass", 3),
            (drawing(r#"<arx:mass value="5kg" unit="lb"/>"#, ""), "physics-value", 3),
            (drawing(r#"<arx:mass value="5" unit="V"/>"#, ""), "physics-value", 3),
            (one(r#"<arx:anchor type="sky"/>"#), "physics-anchor", 3),
            (
                one(
                    r#"<arx:forces><arx:force name="f" direction="sideways" magnitude="1"/></arx:forces>"#,
                ),
                "physics-force",
                3,
            ),
            (drawing(mass, joined), "physics-connection", 5),
        ] {
            let answer = service.simulate(accept, &content, &json!({ "duration": 1 }));
            assert_eq!(answer.status, 422, "{content}");
            assert!(answer.head.contains("application/problem+json"), "{}", answer.head);
            let problem: Value = serde_json::from_slice(&answer.all()).expect("JSON");
            let found = problem["errors"].as_array().expect("findings").iter();
            let found: Vec<&Value> = found.filter(|f| f["code"] == code).collect();
            let message = found.first().map(|f| f["message"].to_string()).unwrap_or_default();
            assert!(message.contains("slab") || message.contains("nobody"), "{code}: {problem}");
            assert_eq!(found[0]["line"], line, "{code}: {problem}");
        }
        for (options, named) in [
            (json!({ "duration": 1e9 }), "limit-exceeded"),
            (json!({ "duration": 0 }), "/options/duration"),
            (json!({ "duration": -1 }), "/options/duration"),
            (json!({ "duration": 1, "fps": 0 }), "/options/fps"),
            (json!({ "duration": 1, "fps": 1e9 }), "limit-exceeded"),
            (json!({ "duration": 1, "gravity": 1e9 }), "/options/gravity"),
            (json!({ "duration": 1, "disturb": [{ "element": "nobody" }] }), "/options/disturb"),
        ] {
            let answer = service.simulate(accept, &one(""), &options);
            assert_eq!(answer.status, 422, "{options}");
            let text = String::from_utf8(answer.all()).expect("text");
            assert!(text.contains(named), "{options}: {text}");
        }
    }
    let crowd = service.simulate(LINES, &pile(20_000), &json!({ "duration": 1 }));
    let problem: Value = serde_json::from_slice(&crowd.all()).expect("JSON");
    assert_eq!((&problem["limit"], &problem["value"]), (&json!(20_000.0), &json!(20_003.0)));
    let other = service.simulate("text/html", &one(""), &json!({}));
    assert_eq!(other.status, 406);
}
