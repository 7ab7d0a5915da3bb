//! Problem documents (RFC 9457), and the one place where an error becomes a
//! status code.

mod convert;
mod kind;

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use utoipa::ToSchema;

use svgx_base::budget::Stop;
use svgx_base::digits::figure;
use svgx_engine::document::{Diagnostic, LineIndex, Severity};

use svgx_controller::{Reason, Shed};

use crate::protocol::headers;
use crate::state::replicas::Did;

pub(crate) use convert::{
    constraints, drafting, dxf, interference, networks, overlay, pdf, physics, session,
};
pub(crate) use kind::Kind;

/// Everything a request can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such path.
    #[error("there is nothing at {0}")]
    NotFound(String),
    /// The path exists, the method does not.
    #[error("{method} is not allowed here; allowed: {allow}")]
    MethodNotAllowed {
        /// What was tried.
        method: String,
        /// The value of the `Allow` header.
        allow: String,
    },
    /// Nothing the client accepts can be produced.
    #[error("cannot answer as {accept}; this resource is available as {available}")]
    NotAcceptable {
        /// What the client accepts.
        accept: String,
        available: String,
    },
    /// The body is of a kind that is not understood.
    #[error("cannot read {seen}; expected {expected}")]
    UnsupportedMediaType {
        /// What came.
        seen: String,
        /// What is understood.
        expected: &'static str,
    },
    /// The host that was asked for is no host.
    #[error("{0:?} is no host and port")]
    BadHost(String),
    /// No key, or one that is not known.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// Not from there.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Too many requests with this key.
    #[error("more than {quota} requests a minute in the class {class}; retry in {}", seconds(*.wait))]
    RateLimited {
        /// The class of the limit.
        class: &'static str,
        /// Requests a minute.
        quota: u32,
        /// Until the next one is let through.
        wait: Duration,
    },
    /// The body is larger than a limit.
    #[error("the request body has {}; the limit is {limit} bytes", bytes_seen(*.seen))]
    BodyTooLarge {
        /// Bytes allowed.
        limit: usize,
        /// Bytes announced or read so far.
        seen: u64,
    },
    /// The client did not finish sending in time.
    #[error("the request body did not arrive within {0:?}")]
    BodyTimeout(Duration),
    /// The client broke off.
    #[error("the request body broke off: {0}")]
    BodyBroken(String),
    /// The work was not done in time.
    #[error("not done within {0:?}")]
    Timeout(Duration),
    /// The work was told to stop before it had an answer.
    #[error("stopped before there was an answer: {0}")]
    Stopped(#[from] Stop),
    /// The same, with when asking again makes sense.
    #[error("{message}")]
    Unfinished { message: String, wait: Duration },
    /// The body is no JSON, or no text.
    #[error("{message}")]
    Malformed {
        /// What is wrong.
        message: String,
        /// Line and column in the body, from 1, where known.
        at: Option<(usize, usize)>,
    },
    /// The body is JSON of another shape.
    #[error("{message}")]
    Invalid {
        /// JSON pointer to the offending value.
        pointer: String,
        /// What is wrong.
        message: String,
        /// Line and column in the body, where known.
        at: Option<(usize, usize)>,
    },
    /// Something that was asked for is not there.
    #[error("{0}")]
    Missing(String),
    /// The request contradicts what there is.
    #[error("{0}")]
    Conflict(String),
    /// What changed after a place is not known any more.
    #[error(
        "what changed after this cursor is not known any more; read the sessions anew, and go on after `{next}`"
    )]
    ChangesLost {
        /// After what the feed goes on.
        next: String,
    },
    /// The document cannot be used.
    #[error("{}", first(.0))]
    Document(Vec<Finding>),
    /// A limit of the language.
    #[error("{what}: {}; the limit is {}", figure(*.seen), figure(*.limit))]
    Limit {
        /// What is limited.
        what: String,
        /// How much is allowed.
        limit: f64,
        /// How much was asked for.
        seen: f64,
    },
    /// No room for the work.
    #[error("{}", .0.reason.sentence())]
    Shed(#[from] Shed),
    /// Too many bytes are held already.
    #[error("no room for more {what}, {limit} are held; retry shortly")]
    Crowded { what: &'static str, limit: usize, wait: Duration },
    /// The store failed.
    #[error("the session store failed: {0}")]
    Store(String),
    /// The store failed and tries again by itself.
    #[error("{message}")]
    StoreUnavailable { message: String, retry_after: Duration },
    /// Another replica has the session.
    #[error("the session {} is edited by another replica, which cannot be reached now", .0.key.name())]
    Elsewhere(Box<Owner>),
    /// Another replica took the session before the write, which has not happened.
    #[error("another replica has taken the session; nothing was done")]
    Fenced,
    /// The replica that was asked is another one than was meant.
    #[error("this is another replica")]
    Misdirected,
    /// The replica that has the session did not answer.
    #[error("the replica that has the session did not answer: what was asked may have happened")]
    OutcomeUnknown,
    /// A defect.
    #[error("internal error")]
    Internal(String),
}

/// Who has a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) key: svgx_session::Key,
    /// The replica.
    pub(crate) replica: String,
    /// Where it is reached; empty where it is not.
    pub(crate) address: String,
}

