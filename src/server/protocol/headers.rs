//! The names of headers that are not of HTTP itself, each written once.
//!
//! A client may send, and every answer explains itself in, these:
//!
//! | header | meaning |
//! |---|---|
//! | `X-SVGX-Timeout-Ms` | milliseconds the client still waits; what cannot be done in time is refused at once |
//! | `X-SVGX-Precision` | `ui`, `edit` or `compute`; with `; strict` (or `strict` alone) a coarser answer is refused instead of given |
//! | `X-SVGX-Session` | the session that is meant |
//! | `Idempotency-Key` | of work that is put into a queue: the same key with the same request is the same job |
//! | `X-Retry-Attempt` | how often this request was already tried |
//! | `Prefer: respond-async` | answer with a job (RFC 7240) |
//! | `Prefer: wait=SECONDS` | no job: the client waits, however long it takes |
//! | `X-SVGX-Tier`, `X-SVGX-Reason` | in the answer: the tier worked at, and why it was admitted as it was, or refused |
//! | `X-SVGX-Differences` | of a picture: the codes of what a browser draws otherwise, and how often each (`drawn-differently;n=2`) |
//! | `X-SVGX-Painter` | of a picture: `vello` or `resvg`, who painted it |
//! | `X-SVGX-Retry-After-Ms` | in a refusal: `Retry-After`, more finely |

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::protocol::problem::Error;

macro_rules! names {
    ($($constant:ident = $name:literal,)*) => {
        $(pub(crate) static $constant: HeaderName = HeaderName::from_static($name);)*
    };
}

names! {
    // Of a request.
    BAGGAGE = "baggage",
    IDEMPOTENCY_KEY = "idempotency-key",
    PREFER = "prefer",
    SVGX_REPLICA = "x-svgx-replica",
    RETRY_ATTEMPT = "x-retry-attempt",
    SVGX_PRECISION = "x-svgx-precision",
    SVGX_SESSION = "x-svgx-session",
    SVGX_TIMEOUT_MS = "x-svgx-timeout-ms",
    TRACESTATE = "tracestate",
    // Of both.
    TRACEPARENT = "traceparent",
    // Of an answer.
    SVGX_REPLICA_PROOF = "x-svgx-replica-proof",
    PREFERENCE_APPLIED = "preference-applied",
    RATELIMIT = "ratelimit",
    RATELIMIT_POLICY = "ratelimit-policy",
    SERVER_TIMING = "server-timing",
    SVGX_DIFFERENCES = "x-svgx-differences",
    SVGX_LOST = "x-svgx-lost",
    SVGX_PAINTER = "x-svgx-painter",
    SVGX_REASON = "x-svgx-reason",
    SVGX_RETRY_AFTER_MS = "x-svgx-retry-after-ms",
    SVGX_SESSIONS = "x-svgx-sessions",
    SVGX_TIER = "x-svgx-tier",
    X_ACCEL_BUFFERING = "x-accel-buffering",
    X_RATELIMIT_LIMIT = "x-ratelimit-limit",
    X_RATELIMIT_REMAINING = "x-ratelimit-remaining",
    X_RATELIMIT_RESET = "x-ratelimit-reset",
    X_RESPONSE_TIME = "x-response-time",
    X_TRACE_ID = "x-trace-id",
}

/// The longest key by which a request is known again.
const LONGEST_KEY: usize = 255;

/// The key by which a request is known again, where it has one.
///
/// # Errors
/// [`Error::Invalid`] for one that is empty, too long or no text.
pub(crate) fn idempotency_key(given: &HeaderMap) -> Result<Option<&str>, Error> {
    let Some(value) = given.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > LONGEST_KEY {
        let message = format!(
            "header Idempotency-Key: expected 1 to {LONGEST_KEY} visible characters, found {}",
            value.len()
        );
        return Err(Error::invalid("", message));
    }
    Ok(Some(key))
}
