//! The solver: a plan made from the structure, blocks solved one after the other, and what
//! changes from one solve to the next.

mod block;
mod drag;
mod edit;
mod incremental;
mod normal_equations;
mod plan;
mod solver;
mod step;

pub use drag::Change;
pub(crate) use plan::{BLOCKS_PER_CHECKPOINT, Plan};
pub(crate) use solver::unlimited;
pub use solver::{Outcome, Report, Solver};
pub(crate) use step::StepContext;
