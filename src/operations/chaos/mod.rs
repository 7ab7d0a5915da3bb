//! Experiments that break something of the local stack, and what this machine can break.
//!
//! The files are Chaos Toolkit's ([`experiment`]), and are run here without it. Faults of our own
//! ([`fault`]) touch nothing but a stack that `svgx stack` started: how each is undone is on the
//! disk before it is made, and a guardian undoes it when whoever asked for it has died.

pub mod can;
pub mod experiment;
pub mod fault;
pub mod guard;
mod provider;
mod python;
mod quota;
pub mod run;
pub mod soak;
pub(crate) mod spawn;
mod tolerance;
