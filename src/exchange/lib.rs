//! Reads drawings of other programs into SVGX, and writes documents for them.
//!
//! [`dxf`] reads ASCII DXF, R12 to R2018, and writes R12, R2000 and R2018; [`pdf`] writes PDF. What is drawn and what is not is counted by kind, so that
//! nothing is lost without a word. Like the engine this crate knows no server, no telemetry and no
//! clock: long calls take a [`svgx_base::budget::Budget`]. Transcendental functions are those of
//! `libm`, so that equal input gives equal bytes everywhere.

pub mod dxf;
pub mod pdf;
