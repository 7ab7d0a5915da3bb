//! What a user would notice breaking. One binary, a module per subject.

mod dialects;
mod hostile;
mod compile;
mod geometry;
mod physics;
mod session;
