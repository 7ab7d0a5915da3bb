//! Admission, jobs and operator controls, as a client meets them.

use std::time::Duration;

use serde_json::{Value, json};
use svgx_load::{drawing, pile};

use crate::support::service::{Answer, Service};

const SVG: &str = "Content-Type: image/svg+xml\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

fn engine(more: &[&str]) -> Service {
    Service::with(&[&["--rate-limit", "off"], more].concat(), None)
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    // Patient: the machine may be busy with everything else.
    for _ in 0..1_200 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what} did not come to be");
}

fn stage(engine: &Service, key: &str, id: &str) -> String {
    let job = engine.ask("GET", &format!("/jobs/{id}"), key, b"");
    job.json()["stage"].as_str().unwrap_or("none").to_owned()
}

fn job(answer: &Answer) -> String {
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(answer.header("location"), Some(format!("/jobs/{id}").as_str()));
    id
}

#[test]
fn a_client_that_prefers_it_gets_a_job_whose_result_is_what_the_endpoint_answers() {
    let engine = engine(&["--controller", "on", "--api-key", "a:one", "--api-key", "b:two"]);
    let (one, two) = ("Authorization: Bearer one\r\n", "Authorization: Bearer two\r\n");
    let headers = format!("{one}{SVG}Prefer: respond-async\r\n");
    let text = drawing(300);
    for path in ["/parse", "/compile/svg", "/compile/json", "/render", "/api/v1/simulate"] {
        let taken = engine.ask("POST", path, &headers, text.as_bytes());
        assert_eq!(taken.status, 202, "{path}: {}", String::from_utf8_lossy(&taken.body));
        assert_eq!(taken.header("preference-applied"), Some("respond-async"));
        let id = job(&taken);
        wait("the end of the job", || stage(&engine, one, &id) == "done");
        let result = engine.ask("GET", &format!("/jobs/{id}/result"), one, b"");
        assert_eq!(result.status, 200, "{path}");
        let headers = format!("{one}{SVG}Prefer: wait=100\r\n");
        let direct = engine.ask("POST", path, &headers, text.as_bytes());
        assert_eq!(result.header("content-type"), direct.header("content-type"), "{path}");
        if path == "/render" {
            assert_eq!(result.body, direct.body);
        }
        // Nobody else's business, and gone when it is deleted.
        for (method, path) in
            [("GET", "/jobs/ID"), ("GET", "/jobs/ID/result"), ("DELETE", "/jobs/ID")]
        {
            let path = path.replace("ID", &id);
            assert_eq!(engine.ask(method, &path, two, b"").status, 404, "{method} {path}");
        }
        assert_eq!(engine.ask("DELETE", &format!("/jobs/{id}"), one, b"").status, 204);
        assert_eq!(engine.ask("GET", &format!("/jobs/{id}"), one, b"").status, 404);
    }
    let list = engine.ask("GET", "/jobs", two, b"").json();
    assert_eq!(list["jobs"], json!([]));
}

