//! Formulas and triggers.

mod formulas;
mod quantities;
