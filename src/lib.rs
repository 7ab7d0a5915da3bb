//! SVGX Engine: runs SVGX drawings inside a latency budget.
//!
//! SVGX is SVG plus building objects with properties, behaviors, physics and
//! systems in the namespace `http://arxos.io/svgx`. The engine rooms
//! ([`document`], [`geometry`], [`behavior`], [`constraint`], [`physics`],
//! [`compile`]) work without a server and without a clock of their own; the
//! controller rooms ([`slo`], [`telemetry`]) do not know what a document is.
//! They share one thing: the [`budget`].
//!
//! `ARCHITECTURE.md` walks through the rooms.

pub mod behavior;
pub mod budget;
mod check;
pub mod compile;
pub mod constraint;
pub mod document;
pub mod geometry;
pub mod http;
pub mod load;
pub mod machine;
pub mod ops;
pub mod physics;
pub mod session;
pub mod slo;
pub mod telemetry;

pub use check::{Report, check};
