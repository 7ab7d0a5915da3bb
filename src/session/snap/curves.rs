//! Points of outlines that depend on where a drag comes from, or on two outlines: intersections,
//! feet of perpendiculars, points of tangents, and the nearest point of all.

use kurbo::{
    ParamCurve, ParamCurveDeriv, ParamCurveExtrema, ParamCurveNearest, PathSeg, Point, Shape,
};

use super::super::operation::SnapOptions;
use super::super::outcome::SnapKind;
use super::Candidate;

/// Chords that a curve is looked through with.
const CHORDS: usize = 24;
/// Steps of Newton's method and of bisection: each ends at the precision of the numbers.
const STEPS: usize = 60;
/// Intersections of two segments at most; cubics have nine.
const MEETINGS: usize = 9;
/// Pairs of segments that are intersected for one point.
const PAIRS: usize = 4096;

/// The candidates among `outlines` (segments, in world coordinates) within `tolerance` of `at`. `base` is
/// where the point was before the drag.
pub(crate) fn near(
    outlines: &[impl AsRef<[PathSeg]>],
    base: Point,
    at: Point,
    tolerance: f64,
    options: &SnapOptions,
) -> Vec<Candidate> {
    let near = |segment: &&PathSeg| {
        let bounds = segment.bounding_box().inflate(tolerance, tolerance);
        // Inflated bounds of a level line have a width, those of a point as well.
        bounds.is_finite() && bounds.contains(at)
    };
    let outlines: Vec<Vec<&PathSeg>> =
        outlines.iter().map(|o| o.as_ref().iter().filter(near).collect()).collect();
    let mut found = Vec::new();
    let mut add = |at: Point, kind: SnapKind| found.push(Candidate { at, kind });
    if options.intersection {
        let mut pairs = 0;
        for (i, one) in outlines.iter().enumerate() {
            for other in outlines.iter().skip(i + 1) {
                for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
                    pairs += 1;
                    if pairs <= PAIRS {
                        intersections(a, b)
                            .into_iter()
                            .for_each(|p| add(p, SnapKind::Intersection));
                    }
                }
            }
        }
    }
    for segment in outlines.into_iter().flatten() {
        if options.quadrant && !matches!(segment, PathSeg::Line(_)) {
            quadrants(segment).into_iter().for_each(|p| add(p, SnapKind::Quadrant));
        }
        if options.perpendicular {
            match segment {
                PathSeg::Line(line) => {
                    let along = line.p1 - line.p0;
                    let t = (base - line.p0).dot(along) / along.hypot2();
                    if (0.0..=1.0).contains(&t) {
                        add(line.eval(t), SnapKind::Perpendicular);
                    }
                }
                _ => {
                    let foot = |t: f64| (segment.eval(t) - base).dot(slope(segment, t));
                    roots(foot).for_each(|t| add(segment.eval(t), SnapKind::Perpendicular));
                }
            }
        }
        if options.tangent && !matches!(segment, PathSeg::Line(_)) {
            let touch = |t: f64| (segment.eval(t) - base).cross(slope(segment, t));
            roots(touch).for_each(|t| add(segment.eval(t), SnapKind::Tangent));
        }
        if options.nearest {
            // Exact to a thousandth of how near it has to be.
            let nearest = segment.nearest(at, tolerance * 1e-3);
            add(segment.eval(nearest.t), SnapKind::Nearest);
        }
    }
    found.retain(|c| c.at.is_finite());
    found
}

fn slope(segment: &PathSeg, t: f64) -> kurbo::Vec2 {
    match segment {
        PathSeg::Line(line) => line.p1 - line.p0,
        PathSeg::Quad(quad) => quad.deriv().eval(t).to_vec2(),
        PathSeg::Cubic(cubic) => cubic.deriv().eval(t).to_vec2(),
    }
}

/// Where a curve goes level or upright: the quadrants of circles and ellipses that are not turned.
fn quadrants(segment: &PathSeg) -> Vec<Point> {
    let mut found: Vec<Point> = segment.extrema().iter().map(|&t| segment.eval(t)).collect();
    for (t, end) in [(0.0, segment.start()), (1.0, segment.end())] {
        let slope = slope(segment, t);
        let along = slope.x.abs().max(slope.y.abs());
        // Between two arcs of a circle, where rounding leaves a little of the other direction.
        if along > 0.0 && slope.x.abs().min(slope.y.abs()) <= 1e-9 * along {
            found.push(end);
        }
    }
    found
}

