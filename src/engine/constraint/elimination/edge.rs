//! An equation used as a substitution: when it amounts to a known difference of two
//! unknowns, and how that difference follows.

use crate::constraint::equations::{Equation, GROUND};
use crate::constraint::sketch::{Circle, Line, Point};

pub(crate) const NONE: u32 = u32::MAX;

/// What is known of the differences of unknowns; [`GROUND`] stands for zero.
pub(crate) trait Known {
    /// `x[a] - x[b]` where it is known.
    fn difference(&mut self, a: u32, b: u32) -> Option<f64>;
}

/// The hypotenuse of a derived edge: the edge is a leg of its right triangle.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// The distance of the equation.
    Own,
    /// Signed sum of two radii.
    Radii(u32, f64, u32, f64),
    /// One radius.
    Radius(u32),
    /// The length of a line.
    Line(Line),
}

/// How the difference of an edge follows from its equation and from other unknowns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// The constant of a [`Equation::Difference`].
    Constant,
    /// `sign * sqrt(length^2 - (u - v)^2)`.
    Leg { sign: f64, length: Length, u: u32, v: u32 },
    /// `sign * d` of a [`Equation::LineDistance`].
    Signed { sign: f64 },
    /// `factor * radius`.
    Radius { factor: f64, r: u32 },
    /// `factor * (u - v)`.
    Share { factor: f64, u: u32, v: u32 },
    /// The two unknowns are equal.
    Zero,
}

/// An equation used as a substitution: `child` is known from its parent.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    /// The row whose equation it is.
    pub(crate) row: u32,
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) rule: Rule,
    /// `x[a] - x[b]` now.
    pub(crate) value: f64,
    /// Pairs of unknowns whose known differences made the equation linear.
    pub(crate) needs: [(u32, u32); 2],
}

impl Edge {
    /// `x[a] - x[b] = c`.
    pub(crate) fn constant(row: u32, a: u32, b: u32, c: f64) -> Edge {
        Edge { row, a, b, rule: Rule::Constant, value: c, needs: [(NONE, NONE); 2] }
    }

    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.rule, Rule::Constant)
    }

    /// Every pair of unknowns whose difference has to be known for this edge: its needs, and
    /// what these leave out for being zero or on the way.
    pub(crate) fn grounds(&self) -> impl Iterator<Item = (u32, u32)> {
        let unset = (NONE, NONE);
        let more = match self.rule {
            Rule::Leg { length: Length::Line(l), .. } => [(l.a.x, l.b.x), (l.a.y, l.b.y)],
            Rule::Leg { length: Length::Radii(r, _, s, _), .. } => [(r, GROUND), (s, GROUND)],
            _ => [unset; 2],
        };
        self.needs.into_iter().chain(more).filter(move |pair| *pair != unset)
    }
}

fn horizontal(l: Line, sets: &mut impl Known) -> bool {
    sets.difference(l.a.y, l.b.y).is_some_and(|d| d.abs() < 1e-9)
}

fn vertical(l: Line, sets: &mut impl Known) -> bool {
    sets.difference(l.a.x, l.b.x).is_some_and(|d| d.abs() < 1e-9)
}

fn sign(d: f64) -> f64 {
    if d < 0.0 { -1.0 } else { 1.0 }
}

