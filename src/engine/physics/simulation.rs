//! A running simulation: its steps, and early ends.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use rapier2d_f64::math::Vector;

use crate::document::Limits;
use svgx_base::budget::{Budget, Stop, Tier};
use svgx_base::{deep, deep_span};

use super::answer::{Conventions, Frame, Outcome, SimulationEnd, SimulationStart};
use super::error::Error;
use super::estimate::PropagatedError;
use super::initial_state;
use super::model::{Body, JointKind, Model};
use super::options::{Estimate, Options};
use super::state::{BodyConstants, QuarantineReason, State, TimeGrid, body_constants};
use super::step_trace::StepTrace;
use super::tier::Settings;
use super::world::{ContactEvents, Pair, World};

/// A simulation that can be run, stopped, and taken up again.
#[derive(Debug)]
pub struct Simulation {
    pub(super) model: Model,
    pub(super) options: Options,
    pub(super) tier: Tier,
    pub(super) grid: TimeGrid,
    pub(super) state: State,
    pub(super) constants: Vec<BodyConstants>,
    pub(super) movable: Vec<usize>,
    pub(super) names: Vec<Arc<str>>,
    events_limit: usize,
}

impl Simulation {
    pub(super) fn new(
        mut model: Model,
        options: Options,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Simulation, Error> {
        let _span = deep_span!("world", svgx.body.count = deep::count(model.bodies.len()));
        let settings = Settings::of(budget.tier());
        let grid = TimeGrid::new(&options, &settings, limits)?;
        disturb(&mut model, &options)?;
        if options.collisions {
            initial_state::check_overlaps(&model, limits.overlapping_pairs, budget)?;
        }
        let build = |step: f64, apart: &[(Pair, f64)]| -> Result<World, Error> {
            let (gravity, collisions) = (options.gravity, options.collisions);
            let mut world =
                World::build(&model, &settings, step, gravity, collisions, apart, budget)?;
            budget.checkpoint()?;
            world.detect_contacts(budget)?;
            Ok(world)
        };
        let mut main = build(grid.step, &[])?;
        let start = initial_state::classify(&model, &main, &options);
        if !start.overlapping.is_empty() {
            main = build(grid.step, &start.overlapping)?;
        }
        main.begin(&model, &start, budget)?;
        let twin = if needs_twin(&model, &options) {
            let mut twin = build(2.0 * grid.step, &start.overlapping)?;
            twin.begin(&model, &start, budget)?;
            Some(twin)
        } else {
            None
        };
        let constants = body_constants(&model, &options);
        let propagated = (options.error_estimate == Estimate::Propagated).then(|| {
            let unloaded = |i: usize| start.flying[i] || start.resting[i];
            let load = |(i, body): (usize, &Body)| {
                let constant_acceleration =
                    super::world::constant_acceleration(body, options.gravity).length();
                let load = if body.fixed || unloaded(i) { 0.0 } else { constant_acceleration };
                // Friction sets in late; a joint holds without any.
                let friction = if constants[i].jointed { 0.0 } else { body.friction };
                (body.velocity, load, friction)
            };
            let substep = grid.step / settings.iterations as f64;
            PropagatedError::new(model.bodies.iter().enumerate().map(load), substep)
        });
        let state = State {
            main,
            twin,
            propagated,
            sampled_at_step: 0,
            kinetic: 0.0,
            seen: model.bodies.iter().map(|b| b.centre).collect(),
            given: model.bodies.iter().map(|b| (b.centre, 0.0)).collect(),
            awake: (0..model.bodies.len()).filter(|&i| !model.bodies[i].fixed).collect(),
            potential: model
                .bodies
                .iter()
                .filter(|b| !b.fixed)
                .map(|b| -b.mass * options.gravity * b.centre.y)
                .sum(),
            twin_distance: 0.0,
            frames: 0,
            collisions: 0,
            body_steps: 0,
            events: Vec::new(),
            quarantined: start
                .overlapping
                .iter()
                .map(|&((a, b), depth)| (Some(b), a, QuarantineReason::Overlap, depth, 0.0))
                .collect(),
        };
        let mut simulation = Simulation {
            constants,
            movable: movable(&model),
            names: names(&model),
            model,
            options,
            tier: budget.tier(),
            grid,
            state,
            events_limit: limits.events,
        };
        simulation.state.awake = simulation.state.main.awake().collect();
        Ok(simulation)
    }

    pub(super) fn restored(
        model: Model,
        options: Options,
        tier: Tier,
        grid: TimeGrid,
        state: State,
        limits: &Limits,
    ) -> Result<Simulation, Error> {
        let n = model.bodies.len();
        let sizes = [
            state.main.handles.len(),
            state.main.flying.len(),
            state.seen.len(),
            state.given.len(),
            state.twin.as_ref().map_or(n, |t| t.handles.len()),
            state.propagated.as_ref().map_or(n, PropagatedError::len),
        ];
        if sizes.iter().any(|&s| s != n) || state.awake.iter().any(|&i| i >= n) {
            return Err(Error::Snapshot("its bodies are not those of the document"));
        }
        Ok(Simulation {
            constants: body_constants(&model, &options),
            movable: movable(&model),
            names: names(&model),
            model,
            options,
            tier,
            grid,
            state,
            events_limit: limits.events,
        })
    }

    pub(super) fn grid(options: &Options, tier: Tier, limits: &Limits) -> Result<TimeGrid, Error> {
        TimeGrid::new(options, &Settings::of(tier), limits)
    }

    /// Seconds simulated so far.
    pub fn time(&self) -> f64 {
        self.state.main.steps as f64 * self.grid.step
    }

    /// Whether the end has been reached.
    pub fn is_finished(&self) -> bool {
        self.state.main.steps >= self.grid.steps()
    }

    /// Frames given so far.
    pub fn frames(&self) -> u64 {
        self.state.frames
    }

    /// Bytes that it holds, at a guess from above.
    pub fn footprint(&self) -> usize {
        let worlds = if self.state.twin.is_some() { 2 } else { 1 };
        64 * 1024 + self.model.bodies.len() * worlds * 6 * 1024
    }

    /// How it is done: known before the first step.
    pub fn describe(&self) -> SimulationStart {
        let bodies = &self.model.bodies;
        SimulationStart {
            tier: self.tier,
            time: self.time(),
            duration: self.options.duration,
            frames: self.grid.frames,
            step: self.grid.step,
            iterations: Settings::of(self.tier).iterations,
            bodies: bodies.len(),
            movable: bodies.iter().filter(|b| !b.fixed).count(),
            conventions: Conventions::new(self.options.gravity, self.model.scale),
        }
    }

    /// Runs until the end, until the budget or the receiver stops it. It can
    /// be run on afterwards.
    ///
    /// The budget is checked between steps; a step that would not end in
    /// time, judged by the one before, is not begun.
    ///
    /// # Errors
    /// [`Error::Strict`] when stopped early and the budget is strict.
    pub fn run(
        &mut self,
        budget: &Budget,
        sink: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Outcome, Error> {
        let ended = self.advance(budget, sink)?;
        Ok(self.outcome(ended))
    }

    /// As [`Simulation::run`], without an answer at the end: why it stopped
    /// before its time, if it did.
    ///
    /// # Errors
    /// [`Error::Strict`] when stopped early and the budget is strict.
    pub fn advance(
        &mut self,
        budget: &Budget,
        sink: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Option<SimulationEnd>, Error> {
        let events = ContactEvents::default();
        let mut ended = None;
        let mut last_step = None;
        let mut trace = StepTrace::of(self.grid.steps().saturating_sub(self.state.main.steps));
        while !self.is_finished() {
            let before = budget.remaining();
            let short = before.zip(last_step).is_some_and(|(left, step)| left < step);
            if let Err(stop) =
                budget.checkpoint().and(if short { Err(Stop::Deadline) } else { Ok(()) })
            {
                if budget.is_strict() {
                    return Err(Error::Strict(stop));
                }
                ended = Some(stop.into());
                break;
            }
            trace.begin_step();
            self.step(&events, budget);
            trace.end_step(&mut self.state);
            let into = self.state.main.steps % self.grid.steps_per_frame;
            if into > 0 {
                if into.is_multiple_of(self.grid.steps_per_sample) {
                    self.sample_frames(false);
                }
            } else {
                let frame = self.frame();
                if sink(frame).is_break() {
                    ended = Some(SimulationEnd::Receiver);
                    break;
                }
            }
            last_step = before.zip(budget.remaining()).map(|(a, b)| a.saturating_sub(b));
        }
        trace.end(&mut self.state);
        Ok(ended.filter(|_| !self.is_finished()))
    }

    fn step(&mut self, events: &ContactEvents, budget: &Budget) {
        self.state.main.step(&self.model, events, budget);
        // A stop is seen before the next step; here urgent work may pass.
        let _ = budget.checkpoint();
        let time = self.time();
        self.state.body_steps += self.state.main.physics.islands.num_active_bodies() as u64;
        self.record_quarantined(time);
        for (pair, began) in events.take() {
            self.state.collisions += u64::from(began);
            if began && let Some(propagated) = &mut self.state.propagated {
                let timed = self.state.main.cut_pairs.contains(&pair);
                propagated.begin_contact(pair.0 as usize, pair.1 as usize, timed);
            }
            if self.state.events.len() < self.events_limit {
                self.state.events.push((time, began, pair));
            }
        }
        if let Some(propagated) = &mut self.state.propagated {
            self.state.main.shared.iter().for_each(|&body| propagated.share_impact(body));
        }
        let even = self.state.main.steps.is_multiple_of(2);
        if let Some(twin) = self.state.twin.as_mut().filter(|_| even) {
            twin.step(&self.model, events, budget);
            // The events of the twin are not events of the simulation.
            drop(events.take());
        }
    }

    /// Reports what the engine has taken out because it stopped being finite.
    fn record_quarantined(&mut self, time: f64) {
        let quarantine = self.state.main.physics.quarantine();
        if quarantine.is_empty() {
            return;
        }
        let bodies = &self.state.main.physics.bodies;
        let parents = quarantine
            .colliders()
            .iter()
            .filter_map(|&c| self.state.main.physics.colliders.get(c).and_then(|c| c.parent()));
        let mut found: Vec<u32> = quarantine
            .bodies()
            .iter()
            .copied()
            .chain(parents)
            .filter_map(|h| bodies.get(h).map(|b| b.user_data as u32))
            .collect();
        found.dedup();
        let known = found.into_iter().map(|i| (None, i, QuarantineReason::NotFinite, 0.0, time));
        self.state.quarantined.extend(known);
    }
}

/// Sets bodies in motion as the options ask.
pub(super) fn disturb(model: &mut Model, options: &Options) -> Result<(), Error> {
    if options.disturb.is_empty() {
        return Ok(());
    }
    let mut numbers: HashMap<String, usize> = HashMap::with_capacity(model.bodies.len());
    for (i, body) in model.bodies.iter().enumerate() {
        numbers.entry(body.id.clone()).or_insert(i);
    }
    for d in &options.disturb {
        let body = numbers
            .get(&d.element)
            .and_then(|&i| model.bodies.get_mut(i))
            .ok_or_else(|| Error::UnknownBody(d.element.chars().take(64).collect()))?;
        body.velocity += Vector::new(d.velocity[0], d.velocity[1]);
        body.spin += d.spin;
    }
    Ok(())
}

/// Movable bodies up to which a twin costs less than a reader notices.
const TWIN_BODIES: usize = 64;
/// The same for scenes with joints, whose errors nothing but a twin finds.
const TWIN_BODIES_JOINED: usize = 512;

/// Whether a simulation runs beside one with steps twice as long.
fn needs_twin(model: &Model, options: &Options) -> bool {
    let free = model.bodies.iter().filter(|b| !b.fixed).count();
    let joined = model.joints.iter().any(|j| j.kind != JointKind::Fixed || j.other.is_some());
    match options.error_estimate {
        Estimate::None => false,
        Estimate::Doubling => true,
        Estimate::Propagated => free <= if joined { TWIN_BODIES_JOINED } else { TWIN_BODIES },
    }
}

fn movable(model: &Model) -> Vec<usize> {
    (0..model.bodies.len()).filter(|&i| !model.bodies[i].fixed).collect()
}

fn names(model: &Model) -> Vec<Arc<str>> {
    model.bodies.iter().map(|b| Arc::from(b.id.as_str())).collect()
}
