//! Operations as code, and the commands that run it.

mod alerts;
mod backup;
mod closed_pipe;
mod drill;
mod faults;
mod guide;
mod inhibition;
mod manifests;
mod operator_tools;
mod stack;
mod staging;
mod typed_manifests;
mod validate;
