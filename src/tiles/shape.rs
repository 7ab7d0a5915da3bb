//! Outlines at a zoom: strokes become outlines once.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use foldhash::fast::FixedState;
use kurbo::{Affine, BezPath, PathEl, Point, Rect};
use svgx_engine::compile::{Outline, Stroke};
use svgx_engine::geometry::{Cap, Curve, Join};

use crate::painter::Painter;

/// How far the curves of a stroke may be from the true ones, in pixels.
const TOLERANCE: f64 = 0.05;
/// How far lines may be from a curve, in pixels.
const FLATNESS: f64 = 0.1;
/// Dashes whose period is smaller, in pixels, are a line: there could be millions of them.
const FINEST: f64 = 0.1;
/// Dashes of one outline at most; with more it is a line.
const DASHES: f64 = 20_000.0;
/// Pixels across beyond which curves are made lines before they are stroked: offset curves of
/// enormous ones take for ever.
const HUGE: f64 = 65_536.0;

/// A place in the order of painting: of the element, in the `use` that shows it, in the piece.
pub(crate) type Order = (u32, u32, u32);

/// An outline, and its lines as soon as somebody has made them.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) outline: Outline,
    /// Its place in the order of painting.
    pub(crate) order: Order,
    lines: OnceLock<Lines>,
    /// The lines were made before.
    known: bool,
}

/// An outline in straight lines, in pixels from the origin of the drawing. The rasteriser would
/// flatten curves itself, more coarsely, and not the same in each tile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// What is filled; `None` where it is the outline as it is.
    fill: Option<Area>,
    /// What the stroke covers.
    stroke: Option<Area>,
}

/// What is painted, in pixels from the origin of the drawing.
#[derive(Clone, Debug)]
enum Area {
    /// An upright rectangle, which is painted faster.
    Upright(Rect),
    /// What lies between two of them: the border of a rectangle. It takes no memory of its own.
    Ring(Rect, Rect),
    Polygons(Arc<Polygons>),
}

/// Closed polygons. A path takes seven times as many bytes.
#[derive(Debug)]
pub(crate) struct Polygons {
    /// What the points count from.
    origin: Point,
    points: Box<[[f32; 2]]>,
    /// Where each polygon but the first begins among the points.
    starts: Box<[u32]>,
}

impl Polygons {
    /// Of a path in straight lines.
    fn of(path: &BezPath) -> Polygons {
        let origin = path.control_box().origin();
        let (mut points, mut starts) = (Vec::with_capacity(path.elements().len()), Vec::new());
        for el in path.elements() {
            let Some(p) = el.end_point() else { continue };
            if matches!(el, PathEl::MoveTo(_)) && !points.is_empty() {
                starts.push(points.len() as u32);
            }
            let from = p - origin;
            points.push([from.x as f32, from.y as f32]);
        }
        Polygons { origin, points: points.into(), starts: starts.into() }
    }

    /// Adds them to a path.
    pub(crate) fn draw(&self, path: &mut BezPath) {
        let mut from = 0;
        let ends = self.starts.iter().map(|&start| start as usize).chain([self.points.len()]);
        for end in ends {
            let corners = self.points.get(from..end).unwrap_or_default();
            from = end;
            let mut corners = corners.iter().map(|&[x, y]| (f64::from(x), f64::from(y)));
            if let Some(first) = corners.next() {
                path.move_to(first);
                corners.for_each(|corner| path.line_to(corner));
                path.close_path();
            }
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Polygons>() + size_of_val(&*self.points) + size_of_val(&*self.starts)
    }
}

impl Area {
    fn is_finite(&self) -> bool {
        match self {
            Area::Upright(rect) | Area::Ring(rect, _) => rect.is_finite(),
            Area::Polygons(_) => true,
        }
    }

    fn of(path: BezPath) -> Area {
        match upright(&path) {
            Some(rect) => Area::Upright(rect),
            None => Area::Polygons(Arc::new(Polygons::of(&flat(path)))),
        }
    }

