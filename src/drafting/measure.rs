//! What is between parts of shapes.

use svgx_engine::constraint::Part;

use crate::plane::{P, along, angle, at_angle, cross, dot, left, sub, unit};

/// Sines of angles up to which lines count as parallel, or square to each other.
const PARALLEL: f64 = 1e-6;

/// Two points, and the direction in which they are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) of: [P; 2],
    pub(crate) axis: P,
}

/// The point that a part is measured from; `None` where it has none of its own.
pub(crate) fn point(part: &Part) -> Option<P> {
    match part {
        Part::Point(at) => Some(*at),
        Part::Circle { centre, .. } | Part::Arc { centre, .. } => Some(*centre),
        Part::Line(..) | Part::Whole(_) => None,
    }
}

/// The middle of an arc.
pub(crate) fn middle_of(part: &Part) -> Option<P> {
    let Part::Arc { centre, radius, from, to, clockwise } = part else { return None };
    let [a, b] = if *clockwise { [*from, *to] } else { [*to, *from] };
    let begin = angle(sub(a, *centre));
    let sweep = (angle(sub(b, *centre)) - begin).rem_euclid(std::f64::consts::TAU);
    Some(along(*centre, at_angle(begin + sweep / 2.0), *radius))
}

/// What one or two parts are apart.
///
/// # Errors
/// What can be measured instead.
pub(crate) fn between(
    aligned: bool,
    parts: &[Part],
    at: Option<P>,
    direction: Option<P>,
) -> Result<Found, &'static str> {
    match parts {
        [Part::Line(a, b)] => points([*a, *b], aligned, at, direction),
        [first, second] => {
            let near = at.or(point(first)).or(point(second));
            let line = match (first, second) {
                (Part::Line(a, b), Part::Line(c, d)) => {
                    if !is_parallel(sub(*b, *a), sub(*d, *c)) {
                        return Err("the two lines are not parallel");
                    }
                    Some([*a, *b])
                }
                (Part::Line(a, b), _) | (_, Part::Line(a, b)) => Some([*a, *b]),
                _ => None,
            };
            let of = [end(first, near)?, end(second, near)?];
            match line {
                None => points(of, aligned, at, direction),
                // Square to the line, whatever the type.
                Some([a, b]) => {
                    let line = unit(sub(b, a)).ok_or("a line without length has no direction")?;
                    Ok(Found { of, axis: forward(of, left(line)) })
                }
            }
        }
        [Part::Circle { .. } | Part::Arc { .. }] => {
            Err("a circle is measured by its radius or diameter")
        }
        _ => Err("one line, or two parts, are measured"),
    }
}

/// The direction of an axis in which the second point lies.
fn forward([a, b]: [P; 2], axis: P) -> P {
    if dot(sub(b, a), axis) < 0.0 { [-axis[0], -axis[1]] } else { axis }
}

fn points(
    of: [P; 2],
    aligned: bool,
    at: Option<P>,
    direction: Option<P>,
) -> Result<Found, &'static str> {
    let [a, b] = of;
    let axis = match (direction, aligned) {
        (Some(direction), _) => direction,
        // Points that are one have no direction: level is as good as any.
        (None, true) => unit(sub(b, a)).unwrap_or([1.0, 0.0]),
        (None, false) => across_or_down(of, at),
    };
    Ok(Found { of, axis: forward(of, axis) })
}

/// The axis of a dimension whose line is at `at`: it lies above or below what it measures across,
/// beside what it measures down.
fn across_or_down([a, b]: [P; 2], at: Option<P>) -> P {
    let (across, down) = ([1.0, 0.0], [0.0, 1.0]);
    let outside = |axis: usize, at: P| {
        let (low, high) = (a[axis].min(b[axis]), a[axis].max(b[axis]));
        (low - at[axis]).max(at[axis] - high)
    };
    // Level with each other, or above each other: only one of the two is a measure.
    let [dx, dy] = [(b[0] - a[0]).abs(), (b[1] - a[1]).abs()];
    if dy <= PARALLEL * dx || dx <= PARALLEL * dy {
        return if dx >= dy { across } else { down };
    }
    match at {
        Some(at) if outside(1, at) >= outside(0, at) => across,
        Some(_) => down,
        None if (b[0] - a[0]).abs() >= (b[1] - a[1]).abs() => across,
        None => down,
    }
}

