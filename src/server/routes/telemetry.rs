//! Telemetry for an operator with nothing but a shell, on the internal
//! listener: the traces kept lately, which requests are traced deeply, and the levels of the log.

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use opentelemetry::trace::TraceId;
use serde_json::json;
use svgx_telemetry::deep::Ask;

use crate::endpoints;
use crate::state::app::App;

/// Bytes of a filter of levels, or of what is asked for, at the most.
pub(crate) const LARGEST_BODY: usize = 4_096;

/// The traces kept lately, newest first, one line each.
pub(crate) async fn traces(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "traces": app.telemetry.recent_traces() }))
}

/// One of them in OTLP's JSON, as `svgx trace` draws it.
pub(crate) async fn trace(app: Data<App>, id: Path<String>) -> HttpResponse {
    let digits = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let found =
        TraceId::from_hex(&id).ok().filter(|_| digits).and_then(|id| app.telemetry.trace(id));
    match found {
        Some(trace) => HttpResponse::Ok().json(trace),
        None => HttpResponse::NotFound().json(json!({ "detail": "no such trace is remembered" })),
    }
}

/// Which requests are traced deeply: what was asked for and is left of it, and what callers may
/// have.
pub(crate) async fn deep(app: Data<App>) -> HttpResponse {
    match app.telemetry.deep() {
        Some(deep) => HttpResponse::Ok().json(deep.show(app.clock.now())),
        None => no_tracing(),
    }
}

/// Asks for deep traces, instead of what was asked for before:
/// `{"route": "/simulate", "requests": 5, "seconds": 60}`.
pub(crate) async fn ask_deep(request: HttpRequest, app: Data<App>, body: String) -> HttpResponse {
    if let Some(refusal) = from_page(&request) {
        return refusal;
    }
    let Some(deep) = app.telemetry.deep() else { return no_tracing() };
    let wrong =
        |detail: String| HttpResponse::UnprocessableEntity().json(json!({ "detail": detail }));
    let ask: Ask = match serde_json::from_str(&body) {
        Ok(ask) => ask,
        Err(error) => return wrong(error.to_string()),
    };
    // A name that is misspelt would ask for nothing, and say so only by silence.
    if let Some(route) = ask.route.as_deref().filter(|route| !endpoints::is_route(route)) {
        let route: String = route.chars().take(64).collect();
        return wrong(format!("{route:?} is no route; expected one as declared, /simulate"));
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
            HttpResponse::Ok().json(shown)
        }
        Err(error) => wrong(error.to_string()),
    }
}

/// Ends what was asked for.
pub(crate) async fn end_deep(request: HttpRequest, app: Data<App>) -> HttpResponse {
    if let Some(refusal) = from_page(&request) {
        return refusal;
    }
    let Some(deep) = app.telemetry.deep() else { return no_tracing() };
    if deep.end() {
        tracing::warn!("deep traces ended");
    }
    HttpResponse::Ok().json(deep.show(app.clock.now()))
}

fn no_tracing() -> HttpResponse {
    HttpResponse::Conflict().json(json!({ "detail": "nothing is traced: OTEL_SDK_DISABLED" }))
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