/// The zeros in [0, 1] of a function that changes its sign there, by bisection between chords.
fn roots(function: impl Fn(f64) -> f64) -> impl Iterator<Item = f64> {
    let step = 1.0 / CHORDS as f64;
    let ends: Vec<(f64, f64)> =
        (0..=CHORDS).map(|i| i as f64 * step).map(|t| (t, function(t))).collect();
    let mut found: Vec<f64> = ends.iter().filter(|(_, f)| *f == 0.0).map(|(t, _)| *t).collect();
    for pair in ends.windows(2) {
        let ((mut low, at_low), (mut high, at_high)) = (pair[0], pair[1]);
        // Products of tiny numbers would vanish.
        if at_low == 0.0 || at_high == 0.0 || (at_low > 0.0) == (at_high > 0.0) {
            continue;
        }
        for _ in 0..STEPS {
            let middle = 0.5 * (low + high);
            if (function(middle) > 0.0) == (at_low > 0.0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        found.push(0.5 * (low + high));
    }
    found.into_iter()
}

/// Where two segments cross: chords first, then Newton's method on both parameters.
fn intersections(a: &PathSeg, b: &PathSeg) -> Vec<Point> {
    let mut found: Vec<Point> = Vec::new();
    let chords = |s: &PathSeg| if matches!(s, PathSeg::Line(_)) { 1 } else { CHORDS };
    let (n, m) = (chords(a), chords(b));
    let cut = |s: &PathSeg, count: usize| -> Vec<Point> {
        (0..=count).map(|i| s.eval(i as f64 / count as f64)).collect()
    };
    let (pa, pb) = (cut(a, n), cut(b, m));
    for (i, p) in pa.windows(2).enumerate() {
        for (j, q) in pb.windows(2).enumerate() {
            let Some((s, u)) = crossing(p[0], p[1], q[0], q[1]) else { continue };
            let (mut t, mut v) = ((i as f64 + s) / n as f64, (j as f64 + u) / m as f64);
            for _ in 0..STEPS {
                let (off, da, db) = (b.eval(v) - a.eval(t), slope(a, t), slope(b, v));
                let across = da.cross(db);
                if across == 0.0 || off.hypot2() == 0.0 {
                    break;
                }
                t = (t + off.cross(db) / across).clamp(0.0, 1.0);
                v = (v + off.cross(da) / across).clamp(0.0, 1.0);
            }
            let at = a.eval(t);
            // Chords of curves may cross where the curves only come near.
            let size = 1.0 + at.to_vec2().hypot();
            if (b.eval(v) - at).hypot() <= 1e-9 * size
                && found.iter().all(|known| (*known - at).hypot() > 1e-9 * size)
            {
                found.push(at);
            }
            if found.len() >= MEETINGS {
                return found;
            }
        }
    }
    found
}

/// The parameters at which two chords cross, a little beyond their ends included: the curve is beside them.
fn crossing(a: Point, b: Point, c: Point, d: Point) -> Option<(f64, f64)> {
    let (r, s, off) = (b - a, d - c, c - a);
    let across = r.cross(s);
    if across == 0.0 {
        return None;
    }
    let (t, u) = (off.cross(s) / across, off.cross(r) / across);
    let within = |t: f64| (-0.1..=1.1).contains(&t);
    (within(t) && within(u)).then_some((t, u))
}

#[cfg(test)]
mod tests {
    use kurbo::{BezPath, Circle, Line};

    use super::*;

    fn circle(x: f64, y: f64, r: f64) -> Vec<PathSeg> {
        Circle::new((x, y), r).to_path(1e-9).segments().collect()
    }

    fn line(a: (f64, f64), b: (f64, f64)) -> Vec<PathSeg> {
        vec![PathSeg::Line(Line::new(a, b))]
    }

    const NONE: SnapOptions = SnapOptions {
        grid: 0.0,
        endpoint: false,
        midpoint: false,
        center: false,
        intersection: false,
        quadrant: false,
        perpendicular: false,
        tangent: false,
        nearest: false,
        angle: None,
        tolerance: 5.0,
    };

    /// The candidate of one kind that is nearest to a point.
    fn best(
        outlines: &[Vec<PathSeg>],
        base: (f64, f64),
        at: (f64, f64),
        options: SnapOptions,
    ) -> Option<Point> {
        let at = Point::from(at);
        near(outlines, base.into(), at, 5.0, &options)
            .into_iter()
            .map(|c| c.at)
            .min_by(|a, b| (*a - at).hypot2().total_cmp(&(*b - at).hypot2()))
    }

    fn assert_at(found: Option<Point>, x: f64, y: f64) {
        let found = found.expect("a point");
        assert!((found - Point::new(x, y)).hypot() < 1e-6, "{found:?} is not ({x}, {y})");
    }

    #[test]
    fn lines_and_circles_intersect_where_they_do() {
        let options = SnapOptions { intersection: true, ..NONE };
        let two = [line((0.0, 0.0), (10.0, 10.0)), line((0.0, 10.0), (10.0, 0.0))];
        assert_at(best(&two, (0.0, 0.0), (5.5, 5.0), options), 5.0, 5.0);
        let mixed = [line((-20.0, 3.0), (20.0, 3.0)), circle(0.0, 0.0, 5.0)];
        assert_at(best(&mixed, (0.0, 0.0), (4.5, 3.0), options), 4.0, 3.0);
        let circles = [circle(0.0, 0.0, 5.0), circle(6.0, 0.0, 5.0)];
        assert_at(best(&circles, (0.0, 0.0), (3.0, 4.2), options), 3.0, 4.0);
        // Ends that touch.
        let corner = [line((0.0, 0.0), (10.0, 0.0)), line((10.0, 0.0), (10.0, 10.0))];
        assert_at(best(&corner, (0.0, 0.0), (9.0, 1.0), options), 10.0, 0.0);
        let apart = [line((0.0, 0.0), (10.0, 0.0)), line((0.0, 1.0), (10.0, 1.0))];
        assert_eq!(best(&apart, (0.0, 0.0), (5.0, 0.5), options), None);
    }

    #[test]
    fn a_perpendicular_stands_on_what_it_meets() {
        let options = SnapOptions { perpendicular: true, ..NONE };
        let wall = [line((0.0, 10.0), (100.0, 10.0))];
        assert_at(best(&wall, (40.0, -30.0), (42.0, 9.0), options), 40.0, 10.0);
        // Beyond the end of the wall there is no foot.
        assert_eq!(best(&wall, (140.0, -30.0), (99.0, 9.0), options), None);
        let round = [circle(0.0, 0.0, 10.0)];
        assert_at(best(&round, (30.0, 40.0), (6.5, 7.5), options), 6.0, 8.0);
    }

    #[test]
    fn a_tangent_touches_a_circle() {
        let options = SnapOptions { tangent: true, ..NONE };
        let round = [circle(0.0, 0.0, 6.0)];
        // From (10, 0) the tangents touch at x = 36/10, y = ±4.8.
        assert_at(best(&round, (10.0, 0.0), (4.0, 5.0), options), 3.6, 4.8);
        assert_at(best(&round, (10.0, 0.0), (4.0, -5.0), options), 3.6, -4.8);
        // From inside there is none.
        assert_eq!(best(&round, (1.0, 0.0), (4.0, 5.0), options), None);
    }

    #[test]
    fn quadrants_and_the_nearest_point() {
        let round = [circle(10.0, 20.0, 6.0)];
        let quadrant = SnapOptions { quadrant: true, ..NONE };
        assert_at(best(&round, (0.0, 0.0), (10.5, 26.0), quadrant), 10.0, 26.0);
        assert_at(best(&round, (0.0, 0.0), (4.5, 20.0), quadrant), 4.0, 20.0);
        assert_eq!(best(&[line((0.0, 0.0), (9.0, 0.0))], (0.0, 0.0), (1.0, 0.0), quadrant), None);
        let nearest = SnapOptions { nearest: true, ..NONE };
        assert_at(best(&round, (0.0, 0.0), (10.0 + 4.0, 20.0 + 3.0), nearest), 14.8, 23.6);
        assert_at(
            best(&[line((0.0, 0.0), (100.0, 0.0))], (0.0, 0.0), (33.0, 2.0), nearest),
            33.0,
            0.0,
        );
    }

    #[test]
    fn what_has_no_length_or_no_end_gives_no_point() {
        let all = SnapOptions {
            intersection: true,
            quadrant: true,
            perpendicular: true,
            tangent: true,
            nearest: true,
            ..NONE
        };
        let mut odd = BezPath::new();
        odd.move_to((3.0, 3.0));
        odd.line_to((3.0, 3.0));
        odd.curve_to((3.0, 3.0), (3.0, 3.0), (3.0, 3.0));
        odd.line_to((f64::INFINITY, 3.0));
        odd.line_to((f64::NAN, 3.0));
        let outlines = [odd.segments().collect::<Vec<_>>(), line((0.0, 0.0), (1e300, -1e300))];
        for candidate in near(
            &outlines.each_ref().map(Vec::as_slice),
            (0.0, 0.0).into(),
            (3.0, 3.0).into(),
            5.0,
            &all,
        ) {
            assert!(candidate.at.is_finite());
        }
    }
}
