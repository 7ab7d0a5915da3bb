//! What a drawing multiplies, counted before the renderer expands it.
//!
//! `use`, markers, patterns, masks, clip paths and filters show other
//! elements, and those others again: two kilobytes can ask for more shapes than
//! memory holds. The renderer expands all of it in one call that nothing can
//! stop. So the sums are made first, on the very text it will read, without
//! expanding: what a reference shows is counted once for each set of
//! properties it inherits, and the count is kept. No sharing between two places
//! is assumed, for painting shares nothing either. Sums saturate.

use std::collections::HashMap;

use svgx_base::budget::{Budget, Stop};

use super::graph::{Element, Graph, Kind, Link};

/// What the renderer makes of an element and of everything it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Shapes, groups, texts, runs and parts of gradients and filters.
    pub(super) elements: u64,
    /// Points of outlines.
    pub(super) points: u64,
    /// Bytes of text, and the same once for each run they are shaped with.
    pub(super) letters: u64,
    pub(super) shaped: u64,
    /// Bytes kept for each element anew.
    pub(super) bytes: u64,
    /// References to gradients, patterns, masks, clip paths and filters.
    pub(super) servers: u64,
}

impl Cost {
    fn add(&mut self, other: Cost) {
        self.add_times(other, 1);
    }

    fn add_times(&mut self, other: Cost, times: u64) {
        let add = |sum: &mut u64, n: u64| *sum = sum.saturating_add(n.saturating_mul(times));
        add(&mut self.elements, other.elements);
        add(&mut self.points, other.points);
        add(&mut self.letters, other.letters);
        add(&mut self.shaped, other.shaped);
        add(&mut self.bytes, other.bytes);
        add(&mut self.servers, other.servers);
    }
}

/// What the renderer will take to read and convert a text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// Nanoseconds, about.
    pub(super) steps: u64,
    /// Bytes held.
    pub(super) bytes: u64,
    /// Where in the text most of it comes from.
    pub(super) heaviest: usize,
}

/// Why there is no count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Stopped(Stop),
    /// What lies at this place of the text shows itself.
    Circle(usize),
    /// Nested deeper than this, at a place of the text.
    Deep(usize),
    /// More elements than may be counted, at a place of the text.
    Many(usize),
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Refusal {
        Refusal::Stopped(stop)
    }
}

/// Levels that a reference counts for: the renderer takes several calls for one.
const REFERENCE: u64 = 4;

/// Bytes kept for each byte of a long value: a list of fonts becomes a list of words.
const LONG: u64 = 20;

/// Counts what the renderer will make of a text. At most `most` elements are
/// looked at, and `deepest` levels.
pub(super) fn reading(
    graph: &Graph,
    most: u64,
    deepest: u64,
    budget: &Budget,
) -> Result<Reading, Refusal> {
    let mut tree =
        Tree { graph, budget, deepest, level: 0, looked: 0, most, known: HashMap::new() };
    let expanded = tree.of(0)?;
    let scanned = tree.scanned(expanded)?;
    let mut counter = Counter {
        graph,
        budget,
        most,
        deepest,
        looked: 0,
        level: 0,
        deepest_seen: 0,
        references: 0,
        place: 0,
        heaviest: (0, 0),
        open: vec![0; graph.elements.len()],
        cut: u64::MAX,
        known: HashMap::new(),
    };
    let cost = counter.shown(0, Surroundings::default())?;
    let mul = u64::saturating_mul;
    // Nanoseconds and bytes, measured on drawings of one kind each.
    let steps = [
        mul(expanded.nodes, 600),
        mul(cost.elements, 2_500 + mul(expanded.height, 60)),
        mul(cost.points, 60),
        mul(cost.letters, 500),
        mul(cost.shaped, 2_000),
        mul(cost.bytes, 6),
        // The renderer compares every server with every other.
        mul(cost.servers, 500 + cost.servers / 4),
        mul(mul(scanned, 5), graph.own_circles.saturating_add(1)),
    ];
    let bytes = [
        mul(expanded.nodes, 500),
        mul(cost.elements, 1_200),
        mul(cost.points, 32),
        mul(cost.letters, 1_200),
        cost.bytes,
        mul(cost.servers, 400),
    ];
    Ok(Reading {
        steps: steps.into_iter().fold(0, u64::saturating_add),
        bytes: bytes.into_iter().fold(0, u64::saturating_add),
        heaviest: counter.heaviest.1,
    })
}

/// The tree the renderer reads, with `use` expanded.
struct Tree<'g> {
    graph: &'g Graph,
    budget: &'g Budget,
    deepest: u64,
    level: u64,
    looked: u64,
    most: u64,
    /// `None` while it is being counted.
    known: HashMap<u32, Option<Expanded>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Expanded {
    nodes: u64,
    height: u64,
    /// Elements inside a pattern, mask, clip path or filter, for each of them.
    inside: u64,
    /// References, whose targets are searched for circles.
    links: u64,
    /// The same inside a pattern, mask, clip path or filter, for each of them.
    links_inside: u64,
}

