//! What a user would notice breaking. One binary, a module per subject.

mod admission;
mod agreement;
mod alerts;
mod backup;
mod compile;
mod constraint;
mod constraint_diagnosis;
mod constraint_drag;
mod constraint_http;
mod constraint_peer;
mod dialects;
mod engine;
mod examples;
mod formulas;
mod fuzz_smoke;
mod geometry;
mod hostile;
mod http;
mod language;
mod load;
mod manifests;
mod operation;
mod operations;
#[allow(dead_code, reason = "some of it only the benchmark uses")]
mod peer;
mod physics;
mod secrets;
mod service;
mod session;
mod simulate_stream;
mod simulator;
mod staging;
||||||| parent of 457b3ee (Write dashboards from the objectives, pages for every alert, and hold all of them to what is emitted)
mod stack;
mod telemetry;
mod tls;
mod typed_manifests;
mod validate;
