//! The one store: a thread that does each write, and a disk that is flushed once for all writes
//! that were there.

use std::collections::VecDeque;

use super::super::rng::Rng;
use super::Costs;

/// What is written, and for whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    pub(super) node: u32,
    /// Which life of that process: an answer to an earlier one reaches nobody.
    pub(super) life: u32,
    pub(super) what: What,
    /// When it was asked for.
    pub(super) since: u64,
    /// Whether the store did it; known once it is flushed.
    pub(super) done: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// An edit, by the epoch that its replica had.
    Append { ticket: u32, session: u32, epoch: u64 },
    /// A session changes hands.
    Take { session: u32 },
    /// A lease goes on.
    Renew,
    /// A process asks for a job; the one it got.
    Claim { room: u64, idle: bool, job: Option<u32> },
    /// A job has its answer.
    Finish { job: u32, attempt: u32 },
}

#[derive(Debug)]
pub(super) struct Store {
    waiting: VecDeque<Write>,
    flushing: Vec<Write>,
    is_busy: bool,
    rng: Rng,
    /// Nanoseconds of work.
    pub(super) busy: f64,
    pub(super) flushes: u64,
    pub(super) writes: u64,
}

impl Store {
    pub(super) fn new(seed: u64) -> Store {
        Store {
            waiting: VecDeque::new(),
            flushing: Vec::new(),
            is_busy: false,
            rng: Rng::new(seed, 0x5708),
            busy: 0.0,
            flushes: 0,
            writes: 0,
        }
    }

    /// Writes reach it. Nanoseconds until it has flushed them, where it was idle.
    pub(super) fn take(&mut self, writes: Vec<Write>, costs: &Costs) -> Option<u64> {
        self.waiting.extend(writes);
        if self.is_busy { None } else { self.begin(costs) }
    }

    fn begin(&mut self, costs: &Costs) -> Option<u64> {
        if self.waiting.is_empty() {
            return None;
        }
        let count = self.waiting.len().min(costs.together);
        self.flushing = self.waiting.drain(..count).collect();
        self.is_busy = true;
        let flush = costs.flush * self.rng.lognormal(costs.flush_spread);
        let took = (flush + costs.append * self.flushing.len() as f64) * 1e6;
        self.busy += took;
        self.flushes += 1;
        self.writes += self.flushing.len() as u64;
        Some(took.max(1.0) as u64)
    }

    /// A flush has ended: what it was for, and how long the next one takes.
    pub(super) fn flushed(&mut self, costs: &Costs) -> (Vec<Write>, Option<u64>) {
        self.is_busy = false;
        let done = std::mem::take(&mut self.flushing);
        (done, self.begin(costs))
    }
}
