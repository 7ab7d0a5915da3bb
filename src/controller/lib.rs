//! The SLO controller: specs, windows, admission, brownout, decisions.
//!
//! Nothing here knows what a document is, or what HTTP is. [`spec`] reads the
//! objectives, [`core`] is the pure decision core,
//! [`simulator`] its proving ground in virtual time.

pub mod core;
mod reason;
mod runtime;
pub mod simulator;
pub mod spec;

pub use core::{Controller, Decision, Request, SessionId, TenantId, Verdict};
pub use reason::Reason;
pub use runtime::{Done, Runtime, RuntimeOptions, Shed, Ticket};
