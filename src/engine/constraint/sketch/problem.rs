//! What is to be solved: shapes and the constraints between them.

use serde::{Deserialize, Serialize};

use super::kind::Kind;
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

/// A shape with the name that constraints use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SketchEntity"))]
pub struct Entity {
    /// Unique in the problem; the name constraints use.
    pub id: String,
    /// The shape and where it is.
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
    /// How much it counts beside other targets and soft constraints; 1 without.
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
    /// `None`: must hold. A number: a soft constraint of that weight, met as far as the
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

/// The name of constraint `i` in answers.
pub(crate) fn constraint_name(problem: &Problem, i: usize) -> String {
    match problem.constraints.get(i).and_then(|c| c.id.clone()) {
        Some(id) => id,
        None => format!("#{}", i + 1),
    }
}
