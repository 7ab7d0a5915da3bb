//! Formulas with units, dependency order, triggers and state.

pub mod unit;
