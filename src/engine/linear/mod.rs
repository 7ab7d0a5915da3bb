//! Sparse linear algebra: elimination order, `L D L^T`, block decomposition, rank. It knows
//! matrices and graphs, not what their numbers mean.
//!
//! It is written by hand for two properties that `faer` and other libraries do not offer: the
//! budget is looked at *inside* an analysis or a factorisation, so that a long one can be
//! stopped, and results are equal to the last bit on every machine and in every run (one
//! thread, a fixed order of summation, no fused operations).

#![allow(
    clippy::neg_cmp_op_on_partial_ord,
    clippy::needless_range_loop,
    reason = "a negated comparison is how a NaN is refused; numerical kernels index several arrays at once"
)]

mod decompose;
mod elimination;
mod error;
mod fronts;
mod graph;
mod ldl;
mod ordering;
mod quotient;
mod rank;
mod scalar;
mod sparse;

pub(crate) use decompose::{Component, Determinacy, Part, decompose};
pub use error::{Error, FactorError, Pivot};
pub use graph::Graph;
pub use ldl::{Entry, Factor, Ldl, MAX_ENTRIES};
pub(crate) use rank::{Rank, analyse, combination, is_regular};
pub use scalar::Scalar;
pub(crate) use sparse::Matrix;
pub use sparse::{Sparse, max_abs};

/// How many rows, unknowns or nodes are gone through between two looks at the budget: a
/// small part of a millisecond.
pub(crate) const ROWS_PER_CHECKPOINT: usize = 1024;

/// How many multiplications are made between two looks at the budget inside an elimination:
/// rows differ too much in length to be counted there.
pub(crate) const OPERATIONS_PER_CHECKPOINT: usize = 50_000;

/// No row, column or node.
const NONE: u32 = u32::MAX;
