//! The controller through its public interface.

mod agreement;
mod fleet;
mod simulator;
