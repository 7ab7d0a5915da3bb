//! `GET /sessions/{session}/events`: the frames of a session as server-sent events.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream;
use tokio::time::{Instant, MissedTickBehavior};
use utoipa::IntoParams;

use super::{Asked, HEARTBEAT, LOOK, Out, Outbox};
use crate::protocol::negotiate;
use crate::protocol::problem::{Error, Problem};
use crate::protocol::query;
use crate::schema;
use crate::state::app::App;
use svgx_session::Sent;

const EVENTS: &str = "text/event-stream";
const LAST_EVENT_ID: &str = "last-event-id";

/// Who listens.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Listener {
    /// Who listens: 1 to 64 of `A-Z a-z 0-9 . _ -`; a free one without.
    #[param(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    participant: Option<String>,
    /// What the others call them.
    name: Option<String>,
}

/// The session as it is edited by everybody, as server-sent events: each is a frame by its name,
/// and the id of a patch is the token to resume by, which comes back in `Last-Event-ID`. Edits of a
/// listener go to `POST /interactive`, with its `participant`.
///
/// # Errors
/// A session that does not exist, too many streams, or a store that fails.
#[utoipa::path(get, path = "/sessions/{session}/events", tag = "interaction", operation_id = "stream_session_events",
    params(("session" = String, Path, description = "The session's name", example = "default"), Listener,
        ("Last-Event-ID" = Option<String>, Header, description = "The token of the last patch that the client has")),
    responses((status = 200, content((schema::SessionFrame = "text/event-stream"))),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn events(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    negotiate::media_type(request.headers(), &[EVENTS])?;
    let mut listener = Listener::default();
    for (name, value) in query::parameters(request.query_string(), &["participant", "name"])? {
        match name.as_str() {
            "name" => listener.name = Some(value),
            _ => listener.participant = Some(value),
        }
    }
    let resume = request.headers().get(LAST_EVENT_ID).and_then(|v| v.to_str().ok());
    let resume = resume.filter(|token| !token.is_empty()).map(str::to_owned);
    let asked = Asked::of(&app.into_inner(), &request, "events")?;
    if let Some(response) = asked.elsewhere(&request, &mut None).await? {
        return Ok(response);
    }
    let Listener { participant, name } = listener;
    let (place, hello) = asked.join(participant.as_deref(), name.as_deref(), resume).await?;
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listening =
        Listening { outbox: Outbox::new(place), look, spoke: Instant::now(), hello: Some(hello) };
    let events = stream::unfold(Some(listening), async |listening| {
        let mut listening = listening?;
        let (bytes, is_last) = listening.next().await?;
        Some((Ok::<_, Error>(bytes), (!is_last).then_some(listening)))
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, EVENTS))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(events)))
}

struct Listening {
    outbox: Outbox,
    look: tokio::time::Interval,
    /// When something was sent last.
    spoke: Instant,
    hello: Option<Sent>,
}

impl Listening {
    /// The next bytes, and whether they are the last ones.
    async fn next(&mut self) -> Option<(Bytes, bool)> {
        if let Some(hello) = self.hello.take() {
            return Some((event(&hello), false));
        }
        loop {
            tokio::select! {
                biased;
                _ = self.look.tick() => {
                    let place = &self.outbox.place;
                    if !place.may_go_on() {
                        return None;
                    }
                    // It is asked for more, so what came before was taken.
                    place.seat.heard(place.asked.app.clock.now());
                    place.look_around();
                    if self.spoke.elapsed() >= HEARTBEAT {
                        self.spoke = Instant::now();
                        return Some((Bytes::from_static(b": here\n\n"), false));
                    }
                }
                out = self.outbox.next() => {
                    self.spoke = Instant::now();
                    return match out {
                        Out::Frame(sent) => Some((event(&sent), false)),
                        Out::Closed(_) => None,
                        Out::Failed(error) => {
                            Some((event(&self.outbox.place.problem(None, &error)), true))
                        }
                    };
                }
            }
        }
    }
}

fn event(sent: &Sent) -> Bytes {
    let mut out = BytesMut::with_capacity(sent.json.len() + 64);
    out.put_slice(b"event: ");
    out.put_slice(sent.name.as_bytes());
    if let Some(token) = &sent.token {
        out.put_slice(b"\nid: ");
        out.put_slice(token.as_bytes());
    }
    out.put_slice(b"\ndata: ");
    // JSON as it is written has no line breaks.
    out.put_slice(&sent.json);
    out.put_slice(b"\n\n");
    out.freeze()
}
