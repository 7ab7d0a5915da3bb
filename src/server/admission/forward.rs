//! A request for a session that another replica has: passed on to that one, or the session taken
//! over where that one is no more.

pub(crate) mod there;
mod tunnel;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Payload;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http_body_util::Full;
use svgx_session::By;
use tokio::time::{Interval, MissedTickBehavior};

use self::there::{OfOwner, kind_of};
use self::wire::{Answer, Failure, Message, Patience};
use super::body::Body;
use crate::protocol::headers::{SVGX_REPLICA, SVGX_REPLICA_PROOF, SVGX_SESSION, TRACEPARENT};
use crate::protocol::problem::{self, Error, Owner};
use crate::protocol::trace::Trace;
use crate::state::app::App;
use crate::state::keys::{Credential, Identity};
use crate::state::replicas::{Did, Forwarded, PassedOn, is_passed_on};

/// How often an owner is looked for before the client is told to come again.
const TRIES: u32 = 4;
/// Between two looks whether the owner lives and the stream may go on.
const LOOK: Duration = Duration::from_millis(250);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest answer that is read whole before it is sent.
const WHOLE: u64 = 256 * 1024;
/// The longest body that is looked at for the session that it names, before it is known what the
/// request is.
const LOOKED_AT: usize = 64 * 1024;

/// What came of asking the owner.
pub(crate) enum Asked {
    /// Its answer.
    Answered(HttpResponse),
    /// Nothing was done, and it is worth another try.
    Again,
}

/// How it went to ask another replica.
enum Exchange {
    Response(Answer),
    /// It did nothing: it does not have the session.
    Nothing,
    /// It is no more.
    Gone,
    /// It was not asked.
    Unreachable,
    /// It was asked, and what came of it is not known.
    Interrupted,
}

/// A request as it is passed on, any number of times.
#[derive(Debug)]
pub(crate) struct Forward<'r> {
    app: &'r Arc<App>,
    request: &'r HttpRequest,
    body: Option<Bytes>,
    /// Whether doing it twice is doing it once.
    repeatable: bool,
    tries: u32,
}

