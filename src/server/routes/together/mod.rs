//! Several people in one session: its streams.
//!
//! [`svgx_session::Room`] says what is sent to whom; here are the sockets. A [`Place`] is held as long as
//! its stream is, and leaves with it. An [`Outbox`] is what a stream still has to send, for either
//! transport.

pub(crate) mod events;
pub(crate) mod live;
mod operate;

use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::web::Payload;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::Sleep;

use svgx_base::budget::Class;
use svgx_session::{
    Begun, By, Frame, Key, PROTOCOL, Participant, Pending, ResetReason, STREAMS, Seat, Sent, Take,
    shown_name,
};

use crate::admission::admit;
use crate::admission::forward::{self, Forward};
use crate::admission::streamed::on_pool_patiently;
use crate::protocol::problem::{self, Error};
use crate::protocol::trace::Trace;
use crate::state::app::App;
use crate::state::following::Watched;
use crate::state::keys::{Credential, Identity};
use crate::state::rate::Caller;
use crate::state::replicas::PassedOn;
use crate::state::session;
use crate::state::streams::OpenStream;

/// How often whoever is there is asked whether they are.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often it is looked whether the stream may go on.
const LOOK: Duration = Duration::from_secs(1);
/// How often a refused piece of work is asked for again.
const TRIES: u32 = 8;

/// Who asked for a stream.
struct Asked {
    app: Arc<App>,
    identity: Identity,
    credential: Credential,
    caller: Caller,
    key: Key,
    path: String,
    trace_id: String,
    /// The replica that passed it on, where one did.
    by: By,
    /// Counts the stream as open.
    _open: OpenStream,
}

impl Asked {
    /// From the request that begins the stream.
    fn of(app: &Arc<App>, request: &HttpRequest, transport: &'static str) -> Result<Asked, Error> {
        let extensions = request.extensions();
        let identity = extensions.get::<Identity>().cloned();
        let identity = identity.unwrap_or_else(|| app.anonymous.clone());
        let credential = extensions.get::<Credential>().copied().unwrap_or(Credential::NONE);
        let trace_id = extensions.get::<Trace>().map(Trace::id).unwrap_or_default();
        let caller = Caller::asking(request, &identity, credential);
        let key = app.session_key(&identity, request.match_info().get("session"))?;
        let open = app.streams.open(&identity, transport, app.telemetry.metrics())?;
        let path = request.path().to_owned();
        let app = Arc::clone(app);
        let by = extensions.get::<PassedOn>().map(|passed_on| Arc::clone(&passed_on.by));
        Ok(Asked { app, identity, credential, caller, key, path, trace_id, by, _open: open })
    }

    /// The stream at the replica that has the session; `None` where that is this one.
    ///
    /// # Errors
    /// Whatever keeps the session from being held, here or there.
    async fn elsewhere(
        &self,
        request: &HttpRequest,
        payload: &mut Option<Payload>,
    ) -> Result<Option<HttpResponse>, Error> {
        let app = &self.app;
        if !app.replicas.are_asked() {
            return Ok(None);
        }
        let asked =
            admit::of_stream(app, &self.identity, self.key.name(), Class::Ui, "session.state", 0);
        let mut forward = Forward::of(app, request, None);
        loop {
            let (shared, key) = (Arc::clone(app), self.key.clone());
            let held = on_pool_patiently(app, &asked, move |_| {
                shared.sessions.hold(&key).map_err(|e| problem::session(e, None))
            });
            match (held.await, &mut forward) {
                (Ok(()), _) => return Ok(None),
                (Err(error), None) => return Err(error),
                (Err(error), Some(forward)) => {
                    if let forward::Asked::Answered(response) =
                        forward.after(error, payload).await?
                    {
                        return Ok(Some(response));
                    }
                }
            }
        }
    }

    /// Takes a place in the session. The first frame says so.
    async fn join(
        self,
        participant: Option<&str>,
        name: Option<&str>,
        resume: Option<String>,
    ) -> Result<(Arc<Place>, Sent), Error> {
        let participant = match participant {
            Some(id) => Participant::new(id).ok_or_else(|| {
                let rule = "a participant is 1 to 64 of A-Z a-z 0-9 . _ -";
                Error::invalid("/participant", rule)
            })?,
            None => free_participant()?,
        };
        let name = shown_name(name.unwrap_or_default());
        let app = Arc::clone(&self.app);
        let asked =
            admit::of_stream(&app, &self.identity, self.key.name(), Class::Ui, "session.state", 0);
        let begun = on_pool_patiently(&app, &asked, {
            let (app, key) = (Arc::clone(&app), self.key.clone());
            let (participant, name) = (participant.clone(), name.clone());
            move |budget| {
                let joined =
                    app.sessions.join(&key, &participant, &name, resume.as_deref(), budget);
                let begun = joined.map_err(|e| problem::session(e, None))?;
                begun.ok_or_else(|| Error::crowded("streams of this session", STREAMS))
            }
        });
        let Begun { seat, sequence, resumed } = begun.await?;
        if sequence == 0 && self.key.name() != session::DEFAULT {
            let shown: String = self.key.name().chars().take(64).collect();
            return Err(Error::Missing(format!("there is no session `{shown}`")));
        }
        let hello = Frame::Hello {
            protocol: PROTOCOL.to_owned(),
            session: self.key.name().to_owned(),
            participant: participant.clone(),
            connection: seat.connection(),
            sequence,
            resumed,
            participants: seat.present(),
        };
        let watched = app.editors.watched(&self.key, self.by.clone());
        Ok((Arc::new(Place { asked: self, seat, name, watched }), Sent::new(&hello)))
    }
}

