//! Taking a step back and making it again: what of it is still as its author left it.

use std::collections::BTreeSet;

use svgx_base::budget::Time;

use super::super::fragment::Fragment;
use super::super::record::{Change, Edit, HistoryMove, Record, TreeEdit};
use super::super::together::{self, elements, key_of};
use super::super::{ActiveConstraint, history::UndoStep};
use super::tree::plain_text;
use super::{Session, Transaction, read, written};

impl Session {
    pub(super) fn undo_or_redo(&mut self, direction: HistoryMove, now: Time, tx: &mut Transaction) {
        // An undo ends a drag.
        self.interactive.drag = None;
        let undo = direction == HistoryMove::Undo;
        let step = if undo { self.history.last_done() } else { self.history.last_undone() };
        let Some(mut step) = step.cloned() else { return };
        tx.history = direction;
        let before = self.machine.values(&self.document, &self.program);
        let mut kept = self.no_longer_mine(&step, undo);
        let mut edits = std::mem::take(&mut step.edits);
        if undo {
            edits.reverse();
        }
        // What an older engine stored does not say whose it was.
        let is_asked = !step.marks.is_empty();
        for change in edits {
            let (element, key) = key_of(&change);
            let key = (element, key.to_owned());
            let is_worked_on = is_asked && self.is_worked_on(&change, undo);
            if !kept.contains(&key) && (is_worked_on || !self.take_back(change, undo, tx)) {
                kept.insert(key);
            }
        }
        self.settle();
        self.forget_gone();
        if let Some((before, after)) = &step.constraints {
            let (from, to) = if undo { (after, before) } else { (before, after) };
            self.interactive.constraints =
                together::constraints(&self.interactive.constraints, from, to);
        }
        if let Some(mut machine) = self.machine_taken_back(&step, undo) {
            // What was due in the meantime has been done and is not done again.
            machine.forget_until(now);
            self.machine = machine;
        }
        tx.effect.restored = self.restored(&step, &kept, undo);
        tx.kept = kept;
        // Values follow; what held then holds again and is nothing that comes to hold.
        self.values_before = None;
        self.recompile();
        if !tx.kept.is_empty() {
            // What others did since stays, and is held by what was taken back.
            tx.is_told = true;
            self.hold(tx);
        }
        self.watched = None;
        self.know_measures();
        let changes = self.machine.values_since(&self.document, &self.program, &before);
        self.report(changes, tx);
    }

    /// The machine with what the step did to it taken back, or done again.
    fn machine_taken_back(&self, step: &UndoStep, undo: bool) -> Option<super::Machine> {
        let (before, after) = (step.machine_before.as_ref(), step.machine_after.as_ref());
        let (from, to) = if undo { (after, before) } else { (before, after) };
        let to = to?;
        match from.filter(|_| self.is_shared()) {
            Some(from) => read(&together::change(&written(&self.machine), from, to)).ok(),
            None => read(to).ok(),
        }
    }

    /// Whether an element would go in which others have worked.
    fn is_worked_on(&self, change: &Change, undo: bool) -> bool {
        let goes = match change {
            Change::Tree(TreeEdit::Insert { fragment, .. }) if undo => fragment.root(),
            Change::Tree(TreeEdit::Remove { fragment, .. }) if !undo => fragment.root(),
            _ => None,
        };
        goes.is_some_and(|root| self.stranger_in(root, undo).is_some())
    }

    /// Takes a change back, or makes it again. `false` where that is not possible any more.
    fn take_back(&mut self, change: Change, undo: bool, tx: &mut Transaction) -> bool {
        match change {
            Change::Attribute(edit) => self.take_attribute_back(edit, undo, tx),
            Change::Tree(edit) => {
                let edit = if undo { edit.inverse() } else { edit };
                match self.as_it_is_now(edit) {
                    Some(edit) => {
                        self.change_tree(tx, edit);
                        true
                    }
                    None => false,
                }
            }
        }
    }

