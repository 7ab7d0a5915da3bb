//! Attributes: written, remembered, and put back.

use svgx_engine::document::{NodeId, Ns};

use super::super::attribute;
use super::super::record::{Change, Edit};
use super::{Session, Transaction};

impl Session {
    /// Sets or removes; answers the old value, and `None` when there is no such place. An
    /// attribute that comes is the last one, or the `at`th.
    pub(crate) fn write(
        &mut self,
        number: u32,
        name: &str,
        value: Option<&str>,
        at: Option<u32>,
    ) -> Option<Option<String>> {
        let node = self.node(number)?;
        let (ns, local) = attribute::resolve(&self.document, name)?;
        self.soil(node);
        let old = match (value, at) {
            (Some(value), Some(at)) => {
                let old = self.document.remove_attribute(node, ns, local);
                self.document.insert_attribute(node, at as usize, ns, local, value);
                old
            }
            (Some(value), None) => self.document.set_attribute(node, ns, local, value),
            (None, _) => self.document.remove_attribute(node, ns, local),
        };
        if local == "locked" {
            self.drafted = None;
        }
        if (ns, local) == (Ns::Arx, "state") {
            self.machine.invalidate();
        }
        if (ns, local) == (Ns::None, "id") && self.twice {
            self.document.reread_ids();
        }
        if value.is_some()
            && let Some(index) = &mut self.references
        {
            index.note(&self.document, node, number);
        }
        self.follow(node);
        let old = old.map(|s| s.to_string());
        self.update_inputs(node, name);
        Some(old)
    }

    /// Brings the scene up to date after an edit of `node`.
    pub(super) fn follow(&mut self, node: NodeId) {
        if self.redraw_all {
            return;
        }
        if let Err(error) = self.scene.update(&self.document, node, &self.limits) {
            self.fault = Some(error.to_string());
        }
        self.soil(node);
    }

    /// Writes and remembers, unless the value is already there.
    pub(super) fn set(
        &mut self,
        tx: &mut Transaction,
        number: u32,
        name: &str,
        value: Option<&str>,
    ) {
        let Some(node) = self.node(number) else { return };
        if attribute::value(&self.document, node, name) != value {
            self.set_at(tx, number, name, value, None);
        }
    }

    /// The same, at a place among the attributes of the element.
    pub(super) fn set_at(
        &mut self,
        tx: &mut Transaction,
        number: u32,
        name: &str,
        value: Option<&str>,
        back: Option<u32>,
    ) {
        let Some(node) = self.node(number) else { return };
        self.note_values(self.is_read(node, name));
        let at = match value {
            Some(_) if back.is_none() => None,
            _ => self.place_of(node, name),
        };
        tx.tell(number, name, value, back);
        if let Some(old) = self.write(number, name, value, back) {
            tx.edits.push(Change::Attribute(Edit {
                element: number,
                attribute: name.to_owned(),
                old,
                new: value.map(str::to_owned),
                at,
                back,
            }));
        }
    }

    pub(super) fn place_of(&self, node: NodeId, name: &str) -> Option<u32> {
        let (ns, local) = attribute::resolve(&self.document, name)?;
        u32::try_from(self.document.attribute_place(node, ns, local)?).ok()
    }

    pub(super) fn roll_back(&mut self, edits: &[Change]) {
        for change in edits.iter().rev() {
            match change {
                Change::Attribute(edit) => {
                    self.write(edit.element, &edit.attribute, edit.old.as_deref(), edit.at);
                }
                Change::Tree(edit) => {
                    self.restructure(&edit.clone().inverse());
                }
            }
        }
        self.settle();
        self.recompile();
        self.watched = None;
    }
}
