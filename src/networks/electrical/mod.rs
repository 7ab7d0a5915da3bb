//! Electrical networks: direct current, and alternating current in phase coordinates.

pub mod checks;
pub mod circuit;
mod dc;
pub mod fault;
pub mod feeder;
mod foretell;
mod improve;
mod iterate;
mod lower;
mod mixing;
mod report;
mod solve;
mod spare;
mod ties;

pub use circuit::{Block, Circuit, EARTH, Gap, Load, Phasor, Shares, Tie};
pub use feeder::{Conductor, Connection, Feeder, Lowered, Phase, Return};
pub use solve::{Solution, Solver};
