//! Subtrees that come, go and move: what of the scene follows without resolving all of it.
//!
//! Places in the document are numbers without gaps, so what stands behind the edit moves on; that
//! is one addition for each. What is resolved is the subtree, what shows it through `use`, and
//! the text, basic shape or object around it. Edits that may reach further resolve everything:
//! style sheets, rules that look at siblings, clip paths, and ids that somebody refers to.

use super::{Scene, css, number_from};
use crate::document::{Document, Limits, NodeId};
use crate::geometry::item::{Error, Key};
use crate::geometry::{Role, is_box, role};
use svgx_base::budget::{Budget, Class, Tier};

impl Scene {
    /// Brings the scene up to date after `node` has come into the tree. Answers whether all of it
    /// had to be resolved again.
    ///
    /// # Errors
    /// [`Error::Limit`]; the scene then lacks what came.
    pub fn inserted(
        &mut self,
        document: &Document,
        node: NodeId,
        limits: &Limits,
    ) -> Result<bool, Error> {
        let named = document.descendants(node).any(|n| document.id(n).is_some());
        let awaited = named && !self.dangling.is_empty();
        let Some(parent) = document.parent(node).filter(|_| !awaited) else {
            return self.rebuild(document, limits).map(|()| true);
        };
        if self.reaches_far(document, node, parent) {
            return self.rebuild(document, limits).map(|()| true);
        }
        self.note_restructured(document, node, parent);
        self.open_gap(document, node, parent);
        let mut starts = self.around(document, parent, is_box(document, node));
        if !starts.iter().any(|&start| is_within(document, node, start)) {
            starts.push(node);
        }
        self.resolve_again(document, starts, limits)
    }

    /// Brings the scene up to date after `node` has been taken out from under `parent`. Answers
    /// whether all of it had to be resolved again.
    ///
    /// # Errors
    /// As [`Scene::update`].
    pub fn removed(
        &mut self,
        document: &Document,
        node: NodeId,
        parent: NodeId,
        limits: &Limits,
    ) -> Result<bool, Error> {
        let shown = !self.users.is_empty()
            && document.descendants(node).any(|n| self.users.contains_key(&n));
        if shown || !self.is_placed(node) || self.reaches_far(document, node, parent) {
            return self.rebuild(document, limits).map(|()| true);
        }
        self.note_restructured(document, node, parent);
        self.close_gap(document, node, parent);
        let starts = self.around(document, parent, is_box(document, node));
        self.resolve_again(document, starts, limits)
    }

    /// Resolves everything again.
    ///
    /// # Errors
    /// As [`Scene::build`].
    pub fn rebuild(&mut self, document: &Document, limits: &Limits) -> Result<(), Error> {
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        *self = Scene::build(document, limits, &budget)?;
        Ok(())
    }

    fn resolve_again(
        &mut self,
        document: &Document,
        starts: Vec<NodeId>,
        limits: &Limits,
    ) -> Result<bool, Error> {
        let Some(starts) = self.with_users(document, starts) else {
            return self.rebuild(document, limits).map(|()| true);
        };
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        let mut fresh = Vec::new();
        for start in starts {
            fresh.push((start, self.resolve(document, start, limits, &budget)?));
        }
        for (start, found) in fresh {
            self.replace(start, found);
        }
        Ok(false)
    }

    /// Whether the coming or going of `node` may change what is drawn elsewhere.
    fn reaches_far(&self, document: &Document, node: NodeId, parent: NodeId) -> bool {
        if self.sheet.looks_at_siblings() || is_clipping(document, parent) {
            return true;
        }
        let special = document
            .descendants(node)
            .any(|n| css::is_css(document, n) || matches!(document.name(n), Some((_, "clipPath"))));
        // A clip path may show a shape by its id.
        let named = || document.descendants(node).any(|n| document.id(n).is_some());
        special || (self.clips_by_use(document) && named())
    }

    /// Whether something is cut to a clip path that shows a shape by `use`.
    fn clips_by_use(&self, document: &Document) -> bool {
        self.items.iter().any(|item| item.clip.is_some())
            && document
                .elements()
                .any(|n| matches!(document.name(n), Some((_, "use"))) && is_clipping(document, n))
    }

    /// What around a child of `parent` has to be resolved again: a text, a basic shape that is
    /// placed in the box of what is inside, a switch, an object by its box; the outermost. And
    /// what is shown by `use` together with what is around.
    fn around(&self, document: &Document, parent: NodeId, boxed: bool) -> Vec<NodeId> {
        let mut start = boxed.then_some(parent);
        let mut users = Vec::new();
        for a in std::iter::successors(Some(parent), |&n| document.parent(n)) {
            if matches!(role(document, a), Role::Text | Role::Switch)
                || self.shaped.contains_key(&a)
            {
                start = Some(a);
            }
            let of = self.users.get(&a).into_iter().flatten();
            users.extend(of.copied().filter(|&user| self.is_placed(user)));
        }
        users.extend(start);
        users.sort_unstable();
        users.dedup();
        users
    }

