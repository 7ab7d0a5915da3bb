//! What the process itself uses: read when somebody looks, never in between.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use parking_lot::Mutex;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use svgx_base::cgroup::Cgroup;
use svgx_base::machine::cores;

use super::catalogue as c;

/// One look at the process.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    user: f64,
    system: f64,
    user_share: f64,
    system_share: f64,
    resident: u64,
    size: u64,
    threads: u64,
    files: u64,
    uptime: f64,
    allocated: u64,
    heap_resident: u64,
    throttled: f64,
}

/// Memory and processor use, for a page that shows them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Processor use since the look before, 100 for one full processor.
    pub cpu_percent: f64,
}

/// A hand on the looks the instruments take.
#[derive(Clone)]
pub(crate) struct Process(Arc<Mutex<Look>>);

impl Process {
    pub(crate) fn usage(&self) -> Usage {
        let mut look = self.0.lock();
        let sample = look.take();
        Usage {
            memory_bytes: sample.resident,
            cpu_percent: (sample.user_share + sample.system_share) * look.cores * 100.0,
        }
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Process").field(&self.usage()).finish()
    }
}

struct Look {
    system: Option<System>,
    pid: Pid,
    started: Instant,
    taken: Option<Instant>,
    sample: Sample,
    cores: f64,
    group: Cgroup,
}

/// How long a look is good for: both readers asking at once cost one look.
const FRESH: Duration = Duration::from_millis(500);

impl Look {
    #[allow(clippy::disallowed_methods, reason = "telemetry reads the real clock")]
    fn take(&mut self) -> Sample {
        let now = Instant::now();
        if self.taken.is_some_and(|at| now.duration_since(at) < FRESH) {
            return self.sample;
        }
        let before = self.sample;
        let mut s = Sample { uptime: now.duration_since(self.started).as_secs_f64(), ..before };
        if let Some(system) = &mut self.system {
            system.refresh_processes_specifics(
                ProcessesToUpdate::Some(&[self.pid]),
                false,
                ProcessRefreshKind::nothing().with_memory(),
            );
            if let Some(process) = system.process(self.pid) {
                s.resident = process.memory();
                s.size = process.virtual_memory();
            }
        }
        if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(stat) {
            (s.user, s.system, s.threads) = stat;
        }
        if let Some(at) = self.taken {
            // A quota may be another than at the start.
            self.cores = cores();
            let elapsed = now.duration_since(at).as_secs_f64() * self.cores;
            s.user_share = (s.user - before.user).max(0.0) / elapsed;
            s.system_share = (s.system - before.system).max(0.0) / elapsed;
        }
        s.files = fs::read_dir("/proc/self/fd").map_or(0, |d| d.count() as u64);
        s.throttled = self.group.throttled().unwrap_or_default().as_secs_f64();
        #[cfg(not(target_env = "msvc"))]
        {
            // The statistics are of the last epoch; where the allocator is another one they stay 0.
            let _ = tikv_jemalloc_ctl::epoch::advance();
            s.allocated = tikv_jemalloc_ctl::stats::allocated::read().unwrap_or(0) as u64;
            s.heap_resident = tikv_jemalloc_ctl::stats::resident::read().unwrap_or(0) as u64;
        }
        self.sample = s;
        self.taken = Some(now);
        s
    }
}

/// User seconds, system seconds and threads out of `/proc/self/stat`. The name
/// in parentheses may hold anything, so fields are counted from its end.
fn stat(text: &str) -> Option<(f64, f64, u64)> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // Clock ticks are 1/100 s on every Linux that user space sees (USER_HZ).
    let ticks = |i: usize| fields.get(i)?.parse::<f64>().ok().map(|t| t / 100.0);
    Some((ticks(11)?, ticks(12)?, fields.get(17)?.parse().ok()?))
}

/// Registers the observable instruments of the process.
#[allow(clippy::disallowed_methods, reason = "telemetry reads the real clock")]
pub(crate) fn observe(meter: &Meter) -> Process {
    let look = Arc::new(Mutex::new(Look {
        // Where the kernel will not tell, memory reads 0.
        system: System::new().ok(),
        pid: Pid::from_u32(std::process::id()),
        started: Instant::now(),
        taken: None,
        sample: Sample::default(),
        cores: cores(),
        group: Cgroup::of_this_process(),
    }));
    look.lock().take();

    macro_rules! observe {
        ($builder:ident, $metric:expr, |$s:ident| $value:expr) => {{
            let look = Arc::clone(&look);
            meter
                .$builder($metric.name)
                .with_unit($metric.unit)
                .with_description($metric.description)
                .with_callback(move |observer| {
                    let $s = look.lock().take();
                    observer.observe($value, &[]);
                })
                .build();
        }};
    }
    macro_rules! by_mode {
        ($builder:ident, $metric:expr, |$s:ident| $user:expr, $system:expr) => {{
            let look = Arc::clone(&look);
            meter
                .$builder($metric.name)
                .with_unit($metric.unit)
                .with_description($metric.description)
                .with_callback(move |observer| {
                    let $s = look.lock().take();
                    observer.observe($user, &[KeyValue::new("cpu.mode", "user")]);
                    observer.observe($system, &[KeyValue::new("cpu.mode", "system")]);
                })
                .build();
        }};
    }
    by_mode!(f64_observable_counter, c::CPU_TIME, |s| s.user, s.system);
    by_mode!(f64_observable_gauge, c::CPU_UTILIZATION, |s| s.user_share, s.system_share);
    observe!(i64_observable_up_down_counter, c::MEMORY_USAGE, |s| s.resident as i64);
    observe!(i64_observable_up_down_counter, c::MEMORY_VIRTUAL, |s| s.size as i64);
    observe!(i64_observable_up_down_counter, c::THREADS, |s| s.threads as i64);
    observe!(i64_observable_up_down_counter, c::FILES, |s| s.files as i64);
    observe!(f64_observable_gauge, c::UPTIME, |s| s.uptime);
    observe!(u64_observable_gauge, c::HEAP_ALLOCATED, |s| s.allocated);
    observe!(u64_observable_gauge, c::HEAP_RESIDENT, |s| s.heap_resident);
    observe!(f64_observable_counter, c::THROTTLED, |s| s.throttled);
    meter
        .f64_observable_gauge(c::CORES.name)
        .with_unit(c::CORES.unit)
        .with_description(c::CORES.description)
        .with_callback(|observer| observer.observe(cores(), &[]))
        .build();
    Process(look)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let text = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 100 1000 10";
        assert_eq!(stat(text), Some((2.5, 0.5, 9)));
        assert_eq!(stat("7 (x) S 1"), None);
    }

    #[test]
    fn there_is_at_least_a_fraction_of_a_processor() {
        assert!(cores() > 0.0);
    }
}
