//! Formulas and triggers.

mod formulas;
mod laws;
mod quantities;
mod stated;
