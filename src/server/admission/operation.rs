//! What an endpoint does on the compute pool, and how it is admitted.

use svgx_base::budget::Class;

use super::body::Body;
use super::estimate::Estimate;
use super::reply::{Call, Reply};
use crate::protocol::problem::Error;

/// The work of an endpoint, on a thread of the pool.
pub(crate) type Work = fn(Call<'_>, Option<Body>) -> Result<Reply, Error>;

/// What an endpoint does on the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// Its class, for the objectives and the pool.
    pub(crate) class: Class,
    /// Its name, in metrics, traces and jobs.
    pub(crate) name: &'static str,
    /// The operation of the objectives whose cost it is estimated with.
    pub(crate) estimated_as: &'static str,
    /// The media types it can answer with, the usual one first.
    pub(crate) media: &'static [&'static str],
    /// Those of them that are answered as a stream: without an objective, and never as a job.
    pub(crate) streams: &'static [&'static str],
    /// Whether work that no tier brings inside the budget becomes a job.
    pub(crate) is_deferrable: bool,
    /// Whether an answer has a tag, by which `If-None-Match` knows it again.
    pub(crate) is_tagged: bool,
    /// How much work a body is, where its length does not tell.
    pub(crate) estimate: Option<fn(&Body) -> Option<Estimate>>,
    /// What it does.
    pub(crate) work: Work,
}

impl Operation {
    /// An operation that answers JSON.
    pub(crate) const fn new(class: Class, name: &'static str, work: Work) -> Operation {
        Operation {
            class,
            name,
            estimated_as: name,
            media: &["application/json"],
            streams: &[],
            is_deferrable: false,
            is_tagged: false,
            estimate: None,
            work,
        }
    }

    /// The same, answering `202` with a job for what no tier brings inside the budget, and for
    /// whoever prefers it.
    pub(crate) const fn deferrable(mut self) -> Operation {
        self.is_deferrable = true;
        self
    }

    /// The same, with answers that have a tag.
    pub(crate) const fn tagged(mut self) -> Operation {
        self.is_tagged = true;
        self
    }

    /// The same, with the estimate of another operation of the objectives.
    pub(crate) const fn estimated_as(mut self, name: &'static str) -> Operation {
        self.estimated_as = name;
        self
    }

    /// The same, with the work that is asked for read from the body.
    pub(crate) const fn estimated_by(mut self, by: fn(&Body) -> Option<Estimate>) -> Operation {
        self.estimate = Some(by);
        self
    }

    /// The same, answering with these media types.
    pub(crate) const fn media(mut self, media: &'static [&'static str]) -> Operation {
        self.media = media;
        self
    }

    /// The same, answering with these of its media types as a stream.
    pub(crate) const fn streams(mut self, media: &'static [&'static str]) -> Operation {
        self.streams = media;
        self
    }

    /// The operation as it is done for an answer of the type `media`.
    pub(crate) fn answering(&self, media: &str) -> Operation {
        if self.streams.contains(&media) {
            // No latency is promised for the last byte of a stream.
            Operation { class: Class::Batch, is_deferrable: false, estimate: None, ..*self }
        } else {
            *self
        }
    }
}
