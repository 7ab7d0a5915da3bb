//! Groups, what they dissolve into, and copies.

use std::collections::{BTreeSet, HashMap};

use svgx_engine::document::{NodeId, Ns};

use super::super::attribute;
use super::super::error::Error;
use super::super::fragment::{Fragment, Piece};
use super::super::operation::References;
use super::super::outcome::Note;
use super::super::placement::{self, Movement, Placement};
use super::super::references;
use super::structure::{Place, written_transform};
use super::{Session, Transaction};
use kurbo::{Affine, Vec2};
use svgx_base::budget::Time;

/// Presentation attributes that children inherit.
const INHERITED: [&str; 38] = [
    "clip-rule",
    "color",
    "color-interpolation",
    "color-rendering",
    "cursor",
    "direction",
    "dominant-baseline",
    "fill",
    "fill-opacity",
    "fill-rule",
    "font-family",
    "font-size",
    "font-size-adjust",
    "font-stretch",
    "font-style",
    "font-variant",
    "font-weight",
    "image-rendering",
    "letter-spacing",
    "marker-end",
    "marker-mid",
    "marker-start",
    "paint-order",
    "pointer-events",
    "shape-rendering",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "text-anchor",
    "text-rendering",
    "visibility",
    "word-spacing",
    "writing-mode",
];

/// What applies to a group as a whole, and is lost with it.
const OF_THE_GROUP: [&str; 8] =
    ["opacity", "clip-path", "mask", "filter", "mix-blend-mode", "isolation", "display", "class"];

impl Session {
    pub(super) fn group(
        &mut self,
        targets: &[NodeId],
        id: Option<&String>,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let top = targets.last().copied().unwrap_or(NodeId::ROOT);
        let parent = self.document.parent(top).unwrap_or(NodeId::ROOT);
        for &node in targets {
            if matches!(self.document.name(node), Some((Ns::Arx, name)) if name != "object")
                || !placement::is_placed(&self.document, node)
            {
                return Err(self.unsuitable("group", node, "it is not drawn"));
            }
            if self.document.has_space(self.document.parent(node).unwrap_or(NodeId::ROOT)) {
                return Err(self.unsuitable("group", node, "it is part of a text"));
            }
        }
        if let Some(id) = id {
            attribute::check(&self.document, NodeId::ROOT, "id", Some(id), &self.limits)?;
            if self.document.by_id(id).is_some() {
                let (name, reason) = ("id".to_owned(), "another element has this id");
                return Err(Error::BadAttribute { name, reason });
            }
        }
        let order = self.passed_over(targets, parent);
        let attributes = id.map(|id| ("id".to_owned(), id.clone())).into_iter().collect();
        let number = self.elements.len() as u32;
        let piece =
            Piece::Element { level: 0, number, name: "svg:g".to_owned(), attributes, space: false };
        let fragment = Fragment { pieces: vec![piece], namespaces: Vec::new() };
        let at = self.document.place(top) + 1;
        self.insert_all(vec![fragment], Place { parent, at }, tx)?;
        self.settle();
        let Some(group) = self.node(number) else { return Ok(()) };
        self.transfer(targets, group, None, "group", tx)?;
        tx.effect.element_id = Some(self.label(number));
        if let Some(node) = order {
            let message = "it lies between the members and over one of them, and is painted \
                           before the group now";
            self.note_inexact(node, message, tx);
        }
        self.follow_structure(now, tx)
    }

    /// Something that is painted between the members and over one of them.
    fn passed_over(&self, targets: &[NodeId], parent: NodeId) -> Option<NodeId> {
        let members: BTreeSet<NodeId> = targets.iter().copied().collect();
        let top = targets.last().copied()?;
        let mut below: Option<kurbo::Rect> = None;
        // Bounds are asked for where they may matter alone: there can be thousands of siblings.
        let children = self.document.children(parent);
        for child in children.skip_while(|child| !members.contains(child)) {
            let Some(bounds) = self.scene.painted_bounds(child) else { continue };
            if child == top {
                return None;
            }
            if members.contains(&child) {
                below = Some(below.map_or(bounds, |b| b.union(bounds)));
            } else if below.is_some_and(|b| b.overlaps(bounds)) {
                return Some(child);
            }
        }
        None
    }

