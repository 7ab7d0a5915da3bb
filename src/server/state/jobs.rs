//! Jobs: work that no tier brings inside its budget, done behind everything
//! that has one, and asked about later (RFC 7240, `respond-async`).
//!
//! The queue itself is the batch lane of the pool; here is who owns a job, how
//! far it is, and its answer, kept for a while. Everything is bounded: jobs,
//! and bytes of answers; what is finished goes first, the oldest first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;

use svgx_base::budget::{Cancel, Time};

use crate::protocol::problem::Error;
use crate::state::answer::Answer;
use crate::state::answer::milliseconds;
use crate::state::keys::Identity;

/// Jobs known at once, finished ones included.
const MOST: usize = 512;
/// Jobs of one key that are not finished.
pub(crate) const MOST_OPEN: usize = 64;
/// Bytes of answers kept.
const MOST_BYTES: usize = 64 << 20;
/// How long an answer is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(15 * 60);

/// How far a piece of work is: told by the work, read by whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    share: Arc<AtomicU32>,
    /// Where another process may go on with it.
    checkpoints: Option<Arc<Checkpoints>>,
}

/// What the work of a job leaves, for the attempt that follows when its worker is lost.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    /// The job.
    pub(crate) id: String,
    /// The time between two.
    pub(crate) every: Duration,
    /// What the attempt before has left.
    pub(crate) left: Mutex<Option<Vec<u8>>>,
    /// The newest one, until it is stored.
    pub(crate) made: Mutex<Option<Vec<u8>>>,
}

/// One whole, in the units a progress is stored in.
const WHOLE: f64 = 1e6;

impl Progress {
    /// Says that `share` of the work is done, between 0 and 1.
    pub(crate) fn set(&self, share: f64) {
        self.share.store((share.clamp(0.0, 1.0) * WHOLE) as u32, Ordering::Relaxed);
    }

    /// The share that is done, between 0 and 1.
    pub(crate) fn get(&self) -> f64 {
        f64::from(self.share.load(Ordering::Relaxed)) / WHOLE
    }

    /// Of work that another process may go on with.
    pub(crate) fn with(checkpoints: Arc<Checkpoints>) -> Progress {
        Progress { checkpoints: Some(checkpoints), ..Progress::default() }
    }

    /// What was left for it, and what it is to leave; none for whom nobody would go on.
    pub(crate) fn checkpoints(&self) -> Option<&Arc<Checkpoints>> {
        self.checkpoints.as_ref()
    }
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// It waits for its turn.
    Queued,
    /// It is being worked on.
    Running,
    /// Its answer is there.
    Done,
    /// Its answer is a problem.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It was set aside after several tries, each ended by a fault of the service; only of a queue
    /// that several processes share.
    Dead,
}

/// An answer that is kept.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    /// What the endpoint would have answered.
    Answer(Answer),
    /// Its problem document: the status and the body.
    Problem(u16, Bytes),
}

impl Kept {
    fn bytes(&self) -> usize {
        match self {
            Kept::Answer(answer) => answer.body.len(),
            Kept::Problem(_, body) => body.len(),
        }
    }
}

/// A job, as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    /// Its name in `/jobs/{id}`.
    pub(crate) id: String,
    /// What it does.
    #[schema(value_type = String)]
    pub(crate) operation: Cow<'static, str>,
    /// Where it is.
    pub(crate) stage: Stage,
    /// How much of it is done, between 0 and 1, as far as the work tells.
    pub(crate) progress: f64,
    /// Jobs before it in the queue.
    pub(crate) ahead: usize,
    /// Seconds since it was asked for.
    pub(crate) age_s: f64,
    /// Seconds it ran so far, or altogether.
    pub(crate) ran_s: f64,
    /// Processor time expected when it was taken on, in milliseconds.
    pub(crate) predicted_ms: f64,
    /// Seconds until its answer is forgotten, once it has ended.
    pub(crate) kept_s: Option<f64>,
    /// Where its answer is, once it has ended.
    pub(crate) result: Option<String>,
    /// How often a worker began it; only of a queue that several processes share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u64>,
    /// The batch it was put in with, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<String>,
}

#[derive(Debug)]
struct Job {
    owner: Identity,
    operation: &'static str,
    /// The batch it came in.
    batch: Option<String>,
    stage: Stage,
    progress: Progress,
    predicted: Duration,
    cancel: Cancel,
    asked: Time,
    started: Option<Time>,
    ended: Option<Time>,
    answer: Option<Kept>,
}

