//! Integration tests of the live picture.

mod fidelity;
mod pictures;
