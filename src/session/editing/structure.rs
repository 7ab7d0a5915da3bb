//! Elements that come, go and change their places.

use std::collections::BTreeSet;

use kurbo::Affine;
use svgx_engine::document::{NodeId, Ns};

use super::super::error::Error;
use super::super::fragment::Fragment;
use super::super::markup;
use super::super::operation::{Order, References};
use super::super::outcome::Note;
use super::super::placement;
use super::super::record::TreeEdit;
use super::super::references::{self, Kind, Reference};
use super::operations::check_limit;
use super::{SELECTION, Session, Transaction};
use svgx_base::budget::Time;

/// References that one refusal lists.
const LISTED: usize = 16;

/// Where something goes: under a parent, as which of its children.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) parent: NodeId,
    pub(super) at: usize,
}

impl Session {
    /// The elements an operation is about: those that are named, or else the selected ones; in
    /// document order, without the root, and without what lies in another one.
    ///
    /// # Errors
    /// [`Error::UnknownElement`], [`Error::MissingTarget`], [`Error::Unsuitable`].
    pub(super) fn targets(
        &self,
        element_id: Option<&String>,
        element_ids: Option<&Vec<String>>,
        operation: &'static str,
    ) -> Result<Vec<NodeId>, Error> {
        let given = element_ids.map_or(0, Vec::len);
        check_limit("elements of one operation", SELECTION, given)?;
        let mut numbers = Vec::new();
        for id in element_id.into_iter().chain(element_ids.into_iter().flatten()) {
            numbers.push(self.named(id)?);
        }
        if numbers.is_empty() {
            numbers.clone_from(&self.interactive.selected);
        }
        let nodes: BTreeSet<NodeId> = numbers.iter().filter_map(|&n| self.node(n)).collect();
        if nodes.is_empty() {
            return Err(Error::MissingTarget { operation });
        }
        if nodes.contains(&NodeId::ROOT) {
            return Err(self.unsuitable(operation, NodeId::ROOT, "it is the drawing itself"));
        }
        let outermost = |node: &NodeId| {
            let around =
                std::iter::successors(self.document.parent(*node), |&n| self.document.parent(n));
            !around.into_iter().any(|n| nodes.contains(&n))
        };
        let kept: Vec<NodeId> = nodes.iter().copied().filter(outermost).collect();
        if kept.len() == 1 {
            return Ok(kept);
        }
        let kept: BTreeSet<NodeId> = kept.into_iter().collect();
        Ok(self.document.elements().filter(|n| kept.contains(n)).collect())
    }

    pub(super) fn unsuitable(
        &self,
        operation: &'static str,
        node: NodeId,
        reason: impl Into<String>,
    ) -> Error {
        Error::Unsuitable { operation, id: self.label(self.number(node)), reason: reason.into() }
    }

    /// The place that is asked for.
    ///
    /// # Errors
    /// [`Error::BadOperation`] where the parts do not fit each other.
    pub(super) fn place_for(
        &self,
        parent_id: Option<&String>,
        before_id: Option<&String>,
        after_id: Option<&String>,
    ) -> Result<Place, Error> {
        let bad = |reason: &str| Error::BadOperation { reason: reason.to_owned() };
        let find = |id: &String| Ok::<_, Error>(self.node(self.named(id)?).unwrap_or(NodeId::ROOT));
        let parent = parent_id.map(find).transpose()?;
        let (sibling, behind) = match (before_id, after_id) {
            (Some(_), Some(_)) => return Err(bad("before_id and after_id exclude each other")),
            (Some(id), None) => (Some(find(id)?), 0),
            (None, Some(id)) => (Some(find(id)?), 1),
            (None, None) => (None, 0),
        };
        let Some(sibling) = sibling else {
            let parent = parent.unwrap_or(NodeId::ROOT);
            return Ok(Place { parent, at: self.document.children(parent).count() });
        };
        let around = self.document.parent(sibling);
        let around = around.ok_or_else(|| bad("nothing stands beside the drawing itself"))?;
        if parent.is_some_and(|parent| parent != around) {
            return Err(bad("before_id and after_id name a child of parent_id"));
        }
        Ok(Place { parent: around, at: self.document.place(sibling) + behind })
    }

    // ===== add =====

