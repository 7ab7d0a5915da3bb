//! What takes more than outlines in plain ink, for a painter of one's own: texts as outlines, the
//! rest as pieces that the full renderer paints.
//!
//! The units that are asked for ([`Scene::units`]) are written for the renderer with nothing but
//! the groups and definitions around them, so that an edit of one text costs one text.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kurbo::{Affine, BezPath, PathEl, Point, Rect, Size};
use resvg::{tiny_skia, usvg};

use crate::document::{Document, Limits, NodeId};
use crate::geometry::css::Sheet;
use crate::geometry::{Cap, Join, Scene, Special};
use svgx_base::budget::Budget;

use super::display::{Outline, Stroke};
use super::fonts::Fonts;
use super::png::{self, SHALLOW};
use super::raster::Raster;
use super::svg::raster;
use super::{Error, paint};

/// Pieces, and what may matter to them elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    /// The pieces, without those that draw nothing.
    pub pieces: Vec<Piece>,
    /// The ids that anything in the document refers to.
    pub referenced: HashSet<String>,
}

/// What is drawn of one unit.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The element.
    pub unit: NodeId,
    /// What it takes.
    pub special: Special,
    /// Around all that is painted, in the world.
    pub bounds: Rect,
    /// How it is painted.
    pub content: PieceContent,
}

/// How a piece is painted.
#[derive(Clone, Debug)]
pub enum PieceContent {
    /// By outlines in plain colours: most texts.
    Outlines(Arc<[Outline]>),
    /// By the full renderer.
    Picture(Arc<Picture>),
}

/// A piece that the full renderer paints.
#[derive(Debug)]
pub struct Picture {
    tree: Arc<usvg::Tree>,
    /// Which child of which child it is.
    path: Vec<usize>,
    /// From the coordinates of the tree to the world.
    world: Affine,
    /// Whether a pixel may depend on pixels elsewhere.
    filters: bool,
    deep: bool,
}

/// Which units to make pieces of.
#[derive(Clone, Copy, Debug)]
pub enum Units<'u> {
    /// These.
    Some(&'u [NodeId]),
    /// The whole drawing as one piece, which is the root's.
    Whole,
}

/// The units to write for the renderer, and the groups around them.
#[derive(Debug, Default)]
pub(super) struct Only {
    /// In the order of their names.
    units: Vec<NodeId>,
    around: HashSet<NodeId>,
}

impl Only {
    fn new(document: &Document, units: &[NodeId]) -> Only {
        let mut around = HashSet::new();
        for &unit in units {
            let mut at = document.parent(unit);
            while let Some(node) = at.filter(|&node| around.insert(node)) {
                at = document.parent(node);
            }
        }
        let mut units = units.to_vec();
        units.sort_unstable();
        Only { units, around }
    }

    /// The name that the renderer knows a unit by.
    pub(super) fn name(&self, node: NodeId) -> Option<String> {
        self.units.binary_search(&node).ok().map(|at| format!("{MARK}{at}"))
    }

    /// Whether `node` stands beside the units and is none.
    pub(super) fn is_beside(&self, document: &Document, node: NodeId) -> bool {
        !self.around.contains(&node)
            && self.units.binary_search(&node).is_err()
            && document.parent(node).is_some_and(|parent| self.around.contains(&parent))
    }
}

/// What the name of a unit begins with. An id of the drawing may begin so too, but none that is
/// met sooner: units do not stand in each other.
const MARK: &str = "svgx~unit~";

