//! Work waiting, summed up to any deadline.

use super::time::Nanos;

/// Width of one slot of deadlines in nanoseconds.
const SLOT: u64 = 250_000;
/// Slots: deadlines up to 256 ms ahead are told apart, later ones are the last.
const SLOTS: usize = 1024;

/// Predicted work by deadline: a Fenwick tree (Fenwick, 1994) over a ring of
/// slots, so that "how much is due before mine" costs twenty additions.
#[derive(Clone, Debug)]
pub(super) struct Backlog {
    tree: Box<[u64]>,
    total: u64,
}

/// Where a piece of work was put; needed to take it out again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DeadlineSlot(u64);

impl Backlog {
    /// Nothing waiting.
    pub(super) fn new() -> Backlog {
        Backlog { tree: vec![0; SLOTS + 1].into(), total: 0 }
    }

    /// Adds work due at `deadline`.
    pub(super) fn insert(&mut self, now: Nanos, deadline: Nanos, work: u64) -> DeadlineSlot {
        let first = now.0 / SLOT;
        let slot = (deadline.0 / SLOT).clamp(first, first.saturating_add(SLOTS as u64 - 1));
        self.add(slot, work, false);
        self.total = self.total.saturating_add(work);
        DeadlineSlot(slot)
    }

    /// Takes work out.
    pub(super) fn remove(&mut self, place: DeadlineSlot, work: u64) {
        self.add(place.0, work, true);
        self.total = self.total.saturating_sub(work);
    }

    /// All work waiting.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Work due no later than `deadline`, overdue work included.
    pub(super) fn before(&self, now: Nanos, deadline: Nanos) -> u64 {
        let first = now.0 / SLOT;
        let last = (deadline.0 / SLOT).max(first);
        if last >= first + SLOTS as u64 - 1 {
            return self.total;
        }
        // What is due later is the ring from last + 1 to the slot before `first`;
        // overdue slots lie just before `first` and are indistinguishable from the
        // farthest future, which `insert` never uses up to half of the ring.
        let from = ring(last + 1);
        let to = ring(first + (SLOTS as u64) / 2);
        let later = if last + 1 >= first + (SLOTS as u64) / 2 {
            let end = ring(first + SLOTS as u64 - 1);
            self.between(from, end)
        } else {
            self.between(from, to)
        };
        self.total.saturating_sub(later)
    }

    /// The sum of ring positions `from..=to`, around the end if need be.
    fn between(&self, from: usize, to: usize) -> u64 {
        if from <= to {
            self.prefix(to + 1).saturating_sub(self.prefix(from))
        } else {
            self.total.saturating_sub(self.prefix(from)).saturating_add(self.prefix(to + 1))
        }
    }

    fn prefix(&self, mut count: usize) -> u64 {
        let mut sum = 0u64;
        while count > 0 {
            sum = sum.wrapping_add(self.tree.get(count).copied().unwrap_or(0));
            count &= count - 1;
        }
        sum
    }

    fn add(&mut self, slot: u64, work: u64, minus: bool) {
        let mut at = ring(slot) + 1;
        while let Some(node) = self.tree.get_mut(at) {
            *node = if minus { node.wrapping_sub(work) } else { node.wrapping_add(work) };
            at += at & at.wrapping_neg();
        }
    }
}

impl Default for Backlog {
    fn default() -> Self {
        Self::new()
    }
}

fn ring(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn only_work_due_earlier_is_ahead() {
        let mut backlog = Backlog::new();
        let now = Nanos(5_000 * MS);
        backlog.insert(now, now.plus(Nanos(16 * MS)), 3);
        let redraw = backlog.insert(now, now.plus(Nanos(32 * MS)), 5);
        assert_eq!(backlog.before(now, now.plus(Nanos(16 * MS))), 3);
        assert_eq!(backlog.before(now, now.plus(Nanos(40 * MS))), 8);
        backlog.remove(redraw, 5);
        assert_eq!(backlog.before(now, now.plus(Nanos(40 * MS))), 3);
    }

    #[test]
    fn overdue_work_is_ahead_of_everything() {
        let mut backlog = Backlog::new();
        backlog.insert(Nanos(0), Nanos(10 * MS), 7);
        assert_eq!(backlog.before(Nanos(50 * MS), Nanos(66 * MS)), 7);
    }

    proptest! {
        #[test]
        fn the_tree_agrees_with_a_plain_sum(
            start in 0u64..1_000_000 * MS,
            jobs in prop::collection::vec((0u64..120 * MS, 1u64..1_000_000), 1..60),
            ask in 0u64..120 * MS,
        ) {
            let begin = Nanos(start);
            let mut backlog = Backlog::new();
            let mut places = Vec::new();
            for (ahead, work) in &jobs {
                places.push((backlog.insert(begin, Nanos(start + ahead), *work), *work));
            }
            let due = |at: u64| (start + at) / SLOT;
            let plain: u64 = jobs.iter().filter(|(at, _)| due(*at) <= due(ask)).map(|(_, w)| w).sum();
            prop_assert_eq!(backlog.before(begin, Nanos(start + ask)), plain);
            for (place, work) in places {
                backlog.remove(place, work);
            }
            prop_assert_eq!(backlog.total(), 0);
            prop_assert_eq!(backlog.before(begin, Nanos(start + ask)), 0);
        }
    }
}
