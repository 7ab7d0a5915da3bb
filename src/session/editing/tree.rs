//! Edits of the tree: subtrees that come, go and move, each of them with what follows from it.

use svgx_engine::document::{self, Document, NodeId, NodeKind};
use svgx_engine::geometry::Error as GeometryError;

use super::super::error::Error;
use super::super::fragment::Fragment;
use super::super::outcome::{Area, StructureChange, StructureKind};
use super::super::record::{Change, TreeEdit};
use super::super::references::Index;
use super::super::together::{DrawingChange, elements};
use super::{Session, Transaction};
use svgx_base::budget::Time;

/// Edits of the tree that the scene follows one by one; where there are more in one operation,
/// it is resolved anew at the end. Following one takes about a hundredth of that.
const FOLLOWED: u32 = 48;
/// As many edits counts one for which all of the scene was resolved again.
const FAR: u32 = FOLLOWED / 4;

impl Session {
    /// Does an edit of the tree and notes it, for the log and for whoever draws.
    pub(super) fn change_tree(&mut self, tx: &mut Transaction, edit: TreeEdit) {
        self.note_values(match &edit {
            TreeEdit::Insert { .. } => true,
            TreeEdit::Remove { fragment, .. } => {
                fragment.root().and_then(|n| self.node(n)).is_some_and(|n| self.is_meant(n))
            }
            TreeEdit::Move { element, .. } | TreeEdit::Text { element, .. } => {
                self.node(*element).is_some_and(|n| self.is_meant(n))
            }
        });
        let before = self.reported(&edit, true);
        if self.restructure(&edit).is_none() {
            self.fault = Some("an edit of the tree does not fit the tree".to_owned());
            return;
        }
        self.tell_of_tree(tx, &edit);
        let change = before.or_else(|| self.reported(&edit, false));
        tx.effect.structure_changed.extend(change);
        tx.edits.push(Change::Tree(edit));
    }

    fn is_meant(&self, node: NodeId) -> bool {
        self.document.carries_language(node)
    }

    /// The edit as clients are told of it: what goes before it is done, the rest after.
    fn reported(&self, edit: &TreeEdit, before: bool) -> Option<StructureChange> {
        let (kind, element, place) = match edit {
            TreeEdit::Remove { fragment, parent, at } if before => {
                (StructureKind::Removed, fragment.root()?, (*parent, *at))
            }
            TreeEdit::Insert { fragment, parent, at } if !before => {
                (StructureKind::Added, fragment.root()?, (*parent, *at))
            }
            TreeEdit::Move { element, to, .. } if !before => (StructureKind::Moved, *element, *to),
            TreeEdit::Text { element, .. } if !before => {
                let node = self.node(*element)?;
                let parent = self.document.parent(node).map_or(0, |parent| self.number(parent));
                let at = u32::try_from(self.document.place(node)).unwrap_or(u32::MAX);
                (StructureKind::Text, *element, (parent, at))
            }
            _ => return None,
        };
        let node = self.node(element)?;
        let next = self.next_element(node);
        Some(StructureChange {
            change: kind,
            element_id: self.label(element),
            parent_id: self.label(place.0),
            before_id: next.map(|next| self.label(self.number(next))),
            markup: (kind == StructureKind::Added).then(|| document::markup(&self.document, node)),
            text: match edit {
                TreeEdit::Text { new, .. } => Some(new.clone()),
                _ => None,
            },
        })
    }

    /// Tells whoever has the drawing, by handles.
    fn tell_of_tree(&self, tx: &mut Transaction, edit: &TreeEdit) {
        let document = &self.document;
        let place = |number: u32| {
            let node = self.node(number)?;
            let parent = document.parent(node)?;
            let is_text = |n: NodeId| matches!(document.kind(n), NodeKind::Text(_));
            // Texts side by side are one for whoever has read them from a text.
            let (mut at, mut after_text) = (0, false);
            for child in document.children(parent).take_while(|&n| n != node) {
                at += u32::from(!(after_text && is_text(child)));
                after_text = is_text(child);
            }
            let within = after_text && document.next_sibling(node).is_some_and(is_text);
            let before = self.next_element(node).map(|next| self.number(next));
            Some((node, self.number(parent), before, at, within))
        };
        let change = match edit {
            TreeEdit::Remove { fragment, .. } => {
                fragment.root().map(|element| DrawingChange::Remove { element })
            }
            TreeEdit::Insert { fragment, .. } => fragment.root().and_then(|element| {
                let (node, parent, before, at, within) = place(element)?;
                tx.is_untold |= within;
                let markup = document::markup(document, node);
                let handles = elements(fragment).map(|(number, _)| number).collect();
                Some(DrawingChange::Add { element, parent, before, at, markup, handles })
            }),
            TreeEdit::Move { element, .. } => {
                let element = *element;
                place(element).map(|(_, parent, before, at, within)| {
                    tx.is_untold |= within;
                    DrawingChange::Move { element, parent, before, at }
                })
            }
            TreeEdit::Text { element, new, .. } => {
                Some(DrawingChange::Text { element: *element, text: new.clone() })
            }
        };
        tx.told.extend(change);
    }

