//! The edits of a draughtsman: what each needs to know.

use serde::{Deserialize, Serialize};

use super::{Coordinates, References};

/// A length: a number of user units of the root, or a text with its unit, `"5 mm"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "a length is a number of user units, or a text with its unit such as \"5 mm\""
)]
pub enum Measure {
    /// User units of the root.
    Units(f64),
    /// With a unit, or without one: user units.
    Text(String),
}

/// What the corners of a parallel look like on the outer side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "OffsetJoin"))]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// An arc about the corner.
    #[default]
    Round,
    /// The edges go on until they meet, up to `miter_limit` times the distance.
    Miter,
    /// Cut off straight.
    Bevel,
}

/// What is made of shapes that are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "CombinedShape"))]
#[serde(rename_all = "snake_case")]
pub enum Combined {
    /// What is in one of them.
    Union,
    /// What is in all of them.
    Intersection,
    /// What is in the first and in no other.
    Difference,
    /// What is in an odd number of them.
    Xor,
}

/// Takes out the piece that was pointed at, up to where others cross.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trim {
    /// The shape.
    pub element_id: String,
    /// The piece: a place on it or near it.
    pub at: Coordinates,
    /// The shapes that cut; every shape that reaches there without.
    #[serde(default)]
    pub by: Option<Vec<String>>,
    /// What happens to constraints on parts that go.
    #[serde(default)]
    pub references: Option<References>,
}

/// Lengthens an end to what lies ahead of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Extend {
    /// The shape.
    pub element_id: String,
    /// Near which end.
    pub at: Coordinates,
    /// What it may be lengthened to; every shape of the drawing without.
    #[serde(default)]
    pub by: Option<Vec<String>>,
    /// What happens to constraints on parts that go.
    #[serde(default)]
    pub references: Option<References>,
}

/// Rounds a corner of a shape, all of them, or where two lines would meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fillet {
    /// The shape.
    #[serde(default)]
    pub element_id: Option<String>,
    /// Two lines or arcs, instead of one shape.
    #[serde(default)]
    pub element_ids: Option<Vec<String>>,
    /// The corner, counted as in constraints: from 1, of a rectangle from the top left clockwise.
    #[serde(default)]
    pub vertex: Option<usize>,
    /// Or the corner that is nearest to this place. Without both all corners.
    #[serde(default)]
    pub at: Option<Coordinates>,
    /// The radius; 0 makes two lines meet in a corner.
    pub radius: Measure,
    /// What happens to constraints on parts that go.
    #[serde(default)]
    pub references: Option<References>,
}

/// Cuts a corner of a shape off, or all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Chamfer {
    /// The shape.
    pub element_id: String,
    /// The corner, counted as in constraints: from 1, of a rectangle from the top left clockwise.
    #[serde(default)]
    pub vertex: Option<usize>,
    /// Or the corner that is nearest to this place. Without both all corners.
    #[serde(default)]
    pub at: Option<Coordinates>,
    /// How far along the side before the corner.
    pub length: Measure,
    /// How far along the side behind it; as far without.
    #[serde(default)]
    pub length_2: Option<Measure>,
    /// What happens to constraints on parts that go.
    #[serde(default)]
    pub references: Option<References>,
}

/// Draws parallels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Offset {
    /// The shape; the selected ones where none is named.
    #[serde(default)]
    pub element_id: Option<String>,
    /// Several shapes.
    #[serde(default)]
    pub element_ids: Option<Vec<String>>,
    /// How far: outward of what is closed, to the left of what is open; below 0 the other way.
    pub distance: Measure,
    /// The corners on the outer side.
    #[serde(default)]
    pub join: Option<Join>,
    /// `miter`: how many times the distance a corner may reach; 4 without.
    #[serde(default)]
    pub miter_limit: Option<f64>,
    /// Whether the parallel takes the place of the shape.
    #[serde(default)]
    pub replace: Option<bool>,
    /// What happens to constraints on parts that go.
    #[serde(default)]
    pub references: Option<References>,
}

/// Mirrors elements at a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mirror {
    /// The element; the selected ones where none is named.
    #[serde(default)]
    pub element_id: Option<String>,
    /// Several elements.
    #[serde(default)]
    pub element_ids: Option<Vec<String>>,
    /// Two points of the line.
    pub axis: Vec<Coordinates>,
    /// Whether copies are mirrored, and the elements stay.
    #[serde(default)]
    pub copy: Option<bool>,
}

/// Copies elements in rows and columns, around a point, or along a shape. Exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Array {
    /// The element; the selected ones where none is named.
    pub element_id: Option<String>,
    /// Several elements.
    pub element_ids: Option<Vec<String>>,
    /// Rows and columns: how many to the right, the original included.
    pub columns: Option<usize>,
    /// How many downward.
    pub rows: Option<usize>,
    /// From one column to the next, in user units.
    pub dx: Option<f64>,
    /// From one row to the next.
    pub dy: Option<f64>,
    /// Around a point or along a shape: how many, the original included.
    pub count: Option<usize>,
    /// The point they stand around.
    pub center: Option<Coordinates>,
    /// Over so many degrees; all round without.
    pub angle: Option<f64>,
    /// The shape they stand along.
    pub along: Option<String>,
    /// Whether they turn with it; they do without.
    pub turn: Option<bool>,
}

/// Parts a shape at a place, or wherever others cross it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Split {
    /// The shape.
    pub element_id: String,
    /// The place.
    #[serde(default)]
    pub at: Option<Coordinates>,
    /// Or the shapes that part it.
    #[serde(default)]
    pub by: Option<Vec<String>>,
    /// What happens to constraints on parts that go.
    #[serde(default)]
    pub references: Option<References>,
}

/// Joins lines, arcs and open paths that meet into one, which is the first of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JoinEnds {
    /// The shapes; the selected ones where none is named.
    #[serde(default)]
    pub element_ids: Option<Vec<String>>,
    /// How far apart ends may be; 0.01 mm without.
    #[serde(default)]
    pub tolerance: Option<Measure>,
    /// What happens to what refers to those that go.
    #[serde(default)]
    pub references: Option<References>,
}

/// Unites, cuts or subtracts closed shapes. The answer takes the place of the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Combine {
    /// The shapes, the first first; the selected ones where none is named.
    #[serde(default)]
    pub element_ids: Option<Vec<String>>,
    /// What is made of them.
    pub result: Combined,
    /// Whether the other shapes stay.
    #[serde(default)]
    pub keep: Option<bool>,
    /// What happens to what refers to those that go.
    #[serde(default)]
    pub references: Option<References>,
}
