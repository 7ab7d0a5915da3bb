//! Work that is asked for as a job by name: documents and parameters, each document with each. It goes
//! to the queue that processes share, or where there is none is done by this one.

use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest};
use bytes::Bytes;
use serde_json::{Map, Value};
use svgx_base::budget::Class;
use svgx_jobs::Item;

use super::admit::AdmissionRequest;
use super::body::{Body, Kind};
use super::deferred::{self, Asked};
use super::execute::Caller;
use super::operation::Operation;
use super::queued::{self, Specification};
use crate::protocol::headers;
use crate::protocol::problem::Error;
use crate::protocol::trace::Trace;
use crate::protocol::wording;
use crate::state::app::App;
use crate::state::jobs::{JobView, MOST_OPEN};
use crate::state::keys::Identity;
use crate::state::queue::JobQueue;

/// Jobs of one request.
pub(crate) const MOST: usize = 10_000;

/// Work that is asked for.
#[derive(Debug)]
pub(crate) struct Submitted {
    /// The name of the operation.
    pub(crate) operation: String,
    /// The documents.
    pub(crate) documents: Vec<String>,
    /// The rest of the body of the operation, one way or several.
    pub(crate) parameters: Vec<Map<String, Value>>,
    /// The media type of the answers; the usual one without.
    pub(crate) accept: Option<String>,
    /// Whether a document is named by its place, or is the only one there can be.
    pub(crate) is_batch: bool,
}

/// Bytes of requests that are written down: parameters count once for each document.
const MOST_BYTES: usize = 64 << 20;
/// Bytes of documents that are looked at to know how much work there is, and of one at the least.
const LOOKED: usize = 8 << 20;
const LEAST: usize = 4 << 10;

/// What all jobs of one request have in common.
struct Made {
    app: Arc<App>,
    read: Read,
    asked: AdmissionRequest,
    tenant: String,
    key: Option<String>,
    batch: String,
    trace: Option<String>,
}

/// Work that can be done.
struct Read {
    operation: &'static Operation,
    path: &'static str,
    media: &'static str,
}

impl Submitted {
    /// Looks whether the work can be done at all.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the place, [`Error::Limit`].
    fn read(&self) -> Result<Read, Error> {
        let Some((operation, path)) = queued::operation(&self.operation) else {
            let known = queued::operations();
            let message = wording::unknown("operation that can be a job", &self.operation, &known);
            return Err(Error::invalid("/operation", message));
        };
        let media = match self.accept.as_deref() {
            None => operation.media.first().copied(),
            Some(accept) => operation.media.iter().copied().find(|media| *media == accept),
        };
        let media = media.filter(|media| !operation.streams.contains(media));
        let Some(media) = media else {
            let all = operation.media.iter().filter(|media| !operation.streams.contains(media));
            let all = all.copied().collect::<Vec<_>>().join(", ");
            let message = format!("`{}` is available as {all}", operation.name);
            return Err(Error::invalid("/accept", message));
        };
        for (empty, pointer) in
            [(self.documents.is_empty(), "/documents"), (self.parameters.is_empty(), "/parameters")]
        {
            if empty {
                return Err(Error::invalid(pointer, "expected one at the least, found none"));
            }
        }
        let count = self.documents.len().saturating_mul(self.parameters.len());
        if count > MOST {
            let what = "jobs of one request, each document with each of the parameters".to_owned();
            return Err(Error::Limit { what, limit: MOST as f64, seen: count as f64 });
        }
        for (place, parameters) in self.parameters.iter().enumerate() {
            for name in ["content", "svgx_content", "session"] {
                if parameters.contains_key(name) {
                    let at = if self.is_batch { format!("/{place}") } else { String::new() };
                    let message = match name {
                        "session" => {
                            "a job by name is about a document; for one about a session ask its \
                             own endpoint with `Prefer: respond-async`"
                        }
                        _ => "the document stands beside the parameters, not in them",
                    };
                    return Err(Error::invalid(&format!("/parameters{at}/{name}"), message));
                }
            }
        }
        if self.documents.len() > 1 {
            let bytes = serde_json::to_vec(&self.parameters).map_or(0, |bytes| bytes.len());
            let seen = bytes.saturating_mul(self.documents.len());
            if seen > MOST_BYTES {
                let what = "bytes of parameters, once for each document".to_owned();
                return Err(Error::Limit { what, limit: MOST_BYTES as f64, seen: seen as f64 });
            }
        }
        Ok(Read { operation, path, media })
    }

