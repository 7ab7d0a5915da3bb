//! Contacts of pairs: budget checkpoints within a step, and shapes that touch exactly.
//!
//! The engine asks a dispatcher for the contacts of every pair whose bodies have
//! moved. (It also has a hook that filters pairs, but where one is set it works out
//! every contact anew at every step, which costs a pile of a thousand two thirds
//! of its time again.)
//!
//! Where two convex shapes touch at a distance of exactly zero, GJK reports an intersection
//! and EPA finds no depth, so that there is no contact until the shapes have fallen into each
//! other. The pair is then asked again, drawn apart by less than a micrometre.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rapier2d_f64::geometry::{ContactData, ContactManifoldData};
use rapier2d_f64::math::{Pose, Vector};
use rapier2d_f64::parry::query::details::{
    self, ContactManifoldsWorkspace, NormalConstraints, ShapeCastOptions,
};
use rapier2d_f64::parry::query::{
    ClosestPoints, Contact, ContactManifold, DefaultQueryDispatcher, NonlinearRigidMotion,
    PersistentQueryDispatcher, QueryDispatcher, ShapeCastHit, ShapeDistance, ShapeIntersection,
    Unsupported,
};
use rapier2d_f64::parry::shape::Shape;
use rapier2d_f64::pipeline::PhysicsWorld;

use svgx_base::budget::Budget;

use super::step_trace::{PairTimes, Phases};

/// From this many bodies on, there are checkpoints within a step as well.
const MIN_BODIES: usize = 256;
/// Pairs between two budget checks in a step: some 50 µs.
const PAIRS_PER_CHECKPOINT: u32 = 128;

/// Runs `step` on a world with the contacts of this module, and with budget checks on the way
/// when there is much to do.
///
/// A stop `ends` the contacts only where the world is then thrown away; half a
/// step is no answer, so within others more urgent work may pass and that is all.
///
/// Where the work is traced, its time goes into `phases`.
pub(super) fn with_checkpoints<T>(
    physics: &mut PhysicsWorld,
    budget: &Budget,
    ends: bool,
    phases: Option<&mut Phases>,
    step: impl FnOnce(&mut PhysicsWorld) -> T,
) -> T {
    let checkpoints = (physics.bodies.len() >= MIN_BODIES).then(|| Checkpoints {
        budget: budget.clone(),
        ends,
        pairs: AtomicU32::new(0),
        stopped: AtomicBool::new(false),
    });
    let timed = phases.and_then(|phases| Some((phases, Arc::new(PairTimes::begin(budget)?))));
    let pairs = timed.as_ref().map(|(_, pairs)| Arc::clone(pairs));
    physics.narrow_phase.set_query_dispatcher(ContactDispatcher { checkpoints, pairs });
    let done = step(physics);
    // The budget is not kept: it holds on to whoever asked.
    physics.narrow_phase.set_query_dispatcher(ContactDispatcher { checkpoints: None, pairs: None });
    if let Some((phases, pairs)) = timed {
        phases.add(&pairs);
    }
    done
}

struct ContactDispatcher {
    checkpoints: Option<Checkpoints>,
    /// Where the step is traced: when its pairs were asked for.
    pairs: Option<Arc<PairTimes>>,
}

struct Checkpoints {
    budget: Budget,
    ends: bool,
    pairs: AtomicU32,
    stopped: AtomicBool,
}