    pub(super) fn next_element(&self, node: NodeId) -> Option<NodeId> {
        let document = &self.document;
        std::iter::successors(document.next_sibling(node), |&n| document.next_sibling(n))
            .find(|&n| document.is_element(n))
    }

    /// Does an edit of the tree. `None` where it does not fit.
    pub(crate) fn restructure(&mut self, edit: &TreeEdit) -> Option<()> {
        self.drafted = None;
        match edit {
            TreeEdit::Insert { fragment, parent, at } => self.insert(fragment, *parent, *at),
            TreeEdit::Remove { fragment, .. } => self.take_out(fragment.root()?),
            TreeEdit::Move { element, to, .. } => {
                let node = self.node(*element)?;
                let meant = self.is_meant(node);
                let into = self.node(to.0)?;
                let from = self.document.parent(node)?;
                let around = std::iter::successors(Some(into), |&n| self.document.parent(n));
                if around.into_iter().any(|n| n == node) {
                    return None;
                }
                self.soil(node);
                self.document.detach(node);
                self.after_removal(node, from);
                let before = self.document.child(into, to.1 as usize);
                self.document.restore(node, into, before);
                self.after_insertion(node);
                self.reshaped.extend([self.number(from), to.0]);
                self.stale |= meant;
                Some(())
            }
            TreeEdit::Text { element, new, .. } => self.write_text(*element, new),
        }
    }

    fn insert(&mut self, fragment: &Fragment, parent: u32, at: u32) -> Option<()> {
        let into = self.node(parent)?;
        let (root, made) = fragment.build(&mut self.document)?;
        self.numbers.resize(self.document.node_count(), u32::MAX);
        for &(number, node) in &made {
            let at = number as usize;
            if at >= self.elements.len() {
                // Numbers follow each other: what is missing was never in the tree.
                if at > self.elements.len() + self.limits.elements {
                    return None;
                }
                self.elements.resize(at + 1, NodeId::ROOT);
                self.alive.resize(at + 1, false);
            }
            if self.alive.get(at).copied().unwrap_or(true) {
                return None;
            }
            if let (Some(slot), Some(alive)) = (self.elements.get_mut(at), self.alive.get_mut(at)) {
                (*slot, *alive) = (node, true);
            }
            if let Some(slot) = self.numbers.get_mut(node.index()) {
                *slot = number;
            }
            self.touched.insert(number);
        }
        let before = self.document.child(into, at as usize);
        self.document.restore(root, into, before);
        self.document.note_ids(root);
        if let Some(index) = &mut self.references {
            made.iter().for_each(|&(number, node)| index.note(&self.document, node, number));
        }
        self.bytes = self.bytes.saturating_add(fragment.bytes());
        self.stale |= self.is_meant(root);
        self.reshaped.insert(parent);
        self.after_insertion(root);
        Some(())
    }

    fn take_out(&mut self, number: u32) -> Option<()> {
        let node = self.node(number)?;
        let parent = self.document.parent(node)?;
        self.soil(node);
        self.stale |= self.is_meant(node);
        self.reshaped.insert(self.number(parent));
        let gone: Vec<u32> = self.document.descendants(node).map(|n| self.number(n)).collect();
        self.document.forget_ids(node);
        self.document.detach(node);
        for number in gone {
            // Texts have no number.
            if let Some(alive) = self.alive.get_mut(number as usize) {
                *alive = false;
            }
        }
        self.after_removal(node, parent);
        Some(())
    }

    fn write_text(&mut self, number: u32, text: &str) -> Option<()> {
        let node = self.node(number)?;
        self.soil(node);
        let children: Vec<NodeId> = self.document.children(node).collect();
        match children.as_slice() {
            [one] if !text.is_empty() => {
                self.document.set_content(*one, text);
                self.follow(node);
            }
            _ => {
                for child in children {
                    self.document.detach(child);
                }
                if !text.is_empty() {
                    let child = self.document.make_text(text);
                    self.document.restore(child, node, None);
                    self.numbers.resize(self.document.node_count(), u32::MAX);
                }
                self.redraw_all = true;
            }
        }
        self.stale |= self.is_meant(node);
        self.reshaped.insert(number);
        self.soil(node);
        Some(())
    }

    fn after_removal(&mut self, node: NodeId, parent: NodeId) {
        self.tree_edits += 1;
        if self.twice {
            self.document.reread_ids();
        }
        if self.redraw_all || self.tree_edits > FOLLOWED {
            self.redraw_all = true;
            return;
        }
        let followed = self.scene.removed(&self.document, node, parent, &self.limits);
        self.count_followed(followed);
    }

