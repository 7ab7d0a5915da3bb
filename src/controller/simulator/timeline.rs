//! What comes next in virtual time: a request, a timer, or a client that gives up.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::arrivals::Arrival;

/// Timers, clients that wait, and how far the arrivals have come. Times are in nanoseconds.
pub(super) struct Timeline<E> {
    timers: BinaryHeap<Reverse<(u64, u64, E)>>,
    /// Clients that will give up, in the order they will.
    patience: VecDeque<(u64, u32)>,
    /// Of timers at one time the first one set comes first.
    set: u64,
    coming: usize,
}

/// What comes next.
pub(super) enum Next<E> {
    /// A timer has run out.
    Timer(E),
    /// The client of this attempt gives up.
    GivenUp(u32),
    /// The arrival at this place.
    Arrival(usize),
}

impl<E: Ord> Timeline<E> {
    pub(super) fn new() -> Timeline<E> {
        Timeline { timers: BinaryHeap::new(), patience: VecDeque::new(), set: 0, coming: 0 }
    }

    /// Sets a timer.
    pub(super) fn push(&mut self, at: u64, event: E) {
        self.set += 1;
        self.timers.push(Reverse((at, self.set, event)));
    }

    /// Says when a client gives up; no earlier than those before it.
    pub(super) fn waits_until(&mut self, at: u64, attempt: u32) {
        self.patience.push_back((at, attempt));
    }

    /// What comes next before `end`, and when. At one time timers come first, and arrivals last.
    pub(super) fn next(&mut self, arrivals: &[Arrival], end: u64) -> Option<(u64, Next<E>)> {
        let arrival = arrivals.get(self.coming).map_or(u64::MAX, |arrival| arrival.at);
        let timer = self.timers.peek().map_or(u64::MAX, |Reverse((at, ..))| *at);
        let gone = self.patience.front().map_or(u64::MAX, |(at, _)| *at);
        let now = arrival.min(timer).min(gone);
        if now >= end {
            return None;
        }
        let next = if timer == now {
            let Reverse((.., event)) = self.timers.pop()?;
            Next::Timer(event)
        } else if gone == now {
            Next::GivenUp(self.patience.pop_front()?.1)
        } else {
            self.coming += 1;
            Next::Arrival(self.coming - 1)
        };
        Some((now, next))
    }
}
