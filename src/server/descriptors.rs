//! Descriptors of the process: every connection takes one, and what is taken by clients is not
//! there for probes, the store and the logs.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept back for the store, the logs, exporters and files that are read again.
const RESERVED: u64 = 32;
/// Connections of the internal listener at the most.
const MOST_INTERNAL: usize = 256;
/// Connections that each listener gets at the least.
const LEAST: usize = 4;

/// Connections that may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Connections {
    /// For each worker of the public listener.
    pub(crate) public: usize,
    /// For the internal listener.
    pub(crate) internal: usize,
}

impl Connections {
    /// What `wanted` connections for each of `workers` come to in this process, whose limit is
    /// raised as far as it goes.
    pub(crate) fn plan(wanted: usize, workers: usize) -> Connections {
        let (limit, open) = (raise_limit(), open());
        let planned = share(limit, open, wanted, workers);
        if planned.public < wanted {
            tracing::warn!(
                limit,
                wanted,
                allowed = planned.public,
                "fewer connections for each worker than asked for: the limit of open files is low"
            );
        }
        planned
    }
}

fn share(limit: u64, open: u64, wanted: usize, workers: usize) -> Connections {
    let free = usize::try_from(limit.saturating_sub(open + RESERVED)).unwrap_or(usize::MAX);
    let internal = (free / 8).clamp(LEAST, MOST_INTERNAL);
    let public = free.saturating_sub(internal) / workers.max(1);
    Connections { public: public.max(LEAST).min(wanted.max(1)), internal }
}

/// Raises the soft limit to the hard one; the limit in force.
fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // What cannot be raised stays as it is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Descriptors that are open now.
fn open() -> u64 {
    std::fs::read_dir("/proc/self/fd").map_or(0, |all| all.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_probes_and_the_store_leave() {
        // Limit, open, wanted, workers: for each worker, for the internal listener.
        for (limit, open, wanted, workers, public, internal) in [
            (1_048_576, 30, 4_096, 2, 4_096, 256),
            (16_384, 30, 4_096, 2, 4_096, 256),
            (1_024, 30, 4_096, 2, 421, 120),
            (80, 20, 4_096, 2, 12, 4),
            (80, 20, 8, 2, 8, 4),
            (u64::MAX, 30, 4_096, 2, 4_096, 256),
            (16, 20, 4_096, 2, 4, 4),
        ] {
            let planned = share(limit, open, wanted, workers);
            assert_eq!(planned, Connections { public, internal }, "{limit} {wanted}");
        }
    }
}
