//! Of the requests that are refused for want of time: which could never be served, and are told
//! so instead. "Busy, ask again" would be an invitation to send for ever what no limit lets in.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::Payload;
use serde::Deserialize;
use svgx_engine::document;

use super::admit;
use super::body::{self, Body, Kind};
use crate::protocol::problem::{self, Error};
use crate::state::app::App;

/// Looks at the body of a request that is refused. A small one is taken off the connection in any
/// case, and the look over it costs microseconds. Of large ones one is read at a time; the others
/// are not read.
///
/// # Errors
/// The limit that the drawing in the body exceeds.
pub(crate) async fn check_refused(
    app: &Arc<App>,
    request: &HttpRequest,
    kind: Kind,
    payload: Payload,
) -> Result<(), Error> {
    let announced = admit::number(request.headers(), &header::CONTENT_LENGTH).ok().flatten();
    if announced.is_some_and(|length| length > admit::DISCARDED as u64) {
        let Ok(_one) = app.large_refusals.try_acquire() else { return Ok(()) };
        // A body that does not arrive is no reason to say anything but "busy".
        let Ok(body) = body::read(app, kind, payload).await else { return Ok(()) };
        return large_within(app, body).await;
    }
    match admit::discard(request, payload).await {
        Some(bytes) => within(app, kind, &bytes),
        None => Ok(()),
    }
}

/// Looks at a body that was read before its request was refused.
///
/// # Errors
/// The limit that the drawing in the body exceeds.
pub(crate) async fn check_read(app: &Arc<App>, body: Body) -> Result<(), Error> {
    if body.bytes.len() <= admit::DISCARDED {
        return within(app, body.kind, &body.bytes);
    }
    let Ok(_one) = app.large_refusals.try_acquire() else { return Ok(()) };
    large_within(app, body).await
}

/// [`within`], off the thread that serves others.
async fn large_within(app: &Arc<App>, body: Body) -> Result<(), Error> {
    let app = Arc::clone(app);
    actix_web::web::block(move || within(&app, body.kind, &body.bytes)).await.unwrap_or(Ok(()))
}

fn within(app: &App, kind: Kind, bytes: &[u8]) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Drawing<'b> {
        #[serde(borrow, alias = "svgx_content")]
        content: Option<Cow<'b, str>>,
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let text = match kind {
        Kind::Document => Some(Cow::Borrowed(text)),
        Kind::Json => serde_json::from_str::<Drawing<'_>>(text).ok().and_then(|d| d.content),
    };
    let Some(text) = text else { return Ok(()) };
    match document::exceeds(&text, &app.config.limits) {
        Some(diagnostic) => Err(Error::Document(problem::findings(&text, &[diagnostic]))),
        None => Ok(()),
    }
}
