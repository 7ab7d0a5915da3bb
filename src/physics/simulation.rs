//! A running simulation: steps, frames, the measured error, early ends.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use rapier2d_f64::math::Vector;

use crate::budget::{Budget, Stop, Tier};
use crate::document::Limits;

use super::answer::{
    Begun, Contact, Conventions, Ended, Energy, ErrorEstimate, Event, ForceVector, Frame,
    FrameElement, Outcome, Quarantined, Statistics,
};
use super::error::Error;
use super::estimate::{Drifts, Pace, Seen};
use super::model::{Body, Model};
use super::options::{Estimate, Options};
use super::start;
use super::state::{Look, Plan, Reason, State};
use super::tier::Settings;
use super::world::{Pair, Touches, World};

/// Farther than this from the origin, m, and a body is taken out.
pub(super) const FAR: f64 = 1e6;

const PROPAGATED: &str = "the leading error of every step and bounce, from the velocities that came \
                          out, carried along with each body; and how far supports have given way";
const DOUBLING: &str = "step doubling: the largest distance between the positions found with the \
                        step used and with twice that step, at the ends of frames";
const UNMEASURED: &str = "not measured: error_estimate was none";

/// A simulation that can be run, stopped, and taken up again.
#[derive(Debug)]
pub struct Simulation {
    pub(super) model: Model,
    pub(super) options: Options,
    pub(super) tier: Tier,
    pub(super) plan: Plan,
    pub(super) state: State,
    known: Vec<Known>,
    movable: Vec<usize>,
    names: Vec<Arc<str>>,
    events_limit: usize,
}

/// What a look at a body needs to know of it, side by side: with thousands of bodies a frame
/// costs the memory it touches.
#[derive(Clone, Copy, Debug)]
struct Known {
    mass: f64,
    inertia: f64,
    /// Half the diagonal of its box, m.
    reach: f64,
    /// The acceleration that is known without contacts and joints, m/s².
    steady: Vector,
}