impl Checkpoints {
    /// Whether to go on.
    fn pass(&self) -> bool {
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

impl PersistentQueryDispatcher<ContactManifoldData, ContactData> for ContactDispatcher {
    fn contact_manifolds(
        &self,
        pos12: &Pose,
        g1: &dyn Shape,
        g2: &dyn Shape,
        prediction: f64,
        manifolds: &mut Vec<Manifold>,
        workspace: &mut Option<ContactManifoldsWorkspace>,
    ) -> Result<(), Unsupported> {
        if self.checkpoints.as_ref().is_some_and(|c| !c.pass()) {
            return Ok(());
        }
        let _timed = self.pairs.as_ref().map(|pairs| pairs.pair());
        // A line is composed of segments, and each of them may touch exactly.
        match (g1.as_composite_shape(), g2.as_composite_shape()) {
            (Some(lines1), Some(lines2)) => {
                details::contact_manifolds_composite_shape_composite_shape(
                    self, pos12, lines1, lines2, prediction, manifolds, workspace,
                );
            }
            (Some(lines), None) => details::contact_manifolds_composite_shape_shape(
                self, pos12, lines, g2, prediction, manifolds, workspace, false,
            ),
            (None, Some(lines)) => details::contact_manifolds_composite_shape_shape(
                self,
                &pos12.inverse(),
                lines,
                g1,
                prediction,
                manifolds,
                workspace,
                true,
            ),
            (None, None) => {
                DefaultQueryDispatcher
                    .contact_manifolds(pos12, g1, g2, prediction, manifolds, workspace)?;
                if let [manifold] = &mut manifolds[..] {
                    touch_exactly(pos12, g1, g2, prediction, manifold);
                }
            }
        }
        Ok(())
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
        DefaultQueryDispatcher.contact_manifold_convex_convex(
            pos12, g1, g2, normal1, normal2, prediction, manifold,
        )?;
        if normal1.is_none() && normal2.is_none() {
            touch_exactly(pos12, g1, g2, prediction, manifold);
        }
        Ok(())
    }
}

/// How far a pair that touches exactly is drawn apart, m: the first of these that helps.
const NUDGES: [f64; 3] = [1e-7, 1e-6, 1e-5];

/// Finds the contact of two convex polygons for which EPA has failed: a manifold without points,
/// and with the x axis as the direction that parts the two, along which they do not part.
fn touch_exactly(
    pos12: &Pose,
    g1: &dyn Shape,
    g2: &dyn Shape,
    prediction: f64,
    manifold: &mut Manifold,
) {
    let polygons =
        g1.as_polygonal_feature_map().is_some() && g2.as_polygonal_feature_map().is_some();
    if !(polygons && manifold.points.is_empty() && manifold.local_n1 == Vector::X) {
        return;
    }
    let gap = g2.compute_aabb(pos12).mins.x - g1.compute_local_aabb().maxs.x;
    if gap > prediction {
        return;
    }
    // Two convex shapes that only touch lie on either side of a line: drawn apart along their
    // centres, they part.
    let centre = |shape: &dyn Shape| {
        let centre = shape.mass_properties(1.0).local_com;
        if centre.is_finite() { centre } else { shape.compute_local_aabb().center() }
    };
    let (centre1, centre2) = (centre(g1), pos12.transform_point(centre(g2)));
    let apart = (centre2 - centre1).try_normalize().unwrap_or(Vector::X);
    for nudge in NUDGES {
        let mut nudged = *pos12;
        nudged.translation += apart * nudge;
        let found = DefaultQueryDispatcher
            .contact_manifold_convex_convex(&nudged, g1, g2, None, None, prediction, manifold);
        if found.is_ok() && !manifold.points.is_empty() {
            for point in &mut manifold.points {
                let gap = pos12.transform_point(point.local_p2) - point.local_p1;
                point.dist = gap.dot(manifold.local_n1);
            }
            return;
        }
    }
}

/// Everything but contacts goes straight through.
macro_rules! through {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)*) => {
        impl QueryDispatcher for ContactDispatcher {
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

#[cfg(test)]
mod tests {
    use super::super::outline::{Outline, solid};
    use super::*;

    /// The shape of an outline in millimetres, and where it is.
    fn shape(points: &[[f64; 2]]) -> (Pose, rapier2d_f64::geometry::SharedShape) {
        let points = points.iter().map(|[x, y]| Vector::new(x * 1e-3, y * 1e-3)).collect();
        let solid = solid(&[Outline::Line { points, closed: true }], 1e-4).expect("a solid");
        let (pose, shape) = solid.shape.parts[0].shared().expect("a part");
        (Pose::from_translation(solid.centre) * pose, shape)
    }

    #[test]
    fn polygons_that_touch_exactly_have_two_points_of_contact() {
        let crate_at = [
            [1139.692620786, 842.020143326],
            [1421.600407022, 944.626186323],
            [1490.004435687, 756.687662166],
            [1208.096649451, 654.081619168],
        ];
        let (top, foot) = ([200.0, 500.0], [5838.155724715, 2552.120859954]);
        let ramps = [
            vec![top, foot, [200.0, 2552.120859954]],
            vec![top, foot, [foot[0], foot[1] + 500.0], [200.0, foot[1] + 500.0]],
            vec![top, foot, [foot[0], foot[1] + 300.0], [200.0, 800.0]],
            vec![top, foot, [foot[0], 9000.0], [3000.0, 9500.0], [200.0, 9000.0]],
        ];
        for ramp in ramps {
            let ((p1, ramp), (p2, body)) = (shape(&ramp), shape(&crate_at));
            for (pos12, one, other) in
                [(p1.inv_mul(&p2), &ramp, &body), (p2.inv_mul(&p1), &body, &ramp)]
            {
                let mut found: Vec<Manifold> = Vec::new();
                ContactDispatcher { checkpoints: None, pairs: None }
                    .contact_manifolds(&pos12, &*one.0, &*other.0, 0.02, &mut found, &mut None)
                    .expect("supported shapes");
                let points: Vec<f64> =
                    found.iter().flat_map(|m| &m.points).map(|p| p.dist).collect();
                assert_eq!(points.len(), 2, "{found:?}");
                assert!(points.iter().all(|d| d.abs() < 1e-9), "{points:?}");
            }
        }
    }
}
