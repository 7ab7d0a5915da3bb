//! What dimensions measure, handed to a machine by whoever measures.

use std::sync::Arc;

use super::inputs::Measures;
use super::machine::{Change, Machine};
use super::program::Program;
use crate::document::{Document, NodeId};

impl Machine {
    /// Takes what is measured now in place of all that was; nobody is told what follows.
    pub fn set_measures(&mut self, measures: Measures) {
        let same = |(a, b): ((&NodeId, &f64), (&NodeId, &f64))| {
            a.0 == b.0 && a.1.to_bits() == b.1.to_bits()
        };
        let is_known =
            self.measures.len() == measures.len() && self.measures.iter().zip(&measures).all(same);
        if !is_known {
            self.measures = Arc::new(measures);
            self.invalidate();
        }
    }

    /// Takes what was measured again, and answers the values that differ. Conditions are not
    /// looked at.
    pub fn measured(
        &mut self,
        document: &Document,
        program: &Program,
        measures: &Measures,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for (id, node) in program.measures() {
            let Some(&value) = measures.get(&node) else { continue };
            if self.measures.get(&node).is_some_and(|known| known.to_bits() == value.to_bits()) {
                continue;
            }
            Arc::make_mut(&mut self.measures).insert(node, value);
            let evaluation = self.refresh(document, program);
            program.propagate(evaluation, id.0, value, &mut |id, old, new| {
                let Some((_, _, node)) = program.describe(id) else { return };
                let element = document.id(node).map(str::to_owned);
                changes.push(Change { node, element, what: program.value_change(id, old, new) });
            });
        }
        changes
    }
}
