//! What the machine gives this process: processors, and time on them.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use crate::cgroup::Cgroup;
use crate::fault;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Processors of this process, at least a twentieth of one: those it may run
/// on, or the quota of its control groups if that is less. (The standard library's
/// `available_parallelism` rounds a quota to whole processors.)
pub fn cores() -> f64 {
    let allowed = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count());
    let allowed = f64::from(allowed.max(1));
    let cores = Cgroup::of_this_process().quota().map_or(allowed, |quota| allowed.min(quota));
    fault::reading(fault::Point::Cores, cores).max(0.05)
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
