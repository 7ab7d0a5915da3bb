//! Work that is answered later: its request is told where to ask, and what is
//! done for it afterwards is a part of the same trace.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::body::MessageBody as _;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder};

use opentelemetry::Context;
use svgx_base::budget::{Class, Time};
use svgx_controller::{Reason, Ticket};
use svgx_telemetry::deep::DeepTrace;
use svgx_telemetry::stage::{Facts, Stages};
use svgx_telemetry::{Outcome, server};

use super::body::Body;
use super::execute::{self, Caller};
use super::forward::session_of;
use super::operation::Operation;
use super::queued;
use super::reply::{Call, Reply};
use crate::protocol::headers;
use crate::protocol::problem::Error;
use crate::protocol::trace::Trace;
use crate::state::app::App;
use crate::state::jobs::{JobView, Kept};
use crate::state::time_of_day::time_of_day;

/// Takes the work on as a job, and answers where to ask about it. Where processes share a queue it goes
/// there, and any of them does it; but for work about a session, which only the one has that was asked.
///
/// # Errors
/// [`Error::Crowded`] when there are too many jobs.
pub(super) async fn defer(
    app: &Arc<App>,
    request: &HttpRequest,
    operation: &Operation,
    caller: Caller,
    ticket: Ticket,
    body: Option<Body>,
) -> Result<HttpResponse, Error> {
    let trace = request.extensions().get::<Trace>().copied();
    let bytes = body.as_ref().map(|body| &body.bytes[..]);
    if let Some(queue) = &app.queue
        && session_of(caller.session(), bytes).is_none()
    {
        let cost = Duration::from_nanos(ticket.decision().cost);
        drop(ticket);
        let put = queued::put(queue, request, operation, &caller, trace, cost, body);
        return accepted(&put.await?);
    }
    let deep = Context::map_current(|context| context.get::<DeepTrace>().cloned());
    let from = Asked { path: request.path().to_owned(), trace, deep, batch: None };
    accepted(&take_on(app, from, operation, caller, ticket, body)?)
}

/// The request that a job comes from.
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) trace: Option<Trace>,
    pub(super) deep: Option<DeepTrace>,
    pub(super) batch: Option<String>,
}

/// Takes work on as a job of this process.
///
/// # Errors
/// [`Error::Crowded`] when there are too many jobs.
pub(super) fn take_on(
    app: &Arc<App>,
    from: Asked,
    operation: &Operation,
    caller: Caller,
    ticket: Ticket,
    body: Option<Body>,
) -> Result<JobView, Error> {
    let Asked { path, trace, deep, batch } = from;
    let predicted = Duration::from_nanos(ticket.decision().cost);
    let (now, cancel) = (app.clock.now(), ticket.cancel().clone());
    let opened = app.jobs.open(now, &caller.identity, operation.name, predicted, cancel, batch);
    let opened = opened.map_err(|error| match error {
        // There is room when jobs are done, and these are not done in a second.
        Error::Crowded { what, limit, .. } => {
            Error::Crowded { what, limit, wait: app.pool.drained_in(Class::Batch) }
        }
        error => error,
    })?;
    let view = app.jobs.view(now, &caller.identity, &opened.id())?;
    let part = Part {
        trace,
        operation: operation.name,
        began: (now, time_of_day()),
        stages: Stages::default(),
        deep,
    };
    let progress = opened.progress.clone();
    let (shared, job) = (Arc::clone(app), opened.clone());
    let (class, work) = (operation.class, operation.work);
    let work = move |call: Call<'_>, body: Option<Body>| {
        shared.jobs.begin(shared.clock.now(), &job);
        work(call, body)
    };
    let stages = part.stages.clone();
    let work = execute::on_pool(app, operation, caller, progress, stages, body, work);
    let (shared, job) = (Arc::clone(app), opened.clone());
    actix_web::rt::spawn(async move {
        let done = match shared.pool.run(ticket, work).await {
            Ok(done) => {
                let answered = execute::answer(&shared, class, predicted, &part.stages, done);
                answered.await.map(|(reply, _)| reply)
            }
            Err(shed) => Err(shed.into()),
        };
        part.finish(&shared, done.as_ref().err());
        let kept = kept(done, &path, part.trace.map_or_else(String::new, |t| t.id()));
        shared.jobs.end(shared.clock.now(), &job, kept);
    });
    Ok(view)
}

/// The part of the request's trace that comes after its answer.
pub(super) struct Part {
    pub(super) trace: Option<Trace>,
    pub(super) operation: &'static str,
    pub(super) began: (Time, SystemTime),
    pub(super) stages: Stages,
    pub(super) deep: Option<DeepTrace>,
}

impl Part {
    /// Tells it, now that the job has ended, with `error` if it failed; how long it took is counted as
    /// batch work, whatever class it is of where somebody waits for it.
    pub(super) fn finish(&self, app: &App, error: Option<&Error>) {
        let (outcome, reason) =
            error.and_then(execute::failed).unwrap_or((Outcome::Ok, Reason::Completed.as_str()));
        let took = app.clock.now().since(self.began.0);
        let trace = self.trace.map(|trace| trace.ids());
        let metrics = app.telemetry.metrics();
        metrics.operation("batch", self.operation, took, outcome, reason, trace);
        let Some(trace) = self.trace else { return };
        let facts = [
            ("svgx.budget.class", "batch".into()),
            ("svgx.operation.name", self.operation.into()),
            ("svgx.slo.reason", reason.into()),
        ];
        let (id, parent) = trace.ids();
        app.telemetry.finish_job(&server::Job {
            trace: (id, app.ids.span()),
            parent,
            sampled: trace.remote().map(|remote| remote.sampled),
            outcome,
            facts: Facts::from_slice(&facts),
            began: self.began,
            took,
            stages: &self.stages,
            deep: self.deep.as_ref(),
        });
    }
}

/// An answer as it is kept.
fn kept(done: Result<Reply, Error>, path: &str, trace_id: String) -> Kept {
    match done {
        Ok(reply) => Kept::Answer(reply.into_answer()),
        Err(error) => {
            let response = error.response(path, &trace_id);
            let status = response.status().as_u16();
            // A problem document is bytes already.
            let body = response.into_body().try_into_bytes().unwrap_or_default();
            Kept::Problem(status, body)
        }
    }
}

/// Says where to ask about a job.
///
/// # Errors
/// When it cannot be written, which is a defect.
pub(crate) fn accepted(view: &JobView) -> Result<HttpResponse, Error> {
    let body = serde_json::to_vec(view).map_err(|e| Error::Internal(e.to_string()))?;
    let reason = (headers::SVGX_REASON.clone(), Reason::Batch.as_str());
    Ok(HttpResponseBuilder::new(StatusCode::ACCEPTED)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, format!("/jobs/{}", view.id)))
        .insert_header((header::RETRY_AFTER, "1"))
        .insert_header((headers::PREFERENCE_APPLIED.clone(), "respond-async"))
        .insert_header(reason)
        .body(body))
}