    /// Makes room among the places for the subtree of `node`.
    fn open_gap(&mut self, document: &Document, node: NodeId, parent: NodeId) {
        let count = document.node_count();
        self.ranks.resize(count, u32::MAX);
        self.ends.resize(count, 0);
        self.ids.resize(count, 0);
        let next = document.next_sibling(node).map(|next| self.range(next).0);
        let at = next.unwrap_or_else(|| self.range(parent).1);
        let size = document.descendants(node).count() as u32;
        for (rank, end) in self.ranks.iter_mut().zip(&mut self.ends) {
            if *rank != u32::MAX && *rank >= at {
                *rank += size;
                *end += size;
            }
        }
        for around in std::iter::successors(Some(parent), |&n| document.parent(n)) {
            if let Some(end) = self.ends.get_mut(around.index()) {
                *end += size;
            }
        }
        number_from(document, node, at, &mut self.ranks, &mut self.ends, &mut self.ids);
        let behind = self.items.partition_point(|i| i.key.rank < at);
        for item in self.items.iter_mut().skip(behind) {
            item.key.rank += size;
        }
        if let Some(index) = self.index.get_mut() {
            for entry in index.iter_mut().filter(|entry| entry.data.0 >= at) {
                entry.data.0 += size;
            }
        }
        self.sources.take();
    }

    /// Takes out the items of the subtree of `node`, and its places.
    fn close_gap(&mut self, document: &Document, node: NodeId, parent: NodeId) {
        self.replace(node, super::Found::default());
        let (from, to) = self.range(node);
        let size = to - from;
        for n in document.descendants(node) {
            if let (Some(rank), Some(end)) =
                (self.ranks.get_mut(n.index()), self.ends.get_mut(n.index()))
            {
                (*rank, *end) = (u32::MAX, 0);
            }
        }
        for (rank, end) in self.ranks.iter_mut().zip(&mut self.ends) {
            if *rank != u32::MAX && *rank >= to {
                *rank -= size;
                *end -= size;
            }
        }
        for around in std::iter::successors(Some(parent), |&n| document.parent(n)) {
            if let Some(end) = self.ends.get_mut(around.index()) {
                *end -= size;
            }
        }
        let behind = self.items.partition_point(|i| i.key.rank < to);
        for item in self.items.iter_mut().skip(behind) {
            item.key.rank -= size;
        }
        if let Some(index) = self.index.get_mut() {
            for entry in index.iter_mut().filter(|entry| entry.data.0 >= to) {
                entry.data.0 -= size;
            }
        }
    }

    /// Whether two scenes show the same: outlines, transforms, colours, in the same order. For
    /// tests that hold a scene that followed edits to one that was built anew.
    pub fn shows_as(&self, other: &Scene) -> bool {
        let near = |a: kurbo::Rect, b: kurbo::Rect| {
            let off = |a: f64, b: f64| (a - b).abs() > 1e-6 * (1.0 + a.abs());
            !(off(a.x0, b.x0) || off(a.y0, b.y0) || off(a.x1, b.x1) || off(a.y1, b.y1))
        };
        self.items.len() == other.items.len()
            && self.items.iter().zip(&other.items).all(|(a, b)| {
                near(a.bounds, b.bounds)
                    && near(a.reach(), b.reach())
                    && a.outline.elements().len() == b.outline.elements().len()
                    && a.ink == b.ink
                    && a.clip.is_some() == b.clip.is_some()
                    && a.boxed == b.boxed
            })
    }

    /// How what is drawn of `node` looks, to be compared after an edit that shall keep it.
    pub fn appearance(&self, node: NodeId) -> Appearance {
        let items = self.items.get(self.span(node)).unwrap_or_default();
        let looks = items.iter().map(|item| {
            let near = |v: f64| libm::round(v * 1e4) as i64;
            let b = item.reach();
            let place = [near(b.x0), near(b.y0), near(b.x1), near(b.y1)];
            (place, item.ink, item.paint.visible, item.clip.is_some())
        });
        Appearance { looks: looks.collect() }
    }

    /// Whether the items are in the order of painting, each with a key of its own, and the
    /// index holds them all.
    pub fn is_consistent(&self) -> bool {
        let ordered = self.items.windows(2).all(|w| matches!(w, [a, b] if a.key < b.key));
        let indexed = self.index.get().is_none_or(|index| {
            index.size() == self.items.len()
                && index.iter().all(|entry| {
                    let (rank, sequence) = entry.data;
                    self.items.binary_search_by_key(&Key { rank, sequence }, |i| i.key).is_ok()
                })
        });
        ordered && indexed
    }
}

/// How something is drawn: where, in which colours, and whether it is visible and cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Appearance {
    looks: Vec<([i64; 4], crate::geometry::style::Ink, bool, bool)>,
}

/// Whether `node` is `around` or lies in it.
fn is_within(document: &Document, node: NodeId, around: NodeId) -> bool {
    std::iter::successors(Some(node), |&n| document.parent(n)).any(|n| n == around)
}

/// Whether `node` is a clip path or lies in one.
pub(super) fn is_clipping(document: &Document, node: NodeId) -> bool {
    std::iter::successors(Some(node), |&n| document.parent(n))
        .any(|n| matches!(document.name(n), Some((_, "clipPath"))))
}
