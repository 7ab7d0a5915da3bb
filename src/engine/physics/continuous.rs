//! Continuous collision detection between free bodies.
//!
//! Rapier sweeps a fast body against fixed colliders only (and a bent line not against another), or, as a "bullet", against bodies
//! that are no bullets themselves and as if they stood at their end of the step. Two bodies
//! that both move could pass each other. Here a step in which such a pair would meet is cut
//! just before the impact, within the distance at which the narrow phase already makes a
//! contact of it; no time is lost.
//!
//! Lines have no inside that would tell from which side something came: what gets a hair too far
//! has passed. Two lines are therefore brought as near as their contact skins before the impact is
//! solved, by conservative advancement (Mirtich, "Impulse-based Dynamic Simulation", 1996), which
//! needs nothing of the shapes but their distance.

use rapier2d_f64::dynamics::{RigidBody, RigidBodyHandle};
use rapier2d_f64::geometry::{Collider, ColliderHandle};
use rapier2d_f64::math::{Pose, Vector};
use rapier2d_f64::parry::bounding_volume::{Aabb, BoundingVolume};
use rapier2d_f64::parry::query::details::ShapeCastOptions;
use rapier2d_f64::parry::query::{
    ClosestPoints, DefaultQueryDispatcher, NonlinearRigidMotion, QueryDispatcher,
};
use rapier2d_f64::parry::shape::Shape;
use rapier2d_f64::pipeline::{PhysicsWorld, QueryFilter};
use serde::{Deserialize, Serialize};

/// A pair is swept when it comes nearer in a step by more than this share of its thicknesses.
/// Below, discrete contacts still push the two apart to the side they came from.
const SHARE: f64 = 0.8;

/// What continuous detection has to know of a body.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Extent {
    /// The radius of the largest disc within its thinnest part, or how near contacts are made
    /// before shapes touch, m; infinite without a shape.
    pub(super) thickness: f64,
    /// The farthest point from the centre of mass, m.
    pub(super) reach: f64,
}

/// The next impact of two free bodies.
#[derive(Clone, Debug)]
pub(super) struct Impact {
    /// When to stop, from now, s: shortly before.
    pub(super) after: f64,
    /// How long the impact takes from there, s: the motion after it is another one.
    pub(super) lasts: f64,
    /// The numbers of the two, the smaller first.
    pub(super) pair: (u32, u32),
    /// Whether lines meet.
    pub(super) lines: bool,
    /// All bodies that move by more than their thickness.
    pub(super) fast: Vec<RigidBodyHandle>,
}

/// A body that moves by more than its thickness in a step.
struct Fast<'w> {
    handle: RigidBodyHandle,
    body: &'w RigidBody,
    extent: Extent,
    swept: Aabb,
}

/// Pairs examined in one search. Beyond, what is left meets by discrete contacts.
const PAIRS: usize = 20_000;