impl Simulation {
    pub(super) fn new(
        mut model: Model,
        options: Options,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Simulation, Error> {
        let settings = Settings::of(budget.tier());
        let plan = Plan::new(&options, &settings, limits)?;
        disturb(&mut model, &options)?;
        let build = |step: f64, apart: &[(Pair, f64)]| -> Result<World, Error> {
            let (gravity, collisions) = (options.gravity, options.collisions);
            let mut world =
                World::build(&model, &settings, step, gravity, collisions, apart, budget)?;
            budget.checkpoint()?;
            world.look(budget)?;
            Ok(world)
        };
        let mut main = build(plan.step, &[])?;
        let start = start::look(&model, &main, &options);
        if !start.overlapping.is_empty() {
            main = build(plan.step, &start.overlapping)?;
        }
        main.begin(&model, &start, budget)?;
        let twin = if options.error_estimate == Estimate::Doubling {
            let mut twin = build(2.0 * plan.step, &start.overlapping)?;
            twin.begin(&model, &start, budget)?;
            Some(twin)
        } else {
            None
        };
        let drifts = (options.error_estimate == Estimate::Propagated).then(|| {
            let unloaded = |i: usize| start.flying[i] || start.resting[i];
            let load = |(i, body): (usize, &Body)| {
                let steady = super::world::steady(body, options.gravity).length();
                (body.velocity, if body.fixed || unloaded(i) { 0.0 } else { steady })
            };
            let substep = plan.step / settings.iterations as f64;
            Drifts::new(model.bodies.iter().enumerate().map(load), substep)
        });
        let state = State {
            main,
            twin,
            drifts,
            looked: 0,
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
            apart: 0.0,
            frames: 0,
            collisions: 0,
            body_steps: 0,
            events: Vec::new(),
            quarantined: start
                .overlapping
                .iter()
                .map(|&((a, b), depth)| (Some(b), a, Reason::Overlap, depth, 0.0))
                .collect(),
            flying: start.flying,
        };
        let mut simulation = Simulation {
            known: known(&model, &options),
            movable: movable(&model),
            names: names(&model),
            model,
            options,
            tier: budget.tier(),
            plan,
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
        plan: Plan,
        state: State,
        limits: &Limits,
    ) -> Result<Simulation, Error> {
        let n = model.bodies.len();
        let sizes = [
            state.main.handles.len(),
            state.flying.len(),
            state.seen.len(),
            state.given.len(),
            state.twin.as_ref().map_or(n, |t| t.handles.len()),
            state.drifts.as_ref().map_or(n, Drifts::len),
        ];
        if sizes.iter().any(|&s| s != n) || state.awake.iter().any(|&i| i >= n) {
            return Err(Error::Snapshot("its bodies are not those of the document"));
        }
        Ok(Simulation {
            known: known(&model, &options),
            movable: movable(&model),
            names: names(&model),
            model,
            options,
            tier,
            plan,
            state,
            events_limit: limits.events,
        })
    }

    pub(super) fn plan(options: &Options, tier: Tier, limits: &Limits) -> Result<Plan, Error> {
        Plan::new(options, &Settings::of(tier), limits)
    }

    /// Seconds simulated so far.
    pub fn time(&self) -> f64 {
        self.state.main.steps as f64 * self.plan.step
    }

    /// Whether the end has been reached.
    pub fn is_finished(&self) -> bool {
        self.state.main.steps >= self.plan.steps()
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
    pub fn begun(&self) -> Begun {
        let bodies = &self.model.bodies;
        Begun {
            tier: self.tier,
            time: self.time(),
            duration: self.options.duration,
            frames: self.plan.frames,
            step: self.plan.step,
            iterations: Settings::of(self.tier).iterations,
            bodies: bodies.len(),
            movable: bodies.iter().filter(|b| !b.fixed).count(),
            conventions: Conventions::new(self.options.gravity, self.model.scale),
        }
    }

    /// Runs until the end, until the budget or the receiver stops it. It can
    /// be run on afterwards.
    ///
    /// The budget is looked at between steps; a step that would not end in
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
    ) -> Result<Option<Ended>, Error> {
        let touches = Touches::default();
        let mut ended = None;
        let mut last_step = None;
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
            self.step(&touches, budget);
            let into = self.state.main.steps % self.plan.steps_per_frame;
            if into > 0 {
                if into.is_multiple_of(self.plan.steps_per_look) {
                    self.look_around(false);
                }
            } else {
                let frame = self.frame();
                if sink(frame).is_break() {
                    ended = Some(Ended::Receiver);
                    break;
                }
            }
            last_step = before.zip(budget.remaining()).map(|(a, b)| a.saturating_sub(b));
        }
        Ok(ended.filter(|_| !self.is_finished()))
    }

    fn step(&mut self, touches: &Touches, budget: &Budget) {
        self.state.main.step(&self.model, touches, budget);
        let time = self.time();
        self.state.body_steps += self.state.main.physics.islands.num_active_bodies() as u64;
        self.contain(time);
        for (pair, began) in touches.take() {
            for i in [pair.0, pair.1] {
                if let Some(f) = self.state.flying.get_mut(i as usize) {
                    *f = false;
                }
            }
            self.state.collisions += u64::from(began);
            if began && let Some(drifts) = &mut self.state.drifts {
                drifts.touch(pair.0 as usize, pair.1 as usize);
            }
            if self.state.events.len() < self.events_limit {
                self.state.events.push((time, began, pair));
            }
        }
        let even = self.state.main.steps.is_multiple_of(2);
        if let Some(twin) = self.state.twin.as_mut().filter(|_| even) {
            // A stop is seen before the next step; here urgent work may pass.
            let _ = budget.checkpoint();
            twin.step(&self.model, touches, budget);
            // The events of the twin are not events of the simulation.
            drop(touches.take());
        }
    }

    /// Reports what the engine has taken out because it stopped being finite.
    fn contain(&mut self, time: f64) {
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
        let known = found.into_iter().map(|i| (None, i, Reason::NotFinite, 0.0, time));
        self.state.quarantined.extend(known);
    }

    /// Takes out what has gone too far.
    fn contain_far(&mut self, body: usize) {
        let world = &mut self.state.main.physics;
        if let Some(rigid) =
            self.state.main.handles.get(body).and_then(|&h| world.bodies.get_mut(h))
        {
            rigid.set_enabled(false);
        }
        let time = self.time();
        self.state.quarantined.push((None, body as u32, Reason::Far, 0.0, time));
    }

    fn frame(&mut self) -> Frame {
        let elements = self.look_around(true);
        self.measure();
        self.state.frames += 1;
        let State { kinetic, potential, .. } = self.state;
        let energy = Energy { kinetic, potential, total: kinetic + potential };
        Frame { time: self.time(), elements, energy }
    }

    /// Looks at every body that may have moved since the last time: with
    /// thousands of bodies the look-up, not the arithmetic, is what a frame
    /// costs, so energy, error and frame share it. The bodies are answered when
    /// they are for a `frame`.
    fn look_around(&mut self, frame: bool) -> Vec<FrameElement> {
        let all = frame && !self.options.changes_only;
        let before = std::mem::replace(&mut self.state.awake, self.state.main.awake().collect());
        let list: Vec<usize> = if all {
            self.movable.clone()
        } else {
            // What fell asleep since the last look has moved since the last look.
            let mut list = before;
            list.extend(&self.state.awake);
            list.sort_unstable();
            list.dedup();
            list
        };
        let pace = Pace {
            since: (self.state.main.steps - self.state.looked) as f64 * self.plan.step,
            step: self.plan.step,
            substep: self.plan.step / Settings::of(self.tier).iterations as f64,
        };
        self.state.looked = self.state.main.steps;
        let late = self.late();
        let threshold = self.tier.millimetres() / 1e3;
        let mut elements = Vec::with_capacity(if all { list.len() } else { 0 });
        let mut kinetic = 0.0;
        for &i in &list {
            let Some(&Known { mass, inertia, reach, steady }) = self.known.get(i) else { continue };
            let Some(look) = self.look(i, late) else { continue };
            kinetic += look.kinetic(mass, inertia);
            let weight = mass * self.options.gravity;
            if let Some(seen) = self.state.seen.get_mut(i) {
                self.state.potential -= weight * (look.place.y - seen.y);
                *seen = look.place;
            }
            if let Some(drifts) = &mut self.state.drifts {
                let seen = Seen {
                    velocity: look.velocity,
                    steady,
                    flying: self.state.flying.get(i).copied().unwrap_or(false),
                    size: reach,
                };
                drifts.look(i, &seen, pace);
            }
            if look.enabled && look.place.abs().max_element() > FAR {
                self.contain_far(i);
            }
            if !frame {
                continue;
            }
            let changed = all
                || self.state.given.get_mut(i).is_some_and(|(place, angle)| {
                    let moved = (look.place - *place).length() > threshold
                        || (look.angle - *angle).abs() * reach > threshold;
                    if moved {
                        (*place, *angle) = (look.place, look.angle);
                    }
                    moved
                });
            if changed && let Some(name) = self.names.get(i) {
                elements.push(look.element(name, self.model.scale));
            }
        }
        self.state.kinetic = kinetic;
        if !frame {
            // What was awake since the last frame belongs into the next one.
            self.state.awake = list;
        }
        elements
    }

    /// How late the velocities of what flies are, s.
    fn late(&self) -> f64 {
        match self.state.main.steps {
            0 => 0.0,
            _ => self.plan.step / Settings::of(self.tier).iterations as f64 / 2.0,
        }
    }

    fn look(&self, body: usize, late: f64) -> Option<Look> {
        let rigid = self.rigid(body)?;
        let back = match (self.state.flying.get(body), self.known.get(body)) {
            (Some(true), Some(known)) => known.steady * late,
            _ => Vector::ZERO,
        };
        let turned = rigid.rotation();
        Some(Look {
            place: rigid.translation(),
            // Most bodies never turn, and an arc tangent costs more than the rest of a look.
            angle: if turned.sin() == 0.0 && turned.cos() > 0.0 { 0.0 } else { turned.angle() },
            velocity: rigid.linvel() + back,
            spin: rigid.angvel(),
            enabled: rigid.is_enabled(),
        })
    }

    /// Compares with the twin, when both are at the same time.
    fn measure(&mut self) {
        let Some(twin) = &self.state.twin else { return };
        if twin.steps * 2 != self.state.main.steps {
            return;
        }
        let both = self.state.awake.iter().copied().chain(twin.awake());
        let mut worst = self.state.apart;
        for i in both {
            let theirs = twin.handles.get(i).and_then(|&h| twin.physics.bodies.get(h));
            if let (Some(ours), Some(theirs)) = (self.rigid(i), theirs)
                && ours.is_enabled()
            {
                let apart = (ours.translation() - theirs.translation()).length();
                if apart > worst {
                    worst = apart;
                }
            }
        }
        self.state.apart = worst;
    }

    fn rigid(&self, body: usize) -> Option<&rapier2d_f64::dynamics::RigidBody> {
        let handle = self.state.main.handles.get(body)?;
        self.state.main.physics.bodies.get(*handle)
    }

    fn name(&self, body: u32) -> Arc<str> {
        self.names.get(body as usize).map_or_else(|| Arc::from("building"), Arc::clone)
    }

    /// The answer as things stand; `ended` says why it stands before the end.
    pub fn outcome(&self, ended: Option<Ended>) -> Outcome {
        let (bodies, late) = (&self.model.bodies, self.late());
        let mut elements = Vec::with_capacity(bodies.len());
        let mut energy = Energy::default();
        for (i, (body, name)) in bodies.iter().zip(&self.names).enumerate() {
            let Some(look) = self.look(i, late) else { continue };
            elements.push(look.element(name, self.model.scale));
            if !body.fixed {
                energy.kinetic += look.kinetic(body.mass, body.inertia);
                energy.potential -= body.mass * self.options.gravity * look.place.y;
            }
        }
        energy.total = energy.kinetic + energy.potential;
        let step = self.plan.step;
        let contacts = self.state.main.contacts().map(|(a, b, impulse)| Contact {
            a: self.name(a as u32),
            b: self.name(b as u32),
            force: ForceVector::new(impulse.x / step, impulse.y / step),
        });
        let quarantined =
            self.state.quarantined.iter().map(|&(other, body, reason, depth, time)| Quarantined {
                element_id: self.name(body).to_string(),
                other: other.map(|o| self.name(o).to_string()),
                reason: reason.text().to_owned(),
                depth_mm: matches!(reason, Reason::Overlap).then_some(depth * 1e3),
                time,
            });
        let left_out = self.model.quarantined.iter().map(|(id, reason)| Quarantined {
            element_id: id.clone(),
            other: None,
            reason: (*reason).to_owned(),
            depth_mm: None,
            time: 0.0,
        });
        let (metres, method) = match (&self.state.drifts, &self.state.twin) {
            (Some(drifts), _) => (Some(drifts.worst(&self.state.main)), PROPAGATED),
            (None, Some(_)) => (Some(self.state.apart), DOUBLING),
            (None, None) => (None, UNMEASURED),
        };
        let millimetres = metres.map(|m| m * 1e3);
        Outcome {
            tier: self.tier,
            duration: self.options.duration,
            simulated: self.time(),
            partial: ended.is_some(),
            ended,
            error: ErrorEstimate {
                millimetres,
                method,
                within_tier: millimetres.map(|e| e <= self.tier.millimetres()),
            },
            statistics: Statistics {
                total_frames: self.state.frames,
                collision_count: self.state.collisions,
                steps: self.state.main.steps,
                step,
                iterations: Settings::of(self.tier).iterations,
                bodies: bodies.len(),
                movable: bodies.iter().filter(|b| !b.fixed).count(),
                awake: self.state.main.awake().count(),
                body_steps: self.state.body_steps,
            },
            energy,
            elements,
            contacts: contacts.collect(),
            events: self
                .state
                .events
                .iter()
                .map(|&(time, began, (a, b))| Event {
                    time,
                    kind: if began { "began" } else { "ended" },
                    a: self.name(a),
                    b: self.name(b),
                })
                .collect(),
            quarantined: quarantined.chain(left_out).collect(),
            digest: self.digest(),
            conventions: Conventions::new(self.options.gravity, self.model.scale),
        }
    }

    fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for i in 0..self.model.bodies.len() {
            let Some(rigid) = self.rigid(i) else { continue };
            let (p, v, r) = (rigid.translation(), rigid.linvel(), rigid.rotation());
            for x in [p.x, p.y, r.cos(), r.sin(), v.x, v.y, rigid.angvel()] {
                hasher.update(&x.to_bits().to_le_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
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

fn known(model: &Model, options: &Options) -> Vec<Known> {
    let known = |body: &Body| Known {
        mass: body.mass,
        inertia: body.inertia,
        reach: body.half.length(),
        steady: super::world::steady(body, options.gravity),
    };
    model.bodies.iter().map(known).collect()
}

fn movable(model: &Model) -> Vec<usize> {
    (0..model.bodies.len()).filter(|&i| !model.bodies[i].fixed).collect()
}

fn names(model: &Model) -> Vec<Arc<str>> {
    model.bodies.iter().map(|b| Arc::from(b.id.as_str())).collect()
}
