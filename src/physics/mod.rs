//! Statics and rigid-body dynamics of a document.

mod answer;
mod error;
mod model;
mod options;
mod outline;
mod simulation;
mod start;
mod statics;
mod tier;
mod world;

#[cfg(test)]
mod closed_forms;

pub use answer::{
    Assembly, Contact, Conventions, ElementPhysics, Ended, Energy, ErrorEstimate, Event,
    ForceVector, Frame, FrameElement, Outcome, PhysicsSummary, Quarantined, Reaction, Standing,
    Statics, Statistics, Value,
};
pub use error::Error;
pub use options::{Disturbance, Options};
pub use simulation::Simulation;