    /// Puts the work into the queue, or takes it on here: the jobs, and the name of the batch.
    ///
    /// # Errors
    /// [`Error::Invalid`] or [`Error::Limit`] for what cannot be done, [`Error::Crowded`] where there is
    /// no room for all of it; whatever the queue refuses.
    pub(crate) async fn submit(
        self,
        app: &Arc<App>,
        request: &HttpRequest,
        identity: &Identity,
    ) -> Result<Jobs, Error> {
        let read = self.read()?;
        let trace = request.extensions().get::<Trace>().copied();
        let asked = AdmissionRequest::of(app, request, read.operation, identity, false)?;
        let key = headers::idempotency_key(request.headers())?;
        let batch = if self.is_batch { name_of_batch(&identity.name, key)? } else { String::new() };
        let Some(queue) = &app.queue else {
            return self.take_on(app, &read, &asked, identity, &batch, trace);
        };
        let made = Made {
            app: Arc::clone(app),
            read,
            asked,
            tenant: identity.name.to_string(),
            key: key.map(str::to_owned),
            batch: batch.clone(),
            trace: trace.as_ref().map(queued::traceparent),
        };
        let (tenant, is_batch) = (made.tenant.clone(), self.is_batch);
        // Off the thread that serves others: it may be much.
        let items = tokio::task::spawn_blocking(move || self.items(&made)).await;
        let (items, documents) = items.map_err(|e| Error::Internal(e.to_string()))??;
        let ids: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
        let first = ids.first().cloned().unwrap_or_default();
        let view = queue.ask(move |queue| {
            queue.put(&tenant, &documents, &items)?;
            // Of many, those that were put in first may have ended and be gone.
            if is_batch { Ok(None) } else { queue.view(Some(&tenant), &first).map(Some) }
        });
        let view = view.await?.map(queued::view);
        Ok(Jobs { ids, batch, view })
    }

    /// The jobs, and the documents that they are about.
    fn items(self, made: &Made) -> Result<(Vec<Item>, Vec<Vec<u8>>), Error> {
        let estimates = self.estimates(made)?;
        let hashes: Vec<blake3::Hash> =
            self.documents.iter().map(|text| blake3::hash(text.as_bytes())).collect();
        let mut items = Vec::new();
        for (place, (document, hash)) in self.documents.iter().zip(&hashes).enumerate() {
            for (parameters, (estimate, per_byte)) in self.parameters.iter().zip(&estimates) {
                let mut request = estimate.as_batch();
                request.size = ((document.len() as f64 * per_byte) as u64).max(1);
                let specification = Specification {
                    operation: made.read.operation.name.to_owned(),
                    path: made.read.path.to_owned(),
                    is_json: true,
                    parameters: Some(parameters.clone()),
                    media: made.read.media.to_owned(),
                    query: String::new(),
                    tier: request.tier,
                    strict: request.strict,
                    trace: made.trace.clone(),
                };
                let id = JobQueue::name(&made.tenant, made.key.as_deref(), items.len())?;
                let cost = made.app.pool.cost_of(&request);
                items.push(specification.item(id, hash, place, cost, made.batch.clone())?);
            }
        }
        let documents = self.documents.into_iter().map(String::into_bytes).collect();
        Ok((items, documents))
    }

    /// How much work a document is with each of the parameters, and for each of its bytes: by the
    /// beginning of the first one, for the rest of it and the others are by their length.
    fn estimates(&self, made: &Made) -> Result<Vec<(AdmissionRequest, f64)>, Error> {
        let first = self.documents.first().map_or("", String::as_str);
        let most = (LOOKED / self.parameters.len().max(1)).max(LEAST);
        let end = first.char_indices().map(|(at, _)| at).find(|at| *at >= most);
        let beginning = first.get(..end.unwrap_or(first.len())).unwrap_or_default();
        let estimate = |parameters| {
            let body = self.body(&made.app, parameters, beginning)?;
            let more = made.read.operation.estimate.and_then(|by| by(&body));
            let asked = made.asked.sized(body.bytes.len());
            let asked = more.map_or(asked, |more| asked.refined(more));
            let per_byte = asked.request().size as f64 / beginning.len().max(1) as f64;
            Ok((asked, per_byte))
        };
        self.parameters.iter().map(estimate).collect()
    }

    /// The body that the operation reads.
    fn body(
        &self,
        app: &Arc<App>,
        parameters: &Map<String, Value>,
        document: &str,
    ) -> Result<Body, Error> {
        let mut whole = parameters.clone();
        whole.insert("content".to_owned(), Value::String(document.to_owned()));
        let bytes = serde_json::to_vec(&whole).map_err(|e| Error::Internal(e.to_string()))?;
        let body = Body::held(app, Kind::Json, Bytes::from(bytes));
        let limit = app.config.max_body_total;
        body.ok_or_else(|| Error::crowded("bytes of request bodies", limit))
    }

