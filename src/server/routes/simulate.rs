//! `POST /simulate`: what holds a drawing up, and how it moves.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::precision;
use super::simulate_stream::{self as streamed, EVENTS, NDJSON};
use crate::admit::Work;
use crate::app::App;
use crate::body::{Body, Kind};
use crate::cache::Cache;
use crate::input::{self, Input, request};
use crate::jobs::Progress;
use crate::negotiate;
use crate::operation;
use crate::problem::{self, Error};
use crate::reply::{Call, Endpoint, Reply};
use crate::schema;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_controller::{Reason, Shed};
use svgx_engine::document::Document;
use svgx_engine::geometry::Scene;
use svgx_engine::physics::{
    self, Assembly, Contact, Conventions, Disturbance, ElementPhysics, ErrorEstimate, Estimate,
    Event, Frame, Options, Outcome, Quarantined, Reaction, Simulation, SimulationEnd, Statics,
    Statistics,
};

const MEDIA: &[&str] = &["application/json", NDJSON, EVENTS];
const MEDIA_LIST: &str = "application/json, application/x-ndjson, text/event-stream";

/// One answer, inside the budget of its class.
const WHOLE: Endpoint = Endpoint {
    media_list: MEDIA_LIST,
    ..Endpoint::json(Class::Physics, "simulate").or_job().sized(work_of)
};
/// Frames as they are made: no latency is promised for the last one.
const STREAM: Endpoint = Endpoint {
    media: &[NDJSON, EVENTS],
    media_list: MEDIA_LIST,
    ..Endpoint::json(Class::Batch, "simulate")
};
use svgx_telemetry::stage::{Fact, Step};

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
    /// How the error is found: `propagated` (or true), `doubling` (a second
    /// simulation beside it), `none` (or false); `propagated` without.
    #[serde(default)]
    #[schema(value_type = Option<schema::ErrorEstimation>)]
    pub error_estimate: Option<Estimation>,
    /// `ui`, `edit` or `compute`; `compute` without. `strict`: `compute` or a refusal.
    #[serde(default)]
    pub precision: Option<String>,
    /// Whether an answer that is coarser than asked, or ends early, is to be refused; false without.
    #[serde(default)]
    pub strict: Option<bool>,
    /// In a stream: simulated seconds between two tokens to go on from; none without.
    #[serde(default)]
    pub checkpoint: Option<f64>,
    /// A token of an interrupted stream: goes on from there, with the options
    /// it was begun with and the same drawing.
    #[serde(default)]
    pub resume: Option<String>,
    /// Bodies to set in motion at the start.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::Disturbance>>)]
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

/// How the error is found, as a switch or by name.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "error_estimate is a truth value, none, propagated or doubling")]
#[schemars(rename = "ErrorEstimation")]
pub enum Estimation {
    /// On or off.
    Switch(bool),
    /// By name.
    Method(Estimate),
}

impl From<Estimation> for Estimate {
    fn from(asked: Estimation) -> Estimate {
        match asked {
            Estimation::Switch(true) => Estimate::Propagated,
            Estimation::Switch(false) => Estimate::None,
            Estimation::Method(method) => method,
        }
    }
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
    #[schema(value_type = schema::ElementPhysics)]
    body: ElementPhysics,
    /// What its anchors and joints do to it.
    #[schema(value_type = Vec<schema::Reaction>)]
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
    #[schema(value_type = Option<schema::SimulationEnd>)]
    ended: Option<SimulationEnd>,
    #[schema(value_type = Vec<schema::SimulationFrame>)]
    frames: Vec<Frame>,
    /// What touches what at the end, and how hard.
    #[schema(value_type = Vec<schema::PhysicsContact>)]
    contacts: Vec<Contact>,
    /// Contacts that began and ended.
    #[schema(value_type = Vec<schema::PhysicsEvent>)]
    events: Vec<Event>,
    statistics: MotionStatistics,
    /// BLAKE3 of the final state: equal for equal input and precision.
    digest: String,
}

/// Counts of a simulation and its time.
#[derive(Debug, Serialize, ToSchema)]
pub struct MotionStatistics {
    #[serde(flatten)]
    #[schema(value_type = schema::SimulationCounts)]
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
/// rest. With a duration, steps it through time and answers frames and contacts:
/// in one answer, or, when asked for lines or events, as they are made.
///
/// # Errors
/// A body or a drawing that cannot be read, options past a limit, or no time.
#[utoipa::path(post, path = "/simulate", tag = "drawing",
    request_body(content((SimulateRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, content(
        (SimulateAnswer = "application/json"),
        (schema::SimulationLine = "application/x-ndjson"),
        (schema::SimulationLine = "text/event-stream"),
    ))))]
pub async fn simulate(request: HttpRequest, payload: Payload) -> Result<HttpResponse, Error> {
    let media = negotiate::media_type(request.headers(), MEDIA, MEDIA_LIST)?;
    let endpoint = if media == "application/json" { WHOLE } else { STREAM };
    operation::run(request, Some(payload), endpoint, answer).await
}

