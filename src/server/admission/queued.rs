//! Work that goes to the queue which several processes share, and comes from it: what is written down
//! of a request, so that any worker does what the process that was asked would have done.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use svgx_base::budget::{Cancel, Class, Stop, Tier};
use svgx_controller::{Reason, Request};
use svgx_jobs::{Claimed, Item, Known, Outcome, Record, Stage as JobStage};
use svgx_telemetry::stage::Stages;

use super::body::{Body, Kind};
use super::deferred::Part;
use super::estimate;
use super::execute::{self, Caller};
use super::operation::Operation;
use crate::endpoints::{self, ENDPOINTS, Handler};
use crate::protocol::headers;
use crate::protocol::negotiate::Coding;
use crate::protocol::problem::Error;
use crate::protocol::trace::Trace;
use crate::state::answer::{Answer, Phases, milliseconds};
use crate::state::app::App;
use crate::state::jobs::{JobView, Kept, Progress, Stage};
use crate::state::queue::JobQueue;
use crate::state::time_of_day::time_of_day;

/// What a worker is to do. A worker of another version may read it: members are added, never changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Specification {
    /// The operation by its name.
    pub(crate) operation: String,
    /// The path that was asked, for a problem.
    pub(crate) path: String,
    /// Whether the document is the whole body, in JSON or as it is; without `parameters`.
    pub(crate) is_json: bool,
    /// The rest of a JSON body whose `content` the document is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parameters: Option<Map<String, Value>>,
    /// The media type that was agreed on.
    pub(crate) media: String,
    /// The query of the request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) query: String,
    /// The tier that was asked for.
    pub(crate) tier: Tier,
    /// Whether no coarser one will do.
    #[serde(default)]
    pub(crate) strict: bool,
    /// The `traceparent` of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<String>,
}

/// What describes an answer in the queue.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// The status of a problem; 200 of anything else.
    status: u16,
    media: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    differences: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    painter: String,
}

impl Specification {
    /// The same but for its trace: what makes two jobs ask for the same.
    ///
    /// # Errors
    /// When it cannot be written, which is a defect.
    pub(crate) fn payload(&self, document: &blake3::Hash) -> Result<String, Error> {
        let plain = Specification { trace: None, ..self.clone() };
        let mut hasher = blake3::Hasher::new();
        hasher.update(written(&plain)?.as_bytes()).update(document.as_bytes());
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// The job of this name about a document with this hash, at this place.
    ///
    /// # Errors
    /// When it cannot be written, which is a defect.
    pub(crate) fn item(
        &self,
        id: String,
        hash: &blake3::Hash,
        document: usize,
        cost: Duration,
        batch: String,
    ) -> Result<Item, Error> {
        Ok(Item {
            id,
            payload: self.payload(hash)?,
            cost,
            document,
            operation: self.operation.clone(),
            batch,
            specification: written(self)?,
        })
    }

    /// The body that the operation reads.
    fn body(&self, document: Vec<u8>) -> Result<(Kind, Vec<u8>), String> {
        let Some(parameters) = &self.parameters else {
            return Ok((if self.is_json { Kind::Json } else { Kind::Document }, document));
        };
        let content = String::from_utf8(document).map_err(|e| e.to_string())?;
        let mut whole = parameters.clone();
        whole.insert("content".to_owned(), Value::String(content));
        serde_json::to_vec(&whole).map(|bytes| (Kind::Json, bytes)).map_err(|e| e.to_string())
    }
}

fn written<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::Internal(e.to_string()))
}

/// The operation of this name that can be a job, with the path it is asked at.
pub(crate) fn operation(name: &str) -> Option<(&'static Operation, &'static str)> {
    ENDPOINTS.iter().find_map(|endpoint| match &endpoint.handler {
        Handler::Pool(operation) if operation.is_deferrable && operation.name == name => {
            Some((operation, endpoint.path))
        }
        _ => None,
    })
}

/// The names of the operations that can be jobs.
pub(crate) fn operations() -> Vec<&'static str> {
    let deferrable = ENDPOINTS.iter().filter(|endpoint| endpoint.is_deferrable());
    deferrable
        .filter_map(|endpoint| match &endpoint.handler {
            Handler::Pool(operation) => Some(operation.name),
            Handler::Direct(_) => None,
        })
        .collect()
}

/// The media type of this name, of those that any operation answers with.
fn media(name: &str) -> Option<&'static str> {
    endpoints::media().find(|media| *media == name)
}

