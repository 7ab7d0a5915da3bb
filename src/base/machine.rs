//! What the machine gives this process: processors, and time on them.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Processors of this process, at least a twentieth of one: those it may run
/// on, or the quota of its control group if that is less.
pub fn cores() -> f64 {
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

/// Tells the operating system that this thread may wait: the higher `niceness`
/// (0 to 19), the longer. Raising one's own needs no privilege.
pub fn set_niceness(niceness: i32) {
    let thread = Some(rustix::thread::gettid());
    if let Err(error) = rustix::process::setpriority_process(thread, niceness) {
        tracing::debug!(%error, "thread priority unchanged");
    }
}

/// How long a thread has waited for a processor while it could run, by the scheduler's count.
#[derive(Debug)]
pub struct Waits(Option<File>);

impl Waits {
    /// Of the thread that asks, whoever reads it later.
    pub fn of_this_thread() -> Waits {
        Waits(File::open("/proc/thread-self/schedstat").ok())
    }

    /// Nanoseconds since the thread began; none where the system does not count them
    /// (Documentation/scheduler/sched-stats.rst: the second of three numbers).
    pub fn total(&self) -> Option<u64> {
        let mut text = [0; 64];
        let read = self.0.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..read)?).ok()?;
        text.split_ascii_whitespace().nth(1)?.parse().ok()
    }
}

/// Processor time of this thread.
pub fn thread_cpu() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// Processor time of every thread of this process.
pub fn process_cpu() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

fn duration(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

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
