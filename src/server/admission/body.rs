//! The body of a request: read up to its limits, and decoded.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::{Version, header};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use serde::de::DeserializeOwned;

use crate::protocol::problem::Error;
use crate::protocol::wording;
use crate::state::app::{App, BodyReservation};

/// What kind of body came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A JSON request.
    Json,
    /// A document, as it is.
    Document,
}

/// A body that was read, and the memory it holds.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its bytes.
    pub(crate) bytes: Bytes,
    _held: Arc<BodyReservation>,
}

impl Body {
    /// A body that did not come over the network; `None` where too much is held already.
    pub(crate) fn held(app: &Arc<App>, kind: Kind, bytes: Bytes) -> Option<Body> {
        let held = app.reserve_body(bytes.len())?;
        Some(Body { kind, bytes, _held: Arc::new(held) })
    }
}

const EXPECTED: &str = "application/json, or the document itself as image/svg+xml, \
    application/xml, text/xml or text/plain";

/// What kind of body the headers announce.
///
/// # Errors
/// [`Error::UnsupportedMediaType`].
fn kind(request: &HttpRequest) -> Result<Kind, Error> {
    let unsupported = |seen: String| Error::UnsupportedMediaType { seen, expected: EXPECTED };
    if let Some(coding) = request.headers().get(header::CONTENT_ENCODING)
        && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let coding = String::from_utf8_lossy(coding.as_bytes());
        return Err(unsupported(format!("Content-Encoding: {coding}")));
    }
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        // Nothing needs no type.
        if is_empty(request) {
            return Ok(Kind::Json);
        }
        return Err(unsupported("a body without Content-Type".to_owned()));
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let mut parts = text.split(';');
    let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    for parameter in parts {
        if let Some((key, charset)) = parameter.split_once('=')
            && key.trim().eq_ignore_ascii_case("charset")
        {
            let charset = charset.trim().trim_matches('"').to_ascii_lowercase();
            if !matches!(charset.as_str(), "utf-8" | "utf8" | "us-ascii") {
                return Err(unsupported(text.chars().take(100).collect()));
            }
        }
    }
    match name.as_str() {
        "application/json" => Ok(Kind::Json),
        "image/svg+xml" | "application/xml" | "text/xml" | "text/plain" | "image/vnd.dxf" => {
            Ok(Kind::Document)
        }
        _ => Err(unsupported(text.chars().take(100).collect())),
    }
}

/// Whether the request has no body (RFC 9112, 6.3). In HTTP/2 only a length tells.
fn is_empty(request: &HttpRequest) -> bool {
    let headers = request.headers();
    match headers.get(header::CONTENT_LENGTH) {
        Some(length) => length.as_bytes() == b"0",
        None => {
            request.version() <= Version::HTTP_11
                && !headers.contains_key(header::TRANSFER_ENCODING)
        }
    }
}

/// What can be said of a body before anything of it is read, and before it is asked whether
/// there is room for the work: what can never be accepted is told so, however busy the service is.
///
/// # Errors
/// Too large by its announced length, or of an unknown kind.
pub(crate) fn check(app: &App, request: &HttpRequest) -> Result<Kind, Error> {
    let kind = kind(request)?;
    let limit = app.config.max_body;
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<u64>().ok());
    match announced {
        Some(seen) if seen > limit as u64 => Err(Error::BodyTooLarge { limit, seen }),
        _ => Ok(kind),
    }
}

