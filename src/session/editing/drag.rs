//! Dragging: the element that is held follows the pointer, on the grid, along its constraints.

use kurbo::{Point, Vec2};

use super::super::drag_solver::DragSolver;
use super::super::error::Error;
use super::super::operation::{Coordinates, DragTick, Pointer};
use super::super::placement::{self, Movement, Placement};
use super::super::record::{ActiveDrag, HistoryMove};
use super::super::snap::{self, Candidate};
use super::super::{SnapKind, SnapOptions};
use super::operations::{check, push_if_edited};
use super::{Session, Transaction};
use svgx_base::budget::{Budget, Time};
use svgx_engine::document::NodeId;

impl Session {
    pub(super) fn drag_start(
        &mut self,
        pointer: &Pointer,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let target = self.target(pointer, "drag_start")?;
        tx.effect.element_id = target.map(|n| self.label(n));
        tx.effect.is_dragging = Some(target.is_some());
        self.interactive.drag = None;
        let Some(target) = target else { return Ok(()) };
        let node = self.node(target).unwrap_or(NodeId::ROOT);
        let placement = Placement::read(
            &self.document,
            &self.scene,
            node,
            |n| self.number(n),
            &self.label(target),
        )?;
        let (x, y) = placement.reference;
        let start = pointer.coordinates.unwrap_or(Coordinates { x, y, z: None });
        tx.effect.coordinates = Some(start);
        self.fire(self.event("drag_start", Some(target), Some(start), now), tx);
        push_if_edited(tx);
        // What a trigger did on taking hold is part of the drag's step.
        let step_open = tx.history == HistoryMove::Push;
        self.interactive.drag = Some(ActiveDrag { element: target, start, placement, step_open });
        Ok(())
    }

    pub(super) fn drag(
        &mut self,
        tick: &DragTick,
        end: bool,
        now: Time,
        budget: &Budget,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let options = snap::options(tick.snap, tick.modifiers)?;
        let Some(mut active) = self.interactive.drag.take() else {
            tx.effect.is_dragging = Some(false);
            return Ok(());
        };
        tx.effect.element_id = Some(self.label(active.element));
        tx.effect.is_dragging = Some(!end);
        if let Some(to) = tick.coordinates {
            check(to)?;
            let (movement, kind) = self.snapped(&active, to, options.as_ref());
            tx.effect.snapped_to = kind;
            tx.effect.coordinates = Some(Coordinates {
                x: active.start.x + movement.plane.x,
                y: active.start.y + movement.plane.y,
                z: to.z.map(|_| active.start.z.unwrap_or_default() + movement.height),
            });
            let tier = self.interactive.precision;
            let (x, y) = active.placement.reference;
            let place = (x + movement.plane.x, y + movement.plane.y);
            if !self.constrain(active.element, place, end, budget, tx) {
                for (element, name, value) in active.placement.moved(movement, tier) {
                    self.set(tx, element, &name, value.as_deref());
                }
            }
            if tx.edits.len() > tx.delayed {
                let at = tx.effect.coordinates;
                self.fire(self.event("drag", Some(active.element), at, now), tx);
            }
        }
        if end {
            let at = tx.effect.coordinates;
            self.fire(self.event("drag_end", Some(active.element), at, now), tx);
        }
        if tx.edits.len() > tx.delayed {
            let open = std::mem::replace(&mut active.step_open, true);
            tx.history = if open { HistoryMove::Extend } else { HistoryMove::Push };
        }
        if !end {
            self.interactive.drag = Some(active);
        }
        Ok(())
    }

    /// Moves what is held, and whatever the constraints take along, so that its first point
    /// comes as near to `to` as they allow. `false` where nothing constrains it.
    fn constrain(
        &mut self,
        element: u32,
        to: (f64, f64),
        end: bool,
        budget: &Budget,
        tx: &mut Transaction,
    ) -> bool {
        let tier = self.interactive.precision;
        let solver = self.solver.take().or_else(|| {
            let active = &self.interactive.constraints;
            let (document, scene, node) = (&self.document, &self.scene, self.node(element)?);
            DragSolver::new(document, scene, active, node, tier, &self.limits, end).map(Box::new)
        });
        let Some(mut solver) = solver else { return false };
        let Some(tick) = solver.tick(&self.document, &self.scene, to, end, budget) else {
            return false;
        };
        tx.effect.constrained = Some(tick.report);
        for edit in tick.edits {
            self.set(tx, self.number(edit.node), edit.name, Some(&edit.value));
        }
        self.solver = (!end).then_some(solver);
        true
    }

    fn snapped(
        &self,
        active: &ActiveDrag,
        to: Coordinates,
        options: Option<&SnapOptions>,
    ) -> (Movement, Option<SnapKind>) {
        let wanted = Vec2::new(to.x - active.start.x, to.y - active.start.y);
        let height = match (to.z, active.start.z) {
            (Some(to), start) => to - start.unwrap_or_default(),
            _ => 0.0,
        };
        let Some(options) = options else {
            return (Movement { plane: wanted, height }, None);
        };
        let height = if options.grid > 0.0 { snap::to_step(height, options.grid) } else { height };
        let (x, y) = active.placement.reference;
        let reference = Point::new(x, y);
        let node = self.node(active.element).unwrap_or(NodeId::ROOT);
        let to_points = options.endpoint || options.midpoint || options.center;
        let own = if to_points { self.own_points(node, reference) } else { Vec::new() };
        let kinds = |kind| match kind {
            SnapKind::Endpoint => options.endpoint,
            SnapKind::Midpoint => options.midpoint,
            SnapKind::Center => options.center,
            _ => false,
        };
        let near = |at: Point, tolerance: f64| -> Vec<Candidate> {
            let hits = self.scene.hit(at, tolerance);
            let others = hits.into_iter().filter(|&other| !self.belongs(other, node));
            others
                .flat_map(|other| self.points(other))
                .filter(|candidate| kinds(candidate.kind))
                .collect()
        };
        let (plane, kind) = snap::snap(wanted, reference, &own, options, 1.0, near);
        (Movement { plane, height }, kind)
    }

    /// The points of an element as they were when its reference point was at `reference`.
    fn own_points(&self, node: NodeId, reference: Point) -> Vec<Point> {
        let now = Placement::read(&self.document, &self.scene, node, |n| self.number(n), "");
        let back = now.map_or(Vec2::ZERO, |p| reference - Point::from(p.reference));
        self.points(node).into_iter().map(|c| c.at + back).take(64).collect()
    }

    fn points(&self, node: NodeId) -> Vec<Candidate> {
        let world = placement::to_world(&self.document, &self.scene, node);
        self.scene.outline(node).map_or_else(Vec::new, |outline| snap::points(outline, world))
    }

    fn belongs(&self, node: NodeId, to: NodeId) -> bool {
        let mut at = Some(node);
        while let Some(n) = at {
            if n == to {
                return true;
            }
            at = self.document.parent(n);
        }
        false
    }
}
