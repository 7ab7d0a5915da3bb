//! The edge of every public request: its trace, its key, its rate, its headers,
//! its log line, its place in the metrics, and the problem document when it
//! failed, panics included.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage as _, ResponseError};
use futures::FutureExt as _;
use opentelemetry::trace::FutureExt as _;

use svgx_base::digits::decimal;
use svgx_telemetry::server;

use super::app::App;
use super::keys::Identity;
use super::operation::Operated;
use super::problem::Error;
use super::rate::{RateClass, Standing};
use super::reply::{Phases, Timing};
use super::seen::Seen;
use super::trace::{TRACEPARENT, Trace};

static X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
static X_RESPONSE_TIME: HeaderName = HeaderName::from_static("x-response-time");

impl ResponseError for Error {
    fn status_code(&self) -> actix_web::http::StatusCode {
        self.status().0
    }

    // The edge writes the answer: only it knows the trace.
}

/// A failure below the handlers, with what its problem document needs.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
struct Fallen {
    error: Error,
    path: String,
    trace_id: String,
}

impl ResponseError for Fallen {
    fn status_code(&self) -> actix_web::http::StatusCode {
        self.error.status().0
    }

    fn error_response(&self) -> actix_web::HttpResponse {
        let mut response = self.error.response(&self.path, &self.trace_id);
        if let Ok(value) = HeaderValue::from_str(&self.trace_id) {
            response.headers_mut().insert(X_TRACE_ID.clone(), value);
        }
        response
    }
}

/// The middleware.
///
/// # Errors
/// None: every failure is an answer.
pub async fn edge(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(app) = request.app_data::<Data<App>>().cloned() else {
        return Err(Error::Internal("no app".to_owned()).into());
    };
    let _running = app.counts.begin();
    let mut seen = Seen::of(&app, &request);
    let (trace, began) = (seen.trace, seen.began);
    let context = server::context(trace.ids());

    let (standing, outcome) = match let_in(&app, &request, seen.route) {
        Err(error) => (None, Err((error, request.into_parts().0))),
        Ok((identity, standing)) => match refused(standing.as_ref()) {
            Some(error) => {
                request.extensions_mut().insert(identity);
                (standing, Err((error, request.into_parts().0)))
            }
            None => {
                request.extensions_mut().insert(identity);
                request.extensions_mut().insert(trace);
                request.extensions_mut().insert(seen.stages());
                // The router wants to be the only holder of the request, so nothing
                // of it is kept here: what fails below the handlers is answered by
                // `Fallen`, which carries what the problem document needs.
                let answered = AssertUnwindSafe(next.call(request).with_context(context.clone()))
                    .catch_unwind()
                    .await;
                let error = match answered {
                    Ok(Ok(response)) => Ok(response.map_into_boxed_body()),
                    Ok(Err(error)) => Err(own_error(&error)),
                    Err(panic) => {
                        let text = panic.downcast_ref::<&str>().copied().unwrap_or("a panic");
                        Err(Error::Internal(text.to_owned()))
                    }
                };
                let outcome = match error {
                    Ok(response) => Ok(response),
                    Err(error) => {
                        let trace_id = trace.id();
                        let _here = context.attach();
                        tracing::error!(%error, "a request fell through");
                        seen.lost(error.status().0.as_u16());
                        let path = std::mem::take(&mut seen.path);
                        return Err(Fallen { error, path, trace_id }.into());
                    }
                };
                (standing, outcome)
            }
        },
    };

    let problem = |error: &Error, request: &actix_web::HttpRequest| {
        if error.status().0 == actix_web::http::StatusCode::INTERNAL_SERVER_ERROR {
            let _here = context.clone().attach();
            tracing::error!(?error, "internal error");
        }
        error.response(request.path(), &trace.id())
    };
    let mut response = match outcome {
        Err((error, request)) => {
            let answer = problem(&error, &request);
            ServiceResponse::new(request, answer)
        }
        Ok(response) => match response.response().error() {
            Some(error) => {
                let error = match error.as_error::<Error>() {
                    Some(own) => problem(own, response.request()),
                    None => problem(&own_error(error), response.request()),
                };
                response.into_response(error)
            }
            None => response,
        },
    };

    let operated = response.request().extensions().get::<Operated>().copied();
    let took = seen.record(response.status().as_u16(), operated);
    let now = began.after(took);
    let phases = response.response().extensions().get::<Timing>().map(|t| t.0);
    let draining = !app.is_ready();
    let headers = response.headers_mut();
    say(headers, &trace, phases, took);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if app.config.tls_cert.is_some() {
        let a_year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, a_year);
    }
    if let Some(standing) = standing {
        standing.write(headers, app.unix_seconds(now));
    }
    if draining {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    seen.log(&response, took);
    Ok(response)
}

