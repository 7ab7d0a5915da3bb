//! From a request to its work on the compute pool, and to its answer, now or as a job.

pub(crate) mod admit;
pub(crate) mod body;
pub(crate) mod deferred;
pub(crate) mod dispatch;
pub(crate) mod estimate;
mod event_loop_lag;
pub(crate) mod execute;
pub(crate) mod forward;
pub(crate) mod input;
mod limits;
pub(crate) mod operation;
mod precision;
pub(crate) mod queued;
pub(crate) mod reply;
pub(crate) mod seconds;
mod stages;
pub(crate) mod streamed;
pub(crate) mod submitted;
