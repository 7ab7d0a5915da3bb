//! Plane frames and trusses: small displacements, slender members.

mod member;
mod model;
mod report;
mod solve;

pub use model::{Load, Member, Node, Restraint, Structure, buckling_load};
pub use solve::{Section, Solution, Solver};
