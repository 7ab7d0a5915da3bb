//! What a stroke covers.

use std::sync::Arc;

use kurbo::{Affine, BezPath, CubicBez, ParamCurve as _, PathEl, Point, Rect, Vec2};
use svgx_engine::compile::Stroke;
use svgx_engine::geometry::{Cap, Join};

use crate::area::{Area, FLATNESS, Pen, Polygons, extent, stretch, upright};

/// How far the curves of a stroke may be from the true ones, in pixels.
const TOLERANCE: f64 = 0.05;
/// Dashes whose period is smaller, in pixels, are a line: there could be millions of them.
const FINEST: f64 = 0.1;
/// Dashes of one outline at most; with more it is a line.
const DASHES: f64 = 20_000.0;
/// Pixels across beyond which curves are made lines before they are stroked: offset curves of
/// enormous ones take for ever.
const HUGE: f64 = 65_536.0;

/// What the stroke of a path covers in the coordinates that `place` leads to.
pub(crate) fn covered(path: &BezPath, place: Affine, stroke: &Stroke) -> Area {
    let stretch = stretch(place);
    if !(stretch.is_finite() && stretch > 0.0) {
        return Area::of(&BezPath::new(), Affine::IDENTITY);
    }
    if let Some(outline) = simple(path, stroke) {
        return Area::of(&outline, place);
    }
    let across = extent(path.control_box()).max(stroke.width);
    let is_huge = across * stretch > HUGE;
    let band = if is_huge { None } else { band(path, place, stretch, stroke) };
    band.map_or_else(
        || Area::of(&expand(path, place, stretch, stroke), place),
        |band| Area::Polygons(Arc::new(band)),
    )
}

/// The rectangle that a whole stroke of one line along an axis covers, where `place` turns nothing and the
/// line has no round ends.
pub(crate) fn of_upright_line(path: &BezPath, place: Affine, stroke: &Stroke) -> Option<Rect> {
    let &[PathEl::MoveTo(p), PathEl::LineTo(q)] = path.elements() else { return None };
    let is_upright = (p.x == q.x) != (p.y == q.y);
    if !is_upright || stroke.cap == Cap::Round || !stroke.dash.is_empty() {
        return None;
    }
    let half = stroke.width / 2.0;
    let beyond = if stroke.cap == Cap::Square { half } else { 0.0 };
    let (wide, high) = if p.y == q.y { (beyond, half) } else { (half, beyond) };
    Some(place.transform_rect_bbox(Rect::from_points(p, q).inflate(wide, high)))
}

/// What the stroke of a smooth curve covers, a door's arc or a circle: what lies between two
/// curves at half the width beside it. `None` where it has corners, caps, dashes or bends more
/// tightly than that.
fn band(path: &BezPath, place: Affine, stretch: f64, stroke: &Stroke) -> Option<Polygons> {
    let half = stroke.width / 2.0;
    let (PathEl::MoveTo(start), rest) = path.elements().split_first()? else { return None };
    let (curves, is_closed) = match rest {
        [curves @ .., PathEl::ClosePath] => (curves, true),
        curves => (curves, false),
    };
    let is_plain = stroke.dash.is_empty() && (is_closed || stroke.cap == Cap::Butt);
    if !is_plain || half.is_nan() || half <= 0.0 || curves.is_empty() {
        return None;
    }
    let (mut left, mut right) = (Vec::with_capacity(16), Vec::with_capacity(16));
    let (mut last, mut first_way, mut last_way) = (*start, None, None::<Vec2>);
    // A gap at a corner of less than this is not seen.
    let turns =
        |a: Vec2, b: Vec2| a.dot(b) <= 0.0 || a.cross(b).abs() * half * stretch > FLATNESS / 2.0;
    for el in curves {
        let PathEl::CurveTo(a, b, end) = *el else { return None };
        let bow = Bow::of(CubicBez::new(last, a, b, end));
        let (way, _) = bow.at(0.0, half)?;
        if last_way.is_some_and(|before| turns(before, way)) {
            return None;
        }
        first_way.get_or_insert(way);
        let steps = bow.steps(half, FLATNESS / stretch)?;
        for step in u32::from(!left.is_empty())..=steps {
            let t = f64::from(step) / f64::from(steps);
            let (way, _) = bow.at(t, half)?;
            let (p, aside) = (bow.curve.eval(t), way.turn_90() * half);
            left.push(place * (p + aside));
            right.push(place * (p - aside));
            last_way = Some(way);
        }
        last = end;
    }
    right.reverse();
    let mut pen = Pen::with_capacity(left.len() * 2);
    if is_closed {
        let (first, end) = (first_way?, last_way?);
        if (last - *start).hypot() * stretch > FLATNESS / 2.0 || turns(end, first) {
            return None;
        }
        for side in [left, right] {
            // It ends where it began.
            let (_, side) = side.split_last()?;
            let (first, rest) = side.split_first()?;
            pen.begin(*first);
            rest.iter().for_each(|p| pen.go(*p));
        }
    } else {
        let (first, rest) = left.split_first()?;
        pen.begin(*first);
        rest.iter().chain(&right).for_each(|p| pen.go(*p));
    }
    Some(pen.finish())
}

