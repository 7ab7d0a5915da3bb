//! Dragging: what is held follows the pointer, on the grid, along its constraints.

use kurbo::{Point, Vec2};

use super::super::error::Error;
use super::super::operation::{Coordinates, DragTick, Pointer};
use super::super::placement::{self, Movement, Placement};
use super::super::record::{Held, HistoryMove};
use super::super::sketch::DragSolver;
use super::super::snap::{self, Candidate};
use super::super::{SnapKind, SnapOptions};
use super::{Session, Work, check, push_if_edited};
use svgx_base::budget::{Budget, Time};
use svgx_engine::document::NodeId;

impl Session {
    pub(super) fn drag_start(
        &mut self,
        pointer: &Pointer,
        now: Time,
        work: &mut Work,
    ) -> Result<(), Error> {
        let target = self.target(pointer, "drag_start")?;
        work.effect.element_id = target.map(|n| self.label(n));
        work.effect.is_dragging = Some(target.is_some());
        self.interactive.held = None;
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
        work.effect.coordinates = Some(start);
        self.fire(self.event("drag_start", Some(target), Some(start), now), work);
        push_if_edited(work);
        // What a trigger did on taking hold is part of the drag's step.
        let step_open = work.history == HistoryMove::Push;
        self.interactive.held = Some(Held { element: target, start, placement, step_open });
        Ok(())
    }

    pub(super) fn drag(
        &mut self,
        tick: &DragTick,
        end: bool,
        now: Time,
        budget: &Budget,
        work: &mut Work,
    ) -> Result<(), Error> {
        let options = snap::options(tick.snap, tick.modifiers)?;
        let Some(mut held) = self.interactive.held.take() else {
            work.effect.is_dragging = Some(false);
            return Ok(());
        };
        work.effect.element_id = Some(self.label(held.element));
        work.effect.is_dragging = Some(!end);
        if let Some(to) = tick.coordinates {
            check(to)?;
            let (movement, kind) = self.snapped(&held, to, options.as_ref());
            work.effect.snapped_to = kind;
            work.effect.coordinates = Some(Coordinates {
                x: held.start.x + movement.plane.x,
                y: held.start.y + movement.plane.y,
                z: to.z.map(|_| held.start.z.unwrap_or_default() + movement.height),
            });
            let tier = self.interactive.precision;
            let (x, y) = held.placement.reference;
            let place = (x + movement.plane.x, y + movement.plane.y);
            if !self.constrain(held.element, place, end, budget, work) {
                for (element, name, value) in held.placement.moved(movement, tier) {
                    self.set(work, element, &name, value.as_deref());
                }
            }
            if work.edits.len() > work.delayed {
                let at = work.effect.coordinates;
                self.fire(self.event("drag", Some(held.element), at, now), work);
            }
        }
        if end {
            let at = work.effect.coordinates;
            self.fire(self.event("drag_end", Some(held.element), at, now), work);
        }
        if work.edits.len() > work.delayed {
            let open = std::mem::replace(&mut held.step_open, true);
            work.history = if open { HistoryMove::Extend } else { HistoryMove::Push };
        }
        if !end {
            self.interactive.held = Some(held);
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
        work: &mut Work,
    ) -> bool {
        let tier = self.interactive.precision;
        let live = self.constrained.take().or_else(|| {
            let active = &self.interactive.constraints;
            let (document, scene, node) = (&self.document, &self.scene, self.node(element)?);
            DragSolver::new(document, scene, active, node, tier, &self.limits, end).map(Box::new)
        });
        let Some(mut live) = live else { return false };
        let Some(tick) = live.tick(&self.document, &self.scene, to, end, budget) else {
            return false;
        };
        work.effect.constrained = Some(tick.constrained);
        for edit in tick.edits {
            self.set(work, self.number(edit.node), edit.name, Some(&edit.value));
        }
        self.constrained = (!end).then_some(live);
        true
    }

    fn snapped(
        &self,
        held: &Held,
        to: Coordinates,
        options: Option<&SnapOptions>,
    ) -> (Movement, Option<SnapKind>) {
        let wanted = Vec2::new(to.x - held.start.x, to.y - held.start.y);
        let height = match (to.z, held.start.z) {
            (Some(to), start) => to - start.unwrap_or_default(),
            _ => 0.0,
        };
        let Some(options) = options else {
            return (Movement { plane: wanted, height }, None);
        };
        let height = if options.grid > 0.0 { snap::to_step(height, options.grid) } else { height };
        let (x, y) = held.placement.reference;
        let reference = Point::new(x, y);
        let node = self.node(held.element).unwrap_or(NodeId::ROOT);
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
