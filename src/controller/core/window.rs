//! Counting events over the last second, twelve seconds, five minutes and hour.
//!
//! `P95 < budget` is the same statement as "fewer than 5 % exceed it", so the
//! loop counts exceedances and never estimates a quantile: exact, mergeable,
//! and constant in time and memory.

use super::time::Nanos;

/// What is counted in one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Requests that came.
    pub(super) arrived: u64,
    /// Requests let in.
    pub(super) admitted: u64,
    /// Answers inside the budget.
    pub(super) good: u64,
    /// Answers past the budget, dropped or failed work.
    pub(super) bad: u64,
    /// Predicted processor nanoseconds that came.
    pub(super) offered: u64,
    /// Predicted processor nanoseconds let in.
    pub(super) accepted: u64,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.arrived += other.arrived;
        self.admitted += other.admitted;
        self.good += other.good;
        self.bad += other.bad;
        self.offered = self.offered.saturating_add(other.offered);
        self.accepted = self.accepted.saturating_add(other.accepted);
    }

    fn remove(&mut self, other: &Counts) {
        self.arrived = self.arrived.saturating_sub(other.arrived);
        self.admitted = self.admitted.saturating_sub(other.admitted);
        self.good = self.good.saturating_sub(other.good);
        self.bad = self.bad.saturating_sub(other.bad);
        self.offered = self.offered.saturating_sub(other.offered);
        self.accepted = self.accepted.saturating_sub(other.accepted);
    }

    /// Finished requests.
    pub(super) fn finished(&self) -> u64 {
        self.good + self.bad
    }

    /// Share of finished requests outside the budget; 0 when nothing finished.
    pub(super) fn bad_ratio(&self) -> f64 {
        if self.finished() == 0 { 0.0 } else { self.bad as f64 / self.finished() as f64 }
    }

    /// Share of requests let in; 1 when nothing came.
    pub(super) fn admitted_ratio(&self) -> f64 {
        if self.arrived == 0 { 1.0 } else { self.admitted as f64 / self.arrived as f64 }
    }
}

/// A sliding window of `len` buckets of `step` nanoseconds, with its sum.
#[derive(Clone, Debug)]
struct Ring {
    step: u64,
    slot: u64,
    buckets: Box<[Counts]>,
    total: Counts,
}

impl Ring {
    fn new(step: u64, len: usize) -> Ring {
        Ring {
            step,
            slot: 0,
            buckets: vec![Counts::default(); len].into(),
            total: Counts::default(),
        }
    }

    fn advance(&mut self, now: Nanos) {
        let slot = now.0 / self.step;
        if slot <= self.slot {
            return;
        }
        let len = self.buckets.len() as u64;
        // After a long silence every bucket is stale: no need to walk the silence.
        let first = (self.slot + 1).max(slot.saturating_sub(len - 1));
        for at in first..=slot {
            if let Some(bucket) = self.buckets.get_mut((at % len) as usize) {
                self.total.remove(bucket);
                *bucket = Counts::default();
            }
        }
        self.slot = slot;
    }

    fn record(&mut self, event: &Counts) {
        let len = self.buckets.len() as u64;
        if let Some(bucket) = self.buckets.get_mut((self.slot % len) as usize) {
            bucket.add(event);
            self.total.add(event);
        }
    }
}

/// The four windows of a class.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    rings: [Ring; 4],
}

/// Names of the four windows, shortest first.
pub(super) const WINDOW_NAMES: [&str; 4] = ["1s", "12s", "5m", "1h"];

const SECOND: u64 = 1_000_000_000;

impl Windows {
    /// Empty windows.
    pub(super) fn new() -> Windows {
        Windows {
            rings: [
                Ring::new(SECOND / 10, 10),
                Ring::new(SECOND / 10, 120),
                Ring::new(SECOND, 300),
                Ring::new(10 * SECOND, 360),
            ],
        }
    }

    /// Forgets what has left each window.
    pub(super) fn advance(&mut self, now: Nanos) {
        for ring in &mut self.rings {
            ring.advance(now);
        }
    }

    /// Adds an event at the time of the last [`Windows::advance`].
    pub(super) fn record(&mut self, event: &Counts) {
        for ring in &mut self.rings {
            ring.record(event);
        }
    }

    /// The sums, shortest window first.
    pub(super) fn totals(&self) -> [Counts; 4] {
        let [a, b, c, d] = &self.rings;
        [a.total, b.total, c.total, d.total]
    }

    /// The last second.
    pub(super) fn fast(&self) -> &Counts {
        let [fast, ..] = &self.rings;
        &fast.total
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_leaves_each_window_when_its_time_is_over() {
        let mut windows = Windows::new();
        windows.advance(Nanos(0));
        windows.record(&Counts { good: 1, ..Counts::default() });
        let seen = |windows: &Windows| windows.totals().map(|counts| counts.good);
        for (seconds, expected) in [
            (0, [1, 1, 1, 1]),
            (1, [0, 1, 1, 1]),
            (12, [0, 0, 1, 1]),
            (300, [0, 0, 0, 1]),
            (3600, [0; 4]),
        ] {
            windows.advance(Nanos(seconds * SECOND));
            assert_eq!(seen(&windows), expected, "after {seconds} s");
        }
    }

    #[test]
    fn a_window_survives_a_clock_that_jumps_ahead_or_back() {
        let mut windows = Windows::new();
        windows.advance(Nanos(u64::MAX / 2));
        windows.record(&Counts { bad: 1, ..Counts::default() });
        windows.advance(Nanos(3));
        assert_eq!(windows.fast().bad, 1);
        windows.advance(Nanos(u64::MAX));
        assert_eq!(windows.totals().map(|counts| counts.bad), [0; 4]);
    }
}
