//! The engine: runs SVGX drawings inside a latency budget.
//!
//! SVGX is SVG plus building objects with properties, behaviors, physics and systems in the
//! namespace `http://arxos.io/svgx`. [`document`] reads it, [`geometry`] resolves outlines,
//! [`behavior`] evaluates formulas and triggers, [`constraint`] solves sketches, [`physics`]
//! simulates bodies, [`compile`] writes SVG, JSON and PNG.
//!
//! This crate knows no server, no async runtime, no telemetry and no clock of its own:
//! every long call takes a [`svgx_base::budget::Budget`] and stops when that says so.

pub mod behavior;
mod check;
pub mod compile;
pub mod constraint;
pub mod document;
pub mod geometry;
pub mod linear;
pub mod physics;
pub mod sealed;

pub use check::{Report, check, check_with};