/// A job as it is shown to its owner.
pub(crate) fn view(record: Record) -> JobView {
    let stage = match record.stage {
        JobStage::Queued => Stage::Queued,
        JobStage::Running => Stage::Running,
        JobStage::Done => Stage::Done,
        JobStage::Failed => Stage::Failed,
        JobStage::Cancelled => Stage::Cancelled,
        JobStage::Dead => Stage::Dead,
    };
    let has_answer = matches!(stage, Stage::Done | Stage::Failed);
    JobView {
        result: has_answer.then(|| format!("/jobs/{}/result", record.id)),
        id: record.id,
        operation: Cow::Owned(record.operation),
        stage,
        progress: record.progress,
        ahead: usize::try_from(record.ahead).unwrap_or(usize::MAX),
        age_s: record.age.as_secs_f64(),
        ran_s: record.ran.as_secs_f64(),
        predicted_ms: milliseconds(record.cost),
        kept_s: record.kept.map(|kept| kept.as_secs_f64()),
        attempts: Some(record.attempt),
        batch: (!record.batch.is_empty()).then_some(record.batch),
    }
}

/// What a job has come to, in a coding that its owner accepts now.
///
/// # Errors
/// [`Error::Conflict`] when it has no answer yet, or never will.
pub(crate) fn kept(id: &str, known: Known, coding: Coding) -> Result<Kept, Error> {
    match known.stage {
        JobStage::Done | JobStage::Failed => {}
        JobStage::Cancelled => return Err(Error::Conflict(format!("job {id} was cancelled"))),
        JobStage::Dead => {
            let message = format!(
                "job {id} was set aside: it was tried several times, and the service failed each \
                 time; it is kept for whoever operates the service"
            );
            return Err(Error::Conflict(message));
        }
        JobStage::Queued | JobStage::Running => {
            let message = format!("job {id} has not ended; ask GET /jobs/{id}");
            return Err(Error::Conflict(message));
        }
    }
    let unreadable = |e: &dyn std::fmt::Display| Error::Store(format!("the answer of {id}: {e}"));
    let head: Head = serde_json::from_str(&known.head).map_err(|e| unreadable(&e))?;
    if known.stage == JobStage::Failed {
        return Ok(Kept::Problem(head.status, Bytes::from(known.body)));
    }
    let media = media(&head.media).ok_or_else(|| unreadable(&"its type is not known"))?;
    let is_text = media.starts_with("text/") || media.ends_with("json") || media.ends_with("+xml");
    let (body, coding) =
        if is_text { coding.encode(known.body) } else { (known.body, Coding::Identity) };
    Ok(Kept::Answer(Answer {
        media,
        body: Bytes::from(body),
        coding,
        etag: head.etag.map(|etag| coding.tag(&etag)),
        phases: Phases::default(),
        tiers: None,
        differences: Bytes::from(head.differences),
        painter: Bytes::from(head.painter),
    }))
}

/// Puts the work of a request into the queue, and tells of it as a job.
///
/// # Errors
/// Whatever the queue refuses.
pub(super) async fn put(
    queue: &Arc<JobQueue>,
    request: &actix_web::HttpRequest,
    operation: &Operation,
    caller: &Caller,
    trace: Option<Trace>,
    cost: Duration,
    body: Option<Body>,
) -> Result<JobView, Error> {
    let (is_json, document) = match body {
        Some(body) => (body.kind == Kind::Json, body.bytes.to_vec()),
        None => (true, b"{}".to_vec()),
    };
    let asked = caller.asked();
    let specification = Specification {
        operation: operation.name.to_owned(),
        path: request.path().to_owned(),
        is_json,
        parameters: None,
        media: caller.media().to_owned(),
        query: request.query_string().to_owned(),
        tier: asked.tier,
        strict: asked.strict,
        trace: trace.map(|trace| traceparent(&trace)),
    };
    let tenant = caller.identity.name.to_string();
    let key = headers::idempotency_key(request.headers())?;
    let id = JobQueue::name(&tenant, key, 0)?;
    let item = specification.item(id.clone(), &blake3::hash(&document), 0, cost, String::new())?;
    let record = queue
        .ask(move |queue| {
            queue.put(&tenant, &[document], &[item])?;
            queue.view(Some(&tenant), &id)
        })
        .await?;
    Ok(view(record))
}

/// The trace of a request as a worker reads it.
pub(crate) fn traceparent(trace: &Trace) -> String {
    let mut text = String::new();
    trace.traceparent(&mut text);
    text
}

/// Why a job was not begun.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// There is no room for it now.
    NoRoom,
    /// It cannot be read, or not by this version.
    Fault(String),
}

/// Why a job has no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// A fault of ours: it is to be tried again.
    Fault(String),
    /// It was told to stop.
    Stopped,
}

type Running = Pin<Box<dyn Future<Output = Result<Outcome, Unanswered>>>>;

