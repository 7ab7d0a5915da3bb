//! Electrical networks: direct current, and alternating current in phase coordinates.

pub mod circuit;
mod dc;
mod mixing;
mod solve;
mod ties;

pub use circuit::{Block, Circuit, EARTH, Gap, Load, Phasor, Shares, Tie};
pub use solve::{Solution, Solver};
