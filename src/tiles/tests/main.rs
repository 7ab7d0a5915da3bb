//! Integration tests of the live picture.

mod fidelity;
mod pictures;
mod whole;
