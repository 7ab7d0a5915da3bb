//! Numbers, as people read them.

use svgx_base::duration::{self, significant};

use super::super::dashboard::model::Unit;

/// A value with its unit, in three significant digits.
pub(super) fn value(unit: Unit, v: f64) -> String {
    match unit {
        Unit::Seconds => duration::short(v),
        Unit::Share => format!("{}%", significant(v * 100.0)),
        Unit::Rate => format!("{} req/s", short(v)),
        Unit::Bytes if v.abs() < 1e3 => format!("{} B", significant(v)),
        Unit::Bytes => format!("{}B", short(v)),
        Unit::Number => short(v),
        Unit::Millimetres => format!("{} mm", significant(v)),
        // Milliseconds since 1970.
        Unit::Date => jiff::Timestamp::from_second((v / 1000.0) as i64)
            .map_or_else(|_| "never".to_owned(), |t| t.to_string().replace('T', " ")),
    }
}

/// With k, M, G from a thousand on.
fn short(v: f64) -> String {
    let scales = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    match scales.iter().find(|(scale, _)| v.abs() >= *scale) {
        Some((scale, letter)) => format!("{} {letter}", significant(v / scale)),
        None => significant(v),
    }
}

/// The time of day in UTC.
pub(super) fn time(seconds: f64) -> String {
    let s = seconds.rem_euclid(86_400.0) as u64;
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Round steps that divide `[low, high]` into about four.
pub(super) fn ticks(low: f64, high: f64) -> Vec<f64> {
    let raw = (high - low) / 4.0;
    if raw <= 0.0 || !raw.is_finite() {
        return vec![low];
    }
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= raw).unwrap_or(raw);
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_short_and_has_its_unit() {
        for (unit, v, text) in [
            (Unit::Seconds, 0.016, "16 ms"),
            (Unit::Seconds, 0.000_2, "200 µs"),
            (Unit::Seconds, 1.5, "1.5 s"),
            (Unit::Share, 0.995, "99.5%"),
            (Unit::Share, 1.0, "100%"),
            (Unit::Rate, 1234.0, "1.23 k req/s"),
            (Unit::Bytes, 800e6, "800 MB"),
            (Unit::Number, 3.0, "3"),
            (Unit::Number, 14.4, "14.4"),
            (Unit::Date, 0.0, "1970-01-01 00:00:00Z"),
        ] {
            assert_eq!(value(unit, v), text);
        }
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(0.0, 8.0), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(3.0, 3.0), [3.0]);
    }
}
