//! Netflix concurrency-limits, `AIMDLimit`: 20 to 200; a drop or an answer
//! slower than 5 s takes a tenth away, an answer with half the limit in use
//! adds one.

use super::{Class, Incoming, Limiter, Load, Usage, count};

pub(super) struct Aimd {
    limit: f64,
}

impl Aimd {
    pub(super) fn new() -> Aimd {
        Aimd { limit: 20.0 }
    }
}

impl Limiter for Aimd {
    fn admit(&mut self, _: u64, _: &Incoming<'_>, load: Load) -> bool {
        count(load.inflight) < self.limit
    }

    fn finish(&mut self, _: u64, _: Class, took: Usage, inflight: usize) {
        // A client that gave up is a drop.
        let dropped = took.cpu == 0;
        if dropped || took.total > 5_000_000_000 {
            self.limit *= 0.9;
        } else if 2.0 * count(inflight) >= self.limit {
            self.limit += 1.0;
        }
        self.limit = self.limit.clamp(20.0, 200.0);
    }
}
