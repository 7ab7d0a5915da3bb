//! Where everything in a document is.

mod ahead;
mod changes;
mod frame;
mod hit;
mod structure;

use std::collections::HashMap;
use std::sync::OnceLock;

use kurbo::{Affine, BezPath, Point, Rect, Size};
use rstar::{AABB, RTree};

use crate::document::{Document, Limits, NodeId};
use svgx_base::budget::{Budget, Class, Tier};
use svgx_base::deep::{self, Empty};
use svgx_base::deep_span;
use svgx_base::hash::fnv1a_32;

use super::css::{self, Sheet};
use super::curve::Curve;
use super::item::{Entry, Error, Item, Key};
use super::length::Scale;
use super::resolve::{Context, Found, Resolver, Styled};
use super::role::{Role, role};
use super::style::{Special, Style};
use super::viewport::{ViewBox, root_viewbox};
pub use changes::Changes;
pub(super) use hit::winding;
pub use structure::Appearance;

/// The resolved geometry of a document: every shape that is drawn, with its
/// outline, transform and bounds, and an index to find them by place.
///
/// Coordinates are user units of the root's viewBox ("world"); y grows downward.
#[derive(Clone, Debug)]
pub struct Scene {
    /// In the order of painting.
    items: Vec<Item>,
    /// Made when first asked for.
    index: OnceLock<RTree<Entry>>,
    /// For every node its place in the document and the end of its subtree.
    ranks: Vec<u32>,
    ends: Vec<u32>,
    /// For every node a fingerprint of its id, to notice when it changes.
    ids: Vec<u32>,
    sheet: Sheet,
    scale: Scale,
    viewbox: ViewBox,
    /// From what is shown to the `use` elements that show it.
    users: HashMap<NodeId, Vec<NodeId>>,
    cyclic: Vec<NodeId>,
    dangling: Vec<NodeId>,
    depth: usize,
    strange: bool,
    /// The outermost elements that take more than plain ink, and whatever blends.
    units: HashMap<NodeId, Special>,
    /// What has changed since somebody who draws asked last.
    changes: Changes,
    /// What the styles of elements say of their own place and size.
    styled: HashMap<NodeId, Styled>,
    shaped: HashMap<NodeId, (BezPath, bool)>,
    non_scaling: bool,
    /// From what is drawn to its first item; made when first asked for.
    sources: OnceLock<HashMap<NodeId, usize>>,
}

impl Scene {
    /// Resolves a document. O(elements + instances), checks the budget as it goes.
    ///
    /// # Errors
    /// [`Error::Limit`] when `use` multiplies or nests elements beyond the
    /// limits; [`Error::Stopped`] when the budget says so. Bad path data, lengths
    /// and transforms are no errors here: the element is drawn as far as SVG
    /// says, and [`check`](super::check()) reports them.
    pub fn build(document: &Document, limits: &Limits, budget: &Budget) -> Result<Scene, Error> {
        budget.checkpoint()?;
        let span = deep_span!("scene", svgx.shape.count = Empty);
        let (ranks, ends, ids) = number(document);
        let cascade = deep_span!("cascade");
        let sheet = Sheet::of(document);
        drop(cascade);
        let scale = Scale::of(document);
        let viewbox = root_viewbox(document);
        let mut resolver = Resolver::new(document, limits, budget, &sheet, scale, &ranks);
        let resolving = deep_span!("resolve");
        let found = resolver.walk(NodeId::ROOT, root_context(viewbox))?;
        drop(resolving);
        span.record("svgx.shape.count", deep::count(found.items.len()));
        budget.checkpoint()?;
        let non_scaling = found.non_scaling && found.items.iter().any(|item| item.non_scaling);
        let mut scene = Scene {
            items: found.items,
            index: OnceLock::new(),
            ranks,
            ends,
            ids,
            sheet,
            scale,
            viewbox,
            users: HashMap::with_capacity(found.uses.len()),
            cyclic: found.cyclic,
            dangling: found.dangling,
            depth: found.depth,
            strange: found.strange,
            units: HashMap::new(),
            changes: Changes::all(),
            styled: found.styled,
            shaped: found.shaped,
            non_scaling,
            sources: OnceLock::new(),
        };
        for (user, shown) in found.uses {
            scene.users.entry(shown).or_default().push(user);
        }
        scene.add_units(found.units);
        Ok(scene)
    }