    pub(super) fn add(
        &mut self,
        text: &str,
        place: Place,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        check_limit("bytes in markup", self.limits.bytes, text.len())?;
        let read = markup::read(text, &self.document, place.parent, &self.limits)
            .map_err(Error::Markup)?;
        let mut next = self.elements.len() as u32;
        let mut fragments = Vec::new();
        for &root in &read.roots {
            fragments.push(Fragment::of(&read.document, root, |_| {
                next += 1;
                next - 1
            }));
        }
        self.insert_all(fragments, place, tx)?;
        tx.effect.notes.extend(read.warnings.into_iter().map(|d| Note {
            code: d.code.as_str().to_owned(),
            element_id: None,
            message: d.message,
        }));
        self.follow_structure(now, tx)
    }

    /// Puts fragments into the tree, one behind the other.
    pub(super) fn insert_all(
        &mut self,
        fragments: Vec<Fragment>,
        place: Place,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let parent = self.number(place.parent);
        self.check_room(place.parent, &fragments)?;
        for (at, fragment) in (place.at..).zip(fragments) {
            let root = fragment.root().unwrap_or_default();
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            self.change_tree(tx, TreeEdit::Insert { fragment, parent, at });
            tx.effect.element_id.get_or_insert_with(|| self.label(root));
        }
        Ok(())
    }

    /// Whether the drawing has room for more.
    fn check_room(&self, parent: NodeId, fragments: &[Fragment]) -> Result<(), Error> {
        let limits = &self.limits;
        let more: usize = fragments.iter().map(Fragment::elements).sum();
        let there = self.alive.iter().filter(|alive| **alive).count();
        check_limit("elements in the drawing", limits.elements, there + more)?;
        let level = std::iter::successors(Some(parent), |&n| self.document.parent(n)).count();
        let deep = fragments.iter().map(Fragment::depth).max().unwrap_or(0);
        check_limit("elements nested in each other", limits.depth, level + deep)?;
        let bytes: usize = fragments.iter().map(Fragment::bytes).sum();
        check_limit("bytes in the drawing", limits.bytes, self.bytes.saturating_add(bytes))
    }

    // ===== delete =====

    pub(super) fn delete(
        &mut self,
        targets: &[NodeId],
        policy: References,
        operation: &'static str,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        self.release(targets, policy, operation, tx)?;
        for &node in targets {
            if self.document.parent(node).is_some() {
                self.take_away(node, tx);
            }
        }
        self.drop_constraints(tx);
        self.follow_structure(now, tx)
    }

    pub(super) fn take_away(&mut self, node: NodeId, tx: &mut Transaction) {
        let Some(parent) = self.document.parent(node) else { return };
        let fragment = Fragment::of(&self.document, node, |n| self.number(n));
        let (parent, at) = (self.number(parent), self.document.place(node) as u32);
        tx.effect.element_id.get_or_insert_with(|| self.label(self.number(node)));
        self.change_tree(tx, TreeEdit::Remove { fragment, parent, at });
    }

    /// Takes out what refers to `going` from elsewhere, or refuses.
    pub(super) fn release(
        &mut self,
        going: &[NodeId],
        policy: References,
        operation: &'static str,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let found = self.referring(going);
        if found.is_empty() {
            return Ok(());
        }
        let formula = found.iter().any(|(_, r)| matches!(r.kind, Kind::Formula | Kind::Bare));
        if policy == References::Refuse || formula {
            let by = found.iter().take(LISTED).map(|(node, r)| {
                format!("{} by {} of {}", r.id, r.attribute, self.label(self.number(*node)))
            });
            let by: Vec<String> = by.collect();
            let first = going.first().copied().unwrap_or(NodeId::ROOT);
            if formula && policy == References::Remove {
                return Err(self.unsuitable(
                    operation,
                    first,
                    format!("formulas read it: {}", by.join(", ")),
                ));
            }
            return Err(Error::Referenced { id: self.label(self.number(first)), by });
        }
        for (node, reference) in found {
            if self.document.parent(node).is_none() || !self.document.is_attached(node) {
                continue;
            }
            let label = self.label(self.number(node));
            let whole = matches!(
                self.document.name(node),
                Some((_, "use" | "textPath"))
                    | Some((
                        Ns::Arx,
                        "connection"
                            | "component"
                            | "constraint"
                            | "dimension"
                            | "trigger"
                            | "anchor"
                    ))
            );
            let message = match whole {
                true => {
                    self.take_away(node, tx);
                    format!("it referred to `{}` and is nothing without it", reference.id)
                }
                false => {
                    let value = self.without(node, &reference);
                    let number = self.number(node);
                    self.set(tx, number, &reference.attribute, value.as_deref());
                    format!("`{}` referred to `{}`", reference.attribute, reference.id)
                }
            };
            let code = "reference-removed".to_owned();
            tx.effect.notes.push(Note { code, element_id: Some(label), message });
        }
        // What is told first is what was asked for.
        tx.effect.element_id = None;
        Ok(())
    }

