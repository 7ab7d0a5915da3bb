//! `/health` and `/metrics`: how the service does.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::protocol::negotiate;
use crate::protocol::problem::Error;
use crate::state::answer::rounded;
use crate::state::app::App;
use crate::state::health::CachedHealth;
use crate::state::time_of_day::{time_of_day, timestamp};
use crate::state::totals::Summary;
use svgx_session::StoreHealth;
use svgx_telemetry::exposition::Format;

/// How the service does.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `healthy`, `degraded` while the session store takes no writes, or `stopping` while
    /// running requests finish.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// The time of day, in UTC.
    timestamp: String,
    /// The version, and the environment unless it is `production`.
    version: String,
    /// Where it runs, as `--environment` says.
    environment: String,
    /// Seconds since the start.
    uptime_seconds: u64,
    /// Figures of the process.
    performance: Performance,
}

/// True figures of the process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Performance {
    /// Mean time of a request in milliseconds.
    response_time_ms: f64,
    /// The same, under its other name.
    avg_response_time_ms: f64,
    /// Requests answered since the start.
    total_requests: u64,
    /// Share of requests answered with 5xx.
    error_rate: f64,
    /// Resident memory in MiB.
    memory_usage_mb: f64,
    /// Processor use over the last second, 100 for one full processor.
    cpu_usage_percent: f64,
}

/// How the service does: version, up-time, and the figures of the process.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/health", tag = "status", operation_id = "get_health", responses((status = 200, body = Health)))]
pub(crate) async fn health(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    negotiate::json(request.headers())?;
    let now = app.clock.now();
    let at = now.0 / 1_000_000;
    let status = match (app.is_ready(), app.sessions.store().health()) {
        (false, _) => "stopping",
        (true, StoreHealth::Working) => "healthy",
        (true, StoreHealth::Failed { .. }) => "degraded",
    };
    if let Some(cached) = &*app.health.load()
        && cached.holds(at, status)
    {
        return Ok(json(cached.body.clone()));
    }
    let usage = app.telemetry.usage();
    let totals = app.totals.snapshot();
    let mut version = env!("CARGO_PKG_VERSION").to_owned();
    if app.config.environment != "production" {
        version.push('-');
        version.push_str(&app.config.environment);
    }
    let health = Health {
        status,
        success: true,
        timestamp: timestamp(time_of_day()),
        version,
        environment: app.config.environment.clone(),
        uptime_seconds: now.0 / 1_000_000_000,
        performance: Performance {
            response_time_ms: totals.mean_ms(),
            avg_response_time_ms: totals.mean_ms(),
            total_requests: totals.requests,
            error_rate: totals.error_rate(),
            memory_usage_mb: rounded(usage.memory_bytes as f64 / (1024.0 * 1024.0), 1),
            cpu_usage_percent: rounded(usage.cpu_percent, 1),
        },
    };
    let body = Bytes::from(padded(to_json(&health)?));
    app.health.store(Some(Arc::new(CachedHealth { at, status, body: body.clone() })));
    Ok(json(body))
}

/// Counts and durations: Prometheus text, or OpenMetrics with exemplars, or JSON, as `Accept` prefers.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/metrics", tag = "status", operation_id = "get_metrics", responses(
    (status = 200, content((String = "text/plain"), (Summary = "application/json")))
))]
pub(crate) async fn metrics(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    const ALL: &[&str] = &["text/plain", "application/openmetrics-text", "application/json"];
    let media = negotiate::media_type(request.headers(), ALL)?;
    if media == "application/json" {
        return Ok(json(to_json(&app.totals.summary(&app.telemetry.usage(), &app.spec))?));
    }
    Ok(text(&app, Format::accepted(Some(media))))
}

/// The same as JSON.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/metrics.json", tag = "status", operation_id = "get_metrics_json", responses((status = 200, body = Summary)))]
pub(crate) async fn metrics_json(
    request: HttpRequest,
    app: Data<App>,
) -> Result<HttpResponse, Error> {
    negotiate::json(request.headers())?;
    Ok(json(to_json(&app.totals.summary(&app.telemetry.usage(), &app.spec))?))
}

/// The length of a health document, whatever its figures.
const HEALTH_BYTES: usize = 512;

/// White space up to one length: `ab` counts an answer of another length than the first as failed.
fn padded(mut body: Vec<u8>) -> Vec<u8> {
    body.resize(body.len().next_multiple_of(HEALTH_BYTES), b' ');
    body
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|e| Error::Internal(e.to_string()))
}

fn json(body: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(body.into())
}

fn text(app: &App, format: Format) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.content_type()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(app.telemetry.exposition(format))
}

/// The media types of a page of metrics.
const TEXTS: &[&str] = &["text/plain", "application/openmetrics-text"];

/// The internal listener's metrics.
pub(crate) async fn internal_metrics(request: HttpRequest, app: Data<App>) -> HttpResponse {
    // A scraper that accepts neither gets text all the same: better than none.
    let media = negotiate::media_type(request.headers(), TEXTS).ok();
    text(&app, Format::accepted(media))
}

/// Whether the process runs at all.
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// Whether new requests are welcome.
pub(crate) async fn readyz(app: Data<App>) -> HttpResponse {
    let app: &Arc<App> = &app;
    match (app.is_ready(), app.sessions.store().health()) {
        (false, _) => HttpResponse::ServiceUnavailable().body("not ready\n"),
        (true, StoreHealth::Working) => HttpResponse::Ok().body("ready\n"),
        // No other instance could do better, and what needs no store is answered.
        (true, StoreHealth::Failed { .. }) if app.sessions.store().is_shared() => {
            HttpResponse::Ok().body("ready, without the session store\n")
        }
        // Another instance takes edits; this one would refuse them.
        (true, StoreHealth::Failed { reason, .. }) => HttpResponse::ServiceUnavailable()
            .body(format!("not ready: the session store failed: {reason}\n")),
    }
}
