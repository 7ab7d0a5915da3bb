//! Equations with what is known about where they come from.

use super::equation::Equation;

/// An equation and the constraint it came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) equation: Equation,
    /// Index of the constraint, or [`INTRINSIC`].
    pub(crate) constraint: u32,
    /// The equation's constant divided by the constraint's value, where it follows the value.
    pub(crate) factor: f64,
    /// `0.0`: must hold. Else the weight of a soft constraint.
    pub(crate) soft: f64,
    /// What the constraint takes for granted (that lines at a distance are parallel): it
    /// holds them to it, but nobody asked for it, so it is never one too many.
    pub(crate) implied: bool,
}

/// How little a soft constraint of weight 1 counts beside what must hold: enough to be seen, too
/// little to bend it.
const SOFT_WEIGHT: f64 = 0.02;

impl Row {
    /// How much the row counts in a sum of squares.
    pub(crate) fn weight(&self) -> f64 {
        if self.soft > 0.0 { SOFT_WEIGHT * self.soft } else { 1.0 }
    }
}

/// The constraint of equations that belong to a shape itself (an arc's ends).
pub(crate) const INTRINSIC: u32 = u32::MAX;

/// Where the rows of every constraint begin and end (intrinsic rows come before).
pub(crate) fn ranges(rows: &[Row], constraints: usize) -> Vec<(u32, u32)> {
    let mut ranges = vec![(0, 0); constraints];
    for (i, row) in rows.iter().enumerate() {
        if let Some(range) = ranges.get_mut(row.constraint as usize) {
            if range.1 == 0 {
                range.0 = i as u32;
            }
            range.1 = i as u32 + 1;
        }
    }
    ranges
}
