//! One steady time inside the controller, whatever the clock handed in does.

use std::time::Duration;

use svgx_base::budget::Time;

/// A point of the controller's steady time, or a span of it, in nanoseconds. Arithmetic
/// saturates. The caller's clock is [`Time`]; only [`Timeline`] turns one into the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nanos(pub(super) u64);

impl Nanos {
    /// The far future, for work without a deadline.
    pub(super) const NEVER: Nanos = Nanos(u64::MAX / 2);

    /// The span from `earlier` to this; nothing when it is later.
    pub(super) fn since(self, earlier: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }

    /// This and a span.
    pub(super) fn plus(self, span: Nanos) -> Nanos {
        Nanos(self.0.saturating_add(span.0))
    }

    /// This less a span.
    pub(super) fn minus(self, span: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(span.0))
    }

    pub(super) fn as_f64(self) -> f64 {
        self.0 as f64
    }
}

impl From<Duration> for Nanos {
    fn from(duration: Duration) -> Nanos {
        Nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A gap without any call beyond which the past is not believed. Not policy: it only tells a
/// process that slept from one that is idle, and any span far above a tick does.
const GAP: Nanos = Nanos(60_000_000_000);
/// Threads read the clock before they take the lock: that much disorder is normal.
const DISORDER: Nanos = Nanos(10_000_000);

/// Maps the caller's clock to a time that never goes backwards.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    now: Nanos,
    skew: Nanos,
    seen: bool,
    jumps: u64,
}

impl Timeline {
    /// The steady time of `raw`, and whether the clock jumped.
    pub(super) fn at(&mut self, raw: Time) -> (Nanos, bool) {
        let raw = Nanos(raw.0);
        if !self.seen {
            self.seen = true;
            self.now = raw;
            return (raw, false);
        }
        let mapped = raw.plus(self.skew);
        if mapped.plus(DISORDER) < self.now {
            // Backwards: from here on, count from where we were.
            self.skew = self.now.since(raw);
            self.jumps += 1;
            return (self.now, true);
        }
        let jumped = mapped > self.now.plus(GAP);
        self.jumps += u64::from(jumped);
        self.now = self.now.max(mapped);
        (self.now, jumped)
    }

    /// The latest time.
    pub(super) fn now(&self) -> Nanos {
        self.now
    }

    /// A time of ours on the caller's clock.
    pub(super) fn raw(&self, ours: Nanos) -> Time {
        Time(ours.minus(self.skew).0)
    }

    /// How often the clock jumped.
    pub(super) fn jumps(&self) -> u64 {
        self.jumps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_backwards_and_goes_on_after_a_jump() {
        let mut time = Timeline::default();
        let mut at = |raw| {
            let (now, jumped) = time.at(Time(raw));
            (now.0, jumped)
        };
        assert_eq!(at(1_000_000_000), (1_000_000_000, false));
        assert_eq!(at(999_999_000), (1_000_000_000, false));
        assert_eq!(at(5), (1_000_000_000, true));
        assert_eq!(at(15), (1_000_000_010, false));
        assert_eq!(time.raw(Nanos(1_000_000_010)), Time(15));
    }
}
