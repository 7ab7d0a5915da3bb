//! The queue of jobs, as `src/jobs/jobs.lua` keeps it: tenants share by start-time fair queueing
//! (Goyal, Vin and Cheng, 1996), a job whose worker was lost is tried again after a pause, and the
//! third loss sets it aside.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Deaths with which a job is set aside.
const LAST: u32 = 3;
/// Seconds that it waits after each, for a lease of 15 seconds.
const PAUSES: [f64; 2] = [1.0, 10.0];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Queued,
    /// It waits for the end of a pause.
    Delayed,
    Running,
    Done,
    Dead,
}

/// A job. Times and costs are nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Whose.
    pub tenant: u64,
    /// What it really takes.
    pub cost: f64,
    /// What it is expected to take.
    pub(super) predicted: u64,
    /// Its worker dies of it.
    pub poison: bool,
    /// When it was asked for.
    pub asked: u64,
    /// When its answer was there.
    pub done: Option<u64>,
    /// How often it was begun.
    pub attempt: u32,
    /// Workers lost with it.
    pub deaths: u32,
    /// Work that its last checkpoint holds.
    pub(super) kept: f64,
    pub(super) stage: Stage,
}

impl Job {
    /// Whether it was set aside.
    pub fn is_dead(&self) -> bool {
        self.stage == Stage::Dead
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) jobs: Vec<Job>,
    of: BTreeMap<u64, VecDeque<u32>>,
    /// Whose turn it is: the start of its next job in virtual time.
    turns: BTreeSet<(u64, u64)>,
    finishes: BTreeMap<u64, u64>,
    time: u64,
    /// Predicted cost of what waits.
    waiting: u64,
    oldest: BTreeSet<(u64, u32)>,
}

impl Queue {
    /// Puts in jobs that come together; false where they would be too many.
    pub(super) fn put(&mut self, jobs: &[Job], most: u64) -> bool {
        let cost: u64 = jobs.iter().map(|job| job.predicted).sum();
        if self.waiting + cost > most && self.waiting > 0 {
            return false;
        }
        for job in jobs {
            let id = u32::try_from(self.jobs.len()).unwrap_or(u32::MAX);
            self.jobs.push(*job);
            self.enqueue(id, false);
        }
        true
    }

    fn enqueue(&mut self, id: u32, in_front: bool) {
        let Some(job) = self.jobs.get_mut(id as usize) else { return };
        job.stage = Stage::Queued;
        self.waiting += job.predicted;
        self.oldest.insert((job.asked, id));
        let (tenant, queue) = (job.tenant, self.of.entry(job.tenant).or_default());
        let was_empty = queue.is_empty();
        if in_front {
            queue.push_front(id);
        } else {
            queue.push_back(id);
        }
        if was_empty {
            let own = self.finishes.get(&tenant).copied().unwrap_or(0);
            self.turns.insert((own.max(self.time), tenant));
        }
    }

    /// The next job for who has so much room, in predicted nanoseconds; one of any length for who
    /// has nothing to do.
    pub(super) fn claim(&mut self, room: u64, idle: bool) -> Option<u32> {
        let (start, tenant) = self.turns.first().copied()?;
        let queue = self.of.get_mut(&tenant)?;
        let id = *queue.front()?;
        let job = self.jobs.get_mut(id as usize)?;
        if job.predicted > room && !idle {
            return None;
        }
        queue.pop_front();
        let is_last = queue.is_empty();
        self.turns.pop_first();
        self.time = start;
        let finish = start + job.predicted;
        self.finishes.insert(tenant, finish);
        if !is_last {
            self.turns.insert((finish, tenant));
        }
        self.waiting = self.waiting.saturating_sub(job.predicted);
        self.oldest.remove(&(job.asked, id));
        job.stage = Stage::Running;
        job.attempt += 1;
        Some(id)
    }

    /// A job has its answer, if this attempt is its last.
    pub(super) fn finish(&mut self, now: u64, id: u32, attempt: u32) -> bool {
        let job = self.jobs.get_mut(id as usize);
        match job.filter(|job| job.stage == Stage::Running && job.attempt == attempt) {
            Some(job) => {
                job.stage = Stage::Done;
                job.done = Some(now);
                true
            }
            None => false,
        }
    }

    /// A worker has said nothing for a lease: seconds until the job may be tried again; `None`
    /// where it was another one's, or is set aside. `chance` is from 0 to 1.
    pub(super) fn lost(&mut self, id: u32, attempt: u32, lease: f64, chance: f64) -> Option<f64> {
        let job = self.jobs.get_mut(id as usize)?;
        if job.stage != Stage::Running || job.attempt != attempt {
            return None;
        }
        job.deaths += 1;
        if job.deaths >= LAST {
            job.stage = Stage::Dead;
            return None;
        }
        job.stage = Stage::Delayed;
        let pause = PAUSES.get(job.deaths as usize - 1).copied().unwrap_or(0.0);
        Some(pause * lease / 15.0 * (0.5 + chance))
    }

    /// The pause of a job is over, or its worker had no room for it.
    pub(super) fn again(&mut self, id: u32) {
        let job = self.jobs.get(id as usize);
        if job.is_some_and(|job| matches!(job.stage, Stage::Delayed | Stage::Running)) {
            self.enqueue(id, true);
        }
    }

    /// Since when the oldest waits.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.oldest.first().map(|(asked, _)| *asked)
    }
}
