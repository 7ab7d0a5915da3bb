//! What the standards of HTTP ask of a server: methods, versions, negotiation, conditions, hosts.

use std::io::{Read as _, Write as _};

use serde_json::json;

use crate::support::service::{Answer, ROOM, Service, connect};

const SVG: &str = "Content-Type: image/svg+xml\r\n";

/// What `at` answers to these bytes until it has nothing more to say.
fn raw(at: std::net::SocketAddr, request: &str) -> Answer {
    let mut stream = connect(at);
    stream.write_all(request.as_bytes()).expect("sent");
    Answer::read(&mut stream)
}

#[test]
fn head_is_answered_where_get_is_and_a_wrong_method_is_405() {
    let service = Service::start();
    let public = [
        "/health",
        "/metrics",
        "/metrics.json",
        "/openapi.json",
        "/slo",
        "/slo/controls",
        "/slo/stream",
        "/jobs",
        "/state",
        "/docs/",
    ];
    let internal = [
        "/livez",
        "/readyz",
        "/metrics",
        "/slo",
        "/slo/decisions",
        "/slo/stream",
        "/traces",
        "/log-levels",
    ];
    let public = public.iter().map(|path| (service.public, path));
    let internal = internal.iter().map(|path| (service.internal, path));
    for (at, path) in public.chain(internal) {
        let ask = |method: &str| {
            raw(
                at,
                &format!(
                    "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                ),
            )
        };
        let head = ask("HEAD");
        assert_eq!((head.status, head.body.len()), (200, 0), "HEAD {path}: {}", head.head);
        if path.starts_with("/docs") {
            continue;
        }
        let wrong = ask("PATCH");
        assert_eq!(wrong.status, 405, "PATCH {path}");
    }
    let allow = service.ask("PATCH", "/slo/controls", "", b"");
    assert_eq!(allow.header("allow"), Some("GET, HEAD, PUT"));
}

#[test]
fn a_client_of_http_1_0_gets_no_chunks() {
    let service = Service::start();
    let body = json!({ "content": ROOM, "options": { "duration": 0.1, "fps": 10 } }).to_string();
    let post = |version: &str| {
        format!(
            "POST /simulate HTTP/{version}\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Accept: application/x-ndjson\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let old = raw(service.public, &post("1.0"));
    assert_eq!(old.header("transfer-encoding"), None, "{}", old.head);
    assert!(old.body.starts_with(b"{\"start\"") && old.body.ends_with(b"}\n"));
    let new = raw(service.public, &post("1.1"));
    assert_eq!(new.header("transfer-encoding"), Some("chunked"));

    for (at, name) in [(service.public, "public"), (service.internal, "internal")] {
        let mut stream = connect(at);
        let get = "GET /slo/stream HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";
        stream.write_all(get.as_bytes()).expect("sent");
        let mut begun = Vec::new();
        while !begun.windows(6).any(|w| w == b"event:") {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).expect("it says something");
            assert!(read > 0, "{name}: {}", String::from_utf8_lossy(&begun));
            begun.extend_from_slice(&part[..read]);
        }
        let text = String::from_utf8_lossy(&begun).to_ascii_lowercase();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(!head.contains("chunked") && !head.contains("keep-alive"), "{name}: {head}");
        assert!(body.is_empty() || body.starts_with("event:"), "{name}: {body}");
    }
}

#[test]
fn the_host_that_is_asked_for_is_checked_wherever_it_stands() {
    let service = Service::start();
    for (line, host, status) in [
        ("/health", "localhost", 200),
        ("/health", "local host", 400),
        ("/health", "evil.example", 403),
        ("http://evil.example/health", "localhost", 403),
        ("http://localhost/health", "localhost", 200),
        ("http://localhost/health", "evil.example", 200),
    ] {
        let request = format!("GET {line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = raw(service.public, &request);
        assert_eq!(answer.status, status, "{line} {host}");
        if status == 400 {
            assert_eq!(answer.json()["code"], "bad-host");
        }
    }
}

#[test]
fn every_line_of_accept_counts_with_its_quality() {
    let service = Service::start();
    for (accept, open_metrics) in [
        ("Accept: application/openmetrics-text\r\n", true),
        ("Accept: text/plain, application/openmetrics-text;q=0.5\r\n", false),
        ("Accept: text/plain;q=0.5, application/openmetrics-text\r\n", true),
        ("Accept: application/openmetrics-text;q=0, text/plain\r\n", false),
        ("Accept: text/plain;q=0.1\r\nAccept: application/openmetrics-text\r\n", true),
        ("Accept: APPLICATION/OPENMETRICS-TEXT\r\n", true),
        ("Accept: application/openmetrics-text-x, text/plain\r\n", false),
        ("Accept: image/png\r\n", false),
        ("", false),
    ] {
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{accept}\r\n"
        );
        let answer = raw(service.internal, &request);
        let kind = answer.header("content-type").expect("a type").to_owned();
        assert_eq!(kind.starts_with("application/openmetrics-text"), open_metrics, "{accept:?}");
    }
}

#[test]
fn a_strong_tag_differs_by_coding_and_each_is_known_again() {
    let service = Service::start();
    let compile = |more: &str| {
        let headers = format!("{SVG}Accept: image/svg+xml\r\n{more}");
        service.send("/compile/svg", &headers, ROOM.as_bytes())
    };
    let mut tags = Vec::new();
    for coding in ["identity", "gzip", "br"] {
        let answer = compile(&format!("Accept-Encoding: {coding}\r\n"));
        let tag = answer.header("etag").expect("a tag").to_owned();
        assert!(tag.starts_with('"') && !tags.contains(&tag), "{coding}: {tag} of {tags:?}");
        let known = compile(&format!("If-None-Match: {tag}\r\n"));
        assert_eq!((known.status, known.header("etag")), (304, Some(tag.as_str())));
        tags.push(tag);
    }
    // One of several, on a line of its own.
    let known = compile(&format!("If-None-Match: \"other\"\r\nIf-None-Match: {}\r\n", tags[1]));
    assert_eq!(known.status, 304);
}

#[test]
fn whatever_is_no_tag_of_the_result_is_answered_with_it() {
    let service = Service::start();
    for path in ["/parse", "/evaluate", "/compile/json", "/compile/svg", "/render", "/simulate"] {
        for tag in ["*", "\"other\"", "W/\"0\"", ""] {
            let headers = format!("{SVG}If-None-Match: {tag}\r\n");
            let answer = service.send(path, &headers, ROOM.as_bytes());
            assert_eq!(answer.status, 200, "{path} {tag}");
            assert!(!answer.body.is_empty());
        }
    }
    let api = service.get("/openapi.json", "").json();
    for (path, known) in [("/parse", true), ("/render", true), ("/interactive", false)] {
        assert_eq!(api["paths"][path]["post"]["responses"]["304"].is_object(), known, "{path}");
    }
}

#[test]
fn two_traceparents_begin_a_trace_of_its_own() {
    const ONE: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    const OTHER: &str = "traceparent: 00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let service = Service::start();
    for (headers, continued) in
        [(ONE.to_owned(), true), (format!("{ONE}{OTHER}"), false), (format!("{ONE}{ONE}"), false)]
    {
        let answer = service.get("/health", &headers);
        let trace = answer.header("x-trace-id").expect("a trace");
        assert_eq!(trace.ends_with("bf92f3577b34da6a3ce929d0e0e4736"), continued, "{headers}");
    }
}

#[test]
fn a_page_may_send_what_its_telemetry_sends() {
    let page = "https://viewer.example";
    let service = Service::with(&["--rate-limit", "off", "--cors-origin", page], None);
    for name in ["traceparent", "tracestate", "baggage", "x-svgx-session", "prefer"] {
        let headers = format!(
            "Origin: {page}\r\nAccess-Control-Request-Method: POST\r\n\
             Access-Control-Request-Headers: {name}\r\n"
        );
        assert_eq!(service.ask("OPTIONS", "/parse", &headers, b"").status, 200, "{name}");
    }
}