/// The pieces of units, without those that draw nothing. O(elements beside the units and in
/// them), and what the renderer takes to read them.
///
/// `scale` is how many pixels a unit of the world is wide: what depends on pixels, a line of
/// constant width for one, is made for it.
///
/// # Errors
/// As [`png`](super::png()).
pub fn pieces(
    document: &Document,
    scene: &Scene,
    units: Units<'_>,
    scale: f64,
    fonts: &Fonts,
    limits: &Limits,
    budget: &Budget,
) -> Result<Pieces, Error> {
    let only = match units {
        Units::Some([]) => return Ok(Pieces::default()),
        Units::Some(units) => Some(Only::new(document, units)),
        Units::Whole => None,
    };
    let viewbox = scene.viewbox();
    let side = |units: f64| (units * scale).round().clamp(1.0, f64::from(u16::MAX)) as u32;
    let size = (side(viewbox.width), side(viewbox.height));
    let canvas = Size::new(f64::from(size.0), f64::from(size.1));
    let aspect = crate::geometry::AspectRatio::parse("none");
    let view = viewbox.fit(aspect, canvas);
    let sheet = Sheet::of(document);
    let referenced = png::references(document);
    let names = referenced.iter().map(|&name| name.to_owned()).collect();
    let deep = !referenced.is_empty() || scene.depth() > SHALLOW;
    let raster_of = Raster {
        size,
        sheet: &sheet,
        scene,
        view,
        budget,
        referenced,
        only: only.as_ref(),
        layers: None,
        stretched: true,
    };
    let text = raster(document, raster_of)?;
    budget.checkpoint()?;
    let deep = deep || text.depth > SHALLOW;
    let tree =
        png::on_deep_stack(deep, || png::expand(document, &text, size, fonts, limits, budget))?;
    let tree = Arc::new(tree);
    let world = view.inverse();
    let mut found = Vec::new();
    match &only {
        None => {
            let bounds = tree.root().abs_layer_bounding_box();
            found.push((NodeId::ROOT, Vec::new(), bounds));
        }
        Some(only) => find(tree.root(), only, &mut found),
    }
    let mut pieces = Vec::with_capacity(found.len());
    for (unit, path, bounds) in found {
        budget.checkpoint()?;
        let special = match only {
            None => Special::Blending,
            Some(_) => scene.units().get(&unit).copied().unwrap_or(Special::Rendering),
        };
        let corners = (f64::from(bounds.x()), f64::from(bounds.y()));
        let extent = Size::new(f64::from(bounds.width()), f64::from(bounds.height()));
        // Hairlines are drawn a little wider than they are.
        let bounds = Rect::from_origin_size(corners, extent).inflate(1.0, 1.0);
        let bounds = world.transform_rect_bbox(bounds);
        if !bounds.is_finite() {
            continue;
        }
        let Some(group) = group(&tree, &path) else { continue };
        let mut outlines = Vec::new();
        let plain = flatten(group, world, &mut outlines);
        let content = match plain {
            Some(()) => PieceContent::Outlines(outlines.into()),
            None => PieceContent::Picture(Arc::new(Picture {
                tree: Arc::clone(&tree),
                path,
                world,
                filters: has_filters(group),
                deep,
            })),
        };
        pieces.push(Piece { unit, special, bounds, content });
    }
    Ok(Pieces { pieces, referenced: names })
}

type Found = (NodeId, Vec<usize>, usvg::NonZeroRect);

/// Finds the units of a tree. Iterative: the tree may be deep.
fn find(root: &usvg::Group, only: &Only, found: &mut Vec<Found>) {
    let mut open = vec![(root, 0_usize)];
    let mut path: Vec<usize> = Vec::new();
    while let Some((group, next)) = open.last_mut() {
        let at = *next;
        *next += 1;
        match group.children().get(at) {
            None => {
                open.pop();
                path.pop();
            }
            Some(usvg::Node::Group(inner)) => {
                let number = inner.id().strip_prefix(MARK).and_then(|n| n.parse::<usize>().ok());
                match number.and_then(|number| only.units.get(number)) {
                    Some(&unit) => {
                        let mut place = path.clone();
                        place.push(at);
                        found.push((unit, place, inner.abs_layer_bounding_box()));
                    }
                    None => {
                        open.push((inner, 0));
                        path.push(at);
                    }
                }
            }
            Some(_) => {}
        }
    }
}

fn group<'t>(tree: &'t usvg::Tree, path: &[usize]) -> Option<&'t usvg::Group> {
    let mut group = tree.root();
    for &at in path {
        match group.children().get(at)? {
            usvg::Node::Group(inner) => group = inner,
            _ => return None,
        }
    }
    Some(group)
}

pub(super) fn affine(ts: usvg::Transform) -> Affine {
    Affine::new([ts.sx, ts.ky, ts.kx, ts.sy, ts.tx, ts.ty].map(f64::from))
}

/// Takes a group apart into outlines in plain colours; `None` where it takes more.
fn flatten(group: &usvg::Group, world: Affine, into: &mut Vec<Outline>) -> Option<()> {
    let mut open = vec![group.children().iter()];
    while let Some(children) = open.last_mut() {
        match children.next() {
            None => {
                open.pop();
            }
            Some(usvg::Node::Group(inner)) => {
                if inner.should_isolate() {
                    return None;
                }
                open.push(inner.children().iter());
            }
            Some(usvg::Node::Text(text)) => {
                if text.flattened().should_isolate() {
                    return None;
                }
                open.push(text.flattened().children().iter());
            }
            Some(usvg::Node::Path(path)) => {
                if path.is_visible() {
                    into.extend(outline(path, world)?);
                }
            }
            Some(usvg::Node::Image(_)) => return None,
        }
    }
    Some(())
}

