//! Electrical networks.

mod cases;
mod checks;
mod dc;
mod faults;
mod reader;
mod traps;
