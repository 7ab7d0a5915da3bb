//! The equations behind the constraints: residuals in millimetres and their
//! exact derivatives.
//!
//! Every residual is signed and carries its branch (side of a line, outside or
//! inside, sense of an angle) as a constant, so that no step of the solver can
//! exchange one solution for its mirror image. Angles are scaled by a length
//! fixed at the start: all derivatives are then of order one, which the rank
//! decisions rely on.

use crate::constraint::sketch::{Circle, Line, Point};

/// Stands for the fixed zero in [`Equation::Difference`].
pub(crate) const GROUND: u32 = u32::MAX;

/// The most unknowns one equation has.
pub(crate) const MAX_UNKNOWNS: usize = 8;

/// One scalar equation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Equation {
    /// `a - b = c`; with `b` the ground, `a = c`.
    Difference { a: u32, b: u32, c: f64 },
    /// `|p - q| = d`.
    Distance { p: Point, q: Point, d: f64 },
    /// The signed distance of `p` from `l` is `d` (positive to the left of `a` to `b` in axes
    /// with y up, to the right as drawn).
    LineDistance { l: Line, p: Point, d: f64 },
    /// The angle from the direction of `l` to that of `m` is `target`, times `scale`.
    Angle { l: Line, m: Line, target: f64, scale: f64 },
    /// `|l| = |m|`.
    EqualLength { l: Line, m: Line },
    /// `|p - c| = r`.
    OnCircle { p: Point, k: Circle },
    /// The signed distance of the centre from the line is `side` times the radius.
    TangentLine { l: Line, k: Circle, side: f64 },
    /// `|c1 - c2| = s1 r1 + s2 r2`: both signs positive outside, one negative inside.
    TangentCircles { k: Circle, m: Circle, sk: f64, sm: f64 },
    /// `m` is the mean of `a` and `b`, on one axis.
    Middle { m: u32, a: u32, b: u32 },
    /// The middle of `p` and `q` is on `l`.
    MirrorMiddle { p: Point, q: Point, l: Line },
    /// `p` to `q` runs across `l`.
    MirrorAcross { p: Point, q: Point, l: Line },
}

/// Values of the derivatives, in the order of [`Equation::unknowns`].
pub(crate) type Gradient = [f64; MAX_UNKNOWNS];

#[derive(Clone, Copy)]
struct V {
    x: f64,
    y: f64,
}

impl V {
    fn dot(self, o: V) -> f64 {
        self.x * o.x + self.y * o.y
    }
    fn cross(self, o: V) -> f64 {
        self.x * o.y - self.y * o.x
    }
    fn length(self) -> f64 {
        (self.x * self.x + self.y * self.y).sqrt()
    }
    /// The unit vector and the length; x where there is no direction.
    fn unit(self) -> (V, f64) {
        let n = self.length();
        if n > 1e-12 { (V { x: self.x / n, y: self.y / n }, n) } else { (V { x: 1.0, y: 0.0 }, n) }
    }
}

fn at(x: &[f64], p: Point) -> V {
    V { x: x[p.x as usize], y: x[p.y as usize] }
}

fn between(x: &[f64], from: Point, to: Point) -> V {
    let (a, b) = (at(x, from), at(x, to));
    V { x: b.x - a.x, y: b.y - a.y }
}

/// A way out for two points on one spot. Several such pairs go several ways (multiples of the
/// golden angle), so that three points become a triangle.
fn aside(p: Point, q: Point) -> V {
    let turns = f64::from((p.x ^ q.x) % 1024) + 3.0 * f64::from(q.x % 1024);
    let angle = 2.399_963_229_728_653 * (1.0 + turns);
    V { x: libm::cos(angle), y: libm::sin(angle) }
}

fn wrap(angle: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    let a = angle % TAU;
    if a > PI {
        a - TAU
    } else if a < -PI {
        a + TAU
    } else {
        a
    }
}

/// Signed distance of the point from the line, and the derivatives by
/// `a.x a.y b.x b.y p.x p.y`.
fn signed_distance(x: &[f64], l: Line, p: V) -> (f64, [f64; 6]) {
    let (u, n) = between(x, l.a, l.b).unit();
    let a = at(x, l.a);
    let w = V { x: p.x - a.x, y: p.y - a.y };
    let h = u.cross(w);
    // The foot of the perpendicular, as a share of the way from a to b.
    let t = u.dot(w) / n.max(1e-9);
    let normal = V { x: -u.y, y: u.x };
    (
        h,
        [
            -(1.0 - t) * normal.x,
            -(1.0 - t) * normal.y,
            -t * normal.x,
            -t * normal.y,
            normal.x,
            normal.y,
        ],
    )
}