    fn paint(&self, painter: &mut Painter, (x, y): (f64, f64), even_odd: bool, colour: [u8; 4]) {
        let shift = Affine::translate((-x, -y));
        match self {
            Area::Upright(rect) => painter.fill_rect(*rect, shift, colour),
            Area::Ring(outer, inner) => painter.fill_ring(*outer, *inner, shift, colour),
            Area::Polygons(polygons) => {
                let place = shift * Affine::translate(polygons.origin.to_vec2());
                painter.fill_polygons(polygons, place, even_odd, colour);
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Area::Upright(_) | Area::Ring(..) => 0,
            Area::Polygons(polygons) => polygons.bytes(),
        }
    }
}

/// The rectangle that a path is, if it is an upright one.
fn upright(path: &BezPath) -> Option<Rect> {
    let (start, rest) = match path.elements() {
        [PathEl::MoveTo(p), rest @ ..] => (*p, rest),
        _ => return None,
    };
    let [PathEl::LineTo(q), PathEl::LineTo(r), PathEl::LineTo(s), end @ ..] = rest else {
        return None;
    };
    let closes = match end {
        [] | [PathEl::ClosePath] => true,
        [PathEl::LineTo(t)] | [PathEl::LineTo(t), PathEl::ClosePath] => *t == start,
        _ => false,
    };
    let across = start.y == q.y && q.x == r.x && r.y == s.y && s.x == start.x;
    let down = start.x == q.x && q.y == r.y && r.x == s.x && s.y == start.y;
    (closes && (across || down)).then(|| Rect::from_points(start, *r))
}

impl Lines {
    fn of(outline: &Outline, scale: f64) -> Lines {
        let Outline { path, transform, fill, stroke, .. } = outline;
        let place = Affine::scale(scale) * *transform;
        if let Curve::Rectangle(rect) = path
            && let Some(lines) = Lines::of_rectangle(*rect, place, fill.is_some(), stroke.as_ref())
        {
            return lines;
        }
        let path = path.path();
        let is_made = fill.is_some() && is_worth_keeping(path.elements());
        let fill = is_made.then(|| Area::of(place * &*path));
        let stroke = stroke.as_ref().map(|stroke| Area::of(expand(&path, place, stroke)));
        Lines { fill, stroke }
    }

    /// Of a rectangle that stays upright, with a plain border or none: what drawings have most.
    fn of_rectangle(
        rect: Rect,
        place: Affine,
        is_filled: bool,
        stroke: Option<&Stroke>,
    ) -> Option<Lines> {
        let [_, b, c, ..] = place.as_coeffs();
        if b != 0.0 || c != 0.0 {
            return None;
        }
        let shown = |rect: Rect| place.transform_rect_bbox(rect);
        let stroke = match stroke {
            None => None,
            Some(stroke) => {
                let border = rect.abs();
                let sharp = stroke.join == Join::Miter && stroke.miter >= std::f64::consts::SQRT_2;
                let plain = sharp && stroke.dash.is_empty();
                if !plain || border.width() <= 0.0 || border.height() <= 0.0 {
                    return None;
                }
                let half = stroke.width / 2.0;
                let (outer, inner) = (border.inflate(half, half), border.inflate(-half, -half));
                let is_open = inner.x0 < inner.x1 && inner.y0 < inner.y1;
                Some(match is_open {
                    true => Area::Ring(shown(outer), shown(inner)),
                    false => Area::Upright(shown(outer)),
                })
            }
        };
        let fill = is_filled.then(|| Area::Upright(shown(rect)));
        let finite = [&fill, &stroke].into_iter().flatten().all(Area::is_finite);
        finite.then_some(Lines { fill, stroke })
    }

