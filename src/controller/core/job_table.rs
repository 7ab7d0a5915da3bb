//! Every admitted job from admission to its end: a slab, and one heap of
//! waiting jobs per lane.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::backlog::{Backlog, DeadlineSlot};
use super::ids::{OperationId, TenantSlot};
use super::request::{JobId, Lane};
use super::time::Nanos;
use svgx_base::budget::{Class, Tier};

/// Jobs admitted and not yet ended; more are refused.
pub(super) const MOST_JOBS: usize = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobState {
    /// Admitted; its input is still being read.
    Reserved,
    Waiting,
    Running {
        since: Nanos,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) class: Class,
    pub(super) tier: Tier,
    pub(super) operation: OperationId,
    pub(super) tenant: TenantSlot,
    pub(super) size: u64,
    pub(super) arrived: Nanos,
    pub(super) deadline: Nanos,
    /// Expected processor nanoseconds.
    pub(super) work: u64,
    pub(super) state: JobState,
    /// Its record in the ring of decisions.
    pub(super) record: u64,
    place: DeadlineSlot,
}

/// What [`JobTable::insert`] needs to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewJob {
    pub(super) class: Class,
    pub(super) tier: Tier,
    pub(super) operation: OperationId,
    pub(super) tenant: TenantSlot,
    pub(super) size: u64,
    pub(super) arrived: Nanos,
    pub(super) deadline: Nanos,
    pub(super) work: u64,
    pub(super) record: u64,
}

#[derive(Debug, Default)]
struct Queue {
    heap: BinaryHeap<Reverse<(Nanos, u64)>>,
    backlog: Backlog,
    /// Reserved and waiting.
    waiting: u32,
    /// Waiting, and able to run at once.
    ready: u32,
    running: u32,
    /// Slab positions of the running jobs: as many as there are workers.
    runners: Vec<usize>,
}

/// The jobs.
#[derive(Debug)]
pub(super) struct JobTable {
    slots: Vec<Option<Job>>,
    free: Vec<u16>,
    sequence: u64,
    queues: [Queue; 3],
}

impl JobTable {
    pub(super) fn new() -> JobTable {
        JobTable {
            slots: Vec::new(),
            free: Vec::new(),
            sequence: 0,
            queues: [Queue::default(), Queue::default(), Queue::default()],
        }
    }

    fn queue_mut(&mut self, lane: Lane) -> &mut Queue {
        let [urgent, physics, batch] = &mut self.queues;
        match lane {
            Lane::Urgent => urgent,
            Lane::Physics => physics,
            Lane::Batch => batch,
        }
    }

    fn queue(&self, lane: Lane) -> &Queue {
        let [urgent, physics, batch] = &self.queues;
        match lane {
            Lane::Urgent => urgent,
            Lane::Physics => physics,
            Lane::Batch => batch,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty() && self.slots.len() >= MOST_JOBS
    }

    /// Adds a waiting job; `None` when full.
    pub(super) fn insert(&mut self, now: Nanos, new: NewJob) -> Option<JobId> {
        let index = match self.free.pop() {
            Some(index) => usize::from(index),
            None if self.slots.len() < MOST_JOBS => {
                self.slots.push(None);
                self.slots.len() - 1
            }
            None => return None,
        };
        self.sequence += 1;
        let id = JobId(self.sequence * MOST_JOBS as u64 + index as u64);
        let queue = self.queue_mut(Lane::of(new.class));
        let place = queue.backlog.insert(now, new.deadline, new.work);
        queue.waiting += 1;
        let job = Job {
            id,
            class: new.class,
            tier: new.tier,
            operation: new.operation,
            tenant: new.tenant,
            size: new.size,
            arrived: new.arrived,
            deadline: new.deadline,
            work: new.work,
            state: JobState::Reserved,
            record: new.record,
            place,
        };
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Some(job);
        }
        Some(id)
    }

    /// The input of a reserved job is there: it may run.
    pub(super) fn ready(&mut self, id: JobId) -> bool {
        let Some(Some(job)) = self.slots.get_mut(index(id)) else { return false };
        if job.id != id || job.state != JobState::Reserved {
            return false;
        }
        job.state = JobState::Waiting;
        let (lane, deadline) = (Lane::of(job.class), job.deadline);
        let queue = self.queue_mut(lane);
        queue.ready += 1;
        queue.heap.push(Reverse((deadline, id.0)));
        // Ended jobs leave their entries behind; when those are most of the heap, sweep.
        if queue.heap.len() > 64 + 4 * queue.ready as usize {
            self.sweep(lane);
        }
        true
    }

