//! The service in operation: rates, stopping, and what outlives the process.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::service::{Answer, ROOM, Service, connect};

const SMALL: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>";

/// Tries until it is so; gives up after half a minute.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {what}");
}

fn parse_with(service: &Service, key: &str) -> Answer {
    let headers = format!("Authorization: Bearer {key}\r\nContent-Type: image/svg+xml\r\n");
    service.send("/parse", &headers, SMALL.as_bytes())
}

#[test]
fn a_flood_of_parse_on_one_key_meets_429_while_another_key_is_untouched() {
    const FLOOD: &str = "flood-0123456789abcdef";
    const CALM: &str = "calm-0123456789abcdef";
    let keys = [("flood", FLOOD), ("calm", CALM)].map(|(name, key)| format!("{name}:{key}"));
    let [flood, calm] = &keys;
    let service = Service::with(&["--api-key", flood, "--api-key", calm], None);
    // 100 at once and 1 000 a minute: four clients run into that within their 150 requests
    // each unless they need more than half a minute.
    let (served, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let last = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut last = None;
                    for _ in 0..150 {
                        let answer = parse_with(&service, FLOOD);
                        match answer.status {
                            200 => served.fetch_add(1, Ordering::Relaxed),
                            429 => {
                                last = Some(answer);
                                refused.fetch_add(1, Ordering::Relaxed)
                            }
                            other => panic!("{other}: {}", answer.head),
                        };
                    }
                    last
                })
            })
            .collect();
        clients.into_iter().filter_map(|c| c.join().expect("no panic")).last()
    });
    let served = served.into_inner();
    assert!(served >= 100, "the burst is {served}");
    let problem = last.unwrap_or_else(|| panic!("{served} of 600 were served, none refused"));

    let number = |name: &str| {
        let value = problem.header(name).unwrap_or_else(|| panic!("no {name}: {}", problem.head));
        value.parse::<u64>().unwrap_or_else(|_| panic!("{name}: {value}"))
    };
    assert_eq!(number("retry-after"), 1, "a place frees itself every 60 ms");
    assert_eq!((number("x-ratelimit-limit"), number("x-ratelimit-remaining")), (1_000, 0));
    assert!(number("x-ratelimit-reset") > 1_700_000_000, "seconds since the epoch");
    assert_eq!(
        problem.header("ratelimit-policy"),
        Some("\"rest\";q=1000;w=60, \"rest-burst\";q=100;w=6")
    );
    assert_eq!(problem.header("ratelimit"), Some("\"rest-burst\";r=0;t=1"));
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    let body = problem.json();
    assert_eq!((&body["code"], &body["limit"]), (&json!("rate-limited"), &json!(1000.0)));

    let calm = parse_with(&service, CALM);
    assert_eq!((calm.status, calm.header("x-ratelimit-remaining")), (200, Some("99")));
    // Another class of the same key, and the probes, are untouched, too.
    let key = format!("Authorization: Bearer {FLOOD}\r\n");
    let state = service.get("/state", &key);
    assert_eq!((state.status, state.header("x-ratelimit-limit")), (200, Some("6000")));
    assert_eq!(service.get("/health", &key).status, 200);
    // And what `Retry-After` promised is kept.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(parse_with(&service, FLOOD).status, 200);
}

