//! Parts of shapes to numbers and what is drawn of them.

use svgx_engine::constraint::Part;

use crate::dimension::{Kind, MOST, Piece, Points};
use crate::layout::{self, Arc, Laid, Paper};
use crate::measure::{self, Found};
use crate::plane::{P, along, angle, at_angle, dot, left, length, middle, readable, sub, unit};
use crate::text::{Measure, Sign, Words, text};

/// Millimetres of paper between what is measured and a line whose place is not stated.
const AWAY: f64 = 10.0;

/// What a dimension is laid out with.
pub(crate) struct Job<'s> {
    pub(crate) sign: Sign,
    pub(crate) words: &'s Words,
    pub(crate) paper: Paper<'s>,
}

impl Job<'_> {
    fn text(&self, measure: Measure) -> String {
        text(measure, self.sign, self.words, self.paper.style)
    }
}

/// Why nothing is drawn.
pub(crate) enum Wrong {
    Reference(String),
    TooLong,
}

fn wrong<T>(message: &str) -> Result<T, Wrong> {
    Err(Wrong::Reference(message.to_owned()))
}

fn measured(measure: Option<Measure>) -> Result<Measure, Wrong> {
    measure.ok_or(Wrong::TooLong)
}

pub(crate) fn straight(
    kind: Kind,
    parts: &[Part],
    at: Option<P>,
    direction: Option<P>,
    job: &Job<'_>,
) -> Result<Vec<Piece>, Wrong> {
    let found = measure::between(kind == Kind::Aligned, parts, at, direction);
    let Found { of, axis } = found.map_err(|message| Wrong::Reference(message.to_owned()))?;
    let through = at.unwrap_or_else(|| aside(of, axis, job.paper.scale));
    Ok(vec![line(of, axis, through, false, job)?])
}

/// Where a line goes whose place is not stated.
fn aside([a, b]: [P; 2], axis: P, scale: f64) -> P {
    let up = left(readable(axis));
    let high = if dot(a, up) > dot(b, up) { a } else { b };
    along(high, up, AWAY * scale)
}

fn line(of: [P; 2], axis: P, through: P, crowded: bool, job: &Job<'_>) -> Result<Piece, Wrong> {
    let measure = measured(Measure::of_mm(dot(sub(of[1], of[0]), axis)))?;
    let text = job.text(measure);
    let mut laid = Laid::default();
    let feet = layout::linear(&mut laid, of, axis, through, &text, crowded, &job.paper);
    Ok(Piece { measure, text, laid, points: Points::Straight { of, feet, axis } })
}

pub(crate) fn row(
    kind: Kind,
    parts: &[Part],
    at: Option<P>,
    direction: Option<P>,
    job: &Job<'_>,
) -> Result<Vec<Piece>, Wrong> {
    if parts.len() > MOST {
        return wrong("more parts than dimensions may have");
    }
    let (points, axis) = measure::in_row(parts, at, direction)
        .map_err(|message| Wrong::Reference(message.to_owned()))?;
    let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) else {
        return wrong("two parts or more are measured");
    };
    let through = at.unwrap_or_else(|| aside([first, last], axis, job.paper.scale));
    // Lines above each other go away from what is measured.
    let up = left(axis);
    let away = if dot(sub(through, first), up) >= 0.0 { 1.0 } else { -1.0 };
    let step = away * job.paper.style.spacing * job.paper.scale;
    let pair = |(at, pair): (usize, &[P])| match (kind, pair) {
        (Kind::Baseline, [_, b]) => {
            line([first, *b], axis, along(through, up, step * at as f64), false, job)
        }
        (_, [a, b]) => line([*a, *b], axis, through, true, job),
        _ => wrong("two parts or more are measured"),
    };
    points.windows(2).enumerate().map(pair).collect()
}

pub(crate) fn round(
    kind: Kind,
    parts: &[Part],
    at: Option<P>,
    job: &Job<'_>,
) -> Result<Vec<Piece>, Wrong> {
    let (centre, radius, middle) = match parts {
        [Part::Circle { centre, radius }] => (*centre, *radius, None),
        [part @ Part::Arc { centre, radius, .. }] => (*centre, *radius, measure::middle_of(part)),
        _ => return wrong("the radius of one circle or arc is measured"),
    };
    // Without a place it stands off the middle of an arc, or to the upper right.
    let usual = || {
        let out = middle
            .and_then(|m| unit(sub(m, centre)))
            .unwrap_or(at_angle(-std::f64::consts::FRAC_PI_4));
        along(centre, out, radius + 3.0 * job.paper.style.arrow * job.paper.scale)
    };
    let at = at.unwrap_or_else(usual);
    let mut laid = Laid::default();
    let (measure, text, points) = if kind == Kind::Radius {
        let measure = measured(Measure::of_mm(radius))?;
        let text = job.text(measure);
        let on = layout::radius(&mut laid, (centre, radius), at, &text, &job.paper);
        (measure, text, Points::Radius { centre, on })
    } else {
        let measure = measured(Measure::of_mm(2.0 * radius))?;
        let text = job.text(measure);
        let ends = layout::diameter(&mut laid, (centre, radius), at, &text, &job.paper);
        (measure, text, Points::Diameter(ends))
    };
    Ok(vec![Piece { measure, text, laid, points }])
}

