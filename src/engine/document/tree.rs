//! The tree of a document, with places, editable.
//!
//! Reading normalises it: whichever dialect a document was written in, the
//! root is `svg`, elements of the language are in [`Ns::Arx`] in the one form
//! of `docs/language.md`, and white space that only lays out the text between
//! elements is gone.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::attribute::{Attribute, Attributes, Name, Names, StoredAttribute, Text};
use super::diagnostic::Diagnostic;
use super::model::{Behavior, BehaviorIndex, Object, ObjectIndex, Physics, PhysicsIndex, System};
use super::text::{Span, Str};

/// A map whose hashes are quick, and differ from process to process.
pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// A node of the tree. Stable for the life of the document, edits included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// The root element.
    pub const ROOT: NodeId = NodeId(0);
    const NIL: NodeId = NodeId(u32::MAX);

    /// The number of the node, counted from the root in the order of making.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    fn some(self) -> Option<NodeId> {
        (self != NodeId::NIL).then_some(self)
    }
}

/// A namespace. Prefixes do not matter; aliases of the language count as [`Ns::Arx`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ns {
    /// No namespace.
    None,
    /// SVG.
    Svg,
    /// SVGX.
    Arx,
    /// XLink.
    XLink,
    /// `xml:`.
    Xml,
    /// One of [`Document::foreign`].
    Other(u16),
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// An element.
    Element {
        /// Its namespace.
        ns: Ns,
        /// Its local name.
        name: Str,
    },
    /// Character data.
    Text(Str),
    /// A comment.
    Comment(Str),
}

#[derive(Clone, Debug)]
struct Node {
    kind: NodeKind,
    span: Span,
    parent: NodeId,
    first: NodeId,
    last: NodeId,
    next: NodeId,
    previous: NodeId,
    attributes: (u32, u32),
    /// White space between the children is content.
    space: bool,
}

/// Which object, behavior and physics stand on a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Roles {
    pub(super) object: Option<ObjectIndex>,
    pub(super) behavior: Option<BehaviorIndex>,
    pub(super) physics: Option<PhysicsIndex>,
}

/// A document: the tree, its meaning, and what was found wrong with it.
#[derive(Clone, Debug)]
pub struct Document {
    source: Arc<str>,
    nodes: Vec<Node>,
    attributes: Vec<StoredAttribute>,
    pub(super) names: Names,
    pub(super) ids: Map<Str, NodeId>,
    /// Names of elements that were put in later, for who outlives the tree's own numbers.
    pub(super) handles: Map<NodeId, u32>,
    foreign: Vec<(Str, Str)>,
    pub(super) objects: Vec<Object>,
    pub(super) behaviors: Vec<Behavior>,
    pub(super) physics: Vec<Physics>,
    pub(super) systems: Vec<System>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) dropped_diagnostics: usize,
    /// Comments before and after the root element.
    pub(super) prolog: Vec<Str>,
    pub(super) epilog: Vec<Str>,
    pub(super) roles: Map<NodeId, Roles>,
    pub(super) object_ids: Map<Str, ObjectIndex>,
}

impl Document {
    pub(super) fn new(source: Arc<str>, nodes: usize, attributes: usize) -> Document {
        Document {
            source,
            nodes: Vec::with_capacity(nodes),
            attributes: Vec::with_capacity(attributes),
            names: Names::default(),
            ids: Map::default(),
            handles: Map::default(),
            foreign: Vec::new(),
            objects: Vec::new(),
            behaviors: Vec::new(),
            physics: Vec::new(),
            systems: Vec::new(),
            diagnostics: Vec::new(),
            dropped_diagnostics: 0,
            prolog: Vec::new(),
            epilog: Vec::new(),
            roles: Map::default(),
            object_ids: Map::default(),
        }
    }

    /// The text it was read from.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Building objects, in document order.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Behaviors, in document order.
    pub fn behaviors(&self) -> &[Behavior] {
        &self.behaviors
    }

    /// Physics declarations, in document order.
    pub fn physics(&self) -> &[Physics] {
        &self.physics
    }

    /// Systems, in document order.
    pub fn systems(&self) -> &[System] {
        &self.systems
    }

    /// What was found while reading, in document order, as many as
    /// [`Limits::diagnostics`](super::Limits::diagnostics) allows.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many more diagnostics there were than are kept.
    pub fn dropped_diagnostics(&self) -> usize {
        self.dropped_diagnostics
    }

    /// The object whose id is `id`.
    pub fn object(&self, id: &str) -> Option<ObjectIndex> {
        self.object_ids.get(id).copied()
    }

    /// The behavior of the element `node`: its own, or the one it refers to.
    pub fn behavior_of(&self, node: NodeId) -> Option<BehaviorIndex> {
        self.roles.get(&node).and_then(|r| r.behavior)
    }

