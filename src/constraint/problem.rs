//! What is to be solved: shapes, the constraints between them, and what can be
//! wrong with either before any number is computed.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::budget::Stop;
use crate::document::Limits;

/// A sketch: entities in millimetres (y grows downward) and the constraints between them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The geometry as drawn: start values, and the branch of every tangency and side.
    pub entities: Vec<Entity>,
    /// What is to hold. Where two cannot both hold, the earlier one is kept.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
}

/// A named shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entity {
    /// Unique in the problem; the name constraints use.
    pub id: String,
    /// Where it is.
    #[serde(flatten)]
    pub shape: Shape,
}

/// The geometry of an entity, in millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Shape {
    /// A point.
    Point {
        /// To the right.
        x: f64,
        /// Down.
        y: f64,
    },
    /// A line segment; features `start` and `end`.
    Line {
        /// Start.
        x1: f64,
        /// Start.
        y1: f64,
        /// End.
        x2: f64,
        /// End.
        y2: f64,
    },
    /// A circle; feature `center`.
    Circle {
        /// Centre.
        cx: f64,
        /// Centre.
        cy: f64,
        /// Radius.
        r: f64,
    },
    /// A circular arc; features `center`, `start` and `end`.
    Arc {
        /// Centre.
        cx: f64,
        /// Centre.
        cy: f64,
        /// Radius.
        r: f64,
        /// Start, on the circle.
        x1: f64,
        /// Start.
        y1: f64,
        /// End, on the circle.
        x2: f64,
        /// End.
        y2: f64,
    },
    /// An upright rectangle; features `left`, `right`, `top`, `bottom` (lines) and
    /// `top_left`, `top_right`, `bottom_left`, `bottom_right` (points).
    Rect {
        /// Left edge.
        x: f64,
        /// Upper edge.
        y: f64,
        /// Along x.
        width: f64,
        /// Along y.
        height: f64,
    },
}

impl Shape {
    /// The unknowns of the shape, in the order the solver keeps them.
    pub(super) fn push_values(&self, out: &mut Vec<f64>) {
        match *self {
            Shape::Point { x, y } => out.extend([x, y]),
            Shape::Line { x1, y1, x2, y2 } => out.extend([x1, y1, x2, y2]),
            Shape::Circle { cx, cy, r } => out.extend([cx, cy, r]),
            Shape::Arc { cx, cy, r, x1, y1, x2, y2 } => out.extend([cx, cy, r, x1, y1, x2, y2]),
            Shape::Rect { x, y, width, height } => out.extend([x, y, x + width, y + height]),
        }
    }

    /// The same kind of shape with other unknowns, as [`Shape::push_values`] lays them out.
    pub(super) fn with_values(&self, v: &[f64]) -> Shape {
        match (*self, v) {
            (Shape::Point { .. }, &[x, y]) => Shape::Point { x, y },
            (Shape::Line { .. }, &[x1, y1, x2, y2]) => Shape::Line { x1, y1, x2, y2 },
            (Shape::Circle { .. }, &[cx, cy, r]) => Shape::Circle { cx, cy, r },
            (Shape::Arc { .. }, &[cx, cy, r, x1, y1, x2, y2]) => {
                Shape::Arc { cx, cy, r, x1, y1, x2, y2 }
            }
            (Shape::Rect { .. }, &[x, y, right, bottom]) => {
                Shape::Rect { x, y, width: right - x, height: bottom - y }
            }
            (same, _) => same,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Shape::Point { .. } => "point",
            Shape::Line { .. } => "line",
            Shape::Circle { .. } => "circle",
            Shape::Arc { .. } => "arc",
            Shape::Rect { .. } => "rect",
        }
    }
}

/// A relation that is to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// Its name in answers; `#n` (from 1) where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What is to hold.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Between what: ids of entities, or features of them such as `wall1.start`.
    pub of: Vec<String>,
    /// The dimension, for the types that have one: millimetres, or degrees for `angle`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// `None`: must hold. A number: a wish of that weight, granted as far as the
    /// constraints that must hold leave room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft: Option<f64>,
}

impl Constraint {
    /// A constraint without a name that must hold.
    pub fn new(kind: Kind, of: &[&str], value: Option<f64>) -> Constraint {
        let of = of.iter().map(|&s| s.to_owned()).collect();
        Constraint { id: None, kind, of, value, soft: None }
    }
}

