//! A model as the rigid-body engine holds it, and one step of it.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use rapier2d_f64::dynamics::{
    JointAxesMask, RigidBody, RigidBodyBuilder, RigidBodyHandle, RigidBodySet, SoftBodySet,
    SoftBodyTearEvent,
};
use rapier2d_f64::geometry::{ColliderSet, CollisionEvent, ContactPair, SolverFlags};
use rapier2d_f64::math::Vector;
use rapier2d_f64::pipeline::{EventHandler, PairFilterContext, PhysicsHooks, PhysicsWorld};
use serde::{Deserialize, Serialize};

use svgx_base::budget::{Budget, Stop};

use super::build::{extents, insert, insert_joint};
use super::continuous::{Extent, Impact, first_impact};
use super::dispatcher::with_checkpoints;
use super::model::{Body, Model, Profile};
use super::outline::Part;
use super::passed::{Crossed, Stood};
use super::rebound::{Before, is_needed, rebound};
use super::sleep::{Verdict, keep_moving};
use super::solver_effort::additional_iterations;
use super::step_trace::Phases;
use super::tier::Settings;

/// Two bodies by number, the smaller first.
pub(super) type Pair = (u32, u32);

/// Number of the body that stands for the building.
const BUILDING: u128 = u128::MAX;

/// Cuts of one step at impacts of free bodies; then the engine's own means have to do.
const CUTS: usize = 32;

/// The same where lines meet, for which the engine has no means: one that comes down on another
/// is followed in bits of the distance at which contacts are made.
const LINE_CUTS: usize = 256;

/// How bodies start.
#[derive(Clone, Debug, Default)]
pub(super) struct Start {
    /// Shown to be at rest: starts asleep.
    pub(super) resting: Vec<bool>,
    /// In free flight: nothing holds it and nothing touches it.
    pub(super) flying: Vec<bool>,
    /// Pairs that overlap, and how deep, m.
    pub(super) overlapping: Vec<(Pair, f64)>,
}

/// A world with the numbers of its bodies.
#[derive(Serialize, Deserialize)]
pub(super) struct World {
    pub(super) physics: PhysicsWorld,
    /// Handle of every body of the model.
    pub(super) handles: Vec<RigidBodyHandle>,
    /// Bodies whose forces have to be set at every step.
    forced: Vec<u32>,
    /// The shares those forces had in the last step.
    shares: Vec<Vec<f64>>,
    /// Pairs that overlapped at the start: they do not collide.
    hooks: ExcludedPairs,
    /// Bodies in free flight since the start, whose velocities the engine holds half a substep
    /// back.
    pub(super) flying: Vec<bool>,
    /// Sizes for continuous detection; empty when nothing can meet.
    extents: Vec<Extent>,
    /// What is known of slow bodies.
    verdicts: Vec<Verdict>,
    /// Pairs at whose impacts the last step was cut.
    pub(super) cut_pairs: Vec<Pair>,
    /// Bodies that touched others when these were struck in the last step.
    pub(super) shared: BTreeSet<usize>,
    /// Lines that have passed through each other.
    pub(super) crossed: Crossed,
    /// Length of what was advanced last, s: a whole step, or what was left of a cut one.
    pub(super) last_span: f64,
    /// Steps done.
    pub(super) steps: u64,
    /// Where the time of the steps went, as far as they are traced.
    #[serde(skip)]
    pub(super) phases: Phases,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("bodies", &self.handles.len())
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

/// Pairs that do not collide.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct ExcludedPairs(BTreeSet<Pair>);

impl PhysicsHooks for ExcludedPairs {
    fn filter_contact_pair(&self, context: &PairFilterContext<'_>) -> Option<SolverFlags> {
        let number = |h| context.colliders.get(h).map(|c| c.user_data as u32);
        let (a, b) = number(context.collider1).zip(number(context.collider2))?;
        (!self.0.contains(&(a.min(b), a.max(b)))).then_some(SolverFlags::COMPUTE_RIGID_IMPULSES)
    }
}

/// Contacts that began (`true`) or ended in a step.
#[derive(Debug, Default)]
pub(super) struct ContactEvents(Mutex<Vec<(Pair, bool)>>);

impl ContactEvents {
    pub(super) fn take(&self) -> Vec<(Pair, bool)> {
        std::mem::take(&mut self.0.lock())
    }

