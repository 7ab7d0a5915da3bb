//! Which bodies may fall asleep.
//!
//! Rapier puts an island to sleep when all of it has been slower than some 50 mm/s for half a
//! second. A trolley pushed slowly, a pendulum at its turning point and a wheel in its hinge are
//! that slow, too, and would freeze. So a slow body is kept awake unless it is at rest: held by
//! contacts that stick, or not moving at all. The solver's own creep in a pile counts as rest.

use rapier2d_f64::dynamics::{RigidBody, RigidBodyHandle};
use rapier2d_f64::geometry::{ColliderSet, ContactPair};
use rapier2d_f64::math::Vector;
use rapier2d_f64::pipeline::PhysicsWorld;
use serde::{Deserialize, Serialize};

use super::model::Model;

/// A body whose points move slower than this, m/s, does not move: 1 mm in a day.
pub(super) const STILL: f64 = 1e-8;
/// A contact sticks below this share of the friction it could give.
const STICKS: f64 = 0.99;
/// From this share of the time until sleep on, a body is judged at every sample.
const JUDGED: f64 = 0.4;
/// From this share on, the verdict counts.
const DECIDED: f64 = 0.8;

/// What the samples have shown of a slow body.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Verdict {
    at_rest: u16,
    moving: u16,
    place: Vector,
    angle: f64,
}

/// Keeps the slow bodies awake that are not at rest. To be called at every sample, `since`
/// seconds after the one before.
pub(super) fn keep_moving(
    physics: &mut PhysicsWorld,
    verdicts: &mut [Verdict],
    model: &Model,
    since: f64,
) {
    let mut awake: Vec<RigidBodyHandle> = Vec::new();
    for handle in physics.islands.active_bodies() {
        let Some(rigid) = physics.bodies.get(handle).filter(|b| b.is_dynamic()) else { continue };
        let number = rigid.user_data as usize;
        let (Some(verdict), Some(body)) = (verdicts.get_mut(number), model.bodies.get(number))
        else {
            continue;
        };
        let slow = rigid.activation();
        let slow = slow.time_since_can_sleep / slow.time_until_sleep;
        if slow < JUDGED {
            (verdict.at_rest, verdict.moving) = (0, 0);
        } else {
            let (place, angle) = (rigid.translation(), rigid.rotation().angle());
            let moved = (place - verdict.place).length()
                + (angle - verdict.angle).abs() * body.half.length();
            let known = verdict.at_rest + verdict.moving > 0;
            (verdict.place, verdict.angle) = (place, angle);
            // A force moves in the end what nothing holds, however slowly.
            let still = known && moved < STILL * since && body.forces.is_empty();
            if still || is_held(physics, rigid) {
                verdict.at_rest += 1;
            } else {
                verdict.moving += 1;
            }
            if slow >= DECIDED && verdict.moving >= verdict.at_rest {
                (verdict.at_rest, verdict.moving) = (0, 0);
                awake.push(handle);
            }
        }
    }
    for handle in awake {
        if let Some(rigid) = physics.bodies.get_mut(handle) {
            rigid.activation_mut().time_since_can_sleep = 0.0;
        }
    }
}

/// Whether contacts hold a body: two points that stick on one other body, or three on several.
/// One point lets it roll or tip, two on either side let it buckle.
fn is_held(physics: &PhysicsWorld, rigid: &RigidBody) -> bool {
    let mut all = 0;
    for &collider in rigid.colliders() {
        for pair in physics.narrow_phase.contact_pairs_with(collider) {
            let points = sticking_points(pair, &physics.colliders);
            all += points;
            if points >= 2 || all >= 3 {
                return true;
            }
        }
    }
    false
}

fn sticking_points(pair: &ContactPair, colliders: &ColliderSet) -> usize {
    let friction = |c| colliders.get(c).map_or(0.0, |c| c.friction());
    // As the engine combines them.
    let friction = 0.5 * (friction(pair.collider1) + friction(pair.collider2));
    let sticks = |impulse: f64, tangent: f64| {
        impulse > 0.0 && tangent.abs() <= STICKS * friction * impulse && friction > 0.0
    };
    pair.manifolds()
        .iter()
        .flat_map(|m| &m.points)
        .filter(|p| sticks(p.data.impulse, p.data.tangent_impulse[0]))
        .count()
}
