//! An operation: admitted, its body read, its work run on the pool, and answered.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use opentelemetry::Context;

use svgx_base::budget::{Budget, Class, Stop, Time};
use svgx_controller::core::Lane;
use svgx_controller::{Done, Reason, Request, Ticket};
use svgx_session::By;
use svgx_telemetry::stage::{Stages, Step};
use svgx_telemetry::{Outcome, deep};

use super::admit::AdmissionRequest;
use super::body::{self, Body};
use super::deferred;
use super::dispatch::Dispatch;
use super::forward::there::{self, There};
use super::forward::{self, Asked, Forward, hold_for_later};
use super::limits;
use super::operation::Operation;
use super::reply::{Call, Reply};
use super::stages;
use crate::protocol::headers;
use crate::protocol::negotiate::{self, Coding};
use crate::protocol::problem::{self, Error};
use crate::state::answer::Phases;
use crate::state::app::App;
use crate::state::jobs::Progress;
use crate::state::keys::{Credential, Identity};

/// How long a body may take to arrive before the place in the queue is asked for again.
const PATIENCE: Duration = Duration::from_millis(2);

/// What is put into the request for the edge to read: which work it was, and how it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operated {
    /// The class of its budget.
    pub(crate) class: Class,
    pub(crate) operation: &'static str,
    /// From the last byte of the body to the answer.
    pub(crate) duration: Duration,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Why, in one word.
    pub(crate) reason: &'static str,
}

/// Marks an answer below the tier that was asked for, and why.
#[derive(Clone, Copy, Debug)]
struct Coarser(Reason);

/// Marks an answer that no objective counts, and why.
#[derive(Clone, Copy, Debug)]
struct OutsideObjective(Reason);

/// Admits `operation`, reads the body, runs its work on the pool, and answers.
///
/// # Errors
/// Whatever reading, admitting or working fails with.
pub(crate) async fn run(
    request: HttpRequest,
    payload: Option<Payload>,
    operation: &Operation,
) -> Result<HttpResponse, Error> {
    let app = Arc::clone(
        request.app_data::<Data<App>>().ok_or_else(|| Error::Internal("no app".into()))?,
    );
    let media = negotiate::media_type(request.headers(), operation.media);
    let operation = &media.as_ref().map_or(*operation, |media| operation.answering(media));
    let limit = app.config.request_timeout;
    let (arrived, sends) = (app.clock.now(), payload.is_some());
    let mut began = None;
    let running = async { run_inner(&app, &request, payload, operation, media?, &mut began).await };
    let done = match tokio::time::timeout(limit, running).await {
        Ok(done) => done,
        // Still sending: slow, but not so slow that a piece of it was missed.
        Err(_) if sends && began.is_none() => Err(Error::BodyTimeout(limit)),
        Err(_) => Err(Error::Timeout(limit)),
    };
    let mut done = done.map_err(|error| match error {
        Error::Timeout(_) | Error::Stopped(_) => {
            let wait = app.pool.drained_in(operation.class);
            Error::Unfinished { message: error.to_string(), wait }
        }
        error => error,
    });
    let duration = app.clock.now().since(began.unwrap_or(arrived));
    if let Ok(response) = &mut done {
        match there::how_it_was_done(response) {
            Some(There::Outside(reason)) => {
                response.extensions_mut().insert(OutsideObjective(reason));
            }
            Some(There::Coarser(reason)) => {
                response.extensions_mut().insert(Coarser(reason));
            }
            None => {}
        }
    }
    let (outcome, reason) = ended(&app, operation, duration, &done);
    let outside = done.as_ref().is_ok_and(|response| outside_objective(response).is_some());
    if matches!(done, Err(Error::Elsewhere(_) | Error::Fenced))
        && forward::passed_on_by(&request).is_some()
    {
        // Nothing was done, and the replica that asked goes on: no operation ended here.
        return done;
    }
    request.extensions_mut().insert(Operated {
        class: if outside { Class::Batch } else { operation.class },
        operation: operation.name,
        duration,
        outcome,
        reason,
    });
    done
}

/// How what failed ended; none for a request that was wrong: it was answered all the same.
pub(super) fn failed(error: &Error) -> Option<(Outcome, &'static str)> {
    match error {
        Error::Crowded { .. } => Some((Outcome::Shed, Reason::QueueFull.as_str())),
        Error::Shed(shed) if shed.reason != Reason::Panicked => {
            Some((Outcome::Shed, shed.reason.as_str()))
        }
        error if error.kind().status.is_server_error() => {
            Some((Outcome::Failed, error.kind().code))
        }
        _ => None,
    }
}

