//! What a request asks, and the bytes it is made of.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::drawing::{drawing, pile, sketch};

const ROOM: &str = include_str!("../../examples/room.svgx");

/// What a request asks of the service.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// A tick of a drag that is under way.
    Drag,
    /// A click on an element.
    Click,
    /// The pointer over an element.
    Hover,
    /// A change of an attribute, acknowledged when durable.
    Edit,
    /// The state of the session.
    State,
    /// Reading a drawing of so many elements.
    Parse(usize),
    /// Compiling a drawing of so many elements to SVG.
    CompileSvg(usize),
    /// Compiling a drawing of so many elements to JSON.
    CompileJson(usize),
    /// Painting a drawing of so many elements.
    Render(usize),
    /// The formulas of a room.
    Evaluate,
    /// Straightening so many lines, each by a constraint of its own.
    Solve(usize),
    /// Opening a drawing of so many elements in the sender's session.
    Load(usize),
    /// Motion.
    Simulate {
        /// Bodies that fall.
        bodies: usize,
        /// How long.
        seconds: f64,
        /// `ui`, `edit` or `compute`.
        #[serde(default)]
        precision: Option<String>,
        /// Refuse a coarser answer.
        #[serde(default)]
        strict: bool,
    },
    /// What holds so many bodies up.
    Statics(usize),
    /// `GET` of a path, with no body.
    Get(String),
}

impl Ask {
    /// Whether it is about a session, and needs one prepared.
    pub(super) fn session(&self) -> Option<SessionKind> {
        match self {
            Ask::Drag => Some(SessionKind::Dragged),
            Ask::Click | Ask::Hover | Ask::Edit | Ask::State => Some(SessionKind::Still),
            _ => None,
        }
    }
}

/// What a session is prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum SessionKind {
    /// A drag has begun in it.
    Dragged,
    /// Its drawing is loaded.
    Still,
}

impl SessionKind {
    pub(super) fn name(self, number: usize) -> String {
        match self {
            SessionKind::Dragged => format!("load-drag-{number}"),
            SessionKind::Still => format!("load-{number}"),
        }
    }
}

/// Stands in a body where the digits that make each request new belong.
const MARK: &str = "@@@@@@@@@@@@";
/// Coprime to a power of ten: multiplying by it visits every residue once, scattered.
const SCATTER: u64 = 618_033_988_749;

/// Twelve digits that no other request of the run has.
pub(super) fn digits(serial: u64) -> [u8; MARK.len()] {
    const MODULUS: u128 = 1_000_000_000_000;
    let mut left = u128::from(serial) * u128::from(SCATTER) % MODULUS;
    let mut digits = [b'0'; MARK.len()];
    for digit in digits.iter_mut().rev() {
        // A remainder by ten is below 256.
        *digit += u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
    }
    digits
}

/// A request ready to be sent: its bytes, with a place for fresh digits.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) head: Bytes,
    pub(super) before: Bytes,
    pub(super) after: Bytes,
    /// Whether digits go between the two parts of the body.
    pub(super) fresh: bool,
}

/// Who sends it: the host it is for, a bearer key, a session, more header lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    pub(super) host: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) session: &'a str,
    pub(super) headers: &'a str,
}

/// The bytes of a request. Bodies are made once per ask: see [`body`].
pub(super) fn prepare(ask: &Ask, body: &Body, sender: Sender<'_>) -> Prepared {
    let (method, path) = match ask {
        Ask::Get(path) => ("GET", path.as_str()),
        Ask::State => ("GET", "/state"),
        Ask::Drag | Ask::Click | Ask::Hover | Ask::Edit | Ask::Load(_) => ("POST", "/interactive"),
        Ask::Parse(_) => ("POST", "/parse"),
        Ask::CompileSvg(_) => ("POST", "/compile/svg"),
        Ask::CompileJson(_) => ("POST", "/compile/json"),
        Ask::Render(_) => ("POST", "/render"),
        Ask::Evaluate => ("POST", "/evaluate"),
        Ask::Solve(_) => ("POST", "/constraints/solve"),
        Ask::Simulate { .. } | Ask::Statics(_) => ("POST", "/simulate"),
    };
    raw(method, path, body, sender)
}

/// The bytes of a request to any path.
pub(super) fn raw(method: &str, path: &str, body: &Body, sender: Sender<'_>) -> Prepared {
    let Sender { host, key, session, headers } = sender;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}");
    if let Some(key) = key {
        head.push_str(&format!("Authorization: Bearer {key}\r\n"));
    }
    if !session.is_empty() {
        head.push_str(&format!("X-SVGX-Session: {session}\r\n"));
    }
    if method != "GET" {
        let length = body.before.len() + body.after.len() + usize::from(body.fresh) * MARK.len();
        head.push_str(&format!("Content-Type: {}\r\nContent-Length: {length}\r\n", body.media));
    }
    head.push_str("\r\n");
    Prepared {
        head: Bytes::from(head),
        before: body.before.clone(),
        after: body.after.clone(),
        fresh: body.fresh,
    }
}