#[test]
fn jobs_are_asked_for_by_name_and_many_at_once() {
    let engine = engine(&["--controller", "on"]);
    let send =
        |path: &str, body: &Value| engine.ask("POST", path, JSON, body.to_string().as_bytes());
    let text = drawing(20);
    let body = json!({ "operation": "render", "content": text,
        "parameters": { "options": { "width": 50 } } });
    let id = job(&send("/jobs", &body));
    wait("the end of the job", || stage(&engine, "", &id) == "done");
    let result = engine.ask("GET", &format!("/jobs/{id}/result"), "", b"");
    let body = json!({ "content": text, "options": { "width": 50 } });
    let headers = format!("{JSON}Prefer: wait=100\r\n");
    let direct = engine.ask("POST", "/render", &headers, body.to_string().as_bytes());
    assert_eq!(result.body, direct.body);
    let body = json!({ "operation": "parse", "documents": [drawing(5), "<svg"],
        "parameters": [{}, { "options": {} }] });
    let taken = send("/jobs/batch", &body).json();
    let ids: Vec<&str> =
        taken["jobs"].as_array().expect("jobs").iter().filter_map(Value::as_str).collect();
    assert_eq!(ids.len(), 4, "{taken}");
    for (id, expected) in ids.iter().zip(["done", "done", "failed", "failed"]) {
        wait("the end of the job", || stage(&engine, "", id) == expected);
        let told = engine.ask("GET", &format!("/jobs/{id}"), "", b"").json();
        assert_eq!(told["batch"], taken["batch"]);
    }
    // All of them or none.
    let many = json!({ "operation": "parse", "documents": vec!["<svg/>"; 65] });
    let refused = send("/jobs/batch", &many);
    assert_eq!((refused.status, &refused.json()["limit"]), (422, &json!(64.0)));
    for (wrong, at) in [
        (json!({ "operation": "pars", "documents": ["<svg/>"] }), "did you mean `parse`"),
        (json!({ "operation": "parse", "documents": [] }), "/documents"),
        (json!({ "operation": "parse", "documents": vec![""; 10_001] }), "10001"),
        (json!({ "operation": "parse", "documents": [7] }), "/documents/0"),
        (json!({ "operation": "render", "documents": ["<svg/>"], "accept": "a/b" }), "image/png"),
    ] {
        let refused = send("/jobs/batch", &wrong);
        let told = String::from_utf8_lossy(&refused.body);
        assert!(refused.status == 422 && told.contains(at), "{at}: {told}");
    }
}

#[test]
fn a_job_that_fails_keeps_its_problem() {
    let engine = engine(&["--controller", "on"]);
    let broken = b"<svg xmlns='http://www.w3.org/2000/svg'";
    let headers = format!("{SVG}Prefer: respond-async\r\n");
    let id = job(&engine.ask("POST", "/parse", &headers, broken));
    wait("the end of the job", || stage(&engine, "", &id) == "failed");
    let result = engine.ask("GET", &format!("/jobs/{id}/result"), "", b"");
    let direct = engine.ask("POST", "/parse", &format!("{SVG}Prefer: wait=100\r\n"), broken);
    assert!((400..500).contains(&result.status), "{}", result.status);
    assert_eq!(result.status, direct.status);
    assert_eq!(result.header("content-type"), Some("application/problem+json"));
    assert_eq!(result.json()["code"], direct.json()["code"]);
}

#[test]
fn a_running_job_tells_how_far_it_is_and_stops_when_it_is_cancelled() {
    let engine = engine(&["--controller", "on"]);
    // Half an hour of falling: nobody waits for the end of it.
    let body = json!({ "content": pile(400), "options": { "duration": 1800, "fps": 10,
        "changes_only": true } });
    let headers = format!("{JSON}Prefer: respond-async\r\n");
    let taken = engine.ask("POST", "/simulate", &headers, body.to_string().as_bytes());
    let waiting = engine.ask("POST", "/simulate", &headers, body.to_string().as_bytes());
    if taken.status == 422 {
        // A limit of the language may forbid so long a time; then there is nothing to show.
        return;
    }
    let (id, second) = (job(&taken), job(&waiting));
    wait("the start of the job", || stage(&engine, "", &id) == "running");
    assert_eq!(stage(&engine, "", &second), "queued");
    assert_eq!(engine.ask("GET", &format!("/jobs/{id}/result"), "", b"").status, 409);
    for id in [&second, &id] {
        assert_eq!(engine.ask("DELETE", &format!("/jobs/{id}"), "", b"").status, 204);
        assert_eq!(stage(&engine, "", id), "cancelled");
    }
    // The lane is free again: another job gets through.
    let headers = format!("{SVG}Prefer: respond-async\r\n");
    let next = job(&engine.ask("POST", "/parse", &headers, drawing(20).as_bytes()));
    wait("the next job", || stage(&engine, "", &next) == "done");
}

