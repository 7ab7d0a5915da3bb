//! A service under test.

pub(crate) mod service;
pub(crate) mod websocket;
