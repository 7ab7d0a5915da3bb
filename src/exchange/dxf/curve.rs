//! Outlines of lines, true arcs and cubics; y grows upward, as in the file.

use std::f64::consts::{PI, TAU};

use libm::{atan2, cos, sin, sincos};

use super::reason::Reason;

/// A point or vector.
pub(super) type P = [f64; 2];

pub(super) fn add(a: P, b: P) -> P {
    [a[0] + b[0], a[1] + b[1]]
}

pub(super) fn sub(a: P, b: P) -> P {
    [a[0] - b[0], a[1] - b[1]]
}

pub(super) fn scaled(a: P, by: f64) -> P {
    [a[0] * by, a[1] * by]
}

pub(super) fn length(a: P) -> f64 {
    // Coordinates end at 1e12: nothing runs over that `hypot` would have to save.
    (a[0] * a[0] + a[1] * a[1]).sqrt()
}

/// `x' = a x + c y + e`, `y' = b x + d y + f`, in the order of SVG's `matrix(a b c d e f)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine(pub(super) [f64; 6]);

impl Affine {
    pub(super) const IDENTITY: Affine = Affine([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    pub(super) fn vector(&self, v: P) -> P {
        let [a, b, c, d, ..] = self.0;
        [a * v[0] + c * v[1], b * v[0] + d * v[1]]
    }

    pub(super) fn point(&self, p: P) -> P {
        add(self.vector(p), [self.0[4], self.0[5]])
    }

    /// First `inner`, then this.
    pub(super) fn after(&self, inner: &Affine) -> Affine {
        let [a, b, c, d, e, f] = inner.0;
        let ([a, b], [c, d], [e, f]) =
            (self.vector([a, b]), self.vector([c, d]), self.point([e, f]));
        Affine([a, b, c, d, e, f])
    }

    pub(super) fn shifted(&self, by: P) -> Affine {
        let [a, b, c, d, e, f] = self.0;
        Affine([a, b, c, d, e + by[0], f + by[1]])
    }

    /// Whether circles stay circles.
    fn keeps_circles(&self) -> bool {
        let [a, b, c, d, ..] = self.0;
        let (x, y) = (a * a + b * b, c * c + d * d);
        (x - y).abs() <= 1e-14 * (x + y) && (a * c + b * d).abs() <= 1e-14 * (x + y)
    }

    /// Whether turns to the left become turns to the right.
    fn turns_over(&self) -> bool {
        let [a, b, c, d, ..] = self.0;
        a * d - b * c < 0.0
    }

    /// How much lengths grow, on average.
    pub(super) fn scale(&self) -> f64 {
        let [a, b, c, d, ..] = self.0;
        (a * d - b * c).abs().sqrt()
    }
}

/// Object coordinates: the arbitrary axis algorithm of the DXF reference, seen from above. The
/// elevation moves what is tilted.
pub(super) fn plane(normal: [f64; 3], elevation: f64) -> Affine {
    let [x, y, z] = normal;
    let size = (x * x + y * y + z * z).sqrt();
    if size < 1e-12 || (x == 0.0 && y == 0.0 && z > 0.0) {
        return Affine::IDENTITY;
    }
    let [x, y, z] = [x / size, y / size, z / size];
    // Wy × N near the pole, Wz × N elsewhere.
    let [ax, ay, az] =
        if x.abs() < 1.0 / 64.0 && y.abs() < 1.0 / 64.0 { [z, 0.0, -x] } else { [-y, x, 0.0] };
    let size = (ax * ax + ay * ay + az * az).sqrt();
    let [ax, ay, az] = [ax / size, ay / size, az / size];
    let [bx, by] = [y * az - z * ay, z * ax - x * az];
    Affine([ax, ay, bx, by, x * elevation, y * elevation])
}

/// Part of an ellipse: `centre + u cos t + v sin t` for t from `from` to `to`, which may be less.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arc {
    pub(super) centre: P,
    pub(super) u: P,
    pub(super) v: P,
    pub(super) from: f64,
    pub(super) to: f64,
    /// The point at `to`, which is mostly known without asking the angle.
    pub(super) end: P,
}

impl Arc {
    pub(super) fn new(centre: P, u: P, v: P, from: f64, to: f64) -> Arc {
        let mut arc = Arc { centre, u, v, from, to, end: centre };
        arc.end = arc.at(to);
        arc
    }

