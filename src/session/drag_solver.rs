//! What the constraints of a drawing make of a drag: the solver that is kept from
//! tick to tick, and what moves with the element that is held.
//!
//! A tick carries the held element towards the pointer and solves what that touched; the
//! decomposition, the factors and the side of every tangency are those of the tick
//! before. Where a solve takes more than half of what a tick has left, the next ticks
//! are not solved but drawn between (along the line of the last two solutions), at most
//! [`MAX_INTERPOLATED_TICKS`] in a row; letting go always solves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::operation::ActiveConstraint;
use svgx_base::budget::{Budget, Tier};
use svgx_engine::constraint::{
    Change, Constraint, Edit, Entity, Kind, Outcome, Report, Sketch, Solver,
};
use svgx_engine::document::{Document, Limits, NodeId};
use svgx_engine::geometry::Scene;

/// Constraints that a session keeps a solver for: some megabytes of factors. Larger sketches
/// are solved when the element is let go of.
const KEPT_CONSTRAINTS: usize = 4_000;

/// Ticks in a row that may go unsolved.
const MAX_INTERPOLATED_TICKS: u32 = 3;

/// What the constraints made of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Constrained {
    /// How the solve ended; `partial` also where the tick was drawn between two solutions.
    pub outcome: Outcome,
    /// The largest residual of the constraints that must hold, in millimetres; not measured
    /// between two solutions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual_mm: Option<f64>,
    /// The tolerance solved to, in millimetres.
    pub tolerance_mm: f64,
    /// Whether the tick was not solved but drawn along the last two solutions.
    pub interpolated: bool,
}

/// The solver of a drag.
#[derive(Debug)]
pub(super) struct DragSolver {
    sketch: Sketch,
    solver: Solver,
    entity: usize,
    /// Which of the elements that are dragged the entity is drawn by.
    body: usize,
    /// The last two ticks that were solved.
    solved: [Option<Solved>; 2],
    /// Ticks still to be drawn between.
    skip: u32,
    tier: Tier,
}

/// Where the held element was asked to be, in mm, and the solution there.
#[derive(Debug)]
struct Solved {
    at: (f64, f64),
    entities: Vec<Entity>,
}

/// What changed, and what to say about it.
pub(super) struct Tick {
    pub(super) edits: Vec<Edit>,
    pub(super) report: Constrained,
}

/// The active constraints of the session that the solver takes.
pub(super) fn active(constraints: &[ActiveConstraint]) -> Vec<Constraint> {
    constraints.iter().filter_map(constraint).collect()
}

/// An active constraint of the session as the solver takes it.
fn constraint(active: &ActiveConstraint) -> Option<Constraint> {
    let kind = Kind::parse(&active.kind)?;
    Some(Constraint {
        id: None,
        kind,
        of: active.elements.clone(),
        value: active.value,
        soft: None,
    })
}

impl DragSolver {
    /// The solver for a drag of `bodies`, which move together: the first one that is
    /// constrained is carried along. `None` where nothing constrains them, or where the sketch is too large to be kept (`last`: it is solved once and not kept).
    pub(super) fn new(
        sketch: Sketch,
        bodies: &[NodeId],
        tier: Tier,
        limits: &Limits,
        last: bool,
    ) -> Option<DragSolver> {
        let found = |(at, &body)| sketch.entity_of(body).map(|entity| (at, entity));
        let (body, entity) = bodies.iter().enumerate().find_map(found)?;
        if !last && sketch.problem.constraints.len() > KEPT_CONSTRAINTS {
            return None;
        }
        let solver = sketch.solver(limits).ok()?;
        Some(DragSolver { sketch, solver, entity, body, solved: [None, None], skip: 0, tier })
    }

    /// Which of the elements that are dragged is carried.
    pub(super) fn body(&self) -> usize {
        self.body
    }

    /// Whether the solver was made from what `node` says.
    pub(super) fn involves(&self, node: NodeId) -> bool {
        self.sketch.involves(node)
    }

    /// One tick: the held element's first point (a corner, a centre, an end) is to be at
    /// `to`, in user units of the root. `last` always solves.
    pub(super) fn tick(
        &mut self,
        document: &Document,
        scene: &Scene,
        to: (f64, f64),
        last: bool,
        budget: &Budget,
    ) -> Option<Tick> {
        let to = Sketch::to_mm(scene, to);
        if self.skip > 0
            && !last
            && let Some(entities) = self.interpolated(to)
        {
            self.skip -= 1;
            let edits = self.sketch.edits(document, &entities, self.tier);
            let report = Constrained {
                outcome: Outcome::Partial,
                // Not measured: that would be half the work of solving.
                residual_mm: None,
                tolerance_mm: self.tier.millimetres(),
                interpolated: true,
            };
            return Some(Tick { edits, report });
        }
        let budget = budget.clone().at(self.tier);
        let before = budget.remaining();
        let from = self.solver.entity(self.entity)?.shape.first_point()?;
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let change = Change::Carry { entity: self.entity, dx, dy };
        let report = self.solver.drag(&change, &budget).ok()?;
        self.skip = ticks_to_interpolate(before, budget.remaining());
        if report.outcome == Outcome::Solved {
            let entities = self.solver.entities();
            self.solved.swap(0, 1);
            self.solved[1] = Some(Solved { at: to, entities });
        }
        let edits = self.sketch.edits(document, &self.solver.entities(), self.tier);
        Some(Tick { edits, report: summary(report) })
    }

    /// The geometry on the line through the last two solutions.
    fn interpolated(&self, to: (f64, f64)) -> Option<Vec<Entity>> {
        let [Some(a), Some(b)] = &self.solved else { return None };
        let (p, q) = (a.at, b.at);
        let (u, v) = ((q.0 - p.0, q.1 - p.1), (to.0 - q.0, to.1 - q.1));
        let length = u.0 * u.0 + u.1 * u.1;
        if length < 1e-12 {
            return None;
        }
        let share = ((u.0 * v.0 + u.1 * v.1) / length).clamp(-1.0, 1.0);
        let pairs = a.entities.iter().zip(&b.entities);
        Some(pairs.map(|(a, b)| a.towards(b, 1.0 + share)).collect())
    }
}

fn summary(report: Report) -> Constrained {
    Constrained {
        outcome: report.outcome,
        residual_mm: Some(report.residual),
        tolerance_mm: report.tolerance,
        interpolated: false,
    }
}

/// How many ticks to draw between after a solve that had `before` left and leaves `after`.
fn ticks_to_interpolate(before: Option<Duration>, after: Option<Duration>) -> u32 {
    match (before, after) {
        (Some(before), Some(after)) if !before.is_zero() => {
            let spent = before.saturating_sub(after);
            match spent.as_secs_f64() / before.as_secs_f64() {
                share if share > 0.9 => MAX_INTERPOLATED_TICKS,
                share if share > 0.5 => 1,
                _ => 0,
            }
        }
        _ => 0,
    }
}
