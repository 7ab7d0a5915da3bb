//! One steady time inside the controller, whatever the clock handed in does.

/// A gap without any call beyond which the past is not believed.
const GAP: u64 = 60_000_000_000;
/// Threads read the clock before they take the lock: that much disorder is normal.
const DISORDER: u64 = 10_000_000;

/// Maps the caller's clock to a time that never goes backwards.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    now: u64,
    skew: u64,
    seen: bool,
    jumps: u64,
}

impl Timeline {
    /// The steady time of `raw`, and whether the clock jumped.
    pub(super) fn at(&mut self, raw: u64) -> (u64, bool) {
        if !self.seen {
            self.seen = true;
            self.now = raw;
            return (raw, false);
        }
        let mapped = raw.saturating_add(self.skew);
        if mapped.saturating_add(DISORDER) < self.now {
            // Backwards: from here on, count from where we were.
            self.skew = self.now.saturating_sub(raw);
            self.jumps += 1;
            return (self.now, true);
        }
        let jumped = mapped > self.now.saturating_add(GAP);
        self.jumps += u64::from(jumped);
        self.now = self.now.max(mapped);
        (self.now, jumped)
    }

    /// The latest time.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// A time of ours on the caller's clock.
    pub(super) fn raw(&self, ours: u64) -> u64 {
        ours.saturating_sub(self.skew)
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
        assert_eq!(time.at(1_000_000_000), (1_000_000_000, false));
        assert_eq!(time.at(999_999_000), (1_000_000_000, false));
        let (before, jumped) = time.at(5);
        assert!(jumped && before == 1_000_000_000);
        assert_eq!(time.at(15), (1_000_000_010, false));
        assert_eq!(time.raw(1_000_000_010), 15);
    }
}