    pub(super) fn circle(centre: P, radius: f64, from: f64, to: f64) -> Arc {
        Arc::new(centre, [radius, 0.0], [0.0, radius], from, to)
    }

    pub(super) fn at(&self, t: f64) -> P {
        let (s, c) = sincos(t);
        add(self.centre, add(scaled(self.u, c), scaled(self.v, s)))
    }

    fn mapped(&self, by: &Affine) -> Arc {
        if *by == Affine::IDENTITY {
            return *self;
        }
        Arc {
            centre: by.point(self.centre),
            u: by.vector(self.u),
            v: by.vector(self.v),
            end: by.point(self.end),
            ..*self
        }
    }

    fn turns(&self, bounds: &mut Bounds) {
        let (low, sweep) = (self.from.min(self.to), (self.to - self.from).abs());
        for axis in [0, 1] {
            let (u, v) = (self.u[axis], self.v[axis]);
            // Of a circle the angles are known without asking.
            let top = match (u, v) {
                (_, 0.0) => 0.0,
                (0.0, _) => PI / 2.0,
                _ => atan2(v, u),
            };
            let reach = match (u, v) {
                (u, 0.0) => u,
                (0.0, v) => v,
                _ => length([u, v]),
            };
            for (half, reach) in [(0.0, reach), (PI, -reach)] {
                let turns = (top + half - low) / TAU;
                if (turns - turns.floor()) * TAU <= sweep {
                    let mut p = self.end;
                    p[axis] = self.centre[axis] + reach;
                    bounds.add(p);
                }
            }
        }
    }

    /// The principal half axes and the angle of the first, in radians.
    pub(super) fn axes(&self) -> (f64, f64, f64) {
        let (u, v) = (self.u, self.v);
        let (uu, vv, uv) =
            (u[0] * u[0] + u[1] * u[1], v[0] * v[0] + v[1] * v[1], u[0] * v[0] + u[1] * v[1]);
        if (uu - vv).abs() <= 1e-12 * (uu + vv) && uv.abs() <= 1e-12 * (uu + vv) {
            let r = ((uu + vv) / 2.0).sqrt();
            return (r, r, 0.0);
        }
        let t = 0.5 * atan2(2.0 * uv, uu - vv);
        let first = add(scaled(u, cos(t)), scaled(v, sin(t)));
        let second = add(scaled(u, -sin(t)), scaled(v, cos(t)));
        (length(first), length(second), atan2(first[1], first[0]))
    }

    /// Whether it is part of a circle.
    pub(super) fn is_circular(&self) -> bool {
        let (u, v) = (self.u, self.v);
        let size = length(u).max(length(v));
        (length(u) - length(v)).abs() <= 1e-9 * size
            && (u[0] * v[0] + u[1] * v[1]).abs() <= 1e-9 * size * size
    }

    /// Whether it turns counter-clockwise with y upward.
    pub(super) fn is_left(&self) -> bool {
        let turn = self.u[0] * self.v[1] - self.u[1] * self.v[0];
        (turn >= 0.0) == (self.to >= self.from)
    }
}

/// A piece of an outline, from where the last one ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Segment {
    Line(P),
    Arc(Arc),
    /// An arc of a circle, by the tangent of a quarter of the angle that it turns by,
    /// counter-clockwise where positive: most arcs of a drawing are given so and asked for so, and
    /// nothing of that takes an angle.
    Bend(P, f64),
    Cubic(P, P, P),
}

impl Segment {
    /// Where it ends.
    pub(super) fn end(&self) -> P {
        match self {
            Segment::Line(p) | Segment::Bend(p, _) | Segment::Cubic(_, _, p) => *p,
            Segment::Arc(arc) => arc.end,
        }
    }

