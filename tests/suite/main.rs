//! What a user would notice breaking. One binary, a module per subject.

mod compile;
mod dialects;
mod geometry;
mod hostile;
mod physics;
mod session;
mod constraint;
mod constraint_diagnosis;
