//! Telemetry for an operator with nothing but a shell, on the internal
//! listener: the traces kept lately, and the levels of the log.

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use opentelemetry::trace::TraceId;
use serde_json::json;

use crate::state::app::App;

/// Bytes of a filter of levels at the most.
pub(crate) const LARGEST_FILTER: usize = 4_096;

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

/// The levels in force.
pub(crate) async fn levels(app: Data<App>) -> HttpResponse {
    text(HttpResponse::Ok(), &app.telemetry.filter())
}

/// Puts other levels in force: `info,svgx_server=debug`.
pub(crate) async fn set_levels(request: HttpRequest, app: Data<App>, body: String) -> HttpResponse {
    // A page in a browser cannot send this header to another origin unasked.
    if request.headers().contains_key(header::ORIGIN) {
        return text(HttpResponse::Forbidden(), "not from a page");
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
