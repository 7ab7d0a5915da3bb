//! The types of constraint.

use std::fmt;

use serde::{Deserialize, Serialize};

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

    /// Whether the dimension of the type is the size of a shape, which has to be above zero.
    pub(crate) fn has_size(self) -> bool {
        matches!(self, Kind::Radius | Kind::Diameter)
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