    fn sweep(&mut self, lane: Lane) {
        let mut heap = std::mem::take(&mut self.queue_mut(lane).heap);
        heap.retain(|Reverse((_, id))| {
            self.get(JobId(*id)).is_some_and(|job| job.state == JobState::Waiting)
        });
        self.queue_mut(lane).heap = heap;
    }

    pub(super) fn get(&self, id: JobId) -> Option<&Job> {
        self.slots.get(index(id))?.as_ref().filter(|job| job.id == id)
    }

    /// The waiting job with the earliest deadline.
    pub(super) fn first(&mut self, lane: Lane) -> Option<Job> {
        loop {
            let Reverse((_, id)) = *self.queue_mut(lane).heap.peek()?;
            match self.get(JobId(id)) {
                Some(job) if job.state == JobState::Waiting => return Some(*job),
                _ => {
                    self.queue_mut(lane).heap.pop();
                }
            }
        }
    }

    /// A waiting job begins to run.
    pub(super) fn start(&mut self, now: Nanos, id: JobId) {
        let Some(job) = self.slots.get_mut(index(id)).and_then(Option::as_mut) else { return };
        if job.id != id || job.state != JobState::Waiting {
            return;
        }
        job.state = JobState::Running { since: now };
        let (lane, place, work) = (Lane::of(job.class), job.place, job.work);
        let queue = self.queue_mut(lane);
        queue.backlog.remove(place, work);
        queue.waiting -= 1;
        queue.ready -= 1;
        queue.running += 1;
        queue.runners.push(index(id));
    }

    /// A job ends, from whatever state it is in.
    pub(super) fn remove(&mut self, id: JobId) -> Option<Job> {
        let slot = self.slots.get_mut(index(id))?;
        let job = slot.take_if(|job| job.id == id)?;
        self.free.push(u16::try_from(index(id)).unwrap_or(0));
        let queue = self.queue_mut(Lane::of(job.class));
        match job.state {
            JobState::Reserved | JobState::Waiting => {
                queue.backlog.remove(job.place, job.work);
                queue.waiting -= 1;
                queue.ready -= u32::from(job.state == JobState::Waiting);
            }
            JobState::Running { .. } => {
                queue.running -= 1;
                queue.runners.retain(|at| *at != index(id));
            }
        }
        Some(job)
    }

    pub(super) fn waiting(&self, lane: Lane) -> u32 {
        self.queue(lane).waiting
    }

    /// Jobs that run or could run at once.
    pub(super) fn runnable(&self, lane: Lane) -> u32 {
        self.queue(lane).ready + self.queue(lane).running
    }

    pub(super) fn running(&self, lane: Lane) -> u32 {
        self.queue(lane).running
    }

    pub(super) fn active(&self, lane: Lane) -> u32 {
        let queue = self.queue(lane);
        queue.waiting + queue.running
    }

    pub(super) fn total(&self) -> u32 {
        Lane::ALL.iter().map(|lane| self.active(*lane)).sum()
    }

    /// Waiting work of a lane due no later than `deadline`.
    pub(super) fn ahead(&self, lane: Lane, now: Nanos, deadline: Nanos) -> u64 {
        self.queue(lane).backlog.before(now, deadline)
    }

    /// Waiting work of a lane.
    pub(super) fn backlog(&self, lane: Lane) -> u64 {
        self.queue(lane).backlog.total()
    }

    /// Running jobs of a lane that have held a worker for far longer than they
    /// should: twice their estimate, and the grain by which anything is judged.
    pub(super) fn stuck(&self, lane: Lane, now: Nanos, grain: Nanos) -> usize {
        let running =
            self.queue(lane).runners.iter().filter_map(|at| self.slots.get(*at)?.as_ref());
        let stuck = running.filter(|job| match job.state {
            JobState::Running { since } => {
                now.since(since) > Nanos(job.work.saturating_mul(2)).plus(grain)
            }
            _ => false,
        });
        stuck.count()
    }

    /// Work running jobs of a lane are still expected to need.
    pub(super) fn residual(&self, lane: Lane, now: Nanos) -> u64 {
        let mut left = 0;
        for at in &self.queue(lane).runners {
            if let Some(Some(Job { work, state: JobState::Running { since }, .. })) =
                self.slots.get(*at)
            {
                // A job past its estimate is expected to need a tenth of it still.
                left += work.saturating_sub(now.since(*since).0).max(work / 10);
            }
        }
        left
    }
}

fn index(id: JobId) -> usize {
    (id.0 % MOST_JOBS as u64) as usize
}
