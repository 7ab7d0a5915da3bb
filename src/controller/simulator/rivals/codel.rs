//! CoDel as folly's executors have it (`folly/executors/Codel.cpp`): overloaded
//! when even the shortest wait of the last 100 ms exceeded 5 ms; then whatever
//! waited longer than twice that is sloughed off.

use super::{Class, Incoming, Limiter, Load};

const INTERVAL: u64 = 100_000_000;
const TARGET: u64 = 5_000_000;

pub(super) struct CoDel {
    shortest: u64,
    until: u64,
    overloaded: bool,
    fresh: bool,
}

impl CoDel {
    pub(super) fn new() -> CoDel {
        CoDel { shortest: 0, until: 0, overloaded: false, fresh: true }
    }
}

impl Limiter for CoDel {
    fn admit(&mut self, _: u64, _: &Incoming<'_>, _: Load) -> bool {
        true
    }

    fn start(&mut self, now: u64, _: Class, waited: u64) -> bool {
        if now > self.until {
            self.until = now + INTERVAL;
            self.overloaded = self.shortest > TARGET;
            self.fresh = true;
        }
        if self.fresh {
            self.shortest = waited;
            self.fresh = false;
        } else {
            self.shortest = self.shortest.min(waited);
        }
        !(self.overloaded && waited > 2 * TARGET)
    }
}
