//! Sampling of a running simulation: frames, energy and error come from one pass over the bodies.

use rapier2d_f64::dynamics::RigidBody;
use rapier2d_f64::math::Vector;

use super::answer::{Energy, Frame, FrameElement};
use super::estimate::{Interval, Observation};
use super::simulation::Simulation;
use super::state::{BodyConstants, Kinematics, QuarantineReason, State};
use super::tier::Settings;

/// Farther than this from the origin, m, and a body is taken out.
pub(super) const FAR: f64 = 1e6;

impl Simulation {
    pub(super) fn frame(&mut self) -> Frame {
        let elements = self.sample_frames(true);
        self.measure();
        if let Some(propagated) = self.state.propagated.as_mut().filter(|p| p.is_small()) {
            propagated.observe_supports(&self.state.main);
        }
        self.state.frames += 1;
        let State { kinetic, potential, .. } = self.state;
        let energy = Energy { kinetic, potential, total: kinetic + potential };
        Frame { time: self.time(), elements, energy }
    }

    /// Samples every body that may have moved since the last sample: with
    /// thousands of bodies the look-up, not the arithmetic, is what a frame
    /// costs, so energy, error and frame share it. Bodies are returned only for a
    /// `frame`.
    pub(super) fn sample_frames(&mut self, frame: bool) -> Vec<FrameElement> {
        let all = frame && !self.options.changes_only;
        let before = std::mem::replace(&mut self.state.awake, self.state.main.awake().collect());
        let list: Vec<usize> = if all {
            self.movable.clone()
        } else {
            // What fell asleep since the last sample has moved since the last sample.
            let mut list = before;
            list.extend(&self.state.awake);
            list.sort_unstable();
            list.dedup();
            list
        };
        let interval = Interval {
            since: (self.state.main.steps - self.state.sampled_at_step) as f64 * self.grid.step,
            step: self.grid.step,
            substep: self.grid.step / Settings::of(self.tier).iterations as f64,
        };
        self.state.sampled_at_step = self.state.main.steps;
        self.state.main.keep_moving(&self.model, interval.since);
        if let Some(twin) = &mut self.state.twin {
            twin.keep_moving(&self.model, interval.since);
        }
        let (late, has_twin) = (self.late(), self.state.twin.is_some());
        let threshold = self.tier.millimetres() / 1e3;
        let mut elements = Vec::with_capacity(if all { list.len() } else { 0 });
        let mut kinetic = 0.0;
        for &i in &list {
            let Some(&BodyConstants {
                mass,
                inertia,
                reach,
                constant_acceleration,
                friction,
                jointed,
            }) = self.constants.get(i)
            else {
                continue;
            };
            let Some(now) = self.kinematics(i, late) else { continue };
            kinetic += now.kinetic(mass, inertia);
            let weight = mass * self.options.gravity;
            if let Some(seen) = self.state.seen.get_mut(i) {
                self.state.potential -= weight * (now.place.y - seen.y);
                *seen = now.place;
            }
            if let Some(propagated) = &mut self.state.propagated {
                let seen = Observation {
                    velocity: now.velocity,
                    spin: now.spin,
                    constant_acceleration,
                    friction,
                    flying: self.state.main.flying.get(i).copied().unwrap_or(false),
                    jointed: jointed && !has_twin,
                    reach,
                };
                propagated.observe(i, &seen, interval);
            }
            if now.enabled && now.place.abs().max_element() > FAR {
                self.quarantine_distant(i);
            }
            if !frame {
                continue;
            }
            let changed = all
                || self.state.given.get_mut(i).is_some_and(|(place, angle)| {
                    let moved = (now.place - *place).length() > threshold
                        || (now.angle - *angle).abs() * reach > threshold;
                    if moved {
                        (*place, *angle) = (now.place, now.angle);
                    }
                    moved
                });
            if changed && let Some(name) = self.names.get(i) {
                elements.push(now.element(name, self.model.scale));
            }
        }
        self.state.kinetic = kinetic;
        if !frame {
            // What was awake since the last frame belongs into the next one.
            self.state.awake = list;
        }
        elements
    }

    /// How late the velocities of bodies in free flight are, s: half a substep.
    pub(super) fn late(&self) -> f64 {
        match self.state.main.steps {
            0 => 0.0,
            _ => self.grid.step / Settings::of(self.tier).iterations as f64 / 2.0,
        }
    }

    pub(super) fn kinematics(&self, body: usize, late: f64) -> Option<Kinematics> {
        let rigid = self.rigid(body)?;
        let back = match (self.state.main.flying.get(body), self.constants.get(body)) {
            (Some(true), Some(known)) => known.constant_acceleration * late,
            _ => Vector::ZERO,
        };
        let turned = rigid.rotation();
        Some(Kinematics {
            place: rigid.translation(),
            // Most bodies never turn, and an arc tangent costs more than the rest of a sample.
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
        let mut worst = self.state.twin_distance;
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
        self.state.twin_distance = worst;
    }

    /// Takes out what has gone too far.
    fn quarantine_distant(&mut self, body: usize) {
        let world = &mut self.state.main.physics;
        if let Some(rigid) =
            self.state.main.handles.get(body).and_then(|&h| world.bodies.get_mut(h))
        {
            rigid.set_enabled(false);
        }
        let time = self.time();
        self.state.quarantined.push((None, body as u32, QuarantineReason::Far, 0.0, time));
    }

    pub(super) fn rigid(&self, body: usize) -> Option<&RigidBody> {
        let handle = self.state.main.handles.get(body)?;
        self.state.main.physics.bodies.get(*handle)
    }
}
