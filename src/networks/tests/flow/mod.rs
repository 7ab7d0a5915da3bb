//! Water and air.

mod cases;
mod closed_forms;
mod traps;