    fn after_insertion(&mut self, node: NodeId) {
        self.tree_edits += 1;
        if self.twice {
            self.document.reread_ids();
        }
        if self.redraw_all || self.tree_edits > FOLLOWED {
            self.redraw_all = true;
        } else {
            let followed = self.scene.inserted(&self.document, node, &self.limits);
            self.count_followed(followed);
        }
        self.soil(node);
    }

    fn count_followed(&mut self, followed: Result<bool, GeometryError>) {
        match followed {
            Ok(far) => self.tree_edits += if far { FAR } else { 0 },
            Err(error) => self.fault = Some(error.to_string()),
        }
    }

    /// Notes that what is drawn of `node` now has to be drawn again.
    pub(super) fn soil(&mut self, node: NodeId) {
        let Some(bounds) = self.scene.painted_bounds(node) else { return };
        self.soiled = Some(self.soiled.map_or(bounds, |soiled| soiled.union(bounds)));
    }

    /// What has to be drawn again.
    pub(super) fn soiled_area(&mut self) -> Option<Area> {
        let soiled = self.soiled.take()?;
        Some(Area { x: soiled.x0, y: soiled.y0, width: soiled.width(), height: soiled.height() })
    }

    /// Brings everything up to date that has not followed every single edit: the scene, the
    /// meaning of the tree, and the formulas.
    pub(crate) fn settle(&mut self) {
        self.tree_edits = 0;
        if std::mem::take(&mut self.redraw_all) && self.fault.is_none() {
            if let Err(error) = self.scene.rebuild(&self.document, &self.limits) {
                self.fault = Some(error.to_string());
            }
            if let Some(all) = self.scene.painted_bounds(NodeId::ROOT) {
                self.soiled = Some(self.soiled.map_or(all, |soiled| soiled.union(all)));
            }
        }
    }

    /// After the edits of an operation that changed the tree: as after those of attributes, and
    /// nothing selected, hovered or held that is gone.
    ///
    /// # Errors
    /// [`Error::Formulas`], where a formula or a trigger no longer works.
    pub(super) fn follow_structure(
        &mut self,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        self.settle();
        if self.stale {
            let known: Vec<String> = errors(&self.program);
            self.follow_program();
            let fresh = errors(&self.program).into_iter().filter(|e| !known.contains(e));
            let broken: Vec<String> = fresh.take(16).collect();
            if !broken.is_empty() {
                return Err(Error::Formulas { broken });
            }
        }
        self.follow_edits(now, tx);
        self.forget_gone();
        Ok(())
    }

    /// Lets go of what is no longer in the tree.
    pub(super) fn forget_gone(&mut self) {
        let alive = &self.alive;
        let is_alive = |n: &u32| alive.get(*n as usize).copied().unwrap_or_default();
        let i = &mut self.interactive;
        i.selected.retain(is_alive);
        i.hovered = i.hovered.filter(is_alive);
        if i.drag.as_ref().is_some_and(|drag| !is_alive(&drag.element)) {
            i.drag = None;
        }
        self.others_forget_gone();
    }

    /// Reads objects, behaviors and systems anew, where edits of this or an earlier operation
    /// changed them.
    pub(super) fn recompile_meaning(&mut self) {
        if self.stale {
            self.follow_program();
        }
    }

    /// Remembers the values before an edit that formulas may follow.
    pub(super) fn note_values(&mut self, is_read: bool) {
        if is_read && self.values_before.is_none() {
            self.values_before = Some(self.machine.values(&self.document, &self.program));
        }
    }

    /// Who may refer to whom.
    pub(super) fn references(&mut self) -> &Index {
        let (document, elements, alive) = (&self.document, &self.elements, &self.alive);
        self.references.get_or_insert_with(|| {
            let mut index = Index::default();
            for ((number, &node), _) in (0..).zip(elements).zip(alive).filter(|(_, alive)| **alive)
            {
                index.note(document, node, number);
            }
            index
        })
    }

    /// How much of the arena is no longer in the tree.
    pub(super) fn is_littered(&self) -> bool {
        let elements = self.alive.iter().filter(|alive| **alive).count();
        self.document.node_count() > 4 * elements + 20_000
    }
}

fn errors(program: &svgx_engine::behavior::Program) -> Vec<String> {
    let errors = program.diagnostics().iter();
    errors
        .filter(|d| d.severity == document::Severity::Error)
        .map(|d| format!("{}: {}", d.code, d.message))
        .collect()
}

/// The text of an element that has nothing else in it; `None` for others.
pub(super) fn plain_text(document: &Document, node: NodeId) -> Option<String> {
    let mut text = String::new();
    for child in document.children(node) {
        match document.kind(child) {
            NodeKind::Text(part) => text.push_str(part),
            _ => return None,
        }
    }
    Some(text)
}
