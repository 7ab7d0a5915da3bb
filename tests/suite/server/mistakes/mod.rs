//! Typical mistakes, and the answers they get. `docs/mistakes.md` is the same table.

mod drawings;
mod table;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use drawings::DRAWINGS;
use table::MISTAKES;

use crate::support::service::{Answer, Service};

/// A mistake: what it is, the request, and what the answer says.
struct Mistake {
    what: &'static str,
    request: &'static str,
    /// Header lines; without a `Content-Type` a body is sent as what it looks like.
    headers: &'static str,
    body: &'static str,
    status: u16,
    code: &'static str,
    /// Words of the answer.
    says: &'static [&'static str],
}

const fn mistake(
    what: &'static str,
    request: &'static str,
    body: &'static str,
    status: u16,
    code: &'static str,
    says: &'static [&'static str],
) -> Mistake {
    Mistake { what, request, headers: "", body, status, code, says }
}

impl Mistake {
    const fn with(mut self, headers: &'static str) -> Mistake {
        self.headers = headers;
        self
    }
}

/// What is loaded before.
const DRAWING: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">
    <rect id="wall-north" x="10" y="10" width="300" height="20"/></svg>"#;

/// Lists in each other.
const DEEP: &str = r#"{"level": "edit", "coordinates": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["#;

/// Words of the libraries below, which say nothing to a client.
const JARGON: &[&str] = &[
    "f64",
    "u32",
    "usize",
    "literal",
    "variant",
    "missing field",
    "unknown field",
    "invalid type",
    "untagged",
    "EOF",
    "at line",
    "deserialize",
    "struct ",
    "sequence",
    "None",
    "Some(",
];

impl Mistake {
    fn send(&self, service: &Service) -> Answer {
        let (method, path) = self.request.split_once(' ').expect("a method and a path");
        let kind = match (self.body.as_bytes().first(), self.headers.contains("Content-Type")) {
            (None, _) | (_, true) => "",
            (Some(b'<'), _) => "Content-Type: image/svg+xml\r\n",
            _ => "Content-Type: application/json\r\n",
        };
        let headers = format!("{kind}{}", self.headers);
        service.ask(method, path, &headers, self.body.as_bytes())
    }
}

/// The code of an answer and what it says: of a problem, or of the first finding.
fn said(answer: &Answer) -> (String, String) {
    let body = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if body["code"].is_string() {
        return (text(&body["code"]), text(&body["detail"]));
    }
    let finding = &body["diagnostics"][0];
    let help = finding["help"].as_str().map(|help| format!("; {help}")).unwrap_or_default();
    (text(&finding["code"]), format!("{}{help}", text(&finding["message"])))
}

#[test]
fn every_typical_mistake_is_answered_with_what_to_do_and_listed() {
    let service = Service::start();
    let load = serde_json::json!({ "operation": "load", "content": DRAWING });
    assert_eq!(service.post("/interactive", &load).status, 200);
    let mut rows = String::new();
    let mut wrong = Vec::new();
    for mistake in MISTAKES.iter().chain(DRAWINGS) {
        let answer = mistake.send(&service);
        let (code, detail) = said(&answer);
        let missing: Vec<_> =
            mistake.says.iter().filter(|words| !detail.contains(**words)).collect();
        let jargon: Vec<_> = JARGON.iter().filter(|word| detail.contains(**word)).collect();
        let expected = (mistake.status, mistake.code);
        if (answer.status, code.as_str()) != expected || !missing.is_empty() || !jargon.is_empty() {
            let found = (answer.status, code.as_str());
            wrong.push(format!(
                "{}: {found:?} instead of {expected:?}, {detail:?}; without {missing:?}, with {jargon:?}",
                mistake.what
            ));
        }
        let _ = writeln!(
            rows,
            "| {} | {} | {} `{code}` | {} |",
            mistake.what,
            cell(&request(mistake)),
            answer.status,
            detail.replace('|', "\\|"),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(MISTAKES.len() >= 40, "{}", MISTAKES.len());

    let page = format!("{HEAD}{rows}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mistakes.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/mistakes.md is not what the service answers; rewrite it with\n\
         UPDATE_DOCS=1 cargo test --workspace --test suite every_typical_mistake"
    );
}

const HEAD: &str = "# Typical mistakes and their answers

Every failure is a problem document (RFC 9457): `detail` says what is wrong and, where something known is near,
what may have been meant; `errors[0].pointer` points into the body; `type` leads to a page about the code. What is
questionable in a drawing that can be used all the same is answered with 200 and listed in `diagnostics`.

This table is written by `tests/suite/server/mistakes/`, which sends every one of these requests.

| mistake | request | answer | detail |
| --- | --- | --- | --- |
";

/// The request in short.
fn request(mistake: &Mistake) -> String {
    let mut text = mistake.request.to_owned();
    for line in mistake.headers.lines() {
        let _ = write!(text, ", {line}");
    }
    // Of a drawing, its content.
    let body = mistake.body.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
    let body = body.replace(" xmlns:arx=\"http://arxos.io/svgx\"", "");
    if !body.is_empty() {
        let short: String = body.chars().take(120).collect();
        let more = if short.len() < body.len() { "…" } else { "" };
        let _ = write!(text, " {short}{more}");
    }
    text
}

fn cell(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}