    pub(super) fn ungroup(
        &mut self,
        targets: &[NodeId],
        policy: References,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        for &group in targets {
            if !matches!(self.document.name(group), Some((Ns::Svg | Ns::None, "g"))) {
                return Err(self.unsuitable("ungroup", group, "it is no `g`"));
            }
            let children: Vec<NodeId> = self.document.children(group).collect();
            for &child in &children {
                if matches!(self.document.name(child), Some((Ns::Arx, name)) if name != "object") {
                    return Err(self.unsuitable(
                        "ungroup",
                        group,
                        "behavior or physics hangs on it",
                    ));
                }
            }
            if self.document.attributes(group).iter().any(|a| a.ns == Ns::Arx && a.name == "object")
            {
                return Err(self.unsuitable("ungroup", group, "it draws an object"));
            }
        }
        self.release_only(targets, policy, tx)?;
        let mut freed = Vec::new();
        for &group in targets {
            let Some(parent) = self.document.parent(group) else { continue };
            let children: Vec<NodeId> =
                self.document.children(group).filter(|&c| self.document.is_element(c)).collect();
            let lost = OF_THE_GROUP.iter().filter(|name| self.document.attr(group, name).is_some());
            let lost: Vec<&str> = lost.copied().collect();
            if !lost.is_empty() {
                let message =
                    format!("{} applied to the group as a whole and went with it", lost.join(", "));
                self.note_inexact(group, &message, tx);
            }
            self.hand_down(group, &children, tx);
            freed.extend(children.iter().map(|&child| self.label(self.number(child))));
            // The attributes they were handed keep them as they are.
            self.settle();
            self.transfer(&children, parent, Some(group), "ungroup", tx)?;
            self.take_away(group, tx);
        }
        tx.effect.element_id = None;
        self.follow_structure(now, tx)
    }

    /// As [`Session::release`], for elements whose content stays.
    fn release_only(
        &mut self,
        groups: &[NodeId],
        policy: References,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let own: Vec<String> =
            groups.iter().filter_map(|&g| self.document.id(g).map(str::to_owned)).collect();
        let refers = self.referring(groups);
        if refers.iter().any(|(_, reference)| own.contains(&reference.id)) {
            return self.release(groups, policy, "ungroup", tx);
        }
        Ok(())
    }

