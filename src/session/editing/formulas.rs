//! Formulas see the drawing as it is now: what an edit means for the compiled program.

use std::sync::Arc;

use super::{Fit, Program, Session, Transaction};
use svgx_base::budget::Time;
use svgx_engine::document::{NodeId, Ns};

impl Session {
    /// Whether an attribute is something that formulas or triggers are made from.
    pub(super) fn is_read(&self, node: NodeId, name: &str) -> bool {
        self.program.inputs_fit(&self.document, node) != Fit::NotRead || self.is_source(node, name)
    }

    /// Whether a change of the attribute asks for compiling anew: names, formulas, triggers,
    /// and what belongs to which object. Numbers that formulas read are looked at apart.
    fn is_source(&self, node: NodeId, name: &str) -> bool {
        if name == "id" || name == "arx:object" || name == "arx:behavior" {
            return true;
        }
        match self.document.name(node) {
            Some((Ns::Arx, element)) => {
                element != "geometry" && name != "arx:state" && name != "arx:highlight"
            }
            _ => false,
        }
    }

    /// After an edit of `node`: takes over the numbers that formulas read there, or notes that
    /// they have to be compiled anew.
    pub(super) fn update_inputs(&mut self, node: NodeId, name: &str) {
        if !self.inputs.contains(&node) {
            self.stale |= self.is_source(node, name);
            return;
        }
        match self.program.inputs_fit(&self.document, node) {
            Fit::NotRead => self.stale |= self.is_source(node, name),
            Fit::AsCompiled => {
                self.stale |= name == "name" || name == "id";
                self.machine.read_inputs(&self.document, &self.program, node);
            }
            Fit::Otherwise => self.stale = true,
        }
    }

    /// Compiles the formulas anew where what they were compiled from has changed.
    pub(crate) fn recompile(&mut self) {
        if std::mem::take(&mut self.stale) {
            self.document.refresh();
            self.program = Arc::new(Program::compile(&self.document, &self.limits));
            self.inputs = self.program.input_nodes().collect();
            self.machine.invalidate();
        }
    }

    /// Compiles the formulas anew where they have to be, and lets the machine go on with them:
    /// what it waits for and what held before stay, as far as there is still a trigger for it.
    pub(super) fn follow_program(&mut self) {
        if self.stale {
            let old = Arc::clone(&self.program);
            self.recompile();
            self.machine.renumber(&self.document, &old, &self.program);
        }
    }

    /// After the edits of an operation: reports the values that followed, and runs the
    /// conditions that came to hold.
    pub(super) fn follow_edits(&mut self, now: Time, tx: &mut Transaction) {
        let Some(before) = self.values_before.take() else { return };
        self.follow_program();
        let changes = self.machine.values_since(&self.document, &self.program, &before);
        self.report(changes, tx);
        let changes = self.machine.check_conditions(&mut self.document, &self.program, now);
        self.report(changes, tx);
    }
}
