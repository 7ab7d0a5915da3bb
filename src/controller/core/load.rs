//! Offered work per second, over windows with a hard edge, and how far the
//! number can be trusted.

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
pub struct Load {
    slot: u64,
    start: Option<u64>,
    buckets: [Bucket; LEN as usize],
}

/// Work per second and the standard error of that number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    /// Processor seconds per second: processors needed.
    pub mean: f64,
    /// Standard error for arrivals that do not know of each other (compound
    /// Poisson: the variance of a sum is the sum of the squares).
    pub error: f64,
}

impl Load {
    /// Nothing yet.
    pub fn new() -> Load {
        Load { slot: 0, start: None, buckets: [Bucket::default(); LEN as usize] }
    }

    /// Forgets what is older than five seconds.
    pub fn advance(&mut self, now: u64) {
        self.start.get_or_insert(now);
        let slot = now / STEP;
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
    pub fn record(&mut self, ns: f64) {
        if let Some(bucket) = self.buckets.get_mut((self.slot % LEN) as usize) {
            let seconds = ns / 1e9;
            bucket.sum += seconds;
            bucket.squares += seconds * seconds;
        }
    }

    /// The rate over the running bucket and the `steps` full ones before it.
    #[allow(clippy::cast_precision_loss, reason = "at most five seconds in nanoseconds")]
    pub fn rate(&self, now: u64, steps: u64) -> Rate {
        let steps = steps.min(LEN - 1);
        let mut total = Bucket::default();
        for back in 0..=steps.min(self.slot) {
            if let Some(bucket) = self.buckets.get(((self.slot - back) % LEN) as usize) {
                total.sum += bucket.sum;
                total.squares += bucket.squares;
            }
        }
        let edge = self.slot.saturating_sub(steps) * STEP;
        let since = edge.max(self.start.unwrap_or(now));
        // A window that has only just begun would divide by nothing.
        let seconds = (now.saturating_sub(since).max(STEP) as f64) / 1e9;
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
pub struct Pulse {
    at: u64,
    rate: f64,
}

/// Time constant of [`Pulse`].
const PULSE: f64 = 100e6;

impl Pulse {
    /// Adds work of `ns` processor nanoseconds at `now`.
    pub fn record(&mut self, now: u64, ns: f64) {
        self.rate = self.rate(now) + ns / PULSE;
        self.at = self.at.max(now);
    }

    /// Processors needed.
    #[allow(clippy::cast_precision_loss, reason = "an age, not a timestamp")]
    pub fn rate(&self, now: u64) -> f64 {
        let age = now.saturating_sub(self.at) as f64 / PULSE;
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
        let mut pulse = Pulse::default();
        let mut now = 0;
        for _ in 0..5_000 {
            now += 1_000_000;
            load.advance(now);
            load.record(500_000.0);
            pulse.record(now, 500_000.0);
        }
        for steps in [3, 10, 49] {
            let rate = load.rate(now, steps).mean;
            assert!((rate - 0.5).abs() < 0.01, "{rate} over {steps}");
        }
        assert!((pulse.rate(now) - 0.5).abs() < 0.01);
    }

    #[test]
    fn five_seconds_after_a_surge_nothing_of_it_is_left() {
        let mut load = Load::new();
        load.advance(0);
        load.record(1e12);
        load.advance(5_000_000_000);
        assert_eq!(load.rate(5_000_000_000, 49), Rate::default());
    }
}