    /// The physics of the element `node`: its own, or the one it refers to.
    pub fn physics_of(&self, node: NodeId) -> Option<PhysicsIndex> {
        self.roles.get(&node).and_then(|r| r.physics)
    }

    /// Namespaces that are neither ours nor SVG's: prefix and URI.
    pub fn foreign(&self) -> &[(Str, Str)] {
        &self.foreign
    }

    pub(super) fn intern_foreign(&mut self, prefix: &str, uri: &str) -> Ns {
        let at = self.foreign.iter().position(|(_, u)| u == uri).unwrap_or_else(|| {
            self.foreign.push((prefix.into(), uri.into()));
            self.foreign.len() - 1
        });
        Ns::Other(u16::try_from(at).unwrap_or(u16::MAX))
    }

    /// How many nodes were ever made.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// What a node is.
    pub fn kind(&self, node: NodeId) -> &NodeKind {
        &self.nodes[node.index()].kind
    }

    /// Where a node stands in the source.
    pub fn span(&self, node: NodeId) -> Span {
        self.nodes[node.index()].span
    }

    /// Namespace and local name of an element.
    pub fn name(&self, node: NodeId) -> Option<(Ns, &str)> {
        match self.kind(node) {
            NodeKind::Element { ns, name } => Some((*ns, name)),
            _ => None,
        }
    }

    /// Whether `node` is an element.
    pub fn is_element(&self, node: NodeId) -> bool {
        matches!(self.kind(node), NodeKind::Element { .. })
    }

