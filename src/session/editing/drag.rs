//! Dragging: the element that is held follows the pointer, on the grid, along its constraints.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use kurbo::{PathSeg, Point, Vec2};

use super::super::drag_solver::{self, DragSolver};
use super::super::error::Error;
use super::super::operation::{Coordinates, DragTick, Pointer};
use super::super::placement::{self, Drawing, Movement, Placement};
use super::super::record::ActiveDrag;
use super::super::snap::{self, Candidate};
use super::super::{SnapKind, SnapOptions};
use super::operations::check;
use super::{Session, Transaction};
use svgx_base::budget::{Budget, Time};
use svgx_engine::constraint::{Formulas, Sketch};
use svgx_engine::document::NodeId;

/// An element that a drag may snap to.
struct Other {
    points: Vec<Candidate>,
    /// None where only points count.
    segments: Vec<PathSeg>,
}

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
        let label = self.label(target);
        let placement = Placement::read(self.drawing(), node, |n| self.number(n), &label)?;
        let Point { x, y } = placement.reference();
        let start = pointer.coordinates.unwrap_or(Coordinates { x, y, z: None });
        tx.effect.coordinates = Some(start);
        self.fire(self.event("drag_start", Some(target), Some(start), now), tx);
        self.interactive.drag =
            Some(ActiveDrag { element: target, start, placement, step_open: false });
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
        let Some(active) = self.interactive.drag.take() else {
            tx.effect.is_dragging = Some(false);
            return Ok(());
        };
        tx.effect.element_id = Some(self.label(active.element));
        tx.effect.is_dragging = Some(!end);
        tx.direct = Some(vec![active.element]);
        if let Some(to) = tick.coordinates {
            check(to)?;
            let (movement, kind) = self.snapped(&active, to, options.as_ref());
            tx.effect.snapped_to = kind;
            tx.effect.coordinates = Some(Coordinates {
                x: active.start.x + movement.plane.x,
                y: active.start.y + movement.plane.y,
                z: to.z.map(|_| active.start.z.unwrap_or_default() + movement.height),
            });
            if !self.constrain(&active, movement, end, budget, tx) {
                let moved = self.moved(&active.placement, movement);
                for (element, name, value) in moved {
                    self.set(tx, element, &name, value.as_deref());
                }
            }
            self.follow_edits(now, tx);
            if tx.edits.len() > tx.delayed {
                let at = tx.effect.coordinates;
                self.fire(self.event("drag", Some(active.element), at, now), tx);
            }
        }
        if end {
            let at = tx.effect.coordinates;
            self.fire(self.event("drag_end", Some(active.element), at, now), tx);
        }
        if !end {
            self.interactive.drag = Some(active);
        }
        Ok(())
    }

    pub(super) fn drawing(&self) -> Drawing<'_> {
        Drawing { document: &self.document, scene: &self.scene, limits: &self.limits }
    }

    pub(super) fn moved(
        &self,
        placement: &Placement,
        movement: Movement,
    ) -> Vec<(u32, String, Option<String>)> {
        let tier = self.interactive.precision;
        placement.moved(&self.document, |n| self.node(n), movement, tier)
    }

    /// Moves what is held, and whatever the constraints take along, so that it comes as near
    /// to the movement as they allow. `false` where nothing constrains it.
    pub(super) fn constrain(
        &mut self,
        active: &ActiveDrag,
        movement: Movement,
        end: bool,
        budget: &Budget,
        tx: &mut Transaction,
    ) -> bool {
        if self.interactive.constraints.is_empty() && !self.drafted().constraints {
            return false;
        }
        let placement = &active.placement;
        let tier = self.interactive.precision;
        let formulas = if self.solver.is_none() { self.formulas() } else { Formulas::new() };
        let solver = self.solver.take().or_else(|| {
            let constraints = &self.interactive.constraints;
            let bodies: Vec<NodeId> =
                placement.bodies.iter().filter_map(|body| self.node(body.element)).collect();
            let (document, scene) = (&self.document, &self.scene);
            let more = drag_solver::active(constraints);
            let sketch = Sketch::usable(document, scene, &more, &formulas, &self.limits);
            DragSolver::new(sketch.ok()?, &bodies, tier, &self.limits, end).map(Box::new)
        });
        let Some(mut solver) = solver else { return false };
        let Some(body) = placement.bodies.get(solver.body()) else { return false };
        let start = Point::from(body.reference);
        let to = start + movement.plane;
        let Some(tick) = solver.tick(&self.document, &self.scene, (to.x, to.y), end, budget) else {
            return false;
        };
        tx.effect.constrained = Some(tick.report);
        let mut followers: Vec<(NodeId, Point, Placement)> = Vec::new();
        for edit in &tick.edits {
            let known = followers.iter().any(|(node, ..)| *node == edit.node);
            if !known && !placement.moves(self.number(edit.node)) {
                followers.extend(self.follower(edit.node));
            }
        }
        for edit in tick.edits {
            self.set(tx, self.number(edit.node), edit.name, Some(&edit.value));
        }
        // What moves with the elements that were solved goes where they went.
        let carried = self.node(body.element);
        if let Some(now) = carried.and_then(|node| placement::reference(self.drawing(), node)) {
            let actual = Movement { plane: now - start, ..movement };
            for (element, name, value) in self.moved(placement, actual) {
                if !self.node(element).is_some_and(|node| solver.involves(node)) {
                    self.set(tx, element, &name, value.as_deref());
                }
            }
        }
        for (node, before, with) in followers {
            let Some(now) = placement::reference(self.drawing(), node) else { continue };
            let by = Movement { plane: now - before, height: 0.0 };
            for (element, name, value) in self.moved(&with, by) {
                let solved = self.node(element).is_some_and(|node| solver.involves(node));
                let held = placement.bodies.iter().any(|body| body.element == element);
                if !solved && !held {
                    self.set(tx, element, &name, value.as_deref());
                }
            }
        }
        self.solver = (!end).then_some(solver);
        true
    }

    /// What moves with a shape that the constraints move, and where the shape is now.
    fn follower(&self, node: NodeId) -> Option<(NodeId, Point, Placement)> {
        let objects = self.document.objects();
        let object = objects.get(placement::object_of(&self.document, node)?)?;
        let alone = object.node == node
            && object.shapes.len() <= 1
            && object.upstream.is_none()
            && self.document.systems().is_empty();
        if alone {
            return None;
        }
        let before = placement::reference(self.drawing(), node)?;
        let with = Placement::read(self.drawing(), node, |n| self.number(n), "").ok()?;
        Some((node, before, with))
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
        let reference = active.placement.reference();
        let node = self.node(active.element).unwrap_or(NodeId::ROOT);
        let own =
            if options.is_to_others() { self.own_points(node, reference) } else { Vec::new() };
        let kinds = |kind| match kind {
            SnapKind::Endpoint => options.endpoint,
            SnapKind::Midpoint => options.midpoint,
            SnapKind::Center => options.center,
            _ => false,
        };
        let unit = self.scene.scale().to_units(1.0);
        // Several points of what is dragged meet the same elements: each is looked at once.
        let seen: RefCell<HashMap<NodeId, Option<Rc<Other>>>> = RefCell::default();
        let near = |base: Point, at: Point, tolerance: f64| -> Vec<Candidate> {
            let mut seen = seen.borrow_mut();
            let hits = self.scene.hit(at, tolerance).into_iter();
            let others: Vec<Rc<Other>> = hits
                .filter_map(|node| {
                    let look = || (!self.moves(active, node)).then(|| self.other(node, options));
                    seen.entry(node).or_insert_with(|| look().map(Rc::new)).clone()
                })
                .collect();
            let points = others.iter().flat_map(|other| &other.points);
            let mut found: Vec<Candidate> = points.filter(|c| kinds(c.kind)).copied().collect();
            if options.is_to_outlines() {
                let outlines: Vec<&[PathSeg]> = others.iter().map(|o| &*o.segments).collect();
                found.extend(snap::curves::near(&outlines, base, at, tolerance, options));
            }
            found
        };
        let (plane, kind) = snap::snap(wanted, reference, &own, options, unit, near);
        (Movement { plane, height }, kind)
    }

    /// What a drag may snap to of an element.
    fn other(&self, node: NodeId, options: &SnapOptions) -> Other {
        let segments = if options.is_to_outlines() { self.segments(node) } else { Vec::new() };
        Other { points: self.points(node), segments }
    }

    /// The points of an element as they were when its reference point was at `reference`.
    fn own_points(&self, node: NodeId, reference: Point) -> Vec<Point> {
        let now = placement::reference(self.drawing(), node);
        let back = now.map_or(Vec2::ZERO, |now| reference - now);
        self.points(node).into_iter().map(|c| c.at + back).take(64).collect()
    }

    fn points(&self, node: NodeId) -> Vec<Candidate> {
        let world = placement::to_world(self.drawing(), node);
        self.scene
            .outline(node)
            .map_or_else(Vec::new, |outline| snap::points(&outline.elements(), world))
    }

    /// The segments of an outline, in world coordinates.
    fn segments(&self, node: NodeId) -> Vec<PathSeg> {
        let world = placement::to_world(self.drawing(), node);
        let Some(outline) = self.scene.outline(node) else { return Vec::new() };
        let elements = outline.elements();
        let segments = kurbo::segments(elements.iter().copied());
        segments.take(snap::POINTS).map(|s| world * s).collect()
    }

    /// Whether an element moves with a drag, by itself or inside of what moves.
    fn moves(&self, active: &ActiveDrag, node: NodeId) -> bool {
        std::iter::successors(Some(node), |&n| self.document.parent(n))
            .any(|n| active.placement.moves(self.number(n)))
    }
}
