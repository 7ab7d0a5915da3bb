//! Formulas with units, dependency order, triggers and state.
//!
//! [`unit`] is the project's one unit table. [`formula`] compiles a single formula.
//! [`Program`] is all formulas and triggers of a document; [`Evaluation`] holds their
//! values; [`Machine`] is what an [`Event`] changes, and [`Change`] what it changed.

mod compile;
mod event;
mod firing;
pub mod formula;
mod inputs;
mod machine;
mod measured;
mod program;
mod rule;
pub mod unit;

pub use event::Event;
pub use inputs::{Fit, Measures, Values};
pub use machine::{ACTIONS, CASCADE_DEPTH, Change, Machine, PENDING, What};
pub use program::{Evaluation, Failure, Outcome, Program, Value, ValueId};
pub use rule::AUTO_OFF_SECONDS;

use crate::document::{Diagnostic, Document, Limits};

/// What is wrong with the behaviors of `document`: formulas that do not parse, units that do
/// not match, names that are not there, cycles, events, actions, delays and targets.
pub fn check(document: &Document, limits: &Limits) -> Vec<Diagnostic> {
    Program::compile(document, limits).diagnostics
}

#[cfg(test)]
mod machine_tests;
#[cfg(test)]
mod tests;