/// Marks an answer of a replica that does not have the session: nothing was done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved(pub(crate) Did);

impl Error {
    /// A request of another shape, for the value at `pointer`.
    pub(crate) fn invalid(pointer: &str, message: impl std::fmt::Display) -> Error {
        Error::Invalid { pointer: pointer.to_owned(), message: message.to_string(), at: None }
    }

    /// The one place where an error becomes a kind, and with it a status.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Error::Malformed { .. } => Kind::MALFORMED_BODY,
            Error::BodyBroken(_) => Kind::INCOMPLETE_BODY,
            Error::BadHost(_) => Kind::BAD_HOST,
            Error::Unauthorized(_) => Kind::UNAUTHORIZED,
            Error::Forbidden(_) => Kind::FORBIDDEN,
            Error::NotFound(_) => Kind::NOT_FOUND,
            Error::Missing(_) => Kind::NO_SUCH_THING,
            Error::MethodNotAllowed { .. } => Kind::METHOD_NOT_ALLOWED,
            Error::NotAcceptable { .. } => Kind::NOT_ACCEPTABLE,
            Error::BodyTimeout(_) => Kind::BODY_TIMEOUT,
            Error::Conflict(_) => Kind::CONFLICT,
            Error::ChangesLost { .. } => Kind::CHANGES_LOST,
            Error::BodyTooLarge { .. } => Kind::LIMIT_BODY_BYTES,
            Error::UnsupportedMediaType { .. } => Kind::UNSUPPORTED_MEDIA_TYPE,
            Error::Invalid { .. } => Kind::INVALID_REQUEST,
            Error::Document(findings) => match findings.first().map(|f| f.code) {
                Some("limit-bytes") => Kind::LIMIT_BYTES,
                Some("xml") => Kind::MALFORMED_DOCUMENT,
                _ => Kind::INVALID_DOCUMENT,
            },
            Error::Limit { .. } => Kind::LIMIT_EXCEEDED,
            Error::RateLimited { .. } => Kind::RATE_LIMITED,
            Error::Shed(Shed { reason: Reason::Panicked, .. }) | Error::Internal(_) => {
                Kind::INTERNAL_ERROR
            }
            Error::Shed(shed) => Kind::refused(shed.reason),
            Error::Crowded { .. } => Kind::OVERLOADED,
            Error::Timeout(_) | Error::Stopped(_) | Error::Unfinished { .. } => {
                Kind::REQUEST_TIMEOUT
            }
            Error::Store(_) | Error::StoreUnavailable { .. } => Kind::STORE_FAILED,
            Error::Elsewhere(_) | Error::Fenced | Error::Misdirected => Kind::SESSION_ELSEWHERE,
            Error::OutcomeUnknown => Kind::OUTCOME_UNKNOWN,
        }
    }

    /// No room for more of `what`, of which `limit` are held; some are done within a second.
    pub(crate) fn crowded(what: &'static str, limit: usize) -> Error {
        Error::Crowded { what, limit, wait: Duration::from_secs(1) }
    }

    /// How long the client is to wait before it tries again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::RateLimited { wait, .. } => Some(*wait),
            Error::Shed(shed) => shed.retry_after(),
            Error::Store(_)
            | Error::Elsewhere(_)
            | Error::Fenced
            | Error::Misdirected
            | Error::OutcomeUnknown => Some(Duration::from_secs(1)),
            Error::Crowded { wait, .. } => Some(*wait),
            Error::StoreUnavailable { retry_after, .. } => Some(*retry_after),
            Error::Unfinished { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    /// The problem document for a request of `instance`.
    pub(crate) fn problem<'p>(&self, instance: &'p str, trace_id: &'p str) -> Problem<'p> {
        let kind = self.kind();
        let (limit, value) = match self {
            Error::BodyTooLarge { limit, seen } => (Some(*limit as f64), Some(*seen as f64)),
            Error::Limit { limit, seen, .. } => (Some(*limit), Some(*seen)),
            Error::RateLimited { quota, .. } => (Some(f64::from(*quota)), None),
            Error::Crowded { limit, .. } => (Some(*limit as f64), None),
            _ => (None, None),
        };
        Problem {
            kind: kind.reference(),
            title: kind.title,
            status: kind.status.as_u16(),
            detail: self.to_string(),
            instance,
            code: kind.code,
            success: false,
            trace_id,
            limit,
            value,
            next: match self {
                Error::ChangesLost { next } => Some(next.clone()),
                _ => None,
            },
            errors: self.findings(),
        }
    }

    /// The answer: a problem document with its headers.
    pub(crate) fn response(&self, instance: &str, trace_id: &str) -> HttpResponse {
        let kind = self.kind();
        let problem = self.problem(instance, trace_id);
        let mut response = HttpResponseBuilder::new(kind.status);
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_nanos().div_ceil(1_000_000_000).max(1);
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
            if matches!(self, Error::Shed(_) | Error::Unfinished { .. }) {
                let milliseconds = wait.as_millis().to_string();
                response.insert_header((headers::SVGX_RETRY_AFTER_MS.clone(), milliseconds));
            }
        }
        match self {
            Error::Unauthorized(_) => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"svgx\""));
            }
            Error::Shed(shed) => {
                response.insert_header((headers::SVGX_REASON.clone(), shed.reason.as_str()));
            }
            Error::MethodNotAllowed { allow, .. } => {
                response.insert_header((header::ALLOW, allow.as_str()));
            }
            _ => {}
        }
        match self {
            Error::Elsewhere(_) | Error::Fenced => {
                response.extensions_mut().insert(Moved(Did::Nothing));
            }
            Error::Misdirected => {
                response.extensions_mut().insert(Moved(Did::IsAnother));
            }
            _ => {}
        }
        response.body(serde_json::to_vec(&problem).unwrap_or_default())
    }

    fn findings(&self) -> Vec<Finding> {
        match self {
            Error::Document(findings) => findings.clone(),
            Error::Malformed { message, at } => vec![Finding {
                code: "malformed-body",
                message: message.clone(),
                line: at.and_then(|(line, _)| u32::try_from(line).ok()),
                column: at.and_then(|(_, column)| u32::try_from(column).ok()),
                ..Finding::default()
            }],
            Error::Invalid { pointer, message, at } => vec![Finding {
                code: "invalid-request",
                message: message.clone(),
                pointer: Some(pointer.clone()),
                line: at.and_then(|(line, _)| u32::try_from(line).ok()),
                column: at.and_then(|(_, column)| u32::try_from(column).ok()),
                ..Finding::default()
            }],
            _ => Vec::new(),
        }
    }
}

