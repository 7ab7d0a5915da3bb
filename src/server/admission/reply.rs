//! What the work of a handler gets, and what it answers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use serde::Serialize;

use svgx_base::budget::{Budget, Tier, Time};
use svgx_controller::{Reason, Request};
use svgx_session::{By, Pending};
use svgx_telemetry::stage::{Fact, Facts, Stage, Stages, Step};

use crate::protocol::negotiate::Coding;
use crate::protocol::problem::Error;
use crate::state::answer::{Answer, Phases, milliseconds};
use crate::state::app::App;
use crate::state::jobs::Progress;
use crate::state::keys::{Credential, Identity};

/// What a handler's work gets, on a thread of the pool.
#[derive(Debug)]
pub(crate) struct Call<'b> {
    /// The service.
    pub(crate) app: Arc<App>,
    /// The replica that passed the request on, where one did.
    pub(crate) by: By,
    /// The name of the operation.
    pub(crate) operation: &'static str,
    /// Who asks.
    pub(crate) identity: Identity,
    /// What proves it, for work that outlives the request.
    pub(crate) credential: Credential,
    /// How long it may take.
    pub(crate) budget: &'b Budget,
    /// The media type that was agreed on.
    pub(crate) media: &'static str,
    /// The query of the request.
    pub(crate) query: String,
    /// The session that the path or the `X-SVGX-Session` header names.
    pub(crate) session: Option<String>,
    /// What was admitted: asked again by work that goes on in further pieces.
    pub(crate) asked: Request<'static>,
    /// Why it was admitted as it was.
    pub(crate) reason: Reason,
    /// Where the time went so far.
    pub(crate) phases: Phases,
    /// How far the work is, for whoever asks about it as a job.
    pub(crate) progress: Progress,
    pub(crate) stages: Stages,
    pub(crate) started: Time,
    pub(crate) if_none_match: Option<String>,
    pub(crate) coding: Coding,
}

/// What follows the first bytes of an answer that is made while it is sent.
pub(crate) type Rest = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// An answer: finished, or begun.
pub(crate) struct Reply {
    status: StatusCode,
    answer: Answer,
    /// What has to be durable before the answer is sent.
    pub(super) durable: Option<Pending>,
    /// What is still to come.
    rest: Option<Rest>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Call<'_> {
    /// Now, by the one clock.
    pub(crate) fn now(&self) -> Time {
        self.app.clock.now()
    }

    /// Notes for the trace that `step` took from `began` until now, and the numbers
    /// that explain it, by the names that `slo/telemetry/spans.yaml` declares.
    pub(crate) fn note<const N: usize>(
        &self,
        step: Step,
        began: Time,
        facts: [(&'static str, Fact); N],
    ) {
        let facts = facts.into_iter().collect::<Facts>();
        self.stages.note(Stage { step, began, ended: self.now(), facts });
    }

    /// Milliseconds since the work began.
    pub(crate) fn elapsed_ms(&self) -> f64 {
        milliseconds(self.now().since(self.started))
    }

    /// The tag by which the client already holds the answer called `etag`, in whatever coding. `*`
    /// names none: it is about what is stored, and nothing is (RFC 9110, section 13.1.2).
    pub(crate) fn known_as(&self, etag: &str) -> Option<String> {
        let known = self.if_none_match.as_ref()?;
        let found = known.split(',').map(str::trim).find(|tag| same_result(tag, etag))?;
        Some(found.to_owned())
    }

    /// An answer in JSON.
    ///
    /// # Errors
    /// When a value cannot be written, which is a defect.
    pub(crate) fn json<T: Serialize>(
        self,
        value: &T,
        etag: Option<String>,
    ) -> Result<Reply, Error> {
        let began = self.now();
        let body = serde_json::to_vec(value).map_err(|e| Error::Internal(e.to_string()))?;
        let (body, coding) = self.coding.encode(body);
        Ok(self.finish(began, "application/json", Bytes::from(body), coding, etag))
    }

    /// An answer in bytes of the media type `media`; compressed if it is text.
    pub(crate) fn bytes(self, media: &'static str, body: Bytes, etag: Option<String>) -> Reply {
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
    pub(crate) fn streamed(self, media: &'static str, first: Bytes, rest: Option<Rest>) -> Reply {
        let now = self.now();
        let rest = rest.unwrap_or_else(|| Box::pin(stream::empty()));
        let mut reply = self.finish(now, media, first, Coding::Identity, None);
        reply.rest = Some(rest);
        reply
    }

    /// "You have it already", by the tag `known` of the client.
    pub(crate) fn not_modified(self, known: String) -> Reply {
        let now = self.now();
        let mut reply = self.finish(now, "", Bytes::new(), Coding::Identity, Some(known));
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
        let etag = etag.map(|etag| coding.tag(&etag));
        let (differences, painter) = (Bytes::new(), Bytes::new());
        let answer = Answer { media, body, coding, etag, phases, tiers, differences, painter };
        Reply { status: StatusCode::OK, answer, durable: None, rest: None }
    }
}

/// Whether two tags name the same result, in whatever coding and strength.
fn same_result(one: &str, other: &str) -> bool {
    fn opaque(tag: &str) -> &str {
        let tag = tag.trim_start_matches("W/").trim_matches('"');
        tag.strip_suffix("-gzip").or_else(|| tag.strip_suffix("-br")).unwrap_or(tag)
    }
    opaque(one) == opaque(other)
}

impl Reply {
    /// Holds the answer back until a write would survive the end of the process.
    #[must_use]
    pub(crate) fn once_durable(mut self, written: Pending) -> Reply {
        self.durable = Some(written);
        self
    }

    /// Says what of the picture is not as a browser draws it.
    #[must_use]
    pub(crate) fn differing(mut self, differences: Bytes) -> Reply {
        self.answer.differences = differences;
        self
    }

    /// Says who painted the picture.
    #[must_use]
    pub(crate) fn painted_by(mut self, painter: Bytes) -> Reply {
        self.answer.painter = painter;
        self
    }

    /// Says at which tier it was answered, and at which it was to be.
    #[must_use]
    pub(crate) fn at(mut self, delivered: Tier, asked: Tier) -> Reply {
        self.answer.tiers = Some((delivered, asked));
        self
    }

    /// The tier it was worked at, and the one asked for, where tiers matter.
    pub(super) fn tiers(&self) -> Option<(Tier, Tier)> {
        self.answer.tiers
    }

    /// Says how long the work waited for a thread.
    pub(super) fn queued(&mut self, queued: Duration) {
        self.answer.phases.queue = queued;
    }

    /// The answer as a job keeps it.
    pub(super) fn into_answer(self) -> Answer {
        self.answer
    }

    /// The answer with its headers.
    pub(super) fn into_response(self) -> HttpResponse {
        let Reply { status, answer, rest, .. } = self;
        match rest {
            None => answer.into_response(status),
            Some(rest) => {
                let first = Box::pin(stream::once(std::future::ready(Ok(answer.body.clone()))));
                answer.into_stream(status, Box::pin(first.chain(rest)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_known_by_the_tag_of_any_of_its_codings() {
        for (tag, expected) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"abc-br\"", true),
            ("W/\"abc-gzip\"", true),
            ("\"abcd\"", false),
            ("\"abc-zip\"", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(same_result(tag, "\"abc\""), expected, "{tag}");
        }
    }
}
