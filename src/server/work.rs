//! Takes jobs from the queue that several processes share, no more than this process has room for, and
//! does them as it does its own.
//!
//! A job is claimed when a thread for it is free, so that what was claimed is begun: a worker that is
//! lost counts against the job it was at, and no other one.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use svgx_base::budget::{Cancel, Time};
use svgx_controller::Reason;
use svgx_controller::core::Status;
use svgx_jobs::{Claimed, Ended, Outcome, Room, Seen, Standing};
use svgx_telemetry::stage::{Stages, Step};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::admission::queued::{self, NotBegun, Unanswered};
use crate::state::app::App;
use crate::state::config::Work;
use crate::state::jobs::{Checkpoints, Progress};
use crate::state::queue::{JobQueue, TryEnd};

/// How often the queue is looked at, where it does not ring.
const LOOK: Duration = Duration::from_millis(250);
/// How often the queue is told what is under way, and asked whether it is still wanted.
const BEAT: Duration = Duration::from_millis(250);
/// Before the next try, where the queue or the controller had no room or no answer.
const PAUSE: Duration = Duration::from_millis(200);
/// What is claimed is to be worked off within.
const AHEAD: Duration = Duration::from_secs(1);
/// For how long no job is taken after something else was late.
const LATE: Duration = Duration::from_secs(1);
/// For how many leases an answer is kept to be given while the queue does not answer.
const KEPT: u32 = 8;

/// The jobs that this process has.
#[derive(Debug)]
pub(crate) struct Working {
    app: Arc<App>,
    queue: Arc<JobQueue>,
    held: Mutex<BTreeMap<String, Held>>,
    /// Something changed: a job may have come, or ended.
    changed: Arc<Notify>,
    stopping: AtomicBool,
    /// The task that claims.
    taking: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Held {
    attempt: u64,
    progress: Progress,
    /// What it runs by; none until it has begun.
    run: Option<Run>,
    is_answered: bool,
}

#[derive(Debug)]
struct Run {
    /// Raised when it is not wanted any more.
    cancel: Cancel,
    stages: Stages,
}

impl Held {
    /// The step that it has come to, as a dead letter tells it.
    fn at(&self) -> &'static str {
        match &self.run {
            _ if self.is_answered => "answered",
            Some(run) => run.stages.last().map_or("begun", Step::as_str),
            None => "claimed",
        }
    }
}

/// Begins to take jobs, where this process is to; on the thread that calls.
pub(crate) fn start(app: &Arc<App>) -> Option<Rc<Working>> {
    let queue = app.queue.clone().filter(|_| app.config.work != Work::Off)?;
    let working = Rc::new(Working {
        app: Arc::clone(app),
        queue: Arc::clone(&queue),
        held: Mutex::default(),
        changed: Arc::new(Notify::new()),
        stopping: AtomicBool::new(false),
        taking: Mutex::new(None),
    });
    let bell = Arc::clone(&working.changed);
    let listen = move || queue.queue.listen(&|| !queue.is_closed(), &|| bell.notify_one());
    // Without it jobs are found a little later.
    if let Err(error) = std::thread::Builder::new().name("job-bell".to_owned()).spawn(listen) {
        tracing::warn!(%error, "no thread to listen for jobs");
    }
    let taking = actix_web::rt::spawn(take(Rc::clone(&working)));
    *working.taking.lock() = Some(taking);
    actix_web::rt::spawn(beat(Rc::clone(&working)));
    Some(working)
}