impl Equation {
    /// Writes the unknowns of the equation and answers how many there are.
    /// Unknowns along x come before those along y only within a point; see [`Equation::groups`].
    pub(crate) fn unknowns(&self, out: &mut [u32; MAX_UNKNOWNS]) -> usize {
        let mut n = 0;
        let mut push = |values: &[u32]| {
            for &v in values {
                out[n] = v;
                n += 1;
            }
        };
        let p2 = |p: Point| [p.x, p.y];
        match *self {
            Equation::Difference { a, b: GROUND, .. } => push(&[a]),
            Equation::Difference { a, b, .. } => push(&[a, b]),
            Equation::Distance { p, q, .. } => {
                push(&p2(p));
                push(&p2(q));
            }
            Equation::LineDistance { l, p, .. } => {
                push(&p2(l.a));
                push(&p2(l.b));
                push(&p2(p));
            }
            Equation::Angle { l, m, .. } | Equation::EqualLength { l, m } => {
                for p in [l.a, l.b, m.a, m.b] {
                    push(&p2(p));
                }
            }
            Equation::OnCircle { p, k } => {
                push(&p2(p));
                push(&p2(k.c));
                push(&[k.r]);
            }
            Equation::TangentLine { l, k, .. } => {
                push(&p2(l.a));
                push(&p2(l.b));
                push(&p2(k.c));
                push(&[k.r]);
            }
            Equation::TangentCircles { k, m, .. } => {
                push(&p2(k.c));
                push(&p2(m.c));
                push(&[k.r, m.r]);
            }
            Equation::Middle { m, a, b } => push(&[m, a, b]),
            Equation::MirrorMiddle { p, q, l } | Equation::MirrorAcross { p, q, l } => {
                for p in [l.a, l.b, p, q] {
                    push(&p2(p));
                }
            }
        }
        n
    }

    /// The points of the equation.
    pub(crate) fn points(&self, out: &mut Vec<Point>) {
        match *self {
            Equation::Difference { .. } | Equation::Middle { .. } => {}
            Equation::Distance { p, q, .. } => out.extend([p, q]),
            Equation::LineDistance { l, p, .. } => out.extend([l.a, l.b, p]),
            Equation::Angle { l, m, .. } | Equation::EqualLength { l, m } => {
                out.extend([l.a, l.b, m.a, m.b]);
            }
            Equation::OnCircle { p, k } => out.extend([p, k.c]),
            Equation::TangentLine { l, k, .. } => out.extend([l.a, l.b, k.c]),
            Equation::TangentCircles { k, m, .. } => out.extend([k.c, m.c]),
            Equation::MirrorMiddle { p, q, l } | Equation::MirrorAcross { p, q, l } => {
                out.extend([l.a, l.b, p, q]);
            }
        }
    }

    /// Which unknown belongs to which group: 0 along x, 1 along y, 2 neither (a radius).
    /// A common shift of a whole group 0 or 1 changes nothing.
    pub(crate) fn group(&self, k: usize) -> u8 {
        match self {
            Equation::Difference { b, .. } => {
                if *b == GROUND {
                    2
                } else {
                    0
                }
            }
            Equation::Middle { .. } => 0,
            Equation::OnCircle { .. } | Equation::TangentCircles { .. } if k >= 4 => 2,
            Equation::TangentLine { .. } if k >= 6 => 2,
            _ => (k % 2) as u8,
        }
    }

    /// Sets the constant of the equation: a distance, a difference, an angle in radians.
    pub(crate) fn set_constant(&mut self, value: f64) {
        match self {
            Equation::Difference { c, .. } => *c = value,
            Equation::Distance { d, .. } | Equation::LineDistance { d, .. } => *d = value,
            Equation::Angle { target, .. } => *target = value,
            _ => {}
        }
    }

    /// The residual at `x`, in millimetres.
    pub(crate) fn residual(&self, x: &[f64]) -> f64 {
        match *self {
            Equation::Distance { p, q, d } => between(x, p, q).length() - d,
            Equation::OnCircle { p, k } => between(x, k.c, p).length() - x[k.r as usize],
            _ => self.evaluate(x, &mut [0.0; MAX_UNKNOWNS]),
        }
    }

