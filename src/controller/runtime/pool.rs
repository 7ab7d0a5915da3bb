//! What the workers, the gates and the callers share: the controller and the
//! work itself, behind one short lock.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rustix::process::Pid;

use super::gate::LaneGate;
use crate::Reason;
use crate::core::{
    Assignment, Controller, Cost, Event, JobId, Lane, Next, Outcome, Sensors, TickOutcome,
};
use svgx_base::budget::{Budget, Cancel, Class, Clock, Time};
use svgx_base::fault::{self, Point};
use svgx_base::machine;

/// What happens to the work of a job.
pub(super) enum Dispatch<'a> {
    /// It runs.
    Run(&'a Budget),
    /// It cannot be in time any more.
    Dropped(Reason),
}

/// Called once the controller knows how the job ended: hands over the answer.
pub(super) type Deliver = Box<dyn FnOnce(Option<Reason>, Duration) + Send>;

/// Admitted work.
pub(super) struct Work {
    pub(super) run: Box<dyn FnOnce(Dispatch<'_>) -> Deliver + Send>,
    pub(super) cancel: Cancel,
    pub(super) strict: bool,
    /// Whether its deadline ends it; not while the controller only watches.
    pub(super) stops: bool,
}

#[derive(Debug)]
pub(super) struct PoolState {
    pub(super) controller: Controller,
    pub(super) work: HashMap<JobId, Work>,
    pub(super) closed: bool,
    pub(super) log: Option<SyncSender<String>>,
    /// What the urgent workers are at.
    pub(super) busy: Vec<Busy>,
}

/// An urgent worker at work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Busy {
    /// The job.
    job: JobId,
    /// Its thread, for the operating system.
    thread: Pid,
    since: Time,
    /// It took too long: its thread is nicer than the rest, and ends with the job.
    demoted: bool,
}

/// Workers that may be demoted at once; more is not a slip of the cost model.
const MOST_DEMOTED: usize = 8;

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("strict", &self.strict).finish_non_exhaustive()
    }
}

/// The shared part of a [`Runtime`](super::Runtime).
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) state: Mutex<PoolState>,
    /// One per lane: work is there.
    wake: [Condvar; 3],
    /// Paused work may go on.
    pub(super) resume: Condvar,
    /// One per lane: its running work is asked to pause. Read at every
    /// checkpoint without the lock.
    pause: [AtomicBool; 3],
    pub(super) clock: Arc<dyn Clock>,
    /// Events that did not fit the log's channel; the log ends at the first.
    pub(super) log_lost: AtomicU64,
}