/// A job that has its place on the pool.
pub(crate) struct Begun {
    /// Told to stop by this.
    pub(crate) cancel: Cancel,
    /// The steps that it has come through.
    pub(crate) stages: Stages,
    /// Its work, until there is an answer.
    pub(crate) running: Running,
}

/// Begins a job as an admitted request is begun, behind everything that has an objective.
///
/// # Errors
/// [`NotBegun`].
pub(crate) fn begin(
    app: &Arc<App>,
    claimed: Claimed,
    progress: Progress,
) -> Result<Begun, NotBegun> {
    let fault = |e: &dyn std::fmt::Display| NotBegun::Fault(e.to_string());
    let specification: Specification =
        serde_json::from_str(&claimed.specification).map_err(|e| fault(&e))?;
    let document = claimed.document.ok_or_else(|| fault(&"its document is damaged"))?;
    let known = operation(&specification.operation);
    let (operation, _) = known.ok_or_else(|| fault(&"this version knows no such operation"))?;
    let media = operation.media.iter().find(|media| **media == specification.media);
    let media = *media.ok_or_else(|| fault(&"this version answers with no such type"))?;
    let (kind, bytes) = specification.body(document).map_err(|e| fault(&e))?;
    let body = Body::held(app, kind, Bytes::from(bytes)).ok_or(NotBegun::NoRoom)?;
    let identity = app.identity_of(&claimed.tenant);
    let asked = request(operation, &body, specification.tier, specification.strict);
    let ticket = app.pool.admit(&asked).map_err(|_| NotBegun::NoRoom)?;
    let predicted = Duration::from_nanos(ticket.decision().cost);
    let caller = Caller::of_job(identity, media, specification.query, asked);
    let stages = Stages::default();
    let trace = specification.trace.map(|text| {
        let of = app.ids.trace(Some(&text));
        // What was asked is the parent, as if it had been done there.
        Trace { span_id: of.parent.unwrap_or(of.span_id), ..of }
    });
    let part = Part {
        trace,
        operation: operation.name,
        began: (app.clock.now(), time_of_day()),
        stages: stages.clone(),
        deep: None,
    };
    let cancel = ticket.cancel().clone();
    let (stopped, passed) = (cancel.clone(), stages.clone());
    let work =
        execute::on_pool(app, operation, caller, progress, stages, Some(body), operation.work);
    let (app, class, path) = (Arc::clone(app), operation.class, specification.path);
    let running = async move {
        let done = match app.pool.run(ticket, work).await {
            Ok(done) => {
                let answered = execute::answer(&app, class, predicted, &part.stages, done).await;
                answered.map(|(reply, _)| reply)
            }
            Err(shed) => Err(shed.into()),
        };
        part.finish(&app, done.as_ref().err());
        if stopped.is_cancelled() {
            return Err(Unanswered::Stopped);
        }
        match done {
            Ok(reply) => answered(reply.into_answer()),
            Err(error) => match is_fault(&error) {
                Some(unanswered) => Err(unanswered),
                None => {
                    problem(&error, &path, part.trace.map_or_else(String::new, |trace| trace.id()))
                }
            },
        }
    };
    Ok(Begun { cancel, stages: passed, running: Box::pin(running) })
}

/// What the controller is asked for a job.
pub(crate) fn request(
    operation: &Operation,
    body: &Body,
    tier: Tier,
    strict: bool,
) -> Request<'static> {
    let more = operation.estimate.and_then(|by| by(body));
    let elements = estimate::elements(body.bytes.len() as u64);
    let (named, size) =
        more.map_or((operation.estimated_as, elements), |more| (more.operation, more.size));
    let tier = more.map_or(tier, |more| tier.min(more.tier));
    Request { size, tier, strict, ..Request::new(Class::Batch, named) }
}

/// Why an error is no answer; `None` where it is one.
fn is_fault(error: &Error) -> Option<Unanswered> {
    match error {
        Error::Shed(shed) if shed.reason == Reason::Cancelled => Some(Unanswered::Stopped),
        Error::Stopped(Stop::Cancelled) => Some(Unanswered::Stopped),
        Error::Shed(shed) if shed.reason == Reason::Panicked => {
            Some(Unanswered::Fault("it panicked".to_owned()))
        }
        Error::Internal(message) => Some(Unanswered::Fault(message.clone())),
        Error::Store(_)
        | Error::StoreUnavailable { .. }
        | Error::Elsewhere(_)
        | Error::Fenced
        | Error::Crowded { .. } => Some(Unanswered::Fault(error.to_string())),
        _ => None,
    }
}

fn answered(answer: Answer) -> Result<Outcome, Unanswered> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let head = Head {
        status: 200,
        media: answer.media.to_owned(),
        etag: answer.etag,
        differences: text(&answer.differences),
        painter: text(&answer.painter),
    };
    outcome(true, &head, answer.body.to_vec())
}