fn is_parallel(a: P, b: P) -> bool {
    match (unit(a), unit(b)) {
        (Some(a), Some(b)) => cross(a, b).abs() <= PARALLEL,
        _ => false,
    }
}

/// Where a part is measured from: of a line, the end that is nearer to `near`.
fn end(part: &Part, near: Option<P>) -> Result<P, &'static str> {
    match part {
        Part::Line(a, b) => {
            let far = |p: P| near.map_or(0.0, |near| dot(sub(p, near), sub(p, near)));
            Ok(if far(*a) <= far(*b) { *a } else { *b })
        }
        Part::Whole(_) => Err("a whole shape is not measured: name one of its parts"),
        other => point(other).ok_or("it has no point to measure from"),
    }
}

/// Points in a row and the axis they are measured along.
///
/// # Errors
/// What can be measured instead.
pub(crate) fn in_row(
    parts: &[Part],
    at: Option<P>,
    direction: Option<P>,
) -> Result<(Vec<P>, P), &'static str> {
    let [_, _, ..] = parts else { return Err("two parts or more are measured") };
    let near = at.or_else(|| parts.iter().find_map(point));
    let points: Result<Vec<P>, _> = parts.iter().map(|part| end(part, near)).collect();
    let points = points?;
    let lines = parts.iter().filter_map(|part| match part {
        Part::Line(a, b) => unit(sub(*b, *a)),
        _ => None,
    });
    let lines: Vec<P> = lines.collect();
    let ends = [points[0], points.last().copied().unwrap_or(points[0])];
    let axis = match (direction, lines.first()) {
        (Some(direction), _) => direction,
        (None, Some(line)) => left(*line),
        (None, None) => across_or_down(ends, at),
    };
    if lines.iter().any(|line| dot(*line, axis).abs() > PARALLEL) {
        return Err("the lines are not all parallel");
    }
    Ok((points, forward(ends, axis)))
}

/// The sides of an angle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Corner {
    pub(crate) vertex: P,
    /// Directions from the vertex.
    pub(crate) first: P,
    pub(crate) second: P,
    /// The sides begin at the vertex; else they go on beyond it.
    pub(crate) are_rays: bool,
    lines: [[P; 2]; 2],
}

impl Corner {
    /// How far the side in a direction reaches from the vertex: nearest and farthest.
    pub(crate) fn reach(&self, direction: P) -> [f64; 2] {
        let line = self.lines.iter().find(|[a, b]| {
            unit(sub(*b, *a)).is_some_and(|line| cross(line, direction).abs() <= PARALLEL)
        });
        let Some([a, b]) = line else { return [0.0, 0.0] };
        let (a, b) = (dot(sub(*a, self.vertex), direction), dot(sub(*b, self.vertex), direction));
        [a.min(b).max(0.0), a.max(b).max(0.0)]
    }
}

/// The angle that parts make: two lines, three points with the vertex in the middle, or an arc.
///
/// # Errors
/// What can be measured instead.
pub(crate) fn corner(parts: &[Part]) -> Result<Corner, &'static str> {
    let expected = "two lines, three points or an arc make an angle";
    let rays = |vertex: P, a: P, b: P| {
        let (first, second) = (unit(sub(a, vertex)), unit(sub(b, vertex)));
        let (Some(first), Some(second)) = (first, second) else {
            return Err("a side of the angle has no length");
        };
        Ok(Corner { vertex, first, second, are_rays: true, lines: [[vertex, a], [vertex, b]] })
    };
    match parts {
        [Part::Line(a, b), Part::Line(c, d)] => {
            let (first, second) = (unit(sub(*b, *a)), unit(sub(*d, *c)));
            let (Some(first), Some(second)) = (first, second) else {
                return Err("a line without length has no direction");
            };
            let whole = cross(first, second);
            if whole.abs() <= PARALLEL {
                return Err("the two lines are parallel: they make no angle");
            }
            let vertex = along(*a, first, cross(sub(*c, *a), second) / whole);
            Ok(Corner { vertex, first, second, are_rays: false, lines: [[*a, *b], [*c, *d]] })
        }
        [Part::Arc { centre, from, to, .. }] => rays(*centre, *from, *to),
        [a, vertex, b] => match (point(a), point(vertex), point(b)) {
            (Some(a), Some(vertex), Some(b)) => rays(vertex, a, b),
            _ => Err(expected),
        },
        _ => Err(expected),
    }
}
