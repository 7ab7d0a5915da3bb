//! How far off a simulation may be, from what its bodies do.
//!
//! The leading error of every step is added up from the velocities that the steps produced, for a
//! few operations per body and frame. (A twin with another step measures the error outright, and
//! costs half as much again: step doubling; Hairer, Nørsett and Wanner, "Solving Ordinary
//! Differential Equations I", II.4. It runs as well where a scene is small.)
//!
//! - *Smooth motion.* The engine's symplectic Euler substeps are the Verlet
//!   scheme seen half a substep late (Hairer, Lubich and Wanner, "Geometric
//!   Numerical Integration", I.1.4 and IX.3): after any time the place is off by
//!   half a substep times the change of velocity. Free flight has a leapfrog
//!   start and is exact.
//!   A joint turns the velocity at the end of each substep and loses what then points along it.
//!   An angle is the arc tangent of what it should be in each substep.
//! - *Impacts.* They begin up to a step late, a substep where a step was cut at them. A restitution
//!   is applied at the end of its step, with a speed that lacks up to one step of acceleration.
//! - *Loads.* A contact or joint takes up its load one substep late, friction half of one.
//! - *What follows.* An error of velocity grows into one of place until the
//!   body stops. A collision turns an error of place into one of direction, by
//!   the ratio of that error to the size of the body: this is how piles forget
//!   where they came from.
//! - *Supports and joints* give way. How far is read from contacts and joints, and added up from
//!   what is fixed to the top.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rapier2d_f64::math::Vector;
use serde::{Deserialize, Serialize};

use super::sleep::STILL;
use super::world::World;

/// By what share of a substep friction sets in late: half, and half as much again for the spin that
/// it lacks, at the rim.
const FRICTION_LATE: f64 = 0.75;

/// The error of one body, and what it is found from. SI.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct BodyError {
    /// Velocity at the last sample.
    last: Vector,
    /// Velocity since which substeps are half a substep late.
    from: Vector,
    /// Of place, but for what half a substep explains.
    place: f64,
    /// Of velocity.
    speed: f64,
    /// Travelled so far: nothing is farther off than that.
    path: f64,
    /// Of the angle, rad.
    angle: f64,
    /// What it began to touch since the last sample.
    met: Option<Met>,
}

/// What a body began to touch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Met {
    /// The largest error of place of it, m.
    place: f64,
    /// Whether a step was cut at the impact.
    timed: bool,
    /// Whether others that touch it take a share that nothing determines.
    shared: bool,
}

/// The errors of all bodies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PropagatedError {
    drifts: Vec<BodyError>,
    /// The largest so far, m.
    worst: f64,
    /// How far supports and joints have given way at most, m.
    given_way: f64,
}

/// A body at a sample.
pub(super) struct Observation {
    pub(super) velocity: Vector,
    pub(super) spin: f64,
    /// The acceleration that is known without contacts and joints.
    pub(super) constant_acceleration: Vector,
    /// Coulomb coefficient.
    pub(super) friction: f64,
    pub(super) flying: bool,
    /// Whether a joint holds it, and no twin shows what that costs.
    pub(super) jointed: bool,
    /// Half the diagonal of its box.
    pub(super) reach: f64,
}

/// The time since the last sample.
#[derive(Clone, Copy)]
pub(super) struct Interval {
    /// Since the last sample, s.
    pub(super) since: f64,
    pub(super) step: f64,
    pub(super) substep: f64,
}

impl PropagatedError {
    /// Bodies by the velocity they start with, and the acceleration (m/s²) that
    /// something has to take up from the start.
    pub(super) fn new(
        starts: impl Iterator<Item = (Vector, f64, f64)>,
        substep: f64,
    ) -> PropagatedError {
        let drift = |(v, load, friction): (Vector, f64, f64)| {
            let place = load * substep * substep;
            BodyError {
                last: v,
                from: v,
                place,
                speed: FRICTION_LATE * friction * load * substep,
                path: place,
                angle: 0.0,
                met: None,
            }
        };
        PropagatedError { drifts: starts.map(drift).collect(), worst: 0.0, given_way: 0.0 }
    }

    pub(super) fn len(&self) -> usize {
        self.drifts.len()
    }

    /// Two bodies begin to touch; `timed` where a step was cut at their impact.
    pub(super) fn begin_contact(&mut self, a: usize, b: usize, timed: bool) {
        let place = |i: usize| self.drifts.get(i).map_or(0.0, |d| d.place);
        let (of_a, of_b) = (place(a), place(b));
        for (i, place) in [(a, of_b), (b, of_a)] {
            if let Some(drift) = self.drifts.get_mut(i) {
                let met = drift.met.unwrap_or(Met { place, timed, shared: false });
                let (place, timed) = (met.place.max(place), met.timed && timed);
                drift.met = Some(Met { place, timed, ..met });
            }
        }
    }

