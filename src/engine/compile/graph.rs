//! What refers to what in the text that the renderer will read.

use std::collections::HashMap;

use usvg::roxmltree::{Document, Node};

use crate::geometry::css;
use svgx_base::budget::{Budget, Stop};

/// What an element is to the renderer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A shape or a path.
    Shape,
    Text,
    /// A run inside a text.
    Span,
    Image,
    Use,
    /// A group, a nested drawing, a switch.
    Group,
    Symbol,
    Marker,
    Pattern,
    Mask,
    ClipPath,
    Filter,
    Gradient,
    /// A part of a gradient or a filter.
    Part,
    Other,
}

impl Kind {
    fn of(name: &str) -> Kind {
        match name {
            "rect" | "circle" | "ellipse" | "line" | "polyline" | "polygon" | "path" => Kind::Shape,
            "text" => Kind::Text,
            "tspan" | "textPath" => Kind::Span,
            "image" => Kind::Image,
            "use" => Kind::Use,
            "g" | "svg" | "a" | "switch" => Kind::Group,
            "symbol" => Kind::Symbol,
            "marker" => Kind::Marker,
            "pattern" => Kind::Pattern,
            "mask" => Kind::Mask,
            "clipPath" => Kind::ClipPath,
            "filter" => Kind::Filter,
            "linearGradient" | "radialGradient" => Kind::Gradient,
            name if name == "stop" || name.starts_with("fe") => Kind::Part,
            _ => Kind::Other,
        }
    }
}

/// A property that may refer to another element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Link {
    /// As around the element.
    #[default]
    Inherit,
    None,
    /// What fills the element that shows this one.
    ContextFill,
    ContextStroke,
    To(u32),
}

/// An element of the text. Others are named by their place among all elements.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) kind: Kind,
    pub(super) parent: Option<u32>,
    /// One past the last element inside.
    pub(super) end: u32,
    /// Where its tag begins in the text.
    pub(super) at: usize,
    pub(super) hidden: bool,
    pub(super) fill: Link,
    pub(super) stroke: Link,
    /// Start, middle, end.
    pub(super) markers: [Link; 3],
    /// Clip path, mask and filters.
    pub(super) clip: Option<u32>,
    pub(super) mask: Option<u32>,
    pub(super) filters: Vec<u32>,
    pub(super) href: Option<u32>,
    /// Points of its outline, and the vertices where markers stand.
    pub(super) points: u64,
    pub(super) vertices: u64,
    /// Bytes of the text inside, and the same once for each run it is shaped with.
    pub(super) letters: u64,
    pub(super) shaped: u64,
    /// Bytes that the renderer reads anew for each element inside.
    pub(super) long: u64,
    /// Bytes of its picture.
    pub(super) data: u64,
}

/// The elements of a text, in its order.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) elements: Vec<Element>,
    /// References of an element to the pattern, mask or clip path around it,
    /// which the renderer cuts one by one.
    pub(super) own_circles: u64,
}

/// Values up to this long are read in no time.
const SHORT: usize = 256;

impl Graph {
    /// Reads the references of a text. O(text).
    pub(super) fn of(document: &Document<'_>, budget: &Budget) -> Result<Graph, Stop> {
        let mut ids: HashMap<&str, u32> = HashMap::new();
        let mut count = 0_u32;
        for node in document.descendants().filter(Node::is_element) {
            if let Some(id) = node.attribute("id") {
                ids.entry(id).or_insert(count);
            }
            count += 1;
        }
        let mut graph = Graph::default();
        let mut open: Vec<(u32, usize)> = Vec::new();
        for (at, node) in (0_u32..).zip(document.descendants().filter(Node::is_element)) {
            if at % 256 == 0 {
                budget.checkpoint()?;
            }
            let range = node.range();
            while let Some(&(done, _)) = open.last().filter(|(_, end)| *end <= range.start) {
                open.pop();
                if let Some(done) = graph.elements.get_mut(done as usize) {
                    done.end = at;
                }
            }
            let parent = open.last().map(|(parent, _)| *parent);
            let element = graph.read(node, parent, &ids);
            graph.elements.push(element);
            open.push((at, range.end));
        }
        for (left, _) in open {
            if let Some(left) = graph.elements.get_mut(left as usize) {
                left.end = count;
            }
        }
        graph.cut_own_circles();
        Ok(graph)
    }

    pub(super) fn get(&self, at: u32) -> Option<&Element> {
        self.elements.get(at as usize)
    }

