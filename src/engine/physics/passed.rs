//! Lines that passed through each other in spite of all: found, and reported.
//!
//! A line has no inside from which it would be pushed out again, so what gets through is through.
//! Continuous detection keeps pairs apart; several lines that are pressed together can still be
//! squeezed through each other by the contact solver. Two moving segments first meet at an end of
//! one of them: so every corner is followed against the other line, in its frame, and what
//! has crossed it an odd number of times is on the other side.

use std::collections::{BTreeMap, btree_map::Entry};

use rapier2d_f64::dynamics::{RigidBody, RigidBodyHandle};
use rapier2d_f64::geometry::{Collider, ColliderHandle};
use rapier2d_f64::math::{Pose, Rotation, Vector};
use rapier2d_f64::parry::bounding_volume::{Aabb, BoundingVolume};
use rapier2d_f64::parry::query::{DefaultQueryDispatcher, QueryDispatcher};
use rapier2d_f64::parry::shape::{Segment, Shape};
use rapier2d_f64::pipeline::{PhysicsWorld, QueryFilter};
use serde::{Deserialize, Serialize};

use super::continuous::is_line;
use super::world::Pair;

/// What is added to the box of a way, m, so that it has some width.
const ON: f64 = 1e-9;

/// Angle, rad, over which the path of a corner is taken for straight.
const STRAIGHT: f64 = 0.05;

/// Pieces of a path at most; a line that turns by more in a step is not followed any closer.
const PIECES: f64 = 64.0;

/// Pairs of lines looked at in a step at most; what more there are goes unreported.
const PAIRS: usize = 20_000;

/// A corner of a line that is on the other side of a line of another body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Corner {
    bodies: Pair,
    line: u32,
    number: u32,
    other: u32,
}

/// The corners that have crossed a line and not come back, and when they did, s.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Crossed(BTreeMap<Corner, f64>);

impl Crossed {
    /// The pairs of bodies whose lines have passed through each other, and since when, s.
    pub(super) fn pairs(&self) -> BTreeMap<Pair, f64> {
        let mut pairs = BTreeMap::new();
        for (corner, &time) in &self.0 {
            let since = pairs.entry(corner.bodies).or_insert(time);
            *since = time.min(*since);
        }
        pairs
    }

    fn toggle(&mut self, corner: Corner, time: f64) {
        match self.0.entry(corner) {
            Entry::Occupied(back) => drop(back.remove()),
            Entry::Vacant(through) => drop(through.insert(time)),
        }
    }

    /// Follows the lines that were awake before a step that ended at `time`. `collide` says which
    /// bodies may not pass, by their numbers.
    pub(super) fn follow(
        &mut self,
        physics: &PhysicsWorld,
        stood: &Stood,
        time: f64,
        collide: &dyn Fn(Pair) -> bool,
    ) {
        let moved = stood.0.iter().filter_map(|(&owner, &(handle, from))| {
            let body = physics.bodies.get(handle)?;
            let lines = lines(physics, body).map(move |(number, line)| Moved {
                number,
                line,
                owner,
                from,
                to: *body.position(),
            });
            Some(lines)
        });
        let moved: Vec<Moved<'_>> = moved.flatten().collect();
        let farthest = moved.iter().map(Moved::travel).fold(0.0, f64::max);
        let query = physics.broad_phase.as_query_pipeline(
            &DefaultQueryDispatcher,
            &physics.bodies,
            &physics.colliders,
            QueryFilter::default(),
        );
        let mut pairs = 0;
        for one in &moved {
            let (before, after) = one.poses();
            let shape = one.line.shape();
            let swept = shape.compute_aabb(&before).merged(&shape.compute_aabb(&after));
            // Boxes in the tree are those of the start of the step.
            for (number, line) in query.intersect_aabb_conservative(swept.loosened(farthest)) {
                let Some(body) = body_of_line(physics, line) else { continue };
                let to = *body.position();
                // What slept or is fixed stands where it stood.
                let owner = body.user_data as u32;
                let before = stood.0.get(&owner).map(|(_, pose)| *pose);
                if owner == one.owner || before.is_some() && owner < one.owner {
                    continue;
                }
                let two = Moved { number, line, owner, from: before.unwrap_or(to), to };
                let bodies = (one.owner.min(owner), one.owner.max(owner));
                pairs += 1;
                if pairs > PAIRS {
                    return;
                }
                if one.is_near(&two) && collide(bodies) {
                    for (a, b) in [(one, &two), (&two, one)] {
                        let (line, other) =
                            (a.number.into_raw_parts().0, b.number.into_raw_parts().0);
                        a.crossings(b, |number| {
                            self.toggle(Corner { bodies, line, number, other }, time);
                        });
                    }
                }
            }
        }
    }
}

/// Where the bodies with lines that were awake stood before a step, by number.
pub(super) struct Stood(BTreeMap<u32, (RigidBodyHandle, Pose)>);

