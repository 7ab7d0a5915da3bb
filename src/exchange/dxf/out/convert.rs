//! Outlines as entities.

use std::f64::consts::{PI, TAU};

use libm::{atan2, cos, sin, tan};

use super::super::curve::{Arc, Outline, P, Segment, add, length, middle_of_bend, scaled, sub};
use super::model::Shape;
use super::path::step;

/// Radii of an ellipse that differ by less than this share are those of a circle.
const ROUND: f64 = 1e-7;

/// An arc in the terms of the format: counter-clockwise, the longer half axis first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standard {
    pub(super) centre: P,
    pub(super) major: P,
    /// Of the shorter half axis to the longer one; 1 for a circle.
    pub(super) ratio: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Standard {
    pub(super) fn of(arc: &Arc) -> Standard {
        let Arc { centre, u, v, from, to, .. } = *arc;
        if is_circle(arc) {
            // Angles of a circle count from the x axis.
            let angle = atan2(u[1], u[0]);
            let (from, to) =
                if u[0] * v[1] - u[1] * v[0] < 0.0 { (-from, -to) } else { (from, to) };
            let radius = (length(u) + length(v)) / 2.0;
            return Standard {
                centre,
                major: [radius, 0.0],
                ratio: 1.0,
                from: from.min(to) + angle,
                to: from.max(to) + angle,
            };
        }
        // The principal half axes: where the distance from the centre is stationary.
        let turn = 0.5 * atan2(2.0 * dot(u, v), dot(u, u) - dot(v, v));
        let (c, s) = (cos(turn), sin(turn));
        let mut first = add(scaled(u, c), scaled(v, s));
        let mut second = sub(scaled(v, c), scaled(u, s));
        let (mut from, mut to) = (from - turn, to - turn);
        if length(second) > length(first) {
            (first, second) = (second, scaled(first, -1.0));
            (from, to) = (from - PI / 2.0, to - PI / 2.0);
        }
        if first[0] * second[1] - first[1] * second[0] < 0.0 {
            (from, to) = (-from, -to);
        }
        if to < from {
            (from, to) = (to, from);
        }
        let ratio = length(second) / length(first);
        Standard { centre, major: first, ratio, from, to }
    }

    fn is_whole(&self) -> bool {
        self.to - self.from >= TAU - 1e-9
    }

    fn shape(&self) -> Shape {
        let Standard { centre, major, ratio, from, to } = *self;
        let radius = length(major);
        match (ratio == 1.0, self.is_whole()) {
            (true, true) => Shape::Circle { centre, radius },
            (true, false) => Shape::Arc { centre, radius, from, to },
            (false, true) => Shape::Ellipse { centre, major, ratio, from: 0.0, to: TAU },
            (false, false) => Shape::Ellipse { centre, major, ratio, from, to },
        }
    }
}

fn dot(a: P, b: P) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

/// Whether the principal half axes are alike: twice their difference is what the half axes are off
/// from being at right angles and equally long.
fn is_circle(arc: &Arc) -> bool {
    let (uu, vv, uv) = (dot(arc.u, arc.u), dot(arc.v, arc.v), dot(arc.u, arc.v));
    let off = (uu - vv) * (uu - vv) + 4.0 * uv * uv;
    off < ROUND * ROUND * (uu + vv) * (uu + vv)
}

fn is_round(segment: &Segment) -> bool {
    match segment {
        Segment::Line(_) | Segment::Bend(..) => true,
        Segment::Arc(arc) => is_circle(arc),
        Segment::Cubic(..) => false,
    }
}

/// Lines and arcs of circles as points with bulges, the start first.
pub(super) fn bulges(start: P, segments: &[Segment]) -> Vec<(P, f64)> {
    let mut points = Vec::with_capacity(segments.len() + 2);
    points.push((start, 0.0));
    let mut from = start;
    let mut push = |bulge: f64, to: P| {
        if let Some(last) = points.last_mut() {
            last.1 = bulge;
        }
        points.push((to, 0.0));
    };
    for segment in segments {
        match segment {
            Segment::Line(p) | Segment::Cubic(_, _, p) => push(0.0, *p),
            // A bulge grows without bound towards a whole turn.
            Segment::Bend(to, bulge) if bulge.abs() > 1.0 + 1.5e-9 => {
                let half = bulge / (1.0 + (1.0 + bulge * bulge).sqrt());
                push(half, middle_of_bend(from, *to, *bulge));
                push(half, *to);
            }
            Segment::Bend(to, bulge) => push(*bulge, *to),
            Segment::Arc(arc) => {
                let sweep = (arc.to - arc.from).abs();
                let pieces = if sweep > PI + 1e-9 { 2 } else { 1 };
                let bulge = tan(sweep / f64::from(pieces) / 4.0);
                let bulge = if arc.is_left() { bulge } else { -bulge };
                for piece in 1..=pieces {
                    let share = f64::from(piece) / f64::from(pieces);
                    let is_last = piece == pieces;
                    let at = || arc.at(arc.from + (arc.to - arc.from) * share);
                    push(bulge, if is_last { arc.end } else { at() });
                }
            }
        }
        from = segment.end();
    }
    points
}

