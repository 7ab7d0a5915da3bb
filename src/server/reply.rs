//! What the work of a handler gets, and what an answer is.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use serde::Serialize;

use svgx_base::budget::{Budget, Class, Tier, Time};
use svgx_controller::{Reason, Request};
use svgx_session::Pending;
use svgx_telemetry::stage::{Fact, Facts, Stage, Stages, Step};

use super::admit::Work;
use super::app::App;
use super::body::Body;
use super::jobs::Progress;
use super::keys::Identity;
use super::negotiate::Coding;
use super::problem::Error;

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
    pub(super) stages: Stages,
    pub(super) started: Time,
    pub(super) if_none_match: Option<String>,
    pub(super) coding: Coding,
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
    pub(super) phases: Phases,
    /// The tier it was worked at, and the one asked for, where tiers matter.
    pub(super) tiers: Option<(Tier, Tier)>,
    /// What has to be durable before the answer is sent.
    pub(super) once: Option<Pending>,
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