impl Tree<'_> {
    fn of(&mut self, at: u32) -> Result<Expanded, Refusal> {
        let Some(element) = self.graph.get(at) else { return Ok(Expanded::default()) };
        self.looked += 1;
        if self.looked.is_multiple_of(256) {
            self.budget.checkpoint()?;
        }
        if self.looked > self.most {
            return Err(Refusal::Many(element.at));
        }
        self.level += 1;
        if self.level > self.deepest {
            return Err(Refusal::Deep(element.at));
        }
        let paints =
            [element.fill, element.stroke].into_iter().filter(|l| matches!(l, Link::To(_)));
        let links = paints.count() + element.filters.len();
        let links =
            links + usize::from(element.clip.is_some()) + usize::from(element.mask.is_some());
        let mut sum = Expanded { nodes: 1, links: links as u64, ..Expanded::default() };
        let used = element.href.filter(|_| element.kind == Kind::Use);
        for inner in self.graph.children(at).chain(used) {
            let inner = match used == Some(inner) {
                true => self.target(inner, element.at)?,
                false => self.of(inner)?,
            };
            sum.nodes = sum.nodes.saturating_add(inner.nodes);
            sum.height = sum.height.max(inner.height);
            sum.inside = sum.inside.saturating_add(inner.inside);
            sum.links = sum.links.saturating_add(inner.links);
            sum.links_inside = sum.links_inside.saturating_add(inner.links_inside);
        }
        sum.height += 1;
        if matches!(element.kind, Kind::Pattern | Kind::Mask | Kind::ClipPath | Kind::Filter) {
            sum.inside = sum.inside.saturating_add(sum.nodes);
            sum.links_inside = sum.links_inside.saturating_add(sum.links);
        }
        self.level -= 1;
        Ok(sum)
    }

    /// What a `use` shows; counted once.
    fn target(&mut self, at: u32, place: usize) -> Result<Expanded, Refusal> {
        match self.known.get(&at) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => return Err(Refusal::Circle(place)),
            None => {}
        }
        self.known.insert(at, None);
        let sum = self.of(at)?;
        self.known.insert(at, Some(sum));
        Ok(sum)
    }

    /// What the renderer looks at in search of circles: everything inside of
    /// patterns and the like, and for each reference there all it leads to.
    fn scanned(&mut self, all: Expanded) -> Result<u64, Refusal> {
        let mut largest = 0;
        let graph = self.graph;
        for element in &graph.elements {
            let paints = [element.fill, element.stroke].map(|link| match link {
                Link::To(to) => Some(to),
                _ => None,
            });
            let links = paints.into_iter().chain([element.clip, element.mask]).flatten();
            for to in links.chain(element.filters.iter().copied()) {
                largest = largest.max(self.target(to, element.at)?.nodes);
            }
        }
        let own = all.inside.saturating_mul(4);
        Ok(own.saturating_add(all.links_inside.saturating_mul(largest)))
    }
}

/// What an element inherits that may refer to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Surroundings {
    fill: Link,
    stroke: Link,
    markers: [Link; 3],
    /// What `context-fill` and `context-stroke` stand for.
    context: [Link; 2],
    long: u64,
    /// Inside a clip path nothing but outlines counts.
    clips: bool,
}

impl Surroundings {
    /// As seen by what is inside an element.
    fn inside(self, element: &Element) -> Surroundings {
        let resolve = |own: Link, around: Link| match own {
            Link::Inherit => around,
            Link::ContextFill => self.context[0],
            Link::ContextStroke => self.context[1],
            own => own,
        };
        let [start, mid, end] = element.markers;
        Surroundings {
            fill: resolve(element.fill, self.fill),
            stroke: resolve(element.stroke, self.stroke),
            markers: [
                resolve(start, self.markers[0]),
                resolve(mid, self.markers[1]),
                resolve(end, self.markers[2]),
            ],
            long: self.long.saturating_add(element.long),
            ..self
        }
    }
}

struct Counter<'g> {
    graph: &'g Graph,
    budget: &'g Budget,
    most: u64,
    deepest: u64,
    looked: u64,
    level: u64,
    deepest_seen: u64,
    /// References that are open.
    references: u64,
    /// Where the outermost open reference stands.
    place: usize,
    heaviest: (u64, usize),
    /// For every element the level it is open at; 0 if it is not.
    open: Vec<u64>,
    /// The outermost level that a marker was cut at, because it was open there.
    cut: u64,
    known: HashMap<(u32, Surroundings), (Cost, u64)>,
}

