//! Networks in time: tanks that fill, rooms that cool down.

use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::Serialize;
use utoipa::ToSchema;

use super::checkpoint::{self, Resumed, Turn};
use super::options::{SimulateOptions, Wanted};
use crate::admission::reply::Call;
use crate::protocol::problem::{self, Error};
use crate::schema;
use crate::state::answer::{milliseconds, status};
use svgx_base::budget::Budget;
use svgx_controller::Reason;
use svgx_engine::document::Document;
use svgx_engine::geometry::Scene;
use svgx_networks::transient::{Event, Frame, Moved, Pause, Simulation, Span};
use svgx_networks::{self as networks, Name, read};
use svgx_telemetry::stage::Step;

/// Frames in a duration where nobody says how many: a quarter of an hour of a day.
const FRAMES: f64 = 96.0;

/// Networks over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NetworksInTime {
    /// `success`; `partial` where `success` is false.
    status: &'static str,
    /// Whether every network was simulated to the end.
    success: bool,
    /// The precision delivered: `ui`, `edit` or `compute`.
    precision: &'static str,
    /// The precision asked for.
    precision_asked: &'static str,
    /// Why the answer is as it is: `completed`, or why it is coarser or ends early.
    #[schema(value_type = String)]
    reason: Reason,
    /// Seconds asked for.
    duration: f64,
    /// The networks, in the order of the drawing.
    networks: Vec<NetworkInTime>,
    /// What there was, network by network in order of time. A network in which nothing moves has
    /// one frame.
    #[schema(value_type = Vec<schema::NetworkFrame>)]
    frames: Vec<Frame>,
    /// Time taken, in milliseconds.
    pub(super) duration_ms: f64,
}

/// What became of a network in time.
#[derive(Debug, Serialize, ToSchema, JsonSchema)]
pub(crate) struct NetworkInTime {
    /// The id of its system.
    #[schema(value_type = String)]
    #[schemars(with = "String")]
    system: Name,
    /// What it is: `electrical`, `water`, `air`, `heat` or `frame`.
    network: &'static str,
    /// Seconds that were simulated.
    simulated: f64,
    /// Whether it ended before its time: there was no more time to compute, or a tank ran empty.
    partial: bool,
    /// Steps that were made; none where nothing moves.
    steps: u32,
    /// The largest estimated error of a step: m of a level, K of a temperature.
    error: f64,
    /// What a step may be off.
    tolerance: f64,
    /// What controls did, in order of time; the first 10 000.
    #[schema(value_type = Vec<schema::NetworkEvent>)]
    events: Vec<Event>,
    /// What is wrong: with the drawing, then with what happened.
    findings: Vec<String>,
}

impl NetworkInTime {
    pub(super) fn is_partial(&self) -> bool {
        self.partial
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps.into()
    }
}

/// What became of networks, as it is told.
pub(super) fn in_time(moved: Vec<Moved>, duration: f64) -> Vec<NetworkInTime> {
    let told = |moved: Moved| NetworkInTime {
        partial: moved.simulated < duration,
        system: moved.system,
        network: moved.network,
        simulated: moved.simulated,
        steps: moved.steps,
        error: moved.error,
        tolerance: moved.tolerance,
        events: moved.events,
        findings: moved.findings.into_iter().map(|f| f.message).collect(),
    };
    moved.into_iter().map(told).collect()
}

/// Networks of a drawing that are to be simulated.
pub(super) struct Asked {
    systems: Vec<read::System>,
    from: From,
}

enum From {
    Start(Span),
    /// The bytes of a token, which brings its options.
    Token(Vec<u8>),
}

impl Asked {
    /// Reads the networks of a drawing.
    ///
    /// # Errors
    /// No duration, or a drawing that cannot be read.
    pub(super) fn of(
        call: &Call<'_>,
        document: &Document,
        scene: &Scene,
        asked: &SimulateOptions,
        wanted: &Wanted,
        budget: &Budget,
    ) -> Result<Asked, Error> {
        let invalid = |pointer: &str, message: &str| Error::Invalid {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
            at: None,
        };
        let duration = wanted.options.duration;
        let from = match &wanted.resume {
            Some(token) => From::Token(token.clone()),
            None if !wanted.moving => {
                return Err(invalid("/options/networks", "networks in time need a duration"));
            }
            None if !(duration.is_finite() && duration > 0.0) => {
                return Err(invalid("/options/duration", "must be a positive number of seconds"));
            }
            None => From::Start(Span {
                duration,
                every: match asked.fps {
                    Some(fps) if fps.is_finite() && fps > 0.0 => 1.0 / fps,
                    Some(_) => return Err(invalid("/options/fps", "must be a positive number")),
                    None => duration / FRAMES,
                },
            }),
        };
        let limits = &call.app.config.limits;
        let systems = read::read(document, scene, limits, budget).map_err(problem::networks)?;
        Ok(Asked { systems, from })
    }

