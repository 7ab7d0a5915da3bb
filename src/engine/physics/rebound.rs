//! The rebound of an impact: restitution, with its friction.
//!
//! The engine's own pass sets the points of a contact to their speed of separation one after the
//! other, once, and without friction: a box that lands flat would turn, and a ball would keep a
//! spin that the rebound gives it. So the engine is told of no restitution, and makes impacts
//! plastic. Here the points that met in a step are driven apart together: projected Gauss-Seidel
//! over them, over what else these bodies touch, and over their joints (Catto, "Iterative Dynamics
//! with Temporal Coherence", GDC 2005), with Newton's restitution and Coulomb's friction. A body
//! in a joint is settled here also where nothing bounces: the engine, which takes joints and
//! contacts in turn, would leave it a part of its speed.

use std::collections::{BTreeMap, BTreeSet};

use rapier2d_f64::dynamics::{ImpulseJoint, JointAxesMask, RigidBody, RigidBodyHandle};
use rapier2d_f64::geometry::ContactPair;
use rapier2d_f64::math::Vector;
use rapier2d_f64::pipeline::PhysicsWorld;

use super::model::Model;
use super::world::World;

/// Links between bodies that a rebound is carried over.
const MOST_LINKS: usize = 256;

/// How many bodies away from an impact its rebound is felt at once. Farther ones feel it a step later.
const REACH: usize = 8;

/// Impulses computed for one rebound at most: what is left then goes into the next step.
const MOST_WORK: usize = 20_000;

/// A change of velocity, of the fastest, that ends the sweeps.
const SETTLED: f64 = 1e-9;

/// Motions up to which they are settled as exactly as that.
const FEW: usize = 96;

/// The same for more motions. What is left is less than anybody knows about an impact in a pile,
/// and a thousand motions would take as long as the step itself.
const SETTLED_CROWD: f64 = 1e-3;

/// The colliders of a point of a contact, and its features.
type Point = (u32, u32, u32, u32);

/// What was before a step, of the bodies that were awake: what sleeps does not move, and nothing
/// of it can strike anything.
pub(super) struct Before {
    /// By number; those that slept have none.
    velocities: Vec<(Vector, f64)>,
    /// The bodies that were awake, where these are few; `None`: look at all.
    awake: Option<Vec<RigidBodyHandle>>,
    /// Points that carried something already: they rest, and do not bounce.
    /// In order.
    carrying: Vec<Point>,
}

/// Awake are few where they are less than this part of all bodies: then their contacts are looked
/// up one by one, which costs a few times as much for each as to go through all.
const FEW_AWAKE: usize = 8;

/// Points of a pair with their keys.
fn points(pair: &ContactPair) -> impl Iterator<Item = (Point, Touch)> + '_ {
    let colliders = (pair.collider1.into_raw_parts().0, pair.collider2.into_raw_parts().0);
    pair.solver_manifolds().iter().flat_map(move |manifold| {
        manifold.points.iter().map(move |point| {
            let key = (colliders.0, colliders.1, point.fid1.0, point.fid2.0);
            let touch = Touch {
                normal: manifold.data.normal,
                arms: [point.data.solver_dp1, point.data.solver_dp2],
                impulse: point.data.impulse,
                friction: manifold.data.friction,
            };
            (key, touch)
        })
    })
}

/// A point of a contact after a step.
struct Touch {
    /// From the first body to the second.
    normal: Vector,
    /// From the centre of each body.
    arms: [Vector; 2],
    impulse: f64,
    friction: f64,
}

impl Before {
    pub(super) fn of(world: &World) -> Before {
        let physics = &world.physics;
        let mut velocities = vec![(Vector::ZERO, 0.0); world.handles.len()];
        let mut awake = Vec::new();
        for handle in physics.islands.active_bodies() {
            let Some(body) = physics.bodies.get(handle) else { continue };
            if let Some(velocity) = velocities.get_mut(body.user_data as usize) {
                *velocity = (body.linvel(), body.angvel());
            }
            awake.push(handle);
        }
        let awake = (awake.len() < world.handles.len() / FEW_AWAKE).then_some(awake);
        let mut before = Before { velocities, awake, carrying: Vec::new() };
        let touching = before.pairs(physics).flat_map(points);
        let mut carrying: Vec<Point> =
            touching.filter(|(_, t)| t.impulse > 0.0).map(|(key, _)| key).collect();
        carrying.sort_unstable();
        before.carrying = carrying;
        before
    }

