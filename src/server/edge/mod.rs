//! The edge of every public request: its trace, its key, its rate, its headers,
//! its log line, its place in the metrics, and the problem document when it
//! failed, panics included.

mod answer_headers;
pub(crate) mod framing;
mod identify;
mod request_record;

use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage as _, HttpRequest, ResponseError};
use futures::FutureExt as _;
use opentelemetry::Context;
use opentelemetry::trace::FutureExt as _;

use self::answer_headers::{write_security_headers, write_trace_headers};
use self::identify::identify;
use self::request_record::RequestRecord;
use crate::admission::execute::Operated;
use crate::endpoints::{PathPolicy, policy};
use crate::protocol::headers::{SVGX_REPLICA_PROOF, X_TRACE_ID};
use crate::protocol::problem::{Error, Moved};
use crate::state::answer::Timing;
use crate::state::app::App;
use crate::state::keys::{Credential, Identity};
use crate::state::rate::RateLimitStatus;
use crate::state::replicas::{Did, PassedOn, ReplicaListener};
use crate::state::time_of_day::{time_of_day, unix_seconds};

/// For how long a request only waited for something to happen: nothing was slow meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waited(pub(crate) std::time::Duration);

/// A failure below the handlers, with what its problem document needs.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
struct UnhandledError {
    error: Error,
    path: String,
    trace_id: String,
}

impl ResponseError for UnhandledError {
    fn status_code(&self) -> StatusCode {
        self.error.kind().status
    }

    fn error_response(&self) -> actix_web::HttpResponse {
        let mut response = self.error.response(&self.path, &self.trace_id);
        if let Ok(value) = HeaderValue::from_str(&self.trace_id) {
            response.headers_mut().insert(X_TRACE_ID.clone(), value);
        }
        response
    }
}

/// The middleware, in the order of its duties.
///
/// # Errors
/// None: every failure is an answer.
pub(crate) async fn edge(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(app) = request.app_data::<Data<App>>().cloned() else {
        return Err(Error::Internal("no app".to_owned()).into());
    };
    let _running = app.totals.begin();
    let policy = policy(request.path());
    let mut record = RequestRecord::begin(&app, &request, policy.route);
    let is_head = framing::head_as_get(&mut request);
    let authenticated = authenticate(&app, &request, policy);
    if let (Ok(()), Some(identity)) = (&authenticated, request.extensions().get::<Identity>()) {
        record.trace_deeply(identity);
    }
    let context = record.context();
    let mut answered = match authenticated {
        Ok(()) => {
            request.extensions_mut().insert(record.trace);
            request.extensions_mut().insert(record.stages());
            match call(request, next, &context).await {
                Ok(response) => response,
                // The request went with the failure: nothing is left to build an answer on.
                Err(error) => return Err(unhandled(&mut record, error, context).into()),
            }
        }
        Err(error) => {
            let (request, _) = request.into_parts();
            let answer = problem(&error, &request, &record, &context);
            ServiceResponse::new(request, answer)
        }
    };
    let rate = app.rates.as_ref().and_then(|rates| rates.told(&mut answered));
    let refusal = rate.as_ref().and_then(RateLimitStatus::refusal);
    let mut response = match refusal {
        Some(error) => {
            let answer = problem(&error, answered.request(), &record, &context);
            answered.into_response(answer)
        }
        None => errors_as_problems(answered, &record, &context),
    };

    prove(&app, &mut response);
    let operated = response.request().extensions().get::<Operated>().copied();
    if let Some(Waited(waited)) = response.request().extensions().get() {
        record.waited = *waited;
    }
    let took = record.finish(response.status().as_u16(), operated);
    let phases = response.response().extensions().get::<Timing>().map(|t| t.0);
    let headers = response.headers_mut();
    write_trace_headers(headers, &record.trace, phases, took);
    write_security_headers(headers, &app);
    if let Some(rate) = rate {
        rate.write(headers, unix_seconds(time_of_day()));
    }
    if !app.is_ready() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let response = framing::fit(response, is_head);
    record.log(&response, took);
    Ok(response)
}

