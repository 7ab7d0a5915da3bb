//! Constraints as equations: residuals in millimetres and their exact derivatives.

mod equation;
mod incidence;
mod lower;
mod row;

pub(crate) use equation::{Equation, GROUND, Gradient, MAX_UNKNOWNS};
pub(crate) use lower::{find_errors, lower, lower_one, lower_target};
pub(crate) use row::{INTRINSIC, Row, ranges};