    /// Tells of every body in them.
    fn each(&self, mut tell: impl FnMut(u32)) {
        self.0.lock().iter().for_each(|&((a, b), _)| {
            tell(a);
            tell(b);
        });
    }
}

impl EventHandler for ContactEvents {
    fn handle_collision_event(
        &self,
        _bodies: &RigidBodySet,
        colliders: &ColliderSet,
        event: CollisionEvent,
        _pair: Option<&ContactPair>,
    ) {
        let number = |h| colliders.get(h).map(|c| c.user_data as u32);
        if let Some((a, b)) = number(event.collider1()).zip(number(event.collider2())) {
            self.0.lock().push(((a.min(b), a.max(b)), event.started()));
        }
    }

    fn handle_contact_force_event(
        &self,
        _: f64,
        _: &RigidBodySet,
        _: &ColliderSet,
        _: &ContactPair,
        _: f64,
    ) {
    }

    fn handle_soft_body_tear_event(&self, _: &SoftBodySet, _: &SoftBodyTearEvent) {}
}

impl World {
    /// Makes the world of a model for steps of `step` seconds.
    pub(super) fn build(
        model: &Model,
        settings: &Settings,
        step: f64,
        gravity: f64,
        collisions: bool,
        excluded: &[(Pair, f64)],
        budget: &Budget,
    ) -> Result<World, Stop> {
        let mut physics = PhysicsWorld {
            gravity: Vector::new(0.0, gravity),
            integration_parameters: settings.parameters(step),
            ..PhysicsWorld::default()
        };
        let hooks = ExcludedPairs(excluded.iter().map(|(pair, _)| *pair).collect());
        let mut hooked = vec![false; model.bodies.len()];
        for &(a, b) in &hooks.0 {
            for i in [a, b] {
                if let Some(h) = hooked.get_mut(i as usize) {
                    *h = true;
                }
            }
        }
        let building = physics.insert_body(RigidBodyBuilder::fixed().user_data(BUILDING));
        let mut handles = Vec::with_capacity(model.bodies.len());
        let extra = additional_iterations(model, settings.iterations);
        for (i, body) in model.bodies.iter().enumerate() {
            if i % 64 == 0 {
                budget.checkpoint()?;
            }
            let handle =
                insert(&mut physics, i, body, collisions, hooked[i], extra[i], settings.skin());
            handles.push(handle);
        }
        for joint in &model.joints {
            budget.checkpoint()?;
            insert_joint(&mut physics, model, joint, &handles, building);
        }
        let forced = |b: &Body| {
            b.forces.iter().any(|f| f.profile != Profile::Constant || f.at != Vector::ZERO)
        };
        let forced: Vec<u32> = (0..model.bodies.len())
            .filter(|&i| !model.bodies[i].fixed && forced(&model.bodies[i]))
            .map(|i| i as u32)
            .collect();
        let shares = vec![Vec::new(); forced.len()];
        let free = model.bodies.iter().filter(|b| !b.fixed).count();
        // One free line may meet a fixed one.
        let line = |b: &Body| b.shape.parts.iter().any(|part| matches!(part, Part::Line(_)));
        let meets = free > 1 || free == 1 && model.bodies.iter().filter(|b| line(b)).count() > 1;
        let extents = if collisions && meets { extents(&physics, &handles) } else { Vec::new() };
        let flying = vec![false; handles.len()];
        let verdicts = vec![Verdict::default(); handles.len()];
        Ok(World {
            physics,
            handles,
            forced,
            shares,
            hooks,
            flying,
            extents,
            verdicts,
            cut_pairs: Vec::new(),
            shared: BTreeSet::new(),
            crossed: Crossed::default(),
            last_span: step,
            steps: 0,
            phases: Phases::default(),
        })
    }

