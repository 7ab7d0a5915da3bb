//! The headers that the edge adds to every answer.

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use bytes::Bytes;

use svgx_base::digits::decimal;

use crate::protocol::headers::{SERVER_TIMING, TRACEPARENT, X_RESPONSE_TIME, X_TRACE_ID};
use crate::protocol::trace::Trace;
use crate::state::answer::Phases;
use crate::state::app::App;

/// What holds for every answer of this service.
pub(super) fn write_security_headers(headers: &mut HeaderMap, app: &App) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if app.config.tls_cert.is_some() {
        let a_year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, a_year);
    }
}

/// Where the trace of a request is and how long it took, in one text that the headers share.
pub(super) fn write_trace_headers(
    headers: &mut HeaderMap,
    trace: &Trace,
    phases: Option<Phases>,
    took: Duration,
) {
    let mut text = String::with_capacity(256);
    let id = trace.traceparent(&mut text);
    let timing = text.len();
    server_timing(phases, took, &mut text);
    let time = text.len();
    response_time(took, &mut text);
    let text = Bytes::from(text);
    let all = [
        (&TRACEPARENT, 0..timing),
        (&X_TRACE_ID, id),
        (&SERVER_TIMING, timing..time),
        (&X_RESPONSE_TIME, time..text.len()),
    ];
    for (name, part) in all {
        if let Ok(value) = HeaderValue::from_maybe_shared(text.slice(part)) {
            headers.insert(name.clone(), value);
        }
    }
}

/// Milliseconds with three decimals.
fn milliseconds(time: Duration, out: &mut String) {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    decimal(micros / 1_000, 1, out);
    out.push('.');
    decimal(micros % 1_000, 3, out);
}

fn response_time(took: Duration, out: &mut String) {
    milliseconds(took, out);
    out.push_str("ms");
}

fn server_timing(phases: Option<Phases>, took: Duration, out: &mut String) {
    if let Some(p) = phases {
        let all = [("queue", p.queue), ("parse", p.parse), ("work", p.work), ("encode", p.encode)];
        for (name, time) in all {
            out.push_str(name);
            out.push_str(";dur=");
            milliseconds(time, out);
            out.push_str(", ");
        }
    }
    out.push_str("total;dur=");
    milliseconds(took, out);
}
