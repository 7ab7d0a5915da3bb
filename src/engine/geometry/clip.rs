//! Clip paths and viewports, as far as the pointer is concerned: what is cut away is not met.

use std::collections::HashMap;
use std::sync::Arc;

use kurbo::{Affine, BezPath, Point, Rect, Shape};

use crate::document::{Document, NodeId};

use super::basic_shape::{BasicShape, ReferenceBox};
use super::item::Error;
use super::outline::{self, Frame, Side};
use super::own::Own;
use super::resolve::{Context, Found, Resolver};
use super::role::{Role, href, role};
use super::scene::winding;
use super::style::{Cap, Ink, Join};
use super::transform::transform;

/// Segments of a path whose line is measured exactly.
const STROKED: usize = 2_000;
/// Shapes of one clip path that are looked at.
const SHAPES: usize = 1_024;

/// A region, and the one around it.
#[derive(Debug)]
pub(crate) struct Clip {
    around: Option<Arc<Clip>>,
    /// From the world to the coordinates of the outlines.
    inverse: Affine,
    shapes: Arc<Shapes>,
}

/// Outlines, and whether they are filled by the even-odd rule.
type Shapes = Vec<(BezPath, bool)>;

/// The shapes of clip paths, by the viewport that their percentages count from.
pub(super) type ClipPaths = HashMap<(NodeId, u64, u64), Arc<Shapes>>;

impl Clip {
    /// Whether a point of the world is inside of this region and all around it.
    pub(crate) fn contains(&self, point: Point) -> bool {
        let mut at = Some(self);
        while let Some(clip) = at {
            let local = clip.inverse * point;
            let inside = clip.shapes.iter().any(|(outline, even_odd)| {
                let turns = winding(outline.elements(), local);
                if *even_odd { turns % 2 != 0 } else { turns != 0 }
            });
            if !inside {
                return false;
            }
            at = clip.around.as_deref();
        }
        true
    }
}

impl Resolver<'_> {
    /// Cuts to a rectangle of the context's coordinates.
    pub(super) fn clip_to(&mut self, area: Rect, context: &mut Context) {
        self.cut(Arc::new(vec![(area.to_path(0.1), false)]), Affine::IDENTITY, context);
    }

    /// Cuts to what a `clip-path` says; answers what it took. What is no reference to a clip
    /// path cuts nothing.
    pub(super) fn clip(
        &mut self,
        value: &str,
        context: &mut Context,
        frame: Frame,
        area: impl FnOnce() -> Option<BezPath>,
    ) -> usize {
        let document = self.document;
        let Some(node) = target(document, value) else { return 0 };
        let units = document.attr(node, "clipPathUnits");
        let place = match units.map(str::trim) {
            Some("objectBoundingBox") => {
                let Some(area) = area().map(|outline| outline.bounding_box()) else { return 0 };
                Affine::new([area.width(), 0.0, 0.0, area.height(), area.x0, area.y0])
            }
            _ => Affine::IDENTITY,
        };
        let place = place * own_transform(document, node);
        let key = (node, frame.viewport.width.to_bits(), frame.viewport.height.to_bits());
        let known = self.clip_paths.get(&key).cloned();
        let mut took = 1;
        let shapes = known.unwrap_or_else(|| {
            let shapes = Arc::new(shapes(document, node, frame));
            took += shapes.iter().map(|(outline, _)| outline.elements().len()).sum::<usize>();
            self.clip_paths.insert(key, Arc::clone(&shapes));
            shapes
        });
        self.cut(shapes, place, context);
        took
    }

    /// Cuts to a basic shape in the coordinates of `node`; answers its outline, and whether it is
    /// filled by the even-odd rule. `None`: the value is not valid, or the element has no box.
    pub(super) fn clip_to_shape(
        &mut self,
        node: NodeId,
        shape: BasicShape<'_>,
        context: &mut Context,
        outer: Context,
        frame: Frame,
        own: &Own,
    ) -> Result<Option<(BezPath, bool)>, Error> {
        let area = match shape.area {
            ReferenceBox::View => Some(Rect::from_origin_size((0.0, 0.0), frame.viewport)),
            area => self.box_of(node, context, outer, frame, own, area == ReferenceBox::Stroke)?,
        };
        let Some((outline, even_odd)) = area.and_then(|area| shape.outline(area, frame)) else {
            return Ok(None);
        };
        let shapes = Arc::new(vec![(outline.clone(), even_odd)]);
        self.cut(shapes, Affine::IDENTITY, context);
        Ok(Some((outline, even_odd)))
    }

    /// What an element draws, for its box; `None` while a box is measured already.
    fn measure(&mut self, node: NodeId, outer: Context) -> Result<Option<Found>, Error> {
        if self.measuring {
            return Ok(None);
        }
        self.measuring = true;
        let host = self.host;
        let found = self.walk(node, outer);
        (self.measuring, self.host) = (false, host);
        let found = found?;
        // Groups that are measured inside each other cost as much as one endless group.
        let segments = found.items.iter().map(|item| 16 + item.outline.elements().len());
        self.several(segments.sum())?;
        Ok(Some(found))
    }

    /// The bounding box of an element in its own coordinates.
    fn box_of(
        &mut self,
        node: NodeId,
        context: &Context,
        outer: Context,
        frame: Frame,
        own: &Own,
        strokes: bool,
    ) -> Result<Option<Rect>, Error> {
        let document = self.document;
        let style = context.style;
        match role(document, node) {
            Role::Shape => {
                let outline = outline::outline(document, node, frame, own);
                let width = frame.units(style.stroke_width, Side::Diagonal).unwrap_or(0.0);
                let width = if strokes && style.stroke { width } else { 0.0 };
                Ok(outline.and_then(|outline| stroked(&outline, width, &style.ink)))
            }
            Role::Image => {
                let outline = outline::outline(document, node, frame, own);
                Ok(outline.map(|outline| outline.bounding_box()))
            }
            Role::Text => {
                let boxes = outline::text_boxes(document, node, frame, style);
                Ok(boxes.map(|boxes| boxes.bounding_box()))
            }
            _ => {
                let Some(found) = self.measure(node, outer)? else { return Ok(None) };
                let local = context.transform.inverse();
                let boxes = found.items.iter().filter(|item| !item.boxed).filter_map(|item| {
                    let width = if strokes && item.paint.stroke { item.stroke_width } else { 0.0 };
                    let area = stroked(&item.outline.path(), width, &item.ink)?;
                    Some((local * item.transform).transform_rect_bbox(area))
                });
                Ok(boxes.reduce(|a, b| a.union(b)).filter(|r| r.is_finite()))
            }
        }
    }

    fn cut(&mut self, shapes: Arc<Shapes>, place: Affine, context: &mut Context) {
        let around = context.clip.checked_sub(1).and_then(|at| self.clips.get(at)).cloned();
        let inverse = (context.transform * place).inverse();
        self.clips.push(Arc::new(Clip { around, inverse, shapes }));
        context.clip = self.clips.len();
    }
}