/// The lines along outlines, and the points where one has no length. `has_caps`: points show.
pub(super) fn lines(outline: &Outline, has_caps: bool, out: &mut Vec<Shape>) {
    let Outline { start, ref segments, closed } = *outline;
    let is_still = |p: &P| length(sub(*p, start)) <= 1e-12 * (1.0 + length(start));
    if segments.iter().all(|s| matches!(s, Segment::Line(p) if is_still(p))) {
        if has_caps && !segments.is_empty() {
            out.push(Shape::Point(start));
        }
        return;
    }
    if let [one] = segments.as_slice()
        && let Segment::Arc(arc) = one.with_angles(start)
    {
        let standard = Standard::of(&arc);
        if !closed || standard.is_whole() {
            out.push(standard.shape());
            return;
        }
    }
    if segments.iter().all(is_round) {
        let mut points = bulges(start, segments);
        if let [(from, bulge), (to, _)] = points.as_slice()
            && !closed
            && *bulge == 0.0
        {
            out.push(Shape::Line(*from, *to));
            return;
        }
        if closed
            && points.len() > 2
            && points.last().is_some_and(|(p, _)| length(sub(*p, start)) <= ends(start, *p))
        {
            points.pop();
        }
        out.push(Shape::Polyline { points, closed });
        return;
    }
    runs(start, segments, closed, out);
}

/// How far apart ends may be that are one.
fn ends(a: P, b: P) -> f64 {
    1e-9 * (1.0 + length(a).max(length(b)))
}

/// Runs of cubics are splines, runs of lines and arcs polylines, parts of ellipses stand alone.
fn runs(start: P, segments: &[Segment], closed: bool, out: &mut Vec<Shape>) {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Round,
        Cubic,
        Ellipse,
    }
    let kind = |segment: &Segment| match segment {
        Segment::Cubic(..) => Kind::Cubic,
        other if is_round(other) => Kind::Round,
        _ => Kind::Ellipse,
    };
    let is_one = segments.iter().all(|s| kind(s) == Kind::Cubic);
    let mut at = start;
    let mut rest = segments;
    while let Some(first) = rest.first() {
        let this = kind(first);
        let many = rest.iter().take_while(|s| kind(s) == this && this != Kind::Ellipse).count();
        let (run, after) = rest.split_at(many.max(1));
        match (this, run) {
            (Kind::Ellipse, [Segment::Arc(arc)]) => out.push(Standard::of(arc).shape()),
            (Kind::Cubic, _) => {
                let mut control = vec![at];
                for segment in run {
                    if let Segment::Cubic(a, b, c) = segment {
                        control.extend([*a, *b, *c]);
                    }
                }
                let last = control.last().copied().unwrap_or(at);
                let closed = is_one && length(sub(last, start)) <= ends(start, last);
                out.push(Shape::Spline { control, closed });
            }
            _ => {
                let run = Outline { start: at, segments: run.to_vec(), closed: false };
                lines(&run, false, out);
            }
        }
        at = end(run).unwrap_or(at);
        rest = after;
    }
    if closed && length(sub(at, start)) > ends(at, start) {
        out.push(Shape::Line(at, start));
    }
}

fn end(segments: &[Segment]) -> Option<P> {
    segments.last().map(Segment::end)
}

/// An arc as cubics, less than a ten-millionth of the longer half axis off.
pub(super) fn cubics(arc: &Arc) -> Vec<[P; 3]> {
    let sweep = arc.to - arc.from;
    let pieces = (sweep.abs() / (PI / 8.0) - 1e-9).ceil().clamp(1.0, 32.0);
    let by = sweep / pieces;
    // The length of the arms of a cubic along an arc of a circle.
    let arm = 4.0 / 3.0 * tan(by / 4.0);
    let along = |t: f64| add(scaled(arc.u, -sin(t)), scaled(arc.v, cos(t)));
    let piece = |piece: usize| {
        let t = arc.from + by * piece as f64;
        let (from, to) = (arc.at(t), arc.at(t + by));
        let first = add(from, scaled(along(t), arm));
        [first, sub(to, scaled(along(t + by), arm)), to]
    };
    (0..pieces as usize).map(piece).collect()
}

/// Whether lines and arcs of circles are all there is.
pub(super) fn is_all_round(outline: &Outline) -> bool {
    outline.segments.iter().all(is_round)
}

/// The points of a chain of cubics, from each to the next within `deviation` of a straight line;
/// those beyond `most` are left out but for one, which tells that there are more.
pub(super) fn flat(control: &[P], deviation: f64, most: usize) -> Vec<(P, f64)> {
    let Some((start, rest)) = control.split_first() else { return Vec::new() };
    let mut points = vec![(*start, 0.0)];
    let mut at = *start;
    for chunk in rest.chunks_exact(3) {
        if points.len() > most {
            points.truncate(most.saturating_add(1));
            break;
        }
        let (a, b, c) = (chunk[0], chunk[1], chunk[2]);
        // A curve leaves its chord by an eighth of its second derivative at most.
        let second = |p: P, q: P, r: P| length(add(sub(p, scaled(q, 2.0)), r));
        let bend = 6.0 * second(at, a, b).max(second(a, b, c));
        let pieces = (bend / (8.0 * deviation)).sqrt().ceil().clamp(1.0, 1_000.0);
        for piece in 1..=pieces as usize {
            let t = piece as f64 / pieces;
            let s = 1.0 - t;
            let weights = [s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t];
            let sum = |i: usize| {
                weights[0] * at[i] + weights[1] * a[i] + weights[2] * b[i] + weights[3] * c[i]
            };
            points.push(([sum(0), sum(1)], 0.0));
        }
        at = c;
    }
    points
}

