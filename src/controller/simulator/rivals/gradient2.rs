//! Netflix concurrency-limits, `Gradient2Limit` behind a one-second
//! `WindowedLimit` (at least ten samples): the long round trip is an
//! exponential average over 600 windows; gradient `clamp(1.5 long/short, 0.5, 1)`;
//! `L = 0.8 L + 0.2 (L g + 4)`; 20 to 200, held while less than half is used.

use super::{Class, Incoming, Limiter, Load, Usage, count, float};

const WINDOW: u64 = 1_000_000_000;

pub(super) struct Gradient2 {
    pub(super) limit: f64,
    least: f64,
    long: f64,
    windows: f64,
    sum: f64,
    samples: f64,
    most: usize,
    next: u64,
}

impl Gradient2 {
    pub(super) fn new(least: f64) -> Gradient2 {
        Gradient2 {
            limit: 20.0,
            least,
            long: 0.0,
            windows: 0.0,
            sum: 0.0,
            samples: 0.0,
            most: 0,
            next: 0,
        }
    }

    fn window(&mut self) {
        let short = self.sum / self.samples;
        self.windows += 1.0;
        // Ten windows are averaged plainly.
        let gain = if self.windows <= 10.0 { 1.0 / self.windows } else { 2.0 / 601.0 };
        self.long += gain * (short - self.long);
        if self.long / short > 2.0 {
            self.long *= 0.95;
        }
        if count(self.most) < self.limit / 2.0 {
            return;
        }
        let gradient = (1.5 * self.long / short).clamp(0.5, 1.0);
        self.limit = 0.8 * self.limit + 0.2 * (self.limit * gradient + 4.0);
        self.limit = self.limit.clamp(self.least, 200.0);
    }
}

impl Limiter for Gradient2 {
    fn admit(&mut self, _: u64, _: &Incoming<'_>, load: Load) -> bool {
        count(load.inflight) < self.limit
    }

    fn finish(&mut self, now: u64, _: Class, took: Usage, inflight: usize) {
        if took.total >= 100_000 {
            self.sum += float(took.total);
            self.samples += 1.0;
        }
        self.most = self.most.max(inflight);
        if now >= self.next && self.samples >= 10.0 {
            self.window();
            self.next = now + WINDOW;
            (self.sum, self.samples, self.most) = (0.0, 0.0, 0);
        }
    }
}
