//! Why a matrix cannot be analysed or factored.

use svgx_base::budget::Stop;

/// Why the structure of a matrix was not analysed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The budget ended.
    Stopped(Stop),
    /// The result would be larger than allowed.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many were counted before the work was given up.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Error {
        Error::Stopped(stop)
    }
}

/// A pivot that cannot be divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pivot {
    /// Its row, as the caller numbers them.
    pub row: u32,
    /// Its value: zero, negative, lost in rounding, or not finite.
    pub value: f64,
}

/// Why a matrix was not factored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FactorError {
    /// The budget ended.
    Stopped(Stop),
    /// The matrix is not positive definite.
    NotPositive(Pivot),
}

impl From<Stop> for FactorError {
    fn from(stop: Stop) -> FactorError {
        FactorError::Stopped(stop)
    }
}
