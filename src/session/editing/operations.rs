//! What each operation does to a session.

use kurbo::{Affine, Vec2};
use svgx_base::budget::{Budget, Time};
use svgx_engine::document::NodeId;

use super::super::error::Error;
use super::super::operation::{Coordinates, Operation, Pointer};
use super::super::record::HistoryMove;
use super::super::{ActiveConstraint, attribute};
use super::links::Link;
use super::{CONSTRAINTS, SELECTION, Session, Transaction};

/// Elements in one active constraint.
const CONSTRAINT_ELEMENTS: usize = 16;
/// Bytes in one name that a client gives.
const NAME_BYTES: usize = 256;
/// Bytes in an event that a client fires: its name and what comes with it.
const EVENT_BYTES: usize = 64 * 1024;
/// Coordinates beyond this are refused, in user units: there, a double no longer holds a micrometre.
const FAR: f64 = 1e9;

impl Session {
    pub(super) fn perform(
        &mut self,
        operation: &Operation,
        now: Time,
        budget: &Budget,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        if !matches!(operation, Operation::DragMove(_) | Operation::Hover(_)) {
            // Whatever else happens may change what the solver was made from.
            let solver = self.solver.take();
            if matches!(operation, Operation::DragEnd(_)) {
                self.solver = solver;
            }
        }
        match operation {
            Operation::Click(pointer) => {
                let target = self.select(pointer, "click", tx)?;
                if target.is_some() {
                    let at = pointer.coordinates;
                    self.fire(self.event("click", target, at, now), tx);
                }
            }
            Operation::Select(selection) => self.select_by(selection, tx)?,
            Operation::Deselect(pointer) => {
                if pointer.element_id.is_none() && pointer.coordinates.is_none() {
                    self.interactive.selected.clear();
                } else if let Some(target) = self.target(pointer, "deselect")? {
                    tx.effect.element_id = Some(self.label(target));
                    self.interactive.selected.retain(|&n| n != target);
                }
            }
            Operation::Hover(pointer) => {
                let target = self.target(pointer, "hover")?;
                tx.effect.element_id = target.map(|n| self.label(n));
                if self.interactive.hovered != target {
                    self.interactive.hovered = target;
                    // Leaving for empty space is no hover of everything.
                    if target.is_some() {
                        let at = pointer.coordinates;
                        self.fire(self.event("hover", target, at, now), tx);
                    }
                }
            }
            Operation::DragStart(pointer) => self.drag_start(pointer, now, tx)?,
            Operation::DragMove(tick) => self.drag(tick, false, now, budget, tx)?,
            Operation::DragEnd(tick) => {
                self.drag(tick, true, now, budget, tx)?;
                self.solver = None;
            }
            Operation::Undo => self.undo_or_redo(HistoryMove::Undo, now, tx),
            Operation::Redo => self.undo_or_redo(HistoryMove::Redo, now, tx),
            Operation::SetAttribute { element_id, name, value } => {
                let target = self.named(element_id)?;
                let node = self.node(target).unwrap_or(NodeId::ROOT);
                let value = value.as_deref();
                let name = attribute::check(&self.document, node, name, value, &self.limits)?;
                tx.effect.element_id = Some(element_id.clone());
                if let Some(value) = value.filter(|_| name == "id") {
                    self.follow_name(node, value, tx);
                }
                self.set(tx, target, &name, value);
                self.follow_edits(now, tx);
            }
            Operation::Add { .. }
            | Operation::Delete { .. }
            | Operation::Reparent { .. }
            | Operation::Reorder { .. }
            | Operation::Group { .. }
            | Operation::Ungroup { .. }
            | Operation::Duplicate { .. }
            | Operation::Move { .. }
            | Operation::Rotate { .. }
            | Operation::Scale { .. }
            | Operation::SetText { .. }
            | Operation::SetStyle { .. }
            | Operation::SetProperty { .. }
            | Operation::SetVariable { .. }
            | Operation::Link { .. }
            | Operation::Unlink { .. } => self.edit(operation, now, budget, tx)?,
            Operation::Trim(_)
            | Operation::Extend(_)
            | Operation::Fillet(_)
            | Operation::Chamfer(_)
            | Operation::Offset(_)
            | Operation::Mirror(_)
            | Operation::Array(_)
            | Operation::Split(_)
            | Operation::Join(_)
            | Operation::Combine(_) => self.edit_shapes(operation, now, budget, tx)?,
            Operation::SetDimension { element_id, value } => {
                self.set_dimension(element_id, value, now, budget, tx)?;
            }
            Operation::Load { .. } => {
                return Err(Error::BadOperation { reason: "load replaces the session".to_owned() });
            }
            Operation::SetPrecision { level } => self.interactive.precision = *level,
            Operation::AddConstraint { constraint } => self.add_constraint(constraint)?,
            Operation::RemoveConstraint { constraint } => {
                self.interactive.constraints.retain(|c| c != constraint);
            }
            Operation::Fire { name, element_id, data } => {
                let bytes = data.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() + name.len();
                check_limit("bytes in an event", EVENT_BYTES, bytes)?;
                let target = element_id.as_deref().map(|id| self.named(id)).transpose()?;
                tx.effect.element_id.clone_from(element_id);
                let mut event = self.event(name, target, None, now);
                let numbers = data.iter().filter_map(|(k, v)| Some((k, v.trim().parse().ok()?)));
                event.data = numbers.map(|(k, v): (_, f64)| (k.clone(), v)).collect();
                self.fire(event, tx);
            }
        }
        Ok(())
    }

