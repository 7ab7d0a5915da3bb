//! What a sketch lacks and what it has too much of.

mod conflict;
mod diagnosis;
mod freedom;
mod subset;

pub use diagnosis::{Conflict, Diagnosis, EntityFreedom, Redundancy, Status};
