//! What a function answers, and how exact it is.

/// A value, and how far any point of it may be from where it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// Millimetres.
    pub error_mm: f64,
}

/// Half the diagonal of a square of a micrometre: what rounding a point moves it by at most.
pub(crate) const ROUNDING_MM: f64 = 0.000_708;

impl<T> Answer<T> {
    /// A value whose points were rounded to micrometres, and nothing else.
    pub(crate) fn rounded(value: T) -> Answer<T> {
        Answer { value, error_mm: ROUNDING_MM }
    }
}
