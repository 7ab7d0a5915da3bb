//! Constraints as equations: residuals in millimetres and their exact derivatives.

mod equation;
mod incidence;
mod lower;

pub(crate) use equation::{Equation, GROUND, Gradient, WIDTH};
pub(crate) use lower::{INTRINSIC, Row, faults, lower, lower_one, lower_target, ranges};
