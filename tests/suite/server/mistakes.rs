//! Typical mistakes, and the answers they get. `docs/mistakes.md` is the same table.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

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

static MISTAKES: &[Mistake] = &[
    // The address and the method.
    mistake(
        "a misspelt path",
        "POST /prase",
        "{}",
        404,
        "not-found",
        &["/prase", "did you mean `/parse`"],
    ),
    mistake(
        "a misspelt path below a version",
        "GET /api/v1/helth",
        "",
        404,
        "not-found",
        &["did you mean `/api/v1/health`"],
    ),
    mistake(
        "a misspelt end of a path",
        "GET /sessions/default/drawing.sgv",
        "",
        404,
        "not-found",
        &["did you mean `/sessions/default/drawing.svg`"],
    ),
    mistake(
        "a path that is nothing like any",
        "GET /index.php",
        "",
        404,
        "not-found",
        &["there is nothing at /index.php"],
    ),
    mistake(
        "GET where a body is read",
        "GET /parse",
        "",
        405,
        "method-not-allowed",
        &["GET is not allowed", "POST"],
    ),
    mistake(
        "POST where nothing is read",
        "POST /health",
        "{}",
        405,
        "method-not-allowed",
        &["POST is not allowed", "GET"],
    ),
    mistake(
        "a misspelt query parameter",
        "GET /state?sesion=default",
        "",
        422,
        "invalid-request",
        &["query parameter `sesion`", "did you mean `session`"],
    ),
    mistake(
        "a query parameter that is no number",
        "GET /sessions/default/drawing.png?width=wide",
        "",
        422,
        "invalid-request",
        &["`width`", "whole number of pixels", "`wide`"],
    ),
    mistake(
        "a limit that is no number",
        "GET /slo/decisions?limit=many",
        "",
        422,
        "invalid-request",
        &["`limit`", "whole number", "`many`"],
    ),
    mistake(
        "a trace that is none",
        "GET /slo/decisions?trace_id=7",
        "",
        422,
        "invalid-request",
        &["32 hexadecimal digits"],
    ),
    mistake(
        "a job that is not there",
        "GET /jobs/7",
        "",
        404,
        "no-such-thing",
        &["there is no job `7`", "GET /jobs"],
    ),
    mistake(
        "a misspelt problem code",
        "GET /problems/rate-limted",
        "",
        404,
        "no-such-thing",
        &["did you mean `rate-limited`"],
    ),
    // Headers.
    mistake(
        "a content type that is not read",
        "POST /parse",
        "<svg/>",
        415,
        "unsupported-media-type",
        &["text/csv", "application/json"],
    )
    .with("Content-Type: text/csv\r\n"),
    mistake(
        "an answer that is not made",
        "POST /parse",
        r#"{"content": "<svg/>"}"#,
        406,
        "not-acceptable",
        &["text/csv", "application/json"],
    )
    .with("Content-Type: application/json\r\nAccept: text/csv\r\n"),
    mistake(
        "a time-out that is no number",
        "POST /parse",
        r#"{"content": "<svg/>"}"#,
        422,
        "invalid-request",
        &["x-svgx-timeout-ms", "whole number", "`soon`"],
    )
    .with("Content-Type: application/json\r\nX-SVGX-Timeout-Ms: soon\r\n"),
    mistake(
        "a tier in a header that is none",
        "POST /parse",
        r#"{"content": "<svg/>"}"#,
        422,
        "invalid-request",
        &["x-svgx-precision", "ui, edit or compute", "`fine`"],
    )
    .with("Content-Type: application/json\r\nX-SVGX-Precision: fine\r\n"),
    // JSON.
    mistake(
        "JSON that is cut off",
        "POST /parse",
        r#"{"content": "<svg/>""#,
        400,
        "malformed-body",
        &["ends inside an object"],
    ),
    mistake(
        "names in single quotes",
        "POST /parse",
        "{'content': '<svg/>'}",
        400,
        "malformed-body",
        &["double quotes"],
    ),
    mistake(
        "a comma too many",
        "POST /parse",
        r#"{"content": "<svg/>",}"#,
        400,
        "malformed-body",
        &["comma"],
    ),
    mistake(
        "a number that JSON does not know",
        "POST /precision",
        r#"{"level": "edit", "coordinates": [NaN, 1]}"#,
        400,
        "malformed-body",
        &["no value begins here"],
    ),
    mistake(
        "JSON in another encoding",
        "POST /parse",
        "{}",
        415,
        "unsupported-media-type",
        &["latin1"],
    )
    .with("Content-Type: application/json; charset=latin1\r\n"),
    mistake(
        "lists that are nested too deep",
        "POST /precision",
        DEEP,
        400,
        "malformed-body",
        &["nested", "127"],
    ),
    // Members.
    mistake(
        "no drawing",
        "POST /parse",
        "{}",
        422,
        "invalid-request",
        &["`content` is missing", "`session`"],
    ),
    mistake(
        "a misspelt member",
        "POST /parse",
        r#"{"contnet": "<svg/>"}"#,
        422,
        "invalid-request",
        &["`contnet`", "did you mean `content`"],
    ),
    mistake(
        "a misspelt option",
        "POST /render",
        r#"{"content": "<svg/>", "options": {"widht": 400}}"#,
        422,
        "invalid-request",
        &["`widht`", "did you mean `width`"],
    ),
    mistake(
        "a number as a text",
        "POST /render",
        r#"{"content": "<svg/>", "options": {"width": "400"}}"#,
        422,
        "invalid-request",
        &["whole number", "the text \"400\"", "without quotes"],
    ),
    mistake(
        "a negative size",
        "POST /render",
        r#"{"content": "<svg/>", "options": {"width": -4}}"#,
        422,
        "invalid-request",
        &["whole number, 0 or more", "-4"],
    ),
    mistake(
        "a text as a truth value",
        "POST /parse",
        r#"{"content": "<svg/>", "options": {"validate": "yes"}}"#,
        422,
        "invalid-request",
        &["true or false", "\"yes\""],
    ),
    mistake(
        "a number as the drawing",
        "POST /parse",
        r#"{"content": 5}"#,
        422,
        "invalid-request",
        &["expected a text, found the number 5"],
    ),
    mistake(
        "the drawing under both names",
        "POST /parse",
        r#"{"content": "<svg/>", "svgx_content": "<svg/>"}"#,
        422,
        "invalid-request",
        &["send one"],
    ),
    mistake(
        "a misspelt format",
        "POST /parse",
        r#"{"content": "<svg/>", "format": "svgz"}"#,
        422,
        "invalid-request",
        &["`svgz`", "did you mean `svg`"],
    ),
    mistake(
        "a colour that is none",
        "POST /render",
        r#"{"content": "<svg/>", "options": {"background": "whit"}}"#,
        422,
        "invalid-request",
        &["not a colour"],
    ),
    mistake(
        "a misspelt precision",
        "POST /precision",
        r#"{"level": "edti"}"#,
        422,
        "invalid-request",
        &["`edti`", "did you mean `edit`"],
    ),
    mistake(
        "a point without y",
        "POST /precision",
        r#"{"level": "edit", "coordinates": {"x": 1}}"#,
        422,
        "invalid-request",
        &["coordinates are"],
    ),
    mistake(
        "a duration that is no time",
        "POST /simulate",
        r#"{"content": "<svg/>", "options": {"duration": "two"}}"#,
        422,
        "invalid-request",
        &["seconds", "\"2s\"", "`two`"],
    ),
    mistake(
        "a negative duration",
        "POST /simulate",
        r#"{"content": "<svg/>", "options": {"duration": -1}}"#,
        422,
        "invalid-request",
        &["duration = -1"],
    ),
    mistake(
        "gravity as a text",
        "POST /simulate",
        r#"{"content": "<svg/>", "options": {"gravity": "9.81"}}"#,
        422,
        "invalid-request",
        &["gravity is a number of m/s²"],
    ),
    mistake(
        "a token that is none",
        "POST /simulate",
        r#"{"content": "<svg/>", "options": {"resume": "???"}}"#,
        422,
        "invalid-request",
        &["no token of a simulation"],
    ),
    // Sessions.
    mistake(
        "a misspelt operation",
        "POST /interactive",
        r#"{"operation": "clik", "element_id": "wall-north"}"#,
        422,
        "invalid-request",
        &["`clik`", "did you mean `click`"],
    ),
    mistake(
        "no operation",
        "POST /interactive",
        r#"{"element_id": "wall-north"}"#,
        422,
        "invalid-request",
        &["`operation` is missing"],
    ),
    mistake(
        "a drawing and an element, but no operation",
        "POST /interactive",
        r#"{"content": "<svg/>", "element_id": "wall-north"}"#,
        422,
        "invalid-request",
        &["`operation` is missing"],
    ),
    mistake(
        "a misspelt id",
        "POST /interactive",
        r#"{"operation": "click", "element_id": "wall-nroth"}"#,
        404,
        "no-such-thing",
        &["wall-nroth", "did you mean `wall-north`"],
    ),
    mistake(
        "nothing that is pointed at",
        "POST /interactive",
        r#"{"operation": "click"}"#,
        422,
        "invalid-request",
        &["click needs element_id or coordinates"],
    ),
    mistake(
        "an attribute that is no name",
        "POST /interactive",
        r#"{"operation": "set_attribute", "element_id": "wall-north", "name": "1x", "value": "3"}"#,
        422,
        "invalid-request",
        &["not an XML name"],
    ),
    mistake(
        "an attribute without a name",
        "POST /interactive",
        r#"{"operation": "set_attribute", "element_id": "wall-north"}"#,
        422,
        "invalid-request",
        &["`name` is missing"],
    ),
    mistake(
        "an attribute's value as a number",
        "POST /interactive",
        r#"{"operation": "set_attribute", "element_id": "wall-north", "name": "x", "value": 3}"#,
        422,
        "invalid-request",
        &["expected a text, found the number 3"],
    ),
    mistake(
        "a misspelt key that is held down",
        "POST /interactive",
        r#"{"operation": "click", "element_id": "wall-north", "modifiers": {"crtl": true}}"#,
        422,
        "invalid-request",
        &["`crtl`", "did you mean `ctrl`"],
    ),
    mistake(
        "a coordinate as a text",
        "POST /interactive",
        r#"{"operation": "click", "coordinates": {"x": "4", "y": 1}}"#,
        422,
        "invalid-request",
        &["expected a number", "without quotes"],
    ),
    mistake(
        "a misspelt way to snap",
        "POST /interactive",
        r#"{"operation": "drag_move", "snap": {"gird": 1}}"#,
        422,
        "invalid-request",
        &["snap is true, false, or an object of grid"],
    ),
    mistake(
        "a misspelt type of constraint",
        "POST /interactive",
        r#"{"operation": "add_constraint", "constraint": {"type": "distnace", "elements": ["wall-north"]}}"#,
        422,
        "invalid-request",
        &["did you mean `distance`"],
    ),
    mistake(
        "a session that nothing was loaded into",
        "POST /interactive",
        r#"{"operation": "undo", "session": "first-flor"}"#,
        404,
        "no-such-thing",
        &["there is no session `first-flor`", "load"],
    ),
    mistake(
        "the state of a session that is not there",
        "GET /state?session=first-flor",
        "",
        404,
        "no-such-thing",
        &["there is no session `first-flor`"],
    ),
    mistake(
        "the drawing of a session that is not there",
        "POST /parse",
        r#"{"session": "first-flor"}"#,
        404,
        "no-such-thing",
        &["there is no session `first-flor`"],
    ),
    mistake(
        "a session without a name",
        "POST /parse",
        r#"{"session": ""}"#,
        422,
        "invalid-request",
        &["1 to 128 bytes"],
    ),
    // Sketches.
    mistake(
        "a misspelt shape",
        "POST /constraints/solve",
        r#"{"problem": {"entities": [{"id": "a", "type": "piont", "x": 1, "y": 2}]}}"#,
        422,
        "invalid-request",
        &["`piont`", "did you mean `point`"],
    ),
    mistake(
        "a misspelt constraint",
        "POST /constraints/solve",
        r#"{"problem": {"entities": [{"id": "a", "type": "point", "x": 1, "y": 2}], "constraints": [{"type": "distnace", "of": ["a"]}]}}"#,
        422,
        "invalid-request",
        &["`distnace`", "did you mean `distance`"],
    ),
    mistake(
        "a shape that is not there",
        "POST /constraints/solve",
        r#"{"problem": {"entities": [{"id": "a", "type": "point", "x": 1, "y": 2}], "constraints": [{"type": "distance", "of": ["a", "b"], "value": 3}]}}"#,
        422,
        "invalid-request",
        &["there is no entity \"b\""],
    ),
    mistake(
        "a distance without a value",
        "POST /constraints/solve",
        r#"{"problem": {"entities": [{"id": "a", "type": "point", "x": 1, "y": 2}, {"id": "b", "type": "point", "x": 3, "y": 2}], "constraints": [{"type": "distance", "of": ["a", "b"]}]}}"#,
        422,
        "invalid-request",
        &["distance needs a value"],
    ),
    // Drawings.
    mistake(
        "an element that is not closed",
        "POST /parse",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><g></svg>",
        422,
        "invalid-document",
        &["</g>"],
    ),
    mistake(
        "an element that the language does not have",
        "POST /parse",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" viewBox=\"0 0 9 9\"><arx:objct id=\"a\"/></svg>",
        200,
        "unknown-element",
        &["`objct`"],
    ),
    mistake(
        "a system that is none of the usual",
        "POST /parse",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" viewBox=\"0 0 9 9\"><arx:object id=\"a\" type=\"electrical.panel\" system=\"electricl\"/></svg>",
        200,
        "unknown-system",
        &["`electricl`", "electrical"],
    ),
    mistake(
        "a misspelt unit",
        "POST /evaluate",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\"><arx:object id=\"a\" type=\"electrical.panel\"><arx:behavior><arx:variables><arx:variable name=\"load\" value=\"1\" unit=\"kWW\"/></arx:variables><arx:calculations><arx:calculation name=\"twice\" formula=\"load * 2\"/></arx:calculations></arx:behavior></arx:object></svg>",
        200,
        "unknown-unit",
        &["kWW", "did you mean kW"],
    ),
    mistake(
        "a misspelt function",
        "POST /evaluate",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\"><arx:object id=\"a\" type=\"electrical.panel\"><arx:behavior><arx:calculations><arx:calculation name=\"root\" formula=\"sqrtt(2)\"/></arx:calculations></arx:behavior></arx:object></svg>",
        200,
        "unknown-function",
        &["sqrtt", "did you mean sqrt"],
    ),
];

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
    for mistake in MISTAKES {
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

This table is written by `tests/suite/server/mistakes.rs`, which sends every one of these requests.

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
