//! The last decisions, with what became of them.

use serde::{Deserialize, Serialize};

use super::request::{Decision, JobId};
use crate::Reason;

/// Decisions kept.
const KEPT: usize = 4096;

/// A decision and its end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The decision.
    pub decision: Decision,
    /// How it ended, when it did.
    pub ended: Option<Reason>,
    /// From arrival to end, in nanoseconds.
    pub took: u64,
    /// Processor nanoseconds used.
    pub cpu: u64,
}

/// A ring of the last 4 096 decisions.
#[derive(Clone, Debug)]
pub struct Records {
    ring: Vec<Record>,
    next: u64,
}

impl Records {
    pub(super) fn new() -> Records {
        Records { ring: Vec::new(), next: 0 }
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn push(&mut self, decision: Decision) {
        let record = Record { decision, ended: None, took: 0, cpu: 0 };
        let at = position(self.next);
        match self.ring.get_mut(at) {
            Some(slot) => *slot = record,
            None => self.ring.push(record),
        }
        self.next += 1;
    }

    pub(super) fn end(&mut self, number: u64, job: JobId, ended: Reason, took: u64, cpu: u64) {
        if let Some(record) = self.ring.get_mut(position(number))
            && record.decision.job == Some(job)
        {
            record.ended = Some(ended);
            record.took = took;
            record.cpu = cpu;
        }
    }

    /// The newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        let len = self.ring.len();
        (0..len as u64)
            .filter_map(move |back| self.ring.get(position(self.next.checked_sub(back + 1)?)))
    }
}

fn position(number: u64) -> usize {
    (number % KEPT as u64) as usize
}
