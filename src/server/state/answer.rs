//! A finished answer, as it is sent, or kept for whoever asks about the job it belongs to.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures::Stream;

use svgx_base::budget::Tier;

use crate::protocol::headers;
use crate::protocol::negotiate::Coding;
use crate::protocol::problem::Error;

/// Where the time of a request went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Phases {
    /// Waiting for a thread.
    pub(crate) queue: Duration,
    /// From bytes to a document.
    pub(crate) parse: Duration,
    /// The work itself.
    pub(crate) work: Duration,
    /// From the result to bytes.
    pub(crate) encode: Duration,
}

/// What is put into the response for the edge to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing(pub(crate) Phases);

/// A finished answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) media: &'static str,
    pub(crate) body: Bytes,
    pub(crate) coding: Coding,
    pub(crate) etag: Option<String>,
    pub(crate) phases: Phases,
    /// The tier it was worked at, and the one asked for, where tiers matter.
    pub(crate) tiers: Option<(Tier, Tier)>,
    /// What of a picture is not as a browser draws it; empty where all is.
    pub(crate) differences: Bytes,
    /// Who painted a picture; empty: it is none.
    pub(crate) painter: Bytes,
}

impl Answer {
    /// The answer with its headers.
    pub(crate) fn into_response(self, status: StatusCode) -> HttpResponse {
        let mut response = self.head(status);
        with_timing(response.body(self.body), self.phases)
    }

    /// The head of the answer, with `body` in place of its own.
    pub(crate) fn into_stream(
        self,
        status: StatusCode,
        body: impl Stream<Item = Result<Bytes, Error>> + 'static,
    ) -> HttpResponse {
        let mut response = self.head(status);
        // Proxies that collect answers would undo what a stream is for.
        response.insert_header((headers::X_ACCEL_BUFFERING.clone(), "no"));
        with_timing(response.streaming(body), self.phases)
    }

    fn head(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut response = HttpResponseBuilder::new(status);
        if !self.media.is_empty() {
            response.insert_header((header::CONTENT_TYPE, self.media));
        }
        if let Some(coding) = self.coding.as_str() {
            response.insert_header((header::CONTENT_ENCODING, coding));
        }
        response.insert_header((header::VARY, "Accept, Accept-Encoding, Authorization"));
        if !self.differences.is_empty() {
            response.insert_header((headers::SVGX_DIFFERENCES.clone(), &self.differences[..]));
        }
        if !self.painter.is_empty() {
            response.insert_header((headers::SVGX_PAINTER.clone(), &self.painter[..]));
        }
        match &self.etag {
            Some(etag) => {
                response.insert_header((header::ETAG, etag.as_str()));
                response.insert_header((header::CACHE_CONTROL, "private, max-age=3600"));
            }
            None => {
                response.insert_header((header::CACHE_CONTROL, "no-store"));
            }
        }
        response
    }
}

fn with_timing(mut response: HttpResponse, phases: Phases) -> HttpResponse {
    response.extensions_mut().insert(Timing(phases));
    response
}

/// The word for an answer in which nothing, or something, failed.
pub(crate) const fn status(success: bool) -> &'static str {
    if success { "success" } else { "partial" }
}

/// A time in milliseconds, to the microsecond: what is beyond is noise.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3, 3)
}

/// A number with so many decimals.
pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}
