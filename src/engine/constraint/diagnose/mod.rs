//! What a sketch lacks and what it has too much of.

mod diagnosis;
mod freedom;
mod redundancy;

pub use diagnosis::{Conflict, Diagnosis, EntityFreedom, Redundancy, Status};
