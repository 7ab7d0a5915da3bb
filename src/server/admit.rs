//! Admission: what a request says about itself before its body is read, and the
//! place it gets in the pool for it.
//!
//! A client may send, and every answer explains itself in, these headers:
//!
//! | header | meaning |
//! |---|---|
//! | `X-SVGX-Timeout-Ms` | milliseconds the client still waits; what cannot be done in time is refused at once |
//! | `X-SVGX-Precision` | `ui`, `edit` or `compute`; with `; strict` (or `strict` alone) a coarser answer is refused instead of given |
//! | `X-Retry-Attempt` | how often this request was already tried |
//! | `Prefer: respond-async` | answer with a job (RFC 7240) |
//! | `Prefer: wait=SECONDS` | no job: the client waits, however long it takes |
//! | `X-SVGX-Tier`, `X-SVGX-Reason` | in the answer: the tier worked at, and why it was admitted as it was, or refused |
//! | `X-SVGX-Retry-After-Ms` | in a refusal: `Retry-After`, more finely |

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::Payload;
use actix_web::{HttpMessage as _, HttpRequest};
use futures::StreamExt as _;

use svgx_base::budget::{Class, Tier};
use svgx_base::hash::{FNV_OFFSET, fnv1a};
use svgx_base::random::GOLDEN;
use svgx_controller::{Reason, Request, SessionId, Shed, TenantId, Ticket};

use super::app::App;
use super::keys::Identity;
use super::lag;
use super::problem::Error;
use super::reply::Endpoint;
use super::trace::Trace;

/// The header with the client's own deadline.
pub const TIMEOUT: &str = "x-svgx-timeout-ms";
/// The header with the precision asked for.
pub const PRECISION: &str = "x-svgx-precision";
/// The header of an answer with the tier it was worked at.
pub const TIER: &str = "x-svgx-tier";
/// The header of an answer with the controller's reason.
pub const REASON: &str = "x-svgx-reason";
/// The header of a refusal with when to ask again, in milliseconds.
pub const RETRY_MS: &str = "x-svgx-retry-after-ms";

/// Bytes of a drawing for each of its elements, a guess: the size is known before the elements are.
const BYTES_PER_ELEMENT: u64 = 100;
/// Bytes of an unwanted body that are read to keep the connection; a new one costs more.
const DISCARDED: usize = 256 << 10;
/// How long is waited for one.
const DISCARDING: Duration = Duration::from_millis(20);

/// What a request says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    request: Request<'static>,
    /// Whether it prefers a job to waiting.
    pub respond_async: bool,
    /// Whether it wants no job.
    pub wait: bool,
}

impl Asked {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a header of ours that means nothing.
    pub(super) fn of(
        app: &App,
        request: &HttpRequest,
        endpoint: Endpoint,
        identity: &Identity,
        has_body: bool,
    ) -> Result<Asked, Error> {
        let headers = request.headers();
        let trace_id = request.extensions().get::<Trace>().map_or(0, |t| t.trace_id);
        let size = if has_body {
            let bytes = number(headers, header::CONTENT_LENGTH.as_str())?.unwrap_or(0);
            bytes.min(app.config.max_body as u64) / BYTES_PER_ELEMENT + 1
        } else {
            1
        };
        let (tier, strict) = precision(headers)?;
        let patience = number(headers, TIMEOUT)?.map(|ms| ms.saturating_mul(1_000_000));
        let attempt = number(headers, "x-retry-attempt")?.unwrap_or(0);
        let session = headers.get("x-svgx-session").map_or(SessionId::NONE, |name| {
            // Two keys may use the same name for sessions of their own.
            SessionId(fold(name.as_bytes(), u64::from(identity.id) + 1))
        });
        let prefer = Prefer::of(headers);
        Ok(Asked {
            request: Request {
                trace_id,
                size,
                tenant: TenantId(fold(identity.name.as_bytes(), 0)),
                session,
                tier,
                strict,
                patience,
                attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
                waited_before_arrival: lag::beyond(&app.clock),
                ..Request::new(endpoint.class, estimated_as(endpoint.operation))
            },
            respond_async: prefer.respond_async,
            wait: prefer.wait,
        })
    }

    /// The same request once its body tells how much work it is.
    #[must_use]
    pub(super) fn refined(mut self, work: Work) -> Asked {
        self.request.operation = work.operation;
        self.request.size = work.size;
        self.request.tier = self.request.tier.min(work.tier);
        self.request.strict |= work.strict;
        self
    }