/// A path in plain colours; `None` where it takes more, nothing where it draws nothing.
fn outline(path: &usvg::Path, world: Affine) -> Option<Option<Outline>> {
    if !path.rendering_mode().use_shape_antialiasing() {
        return None;
    }
    let colour = |paint: &usvg::Paint, opacity: usvg::Opacity| match paint {
        usvg::Paint::Color(c) => Some([c.red, c.green, c.blue, opacity.to_u8()]),
        _ => None,
    };
    let area = path.data().bounds();
    let mut fill = None;
    if let Some(f) = path.fill()
        && area.width() > 0.0
        && area.height() > 0.0
    {
        fill = Some((colour(f.paint(), f.opacity())?, f.rule() == usvg::FillRule::EvenOdd));
    }
    let mut stroke = None;
    if let Some(s) = path.stroke() {
        stroke = Some(line(s, colour(s.paint(), s.opacity())?));
    }
    if fill.is_none() && stroke.is_none() {
        return Some(None);
    }
    let around = path.abs_stroke_bounding_box();
    let around = Rect::new(
        f64::from(around.left()),
        f64::from(around.top()),
        f64::from(around.right()),
        f64::from(around.bottom()),
    );
    let bounds = world.transform_rect_bbox(around.inflate(1.0, 1.0));
    Some(Some(Outline {
        path: curves(path.data()).into(),
        transform: world * affine(path.abs_transform()),
        bounds,
        fill: fill.map(|(colour, _)| colour).filter(|[.., a]| *a > 0),
        even_odd: fill.is_some_and(|(_, even_odd)| even_odd),
        stroke: stroke.filter(|s| s.colour[3] > 0),
        stroke_first: path.paint_order() == usvg::PaintOrder::StrokeAndFill,
    }))
}

/// A line in one colour.
pub(super) fn line(s: &usvg::Stroke, colour: [u8; 4]) -> Stroke {
    Stroke {
        colour,
        width: f64::from(s.width().get()),
        cap: match s.linecap() {
            usvg::LineCap::Butt => Cap::Butt,
            usvg::LineCap::Round => Cap::Round,
            usvg::LineCap::Square => Cap::Square,
        },
        join: match s.linejoin() {
            // Browsers draw both as the one.
            usvg::LineJoin::Miter | usvg::LineJoin::MiterClip => Join::Miter,
            usvg::LineJoin::Round => Join::Round,
            usvg::LineJoin::Bevel => Join::Bevel,
        },
        miter: f64::from(s.miterlimit().get()),
        dash: s.dasharray().unwrap_or_default().iter().map(|&n| f64::from(n)).collect(),
        dash_offset: f64::from(s.dashoffset()),
    }
}

pub(super) fn curves(path: &tiny_skia::Path) -> BezPath {
    use tiny_skia::PathSegment as Segment;
    let point = |p: tiny_skia::Point| Point::new(f64::from(p.x), f64::from(p.y));
    let segments = path.segments().map(|segment| match segment {
        Segment::MoveTo(p) => PathEl::MoveTo(point(p)),
        Segment::LineTo(p) => PathEl::LineTo(point(p)),
        Segment::QuadTo(a, p) => PathEl::QuadTo(point(a), point(p)),
        Segment::CubicTo(a, b, p) => PathEl::CurveTo(point(a), point(b), point(p)),
        Segment::Close => PathEl::ClosePath,
    });
    segments.collect()
}

fn has_filters(group: &usvg::Group) -> bool {
    let mut open = vec![group];
    while let Some(group) = open.pop() {
        if !group.filters().is_empty() {
            return true;
        }
        let groups = group.children().iter().filter_map(|child| match child {
            usvg::Node::Group(inner) => Some(&**inner),
            _ => None,
        });
        open.extend(groups);
    }
    false
}

impl Picture {
    /// Whether a pixel may depend on pixels elsewhere, as it does under a filter.
    pub fn has_filters(&self) -> bool {
        self.filters
    }

    /// Paints the part of the piece that lies at `origin` (pixels), `size` pixels wide and high,
    /// where the world is scaled by `scale`: premultiplied RGBA, row by row.
    ///
    /// # Errors
    /// [`Error::Stopped`], [`Error::Size`], [`Error::Renderer`].
    pub fn paint(
        &self,
        scale: f64,
        origin: (i32, i32),
        size: (u32, u32),
        budget: &Budget,
    ) -> Result<Vec<u8>, Error> {
        budget.checkpoint()?;
        let group = group(&self.tree, &self.path).ok_or(Error::Size)?;
        let mut pixmap = tiny_skia::Pixmap::new(size.0, size.1).ok_or(Error::Size)?;
        let place = Affine::translate((-f64::from(origin.0), -f64::from(origin.1)))
            * Affine::scale(scale)
            * self.world;
        let [a, b, c, d, e, f] = place.as_coeffs().map(|n| n as f32);
        let place = tiny_skia::Transform::from_row(a, b, c, d, e, f);
        // The root's transform is none; what stands in a group counts from the group.
        let ts = place.pre_concat(group.abs_transform());
        png::on_deep_stack(self.deep, || {
            catch_unwind(AssertUnwindSafe(|| paint::nodes(group, ts, &mut pixmap.as_mut(), budget)))
                .map_err(|_| Error::Renderer("the renderer panicked".to_owned()))?
                .map_err(Error::from)
        })?;
        Ok(pixmap.take())
    }
}
