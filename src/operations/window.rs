//! Durations as Prometheus writes them.

/// Seconds as the shortest exact Prometheus duration: `90s`, `2m`, `6h`, `3d`.
pub(crate) fn text(seconds: u64) -> String {
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds > 0 && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

/// Seconds in an OpenSLO or Prometheus duration of one unit.
pub fn seconds(text: &str) -> Option<u64> {
    svgx_controller::spec::openslo::nanoseconds(text).map(|ns| ns / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_comes_back_in_its_largest_exact_unit() {
        for (s, t) in
            [(0, "0s"), (30, "30s"), (90, "90s"), (120, "2m"), (86_400, "1d"), (129_600, "36h")]
        {
            assert_eq!(text(s), t);
            assert_eq!(seconds(t), Some(s));
        }
        assert_eq!(seconds("soon"), None);
    }
}