/// Claims jobs as long as there is room.
async fn take(working: Rc<Working>) {
    let queue = &working.queue;
    let mut late = Late::default();
    // Whether the answer to a claim was lost, and jobs may be this process's without its knowledge.
    let mut is_uncertain = false;
    while !working.is_stopping() {
        let room = working.room(&mut late);
        if room.jobs == 0 {
            working.wait().await;
            continue;
        }
        if is_uncertain {
            let known: Vec<String> = working.held.lock().keys().cloned().collect();
            let worker = queue.worker.clone();
            let given = queue.call(move |queue| {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                queue.give_back_unknown(&worker, &known)
            });
            if given.await.is_err() {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            is_uncertain = false;
        }
        let worker = queue.worker.clone();
        match queue.call(move |queue| queue.claim(&worker, room)).await {
            Ok((claimed, taken)) => {
                queue.taken_over.fetch_add(taken, Ordering::Relaxed);
                let is_none = claimed.is_empty();
                for claimed in claimed {
                    if working.is_stopping() {
                        working.give_back(&claimed.id, claimed.attempt).await;
                    } else {
                        working.begin(claimed).await;
                    }
                }
                if is_none {
                    working.wait().await;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "no job was claimed");
                is_uncertain = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    let worker = queue.worker.clone();
    // Otherwise others find out when it says nothing any more.
    let _ = queue.call(move |queue| queue.leave(&worker)).await;
}

/// Says what is under way, and stops what is not wanted any more.
async fn beat(working: Rc<Working>) {
    let queue = &working.queue;
    let mut every = tokio::time::interval(BEAT);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if working.is_stopping() && working.held.lock().is_empty() {
            return;
        }
        let seen: Vec<(String, u64, f64, &'static str)> = {
            let held = working.held.lock();
            held.iter()
                .map(|(id, job)| (id.clone(), job.attempt, job.progress.get(), job.at()))
                .collect()
        };
        if seen.is_empty() {
            continue;
        }
        working.keep().await;
        let (worker, told) = (queue.worker.clone(), seen.clone());
        let standings = queue.call(move |queue| {
            let told: Vec<Seen<'_>> = told
                .iter()
                .map(|(id, attempt, progress, at)| Seen {
                    id,
                    attempt: *attempt,
                    progress: *progress,
                    at,
                })
                .collect();
            queue.beat(&worker, &told)
        });
        // While the queue does not answer, the work goes on: what comes of it is fenced.
        let Ok(standings) = standings.await else { continue };
        for ((id, attempt, ..), standing) in seen.iter().zip(standings) {
            if standing == Standing::Owned {
                continue;
            }
            let held = working.held.lock();
            // One that is answered is no longer running, and nothing is wrong with that.
            let job = held.get(id).filter(|job| job.attempt == *attempt && !job.is_answered);
            if let Some(Run { cancel, .. }) = job.and_then(|job| job.run.as_ref()) {
                if standing == Standing::Lost && !cancel.is_cancelled() {
                    tracing::warn!(job = id, attempt, "another worker has taken a job over");
                }
                cancel.cancel();
            }
        }
    }
}

impl Working {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Until there may be something new.
    async fn wait(&self) {
        let _ = tokio::time::timeout(LOOK, self.changed.notified()).await;
    }

    /// What this process would let into its own batch lane now, if it was asked.
    fn room(&self, late: &mut Late) -> Room {
        let status = self.app.pool.status();
        let batch = status.lanes.iter().find(|lane| lane.lane == "batch");
        let threads =
            batch.map_or(0, |lane| lane.workers.saturating_sub(lane.waiting + lane.running));
        let held = self.held.lock().len();
        let waiting = batch.map_or(0.0, |lane| lane.backlog_ms) / 1e3;
        let free = (AHEAD.as_secs_f64() * status.capacity - waiting).clamp(0.0, 1e6);
        let is_late = late.is_now(self.app.clock.now(), &status);
        let jobs = batch.map_or(0, |lane| lane.workers as usize).saturating_sub(held);
        Room {
            cost: Duration::from_secs_f64(free),
            jobs: if is_late { 0 } else { jobs.min(threads as usize) },
            is_idle: held == 0,
        }
    }

    /// Stores what work has left for who goes on with it. While the queue does not answer it is lost,
    /// and the next one counts.
    async fn keep(&self) {
        let made: Vec<(String, u64, Vec<u8>)> = {
            let held = self.held.lock();
            let left = |job: &Held| job.progress.checkpoints()?.made.lock().take();
            held.iter()
                .filter_map(|(id, job)| Some((id.clone(), job.attempt, left(job)?)))
                .collect()
        };
        for (id, attempt, checkpoint) in made {
            let (worker, name) = (self.queue.worker.clone(), id.clone());
            let kept = self
                .queue
                .call(move |queue| queue.keep(&worker, &name, attempt, &checkpoint))
                .await;
            match kept {
                // Where it is another worker's, the next beat says so.
                Ok(_) => {}
                Err(error @ svgx_jobs::QueueError::Full { .. }) => {
                    tracing::info!(job = id, attempt, %error, "a job is not kept, and would begin again");
                }
                Err(error) => tracing::debug!(job = id, %error, "a job could not be kept"),
            }
        }
    }

    /// Begins a job, or gives it back.
    async fn begin(self: &Rc<Working>, mut claimed: Claimed) {
        let (id, attempt) = (claimed.id.clone(), claimed.attempt);
        let progress = Progress::with(Arc::new(Checkpoints {
            id: id.clone(),
            every: self.app.config.job_checkpoint,
            left: Mutex::new(claimed.checkpoint.take()),
            made: Mutex::default(),
        }));
        let held = Held { attempt, progress: progress.clone(), run: None, is_answered: false };
        self.held.lock().insert(id.clone(), held);
        match queued::begin(&self.app, claimed, progress) {
            Ok(begun) => {
                self.queue.attempts.fetch_add(1, Ordering::Relaxed);
                if let Some(held) = self.held.lock().get_mut(&id) {
                    let (cancel, stages) = (begun.cancel.clone(), begun.stages.clone());
                    held.run = Some(Run { cancel, stages });
                }
                let working = Rc::clone(self);
                actix_web::rt::spawn(async move {
                    let done = begun.running.await;
                    working.end(&id, attempt, done).await;
                });
            }
            Err(NotBegun::NoRoom) => {
                self.give_back(&id, attempt).await;
                tokio::time::sleep(PAUSE).await;
            }
            Err(NotBegun::Fault(reason)) => self.fault(&id, attempt, reason).await,
        }
    }

    async fn end(&self, id: &str, attempt: u64, done: Result<Outcome, Unanswered>) {
        match done {
            Ok(outcome) => self.finish(id, attempt, outcome).await,
            Err(Unanswered::Fault(reason)) => self.fault(id, attempt, reason).await,
            // Where it was cancelled or lost, this is refused, which changes nothing.
            Err(Unanswered::Stopped) => self.give_back(id, attempt).await,
        }
        self.changed.notify_one();
    }

    async fn finish(&self, id: &str, attempt: u64, outcome: Outcome) {
        if let Some(held) = self.held.lock().get_mut(id) {
            held.is_answered = true;
        }
        let outcome = Arc::new(outcome);
        let ended = self
            .until_told(id, move |queue, worker, id| queue.finish(worker, id, attempt, &outcome));
        let ended = ended.await;
        match ended {
            Some(Ended::Divergent | Ended::CommittedDivergent) => {
                self.queue.divergent.fetch_add(1, Ordering::Relaxed);
                tracing::error!(job = id, attempt, "two answers to one job differ");
            }
            Some(Ended::Late) => {
                tracing::warn!(job = id, attempt, "the answer of a job came too late");
            }
            Some(_) | None => {}
        }
        self.queue.tries.add(match ended {
            // The same is there where the first telling was heard, and its answer lost.
            Some(Ended::Committed | Ended::CommittedDivergent | Ended::Same) => TryEnd::Answered,
            Some(Ended::Divergent | Ended::Late) => TryEnd::Late,
            Some(Ended::Cancelled | Ended::Gone) => TryEnd::Unwanted,
            None => TryEnd::Untold,
        });
    }

    async fn fault(&self, id: &str, attempt: u64, reason: String) {
        tracing::warn!(job = id, attempt, reason, "a job came to nothing and is tried again");
        let told = self
            .until_told(id, move |queue, worker, id| queue.fault(worker, id, attempt, &reason))
            .await;
        self.queue.tries.add(told.map_or(TryEnd::Untold, |()| TryEnd::Failed));
    }

    async fn give_back(&self, id: &str, attempt: u64) {
        let told = self
            .until_told(id, move |queue, worker, id| queue.give_back(worker, id, attempt))
            .await;
        self.queue.tries.add(told.map_or(TryEnd::Untold, |()| TryEnd::Returned));
    }

    /// Tells the queue what became of a job, again and again while it does not answer: some leases
    /// long, after which somebody else has done it.
    async fn until_told<T: Send + 'static>(
        &self,
        id: &str,
        call: impl Fn(&svgx_jobs::Queue, &svgx_jobs::Worker, &str) -> Result<T, svgx_jobs::QueueError>
        + Send
        + Sync
        + 'static,
    ) -> Option<T> {
        let call = Arc::new(call);
        let began = self.app.clock.now();
        let told = loop {
            let (call, worker, name) =
                (Arc::clone(&call), self.queue.worker.clone(), id.to_owned());
            match self.queue.call(move |queue| call(queue, &worker, &name)).await {
                Ok(told) => break Some(told),
                Err(error) => {
                    let waited = self.app.clock.now().since(began);
                    if waited > self.queue.worker.lease * KEPT {
                        tracing::error!(job = id, %error, "what became of a job could not be told");
                        break None;
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        };
        self.held.lock().remove(id);
        told
    }

    /// Takes no more jobs.
    pub(crate) fn take_no_more(&self) {
        self.stopping.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    /// Takes no more, and waits for what runs; what has not ended within `patience` is given back.
    pub(crate) async fn stop(&self, patience: Duration) {
        self.take_no_more();
        let taking = self.taking.lock().take();
        if let Some(taking) = taking {
            // A claim that is on its way is given back by it.
            let _ = taking.await;
        }
        let began = self.app.clock.now();
        let mut is_told = false;
        while !self.held.lock().is_empty() {
            let waited = self.app.clock.now().since(began);
            if waited > patience && !is_told {
                is_told = true;
                for job in self.held.lock().values() {
                    if let Some(run) = &job.run {
                        run.cancel.cancel();
                    }
                }
            }
            if waited > patience + self.queue.worker.lease {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Whether something with an objective was late lately.
#[derive(Debug, Default)]
struct Late {
    counted: u64,
    until: Option<Time>,
}

impl Late {
    fn is_now(&mut self, now: Time, status: &Status) -> bool {
        let late = [Reason::Late, Reason::Doomed, Reason::PredictedLate];
        let counts = status.reasons.iter().filter(|(reason, _)| late.contains(reason));
        let counted = counts.map(|(_, count)| count).sum();
        if counted > self.counted {
            self.counted = counted;
            self.until = Some(now.after(LATE));
        }
        self.until.is_some_and(|until| now < until)
    }
}