    /// The value of an attribute without a reference; `None` where nothing is left.
    fn without(&self, node: NodeId, reference: &Reference) -> Option<String> {
        let value = super::super::attribute::value(&self.document, node, &reference.attribute)?;
        if reference.attribute != "style" {
            return None;
        }
        let kept = value.split(';').filter(|declaration| {
            !(declaration.contains("url(") && declaration.contains(&format!("#{}", reference.id)))
        });
        let kept = kept.collect::<Vec<_>>().join(";");
        (!kept.trim().is_empty()).then_some(kept)
    }

    /// Who refers to what is in `going`, from elsewhere, in document order.
    pub(super) fn referring(&mut self, going: &[NodeId]) -> Vec<(NodeId, Reference)> {
        let mut ids: Vec<String> = Vec::new();
        for node in going.iter().flat_map(|&root| self.document.descendants(root)) {
            ids.extend(self.document.id(node).map(str::to_owned));
            // A shape may declare the object that it draws.
            let drawn = self.document.arx(node, "object");
            let declared = drawn.filter(|id| {
                self.document.object(id).is_some_and(|at| {
                    self.document.objects().get(at.0 as usize).is_some_and(|o| o.node == node)
                })
            });
            ids.extend(declared.map(str::to_owned));
        }
        if ids.is_empty() {
            return Vec::new();
        }
        let mut numbers = BTreeSet::new();
        let index = self.references();
        for id in &ids {
            numbers.extend(index.candidates(id));
        }
        let inside = |node: NodeId| {
            std::iter::successors(Some(node), |&n| self.document.parent(n))
                .any(|n| going.contains(&n))
        };
        let mut found = Vec::new();
        for node in numbers.into_iter().filter_map(|n| self.node(n)).filter(|&n| !inside(n)) {
            for reference in references::of(&self.document, node) {
                // The longest name that is an id counts: `a.b` is no part of `a` then.
                let longer = reference.kind == Kind::Members && self.names_longer(node, &reference);
                let other = reference.kind == Kind::Bare && !self.reads_stated(node, &reference.id);
                if ids.contains(&reference.id) && !longer && !other {
                    found.push((node, reference));
                }
            }
        }
        found
    }

    fn names_longer(&self, node: NodeId, reference: &Reference) -> bool {
        let start = format!("{}.", reference.id);
        references::of(&self.document, node).iter().any(|other| {
            other.attribute == reference.attribute
                && other.id.starts_with(&start)
                && self.document.by_id(&other.id).is_some()
        })
    }

    /// Drops the active constraints of elements that are gone.
    pub(super) fn drop_constraints(&mut self, tx: &mut Transaction) {
        let document = &self.document;
        let alive = &self.alive;
        let known = |id: &String| {
            let handle = id.strip_prefix('@').and_then(|n| n.parse::<usize>().ok());
            let ends = id.match_indices('.').map(|(at, _)| at).chain([id.len()]);
            handle.is_some_and(|n| alive.get(n).copied().unwrap_or_default())
                || ends.into_iter().any(|end| document.by_id(&id[..end]).is_some())
        };
        let before = self.interactive.constraints.len();
        self.interactive.constraints.retain(|c| c.elements.iter().all(known));
        let gone = before - self.interactive.constraints.len();
        if gone > 0 {
            let message =
                format!("{gone} active constraints related what is gone, and went with it");
            let code = "constraint-removed".to_owned();
            tx.effect.notes.push(Note { code, element_id: None, message });
        }
    }

    // ===== order and parents =====