    /// Gives children what they inherit from their group.
    fn hand_down(&mut self, group: NodeId, children: &[NodeId], tx: &mut Transaction) {
        let style = self.document.attr(group, "style").unwrap_or_default().to_owned();
        let declared: HashMap<String, String> = style
            .split(';')
            .filter_map(|d| d.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        for name in INHERITED {
            let written = self.document.attr(group, name).map(str::to_owned);
            let Some(value) = declared.get(name).cloned().or(written) else { continue };
            for &child in children {
                let own = self.document.attr(child, name).is_some()
                    || self.document.attr(child, "style").is_some_and(|s| {
                        s.split(';').any(|d| d.split(':').next().is_some_and(|n| n.trim() == name))
                    });
                if !own && !matches!(self.document.name(child), Some((Ns::Arx, _))) {
                    self.set(tx, self.number(child), name, Some(&value));
                }
            }
        }
    }

    // ===== duplicate =====

    pub(super) fn duplicate(
        &mut self,
        targets: &[NodeId],
        by: Vec2,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let copies = self.copy_each(targets, tx)?;
        self.settle();
        self.recompile_meaning();
        if by != Vec2::ZERO {
            for &number in &copies {
                let Some(node) = self.node(number) else { continue };
                self.shift(node, by, tx)?;
            }
        }
        self.follow_structure(now, tx)
    }

    /// Puts a copy behind each element, where it is; answers their handles.
    pub(super) fn copy_each(
        &mut self,
        targets: &[NodeId],
        tx: &mut Transaction,
    ) -> Result<Vec<u32>, Error> {
        let mut copies = Vec::new();
        for &node in targets {
            let Some(parent) = self.document.parent(node) else { continue };
            let names = self.new_ids(node);
            let mut next = self.elements.len() as u32;
            let mut fragment = Fragment::of(&self.document, node, |_| {
                next += 1;
                next - 1
            });
            rename(&mut fragment, &names, self, node);
            let place = Place { parent, at: self.document.place(node) + 1 };
            let number = fragment.root().unwrap_or_default();
            self.insert_all(vec![fragment], place, tx)?;
            copies.push(number);
            for (old, new) in names {
                tx.effect.notes.push(Note {
                    code: "id-renamed".to_owned(),
                    element_id: self.document.by_id(&new).map(|n| self.label(self.number(n))),
                    message: format!("the copy of `{old}` is `{new}`"),
                });
            }
        }
        Ok(copies)
    }

    /// A new id for every id in the subtree: the old one with the first number that is free.
    pub(super) fn new_ids(&self, root: NodeId) -> HashMap<String, String> {
        let document = &self.document;
        let mut names: HashMap<String, String> = HashMap::new();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for node in document.descendants(root) {
            let declares = document.arx(node, "object").filter(|id| {
                let object =
                    document.object(id).and_then(|at| document.objects().get(at.0 as usize));
                object.is_some_and(|object| object.node == node)
            });
            for id in document.id(node).into_iter().chain(declares) {
                if names.contains_key(id) {
                    continue;
                }
                let base = match id.rsplit_once('-') {
                    Some((base, n)) if !base.is_empty() && n.parse::<u32>().is_ok() => base,
                    _ => id,
                };
                let free = (2_u32..).map(|n| format!("{base}-{n}")).find(|new| {
                    document.by_id(new).is_none()
                        && document.object(new).is_none()
                        && !taken.contains(new)
                });
                if let Some(new) = free {
                    taken.insert(new.clone());
                    names.insert(id.to_owned(), new);
                }
            }
        }
        names
    }

    /// Moves one element, alone: what it is connected with stays.
    pub(super) fn shift(
        &mut self,
        node: NodeId,
        by: Vec2,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let label = self.label(self.number(node));
        if !placement::is_placed(&self.document, node) {
            return Ok(());
        }
        let drawn = self.document.arx(node, "object").is_some();
        if !drawn
            && let Ok(with) = Placement::read(self.drawing(), node, |n| self.number(n), &label)
        {
            let moved = self.moved(&with, Movement { plane: by, height: 0.0 });
            for (element, name, value) in moved {
                self.set(tx, element, &name, value.as_deref());
            }
            return Ok(());
        }
        let outer = placement::around(self.drawing(), node);
        let own = self.scene.own_transform(&self.document, node);
        let moved = outer.inverse() * Affine::translate(by) * outer * own;
        let written = written_transform(moved);
        self.set(tx, self.number(node), "transform", written.as_deref());
        Ok(())
    }
}

/// Puts new ids in place of the old ones, and follows them where something in the fragment refers
/// to them.
fn rename(
    fragment: &mut Fragment,
    names: &HashMap<String, String>,
    session: &Session,
    root: NodeId,
) {
    if names.is_empty() {
        return;
    }
    let document = &session.document;
    let nodes: Vec<NodeId> = document.descendants(root).collect();
    for (piece, &node) in fragment.pieces.iter_mut().zip(&nodes) {
        let Piece::Element { attributes, .. } = piece else { continue };
        for reference in references::of(document, node) {
            for (name, value) in attributes.iter_mut().filter(|(n, _)| *n == reference.attribute) {
                let is_other = reference.kind == references::Kind::Bare
                    && !session.reads_stated(node, &reference.id);
                if name != "id" && !is_other && names.contains_key(&reference.id) {
                    let one = HashMap::from([(
                        reference.id.clone(),
                        names.get(&reference.id).cloned().unwrap_or_default(),
                    )]);
                    *value = references::renamed(reference.kind, value, &one);
                }
            }
        }
        for (name, value) in attributes.iter_mut() {
            if name == "id"
                && let Some(new) = names.get(value.as_str())
            {
                value.clone_from(new);
            }
        }
    }
}
