//! What a simulation answers in one piece.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::options::Wanted;
use crate::schema;
use crate::state::answer::{milliseconds, status};
use crate::state::app::App;
use svgx_base::budget::Tier;
use svgx_controller::Reason;
use svgx_engine::physics::{
    Assembly, Contact, Conventions, ElementPhysics, ErrorEstimate, Event, Frame, Outcome,
    Quarantined, Reaction, SimulationEnd, Statics, Statistics,
};
use svgx_telemetry::stage::Fact;

/// Forces at rest, or frames over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimulateAnswer {
    /// `success`; `partial` where `success` is false.
    status: &'static str,
    /// Whether no body had to be left out.
    success: bool,
    /// Without a duration: a list of [`StaticElement`]. With one: a [`Motion`].
    pub(super) simulation: Simulated,
    /// The precision delivered: `ui`, `edit` or `compute`.
    precision: &'static str,
    /// The precision asked for.
    precision_asked: &'static str,
    /// Why the answer is as it is: `completed`, or why it is coarser or ends early.
    #[schema(value_type = String)]
    reason: Reason,
    /// The step of the precision, mm.
    precision_value_mm: f64,
    /// How far positions may be off, mm; none when it was not measured.
    error_mm: Option<f64>,
    /// The same, with how that is known.
    #[schema(value_type = schema::ErrorEstimate)]
    error: ErrorEstimate,
    /// Bodies held together, and whether they stand; at rest only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::Assembly>>)]
    assemblies: Option<Vec<Assembly>>,
    /// Bodies that nothing holds; at rest only.
    #[serde(skip_serializing_if = "Option::is_none")]
    free: Option<Vec<String>>,
    /// What is left out, and why.
    #[schema(value_type = Vec<schema::Quarantined>)]
    quarantined: Vec<Quarantined>,
    /// The frame and units of this answer.
    #[schema(value_type = schema::Conventions)]
    conventions: Conventions,
    /// Figures of the answer as a whole.
    statistics: SimulateStatistics,
    /// Time taken, in milliseconds.
    pub(super) duration_ms: f64,
}

/// The answer to the one question or to the other.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Simulated {
    /// At rest.
    Static(Vec<StaticElement>),
    /// Over time.
    Moving(Box<Motion>),
}

/// Forces on one body at rest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StaticElement {
    /// Its id, forces, mass, weight and anchor.
    #[serde(flatten)]
    #[schema(value_type = schema::ElementPhysics)]
    body: ElementPhysics,
    /// What its anchors and joints do to it.
    #[schema(value_type = Vec<schema::Reaction>)]
    reactions: Vec<Reaction>,
}

/// Bodies over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Motion {
    /// Seconds asked for.
    duration: f64,
    /// Seconds simulated.
    simulated: f64,
    /// Whether it ended before its time.
    pub(super) partial: bool,
    /// Why, if it did.
    #[schema(value_type = Option<schema::SimulationEnd>)]
    ended: Option<SimulationEnd>,
    /// Where the bodies were, in order of time.
    #[schema(value_type = Vec<schema::SimulationFrame>)]
    frames: Vec<Frame>,
    /// What touches what at the end, and how hard.
    #[schema(value_type = Vec<schema::PhysicsContact>)]
    contacts: Vec<Contact>,
    /// Contacts that began and ended.
    #[schema(value_type = Vec<schema::PhysicsEvent>)]
    events: Vec<Event>,
    /// Counts of the simulation and its time.
    statistics: MotionStatistics,
    /// BLAKE3 of the final state: equal for equal input and precision.
    digest: String,
}

/// Counts of a simulation and its time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MotionStatistics {
    #[serde(flatten)]
    #[schema(value_type = schema::SimulationCounts)]
    counts: Statistics,
    /// Time to simulate, in milliseconds.
    simulation_time_ms: f64,
}

/// Figures of the answer as a whole.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct SimulateStatistics {
    /// Bodies that were looked at.
    bodies: usize,
    /// Frames given out.
    total_frames: u64,
    /// Contacts that began.
    collision_count: u64,
    /// Time to solve or simulate, in milliseconds.
    simulation_time_ms: f64,
}