/// The edge that `equation` amounts to with what is known, if it does.
pub(crate) fn derive<K: Known>(
    equation: &Equation,
    row: u32,
    sets: &mut K,
    x: &[f64],
) -> Option<Edge> {
    let unset = (NONE, NONE);
    let at = |v: u32| x[v as usize];
    let edge = |a, b, rule, value, needs| Some(Edge { row, a, b, rule, value, needs });
    let leg = |sets: &mut K, p: Point, q: Point, length: Length, d: f64, why: (u32, u32)| {
        for (a, b, u, v) in [(p.x, q.x, p.y, q.y), (p.y, q.y, p.x, q.x)] {
            if sets.difference(a, b).is_some() {
                continue;
            }
            if let Some(other) = sets.difference(u, v) {
                let rest = d * d - other * other;
                if rest > 1e-9 * d * d {
                    let sign = sign(at(a) - at(b));
                    let rule = Rule::Leg { sign, length, u, v };
                    return Some(Edge {
                        row,
                        a,
                        b,
                        rule,
                        value: sign * rest.sqrt(),
                        needs: [(u, v), why],
                    });
                }
            }
        }
        None
    };
    match *equation {
        Equation::Difference { .. } => None,
        Equation::Distance { p, q, d } => leg(sets, p, q, Length::Own, d, unset),
        Equation::OnCircle { p, k } => {
            let r = sets.difference(k.r, GROUND)?;
            leg(sets, p, k.c, Length::Radius(k.r), r, (k.r, GROUND))
        }
        Equation::TangentCircles { k, m, sk, sm } => {
            let (r, s) = (sets.difference(k.r, GROUND)?, sets.difference(m.r, GROUND)?);
            let length = Length::Radii(k.r, sk, m.r, sm);
            let d = sk * r + sm * s;
            if d <= 0.0 {
                return None;
            }
            // Both radii are known from the ground, so one path holds both reasons.
            leg(sets, k.c, m.c, length, d, (k.r, m.r))
        }
        Equation::EqualLength { l, m } => {
            for (l, m) in [(l, m), (m, l)] {
                if let (Some(w), Some(h)) =
                    (sets.difference(l.a.x, l.b.x), sets.difference(l.a.y, l.b.y))
                {
                    // Two needs are all an edge keeps: only upright lines have just one.
                    let why = if w == 0.0 {
                        (l.a.y, l.b.y)
                    } else if h == 0.0 {
                        (l.a.x, l.b.x)
                    } else {
                        continue;
                    };
                    let d = (w * w + h * h).sqrt();
                    return leg(sets, m.a, m.b, Length::Line(l), d, why);
                }
            }
            None
        }
        Equation::LineDistance { l, p, d } => {
            if horizontal(l, sets) {
                let sign = sign(at(l.b.x) - at(l.a.x));
                edge(p.y, l.a.y, Rule::Signed { sign }, sign * d, [(l.a.y, l.b.y), unset])
            } else if vertical(l, sets) {
                let sign = -sign(at(l.b.y) - at(l.a.y));
                edge(p.x, l.a.x, Rule::Signed { sign }, sign * d, [(l.a.x, l.b.x), unset])
            } else {
                None
            }
        }
        Equation::TangentLine { l, k: Circle { c, r }, side } => {
            let radius = sets.difference(r, GROUND)?;
            if horizontal(l, sets) {
                let factor = side * sign(at(l.b.x) - at(l.a.x));
                let rule = Rule::Radius { factor, r };
                edge(c.y, l.a.y, rule, factor * radius, [(l.a.y, l.b.y), (r, GROUND)])
            } else if vertical(l, sets) {
                let factor = -side * sign(at(l.b.y) - at(l.a.y));
                let rule = Rule::Radius { factor, r };
                edge(c.x, l.a.x, rule, factor * radius, [(l.a.x, l.b.x), (r, GROUND)])
            } else {
                None
            }
        }
        Equation::Angle { l, m, target, .. } => {
            let quarter = target / std::f64::consts::FRAC_PI_2;
            if (quarter - quarter.round()).abs() > 1e-12 {
                return None;
            }
            let across = (quarter.round() as i64).rem_euclid(2) == 1;
            for (l, m) in [(l, m), (m, l)] {
                let (h, v) = (horizontal(l, sets), vertical(l, sets));
                let why = if h { (l.a.y, l.b.y) } else { (l.a.x, l.b.x) };
                if (h && !across) || (v && across) {
                    return edge(m.a.y, m.b.y, Rule::Zero, 0.0, [why, unset]);
                }
                if (v && !across) || (h && across) {
                    return edge(m.a.x, m.b.x, Rule::Zero, 0.0, [why, unset]);
                }
            }
            None
        }
        Equation::Middle { m, a, b } => {
            if let Some(d) = sets.difference(b, a) {
                edge(m, a, Rule::Share { factor: 0.5, u: b, v: a }, 0.5 * d, [(a, b), unset])
            } else if let Some(d) = sets.difference(m, a) {
                edge(b, m, Rule::Share { factor: 1.0, u: m, v: a }, d, [(m, a), unset])
            } else if let Some(d) = sets.difference(m, b) {
                edge(a, m, Rule::Share { factor: 1.0, u: m, v: b }, d, [(m, b), unset])
            } else {
                None
            }
        }
        Equation::MirrorMiddle { .. } | Equation::MirrorAcross { .. } => None,
    }
}

/// The value of an edge at `x`, and whether its equation can be met.
pub(crate) fn value_of(rule: &Rule, equation: &Equation, x: &[f64]) -> (f64, bool) {
    let at = |v: u32| x[v as usize];
    match *rule {
        Rule::Zero => (0.0, true),
        Rule::Constant => match *equation {
            Equation::Difference { c, .. } => (c, true),
            _ => (0.0, false),
        },
        Rule::Signed { sign } => match *equation {
            Equation::LineDistance { d, .. } => (sign * d, true),
            _ => (0.0, false),
        },
        Rule::Radius { factor, r } => (factor * at(r), true),
        Rule::Share { factor, u, v } => (factor * (at(u) - at(v)), true),
        Rule::Leg { sign, length, u, v } => {
            let d = match (length, *equation) {
                (Length::Own, Equation::Distance { d, .. }) => d,
                (Length::Own, _) => 0.0,
                (Length::Radii(r, s, q, t), _) => s * at(r) + t * at(q),
                (Length::Radius(r), _) => at(r),
                (Length::Line(l), _) => {
                    let (w, h) = (at(l.b.x) - at(l.a.x), at(l.b.y) - at(l.a.y));
                    (w * w + h * h).sqrt()
                }
            };
            let other = at(u) - at(v);
            let rest = d * d - other * other;
            (sign * rest.max(0.0).sqrt(), rest >= 0.0 && d >= 0.0)
        }
    }
}
