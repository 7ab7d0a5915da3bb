//! Routes, keys, rate limits, problem documents: the service around the engine.
//!
//! - [`config`] reads the settings; [`app`] builds what handlers share from them;
//!   [`serve`] listens, and drains when it is told to stop.
//! - [`edge`] is what every public request passes through: its trace, its key, its
//!   rate, its headers, its log line, and the problem document when it failed.
//! - [`admit`] asks for a place before the body is read; `deferred` takes on what is answered
//!   later, and [`jobs`] keeps it.
//! - [`body`] and [`input`] read requests, [`operation`] runs their work on the compute pool
//!   of [`svgx_controller`], [`reply`] is what it answers; [`routes`] holds one file per endpoint.
//! - [`session`] opens the sessions with the service, and closes them with it.
//! - [`problem`] is the one place where an error becomes a status code.
//!
//! This room computes nothing itself.

pub mod admit;
pub mod app;
pub mod body;
pub mod cache;
pub mod config;
pub mod counts;
mod deferred;
pub mod edge;
pub mod input;
pub mod jobs;
pub mod keys;
mod lag;
pub mod negotiate;
mod notes;
mod observe;
pub mod openapi;
pub mod operation;
pub mod place;
pub mod problem;
pub mod rate;
pub mod reply;
pub mod routes;
mod schema;
mod seen;
mod server;
pub mod session;
pub mod tls;
pub mod trace;
mod watch;

pub use server::{Bound, serve};