#[test]
fn however_a_path_is_written_its_rate_is_that_of_what_it_leads_to() {
    // Class and rate of each; `None`: not counted.
    for (path, expected) in [
        ("/parse", Some(("rest", "7"))),
        ("/api/v1/parse", Some(("rest", "7"))),
        ("/%70arse", Some(("rest", "7"))),
        ("/interactive", Some(("ui", "9"))),
        ("/api/v1/interactive", Some(("ui", "9"))),
        ("/interactiv%65", Some(("ui", "9"))),
        ("/nothing", Some(("rest", "7"))),
        ("/api/v1/nothing", Some(("rest", "7"))),
        ("/api/v1/docs/nothing", Some(("rest", "7"))),
        ("/health", None),
        ("/api/v1/health", None),
    ] {
        let flags = ["--rate-limit-rest=7", "--rate-limit-ui=9", "--rate-limit-burst=2"];
        let service = Service::with(&flags, None);
        let answers: Vec<Answer> = (0..3).map(|_| service.get(path, "")).collect();
        let Some((class, rate)) = expected else {
            let is_free = |a: &Answer| a.status != 429 && a.header("ratelimit").is_none();
            assert!(answers.iter().all(is_free), "{path}: {}", answers[2].head);
            continue;
        };
        for (answer, left) in answers.iter().zip([1, 0, 0]) {
            let told = answer.header("ratelimit").unwrap_or_default();
            assert!(told.starts_with(&format!("\"{class}-burst\";r={left};t=")), "{path}: {told}");
            assert_eq!(answer.header("x-ratelimit-limit"), Some(rate), "{path}");
        }
        let [.., refused] = &answers[..] else { panic!("{path}: no answer") };
        assert_eq!(refused.status, 429, "{path}");
        assert!(refused.header("retry-after").is_some(), "{path}: {}", refused.head);
        assert_eq!(refused.json()["code"], json!("rate-limited"), "{path}");
    }
}

#[test]
fn a_hundred_rapid_probes_meet_429_only_where_they_are_counted() {
    let refused =
        |service: &Service| (0..100).filter(|_| service.get("/health", "").status == 429).count();
    let default = Service::with(&[], None);
    assert_eq!(refused(&default), 0);
    let counted = Service::with(&["--rate-limit-status", "60"], None);
    assert!(refused(&counted) > 0, "50 at once, one a second");
}

#[test]
fn every_answer_of_health_has_one_length_so_that_ab_counts_no_failure() {
    let service = Service::with(&[], None);
    for _ in 0..20 {
        let answer = service.get("/health", "");
        assert_eq!(answer.body.len(), 512);
        assert_eq!(answer.json()["status"], "healthy");
    }
}

#[test]
fn a_request_that_runs_when_the_service_is_told_to_stop_is_finished() {
    let mut service = Service::start();
    assert_eq!(service.probe("/readyz"), 200);
    let mut running = connect(service.public);
    let head = format!(
        "POST /parse HTTP/1.1\r\nHost: {}\r\nContent-Type: image/svg+xml\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        service.public,
        ROOM.len()
    );
    running.write_all(head.as_bytes()).expect("sent");
    // The service has taken the request up when it says so.
    let mut go_on = [0; 25];
    running.read_exact(&mut go_on).expect("it waits for the body");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    let (first, rest) = ROOM.as_bytes().split_at(ROOM.len() / 2);
    running.write_all(first).expect("sent");

    service.signal(rustix::process::Signal::TERM);
    eventually("not ready", || service.probe("/readyz") == 503);
    eventually("no new connection", || TcpStream::connect(service.public).is_err());
    running.write_all(rest).expect("the connection is still there");
    let answer = Answer::read(&mut running);
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(answer.json()["statistics"]["objects"], 9);
    assert!(service.wait().success(), "it ends by itself, and well");
}

#[test]
fn an_acknowledged_drag_survives_kill_minus_nine() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().to_str().expect("a path");
    let start = || Service::with(&["--rate-limit", "off", "--data-dir", data], None);
    let service = start();
    let done = |body: Value| {
        let answer = service.post("/interactive", &body);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{body}: {text}");
        answer.json()
    };
    done(json!({ "operation": "load", "content": ROOM }));
    let at = |x: f64, y: f64| json!({ "x": x, "y": y });
    done(
        json!({ "operation": "drag_start", "element_id": "lf01_box", "coordinates": at(400.0, 100.0) }),
    );
    done(json!({ "operation": "drag_move", "coordinates": at(420.4, 99.7) }));
    let ended = done(json!({ "operation": "drag_end", "coordinates": at(431.2, 88.1) }));
    let picture = |service: &Service| {
        let answer = service.post("/compile/svg", &json!({ "session": "default" }));
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{text}");
        answer.json()["output"].clone()
    };
    let before = picture(&service);
    service.kill();

    let service = start();
    let state = service.get("/state", "").json();
    for member in ["sequence", "selected_elements", "precision_level", "constraints"] {
        assert_eq!(state[member], ended["state"][member], "{member}");
    }
    assert_eq!(picture(&service), before);
}