    /// The contacts of the bodies that were awake; some of them twice.
    fn pairs<'w>(
        &'w self,
        physics: &'w PhysicsWorld,
    ) -> Box<dyn Iterator<Item = &'w ContactPair> + 'w> {
        let contacts = &physics.narrow_phase;
        let Some(awake) = &self.awake else { return Box::new(contacts.contact_pairs()) };
        let bodies = awake.iter().filter_map(|&handle| physics.bodies.get(handle));
        let colliders = bodies.flat_map(|body| body.colliders());
        Box::new(colliders.flat_map(|&collider| contacts.contact_pairs_with(collider)))
    }
}

/// What bounds the impulse of a row.
#[derive(Clone, Copy)]
enum Bound {
    /// A joint takes both directions.
    None,
    /// A contact pushes, a rope pulls.
    AtLeast(f64),
    /// Friction, of what the row with this number gives.
    Friction(usize, f64),
}

/// One motion of two bodies against each other.
struct Row {
    bodies: [usize; 2],
    /// Of the second body; the first has its opposite.
    direction: Vector,
    /// What a unit of spin of each body adds.
    turns: [f64; 2],
    /// The velocity to reach.
    target: f64,
    bound: Bound,
    /// The mass that the row feels.
    weight: f64,
    impulse: f64,
}

/// Mass and motion of a body that takes part.
#[derive(Clone, Copy)]
struct Moving {
    inverse: [f64; 2],
    velocity: Vector,
    spin: f64,
}

/// What holds or touches two bodies.
#[derive(Clone, Copy)]
struct Link<'w> {
    bodies: [usize; 2],
    by: By<'w>,
}

#[derive(Clone, Copy)]
enum By<'w> {
    Contact(&'w ContactPair),
    Joint(&'w ImpulseJoint),
}

/// Lets what met in a step bounce. Answers the free bodies that touched each other when one of them
/// was struck: restitution alone does not say how they share the impact (Newton's cradle).
pub(super) fn rebound(world: &mut World, model: &Model, before: &Before) -> BTreeSet<usize> {
    let ends = model.joints.iter().flat_map(|j| std::iter::once(j.body).chain(j.other));
    let contacts = Contacts { world, model, before, jointed: ends.collect() };
    let mut shared = BTreeSet::new();
    let struck = contacts.struck();
    if struck.is_empty() {
        return shared;
    }
    let mut moving = BTreeMap::new();
    let mut rows = Vec::new();
    for link in near(contacts.links(), &struck, model) {
        for i in link.bodies {
            moving.entry(i).or_insert_with(|| read(world, model, i));
        }
        let pair = match link.by {
            By::Contact(pair) => pair,
            By::Joint(joint) => {
                rows_of_joint(world, link.bodies, joint, &mut rows);
                continue;
            }
        };
        let mut rests = true;
        for (key, touch) in points(pair).filter(|(_, touch)| touch.impulse > 0.0) {
            let separation = contacts.separation(link.bodies, key, &touch);
            rests &= separation.is_none();
            rows_of_touch(link.bodies, &touch, separation, &mut rows);
        }
        let free = |i: &usize| model.bodies.get(*i).is_some_and(|b| !b.fixed);
        if rests && link.bodies.iter().all(free) {
            shared.extend(link.bodies);
        }
    }
    let moved = settle(&mut rows, &mut moving);
    for (i, motion) in moved {
        let handle = world.handles.get(i).copied();
        if let Some(body) = handle.and_then(|h| world.physics.bodies.get_mut(h)) {
            body.set_linvel(motion.velocity, true);
            body.set_angvel(motion.spin, true);
        }
    }
    shared
}

/// Whether impacts in a model need more than the engine does.
pub(super) fn is_needed(model: &Model) -> bool {
    !model.joints.is_empty() || model.bodies.iter().any(|b| b.restitution > 0.0)
}

/// The contacts of a step, and which of them are impacts.
struct Contacts<'s> {
    world: &'s World,
    model: &'s Model,
    before: &'s Before,
    /// Bodies in joints.
    jointed: BTreeSet<usize>,
}