    /// Brings the scene up to date after an attribute of `node` was set or
    /// removed. Resolves that subtree again, and what shows it through `use`.
    /// After structural edits see [`Scene::inserted`] and [`Scene::removed`].
    ///
    /// # Errors
    /// [`Error::Limit`]; the scene is then as it was.
    pub fn update(
        &mut self,
        document: &Document,
        node: NodeId,
        limits: &Limits,
    ) -> Result<(), Error> {
        let budget = Budget::unlimited(Class::Ui, Tier::Compute);
        self.changes.note_server(document, node);
        let Some(starts) = self.stale(document, node) else {
            *self = Scene::build(document, limits, &budget)?;
            return Ok(());
        };
        let mut fresh = Vec::new();
        for start in starts {
            fresh.push((start, self.resolve(document, start, limits, &budget)?));
        }
        for (start, found) in fresh {
            self.replace(start, found);
        }
        Ok(())
    }

    /// The subtrees to resolve again when `node` has changed; `None`: all.
    fn stale(&self, document: &Document, node: NodeId) -> Option<Vec<NodeId>> {
        let known = document.node_count() == self.ranks.len()
            && self.ids.get(node.index()) == Some(&fingerprint(document, node))
            && self.is_numbered(document, node);
        let reaches_far =
            node == NodeId::ROOT || self.sheet.looks_at_siblings() || css::is_css(document, node);
        if !known || reaches_far || structure::is_clipping(document, node) {
            return None;
        }
        // A span is resolved with its text, a box with its object.
        let mut start = node;
        let mut around = Some(node);
        while let Some(a) = around {
            // A basic shape is placed in the box of everything inside.
            if super::role(document, a) == super::Role::Text || self.shaped.contains_key(&a) {
                start = a;
            }
            around = document.parent(a);
        }
        if let Some(parent) = document.parent(node)
            && super::is_box(document, node)
        {
            start = parent;
        }
        self.with_users(document, vec![start])
    }

    /// The subtrees, and those of the `use` elements that show one of them or something around
    /// it. `None` where they are too many.
    fn with_users(&self, document: &Document, mut starts: Vec<NodeId>) -> Option<Vec<NodeId>> {
        let mut at = 0;
        // Whoever shows one of these, or something around it.
        while let Some(&start) = starts.get(at).filter(|_| !self.users.is_empty()) {
            at += 1;
            let mut around = Some(start);
            while let Some(a) = around {
                for &user in self.users.get(&a).into_iter().flatten() {
                    // One that was taken out of the tree has no place.
                    if self.is_placed(user) && !starts.contains(&user) {
                        starts.push(user);
                    }
                }
                around = document.parent(a);
            }
            if starts.len() > 64 {
                return None;
            }
        }
        Some(starts)
    }

    /// Whether the subtree still has the places it was numbered with.
    fn is_numbered(&self, document: &Document, node: NodeId) -> bool {
        let (from, to) = self.range(node);
        let places = document.descendants(node).map(|n| self.range(n).0);
        from < to && places.eq(from..to)
    }

    fn index(&self) -> &RTree<Entry> {
        self.index.get_or_init(|| RTree::bulk_load(self.items.iter().map(Item::entry).collect()))
    }

