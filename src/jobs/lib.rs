//! Work that several processes take from one queue, on a server that speaks the protocol of Redis.
//!
//! A job is put in with the document that it is about, claimed by a worker, and ended by an answer. A
//! worker says now and then that it lives; what it had is given to another one when it says nothing
//! for as long as a lease. A lease protects nothing: each claim has a number, the attempt, and an
//! answer counts only with the last one, and only where there is none yet. What comes later is compared
//! with what counted, for equal work is to have equal answers.
//!
//! A worker that is lost counts as a try of what it was at. After three of these, or four faults of
//! ours, a job is set aside with what is known of it: whoever operates the service looks at it, and lets it go
//! on or drops it. Tenants share by the predicted cost of their jobs (start-time fair queueing).
//!
//! Every step is one call of one script (`jobs.lua`), which the server runs whole or not at all. This
//! crate knows neither documents nor requests: both are bytes to it.

mod error;
mod job;
mod packed;
mod queue;
mod record;

pub use error::QueueError;
pub use job::{Claimed, Ended, Item, Known, Limits, Room, Seen, Standing, Worker, WorkerKind};
pub use queue::Queue;
pub use record::{Listed, Outcome, Record, Stage, Stats};
