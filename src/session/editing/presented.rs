//! A drawing with everything drawn that it states, as a picture follows it.
//!
//! After an edit everything is drawn again into a copy of the drawing, which takes no time to speak of;
//! what takes time is painting. So the copy from before is made the same as the new one by edits of what
//! differs, and its scene follows them as that of any drawing does: what is painted again is where
//! something differs.

use std::collections::{HashMap, HashSet};

use svgx_drafting::Drawn;
use svgx_engine::document::{Document, Limits, NodeId, NodeKind};
use svgx_engine::geometry::{Error, Scene};

use super::super::fragment::Fragment;
use super::Session;

/// Elements that come, go and move in one step; of more, everything is made new.
const FOLLOWED: usize = 48;
/// Elements whose attributes differ in one step.
const ALTERED: usize = 2_048;

/// What a node of the copy is, whatever place it has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// The element of this handle.
    Element(u32),
    /// What is drawn of the dimension or the `use` of this handle, counted.
    Made(u32, usize),
}

impl Key {
    fn owner(self) -> u32 {
        match self {
            Key::Element(number) | Key::Made(number, _) => number,
        }
    }
}

/// A drawing with everything drawn that it states, as it was at a sequence.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) sequence: u64,
    pub(super) document: Document,
    pub(super) scene: Scene,
    keys: HashMap<NodeId, Key>,
    /// It was left half way: nothing can follow it.
    is_broken: bool,
}

/// There are more differences than are followed, or one that reaches far.
struct Far;

impl From<Error> for Far {
    fn from(_: Error) -> Far {
        // Whether all of it can be resolved is seen when all of it is.
        Far
    }
}

/// The new drawing, and what its nodes are.
struct Wanted<'s> {
    document: &'s Document,
    session: &'s Session,
    made: HashMap<NodeId, Key>,
}

impl<'s> Wanted<'s> {
    fn new(session: &'s Session, drawn: &'s Drawn) -> Wanted<'s> {
        let mut made = HashMap::new();
        let mut groups: Vec<(NodeId, NodeId)> =
            drawn.dimensions.iter().map(|(group, shown)| (*group, shown.dimension.node)).collect();
        groups.sort_unstable();
        let mut counts: HashMap<NodeId, usize> = HashMap::new();
        for (group, dimension) in groups {
            let count = counts.entry(dimension).or_default();
            made.insert(group, Key::Made(session.number(dimension), *count));
            *count += 1;
        }
        for (user, texts) in &drawn.values {
            for (at, (text, _)) in texts.iter().enumerate() {
                made.insert(*text, Key::Made(session.number(*user), at));
            }
        }
        Wanted { document: &drawn.document, session, made }
    }

    /// `None` for texts, and for what is inside of something that is made.
    fn key(&self, node: NodeId) -> Option<Key> {
        match self.session.number(node) {
            u32::MAX => self.made.get(&node).copied(),
            // A node that the drawing has got since may have the number of one that is made.
            _ if self.made.contains_key(&node) => self.made.get(&node).copied(),
            number => Some(Key::Element(number)),
        }
    }

    fn keys_below(&self, node: NodeId) -> Vec<Option<Key>> {
        let nodes = self.document.descendants(node).filter(|&n| self.document.is_element(n));
        nodes.map(|n| self.key(n)).collect()
    }
}

impl Presented {
    /// A copy that nobody has followed yet.
    pub(super) fn new(session: &Session, drawn: Drawn, scene: Scene, sequence: u64) -> Presented {
        let wanted = Wanted::new(session, &drawn);
        let nodes = drawn.document.elements();
        let keys = nodes.filter_map(|n| Some((n, wanted.key(n)?))).collect();
        Presented { sequence, document: drawn.document, scene, keys, is_broken: false }
    }

    /// The handle of what draws a node.
    pub(super) fn owner(&self, node: NodeId) -> Option<u32> {
        self.keys.get(&node).map(|key| key.owner())
    }

    /// Makes the copy the same as a new one. `false` where too much differs: nothing can follow the copy then.
    pub(super) fn follow(&mut self, session: &Session, drawn: &Drawn, limits: &Limits) -> bool {
        let wanted = Wanted::new(session, drawn);
        let new = wanted.document;
        let named = new.elements().filter(|&n| new.id(n).is_some()).count();
        let elements = new.elements().count();
        let is_littered = self.document.node_count() > 4 * elements + 20_000;
        // Who has an id that two have depends on all of them.
        let is_known = named == new.ids().count()
            && new.foreign().len() == self.document.foreign().len()
            && !is_littered;
        if !is_known || self.is_broken {
            return false;
        }
        self.is_broken = true;
        let mut following =
            Following { presented: self, wanted: &wanted, limits, moved: 0, altered: 0 };
        let is_done = following.all().is_ok();
        self.is_broken = !is_done;
        is_done
    }
}