/// Reads the body of `request`, of the kind that [`check`] found.
///
/// # Errors
/// Too large, too slow, broken off, or no memory for it.
pub(crate) async fn read(app: &Arc<App>, kind: Kind, mut payload: Payload) -> Result<Body, Error> {
    let limit = app.config.max_body;
    let crowded = Error::crowded("bytes of request bodies", app.config.max_body_total);
    let Some(mut held) = app.reserve_body(0) else { return Err(crowded) };
    let mut bytes = BytesMut::new();
    loop {
        let next = tokio::time::timeout(app.config.client_timeout, payload.next()).await;
        let chunk = match next {
            Err(_) => return Err(Error::BodyTimeout(app.config.client_timeout)),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(Error::BodyBroken(error.to_string())),
            Ok(Some(Ok(chunk))) => chunk,
        };
        if bytes.len() + chunk.len() > limit {
            let seen = (bytes.len() + chunk.len()) as u64;
            return Err(Error::BodyTooLarge { limit, seen });
        }
        if !held.grow(chunk.len()) {
            return Err(crowded);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body { kind, bytes: bytes.freeze(), _held: Arc::new(held) })
}

/// The bytes as text.
///
/// # Errors
/// [`Error::Malformed`] with the place of the first byte that is no UTF-8.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Error> {
    let body = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, _, ..] | [b'<', 0, ..] => {
            return Err(Error::Malformed {
                message: "the body is UTF-16 or UTF-32; only UTF-8 is read".to_owned(),
                at: Some((1, 1)),
            });
        }
        all => all,
    };
    std::str::from_utf8(body).map_err(|e| {
        let good = body.get(..e.valid_up_to()).unwrap_or_default();
        let start = good.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        let rest = good.get(start..).unwrap_or_default();
        let column = String::from_utf8_lossy(rest).chars().count() + 1;
        Error::Malformed {
            message: format!("byte {} of the body is not UTF-8", e.valid_up_to()),
            at: Some((line, column)),
        }
    })
}

/// Decodes a JSON object; an error names the JSON pointer, the line and the column.
///
/// # Errors
/// [`Error::Malformed`] when it is no JSON, [`Error::Invalid`] when it is JSON of another shape.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let text = text(bytes)?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let decoded = serde_path_to_error::deserialize(&mut reader);
    match decoded {
        Ok(value) => {
            reader.end().map_err(|e| malformed(&e))?;
            // A list is read as the members of an object, in their order.
            if text.trim_start().starts_with('[') {
                return Err(Error::invalid("", "a list was found; expected an object"));
            }
            Ok(value)
        }
        Err(error) => {
            let pointer = pointer(error.path());
            let inner = error.into_inner();
            if inner.is_data() {
                Err(Error::Invalid {
                    pointer,
                    message: wording::json(&inner),
                    at: Some((inner.line(), inner.column())),
                })
            } else {
                Err(malformed(&inner))
            }
        }
    }
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::Malformed {
        message: format!("not JSON: {}", wording::json(error)),
        at: Some((error.line(), error.column())).filter(|(line, _)| *line > 0),
    }
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoded")]
    struct Outer {
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoded")]
    struct Inner {
        #[serde(rename = "a/b")]
        numbers: Vec<f64>,
    }

    #[test]
    fn a_wrong_type_is_named_by_its_pointer_line_and_column() {
        let error =
            json::<Outer>(b"{\"inner\":\n {\"a/b\": [1, \"two\"]}}").expect_err("wrong type");
        match error {
            Error::Invalid { pointer, at, message } => {
                assert_eq!(pointer, "/inner/a~1b/1");
                assert_eq!(at.map(|(line, _)| line), Some(2));
                assert_eq!(message, "expected a number, found the text \"two\"");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_json_is_malformed_and_has_a_place() {
        let deep = "[".repeat(100_000);
        for body in ["", "{", "{\"inner\": NaN}", "{\"inner\": 1e999}", "{} {}", deep.as_str()] {
            let error = json::<serde_json::Value>(body.as_bytes())
                .expect_err(body.get(..5).unwrap_or(body));
            assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        }
        assert!(json::<Outer>(b"{\"inner\": {\"a/b\": [1]}} x").is_err());
    }

    #[test]
    fn text_that_is_not_utf8_has_a_place() {
        match text(b"one\nt\xC3\xA4o \xFF") {
            Err(Error::Malformed { at, .. }) => assert_eq!(at, Some((2, 5))),
            other => panic!("{other:?}"),
        }
        assert!(matches!(text(b"\xFF\xFE<\0s\0"), Err(Error::Malformed { .. })));
        assert_eq!(text(b"\xEF\xBB\xBF<svg/>").ok(), Some("<svg/>"));
    }
}
