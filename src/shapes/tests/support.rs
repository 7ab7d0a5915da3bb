//! What the tests share: outlines in millimetres, random numbers, and what a point is in.

use svgx_shapes::{Edge, Outline, Point, Vector, Vertex};

/// Micrometres of millimetres.
pub(crate) fn um(mm: f64) -> i64 {
    (mm * 1e3).round() as i64
}

pub(crate) fn at(x: f64, y: f64) -> Vector {
    Vector::new(x * 1e3, y * 1e3)
}

pub(crate) fn point(x: f64, y: f64) -> Point {
    Point::new(um(x), um(y))
}

/// An outline of x, y and bulge; millimetres.
pub(crate) fn outline(vertices: &[(f64, f64, f64)], closed: bool) -> Outline {
    let vertices = vertices.iter().map(|&(x, y, bulge)| Vertex { at: point(x, y), bulge });
    Outline::new(vertices.collect(), closed).unwrap()
}

pub(crate) fn polygon(points: &[(f64, f64)]) -> Outline {
    Outline::polygon(points.iter().map(|&(x, y)| point(x, y))).unwrap()
}

pub(crate) fn polyline(points: &[(f64, f64)]) -> Outline {
    Outline::polyline(points.iter().map(|&(x, y)| point(x, y))).unwrap()
}

pub(crate) fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Outline {
    polygon(&[(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
}

pub(crate) fn circle(x: f64, y: f64, radius: f64) -> Outline {
    Outline::circle(point(x, y), um(radius)).unwrap()
}

pub(crate) fn near(found: f64, expected: f64, within: f64) -> bool {
    (found - expected).abs() <= within
}

pub(crate) fn assert_at(found: Vector, x: f64, y: f64) {
    let away = (found - at(x, y)).length();
    assert!(away <= 1.5, "{found:?} is {away} um from ({x}, {y})");
}

/// The arcs of an outline: centre, radius and sweep.
pub(crate) fn arcs(outline: &Outline) -> Vec<(Vector, f64, f64)> {
    outline
        .edges()
        .filter_map(|e| match e {
            Edge::Arc { centre, radius, sweep, .. } => Some((centre, radius, sweep)),
            Edge::Line { .. } => None,
        })
        .collect()
}

/// Random numbers that are the same in every run (xorshift64*, Vigna 2016).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.below(1_000_001) as f64 / 1e6
    }
}

/// How often straight rings go round a point, counted by the edges that cross the ray to its right.
pub(crate) fn turns(rings: &[Vec<Point>], at: Vector) -> i32 {
    let mut turns = 0;
    for ring in rings {
        let next = ring.iter().cycle().skip(1);
        for (a, b) in ring.iter().zip(next) {
            let (a, b) = (a.vector(), b.vector());
            if (a.y > at.y) != (b.y > at.y) {
                let x = a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x);
                if x > at.x {
                    turns += if b.y > a.y { 1 } else { -1 };
                }
            }
        }
    }
    turns
}