impl Stood {
    pub(super) fn of(physics: &PhysicsWorld) -> Stood {
        let awake = physics.islands.active_bodies().filter_map(|handle| {
            let body = physics.bodies.get(handle).filter(|body| body.is_dynamic())?;
            let stood = (handle, *body.position());
            lines(physics, body).next().map(|_| (body.user_data as u32, stood))
        });
        Stood(awake.collect())
    }

    /// Whether there is nothing to follow.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn lines<'w>(
    physics: &'w PhysicsWorld,
    body: &'w RigidBody,
) -> impl Iterator<Item = (ColliderHandle, &'w Collider)> + 'w {
    let colliders = body.colliders().iter().filter_map(|&c| Some((c, physics.colliders.get(c)?)));
    colliders.filter(|(_, collider)| is_line(collider.shape()))
}

/// The body of a collider that is a line.
fn body_of_line<'w>(physics: &'w PhysicsWorld, collider: &Collider) -> Option<&'w RigidBody> {
    physics.bodies.get(collider.parent().filter(|_| is_line(collider.shape()))?)
}

/// A line, and the poses of its body before and after a step.
struct Moved<'w> {
    number: ColliderHandle,
    line: &'w Collider,
    owner: u32,
    from: Pose,
    to: Pose,
}

impl Moved<'_> {
    fn turned(&self) -> f64 {
        (self.from.rotation.inverse() * self.to.rotation).angle()
    }

    /// How far its points have moved at most, m.
    fn travel(&self) -> f64 {
        (self.to.translation - self.from.translation).length() + self.swing()
    }

    /// The same by turning alone.
    fn swing(&self) -> f64 {
        let sphere = self.line.shape().compute_local_bounding_sphere();
        let about = self.line.position_wrt_parent().copied().unwrap_or_default();
        self.turned().abs() * (about.transform_point(sphere.center()).length() + sphere.radius())
    }

    /// The poses of the line itself.
    fn poses(&self) -> (Pose, Pose) {
        (self.at(0.0), self.at(1.0))
    }

    /// The pose of the line at a share of the step.
    fn at(&self, share: f64) -> Pose {
        let about = self.line.position_wrt_parent().copied().unwrap_or_default();
        if share >= 1.0 {
            return self.to * about;
        }
        let place = self.from.translation + (self.to.translation - self.from.translation) * share;
        let turned = Rotation::new(self.turned() * share);
        Pose::from_parts(place, self.from.rotation * turned) * about
    }

    /// Whether the two came so near that one may have crossed the other.
    fn is_near(&self, other: &Moved<'_>) -> bool {
        let moved = |m: &Moved<'_>| m.to.translation - m.from.translation;
        let travel = (moved(self) - moved(other)).length() + self.swing() + other.swing();
        let between = self.at(0.0).inv_mul(&other.at(0.0));
        DefaultQueryDispatcher
            .distance(&between, self.line.shape(), other.line.shape())
            .is_ok_and(|apart| apart.distance <= travel)
    }

    /// Tells of each corner that crossed the other line an odd number of times.
    fn crossings(&self, other: &Moved<'_>, mut tell: impl FnMut(u32)) {
        let pieces = (self.turned().abs().max(other.turned().abs()) / STRAIGHT).ceil();
        let pieces = pieces.clamp(1.0, PIECES);
        let between: Vec<Pose> = (0..=pieces as usize)
            .map(|i| i as f64 / pieces)
            .map(|share| other.at(share).inv_mul(&self.at(share)))
            .collect();
        for (number, corner) in corners(self.line.shape()).into_iter().enumerate() {
            let places: Vec<Vector> = between.iter().map(|p| p.transform_point(corner)).collect();
            let crossed: usize =
                places.windows(2).map(|path| crossings(other.line.shape(), path[0], path[1])).sum();
            if crossed % 2 == 1 {
                tell(number as u32);
            }
        }
    }
}

fn corners(shape: &dyn Shape) -> Vec<Vector> {
    if let Some(segment) = shape.as_segment() {
        vec![segment.a, segment.b]
    } else {
        shape.as_polyline().map_or_else(Vec::new, |line| line.vertices().to_vec())
    }
}

/// How many segments of a line the way from `a` to `b` crosses.
fn crossings(shape: &dyn Shape, a: Vector, b: Vector) -> usize {
    // A point on the line counts as of its left side, so that no crossing is seen twice or never.
    let left = |from: Vector, to: Vector, point: Vector| (to - from).perp_dot(point - from) >= 0.0;
    let crosses =
        |s: &Segment| left(s.a, s.b, a) != left(s.a, s.b, b) && left(a, b, s.a) != left(a, b, s.b);
    if let Some(segment) = shape.as_segment() {
        return usize::from(crosses(segment));
    }
    shape.as_polyline().map_or(0, |line| {
        let way = Aabb::new(a.min(b), a.max(b)).loosened(ON);
        line.bvh().intersect_aabb(&way).filter(|&i| crosses(&line.segment(i))).count()
    })
}