/// A cubic curve with what is needed for its direction and its bend.
struct Bow {
    curve: CubicBez,
    /// Control points of its first derivative, and of its second.
    first: [Vec2; 3],
    second: [Vec2; 2],
}

impl Bow {
    fn of(curve: CubicBez) -> Bow {
        let CubicBez { p0, p1, p2, p3 } = curve;
        let first = [(p1 - p0) * 3.0, (p2 - p1) * 3.0, (p3 - p2) * 3.0];
        let second = [(first[1] - first[0]) * 2.0, (first[2] - first[1]) * 2.0];
        Bow { curve, first, second }
    }

    /// The direction, and what a step along the curve beside it turns: the length of the first
    /// derivative squared, times the curvature, times how much longer the curve beside it is.
    /// `None` where it has no direction, or bends so tightly that the curve beside it turns back.
    fn at(&self, t: f64, half: f64) -> Option<(Vec2, f64)> {
        let s = 1.0 - t;
        let [a, b, c] = self.first;
        let along = a * (s * s) + b * (2.0 * s * t) + c * (t * t);
        let change = self.second[0] * s + self.second[1] * t;
        let speed = along.hypot();
        let turn = along.cross(change).abs() / speed;
        let tightness = turn / (speed * speed) * half;
        // Neither does what is no number.
        (tightness < 0.95).then(|| (along / speed, turn * (1.0 + tightness)))
    }

    /// How many lines of equal steps stay within `tolerance` of both curves beside it: the height
    /// of an arc over its chord is an eighth of the turn of the step.
    fn steps(&self, half: f64, tolerance: f64) -> Option<u32> {
        let mut most = 0.0_f64;
        for t in [0.0, 0.25, 0.5, 0.75, 1.0] {
            most = most.max(self.at(t, half)?.1);
        }
        // Between the places that were looked at it may turn a little more.
        let steps = (1.2 * most / (8.0 * tolerance)).sqrt().ceil();
        Some(steps.clamp(1.0, 1_024.0) as u32)
    }
}

