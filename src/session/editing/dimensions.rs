//! Dimensions that drive constraints, and layers that are locked.

use svgx_base::budget::{Budget, Time};
use svgx_engine::constraint::Sketch;
use svgx_engine::document::{Document, NodeId, Ns};

use super::super::error::Error;
use super::super::operation::Operation;
use super::super::record::{Change, TreeEdit};
use super::{Session, Transaction};

/// What a drawing states beside shapes. Kept, since it takes a look at every element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drafted {
    /// Dimensions, layers or values of attributes.
    pub(super) any: bool,
    /// Layers that are locked.
    locks: bool,
    /// Constraints.
    pub(super) constraints: bool,
}

impl Session {
    pub(super) fn drafted(&mut self) -> Drafted {
        let document = &self.document;
        *self.drafted.get_or_insert_with(|| Drafted {
            any: svgx_drafting::is_drafted(document),
            locks: document.elements().any(|n| is_locked(document, n)),
            constraints: Sketch::is_in(document),
        })
    }

    /// Gives the constraint that a dimension drives another value, and solves all constraints.
    pub(super) fn set_dimension(
        &mut self,
        element_id: &str,
        value: &str,
        now: Time,
        budget: &Budget,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        const WORD: &str = "set_dimension";
        self.interactive.drag = None;
        self.recompile_meaning();
        let node = self.node(self.named(element_id)?).unwrap_or(NodeId::ROOT);
        if self.document.name(node) != Some((Ns::Arx, "dimension")) {
            return Err(self.unsuitable(WORD, node, "it is no dimension"));
        }
        let driven = self.document.attr(node, "drives").map(str::trim);
        let Some(driven) = driven.and_then(|id| self.document.by_id(id)) else {
            let reason = "it measures, and drives no constraint: change what it measures";
            return Err(self.unsuitable(WORD, node, reason));
        };
        if self.document.attr(driven, "formula").is_some() {
            let id = self.label(self.number(driven));
            let reason = format!("`{id}`, which it drives, has a formula: change what that reads");
            return Err(self.unsuitable(WORD, node, reason));
        }
        let number = self.number(driven);
        self.set(tx, number, "value", Some(value.trim()));
        if self.document.attr(driven, "unit").is_some() {
            self.set(tx, number, "unit", None);
        }
        self.follow_program();
        self.solve_all(WORD, node, budget, tx)?;
        tx.effect.element_id = Some(element_id.to_owned());
        self.follow_edits(now, tx);
        Ok(())
    }

    /// Refuses what changed something on a layer that is locked. What triggers did, and what is
    /// taken back, is not refused.
    pub(super) fn respect_locks(
        &mut self,
        operation: &Operation,
        tx: &Transaction,
    ) -> Result<(), Error> {
        let is_free = tx.edits.is_empty() || matches!(operation, Operation::Undo | Operation::Redo);
        if is_free || !self.drafted().locks {
            return Ok(());
        }
        let edits = tx.edits.iter().enumerate().skip(tx.delayed);
        for (_, change) in edits.filter(|(at, _)| !tx.derived.contains(at)) {
            let (number, left) = match change {
                Change::Attribute(edit) => {
                    let left = (edit.attribute == "arx:layer").then_some(edit.old.as_deref());
                    (edit.element, left.flatten())
                }
                Change::Tree(
                    TreeEdit::Insert { parent, fragment, .. }
                    | TreeEdit::Remove { parent, fragment, .. },
                ) => (*parent, fragment.layer()),
                Change::Tree(TreeEdit::Move { element, .. } | TreeEdit::Text { element, .. }) => {
                    (*element, None)
                }
            };
            // What was on a layer before counts as well.
            let declared = left.and_then(|name| self.document.by_id(name.trim()));
            let was = declared.filter(|&layer| is_locked(&self.document, layer));
            let was = was.and_then(|layer| self.document.id(layer)).map(str::to_owned);
            let node = self.elements.get(number as usize).copied().unwrap_or(NodeId::ROOT);
            let Some(layer) = was.or_else(|| svgx_drafting::locked(&self.document, node)) else {
                continue;
            };
            let reason = format!("its layer `{layer}` is locked");
            return Err(self.unsuitable(operation.name(), node, reason));
        }
        Ok(())
    }
}

/// Whether an element is a layer that is locked.
fn is_locked(document: &Document, node: NodeId) -> bool {
    document.name(node) == Some((Ns::Arx, "layer"))
        && document.attr(node, "locked").is_some_and(|value| value.trim() == "true")
}