#[derive(Debug, Default)]
struct Table {
    replica: Option<Arc<str>>,
    /// In the order they came.
    jobs: BTreeMap<u64, Job>,
    last: u64,
    bytes: usize,
}

/// Every job of this replica.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<Table>);

/// Between the number of a job and its replica.
const AT: char = '.';

/// A job that was taken on.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    number: u64,
    name: String,
    /// How far it is.
    pub(crate) progress: Progress,
}

impl Jobs {
    /// The jobs of a replica among several: its name is the end of theirs.
    pub(crate) fn at(replica: &str) -> Jobs {
        Jobs(Mutex::new(Table { replica: Some(Arc::from(replica)), ..Table::default() }))
    }

    /// The other replica that has a job of this name, if one has.
    pub(crate) fn elsewhere<'i>(&self, id: &'i str) -> Option<&'i str> {
        let (_, replica) = id.split_once(AT)?;
        self.0.lock().replica.as_deref().filter(|own| *own != replica)?;
        Some(replica)
    }

    /// How many more jobs of a key are taken on now.
    pub(crate) fn room(&self, owner: &Identity) -> usize {
        let table = self.0.lock();
        let open = table.jobs.values().filter(|j| j.owner == *owner && j.ended.is_none()).count();
        MOST_OPEN.saturating_sub(open)
    }

    /// Takes a job on.
    ///
    /// # Errors
    /// [`Error::Crowded`] when there are too many.
    pub(crate) fn open(
        &self,
        now: Time,
        owner: &Identity,
        operation: &'static str,
        predicted: Duration,
        cancel: Cancel,
        batch: Option<String>,
    ) -> Result<Opened, Error> {
        let mut table = self.0.lock();
        table.forget(now);
        let open = table.jobs.values().filter(|j| j.owner == *owner && j.ended.is_none()).count();
        if open >= MOST_OPEN {
            return Err(Error::crowded("jobs of this key that are not finished", MOST_OPEN));
        }
        if table.jobs.len() >= MOST && !table.drop_oldest() {
            return Err(Error::crowded("jobs", MOST));
        }
        table.last += 1;
        let (number, progress) = (table.last, Progress::default());
        let job = Job {
            owner: owner.clone(),
            operation,
            batch,
            stage: Stage::Queued,
            progress: progress.clone(),
            predicted,
            cancel,
            asked: now,
            started: None,
            ended: None,
            answer: None,
        };
        table.jobs.insert(number, job);
        Ok(Opened { number, name: table.name(number), progress })
    }

    /// A worker has taken it.
    pub(crate) fn begin(&self, now: Time, job: &Opened) {
        if let Some(job) = self.0.lock().jobs.get_mut(&job.number)
            && job.stage == Stage::Queued
        {
            job.stage = Stage::Running;
            job.started = Some(now);
        }
    }

    /// It has ended.
    pub(crate) fn end(&self, now: Time, job: &Opened, answer: Kept) {
        let mut table = self.0.lock();
        let bytes = answer.bytes();
        if let Some(job) = table.jobs.get_mut(&job.number)
            && job.ended.is_none()
        {
            job.stage = match &answer {
                _ if job.cancel.is_cancelled() => Stage::Cancelled,
                Kept::Answer(_) => Stage::Done,
                Kept::Problem(..) => Stage::Failed,
            };
            if job.stage == Stage::Done {
                job.progress.set(1.0);
            }
            job.ended = Some(now);
            job.answer = Some(answer);
            table.bytes += bytes;
        }
        table.forget(now);
        while table.bytes > MOST_BYTES && table.drop_oldest() {}
    }

    /// The jobs of a key, the newest first.
    pub(crate) fn of(&self, now: Time, owner: &Identity) -> Vec<JobView> {
        let mut table = self.0.lock();
        table.forget(now);
        let own = table.jobs.iter().rev().filter(|(_, job)| job.owner == *owner);
        own.map(|(number, job)| table.view(now, *number, job)).collect()
    }

    /// One job of a key.
    ///
    /// # Errors
    /// [`Error::Missing`] when that key has no such job.
    pub(crate) fn view(&self, now: Time, owner: &Identity, id: &str) -> Result<JobView, Error> {
        let mut table = self.0.lock();
        table.forget(now);
        let (number, job) = table.find(owner, id)?;
        Ok(table.view(now, number, job))
    }

    /// The answer of a job.
    ///
    /// # Errors
    /// [`Error::Missing`] when that key has no such job, [`Error::Conflict`] when
    /// it has no answer yet, or never will.
    pub(crate) fn answer(&self, now: Time, owner: &Identity, id: &str) -> Result<Kept, Error> {
        let mut table = self.0.lock();
        table.forget(now);
        let (_, job) = table.find(owner, id)?;
        match (&job.answer, job.stage) {
            (Some(answer), Stage::Done | Stage::Failed) => Ok(answer.clone()),
            (_, Stage::Cancelled) => Err(Error::Conflict(format!("job {id} was cancelled"))),
            _ => Err(Error::Conflict(format!("job {id} has not ended; ask GET /jobs/{id}"))),
        }
    }

    /// Cancels a job, or forgets the answer of one that has ended.
    ///
    /// # Errors
    /// [`Error::Missing`] when that key has no such job.
    pub(crate) fn cancel(&self, now: Time, owner: &Identity, id: &str) -> Result<(), Error> {
        let mut table = self.0.lock();
        table.forget(now);
        let (number, job) = table.find(owner, id)?;
        if job.ended.is_some() {
            table.remove(number);
            return Ok(());
        }
        job.cancel.cancel();
        if let Some(job) = table.jobs.get_mut(&number) {
            job.stage = Stage::Cancelled;
            job.ended = Some(now);
        }
        Ok(())
    }
}

