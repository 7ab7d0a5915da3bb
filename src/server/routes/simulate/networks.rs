//! Networks in time: tanks that fill, rooms that cool down.

use std::ops::ControlFlow;

use serde::Serialize;
use utoipa::ToSchema;

use super::options::{SimulateOptions, Wanted};
use crate::admission::reply::Call;
use crate::protocol::problem::{self, Error};
use crate::schema;
use crate::state::answer::{milliseconds, status};
use svgx_base::budget::Budget;
use svgx_controller::Reason;
use svgx_engine::document::Document;
use svgx_engine::geometry::Scene;
use svgx_networks::transient::{Event, Frame, Span};
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
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NetworkInTime {
    /// The id of its system.
    #[schema(value_type = String)]
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

/// Simulates the networks of a drawing.
///
/// # Errors
/// No duration, too many frames, or a network that cannot be computed with.
pub(super) fn simulate(
    call: &Call<'_>,
    document: &Document,
    scene: &Scene,
    asked: &SimulateOptions,
    wanted: &Wanted,
    budget: &Budget,
) -> Result<NetworksInTime, Error> {
    let invalid = |pointer: &str, message: &str| Error::Invalid {
        pointer: pointer.to_owned(),
        message: message.to_owned(),
        at: None,
    };
    if !wanted.moving {
        return Err(invalid("/options/networks", "networks in time need a duration"));
    }
    let duration = wanted.options.duration;
    if !(duration.is_finite() && duration > 0.0) {
        return Err(invalid("/options/duration", "must be a positive number of seconds"));
    }
    let every = match asked.fps {
        Some(fps) if fps.is_finite() && fps > 0.0 => 1.0 / fps,
        Some(_) => return Err(invalid("/options/fps", "must be a positive number")),
        None => duration / FRAMES,
    };
    let began = call.now();
    let limits = &call.app.config.limits;
    let systems = read::read(document, scene, limits, budget).map_err(problem::networks)?;
    let most = limits.positions;
    let (mut frames, mut rows) = (Vec::new(), 0usize);
    let mut told = Vec::with_capacity(systems.len());
    let mut stopped = false;
    for system in &systems {
        let mut keep = |frame: Frame| {
            rows += frame.nodes.len() + frame.links.len();
            call.progress.set(frame.time / duration);
            frames.push(frame);
            if rows > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let span = Span { duration, every };
        let moved = system
            .simulate(span, &networks::Limits::default(), budget, &mut keep)
            .map_err(problem::networks)?;
        if rows > most {
            return Err(Error::Limit {
                what: "elements in the frames of one answer (ask for fewer frames)".to_owned(),
                limit: most as f64,
                seen: rows as f64,
            });
        }
        stopped |= moved.stopped.is_some();
        told.push(NetworkInTime {
            partial: moved.simulated < duration,
            system: moved.system,
            network: moved.network,
            simulated: moved.simulated,
            steps: moved.steps,
            error: moved.error,
            tolerance: moved.tolerance,
            events: moved.events,
            findings: moved.findings.into_iter().map(|f| f.message).collect(),
        });
    }
    let steps: u64 = told.iter().map(|t| u64::from(t.steps)).sum();
    call.app.telemetry.metrics().solved("networks", steps, None);
    let solver = ("svgx.solver.name", "networks".into());
    call.note(Step::Step, began, [solver, ("svgx.step.count", steps.into())]);
    let success = told.iter().all(|t| !t.partial);
    let tier = budget.tier();
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
