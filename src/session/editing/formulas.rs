//! Formulas see the drawing as it is now: what an edit means for the compiled program.

use std::sync::Arc;

use super::super::outcome::Message;
use super::{Fit, Program, Session, Transaction};
use svgx_base::budget::Time;
use svgx_engine::document::{NodeId, Ns};

/// How often conditions are looked at in one operation, where what they do is measured.
const ROUNDS: usize = 16;

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
                self.stale |= matches!(name, "name" | "id" | "formula");
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
            self.watched = None;
            self.know_measures();
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

    /// After the edits of an operation: reports the values that followed, moves what constraints
    /// with formulas hold, measures what was moved, and runs the conditions that came to hold;
    /// again where these changed something of that.
    pub(super) fn follow_edits(&mut self, now: Time, tx: &mut Transaction) {
        for round in 0.. {
            let is_bound = self.is_bound();
            if self.values_before.is_none() && !is_bound {
                return;
            }
            self.follow_program();
            let before = self.values_before.take();
            let mut is_other = before.is_some();
            if let Some(before) = before {
                let changes = self.machine.values_since(&self.document, &self.program, &before);
                self.report(changes, tx);
            }
            is_other |= self.hold(tx);
            is_other |= self.measure_again(tx);
            if !is_other {
                return;
            }
            let changes = self.machine.check_conditions(&mut self.document, &self.program, now);
            let is_quiet = changes.is_empty();
            self.report(changes, tx);
            if is_quiet || !self.is_bound() {
                return;
            }
            if round == ROUNDS {
                tx.effect.messages.push(Message {
                    element_id: self.label(0),
                    action: "failed".to_owned(),
                    message: format!(
                        "conditions set each other off by what is measured more than {ROUNDS} \
                         times; stopped"
                    ),
                });
                return;
            }
        }
    }

    /// Whether values decide where shapes are, or the other way round.
    pub(super) fn is_bound(&self) -> bool {
        self.program.has_constraints() || self.program.has_measures()
    }
}
