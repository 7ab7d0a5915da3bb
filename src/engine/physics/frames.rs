//! Looks at the bodies of a running simulation: frames, energy and error come of one round
//! through them.

use rapier2d_f64::dynamics::RigidBody;
use rapier2d_f64::math::Vector;

use super::answer::{Energy, Frame, FrameElement};
use super::estimate::{Pace, Seen};
use super::model::{Body, Model};
use super::options::Options;
use super::simulation::Simulation;
use super::state::{Look, Reason, State};
use super::tier::Settings;

/// Farther than this from the origin, m, and a body is taken out.
pub(super) const FAR: f64 = 1e6;

/// What a look at a body needs to know of it, side by side: with thousands of bodies a frame
/// costs the memory it touches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    mass: f64,
    inertia: f64,
    /// Half the diagonal of its box, m.
    reach: f64,
    /// The acceleration that is known without contacts and joints, m/s².
    steady: Vector,
}

impl Simulation {
    pub(super) fn frame(&mut self) -> Frame {
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
    pub(super) fn look_around(&mut self, frame: bool) -> Vec<FrameElement> {
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
    pub(super) fn late(&self) -> f64 {
        match self.state.main.steps {
            0 => 0.0,
            _ => self.plan.step / Settings::of(self.tier).iterations as f64 / 2.0,
        }
    }

    pub(super) fn look(&self, body: usize, late: f64) -> Option<Look> {
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

    pub(super) fn rigid(&self, body: usize) -> Option<&RigidBody> {
        let handle = self.state.main.handles.get(body)?;
        self.state.main.physics.bodies.get(*handle)
    }
}

pub(super) fn known(model: &Model, options: &Options) -> Vec<Known> {
    let known = |body: &Body| Known {
        mass: body.mass,
        inertia: body.inertia,
        reach: body.half.length(),
        steady: super::world::steady(body, options.gravity),
    };
    model.bodies.iter().map(known).collect()
}