/// Why no objective counts an answer, where none does.
fn outside_objective(response: &HttpResponse) -> Option<Reason> {
    response.extensions().get::<OutsideObjective>().map(|outside| outside.0)
}

/// How an operation ended.
fn ended(
    app: &App,
    operation: &Operation,
    duration: Duration,
    done: &Result<HttpResponse, Error>,
) -> (Outcome, &'static str) {
    let failed = match done {
        Ok(response) => there::failed(response),
        Err(error) => failed(error),
    };
    if let Some(failed) = failed {
        return failed;
    }
    match done {
        Ok(response) if response.status() == StatusCode::ACCEPTED => {
            (Outcome::Ok, Reason::Batch.as_str())
        }
        Ok(response) if outside_objective(response).is_some() => {
            let why = outside_objective(response).map_or("", Reason::as_str);
            (Outcome::Ok, why)
        }
        Ok(response) if response.extensions().get::<Coarser>().is_some() => {
            let why = response.extensions().get::<Coarser>().map_or("", |c| c.0.as_str());
            (Outcome::Degraded, why)
        }
        _ => match app.spec.objective(operation.class) {
            Some(objective) if duration > objective.budget => {
                (Outcome::OverBudget, Reason::Late.as_str())
            }
            _ => (Outcome::Ok, Reason::Completed.as_str()),
        },
    }
}

async fn run_inner(
    app: &Arc<App>,
    request: &HttpRequest,
    payload: Option<Payload>,
    operation: &Operation,
    media: &'static str,
    began: &mut Option<Time>,
) -> Result<HttpResponse, Error> {
    let identity =
        request.extensions().get::<Identity>().cloned().unwrap_or_else(|| app.anonymous.clone());
    let stages = request.extensions().get::<Stages>().cloned().unwrap_or_default();
    let kind = payload.as_ref().map(|_| body::check(app, request)).transpose()?;
    let asked = AdmissionRequest::of(app, request, operation, &identity, payload.is_some())?;
    let mut incoming = payload.zip(kind);
    let mut body = None;
    // What another replica does is admitted there, once.
    if forward::may_be_known(app, request) {
        body = read(app, &stages, incoming.take()).await?;
        *began = Some(app.clock.now());
        // In a place of its own: what all requests carry along is to stay small.
        let known = Box::pin(forward::known(app, request, &identity, body.as_ref()));
        if let Some(response) = known.await? {
            return Ok(response);
        }
    }
    // Decided before a body is read, so that refusing costs nothing.
    let arrived = app.clock.now();
    let dispatch = match Dispatch::decide(app, operation, &asked, &stages) {
        Ok(dispatch) => dispatch,
        Err(shed) => {
            match (incoming, body) {
                (Some((payload, kind)), _) => {
                    limits::check_refused(app, request, kind, payload).await?;
                }
                (None, Some(body)) => limits::check_read(app, body).await?,
                (None, None) => {}
            }
            return Err(shed.into());
        }
    };
    if incoming.is_some() {
        body = read(app, &stages, incoming).await?;
    }
    // A slow client is not the service's latency: the clock starts with the last byte.
    let read = app.clock.now();
    *began = Some(read);
    let again = (asked, identity.clone(), stages.clone());
    let admitted = Admitted { arrived, asked, dispatch, identity, media, stages };
    let mut served = serve(app, request, operation, admitted, read, body.clone()).await;
    if let Err(Error::Elsewhere(_) | Error::Fenced) = &served {
        let bytes = body.as_ref().map(|body| body.bytes.clone());
        let mut forward = Forward::of(app, request, bytes);
        while let (Err(error @ (Error::Elsewhere(_) | Error::Fenced)), Some(forward)) =
            (&mut served, &mut forward)
        {
            let error = std::mem::replace(error, Error::Fenced);
            if let Asked::Answered(response) = forward.after(error, &mut None).await? {
                return Ok(response);
            }
            let (asked, identity, stages) = again.clone();
            let dispatch = Dispatch::decide(app, operation, &asked, &stages)?;
            let admitted = Admitted { arrived: read, asked, dispatch, identity, media, stages };
            served = serve(app, request, operation, admitted, read, body.clone()).await;
        }
    }
    match (served, body) {
        (Err(error @ Error::Shed(_)), Some(body)) => {
            limits::check_read(app, body).await?;
            Err(error)
        }
        (served, _) => served,
    }
}