    fn bytes(&self) -> usize {
        [&self.fill, &self.stroke].into_iter().flatten().map(Area::bytes).sum()
    }
}

/// Whether a fill is more than the outline as it is: it has curves, or may be a rectangle.
fn is_worth_keeping(path: &[PathEl]) -> bool {
    path.len() <= 6 || path.iter().any(is_curve)
}

fn is_curve(el: &PathEl) -> bool {
    matches!(el, PathEl::QuadTo(..) | PathEl::CurveTo(..))
}

/// A path in straight lines.
fn flat(path: BezPath) -> BezPath {
    if !path.elements().iter().any(is_curve) {
        return path;
    }
    let far = extent(path.control_box());
    let mut lines = BezPath::with_capacity(path.elements().len() * 4);
    // Of what is enormous little is seen.
    kurbo::flatten(path.iter(), FLATNESS.max(far * 1e-6), |el| lines.push(el));
    lines
}

impl Shape {
    /// An outline whose lines may be known.
    pub(crate) fn new(outline: Outline, order: (u32, u32, u32), known: Option<Lines>) -> Shape {
        let (is_known, lines) = (known.is_some(), OnceLock::new());
        if let Some(known) = known {
            // It is empty.
            let _ = lines.set(known);
        }
        Shape { outline, order, lines, known: is_known }
    }