    /// The elements directly inside another.
    pub(super) fn children(&self, of: u32) -> impl Iterator<Item = u32> + '_ {
        let end = self.get(of).map_or(0, |e| e.end);
        let mut next = of + 1;
        std::iter::from_fn(move || {
            let child = next;
            next = self.get(child).filter(|_| child < end)?.end.max(child + 1);
            Some(child)
        })
    }

    fn read(&self, node: Node<'_, '_>, parent: Option<u32>, ids: &HashMap<&str, u32>) -> Element {
        let name = node.tag_name().name();
        let mut element = Element {
            kind: Kind::of(name),
            parent,
            end: 0,
            at: node.range().start,
            hidden: false,
            fill: Link::Inherit,
            stroke: Link::Inherit,
            markers: [Link::Inherit; 3],
            clip: None,
            mask: None,
            filters: Vec::new(),
            href: None,
            points: 0,
            vertices: 0,
            letters: 0,
            shaped: 0,
            long: 0,
            data: 0,
        };
        let around = parent.and_then(|p| self.get(p));
        let mut style = None;
        for a in node.attributes() {
            match a.name() {
                "style" => style = Some(a.value()),
                "d" | "points" => {}
                "href" if element.kind == Kind::Image => element.data = a.value().len() as u64,
                "href" => {
                    element.href = a.value().strip_prefix('#').and_then(|id| ids.get(id)).copied();
                }
                // As an attribute the renderer does not know it.
                "marker" => {}
                name => element.set(name, a.value(), around, ids),
            }
        }
        for d in style.map(css::declarations).unwrap_or_default() {
            element.set(&d.name, &d.value, around, ids);
        }
        if element.kind == Kind::Shape {
            (element.points, element.vertices) = size(node, name);
        }
        if element.kind == Kind::Text {
            (element.letters, element.shaped) = letters(node);
        }
        element
    }

    /// The renderer leaves out what refers to the very thing it lies in.
    fn cut_own_circles(&mut self) {
        let ends: Vec<u32> = self.elements.iter().map(|e| e.end).collect();
        let inside =
            |at: u32, of: u32| ends.get(of as usize).is_some_and(|end| (of..*end).contains(&at));
        let mut cut = 0;
        for (at, element) in (0_u32..).zip(&mut self.elements) {
            for link in [&mut element.fill, &mut element.stroke] {
                if matches!(link, Link::To(of) if inside(at, *of)) {
                    *link = Link::None;
                    cut += 1;
                }
            }
            for link in [&mut element.clip, &mut element.mask] {
                if link.is_some_and(|of| inside(at, of)) {
                    *link = None;
                    cut += 1;
                }
            }
            let before = element.filters.len();
            element.filters.retain(|of| !inside(at, *of));
            cut += before - element.filters.len();
            if element.kind != Kind::Use && element.href == Some(at) {
                element.href = None;
            }
        }
        self.own_circles = cut as u64;
    }
}

impl Element {
    fn set(&mut self, name: &str, value: &str, around: Option<&Element>, ids: &HashMap<&str, u32>) {
        self.long += value.len().saturating_sub(SHORT) as u64;
        let value = value.trim();
        let one = |inherited: Option<u32>| match value {
            "inherit" => inherited,
            _ => targets(value, ids).next(),
        };
        let link = || match value {
            "inherit" => Link::Inherit,
            "context-fill" => Link::ContextFill,
            "context-stroke" => Link::ContextStroke,
            _ => targets(value, ids).next().map_or(Link::None, Link::To),
        };
        match name {
            "fill" => self.fill = link(),
            "stroke" => self.stroke = link(),
            "marker" => self.markers = [link(); 3],
            "marker-start" => self.markers[0] = link(),
            "marker-mid" => self.markers[1] = link(),
            "marker-end" => self.markers[2] = link(),
            "clip-path" => self.clip = one(around.and_then(|a| a.clip)),
            "mask" => self.mask = one(around.and_then(|a| a.mask)),
            "filter" if value == "inherit" => {
                self.filters = around.map(|a| a.filters.clone()).unwrap_or_default();
            }
            "filter" => self.filters = targets(value, ids).collect(),
            "display" => self.hidden = value == "none",
            _ => {}
        }
    }
}

/// Every `url(#name)` of a value that leads somewhere.
fn targets<'v>(value: &'v str, ids: &'v HashMap<&str, u32>) -> impl Iterator<Item = u32> + 'v {
    value.split("url(").skip(1).filter_map(|rest| {
        let name = rest.split(')').next()?.trim().trim_matches(['"', '\'']).trim();
        ids.get(name.strip_prefix('#')?).copied()
    })
}

/// Bytes of a text, and the same once for each run they are shaped with: the
/// renderer shapes what stands between two given places with the font of each run there.
fn letters(text: Node<'_, '_>) -> (u64, u64) {
    let (mut all, mut shaped, mut line, mut runs) = (0_u64, 0_u64, 0_u64, 0_u64);
    for node in text.descendants() {
        if node.has_attribute("x") || node.has_attribute("y") {
            shaped = shaped.saturating_add(line.saturating_mul(runs));
            (line, runs) = (0, 0);
        }
        if let Some(run) = node.text().filter(|_| node.is_text()) {
            all += run.len() as u64;
            line += run.len() as u64;
            runs += 1;
        }
    }
    (all, shaped.saturating_add(line.saturating_mul(runs)))
}

/// Points and vertices of a shape, as the renderer will find them.
fn size(node: Node<'_, '_>, name: &str) -> (u64, u64) {
    use svgtypes::SimplePathSegment as Segment;
    match name {
        "path" => {
            let data = node.attribute("d").unwrap_or_default();
            let segments = svgtypes::SimplifyingPathParser::from(data).map_while(Result::ok);
            segments.fold((0, 0), |(points, vertices), segment| {
                let more = match segment {
                    Segment::CurveTo { .. } => 3,
                    Segment::Quadratic { .. } => 2,
                    _ => 1,
                };
                (points + more, vertices + 1)
            })
        }
        "polyline" | "polygon" => {
            let data = node.attribute("points").unwrap_or_default();
            let count = svgtypes::PointsParser::from(data).count() as u64 + 1;
            (count, count)
        }
        "line" => (2, 2),
        // Corners and circles are up to four curves and lines.
        _ => (20, 10),
    }
}