fn answer(mut call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<SimulateRequest> = Input::read(&call, body)?;
    let asked = input.request.options.clone().unwrap_or_default();
    let mut wanted = Wanted::of(&asked, input.request.simulation_time)?;
    let stream = call.media != "application/json";
    let content = &input.drawing(&call)?;
    let parsed = input::parse(&mut call, content)?;
    let document = &*parsed.document;
    // Admission may have lowered the tier; what was asked is never raised by it.
    let tier = wanted.tier.min(call.budget.tier());
    wanted.strict |= call.budget.is_strict();
    if wanted.strict && tier < wanted.tier {
        return Err(Shed::now(Reason::StrictPrecision).into());
    }
    let etag = (!stream && wanted.resume.is_none()).then(|| {
        let described = format!("{:?} {tier} {} {}", wanted.options, wanted.tier, wanted.moving);
        input::etag(true, &Cache::key("simulate", &described, content))
    });
    if let Some(etag) = &etag
        && call.is_known(etag)
    {
        return Ok(call.not_modified(etag.clone()));
    }
    let began = call.now();
    let limits = call.app.config.limits;
    let budget = call.budget.clone().at(tier).strict(wanted.strict && !stream);
    let refused = |error: physics::Error| problem::physics(content, error);
    let scene = Scene::build(document, &limits, &budget)?;
    if stream {
        let simulation = wanted.simulation(&call, document, &scene, &budget).map_err(refused)?;
        return streamed::begin(call, simulation, wanted.checkpoint);
    }
    let mut answer = if wanted.moving || wanted.resume.is_some() {
        let mut simulation =
            wanted.simulation(&call, document, &scene, &budget).map_err(refused)?;
        if wanted.resume.is_some() {
            // A token brings its tier.
            wanted.tier = simulation.describe().tier;
        }
        let (outcome, frames) =
            run(&mut simulation, limits.positions, &budget, &call.progress, &refused)?;
        measured(&call.app, &outcome);
        call.note(Step::Step, began, facts(&outcome));
        motion(outcome, frames, &wanted, call.reason, call.now().since(began))
    } else {
        let statics = physics::statics(document, &scene, &wanted.options, &limits, &budget)
            .map_err(refused)?;
        let bodies = statics.simulation.len();
        call.app.telemetry.metrics().bodies("statics", bodies);
        let solver = ("svgx.solver.name", "statics".into());
        call.note(Step::Solve, began, [solver, ("svgx.body.count", bodies.into())]);
        at_rest(statics, tier, &wanted, call.reason, call.now().since(began))
    };
    answer.duration_ms = call.elapsed_ms();
    // What ended early would end elsewhere the next time.
    let partial = matches!(&answer.simulation, Simulated::Moving(m) if m.partial);
    let reply = call.json(&answer, etag.filter(|_| !partial))?;
    Ok(if wanted.resume.is_some() { reply } else { reply.at(tier, wanted.tier) })
}

/// Puts what a simulation did into the metrics, once it has ended.
pub(super) fn measured(app: &App, outcome: &Outcome) {
    let metrics = app.telemetry.metrics();
    metrics.bodies("dynamics", outcome.statistics.bodies);
    metrics.solved("dynamics", outcome.statistics.steps, outcome.error.millimetres);
}