    /// The simulation that is asked for: a new one, or one to go on with.
    ///
    /// # Errors
    /// Too many frames, or a token that is of something else.
    pub(super) fn simulation(&self, call: &Call<'_>, budget: &Budget) -> Result<Simulation, Error> {
        let limits = networks::Limits::default();
        let systems = self.systems.clone();
        let simulation = match &self.from {
            From::Start(span) => Simulation::new(systems, *span, &limits, budget),
            From::Token(token) => {
                let with = (&call.app.snapshots, call.app.config.limits.snapshot_bytes);
                Simulation::resume(systems, token, with, &limits, budget)
            }
        };
        simulation.map_err(problem::networks)
    }

    /// What a job before has left, or else the simulation from its start.
    fn begin(&self, call: &Call<'_>, budget: &Budget) -> Result<(Simulation, Vec<Frame>), Error> {
        let most = call.app.config.limits.snapshot_bytes;
        let limits = networks::Limits::default();
        let resume = |bytes: &[u8], key: &_| {
            let systems = self.systems.clone();
            let begun = Simulation::resume(systems, bytes, (key, most), &limits, budget);
            let simulation = begun.map_err(|error| error.to_string())?;
            let step = simulation.moved().iter().map(|moved| f64::from(moved.steps)).sum();
            let (tier, seconds) = (simulation.tier(), simulation.time());
            Ok(Resumed { simulation, tier, step, seconds })
        };
        match checkpoint::left(call, budget.tier(), resume) {
            Some(left) => Ok(left),
            None => Ok((self.simulation(call, budget)?, Vec::new())),
        }
    }

    /// Simulates to the end, in one piece.
    ///
    /// # Errors
    /// As [`Asked::simulation`]; too many elements in frames, or a network that cannot be computed
    /// with.
    pub(super) fn simulate(
        &self,
        call: &Call<'_>,
        wanted: &Wanted,
        budget: &Budget,
    ) -> Result<NetworksInTime, Error> {
        let began = call.now();
        let (mut simulation, mut frames) = self.begin(call, budget)?;
        let size = |frame: &Frame| frame.nodes.len() + frame.links.len();
        let mut rows: usize = frames.iter().map(size).sum();
        let Span { duration, .. } = simulation.span();
        let most = call.app.config.limits.positions;
        let share = |frame: &Frame| {
            let before = self.systems.iter().position(|s| s.name == frame.system);
            let part = before.unwrap_or(0) as f64 + frame.time / duration;
            part / self.systems.len() as f64
        };
        let stopped = loop {
            let turn = Turn::first(call, budget);
            let pause = simulation
                .advance(budget, &mut |frame| {
                    rows += size(&frame);
                    call.progress.set(share(&frame));
                    frames.push(frame);
                    if rows > most || turn.is_over(call) {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })
                .map_err(problem::networks)?;
            if rows > most {
                return Err(Error::Limit {
                    what: "elements in the frames of one answer (ask for fewer frames)".to_owned(),
                    limit: most as f64,
                    seen: rows as f64,
                });
            }
            match pause {
                Some(Pause::Asked) => {
                    let snapshot = |key: &_| {
                        simulation.snapshot(key, call.app.config.limits.snapshot_bytes).ok()
                    };
                    checkpoint::leave(call, snapshot, &frames);
                }
                Some(Pause::Stopped(stop)) if budget.is_strict() || simulation.time() == 0.0 => {
                    return Err(Error::Stopped(stop));
                }
                Some(Pause::Stopped(_)) => break true,
                None => break false,
            }
        };
        let told = in_time(simulation.moved(), duration);
        let steps: u64 = told.iter().map(NetworkInTime::steps).sum();
        call.app.telemetry.metrics().solved("networks", steps, None);
        let solver = ("svgx.solver.name", "networks".into());
        call.note(Step::Step, began, [solver, ("svgx.step.count", steps.into())]);
        let success = !stopped && told.iter().all(|t| !t.partial);
        let tier = simulation.tier();
        let reason = match stopped {
            true => Reason::Deadline,
            false if tier < wanted.tier => call.reason,
            false => Reason::Completed,
        };
        Ok(NetworksInTime {
            status: status(success),
            success,
            precision: tier.as_str(),
            precision_asked: wanted.tier.as_str(),
            reason,
            duration,
            networks: told,
            frames,
            duration_ms: milliseconds(call.now().since(began)),
        })
    }
}