    /// Operations on the tree and on what elements are.
    fn edit(
        &mut self,
        operation: &Operation,
        now: Time,
        budget: &Budget,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        use Operation as O;
        let word = operation.name();
        // What is held is let go: its place is another one after this.
        self.interactive.drag = None;
        self.recompile_meaning();
        match operation {
            O::Add { markup, parent_id, before_id, after_id } => {
                let place =
                    self.place_for(parent_id.as_ref(), before_id.as_ref(), after_id.as_ref())?;
                self.add(markup, place, now, tx)
            }
            O::Delete { element_id, element_ids, references } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                self.delete(&targets, references.unwrap_or_default(), word, now, tx)
            }
            O::Reparent { element_id, element_ids, parent_id, before_id, after_id } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                let place =
                    self.place_for(Some(parent_id), before_id.as_ref(), after_id.as_ref())?;
                self.reparent(&targets, place, now, tx)
            }
            O::Reorder { element_id, element_ids, to, before_id, after_id } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                let beside = before_id.is_some() || after_id.is_some();
                if beside && to.is_some() {
                    let reason = "`to`, `before_id` and `after_id` exclude each other".to_owned();
                    return Err(Error::BadOperation { reason });
                }
                let place = beside
                    .then(|| self.place_for(None, before_id.as_ref(), after_id.as_ref()))
                    .transpose()?;
                self.reorder(&targets, *to, place, now, tx)
            }
            O::Group { element_id, element_ids, group_id } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                self.group(&targets, group_id.as_ref(), now, tx)
            }
            O::Ungroup { element_id, element_ids, references } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                self.ungroup(&targets, references.unwrap_or_default(), now, tx)
            }
            O::Duplicate { element_id, element_ids, dx, dy } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                let by = Vec2::new(dx.unwrap_or(0.0), dy.unwrap_or(0.0));
                check(Coordinates { x: by.x, y: by.y, z: None })?;
                self.duplicate(&targets, by, now, tx)
            }
            O::Move { element_id, element_ids, dx, dy } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                let by = Vec2::new(dx.unwrap_or(0.0), dy.unwrap_or(0.0));
                self.translate(&targets, by, now, budget, tx)
            }
            O::Rotate { element_id, element_ids, angle, center } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                finite("angle", *angle, "a number of degrees")?;
                let turn = Affine::rotate((angle % 360.0).to_radians());
                self.transform(&targets, *center, exact_turn(*angle).unwrap_or(turn), word, now, tx)
            }
            O::Scale { element_id, element_ids, factor, factor_y, center } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                let factor_y = factor_y.unwrap_or(*factor);
                for (name, value) in [("factor", *factor), ("factor_y", factor_y)] {
                    let expected = "a number from 1e-6 to 1e6, or below 0 the same";
                    if !(1e-6..=1e6).contains(&value.abs()) {
                        return Err(Error::BadNumber { name, value, expected });
                    }
                }
                let scale = Affine::scale_non_uniform(*factor, factor_y);
                self.transform(&targets, *center, scale, word, now, tx)
            }
            O::SetText { element_id, text } => self.set_text(element_id, text, now, tx),
            O::SetStyle { element_id, element_ids, name, value } => {
                let targets = self.targets(element_id.as_ref(), element_ids.as_ref(), word)?;
                self.set_style(&targets, name, value.as_deref(), now, tx)
            }
            O::SetProperty { element_id, name, value, unit } => {
                self.set_property(element_id, name, value.as_deref(), unit.as_deref(), now, tx)
            }
            O::SetVariable { element_id, name, value, unit } => {
                self.set_variable(element_id, name, value.as_deref(), unit.as_deref(), now, tx)
            }
            O::Link { relation, element_id, target_id, parent_id, kind, constraint }
            | O::Unlink { relation, element_id, target_id, parent_id, kind, constraint } => {
                let link = Link {
                    relation: *relation,
                    element_id: element_id.as_ref(),
                    target_id: target_id.as_ref(),
                    parent_id: parent_id.as_ref(),
                    kind: kind.as_ref(),
                    constraint: constraint.as_ref(),
                };
                self.link(&link, matches!(operation, O::Link { .. }), now, tx)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn select(
        &mut self,
        pointer: &Pointer,
        operation: &'static str,
        tx: &mut Transaction,
    ) -> Result<Option<u32>, Error> {
        let target = self.target(pointer, operation)?;
        tx.effect.element_id = target.map(|n| self.label(n));
        if !pointer.modifiers.adds() {
            self.interactive.selected.clear();
        }
        if let Some(target) = target
            && !self.interactive.selected.contains(&target)
        {
            check_limit("selected elements", SELECTION, self.interactive.selected.len() + 1)?;
            self.interactive.selected.push(target);
        }
        Ok(target)
    }

    fn add_constraint(&mut self, constraint: &ActiveConstraint) -> Result<(), Error> {
        check_limit("bytes in a constraint's type", NAME_BYTES, constraint.kind.len())?;
        check_limit("elements in a constraint", CONSTRAINT_ELEMENTS, constraint.elements.len())?;
        for id in &constraint.elements {
            // A part of an element is named after it: `wall.start`.
            let ends = id.match_indices('.').map(|(at, _)| at).chain([id.len()]);
            let known = ends.into_iter().any(|end| self.document.by_id(&id[..end]).is_some());
            if !known {
                self.named(id)?;
            }
        }
        if let Some(value) = constraint.value
            && !value.is_finite()
        {
            return Err(Error::BadNumber { name: "value", value, expected: "a finite number" });
        }
        if !self.interactive.constraints.contains(constraint) {
            check_limit("active constraints", CONSTRAINTS, self.interactive.constraints.len() + 1)?;
            self.interactive.constraints.push(constraint.clone());
        }
        Ok(())
    }
}

