//! From a handler's work to a response.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use opentelemetry::Context;
use serde::Serialize;

use crate::budget::{Budget, Class, Tier, Time};
use crate::session::Pending;
use crate::slo::{Done, Reason, Request, Shed, Ticket};
use crate::telemetry::Outcome;
use crate::telemetry::stage::{Fact, Facts, Stage, Stages, Step};

use super::admit::{self, Asked, Work};
use super::app::App;
use super::body::{self, Body};
use super::deferred;
use super::jobs::Progress;
use super::keys::Identity;
use super::negotiate::{self, Coding};
use super::notes;
use super::problem::Error;
use super::session;

/// The media type of most answers.
pub const JSON: &[&str] = &["application/json"];

/// Where the time of a request went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Phases {
    /// Waiting for a thread.
    pub queue: Duration,
    /// From bytes to a document.
    pub parse: Duration,
    /// The work itself.
    pub work: Duration,
    /// From the result to bytes.
    pub encode: Duration,
}

/// What an endpoint is.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// Its class, for the objectives and the pool.
    pub class: Class,
    /// Its name.
    pub operation: &'static str,
    /// The media types it can answer with, the usual one first.
    pub media: &'static [&'static str],
    /// The same as text.
    pub media_list: &'static str,
    /// Whether work that no tier brings inside the budget becomes a job.
    pub is_job: bool,
    /// How much work a body is, where its length does not tell.
    pub sized: Option<fn(&Body) -> Option<Work>>,
}

impl Endpoint {
    /// An endpoint that answers JSON.
    pub const fn json(class: Class, operation: &'static str) -> Endpoint {
        Endpoint {
            class,
            operation,
            media: JSON,
            media_list: "application/json",
            is_job: false,
            sized: None,
        }
    }

    /// The same, answering `202` with a job for what no tier brings inside the
    /// budget, and for whoever prefers it.
    #[must_use]
    pub const fn or_job(mut self) -> Endpoint {
        self.is_job = true;
        self
    }

    /// The same, with the work a body asks for read from the body.
    #[must_use]
    pub const fn sized(mut self, by: fn(&Body) -> Option<Work>) -> Endpoint {
        self.sized = Some(by);
        self
    }
}

/// What a handler's work gets, on a thread of the pool.
#[derive(Debug)]
pub struct Call<'b> {
    /// The service.
    pub app: Arc<App>,
    /// The name of the operation.
    pub operation: &'static str,
    /// Who asks.
    pub identity: Identity,
    /// How long it may take.
    pub budget: &'b Budget,
    /// The media type that was agreed on.
    pub media: &'static str,
    /// The session that the `X-SVGX-Session` header names.
    pub session: Option<String>,
    /// What was admitted: asked again by work that goes on in further pieces.
    pub asked: Request<'static>,
    /// Why it was admitted as it was.
    pub reason: Reason,
    /// Where the time went so far.
    pub phases: Phases,
    /// How far the work is, for whoever asks about it as a job.
    pub progress: Progress,
    stages: Stages,
    started: Time,
    if_none_match: Option<String>,
    coding: Coding,
}

/// What follows the first bytes of an answer that is made while it is sent.
pub type Rest = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// An answer: finished, or begun.
pub struct Reply {
    status: StatusCode,
    media: &'static str,
    body: Bytes,
    coding: Coding,
    etag: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    phases: Phases,
    /// The tier it was worked at, and the one asked for, where tiers matter.
    tiers: Option<(Tier, Tier)>,
    /// What has to be durable before the answer is sent.
    once: Option<Pending>,
    /// What is still to come.
    rest: Option<Rest>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

/// A finished answer, as a job keeps it.
#[derive(Clone, Debug)]
pub struct Finished {
    media: &'static str,
    body: Bytes,
    coding: Coding,
    etag: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    phases: Phases,
    tiers: Option<(Tier, Tier)>,
}

impl Finished {
    /// Its length in memory.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// The answer with its headers.
    pub fn into_response(self) -> HttpResponse {
        let Finished { media, body, coding, etag, headers, phases, tiers } = self;
        let (status, once, rest) = (StatusCode::OK, None, None);
        Reply { status, media, body, coding, etag, headers, phases, tiers, once, rest }
            .into_response()
    }
}

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

/// What is put into the response for the edge to read.
#[derive(Clone, Copy, Debug)]
pub struct Timing(pub Phases);

impl Call<'_> {
    /// Now, by the one clock.
    pub fn now(&self) -> Time {
        self.app.clock.now()
    }

