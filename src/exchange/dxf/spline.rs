//! B-splines as cubics: exactly by knot insertion up to degree 3 (Boehm, 1980), else fitted.

use super::curve::{Outline, P, Segment, add, length, scaled, sub};
use super::reason::Reason;

/// Degrees of splines that are read.
const DEGREES: std::ops::RangeInclusive<usize> = 1..=25;
/// How far a fitted cubic may lie from its spline, in sizes of the spline.
const TOLERANCE: f64 = 1e-6;
/// How often a span is halved to come as near as that.
const HALVINGS: u32 = 10;
/// Cubics of one spline, beyond which nothing is halved.
const CUBICS: usize = 50_000;

/// A B-spline: control points with weights, knots that do not fall.
#[derive(Debug)]
pub(super) struct Spline {
    pub(super) degree: usize,
    pub(super) knots: Vec<f64>,
    /// x and y times the weight, and the weight.
    pub(super) points: Vec<[f64; 3]>,
}

impl Spline {
    /// # Errors
    /// [`Reason::Empty`] where points and knots are too few, [`Reason::Number`] where knots fall or
    /// weights are not positive.
    pub(super) fn new(
        degree: i64,
        knots: Vec<f64>,
        points: &[P],
        weights: &[f64],
    ) -> Result<Spline, Reason> {
        let degree = usize::try_from(degree).ok().filter(|d| DEGREES.contains(d));
        let degree = degree.ok_or(Reason::Number)?;
        if points.len() <= degree || knots.len() != points.len() + degree + 1 {
            return Err(Reason::Empty);
        }
        let falls = knots.windows(2).any(|pair| matches!(pair, [a, b] if a > b));
        if falls || weights.iter().any(|w| *w <= 0.0) {
            return Err(Reason::Number);
        }
        let weight = |i: usize| weights.get(i).copied().unwrap_or(1.0);
        let weighted = |(i, p): (usize, &P)| [p[0] * weight(i), p[1] * weight(i), weight(i)];
        let points = points.iter().enumerate().map(weighted).collect();
        Ok(Spline { degree, knots, points })
    }

    /// The same curve as an outline of lines or cubics.
    ///
    /// # Errors
    /// [`Reason::Empty`] where the curve has no extent in its parameter.
    pub(super) fn outline(&self) -> Result<Outline, Reason> {
        let spans: Vec<(f64, f64)> = self.spans().collect();
        let (first, _) = *spans.first().ok_or(Reason::Empty)?;
        let mut outline = Outline::at(self.at(first));
        let rational = self.points.iter().any(|p| (p[2] - 1.0).abs() > 1e-12);
        let size = self.points.iter().map(|p| length(sub(plain(*p), outline.start)));
        let tolerance = TOLERANCE * size.fold(0.0, f64::max);
        for (from, to) in spans {
            if rational || self.degree > 3 {
                self.fit(from, to, tolerance, HALVINGS, &mut outline.segments);
                continue;
            }
            let p = self.span_points(from, to);
            outline.segments.push(match *p.as_slice() {
                [_, b] => Segment::Line(b),
                [a, b, c] => {
                    let third = |from: P| add(from, scaled(sub(b, from), 2.0 / 3.0));
                    Segment::Cubic(third(a), third(c), c)
                }
                [_, b, c, d] => Segment::Cubic(b, c, d),
                _ => return Err(Reason::Empty),
            });
        }
        Ok(outline)
    }

    /// The stretches between knots that differ, where the curve is.
    fn spans(&self) -> impl Iterator<Item = (f64, f64)> {
        let inner = self.knots.get(self.degree..self.points.len() + 1).unwrap_or_default();
        inner.windows(2).filter_map(|pair| match pair {
            [a, b] if b > a => Some((*a, *b)),
            _ => None,
        })
    }

    /// The Bézier points of a span: the polar form at its ends (Ramshaw, 1989).
    fn span_points(&self, from: f64, to: f64) -> Vec<P> {
        let ends = |k: usize| (0..self.degree).map(move |i| if i < k { to } else { from });
        (0..=self.degree).map(|k| plain(self.polar(from, ends(k)))).collect()
    }

    fn at(&self, t: f64) -> P {
        plain(self.polar(t, std::iter::repeat_n(t, self.degree)))
    }

    /// The polar form of the span that holds `t`: de Boor's algorithm with an argument of its own
    /// for each level.
    fn polar(&self, t: f64, arguments: impl Iterator<Item = f64>) -> [f64; 3] {
        let p = self.degree;
        let last = self.points.len() - 1;
        // The last knot of the curve's range that is not above t, and whose span is not empty.
        let after = self.knots.partition_point(|knot| *knot <= t);
        let mut span = after.saturating_sub(1).clamp(p, last);
        while span > p && self.knot(span) >= self.knot(span + 1) {
            span -= 1;
        }
        let mut d: Vec<[f64; 3]> =
            (0..=p).map(|i| self.points.get(span - p + i).copied().unwrap_or_default()).collect();
        for (level, at) in arguments.enumerate() {
            let level = level + 1;
            for i in (level..=p).rev() {
                let low = self.knot(span + i - p);
                let high = self.knot(span + 1 + i - level);
                let share = if high > low { (at - low) / (high - low) } else { 0.0 };
                if let (Some(a), Some(b)) = (d.get(i - 1).copied(), d.get(i).copied()) {
                    let mixed = |k: usize| a[k] * (1.0 - share) + b[k] * share;
                    d[i] = [mixed(0), mixed(1), mixed(2)];
                }
            }
        }
        d.last().copied().unwrap_or_default()
    }