fn problem(error: &Error, path: &str, trace_id: String) -> Result<Outcome, Unanswered> {
    let response = error.response(path, &trace_id);
    let status = response.status().as_u16();
    let media = "application/problem+json".to_owned();
    let (etag, differences, painter) = (None, String::new(), String::new());
    let head = Head { status, media, etag, differences, painter };
    // A problem document is bytes already.
    let body = response.into_body().try_into_bytes().unwrap_or_default();
    outcome(false, &head, body.to_vec())
}

fn outcome(is_done: bool, head: &Head, body: Vec<u8>) -> Result<Outcome, Unanswered> {
    let fingerprint = fingerprint(&head.media, &body);
    let head = serde_json::to_string(head).map_err(|e| Unanswered::Fault(e.to_string()))?;
    Ok(Outcome { is_done, head, body, fingerprint })
}

/// Members of answers that tell of times; the last is the size of a text with one in it.
const TIMED: [&str; 3] = ["duration_ms", "compiled_at", "output_size_bytes"];

/// What answers to equal work agree in: all but the times that they tell of themselves.
fn fingerprint(media: &str, body: &[u8]) -> String {
    fn untimed(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|name, _| {
                    !TIMED.contains(&name.as_str()) && !name.ends_with("_time_ms")
                });
                members.values_mut().for_each(untimed);
            }
            // The JSON model is in its answer as text besides.
            Value::String(text) if text.starts_with('{') => {
                if let Ok(inner) = serde_json::from_str::<Value>(text) {
                    *value = inner;
                    untimed(value);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(untimed),
            _ => {}
        }
    }
    let plain = media.ends_with("json").then(|| serde_json::from_slice::<Value>(body).ok());
    let plain = plain.flatten().and_then(|mut value| {
        untimed(&mut value);
        serde_json::to_vec(&value).ok()
    });
    blake3::hash(plain.as_deref().unwrap_or(body)).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_that_differ_in_their_times_alone_agree() {
        let of = |body: &str| fingerprint("application/json", body.as_bytes());
        let one = of(r#"{"a": [{"parse_time_ms": 1, "b": 2}], "duration_ms": 3.5}"#);
        assert_eq!(one, of(r#"{"duration_ms": 9, "a": [{"b": 2, "parse_time_ms": 7}]}"#));
        assert_ne!(one, of(r#"{"a": [{"parse_time_ms": 1, "b": 3}], "duration_ms": 3.5}"#));
        let text = |at: &str| json!({ "content": json!({ "compiled_at": at }).to_string() });
        assert_eq!(of(&text("now").to_string()), of(&text("then").to_string()));
        assert_ne!(fingerprint("image/png", b"a"), fingerprint("image/png", b"b"));
        assert_ne!(of("{"), of("{}"));
    }

    #[test]
    fn what_is_written_down_is_read_again_and_its_trace_makes_no_other_job() {
        let one = Specification {
            operation: "render".to_owned(),
            path: "/render".to_owned(),
            is_json: true,
            parameters: Some(Map::from_iter([("options".to_owned(), json!({}))])),
            media: "image/png".to_owned(),
            query: String::new(),
            tier: Tier::Compute,
            strict: false,
            trace: Some("00-1-2-03".to_owned()),
        };
        let read: Specification = serde_json::from_str(&written(&one).unwrap()).unwrap();
        assert_eq!(
            read.payload(&blake3::hash(b"x")).unwrap(),
            one.payload(&blake3::hash(b"x")).unwrap()
        );
        let other = Specification { trace: None, ..read.clone() };
        assert_eq!(
            other.payload(&blake3::hash(b"x")).unwrap(),
            one.payload(&blake3::hash(b"x")).unwrap()
        );
        assert_ne!(
            one.payload(&blake3::hash(b"y")).unwrap(),
            one.payload(&blake3::hash(b"x")).unwrap()
        );
        let (kind, body) = read.body(b"<svg/>".to_vec()).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(kind, Kind::Json);
        assert_eq!(body, json!({ "content": "<svg/>", "options": {} }));
        assert!(read.body(vec![0xff]).is_err());
    }

    #[test]
    fn every_operation_that_can_be_a_job_is_found_by_its_name() {
        let names = operations();
        assert!(
            names.contains(&"render") && names.contains(&"simulate") && !names.contains(&"state")
        );
        for name in names {
            assert!(operation(name).is_some_and(|(operation, _)| operation.name == name));
            let (operation, _) = operation(name).unwrap();
            assert!(operation.media.iter().all(|name| media(name) == Some(name)));
        }
        assert!(operation("state").is_none() && media("text/csv").is_none());
    }
}
