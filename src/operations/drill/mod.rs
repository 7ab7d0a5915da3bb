//! Drills: each alert is made to fire by a real fault of a local stack, and mended by the commands
//! of its own page. What was seen is kept in a journal, and the journals make a table.

mod client;
mod dose;
mod failure;
mod game_day;
mod history;
mod journal;
mod measured;
mod plan;
mod run;
mod watch;

pub use failure::{Failure, Step};
pub use game_day::{Score, game_day};
pub(crate) use journal::check;
pub use journal::{Journal, scorecard};
pub use plan::{Found, Plan, find, names};
pub use run::{Outcome, Place, run};
