//! Heat: steady, in time, and swinging.

pub mod hourly;
mod model;
mod steady;
mod transient;

pub use model::{Layer, Link, Network, Node, NodeKind, Wall};
pub(crate) use steady::steady_with;
pub use steady::{Steady, TwoPort, periodic, steady};
pub(crate) use transient::Rest;
pub use transient::{CELLS, Transient};