    /// Paints it where the world is scaled by `scale` and `shift` (pixels) is taken off.
    pub(crate) fn paint(&self, painter: &mut Painter, scale: f64, (x, y): (f64, f64)) {
        let Outline { path, transform, fill, even_odd, stroke, stroke_first, .. } = &self.outline;
        let lines = self.lines.get_or_init(|| Lines::of(&self.outline, scale));
        for fills in [!stroke_first, *stroke_first] {
            match (fills, fill, stroke, &lines.stroke) {
                (true, Some(colour), ..) => match &lines.fill {
                    Some(area) => area.paint(painter, (x, y), *even_odd, *colour),
                    None => {
                        let place = Affine::translate((-x, -y)) * Affine::scale(scale) * *transform;
                        painter.fill(&path.path(), place, *even_odd, *colour);
                    }
                },
                (false, _, Some(stroke), Some(area)) => {
                    area.paint(painter, (x, y), false, stroke.colour);
                }
                _ => {}
            }
        }
    }
}

/// The outline of a stroke in the coordinates that `place` leads to.
fn expand(path: &BezPath, place: Affine, stroke: &Stroke) -> BezPath {
    let [a, b, c, d, ..] = place.as_coeffs();
    // The longer of what the unit vectors become, times the root of two: never too coarse.
    let stretch = (a * a + b * b).max(c * c + d * d).sqrt() * std::f64::consts::SQRT_2;
    if !(stretch.is_finite() && stretch > 0.0) {
        return BezPath::new();
    }
    if let Some(mut outline) = simple(path, stroke) {
        outline.apply_affine(place);
        return outline;
    }
    let tolerance = TOLERANCE / stretch;
    let join = match stroke.join {
        Join::Miter => kurbo::Join::Miter,
        Join::Round => kurbo::Join::Round,
        Join::Bevel => kurbo::Join::Bevel,
    };
    let cap = match stroke.cap {
        Cap::Butt => kurbo::Cap::Butt,
        Cap::Round => kurbo::Cap::Round,
        Cap::Square => kurbo::Cap::Square,
    };
    let mut style = kurbo::Stroke::new(stroke.width)
        .with_join(join)
        .with_caps(cap)
        .with_miter_limit(stroke.miter);
    let period: f64 = stroke.dash.iter().sum();
    let pixels = place.determinant().abs().sqrt();
    let bounds = path.control_box();
    let few = || period > 0.0 && length(path) / period < DASHES;
    // What has no length has no direction: a hair of it does, and gets its caps.
    let hair = stroke.width * 1e-3;
    let is_capped = stroke.cap != Cap::Butt;
    if period * pixels >= FINEST && few() {
        let dash = stroke.dash.iter().map(|n| if is_capped { n.max(hair) } else { *n });
        style = style.with_dashes(stroke.dash_offset, dash);
    }
    let dotted;
    let path = match is_capped && has_dots(path) {
        true => {
            dotted = with_dots(path, hair);
            &dotted
        }
        false => path,
    };
    let options = kurbo::StrokeOpts::default();
    let huge = extent(bounds) * stretch > HUGE || stroke.width * stretch > HUGE;
    let mut outline = if huge {
        let mut lines = BezPath::new();
        let coarse = tolerance.max(extent(bounds) * 1e-5);
        kurbo::flatten(path.iter(), coarse, |el| lines.push(el));
        kurbo::stroke(lines.iter(), &style, &options, tolerance.max(stroke.width * 1e-4))
    } else {
        kurbo::stroke(path.iter(), &style, &options, tolerance)
    };
    outline.apply_affine(place);
    outline
}

/// The outline of what drawings have most, walls and rooms: a line, and the border of an upright
/// rectangle.
fn simple(path: &BezPath, stroke: &Stroke) -> Option<BezPath> {
    if !stroke.dash.is_empty() {
        return None;
    }
    let half = stroke.width / 2.0;
    match *path.elements() {
        [PathEl::MoveTo(p), PathEl::LineTo(q)] if p != q && stroke.cap != Cap::Round => {
            let along = (q - p).normalize() * half;
            let aside = along.turn_90();
            let (p, q) = if stroke.cap == Cap::Square { (p - along, q + along) } else { (p, q) };
            Some(polygon(&[p + aside, q + aside, q - aside, p - aside]))
        }
        [PathEl::MoveTo(_), .., PathEl::ClosePath]
            if stroke.join == Join::Miter && stroke.miter >= std::f64::consts::SQRT_2 =>
        {
            let border = upright(path).filter(|r| r.width() > 0.0 && r.height() > 0.0)?;
            let corners =
                |r: Rect| [(r.x0, r.y0), (r.x1, r.y0), (r.x1, r.y1), (r.x0, r.y1)].map(Point::from);
            let mut outline = polygon(&corners(border.inflate(half, half)));
            let inside = border.inflate(-half, -half);
            if inside.x0 < inside.x1 && inside.y0 < inside.y1 {
                let mut hole = corners(inside);
                hole.reverse();
                outline.extend(polygon(&hole));
            }
            Some(outline)
        }
        _ => None,
    }
}

fn polygon(corners: &[Point; 4]) -> BezPath {
    let [a, b, c, d] = *corners;
    [PathEl::MoveTo(a), PathEl::LineTo(b), PathEl::LineTo(c), PathEl::LineTo(d), PathEl::ClosePath]
        .into_iter()
        .collect()
}

/// Subpaths, each with whether it has no length.
fn subpaths(path: &BezPath) -> impl Iterator<Item = (&[PathEl], bool)> {
    let chunks = path.elements().chunk_by(|_, next| !matches!(next, PathEl::MoveTo(_)));
    chunks.map(|elements| {
        let start = elements.first().and_then(PathEl::end_point);
        let stays = |el: &PathEl| match *el {
            PathEl::MoveTo(p) | PathEl::LineTo(p) => Some(p) == start,
            PathEl::QuadTo(a, p) => Some(p) == start && a == p,
            PathEl::CurveTo(a, b, p) => Some(p) == start && a == p && b == p,
            PathEl::ClosePath => true,
        };
        // A lone move draws nothing.
        (elements, elements.len() > 1 && elements.iter().all(stays))
    })
}

fn has_dots(path: &BezPath) -> bool {
    subpaths(path).any(|(_, is_dot)| is_dot)
}

/// A path whose dots are as long as a hair.
fn with_dots(path: &BezPath, hair: f64) -> BezPath {
    let mut out = BezPath::new();
    for (elements, is_dot) in subpaths(path) {
        match elements.first() {
            Some(PathEl::MoveTo(p)) if is_dot => {
                out.move_to((p.x - hair / 2.0, p.y));
                out.line_to((p.x + hair / 2.0, p.y));
            }
            _ => out.extend(elements.iter().copied()),
        }
    }
    out
}

fn extent(bounds: Rect) -> f64 {
    bounds.width().max(bounds.height())
}

/// At least how long an outline is, roughly: along its control points.
fn length(path: &BezPath) -> f64 {
    kurbo::segments(path.iter())
        .map(|segment| match segment {
            kurbo::PathSeg::Line(l) => (l.p1 - l.p0).hypot(),
            kurbo::PathSeg::Quad(q) => (q.p1 - q.p0).hypot() + (q.p2 - q.p1).hypot(),
            kurbo::PathSeg::Cubic(c) => {
                (c.p1 - c.p0).hypot() + (c.p2 - c.p1).hypot() + (c.p3 - c.p2).hypot()
            }
        })
        .sum()
}

/// Lines that were made before at one zoom.
#[derive(Debug, Default)]
pub(crate) struct Strokes {
    known: HashMap<Key, Known, FixedState>,
    bytes: usize,
    generation: u64,
}

/// The outline and its place.
type Key = (Of, [u64; 6]);

/// An outline: by its address, which is no other's while it is held, or by its corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Of {
    Path(usize),
    Rectangle([u64; 4]),
}

#[derive(Debug)]
struct Known {
    of: Curve,
    stroke: Option<Stroke>,
    lines: Lines,
    used: u64,
}

impl Strokes {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Begins another round of use.
    pub(crate) fn tick(&mut self) {
        self.generation += 1;
    }