    /// Puts to sleep what rests, and sets what flies half a substep back.
    ///
    /// The engine's symplectic Euler steps make velocities half a substep late.
    /// Starting a free flight half a substep back (the leapfrog start; Hairer,
    /// Lubich and Wanner, "Geometric Numerical Integration", I.1.4) makes
    /// constant acceleration exact.
    ///
    /// To be called after [`World::detect_contacts`]. The engine wakes whatever begins to
    /// touch, also when it was put in asleep, and what is put to sleep before
    /// the engine has built its islands stays in the active set without
    /// contacts, and falls through the floor. So a step of a picosecond lets it
    /// build them first; velocities are then set anew.
    pub(super) fn begin(
        &mut self,
        model: &Model,
        start: &Start,
        budget: &Budget,
    ) -> Result<(), Stop> {
        let parameters = &self.physics.integration_parameters;
        let (step, iterations) = (parameters.dt, parameters.num_solver_iterations);
        let half = step / iterations as f64 / 2.0;
        let gravity = self.physics.gravity.y;
        let any = start.resting.contains(&true);
        self.flying.clone_from(&start.flying);
        if any {
            self.physics.integration_parameters.dt = 1e-12;
            with_checkpoints(&mut self.physics, budget, true, None, |p| {
                p.step_with_events(&self.hooks, &())
            });
            self.physics.integration_parameters.dt = step;
            budget.checkpoint()?;
        }
        for (i, (body, &handle)) in model.bodies.iter().zip(&self.handles).enumerate() {
            let is = |flags: &[bool]| flags.get(i).copied().unwrap_or(false);
            if body.fixed || !(any || is(&start.flying)) {
                continue;
            }
            let Some(rigid) = self.physics.bodies.get_mut(handle) else { continue };
            let kick = if is(&start.flying) {
                constant_acceleration(body, gravity) * half
            } else {
                Vector::ZERO
            };
            rigid.set_linvel(body.velocity - kick, false);
            rigid.set_angvel(body.spin, false);
            if is(&start.resting) {
                rigid.sleep();
            }
        }
        Ok(())
    }

    /// Finds what touches what without moving anything.
    pub(super) fn detect_contacts(&mut self, budget: &Budget) -> Result<(), Stop> {
        let step = std::mem::replace(&mut self.physics.integration_parameters.dt, 0.0);
        with_checkpoints(&mut self.physics, budget, true, None, |p| {
            p.step_with_events(&self.hooks, &())
        });
        self.physics.integration_parameters.dt = step;
        budget.checkpoint()
    }

    /// One step. The budget is checked on the way only so that more urgent
    /// work may pass: half a step is no answer.
    ///
    /// Where two free bodies could pass each other, the step is cut at their impact.
    pub(super) fn step(&mut self, model: &Model, events: &ContactEvents, budget: &Budget) {
        let step = self.physics.integration_parameters.dt;
        let start = self.steps as f64 * step;
        // Shorter spans are rounding.
        let least = 1e-9 * step;
        let (mut done, mut cuts, mut swept) = (0.0, 0, false);
        self.cut_pairs.clear();
        self.shared.clear();
        while !self.extents.is_empty() && step - done > least {
            let Some(impact) = self.first_impact(step - done) else { break };
            if cuts >= if impact.lines { LINE_CUTS } else { CUTS } {
                swept = true;
                // So many impacts in one step: the engine stops the fast ones where they meet others.
                for handle in impact.fast {
                    if let Some(body) = self.physics.bodies.get_mut(handle) {
                        body.enable_ccd(true);
                    }
                }
                break;
            }
            cuts += 1;
            self.cut_pairs.push(impact.pair);
            for span in [impact.after, impact.lasts.min(step - done - impact.after)] {
                if span > least {
                    self.retime(model, span);
                    self.advance(model, start + done, events, budget);
                    done += span;
                }
            }
        }
        if step - done > least {
            if cuts > 0 {
                self.retime(model, step - done);
            }
            self.advance(model, start + done, events, budget);
        }
        if cuts > 0 {
            self.retime(model, step);
            self.physics.integration_parameters.warmstart_coefficient = 1.0;
        }
        if swept {
            for &handle in &self.handles {
                if let Some(body) = self.physics.bodies.get_mut(handle) {
                    body.enable_ccd(false);
                }
            }
        }
        self.steps += 1;
    }

