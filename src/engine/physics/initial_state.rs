//! How a document starts: what rests, what flies, what overlaps.

use std::collections::BTreeMap;

use rapier2d_f64::math::Vector;

use svgx_base::budget::Budget;

use super::error::Error;
use super::model::Model;
use super::options::Options;
use super::world::{Pair, Start, World};

/// Deeper than this at the start, m, and a pair is taken as drawn into each
/// other on purpose (a fixture in a wall): it is reported and does not collide.
const OVERLAP: f64 = 1e-3;
/// Nearer than this, m, and two bodies touch.
const TOUCH: f64 = 1e-6;

/// What holds a body from below, as far as seen.
#[derive(Clone, Copy)]
struct Support {
    /// Everything it touches is fixed and lies straight below.
    plain: bool,
    /// The ends of what it stands on.
    left: f64,
    right: f64,
}

/// Classifies the bodies of a world in which nothing has moved yet.
///
/// A body is shown to rest when all it touches is fixed, the contact normals
/// are vertical, its centre of mass lies strictly between the outermost
/// contact points, and nothing else acts on it: equilibrium then follows from
/// statics alone. Whatever cannot be shown in this way starts awake.
pub(super) fn classify(model: &Model, world: &World, options: &Options) -> Start {
    let n = model.bodies.len();
    let mut depth: BTreeMap<Pair, f64> = BTreeMap::new();
    let mut support: Vec<Option<Support>> = vec![None; n];
    let mut near = vec![false; n];
    for pair in world.physics.narrow_phase.contact_pairs() {
        let (Some(c1), Some(c2)) = (
            world.physics.colliders.get(pair.collider1),
            world.physics.colliders.get(pair.collider2),
        ) else {
            continue;
        };
        let (a, b) = (c1.user_data as usize, c2.user_data as usize);
        if a >= n || b >= n {
            continue;
        }
        for manifold in pair.manifolds() {
            for point in &manifold.points {
                (near[a], near[b]) = (true, true);
                if point.dist < -OVERLAP {
                    let key = (a.min(b) as u32, a.max(b) as u32);
                    let deepest = depth.entry(key).or_insert(0.0);
                    *deepest = deepest.max(-point.dist);
                }
                if point.dist > TOUCH {
                    continue;
                }
                let place = c1.position().transform_point(
                    manifold
                        .subshape_pos1()
                        .copied()
                        .unwrap_or_default()
                        .transform_point(point.local_p1),
                );
                // The normal points from the first body to the second.
                let normal = manifold.data.normal;
                add_support(&mut support[a], model.bodies[b].fixed, normal, place);
                add_support(&mut support[b], model.bodies[a].fixed, -normal, place);
            }
        }
    }
    let mut jointed = vec![false; n];
    for joint in &model.joints {
        for i in std::iter::once(joint.body).chain(joint.other) {
            if let Some(j) = jointed.get_mut(i) {
                *j = true;
            }
        }
    }
    let rests = |i: usize| {
        let body = &model.bodies[i];
        let still = body.velocity == Vector::ZERO && body.spin == 0.0 && body.forces.is_empty();
        let held = support[i].is_some_and(|s| {
            s.plain && s.left + TOUCH < body.centre.x && body.centre.x < s.right - TOUCH
        });
        !options.start_awake && options.gravity > 0.0 && !body.fixed && !jointed[i] && still && held
    };
    Start {
        resting: (0..n).map(rests).collect(),
        flying: (0..n).map(|i| !(model.bodies[i].fixed || jointed[i] || near[i])).collect(),
        overlapping: depth.into_iter().collect(),
    }
}

/// Refuses a model in which more pairs of boxes overlap than `most`: each of them is work in
/// every step, and their number grows with the square of the bodies.
pub(super) fn check_overlaps(model: &Model, most: usize, budget: &Budget) -> Result<(), Error> {
    let mut boxes: Vec<(Vector, Vector, bool)> = model
        .bodies
        .iter()
        .filter(|b| !b.shape.parts.is_empty())
        .map(|b| {
            let middle = b.centre + b.middle;
            (middle - b.half, middle + b.half, b.fixed)
        })
        .collect();
    // Along the axis on which the bodies lie farther apart.
    let spread = |axis: fn(&Vector) -> f64| {
        let all = boxes.iter().map(|(low, ..)| axis(low));
        all.clone().fold(f64::NEG_INFINITY, f64::max) - all.fold(f64::INFINITY, f64::min)
    };
    if spread(|v| v.y) > spread(|v| v.x) {
        for (low, high, _) in &mut boxes {
            (*low, *high) = (Vector::new(low.y, low.x), Vector::new(high.y, high.x));
        }
    }
    boxes.sort_by(|a, b| a.0.x.total_cmp(&b.0.x));
    let mut pairs = 0_usize;
    for (i, (low, high, fixed)) in boxes.iter().enumerate() {
        if i % 64 == 0 {
            budget.checkpoint()?;
        }
        pairs += boxes[i + 1..]
            .iter()
            .take_while(|(other, ..)| other.x < high.x)
            .filter(|(other_low, other_high, other_fixed)| {
                !(*fixed && *other_fixed) && other_low.y < high.y && low.y < other_high.y
            })
            .count();
    }
    if pairs > most {
        let (limit, seen) = (most as f64, pairs as f64);
        return Err(Error::Limit { what: "overlapping pairs of bodies", limit, seen });
    }
    Ok(())
}

fn add_support(support: &mut Option<Support>, on_fixed: bool, towards: Vector, place: Vector) {
    let plain = on_fixed && towards.y > 0.0 && towards.x.abs() < 1e-9;
    let s = support.get_or_insert(Support { plain: true, left: place.x, right: place.x });
    s.plain &= plain;
    s.left = s.left.min(place.x);
    s.right = s.right.max(place.x);
}
