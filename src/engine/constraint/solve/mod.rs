//! The solver: a plan made from the structure, blocks solved one after the other, which
//! constraints give way where not all can hold, and what changes from one solve to the next.

mod block;
mod conflict;
mod drag;
mod edit;
mod incremental;
mod jacobian;
mod normal_equations;
mod plan;
mod size;
mod solver;
mod step;
mod subset;

pub(crate) use conflict::Conflicts;
pub use drag::Change;
pub(crate) use jacobian::Derivatives;
pub(crate) use plan::BLOCKS_PER_CHECKPOINT;
pub use size::Undrawable;
pub(crate) use solver::unlimited;
pub use solver::{Outcome, Report, Solver};
pub(crate) use subset::{Failure, SubsetSolve};