/// One request after the other: each finds an idle service, from the first on.
#[test]
fn a_client_on_its_own_is_never_refused() {
    let simulation = |bodies: usize| {
        json!({ "content": pile(bodies), "options": { "duration": 1.0 } }).to_string()
    };
    let table = [
        ("/render", SVG, drawing(1_000), 12),
        ("/parse", SVG, drawing(10_000), 6),
        ("/compile/svg", SVG, drawing(4_000), 6),
        ("/evaluate", SVG, drawing(4_000), 6),
        ("/simulate", JSON, simulation(60), 8),
        // Statics have no partial answer: what does not end in its budget is done behind the rest.
        ("/simulate", SVG, pile(3_000), 4),
        ("/render", SVG, drawing(200), 12),
    ];
    let engine = engine(&["--controller", "on"]);
    for (path, media, body, times) in table {
        for turn in 0..times {
            let answer = engine.ask("POST", path, media, body.as_bytes());
            let reason = answer.header("x-svgx-reason").unwrap_or("none").to_owned();
            assert!(
                matches!(answer.status, 200 | 202),
                "{path} {turn}: {} {reason}",
                answer.status
            );
            // A job is what nobody should wait for, and it would be in the next one's way.
            if answer.status == 202 {
                let id = job(&answer);
                wait("the end of the job", || stage(&engine, "", &id) == "done");
            }
        }
    }
}

#[test]
fn a_body_that_can_never_be_accepted_is_told_so_first() {
    let engine = engine(&["--controller", "on", "--max-body", "64KiB"]);
    let large = vec![b' '; 65 << 10];
    for path in ["/parse", "/evaluate", "/simulate", "/render", "/compile/svg"] {
        let answer = engine.ask("POST", path, SVG, &large);
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (413, Some("limit-body-bytes"))
        );
        assert_eq!(answer.json()["limit"], 65_536.0, "{path}");
        let answer = engine.ask("POST", path, "Content-Type: image/png\r\n", b"x");
        assert_eq!(answer.status, 415, "{path}");
        // It was never asked whether there is room.
        assert_eq!(answer.header("x-svgx-reason"), None, "{path}");
    }
}

#[test]
fn a_header_that_means_nothing_is_refused() {
    let engine = engine(&[]);
    for header in ["X-SVGX-Timeout-Ms: soon", "X-SVGX-Precision: fine", "X-Retry-Attempt: -1"] {
        let headers = format!("{SVG}{header}\r\n");
        let answer = engine.ask("POST", "/parse", &headers, drawing(5).as_bytes());
        assert_eq!(answer.status, 422, "{header}");
        let name = header.split(':').next().expect("a name").to_ascii_lowercase();
        assert!(answer.json()["detail"].as_str().is_some_and(|d| d.contains(&name)), "{header}");
    }
}

#[test]
fn an_operator_pins_a_tier_for_a_while_and_who_insists_on_another_is_refused() {
    let engine = engine(&[
        "--controller",
        "on",
        "--api-key",
        "ops:boss",
        "--api-key",
        "user:me",
        "--operator",
        "ops",
    ]);
    let (boss, me) = ("Authorization: Bearer boss\r\n", "Authorization: Bearer me\r\n");
    let put = |key: &str, body: Value| {
        let headers = format!("{key}{JSON}");
        engine.ask("PUT", "/slo/controls", &headers, body.to_string().as_bytes())
    };
    assert_eq!(put(me, json!({ "pin": "ui", "seconds": 60 })).status, 403);
    assert_eq!(put(boss, json!({ "pin": "fine", "seconds": 60 })).status, 422);
    assert_eq!(put(boss, json!({ "mode": "sleep", "seconds": 60 })).status, 422);
    assert_eq!(put(boss, json!({ "seconds": -1 })).status, 422);
    let pinned = put(boss, json!({ "pin": "ui", "seconds": 600 })).json();
    assert_eq!(pinned["pinned"], "ui");
    assert!(pinned["ends_in_s"].as_f64().is_some_and(|s| (1.0..=600.0).contains(&s)), "{pinned}");
    assert_eq!(engine.ask("GET", "/slo/controls", me, b"").json()["pinned"], "ui");

    // A busy machine may refuse for other reasons, for a while.
    let body = json!({ "content": pile(2), "options": { "duration": 0.1 } }).to_string();
    let ask = |more: &str| {
        let headers = format!("{me}{JSON}{more}");
        engine.ask("POST", "/simulate", &headers, body.as_bytes())
    };
    wait("an answer at the pinned tier", || {
        let answer = ask("");
        let is_ui = answer.status == 200 && answer.header("x-svgx-tier") == Some("ui");
        if is_ui {
            assert_eq!(answer.json()["precision"], "ui");
        }
        is_ui
    });
    let strict = ask("X-SVGX-Precision: compute; strict\r\n");
    assert_eq!(strict.status, 503);
    assert_eq!(strict.header("x-svgx-reason"), Some("strict-precision"));
    assert_eq!(strict.json()["code"], "strict-precision");
    assert!(strict.header("retry-after").is_some());
    let trace = strict.header("x-trace-id").expect("a trace").to_owned();
    let why = engine.ask("GET", &format!("/slo/decisions?trace_id={trace}"), me, b"").json();
    assert_eq!(why["decisions"][0]["reason"], "strict-precision", "{why}");

    assert_eq!(put(boss, json!({ "seconds": 0 })).json()["pinned"], Value::Null);
    wait("an answer at full precision", || {
        let answer = ask("X-SVGX-Precision: compute; strict\r\n");
        answer.status == 200 && answer.header("x-svgx-tier") == Some("compute")
    });
}

