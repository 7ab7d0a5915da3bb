//! What a user of the program would notice breaking, end to end. Each crate has its own
//! tests beside its rooms; here is what needs the running binary.

mod commands;
mod load;
mod operations;
mod server;
mod sheets;
mod support;
mod telemetry;
