//! Admission: what a request says about itself before its body is read, and the
//! place it gets in the pool for it.

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::Payload;
use actix_web::{HttpMessage as _, HttpRequest};
use bytes::BytesMut;
use futures::StreamExt as _;

use svgx_base::budget::Class;
use svgx_base::hash::{FNV_OFFSET, fnv1a};
use svgx_base::random::GOLDEN;
use svgx_controller::{Reason, Request, SessionId, Shed, TenantId, Ticket};

use super::estimate::{self, Estimate};
use super::event_loop_lag::event_loop_lag;
use super::operation::Operation;
use super::precision::Precision;
use crate::protocol::headers;
use crate::protocol::problem::Error;
use crate::protocol::trace::Trace;
use crate::state::app::App;
use crate::state::keys::Identity;

/// Bytes of an unwanted body that are read to keep the connection; a new one costs more.
pub(super) const DISCARDED: usize = 256 << 10;
/// How long is waited for one.
const DISCARDING: Duration = Duration::from_millis(20);

/// What a request says about itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdmissionRequest {
    request: Request<'static>,
    /// Whether it prefers a job to waiting.
    pub(crate) respond_async: bool,
    /// Whether it wants no job.
    pub(crate) wait: bool,
}

impl AdmissionRequest {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a header of ours that means nothing.
    pub(crate) fn of(
        app: &App,
        request: &HttpRequest,
        operation: &Operation,
        identity: &Identity,
        has_body: bool,
    ) -> Result<AdmissionRequest, Error> {
        let given = request.headers();
        let trace_id = request.extensions().get::<Trace>().map_or(0, |t| t.trace_id);
        let size = if has_body {
            let bytes = number(given, &header::CONTENT_LENGTH)?.unwrap_or(0);
            estimate::elements(bytes.min(app.config.max_body as u64))
        } else {
            1
        };
        let precision = precision(given)?;
        let patience =
            number(given, &headers::SVGX_TIMEOUT_MS)?.map(|ms| ms.saturating_mul(1_000_000));
        let attempt = number(given, &headers::RETRY_ATTEMPT)?.unwrap_or(0);
        let session = given.get(&headers::SVGX_SESSION).map_or(SessionId::NONE, |name| {
            // Two keys may use the same name for sessions of their own.
            SessionId(principal_hash(name.as_bytes(), u64::from(identity.id) + 1))
        });
        let prefer = Prefer::of(given);
        Ok(AdmissionRequest {
            request: Request {
                trace_id,
                size,
                tenant: TenantId(principal_hash(identity.name.as_bytes(), 0)),
                session,
                tier: precision.tier,
                strict: precision.is_strict,
                patience,
                attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
                waited_before_arrival: event_loop_lag(&app.clock),
                ..Request::new(operation.class, operation.estimated_as)
            },
            respond_async: prefer.respond_async,
            wait: prefer.wait,
        })
    }

    /// The same request once its body tells how much work it is.
    #[must_use]
    pub(crate) fn refined(mut self, work: Estimate) -> AdmissionRequest {
        self.request.operation = work.operation;
        self.request.size = work.size;
        self.request.tier = self.request.tier.min(work.tier);
        self.request.strict |= work.strict;
        self
    }

    /// The same request for a body of so many bytes.
    #[must_use]
    pub(crate) fn sized(mut self, bytes: usize) -> AdmissionRequest {
        self.request.size = estimate::elements(bytes as u64);
        self
    }

    /// The same request as it stands behind everything that has an objective.
    pub(crate) fn as_batch(&self) -> Request<'static> {
        // Without an objective there is nothing to be late for, and nothing to degrade.
        Request { class: Class::Batch, patience: None, ..self.request }
    }

    /// The request as the controller sees it.
    pub(crate) fn request(&self) -> Request<'static> {
        self.request
    }

    /// A place in the queue of its class, or a refusal with its reason.
    ///
    /// # Errors
    /// [`Shed`].
    pub(crate) fn admit(&self, app: &App) -> Result<Ticket, Shed> {
        app.pool.admit(&self.request)
    }

    /// A place behind everything that has an objective.
    ///
    /// # Errors
    /// [`Shed`] when that queue is full too.
    pub(crate) fn admit_as_batch(&self, app: &App) -> Result<Ticket, Shed> {
        app.pool.admit(&self.as_batch())
    }
}