    /// The residual at `x` and its derivatives, in the order of [`Equation::unknowns`].
    pub(crate) fn evaluate(&self, x: &[f64], g: &mut Gradient) -> f64 {
        match *self {
            Equation::Difference { a, b: GROUND, c } => {
                g[0] = 1.0;
                x[a as usize] - c
            }
            Equation::Difference { a, b, c } => {
                g[..2].copy_from_slice(&[1.0, -1.0]);
                (x[a as usize] - x[b as usize]) - c
            }
            Equation::Distance { p, q, d } => {
                let (mut u, n) = between(x, q, p).unit();
                if n <= 1e-12 {
                    u = aside(p, q);
                }
                g[..4].copy_from_slice(&[u.x, u.y, -u.x, -u.y]);
                n - d
            }
            Equation::LineDistance { l, p, d } => {
                let (h, by) = signed_distance(x, l, at(x, p));
                g[..6].copy_from_slice(&by);
                h - d
            }
            Equation::Angle { l, m, target, scale } => {
                let (u, n) = between(x, l.a, l.b).unit();
                let (w, k) = between(x, m.a, m.b).unit();
                let (s, t) = (scale / n.max(1e-9), scale / k.max(1e-9));
                g.copy_from_slice(&[
                    -u.y * s,
                    u.x * s,
                    u.y * s,
                    -u.x * s,
                    w.y * t,
                    -w.x * t,
                    -w.y * t,
                    w.x * t,
                ]);
                scale * wrap(libm::atan2(u.cross(w), u.dot(w)) - target)
            }
            Equation::EqualLength { l, m } => {
                let (u, n) = between(x, l.a, l.b).unit();
                let (w, k) = between(x, m.a, m.b).unit();
                g.copy_from_slice(&[-u.x, -u.y, u.x, u.y, w.x, w.y, -w.x, -w.y]);
                n - k
            }
            Equation::OnCircle { p, k } => {
                let (u, n) = between(x, k.c, p).unit();
                g[..5].copy_from_slice(&[u.x, u.y, -u.x, -u.y, -1.0]);
                n - x[k.r as usize]
            }
            Equation::TangentLine { l, k, side } => {
                let (h, by) = signed_distance(x, l, at(x, k.c));
                g[..6].copy_from_slice(&by);
                g[6] = -side;
                h - side * x[k.r as usize]
            }
            Equation::TangentCircles { k, m, sk, sm } => {
                let (u, n) = between(x, m.c, k.c).unit();
                g[..6].copy_from_slice(&[u.x, u.y, -u.x, -u.y, -sk, -sm]);
                n - (sk * x[k.r as usize] + sm * x[m.r as usize])
            }
            Equation::Middle { m, a, b } => {
                g[..3].copy_from_slice(&[1.0, -0.5, -0.5]);
                x[m as usize] - 0.5 * (x[a as usize] + x[b as usize])
            }
            Equation::MirrorMiddle { p, q, l } => {
                let (a, b) = (at(x, p), at(x, q));
                let middle = V { x: 0.5 * (a.x + b.x), y: 0.5 * (a.y + b.y) };
                let (h, by) = signed_distance(x, l, middle);
                g[..4].copy_from_slice(&by[..4]);
                let (hx, hy) = (0.5 * by[4], 0.5 * by[5]);
                g[4..].copy_from_slice(&[hx, hy, hx, hy]);
                h
            }
            Equation::MirrorAcross { p, q, l } => {
                let (u, n) = between(x, l.a, l.b).unit();
                let w = between(x, p, q);
                let along = u.dot(w);
                // d(u . w)/db = (w - u (u . w)) / n
                let s = 1.0 / n.max(1e-9);
                let turn = V { x: (w.x - u.x * along) * s, y: (w.y - u.y * along) * s };
                g.copy_from_slice(&[-turn.x, -turn.y, turn.x, turn.y, -u.x, -u.y, u.x, u.y]);
                along
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_agree_with_central_differences() {
        let p = |i: u32| Point { x: 2 * i, y: 2 * i + 1 };
        let l = Line { a: p(0), b: p(1) };
        let m = Line { a: p(2), b: p(3) };
        let k = Circle { c: p(2), r: 8 };
        let j = Circle { c: p(3), r: 9 };
        let x = [0.3, -1.2, 4.1, 2.2, -2.0, 3.3, 5.5, -0.7, 1.7, 2.9];
        let equations = [
            Equation::Difference { a: 0, b: 3, c: 1.0 },
            Equation::Difference { a: 2, b: GROUND, c: 1.0 },
            Equation::Distance { p: p(0), q: p(2), d: 2.0 },
            Equation::LineDistance { l, p: p(3), d: -1.0 },
            Equation::Angle { l, m, target: 0.4, scale: 3.0 },
            Equation::EqualLength { l, m },
            Equation::OnCircle { p: p(0), k },
            Equation::TangentLine { l, k, side: -1.0 },
            Equation::TangentCircles { k, m: j, sk: 1.0, sm: -1.0 },
            Equation::Middle { m: 0, a: 2, b: 4 },
            Equation::MirrorMiddle { p: p(2), q: p(3), l },
            Equation::MirrorAcross { p: p(2), q: p(3), l },
        ];
        for e in equations {
            let (mut vars, mut g) = ([0; MAX_UNKNOWNS], [0.0; MAX_UNKNOWNS]);
            let n = e.unknowns(&mut vars);
            let r = e.evaluate(&x, &mut g);
            assert!((r - e.residual(&x)).abs() < 1e-12, "{e:?}");
            for i in 0..n {
                let (mut up, mut down) = (x, x);
                up[vars[i] as usize] += 1e-6;
                down[vars[i] as usize] -= 1e-6;
                let slope = (e.residual(&up) - e.residual(&down)) / 2e-6;
                assert!((slope - g[i]).abs() < 1e-6, "{e:?} unknown {i}: {slope} and {}", g[i]);
            }
        }
    }
}
