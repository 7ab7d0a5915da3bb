//! Water and air.

mod cases;
mod closed_forms;
mod reader;
mod traps;
