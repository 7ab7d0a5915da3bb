//! What of a scene has changed since somebody who draws it asked last.
//!
//! Whoever keeps a picture of a scene draws again where outlines were and where they are now. What
//! is more than outlines in plain ink is drawn by the group it stands in ([`Scene::units`]), whose
//! place only its painter knows.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;

use kurbo::Rect;
use rstar::AABB;

use super::{Found, Scene};
use crate::document::{Document, NodeId};
use crate::geometry::item::Item;
use crate::geometry::style::Special;

/// Changes that are kept one by one; of more it is only known that there were some.
const KEPT: usize = 1 << 14;

/// What has changed in a scene.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Everything may have changed; the rest is empty then.
    pub all: bool,
    /// Where outlines in plain ink were or are, strokes included, in the world.
    pub areas: Vec<Rect>,
    /// The units that came, went or changed.
    pub units: Vec<NodeId>,
    /// The elements that were resolved again: others may refer to them.
    pub elements: Vec<NodeId>,
    /// A gradient, a mask or the like has changed, or what is in one.
    pub definitions: bool,
}

impl Changes {
    pub(super) fn all() -> Changes {
        Changes { all: true, ..Changes::default() }
    }

    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        let Changes { all, areas, units, elements, definitions } = self;
        !all && !definitions && areas.is_empty() && units.is_empty() && elements.is_empty()
    }

    /// Notes that `node` has changed, where others are drawn with it.
    pub(super) fn note_server(&mut self, document: &Document, node: NodeId) {
        let mut around = std::iter::successors(Some(node), |&n| document.parent(n));
        self.definitions |= !self.all
            && around.any(|n| {
                let name = document.name(n).map(|(_, name)| name);
                matches!(
                    name,
                    Some(
                        "defs"
                            | "linearGradient"
                            | "radialGradient"
                            | "pattern"
                            | "mask"
                            | "clipPath"
                            | "filter"
                            | "marker"
                            | "symbol"
                    )
                )
            });
    }

    fn bound(&mut self) {
        if self.areas.len() + self.units.len() + self.elements.len() > KEPT {
            *self = Changes::all();
        }
    }
}

impl Scene {
    /// What has changed since this was called last; everything, the first time.
    pub fn take_changes(&mut self) -> Changes {
        mem::take(&mut self.changes)
    }

    /// The outermost elements that take more than outlines in plain ink, in no order, with the
    /// first thing that each takes. What stands in one of them is drawn with it.
    pub fn units(&self) -> &HashMap<NodeId, Special> {
        &self.units
    }

    /// Whether something blends with what lies below it, wherever that may come from.
    pub fn blends(&self) -> bool {
        !self.units.is_empty() && self.units.values().any(|&special| special == Special::Blending)
    }

    /// Whether a line somewhere is as wide as stated in pixels, at any scale.
    pub fn has_constant_lines(&self) -> bool {
        self.non_scaling
    }

    /// The place of an element in the order of painting; `None` for what is not in the tree.
    pub fn order(&self, node: NodeId) -> Option<u32> {
        self.ranks.get(node.index()).copied().filter(|&rank| rank != u32::MAX)
    }

    /// The items whose painted bounds meet `area`, in the order of painting.
    pub(crate) fn items_in(&self, area: Rect) -> Vec<&Item> {
        if !area.is_finite() {
            return Vec::new();
        }
        let area = AABB::from_corners([area.x0, area.y0], [area.x1, area.y1]);
        let met = self.index().locate_in_envelope_intersecting(area);
        let mut keys: Vec<(u32, u32)> = met.map(|entry| entry.data).collect();
        keys.sort_unstable();
        keys.into_iter().filter_map(|key| self.item(key)).collect()
    }

    /// Whether an item is drawn with a unit.
    pub(crate) fn unit_of(&self, item: &Item) -> Option<NodeId> {
        let shown = || Some(item.host).filter(|host| self.units.contains_key(host));
        item.unit.or_else(|| (!self.units.is_empty()).then(shown).flatten())
    }

    /// How wide the line around an object is that has a box and draws nothing.
    pub(crate) fn box_line(&self) -> f64 {
        self.viewbox.width.max(self.viewbox.height) / 800.0
    }

    /// The bounds of what is painted for an item.
    pub(crate) fn painted(&self, item: &Item) -> Rect {
        let line = if item.boxed { self.box_line() } else { 0.0 };
        item.reach().inflate(line, line)
    }

    pub(super) fn add_units(&mut self, units: Vec<(NodeId, Special)>) {
        for (unit, special) in units {
            let known = self.units.entry(unit).or_insert(special);
            if special == Special::Blending {
                *known = special;
            }
        }
    }

    /// Notes that `start` is about to show what was found of it, instead of the items in `span`.
    pub(super) fn note_change(&mut self, start: NodeId, span: Range<usize>, found: &Found) {
        if self.changes.all {
            return;
        }
        let mut changes = mem::take(&mut self.changes);
        let (from, to) = self.range(start);
        let inside = |n: &NodeId| self.order(*n).is_some_and(|rank| (from..to).contains(&rank));
        changes.elements.push(start);
        changes.units.extend(found.within);
        changes.units.extend(self.units.keys().copied().filter(inside));
        changes.units.extend(found.units.iter().map(|(unit, _)| *unit));
        let old = self.items.get(span).unwrap_or_default();
        let plain = old.iter().chain(&found.items).filter(|item| item.unit.is_none());
        changes.areas.extend(plain.map(|item| self.painted(item)));
        changes.bound();
        self.changes = changes;
    }

    /// Notes that a child of `parent` came or is about to go: whether the objects around draw
    /// more than their boxes may have changed, and the unit around has.
    pub(super) fn note_restructured(&mut self, document: &Document, node: NodeId, parent: NodeId) {
        self.changes.note_server(document, node);
        self.changes.note_server(document, parent);
        if self.changes.all {
            return;
        }
        let around = || std::iter::successors(Some(parent), |&n| document.parent(n));
        let unit = around().filter(|n| self.units.contains_key(n)).last();
        let boxes = around().filter_map(|n| self.own(n)).filter(|item| item.boxed);
        let boxes: Vec<Rect> = boxes.map(|item| self.painted(item)).collect();
        self.changes.areas.extend(boxes);
        self.changes.units.extend(unit);
    }
}
