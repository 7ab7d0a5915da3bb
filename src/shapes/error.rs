//! Why a function has no answer.

/// What is wrong with the outlines or the numbers. Lengths are millimetres.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A coordinate is no number, or too far out.
    #[error("a coordinate is beyond {limit_mm} mm, or no number")]
    OutOfRange {
        /// The largest there is.
        limit_mm: f64,
    },
    /// A length is no number, or not one that can be worked with.
    #[error("the {what} is {value_mm} mm; expected {expected}")]
    BadLength {
        /// Which.
        what: &'static str,
        /// What was given.
        value_mm: f64,
        /// What is accepted.
        expected: &'static str,
    },
    /// Nothing is left of an outline once points that are the same are one.
    #[error("the outline has no length, or is closed around nothing")]
    Degenerate,
    /// There is no such corner.
    #[error("there is no corner {corner}; {corners}")]
    NoCorner {
        /// The vertex that was named.
        corner: usize,
        /// Which corners there are.
        corners: String,
    },
    /// The outline goes straight on there.
    #[error(
        "the outline has no corner at vertex {corner}: it goes straight on, or turns back on itself"
    )]
    Smooth {
        /// The vertex.
        corner: usize,
    },
    /// Two lines that should meet in a corner are parallel, or the same.
    #[error("the two do not meet: they are parallel")]
    Parallel,
    /// A radius or a length is too large for a corner.
    #[error(
        "the {what} {value_mm} mm does not fit at vertex {corner}: the shorter side is {side_mm} mm{}",
        largest(.largest_mm)
    )]
    DoesNotFit {
        /// `radius` or `length`.
        what: &'static str,
        /// What was asked for.
        value_mm: f64,
        /// The vertex.
        corner: usize,
        /// The shorter of the two edges at it.
        side_mm: f64,
        /// The largest that fits, where that is known.
        largest_mm: Option<f64>,
    },
    /// Nothing crosses the outline.
    #[error("nothing crosses the outline: there is no piece to take out")]
    NothingCuts,
    /// A closed outline is crossed in one point only.
    #[error("the closed outline is crossed in one point only: two part it")]
    OneCut,
    /// Nothing lies ahead of an end.
    #[error("nothing lies ahead of this end")]
    NothingAhead,
    /// Only open outlines have ends.
    #[error("the outline is closed: it has no end")]
    Closed,
    /// Only closed outlines enclose something.
    #[error("the outline is open: it encloses nothing")]
    Open,
    /// Only of open outlines that do not cross themselves there is a parallel.
    #[error("the open outline crosses or touches itself: it has no parallel")]
    CrossesItself,
    /// Ends that should be joined are apart.
    #[error(
        "the ends do not meet: the nearest two are {gap_mm} mm apart, up to {tolerance_mm} mm are joined"
    )]
    DoNotMeet {
        /// Between the nearest two.
        gap_mm: f64,
        /// What is still joined.
        tolerance_mm: f64,
    },
    /// More than a function takes or makes.
    #[error("{what}: {seen}; the limit is {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What was seen.
        seen: usize,
    },
}

fn largest(mm: &Option<f64>) -> String {
    mm.map_or_else(String::new, |mm| format!(", and at most {mm} mm fit"))
}

/// Micrometres in millimetres, as they are told: three decimals.
pub(crate) fn told(um: f64) -> f64 {
    um.round() / 1e3
}