/// What explains the time that stepping took, for the trace.
pub(super) fn facts(outcome: &Outcome) -> [(&'static str, Fact); 7] {
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

/// How much work a body asks for: the length of the drawing tells how many bodies there may
/// be, the options how many steps. They stand beside the drawing, whose own quotes are
/// escaped, so that they are found without reading it.
fn work_of(body: &Body) -> Option<Work> {
    #[derive(Default, Deserialize)]
    struct Asked {
        duration: Option<f64>,
        precision: Option<String>,
        strict: Option<bool>,
    }
    let bytes = &body.bytes;
    let after = |name: &str| {
        let at = memchr::memmem::rfind(bytes, name.as_bytes())? + name.len();
        let rest = bytes.get(at..)?.trim_ascii_start().strip_prefix(b":")?;
        Some(rest)
    };
    fn value<'b, T: Deserialize<'b>>(text: &'b [u8]) -> Option<T> {
        serde_json::Deserializer::from_slice(text).into_iter().next()?.ok()
    }
    let json = body.kind == Kind::Json;
    let asked: Asked = after("\"options\"").filter(|_| json).and_then(value).unwrap_or_default();
    let other = || after("\"simulation_time\"").filter(|_| json).and_then(value::<f64>);
    let (tier, insists) = match asked.precision.as_deref() {
        None => (Tier::Compute, false),
        Some("strict") => (Tier::Compute, true),
        Some(name) => (name.parse().ok()?, false),
    };
    let bodies = bytes.len() as u64 / BYTES_PER_BODY + 1;
    let strict = insists || asked.strict.unwrap_or(false);
    let work = match asked.duration.or_else(other) {
        Some(seconds) => {
            // A float that is no number of steps is refused by physics later.
            let steps = (seconds * STEPS_PER_SECOND).clamp(1.0, 1e6) as u64;
            Work { operation: "simulate", size: bodies * steps, tier, strict }
        }
        None => Work { operation: "statics", size: bodies, tier, strict },
    };
    Some(work)
}

/// Bytes of a drawing for each of its bodies, a guess.
const BYTES_PER_BODY: u64 = 150;
/// Steps of a second at the usual rate.
const STEPS_PER_SECOND: f64 = 60.0;

/// Runs to the end, or to as many positions as one answer may hold.
fn run(
    simulation: &mut Simulation,
    most: usize,
    budget: &Budget,
    progress: &Progress,
    refused: &dyn Fn(physics::Error) -> Error,
) -> Result<(Outcome, Vec<Frame>), Error> {
    let (mut frames, mut positions) = (Vec::new(), 0);
    let whole = simulation.describe().duration;
    let outcome = simulation
        .run(budget, &mut |frame: Frame| {
            positions += frame.elements.len();
            progress.set(frame.time / whole);
            frames.push(frame);
            if positions > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .map_err(refused)?;
    if positions > most {
        return Err(Error::Limit {
            what: "positions in the frames of one answer (ask for fewer frames, for \
                changes_only, or for a stream)"
                .to_owned(),
            limit: most as f64,
            seen: positions as f64,
        });
    }
    Ok((outcome, frames))
}

/// What is asked for, as physics takes it.
struct Wanted {
    options: Options,
    tier: Tier,
    strict: bool,
    /// Whether bodies are to move.
    moving: bool,
    checkpoint: Option<f64>,
    resume: Option<Vec<u8>>,
}

impl Wanted {
    fn of(asked: &SimulateOptions, simulation_time: Option<f64>) -> Result<Wanted, Error> {
        let invalid = |pointer: &str, message: &str| Error::Invalid {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
            at: None,
        };
        if asked.duration.is_some() && simulation_time.is_some() {
            let message = "options.duration and simulation_time name the same thing; send one";
            return Err(invalid("/simulation_time", message));
        }
        let (tier, insists) = match asked.precision.as_deref() {
            None => (Tier::Compute, false),
            Some("strict") => (Tier::Compute, true),
            Some(name) => (precision::level(name, "/options/precision")?, false),
        };
        if let Some(seconds) = asked.checkpoint
            && !(seconds.is_finite() && seconds > 0.0)
        {
            return Err(invalid("/options/checkpoint", "must be a positive number of seconds"));
        }
        let duration = asked.duration.or(simulation_time);
        let resume = asked.resume.as_deref().map(streamed::sealed).transpose()?;
        if resume.is_some() && duration.is_some() {
            let message = "a token brings the options it was begun with; send no duration";
            return Err(invalid("/options/duration", message));
        }
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
            error_estimate: asked.error_estimate.map_or(usual.error_estimate, Estimate::from),
            start_awake: false,
            disturb: asked.disturb.clone().unwrap_or_default(),
        };
        Ok(Wanted {
            options,
            tier,
            strict: insists || asked.strict.unwrap_or(false),
            moving: duration.is_some(),
            checkpoint: asked.checkpoint,
            resume,
        })
    }

    /// The simulation asked for: a new one, or one to go on with.
    fn simulation(
        &self,
        call: &Call<'_>,
        document: &Document,
        scene: &Scene,
        budget: &Budget,
    ) -> Result<Simulation, physics::Error> {
        let (app, limits) = (&call.app, &call.app.config.limits);
        match &self.resume {
            Some(token) => {
                Simulation::resume(document, scene, token, &app.snapshots, limits, budget)
            }
            None => Simulation::of(document, scene, &self.options, limits, budget),
        }
    }

    /// Why an answer at `tier` is as it is.
    fn reason(&self, tier: Tier, ended: Option<SimulationEnd>, admitted: Reason) -> Reason {
        match ended {
            Some(SimulationEnd::Deadline) => Reason::Deadline,
            Some(SimulationEnd::Cancelled | SimulationEnd::Receiver) => Reason::Cancelled,
            None if tier < self.tier => admitted,
            None => Reason::Completed,
        }
    }
}

fn motion(
    outcome: Outcome,
    frames: Vec<Frame>,
    wanted: &Wanted,
    admitted: Reason,
    taken: Duration,
) -> SimulateAnswer {
    let taken = taken.as_secs_f64() * 1e3;
    let counts = outcome.statistics;
    SimulateAnswer {
        status: "success",
        success: true,
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

fn at_rest(
    statics: Statics,
    tier: Tier,
    wanted: &Wanted,
    admitted: Reason,
    taken: Duration,
) -> SimulateAnswer {
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
