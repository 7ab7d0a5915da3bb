//! `POST /simulate`: what holds a drawing up, and how it moves.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::precision;
use crate::budget::{Class, Tier};
use crate::geometry::Scene;
use crate::http::cache::Cache;
use crate::http::input::{self, Input, request};
use crate::http::problem::{self, Error};
use crate::http::reply::{self, Endpoint};
use crate::physics::{
    self, Assembly, Contact, Conventions, Disturbance, ElementPhysics, Ended, ErrorEstimate, Event,
    Frame, Options, Outcome, Quarantined, Reaction, Statics, Statistics,
};

/// What to simulate.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateOptions {
    /// Seconds to simulate; without it only the static question is answered.
    #[serde(default)]
    pub duration: Option<f64>,
    /// Gravity, m/s², positive downward: a number, or `false` for none. 9.81 without.
    #[serde(default)]
    pub gravity: Option<Gravity>,
    /// Whether bodies collide; true without.
    #[serde(default)]
    pub collisions: Option<bool>,
    /// Frames in a second; the precision's without (30 for `ui`, 60 otherwise).
    #[serde(default)]
    pub fps: Option<f64>,
    /// Whether frames hold only what moved; false without.
    #[serde(default)]
    pub changes_only: Option<bool>,
    /// Whether the error is measured, by a second simulation; true without.
    #[serde(default)]
    pub error_estimate: Option<bool>,
    /// `ui`, `edit` or `compute`; `compute` without.
    #[serde(default)]
    pub precision: Option<String>,
    /// Bodies to set in motion at the start.
    #[serde(default)]
    pub disturb: Option<Vec<Disturbance>>,
}

/// Gravity, as a number or a switch.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "gravity is a number of m/s² or a truth value")]
pub enum Gravity {
    /// On or off.
    Switch(bool),
    /// m/s², positive downward.
    Strength(f64),
}

request! {
    /// A drawing to simulate.
    SimulateRequest, SimulateOptions {
        /// Seconds to simulate: `options.duration` under its other name.
        simulation_time: Option<f64>,
    }
}

/// Forces at rest, or frames over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulateAnswer {
    status: &'static str,
    success: bool,
    /// Without a duration: a list of [`StaticElement`]. With one: a [`Motion`].
    simulation: Simulated,
    /// `ui`, `edit` or `compute`.
    precision: &'static str,
    /// The step of the precision, mm.
    precision_value_mm: f64,
    /// How far positions may be off.
    error: ErrorEstimate,
    /// Bodies held together, and whether they stand; at rest only.
    #[serde(skip_serializing_if = "Option::is_none")]
    assemblies: Option<Vec<Assembly>>,
    /// Bodies that nothing holds; at rest only.
    #[serde(skip_serializing_if = "Option::is_none")]
    free: Option<Vec<String>>,
    /// What is left out, and why.
    quarantined: Vec<Quarantined>,
    /// The frame and units of this answer.
    conventions: Conventions,
    statistics: SimulateStatistics,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// The answer to the one question or to the other.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Simulated {
    /// At rest.
    Static(Vec<StaticElement>),
    /// Over time.
    Moving(Box<Motion>),
}

/// Forces on one body at rest.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaticElement {
    /// Its id, forces, mass, weight and anchor.
    #[serde(flatten)]
    body: ElementPhysics,
    /// What its anchors and joints do to it.
    reactions: Vec<Reaction>,
}

/// Bodies over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Motion {
    /// Seconds asked for.
    duration: f64,
    /// Seconds simulated.
    simulated: f64,
    /// Whether it ended before its time.
    partial: bool,
    /// Why, if it did.
    ended: Option<Ended>,
    frames: Vec<Frame>,
    /// What touches what at the end, and how hard.
    contacts: Vec<Contact>,
    /// Contacts that began and ended.
    events: Vec<Event>,
    statistics: MotionStatistics,
    /// BLAKE3 of the final state: equal for equal input and precision.
    digest: String,
}

/// Counts of a simulation and its time.
#[derive(Debug, Serialize, ToSchema)]
pub struct MotionStatistics {
    #[serde(flatten)]
    counts: Statistics,
    /// Time to simulate, in milliseconds.
    simulation_time_ms: f64,
}

/// Figures of the answer as a whole.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct SimulateStatistics {
    /// Bodies that were looked at.
    bodies: usize,
    /// Frames given out.
    total_frames: u64,
    /// Contacts that began.
    collision_count: u64,
    /// Time to solve or simulate, in milliseconds.
    simulation_time_ms: f64,
}

