//! `POST /simulate` as a stream: frames as they are made, and tokens to go on from.
//!
//! The work is cut into slices. Each one is admitted and done in the batch lane
//! like any other job, and the next is begun only when the client has taken
//! the last: a slow client holds the state of its simulation and no thread, and
//! one that goes away takes its place in the queue along. How the work is cut
//! depends on the clock; what it writes does not.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::stream;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::JoinHandle;

use super::EVENTS;
use super::stepping::{Begun, Ended, Shown, Stepping};
use crate::admission::dispatch::admit_again;
use crate::admission::reply::{Call, Reply, Rest};
use crate::protocol::problem::Error;
use crate::state::app::{App, BodyReservation};
use crate::state::keys::Credential;
use svgx_base::budget::Budget;
use svgx_controller::{Done, Request};
use svgx_engine::physics::SimulationEnd;
use svgx_telemetry::stage::Step;

/// Time after which a slice ends with the next frame.
const SLICE: Duration = Duration::from_millis(25);
/// Bytes after which a slice ends with the next frame.
const BYTES: usize = 256 * 1024;
/// How often a refused slice is asked for again before the stream ends.
const TRIES: u32 = 8;
/// How long a client may leave what was written to it before its simulation is dropped.
const PATIENCE: Duration = Duration::from_secs(30);

/// A line of the stream; in an event stream, its one member names the event.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SimulationLine")]
pub(crate) enum Line {
    /// The first line: how it is done.
    Start(Begun),
    /// The bodies, or one network, at one time.
    Frame(Shown),
    /// A token to go on from; as often as `checkpoint` asks for it.
    Checkpoint(Checkpoint),
    /// The last line.
    Outcome(Box<End>),
}

/// Where a simulation can be taken up again.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SimulationCheckpoint")]
pub(crate) struct Checkpoint {
    /// Seconds simulated; of networks, those of the network it is at.
    time: f64,
    /// Frames given so far.
    frames: u64,
    /// What to send as `options.resume`; none when the state is larger than a
    /// token may be.
    resume: Option<String>,
}

/// How a stream ended.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SimulationStreamEnd")]
pub(crate) struct End {
    /// What came out.
    #[serde(flatten)]
    outcome: Ended,
    /// What to send as `options.resume` to go on, when it ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<String>,
}

/// How lines are written.
#[derive(Clone, Copy, Debug)]
enum Format {
    Lines,
    Events,
}

impl Format {
    fn write(self, out: &mut Vec<u8>, line: &Line) -> Result<(), Error> {
        let failed = |e: serde_json::Error| Error::Internal(e.to_string());
        match self {
            Format::Lines => serde_json::to_writer(&mut *out, line).map_err(failed)?,
            Format::Events => {
                let name = match line {
                    Line::Start(_) => "start",
                    Line::Frame(_) => "frame",
                    Line::Checkpoint(_) => "checkpoint",
                    Line::Outcome(_) => "outcome",
                };
                out.extend(format!("event: {name}\ndata: ").bytes());
                serde_json::to_writer(&mut *out, line).map_err(failed)?;
                out.push(b'\n');
            }
        }
        out.push(b'\n');
        Ok(())
    }
}

/// A simulation between two slices.
struct Parked {
    simulation: Stepping,
    format: Format,
    /// Frames between two checkpoints.
    every: Option<u64>,
    /// The memory it is counted with.
    _held: BodyReservation,
}

/// What a slice wrote, and whether it was the last.
type Sliced = Result<(Vec<u8>, bool), Error>;

impl Parked {
    fn slice(&mut self, app: &App, budget: &Budget, bytes: usize) -> Sliced {
        let until = app.clock.now().after(SLICE);
        let (format, every) = (self.format, self.every);
        let mut out = Vec::new();
        loop {
            let (mut due, mut full, mut written) = (false, false, Ok(()));
            let mut frames = self.simulation.frames();
            let ended = self.simulation.advance(budget, &mut |line| {
                frames += 1;
                written = format.write(&mut out, &line);
                due = every.is_some_and(|n| frames.is_multiple_of(n));
                full = out.len() >= bytes || app.clock.now() >= until || written.is_err();
                if due || full {
                    std::ops::ControlFlow::Break(())
                } else {
                    std::ops::ControlFlow::Continue(())
                }
            })?;
            written?;
            if self.simulation.is_finished() {
                let outcome = self.simulation.outcome(None);
                outcome.record(app);
                let end = Box::new(End { outcome, resume: None });
                format.write(&mut out, &Line::Outcome(end))?;
                return Ok((out, true));
            }
            if due {
                let line = Checkpoint {
                    time: self.simulation.time(),
                    frames: self.simulation.frames(),
                    resume: token(app, &self.simulation),
                };
                format.write(&mut out, &Line::Checkpoint(line))?;
            }
            let is_late = ended == Some(SimulationEnd::Deadline) && out.is_empty();
            if is_late && self.simulation.begins_again() {
                self.end(app, SimulationEnd::Deadline, &mut out)?;
                return Ok((out, true));
            }
            // Other work of the lane has its turn between two slices.
            if full || ended.is_some() {
                return Ok((out, false));
            }
        }
    }