/// What an operation that comes in a stream says about itself.
pub(crate) fn of_stream(
    app: &App,
    identity: &Identity,
    session: &str,
    class: Class,
    operation: &'static str,
    bytes: usize,
) -> Request<'static> {
    let salt = u64::from(identity.id) + 1;
    Request {
        size: if bytes == 0 { 1 } else { estimate::elements(bytes as u64) },
        tenant: TenantId(principal_hash(identity.name.as_bytes(), 0)),
        session: SessionId(principal_hash(session.as_bytes(), salt)),
        waited_before_arrival: event_loop_lag(&app.clock),
        ..Request::new(class, operation)
    }
}

/// Whether a refusal means that the work is for the batch queue.
pub(crate) fn is_too_large(shed: &Shed) -> bool {
    shed.reason == Reason::TooLarge
}

/// Takes the body of a request that is refused off the connection, where it is small and as
/// good as there: a connection with an unread body has to be closed, and the next one costs
/// both sides more than reading. Answers what it read, where that is all of it.
pub(super) async fn discard(request: &HttpRequest, mut payload: Payload) -> Option<BytesMut> {
    let announced = number(request.headers(), &header::CONTENT_LENGTH);
    if !announced.is_ok_and(|length| length.unwrap_or(0) <= DISCARDED as u64) {
        return None;
    }
    let all = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.ok()?;
            if bytes.len() + chunk.len() > DISCARDED {
                return None;
            }
            bytes.extend_from_slice(&chunk);
        }
        Some(bytes)
    };
    // A client that is slower than that may as well connect again.
    tokio::time::timeout(DISCARDING, all).await.ok().flatten()
}

/// What the `Prefer` header says (RFC 7240), as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Prefer {
    respond_async: bool,
    wait: bool,
}

impl Prefer {
    fn of(given: &HeaderMap) -> Prefer {
        let mut prefer = Prefer::default();
        let values = given.get_all(&headers::PREFER);
        for preference in values.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')) {
            let name = preference.split(['=', ';']).next().unwrap_or_default().trim();
            prefer.respond_async |= name.eq_ignore_ascii_case("respond-async");
            prefer.wait |= name.eq_ignore_ascii_case("wait");
        }
        // Together they mean: wait so long, then a job. A job at once is the safe reading.
        prefer.wait &= !prefer.respond_async;
        prefer
    }
}

pub(super) fn number(given: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Error> {
    let Some(value) = given.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(wrong(name, text, "a whole number")),
    }
}

/// The tier asked for, and whether nothing coarser will do.
fn precision(given: &HeaderMap) -> Result<Precision, Error> {
    let name = &headers::SVGX_PRECISION;
    let Some(value) = given.get(name) else { return Ok(Precision::default()) };
    let expected = "ui, edit or compute, and perhaps strict: \"compute; strict\"";
    value
        .to_str()
        .ok()
        .and_then(Precision::parse)
        .ok_or_else(|| wrong(name, value.to_str().unwrap_or_default(), expected))
}

fn wrong(name: &HeaderName, found: &str, expected: &str) -> Error {
    let found: String = found.chars().take(64).collect();
    Error::Invalid {
        pointer: String::new(),
        message: format!("header {name}: expected {expected}, found `{found}`"),
        at: None,
    }
}

/// A name as the number fairness and tiers are kept by.
fn principal_hash(name: &[u8], salt: u64) -> u64 {
    // 0 means none.
    fnv1a(FNV_OFFSET ^ salt.wrapping_mul(GOLDEN), name).max(1)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn preferences_are_found_in_any_form() {
        for (value, respond_async, wait) in [
            ("respond-async", true, false),
            ("return=minimal, Respond-Async", true, false),
            ("wait=30", false, true),
            ("respond-async, wait=10", true, false),
            ("handling=lenient", false, false),
        ] {
            let prefer = Prefer::of(&headers(&[("prefer", value)]));
            assert_eq!(prefer, Prefer { respond_async, wait }, "{value}");
        }
    }

    #[test]
    fn the_same_session_name_of_another_key_is_another_session() {
        assert_ne!(principal_hash(b"plan", 1), principal_hash(b"plan", 2));
        assert_ne!(principal_hash(b"", 0), 0);
    }
}