    /// The same from `from` on with the angles of an arc.
    pub(super) fn with_angles(&self, from: P) -> Segment {
        match self {
            Segment::Bend(to, bulge) => bulged(from, *to, *bulge),
            other => *other,
        }
    }

    fn mapped(&self, from: P, by: &Affine) -> Segment {
        match self {
            Segment::Line(p) => Segment::Line(by.point(*p)),
            Segment::Arc(arc) => Segment::Arc(arc.mapped(by)),
            Segment::Bend(to, bulge) if by.keeps_circles() => {
                Segment::Bend(by.point(*to), if by.turns_over() { -bulge } else { *bulge })
            }
            Segment::Bend(..) => match self.with_angles(from) {
                Segment::Arc(arc) => Segment::Arc(arc.mapped(by)),
                other => Segment::Line(by.point(other.end())),
            },
            Segment::Cubic(a, b, c) => Segment::Cubic(by.point(*a), by.point(*b), by.point(*c)),
        }
    }

    /// Adds all of it but its start, which is `from`, placed by `by`.
    pub(super) fn bounds(&self, from: P, by: &Affine, bounds: &mut Bounds) {
        if *by != Affine::IDENTITY {
            return self.mapped(from, by).bounds(by.point(from), &Affine::IDENTITY, bounds);
        }
        match self {
            Segment::Line(_) => {}
            Segment::Arc(arc) => arc.turns(bounds),
            Segment::Bend(to, bulge) => bend_bounds(from, *to, *bulge, bounds),
            Segment::Cubic(a, b, c) => cubic_bounds([from, *a, *b, *c], bounds),
        }
        bounds.add(self.end());
    }
}

/// A connected run of segments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outline {
    pub(super) start: P,
    pub(super) segments: Vec<Segment>,
    pub(super) closed: bool,
}

impl Outline {
    pub(super) fn at(start: P) -> Outline {
        Outline { start, segments: Vec::new(), closed: false }
    }

    pub(super) fn through(points: &[P], closed: bool) -> Result<Outline, Reason> {
        let (first, rest) = points.split_first().ok_or(Reason::Empty)?;
        let segments = rest.iter().map(|p| Segment::Line(*p)).collect();
        Ok(Outline { start: *first, segments, closed })
    }

    pub(super) fn arc(arc: Arc) -> Outline {
        let closed = (arc.to - arc.from).abs() >= TAU - 1e-9;
        Outline { start: arc.at(arc.from), segments: vec![Segment::Arc(arc)], closed }
    }

    pub(super) fn mapped(mut self, by: &Affine) -> Outline {
        if *by == Affine::IDENTITY {
            return self;
        }
        let mut at = self.start;
        self.start = by.point(at);
        for segment in &mut self.segments {
            let end = segment.end();
            *segment = segment.mapped(at, by);
            at = end;
        }
        self
    }

    pub(super) fn bounds(&self, by: &Affine, bounds: &mut Bounds) {
        let mut from = self.start;
        bounds.add(by.point(from));
        for segment in &self.segments {
            segment.bounds(from, by, bounds);
            from = segment.end();
        }
    }
}

/// The points where a cubic turns back in x or y.
pub(super) fn cubic_bounds(p: [P; 4], bounds: &mut Bounds) {
    for axis in [0, 1] {
        let [p0, p1, p2, p3] = p.map(|p| p[axis]);
        let (a, b, c) = (p3 - 3.0 * p2 + 3.0 * p1 - p0, 2.0 * (p2 - 2.0 * p1 + p0), p1 - p0);
        let mut at = |t: f64| {
            if t > 0.0 && t < 1.0 {
                let s = 1.0 - t;
                let weights = [s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t];
                let sum = |axis: usize| (0..4).map(|i| weights[i] * p[i][axis]).sum::<f64>();
                bounds.add([sum(0), sum(1)]);
            }
        };
        if a.abs() < 1e-12 * (b.abs() + c.abs()) {
            at(-c / b);
        } else {
            let root = (b * b - 4.0 * a * c).sqrt();
            at((-b + root) / (2.0 * a));
            at((-b - root) / (2.0 * a));
        }
    }
}

