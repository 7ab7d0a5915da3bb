//! `/slo`: the objectives as the controller sees them, and why it decided what.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use futures::stream;
use serde::Deserialize;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::http::app::App;
use crate::http::negotiate;
use crate::http::problem::Error;
use crate::slo::controller::{DecisionView, Status};

/// Decisions answered at the most, and without `limit`.
const MOST: usize = 1_000;
const USUAL: usize = 100;
/// Time between two events of the stream.
const EVERY: Duration = Duration::from_secs(1);

/// The state of the controller: windows, burn rates, queues, tier.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/slo", tag = "status", responses((status = 200, body = Status)))]
pub async fn status(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    json(&request, &app.pool.status())
}

/// Which decisions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// The trace, 32 hexadecimal digits; every trace without.
    trace_id: Option<String>,
    /// How many at the most, up to 1000; 100 without.
    limit: Option<usize>,
}

/// The last decisions, newest first, with the numbers they were made from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decisions {
    /// The decisions.
    decisions: Vec<DecisionView>,
}

/// The last decisions, newest first, of one trace or of all.
///
/// # Errors
/// [`Error::Invalid`] for a trace id that is none.
#[utoipa::path(get, path = "/slo/decisions", tag = "status", params(Wanted),
    responses((status = 200, body = Decisions)))]
pub async fn decisions(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    let wanted = Query::<Wanted>::from_query(request.query_string())
        .map_err(|e| invalid("", &e.to_string()))?;
    let trace_id = wanted.trace_id.as_deref().map(trace_id).transpose()?;
    let most = wanted.limit.unwrap_or(USUAL).min(MOST);
    json(&request, &Decisions { decisions: app.pool.decisions(trace_id, most) })
}

fn trace_id(text: &str) -> Result<u128, Error> {
    let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    u128::from_str_radix(text, 16)
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| invalid("/trace_id", "expected 32 hexadecimal digits"))
}

/// The state of the controller every second, as server-sent events, until the
/// client goes away or the service stops.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/slo/stream", tag = "status",
    responses((status = 200, content((Status = "text/event-stream")))))]
pub async fn stream(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    const EVENTS: &str = "text/event-stream";
    negotiate::media_type(request.headers(), &[EVENTS], EVENTS)?;
    let events = stream::unfold((app, tokio::time::interval(EVERY)), async |(app, mut every)| {
        every.tick().await;
        if !app.is_ready() {
            return None;
        }
        // A status is plain data: it can be written.
        let status = serde_json::to_string(&app.pool.status()).ok()?;
        let event = Bytes::from(format!("event: status\ndata: {status}\n\n"));
        Some((Ok::<_, Error>(event), (app, every)))
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, EVENTS))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(events)))
}

fn json<T: Serialize>(request: &HttpRequest, value: &T) -> Result<HttpResponse, Error> {
    negotiate::media_type(request.headers(), &["application/json"], "application/json")?;
    let body = serde_json::to_vec(value).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

fn invalid(pointer: &str, message: &str) -> Error {
    Error::Invalid { pointer: pointer.to_owned(), message: message.to_owned(), at: None }
}