impl<'r> Forward<'r> {
    /// `None` where requests are not passed on, or this one was.
    pub(crate) fn of(
        app: &'r Arc<App>,
        request: &'r HttpRequest,
        body: Option<Bytes>,
    ) -> Option<Forward<'r>> {
        if !app.replicas.are_asked() || request.extensions().contains::<PassedOn>() {
            return None;
        }
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let repeatable = is_read || body.as_ref().is_some_and(|body| has_id(body));
        Some(Forward { app, request, body, repeatable, tries: 0 })
    }

    /// Goes on after `error`: asks the owner that it names, or takes the session over.
    ///
    /// # Errors
    /// The same error where it is another one, or there were tries enough;
    /// [`Error::OutcomeUnknown`]; whatever the store fails with.
    pub(crate) async fn after(
        &mut self,
        error: Error,
        payload: &mut Option<Payload>,
    ) -> Result<Asked, Error> {
        self.tries += 1;
        if self.tries > TRIES {
            return Err(error);
        }
        match error {
            // The write has not happened, and whose the session is will be found out.
            Error::Fenced => Ok(Asked::Again),
            Error::Elsewhere(owner) => self.ask(*owner, payload).await,
            other => Err(other),
        }
    }

    async fn ask(&self, owner: Owner, payload: &mut Option<Payload>) -> Result<Asked, Error> {
        let exchanged = self.exchange(&owner.replica, &owner.address).await?;
        match &exchanged {
            Exchange::Response(_) => self.app.whereabouts.found(&owner),
            _ => self.app.whereabouts.forget(&owner.key),
        }
        match exchanged {
            Exchange::Response(response) => self.answered(response, payload).await,
            Exchange::Nothing => {
                tokio::time::sleep(PAUSE).await;
                Ok(Asked::Again)
            }
            Exchange::Gone => take_over(self.app, owner).await,
            Exchange::Unreachable if reached_at(self.app, &owner.replica).await?.is_none() => {
                Ok(Asked::Again)
            }
            Exchange::Unreachable => Err(Error::Elsewhere(Box::new(owner))),
            Exchange::Interrupted => self.interrupted(),
        }
    }

    /// The answer of the replica that had the session when it was asked last, without asking the
    /// store again: whoever has it no more says so, and nothing is done then. `None` where the store
    /// is to be asked.
    async fn ask_known(&mut self, owner: Owner) -> Result<Option<HttpResponse>, Error> {
        let exchanged = self.exchange(&owner.replica, &owner.address).await?;
        if let Exchange::Response(response) = exchanged {
            return match self.answered(response, &mut None).await? {
                Asked::Answered(response) => Ok(Some(response)),
                Asked::Again => Ok(None),
            };
        }
        self.app.whereabouts.forget(&owner.key);
        match exchanged {
            Exchange::Gone => take_over(self.app, owner).await.map(|_| None),
            Exchange::Interrupted => self.interrupted().map(|_| None),
            _ => Ok(None),
        }
    }

    /// The answer of a replica that alone has what is asked for, whatever session that is about;
    /// `None` where it is gone, and what it had with it.
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`] where it does not answer.
    pub(crate) async fn to(&self, replica: &str) -> Result<Option<HttpResponse>, Error> {
        let Some(address) = reached_at(self.app, replica).await? else { return Ok(None) };
        match self.exchange(replica, &address).await? {
            Exchange::Response(response) => match self.answered(response, &mut None).await? {
                Asked::Answered(response) => Ok(Some(response)),
                Asked::Again => Err(Error::OutcomeUnknown),
            },
            Exchange::Gone => Ok(None),
            Exchange::Nothing | Exchange::Unreachable | Exchange::Interrupted => {
                Err(Error::OutcomeUnknown)
            }
        }
    }

    async fn exchange(&self, replica: &str, address: &str) -> Result<Exchange, Error> {
        let exchanged = self.asked(replica, address).await?;
        self.app.replicas.forwarded.add(match &exchanged {
            Exchange::Response(_) => Forwarded::Answered,
            Exchange::Nothing => Forwarded::NotThere,
            Exchange::Gone => Forwarded::Gone,
            Exchange::Unreachable => Forwarded::Unreachable,
            Exchange::Interrupted => Forwarded::Interrupted,
        });
        Ok(exchanged)
    }

    async fn asked(&self, replica: &str, address: &str) -> Result<Exchange, Error> {
        if address.is_empty() {
            return Ok(Exchange::Unreachable);
        }
        let (message, nonce) = self.message(replica, address)?;
        // Half of what the other side keeps them for, which is set like this one.
        let patience = Patience(self.app.config.keep_alive / 2);
        let sending = wire::ask(address, message, patience);
        tokio::pin!(sending);
        let mut look = every(LOOK);
        let sent = loop {
            tokio::select! {
                biased;
                sent = &mut sending => break sent,
                _ = look.tick() => {
                    // Alive, it may just be slow; gone, it will not answer any more. Where the store
                    // does not say, the owner does.
                    if let Ok(None) = reached_at(self.app, replica).await {
                        return Ok(Exchange::Interrupted);
                    }
                }
            }
        };
        let response = match sent {
            Ok(response) => response,
            // The process is gone, whatever its lease says.
            Err(Failure::Refused) => return Ok(Exchange::Gone),
            Err(Failure::Unreachable) => return Ok(Exchange::Unreachable),
            Err(Failure::Broken) => return Ok(Exchange::Interrupted),
        };
        let did = self.app.replicas.did(response.header(&SVGX_REPLICA_PROOF), &nonce);
        Ok(match did {
            Some(Did::Answered) => Exchange::Response(response),
            Some(Did::Nothing) => Exchange::Nothing,
            // Another process has its address now.
            Some(Did::IsAnother) => Exchange::Gone,
            None => {
                tracing::error!(replica, address, "what answers there is no replica of ours");
                Exchange::Unreachable
            }
        })
    }

    /// The request for the owner, and the number that its answer has to prove.
    fn message(&self, replica: &str, address: &str) -> Result<(Message, String), Error> {
        let request = self.request;
        let extensions = request.extensions();
        let identity = extensions.get::<Identity>().map_or(&self.app.anonymous, |known| known);
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let method = request.method().as_str();
        let (proof, nonce) = self.app.replicas.ask(replica, &identity.name, method, target)?;
        let wrong = |e: hyper::http::Error| Error::Internal(e.to_string());
        let body = Full::new(self.body.clone().unwrap_or_default());
        let built = hyper::Request::builder().method(method).uri(target).body(body);
        let mut message = built.map_err(wrong)?;
        let headers = message.headers_mut();
        let mut header = |name: &[u8], value: &[u8]| {
            let name = hyper::header::HeaderName::from_bytes(name).map_err(|e| wrong(e.into()))?;
            let value = hyper::header::HeaderValue::from_bytes(value);
            headers.append(name, value.map_err(|e| wrong(e.into()))?);
            Ok::<_, Error>(())
        };
        header(b"host", address.as_bytes())?;
        for (name, value) in request.headers() {
            if is_passed_on(name.as_str(), request.headers()) {
                header(name.as_str().as_bytes(), value.as_bytes())?;
            }
        }
        if let Some(trace) = extensions.get::<Trace>() {
            let mut text = String::new();
            trace.traceparent(&mut text);
            header(TRACEPARENT.as_str().as_bytes(), text.as_bytes())?;
        }
        if request.headers().contains_key(header::SEC_WEBSOCKET_KEY) {
            let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
            let offered = offered.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
            // A key is for this replica, which has looked at it.
            let protocols = offered.map(str::trim).filter(|name| !name.starts_with("svgx.key."));
            let protocols = protocols.collect::<Vec<_>>().join(", ");
            header(b"connection", b"Upgrade")?;
            header(b"upgrade", b"websocket")?;
            header(b"sec-websocket-protocol", protocols.as_bytes())?;
        }
        header(SVGX_REPLICA.as_str().as_bytes(), proof.as_bytes())?;
        if let Some(body) = &self.body {
            header(b"content-length", body.len().to_string().as_bytes())?;
        }
        Ok((message, nonce))
    }

    async fn answered(
        &self,
        response: Answer,
        payload: &mut Option<Payload>,
    ) -> Result<Asked, Error> {
        let on = || {
            let credential = self.request.extensions().get::<Credential>().copied();
            let credential = credential.unwrap_or(Credential::NONE);
            GoesOn { app: Arc::clone(self.app), credential }
        };
        let status = StatusCode::from_u16(response.status);
        let status = status.map_err(|e| Error::Internal(e.to_string()))?;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Asked::Answered(tunnel::open(response, payload.take(), on())));
        }
        let mut answer = HttpResponse::build(status);
        copy_headers(&response, &mut answer);
        let length = response.content_length();
        if length.is_some_and(|length| length <= WHOLE) {
            let Ok(body) = response.whole().await else { return self.interrupted() };
            let failure = status.is_server_error().then(|| kind_of(&body)).flatten();
            answer.extensions_mut().insert(OfOwner { failure });
            return Ok(Asked::Answered(answer.body(body)));
        }
        answer.extensions_mut().insert(OfOwner { failure: None });
        let pieces = response.pieces().boxed_local();
        if let Some(length) = length {
            answer.no_chunking(length);
        }
        Ok(Asked::Answered(answer.streaming(while_it_goes_on(pieces, on()))))
    }

    /// The owner ended while it was asked.
    fn interrupted(&self) -> Result<Asked, Error> {
        if self.repeatable { Ok(Asked::Again) } else { Err(Error::OutcomeUnknown) }
    }
}

/// By which replica a request was passed on.
pub(crate) fn passed_on_by(request: &HttpRequest) -> By {
    request.extensions().get::<PassedOn>().map(|passed_on| Arc::clone(&passed_on.by))
}

/// Whether it is looked at all whether the session of a request is known to be elsewhere: not of one
/// that was passed on itself, nor of one with a body that is long to look through.
pub(crate) fn may_be_known(app: &App, request: &HttpRequest) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let is_short = match length {
        Some(length) => length <= LOOKED_AT,
        None => matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE),
    };
    is_short && !app.whereabouts.is_empty() && !request.extensions().contains::<PassedOn>()
}

/// The answer of the replica that has the session which a request names, as far as that is known here
/// without asking the store; `None` where the request is to be worked on as any other.
///
/// # Errors
/// [`Error::OutcomeUnknown`] where the owner ended while it was asked.
pub(crate) async fn known(
    app: &Arc<App>,
    request: &HttpRequest,
    identity: &Identity,
    body: Option<&Body>,
) -> Result<Option<HttpResponse>, Error> {
    let given = request.match_info().get("session");
    let given = given.or_else(|| request.headers().get(&SVGX_SESSION)?.to_str().ok());
    let name = session_of(given, body.map(|body| &body.bytes[..]));
    let key = name.and_then(|name| app.session_key(identity, Some(&name)).ok());
    let Some(owner) = key.and_then(|key| app.whereabouts.of(key)) else { return Ok(None) };
    let bytes = body.map(|body| body.bytes.clone());
    match Forward::of(app, request, bytes) {
        Some(mut forward) => forward.ask_known(owner).await,
        None => Ok(None),
    }
}

/// Whether a body is an operation with an id: sent again, it is not done again.
fn has_id(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct WithId {
        #[serde(default)]
        operation_id: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<WithId>(body).is_ok_and(|body| body.operation_id.is_some())
}

/// Takes a session from an owner that is known to be no more.
async fn take_over(app: &Arc<App>, owner: Owner) -> Result<Asked, Error> {
    tracing::warn!(
        session = %owner.key, replica = owner.replica, address = owner.address,
        "a replica is gone; its session is taken over"
    );
    let shared = Arc::clone(app);
    blocking(move || {
        match shared.sessions.take_from(&owner.key, &owner.replica) {
            // Somebody was faster: the next look finds out who.
            Ok(())
            | Err(svgx_session::Error::Store(svgx_session::StoreError::Elsewhere { .. })) => Ok(()),
            Err(error) => Err(problem::session(error, None)),
        }
    })
    .await?;
    Ok(Asked::Again)
}

/// Where a replica is reached; `None` where it is gone.
async fn reached_at(app: &Arc<App>, replica: &str) -> Result<Option<String>, Error> {
    let (shared, replica) = (Arc::clone(app), replica.to_owned());
    blocking(move || {
        let reached = shared.sessions.store().reached_at(&replica);
        reached.map_err(|e| problem::session(e.into(), None))
    })
    .await
}

/// Makes sure that the session whose drawing a request is about is here, before it is worked on
/// later: then nobody could pass it on any more.
///
/// # Errors
/// [`Error::Elsewhere`] where another replica has it, and whatever the store fails with.
pub(crate) async fn hold_for_later(
    app: &Arc<App>,
    identity: &Identity,
    named: Option<&str>,
    body: Option<&[u8]>,
) -> Result<(), Error> {
    if !app.replicas.are_asked() {
        return Ok(());
    }
    let Some(name) = session_of(named, body) else { return Ok(()) };
    let (shared, key) = (Arc::clone(app), app.session_key(identity, Some(&name))?);
    blocking(move || shared.sessions.hold(&key).map_err(|e| problem::session(e, None))).await
}

/// The session that a request is about, which its body names, or else its path or a header (`named`).
pub(crate) fn session_of(named: Option<&str>, body: Option<&[u8]>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        #[serde(default)]
        session: Option<String>,
    }
    let inside = body.and_then(|body| serde_json::from_slice::<Named>(body).ok()?.session);
    inside.or_else(|| named.map(str::to_owned))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::Internal(e.to_string()))?
}

fn copy_headers(from: &Answer, to: &mut actix_web::HttpResponseBuilder) {
    for (name, value) in from.headers.iter().filter(|(name, _)| *name != SVGX_REPLICA_PROOF) {
        to.append_header((HeaderName::clone(name), HeaderValue::clone(value)));
    }
}

/// Whether what goes through here may go on: this replica serves, and the key is known.
struct GoesOn {
    app: Arc<App>,
    credential: Credential,
}

impl GoesOn {
    fn look(&self) -> bool {
        self.app.is_ready() && self.app.accepts(self.credential)
    }
}

fn every(period: Duration) -> Interval {
    let mut look = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look
}

type Pieces = stream::LocalBoxStream<'static, io::Result<Bytes>>;

fn while_it_goes_on(pieces: Pieces, on: GoesOn) -> impl Stream<Item = io::Result<Bytes>> {
    let state = (pieces, on, every(LOOK));
    Box::pin(stream::unfold(Some(state), async |state| {
        let (mut pieces, on, mut look) = state?;
        loop {
            tokio::select! {
                piece = pieces.next() => {
                    let piece = piece?;
                    let next = piece.is_ok().then_some((pieces, on, look));
                    return Some((piece, next));
                }
                _ = look.tick() => {
                    if !on.look() {
                        return None;
                    }
                }
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_operation_with_an_id_may_be_sent_again() {
        for (body, expected) in [
            (r#"{"operation": "undo", "operation_id": "a"}"#, true),
            (r#"{"operation": "undo", "operation_id": null}"#, false),
            (r#"{"operation": "undo"}"#, false),
            ("<svg/>", false),
            ("", false),
        ] {
            assert_eq!(has_id(body.as_bytes()), expected, "{body}");
        }
    }
}