/// The first impact within `span` seconds of two free bodies that could otherwise pass each
/// other. `extents` are by the number in `user_data`; `collide` says which pairs may meet.
pub(super) fn first_impact(
    physics: &PhysicsWorld,
    extents: &[Extent],
    span: f64,
    collide: &dyn Fn(&RigidBody, &RigidBody) -> bool,
) -> Option<Impact> {
    let extent = |body: &RigidBody| extents.get(body.user_data as usize).copied();
    let (mut fast, mut drift) = (Vec::new(), 0.0_f64);
    for handle in physics.islands.active_bodies() {
        let Some(body) = physics.bodies.get(handle).filter(|b| b.is_dynamic()) else { continue };
        let Some(extent) = extent(body) else { continue };
        let travel = travel(body, extent, span);
        if travel > SHARE * extent.thickness {
            let swept = swept(physics, body, span, extent);
            fast.extend(swept.map(|swept| Fast { handle, body, extent, swept }));
        } else if extent.thickness.is_finite() {
            drift = drift.max(travel);
        }
    }
    if fast.is_empty() {
        return None;
    }
    fast.sort_by(|a, b| a.swept.mins.x.total_cmp(&b.swept.mins.x));
    let prediction = physics.integration_parameters.prediction_distance();
    let mut first: Option<(f64, f64, (u32, u32), bool)> = None;
    let mut pairs = 0;
    let mut meet = |one: &Fast<'_>, other: &RigidBody, thickness: f64, reach: f64| {
        pairs += 1;
        let relative = (one.body.linvel() - other.linvel()).length()
            + one.body.angvel().abs() * one.extent.reach
            + other.angvel().abs() * reach;
        if relative * span > SHARE * (one.extent.thickness + thickness) && collide(one.body, other)
        {
            let latest = first.map_or(span, |(after, ..)| after);
            let turning = one.body.angvel().abs() * one.extent.reach + other.angvel().abs() * reach;
            let bodies = Pair { one: one.body, other, turning, latest };
            let times = parts(physics, one.body).flat_map(|a| {
                parts(physics, other).filter_map(move |b| {
                    if is_line(a.shape()) && is_line(b.shape()) {
                        bodies.lines_meet(a, b, prediction).map(|(t, lasts)| (t, lasts, true))
                    } else if other.is_dynamic() {
                        bodies.meet(a, b, prediction / 8.0).map(|(t, lasts)| (t, lasts, false))
                    } else {
                        // The engine stops it there.
                        None
                    }
                })
            });
            let times = times.filter(|(after, ..)| *after < latest);
            if let Some((after, lasts, lines)) = times.min_by(|a, b| a.0.total_cmp(&b.0)) {
                let (a, b) = (one.body.user_data as u32, other.user_data as u32);
                first = Some((after, lasts, (a.min(b), a.max(b)), lines));
            }
        }
        pairs < PAIRS
    };
    let answer = |first: Option<(f64, f64, (u32, u32), bool)>| {
        let fast = || fast.iter().map(|f| f.handle).collect();
        first.map(|(after, lasts, pair, lines)| Impact { after, lasts, pair, lines, fast: fast() })
    };
    for (i, one) in fast.iter().enumerate() {
        // Both fast: by the boxes they sweep, in order of their left edges.
        for other in fast[i + 1..].iter().take_while(|o| o.swept.mins.x <= one.swept.maxs.x) {
            let (size, body) = (other.extent, other.body);
            if one.swept.intersects(&other.swept) && !meet(one, body, size.thickness, size.reach) {
                return answer(first);
            }
        }
        // One fast: boxes in the tree are those of the start of the step before.
        let query = physics.broad_phase.as_query_pipeline(
            &DefaultQueryDispatcher,
            &physics.bodies,
            &physics.colliders,
            QueryFilter::default(),
        );
        for (_, collider) in query.intersect_aabb_conservative(one.swept.loosened(2.0 * drift)) {
            let other = collider.parent().and_then(|h| physics.bodies.get(h));
            let Some(other) = other.filter(|o| o.user_data != one.body.user_data) else { continue };
            if !other.is_dynamic() && !is_line(collider.shape()) {
                continue;
            }
            let Some(size) = extent(other) else { continue };
            let slow = travel(other, size, span) <= SHARE * size.thickness;
            if (slow || other.is_sleeping()) && !meet(one, other, size.thickness, size.reach) {
                return answer(first);
            }
        }
    }
    answer(first)
}

fn travel(body: &RigidBody, extent: Extent, span: f64) -> f64 {
    (body.linvel().length() + body.angvel().abs() * extent.reach) * span
}

fn parts<'w>(
    physics: &'w PhysicsWorld,
    body: &'w RigidBody,
) -> impl Iterator<Item = &'w Collider> + 'w {
    body.colliders().iter().filter_map(|&h: &ColliderHandle| physics.colliders.get(h))
}

/// The box that a body may reach within `span`.
fn swept(physics: &PhysicsWorld, body: &RigidBody, span: f64, extent: Extent) -> Option<Aabb> {
    let now =
        parts(physics, body).map(Collider::compute_aabb).reduce(|all, one| all.merged(&one))?;
    let moved = Pose::from_translation(body.linvel() * span);
    let turning = (body.angvel().abs() * span).min(2.0) * extent.reach;
    Some(now.merged(&now.transform_by(&moved)).loosened(turning))
}

/// Whether a shape has no inside.
pub(super) fn is_line(shape: &dyn Shape) -> bool {
    shape.as_segment().is_some() || shape.as_polyline().is_some()
}

fn motion(body: &RigidBody, part: &Collider) -> NonlinearRigidMotion {
    let centre = part.position().inverse_transform_point(body.center_of_mass());
    NonlinearRigidMotion::new(*part.position(), centre, body.linvel(), body.angvel())
}

/// Distances computed for two lines; then the step is cut as far as they have been followed.
const ROUNDS: usize = 48;

