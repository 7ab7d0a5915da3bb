//! The queue on a server of the test's own. Skipped, and said, where no Redis is installed.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../session/tests/support/redis_server.rs"]
mod redis_server;

mod queue;