/// The body of a request that has one.
async fn read(
    app: &Arc<App>,
    stages: &Stages,
    incoming: Option<(Payload, body::Kind)>,
) -> Result<Option<Body>, Error> {
    let Some((payload, kind)) = incoming else { return Ok(None) };
    let reading = app.clock.now();
    let body = body::read(app, kind, payload).await?;
    stages.note(stages::read(reading, app.clock.now(), body.bytes.len()));
    Ok(Some(body))
}

/// A request whose body was let in.
struct Admitted {
    arrived: Time,
    asked: AdmissionRequest,
    dispatch: Dispatch,
    identity: Identity,
    media: &'static str,
    stages: Stages,
}

/// Does the work of a request whose body was read at `began`.
async fn serve(
    app: &Arc<App>,
    request: &HttpRequest,
    operation: &Operation,
    admitted: Admitted,
    began: Time,
    body: Option<Body>,
) -> Result<HttpResponse, Error> {
    let Admitted { arrived, mut asked, mut dispatch, identity, media, stages } = admitted;
    let given = request.headers();
    let more = body.as_ref().and_then(|body| operation.estimate.and_then(|by| by(body)));
    if more.is_some() || began.since(arrived) > PATIENCE {
        drop(dispatch);
        asked = more.map_or(asked, |work| asked.refined(work));
        dispatch = Dispatch::decide(app, operation, &asked, &stages)?;
    }
    let text = |name: &HeaderName| {
        given.get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
    };
    let credential = request.extensions().get::<Credential>().copied();
    let caller = Caller {
        by: forward::passed_on_by(request),
        identity,
        credential: credential.unwrap_or(Credential::NONE),
        media,
        query: request.query_string().to_owned(),
        session: given_in_path(request).or_else(|| text(&headers::SVGX_SESSION)),
        if_none_match: Some(negotiate::joined(given, &header::IF_NONE_MATCH, "")),
        coding: Coding::of(given),
        asked: asked.request(),
        reason: dispatch.reason(),
    };
    match dispatch {
        Dispatch::Inline(ticket) => {
            let again = (caller.clone(), body.clone());
            match inline(app, operation, &stages, ticket, caller, body).await {
                Err(error) if is_worth_more_time(app, operation, &asked, &error) => {
                    let ticket = Dispatch::behind(app, &asked, &stages)?;
                    let (mut caller, body) = again;
                    caller.reason = Reason::Oversize;
                    inline(app, operation, &stages, ticket, caller, body).await
                }
                done => done,
            }
        }
        Dispatch::Deferred(ticket) => {
            let bytes = body.as_ref().map(|body| &body.bytes[..]);
            hold_for_later(app, &caller.identity, caller.session.as_deref(), bytes).await?;
            deferred::defer(app, request, operation, caller, ticket, body).await
        }
    }
}

/// Runs the work, and answers on the open connection.
async fn inline(
    app: &Arc<App>,
    operation: &Operation,
    stages: &Stages,
    ticket: Ticket,
    caller: Caller,
    body: Option<Body>,
) -> Result<HttpResponse, Error> {
    let predicted = Duration::from_nanos(ticket.decision().cost);
    let noting = stages.clone();
    let work = on_pool(app, operation, caller, Progress::default(), noting, body, operation.work);
    let outside = operation.class != Class::Batch && ticket.lane() == Lane::Batch;
    let class = if outside { Class::Batch } else { operation.class };
    let done = app.pool.run(ticket, work).await?;
    let (reply, reason) = answer(app, class, predicted, stages, done).await?;
    let coarser = reply.tiers().is_some_and(|(tier, asked)| tier < asked);
    // Waiting for a job that is none: it has the same place for the same reason.
    let reason = if outside { Reason::Oversize } else { reason };
    let mut response = explained(reply, reason);
    if outside {
        response.extensions_mut().insert(OutsideObjective(reason));
    }
    if coarser {
        response.extensions_mut().insert(Coarser(reason));
    }
    Ok(response)
}

/// Whether work that missed its objective is done all the same, behind everything that has one:
/// nobody else is there whom that would delay, the client set no limit of its own, and what was
/// begun has left no trace.
fn is_worth_more_time(
    app: &App,
    operation: &Operation,
    asked: &AdmissionRequest,
    error: &Error,
) -> bool {
    let unfinished = match error {
        Error::Shed(shed) => shed.reason == Reason::Doomed,
        Error::Stopped(Stop::Deadline) => operation.is_deferrable,
        _ => false,
    };
    unfinished
        && operation.class != Class::Batch
        && asked.request().patience.is_none()
        && app.pool.in_flight() == 0
}

