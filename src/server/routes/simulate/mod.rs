//! `POST /simulate`: what holds a drawing up, and how it moves.

mod answer;
mod checkpoint;
mod networks;
mod options;
mod stepping;
mod stream;

use std::ops::ControlFlow;

use serde::Serialize;
use utoipa::ToSchema;

use self::answer::{SimulateAnswer, Simulated, at_rest, facts, motion, record_outcome};
use self::checkpoint::{Resumed, Turn};
use self::networks::NetworksInTime;
use self::options::{SimulateRequest, Wanted};
use self::stepping::Stepping;
use crate::admission::body::Body;
use crate::admission::input::{self, Input};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use crate::schema;
use crate::state::cache::Cache;
use svgx_base::budget::Budget;
use svgx_controller::{Reason, Shed};
use svgx_engine::geometry::Scene;
use svgx_engine::physics::{self, Frame, Outcome, SimulationEnd};
use svgx_telemetry::stage::Step;

pub(crate) use self::options::Estimation;
pub(crate) use self::stream::Line;

/// One JSON value per line.
const NDJSON: &str = "application/x-ndjson";
/// Server-sent events.
const EVENTS: &str = "text/event-stream";
/// The media types of the answer.
pub(crate) const MEDIA: &[&str] = &["application/json", NDJSON, EVENTS];
/// Those of them that are streams: frames as they are made.
pub(crate) const STREAMS: &[&str] = &[NDJSON, EVENTS];

/// What is answered in one piece.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Simulation {
    /// Bodies: at rest, or over time.
    Bodies(Box<SimulateAnswer>),
    /// Networks over time.
    Networks(NetworksInTime),
}

/// Answers what holds a drawing up: forces, weights and reactions of every body at
/// rest. With a duration, steps it through time and answers frames and contacts:
/// in one answer, or, when asked for lines or events, as they are made. With `networks`
/// it is the networks of the drawing that are stepped: tanks, rooms, patterns of a day.
///
/// # Errors
/// A body or a drawing that cannot be read, options past a limit, or no time.
#[utoipa::path(post, path = "/simulate", tag = "drawing", operation_id = "simulate_drawing",
    request_body(content((SimulateRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, content(
        (Simulation = "application/json"),
        (schema::SimulationLine = "application/x-ndjson"),
        (schema::SimulationLine = "text/event-stream"),
    ))))]
pub(crate) fn simulate(mut call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<SimulateRequest> = Input::read(&call, body)?;
    let asked = input.request.options.clone().unwrap_or_default();
    let mut wanted = Wanted::of(&asked, input.request.simulation_time.as_ref())?;
    let is_stream = call.media != "application/json";
    let content = &input.drawing(&call)?;
    let document = &*input::parse(&mut call, content)?;
    // Admission may have lowered the tier; what was asked is never raised by it.
    let tier = wanted.tier.min(call.budget.tier());
    wanted.strict |= call.budget.is_strict();
    if wanted.strict && tier < wanted.tier {
        return Err(Shed::now(Reason::StrictPrecision).into());
    }
    let etag = (!is_stream && wanted.resume.is_none() && asked.networks != Some(true)).then(|| {
        let described = format!("{:?} {tier} {} {}", wanted.options, wanted.tier, wanted.moving);
        input::etag(true, &Cache::key("simulate", &described, content))
    });
    if let Some(etag) = &etag
        && let Some(known) = call.known_as(etag)
    {
        return Ok(call.not_modified(known));
    }
    let began = call.now();
    let limits = call.app.config.limits;
    let budget = call.budget.clone().at(tier).strict(wanted.strict && !is_stream);
    let refused = |error: physics::Error| problem::physics(content, error);
    let scene = Scene::build(document, &limits, &budget)?;
    if asked.networks == Some(true) {
        let networks = networks::Asked::of(&call, document, &scene, &asked, &wanted, &budget)?;
        if is_stream {
            let simulation = networks.simulation(&call, &budget)?;
            let simulation = Stepping::Networks(Box::new(simulation));
            return stream::begin(call, simulation, wanted.checkpoint);
        }
        let mut answer = networks.simulate(&call, &wanted, &budget)?;
        answer.duration_ms = call.elapsed_ms();
        let reply = call.json(&Simulation::Networks(answer), None)?;
        return Ok(if wanted.resume.is_some() { reply } else { reply.at(tier, wanted.tier) });
    }
    if is_stream {
        let simulation = wanted.simulation(&call, document, &scene, &budget).map_err(refused)?;
        return stream::begin(call, Stepping::Bodies(Box::new(simulation)), wanted.checkpoint);
    }
    let mut answer = if wanted.moving || wanted.resume.is_some() {
        let resume = |bytes: &[u8], key: &_| {
            let begun = physics::Simulation::resume(document, &scene, bytes, key, &limits, &budget);
            let simulation = begun.map_err(|error| error.to_string())?;
            let physics::SimulationStart { tier, time: seconds, step, .. } = simulation.describe();
            Ok(Resumed { simulation, tier, step: (seconds / step).round(), seconds })
        };
        let left = checkpoint::left(&call, tier, resume);
        let (mut simulation, frames) = match left {
            Some(left) => left,
            None => {
                (wanted.simulation(&call, document, &scene, &budget).map_err(refused)?, Vec::new())
            }
        };
        if wanted.resume.is_some() {
            // A token brings its tier.
            wanted.tier = simulation.describe().tier;
        }
        let (outcome, frames) =
            run(&call, &mut simulation, frames, limits.positions, &budget, &refused)?;
        record_outcome(&call.app, &outcome);
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
    let answer = Simulation::Bodies(Box::new(answer));
    let reply = call.json(&answer, etag.filter(|_| !partial))?;
    Ok(if wanted.resume.is_some() { reply } else { reply.at(tier, wanted.tier) })
}

/// Runs to the end, or to as many positions as one answer may hold; `frames` are those before.
fn run(
    call: &Call<'_>,
    simulation: &mut physics::Simulation,
    mut frames: Vec<Frame>,
    most: usize,
    budget: &Budget,
    refused: &dyn Fn(physics::Error) -> Error,
) -> Result<(Outcome, Vec<Frame>), Error> {
    let mut positions: usize = frames.iter().map(|frame| frame.elements.len()).sum();
    let whole = simulation.describe().duration;
    let mut turn = Turn::first(call, budget);
    let ended = loop {
        let ended = simulation
            .advance(&turn.budget, &mut |frame: Frame| {
                positions += frame.elements.len();
                call.progress.set(frame.time / whole);
                frames.push(frame);
                if positions > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .map_err(refused)?;
        if ended != Some(SimulationEnd::Deadline) || !turn.goes_on(budget) {
            break ended;
        }
        let snapshot = |key: &_| simulation.snapshot(key, &call.app.config.limits).ok();
        checkpoint::leave(call, snapshot, &frames);
        turn = Turn::first(call, budget);
    };
    if positions > most {
        return Err(Error::Limit {
            what: "positions in the frames of one answer (ask for fewer frames, for \
                changes_only, or for a stream)"
                .to_owned(),
            limit: most as f64,
            seen: positions as f64,
        });
    }
    Ok((simulation.outcome(ended), frames))
}
