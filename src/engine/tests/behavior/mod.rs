//! Formulas and triggers.

mod formulas;