    /// The request as the controller sees it.
    pub(super) fn request(&self) -> Request<'static> {
        self.request
    }

    /// A place in the queue of its class, or a refusal with its reason.
    ///
    /// # Errors
    /// [`Shed`].
    pub(super) fn admit(&self, app: &App) -> Result<Ticket, Shed> {
        app.pool.admit(&self.request)
    }

    /// A place behind everything that has an objective.
    ///
    /// # Errors
    /// [`Shed`] when that queue is full too.
    pub(super) fn admit_as_batch(&self, app: &App) -> Result<Ticket, Shed> {
        // Without an objective there is nothing to be late for, and nothing to degrade.
        app.pool.admit(&Request { class: Class::Batch, patience: None, ..self.request })
    }
}

/// How much work a body asks for, where its length does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// The operation of the objectives that it is.
    pub operation: &'static str,
    /// Units of that operation.
    pub size: u64,
    /// The tier it asks for.
    pub tier: Tier,
    /// Whether it refuses a coarser one.
    pub strict: bool,
}

/// Whether a refusal means that the work is for the batch queue.
pub(super) fn is_too_large(shed: &Shed) -> bool {
    shed.reason == Reason::TooLarge
}

/// Takes the body of a request that is refused off the connection, where it is small and as
/// good as there: a connection with an unread body has to be closed, and the next one costs
/// both sides more than reading. Nothing of it is kept.
pub(super) async fn discard(request: &HttpRequest, mut payload: Payload) {
    let announced = number(request.headers(), header::CONTENT_LENGTH.as_str());
    if !announced.is_ok_and(|length| length.unwrap_or(0) <= DISCARDED as u64) {
        return;
    }
    let all = async {
        let mut seen = 0;
        while let Some(Ok(chunk)) = payload.next().await {
            seen += chunk.len();
            if seen > DISCARDED {
                return;
            }
        }
    };
    // A client that is slower than that may as well connect again.
    let _ = tokio::time::timeout(DISCARDING, all).await;
}

/// What the `Prefer` header says (RFC 7240), as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Prefer {
    respond_async: bool,
    wait: bool,
}

impl Prefer {
    fn of(headers: &HeaderMap) -> Prefer {
        let mut prefer = Prefer::default();
        let values = headers.get_all(HeaderName::from_static("prefer"));
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

fn number(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>, Error> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(wrong(name, "a whole number")),
    }
}

/// The tier asked for, and whether nothing coarser will do.
fn precision(headers: &HeaderMap) -> Result<(Tier, bool), Error> {
    let (mut tier, mut strict) = (Tier::Compute, false);
    let Some(value) = headers.get(PRECISION) else { return Ok((tier, strict)) };
    for word in value.to_str().unwrap_or("?").split(';').map(str::trim) {
        if word.eq_ignore_ascii_case("strict") {
            strict = true;
        } else {
            let expected = "ui, edit or compute, and perhaps strict: \"compute; strict\"";
            tier = word.parse().map_err(|_| wrong(PRECISION, expected))?;
        }
    }
    Ok((tier, strict))
}

fn wrong(name: &str, expected: &str) -> Error {
    Error::Invalid {
        pointer: String::new(),
        message: format!("header {name}: expected {expected}"),
        at: None,
    }
}

/// The operation whose estimate this one shares, where the objectives name it differently.
fn estimated_as(operation: &'static str) -> &'static str {
    match operation {
        "compile-svg" | "compile-json" => "compile",
        "constraints-solve" => "solve",
        "interactive" => "session.operate",
        "state" => "session.state",
        other => other,
    }
}

/// A name as the number fairness and tiers are kept by.
fn fold(name: &[u8], salt: u64) -> u64 {
    // 0 means none.
    fnv1a(FNV_OFFSET ^ salt.wrapping_mul(GOLDEN), name).max(1)
}

/// When to ask again, for the headers.
pub(super) fn retry_ms(wait: Duration) -> String {
    wait.as_millis().to_string()
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
    fn the_precision_header_says_tier_and_strictness() {
        for (value, expected) in [
            ("compute", Some((Tier::Compute, false))),
            ("strict", Some((Tier::Compute, true))),
            ("edit; strict", Some((Tier::Edit, true))),
            ("STRICT;ui", Some((Tier::Ui, true))),
            ("fine", None),
            ("", None),
        ] {
            assert_eq!(precision(&headers(&[(PRECISION, value)])).ok(), expected, "{value:?}");
        }
        assert_eq!(precision(&headers(&[])).ok(), Some((Tier::Compute, false)));
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
        assert_ne!(fold(b"plan", 1), fold(b"plan", 2));
        assert_ne!(fold(b"", 0), 0);
    }
}
