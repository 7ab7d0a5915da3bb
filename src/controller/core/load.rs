//! Offered work per second, over windows with a hard edge, and how far the
//! number can be trusted.

use super::time::Nanos;

const STEP: u64 = 100_000_000;
const LEN: u64 = 50;

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// Processor seconds that came.
    sum: f64,
    /// Sum of their squares.
    squares: f64,
}

/// Offered work of the last five seconds.
///
/// A window with a hard edge, not an exponential one: after a surge of a
/// hundredfold an exponential average remembers it for five time constants.
#[derive(Clone, Debug)]
pub(super) struct Load {
    slot: u64,
    start: Option<Nanos>,
    buckets: [Bucket; LEN as usize],
}

/// Work per second and the standard error of that number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate {
    /// Processor seconds per second: processors needed.
    pub(super) mean: f64,
    /// Standard error for arrivals that do not know of each other (compound
    /// Poisson: the variance of a sum is the sum of the squares).
    pub(super) error: f64,
}

impl Rate {
    /// The mean less so many standard errors.
    pub(super) fn at_least(&self, errors: f64) -> f64 {
        self.mean - errors * self.error
    }
}

impl Load {
    /// Nothing yet.
    pub(super) fn new() -> Load {
        Load { slot: 0, start: None, buckets: [Bucket::default(); LEN as usize] }
    }

    /// Forgets what is older than five seconds.
    pub(super) fn advance(&mut self, now: Nanos) {
        self.start.get_or_insert(now);
        let slot = now.0 / STEP;
        if slot <= self.slot {
            return;
        }
        for at in (self.slot + 1).max(slot.saturating_sub(LEN - 1))..=slot {
            if let Some(bucket) = self.buckets.get_mut((at % LEN) as usize) {
                *bucket = Bucket::default();
            }
        }
        self.slot = slot;
    }

    /// Adds work of `ns` processor nanoseconds.
    pub(super) fn record(&mut self, ns: f64) {
        if let Some(bucket) = self.buckets.get_mut((self.slot % LEN) as usize) {
            let seconds = ns / 1e9;
            bucket.sum += seconds;
            bucket.squares += seconds * seconds;
        }
    }

    /// The rate over the running bucket and the `steps` full ones before it.
    pub(super) fn rate(&self, now: Nanos, steps: u64) -> Rate {
        let steps = steps.min(LEN - 1);
        let mut total = Bucket::default();
        for back in 0..=steps.min(self.slot) {
            if let Some(bucket) = self.buckets.get(((self.slot - back) % LEN) as usize) {
                total.sum += bucket.sum;
                total.squares += bucket.squares;
            }
        }
        let edge = Nanos(self.slot.saturating_sub(steps) * STEP);
        let since = edge.max(self.start.unwrap_or(now));
        // A window that has only just begun would divide by nothing.
        let seconds = now.since(since).max(Nanos(STEP)).as_f64() / 1e9;
        Rate { mean: total.sum / seconds, error: total.squares.sqrt() / seconds }
    }
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}

/// A rate that follows within a tenth of a second: for capacity left by more
/// urgent classes, where the newest arrivals matter most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecentRate {
    at: Nanos,
    rate: f64,
}

/// Time constant of [`RecentRate`].
const RECENT: f64 = 100e6;

impl RecentRate {
    /// Adds work of `ns` processor nanoseconds at `now`.
    pub(super) fn record(&mut self, now: Nanos, ns: f64) {
        self.rate = self.rate(now) + ns / RECENT;
        self.at = self.at.max(now);
    }

    /// Processors needed.
    pub(super) fn rate(&self, now: Nanos) -> f64 {
        let age = now.since(self.at).as_f64() / RECENT;
        // libm: the same result on every platform, so a log replays anywhere.
        if age > 40.0 { 0.0 } else { self.rate * libm::exp(-age) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_measured_as_what_it_is() {
        let mut load = Load::new();
        let mut recent = RecentRate::default();
        let mut now = Nanos(0);
        for _ in 0..5_000 {
            now = now.plus(Nanos(1_000_000));
            load.advance(now);
            load.record(500_000.0);
            recent.record(now, 500_000.0);
        }
        for steps in [3, 10, 49] {
            let rate = load.rate(now, steps).mean;
            assert!((rate - 0.5).abs() < 0.01, "{rate} over {steps}");
        }
        assert!((recent.rate(now) - 0.5).abs() < 0.01);
    }

    #[test]
    fn five_seconds_after_a_surge_nothing_of_it_is_left() {
        let mut load = Load::new();
        load.advance(Nanos(0));
        load.record(1e12);
        load.advance(Nanos(5_000_000_000));
        assert_eq!(load.rate(Nanos(5_000_000_000), 49), Rate::default());
    }
}
