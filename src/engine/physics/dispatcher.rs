//! Budget checkpoints within a step of the engine.
//!
//! The engine asks a dispatcher for the contacts of every pair whose bodies have
//! moved. (It also has a hook that filters pairs, but where one is set it works out
//! every contact anew at every step, which costs a pile of a thousand two thirds
//! of its time again.)

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rapier2d_f64::geometry::{ContactData, ContactManifoldData};
use rapier2d_f64::math::{Pose, Vector};
use rapier2d_f64::parry::query::details::{
    ContactManifoldsWorkspace, NormalConstraints, ShapeCastOptions,
};
use rapier2d_f64::parry::query::{
    ClosestPoints, Contact, ContactManifold, DefaultQueryDispatcher, NonlinearRigidMotion,
    PersistentQueryDispatcher, QueryDispatcher, ShapeCastHit, ShapeDistance, ShapeIntersection,
    Unsupported,
};
use rapier2d_f64::parry::shape::Shape;
use rapier2d_f64::pipeline::PhysicsWorld;

use svgx_base::budget::Budget;

/// From this many bodies on, there are checkpoints within a step as well.
const MIN_BODIES: usize = 256;
/// Pairs between two budget checks in a step: some 50 µs.
const PAIRS_PER_CHECKPOINT: u32 = 128;

/// Runs `step` on a world, with budget checks on the way when there is much to do.
///
/// A stop `ends` the contacts only where the world is then thrown away; half a
/// step is no answer, so within others more urgent work may pass and that is all.
pub(super) fn with_checkpoints<T>(
    physics: &mut PhysicsWorld,
    budget: &Budget,
    ends: bool,
    step: impl FnOnce(&mut PhysicsWorld) -> T,
) -> T {
    if physics.bodies.len() < MIN_BODIES {
        return step(physics);
    }
    physics.narrow_phase.set_query_dispatcher(CheckpointDispatcher {
        budget: budget.clone(),
        ends,
        pairs: AtomicU32::new(0),
        stopped: AtomicBool::new(false),
    });
    let done = step(physics);
    // The budget is not kept: it holds on to whoever asked.
    physics.narrow_phase.set_query_dispatcher(DefaultQueryDispatcher);
    done
}

struct CheckpointDispatcher {
    budget: Budget,
    ends: bool,
    pairs: AtomicU32,
    stopped: AtomicBool,
}

impl CheckpointDispatcher {
    /// Whether to go on.
    fn passes_checkpoint(&self) -> bool {
        let pairs = self.pairs.fetch_add(1, Ordering::Relaxed);
        if pairs % PAIRS_PER_CHECKPOINT == PAIRS_PER_CHECKPOINT - 1
            && self.budget.checkpoint().is_err()
            && self.ends
        {
            self.stopped.store(true, Ordering::Relaxed);
        }
        !self.stopped.load(Ordering::Relaxed)
    }
}

type Manifold = ContactManifold<ContactManifoldData, ContactData>;

impl PersistentQueryDispatcher<ContactManifoldData, ContactData> for CheckpointDispatcher {
    fn contact_manifolds(
        &self,
        pos12: &Pose,
        g1: &dyn Shape,
        g2: &dyn Shape,
        prediction: f64,
        manifolds: &mut Vec<Manifold>,
        workspace: &mut Option<ContactManifoldsWorkspace>,
    ) -> Result<(), Unsupported> {
        if !self.passes_checkpoint() {
            return Ok(());
        }
        DefaultQueryDispatcher.contact_manifolds(pos12, g1, g2, prediction, manifolds, workspace)
    }

    fn contact_manifold_convex_convex(
        &self,
        pos12: &Pose,
        g1: &dyn Shape,
        g2: &dyn Shape,
        normal1: Option<&dyn NormalConstraints>,
        normal2: Option<&dyn NormalConstraints>,
        prediction: f64,
        manifold: &mut Manifold,
    ) -> Result<(), Unsupported> {
        DefaultQueryDispatcher
            .contact_manifold_convex_convex(pos12, g1, g2, normal1, normal2, prediction, manifold)
    }
}

/// Everything but contacts goes straight through.
macro_rules! through {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)*) => {
        impl QueryDispatcher for CheckpointDispatcher {
            $(fn $name(&self, $($arg: $ty),*) -> Result<$answer, Unsupported> {
                DefaultQueryDispatcher.$name($($arg),*)
            })*
        }
    };
}

through! {
    intersection_test(pos12: &Pose, g1: &dyn Shape, g2: &dyn Shape) -> ShapeIntersection;
    distance(pos12: &Pose, g1: &dyn Shape, g2: &dyn Shape) -> ShapeDistance;
    contact(pos12: &Pose, g1: &dyn Shape, g2: &dyn Shape, prediction: f64) -> Option<Contact>;
    closest_points(pos12: &Pose, g1: &dyn Shape, g2: &dyn Shape, most: f64) -> ClosestPoints;
    cast_shapes(
        pos12: &Pose, velocity: Vector, g1: &dyn Shape, g2: &dyn Shape, options: ShapeCastOptions
    ) -> Option<ShapeCastHit>;
    cast_shapes_nonlinear(
        motion1: &NonlinearRigidMotion, g1: &dyn Shape, motion2: &NonlinearRigidMotion, g2: &dyn Shape,
        start: f64, end: f64, stop_at_penetration: bool
    ) -> Option<ShapeCastHit>;
}