    fn resolve(
        &self,
        document: &Document,
        start: NodeId,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Found, Error> {
        let mut resolver =
            Resolver::new(document, limits, budget, &self.sheet, self.scale, &self.ranks);
        let mut above = Vec::new();
        let mut at = document.parent(start);
        while let Some(n) = at {
            above.push(n);
            at = document.parent(n);
        }
        let mut context = root_context(self.viewbox);
        for n in above.into_iter().rev() {
            match resolver.context_inside(n, context) {
                Some(inside) => context = inside,
                None => return Ok(Found::default()),
            }
        }
        resolver.walk(start, context)
    }

    fn replace(&mut self, start: NodeId, found: Found) {
        let span = self.span(start);
        self.note_change(start, span.clone(), &found);
        if let Some(index) = self.index.get_mut() {
            for item in self.items.get(span.clone()).unwrap_or_default() {
                index.remove(&item.entry());
            }
            for item in &found.items {
                index.insert(item.entry());
            }
        }
        self.items.splice(span, found.items);
        let (from, to) = self.range(start);
        let ranks = &self.ranks;
        let outside =
            |n: &NodeId| !ranks.get(n.index()).is_some_and(|rank| (from..to).contains(rank));
        self.cyclic.retain(outside);
        self.dangling.retain(outside);
        self.cyclic.extend(found.cyclic);
        self.dangling.extend(found.dangling);
        self.depth = self.depth.max(found.depth);
        self.strange |= found.strange;
        self.units.retain(|n, _| outside(n));
        self.sources.take();
        // As if it were resolved anew: what is painted must not depend on what was there before.
        self.non_scaling |= found.non_scaling;
        self.non_scaling = self.non_scaling && self.items.iter().any(|item| item.non_scaling);
        self.styled.retain(|n, _| outside(n));
        self.styled.extend(found.styled);
        self.shaped.retain(|n, _| outside(n));
        self.shaped.extend(found.shaped);
        self.add_units(found.units);
        // Uses that are gone stay listed: they cost a vain look, never a wrong answer.
        for (user, shown) in found.uses {
            let users = self.users.entry(shown).or_default();
            if !users.contains(&user) {
                users.push(user);
            }
        }
    }

    /// The places of a node's subtree, from and to (exclusive).
    fn range(&self, node: NodeId) -> (u32, u32) {
        let at = node.index();
        match (self.ranks.get(at), self.ends.get(at)) {
            (Some(&from), Some(&to)) if from != u32::MAX => (from, to),
            _ => (0, 0),
        }
    }

    /// Whether a node was in the tree when it was numbered last.
    fn is_placed(&self, node: NodeId) -> bool {
        self.ranks.get(node.index()).is_some_and(|&rank| rank != u32::MAX)
    }

    /// Where the items of a node's subtree are.
    fn span(&self, node: NodeId) -> std::ops::Range<usize> {
        let (from, to) = self.range(node);
        let start = self.items.partition_point(|i| i.key.rank < from);
        let rest = self.items.get(start..).unwrap_or_default();
        start..start + rest.partition_point(|i| i.key.rank < to)
    }

    fn own(&self, node: NodeId) -> Option<&Item> {
        let (from, to) = self.range(node);
        let key = Key { rank: from, sequence: 0 };
        let at = self.items.binary_search_by_key(&key, |i| i.key).ok()?;
        self.items.get(at).filter(|i| from < to && i.source == node)
    }

    /// The bounds of an element and everything below it, without strokes;
    /// `None` if nothing of it is drawn. Texts are estimated.
    pub fn bounds(&self, node: NodeId) -> Option<Rect> {
        self.items.get(self.span(node))?.iter().map(|i| i.bounds).reduce(|a, b| a.union(b))
    }

    /// The same with strokes, mitres at their longest by default included.
    pub fn painted_bounds(&self, node: NodeId) -> Option<Rect> {
        self.items.get(self.span(node))?.iter().map(Item::reach).reduce(|a, b| a.union(b))
    }

    /// The bounds of everything that is drawn.
    pub fn extent(&self) -> Option<Rect> {
        self.bounds(NodeId::ROOT)
    }

    /// The outlines of shapes that an element shows, those of `use` among them: each in its own
    /// coordinates, with the way from those to the world and whether the even-odd rule says what
    /// is inside. Boxes of texts, pictures and objects are none of them.
    pub fn outlines_shown(
        &self,
        document: &Document,
        node: NodeId,
    ) -> impl Iterator<Item = (&Curve, Affine, bool)> {
        let items = self.items.get(self.span(node)).unwrap_or_default().iter();
        let shapes = items.filter(|i| role(document, i.source) == Role::Shape);
        shapes.map(|i| (&i.outline, i.transform, i.paint.even_odd))
    }

    /// The outline of a shape, of a picture's or text's box, or of an object's
    /// own box, in the element's coordinates.
    pub fn outline(&self, node: NodeId) -> Option<&Curve> {
        self.own(node).map(|i| &i.outline)
    }

    /// From the coordinates of [`outline`](Self::outline) to the world. The
    /// identity for what has no outline of its own.
    pub fn transform(&self, node: NodeId) -> Affine {
        self.own(node).map_or(Affine::IDENTITY, |i| i.transform)
    }

    /// As [`transform`](Self::transform), also for a shape that is drawn by `use` only: that
    /// of its first instance. `None` for what is not drawn.
    pub fn transform_shown(&self, node: NodeId) -> Option<Affine> {
        if let Some(own) = self.own(node) {
            return Some(own.transform);
        }
        (!self.users.is_empty())
            .then(|| self.items.iter().find(|i| i.source == node))?
            .map(|i| i.transform)
    }

    /// The transform of the element itself: by its style, or as written.
    pub fn own_transform(&self, document: &Document, node: NodeId) -> Affine {
        if let Some(styled) = self.styled.get(&node) {
            return styled.transform.unwrap_or_default();
        }
        let written = document.attr(node, "transform");
        written.and_then(|t| super::transform(t).ok()).unwrap_or_default()
    }

    /// What the style of an element says of its place and size.
    pub(crate) fn styled(&self, node: NodeId) -> Option<&Styled> {
        self.styled.get(&node)
    }

    /// The basic shape that an element is cut to, in its own coordinates, and whether it is
    /// filled by the even-odd rule.
    pub(crate) fn shaped(&self, node: NodeId) -> Option<&(BezPath, bool)> {
        self.shaped.get(&node)
    }

    /// Whether a stroke somewhere is as wide as stated in pixels.
    pub(crate) fn has_non_scaling(&self) -> bool {
        self.non_scaling
    }

    /// Whether the style of an element states its transform, so that the attribute is void.
    pub fn is_transform_styled(&self, node: NodeId) -> bool {
        self.styled.get(&node).is_some_and(|styled| styled.own.states_transform())
    }

    /// The outline of a shape where it is first drawn.
    pub(crate) fn shown(&self, node: NodeId) -> Option<&Item> {
        if let Some(own) = self.own(node) {
            return Some(own);
        }
        let sources = self.sources.get_or_init(|| {
            let items = self.items.iter().enumerate().rev();
            items.map(|(at, item)| (item.source, at)).collect()
        });
        self.items.get(*sources.get(&node)?)
    }

    /// What lies under `point` or within `tolerance` of it, topmost first. A
    /// shape without fill is met on its stroke, an instance answers with its
    /// `use`; what is hidden or has `pointer-events: none` is not met.
    pub fn hit(&self, point: Point, tolerance: f64) -> Vec<NodeId> {
        let tolerance = if tolerance.is_finite() { tolerance.max(0.0) } else { 0.0 };
        if !point.is_finite() {
            return Vec::new();
        }
        let area = AABB::from_corners(
            [point.x - tolerance, point.y - tolerance],
            [point.x + tolerance, point.y + tolerance],
        );
        let mut met: Vec<&Item> = self
            .index()
            .locate_in_envelope_intersecting(area)
            .filter_map(|entry| self.item(entry.data))
            .filter(|item| item.meets(point, tolerance))
            .collect();
        met.sort_unstable_by_key(|item| std::cmp::Reverse(item.key));
        let mut nodes: Vec<NodeId> = met.into_iter().map(|i| i.host).collect();
        nodes.dedup();
        nodes
    }

    /// The elements whose painted bounds meet `area`, in the order of painting.
    pub fn region(&self, area: Rect) -> Vec<NodeId> {
        if !area.is_finite() {
            return Vec::new();
        }
        let area = AABB::from_corners([area.x0, area.y0], [area.x1, area.y1]);
        let mut keys: Vec<(u32, u32)> =
            self.index().locate_in_envelope_intersecting(area).map(|e| e.data).collect();
        keys.sort_unstable();
        let mut nodes: Vec<NodeId> =
            keys.into_iter().filter_map(|k| self.item(k)).map(|i| i.host).collect();
        nodes.dedup();
        nodes
    }

    fn item(&self, (rank, sequence): (u32, u32)) -> Option<&Item> {
        let at = self.items.binary_search_by_key(&Key { rank, sequence }, |i| i.key).ok()?;
        self.items.get(at)
    }

    /// How many outlines are drawn, instances counted each.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is drawn.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How user units relate to millimetres.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The root's viewBox, as written or as its size implies.
    pub fn viewbox(&self) -> ViewBox {
        self.viewbox
    }

    /// Deepest nesting, instances included.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// What is drawn, in the order of painting.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether everything drawn is an outline in plain colours.
    pub(crate) fn is_plain(&self) -> bool {
        !self.strange
    }

    /// `use` elements that would show themselves.
    pub(crate) fn cyclic(&self) -> &[NodeId] {
        &self.cyclic
    }

    /// `use` elements that refer to nothing that can be drawn.
    pub(crate) fn dangling(&self) -> &[NodeId] {
        &self.dangling
    }
}

fn root_context(viewbox: ViewBox) -> Context {
    Context {
        transform: Affine::IDENTITY,
        style: Style::default(),
        viewport: Size::new(viewbox.width, viewbox.height),
        clip: 0,
        unit: None,
    }
}

/// Numbers the nodes in document order: places, ends of subtrees, fingerprints of ids.
fn number(document: &Document) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let count = document.node_count();
    let (mut ranks, mut ends, mut ids) = (vec![u32::MAX; count], vec![0; count], vec![0; count]);
    number_from(document, NodeId::ROOT, 0, &mut ranks, &mut ends, &mut ids);
    (ranks, ends, ids)
}

/// Numbers a subtree from `place` on.
fn number_from(
    document: &Document,
    root: NodeId,
    mut place: u32,
    ranks: &mut [u32],
    ends: &mut [u32],
    ids: &mut [u32],
) {
    let mut open: Vec<NodeId> = Vec::new();
    let mut at = Some(root);
    while let Some(node) = at {
        if let (Some(rank), Some(id)) = (ranks.get_mut(node.index()), ids.get_mut(node.index())) {
            (*rank, *id) = (place, fingerprint(document, node));
        }
        place += 1;
        open.push(node);
        at = document.first_child(node);
        while at.is_none() {
            let Some(done) = open.pop() else { break };
            if let Some(end) = ends.get_mut(done.index()) {
                *end = place;
            }
            at = document.next_sibling(done).filter(|_| !open.is_empty());
        }
    }
}

/// A hash of an element's id; 0 without one.
fn fingerprint(document: &Document, node: NodeId) -> u32 {
    let Some(id) = document.id(node) else { return 0 };
    fnv1a_32(id.as_bytes()) | 1
}

#[cfg(test)]
mod tests;
