//! Breakwater (Cho et al., OSDI 2020): a pool of credits, adjusted every round
//! trip by the queueing delay `d` against the target `dt`: above it
//! `max(1 - 0.02 (d - dt)/dt, 0.5)`, below it one per thousand clients and at
//! least one; what waited `2 dt` is dropped. `dt` is 3 ms and the round trip
//! 1 ms here: the paper sets the target to a few service times.

use super::{Class, Incoming, Limiter, Load, count, float};

const TARGET: f64 = 3e6;
const ROUND_TRIP: u64 = 1_000_000;

pub(super) struct Breakwater {
    credits: f64,
    delay: f64,
    next: u64,
}

impl Breakwater {
    pub(super) fn new() -> Breakwater {
        Breakwater { credits: 10.0, delay: 0.0, next: 0 }
    }

    fn adjust(&mut self, now: u64) {
        if now < self.next {
            return;
        }
        self.next = now + ROUND_TRIP;
        if self.delay >= TARGET {
            self.credits *= (1.0 - 0.02 * (self.delay - TARGET) / TARGET).max(0.5);
        } else {
            self.credits += 1.0;
        }
        self.credits = self.credits.clamp(2.0, 1000.0);
        self.delay = 0.0;
    }
}

impl Limiter for Breakwater {
    fn admit(&mut self, now: u64, _: &Incoming<'_>, load: Load) -> bool {
        self.adjust(now);
        count(load.inflight) < self.credits
    }

    fn start(&mut self, now: u64, _: Class, waited: u64) -> bool {
        self.delay = self.delay.max(float(waited));
        self.adjust(now);
        float(waited) < 2.0 * TARGET
    }
}