impl Contacts<'_> {
    /// The bodies of a contact.
    fn bodies(&self, pair: &ContactPair) -> [usize; 2] {
        let colliders = &self.world.physics.colliders;
        let number = |h| colliders.get(h).map_or(usize::MAX, |c| c.user_data as usize);
        [number(pair.collider1), number(pair.collider2)]
    }

    /// The speed at which a point is to separate, where the bodies met there in the step.
    fn separation(&self, bodies: [usize; 2], key: Point, touch: &Touch) -> Option<f64> {
        let [v, w] = [0, 1].map(|i| {
            let (v, spin) = self.before.velocities.get(bodies[i]).copied().unwrap_or_default();
            v + spin * touch.arms[i].perp()
        });
        let approach = (v - w).dot(touch.normal);
        if approach <= 0.0 {
            return None;
        }
        let own = |i: usize| self.model.bodies.get(i).map_or(0.0, |b| b.restitution);
        let restitution = 0.5 * (own(bodies[0]) + own(bodies[1]));
        if restitution <= 0.0 && !bodies.iter().any(|b| self.jointed.contains(b)) {
            return None;
        }
        let rests = restitution < 1.0 && self.before.carrying.binary_search(&key).is_ok();
        (!rests).then_some(restitution * approach)
    }

    /// The bodies that something struck.
    fn struck(&self) -> BTreeSet<usize> {
        let mut struck = BTreeSet::new();
        for pair in self.before.pairs(&self.world.physics) {
            let bodies = self.bodies(pair);
            let mut carrying = points(pair).filter(|(_, t)| t.impulse > 0.0);
            if carrying.any(|(key, touch)| self.separation(bodies, key, &touch).is_some()) {
                struck.extend(bodies);
            }
        }
        struck
    }

    /// The contacts that carried something in the step, and the joints.
    fn links(&self) -> Vec<Link<'_>> {
        let carries = |pair: &ContactPair| points(pair).any(|(_, touch)| touch.impulse > 0.0);
        let contacts = self.world.physics.narrow_phase.contact_pairs();
        let contacts = contacts.filter(|pair| carries(pair));
        let contacts =
            contacts.map(|pair| Link { bodies: self.bodies(pair), by: By::Contact(pair) });
        let bodies = &self.world.physics.bodies;
        // The building has the largest number there is.
        let number = |h| bodies.get(h).map_or(usize::MAX, |b| b.user_data as usize);
        let joints = self.world.physics.impulse_joints.iter().map(|(_, joint)| Link {
            bodies: [number(joint.body1()), number(joint.body2())],
            by: By::Joint(joint),
        });
        contacts.chain(joints).collect()
    }
}

/// The links that a rebound is carried over, nearest first.
fn near<'w>(mut open: Vec<Link<'w>>, struck: &BTreeSet<usize>, model: &Model) -> Vec<Link<'w>> {
    // What is fixed carries nothing on.
    let free = |i: usize| model.bodies.get(i).is_some_and(|b| !b.fixed);
    let mut reached = vec![false; model.bodies.len()];
    let reach = |link: &Link<'w>, reached: &mut Vec<bool>| {
        for i in link.bodies.into_iter().filter(|&i| free(i)) {
            reached[i] = true;
        }
    };
    struck.iter().filter(|&&i| free(i)).for_each(|&i| reached[i] = true);
    let mut near: Vec<Link<'w>> = Vec::new();
    for _ in 0..REACH {
        let known = near.len();
        open.retain(|link| {
            let now = link.bodies.iter().any(|&i| reached.get(i).copied().unwrap_or(false));
            if now {
                near.push(*link);
            }
            !now
        });
        if near.len() == known || near.len() >= MOST_LINKS {
            break;
        }
        near.iter().skip(known).for_each(|link| reach(link, &mut reached));
    }
    near.truncate(MOST_LINKS);
    near
}

fn read(world: &World, model: &Model, i: usize) -> Moving {
    let still = Moving { inverse: [0.0; 2], velocity: Vector::ZERO, spin: 0.0 };
    let rigid = world.handles.get(i).and_then(|&h| world.physics.bodies.get(h));
    match (model.bodies.get(i), rigid) {
        (Some(body), Some(rigid)) if !body.fixed => Moving {
            inverse: [1.0 / body.mass, 1.0 / body.inertia],
            velocity: rigid.linvel(),
            spin: rigid.angvel(),
        },
        _ => still,
    }
}

fn row(bodies: [usize; 2], direction: Vector, arms: [Vector; 2]) -> Row {
    let turns = arms.map(|arm| arm.perp_dot(direction));
    Row { bodies, direction, turns, target: 0.0, bound: Bound::None, weight: 0.0, impulse: 0.0 }
}

