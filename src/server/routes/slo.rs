//! `/slo`: the objectives as the controller sees them, why it decided what, and
//! what an operator may override.

use crate::schema;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use futures::stream;
use serde::Deserialize;
use serde::Serialize;
use tokio::time::MissedTickBehavior;
use utoipa::{IntoParams, ToSchema};

use crate::admission::body;
use crate::protocol::negotiate;
use crate::protocol::problem::{Error, Problem};
use crate::protocol::query;
use crate::protocol::trace::Trace;
use crate::routes::json;
use crate::routes::precision;
use crate::state::app::App;
use crate::state::keys::Credential;
use svgx_controller::core::{Control, DecisionView, Mode};

/// Decisions answered at the most, and without `limit`.
const MOST: usize = 1_000;
const USUAL: usize = 100;
/// Time between two events of the stream.
const EVERY: Duration = Duration::from_secs(1);

/// The state of the controller: windows, burn rates, queues, tier.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/slo", tag = "status", operation_id = "get_slo_status", responses((status = 200, body = schema::ControllerStatus)))]
pub(crate) async fn status(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    json(&request, &app.pool.status())
}

/// Which decisions.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The trace, 32 hexadecimal digits; every trace without.
    #[param(pattern = "^[0-9a-fA-F]{32}$")]
    trace_id: Option<String>,
    /// How many at the most, up to 1000; 100 without.
    limit: Option<usize>,
}

impl Wanted {
    fn read(query: &str) -> Result<Wanted, Error> {
        let mut wanted = Wanted::default();
        for (name, value) in query::parameters(query, &["trace_id", "limit"])? {
            if name == "limit" {
                let limit = value.parse();
                wanted.limit =
                    Some(limit.map_err(|_| query::wrong(&name, &value, "a whole number"))?);
            } else {
                wanted.trace_id = Some(value);
            }
        }
        Ok(wanted)
    }
}

/// The last decisions, newest first, with the numbers they were made from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionList {
    /// The decisions.
    #[schema(value_type = Vec<schema::DecisionView>)]
    decisions: Vec<DecisionView>,
}

/// The last decisions, newest first, of one trace or of all.
///
/// # Errors
/// [`Error::Invalid`] for a trace id that is none.
#[utoipa::path(get, path = "/slo/decisions", tag = "status", operation_id = "list_decisions", params(Wanted),
    responses((status = 200, body = DecisionList),
        (status = 422, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn decisions(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    let wanted = Wanted::read(request.query_string())?;
    let trace_id = wanted.trace_id.as_deref().map(trace_id).transpose()?;
    let most = wanted.limit.unwrap_or(USUAL).min(MOST);
    json(&request, &DecisionList { decisions: app.pool.decisions(trace_id, most) })
}

fn trace_id(text: &str) -> Result<u128, Error> {
    let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    u128::from_str_radix(text, 16)
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| invalid("/trace_id", "expected 32 hexadecimal digits"))
}

/// The state of the controller every second, as server-sent events, until the
/// client goes away, its key is taken away, or the service stops. The data of each event is what `/slo` answers.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/slo/stream", tag = "status", operation_id = "stream_slo_status",
    responses((status = 200, content((serde_json::Value = "text/event-stream")))))]
pub(crate) async fn stream(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    const EVENTS: &str = "text/event-stream";
    negotiate::media_type(request.headers(), &[EVENTS])?;
    let credential = request.extensions().get::<Credential>().copied();
    let mut every = tokio::time::interval(EVERY);
    // After a pause the state of now is of use, not that of each second missed.
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let events = stream::unfold((app, every), move |(app, mut every)| async move {
        every.tick().await;
        if !app.is_ready() || credential.is_some_and(|c| !app.accepts(c)) {
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

/// What an operator overrides, and for how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ControlRequest {
    /// `on`, `shadow` (decide, record, let everything in), `freeze` (act, learn nothing new)
    /// or `off`; `on` without.
    #[serde(default)]
    #[schema(value_type = schema::ControllerMode)]
    mode: Mode,
    /// The tier of physics, whatever the load: `ui`, `edit` or `compute`.
    #[serde(default)]
    pin: Option<String>,
    /// Seconds until it ends by itself; 0 ends the one in force. Longer than the policy allows
    /// is cut to that.
    #[schema(minimum = 0, example = 600)]
    seconds: f64,
}

/// The override in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Controls {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// How the controller acts now.
    #[schema(value_type = schema::ControllerMode)]
    mode: Mode,
    /// The tier that is pinned.
    pinned: Option<&'static str>,
    /// Seconds until the override ends; 0 without one.
    ends_in_s: f64,
}

/// The override in force.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/slo/controls", tag = "status", operation_id = "get_controls",
    responses((status = 200, body = Controls)))]
pub(crate) async fn controls(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    json(&request, &in_force(&app))
}

/// Overrides the controller until the time is up: watch only, freeze, pin a tier, or switch it
/// off. Needs the key of an operator; every use is logged with the key's name.
///
/// # Errors
/// [`Error::Forbidden`] with any other key, [`Error::Invalid`] for what cannot be overridden so.
#[utoipa::path(put, path = "/slo/controls", tag = "status", operation_id = "set_controls", request_body = ControlRequest,
    responses((status = 200, body = Controls)))]
pub(crate) async fn control(
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Error> {
    let Some(operator) = app.operator(&request) else {
        return Err(Error::Forbidden("this needs the key of an operator (--operator NAME)"));
    };
    let trace_id = request.extensions().get::<Trace>().map(|t| t.id());
    let shared = app.clone().into_inner();
    let kind = body::check(&shared, &request)?;
    let read = body::read(&shared, kind, payload).await?;
    let wanted: ControlRequest = body::json(&read.bytes)?;
    if !(0.0..=1e7).contains(&wanted.seconds) {
        return Err(invalid("/seconds", "expected seconds, 0 or more"));
    }
    let pin = wanted.pin.as_deref().map(|name| precision::level(name, "/pin")).transpose()?;
    let for_ms = Duration::from_secs_f64(wanted.seconds).as_millis();
    let for_ms = u64::try_from(for_ms).unwrap_or(u64::MAX);
    app.pool.control(Control { mode: wanted.mode, pin, for_ms });
    let now = in_force(&app);
    tracing::warn!(
        target: "svgx::audit",
        operator,
        mode = ?now.mode,
        pinned = now.pinned,
        ends_in_s = now.ends_in_s,
        trace_id,
        "the controller is overridden"
    );
    json(&request, &now)
}

fn in_force(app: &App) -> Controls {
    let status = app.pool.status();
    Controls {
        status: "success",
        success: true,
        mode: status.mode,
        pinned: status.pinned,
        ends_in_s: status.override_ends_ms as f64 / 1e3,
    }
}

fn invalid(pointer: &str, message: &str) -> Error {
    Error::Invalid { pointer: pointer.to_owned(), message: message.to_owned(), at: None }
}
