//! What a stream steps: bodies, or networks.

use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::record_outcome;
use super::networks::{NetworkInTime, in_time};
use super::stream::Line;
use crate::protocol::problem::{self, Error};
use crate::state::app::App;
use svgx_base::budget::{Budget, Stop, Tier};
use svgx_engine::physics::{self, Outcome, SimulationEnd, SimulationStart};
use svgx_networks::transient::{self, Pause};
use svgx_telemetry::stage::Fact;

/// Bytes that an element of a network is counted with while it is simulated.
const ELEMENT: usize = 2048;

/// A simulation that can be interrupted at its frames.
pub(crate) enum Stepping {
    Bodies(Box<physics::Simulation>),
    Networks(Box<transient::Simulation>),
}

/// How a simulation is done.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "SimulationBegun")]
pub(crate) enum Begun {
    /// Of bodies.
    Bodies(SimulationStart),
    /// Of networks.
    Networks(NetworksStart),
}

/// How a simulation of networks is done: what a stream of its frames begins with.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NetworksStart")]
pub(crate) struct NetworksStart {
    /// The tier it is done at.
    #[schemars(with = "String")]
    tier: Tier,
    /// Where the network it goes on with is, s.
    time: f64,
    /// Where each network is to end, s.
    duration: f64,
    /// Seconds between two frames of a network.
    every: f64,
    /// Networks, one after the other in the order of the drawing.
    networks: usize,
}

/// What there is at one time.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "SimulationShown")]
pub(crate) enum Shown {
    /// The bodies.
    Bodies(physics::Frame),
    /// One network.
    Network(transient::Frame),
}

/// What came out.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "SimulationOutcomes")]
pub(crate) enum Ended {
    /// Of bodies.
    Bodies(Box<Outcome>),
    /// Of networks.
    Networks(NetworksOutcome),
}

/// What came out of networks in time.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NetworksOutcome")]
pub(crate) struct NetworksOutcome {
    /// The tier it was done at.
    #[schemars(with = "String")]
    tier: Tier,
    /// Seconds asked for.
    duration: f64,
    /// Whether a network ended before its time, or was not begun.
    partial: bool,
    /// Why the stream ended early, if it did.
    ended: Option<SimulationEnd>,
    /// Frames that were given.
    frames: u64,
    /// The networks that were begun, in the order of the drawing.
    networks: Vec<NetworkInTime>,
}

impl Stepping {
    /// The first line.
    pub(super) fn begun(&self) -> Begun {
        match self {
            Stepping::Bodies(bodies) => Begun::Bodies(bodies.describe()),
            Stepping::Networks(networks) => Begun::Networks(NetworksStart {
                tier: networks.tier(),
                time: networks.time(),
                duration: networks.span().duration,
                every: networks.span().every,
                networks: networks.size().0,
            }),
        }
    }

    pub(super) fn tier(&self) -> Tier {
        match self {
            Stepping::Bodies(bodies) => bodies.describe().tier,
            Stepping::Networks(networks) => networks.tier(),
        }
    }

    /// Frames in a second, of one network.
    pub(super) fn rate(&self) -> f64 {
        match self {
            Stepping::Bodies(bodies) => {
                let begun = bodies.describe();
                begun.frames as f64 / begun.duration
            }
            Stepping::Networks(networks) => 1.0 / networks.span().every,
        }
    }

    /// Bytes it is counted with.
    pub(super) fn footprint(&self) -> usize {
        match self {
            Stepping::Bodies(bodies) => bodies.footprint(),
            Stepping::Networks(networks) => networks.size().1.saturating_mul(ELEMENT),
        }
    }

    pub(super) fn time(&self) -> f64 {
        match self {
            Stepping::Bodies(bodies) => bodies.time(),
            Stepping::Networks(networks) => networks.time(),
        }
    }

    pub(super) fn frames(&self) -> u64 {
        match self {
            Stepping::Bodies(bodies) => bodies.frames(),
            Stepping::Networks(networks) => networks.frames(),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        match self {
            Stepping::Bodies(bodies) => bodies.is_finished(),
            Stepping::Networks(networks) => networks.is_finished(),
        }
    }

    /// Goes on until `frame` ends it, or the budget does; answers whether that did, and why.
    pub(super) fn advance(
        &mut self,
        budget: &Budget,
        frame: &mut dyn FnMut(Line) -> ControlFlow<()>,
    ) -> Result<Option<SimulationEnd>, Error> {
        match self {
            Stepping::Bodies(bodies) => {
                let ended =
                    bodies.advance(budget, &mut |shown| frame(Line::Frame(Shown::Bodies(shown))));
                let ended = ended.map_err(|e| Error::Internal(e.to_string()))?;
                Ok(ended.filter(|e| *e != SimulationEnd::Receiver))
            }
            Stepping::Networks(networks) => {
                let pause = networks
                    .advance(budget, &mut |shown| frame(Line::Frame(Shown::Network(shown))))
                    .map_err(problem::networks)?;
                Ok(match pause {
                    Some(Pause::Stopped(Stop::Deadline)) => Some(SimulationEnd::Deadline),
                    Some(Pause::Stopped(Stop::Cancelled)) => Some(SimulationEnd::Cancelled),
                    Some(Pause::Asked) | None => None,
                })
            }
        }
    }

    /// Whether a turn that the budget ended before its first frame would be the same again: what
    /// happens between two frames of networks is computed in one turn.
    pub(super) fn begins_again(&self) -> bool {
        matches!(self, Stepping::Networks(_))
    }

    /// The state at the last frame, sealed for this process; none where it is too large.
    pub(super) fn snapshot(&self, app: &App) -> Option<Vec<u8>> {
        let limits = &app.config.limits;
        match self {
            Stepping::Bodies(bodies) => bodies.snapshot(&app.snapshots, limits).ok(),
            Stepping::Networks(networks) => {
                networks.snapshot(&app.snapshots, limits.snapshot_bytes).ok()
            }
        }
    }

    /// What came out; `ended` where that is not the end.
    pub(super) fn outcome(&self, ended: Option<SimulationEnd>) -> Ended {
        match self {
            Stepping::Bodies(bodies) => Ended::Bodies(Box::new(bodies.outcome(ended))),
            Stepping::Networks(networks) => {
                let duration = networks.span().duration;
                let told = in_time(networks.moved(), duration);
                Ended::Networks(NetworksOutcome {
                    tier: networks.tier(),
                    duration,
                    partial: !networks.is_finished() || told.iter().any(NetworkInTime::is_partial),
                    ended,
                    frames: networks.frames(),
                    networks: told,
                })
            }
        }
    }

    /// What explains the time of the first frame, for the trace.
    pub(super) fn facts(&self) -> [(&'static str, Fact); 4] {
        let first = match self {
            Stepping::Bodies(bodies) => ("svgx.body.count", bodies.describe().bodies.into()),
            Stepping::Networks(_) => ("svgx.solver.name", "networks".into()),
        };
        let (frames, time, tier) = (self.frames(), self.time(), self.tier());
        [
            first,
            ("svgx.frame.count", frames.into()),
            ("svgx.simulated.time", time.into()),
            ("svgx.tier", tier.as_str().into()),
        ]
    }
}

impl Ended {
    /// Puts what came out into the metrics.
    pub(super) fn record(&self, app: &App) {
        match self {
            Ended::Bodies(outcome) => record_outcome(app, outcome),
            Ended::Networks(outcome) => {
                let steps = outcome.networks.iter().map(NetworkInTime::steps).sum();
                app.telemetry.metrics().solved("networks", steps, None);
            }
        }
    }
}
