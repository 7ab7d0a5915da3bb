//! An operation: admitted, its body read, its work run on the pool, and answered.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use opentelemetry::Context;

use svgx_base::budget::{Budget, Class, Time};
use svgx_controller::{Done, Reason, Request, Shed, Ticket};
use svgx_telemetry::Outcome;
use svgx_telemetry::stage::{Stages, Step};

use super::admit::{self, Asked};
use super::app::App;
use super::body::{self, Body};
use super::deferred;
use super::jobs::Progress;
use super::keys::Identity;
use super::negotiate::{self, Coding};
use super::notes;
use super::problem::Error;
use super::reply::{Call, Endpoint, Phases, Reply};
use super::session;

/// How long a body may take to arrive before the place in the queue is asked for again.
const PATIENCE: Duration = Duration::from_millis(2);

/// What is put into the request for the edge to read: which work it was, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Operated {
    /// The class of its budget.
    pub class: Class,
    /// Its name.
    pub operation: &'static str,
    /// From the last byte of the body to the answer.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in one word.
    pub reason: &'static str,
}

/// Marks an answer below the tier that was asked for, and why.
#[derive(Clone, Copy, Debug)]
struct Coarser(Reason);

/// Reads the body, runs `work` on the pool, and answers.
///
/// # Errors
/// Whatever reading, admitting or working fails with.
pub fn run<F>(
    request: HttpRequest,
    payload: Option<Payload>,
    endpoint: Endpoint,
    work: F,
) -> impl Future<Output = Result<HttpResponse, Error>>
where
    F: FnOnce(Call<'_>, Option<Body>) -> Result<Reply, Error> + Send + 'static,
{
    // One way for all endpoints: a copy for each would be most of this room.
    run_task(request, payload, endpoint, Box::new(work))
}

/// The work of a handler.
pub(super) type Task = Box<dyn FnOnce(Call<'_>, Option<Body>) -> Result<Reply, Error> + Send>;

async fn run_task(
    request: HttpRequest,
    payload: Option<Payload>,
    endpoint: Endpoint,
    work: Task,
) -> Result<HttpResponse, Error> {
    let app = Arc::clone(
        request.app_data::<Data<App>>().ok_or_else(|| Error::Internal("no app".into()))?,
    );
    let limit = app.config.request_timeout;
    let mut began = app.clock.now();
    let running = run_inner(&app, &request, payload, endpoint, work, &mut began);
    let done = match tokio::time::timeout(limit, running).await {
        Ok(done) => done,
        Err(_) => Err(Error::Timeout(limit)),
    };
    let duration = app.clock.now().since(began);
    let (outcome, reason) = ended(&app, endpoint, duration, &done);
    request.extensions_mut().insert(Operated {
        class: endpoint.class,
        operation: endpoint.operation,
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
        error if error.status().0.is_server_error() => Some((Outcome::Failed, error.status().1)),
        _ => None,
    }
}

/// How an operation ended.
fn ended(
    app: &App,
    endpoint: Endpoint,
    duration: Duration,
    done: &Result<HttpResponse, Error>,
) -> (Outcome, &'static str) {
    if let Some(failed) = done.as_ref().err().and_then(failed) {
        return failed;
    }
    match done {
        Ok(response) if response.status() == StatusCode::ACCEPTED => {
            (Outcome::Ok, Reason::Batch.as_str())
        }
        Ok(response) if response.extensions().get::<Coarser>().is_some() => {
            let why = response.extensions().get::<Coarser>().map_or("", |c| c.0.as_str());
            (Outcome::Degraded, why)
        }
        _ => match app.spec.objective(endpoint.class) {
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
    endpoint: Endpoint,
    work: Task,
    began: &mut Time,
) -> Result<HttpResponse, Error> {
    let headers = request.headers();
    let media = negotiate::media_type(headers, endpoint.media, endpoint.media_list)?;
    let identity =
        request.extensions().get::<Identity>().cloned().unwrap_or_else(|| app.anonymous.clone());
    let stages = request.extensions().get::<Stages>().cloned().unwrap_or_default();
    let mut asked = Asked::of(app, request, endpoint, &identity, payload.is_some())?;
    // Decided before the body is read, so that refusing costs nothing.
    let arrived = app.clock.now();
    let mut place = match place(app, endpoint, &asked, &stages) {
        Ok(place) => place,
        Err(shed) => {
            if let Some(payload) = payload {
                admit::discard(request, payload).await;
            }
            return Err(shed.into());
        }
    };
    let reading = app.clock.now();
    let body = match payload {
        Some(payload) => Some(body::read(app, request, payload).await?),
        None => None,
    };
    if let Some(body) = &body {
        stages.note(notes::read(reading, app.clock.now(), body.bytes.len()));
    }
    // A slow client is not the service's latency: the clock starts with the last byte.
    *began = app.clock.now();
    let work_of = |body: &Body| endpoint.sized.and_then(|by| by(body));
    let more = body.as_ref().and_then(work_of);
    if more.is_some() || began.since(arrived) > PATIENCE {
        drop(place);
        asked = more.map_or(asked, |work| asked.refined(work));
        place = self::place(app, endpoint, &asked, &stages)?;
    }
    let text = |name: HeaderName| {
        headers.get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
    };
    let caller = Caller {
        identity,
        media,
        session: text(HeaderName::from_static("x-svgx-session")),
        if_none_match: text(header::IF_NONE_MATCH),
        coding: Coding::of(headers),
        asked: asked.request(),
        reason: place.reason(),
    };
    match place {
        Place::Now(ticket) => {
            let predicted = Duration::from_nanos(ticket.decision().cost);
            let noting = stages.clone();
            let work = on_pool(app, endpoint, caller, Progress::default(), noting, body, work);
            let done = app.pool.run(ticket, work).await?;
            answer(app, endpoint, predicted, &stages, done).await.map(|(reply, reason)| {
                let coarser = reply.tiers.is_some_and(|(tier, asked)| tier < asked);
                let mut response = explained(reply, reason);
                if coarser {
                    response.extensions_mut().insert(Coarser(reason));
                }
                response
            })
        }
        Place::Later(ticket) => deferred::defer(app, request, endpoint, caller, ticket, body, work),
    }
}

/// Where work goes.
enum Place {
    /// It is answered as soon as it is done.
    Now(Ticket),
    /// It becomes a job.
    Later(Ticket),
}

impl Place {
    fn reason(&self) -> Reason {
        match self {
            Place::Now(ticket) | Place::Later(ticket) => ticket.decision().reason,
        }
    }
}

/// A place for a further piece of work that was admitted before.
pub(super) fn admit(app: &App, request: &Request<'_>) -> Result<Ticket, Shed> {
    match app.pool.admit(request) {
        Err(shed) if admit::is_too_large(&shed) => {
            app.pool.admit(&Request { class: Class::Batch, ..*request })
        }
        decided => decided,
    }
}

/// A place in the queue of its class. What no tier brings inside the budget, and
/// what the client would rather not wait for, has its place behind everything that
/// has an objective: as a job where the endpoint knows jobs.
fn place(app: &App, endpoint: Endpoint, asked: &Asked, stages: &Stages) -> Result<Place, Shed> {
    if endpoint.is_job && asked.respond_async {
        return noted(app, stages, asked.admit_as_batch(app)).map(Place::Later);
    }
    match noted(app, stages, asked.admit(app)) {
        Ok(ticket) => Ok(Place::Now(ticket)),
        Err(shed) if admit::is_too_large(&shed) => {
            let ticket = noted(app, stages, asked.admit_as_batch(app))?;
            let later = endpoint.is_job && !asked.wait;
            Ok(if later { Place::Later(ticket) } else { Place::Now(ticket) })
        }
        Err(shed) => Err(shed),
    }
}

/// What the work needs to know of the request.
pub(super) struct Caller {
    pub(super) identity: Identity,
    media: &'static str,
    session: Option<String>,
    if_none_match: Option<String>,
    coding: Coding,
    asked: Request<'static>,
    reason: Reason,
}

/// The work of a handler as the pool takes it.
pub(super) fn on_pool(
    app: &Arc<App>,
    endpoint: Endpoint,
    caller: Caller,
    progress: Progress,
    stages: Stages,
    body: Option<Body>,
    work: Task,
) -> impl FnOnce(&Budget) -> Result<Reply, Error> + Send + 'static {
    let shared = Arc::clone(app);
    let context = Context::current();
    let waiting = app.clock.now();
    move |budget: &Budget| {
        let Caller { identity, media, session, if_none_match, coding, asked, reason } = caller;
        let call = Call {
            started: shared.clock.now(),
            app: shared,
            operation: endpoint.operation,
            identity,
            budget,
            media,
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
        stages.note(notes::queue(waiting, started));
        let here = context.attach();
        let done = work(call, body);
        drop(here);
        stages.note(notes::work(started, clock.now()));
        done
    }
}

/// What the work answered, once it is durable, and why it was admitted as it was.
pub(super) async fn answer(
    app: &App,
    endpoint: Endpoint,
    predicted: Duration,
    stages: &Stages,
    done: Done<Result<Reply, Error>>,
) -> Result<(Reply, Reason), Error> {
    let Done { value, queued, cpu, tier, reason, .. } = done;
    let (metrics, class) = (app.telemetry.metrics(), endpoint.class.as_str());
    metrics.worked(class, queued, predicted, cpu);
    stages.explain(Step::Work, [("svgx.cost.actual", cpu.into())]);
    let mut reply = value?;
    if let Some(written) = reply.once.take() {
        // Awaited here, so that no thread of the pool waits for the disk.
        let waiting = app.clock.now();
        written.await.map_err(|e| session::problem(e.into(), None))?;
        let stored = app.clock.now();
        metrics.stored(stored.since(waiting));
        stages.note(notes::store(waiting, stored));
    }
    reply.phases.queue = queued;
    metrics.delivered(class, reply.tiers.map_or(tier, |(tier, _)| tier).as_str());
    Ok((reply, reason))
}

/// The answer with its tier and its reason.
fn explained(reply: Reply, reason: Reason) -> HttpResponse {
    let tier = reply.tiers.map(|(tier, _)| tier);
    let mut response = reply.into_response();
    let headers = response.headers_mut();
    if let Some(tier) = tier {
        let tier = HeaderValue::from_static(tier.as_str());
        headers.insert(HeaderName::from_static(admit::TIER), tier);
    }
    let reason = HeaderValue::from_static(reason.as_str());
    headers.insert(HeaderName::from_static(admit::REASON), reason);
    response
}

/// Notes the decision in the trace.
fn noted(app: &App, stages: &Stages, decided: Result<Ticket, Shed>) -> Result<Ticket, Shed> {
    let decision = match &decided {
        Ok(ticket) => Some(ticket.decision()),
        Err(shed) => shed.decision.as_deref(),
    };
    if let Some(decision) = decision {
        stages.note(notes::admit(decision.at, app.clock.now(), decision));
    }
    decided
}
