//! Lengths of time, read and written: the one place for `250ms`, `2m` and `30d`.
//!
//! Not here, because they are of another language: times inside drawings (the units of
//! the language), and Prometheus' own template functions, which tests must match.

use std::time::Duration;

/// The units, longest first, in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no duration; expected a number and a unit (ns, us, ms, s, m, h, d or w), such as 250ms, 30s or 5m"
)]
pub struct Invalid(String);

/// Reads a number and one unit: `250ms`, `1.5s`, `30d`. Nothing is rounded but what is
/// below a nanosecond.
///
/// # Errors
/// [`Invalid`]; also what is longer than 584 years.
pub fn read(text: &str) -> Result<Duration, Invalid> {
    parse(text, None).ok_or_else(|| Invalid(text.chars().take(32).collect()))
}

/// As [`read`]; a number without a unit counts seconds.
///
/// # Errors
/// As [`read`].
pub fn read_or_seconds(text: &str) -> Result<Duration, Invalid> {
    parse(text, Some("s")).ok_or_else(|| Invalid(text.chars().take(32).collect()))
}

fn parse(text: &str, usual: Option<&str>) -> Option<Duration> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = if unit.is_empty() { usual? } else { unit };
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(*scale)?;
    // More digits than these are below a nanosecond, even of a week.
    let (mut below, mut place) = (0, u128::from(*scale) * 10u128.pow(17));
    for digit in fraction.bytes().take(18) {
        below += place * u128::from(digit - b'0');
        place /= 10;
    }
    let below = u64::try_from(below / 10u128.pow(18)).ok()?;
    whole.checked_add(below).map(Duration::from_nanos)
}

/// Whole seconds in the largest unit that holds them exactly, as Prometheus writes them:
/// `90s`, `2m`, `6h`, `3d`.
pub fn exact(seconds: u64) -> String {
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds > 0 && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

/// Seconds in three significant digits, for people: `200 µs`, `16 ms`, `1.5 s`.
pub fn short(seconds: f64) -> String {
    match seconds.abs() {
        0.0 => "0 s".to_owned(),
        s if s < 1e-3 => format!("{} µs", significant(seconds * 1e6)),
        s if s < 1.0 => format!("{} ms", significant(seconds * 1e3)),
        _ => format!("{} s", significant(seconds)),
    }
}

/// Seconds in their two largest units, for people: `3 d 4 h`, `2 min 5 s`.
pub fn coarse(seconds: u64) -> String {
    match seconds {
        s if s >= 86_400 => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
        s if s >= 3_600 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        s if s >= 60 => format!("{} min {} s", s / 60, s % 60),
        s => format!("{s} s"),
    }
}

/// Three significant digits of `v`, without zeros that say nothing.
pub fn significant(v: f64) -> String {
    let decimals = match v.abs() {
        a if a >= 100.0 => 0,
        a if a >= 10.0 => 1,
        a if a >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{v:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_read_exactly() {
        for (text, nanoseconds) in [
            ("0s", 0),
            ("1ns", 1),
            ("60us", 60_000),
            ("250ms", 250_000_000),
            ("0.1s", 100_000_000),
            ("1.5s", 1_500_000_000),
            ("1.0000000009s", 1_000_000_000),
            (" 2m ", 120_000_000_000),
            ("6h", 21_600_000_000_000),
            ("30d", 2_592_000_000_000_000),
            ("0.5w", 302_400_000_000_000),
        ] {
            assert_eq!(read(text).map(|d| d.as_nanos()), Ok(nanoseconds), "{text}");
        }
        assert_eq!(read_or_seconds("2.5"), Ok(Duration::from_millis(2_500)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "s",
            "5",
            "-1s",
            "1e3s",
            ".5s",
            "5.s",
            "1.2.3s",
            "1 s",
            "1h30m",
            "2x",
            "٣s",
            "99999999999999999999s",
            "99999999999w",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read_or_seconds("soon").is_err());
    }

    #[test]
    fn whole_seconds_come_back_in_their_largest_exact_unit() {
        for (s, t) in
            [(0, "0s"), (30, "30s"), (90, "90s"), (120, "2m"), (86_400, "1d"), (129_600, "36h")]
        {
            assert_eq!(exact(s), t);
            assert_eq!(read(t).map(|d| d.as_secs()), Ok(s));
        }
    }

    #[test]
    fn people_read_three_digits_or_two_units() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.000_2, "200 µs"),
            (0.016, "16 ms"),
            (0.0123, "12.3 ms"),
            (1.5, "1.5 s"),
        ] {
            assert_eq!(short(seconds), text);
        }
        for (seconds, text) in
            [(5, "5 s"), (125, "2 min 5 s"), (7_260, "2 h 1 min"), (266_400, "3 d 2 h")]
        {
            assert_eq!(coarse(seconds), text);
        }
    }
}