impl Counter<'_> {
    /// An element where it stands.
    fn shown(&mut self, at: u32, around: Surroundings) -> Result<Cost, Refusal> {
        let graph = self.graph;
        let Some(element) = graph.get(at).filter(|e| !e.hidden) else { return Ok(Cost::default()) };
        if self.references == 0 {
            self.place = element.at;
        }
        let inside = around.inside(element);
        self.enter(at, 1)?;
        let own = Cost { elements: 1, bytes: inside.long.saturating_mul(LONG), ..Cost::default() };
        let mut cost = Cost::default();
        match element.kind {
            Kind::Group => {
                cost.add(own);
                for child in graph.children(at) {
                    cost.add(self.shown(child, inside)?);
                }
            }
            Kind::Shape => {
                cost.add(Cost { points: element.points, ..own });
                cost.add(self.paints(inside)?);
                cost.add(self.markers(element, inside)?);
            }
            Kind::Text => cost.add(self.text(at, own, inside)?),
            Kind::Image => cost.add(Cost { bytes: own.bytes.saturating_add(element.data), ..own }),
            Kind::Use => {
                cost.add_times(own, 2);
                cost.add(self.paints(inside)?);
                let context = [inside.fill, inside.stroke];
                if let Some(target) = element.href {
                    cost.add(self.reference(target, Surroundings { context, ..inside })?);
                }
            }
            _ => {
                self.leave(at, 1);
                return Ok(cost);
            }
        }
        let links = [element.clip, element.mask.filter(|_| !inside.clips)];
        let filters = element.filters.iter().copied().filter(|_| !inside.clips);
        for link in links.into_iter().flatten().chain(filters) {
            cost.add(self.defined(link, inside)?);
        }
        self.leave(at, 1);
        if self.references == 0 && element.kind != Kind::Group && cost.elements > self.heaviest.0 {
            self.heaviest = (cost.elements, element.at);
        }
        Ok(cost)
    }

    fn look(&mut self) -> Result<(), Refusal> {
        self.looked += 1;
        if self.looked.is_multiple_of(256) {
            self.budget.checkpoint()?;
        }
        match self.looked > self.most {
            true => Err(Refusal::Many(self.place)),
            false => Ok(()),
        }
    }

    fn enter(&mut self, at: u32, levels: u64) -> Result<(), Refusal> {
        self.look()?;
        self.level += levels;
        self.deepest_seen = self.deepest_seen.max(self.level);
        if self.level > self.deepest {
            return Err(Refusal::Deep(self.place));
        }
        if let Some(open) = self.open.get_mut(at as usize) {
            *open = self.level;
        }
        Ok(())
    }

    fn leave(&mut self, at: u32, levels: u64) {
        self.level -= levels;
        if let Some(open) = self.open.get_mut(at as usize) {
            *open = 0;
        }
    }

    fn paints(&mut self, inside: Surroundings) -> Result<Cost, Refusal> {
        let mut cost = Cost::default();
        for link in [inside.fill, inside.stroke] {
            if let Link::To(server) = link
                && !inside.clips
            {
                cost.add(self.defined(server, inside)?);
            }
        }
        Ok(cost)
    }

    /// Markers stand at the start, at every vertex between, and at the end.
    fn markers(&mut self, element: &Element, inside: Surroundings) -> Result<Cost, Refusal> {
        let mut cost = Cost::default();
        let times = [1, element.vertices.saturating_sub(2), 1];
        for (link, times) in inside.markers.into_iter().zip(times) {
            if let Link::To(marker) = link
                && times > 0
                && !inside.clips
                && self.graph.get(marker).is_some_and(|m| m.kind == Kind::Marker)
            {
                let context = [inside.fill, inside.stroke];
                let shown = self.defined(marker, Surroundings { context, ..inside })?;
                cost.add_times(shown, times);
                // Each is a group with a clip path, and looks at the whole outline's ends.
                cost.add_times(Cost { elements: 1, servers: 1, ..Cost::default() }, times);
            }
        }
        Ok(cost)
    }

    fn text(&mut self, at: u32, own: Cost, inside: Surroundings) -> Result<Cost, Refusal> {
        let graph = self.graph;
        let Some(text) = graph.get(at) else { return Ok(own) };
        let mut cost = Cost { letters: text.letters, shaped: text.shaped, ..own };
        cost.add(self.paints(inside)?);
        let mut spans = vec![(at, inside)];
        while let Some((span, inside)) = spans.pop() {
            for child in graph.children(span) {
                let Some(element) = graph.get(child).filter(|e| e.kind == Kind::Span) else {
                    continue;
                };
                self.look()?;
                let inside = inside.inside(element);
                let along = element.href.and_then(|path| graph.get(path));
                let points = along.map_or(0, |p| p.points.saturating_mul(20));
                let bytes = inside.long.saturating_mul(LONG);
                cost.add(Cost { bytes, points, ..own });
                cost.add(self.paints(inside)?);
                spans.push((child, inside));
            }
        }
        Ok(cost)
    }

    /// What stands in its own surroundings: a server, a mask, a marker.
    fn defined(&mut self, at: u32, from: Surroundings) -> Result<Cost, Refusal> {
        let graph = self.graph;
        let mut around = Vec::new();
        let mut above = graph.get(at).and_then(|e| e.parent);
        while let Some(parent) = above {
            around.push(parent);
            above = graph.get(parent).and_then(|e| e.parent);
        }
        let start = Surroundings { context: from.context, clips: from.clips, ..Default::default() };
        let around = around.into_iter().rev().filter_map(|at| graph.get(at));
        let mut around = around.fold(start, Surroundings::inside);
        around.clips |= graph.get(at).is_some_and(|e| e.kind == Kind::ClipPath);
        let mut cost = self.reference(at, around)?;
        cost.servers = cost.servers.saturating_add(1);
        Ok(cost)
    }

    /// What a reference shows, counted once for each set of surroundings.
    fn reference(&mut self, at: u32, around: Surroundings) -> Result<Cost, Refusal> {
        let graph = self.graph;
        let Some(element) = graph.get(at) else { return Ok(Cost::default()) };
        let level = self.open.get(at as usize).copied().unwrap_or_default();
        if level > 0 {
            // A marker is not shown inside itself: a sheet may give every path one.
            return match element.kind {
                Kind::Marker => {
                    self.cut = self.cut.min(level);
                    Ok(Cost::default())
                }
                _ => Err(Refusal::Circle(element.at)),
            };
        }
        if let Some((cost, depth)) = self.known.get(&(at, around)).copied() {
            self.deepest_seen = self.deepest_seen.max(self.level.saturating_add(depth));
            return match self.level.saturating_add(depth) > self.deepest {
                true => Err(Refusal::Deep(self.place)),
                false => Ok(cost),
            };
        }
        let cut = std::mem::replace(&mut self.cut, u64::MAX);
        let deepest = std::mem::replace(&mut self.deepest_seen, self.level);
        self.references += 1;
        let cost = self.content(at, element, around)?;
        self.references -= 1;
        let depth = self.deepest_seen - self.level;
        // What was cut because of something still open counts for more elsewhere.
        if self.cut > self.level {
            self.known.insert((at, around), (cost, depth));
            self.cut = u64::MAX;
        }
        self.cut = self.cut.min(cut);
        self.deepest_seen = self.deepest_seen.max(deepest);
        Ok(cost)
    }

    fn content(
        &mut self,
        at: u32,
        element: &Element,
        around: Surroundings,
    ) -> Result<Cost, Refusal> {
        let graph = self.graph;
        match element.kind {
            Kind::Symbol | Kind::Marker | Kind::Mask | Kind::ClipPath => {
                let mut cost = Cost { elements: 1, ..Cost::default() };
                self.enter(at, REFERENCE)?;
                let inside = around.inside(element);
                for child in graph.children(at) {
                    cost.add(self.shown(child, inside)?);
                }
                let again = match element.kind {
                    Kind::Mask => element.mask,
                    _ => element.clip,
                };
                if let Some(again) = again {
                    cost.add(self.defined(again, inside)?);
                }
                self.leave(at, REFERENCE);
                Ok(cost)
            }
            Kind::Pattern | Kind::Gradient | Kind::Filter => {
                self.enter(at, REFERENCE)?;
                let bytes = element.long.saturating_mul(LONG);
                let mut cost = Cost { elements: 1, bytes, ..Cost::default() };
                if graph.children(at).next().is_some() {
                    let inside = around.inside(element);
                    for child in graph.children(at) {
                        cost.add(match graph.get(child).map(|c| c.kind) {
                            // A stop is a few bytes; a primitive has parts of its own.
                            Some(Kind::Part) if element.kind == Kind::Gradient => {
                                Cost { bytes: 24, ..Cost::default() }
                            }
                            Some(Kind::Part) => {
                                let parts = graph.children(child).count() as u64;
                                let long = graph.get(child).map_or(0, |c| c.long);
                                let bytes = long.saturating_mul(LONG);
                                Cost { elements: 1 + parts, bytes, ..Cost::default() }
                            }
                            _ => self.shown(child, inside)?,
                        });
                    }
                }
                // What is missing is looked up along the chain, for each property.
                if let Some(next) = element.href {
                    cost.add(self.defined(next, around)?);
                }
                self.leave(at, REFERENCE);
                Ok(cost)
            }
            _ => {
                self.level += REFERENCE;
                let cost = self.shown(at, around);
                self.level -= REFERENCE;
                cost
            }
        }
    }
}
