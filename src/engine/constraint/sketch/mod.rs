//! What is to be solved: shapes, the constraints between them, and what can be wrong with both.

mod error;
mod feature;
mod kind;
mod problem;
mod shape;

pub use error::{Error, Location, Reason};
pub(crate) use feature::{Circle, Feature, Index, Line, MAX_COORDINATE, Point, feature_in};
pub use kind::Kind;
pub(crate) use problem::constraint_name;
pub use problem::{Constraint, Entity, Problem, Target};
pub(crate) use shape::MIN_LENGTH;
pub use shape::{PathArc, Shape};