/// A body, shared by every sender.
#[derive(Clone, Debug)]
pub(super) struct Body {
    media: &'static str,
    before: Bytes,
    after: Bytes,
    fresh: bool,
}

impl Body {
    fn of(media: &'static str, text: &str) -> Body {
        let (before, after, fresh) = match text.split_once(MARK) {
            Some((before, after)) => (before, after, true),
            None => (text, "", false),
        };
        let own = |part: &str| Bytes::copy_from_slice(part.as_bytes());
        Body { media, before: own(before), after: own(after), fresh }
    }

    pub(super) fn json(value: &serde_json::Value) -> Body {
        Body::of("application/json", &value.to_string())
    }

    /// A drawing that no cache has seen: a comment with fresh digits at its end.
    pub(super) fn document(text: &str) -> Body {
        Body::of("image/svg+xml", &format!("{text}<!-- {MARK} -->\n"))
    }
}

/// The body an ask is sent with.
pub(super) fn body(ask: &Ask) -> Body {
    let fresh = |text: &str| format!("{text}<!-- {MARK} -->\n");
    match ask {
        Ask::Get(_) | Ask::State => Body::of("", ""),
        // A JSON number between 100 and 200: the pointer jumps about in the drawing.
        Ask::Drag => Body::of(
            "application/json",
            &format!(
                "{{\"operation\":\"drag_move\",\"coordinates\":{{\"x\":1.{MARK}e2,\"y\":150}}}}"
            ),
        ),
        Ask::Click => Body::json(&json!({ "operation": "click", "element_id": "e10" })),
        Ask::Hover => Body::of(
            "application/json",
            &format!("{{\"operation\":\"hover\",\"coordinates\":{{\"x\":1.{MARK}e2,\"y\":300}}}}"),
        ),
        Ask::Edit => Body::json(&json!({
            "operation": "set_attribute", "element_id": "e11", "name": "data-load", "value": MARK,
        })),
        Ask::Parse(elements)
        | Ask::CompileSvg(elements)
        | Ask::CompileJson(elements)
        | Ask::Render(elements) => Body::document(&drawing(*elements)),
        Ask::Evaluate => Body::document(ROOM),
        Ask::Solve(lines) => Body::document(&sketch(*lines)),
        Ask::Load(elements) => Body::json(&json!({
            "operation": "load", "content": fresh(&drawing(*elements)),
        })),
        Ask::Statics(bodies) => Body::document(&pile(*bodies)),
        Ask::Simulate { bodies, seconds, precision, strict } => {
            let mut options = json!({ "duration": seconds });
            if let Some(precision) = precision {
                options["precision"] = json!(precision);
            }
            if *strict {
                options["strict"] = json!(true);
            }
            Body::json(&json!({ "content": fresh(&pile(*bodies)), "options": options }))
        }
    }
}

/// What is sent before the load: the drawing of a session, and what begins in it.
pub(super) fn preparation(kind: SessionKind, elements: usize) -> Vec<Body> {
    let load = json!({ "operation": "load", "content": drawing(elements) });
    match kind {
        SessionKind::Still => vec![Body::json(&load)],
        SessionKind::Dragged => vec![
            Body::json(&load),
            Body::json(&json!({
                "operation": "drag_start", "element_id": "e10",
                "coordinates": { "x": 150, "y": 150 },
            })),
        ],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_requests_have_the_same_digits() {
        let seen: HashSet<_> = (0..100_000).map(digits).collect();
        assert_eq!(seen.len(), 100_000);
    }

    #[test]
    fn a_request_is_as_long_as_it_says() {
        let sender =
            Sender { host: "localhost", key: Some("k"), session: "load-0", headers: "X-A: b\r\n" };
        let ask = Ask::Simulate { bodies: 3, seconds: 1.0, precision: None, strict: true };
        let request = prepare(&ask, &body(&ask), sender);
        let whole = [&*request.before, &digits(7)[..], &*request.after].concat();
        let head = String::from_utf8(request.head.to_vec()).expect("text");
        assert!(head.contains(&format!("Content-Length: {}\r\n", whole.len())), "{head}");
        let value: serde_json::Value = serde_json::from_slice(&whole).expect("JSON");
        assert_eq!(value["options"]["strict"], true);
    }
}