    pub(crate) fn find(&mut self, outline: &Outline) -> Option<Lines> {
        let known = self.known.get_mut(&key(outline))?;
        // Its colour does not matter to where it is.
        let same = match (&outline.stroke, &known.stroke) {
            (None, _) => true,
            (Some(wanted), Some(known)) => known.is_along(wanted),
            (Some(_), None) => false,
        };
        let filled = outline.fill.is_none()
            || known.lines.fill.is_some()
            || !is_worth_keeping(&outline.path.elements());
        if !(same && filled) {
            return None;
        }
        known.used = self.generation;
        Some(known.lines.clone())
    }

    /// Keeps what was made of shapes.
    pub(crate) fn keep_all(&mut self, shapes: &[Shape]) {
        self.known.reserve(shapes.iter().filter(|shape| !shape.known).count());
        shapes.iter().for_each(|shape| self.keep(shape));
    }

    fn keep(&mut self, shape: &Shape) {
        let Some(lines) = shape.lines.get().filter(|lines| !shape.known && lines.bytes() > 0)
        else {
            return;
        };
        let known = Known {
            of: shape.outline.path.clone(),
            stroke: shape.outline.stroke.clone(),
            lines: lines.clone(),
            used: self.generation,
        };
        self.bytes += known.bytes();
        if let Some(old) = self.known.insert(key(&shape.outline), known) {
            self.bytes -= old.bytes();
        }
    }

    /// Forgets what was not used of late, until at most `most` bytes are left.
    pub(crate) fn shrink(&mut self, most: usize) {
        let mut age = 64;
        while self.bytes > most {
            let oldest = self.generation.saturating_sub(age);
            let bytes = &mut self.bytes;
            self.known.retain(|_, known| {
                let stays = age > 0 && known.used >= oldest;
                if !stays {
                    *bytes -= known.bytes();
                }
                stays
            });
            if age == 0 {
                break;
            }
            age /= 4;
        }
    }
}

impl Known {
    fn bytes(&self) -> usize {
        self.lines.bytes() + self.of.bytes() + size_of::<(Key, Known)>()
    }
}

fn key(outline: &Outline) -> Key {
    let place = outline.transform.as_coeffs().map(f64::to_bits);
    let of = match &outline.path {
        Curve::Path(path) => Of::Path(Arc::as_ptr(path) as usize),
        Curve::Rectangle(r) => Of::Rectangle([r.x0, r.y0, r.x1, r.y1].map(f64::to_bits)),
    };
    (of, place)
}
