//! The service around the engine: keys, rates, admission, routes, problem documents.
//!
//! A request goes down through these floors, and each knows only those below it:
//!
//! - [`serve`] listens, and drains when it is told to stop.
//! - `edge` is what every public request passes through: its trace, its key, its rate, its
//!   headers, its log line, and the problem document when it failed.
//! - `endpoints` is the one table of endpoints; `routes` holds one file for each.
//! - `admission` asks for a place before the body is read, reads the body, runs the work on the
//!   compute pool of [`svgx_controller`], and answers, now or as a job.
//! - `state` is what all requests share: settings, keys, rates, caches, jobs, sessions.
//! - `protocol` is what HTTP itself asks for; in it, `problem` is the one place where an error
//!   becomes a status code.
//!
//! This crate computes nothing itself.

mod admission;
mod descriptors;
mod edge;
mod endpoints;
mod gauges;
mod listen;
mod openapi;
mod protocol;
mod routes;
mod schema;
mod state;
mod tls;
mod watch;
mod work;

pub use listen::{Bound, serve, work};
pub use state::app::App;
pub use state::queue::queue_of_jobs;
pub use state::start_error::StartError;
pub use state::{config, fonts};