    fn first_impact(&self, span: f64) -> Option<Impact> {
        first_impact(&self.physics, &self.extents, span, &|one, other| {
            let (a, b) = (one.user_data as u32, other.user_data as u32);
            self.collide((a.min(b), a.max(b)))
        })
    }

    /// Whether two bodies may not pass each other: neither drawn into each other nor joined.
    fn collide(&self, pair: Pair) -> bool {
        let handle = |i: u32| self.handles.get(i as usize).copied();
        let joined = handle(pair.0).zip(handle(pair.1)).is_some_and(|(a, b)| {
            let mut joints = self.physics.impulse_joints.joints_between(a, b);
            joints.any(|(_, joint)| !joint.data.contacts_enabled())
        });
        !joined && !self.hooks.0.contains(&pair)
    }

    /// Sets the length of what is stepped next. Impulses kept from the last step, and velocities
    /// half a substep back, go with the length of a substep.
    fn retime(&mut self, model: &Model, span: f64) {
        let gravity = self.physics.gravity.y;
        let parameters = &mut self.physics.integration_parameters;
        let before = std::mem::replace(&mut parameters.dt, span);
        // Of an impact in a short step nothing more than that comes again in a longer one.
        parameters.warmstart_coefficient = (span / before).min(1.0);
        let late = (before - span) / parameters.num_solver_iterations as f64 / 2.0;
        let flying = self.flying.iter().zip(&model.bodies).zip(&self.handles);
        for ((_, body), &handle) in flying.filter(|((flying, _), _)| **flying) {
            if let Some(rigid) = self.physics.bodies.get_mut(handle) {
                let velocity = rigid.linvel() + constant_acceleration(body, gravity) * late;
                rigid.set_linvel(velocity, false);
            }
        }
    }

    /// Advances by the length set, from `time` on.
    fn advance(&mut self, model: &Model, time: f64, events: &ContactEvents, budget: &Budget) {
        let span = self.physics.integration_parameters.dt;
        self.last_span = span;
        self.apply_forces(model, time, span);
        let before = is_needed(model).then(|| Before::of(self));
        let stood = Stood::of(&self.physics);
        let phases = Some(&mut self.phases);
        with_checkpoints(&mut self.physics, budget, false, phases, |p| {
            p.step_with_events(&self.hooks, events);
        });
        if let Some(before) = before {
            let shared = rebound(self, model, &before);
            self.shared.extend(shared);
        }
        if !stood.is_empty() {
            let mut crossed = std::mem::take(&mut self.crossed);
            crossed.follow(&self.physics, &stood, time + span, &|pair| self.collide(pair));
            self.crossed = crossed;
        }
        events.each(|i| {
            if let Some(flying) = self.flying.get_mut(i as usize) {
                *flying = false;
            }
        });
    }

    fn apply_forces(&mut self, model: &Model, time: f64, span: f64) {
        for (&i, before) in self.forced.iter().zip(&mut self.shares) {
            let Some(body) = model.bodies.get(i as usize) else { continue };
            let Some(rigid) =
                self.handles.get(i as usize).and_then(|&h| self.physics.bodies.get_mut(h))
            else {
                continue;
            };
            let now: Vec<f64> = body.forces.iter().map(|f| f.profile.mean(time, span)).collect();
            if rigid.is_sleeping() && *before == now {
                continue;
            }
            let wake = *before != now;
            *before = now;
            rigid.reset_forces(wake);
            rigid.reset_torques(wake);
            for (force, share) in body.forces.iter().zip(before.iter()) {
                let point = rigid.position().transform_point(force.at);
                rigid.add_force_at_point(force.vector * *share, point, wake);
            }
        }
    }

    /// Keeps the slow bodies awake that are not at rest; at every sample, `since` seconds apart.
    pub(super) fn keep_moving(&mut self, model: &Model, since: f64) {
        keep_moving(&mut self.physics, &mut self.verdicts, model, since);
    }