    /// The last line of a simulation that does not reach its end here.
    fn last_words(&self, app: &App) -> Vec<u8> {
        let mut out = Vec::new();
        // An outcome is plain data: it can be written.
        let _ = self.end(app, SimulationEnd::Cancelled, &mut out);
        out
    }

    fn end(&self, app: &App, ended: SimulationEnd, out: &mut Vec<u8>) -> Result<(), Error> {
        let outcome = self.simulation.outcome(Some(ended));
        let end = Box::new(End { outcome, resume: token(app, &self.simulation) });
        self.format.write(out, &Line::Outcome(end))
    }
}

fn token(app: &App, simulation: &Stepping) -> Option<String> {
    let sealed = simulation.snapshot(app)?;
    let token = URL_SAFE_NO_PAD.encode(sealed);
    // What could not be sent back is of no use.
    (token.len() < app.config.max_body / 2).then_some(token)
}

/// Answers the first frame, and the rest while it is sent. `every` is the
/// simulated time between two checkpoints, s.
///
/// # Errors
/// [`Error::Crowded`] when the state of running simulations fills the memory there is.
pub(crate) fn begin(
    call: Call<'_>,
    simulation: Stepping,
    every: Option<f64>,
) -> Result<Reply, Error> {
    let app = Arc::clone(&call.app);
    let limit = app.config.max_body_total;
    let crowded = Error::crowded("bytes of running simulations", limit);
    let held = app.reserve_body(simulation.footprint()).ok_or(crowded)?;
    let format = if call.media == EVENTS { Format::Events } else { Format::Lines };
    let (begun, tier, rate) = (simulation.begun(), simulation.tier(), simulation.rate());
    let every = every.map(|seconds| (seconds * rate).round().max(1.0) as u64);
    let mut parked = Parked { simulation, format, every, _held: held };
    let began = call.now();
    let mut first = Vec::new();
    format.write(&mut first, &Line::Start(begun))?;
    // The first slice is one frame: whoever waits sees at once that it runs.
    let (more, finished) = parked.slice(&app, call.budget, 0)?;
    first.extend(more);
    // The trace ends with the head of the answer: it tells of the first slice.
    call.note(Step::Step, began, parked.simulation.facts());
    let slot = Arc::new(Mutex::new(Some(parked)));
    let (asked, media) = (Request { tier, ..call.asked }, call.media);
    let credential = call.credential;
    let running = RunningStream { app, asked, credential, slot, idle: None };
    let rest = (!finished).then(|| {
        let rest: Rest = Box::pin(stream::unfold(Some(running), async |running| {
            let mut running = running?;
            let (bytes, finished) = running.next().await?;
            Some((Ok(Bytes::from(bytes)), (!finished).then_some(running)))
        }));
        rest
    });
    Ok(call.streamed(media, Bytes::from(first), rest).at(tier, tier))
}

/// A stream whose head was sent.
struct RunningStream {
    app: Arc<App>,
    asked: Request<'static>,
    credential: Credential,
    slot: Arc<Mutex<Option<Parked>>>,
    idle: Option<IdleTimeout>,
}

/// Drops a simulation whose client takes nothing, until it is dropped itself.
struct IdleTimeout(JoinHandle<()>);

impl Drop for IdleTimeout {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RunningStream {
    /// The next piece, and whether it is the last; none when there is nothing left to send.
    async fn next(&mut self) -> Option<(Vec<u8>, bool)> {
        self.idle = None;
        let mut tries = 0;
        while self.may_go_on() && tries < TRIES {
            let wait = match admit_again(&self.app, &self.asked) {
                Ok(ticket) => {
                    let (app, slot) = (Arc::clone(&self.app), Arc::clone(&self.slot));
                    let work = move |budget: &Budget| -> Option<Sliced> {
                        Some(slot.lock().as_mut()?.slice(&app, budget, BYTES))
                    };
                    // Dropped with the response when the client goes away: that
                    // raises the cancel flag of the slice that runs.
                    match self.app.pool.run(ticket, work).await {
                        Ok(Done { value: None, .. }) => return None,
                        Ok(Done { value: Some(Ok((bytes, finished))), .. }) => {
                            if bytes.is_empty() && !finished {
                                continue;
                            }
                            self.idle = (!finished).then(|| self.idle_timeout());
                            return Some((bytes, finished));
                        }
                        Ok(Done { value: Some(Err(error)), .. }) => {
                            tracing::error!(%error, "a stream of frames broke off");
                            return None;
                        }
                        Err(shed) => shed.retry_after(),
                    }
                }
                Err(shed) => shed.retry_after(),
            };
            tries += 1;
            tokio::time::sleep(wait.unwrap_or(Duration::from_millis(200))).await;
        }
        // Stopping, refused, or too busy: whoever asked can go on elsewhere or later.
        let (app, slot) = (Arc::clone(&self.app), Arc::clone(&self.slot));
        let last = tokio::task::spawn_blocking(move || {
            slot.lock().take().map(|parked| parked.last_words(&app))
        });
        Some((last.await.ok()??, true))
    }

    /// Whether the service goes on, and whoever asked may still ask.
    fn may_go_on(&self) -> bool {
        self.app.is_ready() && self.app.accepts(self.credential)
    }

    fn idle_timeout(&self) -> IdleTimeout {
        let slot = Arc::clone(&self.slot);
        IdleTimeout(tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            drop(slot.lock().take());
        }))
    }
}