pub(super) fn check_limit(what: &'static str, limit: usize, seen: usize) -> Result<(), Error> {
    if seen <= limit { Ok(()) } else { Err(Error::Limit { what, limit, seen }) }
}

fn finite(name: &'static str, value: f64, expected: &'static str) -> Result<(), Error> {
    if value.is_finite() { Ok(()) } else { Err(Error::BadNumber { name, value, expected }) }
}

/// A turn by whole right angles, without rounding.
fn exact_turn(degrees: f64) -> Option<Affine> {
    let quarters = degrees / 90.0;
    (quarters.fract() == 0.0).then(|| {
        let (sin, cos) = [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)]
            .get(quarters.rem_euclid(4.0) as usize)
            .copied()
            .unwrap_or((0.0, 1.0));
        Affine::new([cos, sin, -sin, cos, 0.0, 0.0])
    })
}

pub(super) fn check(coordinates: Coordinates) -> Result<(), Error> {
    let named = [("x", Some(coordinates.x)), ("y", Some(coordinates.y)), ("z", coordinates.z)];
    for (name, value) in named {
        if let Some(value) = value
            && !(value.is_finite() && value.abs() <= FAR)
        {
            let expected = "a number between -1e9 and 1e9";
            return Err(Error::BadNumber { name, value, expected });
        }
    }
    Ok(())
}