/// How many skins two lines may come nearer in a step by contacts alone.
const SKINS: f64 = 2.0;

/// Two bodies that may meet.
#[derive(Clone, Copy)]
struct Pair<'w> {
    one: &'w RigidBody,
    other: &'w RigidBody,
    /// How fast their points may come nearer by their spins, m/s.
    turning: f64,
    /// What comes later does not count, s.
    latest: f64,
}

impl Pair<'_> {
    /// When to stop so that two parts that will meet are `margin` apart, and how long it takes
    /// them to come twice as far, s; `None` when they do not meet in time, or are that near already.
    ///
    /// Only what really meets counts: a contact made ahead of a near miss would hold it up.
    fn meet(self, a: &Collider, b: &Collider, margin: f64) -> Option<(f64, f64)> {
        let Pair { one, other, turning, latest } = self;
        let (shape_a, shape_b) = (a.shape(), b.shape());
        let relative = other.linvel() - one.linvel();
        let turns = one.angvel().abs().max(other.angvel().abs()) * latest > 0.02;
        let (time, closing) = if turns {
            let (m1, m2) = (motion(one, a), motion(other, b));
            let hit = DefaultQueryDispatcher
                .cast_shapes_nonlinear(&m1, shape_a, &m2, shape_b, 0.0, latest, false)
                .ok()??;
            (hit.time_of_impact, relative.length().max(turning))
        } else {
            let between = a.position().inv_mul(b.position());
            let velocity: Vector = a.position().rotation.inverse() * relative;
            let options = ShapeCastOptions {
                max_time_of_impact: latest,
                target_distance: 0.0,
                stop_at_penetration: false,
                compute_impact_geometry_on_penetration: false,
            };
            let hit = DefaultQueryDispatcher
                .cast_shapes(&between, velocity, shape_a, shape_b, options)
                .ok()??;
            (hit.time_of_impact, relative.dot(a.position().rotation * hit.normal1).abs())
        };
        let closing = closing.max(1e-9);
        let stop = time - margin / closing;
        // Nearer than a tenth of it the pair is already there, but for rounding.
        (stop > 0.1 * margin / closing).then_some((stop, 2.0 * margin / closing))
    }

    /// The same for two lines: when to stop so that they are as near as the skins they are kept
    /// apart by. What is that near already, and still comes nearer, is solved at once.
    fn lines_meet(self, a: &Collider, b: &Collider, prediction: f64) -> Option<(f64, f64)> {
        let Pair { one, other, turning, latest } = self;
        let skin = a.contact_skin() + b.contact_skin();
        let (m1, m2) = (motion(one, a), motion(other, b));
        let relative = other.linvel() - one.linvel();
        let mut time = 0.0;
        for _ in 0..ROUNDS {
            let (p1, p2) = (m1.position_at_time(time), m2.position_at_time(time));
            let nearest = DefaultQueryDispatcher
                .closest_points(&p1.inv_mul(&p2), a.shape(), b.shape(), f64::MAX)
                .ok()?;
            // Lines that cross have been drawn so.
            let ClosestPoints::WithinMargin(near1, near2) = nearest else { return None };
            let (near1, near2) = (p1.transform_point(near1), p2.transform_point(near2));
            let distance = (near2 - near1).length();
            let normal = (near2 - near1).try_normalize()?;
            let gap = distance - skin;
            // Along the line between the nearest points, nothing comes nearer any faster.
            let fastest = turning - relative.dot(normal);
            if gap > skin {
                if fastest <= 0.0 {
                    return None;
                }
                time += (gap - 0.5 * skin) / fastest;
                if time >= latest {
                    return None;
                }
                continue;
            }
            let at = |body: &RigidBody, point: Vector| {
                let arm = point - body.center_of_mass() - body.linvel() * time;
                body.linvel() + body.angvel() * arm.perp()
            };
            let closing = (at(one, near1) - at(other, near2)).dot(normal);
            if time > 0.0 || closing * latest > SKINS * skin {
                let closing = closing.max(0.1 * fastest).max(1e-9);
                return Some((time, 2.0 * skin / closing));
            }
            // They touch, and another point of theirs may still come down beyond the distance
            // at which contacts are made.
            let most = prediction / 2.0;
            return (fastest * latest > most).then(|| (most / fastest, 0.0));
        }
        Some((time, 0.0))
    }
}
