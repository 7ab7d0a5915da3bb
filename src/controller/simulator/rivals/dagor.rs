//! DAGOR (Zhou et al., SoCC 2018): overloaded when the mean queueing time of a
//! window (1 s or 2000 requests) exceeds 20 ms; the admission level over
//! business priority (the class) and 128 user cohorts is then moved so that 5 %
//! fewer, otherwise 1 % more of the last window's requests are let in.

use super::{Class, Incoming, Limiter, Load, float};
use svgx_base::random::GOLDEN;

const QUEUEING: f64 = 20e6;
const WINDOW: u64 = 1_000_000_000;
const MOST: u64 = 2000;
const USERS: usize = 128;
const LEVELS: usize = 4 * USERS;

pub(super) struct Dagor {
    level: usize,
    histogram: Vec<u64>,
    arrived: u64,
    admitted: u64,
    waits: f64,
    started: u64,
    until: u64,
}

impl Dagor {
    pub(super) fn new() -> Dagor {
        Dagor {
            level: LEVELS,
            histogram: vec![0; LEVELS],
            arrived: 0,
            admitted: 0,
            waits: 0.0,
            started: 0,
            until: 0,
        }
    }

    fn window(&mut self, now: u64) {
        let waited = if self.started == 0 { 0.0 } else { self.waits / float(self.started) };
        let target = if waited > QUEUEING {
            0.95 * float(self.admitted)
        } else {
            float(self.admitted) + 0.01 * float(self.arrived)
        };
        let mut sum = 0.0;
        let mut level = 0;
        while let Some(requests) = self.histogram.get(level)
            && sum < target
        {
            sum += float(*requests);
            level += 1;
        }
        // Nothing refused in this window and no overload: every level is open.
        let open = waited <= QUEUEING && float(self.arrived) <= target;
        self.level = if open { LEVELS } else { level.max(1) };
        self.histogram.fill(0);
        (self.arrived, self.admitted, self.started, self.waits) = (0, 0, 0, 0.0);
        self.until = now + WINDOW;
    }
}

impl Limiter for Dagor {
    fn admit(&mut self, now: u64, incoming: &Incoming<'_>, _: Load) -> bool {
        if now >= self.until || self.arrived >= MOST {
            self.window(now);
        }
        let user = incoming.arrival.session.wrapping_mul(GOLDEN) >> 57;
        let at = incoming.arrival.class as usize * USERS + usize::try_from(user).unwrap_or(0);
        if let Some(slot) = self.histogram.get_mut(at) {
            *slot += 1;
        }
        self.arrived += 1;
        let open = at < self.level;
        self.admitted += u64::from(open);
        open
    }

    fn start(&mut self, _: u64, _: Class, waited: u64) -> bool {
        self.waits += float(waited);
        self.started += 1;
        true
    }
}
