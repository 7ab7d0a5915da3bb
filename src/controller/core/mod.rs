//! The controller: a pure state machine. Time, events and measurements come in,
//! decisions come out; there is no clock, thread, socket or randomness inside,
//! so the same events give the same decisions, bit for bit.
//!
//! Isolation comes first (lanes with their own workers), then prediction per
//! request, then a cheaper tier, then refusal; feedback only trims. The design
//! and its measurements are in `docs/controller.md`.

mod admission;
mod backlog;
mod backstop;
mod brownout;
mod capacity;
mod constants;
mod controller;
mod cost;
mod fairness;
mod forecast;
mod ids;
mod job_table;
mod load;
mod mode;
mod promises;
mod quantile;
mod record;
mod replay;
mod request;
mod sessions;
mod status;
mod tick;
mod time;
mod window;

pub use controller::{Assignment, Controller, Next};
pub use cost::{CostModel, Prediction};
pub use ids::{OperationId, SessionId, TenantId};
pub use mode::{Control, Mode};
pub use record::{Record, Records};
pub use replay::{Event, Header, Mismatch, ReplayError, Replayed, replay};
pub use request::{Cost, Decision, JobId, Lane, Outcome, Request, Sensors, Verdict};
pub use status::{ClassStatus, DecisionView, LaneStatus, Status, WindowStatus};
pub use tick::TickOutcome;

#[cfg(test)]
mod tests;
