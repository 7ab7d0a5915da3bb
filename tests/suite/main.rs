//! What a user would notice breaking. One binary, a module per subject.

mod alerts;
mod compile;
mod constraint;
mod constraint_diagnosis;
mod dialects;
mod examples;
mod formulas;
mod fuzz_smoke;
mod geometry;
mod hostile;
mod http;
mod language;
mod physics;
mod session;
mod telemetry;
