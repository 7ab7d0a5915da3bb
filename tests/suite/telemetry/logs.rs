//! Log lines, as whoever collects them sees them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::receiver::Receiver;
use super::{DRAWING, TRACE, ask, parse, serve};

fn lines(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).expect("written");
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|_| panic!("{l}"))).collect()
}

#[test]
fn every_request_has_one_line_with_its_trace_at_the_top_level() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut service = serve(Some(&log), &[]);
    parse(&service);
    ask(service.public, "GET /nowhere HTTP/1.1", "");
    ask(service.public, "GET /state HTTP/1.1", "");
    assert!(service.process.terminate());
    let access: Vec<Value> =
        lines(&log).into_iter().filter(|l| l["target"] == "svgx.request").collect();
    assert_eq!(access.len(), 3, "{access:?}");
    let line = &access[0];
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["span_id"].as_str().map(str::len), Some(16));
    assert_eq!(line["http.response.status_code"], 200);
    assert_eq!(line["http.route"], "/parse");
    assert_eq!(line["svgx.budget.class"], "redraw");
    assert_eq!(access[1]["http.response.status_code"], 404);
}

#[test]
fn levels_change_while_the_service_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut service = serve(Some(&log), &[]);
    let put = |levels| ask(service.internal, "PUT /log-levels HTTP/1.1", levels);
    let seen = ask(service.internal, "GET /log-levels HTTP/1.1", "");
    assert!(seen.ends_with("info\n"), "{seen}");
    assert!(put("info,svgx.request=warn").starts_with("HTTP/1.1 200"));
    parse(&service);
    let wrong = put("svgx=loudly");
    assert!(wrong.starts_with("HTTP/1.1 422"), "{wrong}");
    let seen = ask(service.internal, "GET /log-levels HTTP/1.1", "");
    assert!(seen.ends_with("info,svgx.request=warn\n"), "{seen}");
    assert!(put("info").starts_with("HTTP/1.1 200"));
    ask(service.public, "GET /state HTTP/1.1", "");
    let page = "PUT /log-levels HTTP/1.1\r\nOrigin: http://elsewhere.example";
    assert!(ask(service.internal, page, "off").starts_with("HTTP/1.1 403"));
    assert!(service.process.terminate());
    let routes: Vec<Value> = lines(&log)
        .into_iter()
        .filter(|l| l["target"] == "svgx.request")
        .map(|l| l["http.route"].clone())
        .collect();
    assert_eq!(routes, ["/state"], "only the request after the levels were raised again");
}

#[test]
fn nothing_the_caller_wrote_is_in_logs_traces_or_metrics() {
    const SECRET: &str = "xyzzy4711";
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut receiver = Receiver::start(folder.path());
    let keys = format!("studio:{SECRET}-of-the-studio-key");
    let mut variables = receiver.variables();
    variables.extend([
        ("SVGX_API_KEYS".to_owned(), keys),
        ("OTEL_TRACES_SAMPLER_ARG".to_owned(), "1".to_owned()),
        ("LOG_LEVEL".to_owned(), "info,svgx_engine=trace".to_owned()),
    ]);
    let borrowed: Vec<(&str, &str)> =
        variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let mut service = serve(Some(&log), &borrowed);
    let right = format!("Authorization: Bearer {SECRET}-of-the-studio-key");
    let wrong = format!("Authorization: Bearer {SECRET}-wrong");
    let document = DRAWING.replace("id='r'", &format!("id='{SECRET}'"));
    let broken = format!("{{\"content\":\"<svg><{SECRET}\"}}");
    let session =
        format!("X-SVGX-Session: {SECRET}\r\nUser-Agent: {SECRET}\r\nbaggage: user={SECRET}");
    let mut answers = Vec::new();
    for (head, body) in [
        (format!("POST /parse HTTP/1.1\r\n{right}"), document.as_str()),
        (format!("POST /parse HTTP/1.1\r\n{wrong}"), document.as_str()),
        (format!("POST /parse HTTP/1.1\r\n{right}"), broken.as_str()),
        (format!("POST /evaluate HTTP/1.1\r\n{right}"), document.as_str()),
        (format!("GET /state?session={SECRET} HTTP/1.1\r\n{right}"), ""),
        (format!("GET /state HTTP/1.1\r\n{right}\r\n{session}"), ""),
        (format!("GET /{SECRET} HTTP/1.1\r\n{right}"), ""),
        (format!("GET /state HTTP/1.1\r\n{right}\r\ntraceparent: {SECRET}"), ""),
    ] {
        answers.push(ask(service.public, &head, body));
    }
    assert!(answers[0].starts_with("HTTP/1.1 200") && answers[1].starts_with("HTTP/1.1 401"));
    let page = super::metrics(&service, "application/openmetrics-text");
    let traces = ask(service.internal, "GET /traces HTTP/1.1", "");
    assert!(service.process.terminate());
    let written = fs::read_to_string(&log).expect("written");
    assert!(written.contains("svgx.request"), "{written}");
    for (name, text) in [("the log", written), ("/metrics", page), ("/traces", traces)] {
        assert!(!text.contains(SECRET), "{name}: {text}");
    }
    let received = receiver.stop();
    assert!(!received.spans.is_empty() && !received.records.is_empty());
    for spoken in received.spans.iter().chain(&received.metrics).chain(&received.records) {
        assert!(!spoken.item.to_string().contains(SECRET), "{}", spoken.item);
    }
}

#[test]
fn the_words_of_other_programs_set_the_level_and_unknown_ones_stop_the_start() {
    for (word, shown) in [("WARNING", "warn"), ("fatal", "error"), ("", "info")] {
        let service = serve(None, &[("LOG_LEVEL", word)]);
        let seen = ask(service.internal, "GET /log-levels HTTP/1.1", "");
        assert!(seen.ends_with(&format!("\r\n\r\n{shown}\n")), "{word:?}: {seen}");
        let put = |level| ask(service.internal, "PUT /log-levels HTTP/1.1", level);
        assert!(put("loud").starts_with("HTTP/1.1 422"));
        assert!(put("Notice").ends_with("\r\n\r\ninfo\n"));
    }
    for word in ["loud", "5", "info,svgx_engine=debgu", "svgx_engine"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_svgx"))
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
            .env_clear()
            .env("LOG_LEVEL", word)
            .output()
            .expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{word:?}: {said}");
        assert!(said.contains("is no level"), "{word:?}: {said}");
    }
}