/// Says of a request where its trace is and how long it took, in one text that the headers share.
fn say(headers: &mut HeaderMap, trace: &Trace, phases: Option<Phases>, took: Duration) {
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

/// Who asks, and how they stand with their rate.
fn let_in(
    app: &App,
    request: &ServiceRequest,
    route: Option<&str>,
) -> Result<(Identity, Option<Standing>), Error> {
    let identity = identify(app, request, route)?;
    let standing =
        app.rates.as_ref().and_then(|rates| rates.count(rate_class(route)?, identity.id));
    Ok((identity, standing))
}

fn identify(app: &App, request: &ServiceRequest, route: Option<&str>) -> Result<Identity, Error> {
    let keys = app.keys();
    if keys.is_empty() {
        refuse_foreign_pages(app, request)?;
        return Ok(app.anonymous.clone());
    }
    if is_open(route) {
        return Ok(app.anonymous.clone());
    }
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return Err(Error::Unauthorized("send the header Authorization: Bearer <key>"));
    };
    let token = value.to_str().ok().and_then(|v| {
        let (scheme, token) = v.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or(Error::Unauthorized("expected Authorization: Bearer <key>"))?;
    keys.identify(token).cloned().ok_or(Error::Unauthorized("the key is not known"))
}

/// Routes that need no key: what the service is, not what it does.
fn is_open(route: Option<&str>) -> bool {
    matches!(route, Some("/openapi.json" | "/docs"))
}

/// Without keys, only the machine itself may ask: a page of some other site in
/// the user's browser may not (cross-site requests, DNS rebinding).
fn refuse_foreign_pages(app: &App, request: &ServiceRequest) -> Result<(), Error> {
    let local = |authority: &str| {
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => authority,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    };
    let header = |name| request.headers().get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(origin) = header(header::ORIGIN) {
        let authority = origin.split_once("://").map_or(origin, |(_, a)| a);
        if !local(authority) && !app.config.cors_origins.iter().any(|o| o == origin) {
            return Err(Error::Forbidden("without keys, pages of other origins are not answered"));
        }
    }
    match header(header::HOST) {
        Some(host) if !local(host) => Err(Error::Forbidden(
            "without keys, only requests to this machine's own name are answered",
        )),
        _ => Ok(()),
    }
}

/// The class a route is counted in; `None`: not counted.
fn rate_class(route: Option<&str>) -> Option<RateClass> {
    match route {
        Some("/health" | "/metrics" | "/metrics.json") => Some(RateClass::Status),
        Some("/interactive" | "/precision" | "/state") => Some(RateClass::Ui),
        Some("/openapi.json" | "/docs") => None,
        _ => Some(RateClass::Rest),
    }
}

fn refused(standing: Option<&Standing>) -> Option<Error> {
    let standing = standing?;
    Some(Error::RateLimited {
        class: standing.class().as_str(),
        quota: standing.per_minute(),
        wait: standing.wait?,
    })
}

/// One of our errors for an error of the framework.
fn own_error(error: &actix_web::Error) -> Error {
    match error.as_response_error().status_code().as_u16() {
        404 => Error::NotFound("this path".to_owned()),
        408 => Error::BodyTimeout(Duration::ZERO),
        400..=499 => Error::Malformed { message: error.to_string(), line: 0, column: 0 },
        _ => Error::Internal(error.to_string()),
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
