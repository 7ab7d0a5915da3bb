//! Formulas with units, dependency order, triggers and state.