#[test]
fn a_client_that_cannot_wait_is_told_at_once() {
    let engine = engine(&["--controller", "on"]);
    let text = drawing(2_000);
    let ask = |more: &str| engine.ask("POST", "/parse", &format!("{SVG}{more}"), text.as_bytes());
    // Let it learn what a drawing of this size costs; 202 says that it has.
    wait("what it costs to be known", || matches!(ask("Prefer: wait=60\r\n").status, 200));
    let mut refused = None;
    for _ in 0..20 {
        let answer = ask("X-SVGX-Timeout-Ms: 0\r\n");
        if answer.status == 503 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("no probe passes twenty times");
    assert!(refused.header("retry-after").is_some() || refused.header("x-svgx-reason").is_some());
    let reason = refused.header("x-svgx-reason").expect("a reason").to_owned();
    assert_eq!(refused.json()["code"], reason.as_str());
}

#[test]
fn what_no_limit_lets_in_is_told_so_however_busy_the_service_is() {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

    let engine = engine(&["--controller", "on"]);
    let svg = |body: &str| {
        format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'>{body}</svg>")
    };
    let deep = svg(&format!("{}{}", "<g>".repeat(1_100), "</g>".repeat(1_100)));
    let wide = svg(&format!("<path d='{}'/>", "M0 0".repeat(1_000_000)));
    let fair = drawing(5_000);
    let (refused, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Also where an assertion fails: a scope waits for its threads.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Relaxed);
        }
    }
    std::thread::scope(|scope| {
        let _over = Over(&is_over);
        // More work than `controller-oversize-limit` on any machine.
        for i in 0..16 {
            let (engine, fair, refused, is_over) = (&engine, &fair, &refused, &is_over);
            scope.spawn(move || {
                let mut n = 0;
                while !is_over.load(Relaxed) {
                    n += 1;
                    // Each is another drawing, so that none is known already.
                    let body = format!("{fair}<!-- {i} {n} -->");
                    let answer = engine.send("/compile/svg", SVG, body.as_bytes());
                    refused.fetch_add(usize::from(answer.status == 503), Relaxed);
                }
            });
        }
        wait("a refusal", || refused.load(Relaxed) > 3);
        let before = refused.load(Relaxed);
        for (drawing, code) in [(&deep, "limit-depth"), (&wide, "limit-attribute-bytes")] {
            let as_json = json!({ "content": drawing }).to_string();
            for (kind, body) in [(SVG, drawing.as_str()), (JSON, as_json.as_str())] {
                for _ in 0..2 {
                    let answer = engine.send("/compile/svg", kind, body.as_bytes());
                    let problem = answer.json();
                    assert_eq!(answer.status, 422, "{code}: {problem}");
                    assert_eq!(problem["errors"][0]["code"], code, "{problem}");
                }
            }
        }
        wait("more refusals", || refused.load(Relaxed) > before);
    });
}
