//! Equations that are substituted instead of solved.

mod edge;
mod forest;
mod incremental;

pub(crate) use edge::{Edge, Known, NONE, derive};
pub(crate) use forest::Forest;
pub(crate) use incremental::{KnownDifferences, close_gap};