/// Whole seconds, never too few.
fn seconds(wait: Duration) -> String {
    format!("{} s", wait.as_millis().div_ceil(1_000).max(1))
}

fn bytes_seen(seen: u64) -> String {
    format!("{seen} bytes or more")
}

fn first(findings: &[Finding]) -> String {
    match findings {
        [] => "the document cannot be used".to_owned(),
        [one] => one.message.clone(),
        [one, rest @ ..] => format!("{} (and {} more)", one.message, rest.len()),
    }
}

impl actix_web::ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.kind().status
    }

    // The edge writes the answer: only it knows the trace.
}

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem<'p> {
    /// The kind of problem: a reference to the page that explains it.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem in words; the same for every problem of the kind.
    title: &'static str,
    /// The status code.
    status: u16,
    /// What happened this time.
    detail: String,
    /// The path that was asked.
    instance: &'p str,
    /// A stable code.
    code: &'static str,
    /// Always false: the envelope of the answers.
    success: bool,
    /// The trace of the request.
    trace_id: &'p str,
    /// The limit that was passed, where one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<f64>,
    /// The value seen, where a limit was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// After what a feed goes on, where changes are missing before.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Single findings, with their places.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Finding>,
}

/// One finding in a request or a document, and where it is.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Finding {
    /// A stable code.
    pub(crate) code: &'static str,
    /// `error`, `warning` or `note`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<&'static str>,
    /// What is wrong.
    pub(crate) message: String,
    /// Line in the document or the body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u32>,
    /// First byte and one past the last byte of the place in the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) span: Option<[u32; 2]>,
    /// JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help: Option<String>,
}

/// Diagnostics with their places in `source`; errors first, document order otherwise.
pub(crate) fn findings(source: &str, diagnostics: &[Diagnostic]) -> Vec<Finding> {
    let mut findings = placed(source, diagnostics);
    findings.sort_by_key(|f| f.severity != Some("error"));
    findings
}

/// Diagnostics with their places in `source`, in their order.
pub(crate) fn placed(source: &str, diagnostics: &[Diagnostic]) -> Vec<Finding> {
    let lines = LineIndex::new(source);
    diagnostics
        .iter()
        .map(|d| {
            let place = (!d.span.is_none()).then(|| lines.position(source, d.span.start));
            Finding {
                code: d.code.as_str(),
                severity: Some(match d.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                    Severity::Note => "note",
                }),
                message: d.message.clone(),
                line: place.map(|p| p.line),
                column: place.map(|p| p.column),
                span: (!d.span.is_none()).then_some([d.span.start, d.span.end]),
                pointer: None,
                help: d.help.clone(),
            }
        })
        .collect()
}
