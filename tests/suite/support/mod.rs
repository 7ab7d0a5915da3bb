//! A service under test.

pub(crate) mod engine;
pub(crate) mod service;
