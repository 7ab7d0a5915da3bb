//! What names in constraints stand for: points, lines and circles by the
//! numbers of their unknowns.

use std::collections::HashMap;

use svgx_base::nearest::did_you_mean;

use super::error::{Error, Location, Reason};
use super::problem::Problem;
use super::shape::{PathArc, Shape, check_shape};
use crate::document::Limits;
use crate::linear::ROWS_PER_CHECKPOINT;
use svgx_base::budget::Budget;

/// Coordinates and values beyond this many millimetres (1 000 km) are refused.
pub(crate) const MAX_COORDINATE: f64 = 1e9;

/// Ids that a misspelt one is compared with.
const COMPARED: usize = 2_000;

/// A point: the numbers of its two unknowns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Point {
    pub(crate) x: u32,
    pub(crate) y: u32,
}

/// A line through two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) a: Point,
    pub(crate) b: Point,
}

/// A circle, or the circle an arc lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circle {
    pub(crate) c: Point,
    pub(crate) r: u32,
}

/// What a name in [`Constraint::of`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    Point(Point),
    Line(Line),
    Circle(Circle),
    Arc(Circle, Point, Point),
    Rect(Point, Point),
    /// First unknown of a path, and how many there are.
    Path(u32, u32),
}

impl Feature {
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Feature::Point(_) => "point",
            Feature::Line(_) => "line",
            Feature::Circle(_) => "circle",
            Feature::Arc(..) => "arc",
            Feature::Rect(..) => "rect",
            Feature::Path(..) => "path",
        }
    }

    /// Every unknown of the feature.
    pub(crate) fn unknowns(self, out: &mut Vec<u32>) {
        match self {
            Feature::Point(p) => out.extend([p.x, p.y]),
            Feature::Line(Line { a, b }) | Feature::Rect(a, b) => out.extend([a.x, a.y, b.x, b.y]),
            Feature::Circle(k) => out.extend([k.c.x, k.c.y, k.r]),
            Feature::Arc(k, p, q) => out.extend([k.c.x, k.c.y, k.r, p.x, p.y, q.x, q.y]),
            Feature::Path(first, count) => out.extend(first..first + count),
        }
    }
}

/// Names and unknowns of a problem that was found sound.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    names: HashMap<String, usize>,
    /// First unknown of every entity, and one past the last of all.
    pub(crate) first: Vec<u32>,
}

impl Index {
    /// Checks the entities and numbers their unknowns.
    pub(crate) fn new(
        problem: &Problem,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(Index, Vec<f64>), Error> {
        for (what, count, limit) in [
            ("constraints", problem.constraints.len(), limits.constraints),
            ("entities", problem.entities.len(), limits.elements),
        ] {
            if count > limit {
                return Err(Error::Limit { what, count, limit });
            }
        }
        let mut index =
            Index { names: HashMap::with_capacity(problem.entities.len()), first: vec![0] };
        let mut values = Vec::with_capacity(problem.entities.len() * 4);
        for (i, entity) in problem.entities.iter().enumerate() {
            if i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                budget.checkpoint().map_err(Error::Stopped)?;
            }
            let invalid = |reason| Error::Invalid {
                location: Location::Entity(i),
                name: entity.id.clone(),
                reason,
            };
            if index.names.insert(entity.id.clone(), i).is_some() {
                return Err(invalid(Reason::DuplicateId));
            }
            let start = values.len();
            entity.shape.push_values(&mut values);
            if let Some(&bad) = values[start..].iter().find(|v| !(v.abs() <= MAX_COORDINATE)) {
                return Err(invalid(Reason::NotFinite(bad)));
            }
            check_shape(&entity.shape).map_err(invalid)?;
            index.first.push(values.len() as u32);
        }
        Ok((index, values))
    }

    /// The entity that `name` begins with, and the feature of it that the rest names.
    /// Ids may hold dots themselves: the longest one that is known counts.
    fn split<'n>(&self, name: &'n str) -> Option<(usize, Option<&'n str>)> {
        if let Some(&i) = self.names.get(name) {
            return Some((i, None));
        }
        let dots = name.rmatch_indices('.').take(3);
        let known = |(at, _)| Some((*self.names.get(&name[..at])?, Some(&name[at + 1..])));
        dots.into_iter().find_map(known)
    }

    /// What `name` (an id, or an id, a dot and a feature) stands for.
    pub(crate) fn feature(&self, problem: &Problem, name: &str) -> Result<Feature, Reason> {
        let unknown = || {
            let id = name.split_once('.').map_or(name, |(id, _)| id);
            // Many names are not compared one by one.
            let few = self.names.len() <= COMPARED;
            let near = did_you_mean(id, self.names.keys().map(String::as_str).filter(|_| few));
            let hint = near.map_or_else(String::new, |near| format!("; {near}"));
            Reason::UnknownEntity { name: name.chars().take(64).collect(), hint }
        };
        let (entity, part) = self.split(name).ok_or_else(unknown)?;
        let v = self.first[entity];
        let shape = &problem.entities[entity].shape;
        let feature = match part {
            None => Some(whole(shape, v)),
            Some(part) => part_of(shape, v, part),
        };
        feature.ok_or_else(|| Reason::UnknownFeature {
            entity: problem.entities[entity].id.as_str().into(),
            shape: shape.name(),
            feature: part.unwrap_or_default().chars().take(64).collect(),
            hint: hint(shape, part.unwrap_or_default()).into(),
        })
    }
}

