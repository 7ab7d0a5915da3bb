//! More solver iterations where heavy bodies hang on light ones.
//!
//! A substep passes an impulse on by one joint or contact, and what is left over shows as a gap
//! that grows with the ratio of the masses and falls with the square of the number of substeps:
//! so that number grows with the root of the ratio.

use super::model::Model;

/// The most substeps of a step.
const MOST: usize = 64;
/// Up to so many movable bodies, what may come to lie on what is taken into account, too.
const BODIES: usize = 256;

/// Substeps on top of `iterations` for every body. The engine gives all bodies that touch or are
/// joined the most that any of them has.
pub(super) fn additional_iterations(model: &Model, iterations: usize) -> Vec<usize> {
    let bodies = &model.bodies;
    let mut lightest: Vec<f64> = bodies.iter().map(|b| b.mass).collect();
    let movable = || bodies.iter().filter(|b| !b.fixed);
    if movable().count() <= BODIES {
        let least = movable().map(|b| b.mass).fold(f64::INFINITY, f64::min);
        lightest.fill(least);
    } else {
        // Along joints: to and fro until the lightest of each assembly is known to all of it,
        // which takes a pass or two unless the joints are drawn in a twisted order.
        for _ in 0..8 {
            let before = lightest.clone();
            for joint in model.joints.iter().chain(model.joints.iter().rev()) {
                let Some(other) = joint.other.filter(|&o| !bodies[o].fixed) else { continue };
                if bodies[joint.body].fixed {
                    continue;
                }
                let least = lightest[joint.body].min(lightest[other]);
                (lightest[joint.body], lightest[other]) = (least, least);
            }
            if lightest == before {
                break;
            }
        }
    }
    let extra = |(body, least): (&super::model::Body, f64)| {
        let ratio = body.mass / least;
        if body.fixed || !ratio.is_finite() {
            return 0;
        }
        let substeps = ratio.sqrt().ceil().min(MOST as f64) as usize;
        substeps.saturating_sub(iterations)
    };
    bodies.iter().zip(lightest).map(extra).collect()
}
