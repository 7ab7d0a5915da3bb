//! Outlines that surely do not cross or touch themselves, told sooner than by looking for crossings.

use crate::{Outline, Vector};

/// Edges up to which all pairs of them are looked at: of more, a search is sooner done.
const FEW: usize = 24;
/// How far apart vertices may be for their products to fit: a kilometre.
const NEAR: i64 = 1_000_000_000;
/// How far apart edges are that surely do not touch: micrometres.
const APART: f64 = 1.0;
/// Edges that are shorter are left to the search, whose slack counts there: micrometres.
const SHORT: f64 = 1_000.0;
/// The sine of the angle by which edges at a corner surely lead apart.
const LEAN: f64 = 1e-2;
/// The tangent of a quarter of the angle up to which an arc lies well within the triangle of its ends and its
/// tangents.
const BENT: f64 = 0.8;

/// Whether an outline is surely simple: a circle, or a few straight edges of which none touches another but
/// at the vertex between them. What is not looked at is not surely so.
pub(crate) fn is_simple(outline: &Outline) -> bool {
    if !outline.is_straight() {
        return outline.as_circle().is_some() && outline.vertices().len() == 2;
    }
    let vertices = outline.vertices();
    let n = vertices.len();
    let Some(first) = vertices.first().map(|v| v.at).filter(|_| (3..=FEW).contains(&n)) else {
        return false;
    };
    // The first corner once more behind the last.
    let mut ring = [(0, 0); FEW + 1];
    for (place, vertex) in ring.iter_mut().zip(vertices) {
        *place = (vertex.at.x - first.x, vertex.at.y - first.y);
        if place.0.abs() > NEAR || place.1.abs() > NEAR {
            return false;
        }
    }
    let ring = ring.get(..=n).unwrap_or_default();
    let side = |a: (i64, i64), b: (i64, i64), c: (i64, i64)| {
        (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
    };
    let apart = |p: i64, q: i64| (p > 0 && q > 0) || (p < 0 && q < 0);
    // Neighbours may not run back on each other.
    let folds = |before: (i64, i64), corner: (i64, i64), behind: (i64, i64)| {
        let back = (before.0 - corner.0) * (behind.0 - corner.0)
            + (before.1 - corner.1) * (behind.1 - corner.1);
        side(before, corner, behind) == 0 && back >= 0
    };
    let corners = ring.windows(3).all(|three| match three {
        &[a, b, c] => !folds(a, b, c),
        _ => false,
    });
    let &[first, second, .., last, _] = ring else { return false };
    if !corners || folds(last, first, second) {
        return false;
    }
    ring.windows(2).enumerate().all(|(i, one)| {
        let &[a, b] = one else { return false };
        // All edges behind the next one; of the first edge the last one is a neighbour too.
        let others = ring.get(i + 2..n + usize::from(i > 0)).unwrap_or_default();
        let mut from = others.first().map_or(0, |&c| side(a, b, c));
        others.windows(2).all(|other| {
            let &[c, d] = other else { return false };
            let to = side(a, b, d);
            // Apart by either line, strictly; both on one line are left to the overlay.
            let parted = apart(from, to) || apart(side(c, d, a), side(c, d, b));
            from = to;
            parted
        })
    })
}

/// An edge within the triangle of its ends and its tangents; a line within itself.
struct Hull {
    corners: [Vector; 3],
    /// How many of the corners it has.
    count: usize,
    low: Vector,
    high: Vector,
    /// Along its chord and its tangent where it begins, and back along both where it ends.
    begin: [Vector; 2],
    end: [Vector; 2],
}

impl Hull {
    fn new(a: Vector, b: Vector, bulge: f64) -> Option<Hull> {
        let chord = b - a;
        if bulge.abs() > BENT || chord.length() < SHORT {
            return None;
        }
        let along = chord.unit();
        let square = bulge * bulge;
        let (cos, sin) = ((1.0 - square) / (1.0 + square), 2.0 * bulge / (1.0 + square));
        let (first, last) = (along * cos - along.left() * sin, along * cos + along.left() * sin);
        let tip = (a + b) * 0.5 - chord.left() * (bulge / (1.0 - square));
        let count = if bulge == 0.0 { 2 } else { 3 };
        let (low, high) = (
            Vector::new(a.x.min(b.x).min(tip.x), a.y.min(b.y).min(tip.y)),
            Vector::new(a.x.max(b.x).max(tip.x), a.y.max(b.y).max(tip.y)),
        );
        let corners = [a, b, tip];
        Some(Hull { corners, count, low, high, begin: [along, first], end: [-along, -last] })
    }

    fn corners(&self) -> &[Vector] {
        self.corners.get(..self.count).unwrap_or_default()
    }

    /// Whether one of its sides has all of itself on one hand and all of the other on the other.
    fn parts(&self, other: &Hull) -> bool {
        let corners = self.corners();
        let next = corners.iter().cycle().skip(1);
        corners.iter().zip(next).any(|(&p, &q)| {
            let (way, slack) = (q - p, APART * (q - p).length());
            let hand = |of: &Hull| {
                let all = of.corners().iter().map(|&c| way.cross(c - p));
                all.fold((f64::MAX, f64::MIN), |(low, high), n| (low.min(n), high.max(n)))
            };
            let ((low, high), (least, most)) = (hand(self), hand(other));
            least > high + slack || most < low - slack
        })
    }

    fn is_apart(&self, other: &Hull) -> bool {
        let beside = self.high.x + APART < other.low.x
            || other.high.x + APART < self.low.x
            || self.high.y + APART < other.low.y
            || other.high.y + APART < self.low.y;
        beside || self.parts(other) || other.parts(self)
    }
}

/// Whether two pairs of directions from one corner lie on either side of a line through it.
fn leads_apart([a, b]: [Vector; 2], [c, d]: [Vector; 2]) -> bool {
    let parted = |hand: &dyn Fn(Vector) -> f64| {
        let (p, q) = (hand(a).min(hand(b)), hand(a).max(hand(b)));
        let (r, s) = (hand(c).min(hand(d)), hand(c).max(hand(d)));
        (p >= -1e-9 && s < -LEAN) || (q <= 1e-9 && r > LEAN)
    };
    let other = |hand: &dyn Fn(Vector) -> f64| {
        let (p, q) = (hand(a).min(hand(b)), hand(a).max(hand(b)));
        let (r, s) = (hand(c).min(hand(d)), hand(c).max(hand(d)));
        (r >= -1e-9 && q < -LEAN) || (s <= 1e-9 && p > LEAN)
    };
    let middle = a - c;
    let across = |v: Vector| middle.dot(v);
    let (p, s) = (across(a).min(across(b)), across(c).max(across(d)));
    (p > LEAN && s < -LEAN)
        || [a, b].iter().any(|r| parted(&|v| r.cross(v)))
        || [c, d].iter().any(|r| other(&|v| r.cross(v)))
}

/// Whether an outline of a few lines and arcs surely neither crosses nor touches itself: the triangles around
/// its edges lie apart, and those at a corner lead apart from it. By doubles, with room to spare.
pub(crate) fn is_surely_simple(outline: &Outline) -> bool {
    let count = outline.edge_count();
    if !(3..=FEW).contains(&count) {
        return false;
    }
    let Some(about) = outline.vertices().first().map(|v| v.at.vector()) else { return false };
    let hull = |(a, b, bulge): (Vector, Vector, f64)| Hull::new(a - about, b - about, bulge);
    let Some(hulls) = outline.bows().map(hull).collect::<Option<Vec<Hull>>>() else {
        return false;
    };
    hulls.iter().enumerate().all(|(at, one)| {
        hulls.iter().enumerate().skip(at + 1).all(|(to, two)| {
            if to == at + 1 {
                leads_apart(one.end, two.begin)
            } else if outline.is_closed() && at == 0 && to + 1 == count {
                leads_apart(two.end, one.begin)
            } else {
                one.is_apart(two)
            }
        })
    })
}
