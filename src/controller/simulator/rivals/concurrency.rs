//! A fixed number of requests inside: tower's `ConcurrencyLimit` with
//! `LoadShed`, set by Little's law for the tightest budget: as many as the
//! processors can finish in it at the mean cost of the mix (3.6 ms).

use super::{Incoming, Limiter, Load, Setting, count, float};

/// Mean processor time of a request of the mix, in nanoseconds.
const MEAN: f64 = 3.6e6;

pub(super) struct Concurrency {
    limit: f64,
}

impl Concurrency {
    pub(super) fn new(setting: &Setting) -> Concurrency {
        let [tightest, ..] = setting.budgets;
        Concurrency { limit: (setting.cores * float(tightest) / MEAN).max(1.0) }
    }
}

impl Limiter for Concurrency {
    fn admit(&mut self, _: u64, _: &Incoming<'_>, load: Load) -> bool {
        count(load.inflight) < self.limit
    }
}
