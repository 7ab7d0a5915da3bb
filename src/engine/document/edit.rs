//! Edits of the tree: subtrees that come, go and move, and the ids that come and go with them.

use super::text::{Span, Str};
use super::tree::{Document, NodeId, NodeKind, Ns};
use super::vocabulary;

impl Document {
    /// A new element that is not in the tree yet. `keeps_space` says whether white space
    /// directly inside of it is content.
    pub fn make(&mut self, ns: Ns, name: &str, keeps_space: bool) -> NodeId {
        let name = vocabulary::common(name).map_or_else(|| Str::from(name), Str::word);
        let node = self.push(None, NodeKind::Element { ns, name }, Span::NONE);
        self.set_keeps_space(node, keeps_space);
        node
    }

    /// New character data that is not in the tree yet.
    pub fn make_text(&mut self, text: &str) -> NodeId {
        self.push(None, NodeKind::Text(text.into()), Span::NONE)
    }

    /// A new comment that is not in the tree yet.
    pub fn make_comment(&mut self, text: &str) -> NodeId {
        self.push(None, NodeKind::Comment(text.into()), Span::NONE)
    }

    /// Puts `text` in place of that of a text node.
    pub fn set_content(&mut self, node: NodeId, text: &str) {
        self.replace_text(node, text);
    }

    /// Gives an element exactly these attributes, in this order. Ids are not looked at: see
    /// [`Document::note_ids`].
    pub fn set_attributes<'a>(
        &mut self,
        node: NodeId,
        attributes: impl Iterator<Item = (Ns, &'a str, &'a str)>,
    ) {
        let held = attributes
            .map(|(ns, name, value)| self.hold(ns, name, value.into(), Span::NONE))
            .collect();
        self.replace_attributes(node, held);
    }

    /// Puts an attribute that is not there among those of an element, as the `at`th.
    pub fn insert_attribute(&mut self, node: NodeId, at: usize, ns: Ns, name: &str, value: &str) {
        self.set_attribute(node, ns, name, value);
        let mut held = self.held(node).to_vec();
        if at < held.len()
            && let Some(new) = held.pop()
        {
            held.insert(at, new);
            self.replace_attributes(node, held);
        }
    }

    /// The place of an attribute among those of its element.
    pub fn attribute_place(&self, node: NodeId, ns: Ns, name: &str) -> Option<usize> {
        self.attributes(node).iter().position(|a| a.ns == ns && a.name == name)
    }

    /// The `at`th child, texts and comments counted.
    pub fn child(&self, parent: NodeId, at: usize) -> Option<NodeId> {
        self.children(parent).nth(at)
    }

    /// Which child of its parent a node is, texts and comments counted.
    pub fn place(&self, node: NodeId) -> usize {
        std::iter::successors(self.previous_sibling(node), |&n| self.previous_sibling(n)).count()
    }

    /// Whether a node is in the tree.
    pub fn is_attached(&self, node: NodeId) -> bool {
        let top = std::iter::successors(Some(node), |&n| self.parent(n)).last();
        top == Some(NodeId::ROOT)
    }

    /// Whether white space directly inside of an element is content.
    pub fn has_space(&self, node: NodeId) -> bool {
        self.keeps_space(node)
    }

    /// Whether an element of SVG called `name` has white space that is content.
    pub fn is_spaced(name: &str) -> bool {
        vocabulary::keeps_space(name)
    }

    /// The namespace with this URI, made known under `prefix` where it is not.
    pub fn namespace(&mut self, prefix: &str, uri: &str) -> Ns {
        self.intern_foreign(prefix, uri)
    }

    /// Whether something in the subtree belongs to the language, so that objects, behaviors,
    /// physics and systems have to be read anew after it has come, gone or moved.
    pub fn carries_language(&self, root: NodeId) -> bool {
        self.descendants(root).any(|n| match self.name(n) {
            Some((Ns::Arx, _)) => true,
            Some(_) => self.attributes(n).iter().any(|a| a.ns == Ns::Arx),
            None => false,
        })
    }

    /// Whether an element is a geometric constraint: one in `arx:physics` is about forces.
    pub fn is_constraint(&self, node: NodeId) -> bool {
        let named = |node: NodeId, name: &str| self.name(node) == Some((Ns::Arx, name));
        let group = self.parent(node).filter(|&group| named(group, "constraints"));
        named(node, "constraint")
            && group.is_some_and(|group| !self.parent(group).is_some_and(|p| named(p, "physics")))
    }

    /// Makes the ids of a subtree known that has come into the tree. Where two elements have
    /// one id, the first to come keeps it.
    pub fn note_ids(&mut self, root: NodeId) {
        for (node, id) in self.ids_in(root) {
            self.ids.entry(id).or_insert(node);
        }
    }

    /// Forgets the ids of a subtree that leaves the tree.
    pub fn forget_ids(&mut self, root: NodeId) {
        for (node, id) in self.ids_in(root) {
            if self.ids.get(&id) == Some(&node) {
                self.ids.remove(&id);
            }
        }
    }

    /// Reads all ids anew. For drawings where an id occurs twice: of the elements that have it,
    /// the first in the document counts.
    pub fn reread_ids(&mut self) {
        self.ids.clear();
        self.note_ids(NodeId::ROOT);
    }

    fn ids_in(&self, root: NodeId) -> Vec<(NodeId, Str)> {
        let elements = self.descendants(root).filter(|&n| self.is_element(n));
        elements.filter_map(|n| Some((n, self.share(self.id(n)?)))).collect()
    }

    /// Names an element that was put in later by a number that outlives the tree.
    pub fn set_handle(&mut self, node: NodeId, handle: u32) {
        self.handles.insert(node, handle);
    }

    /// The element in the tree with that handle.
    pub fn by_handle(&self, handle: u32) -> Option<NodeId> {
        let named = self.handles.iter().filter(|(_, h)| **h == handle);
        named.map(|(node, _)| *node).find(|&node| self.is_attached(node))
    }

    /// What an element is remembered by: its id, `@` and its handle, or `#` and its number.
    pub fn reference(&self, node: NodeId) -> String {
        match (self.id(node), self.handles.get(&node)) {
            (Some(id), _) => id.to_owned(),
            (None, Some(handle)) => format!("@{handle}"),
            (None, None) => format!("#{}", node.index()),
        }
    }
}