/// Says to the replica that passed a request on what was done with it.
fn prove(app: &App, response: &mut ServiceResponse<BoxBody>) {
    let passed_on = response.request().extensions().get::<PassedOn>().cloned();
    let Some(passed_on) = passed_on else { return };
    let moved = response.response().extensions().get::<Moved>().copied();
    let did = moved.map_or(Did::Answered, |Moved(did)| did);
    let proof = app.replicas.answer(&passed_on, did).ok();
    if let Some(proof) = proof.and_then(|proof| HeaderValue::from_str(&proof).ok()) {
        response.headers_mut().insert(SVGX_REPLICA_PROOF.clone(), proof);
    }
}

/// Who asks, noted in the request: what is counted below is counted by it.
fn authenticate(app: &App, request: &ServiceRequest, policy: PathPolicy) -> Result<(), Error> {
    let (identity, credential) = match request.app_data::<Data<ReplicaListener>>() {
        None => identify(app, request, policy.is_open)?,
        Some(_) => {
            let (mark, name) = app.replicas.passed_on(request)?;
            request.extensions_mut().insert(mark);
            (app.identity_of(&name?), Credential::REPLICA)
        }
    };
    request.extensions_mut().insert(credential);
    request.extensions_mut().insert(identity);
    Ok(())
}

/// Calls the handler; its panics are errors.
async fn call(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    context: &Context,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // The router wants to be the only holder of the request, so nothing of it is kept here: what
    // fails below the handlers is answered by `UnhandledError`.
    let called = AssertUnwindSafe(next.call(request).with_context(context.clone()));
    match called.catch_unwind().await {
        Ok(Ok(response)) => Ok(response.map_into_boxed_body()),
        Ok(Err(error)) => Err(from_actix(&error)),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().copied().unwrap_or("a panic");
            Err(Error::Internal(text.to_owned()))
        }
    }
}

fn unhandled(record: &mut RequestRecord, error: Error, context: Context) -> UnhandledError {
    let _here = context.attach();
    tracing::error!(%error, "a request failed below the handlers");
    record.lost(error.kind().status.as_u16());
    UnhandledError { error, path: std::mem::take(&mut record.path), trace_id: record.trace.id() }
}

/// The answer of a handler that failed as a problem document.
fn errors_as_problems(
    response: ServiceResponse<BoxBody>,
    record: &RequestRecord,
    context: &Context,
) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else { return response };
    let answer = match error.as_error::<Error>() {
        Some(own) => problem(own, response.request(), record, context),
        None => problem(&from_actix(error), response.request(), record, context),
    };
    response.into_response(answer)
}

/// On the internal listener, which has no traces: our errors as problem documents.
///
/// # Errors
/// None of its own.
pub(crate) async fn explain(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let own = response.response().error().and_then(|error| error.as_error::<Error>());
    let Some(answer) = own.map(|own| own.response(response.request().path(), "")) else {
        return Ok(response);
    };
    Ok(response.into_response(answer))
}

fn problem(
    error: &Error,
    request: &HttpRequest,
    record: &RequestRecord,
    context: &Context,
) -> actix_web::HttpResponse {
    if error.kind().status == StatusCode::INTERNAL_SERVER_ERROR {
        let _here = context.clone().attach();
        tracing::error!(?error, "internal error");
    }
    error.response(request.path(), &record.trace.id())
}

/// One of our errors for an error of the framework.
fn from_actix(error: &actix_web::Error) -> Error {
    match error.as_response_error().status_code().as_u16() {
        404 => Error::NotFound("this path".to_owned()),
        400..=499 => Error::Malformed { message: error.to_string(), at: None },
        _ => Error::Internal(error.to_string()),
    }
}