/// The bounds of an outline with its line.
fn stroked(outline: &BezPath, width: f64, ink: &Ink) -> Option<Rect> {
    let plain = super::resolve::bounds(outline.elements(), Affine::IDENTITY)?;
    if width <= 0.0 {
        return Some(plain);
    }
    if outline.elements().len() > STROKED {
        return Some(plain.inflate(width / 2.0, width / 2.0));
    }
    let join = match ink.join {
        Join::Miter => kurbo::Join::Miter,
        Join::Round => kurbo::Join::Round,
        Join::Bevel => kurbo::Join::Bevel,
    };
    let cap = match ink.cap {
        Cap::Butt => kurbo::Cap::Butt,
        Cap::Round => kurbo::Cap::Round,
        Cap::Square => kurbo::Cap::Square,
    };
    let line = kurbo::Stroke::new(width)
        .with_join(join)
        .with_caps(cap)
        .with_miter_limit(f64::from(ink.miter));
    let fine = (plain.width().max(plain.height()) * 1e-4).max(1e-3);
    let line = kurbo::stroke(outline.iter(), &line, &kurbo::StrokeOpts::default(), fine);
    let around = super::resolve::bounds(line.elements(), Affine::IDENTITY);
    Some(around.map_or(plain, |around| around.union(plain)))
}

/// The shapes of a clip path, in its own coordinates.
fn shapes(document: &Document, node: NodeId, frame: Frame) -> Shapes {
    let children = document.children(node).filter(|&c| document.is_element(c)).take(SHAPES);
    let shape = |child: NodeId| {
        if document.attr(child, "display") == Some("none") {
            return None;
        }
        let (shape, moved) = shown(document, child, frame);
        let outline = outline::outline(document, shape, frame, &Own::default())?;
        let rule = document.attr(child, "clip-rule").or(document.attr(node, "clip-rule"));
        Some((moved * outline, rule == Some("evenodd")))
    };
    children.filter_map(shape).collect()
}

/// The clip path that a value refers to.
fn target(document: &Document, value: &str) -> Option<NodeId> {
    let inside = value.trim().strip_prefix("url(")?.split(')').next()?;
    let name = inside.trim().trim_matches(['"', '\'']).strip_prefix('#')?;
    let node = document.by_id(name)?;
    matches!(document.name(node), Some((_, "clipPath"))).then_some(node)
}

/// The shape that a child of a clip path shows: itself, or that of a `use`.
fn shown(document: &Document, child: NodeId, frame: Frame) -> (NodeId, Affine) {
    let own = own_transform(document, child);
    if !matches!(document.name(child), Some((_, "use"))) {
        return (child, own);
    }
    let get = |name, side| document.attr(child, name).and_then(|t| frame.value(t, side));
    let x = get("x", outline::Side::Width).unwrap_or(0.0);
    let y = get("y", outline::Side::Height).unwrap_or(0.0);
    match href(document, child).and_then(|id| document.by_id(id)) {
        Some(shape) => (shape, own * Affine::translate((x, y)) * own_transform(document, shape)),
        None => (child, own),
    }
}

fn own_transform(document: &Document, node: NodeId) -> Affine {
    document.attr(node, "transform").and_then(|t| transform(t).ok()).unwrap_or_default()
}