/// The types of constraint. Sides and orders that a type leaves open (which side
/// of a line, inside or outside, which way an angle turns) are taken from the
/// geometry as drawn and then kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Two points are one.
    Coincident,
    /// Distance of two points, of a point and a line, or of two parallel lines; value in mm.
    Distance,
    /// A line, or two points, at the same y.
    Horizontal,
    /// A line, or two points, at the same x.
    Vertical,
    /// Angle between the directions of two lines; value in degrees, 0 to 180.
    Angle,
    /// Two lines have one direction.
    Parallel,
    /// Two lines meet at a right angle.
    Perpendicular,
    /// Two lines lie on one line; or three points do.
    #[serde(alias = "aligned")]
    Collinear,
    /// Two lines are equally long.
    #[serde(alias = "equal")]
    EqualLength,
    /// Two circles or arcs have one radius.
    EqualRadius,
    /// Radius of a circle or arc; value in mm.
    #[serde(alias = "radial_distance")]
    Radius,
    /// Diameter of a circle or arc; value in mm.
    Diameter,
    /// A line and a circle or arc, or two of the latter, touch.
    Tangent,
    /// Two circles or arcs have one centre.
    Concentric,
    /// A point is the middle of a line, or of two points.
    Midpoint,
    /// Two points, lines or circles mirror each other across a line (the last).
    Symmetric,
    /// A point is on a line, arc or circle.
    #[serde(
        alias = "on",
        alias = "point_on_line",
        alias = "point_on_arc",
        alias = "point_on_circle"
    )]
    PointOn,
    /// A line parallel to a line, or a circle about a circle's centre, at a distance; value in mm.
    Offset,
    /// An entity or feature stays where it is drawn.
    #[serde(alias = "fixed_point", alias = "fixed_line", alias = "fixed_circle")]
    Fixed,
}

impl Kind {
    /// Every type, with the name used in documents and answers.
    pub const NAMES: [(&'static str, Kind); 19] = [
        ("coincident", Kind::Coincident),
        ("distance", Kind::Distance),
        ("horizontal", Kind::Horizontal),
        ("vertical", Kind::Vertical),
        ("angle", Kind::Angle),
        ("parallel", Kind::Parallel),
        ("perpendicular", Kind::Perpendicular),
        ("collinear", Kind::Collinear),
        ("equal_length", Kind::EqualLength),
        ("equal_radius", Kind::EqualRadius),
        ("radius", Kind::Radius),
        ("diameter", Kind::Diameter),
        ("tangent", Kind::Tangent),
        ("concentric", Kind::Concentric),
        ("midpoint", Kind::Midpoint),
        ("symmetric", Kind::Symmetric),
        ("point_on", Kind::PointOn),
        ("offset", Kind::Offset),
        ("fixed", Kind::Fixed),
    ];

    /// The name used in documents and answers.
    pub fn as_str(self) -> &'static str {
        Kind::NAMES.iter().find(|(_, k)| *k == self).map_or("constraint", |(n, _)| n)
    }

    /// The type called `name` (aliases count; `-` and `_` are the same).
    pub fn parse(name: &str) -> Option<Kind> {
        let name = name.trim().to_ascii_lowercase().replace('-', "_");
        let name = match name.as_str() {
            "aligned" => "collinear",
            "equal" => "equal_length",
            "radial_distance" => "radius",
            "on" | "point_on_line" | "point_on_arc" | "point_on_circle" => "point_on",
            "fixed_point" | "fixed_line" | "fixed_circle" => "fixed",
            other => other,
        };
        Kind::NAMES.iter().find(|(n, _)| *n == name).map(|(_, k)| *k)
    }