pub(crate) fn corner(parts: &[Part], at: Option<P>, job: &Job<'_>) -> Result<Vec<Piece>, Wrong> {
    let sides = measure::corner(parts).map_err(|message| Wrong::Reference(message.to_owned()))?;
    let at = at.unwrap_or_else(|| {
        let out = unit(middle(sides.first, sides.second)).unwrap_or(left(sides.first));
        along(sides.vertex, out, AWAY * job.paper.scale)
    });
    let to = sub(at, sides.vertex);
    let Some(holds) = unit(to) else { return wrong("the place of an angle is its vertex") };
    let [first, second] = match sides.are_rays {
        true => [sides.first, sides.second],
        false => layout::sides(sides.first, sides.second, holds),
    };
    let (from, sweep) = layout::sector(first, second, holds);
    let radius = length(to);
    let measure = measured(Measure::of_radians(sweep))?;
    let text = job.text(measure);
    let begin = at_angle(from);
    // The sides in the order of the sweep.
    let ordered = dot(begin, first) >= dot(begin, second) - 1e-12;
    let reach = |direction: P| sides.reach(direction);
    let [a, b] = if ordered { [first, second] } else { [second, first] };
    let legs = [reach(a), reach(b)];
    let mut laid = Laid::default();
    let drawn = Arc { centre: sides.vertex, radius, from, sweep };
    layout::around(&mut laid, drawn, legs, &text, &job.paper);
    let end = |direction: P, [_, far]: [f64; 2]| {
        along(sides.vertex, direction, if far > 1e-6 { far } else { radius })
    };
    let points = Points::Angle {
        vertex: sides.vertex,
        ends: [end(a, legs[0]), end(b, legs[1])],
        arc: along(sides.vertex, at_angle(from + sweep / 2.0), radius),
    };
    Ok(vec![Piece { measure, text, laid, points }])
}

pub(crate) fn arc(parts: &[Part], at: Option<P>, job: &Job<'_>) -> Result<Vec<Piece>, Wrong> {
    let [Part::Arc { centre, radius, from, to, clockwise }] = parts else {
        return wrong("the length of one arc is measured");
    };
    let [a, b] = if *clockwise { [*from, *to] } else { [*to, *from] };
    let begin = angle(sub(a, *centre));
    let sweep = (angle(sub(b, *centre)) - begin).rem_euclid(std::f64::consts::TAU);
    let measure = measured(Measure::of_mm(radius * sweep))?;
    let text = job.text(measure);
    let drawn = at.map_or(radius + AWAY * job.paper.scale, |at| length(sub(at, *centre)));
    let mut laid = Laid::default();
    let drawn = Arc { centre: *centre, radius: drawn, from: begin, sweep };
    layout::around(&mut laid, drawn, [[*radius; 2]; 2], &text, &job.paper);
    Ok(vec![Piece { measure, text, laid, points: Points::Arc }])
}

pub(crate) fn ordinates(parts: &[Part], at: Option<P>, job: &Job<'_>) -> Result<Vec<Piece>, Wrong> {
    let points: Option<Vec<P>> = parts.iter().map(measure::point).collect();
    let Some(points) = points else { return wrong("ordinates are of points") };
    let [origin, rest @ ..] = points.as_slice() else {
        return wrong("an origin and a point are measured");
    };
    let Some(first) = rest.first() else { return wrong("an origin and a point are measured") };
    let at = at.unwrap_or([first[0], first[1] - AWAY * job.paper.scale]);
    let to = sub(at, *first);
    let is_x = to[1].abs() >= to[0].abs();
    let axis: P = if is_x { [1.0, 0.0] } else { [0.0, 1.0] };
    let one = |point: &P| {
        // All lines of several end at one height.
        let end = if is_x { [point[0], at[1]] } else { [at[0], point[1]] };
        let end = if rest.len() == 1 { at } else { end };
        let measure = measured(Measure::of_mm(dot(sub(*point, *origin), axis)))?;
        let text = job.text(measure);
        let mut laid = Laid::default();
        layout::ordinate(&mut laid, *point, end, axis, &text, &job.paper);
        let points = Points::Ordinate { origin: *origin, point: *point, end, is_x };
        Ok(Piece { measure, text, laid, points })
    };
    rest.iter().map(one).collect()
}
