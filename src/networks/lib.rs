//! Solves what a drawing connects: voltages and currents, flows and pressures, temperatures,
//! forces and deflections.
//!
//! A network is nodes and links with quantities in SI. [`electrical`] solves direct and
//! alternating current, [`flow`] water and air, [`heat`] temperatures, [`frame`] beams and
//! trusses. Every answer carries both residuals (see [`accuracy`]); what has no answer is `None`
//! and a [`Finding`] that names the elements, and the rest of the network is answered.
//!
//! | word | meaning |
//! | --- | --- |
//! | node | a point with a level: a voltage, a head, a temperature, a displacement |
//! | terminal | a node of one conductor of an electrical bus |
//! | link | what carries something from node to node |
//! | island | nodes that links connect |
//! | source | what fixes a level: supply, reservoir, outside air, support |
//! | load | what is taken out |
//!
//! Like the engine this crate knows no server, no telemetry and no clock: long calls take a
//! [`svgx_base::budget::Budget`]. Transcendental functions are those of `libm`, so that equal
//! input gives equal bytes everywhere.

pub mod accuracy;
mod answer;
pub mod electrical;
mod error;
mod finding;
pub mod flow;
pub mod frame;
pub mod heat;
mod matrix;
mod memory;
pub mod overlay;
pub mod read;
pub mod topology;
mod trail;
pub mod transient;
mod update;

use std::sync::Arc;

pub use answer::{Answer, Check, Followed, Island, Kept, Reading, Row, study};
pub use error::{Error, Limits};
pub use finding::{Finding, Kind, State};

/// The name of an element, as the author wrote it.
pub type Name = Arc<str>;