    /// Whether the type has a dimension.
    pub fn has_value(self) -> bool {
        matches!(self, Kind::Distance | Kind::Angle | Kind::Radius | Kind::Diameter | Kind::Offset)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which part of a [`Problem`] an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Index into [`Problem::entities`].
    Entity(usize),
    /// Index into [`Problem::constraints`].
    Constraint(usize),
}

/// Why a problem cannot be solved as it is stated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More than the limit allows.
    #[error("{count} {what}; the limit is {limit}")]
    Limit {
        /// `constraints` or `entities`.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A part of the problem is wrong.
    #[error("{name}: {reason}")]
    Invalid {
        /// Which part.
        place: Place,
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: Reason,
    },
    /// The caller refuses partial answers and the work was stopped.
    #[error("stopped before the end: {0}")]
    Stopped(#[from] Stop),
    /// A change names something that is not there or cannot change that way.
    #[error("{0}")]
    Change(String),
}

/// What is wrong with an entity or a constraint.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Two entities share an id.
    #[error("the id is used twice")]
    DuplicateId,
    /// A coordinate or value is NaN, infinite or beyond 1e9 mm.
    #[error("{0} is not a usable number")]
    NotFinite(f64),
    /// A line whose ends coincide.
    #[error("a line of length zero has no direction")]
    ZeroLength,
    /// A radius, width or height below zero.
    #[error("{what} is {value}; it cannot be negative")]
    NegativeSize {
        /// Which size.
        what: &'static str,
        /// The value seen.
        value: f64,
    },
    /// No entity has this id.
    #[error("there is no entity {0:?}")]
    UnknownEntity(String),
    /// The entity has no such feature.
    #[error("{entity:?} is a {shape} and has no {feature:?}")]
    UnknownFeature {
        /// The entity.
        entity: String,
        /// Its shape.
        shape: &'static str,
        /// The feature asked for.
        feature: String,
    },
    /// Wrong number or types of things to constrain.
    #[error("{kind} takes {expected}; got {got}")]
    Arity {
        /// The constraint's type.
        kind: Kind,
        /// What it takes.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// The type needs a value and has none.
    #[error("{0} needs a value")]
    MissingValue(Kind),
    /// The type takes no value and has one.
    #[error("{0} takes no value")]
    UnexpectedValue(Kind),
    /// A distance, radius or offset below zero.
    #[error("the {kind} is {value} mm; it cannot be negative")]
    NegativeValue {
        /// The constraint's type.
        kind: Kind,
        /// The value seen.
        value: f64,
    },
    /// An angle outside 0 to 180 degrees.
    #[error("the angle is {0} degrees; it must lie between 0 and 180")]
    AngleRange(f64),
    /// A weight that is not positive.
    #[error("the weight is {0}; it must be positive")]
    Weight(f64),
    /// A thing is constrained against itself.
    #[error("{0:?} is named twice")]
    Repeated(String),
}

impl Reason {
    /// Stable code for diagnostics.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::DuplicateId => "duplicate-id",
            Reason::NotFinite(_) => "constraint-number",
            Reason::ZeroLength => "constraint-zero-length",
            Reason::NegativeSize { .. } | Reason::NegativeValue { .. } => "constraint-negative",
            Reason::UnknownEntity(_) => "constraint-unknown-entity",
            Reason::UnknownFeature { .. } => "constraint-unknown-feature",
            Reason::Arity { .. } | Reason::Repeated(_) => "constraint-arity",
            Reason::MissingValue(_) | Reason::UnexpectedValue(_) => "constraint-value",
            Reason::AngleRange(_) => "constraint-angle",
            Reason::Weight(_) => "constraint-weight",
        }
    }
}

/// Coordinates and values beyond this many millimetres (1 000 km) are refused.
pub(super) const FAR: f64 = 1e9;

/// Lines shorter than this many millimetres count as having no direction.
pub(super) const SHORT: f64 = 1e-9;

/// A point: the numbers of its two unknowns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Point {
    pub(super) x: u32,
    pub(super) y: u32,
}

/// A line through two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) a: Point,
    pub(super) b: Point,
}

/// A circle, or the circle an arc lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Circle {
    pub(super) c: Point,
    pub(super) r: u32,
}

/// What a name in [`Constraint::of`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    Point(Point),
    Line(Line),
    Circle(Circle),
    Arc(Circle, Point, Point),
    Rect(Point, Point),
}

impl Feature {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Feature::Point(_) => "point",
            Feature::Line(_) => "line",
            Feature::Circle(_) => "circle",
            Feature::Arc(..) => "arc",
            Feature::Rect(..) => "rect",
        }
    }

    /// Every unknown of the feature.
    pub(super) fn unknowns(self, out: &mut Vec<u32>) {
        match self {
            Feature::Point(p) => out.extend([p.x, p.y]),
            Feature::Line(Line { a, b }) | Feature::Rect(a, b) => out.extend([a.x, a.y, b.x, b.y]),
            Feature::Circle(k) => out.extend([k.c.x, k.c.y, k.r]),
            Feature::Arc(k, p, q) => out.extend([k.c.x, k.c.y, k.r, p.x, p.y, q.x, q.y]),
        }
    }
}

/// Names and unknowns of a problem that was found sound.
#[derive(Clone, Debug)]
pub(super) struct Index {
    names: HashMap<String, usize>,
    /// First unknown of every entity, and one past the last of all.
    pub(super) first: Vec<u32>,
}

