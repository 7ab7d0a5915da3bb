//! Load on a running service, as users make it: an open loop that sends when
//! the clock says so, whether or not earlier answers have come.
//!
//! Latency is counted from the moment a request was due, not from the moment
//! it could be sent, so that a service that stalls is charged for everybody who
//! would have waited (Tene's *coordinated omission*). Everything is bounded:
//! time, requests, connections, patience. Without leave it talks to this
//! machine only.
//!
//! - [`Profile`] says who asks for what and how often; [`Phase`] for how long
//!   and how many times as often.
//! - [`run`] plays phases without a pause between them and answers a [`Report`].
//! - [`Thresholds`] turn a report into an exit status.
//! - [`overload`] starts the engine, measures what it can do, and asks for more.
//! - [`lone`] starts it for one client, whom nothing may be refused.
//! - [`crowd`] starts it for many at once, who come back when they are told.
//! - [`bombs`] are drawings that ask for more than a machine has, painted while somebody works.

mod arrivals;
mod ask;
pub mod bombs;
mod connection;
pub mod crowd;
mod drawing;
pub mod lone;
pub mod overload;
mod profile;
mod report;
mod run;
mod tally;
mod threshold;
mod timer;

pub use arrivals::{Arrivals, Phase};
pub use ask::Ask;
pub use connection::{Answer, Broken, Connection};
pub use drawing::{drawing, pile, sketch};
pub use profile::{BadProfile, Operation, Profile};
pub use report::{ClassReport, OperationReport, PhaseReport, Report, WindowReport};
pub use run::{Error, Options, Target, Watch, run};
pub use threshold::{Miss, Thresholds};