impl Inner {
    pub(super) fn new(controller: Controller, clock: Arc<dyn Clock>) -> Inner {
        Inner {
            state: Mutex::new(PoolState {
                controller,
                work: HashMap::new(),
                closed: false,
                log: None,
                busy: Vec::new(),
            }),
            wake: [Condvar::new(), Condvar::new(), Condvar::new()],
            resume: Condvar::new(),
            pause: [AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false)],
            clock,
            log_lost: AtomicU64::new(0),
        }
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(super) fn asks_to_pause(&self, lane: Lane) -> bool {
        self.pause.get(lane as usize).is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// After any change of the queues, still under the lock.
    pub(super) fn changed(&self, state: &PoolState) {
        let mut resumed = false;
        for (lane, flag) in Lane::ALL.into_iter().zip(&self.pause) {
            let pause = state.controller.should_pause(lane);
            resumed |= flag.swap(pause, Ordering::Relaxed) && !pause;
        }
        if resumed {
            self.resume.notify_all();
        }
    }

    pub(super) fn wake(&self, lane: Lane) {
        if let Some(wake) = self.wake.get(lane as usize) {
            wake.notify_one();
        }
    }

    pub(super) fn wake_everyone(&self) {
        for wake in &self.wake {
            wake.notify_all();
        }
        self.resume.notify_all();
    }

    /// Writes an event to the decision log, in the order of the lock. A log
    /// with a gap cannot be replayed, so it ends at the first event that does
    /// not fit.
    pub(super) fn log(&self, state: &mut PoolState, event: &Event<'_>) {
        let Some(log) = &state.log else { return };
        let sent = serde_json::to_string(event).is_ok_and(|line| log.try_send(line).is_ok());
        if !sent {
            self.log_lost.fetch_add(1, Ordering::Relaxed);
            state.log = None;
        }
    }

    /// The life of a worker: until the pool closes, or it was demoted.
    pub(super) fn serve(self: &Arc<Self>, lane: Lane) {
        let waits = machine::Waits::of_this_thread();
        while let Some((work, dispatch)) = self.take(lane) {
            match dispatch {
                Ok(assignment) => {
                    self.run(lane, assignment, work, &waits);
                    if lane == Lane::Urgent && self.is_demoted(assignment.job) {
                        return;
                    }
                }
                Err(reason) => {
                    let Some(work) = work else { continue };
                    drop_work(work, reason);
                }
            }
        }
    }

    /// The job has ended; whether its worker is to end with it.
    fn is_demoted(&self, job: JobId) -> bool {
        let mut state = self.state.lock();
        let at = state.busy.iter().position(|busy| busy.job == job);
        at.is_some_and(|at| state.busy.swap_remove(at).demoted)
    }

    /// Urgent work that runs past `allowed` cannot be stopped everywhere (reading XML is one
    /// piece), and would hold a processor that clicks wait for. Its thread is made nicer than
    /// the others and a fresh one takes its place; how many are wanted.
    pub(super) fn demote(&self, allowed: Duration) -> usize {
        let mut state = self.state.lock();
        let now = self.now();
        let mut room =
            MOST_DEMOTED.saturating_sub(state.busy.iter().filter(|busy| busy.demoted).count());
        let mut wanted = 0;
        for busy in &mut state.busy {
            if room > 0 && !busy.demoted && now.since(busy.since) > allowed {
                let nicer = rustix::process::setpriority_process(Some(busy.thread), DEMOTED);
                if nicer.is_ok() {
                    busy.demoted = true;
                    room -= 1;
                    wanted += 1;
                }
            }
        }
        wanted
    }

    /// Waits for a job; none when the pool closes.
    fn take(&self, lane: Lane) -> Option<(Option<Work>, Result<Assignment, Reason>)> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            let at = self.now();
            let next = state.controller.next(at, lane);
            let job = match next {
                Next::Run(Assignment { job, .. }) | Next::Drop(job, _) => Some(job),
                Next::Idle => None,
            };
            if let Some(job) = job {
                self.log(&mut state, &Event::Next { at, lane, job: Some(job) });
                let work = state.work.remove(&job);
                self.changed(&state);
                let dispatch = match next {
                    Next::Run(assignment) => {
                        if lane == Lane::Urgent {
                            let thread = rustix::thread::gettid();
                            state.busy.push(Busy { job, thread, since: at, demoted: false });
                        }
                        Ok(assignment)
                    }
                    Next::Drop(_, reason) => Err(reason),
                    Next::Idle => continue,
                };
                return Some((work, dispatch));
            }
            self.wake.get(lane as usize)?.wait(&mut state);
        }
    }

    fn run(
        self: &Arc<Self>,
        lane: Lane,
        assignment: Assignment,
        work: Option<Work>,
        waits: &machine::Waits,
    ) {
        let Assignment { job, class, tier, deadline, stop } = assignment;
        let Some(work) = work else {
            // Cancelled between being picked and being taken: nothing ran.
            self.finish(job, Cost { cpu: 0, ran: 0 }, Outcome::Cancelled);
            return;
        };
        let cancel = work.cancel.clone();
        if cancel.is_cancelled() {
            self.finish(job, Cost { cpu: 0, ran: 0 }, Outcome::Cancelled);
            drop_work(work, Reason::Cancelled);
            return;
        }
        let gate = Arc::new(LaneGate {
            inner: Arc::clone(self),
            lane,
            deadline,
            cancel: cancel.clone(),
            paused: AtomicU64::new(0),
        });
        let last = if work.stops { stop } else { deadline };
        let mut budget = Budget::unlimited(class, tier)
            .until(stop_at(class, work.stops, last), Arc::clone(&self.clock))
            .strict(work.strict)
            .cancelled_by(cancel.clone());
        if lane != Lane::Urgent {
            budget = budget.yielding_to(Arc::clone(&gate) as Arc<dyn svgx_base::budget::Gate>);
        }
        let (from, waited_from, cpu_from) = (self.now(), waits.total(), thread_cpu());
        let deliver = guarded(|| {
            fault::strike(Point::Work(class));
            (work.run)(Dispatch::Run(&budget))
        });
        let until = self.now();
        let cpu = thread_cpu().saturating_sub(cpu_from);
        let ran = match (waited_from, waits.total()) {
            (Some(from), Some(until)) => cpu.saturating_add(until.saturating_sub(from)),
            // Where the scheduler does not say, all that passed counts: waiting for a disk too.
            _ => {
                let wall = u64::try_from(until.since(from).as_nanos()).unwrap_or(u64::MAX);
                wall.saturating_sub(gate.paused.load(Ordering::Relaxed))
            }
        };
        let ended = match &deliver {
            None => Outcome::Panicked,
            Some(_) if cancel.is_cancelled() => Outcome::Cancelled,
            Some(_) if until >= last => Outcome::Deadline,
            Some(_) => Outcome::Done,
        };
        let learned = |time: u64| fault::reading(Point::Cost, time as f64) as u64;
        let reason = self.finish(job, Cost { cpu: learned(cpu), ran: learned(ran) }, ended);
        if let Some(deliver) = deliver {
            guarded(|| deliver(reason, Duration::from_nanos(cpu)));
        }
    }

    fn finish(&self, job: JobId, cost: Cost, ended: Outcome) -> Option<Reason> {
        let mut state = self.state.lock();
        let at = self.now();
        let reason = state.controller.on_finish(at, job, cost, ended);
        self.log(&mut state, &Event::Finish { at, job, cost, ended });
        self.changed(&state);
        reason
    }

    /// A ticket was dropped, or its caller went away.
    pub(super) fn give_up(&self, job: JobId) {
        let mut state = self.state.lock();
        let at = self.now();
        if state.controller.on_cancel(at, job) {
            self.log(&mut state, &Event::Cancel { at, job });
            let work = state.work.remove(&job);
            self.changed(&state);
            drop(state);
            drop(work); // what the caller captured is dropped outside the lock
        }
    }

    pub(super) fn tick(&self, sensors: Option<Sensors>) -> TickOutcome {
        let mut state = self.state.lock();
        let at = self.now();
        let ticked = state.controller.tick(at, sensors);
        self.log(&mut state, &Event::Tick { at, sensors });
        self.changed(&state);
        let waits = state.controller.waiting(Lane::Urgent) > 0;
        drop(state);
        if waits {
            // A spare worker steps in once another's work is overdue: nothing else says so.
            self.wake(Lane::Urgent);
        }
        ticked
    }
}

/// Tells whoever waits for work that it is not done.
fn drop_work(work: Work, reason: Reason) {
    let deliver = guarded(|| (work.run)(Dispatch::Dropped(reason)));
    if let Some(deliver) = deliver {
        guarded(|| deliver(Some(reason), Duration::ZERO));
    }
}

/// Niceness of a thread whose work takes too long.
const DEMOTED: i32 = 15;

/// Runs `f`; none when it panicked. The panic hook has told about it by then.
fn guarded<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(f)).ok()
}

/// Processor time of this thread in nanoseconds.
fn thread_cpu() -> u64 {
    u64::try_from(machine::thread_cpu().as_nanos()).unwrap_or(u64::MAX)
}

/// When running work has to stop, whose `last` moment to be in time is known. Physics
/// returns the best it has by then; work without tiers has nothing coarser to give, so
/// that late is better than nothing, up to a bound.
fn stop_at(class: Class, stops: bool, last: Time) -> Time {
    match class {
        Class::Physics if stops => last,
        Class::Batch => last,
        Class::Ui | Class::Redraw | Class::Physics => last.after(GRACE),
    }
}

/// How long work that has no better answer to give may run past its deadline.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);
