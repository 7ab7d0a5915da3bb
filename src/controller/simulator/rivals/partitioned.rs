//! Gradient2 with a floor of 2 and the library's partitions: each class is
//! guaranteed its part of the limit (ui 0.5, redraw 0.35, physics 0.15), which
//! is enforced only once the whole limit is reached.

use super::gradient2::Gradient2;
use super::{Class, Incoming, Limiter, Load, Usage, count};

const PARTS: [f64; 4] = [0.5, 0.35, 0.15, 0.0];

pub(super) struct Partitioned {
    inner: Gradient2,
}

impl Partitioned {
    pub(super) fn new() -> Partitioned {
        Partitioned { inner: Gradient2::new(2.0) }
    }
}

impl Limiter for Partitioned {
    fn admit(&mut self, _: u64, incoming: &Incoming<'_>, load: Load) -> bool {
        let limit = self.inner.limit;
        let part = PARTS.get(incoming.arrival.class as usize).copied().unwrap_or(0.0);
        count(load.inflight) < limit || count(load.of_class) < (part * limit).ceil().max(1.0)
    }

    fn finish(&mut self, now: u64, class: Class, took: Usage, inflight: usize) {
        self.inner.finish(now, class, took, inflight);
    }
}