/// The points of part of an ellipse, within `deviation` of straight lines.
pub(super) fn flat_ellipse(
    centre: P,
    major: P,
    ratio: f64,
    [from, to]: [f64; 2],
    deviation: f64,
) -> Vec<(P, f64)> {
    let minor = scaled([-major[1], major[0]], ratio);
    let arc = Arc::new(centre, major, minor, from, to);
    let step = step(deviation / length(major)).max(1e-3);
    let pieces = ((to - from) / step).ceil().clamp(1.0, 10_000.0);
    let at = |piece: usize| (arc.at(from + (to - from) * piece as f64 / pieces), 0.0);
    (0..=pieces as usize).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::curve::Affine;
    use super::super::path;
    use super::*;

    fn kinds(data: &str, by: [f64; 6]) -> Vec<&'static str> {
        let mut out = Vec::new();
        for outline in path::data(data) {
            lines(&outline.mapped(&Affine(by)), true, &mut out);
        }
        out.iter().map(|shape| shape.kind(false)).collect()
    }

    const FLIP: [f64; 6] = [1.0, 0.0, 0.0, -1.0, 0.0, 0.0];

    #[test]
    fn outlines_are_the_entities_that_they_look_like() {
        for (data, expected) in [
            ("M0 0L5 5", vec!["LINE"]),
            ("M0 0h0", vec!["POINT"]),
            ("M0 0L5 5L9 0", vec!["LWPOLYLINE"]),
            ("M0 0A5 5 0 0 1 10 0", vec!["ARC"]),
            ("M0 0A5 5 0 0 1 10 0A5 5 0 0 1 0 0Z", vec!["CIRCLE"]),
            ("M0 0A5 3 0 0 1 10 0A5 3 0 0 1 0 0Z", vec!["ELLIPSE"]),
            ("M0 0A5 5 0 0 1 10 0Z", vec!["LWPOLYLINE"]),
            ("M0 0C1 1 2 2 3 0S5 1 6 0", vec!["SPLINE"]),
            ("M0 0C1 1 2 2 3 0L9 9Z", vec!["SPLINE", "LINE", "LINE"]),
            ("M0 0L1 1M5 5L6 6", vec!["LINE", "LINE"]),
        ] {
            assert_eq!(kinds(data, FLIP), expected, "{data}");
        }
        // A circle that is drawn wider than high is an ellipse.
        assert_eq!(kinds("M0 0A5 5 0 0 1 10 0", [2.0, 0.0, 0.0, -1.0, 0.0, 0.0]), ["ELLIPSE"]);
    }

    #[test]
    fn arcs_run_counter_clockwise_from_their_first_end() {
        let mut out = Vec::new();
        let [outline] = <[Outline; 1]>::try_from(path::data("M1 0A1 1 0 0 1 0 1")).expect("one");
        lines(&outline.mapped(&Affine(FLIP)), false, &mut out);
        let [Shape::Arc { centre, radius, from, to }] = out.as_slice() else { panic!("{out:?}") };
        // Turned over, the quarter is the one below the x axis.
        assert!(length(*centre) < 1e-12 && (radius - 1.0).abs() < 1e-12);
        assert!((from + PI / 2.0).abs() < 1e-9 && to.abs() < 1e-9, "{from} {to}");
    }

    #[test]
    fn bulges_have_the_sign_of_their_turn() {
        let [outline] =
            <[Outline; 1]>::try_from(path::data("M0 0A5 5 0 0 1 10 0L0 0")).expect("one");
        let points = bulges(outline.start, &outline.segments);
        // y downward as it is written, a sweep of 1 turns left by these coordinates.
        assert!((points[0].1 - 1.0).abs() < 1e-9, "{points:?}");
        let turned = outline.mapped(&Affine(FLIP));
        assert!((bulges(turned.start, &turned.segments)[0].1 + 1.0).abs() < 1e-9);
    }

    #[test]
    fn flattened_curves_stay_within_their_deviation() {
        let points = flat(&[[0.0, 0.0], [0.0, 10.0], [10.0, 10.0], [10.0, 0.0]], 1e-3, 1_000);
        assert!(points.len() > 20 && points.len() < 500, "{}", points.len());
        let ellipse = flat_ellipse([0.0, 0.0], [10.0, 0.0], 0.5, [0.0, TAU], 1e-3);
        let top = ellipse.iter().map(|(p, _)| p[1]).fold(0.0, f64::max);
        assert!((top - 5.0).abs() < 1e-3, "{top}");
    }
}
