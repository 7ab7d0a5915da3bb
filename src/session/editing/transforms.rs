//! Elements that are moved, turned and scaled.

use kurbo::{Affine, Point, Rect, Vec2};
use svgx_engine::document::{NodeId, Ns};

use super::super::error::Error;
use super::super::operation::Coordinates;
use super::super::placement::{self, Movement, Placement};
use super::super::record::ActiveDrag;
use super::structure::written_transform;
use super::{Session, Transaction, operations};
use svgx_base::budget::{Budget, Time};

impl Session {
    /// Moves elements as a drag does: what constraints hold goes where they let it, objects take
    /// their shapes and the ends of their connections along.
    pub(super) fn translate(
        &mut self,
        targets: &[NodeId],
        by: Vec2,
        now: Time,
        budget: &Budget,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        operations::check(Coordinates { x: by.x, y: by.y, z: None })?;
        let movement = Movement { plane: by, height: 0.0 };
        let mut moved: Vec<Placement> = Vec::new();
        for &node in targets {
            let number = self.number(node);
            // What another one took along is where it should be.
            if moved.iter().any(|with| with.moves(number)) {
                continue;
            }
            let label = self.label(number);
            let placement = Placement::read(self.drawing(), node, |n| self.number(n), &label)?;
            let Point { x, y } = placement.reference();
            let start = Coordinates { x, y, z: None };
            let active = ActiveDrag { element: number, start, placement, step_open: false };
            if !self.constrain(&active, movement, true, budget, tx) {
                for (element, name, value) in self.moved(&active.placement, movement) {
                    if !moved.iter().any(|with| with.moves(element)) {
                        self.set(tx, element, &name, value.as_deref());
                    }
                }
            }
            self.solver = None;
            moved.push(active.placement);
            tx.effect.element_id.get_or_insert(label);
        }
        self.follow_edits(now, tx);
        Ok(())
    }

    /// Applies a transform of the world to elements, about a point.
    pub(super) fn transform(
        &mut self,
        targets: &[NodeId],
        about: Option<Coordinates>,
        transform: Affine,
        operation: &'static str,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let bounds = |node: NodeId| self.scene.bounds(node);
        let all = targets.iter().filter_map(|&n| bounds(n)).reduce(|a: Rect, b| a.union(b));
        let center = match (about, all) {
            (Some(at), _) => {
                operations::check(at)?;
                Point::new(at.x, at.y)
            }
            (None, Some(all)) => all.center(),
            (None, None) => Point::ZERO,
        };
        let world =
            Affine::translate(center.to_vec2()) * transform * Affine::translate(-center.to_vec2());
        let each: Vec<(NodeId, Affine)> = targets.iter().map(|&node| (node, world)).collect();
        self.transform_each(&each, operation, tx)?;
        self.follow_edits(now, tx);
        Ok(())
    }

    /// Applies a transform of the world to each element.
    pub(super) fn transform_each(
        &mut self,
        each: &[(NodeId, Affine)],
        operation: &'static str,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let mut written = Vec::new();
        for &(node, world) in each {
            if !placement::is_placed(&self.document, node)
                || matches!(self.document.name(node), Some((Ns::Arx, _)))
            {
                let reason = "only what is drawn by SVG has a transform";
                return Err(self.unsuitable(operation, node, reason));
            }
            if self.scene.is_transform_styled(node) {
                let reason = "its style states its transform";
                return Err(self.unsuitable(operation, node, reason));
            }
            let outer = placement::around(self.drawing(), node);
            let own = self.scene.own_transform(&self.document, node);
            let new = outer.inverse() * world * outer * own;
            if outer.determinant() == 0.0 || !new.is_finite() {
                return Err(self.unsuitable(operation, node, "what is around flattens it"));
            }
            written.push((node, written_transform(new)));
        }
        for (node, value) in written {
            let number = self.number(node);
            tx.effect.element_id.get_or_insert_with(|| self.label(number));
            self.set(tx, number, "transform", value.as_deref());
            let held = self.document.id(node).map(str::to_owned);
            if held.is_some_and(|id| self.is_constrained(&id)) {
                let message = "constraints relate it; a transform does not ask them: solve them \
                               to see whether they hold";
                self.note_inexact(node, message, tx);
            }
        }
        Ok(())
    }

    /// Whether a constraint names the element, one of the drawing or an active one.
    pub(super) fn is_constrained(&mut self, id: &str) -> bool {
        let part = format!("{id}.");
        let names = |member: &str| member == id || member.starts_with(&part);
        let active = &self.interactive.constraints;
        if active.iter().any(|c| c.elements.iter().any(|member| names(member))) {
            return true;
        }
        let candidates: Vec<u32> = self.references().candidates(id).collect();
        candidates.into_iter().filter_map(|n| self.node(n)).any(|node| {
            let of = self.document.attr(node, "of").unwrap_or_default();
            self.document.name(node) == Some((Ns::Arx, "constraint"))
                && of.split_ascii_whitespace().any(names)
        })
    }
}