    /// Notes for the trace that `step` took from `began` until now, and the numbers
    /// that explain it, by the names that `slo/telemetry/spans.yaml` declares.
    pub fn note<const N: usize>(&self, step: Step, began: Time, facts: [(&'static str, Fact); N]) {
        let facts = facts.into_iter().collect::<Facts>();
        self.stages.note(Stage { step, began, ended: self.now(), facts });
    }

    /// Milliseconds since the work began.
    pub fn elapsed_ms(&self) -> f64 {
        self.now().since(self.started).as_secs_f64() * 1e3
    }

    /// Whether the client already holds the answer called `etag`.
    pub fn is_known(&self, etag: &str) -> bool {
        let opaque = |t: &str| t.trim().trim_start_matches("W/").to_owned();
        self.if_none_match.as_ref().is_some_and(|known| {
            known.trim() == "*" || known.split(',').any(|k| opaque(k) == opaque(etag))
        })
    }

    /// An answer in JSON.
    ///
    /// # Errors
    /// When a value cannot be written, which is a defect.
    pub fn json<T: Serialize>(self, value: &T, etag: Option<String>) -> Result<Reply, Error> {
        let began = self.now();
        let body = serde_json::to_vec(value).map_err(|e| Error::Internal(e.to_string()))?;
        let (body, coding) = self.coding.encode(body);
        Ok(self.finish(began, "application/json", Bytes::from(body), coding, etag))
    }

    /// An answer in bytes of the media type `media`; compressed if it is text.
    pub fn bytes(self, media: &'static str, body: Bytes, etag: Option<String>) -> Reply {
        let began = self.now();
        let textual = media.starts_with("text/") || media.ends_with("+xml");
        let (body, coding) = if textual && self.coding != Coding::Identity {
            let (body, coding) = self.coding.encode(body.to_vec());
            (Bytes::from(body), coding)
        } else {
            (body, Coding::Identity)
        };
        self.finish(began, media, body, coding, etag)
    }

    /// An answer that begins with `first` and goes on while it is sent. Never
    /// compressed: every piece is to reach the client when it is made.
    pub fn streamed(self, media: &'static str, first: Bytes, rest: Option<Rest>) -> Reply {
        let now = self.now();
        let rest = rest.unwrap_or_else(|| Box::pin(stream::empty()));
        let mut reply = self.finish(now, media, first, Coding::Identity, None);
        reply.rest = Some(rest);
        reply
    }

    /// "You have it already."
    pub fn not_modified(self, etag: String) -> Reply {
        let now = self.now();
        let mut reply = self.finish(now, "", Bytes::new(), Coding::Identity, Some(etag));
        reply.status = StatusCode::NOT_MODIFIED;
        reply
    }

    fn finish(
        self,
        began: Time,
        media: &'static str,
        body: Bytes,
        coding: Coding,
        etag: Option<String>,
    ) -> Reply {
        let now = self.now();
        let mut phases = self.phases;
        phases.encode = now.since(began);
        let encoding = coding.as_str().unwrap_or("identity");
        let size = ("http.response.body.size", body.len().into());
        self.note(Step::Encode, began, [size, ("svgx.encoding", encoding.into())]);
        phases.work = began.since(self.started).saturating_sub(phases.parse);
        let tiers = Some((self.budget.tier().min(self.asked.tier), self.asked.tier));
        let (status, headers) = (StatusCode::OK, Vec::new());
        let (once, rest) = (None, None);
        Reply { status, media, body, coding, etag, headers, phases, tiers, once, rest }
    }
}

impl Reply {
    /// Holds the answer back until a write would survive the end of the process.
    #[must_use]
    pub fn once(mut self, written: Pending) -> Reply {
        self.once = Some(written);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Reply {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// Says at which tier it was answered, and at which it was to be.
    #[must_use]
    pub fn at(mut self, delivered: Tier, asked: Tier) -> Reply {
        self.tiers = Some((delivered, asked));
        self
    }

    pub(super) fn finished(self) -> Finished {
        let Reply { media, body, coding, etag, headers, phases, tiers, .. } = self;
        Finished { media, body, coding, etag, headers, phases, tiers }
    }

    /// The answer with its headers.
    pub fn into_response(self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status);
        if !self.media.is_empty() {
            response.insert_header((header::CONTENT_TYPE, self.media));
        }
        if let Some(coding) = self.coding.as_str() {
            response.insert_header((header::CONTENT_ENCODING, coding));
        }
        response.insert_header((header::VARY, "Accept, Accept-Encoding, Authorization"));
        match self.etag {
            Some(etag) => {
                response.insert_header((header::ETAG, etag));
                response.insert_header((header::CACHE_CONTROL, "private, max-age=3600"));
            }
            None => {
                response.insert_header((header::CACHE_CONTROL, "no-store"));
            }
        }
        for header in self.headers {
            response.insert_header(header);
        }
        let mut response = match self.rest {
            None => response.body(self.body),
            Some(rest) => {
                // Proxies that collect answers would undo what a stream is for.
                response.insert_header(("x-accel-buffering", "no"));
                let first = stream::once(std::future::ready(Ok::<_, Error>(self.body)));
                response.streaming(Box::pin(first.chain(rest)))
            }
        };
        response.extensions_mut().insert(Timing(self.phases));
        response
    }
}

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

/// How long a body may take to arrive before the place in the queue is asked for again.
const PATIENCE: Duration = Duration::from_millis(2);
