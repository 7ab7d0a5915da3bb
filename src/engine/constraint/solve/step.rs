//! What the solve of a block works with, and how it came out.

use crate::constraint::equations::Row;
use svgx_base::budget::Budget;

/// What does not change while components are solved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepContext<'s> {
    pub(crate) rows: &'s [Row],
    /// The geometry that was solved last.
    pub(crate) before: &'s [f64],
    /// The largest residual that counts as met, in millimetres.
    pub(crate) tolerance: f64,
    /// Unknowns that are to move less than others.
    pub(crate) stiff: &'s [u32],
    pub(crate) budget: &'s Budget,
}

/// How a block came out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockReport {
    pub(crate) iterations: u32,
    /// Largest residual of the equations that must hold, in millimetres.
    pub(crate) residual: f64,
    pub(crate) converged: bool,
}