impl Index {
    /// Checks the entities and numbers their unknowns.
    pub(super) fn new(problem: &Problem, limits: &Limits) -> Result<(Index, Vec<f64>), Error> {
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
            let invalid = |reason| Error::Invalid {
                place: Place::Entity(i),
                name: entity.id.clone(),
                reason,
            };
            if index.names.insert(entity.id.clone(), i).is_some() {
                return Err(invalid(Reason::DuplicateId));
            }
            let start = values.len();
            entity.shape.push_values(&mut values);
            if let Some(&bad) = values[start..].iter().find(|v| !(v.abs() <= FAR)) {
                return Err(invalid(Reason::NotFinite(bad)));
            }
            check_shape(&entity.shape).map_err(invalid)?;
            index.first.push(values.len() as u32);
        }
        Ok((index, values))
    }

    /// What `name` (an id, or an id, a dot and a feature) stands for.
    pub(super) fn feature(&self, problem: &Problem, name: &str) -> Result<Feature, Reason> {
        let (entity, part) = match self.names.get(name) {
            Some(&i) => (i, None),
            None => match name.rsplit_once('.') {
                Some((id, part)) if self.names.contains_key(id) => (self.names[id], Some(part)),
                _ => return Err(Reason::UnknownEntity(name.chars().take(64).collect())),
            },
        };
        let v = self.first[entity];
        let at = |x: u32, y: u32| Point { x: v + x, y: v + y };
        let line = |a, b| Feature::Line(Line { a, b });
        let shape = &problem.entities[entity].shape;
        let feature = match (shape, part) {
            (Shape::Point { .. }, None) => Feature::Point(at(0, 1)),
            (Shape::Line { .. }, None) => line(at(0, 1), at(2, 3)),
            (Shape::Line { .. }, Some("start")) => Feature::Point(at(0, 1)),
            (Shape::Line { .. }, Some("end")) => Feature::Point(at(2, 3)),
            (Shape::Circle { .. }, None) => Feature::Circle(Circle { c: at(0, 1), r: v + 2 }),
            (Shape::Circle { .. } | Shape::Arc { .. }, Some("center" | "centre")) => {
                Feature::Point(at(0, 1))
            }
            (Shape::Arc { .. }, None) => {
                Feature::Arc(Circle { c: at(0, 1), r: v + 2 }, at(3, 4), at(5, 6))
            }
            (Shape::Arc { .. }, Some("start")) => Feature::Point(at(3, 4)),
            (Shape::Arc { .. }, Some("end")) => Feature::Point(at(5, 6)),
            (Shape::Rect { .. }, None) => Feature::Rect(at(0, 1), at(2, 3)),
            (Shape::Rect { .. }, Some("top")) => line(at(0, 1), at(2, 1)),
            (Shape::Rect { .. }, Some("bottom")) => line(at(0, 3), at(2, 3)),
            (Shape::Rect { .. }, Some("left")) => line(at(0, 1), at(0, 3)),
            (Shape::Rect { .. }, Some("right")) => line(at(2, 1), at(2, 3)),
            (Shape::Rect { .. }, Some("top_left")) => Feature::Point(at(0, 1)),
            (Shape::Rect { .. }, Some("top_right")) => Feature::Point(at(2, 1)),
            (Shape::Rect { .. }, Some("bottom_left")) => Feature::Point(at(0, 3)),
            (Shape::Rect { .. }, Some("bottom_right")) => Feature::Point(at(2, 3)),
            (shape, Some(part)) => {
                return Err(Reason::UnknownFeature {
                    entity: problem.entities[entity].id.clone(),
                    shape: shape.name(),
                    feature: part.chars().take(64).collect(),
                });
            }
        };
        Ok(feature)
    }
}

fn check_shape(shape: &Shape) -> Result<(), Reason> {
    let positive = |what, value: f64| {
        if value < 0.0 { Err(Reason::NegativeSize { what, value }) } else { Ok(()) }
    };
    match *shape {
        Shape::Point { .. } => Ok(()),
        Shape::Line { x1, y1, x2, y2 } => {
            if libm::hypot(x2 - x1, y2 - y1) < SHORT {
                Err(Reason::ZeroLength)
            } else {
                Ok(())
            }
        }
        Shape::Circle { r, .. } | Shape::Arc { r, .. } => positive("the radius", r),
        Shape::Rect { width, height, .. } => {
            positive("the width", width)?;
            positive("the height", height)
        }
    }
}

/// The name of constraint `i` in answers.
pub(super) fn constraint_name(problem: &Problem, i: usize) -> String {
    match problem.constraints.get(i).and_then(|c| c.id.clone()) {
        Some(id) => id,
        None => format!("#{}", i + 1),
    }
}
