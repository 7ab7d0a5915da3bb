//! What each operation does to a session.

use svgx_base::budget::{Budget, Time};
use svgx_engine::document::NodeId;

use super::super::error::Error;
use super::super::operation::{Coordinates, Operation, Pointer};
use super::super::record::HistoryMove;
use super::super::{ActiveConstraint, attribute};
use super::{CONSTRAINTS, SELECTION, Session, Transaction, read};

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
            Operation::Select(pointer) => {
                self.select(pointer, "select", tx)?;
            }
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
                self.set(tx, target, &name, value);
                self.follow_edits(now, tx);
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

    fn select(
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

    fn undo_or_redo(&mut self, direction: HistoryMove, now: Time, tx: &mut Transaction) {
        // An undo ends a drag.
        self.interactive.drag = None;
        let undo = direction == HistoryMove::Undo;
        let step = if undo { self.history.last_done() } else { self.history.last_undone() };
        let Some(step) = step.cloned() else { return };
        tx.history = direction;
        let edits: Vec<_> = if undo {
            step.edits.iter().rev().map(|e| (e.element, &e.attribute, &e.old)).collect()
        } else {
            step.edits.iter().map(|e| (e.element, &e.attribute, &e.new)).collect()
        };
        let before = self.machine.values(&self.document, &self.program);
        for (element, name, value) in edits {
            self.set(tx, element, name, value.as_deref());
        }
        if let Some((before, after)) = step.constraints {
            self.interactive.constraints = if undo { before } else { after };
        }
        let machine = if undo { step.machine_before } else { step.machine_after };
        if let Some(mut machine) = machine.and_then(|m| read(&m).ok()) {
            // What was due in the meantime has been done and is not done again.
            machine.forget_until(now);
            self.machine = machine;
        }
        // Values follow; what held then holds again and is nothing that comes to hold.
        self.values_before = None;
        self.recompile();
        let changes = self.machine.values_since(&self.document, &self.program, &before);
        self.report(changes, tx);
    }
}

fn check_limit(what: &'static str, limit: usize, seen: usize) -> Result<(), Error> {
    if seen <= limit { Ok(()) } else { Err(Error::Limit { what, limit, seen }) }
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