    fn knot(&self, i: usize) -> f64 {
        self.knots.get(i).copied().unwrap_or_default()
    }

    /// A cubic with the ends and tangents of the curve, halved until it is near enough.
    fn fit(&self, from: f64, to: f64, tolerance: f64, halvings: u32, into: &mut Vec<Segment>) {
        let step = to - from;
        let (a, d) = (self.at(from), self.end(to, from));
        // Tangents from inside the span, where knots are repeated.
        let small = step * 1e-4;
        let slope = |p: P, q: P, r: P| {
            // Of the parabola through three points, at the first.
            sub(add(scaled(q, 2.0), scaled(r, -0.5)), scaled(p, 1.5))
        };
        let start = slope(a, self.at(from + small), self.at(from + 2.0 * small));
        let end = slope(d, self.at(to - small), self.at(to - 2.0 * small));
        let reach = step / (3.0 * small);
        let (b, c) = (add(a, scaled(start, reach)), add(d, scaled(end, reach)));
        let far = [0.25, 0.5, 0.75].iter().any(|&t| {
            let s: f64 = 1.0 - t;
            let near = add(
                add(scaled(a, s * s * s), scaled(b, 3.0 * s * s * t)),
                add(scaled(c, 3.0 * s * t * t), scaled(d, t * t * t)),
            );
            length(sub(near, self.at(from + t * step))) > tolerance
        });
        if far && halvings > 0 && into.len() < CUBICS {
            let middle = from + step / 2.0;
            self.fit(from, middle, tolerance, halvings - 1, into);
            self.fit(middle, to, tolerance, halvings - 1, into);
        } else {
            into.push(Segment::Cubic(b, c, d));
        }
    }

    /// The end of a span, seen from inside it.
    fn end(&self, to: f64, from: f64) -> P {
        plain(self.polar(from, std::iter::repeat_n(to, self.degree)))
    }
}

fn plain(p: [f64; 3]) -> P {
    if p[2] == 0.0 { [p[0], p[1]] } else { [p[0] / p[2], p[1] / p[2]] }
}

/// The smooth curve through points: the cubic spline over chord lengths, with given tangents or
/// natural ends.
///
/// # Errors
/// [`Reason::Empty`] for fewer than two points that differ.
pub(super) fn through(points: &[P], start: Option<P>, end: Option<P>) -> Result<Outline, Reason> {
    let mut at: Vec<P> = Vec::new();
    for p in points {
        if at.last() != Some(p) {
            at.push(*p);
        }
    }
    let first = *at.first().ok_or(Reason::Empty)?;
    let n = at.len();
    if n < 2 {
        return Err(Reason::Empty);
    }
    let steps: Vec<f64> =
        at.windows(2).map(|w| if let [a, b] = w { length(sub(*b, *a)) } else { 1.0 }).collect();
    let unit = |v: P| scaled(v, 1.0 / length(v).max(1e-300));
    // The slopes at the points solve a tridiagonal system (Thomas).
    let row = |i: usize| -> (f64, f64, f64, P) {
        let chord = |i: usize| scaled(sub(at[i + 1], at[i]), 3.0 / steps[i]);
        match i {
            0 => start.map_or((0.0, 2.0, 1.0, chord(0)), |t| (0.0, 1.0, 0.0, unit(t))),
            i if i + 1 == n => {
                end.map_or((1.0, 2.0, 0.0, chord(n - 2)), |t| (0.0, 1.0, 0.0, unit(t)))
            }
            i => {
                let (a, b) = (steps[i - 1], steps[i]);
                let right = add(scaled(chord(i - 1), b), scaled(chord(i), a));
                (b, 2.0 * (a + b), a, right)
            }
        }
    };
    let mut upper = Vec::with_capacity(n);
    let mut slopes: Vec<P> = Vec::with_capacity(n);
    for i in 0..n {
        let (low, middle, high, right) = row(i);
        let (above, before) = match i {
            0 => (0.0, [0.0; 2]),
            i => (upper[i - 1], slopes[i - 1]),
        };
        let pivot: f64 = middle - low * above;
        upper.push(high / pivot);
        slopes.push(scaled(sub(right, scaled(before, low)), 1.0 / pivot));
    }
    for i in (0..n - 1).rev() {
        slopes[i] = sub(slopes[i], scaled(slopes[i + 1], upper[i]));
    }
    let mut outline = Outline::at(first);
    for i in 0..n - 1 {
        let third = steps[i] / 3.0;
        let (b, c) =
            (add(at[i], scaled(slopes[i], third)), sub(at[i + 1], scaled(slopes[i + 1], third)));
        outline.segments.push(Segment::Cubic(b, c, at[i + 1]));
    }
    Ok(outline)
}
