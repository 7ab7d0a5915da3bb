//! `GET /sessions/{session}/live`: a WebSocket, frames both ways (RFC 6455).

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Closed, Session,
};
use bytestring::ByteString;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, MissedTickBehavior};

use super::operate::{Answering, operate};
use super::{Asked, HEARTBEAT, LOOK, Out, Outbox, Place};
use crate::protocol::problem::{Error, Problem};
use crate::schema;
use crate::state::app::App;
use svgx_session::{ClientFrame, PROTOCOL, SHOWN_SELECTION, Sent};

/// Bytes of one message of a client.
const MESSAGE: usize = 1024 * 1024;
/// How long a client may take to say who it is.
const HELLO: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what is sent to it.
const PROGRESS: Duration = Duration::from_secs(15);
/// Operations of one client that wait to be durable.
const WAITING: usize = 64;
/// Characters of an id in the selection of a client.
const ID: usize = 128;

/// The session as it is edited by everybody, and edits of this client, in frames of the
/// subprotocol `svgx.v1`. A browser, which can set no header, sends its key as a second
/// subprotocol: `svgx.key.` and the key in base64url without padding. The frames are described as
/// `SessionClientFrame`, which the client sends, and `SessionFrame`.
///
/// # Errors
/// A request that is no handshake, and too many streams.
#[utoipa::path(get, path = "/sessions/{session}/live", tag = "interaction", operation_id = "stream_session",
    params(("session" = String, Path, description = "The session's name", example = "default")),
    responses(
        (status = 101, description = "The stream begins: these are its frames", body = schema::SessionFrame),
        (status = 422, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn live(
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Error> {
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut offered = offered.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    if !offered.any(|name| name.trim() == PROTOCOL) {
        let message = "this is a WebSocket: offer the subprotocol `svgx.v1`";
        return Err(Error::invalid("", message));
    }
    let asked = Asked::of(&app.into_inner(), &request, "websocket")?;
    let mut payload = Some(payload);
    if let Some(response) = asked.elsewhere(&request, &mut payload).await? {
        return Ok(response);
    }
    let payload = payload.ok_or_else(|| Error::Internal("no connection".to_owned()))?;
    let (mut response, session, messages) = actix_ws::handle(&request, payload)
        .map_err(|error| Error::invalid("", format!("this is a WebSocket: {error}")))?;
    let headers = response.headers_mut();
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    let messages = messages.max_frame_size(MESSAGE).aggregate_continuations();
    let messages = messages.max_continuation_size(MESSAGE);
    actix_web::rt::spawn(run(asked, session, messages));
    Ok(response)
}

/// Why a stream ends, as the client is told.
type Ending = Option<(CloseCode, &'static str)>;

/// The life of a stream.
async fn run(asked: Asked, mut session: Session, mut messages: AggregatedMessageStream) {
    let ending = match begin(asked, &mut session, &mut messages).await {
        Ok(place) => go_on(place, &mut session, &mut messages).await,
        Err(ending) => ending,
    };
    let reason = ending.map(|(code, why)| CloseReason { code, description: Some(why.to_owned()) });
    // Whoever is gone is not told.
    let _ = tokio::time::timeout(LOOK, session.close(reason)).await;
}

/// Waits for the first frame and answers it.
async fn begin(
    asked: Asked,
    session: &mut Session,
    messages: &mut AggregatedMessageStream,
) -> Result<Arc<Place>, Ending> {
    let first = tokio::time::timeout(HELLO, first_text(messages)).await;
    let Ok(first) = first else { return Err(Some((CloseCode::Policy, "no hello in time"))) };
    let Some(first) = first else { return Err(None) };
    let hello = serde_json::from_str(&first);
    let Ok(ClientFrame::Hello { participant, name, resume }) = hello else {
        let error = Error::invalid("/frame", "the first frame is a `hello`");
        let _ = send(session, asked.problem(None, &error)).await;
        return Err(Some((CloseCode::Policy, "no hello")));
    };
    let shared = (Arc::clone(&asked.app), asked.path.clone(), asked.trace_id.clone());
    match asked.join(participant.as_deref(), name.as_deref(), resume).await {
        Ok((place, hello)) => match send(session, hello).await {
            Ok(()) => Ok(place),
            Err(Closed) => Err(None),
        },
        Err(error) => {
            let problem = serde_json::to_value(error.problem(&shared.1, &shared.2));
            let wait =
                error.retry_after().map(|w| u64::try_from(w.as_millis()).unwrap_or(u64::MAX));
            let frame = svgx_session::Frame::Problem {
                id: None,
                problem: problem.unwrap_or_default(),
                retry_after_ms: wait,
            };
            let _ = send(session, Sent::new(&frame)).await;
            let code = if wait.is_some() { CloseCode::Again } else { CloseCode::Policy };
            Err(Some((code, error.kind().code)))
        }
    }
}

async fn first_text(messages: &mut AggregatedMessageStream) -> Option<ByteString> {
    loop {
        match messages.recv().await?.ok()? {
            AggregatedMessage::Text(text) => return Some(text),
            AggregatedMessage::Close(_) | AggregatedMessage::Binary(_) => return None,
            AggregatedMessage::Ping(_) | AggregatedMessage::Pong(_) => {}
        }
    }
}

/// Sends what there is and does what is asked, until one of both ends.
async fn go_on(
    place: Arc<Place>,
    session: &mut Session,
    messages: &mut AggregatedMessageStream,
) -> Ending {
    let mut outbox = Outbox::new(Arc::clone(&place));
    let mut working: Option<Pin<Box<dyn Future<Output = Answering>>>> = None;
    let mut answering: FuturesUnordered<Answering> = FuturesUnordered::new();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked_at = Instant::now();
    loop {
        let sent = tokio::select! {
            biased;
            _ = look.tick() => {
                if !place.may_go_on() {
                    let stops = !place.asked.app.is_ready();
                    return Some(match stops {
                        true => (CloseCode::Away, "the service stops"),
                        false => (CloseCode::Policy, "the key is not known any more"),
                    });
                }
                place.look_around();
                if asked_at.elapsed() >= HEARTBEAT {
                    asked_at = Instant::now();
                    if session.ping(b"").await.is_err() {
                        return None;
                    }
                }
                continue;
            }
            answering_now = poll_work(&mut working), if working.is_some() => {
                working = None;
                answering.push(answering_now);
                continue;
            }
            Some(answer) = answering.next(), if !answering.is_empty() => answer,
            out = outbox.next() => match out {
                Out::Frame(sent) => sent,
                Out::Closed(why) => return Some((CloseCode::Away, why)),
                Out::Failed(error) => {
                    let _ = send(session, place.problem(None, &error)).await;
                    return Some((CloseCode::Again, error.kind().code));
                }
            },
            message = messages.recv(), if working.is_none() && answering.len() < WAITING => {
                place.seat.heard(place.asked.app.clock.now());
                match message {
                    None | Some(Ok(AggregatedMessage::Close(_))) => return None,
                    Some(Err(_)) => return Some((CloseCode::Size, "a message is too long or broken")),
                    Some(Ok(AggregatedMessage::Binary(_))) => {
                        return Some((CloseCode::Unsupported, "frames are text"));
                    }
                    Some(Ok(AggregatedMessage::Ping(bytes))) => {
                        if session.pong(&bytes).await.is_err() {
                            return None;
                        }
                        continue;
                    }
                    Some(Ok(AggregatedMessage::Pong(_))) => continue,
                    Some(Ok(AggregatedMessage::Text(text))) => match hear(&place, &text) {
                        Heard::Nothing => continue,
                        Heard::Work(work) => {
                            working = Some(work);
                            continue;
                        }
                        Heard::Problem(sent) => sent,
                    },
                }
            }
        };
        if send(session, sent).await.is_err() {
            return None;
        }
    }
}

async fn poll_work(working: &mut Option<Pin<Box<dyn Future<Output = Answering>>>>) -> Answering {
    match working {
        Some(working) => working.await,
        None => std::future::pending().await,
    }
}

enum Heard {
    Nothing,
    Work(Pin<Box<dyn Future<Output = Answering>>>),
    Problem(Sent),
}

/// What a frame of a client asks.
fn hear(place: &Arc<Place>, text: &str) -> Heard {
    let frame = match serde_json::from_str(text) {
        Ok(frame) => frame,
        Err(error) => {
            let at = Some((error.line(), error.column()));
            let error = Error::Malformed { message: error.to_string(), at };
            return Heard::Problem(place.problem(None, &error));
        }
    };
    match frame {
        ClientFrame::Operation { id, base, operation } => {
            let work = operate(Arc::clone(place), id, base, operation, text.len());
            Heard::Work(Box::pin(work))
        }
        ClientFrame::Presence { cursor, selected } => {
            if selected.len() > SHOWN_SELECTION || selected.iter().any(|id| id.len() > ID) {
                let message = "up to 100 ids of up to 128 bytes are shown to others";
                return Heard::Problem(place.problem(None, &Error::invalid("/selected", message)));
            }
            let cursor = cursor.filter(|at| at.x.is_finite() && at.y.is_finite());
            place.seat.moved(cursor, selected);
            Heard::Nothing
        }
        ClientFrame::Reset => {
            place.seat.ask_reset(svgx_session::ResetReason::Asked);
            Heard::Nothing
        }
        ClientFrame::Hello { .. } => {
            let error = Error::invalid("/frame", "there was a `hello` already");
            Heard::Problem(place.problem(None, &error))
        }
    }
}

/// Sends a frame, unless the client has taken nothing for [`PROGRESS`].
async fn send(session: &mut Session, sent: Sent) -> Result<(), Closed> {
    // A frame is JSON, which is text.
    let text = ByteString::try_from(sent.json).map_err(|_| Closed)?;
    match tokio::time::timeout(PROGRESS, session.text(text)).await {
        Ok(sent) => sent,
        Err(_) => Err(Closed),
    }
}