    /// Numbers of the bodies that are awake.
    pub(super) fn awake(&self) -> impl Iterator<Item = usize> + '_ {
        // Bodies are put in by number after the building and never removed, so
        // the place in the engine's arena is the number plus one.
        let bodies = self.handles.len();
        let number = |h: RigidBodyHandle| (h.into_raw_parts().0 as usize).checked_sub(1);
        self.physics.islands.active_bodies().filter_map(number).filter(move |&i| i < bodies)
    }

    /// The pairs of bodies in contact: numbers, and the impulse on the first over the last step.
    pub(super) fn contacts(&self) -> impl Iterator<Item = (usize, usize, Vector)> + '_ {
        self.physics.narrow_phase.contact_pairs().filter(|p| p.has_any_active_contact()).filter_map(
            |p| {
                let number = |h| self.physics.colliders.get(h).map(|c| c.user_data as usize);
                // The normal points from the first collider to the second.
                Some((number(p.collider1)?, number(p.collider2)?, -p.total_impulse()))
            },
        )
    }

    /// The pairs of bodies in contact: numbers, and how deep they are in each other, m.
    ///
    /// From the points of the contact and the places of the bodies now: the
    /// distances in the contact itself are those of its last full update.
    pub(super) fn penetrations(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        let colliders = &self.physics.colliders;
        self.physics.narrow_phase.contact_pairs().filter(|p| p.has_any_active_contact()).filter_map(
            move |p| {
                let (first, second) = (colliders.get(p.collider1)?, colliders.get(p.collider2)?);
                let mut deepest: f64 = 0.0;
                for manifold in p.manifolds() {
                    let one =
                        *first.position() * manifold.subshape_pos1().copied().unwrap_or_default();
                    let two =
                        *second.position() * manifold.subshape_pos2().copied().unwrap_or_default();
                    for point in &manifold.points {
                        let gap = two.transform_point(point.local_p2)
                            - one.transform_point(point.local_p1);
                        deepest = deepest.max(-gap.dot(manifold.data.normal));
                    }
                }
                Some((first.user_data as usize, second.user_data as usize, deepest))
            },
        )
    }

    /// The pairs of bodies that a joint holds together: numbers, and how far its ends are apart
    /// along what it takes, m. The building has the largest number there is.
    pub(super) fn joint_gaps(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        self.physics.impulse_joints.iter().filter_map(|(_, joint)| {
            let one = self.physics.bodies.get(joint.body1())?;
            let other = self.physics.bodies.get(joint.body2())?;
            let (data, number) = (&joint.data, |b: &RigidBody| b.user_data as u32 as usize);
            let from = *one.position() * data.local_frame1;
            let to = *other.position() * data.local_frame2;
            let apart = from.inverse_transform_point(to.translation);
            let gap = if data.coupled_axes.contains(JointAxesMask::LIN_AXES) {
                (apart.length() - data.limits[0].max).max(0.0)
            } else {
                let takes = |axis| f64::from(u8::from(data.locked_axes.contains(axis)));
                let x = apart.x * takes(JointAxesMask::LIN_X);
                let y = apart.y * takes(JointAxesMask::LIN_Y);
                libm::hypot(x, y)
            };
            gap.is_finite().then(|| (number(one), number(other), gap))
        })
    }

    /// Length of a step, s.
    pub(super) fn step_length(&self) -> f64 {
        self.physics.integration_parameters.dt
    }

    /// Whether a body never moves.
    pub(super) fn is_fixed(&self, body: usize) -> bool {
        self.handles
            .get(body)
            .and_then(|&h| self.physics.bodies.get(h))
            .is_some_and(|b| b.is_fixed())
    }
}

/// The constant part of the acceleration of a body that nothing touches.
pub(super) fn constant_acceleration(body: &Body, gravity: f64) -> Vector {
    let constant = body.forces.iter().filter(|f| f.profile == Profile::Constant);
    let force = constant.fold(Vector::ZERO, |a, f| a + f.vector);
    let own = if body.mass > 0.0 { force / body.mass } else { Vector::ZERO };
    Vector::new(0.0, gravity) + own
}
