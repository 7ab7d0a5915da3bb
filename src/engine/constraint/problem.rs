//! What is to be solved: shapes and the constraints between them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::shape::Shape;

/// A sketch: entities in millimetres (y grows downward) and the constraints between them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "SketchProblem"))]
pub struct Problem {
    /// The geometry as drawn: start values, and the branch of every tangency and side.
    pub entities: Vec<Entity>,
    /// What is to hold. Where two cannot both hold, the earlier one is kept.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
}

/// A named shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SketchEntity"))]
pub struct Entity {
    /// Unique in the problem; the name constraints use.
    pub id: String,
    /// Where it is.
    #[serde(flatten)]
    pub shape: Shape,
}

impl Entity {
    /// The same entity on the way to `other` (of the same shape): 0 is here, 1 is there, more
    /// is beyond.
    #[must_use]
    pub fn towards(&self, other: &Entity, share: f64) -> Entity {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        self.shape.push_values(&mut a);
        other.shape.push_values(&mut b);
        a.iter_mut().zip(&b).for_each(|(a, b)| *a += share * (b - *a));
        Entity { id: self.id.clone(), shape: self.shape.with_values(&a) }
    }
}

/// Where the user pulls a point: it goes there as far as the constraints leave room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "SketchTarget"))]
pub struct Target {
    /// The point: an entity or a feature of one.
    pub point: String,
    /// Where to, in mm.
    pub x: f64,
    /// Where to, in mm.
    pub y: f64,
    /// How much it counts beside other targets and wishes; 1 without.
    #[serde(default = "one")]
    pub priority: f64,
}

fn one() -> f64 {
    1.0
}

/// A relation that is to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "SketchConstraint"))]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", schemars(rename = "SketchConstraintKind"))]
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

/// The name of constraint `i` in answers.
pub(super) fn constraint_name(problem: &Problem, i: usize) -> String {
    match problem.constraints.get(i).and_then(|c| c.id.clone()) {
        Some(id) => id,
        None => format!("#{}", i + 1),
    }
}
