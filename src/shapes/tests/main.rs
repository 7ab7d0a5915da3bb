//! Shapes through their public interface.

mod booleans;
mod closed_forms;
mod crossings;
mod cutting;
mod degenerate;
mod parallels;
mod properties;
mod support;