/// Answers what holds a drawing up: forces, weights and reactions of every body at
/// rest. With a duration, steps it through time and answers frames and contacts.
///
/// # Errors
/// A body or a drawing that cannot be read, options past a limit, or no time.
#[utoipa::path(post, path = "/simulate", tag = "drawing",
    request_body(content((SimulateRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, body = SimulateAnswer)))]
pub async fn simulate(request: HttpRequest, payload: Payload) -> Result<HttpResponse, Error> {
    const ENDPOINT: Endpoint = Endpoint::json(Class::Physics, "simulate");
    reply::run(request, Some(payload), ENDPOINT, |mut call, body| {
        let input: Input<SimulateRequest> = Input::read(&call, body)?;
        let asked = input.request.options.clone().unwrap_or_default();
        let (options, tier, moving) = options(&asked, input.request.simulation_time)?;
        let content = input.required()?;
        let parsed = input::parse(&mut call, content)?;
        let document = &*parsed.document;
        let described = format!("{options:?} {tier} {moving}");
        let etag = input::etag(true, &Cache::key("simulate", &described, content));
        if call.is_known(&etag) {
            return Ok(call.not_modified(etag));
        }
        let began = call.now();
        let limits = call.app.config.limits;
        let budget = call.budget.clone().at(tier);
        let refused = |error: physics::Error| problem::physics(content, error);
        let scene = Scene::build(document, &limits, &budget)?;
        let mut answer = if moving {
            let (mut frames, mut positions) = (Vec::new(), 0);
            let mut keep = |frame: Frame| {
                positions += frame.elements.len();
                frames.push(frame);
                if positions > limits.positions {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            };
            let outcome =
                physics::simulate(document, &scene, &options, &limits, &budget, &mut keep)
                    .map_err(refused)?;
            if positions > limits.positions {
                return Err(Error::Limit {
                    what: "positions in the frames of one answer (ask for fewer frames, or \
                        for changes_only)"
                        .to_owned(),
                    limit: limits.positions as f64,
                    seen: positions as f64,
                });
            }
            let metrics = call.app.telemetry.metrics();
            metrics.bodies("dynamics", outcome.statistics.bodies);
            metrics.solved("dynamics", outcome.statistics.steps, outcome.error.millimetres);
            motion(outcome, frames, call.now().since(began))
        } else {
            let statics =
                physics::statics(document, &scene, &options, &limits, &budget).map_err(refused)?;
            call.app.telemetry.metrics().bodies("statics", statics.simulation.len());
            at_rest(statics, tier, call.now().since(began))
        };
        answer.duration_ms = call.elapsed_ms();
        // What ended early would end elsewhere the next time.
        let partial = matches!(&answer.simulation, Simulated::Moving(m) if m.partial);
        call.json(&answer, (!partial).then_some(etag))
    })
    .await
}

/// The options as physics takes them, the tier, and whether bodies are to move.
fn options(
    asked: &SimulateOptions,
    simulation_time: Option<f64>,
) -> Result<(Options, Tier, bool), Error> {
    if asked.duration.is_some() && simulation_time.is_some() {
        return Err(Error::Invalid {
            pointer: "/simulation_time".to_owned(),
            message: "options.duration and simulation_time name the same thing; send one"
                .to_owned(),
            at: None,
        });
    }
    let tier = match &asked.precision {
        Some(name) => precision::level(name, "/options/precision")?,
        None => Tier::Compute,
    };
    let duration = asked.duration.or(simulation_time);
    let usual = Options::default();
    let options = Options {
        duration: duration.unwrap_or(usual.duration),
        fps: asked.fps,
        gravity: match asked.gravity {
            None | Some(Gravity::Switch(true)) => usual.gravity,
            Some(Gravity::Switch(false)) => 0.0,
            Some(Gravity::Strength(g)) => g,
        },
        collisions: asked.collisions.unwrap_or(true),
        changes_only: asked.changes_only.unwrap_or(false),
        error_estimate: asked.error_estimate.unwrap_or(true),
        start_awake: false,
        disturb: asked.disturb.clone().unwrap_or_default(),
    };
    Ok((options, tier, duration.is_some()))
}

fn motion(outcome: Outcome, frames: Vec<Frame>, taken: Duration) -> SimulateAnswer {
    let taken = taken.as_secs_f64() * 1e3;
    let counts = outcome.statistics;
    SimulateAnswer {
        status: "success",
        success: true,
        precision: outcome.tier.as_str(),
        precision_value_mm: outcome.tier.millimetres(),
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

fn at_rest(statics: Statics, tier: Tier, taken: Duration) -> SimulateAnswer {
    let taken = taken.as_secs_f64() * 1e3;
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
        status: "success",
        success: true,
        precision: tier.as_str(),
        precision_value_mm: tier.millimetres(),
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