    fn take_attribute_back(&mut self, edit: Edit, undo: bool, tx: &mut Transaction) -> bool {
        let Edit { element, attribute, old, new, at, back } = edit;
        let Some(node) = self.node(element) else { return false };
        let (value, at) = match undo {
            true => (old, at),
            false => {
                if at.is_some() && back.is_none() && new.is_some() {
                    self.set(tx, element, &attribute, None);
                }
                (new, back)
            }
        };
        if attribute == "id"
            && let Some(id) = &value
            && self.document.by_id(id).is_some_and(|other| other != node)
        {
            return false;
        }
        match at.filter(|_| value.is_some()) {
            Some(_) => self.set_at(tx, element, &attribute, value.as_deref(), at),
            None => self.set(tx, element, &attribute, value.as_deref()),
        }
        true
    }

    /// An edit of the tree as it is possible now, with what is there now; `None` where it is not.
    fn as_it_is_now(&self, edit: TreeEdit) -> Option<TreeEdit> {
        let document = &self.document;
        let place = |number: u32| {
            let node = self.node(number)?;
            let parent = self.number(document.parent(node)?);
            Some((parent, u32::try_from(document.place(node)).ok()?))
        };
        Some(match edit {
            TreeEdit::Insert { fragment, parent, at } => {
                let into = self.node(parent)?;
                let free = elements(&fragment).all(|(number, id)| {
                    self.node(number).is_none()
                        && id.is_none_or(|id| self.twice || document.by_id(id).is_none())
                });
                let children = u32::try_from(document.children(into).count()).ok()?;
                free.then_some(TreeEdit::Insert { fragment, parent, at: at.min(children) })?
            }
            TreeEdit::Remove { fragment, .. } => {
                let root = fragment.root()?;
                let fragment = Fragment::of(document, self.node(root)?, |n| self.number(n));
                let (parent, at) = place(root)?;
                TreeEdit::Remove { fragment, parent, at }
            }
            TreeEdit::Move { element, to, .. } => {
                let (node, into) = (self.node(element)?, self.node(to.0)?);
                let mut around = std::iter::successors(Some(into), |&n| document.parent(n));
                if around.any(|n| n == node) {
                    return None;
                }
                let from = place(element)?;
                let others = document.children(into).filter(|&n| n != node).count();
                let at = to.1.min(u32::try_from(others).ok()?);
                TreeEdit::Move { element, from, to: (to.0, at) }
            }
            TreeEdit::Text { element, new, .. } => {
                let old = plain_text(document, self.node(element)?)?;
                TreeEdit::Text { element, old, new }
            }
        })
    }

    /// What the undo log keeps of a step that a record took back or made again: what really
    /// changed, so that the way back leads to where it began.
    pub(super) fn moved_step(
        &self,
        record: &Record,
        marks: Vec<together::Touch>,
        machine: serde_json::Value,
        constraints: &[ActiveConstraint],
    ) -> UndoStep {
        let undo = record.history == HistoryMove::Undo;
        let step = if undo { self.history.last_done() } else { self.history.last_undone() };
        let made = record.edits.get(record.delayed..).unwrap_or_default().iter().cloned();
        let edits: Vec<Change> = match undo {
            true => made.rev().map(Change::inverse).collect(),
            false => made.collect(),
        };
        let touched = step.is_some_and(|s| s.machine_before.is_some() || s.machine_after.is_some());
        let (before, now) = match record.machine.clone().filter(|_| touched) {
            Some(now) => (Some(machine), Some(now)),
            None => (None, None),
        };
        let had = step.and_then(|step| step.constraints.as_ref());
        let constraints = had.map(|_| {
            let now = record.interactive.as_ref().map_or(constraints, |i| &i.constraints);
            let (before, now) = (constraints.to_vec(), now.to_vec());
            if undo { (now, before) } else { (before, now) }
        });
        let (machine_before, machine_after) = if undo { (now, before) } else { (before, now) };
        UndoStep { edits, marks, machine_before, machine_after, constraints }
    }
}

/// As a record has it.
pub(super) fn kept_list(kept: BTreeSet<(u32, String)>) -> Vec<(u32, String)> {
    kept.into_iter().collect()
}
