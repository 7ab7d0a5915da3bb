//! What an operation means for the networks of the drawing.

use super::super::networks::{Drawn, NetworkChange, Networks, Touched, is_structure};
use super::{Change, Session, Transaction};
use svgx_base::budget::Budget;

impl Session {
    /// Solves the networks of the drawing, where that was not done since it was opened, or time
    /// ended before it was done.
    pub(crate) fn know_networks(&mut self, budget: &Budget) {
        if self.networks.as_ref().is_none_or(Networks::is_stopped) {
            self.follow_networks(Touched::default(), true, budget);
        }
    }

    /// Solves again the networks that an edit concerned.
    pub(super) fn follow_networks(
        &mut self,
        mut touched: Touched,
        settle: bool,
        budget: &Budget,
    ) -> Vec<NetworkChange> {
        touched.structure |= self.networks.is_none();
        let mut networks = self.networks.take().unwrap_or_default();
        let mut changes = Some(Vec::new());
        if touched.structure && !svgx_networks::read::is_in(&self.document) {
            networks = Networks::default();
        } else if touched.structure || !networks.is_empty() {
            self.recompile();
            self.know_measures();
            let values = self.machine.evaluation(&self.document, &self.program);
            let (document, scene) = (&self.document, &self.scene);
            let drawn = Drawn { document, scene, program: &self.program, values };
            changes = networks.follow(drawn, &touched, settle, budget);
        }
        // What there was no time to read is looked at when it is asked for.
        self.networks = changes.is_some().then_some(networks);
        changes.unwrap_or_default()
    }

    /// What the edits of an operation may concern of networks.
    pub(super) fn touched(&self, tx: &Transaction) -> Touched {
        let mut touched =
            Touched { values: !tx.effect.values_changed.is_empty(), ..Touched::default() };
        for change in &tx.edits {
            match change {
                Change::Attribute(edit) => {
                    if let Some(node) = self.node(edit.element) {
                        touched.structure |= is_structure(&self.document, node, &edit.attribute);
                        touched.elements.push(node);
                    }
                }
                Change::Tree(_) => touched.structure = true,
            }
        }
        touched
    }
}