    fn take_on(
        &self,
        app: &Arc<App>,
        read: &Read,
        asked: &AdmissionRequest,
        identity: &Identity,
        batch: &str,
        trace: Option<Trace>,
    ) -> Result<Jobs, Error> {
        let count = self.documents.len() * self.parameters.len();
        if count > MOST_OPEN {
            let what =
                "jobs of one key that are not finished, without a queue that processes share";
            let (limit, seen) = (MOST_OPEN as f64, count as f64);
            return Err(Error::Limit { what: what.to_owned(), limit, seen });
        }
        // All of it or nothing, as far as one can see before.
        if count > app.jobs.room(identity) {
            let wait = app.pool.drained_in(Class::Batch);
            let what = "jobs of this key that are not finished";
            return Err(Error::Crowded { what, limit: MOST_OPEN, wait });
        }
        let mut jobs = Jobs { ids: Vec::new(), batch: batch.to_owned(), view: None };
        for document in &self.documents {
            for parameters in &self.parameters {
                let body = self.body(app, parameters, document)?;
                let mut asked = asked.sized(body.bytes.len());
                if let Some(more) = read.operation.estimate.and_then(|by| by(&body)) {
                    asked = asked.refined(more);
                }
                let ticket = asked.admit_as_batch(app)?;
                let request = asked.request();
                let caller = Caller::of_job(identity.clone(), read.media, String::new(), request);
                let from = Asked {
                    path: read.path.to_owned(),
                    trace,
                    deep: None,
                    batch: (!batch.is_empty()).then(|| batch.to_owned()),
                };
                let view =
                    deferred::take_on(app, from, read.operation, caller, ticket, Some(body))?;
                jobs.ids.push(view.id.clone());
                jobs.view = Some(view);
            }
        }
        Ok(jobs)
    }
}

/// Jobs that were taken on.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// Their names: for each document in order, one for each of the parameters.
    pub(crate) ids: Vec<String>,
    /// What they have in common; empty where it is one alone.
    pub(crate) batch: String,
    /// The one alone, or the last.
    pub(crate) view: Option<JobView>,
}

fn name_of_batch(tenant: &str, key: Option<&str>) -> Result<String, Error> {
    // The place of no job.
    let name = JobQueue::name(tenant, key, usize::MAX)?;
    Ok(format!("b{}", name.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submitted(operation: &str, documents: usize, parameters: usize) -> Submitted {
        Submitted {
            operation: operation.to_owned(),
            documents: vec!["<svg/>".to_owned(); documents],
            parameters: vec![Map::new(); parameters],
            accept: None,
            is_batch: true,
        }
    }

    fn refused(work: &Submitted) -> String {
        match work.read().map(|read| read.media) {
            Err(Error::Invalid { pointer, message, .. }) => format!("{pointer}: {message}"),
            Err(Error::Limit { limit, seen, .. }) => format!("{seen} of {limit}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_place() {
        assert!(submitted("render", 100, 100).read().is_ok());
        let mut large = submitted("render", 100, 1);
        large.parameters[0].insert("options".to_owned(), Value::String("x".repeat(1 << 20)));
        assert!(refused(&large).ends_with(" of 67108864"), "{}", refused(&large));
        assert_eq!(refused(&submitted("render", 101, 100)), "10100 of 10000");
        assert!(refused(&submitted("rendr", 1, 1)).contains("did you mean `render`"));
        assert!(refused(&submitted("state", 1, 1)).starts_with("/operation: "));
        assert!(refused(&submitted("render", 0, 1)).starts_with("/documents: "));
        assert!(refused(&submitted("render", 1, 0)).starts_with("/parameters: "));
        let stream = Some("application/x-ndjson".to_owned());
        let refused_stream = refused(&Submitted { accept: stream, ..submitted("simulate", 1, 1) });
        assert_eq!(refused_stream, "/accept: `simulate` is available as application/json");
        for (name, batch, at) in [
            ("session", true, "/parameters/1/session: "),
            ("content", false, "/parameters/content: "),
        ] {
            let mut work = submitted("render", 1, 2);
            work.is_batch = batch;
            work.parameters[1].insert(name.to_owned(), Value::Null);
            assert!(refused(&work).starts_with(at), "{}", refused(&work));
        }
    }

    #[test]
    fn a_batch_is_known_again_by_its_key() {
        let name = |key| name_of_batch("ana", key).expect("random numbers");
        assert_eq!(name(Some("k")), name(Some("k")));
        assert_ne!(name(None), name(None));
        assert!(name(Some("k")).starts_with('b') && !JobQueue::has(&name(Some("k"))));
    }
}
