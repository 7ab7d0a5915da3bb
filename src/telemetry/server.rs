//! The span of a request that came in, by OpenTelemetry's conventions for HTTP servers.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::metrics::Request;
use super::{Outcome, tail};

/// The caller's place in its trace, out of `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The trace.
    pub trace: TraceId,
    /// The caller's span.
    pub span: SpanId,
    /// Whether the caller keeps the trace.
    pub sampled: bool,
}

/// Starts the span of a request: named by method and route, never by path, so
/// that names stay few. A path that no route matched is the caller's own text
/// and is not recorded.
pub fn span(
    method: &str,
    scheme: &str,
    route: Option<&str>,
    path: &str,
    remote: Option<Remote>,
) -> Span {
    let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    // At the highest level, so that no log filter short of `off` takes traces away.
    let span = tracing::error_span!(
        "request",
        otel.name = name,
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        url.path = route.map(|_| path),
        url.scheme = scheme,
        http.response.status_code = tracing::field::Empty,
        error.type = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    );
    if let Some(remote) = remote {
        let flags = if remote.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let parent =
            SpanContext::new(remote.trace, remote.span, flags, true, TraceState::default());
        // Fails only without a layer that traces, and then there is nothing to continue.
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
    }
    span
}

/// The identifiers of a span, where spans are recorded.
pub fn identity(span: &Span) -> Option<(TraceId, SpanId)> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| (context.trace_id(), context.span_id()))
}

/// Says how the request ended; the span ends when its last handle is dropped.
pub fn finish(span: &Span, request: &Request, outcome: Outcome) {
    span.record("http.response.status_code", request.status);
    if request.status >= 500 {
        span.record("error.type", request.status.to_string());
        span.record("otel.status_code", "ERROR");
    }
    span.set_attribute(tail::OUTCOME, outcome.as_str());
}
