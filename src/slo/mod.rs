//! The SLO controller: specs, windows, admission, brownout, decisions.
pub mod spec;
