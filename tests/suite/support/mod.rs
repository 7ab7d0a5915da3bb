//! A service under test.

pub(crate) mod service;