fn rows_of_touch(bodies: [usize; 2], touch: &Touch, separation: Option<f64>, rows: &mut Vec<Row>) {
    // Of what the step gave, an impact may take back; a contact that rests only pushes more.
    let least = if separation.is_some() { -touch.impulse } else { 0.0 };
    rows.push(Row {
        target: separation.unwrap_or(0.0),
        bound: Bound::AtLeast(least),
        ..row(bodies, touch.normal, touch.arms)
    });
    if touch.friction > 0.0 {
        let bound = Bound::Friction(rows.len() - 1, touch.friction);
        rows.push(Row { bound, ..row(bodies, touch.normal.perp(), touch.arms) });
    }
}

fn rows_of_joint(world: &World, bodies: [usize; 2], joint: &ImpulseJoint, rows: &mut Vec<Row>) {
    let set = &world.physics.bodies;
    let (Some(first), Some(second)) = (set.get(joint.body1()), set.get(joint.body2())) else {
        return;
    };
    let centre = |body: &RigidBody| body.position().translation;
    let here = *first.position() * joint.data.local_frame1;
    let there = *second.position() * joint.data.local_frame2;
    let arms = [there.translation - centre(first), there.translation - centre(second)];
    let apart = there.translation - here.translation;
    if joint.data.coupled_axes.contains(JointAxesMask::LIN_AXES) {
        let length = apart.length();
        if length > 0.0 && length >= joint.data.limits[0].max * (1.0 - 1e-9) {
            let arms = [here.translation - centre(first), arms[1]];
            let bound = Bound::AtLeast(0.0);
            rows.push(Row { bound, ..row(bodies, -apart / length, arms) });
        }
        return;
    }
    let axes = [(JointAxesMask::LIN_X, Vector::X), (JointAxesMask::LIN_Y, Vector::Y)];
    for (axis, unit) in axes {
        if joint.data.locked_axes.contains(axis) {
            rows.push(row(bodies, here.rotation * unit, arms));
        }
    }
    if joint.data.locked_axes.contains(JointAxesMask::ANG_X) {
        rows.push(Row { turns: [1.0; 2], ..row(bodies, Vector::ZERO, arms) });
    }
}

/// Gives every row its impulse; the motions that come out.
fn settle(rows: &mut [Row], moving: &mut BTreeMap<usize, Moving>) -> Vec<(usize, Moving)> {
    let mut numbers: Vec<usize> = moving.keys().copied().collect();
    numbers.sort_unstable();
    let mut motions: Vec<Moving> = moving.values().copied().collect();
    let mut fastest: f64 = 0.0;
    for row in rows.iter_mut() {
        row.bodies = row.bodies.map(|i| numbers.binary_search(&i).unwrap_or(0));
        let felt: f64 = (0..2)
            .map(|side| {
                let [mass, inertia] = motions[row.bodies[side]].inverse;
                mass * row.direction.length_squared() + inertia * row.turns[side].powi(2)
            })
            .sum();
        row.weight = if felt > 0.0 { 1.0 / felt } else { 0.0 };
    }
    let settled = if rows.len() > FEW { SETTLED_CROWD } else { SETTLED };
    for _ in 0..(MOST_WORK / rows.len().max(1)).max(1) {
        let mut change: f64 = 0.0;
        for i in 0..rows.len() {
            let (least, most) = match rows[i].bound {
                Bound::None => (f64::NEG_INFINITY, f64::INFINITY),
                Bound::AtLeast(least) => (least, f64::INFINITY),
                Bound::Friction(of, coefficient) => {
                    let most = coefficient * rows[of].impulse.max(0.0);
                    (-most, most)
                }
            };
            let row = &mut rows[i];
            let [a, b] = row.bodies;
            let (one, other) = (motions[a], motions[b]);
            let velocity = (other.velocity - one.velocity).dot(row.direction)
                + other.spin * row.turns[1]
                - one.spin * row.turns[0];
            let wanted = (row.target - velocity) * row.weight;
            let impulse = (row.impulse + wanted).clamp(least, most);
            let more = impulse - row.impulse;
            row.impulse = impulse;
            if row.weight > 0.0 {
                change = change.max(more.abs() / row.weight);
            }
            fastest = fastest.max((row.target - velocity).abs());
            for (side, i, sign) in [(0, a, -1.0), (1, b, 1.0)] {
                let [mass, inertia] = motions[i].inverse;
                motions[i].velocity += row.direction * (sign * more * mass);
                motions[i].spin += sign * more * inertia * row.turns[side];
            }
        }
        if change <= settled * fastest {
            break;
        }
    }
    numbers.into_iter().zip(motions).filter(|(_, m)| m.inverse[0] > 0.0).collect()
}