impl Table {
    /// Drops the answers that were kept long enough.
    fn forget(&mut self, now: Time) {
        let is_old = |job: &Job| job.ended.is_some_and(|at| now.since(at) >= KEPT);
        let old: Vec<u64> =
            self.jobs.iter().filter(|(_, job)| is_old(job)).map(|(number, _)| *number).collect();
        for number in old {
            self.remove(number);
        }
    }

    /// Makes room: the oldest job that has ended goes; whether there was one.
    fn drop_oldest(&mut self) -> bool {
        let oldest = self.jobs.iter().find(|(_, job)| job.ended.is_some()).map(|(n, _)| *n);
        oldest.map(|number| self.remove(number)).is_some()
    }

    fn remove(&mut self, number: u64) {
        if let Some(job) = self.jobs.remove(&number) {
            self.bytes -= job.answer.as_ref().map_or(0, Kept::bytes);
        }
    }

    fn name(&self, number: u64) -> String {
        match &self.replica {
            Some(replica) => format!("j{number}{AT}{replica}"),
            None => format!("j{number}"),
        }
    }

    fn number(&self, id: &str) -> Option<u64> {
        let id = match &self.replica {
            Some(replica) => id.strip_suffix(&**replica)?.strip_suffix(AT)?,
            None => id,
        };
        id.strip_prefix('j')?.parse().ok()
    }

    fn find(&self, owner: &Identity, id: &str) -> Result<(u64, &Job), Error> {
        let missing = || {
            let id: String = id.chars().take(40).collect();
            Error::Missing(format!("there is no job `{id}` of this key; GET /jobs lists them"))
        };
        let number = self.number(id).ok_or_else(missing)?;
        // Whose job it is, is nobody else's business: theirs is as missing as none.
        let job = self.jobs.get(&number).filter(|job| job.owner == *owner);
        Ok((number, job.ok_or_else(missing)?))
    }

    fn view(&self, now: Time, number: u64, job: &Job) -> JobView {
        let queued = |job: &Job| job.stage == Stage::Queued;
        let ahead = match job.stage {
            Stage::Queued => self.jobs.range(..number).filter(|(_, job)| queued(job)).count(),
            _ => 0,
        };
        let end = job.ended.unwrap_or(now);
        let name = self.name(number);
        JobView {
            operation: Cow::Borrowed(job.operation),
            stage: job.stage,
            progress: job.progress.get(),
            ahead,
            age_s: now.since(job.asked).as_secs_f64(),
            ran_s: job.started.map_or(0.0, |at| end.since(at).as_secs_f64()),
            predicted_ms: milliseconds(job.predicted),
            kept_s: job.ended.map(|at| KEPT.saturating_sub(now.since(at)).as_secs_f64()),
            result: job.answer.as_ref().map(|_| format!("/jobs/{name}/result")),
            attempts: None,
            batch: job.batch.clone(),
            id: name,
        }
    }
}

