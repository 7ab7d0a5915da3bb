//! What the process uses: memory and processor, sampled once a second.

use parking_lot::{Mutex, RwLock};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// A sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Resident memory.
    pub memory_bytes: u64,
    /// Processor use since the sample before, 100 for one full processor.
    pub cpu_percent: f64,
    /// Processor time since the start.
    pub cpu_seconds: f64,
    /// When the process started, in seconds since the Unix epoch.
    pub started: u64,
}

/// Samples the process it runs in.
#[derive(Debug)]
pub struct Sampler {
    /// Nothing on systems that do not say.
    system: Mutex<Option<System>>,
    latest: RwLock<Usage>,
}

impl Sampler {
    /// A sampler with its first sample taken.
    pub fn new() -> Sampler {
        let sampler = Sampler {
            system: Mutex::new(System::new().ok()),
            latest: RwLock::new(Usage::default()),
        };
        sampler.sample();
        sampler
    }

    /// Takes a sample.
    pub fn sample(&self) {
        let pid = Pid::from_u32(std::process::id());
        let mut system = self.system.lock();
        let Some(system) = system.as_mut() else { return };
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
        if let Some(process) = system.process(pid) {
            *self.latest.write() = Usage {
                memory_bytes: process.memory(),
                cpu_percent: f64::from(process.cpu_usage()),
                cpu_seconds: process.accumulated_cpu_time() as f64 / 1e3,
                started: process.start_time(),
            };
        }
    }

    /// The latest sample.
    pub fn latest(&self) -> Usage {
        *self.latest.read()
    }
}

impl Default for Sampler {
    fn default() -> Self {
        Self::new()
    }
}