fn free_participant() -> Result<Participant, Error> {
    let number = getrandom::u64().map_err(|e| Error::Internal(e.to_string()))?;
    Participant::new(&format!("p-{number:016x}")).ok_or_else(|| Error::Internal("an id".to_owned()))
}

/// A client in a session, as long as its stream is open.
struct Place {
    asked: Asked,
    seat: Seat,
    name: String,
    watched: Watched,
}

impl Place {
    /// Whether the service goes on, and whoever asked may still ask.
    fn may_go_on(&self) -> bool {
        self.asked.app.is_ready() && self.asked.app.accepts(self.asked.credential)
    }

    fn problem(&self, id: Option<String>, error: &Error) -> Sent {
        self.asked.problem(id, error)
    }

    /// What is done now and then.
    fn look_around(&self) {
        self.asked.app.sessions.let_go_if_lost(&self.asked.key);
        self.seat.expire(self.asked.app.clock.now());
        let dropped = self.seat.take_dropped();
        if dropped > 0 {
            self.asked.app.telemetry.metrics().frames_dropped(dropped);
        }
    }
}

impl Asked {
    /// A problem document in a frame.
    fn problem(&self, id: Option<String>, error: &Error) -> Sent {
        let problem = serde_json::to_value(error.problem(&self.path, &self.trace_id));
        let problem = problem.unwrap_or_default();
        let wait = error.retry_after();
        let retry_after_ms = wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Sent::new(&Frame::Problem { id, problem, retry_after_ms })
    }
}

/// What a stream is to send next.
enum Out {
    Frame(Sent),
    /// It ends, and why.
    Closed(&'static str),
    /// It ends by a failure.
    Failed(Error),
}

type Rebasing = BoxFuture<'static, Result<(Sent, u64, Pending), Error>>;

/// What a stream still has to send.
struct Outbox {
    place: Arc<Place>,
    /// Runs while the room says that there is nothing yet.
    sleep: Option<Pin<Box<Sleep>>>,
    /// What was sent and is on its way to the store.
    durable: VecDeque<(u64, Pending)>,
    rebasing: Option<Rebasing>,
}

impl Outbox {
    fn new(place: Arc<Place>) -> Outbox {
        Outbox { place, sleep: None, durable: VecDeque::new(), rebasing: None }
    }

    /// The next frame. Nothing is lost where it is not waited for to the end.
    async fn next(&mut self) -> Out {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Out> {
        loop {
            if let Some(rebasing) = &mut self.rebasing {
                let Poll::Ready(done) = rebasing.poll_unpin(context) else { return Poll::Pending };
                self.rebasing = None;
                return Poll::Ready(match done {
                    Ok((sent, sequence, pending)) => {
                        self.durable.clear();
                        self.durable.push_back((sequence, pending));
                        Out::Frame(sent)
                    }
                    Err(error) => Out::Failed(error),
                });
            }
            if let Some((sequence, pending)) = self.durable.front_mut()
                && let Poll::Ready(written) = pending.poll_unpin(context)
            {
                let mut sequence = *sequence;
                self.durable.pop_front();
                if written.is_err() {
                    // What was shown has not happened.
                    self.durable.clear();
                    self.place.seat.ask_reset(ResetReason::Store);
                    continue;
                }
                while let Some((next, pending)) = self.durable.front()
                    && pending.outcome() == Some(Ok(()))
                {
                    sequence = *next;
                    self.durable.pop_front();
                }
                return Poll::Ready(Out::Frame(Sent::new(&Frame::Durable { sequence })));
            }
            let now = self.place.asked.app.clock.now();
            match self.place.seat.take(now, Some(context.waker())) {
                Take::Frame(sent) => {
                    if let (Some(sequence), Some(pending)) = (sent.sequence, &sent.durable) {
                        self.durable.push_back((sequence, pending.clone()));
                    }
                    return Poll::Ready(Out::Frame(sent));
                }
                Take::Reset(why) => {
                    self.place.asked.app.telemetry.metrics().stream_reset(why.as_str(), 1);
                    self.rebasing = Some(Box::pin(rebase(Arc::clone(&self.place), why)));
                }
                Take::Wait(due) => {
                    let mut sleep = Box::pin(tokio::time::sleep(due.since(now)));
                    let waits = sleep.as_mut().poll(context).is_pending();
                    self.sleep = Some(sleep);
                    if waits {
                        return Poll::Pending;
                    }
                }
                Take::Nothing => return Poll::Pending,
                Take::Closed(why) => return Poll::Ready(Out::Closed(why)),
            }
        }
    }
}

/// The whole drawing, in a frame.
async fn rebase(place: Arc<Place>, why: ResetReason) -> Result<(Sent, u64, Pending), Error> {
    let asked = &place.asked;
    let (app, name) = (&asked.app, asked.key.name());
    let admitted = admit::of_stream(app, &asked.identity, name, Class::Redraw, "compile", 0);
    let mut tries = 0;
    loop {
        let here = Arc::clone(&place);
        let done = on_pool_patiently(app, &admitted, move |budget| {
            let Asked { app, key, .. } = &here.asked;
            let based = app.sessions.rebase(key, &here.seat, why, budget);
            based.map_err(|e| problem::session(e, None))
        });
        match done.await {
            Err(error) if tries < TRIES && error.retry_after().is_some() => {
                let wait = error.retry_after().unwrap_or(LOOK);
                tries += 1;
                tokio::time::sleep(wait.min(LOOK)).await;
            }
            done => return done,
        }
    }
}