impl Opened {
    /// The name in `/jobs/{id}`.
    pub(crate) fn id(&self) -> String {
        self.name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(id: u32) -> Identity {
        Identity { id, name: Arc::from(format!("key{id}").as_str()) }
    }

    fn at(seconds: u64) -> Time {
        Time(seconds * 1_000_000_000)
    }

    fn open(jobs: &Jobs, second: u64, owner: u32) -> Result<Opened, Error> {
        let cancel = Cancel::default();
        jobs.open(at(second), &who(owner), "simulate", Duration::from_millis(900), cancel, None)
    }

    fn problem(bytes: usize) -> Kept {
        Kept::Problem(422, Bytes::from(vec![b' '; bytes]))
    }

    #[test]
    fn a_job_goes_from_queued_to_done_and_is_forgotten_after_a_while() {
        let jobs = Jobs::default();
        let first = open(&jobs, 1, 1).expect("room");
        let second = open(&jobs, 2, 1).expect("room");
        let view = |second: u64, job: &Opened| jobs.view(at(second), &who(1), &job.id());
        assert_eq!(view(3, &second).expect("there").ahead, 1);
        jobs.begin(at(4), &first);
        first.progress.set(0.25);
        let running = view(6, &first).expect("there");
        assert_eq!((running.stage, running.progress), (Stage::Running, 0.25));
        assert!((running.ran_s - 2.0).abs() < 1e-9 && running.result.is_none());
        assert!(matches!(jobs.answer(at(6), &who(1), &first.id()), Err(Error::Conflict(_))));
        jobs.end(at(7), &first, problem(10));
        assert_eq!(view(8, &first).expect("there").stage, Stage::Failed);
        assert!(jobs.answer(at(8), &who(1), &first.id()).is_ok());
        assert!(view(7 + KEPT.as_secs(), &first).is_err());
    }

    #[test]
    fn a_job_of_another_key_is_not_there() {
        let jobs = Jobs::default();
        let job = open(&jobs, 1, 1).expect("room");
        for id in [job.id().as_str(), "j999", "", "j", "../j1", "j-1"] {
            assert!(matches!(jobs.view(at(1), &who(2), id), Err(Error::Missing(_))), "{id}");
            assert!(matches!(jobs.cancel(at(1), &who(2), id), Err(Error::Missing(_))), "{id}");
        }
        assert!(jobs.of(at(1), &who(2)).is_empty());
    }

    #[test]
    fn cancelling_raises_the_flag_and_a_late_answer_changes_nothing() {
        let jobs = Jobs::default();
        let cancel = Cancel::default();
        let second = Duration::from_secs(1);
        let job = jobs.open(at(1), &who(1), "parse", second, cancel.clone(), None).expect("room");
        jobs.cancel(at(2), &who(1), &job.id()).expect("there");
        assert!(cancel.is_cancelled());
        jobs.end(at(3), &job, problem(10));
        assert_eq!(jobs.view(at(3), &who(1), &job.id()).expect("there").stage, Stage::Cancelled);
        jobs.cancel(at(4), &who(1), &job.id()).expect("forgotten");
        assert!(jobs.view(at(4), &who(1), &job.id()).is_err());
    }

    #[test]
    fn jobs_and_bytes_are_bounded_and_what_has_ended_goes_first() {
        let jobs = Jobs::default();
        let all: Vec<Opened> = (0..MOST_OPEN).map(|_| open(&jobs, 1, 1).expect("room")).collect();
        assert!(matches!(open(&jobs, 1, 1), Err(Error::Crowded { .. })));
        assert!(open(&jobs, 1, 2).is_ok());
        for job in &all {
            jobs.end(at(2), job, problem(MOST_BYTES / 8));
        }
        assert!(jobs.0.lock().bytes <= MOST_BYTES);
        assert_eq!(jobs.of(at(3), &who(1)).len(), 8);
        for owner in 3..200 {
            for _ in 0..MOST_OPEN {
                if open(&jobs, 3, owner).is_err() {
                    assert!(jobs.0.lock().jobs.len() <= MOST);
                    return;
                }
            }
        }
        panic!("never full");
    }

    #[test]
    fn the_name_of_a_job_says_which_replica_has_it() {
        let (alone, jobs) = (Jobs::default(), Jobs::at("r1"));
        let open = |jobs: &Jobs| {
            let opened = {
                let cancel = Cancel::default();
                jobs.open(at(0), &who(1), "parse", Duration::ZERO, cancel, None)
            };
            opened.expect("room").id()
        };
        assert_eq!((open(&alone), open(&jobs)), ("j1".to_owned(), "j1.r1".to_owned()));
        assert!(jobs.view(at(1), &who(1), "j1.r1").is_ok());
        for (id, other) in
            [("j1.r1", None), ("j1.r2", Some("r2")), ("j1", None), ("x.y", Some("y"))]
        {
            assert_eq!(jobs.elsewhere(id), other, "{id}");
            assert_eq!(alone.elsewhere(id), None, "{id}");
        }
        for id in ["j1", "j1.r2", "j1.", "1.r1"] {
            assert!(matches!(jobs.view(at(1), &who(1), id), Err(Error::Missing(_))), "{id}");
        }
    }
}
