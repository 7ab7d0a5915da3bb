//! Netflix concurrency-limits, `VegasLimit`: the queue is what the limit holds
//! beyond the best round trip, `L(1 - rtt0/rtt)`; below `3 log10 L` the limit
//! grows by `log10 L`, beyond `6 log10 L` it shrinks by it; the best round trip
//! is measured anew about every `30 L` samples. Initial 20, at most 1000.

use super::super::rng::Rng;
use super::{Class, Incoming, Limiter, Load, Usage, count, float};

pub(super) struct Vegas {
    limit: f64,
    best: f64,
    samples: f64,
    jitter: f64,
    rng: Rng,
}

impl Vegas {
    pub(super) fn new(seed: u64) -> Vegas {
        let rng = Rng::new(seed, 0x0E6A5);
        Vegas { limit: 20.0, best: 0.0, samples: 0.0, jitter: 1.0, rng }
    }
}

impl Limiter for Vegas {
    fn admit(&mut self, _: u64, _: &Incoming<'_>, load: Load) -> bool {
        count(load.inflight) < self.limit
    }

    fn finish(&mut self, _: u64, _: Class, took: Usage, inflight: usize) {
        let rtt = float(took.total).max(1.0);
        self.samples += 1.0;
        if self.samples >= self.jitter * 30.0 * self.limit {
            self.samples = 0.0;
            self.jitter = 0.5 + 0.5 * self.rng.unit();
            self.best = rtt;
            return;
        }
        if self.best <= 0.0 || rtt < self.best {
            self.best = rtt;
            return;
        }
        let log = libm::log10(self.limit.max(1.0)).max(1.0);
        let queue = libm::ceil(self.limit * (1.0 - self.best / rtt));
        if took.cpu == 0 {
            self.limit -= log;
        } else if 2.0 * count(inflight) < self.limit {
            return;
        } else if queue <= log {
            self.limit += 6.0 * log;
        } else if queue < 3.0 * log {
            self.limit += log;
        } else if queue > 6.0 * log {
            self.limit -= log;
        }
        self.limit = self.limit.clamp(1.0, 1000.0);
    }
}