    /// The parent; `None` for the root and for removed nodes.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        self.nodes[node.index()].parent.some()
    }

    /// The children, text and comments included.
    pub fn children(&self, node: NodeId) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        Children {
            document: self,
            front: self.nodes[node.index()].first,
            back: self.nodes[node.index()].last,
        }
    }

    /// The first child, text and comments included.
    pub fn first_child(&self, node: NodeId) -> Option<NodeId> {
        self.nodes[node.index()].first.some()
    }

    /// The node after `node` under the same parent, text and comments included.
    pub fn next_sibling(&self, node: NodeId) -> Option<NodeId> {
        self.nodes[node.index()].next.some()
    }

    /// The node before `node` under the same parent, text and comments included.
    pub fn previous_sibling(&self, node: NodeId) -> Option<NodeId> {
        self.nodes[node.index()].previous.some()
    }

    /// `node` and everything below it in document order, text and comments included.
    pub fn descendants(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let mut next = Some(node);
        std::iter::from_fn(move || {
            let current = next?;
            let n = &self.nodes[current.index()];
            next = n.first.some().or_else(|| {
                let mut at = current;
                loop {
                    if at == node {
                        return None;
                    }
                    if let Some(sibling) = self.nodes[at.index()].next.some() {
                        return Some(sibling);
                    }
                    at = self.nodes[at.index()].parent;
                }
            });
            Some(current)
        })
    }

    /// The elements of the document in document order.
    pub fn elements(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.descendants(NodeId::ROOT).filter(|&n| self.is_element(n))
    }

    /// The text directly inside an element, joined.
    pub fn text(&self, node: NodeId) -> String {
        self.children(node)
            .filter_map(|c| match self.kind(c) {
                NodeKind::Text(t) => Some(t.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The attributes of an element, in order.
    pub fn attributes(&self, node: NodeId) -> Attributes<'_> {
        Attributes::new(self.held(node), &self.source, &self.names)
    }

    /// The attributes of an element as the document keeps them.
    pub(super) fn held(&self, node: NodeId) -> &[StoredAttribute] {
        let (start, end) = self.nodes[node.index()].attributes;
        &self.attributes[start as usize..end as usize]
    }

    /// A kept attribute as it is shown.
    pub(super) fn shown<'d>(&'d self, held: &'d StoredAttribute) -> Attribute<'d> {
        held.show(&self.source, &self.names)
    }

    /// The attribute `name` in namespace `ns`.
    pub fn attribute(&self, node: NodeId, ns: Ns, name: &str) -> Option<Attribute<'_>> {
        let name = self.names.find(name)?;
        let held = self.held(node).iter().find(|a| a.ns == ns && a.name == name)?;
        Some(self.shown(held))
    }

    /// The value of the attribute `name` that has no namespace.
    pub fn attr(&self, node: NodeId, name: &str) -> Option<&str> {
        self.attribute(node, Ns::None, name).map(|a| a.value)
    }

    /// The value of the `arx:` attribute `name`.
    pub fn arx(&self, node: NodeId, name: &str) -> Option<&str> {
        self.attribute(node, Ns::Arx, name).map(|a| a.value)
    }

    /// `text`, which is a piece of this document or any other, as a share where it is one.
    pub(super) fn share(&self, text: &str) -> Str {
        Str::part_of(&self.source, text)
    }

    /// The element whose `id` is `id`; the first, if it is not unique.
    pub fn by_id(&self, id: &str) -> Option<NodeId> {
        self.ids.get(id).copied()
    }

    /// Every `id` there is, in no order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.keys().map(|id| &**id)
    }

    /// The `id` of an element.
    pub fn id(&self, node: NodeId) -> Option<&str> {
        self.attr(node, "id")
    }

    // ===== edits =====

    pub(super) fn push(&mut self, parent: Option<NodeId>, kind: NodeKind, span: Span) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let at = self.attributes.len() as u32;
        let parent_id = parent.unwrap_or(NodeId::NIL);
        let previous = parent.map_or(NodeId::NIL, |p| self.nodes[p.index()].last);
        self.nodes.push(Node {
            kind,
            span,
            parent: parent_id,
            first: NodeId::NIL,
            last: NodeId::NIL,
            next: NodeId::NIL,
            previous,
            attributes: (at, at),
            space: false,
        });
        if let Some(previous) = previous.some() {
            self.nodes[previous.index()].next = id;
        }
        if let Some(parent) = parent {
            let p = &mut self.nodes[parent.index()];
            if p.first == NodeId::NIL {
                p.first = id;
            }
            p.last = id;
        }
        id
    }

    /// Whether white space directly inside `node` is content.
    pub(super) fn keeps_space(&self, node: NodeId) -> bool {
        self.nodes[node.index()].space
    }

    pub(super) fn set_keeps_space(&mut self, node: NodeId, keeps: bool) {
        self.nodes[node.index()].space = keeps;
    }

    /// Puts `text` in place of that of a text or a comment.
    pub(super) fn replace_text(&mut self, node: NodeId, text: &str) {
        let kind = &mut self.nodes[node.index()].kind;
        match kind {
            NodeKind::Text(old) | NodeKind::Comment(old) => *old = text.into(),
            NodeKind::Element { .. } => {}
        }
    }

    /// Makes `node` the element `name` in `ns`.
    pub(super) fn rename(&mut self, node: NodeId, ns: Ns, name: Str) {
        self.nodes[node.index()].kind = NodeKind::Element { ns, name };
    }

    /// Puts `attributes` in place of those of `node`; ids are not looked at.
    pub(super) fn replace_attributes(&mut self, node: NodeId, attributes: Vec<StoredAttribute>) {
        let (start, end) = self.nodes[node.index()].attributes;
        let count = attributes.len();
        let start = start as usize;
        let start = if count <= end as usize - start {
            for (slot, attribute) in self.attributes[start..].iter_mut().zip(attributes) {
                *slot = attribute;
            }
            start
        } else {
            let start = self.attributes.len();
            self.attributes.extend(attributes);
            start
        };
        self.nodes[node.index()].attributes = (start as u32, (start + count) as u32);
    }

    /// A new element with the span of what it was read from, not yet in the tree.
    pub(super) fn make_element(&mut self, ns: Ns, name: &'static str, span: Span) -> NodeId {
        self.push(None, NodeKind::Element { ns, name: Str::word(name) }, span)
    }

    pub(super) fn register_id(&mut self, id: Str, node: NodeId) -> Result<(), NodeId> {
        if self.ids.capacity() == 0 {
            // Where one element has an id most have.
            self.ids.reserve(self.nodes.capacity());
        }
        match self.ids.entry(id) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(node);
                Ok(())
            }
            std::collections::hash_map::Entry::Occupied(first) => Err(*first.get()),
        }
    }

    pub(super) fn push_attribute(&mut self, node: NodeId, attribute: StoredAttribute) {
        if attribute.ns == Ns::None && attribute.name == Name::ID {
            let id = self.share(attribute.value.as_str(&self.source));
            self.ids.entry(id).or_insert(node);
        }
        self.push_attribute_raw(node, attribute);
    }

    /// Like [`Document::push_attribute`], for a caller that registers ids itself.
    pub(super) fn push_attribute_raw(&mut self, node: NodeId, attribute: StoredAttribute) {
        let (start, end) = self.nodes[node.index()].attributes;
        if end as usize != self.attributes.len() {
            // Somebody else's attributes follow: move these to the end first.
            let moved = self.attributes[start as usize..end as usize].to_vec();
            let start = self.attributes.len() as u32;
            self.attributes.extend(moved);
            self.nodes[node.index()].attributes = (start, self.attributes.len() as u32);
        }
        self.attributes.push(attribute);
        self.nodes[node.index()].attributes.1 += 1;
    }

    /// An attribute to be put on an element.
    pub(super) fn hold(&mut self, ns: Ns, name: &str, value: Str, span: Span) -> StoredAttribute {
        let name = self.names.intern(name, || Str::from(name));
        StoredAttribute { ns, name, value: Text::new(value, span, &self.source) }
    }

    /// Sets an attribute of an element; answers its former value.
    pub fn set_attribute(&mut self, node: NodeId, ns: Ns, name: &str, value: &str) -> Option<Str> {
        let attribute = self.hold(ns, name, value.into(), Span::NONE);
        let (start, end) = self.nodes[node.index()].attributes;
        let found = self.attributes[start as usize..end as usize]
            .iter_mut()
            .find(|a| a.ns == ns && a.name == attribute.name);
        let old = match found {
            Some(a) => std::mem::replace(&mut a.value, attribute.value).share(&self.source),
            None => {
                self.push_attribute(node, attribute);
                return None;
            }
        };
        if ns == Ns::None && name == "id" {
            if self.ids.get(&old) == Some(&node) {
                self.ids.remove(&old);
            }
            self.ids.entry(value.into()).or_insert(node);
        }
        Some(old)
    }

    /// Removes an attribute of an element; answers its value.
    pub fn remove_attribute(&mut self, node: NodeId, ns: Ns, name: &str) -> Option<Str> {
        let name = self.names.find(name)?;
        let (start, end) = self.nodes[node.index()].attributes;
        let slice = &mut self.attributes[start as usize..end as usize];
        let at = slice.iter().position(|a| a.ns == ns && a.name == name)?;
        let old = slice[at].value.share(&self.source);
        slice[at..].rotate_left(1);
        self.nodes[node.index()].attributes.1 -= 1;
        if ns == Ns::None && name == Name::ID && self.ids.get(&old) == Some(&node) {
            self.ids.remove(&old);
        }
        Some(old)
    }

    /// Appends a new element to `parent`.
    pub fn append_element(&mut self, parent: NodeId, ns: Ns, name: &str) -> NodeId {
        self.push(Some(parent), NodeKind::Element { ns, name: name.into() }, Span::NONE)
    }

    /// Appends character data to `parent`.
    pub fn append_text(&mut self, parent: NodeId, text: &str) -> NodeId {
        self.push(Some(parent), NodeKind::Text(text.into()), Span::NONE)
    }

    /// Takes a node out of the tree. It keeps its children and can be put back
    /// with [`Document::restore`]. The root stays.
    pub fn detach(&mut self, node: NodeId) {
        let Node { parent, previous, next, .. } = self.nodes[node.index()];
        let Some(parent) = parent.some() else { return };
        match previous.some() {
            Some(p) => self.nodes[p.index()].next = next,
            None => self.nodes[parent.index()].first = next,
        }
        match next.some() {
            Some(n) => self.nodes[n.index()].previous = previous,
            None => self.nodes[parent.index()].last = previous,
        }
        let n = &mut self.nodes[node.index()];
        (n.parent, n.previous, n.next) = (NodeId::NIL, NodeId::NIL, NodeId::NIL);
    }

    /// Puts a detached node under `parent`, before `before` or at the end.
    pub fn restore(&mut self, node: NodeId, parent: NodeId, before: Option<NodeId>) {
        let before = before.filter(|b| self.parent(*b) == Some(parent));
        let previous = match before {
            Some(b) => self.nodes[b.index()].previous,
            None => self.nodes[parent.index()].last,
        };
        let next = before.unwrap_or(NodeId::NIL);
        let n = &mut self.nodes[node.index()];
        (n.parent, n.previous, n.next) = (parent, previous, next);
        match previous.some() {
            Some(p) => self.nodes[p.index()].next = node,
            None => self.nodes[parent.index()].first = node,
        }
        match next.some() {
            Some(n) => self.nodes[n.index()].previous = node,
            None => self.nodes[parent.index()].last = node,
        }
    }
}

struct Children<'d> {
    document: &'d Document,
    front: NodeId,
    back: NodeId,
}

impl Iterator for Children<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let current = self.front.some()?;
        if current == self.back {
            (self.front, self.back) = (NodeId::NIL, NodeId::NIL);
        } else {
            self.front = self.document.nodes[current.index()].next;
        }
        Some(current)
    }
}

impl DoubleEndedIterator for Children<'_> {
    fn next_back(&mut self) -> Option<NodeId> {
        let current = self.back.some()?;
        if current == self.front {
            (self.front, self.back) = (NodeId::NIL, NodeId::NIL);
        } else {
            self.back = self.document.nodes[current.index()].previous;
        }
        Some(current)
    }
}
