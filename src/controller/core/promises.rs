//! The times at which those who were refused were told to come back.

use std::collections::VecDeque;

use super::time::Nanos;

/// How long after its time a client may come: `Retry-After` is whole seconds, rounded up.
const GRACE: Nanos = Nanos(2_000_000_000);
/// Times that are remembered, a bound on memory. Who is given none is told the longest wait.
const MOST: usize = 1_024;

/// How much longer work is said to take after a promise that was broken, and how much less after
/// one that was kept: it rests where about six of ten are kept.
const BROKEN: f64 = 1.05;
const KEPT: f64 = 0.97;
/// The factor at most.
const STRETCH: f64 = 16.0;

/// Times given, one behind the other.
#[derive(Clone, Debug)]
pub(super) struct Promises {
    /// In order.
    times: VecDeque<Nanos>,
    until: Nanos,
    /// How much longer than predicted work takes, by what became of promises: others use the
    /// machine too, and reading and answering are not in the prediction.
    stretch: f64,
}

impl Default for Promises {
    fn default() -> Promises {
        Promises { times: VecDeque::new(), until: Nanos::default(), stretch: 1.0 }
    }
}

impl Promises {
    /// A time for work that takes so long: not before `soonest`, behind all that were given.
    /// None when that were after `latest`.
    pub(super) fn give(&mut self, soonest: Nanos, takes: Nanos, latest: Nanos) -> Option<Nanos> {
        let at = soonest.max(self.until);
        if at > latest || self.times.len() >= MOST {
            return None;
        }
        self.times.push_back(at);
        self.until = at.plus(Nanos((takes.as_f64() * self.stretch) as u64));
        Some(at)
    }

    /// A client is back: whether a time that was given has come, and nobody has come for it yet.
    pub(super) fn keep(&mut self, now: Nanos) -> bool {
        self.forget(now);
        self.times.pop_front_if(|at| *at <= now).is_some()
    }

    /// Who came at its time was let in, or was refused again.
    pub(super) fn learn(&mut self, kept: bool) {
        let factor = if kept { KEPT } else { BROKEN };
        self.stretch = (self.stretch * factor).clamp(1.0, STRETCH);
    }

    /// Forgets who did not come.
    pub(super) fn forget(&mut self, now: Nanos) {
        while self.times.pop_front_if(|at| at.plus(GRACE) < now).is_some() {}
    }

    /// The end of the last time given.
    pub(super) fn until(&self) -> Nanos {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn times_follow_each_other_and_are_kept_once() {
        let mut promises = Promises::default();
        let mut give = |now: u64| {
            let (soonest, latest) = (Nanos((now + 100) * MS), Nanos((now + 5_000) * MS));
            promises.give(soonest, Nanos(2_000 * MS), latest).map(|at| at.0 / MS)
        };
        assert_eq!([give(0), give(1), give(2)], [Some(100), Some(2_100), Some(4_100)]);
        assert_eq!(give(3), None, "later than is worth saying");
        assert!(!promises.keep(Nanos(99 * MS)), "too early");
        assert!(promises.keep(Nanos(100 * MS)));
        assert!(!promises.keep(Nanos(101 * MS)), "the next is due in two seconds");
        assert!(promises.keep(Nanos(4_050 * MS)), "late, by less than two seconds");
        assert!(!promises.keep(Nanos(6_101 * MS)), "nobody came for the last");
    }

    #[test]
    fn promises_that_are_broken_make_the_next_ones_longer_for_a_while() {
        let mut promises = Promises::default();
        let gap = |promises: &mut Promises| {
            let mut give = || promises.give(Nanos::default(), Nanos(100), Nanos(MS)).expect("room");
            let first = give();
            give().since(first).0
        };
        assert_eq!(gap(&mut promises), 100);
        (0..100).for_each(|_| promises.learn(false));
        assert_eq!(gap(&mut promises), 1_600, "sixteen times at most");
        (0..1_000).for_each(|_| promises.learn(true));
        assert_eq!(gap(&mut promises), 100);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut promises = Promises::default();
        let given = (0..5_000)
            .filter(|_| promises.give(Nanos::default(), Nanos(1), Nanos(5_000 * MS)).is_some());
        assert_eq!(given.count(), MOST);
        promises.forget(Nanos(2_001 * MS));
        assert!(promises.give(Nanos::default(), Nanos(1), Nanos(5_000 * MS)).is_some());
    }
}
