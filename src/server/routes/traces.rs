//! `/traces`: what kept requests spent their time on.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use opentelemetry::trace::TraceId;
use serde::Serialize;
use utoipa::ToSchema;

use svgx_telemetry::{Interval, Recent};

use crate::protocol::problem::{Error, Problem};
use crate::protocol::wording::meant;
use crate::routes::json;
use crate::state::app::App;

/// The word for the newest trace.
const LATEST: &str = "latest";

/// The traces kept lately.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceList {
    /// The newest first.
    traces: Vec<TraceSummary>,
}

/// A kept trace in one line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceSummary {
    /// 32 hexadecimal digits, as in `X-Trace-Id`.
    trace_id: String,
    /// Method and route.
    name: String,
    /// When it began, RFC 3339 in UTC.
    began: String,
    /// From the first byte to the answer, in milliseconds.
    duration_ms: f64,
    /// How it ended: `ok`, `degraded`, `over-budget`, `shed`, `failed`, ...
    outcome: &'static str,
    /// How many spans are remembered.
    spans: usize,
}

impl From<Recent> for TraceSummary {
    fn from(recent: Recent) -> TraceSummary {
        let Recent { trace_id, name, began, duration_ms, outcome, spans, .. } = recent;
        TraceSummary { trace_id, name, began, duration_ms, outcome, spans }
    }
}

/// A kept trace with its spans.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceView {
    /// The trace in one line.
    #[serde(flatten)]
    summary: TraceSummary,
    /// Its spans, the earliest first.
    intervals: Vec<TraceInterval>,
}

/// A span of a trace.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceInterval {
    /// 16 hexadecimal digits.
    span_id: String,
    /// The span it is a part of; of a caller, or zeros, for the first.
    parent_id: String,
    /// What was done.
    name: String,
    /// When it began, in milliseconds after the trace.
    start_ms: f64,
    /// How long it took, in milliseconds.
    duration_ms: f64,
    /// Its attributes by name.
    attributes: serde_json::Map<String, serde_json::Value>,
}

impl From<Interval> for TraceInterval {
    fn from(interval: Interval) -> TraceInterval {
        let Interval { span_id, parent_id, name, start_ms, duration_ms, attributes } = interval;
        TraceInterval { span_id, parent_id, name, start_ms, duration_ms, attributes }
    }
}

/// The traces kept lately: the slow, the failed and the refused, one in a hundred others, and
/// those whose caller sampled them. With keys this needs the key of an operator.
///
/// # Errors
/// [`Error::Forbidden`] with any other key, [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/traces", tag = "status", operation_id = "list_traces",
    responses((status = 200, body = TraceList)))]
pub(crate) async fn list(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    may_look(&app, &request)?;
    let traces = app.telemetry.recent_traces().into_iter().map(TraceSummary::from).collect();
    json(&request, &TraceList { traces })
}

/// A kept trace with its spans, for a waterfall. With keys this needs the key of an operator.
///
/// # Errors
/// [`Error::Forbidden`] with any other key, [`Error::Missing`] for a trace that is not kept.
#[utoipa::path(get, path = "/traces/{trace_id}", tag = "status", operation_id = "get_trace",
    params(("trace_id" = String, Path, description = "The trace, or `latest`")),
    responses((status = 200, body = TraceView),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn look(
    request: HttpRequest,
    id: Path<String>,
    app: Data<App>,
) -> Result<HttpResponse, Error> {
    may_look(&app, &request)?;
    let id = id.as_str();
    let kept = app.telemetry.recent_traces().into_iter().find(|t| id == LATEST || t.trace_id == id);
    let Some(kept) = kept else {
        let id: String = id.chars().take(40).collect();
        let near = meant(&id, [LATEST]);
        let message = format!("no trace `{id}` is kept; GET /traces lists them{near}");
        return Err(Error::Missing(message));
    };
    let id = TraceId::from_hex(&kept.trace_id).unwrap_or(TraceId::INVALID);
    let intervals = app.telemetry.intervals(id).into_iter().map(TraceInterval::from).collect();
    json(&request, &TraceView { summary: kept.into(), intervals })
}

/// A trace shows the routes and sizes of every key's requests.
fn may_look(app: &App, request: &HttpRequest) -> Result<(), Error> {
    if app.keys().is_open() || app.operator(request).is_some() {
        return Ok(());
    }
    Err(Error::Forbidden(
        "traces are of every key: this needs the key of an operator (--operator NAME)",
    ))
}
