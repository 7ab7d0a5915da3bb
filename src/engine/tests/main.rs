//! The engine through its public interface, a folder for each room.

mod behavior;
mod compile;
mod constraint;
mod document;
mod examples;
mod fuzz_smoke;
mod geometry;
mod physics;
