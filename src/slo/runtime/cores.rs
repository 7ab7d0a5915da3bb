//! How many processors we may use: the cgroup's quota, not the machine's number.

use std::path::Path;

/// Processors of this process, at least a twentieth of one.
pub(super) fn cores() -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a number of processors")]
    let machine = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
    quota(Path::new("/sys/fs/cgroup")).map_or(machine, |quota| machine.min(quota)).max(0.05)
}

/// The quota in processors, of cgroup v2 or v1; none when unlimited or unknown.
fn quota(root: &Path) -> Option<f64> {
    if let Ok(text) = std::fs::read_to_string(root.join("cpu.max")) {
        return parse(&text);
    }
    let quota = std::fs::read_to_string(root.join("cpu/cpu.cfs_quota_us")).ok()?;
    let period = std::fs::read_to_string(root.join("cpu/cpu.cfs_period_us")).ok()?;
    parse(&format!("{} {}", quota.trim(), period.trim()))
}

/// Reads `QUOTA PERIOD`; `max` and `-1` are no quota.
fn parse(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    let quota: f64 = words.next()?.parse().ok()?;
    let period: f64 = words.next()?.parse().ok()?;
    let cores = quota / period;
    (cores.is_finite() && cores > 0.0).then_some(cores)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_quota_is_read_and_its_absence_too() {
        for (text, cores) in [
            ("200000 100000\n", Some(2.0)),
            ("50000 100000", Some(0.5)),
            ("max 100000", None),
            ("-1 100000", None),
            ("100000 0", None),
            ("", None),
        ] {
            assert_eq!(parse(text), cores, "{text:?}");
        }
    }
}
