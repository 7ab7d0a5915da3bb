//! What a person opens: the page of a problem, and a session's drawing as a picture.

use serde_json::{Value, json};

use crate::support::service::{Answer, ROOM, Service};

fn get(service: &Service, path: &str, headers: &str) -> Answer {
    service.get(path, headers)
}

fn load(service: &Service, session: &str, drawing: &str) {
    let body = json!({ "operation": "load", "content": drawing, "session": session });
    let answer = service.post("/interactive", &body);
    assert_eq!(answer.status, 200, "{}", answer.head);
}

#[test]
fn the_type_of_a_problem_leads_to_its_page() {
    let service = Service::start();
    let failures = [
        get(&service, "/nowhere", ""),
        get(&service, "/sessions/nobody/drawing.svg", ""),
        get(&service, "/render", ""),
        get(&service, "/health", "Accept: text/csv\r\n"),
        service.post("/parse", &json!({ "content": "<svg" })),
        service.post("/parse", &json!({ "contents": "<svg/>" })),
        service.send("/parse", "Content-Type: application/json\r\n", b"{"),
        service.send("/parse", "Content-Type: image/gif\r\n", b"GIF89a"),
    ];
    for failure in failures {
        let problem = failure.json();
        let page = problem["type"].as_str().expect("a type").to_owned();
        let said = get(&service, &page, "Accept: application/json\r\n");
        assert_eq!(said.status, 200, "{page}");
        for member in ["code", "status", "title"] {
            assert_eq!(said.json()[member], problem[member], "{page}");
        }
        let html = get(&service, &page, "Accept: text/html\r\n");
        assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
        let text = String::from_utf8_lossy(&html.body).into_owned();
        assert!(text.contains(problem["code"].as_str().expect("a code")), "{text}");
    }
    let list = get(&service, "/problems", "").json();
    let codes: Vec<&Value> =
        list.as_array().expect("a list").iter().map(|kind| &kind["code"]).collect();
    assert!(codes.contains(&&json!("predicted-late")) && codes.len() > 30, "{codes:?}");
    let unknown = get(&service, "/problems/%3Cscript%3E", "");
    assert_eq!((unknown.status, &unknown.json()["code"]), (404, &json!("no-such-thing")));
}

#[test]
fn a_session_is_a_picture_at_an_address() {
    let service = Service::start();
    load(&service, "first floor", ROOM);
    for (path, kind, starts) in [
        ("/sessions/first%20floor/drawing.svg", "image/svg+xml", b"<svg".as_slice()),
        ("/sessions/first%20floor/drawing.png?width=40", "image/png", b"\x89PNG".as_slice()),
        ("/api/v1/sessions/first%20floor/drawing.png", "image/png", b"\x89PNG".as_slice()),
    ] {
        let accept = "Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8\r\n";
        let picture = get(&service, path, accept);
        assert_eq!(picture.status, 200, "{path}: {}", picture.head);
        assert_eq!(picture.header("content-type"), Some(kind), "{path}");
        let body = picture.body.windows(starts.len()).take(100).any(|part| part == starts);
        assert!(body, "{path}");
        let tag = picture.header("etag").expect("a tag");
        let same = get(&service, path, &format!("If-None-Match: {tag}\r\n"));
        assert_eq!(same.status, 304, "{path}");
    }
    let before = get(&service, "/sessions/a/drawing.svg", "");
    assert_eq!(before.status, 404, "{}", before.head);
    load(&service, "a", "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 3'/>");
    let empty = get(&service, "/sessions/a/drawing.svg", "");
    load(&service, "a", ROOM);
    let full = get(&service, "/sessions/a/drawing.svg", "");
    assert_eq!((empty.status, full.status), (200, 200));
    assert_ne!(empty.header("etag"), full.header("etag"));
    for (query, pointer) in [("width=0", "width"), ("width=1e9", "width"), ("colour=red", "colour")]
    {
        let refused = get(&service, &format!("/sessions/a/drawing.png?{query}"), "");
        assert_eq!(refused.status, 422, "{query}: {}", refused.head);
        let detail = refused.json()["detail"].to_string();
        assert!(detail.contains(pointer), "{query}: {detail}");
    }
}

#[test]
fn a_session_that_there_is_not_is_answered_with_the_nearest() {
    let service = Service::start();
    load(&service, "first-floor", ROOM);
    for (session, near) in [("first-flor", true), ("First_Floor", true), ("roof", false)] {
        let undo = json!({ "operation": "undo", "session": session });
        for refused in [
            get(&service, &format!("/sessions/{session}/drawing.svg"), ""),
            get(&service, &format!("/state?session={session}"), ""),
            service.post("/interactive", &undo),
            service.post("/parse", &json!({ "session": session })),
        ] {
            assert_eq!(refused.status, 404, "{session}: {}", refused.head);
            let detail = refused.json()["detail"].to_string();
            let hint = detail.contains("did you mean `first-floor`?");
            assert_eq!(hint, near, "{session}: {detail}");
        }
    }
    // A name that no session can have.
    for path in ["/sessions/a%13", "/sessions/a%13/export", "/sessions/a%13/drawing.svg"] {
        assert_eq!(get(&service, path, "").status, 404, "{path}");
    }
}

#[test]
fn pages_ask_nothing_of_other_hosts() {
    let service = Service::start();
    let dashboard = "/dashboards/svgx-slo.svg";
    let console = ["/console", "/console.js", "/console.css"];
    for path in ["/", "/home.js", "/page.css", "/favicon.ico", "/problems", dashboard]
        .into_iter()
        .chain(console)
    {
        let answer = get(&service, path, "Accept: text/html, */*;q=0.8\r\n");
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'self'"), "{path}: {policy}");
        let text = String::from_utf8_lossy(&answer.body).replace("http://www.w3.org/", "");
        assert!(!text.contains("http://") && !text.contains("https://"), "{path}");
    }
}

#[test]
fn a_dashboard_that_there_is_not_is_answered_with_the_nearest() {
    let service = Service::start();
    let answer = get(&service, "/dashboards/svgx-sol.svg", "");
    assert_eq!(answer.status, 404);
    let detail = answer.json()["detail"].to_string();
    assert!(detail.contains("did you mean `svgx-slo.svg`?"), "{detail}");
}
