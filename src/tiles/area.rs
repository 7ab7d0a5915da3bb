//! What is painted, in straight lines: curves become lines here, once.

use std::sync::Arc;

use kurbo::{Affine, BezPath, CubicBez, ParamCurve as _, PathEl, Point, QuadBez, Rect};

use crate::painter::Painter;

/// How far lines may be from a curve, in pixels.
pub(crate) const FLATNESS: f64 = 0.1;
/// Lines that a curve becomes at most.
const MOST_LINES: f64 = 2_048.0;

/// What is painted, in pixels from the origin of the drawing.
#[derive(Clone, Debug)]
pub(crate) enum Area {
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

/// Polygons that are being drawn.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    origin: Point,
    points: Vec<[f32; 2]>,
    starts: Vec<u32>,
}

impl Pen {
    pub(crate) fn with_capacity(points: usize) -> Pen {
        Pen { points: Vec::with_capacity(points), ..Pen::default() }
    }

    /// Begins another polygon.
    pub(crate) fn begin(&mut self, first: Point) {
        match self.points.is_empty() {
            // Bytes of a point hold a drawing's detail only near to what it counts from.
            true => self.origin = first,
            false => self.starts.push(self.points.len() as u32),
        }
        self.go(first);
    }

    /// Draws a line.
    pub(crate) fn go(&mut self, to: Point) {
        let from = to - self.origin;
        self.points.push([from.x as f32, from.y as f32]);
    }

    /// Draws a curve of a degree as lines of equal steps, as many as Wang's formula says: they
    /// are nowhere further than `tolerance` from it. `bend` is the largest second difference of
    /// its control points.
    fn curve(&mut self, degree: f64, bend: f64, tolerance: f64, at: impl Fn(f64) -> Point) {
        let steps = (degree * (degree - 1.0) / 8.0 * bend / tolerance).sqrt().ceil();
        // What is no number is one line.
        let steps = steps.clamp(1.0, MOST_LINES) as u32;
        (1..=steps).for_each(|step| self.go(at(f64::from(step) / f64::from(steps))));
    }

    pub(crate) fn finish(self) -> Polygons {
        let Pen { origin, points, starts } = self;
        Polygons { origin, points: points.into(), starts: starts.into() }
    }
}

impl Polygons {
    /// Of what a path encloses where `place` leads to. All its parts are taken as closed.
    fn of(path: &BezPath, place: Affine) -> Polygons {
        let far = extent(path.control_box()) * stretch(place);
        // Of what is enormous little is seen.
        let tolerance = FLATNESS.max(far * 1e-6);
        let mut pen = Pen::with_capacity(path.elements().len() * 2);
        let (mut start, mut last, mut is_closed) = (Point::ZERO, Point::ZERO, false);
        for el in path.elements().iter().map(|el| place * *el) {
            if is_closed && !matches!(el, PathEl::MoveTo(_) | PathEl::ClosePath) {
                pen.begin(start);
            }
            is_closed = false;
            match el {
                PathEl::MoveTo(p) => {
                    start = p;
                    pen.begin(p);
                }
                PathEl::LineTo(p) => pen.go(p),
                PathEl::QuadTo(a, p) => {
                    let bend = ((last - a) - (a - p)).hypot();
                    let curve = QuadBez::new(last, a, p);
                    pen.curve(2.0, bend, tolerance, |t| curve.eval(t));
                }
                PathEl::CurveTo(a, b, p) => {
                    let bends = [(last - a) - (a - b), (a - b) - (b - p)].map(|v| v.hypot());
                    let curve = CubicBez::new(last, a, b, p);
                    pen.curve(3.0, bends[0].max(bends[1]), tolerance, |t| curve.eval(t));
                }
                PathEl::ClosePath => is_closed = true,
            }
            last = el.end_point().unwrap_or(start);
        }
        pen.finish()
    }

    /// Adds them to a path.
    pub(crate) fn draw(&self, path: &mut BezPath) {
        let mut from = 0;
        let ends = self.starts.iter().map(|&start| start as usize).chain([self.points.len()]);
        for end in ends {
            let corners = self.points.get(from..end).unwrap_or_default();
            from = end;
            if let Some((&first, rest)) = corners.split_first() {
                let corner = |[x, y]: [f32; 2]| Point::new(f64::from(x), f64::from(y));
                path.extend([PathEl::MoveTo(corner(first))]);
                path.extend(rest.iter().map(|&next| PathEl::LineTo(corner(next))));
                path.extend([PathEl::ClosePath]);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn origin(&self) -> Point {
        self.origin
    }

    fn bytes(&self) -> usize {
        size_of::<Polygons>() + size_of_val(&*self.points) + size_of_val(&*self.starts)
    }
}

impl Area {
    /// What a path encloses where `place` leads to.
    pub(crate) fn of(path: &BezPath, place: Affine) -> Area {
        let mut short = [PathEl::ClosePath; 6];
        let placed = short.get_mut(..path.elements().len());
        let rect = placed.filter(|_| !path.elements().iter().any(is_curve)).and_then(|placed| {
            for (placed, el) in placed.iter_mut().zip(path.elements()) {
                *placed = place * *el;
            }
            upright(placed)
        });
        rect.map_or_else(|| Area::Polygons(Arc::new(Polygons::of(path, place))), Area::Upright)
    }

    pub(crate) fn is_finite(&self) -> bool {
        match self {
            Area::Upright(rect) | Area::Ring(rect, _) => rect.is_finite(),
            Area::Polygons(_) => true,
        }
    }

    pub(crate) fn paint(
        &self,
        painter: &mut Painter,
        (x, y): (f64, f64),
        even_odd: bool,
        colour: [u8; 4],
    ) {
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

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Area::Upright(_) | Area::Ring(..) => 0,
            Area::Polygons(polygons) => polygons.bytes(),
        }
    }
}

/// The rectangle that a path is, if it is an upright one.
pub(crate) fn upright(path: &[PathEl]) -> Option<Rect> {
    let (start, rest) = match path {
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

pub(crate) fn is_curve(el: &PathEl) -> bool {
    matches!(el, PathEl::QuadTo(..) | PathEl::CurveTo(..))
}

/// The longer of what the unit vectors become, times the root of two: never too little.
pub(crate) fn stretch(place: Affine) -> f64 {
    let [a, b, c, d, ..] = place.as_coeffs();
    (a * a + b * b).max(c * c + d * d).sqrt() * std::f64::consts::SQRT_2
}

pub(crate) fn extent(bounds: Rect) -> f64 {
    bounds.width().max(bounds.height())
}