/// Puts what a simulation did into the metrics, once it has ended.
pub(crate) fn record_outcome(app: &App, outcome: &Outcome) {
    let metrics = app.telemetry.metrics();
    metrics.bodies("dynamics", outcome.statistics.bodies);
    metrics.solved("dynamics", outcome.statistics.steps, outcome.error.millimetres);
}

/// What explains the time that stepping took, for the trace.
pub(crate) fn facts(outcome: &Outcome) -> [(&'static str, Fact); 7] {
    let counts = &outcome.statistics;
    [
        ("svgx.body.count", counts.bodies.into()),
        ("svgx.step.count", counts.steps.into()),
        ("svgx.iteration.count", counts.iterations.into()),
        ("svgx.frame.count", counts.total_frames.into()),
        ("svgx.simulated.time", outcome.simulated.into()),
        ("svgx.residual", outcome.error.millimetres.unwrap_or(0.0).into()),
        ("svgx.tier", outcome.tier.as_str().into()),
    ]
}

pub(super) fn motion(
    outcome: Outcome,
    frames: Vec<Frame>,
    wanted: &Wanted,
    admitted: Reason,
    taken: Duration,
) -> SimulateAnswer {
    let taken = milliseconds(taken);
    let counts = outcome.statistics;
    SimulateAnswer {
        status: status(outcome.quarantined.is_empty()),
        success: outcome.quarantined.is_empty(),
        precision: outcome.tier.as_str(),
        precision_asked: wanted.tier.as_str(),
        reason: wanted.reason(outcome.tier, outcome.ended, admitted),
        precision_value_mm: outcome.tier.millimetres(),
        error_mm: outcome.error.millimetres,
        error: outcome.error,
        assemblies: None,
        free: None,
        quarantined: outcome.quarantined,
        conventions: outcome.conventions,
        statistics: SimulateStatistics {
            bodies: counts.bodies,
            total_frames: counts.total_frames,
            collision_count: counts.collision_count,
            simulation_time_ms: taken,
        },
        simulation: Simulated::Moving(Box::new(Motion {
            duration: outcome.duration,
            simulated: outcome.simulated,
            partial: outcome.partial,
            ended: outcome.ended,
            frames,
            contacts: outcome.contacts,
            events: outcome.events,
            statistics: MotionStatistics { counts, simulation_time_ms: taken },
            digest: outcome.digest,
        })),
        duration_ms: taken,
    }
}

pub(super) fn at_rest(
    statics: Statics,
    tier: Tier,
    wanted: &Wanted,
    admitted: Reason,
    taken: Duration,
) -> SimulateAnswer {
    let taken = milliseconds(taken);
    let mut by_body: HashMap<String, Vec<Reaction>> = HashMap::new();
    for reaction in statics.reactions {
        by_body.entry(reaction.element_id.clone()).or_default().push(reaction);
    }
    let elements: Vec<StaticElement> = statics
        .simulation
        .into_iter()
        .map(|body| StaticElement {
            reactions: by_body.remove(&body.element_id).unwrap_or_default(),
            body,
        })
        .collect();
    SimulateAnswer {
        status: status(statics.quarantined.is_empty()),
        success: statics.quarantined.is_empty(),
        precision: tier.as_str(),
        precision_asked: wanted.tier.as_str(),
        reason: wanted.reason(tier, None, admitted),
        precision_value_mm: tier.millimetres(),
        error_mm: Some(0.0),
        error: ErrorEstimate {
            millimetres: Some(0.0),
            method: "nothing moves: places are those of the drawing; each assembly says its \
                unbalanced force",
            within_tier: Some(true),
        },
        assemblies: Some(statics.assemblies),
        free: Some(statics.free),
        quarantined: statics.quarantined,
        conventions: statics.conventions,
        statistics: SimulateStatistics {
            bodies: elements.len(),
            total_frames: 0,
            collision_count: 0,
            simulation_time_ms: taken,
        },
        simulation: Simulated::Static(elements),
        duration_ms: taken,
    }
}
