//! The time of day, for spans, log lines, timestamps and headers: read when it is asked for, since
//! a clock may be set. Durations are never measured with it.

use std::time::{SystemTime, UNIX_EPOCH};

#[allow(clippy::disallowed_methods, reason = "records carry the time of day")]
pub(crate) fn time_of_day() -> SystemTime {
    SystemTime::now()
}

/// Seconds since the Unix epoch.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The time as RFC 3339 in UTC, to the millisecond.
pub(crate) fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_told_in_seconds_and_in_text() {
        for (millis, seconds, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (1_790_000_000_250, 1_790_000_000, "2026-09-21T14:13:20.25Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_millis(millis);
            assert_eq!((unix_seconds(time), timestamp(time).as_str()), (seconds, text));
        }
        // A clock that stands before the epoch is no reason to fail.
        assert_eq!(unix_seconds(UNIX_EPOCH - Duration::from_secs(5)), 0);
    }
}
