//! Telemetry for an operator with nothing but a shell, on the internal
//! listener: the traces kept lately, which requests are traced deeply, and the levels of the log.

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use opentelemetry::trace::TraceId;
use serde_json::json;
use svgx_telemetry::deep::Ask;

use crate::endpoints;
use crate::protocol::problem::Error;
use crate::protocol::wording::{self, meant};
use crate::state::app::App;

/// Bytes of a filter of levels, or of what is asked for, at the most.
pub(crate) const LARGEST_BODY: usize = 4_096;

/// The traces kept lately, newest first, one line each.
pub(crate) async fn traces(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "traces": app.telemetry.recent_traces() }))
}

/// One of them in OTLP's JSON, as `svgx trace` draws it.
///
/// # Errors
/// [`Error::Missing`] for one that is not kept.
pub(crate) async fn trace(app: Data<App>, id: Path<String>) -> Result<HttpResponse, Error> {
    let digits = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let found =
        TraceId::from_hex(&id).ok().filter(|_| digits).and_then(|id| app.telemetry.trace(id));
    let found = match found {
        Some(trace) => HttpResponse::Ok().json(trace),
        None => {
            let id: String = id.chars().take(40).collect();
            let near = meant(&id, ["deep"]);
            return Err(Error::Missing(format!(
                "no trace `{id}` is remembered; GET /traces lists them{near}"
            )));
        }
    };
    Ok(found)
}

/// What an operator may ask the internal listener for.
const PATHS: [&str; 10] = [
    "/metrics",
    "/slo",
    "/slo/decisions",
    "/slo/stream",
    "/backup",
    "/restore",
    "/traces",
    "/log-levels",
    "/livez",
    "/readyz",
];

/// What is answered where nothing is.
///
/// # Errors
/// Always [`Error::NotFound`].
pub(crate) async fn nothing(request: HttpRequest) -> Result<HttpResponse, Error> {
    let path: String = request.path().chars().take(200).collect();
    let near = meant(&path, PATHS);
    Err(Error::NotFound(format!("{path} of the internal listener{near}")))
}

/// Which requests are traced deeply: what was asked for and is left of it, and what callers may
/// have.
///
/// # Errors
/// [`Error::Conflict`] where nothing is traced.
pub(crate) async fn deep(app: Data<App>) -> Result<HttpResponse, Error> {
    let deep = app.telemetry.deep().ok_or_else(no_tracing)?;
    Ok(HttpResponse::Ok().json(deep.show(app.clock.now())))
}

/// Asks for deep traces, instead of what was asked for before:
/// `{"route": "/simulate", "requests": 5, "seconds": 60}`.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be asked for, [`Error::Conflict`] where nothing is traced.
pub(crate) async fn ask_deep(
    request: HttpRequest,
    app: Data<App>,
    body: String,
) -> Result<HttpResponse, Error> {
    if let Some(refusal) = from_page(&request) {
        return Ok(refusal);
    }
    let deep = app.telemetry.deep().ok_or_else(no_tracing)?;
    let wrong = |message: String| Err(Error::Invalid { pointer: String::new(), message, at: None });
    let ask: Ask = match serde_json::from_str(&body) {
        Ok(ask) => ask,
        Err(error) => return wrong(wording::json(&error)),
    };
    // A name that is misspelt would ask for nothing, and say so only by silence.
    if let Some(route) = ask.route.as_deref().filter(|route| !endpoints::is_route(route)) {
        let route: String = route.chars().take(64).collect();
        let near = meant(&route, endpoints::routes());
        return wrong(format!("{route:?} is no route; expected one as declared, /simulate{near}"));
    }
    let is_known = |key: &str| {
        key == &*app.anonymous.name || app.keys().names().iter().any(|name| **name == *key)
    };
    if let Some(key) = ask.key.as_deref().filter(|key| !is_known(key)) {
        let key: String = key.chars().take(64).collect();
        return wrong(format!("{key:?} is the name of no key"));
    }
    match deep.ask(app.clock.now(), ask) {
        Ok(()) => {
            let shown = deep.show(app.clock.now());
            tracing::warn!(asked = %body.trim(), "deep traces asked for");
            Ok(HttpResponse::Ok().json(shown))
        }
        Err(error) => wrong(error.to_string()),
    }
}

/// Ends what was asked for.
///
/// # Errors
/// [`Error::Conflict`] where nothing is traced.
pub(crate) async fn end_deep(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    if let Some(refusal) = from_page(&request) {
        return Ok(refusal);
    }
    let deep = app.telemetry.deep().ok_or_else(no_tracing)?;
    if deep.end() {
        tracing::warn!("deep traces ended");
    }
    Ok(HttpResponse::Ok().json(deep.show(app.clock.now())))
}

fn no_tracing() -> Error {
    Error::Conflict("nothing is traced: OTEL_SDK_DISABLED".to_owned())
}

/// The refusal of a page: one in a browser cannot send this header to another origin unasked.
fn from_page(request: &HttpRequest) -> Option<HttpResponse> {
    let is_page = request.headers().contains_key(header::ORIGIN);
    is_page.then(|| text(HttpResponse::Forbidden(), "not from a page"))
}

/// The levels in force.
pub(crate) async fn levels(app: Data<App>) -> HttpResponse {
    text(HttpResponse::Ok(), &app.telemetry.filter())
}

/// Puts other levels in force: `info,svgx_server=debug`.
pub(crate) async fn set_levels(request: HttpRequest, app: Data<App>, body: String) -> HttpResponse {
    if let Some(refusal) = from_page(&request) {
        return refusal;
    }
    match app.telemetry.set_filter(&body) {
        Ok(()) => {
            let levels = app.telemetry.filter();
            tracing::warn!(levels, "log levels changed");
            text(HttpResponse::Ok(), &levels)
        }
        Err(error) => text(HttpResponse::UnprocessableEntity(), &error.to_string()),
    }
}

fn text(mut response: actix_web::HttpResponseBuilder, line: &str) -> HttpResponse {
    response.insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"));
    response.body(format!("{line}\n"))
}