    pub(super) fn reorder(
        &mut self,
        targets: &[NodeId],
        to: Option<Order>,
        place: Option<Place>,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let mut targets = targets.to_vec();
        let first = targets.first().copied().unwrap_or(NodeId::ROOT);
        let parent = self.document.parent(first).unwrap_or(NodeId::ROOT);
        for &node in &targets {
            if self.document.parent(node) != Some(parent) {
                return Err(self.unsuitable(
                    "reorder",
                    node,
                    "it has another parent than the first",
                ));
            }
        }
        if place.is_some_and(|place| place.parent != parent) {
            return Err(self.unsuitable("reorder", first, "it has another parent; see `reparent`"));
        }
        if matches!(to, Some(Order::Back | Order::Forward)) {
            targets.reverse();
        }
        let mut next = place.map(|place| self.document.child(parent, place.at));
        for &node in &targets {
            let before = match (to, next) {
                (Some(Order::Front), _) => None,
                (Some(Order::Back), _) => {
                    self.document.children(parent).find(|&c| self.document.is_element(c))
                }
                (Some(Order::Forward), _) => match self.next_element(node) {
                    Some(next) => self.next_element(next),
                    None => continue,
                },
                (Some(Order::Backward), _) => {
                    let before =
                        std::iter::successors(self.document.previous_sibling(node), |&n| {
                            self.document.previous_sibling(n)
                        });
                    match before.into_iter().find(|&n| self.document.is_element(n)) {
                        Some(previous) => Some(previous),
                        None => continue,
                    }
                }
                (None, Some(before)) => before,
                (None, None) => {
                    let reason = "`to`, `before_id` or `after_id` is missing".to_owned();
                    return Err(Error::BadOperation { reason });
                }
            };
            if before == Some(node) {
                // It is there; what follows goes behind it.
                next = place.map(|_| self.document.next_sibling(node));
                continue;
            }
            self.carry(node, parent, before, tx);
        }
        tx.effect.element_id = Some(self.label(self.number(first)));
        self.follow_structure(now, tx)
    }

    /// Moves an element under `parent`, before a child of it or to the end.
    pub(super) fn carry(
        &mut self,
        node: NodeId,
        parent: NodeId,
        before: Option<NodeId>,
        tx: &mut Transaction,
    ) {
        let Some(from) = self.document.parent(node) else { return };
        let old = self.document.place(node);
        let mut at = match before {
            Some(before) => self.document.place(before),
            None => self.document.children(parent).count(),
        };
        if from == parent && old < at {
            at -= 1;
        }
        if from == parent && old == at {
            return;
        }
        let from = (self.number(from), old as u32);
        let to = (self.number(parent), at as u32);
        self.change_tree(tx, TreeEdit::Move { element: self.number(node), from, to });
    }

    pub(super) fn reparent(
        &mut self,
        targets: &[NodeId],
        place: Place,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let Place { parent, at } = place;
        for &node in targets {
            let around = std::iter::successors(Some(parent), |&n| self.document.parent(n));
            if around.into_iter().any(|n| n == node) {
                return Err(self.unsuitable("reparent", node, "it would lie in itself"));
            }
            self.check_parent(node, parent, "reparent")?;
        }
        let before = self.document.child(parent, at);
        if before.is_some_and(|before| targets.contains(&before)) {
            let reason = "before_id and after_id name what is moved".to_owned();
            return Err(Error::BadOperation { reason });
        }
        let level = std::iter::successors(Some(parent), |&n| self.document.parent(n)).count();
        let deep = targets.iter().map(|&n| Fragment::of(&self.document, n, |_| 0).depth()).max();
        check_limit("elements nested in each other", self.limits.depth, level + deep.unwrap_or(0))?;
        self.transfer(targets, parent, before, "reparent", tx)?;
        let first = targets.first().copied().unwrap_or(NodeId::ROOT);
        tx.effect.element_id = Some(self.label(self.number(first)));
        self.follow_structure(now, tx)
    }

