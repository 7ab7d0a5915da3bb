//! What every controller under test must be able to do: the queue in front of
//! the workers belongs to it, as in life.

use super::arrivals::Arrival;
use crate::core::Lane;
use crate::spec::Objective;
use svgx_base::budget::{Class, Tier};

/// A request as it arrives at a replica.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The number by which the simulator knows this attempt.
    pub ticket: u32,
    /// What the world knows; a controller must not look at `cost` or `locked`.
    pub arrival: &'a Arrival,
    /// The operation's name.
    pub operation: &'a str,
    /// How often it was tried before.
    pub attempt: u32,
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// It waits for a worker.
    Queued {
        /// The tier it will be worked at.
        tier: Tier,
    },
    /// It waits behind everything that has an objective, and outside of it.
    Batch {
        /// The tier it will be worked at.
        tier: Tier,
    },
    /// Not as a request: it is offered to be done as a job.
    Deferred,
    /// Not now.
    Refused {
        /// Nanoseconds after which the client is told to come back; 0 when nothing was said.
        retry_after: u64,
        /// A word for the decision hash.
        code: u8,
    },
}

/// What a free worker gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// This work; it is stopped at a checkpoint after `stop`.
    Run {
        /// Whose.
        ticket: u32,
        /// Nanoseconds on the clock of the simulator; `u64::MAX` for never.
        stop: u64,
    },
    /// This request is answered unserved: it waited too long.
    Drop {
        /// Whose.
        ticket: u32,
    },
    /// Nothing to do.
    Nothing,
}

/// How work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Answered.
    Done,
    /// Stopped at its deadline.
    Stopped,
    /// The client had gone.
    Gone,
}

/// What one finished piece of work took, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processor time.
    pub cpu: u64,
    /// Time on a worker and not paused.
    pub ran: u64,
    /// From arrival to answer.
    pub total: u64,
}

/// A controller under test. All times are nanoseconds of its own clock.
pub trait Policy: Send {
    /// A request arrived.
    fn arrive(&mut self, now: u64, incoming: &Incoming<'_>) -> Answer;
    /// A worker of this lane is free.
    fn pick(&mut self, now: u64, lane: Lane) -> Pick;
    /// Work ended.
    fn finish(&mut self, now: u64, ticket: u32, class: Class, took: Usage, end: End);
    /// The client of a request that still waits is gone. Whether it is out of the queue.
    fn abandon(&mut self, now: u64, ticket: u32) -> bool;
    /// A hundredth of a second passed; the number of processors when the sensor was read.
    fn tick(&mut self, now: u64, cores: Option<f64>);
    /// Workers of a lane.
    fn workers(&self, lane: Lane) -> usize;
    /// Whether running work of a lane is to pause at its next checkpoint.
    fn pauses(&self, lane: Lane) -> bool;
    /// The tier new work gets, and the moves so far.
    fn tier(&self) -> (Tier, u64);
    /// Nanoseconds after which a client whose work was let in and came to nothing is told to come
    /// back; 0 when nothing is said.
    fn drained_in(&self, _class: Class) -> u64 {
        0
    }
    /// Mean |log2(measured / predicted cost)|; none without a cost model.
    fn cost_error(&self) -> Option<f64> {
        None
    }
}

/// What a limiter of the literature is told about a machine and its promises.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Processors.
    pub cores: f64,
    /// Budgets of ui, redraw and physics in nanoseconds.
    pub budgets: [u64; 3],
}

impl Setting {
    pub(super) fn new(cores: f64, objectives: &[Objective; 3]) -> Setting {
        let budgets = [0, 1, 2].map(|at: usize| {
            objectives
                .get(at)
                .map_or(u64::MAX, |o| u64::try_from(o.budget.as_nanos()).unwrap_or(u64::MAX))
        });
        Setting { cores, budgets }
    }

    /// The budget of a class; batch has none.
    pub(super) fn budget(&self, class: Class) -> u64 {
        self.budgets.get(class as usize).copied().unwrap_or(u64::MAX)
    }
}