/// The session that the path names, where it names one.
fn given_in_path(request: &HttpRequest) -> Option<String> {
    request.match_info().get("session").map(str::to_owned)
}

/// What the work needs to know of the request.
#[derive(Clone)]
pub(super) struct Caller {
    /// The replica that passed it on, where one did.
    by: By,
    pub(super) identity: Identity,
    credential: Credential,
    media: &'static str,
    query: String,
    session: Option<String>,
    if_none_match: Option<String>,
    coding: Coding,
    asked: Request<'static>,
    reason: Reason,
}

impl Caller {
    /// Of work that is done later, for whoever asked then.
    pub(super) fn of_job(
        identity: Identity,
        media: &'static str,
        query: String,
        asked: Request<'static>,
    ) -> Caller {
        Caller {
            by: None,
            identity,
            credential: Credential::NONE,
            media,
            query,
            session: None,
            if_none_match: None,
            coding: Coding::Identity,
            asked,
            reason: Reason::Batch,
        }
    }

    /// The media type that was agreed on.
    pub(super) fn media(&self) -> &'static str {
        self.media
    }

    /// What was asked of the controller.
    pub(super) fn asked(&self) -> &Request<'static> {
        &self.asked
    }

    /// The session that the path or a header names.
    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }
}

/// The work of a handler as the pool takes it.
pub(super) fn on_pool(
    app: &Arc<App>,
    operation: &Operation,
    caller: Caller,
    progress: Progress,
    stages: Stages,
    body: Option<Body>,
    work: impl FnOnce(Call<'_>, Option<Body>) -> Result<Reply, Error> + Send + 'static,
) -> impl FnOnce(&Budget) -> Result<Reply, Error> + Send + 'static {
    let shared = Arc::clone(app);
    let context = Context::current();
    let (operation, waiting) = (operation.name, app.clock.now());
    move |budget: &Budget| {
        let Caller {
            by,
            identity,
            credential,
            media,
            query,
            session,
            if_none_match,
            coding,
            asked,
            reason,
        } = caller;
        let call = Call {
            started: shared.clock.now(),
            app: shared,
            by,
            operation,
            identity,
            credential,
            budget,
            media,
            query,
            session,
            asked,
            reason,
            phases: Phases::default(),
            progress,
            stages: stages.clone(),
            if_none_match,
            coding,
        };
        let (clock, started) = (Arc::clone(&call.app.clock), call.started);
        stages.note(stages::queue(waiting, started));
        let here = deep::attach(context);
        let done = work(call, body);
        drop(here);
        stages.note(stages::work(started, clock.now()));
        done
    }
}

/// What the work answered, once it is durable, and why it was admitted as it was.
pub(super) async fn answer(
    app: &App,
    class: Class,
    predicted: Duration,
    stages: &Stages,
    done: Done<Result<Reply, Error>>,
) -> Result<(Reply, Reason), Error> {
    let Done { value, queued, cpu, tier, reason, .. } = done;
    let (metrics, class) = (app.telemetry.metrics(), class.as_str());
    metrics.worked(class, queued, predicted, cpu);
    stages.explain(Step::Work, [("svgx.cost.actual", cpu.into())]);
    let mut reply = value?;
    if let Some(written) = reply.durable.take() {
        // Awaited here, so that no thread of the pool waits for the disk.
        let waiting = app.clock.now();
        written.await.map_err(|e| problem::session(e.into(), None))?;
        let stored = app.clock.now();
        metrics.stored(stored.since(waiting));
        stages.note(stages::store(waiting, stored));
    }
    reply.queued(queued);
    metrics.delivered(class, reply.tiers().map_or(tier, |(tier, _)| tier).as_str());
    Ok((reply, reason))
}

/// The answer with its tier and its reason.
fn explained(reply: Reply, reason: Reason) -> HttpResponse {
    let tier = reply.tiers().map(|(tier, _)| tier);
    let mut response = reply.into_response();
    let written = response.headers_mut();
    if let Some(tier) = tier {
        let tier = HeaderValue::from_static(tier.as_str());
        written.insert(headers::SVGX_TIER.clone(), tier);
    }
    let reason = HeaderValue::from_static(reason.as_str());
    written.insert(headers::SVGX_REASON.clone(), reason);
    response
}
