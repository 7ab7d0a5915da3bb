//! The time of day, for spans, log lines and timestamps. Durations are never measured with it.

use std::time::SystemTime;

#[allow(clippy::disallowed_methods, reason = "records carry the time of day")]
pub(crate) fn time_of_day() -> SystemTime {
    SystemTime::now()
}