/// The centre of an arc by its bulge, and its radius. There are both where ends are apart and the
/// bulge is none of a line.
fn centre_of_bend(from: P, to: P, bulge: f64) -> (P, f64) {
    let chord = sub(to, from);
    // From the middle of the chord to the centre, to the left for a positive one.
    let height = (1.0 - bulge * bulge) / (4.0 * bulge);
    let centre = add(scaled(add(from, to), 0.5), scaled([-chord[1], chord[0]], height));
    (centre, radius_of_bend(from, to, bulge))
}

/// The radius of an arc by its bulge.
pub(super) fn radius_of_bend(from: P, to: P, bulge: f64) -> f64 {
    length(sub(to, from)) * (1.0 + bulge * bulge) / (4.0 * bulge.abs())
}

/// The point in the middle of an arc.
pub(super) fn middle_of_bend(from: P, to: P, bulge: f64) -> P {
    let chord = sub(to, from);
    add(scaled(add(from, to), 0.5), scaled([chord[1], -chord[0]], bulge / 2.0))
}

/// Where an arc turns back in x or y: the ends of its circle that are on its side of the chord.
fn bend_bounds(from: P, to: P, bulge: f64, bounds: &mut Bounds) {
    let chord = sub(to, from);
    // Most arcs are inside of what is there already: one of half a turn or less is not farther from
    // its chord than its height.
    let far = bulge.abs() / 2.0 * (chord[0].abs() + chord[1].abs());
    let is_inside = |axis: usize| {
        let (a, b) = (from[axis], to[axis]);
        a.min(b) - far >= bounds.low[axis] && a.max(b) + far <= bounds.high[axis]
    };
    if bulge.abs() <= 1.0 && is_inside(0) && is_inside(1) {
        return;
    }
    let (centre, radius) = centre_of_bend(from, to, bulge);
    for (axis, reach) in [(0, radius), (0, -radius), (1, radius), (1, -radius)] {
        let mut p = centre;
        p[axis] += reach;
        let out = sub(p, from);
        // One that turns left is to the right of its chord.
        if (chord[0] * out[1] - chord[1] * out[0]) * bulge < 0.0 {
            bounds.add(p);
        }
    }
}

/// The segment of a polyline with a bulge, as it is given.
pub(super) fn bend(from: P, to: P, bulge: f64) -> Segment {
    if bulge.abs() < 1e-9 || from == to { Segment::Line(to) } else { Segment::Bend(to, bulge) }
}

/// The segment of a polyline with a bulge, the tangent of a quarter of the angle it turns by;
/// counter-clockwise where positive.
pub(super) fn bulged(from: P, to: P, bulge: f64) -> Segment {
    if bulge.abs() < 1e-9 || from == to {
        return Segment::Line(to);
    }
    let sweep = 4.0 * libm::atan(bulge);
    let (centre, radius) = centre_of_bend(from, to, bulge);
    let start = atan2(from[1] - centre[1], from[0] - centre[0]);
    let (u, v) = ([radius, 0.0], [0.0, radius]);
    Segment::Arc(Arc { centre, u, v, from: start, to: start + sweep, end: to })
}

/// A box that grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: P,
    pub(super) high: P,
}

impl Bounds {
    pub(super) const NONE: Bounds =
        Bounds { low: [f64::INFINITY; 2], high: [f64::NEG_INFINITY; 2] };

    pub(super) fn add(&mut self, p: P) {
        for axis in [0, 1] {
            if p[axis].is_finite() {
                self.low[axis] = self.low[axis].min(p[axis]);
                self.high[axis] = self.high[axis].max(p[axis]);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !(self.low[0] <= self.high[0] && self.low[1] <= self.high[1])
    }
}