/// The outline of a stroke, in the coordinates of the path.
fn expand(path: &BezPath, place: Affine, stretch: f64, stroke: &Stroke) -> BezPath {
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
    if huge {
        let mut lines = BezPath::new();
        let coarse = tolerance.max(extent(bounds) * 1e-5);
        kurbo::flatten(path.iter(), coarse, |el| lines.push(el));
        kurbo::stroke(lines.iter(), &style, &options, tolerance.max(stroke.width * 1e-4))
    } else {
        kurbo::stroke(path.iter(), &style, &options, tolerance)
    }
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
            let border =
                upright(path.elements()).filter(|r| r.width() > 0.0 && r.height() > 0.0)?;
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

#[cfg(test)]
mod tests {
    use kurbo::{Circle, ParamCurveNearest as _, Shape as _};

    use super::*;

    fn stroke(width: f64, cap: Cap) -> Stroke {
        Stroke {
            colour: [0, 0, 0, 255],
            width,
            cap,
            join: Join::Miter,
            miter: 4.0,
            dash: Vec::new(),
            dash_offset: 0.0,
        }
    }

    fn path(d: &str) -> BezPath {
        BezPath::from_svg(d).expect("a path")
    }

    /// The band of a path as a path of its own.
    fn banded(path: &BezPath, place: Affine, stroke: &Stroke) -> Option<BezPath> {
        let polygons = band(path, place, stretch(place), stroke)?;
        let mut outline = BezPath::new();
        polygons.draw(&mut outline);
        outline.apply_affine(Affine::translate(polygons.origin().to_vec2()));
        Some(outline)
    }

    #[test]
    fn a_band_lies_half_a_width_beside_its_curve_and_covers_what_the_library_says() {
        let arc = path("M0 0C55.2 0 100 44.8 100 100");
        let wave = path("M0 0C40 -30 60 -30 100 0C140 30 160 30 200 0");
        let ring = Circle::new((10.0, 20.0), 40.0).to_path(1e-3);
        let turned = Affine::rotate(0.7) * Affine::scale(1.7);
        for (name, path) in [("arc", arc), ("wave", wave), ("ring", ring)] {
            for (width, place) in [(1.0, Affine::IDENTITY), (12.0, turned), (3.0, turned.inverse())]
            {
                let stroke = stroke(width, Cap::Butt);
                let banded = banded(&path, place, &stroke).expect(name);
                let scale = place.determinant().sqrt();
                for point in banded.elements().iter().filter_map(PathEl::end_point) {
                    let point = place.inverse() * point;
                    let near = path.segments().map(|s| s.nearest(point, 1e-9).distance_sq);
                    let beside = near.fold(f64::INFINITY, f64::min).sqrt();
                    assert!((beside - width / 2.0).abs() < 1e-3, "{name}: {beside} of {width}");
                }
                let mut known = expand(&path, place, stretch(place), &stroke);
                known.apply_affine(place);
                let (ours, theirs) = (banded.area().abs(), known.area().abs());
                // No further from it than lines may be from curves, along both sides.
                let most = 2.0 * FLATNESS * scale * path.perimeter(1e-3) + 1e-6;
                assert!((ours - theirs).abs() < most, "{name}: {ours} and {theirs}");
            }
        }
    }

    #[test]
    fn what_is_no_band_is_left_to_the_library() {
        let bent = "M0 0C55.2 0 100 44.8 100 100";
        for (why, d, stroke) in [
            ("a corner", "M0 0C10 0 20 0 30 0C30 10 30 20 30 30", stroke(2.0, Cap::Butt)),
            ("a tight bend", "M0 0C5.52 0 10 4.48 10 10", stroke(30.0, Cap::Butt)),
            ("a cap", bent, stroke(2.0, Cap::Round)),
            ("no direction", "M0 0C0 0 0 0 30 30", stroke(2.0, Cap::Butt)),
            ("a cusp", "M0 0C100 100 0 100 100 0", stroke(9.0, Cap::Butt)),
            ("two parts", "M0 0C9 0 9 9 9 18M0 0C9 0 9 9 9 18", stroke(2.0, Cap::Butt)),
            ("no curve", "M0 0L9 9", stroke(2.0, Cap::Butt)),
            ("open", "M0 0C55.2 0 100 44.8 100 100Z", stroke(2.0, Cap::Butt)),
            ("no number", bent, stroke(f64::NAN, Cap::Butt)),
            ("dashes", bent, Stroke { dash: vec![3.0, 1.0], ..stroke(2.0, Cap::Butt) }),
        ] {
            assert!(banded(&path(d), Affine::IDENTITY, &stroke).is_none(), "{why}");
        }
    }
}