struct Following<'f> {
    presented: &'f mut Presented,
    wanted: &'f Wanted<'f>,
    limits: &'f Limits,
    moved: usize,
    altered: usize,
}

impl Following<'_> {
    fn all(&mut self) -> Result<(), Far> {
        self.take_out()?;
        let mut pairs = vec![(NodeId::ROOT, NodeId::ROOT)];
        while let Some((new, old)) = pairs.pop() {
            self.attributes(new, old)?;
            if !self.children(new, old, &mut pairs)? {
                self.exchange(new, old)?;
            }
        }
        Ok(())
    }

    /// Takes out what is gone, or has another parent: before anything comes, for an id is of one element.
    fn take_out(&mut self) -> Result<(), Far> {
        let new = self.wanted.document;
        let above = |n: NodeId| new.parent(n).and_then(|parent| self.wanted.key(parent));
        let parents: HashMap<Key, Option<Key>> =
            new.elements().filter_map(|n| Some((self.wanted.key(n)?, above(n)))).collect();
        let keys = &self.presented.keys;
        let is_gone = |&node: &NodeId| {
            let Some(key) = keys.get(&node) else { return false };
            let parent = self.old().parent(node).and_then(|parent| keys.get(&parent)).copied();
            parents.get(key) != Some(&parent)
        };
        let gone: Vec<NodeId> = self.old().elements().filter(is_gone).collect();
        for node in gone {
            // With something around it, it may have gone already.
            if self.old().is_attached(node) {
                self.remove(node)?;
            }
        }
        Ok(())
    }

    fn old(&self) -> &Document {
        &self.presented.document
    }

    fn attributes(&mut self, new: NodeId, old: NodeId) -> Result<(), Far> {
        let document = self.wanted.document;
        let wanted = document.attributes(new);
        let there = self.old().attributes(old);
        let same = |(a, b): (svgx_engine::document::Attribute<'_>, _)| {
            let b: svgx_engine::document::Attribute<'_> = b;
            a.ns == b.ns && a.name == b.name && a.value == b.value
        };
        if wanted.iter().count() == there.iter().count()
            && wanted.iter().zip(there.iter()).all(same)
        {
            return Ok(());
        }
        let gone: Vec<_> = there
            .iter()
            .filter(|a| document.attribute(new, a.ns, a.name).is_none())
            .map(|a| (a.ns, a.name.to_owned()))
            .collect();
        let differ = |a: &svgx_engine::document::Attribute<'_>| {
            self.old().attribute(old, a.ns, a.name).is_none_or(|known| known.value != a.value)
        };
        let differing: Vec<_> = document.attributes(new).iter().filter(differ).collect();
        if gone.is_empty() && differing.is_empty() {
            return Ok(());
        }
        if gone.iter().any(|(_, name)| name == "id") || differing.iter().any(|a| a.name == "id") {
            return Err(Far);
        }
        for (ns, name) in gone {
            self.presented.document.remove_attribute(old, ns, &name);
        }
        for a in differing {
            self.presented.document.set_attribute(old, a.ns, a.name, a.value);
        }
        self.update(old)
    }

    fn update(&mut self, old: NodeId) -> Result<(), Far> {
        self.altered += 1;
        if self.altered > ALTERED {
            return Err(Far);
        }
        let Presented { document, scene, .. } = &mut *self.presented;
        Ok(scene.update(document, old, self.limits)?)
    }

    /// Makes the children of a node those of another one, and notes whom to compare next. `false` where they
    /// differ in more than what comes, goes and moves.
    fn children(
        &mut self,
        new: NodeId,
        old: NodeId,
        pairs: &mut Vec<(NodeId, NodeId)>,
    ) -> Result<bool, Far> {
        let wanted: Vec<NodeId> = self.wanted.document.children(new).collect();
        let there: Vec<NodeId> = self.old().children(old).collect();
        let in_pairs = wanted.len() == there.len()
            && wanted.iter().zip(&there).all(|(&n, &o)| self.is_same(n, o));
        if in_pairs {
            let mut is_retold = false;
            for (&n, &o) in wanted.iter().zip(&there) {
                match (self.wanted.document.kind(n), self.old().kind(o)) {
                    (NodeKind::Element { .. }, _) => pairs.push((n, o)),
                    (NodeKind::Text(text), NodeKind::Text(told)) if text != told => {
                        let text = text.to_string();
                        self.presented.document.set_content(o, &text);
                        is_retold = true;
                    }
                    _ => {}
                }
            }
            if is_retold {
                self.update(old)?;
            }
            return Ok(true);
        }
        let keyed = |keys: Vec<Option<Key>>| keys.into_iter().collect::<Option<Vec<Key>>>();
        let wanted_keys = keyed(wanted.iter().map(|&n| self.wanted.key(n)).collect());
        let there_keys = keyed(there.iter().map(|o| self.presented.keys.get(o).copied()).collect());
        let (Some(wanted_keys), Some(there_keys)) = (wanted_keys, there_keys) else {
            return Ok(false);
        };
        let stay: HashSet<Key> = wanted_keys.iter().copied().collect();
        let mut known: HashMap<Key, NodeId> = HashMap::new();
        for (key, o) in there_keys.into_iter().zip(there) {
            if !stay.contains(&key) {
                return Ok(false);
            }
            known.insert(key, o);
        }
        let mut next = self.old().children(old).next();
        for (key, n) in wanted_keys.into_iter().zip(wanted) {
            let Some(&o) = known.get(&key) else {
                self.insert(n, old, next)?;
                continue;
            };
            // One that goes farther back makes room; its turn comes.
            if let Some(ahead) = next.filter(|&ahead| ahead != o)
                && self.old().next_sibling(ahead) == Some(o)
            {
                self.remove(ahead)?;
                next = Some(o);
            }
            if next == Some(o) {
                next = self.old().next_sibling(o);
            } else {
                if self.old().parent(o).is_some() {
                    self.remove(o)?;
                }
                self.put(o, old, next)?;
            }
            pairs.push((n, o));
        }
        Ok(true)
    }

    /// Whether two children are the same element, or both are texts.
    fn is_same(&self, new: NodeId, old: NodeId) -> bool {
        self.wanted.key(new) == self.presented.keys.get(&old).copied()
            && match (self.wanted.document.kind(new), self.old().kind(old)) {
                (
                    NodeKind::Element { ns, name },
                    NodeKind::Element { ns: known_ns, name: known },
                ) => ns == known_ns && name == known,
                (NodeKind::Text(_), NodeKind::Text(_)) => true,
                (NodeKind::Comment(_), NodeKind::Comment(_)) => true,
                _ => false,
            }
    }

    fn exchange(&mut self, new: NodeId, old: NodeId) -> Result<(), Far> {
        let parent = self.old().parent(old).ok_or(Far)?;
        let next = self.old().next_sibling(old);
        self.remove(old)?;
        self.insert(new, parent, next)
    }

    fn count(&mut self) -> Result<(), Far> {
        self.moved += 1;
        if self.moved > FOLLOWED { Err(Far) } else { Ok(()) }
    }

    fn remove(&mut self, old: NodeId) -> Result<(), Far> {
        self.count()?;
        let Presented { document, scene, .. } = &mut *self.presented;
        let parent = document.parent(old).ok_or(Far)?;
        document.forget_ids(old);
        document.detach(old);
        scene.removed(document, old, parent, self.limits)?;
        Ok(())
    }

    fn put(&mut self, old: NodeId, parent: NodeId, before: Option<NodeId>) -> Result<(), Far> {
        self.count()?;
        let Presented { document, scene, .. } = &mut *self.presented;
        document.restore(old, parent, before);
        document.note_ids(old);
        scene.inserted(document, old, self.limits)?;
        Ok(())
    }

    /// Puts a copy of what is new under a parent.
    fn insert(&mut self, new: NodeId, parent: NodeId, before: Option<NodeId>) -> Result<(), Far> {
        let fragment = Fragment::of(self.wanted.document, new, |n| self.wanted.session.number(n));
        let keys = self.wanted.keys_below(new);
        let (root, made) = fragment.build(&mut self.presented.document).ok_or(Far)?;
        for ((_, node), key) in made.into_iter().zip(keys) {
            if let Some(key) = key {
                self.presented.keys.insert(node, key);
            }
        }
        self.put(root, parent, before)
    }
}