    /// Moves elements under another parent so that the picture stays, and says where it does
    /// not.
    pub(super) fn transfer(
        &mut self,
        nodes: &[NodeId],
        parent: NodeId,
        before: Option<NodeId>,
        operation: &'static str,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let inside = placement::inside(self.drawing(), parent);
        let mut kept = Vec::new();
        for &node in nodes {
            let transform = self.kept_transform(node, inside, operation)?;
            kept.push((node, transform, self.scene.appearance(node)));
        }
        for (node, transform, _) in &kept {
            if let Some(transform) = transform {
                self.set(tx, self.number(*node), "transform", transform.as_deref());
            }
            self.carry(*node, parent, before, tx);
        }
        self.settle();
        for (node, _, appearance) in kept {
            if self.scene.appearance(node) != appearance {
                let message = "it looks different or is elsewhere: what was inherited, clipped or \
                               matched by a style sheet is not the same under the new parent";
                self.note_inexact(node, message, tx);
            }
        }
        Ok(())
    }

    pub(super) fn note_inexact(&self, node: NodeId, message: &str, tx: &mut Transaction) {
        tx.effect.notes.push(Note {
            code: "not-exact".to_owned(),
            element_id: Some(self.label(self.number(node))),
            message: message.to_owned(),
        });
    }

    /// The `transform` that keeps an element where it is in coordinates that `inside` leads to
    /// the world from; `None` where that is the one it has.
    #[allow(clippy::option_option, reason = "an attribute to be set, which may be to none")]
    fn kept_transform(
        &self,
        node: NodeId,
        inside: Affine,
        operation: &'static str,
    ) -> Result<Option<Option<String>>, Error> {
        if !placement::is_placed(&self.document, node) {
            return Ok(None);
        }
        let outer = placement::around(self.drawing(), node);
        if same(outer, inside) {
            return Ok(None);
        }
        if self.scene.is_transform_styled(node) {
            return Err(self.unsuitable(operation, node, "its style states its transform"));
        }
        if inside.determinant() == 0.0 || !inside.is_finite() {
            return Err(self.unsuitable(operation, node, "the new parent is flattened to nothing"));
        }
        let own = self.scene.own_transform(&self.document, node);
        Ok(Some(written_transform(inside.inverse() * outer * own)))
    }

    /// Whether an element may lie in `parent`: elements of the language keep to their own, and
    /// white space that is content stays what it is.
    pub(super) fn check_parent(
        &self,
        node: NodeId,
        parent: NodeId,
        operation: &'static str,
    ) -> Result<(), Error> {
        let document = &self.document;
        let name = |n: NodeId| document.name(n).unwrap_or((Ns::None, ""));
        let from = document.parent(node).unwrap_or(NodeId::ROOT);
        let is_object = |n: NodeId| {
            matches!(name(n), (Ns::Arx, "object" | "building" | "floor" | "room" | "panel"))
        };
        let into_language = matches!(name(parent), (Ns::Arx, _)) && !is_object(parent);
        let own_place = matches!(name(node), (Ns::Arx, _)) && !is_object(node);
        let fits = match (own_place, into_language) {
            (false, false) => true,
            _ => name(from) == name(parent),
        };
        if !fits {
            let reason = format!("it does not belong into `{}`", name(parent).1);
            return Err(self.unsuitable(operation, node, reason));
        }
        if document.has_space(parent) != document.has_space(from) {
            let reason = "white space is content in one of the parents and layout in the other";
            return Err(self.unsuitable(operation, node, reason));
        }
        Ok(())
    }
}

/// Whether two frames are one, but for rounding.
fn same(a: Affine, b: Affine) -> bool {
    let near = |(a, b): (f64, f64)| (a - b).abs() <= 1e-12 * (1.0 + a.abs().max(b.abs()));
    a.as_coeffs().into_iter().zip(b.as_coeffs()).all(near)
}

/// A transform as it is written; `None` for one that does nothing.
pub(super) fn written_transform(transform: Affine) -> Option<String> {
    let number = |v: f64| {
        // All that a double holds but for its last digit, which is rounding.
        let rounded = format!("{v:.14e}").parse::<f64>().unwrap_or(v);
        let rounded = if rounded.abs() < 1e-12 { 0.0 } else { rounded };
        format!("{rounded}")
    };
    let coefficients = transform.as_coeffs().map(number);
    let [a, b, c, d, e, f] = &coefficients;
    match [a, b, c, d].map(String::as_str) {
        ["1", "0", "0", "1"] if e == "0" && f == "0" => None,
        ["1", "0", "0", "1"] => Some(format!("translate({e} {f})")),
        _ => Some(format!("matrix({})", coefficients.join(" "))),
    }
}