/// The feature that `part` names of a shape alone, whose unknowns begin at 0.
///
/// # Errors
/// What the shape has instead.
pub(crate) fn feature_in(shape: &Shape, part: Option<&str>) -> Result<Feature, String> {
    match part {
        None => Ok(whole(shape, 0)),
        Some(part) => part_of(shape, 0, part).ok_or_else(|| hint(shape, part)),
    }
}

fn point(v: u32, x: u32, y: u32) -> Point {
    Point { x: v + x, y: v + y }
}

/// A whole shape whose first unknown is `v`.
fn whole(shape: &Shape, v: u32) -> Feature {
    let at = |x, y| point(v, x, y);
    match shape {
        Shape::Point { .. } => Feature::Point(at(0, 1)),
        Shape::Line { .. } => Feature::Line(Line { a: at(0, 1), b: at(2, 3) }),
        Shape::Circle { .. } => Feature::Circle(Circle { c: at(0, 1), r: v + 2 }),
        Shape::Arc { .. } => Feature::Arc(Circle { c: at(0, 1), r: v + 2 }, at(3, 4), at(5, 6)),
        Shape::Rect { .. } => Feature::Rect(at(0, 1), at(2, 3)),
        Shape::Path { points, arcs } => {
            Feature::Path(v, (points.len() * 2 + arcs.len() * 3) as u32)
        }
    }
}

/// What may be meant by a part that `shape` does not have, and what it has.
fn hint(shape: &Shape, part: &str) -> String {
    let parts: &[&str] = match shape {
        Shape::Point { .. } => return "; it has no parts".to_owned(),
        Shape::Line { .. } => &["start", "end"],
        Shape::Circle { .. } => &["center"],
        Shape::Arc { .. } => &["center", "start", "end"],
        Shape::Rect { .. } => &[
            "left",
            "right",
            "top",
            "bottom",
            "top-left",
            "top-right",
            "bottom-left",
            "bottom-right",
        ],
        Shape::Path { points, .. } => {
            return format!("; its vertices are 1 to {}, its sides 1-2 and so on", points.len());
        }
    };
    let near = did_you_mean(part, parts.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("; {near}"));
    format!("; it has {}{near}", parts.join(", "))
}

/// The feature called `part` of a shape whose first unknown is `v`.
fn part_of(shape: &Shape, v: u32, part: &str) -> Option<Feature> {
    let at = |x, y| Some(Feature::Point(point(v, x, y)));
    let line = |a: (u32, u32), b: (u32, u32)| {
        Some(Feature::Line(Line { a: point(v, a.0, a.1), b: point(v, b.0, b.1) }))
    };
    match (shape, part) {
        (Shape::Line { .. }, "start") => at(0, 1),
        (Shape::Line { .. }, "end") => at(2, 3),
        (Shape::Circle { .. } | Shape::Arc { .. }, "center" | "centre") => at(0, 1),
        (Shape::Arc { .. }, "start") => at(3, 4),
        (Shape::Arc { .. }, "end") => at(5, 6),
        (Shape::Rect { .. }, "top") => line((0, 1), (2, 1)),
        (Shape::Rect { .. }, "bottom") => line((0, 3), (2, 3)),
        (Shape::Rect { .. }, "left") => line((0, 1), (0, 3)),
        (Shape::Rect { .. }, "right") => line((2, 1), (2, 3)),
        (Shape::Rect { .. }, "top_left" | "top-left") => at(0, 1),
        (Shape::Rect { .. }, "top_right" | "top-right") => at(2, 1),
        (Shape::Rect { .. }, "bottom_left" | "bottom-left") => at(0, 3),
        (Shape::Rect { .. }, "bottom_right" | "bottom-right") => at(2, 3),
        (Shape::Path { points, arcs }, part) => path_part(points, arcs, v, part),
        _ => None,
    }
}

fn path_part(points: &[[f64; 2]], arcs: &[PathArc], v: u32, part: &str) -> Option<Feature> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|n| (1..=points.len()).contains(n));
    let vertex = |n: usize| point(v, 2 * (n as u32 - 1), 2 * (n as u32 - 1) + 1);
    let (ends, center) = match part.strip_suffix(".center").or(part.strip_suffix(".centre")) {
        Some(ends) => (ends, true),
        None => (part, false),
    };
    let Some((a, b)) = ends.split_once('-') else {
        return number(ends).filter(|_| !center).map(|n| Feature::Point(vertex(n)));
    };
    let (a, b) = (number(a)?, number(b)?);
    let arc = arcs.iter().position(|c| (c.from, c.to) == (a, b) || (c.to, c.from) == (a, b));
    match arc {
        Some(k) => {
            let first = v + (points.len() * 2 + k * 3) as u32;
            let circle = Circle { c: point(first, 0, 1), r: first + 2 };
            let whole = Feature::Arc(circle, vertex(a), vertex(b));
            Some(if center { Feature::Point(circle.c) } else { whole })
        }
        None if center || a == b => None,
        None => Some(Feature::Line(Line { a: vertex(a), b: vertex(b) })),
    }
}