    /// A body was struck, or what touches it; how they share the impact is not determined.
    pub(super) fn share_impact(&mut self, body: usize) {
        if let Some(drift) = self.drifts.get_mut(body) {
            let met = drift.met.unwrap_or(Met { place: drift.place, timed: true, shared: true });
            drift.met = Some(Met { shared: true, ..met });
        }
    }

    /// Carries the error of a body on to this sample.
    pub(super) fn observe(&mut self, body: usize, seen: &Observation, pace: Interval) {
        let Some(drift) = self.drifts.get_mut(body) else { return };
        let Interval { since, step, substep } = pace;
        let speed = seen.velocity.length();
        let previous = drift.last;
        let before = previous.length();
        drift.path += 0.5 * (speed + before) * since;
        if let Some(met) = drift.met.take() {
            // What neither gravity nor a constant force explains is the impact.
            let jump = seen.velocity - drift.last - seen.constant_acceleration * since;
            let impact = jump.length();
            if impact > 0.0 {
                let leaves = (seen.velocity.dot(jump) / impact).clamp(0.0, impact);
                let restitution = (leaves / (impact - leaves).max(1e-9)).min(1.0);
                let apart = drift.place.max(met.place);
                let turned = if met.shared { 1.0 } else { (apart / seen.reach.max(1e-9)).min(1.0) };
                // What stops forgets how fast it came.
                drift.speed *= (speed / before.max(1e-9)).min(1.0);
                drift.speed +=
                    FRICTION_LATE * seen.friction * seen.constant_acceleration.length() * substep;
                drift.speed +=
                    restitution * seen.constant_acceleration.length() * step + impact * turned;
                drift.place = apart + if met.timed { substep } else { step } * impact;
            }
        }
        drift.place = (drift.place + drift.speed.min(speed.max(before)) * since).min(drift.path);
        if seen.jointed && speed > 0.0 && since > 0.0 {
            // A joint turns the velocity at the end of each substep, and what then points along
            // the joint is lost.
            let acceleration = (seen.velocity - previous) / since;
            let normal = acceleration.perp_dot(seen.velocity) / speed;
            drift.speed += 0.5 * substep * normal * normal / speed * since;
        }
        // Orientations turn by an arc tangent of the angle of a substep.
        let turned = seen.spin.abs() * substep;
        drift.angle += turned * turned * seen.spin.abs() * since / 3.0;
        if seen.flying {
            drift.from = seen.velocity;
        }
        drift.last = seen.velocity;
        let late = 0.5 * substep * (seen.velocity - drift.from).length();
        let error = drift.place + late + drift.angle.min(std::f64::consts::PI) * seen.reach;
        if error > self.worst {
            self.worst = error;
        }
    }

    /// Whether the scene is small enough to follow its supports through all frames.
    pub(super) fn is_small(&self) -> bool {
        self.drifts.len() <= SMALL
    }

    /// Keeps how far supports and joints have given way.
    pub(super) fn observe_supports(&mut self, world: &World) {
        self.given_way = self.given_way.max(given_way(world, self.drifts.len()));
    }

    /// The largest error so far, m, with how far supports and joints have given way.
    pub(super) fn worst(&self, world: &World) -> f64 {
        let asleep = 2.0 * STILL * world.steps as f64 * world.step_length();
        let given_way = self.given_way.max(given_way(world, self.drifts.len()));
        self.worst + given_way + asleep
    }
}

/// Bodies up to which supports are followed through all frames, not only at the end.
const SMALL: usize = 256;

/// The most that a body has moved against what carries it, m: depths of contacts and gaps of
/// joints added up along the shortest way from something fixed.
fn given_way(world: &World, bodies: usize) -> f64 {
    // The last one stands for the building.
    let mut held: Vec<Vec<(u32, f64)>> = vec![Vec::new(); bodies + 1];
    let mut most: f64 = 0.0;
    for (a, b, gap) in world.penetrations().chain(world.joint_gaps()) {
        let (a, b) = (a.min(bodies), b.min(bodies));
        for (one, other) in [(a, b), (b, a)] {
            if let Some(list) = held.get_mut(one) {
                list.push((other as u32, gap));
            }
        }
        most = most.max(gap);
    }
    // Dijkstra; gaps are not negative, so their bits are in their order.
    let mut moved = vec![f64::INFINITY; bodies + 1];
    let mut open = BinaryHeap::new();
    for (i, moved) in moved.iter_mut().enumerate() {
        if i == bodies || world.is_fixed(i) {
            *moved = 0.0;
            open.push(Reverse((0_u64, i as u32)));
        }
    }
    while let Some(Reverse((bits, at))) = open.pop() {
        let here = f64::from_bits(bits);
        if moved.get(at as usize).is_none_or(|&known| here > known) {
            continue;
        }
        most = here.max(most);
        for &(next, gap) in held.get(at as usize).into_iter().flatten() {
            let through = here + gap;
            if let Some(known) = moved.get_mut(next as usize).filter(|known| through < **known) {
                *known = through;
                open.push(Reverse((through.to_bits(), next)));
            }
        }
    }
    most
}
