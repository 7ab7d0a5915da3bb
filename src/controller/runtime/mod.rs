//! The compute pool beside the controller: threads of its own, so that the
//! ones that speak HTTP only read, decide and write.
//!
//! Urgent work (ui and redraw) has a thread per processor and runs earliest
//! deadline first. Physics has its share and steps aside at every
//! [`Budget::checkpoint`] while urgent work needs the processor; batch has one
//! thread and steps aside for both. All of them are nicer to the scheduler than
//! the threads that speak HTTP; between lanes that is a second belt, not the mechanism.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use svgx_base::budget::{Class, Monotonic};
//! use svgx_controller::{Request, Runtime, RuntimeOptions, spec::Spec};
//!
//! let spec = Spec::embedded().unwrap();
//! let runtime = Runtime::start(&spec, Arc::new(Monotonic::new()), RuntimeOptions::default()).unwrap();
//! let ticket = runtime.admit(&Request::new(Class::Ui, "session.state")).unwrap();
//! let done = runtime.run(ticket, |budget| budget.class()).await.unwrap();
//! assert_eq!(done.value, Class::Ui);
//! # });
//! ```

mod gate;
mod pool;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::pool::{Deliver, Dispatch, Inner, Work};
use super::Reason;
use super::core::{
    Control, Controller, Decision, DecisionView, Event, Header, JobId, Lane, Request, Sensors,
    Status,
};
use super::spec::Spec;
use crate::core::Mode;
use svgx_base::budget::{Budget, Cancel, Class, Clock, Tier};
use svgx_base::machine;

/// Time between ticks of the controller.
const TICK: Duration = Duration::from_millis(10);
/// Ticks between two readings of the cgroup.
const SENSE_EVERY: u32 = 10;
/// Events the log may be behind.
const LOG_BEHIND: usize = 1 << 16;

/// How to start a [`Runtime`].
#[derive(Clone, Debug, Default)]
pub struct RuntimeOptions {
    /// Processors to count on; those of the cgroup when absent.
    pub cores: Option<f64>,
    /// Seed of the hash that spreads tenants over slots.
    pub seed: u64,
    /// Where to write the decision log, one JSON value per line. Writing it
    /// costs about two microseconds per event.
    pub log: Option<PathBuf>,
    /// The mode to act in while no override is in force.
    pub mode: Mode,
}

/// Why work was not done.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Shed {
    /// The reason: log field, metric label and problem code.
    pub reason: Reason,
    /// When to ask again, if that makes sense.
    pub retry_after: Option<Duration>,
    /// The decision with its numbers, when one was made.
    pub decision: Option<Box<Decision>>,
}

impl Shed {
    /// A refusal of this moment: asking again soon makes sense.
    pub fn now(reason: Reason) -> Shed {
        Shed { reason, retry_after: Some(Duration::from_secs(1)), decision: None }
    }

    fn ended(reason: Reason) -> Shed {
        let retry_after = reason.is_transient().then_some(Duration::from_secs(1));
        Shed { reason, retry_after, decision: None }
    }

    /// When to ask again, if that makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// Leave to do one piece of work. Dropping it gives the place back.
#[derive(Debug)]
pub struct Ticket {
    inner: Arc<Inner>,
    job: Option<JobId>,
    decision: Decision,
    strict: bool,
    cancel: Cancel,
}

impl Ticket {
    /// The decision with its numbers.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The queue it waits in.
    pub fn lane(&self) -> Lane {
        self.decision.lane()
    }

    /// The tier to work at.
    pub fn tier(&self) -> Tier {
        self.decision.tier
    }

    /// Raised when the caller goes away.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            self.cancel.cancel();
            self.inner.give_up(job);
        }
    }
}

/// The answer of a piece of work, and what it took.
#[derive(Debug)]
pub struct Done<T> {
    /// What the work returned.
    pub value: T,
    /// From admission to a worker.
    pub queued: Duration,
    /// Processor time used.
    pub cpu: Duration,
    /// The tier worked at.
    pub tier: Tier,
    /// The tier asked for.
    pub asked: Tier,
    /// Why it was admitted as it was.
    pub reason: Reason,
    /// How it ended: completed, late, or stopped at its deadline with the best it had.
    pub ended: Option<Reason>,
}

/// The compute pool and its controller.
#[derive(Debug)]
pub struct Runtime {
    inner: Arc<Inner>,
    threads: Arc<WorkerThreads>,
}

/// The threads, to be waited for.
#[derive(Debug, Default)]
struct WorkerThreads(Mutex<Vec<std::thread::JoinHandle<()>>>);

impl WorkerThreads {
    fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread =
            std::thread::Builder::new().name(name.to_owned()).stack_size(8 << 20).spawn(body)?;
        let mut threads = self.0.lock();
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(())
    }

    fn spawn_worker(&self, inner: &Arc<Inner>, lane: Lane, index: usize) -> std::io::Result<()> {
        let inner = Arc::clone(inner);
        self.spawn(&format!("{}-{index}", name(lane)), move || {
            lower_priority(lane);
            inner.serve(lane);
        })
    }
}

impl Runtime {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread or the log cannot be written.
    pub fn start(
        spec: &Spec,
        clock: Arc<dyn Clock>,
        options: RuntimeOptions,
    ) -> std::io::Result<Runtime> {
        let count = options.cores.unwrap_or_else(machine::cores);
        let mut controller = Controller::new(spec, count, options.seed);
        controller.set_mode(options.mode);
        let lanes = Lane::ALL.map(|lane| (lane, controller.workers(lane)));
        let inner = Arc::new(Inner::new(controller, clock));
        let runtime = Runtime { inner: Arc::clone(&inner), threads: Arc::default() };
        if let Some(path) = &options.log {
            let file = std::fs::File::create(path)?;
            let header = serde_json::to_string(&Header::new(spec, count, options.seed))?;
            let (send, receive) = sync_channel(LOG_BEHIND);
            runtime.threads.spawn("slo-log", move || write_log(file, &header, &receive))?;
            inner.state.lock().log = Some(send);
        }
        for (lane, workers) in lanes {
            for index in 0..workers {
                runtime.threads.spawn_worker(&inner, lane, index)?;
            }
        }
        let sense = options.cores.is_none();
        // No urgent work is promised to take longer than the longest of its budgets.
        let allowed = [Class::Ui, Class::Redraw].into_iter().filter_map(|c| spec.objective(c));
        let allowed = allowed.map(|objective| objective.budget).max().unwrap_or(Duration::MAX);
        let threads = Arc::clone(&runtime.threads);
        runtime.threads.spawn("slo-tick", move || tick(&inner, &threads, allowed, count, sense))?;
        Ok(runtime)
    }

    /// Decides at once, before the body is read, whether the work can be done.
    ///
    /// # Errors
    /// [`Shed`] when it cannot, with the reason and when to ask again.
    pub fn admit(&self, request: &Request<'_>) -> Result<Ticket, Shed> {
        let mut state = self.inner.state.lock();
        if state.closed {
            return Err(Shed::ended(Reason::Cancelled));
        }
        let at = self.inner.now();
        let decision = state.controller.on_arrival(at, request);
        self.inner.log(&mut state, &Event::Arrive { at, request: *request, decision });
        drop(state);
        match decision.job {
            Some(job) => Ok(Ticket {
                inner: Arc::clone(&self.inner),
                job: Some(job),
                decision,
                strict: request.strict,
                cancel: Cancel::default(),
            }),
            None => Err(Shed {
                reason: decision.reason,
                retry_after: (decision.retry_after_ms > 0)
                    .then(|| Duration::from_millis(u64::from(decision.retry_after_ms))),
                decision: Some(Box::new(decision)),
            }),
        }
    }

    /// Does the work on the pool. Dropping the future cancels it.
    ///
    /// # Errors
    /// [`Shed`] when it could no longer be in time, panicked, or the pool closes.
    pub async fn run<T, F>(&self, mut ticket: Ticket, work: F) -> Result<Done<T>, Shed>
    where
        T: Send + 'static,
        F: FnOnce(&Budget) -> T + Send + 'static,
    {
        let Some(job) = ticket.job else { return Err(Shed::ended(Reason::Cancelled)) };
        let (answer, answered) = oneshot::channel();
        let (decision, clock) = (ticket.decision, Arc::clone(&self.inner.clock));
        let run = move |dispatch: Dispatch<'_>| -> Deliver {
            let budget = match dispatch {
                Dispatch::Run(budget) => budget,
                Dispatch::Dropped(reason) => {
                    return Box::new(move |_, _| {
                        let _ = answer.send(Err(Shed::ended(reason)));
                    });
                }
            };
            let queued = clock.now().since(decision.at);
            let value = work(budget);
            Box::new(move |ended, cpu| {
                let Decision { tier, asked, reason, .. } = decision;
                let _ = answer.send(Ok(Done { value, queued, cpu, tier, asked, reason, ended }));
            })
        };
        let mut work = Work {
            run: Box::new(run),
            cancel: ticket.cancel.clone(),
            strict: ticket.strict,
            stops: true,
        };
        let lane = decision.lane();
        {
            let mut state = self.inner.state.lock();
            if state.closed {
                return Err(Shed::ended(Reason::Cancelled));
            }
            let at = self.inner.now();
            if !state.controller.on_ready(at, job) {
                return Err(Shed::ended(Reason::Cancelled));
            }
            self.inner.log(&mut state, &Event::Ready { at, job });
            work.stops = state.controller.is_acting();
            state.work.insert(job, work);
            self.inner.changed(&state);
        }
        self.inner.wake(lane);
        // From here the ticket is the guard: dropped early, it cancels.
        let answered = answered.await;
        ticket.job = None;
        // The sender is only dropped unsent when the work panicked or the pool closed.
        let ended = answered.unwrap_or_else(|_| Err(Shed::ended(Reason::Panicked)));
        ended.map_err(|shed| match shed.reason {
            Reason::Doomed => Shed { retry_after: Some(self.drained_in(decision.class)), ..shed },
            _ => shed,
        })
    }

    /// Processor time that work is expected to take, without asking for a place.
    pub fn cost_of(&self, request: &Request<'_>) -> Duration {
        self.inner.state.lock().controller.cost_of(request)
    }

    /// When work of a class that was let in and came to nothing is worth asking for again.
    pub fn drained_in(&self, class: Class) -> Duration {
        self.inner.state.lock().controller.drained_in(class)
    }

    /// An operator's override, until it expires.
    pub fn control(&self, control: Control) {
        let mut state = self.inner.state.lock();
        let at = self.inner.now();
        state.controller.on_control(at, control);
        self.inner.log(&mut state, &Event::Control { at, control });
    }

    /// Everything about now, for `GET /slo`.
    pub fn status(&self) -> Status {
        self.inner.state.lock().controller.status()
    }

    /// The last decisions, newest first, of one trace or of all.
    pub fn decisions(&self, trace_id: Option<u128>, most: usize) -> Vec<DecisionView> {
        self.inner.state.lock().controller.decisions(trace_id, most)
    }

    /// Jobs admitted and not ended.
    pub fn in_flight(&self) -> u32 {
        self.inner.state.lock().controller.in_flight()
    }

    /// Stops taking work and ends the threads; what waits is answered as
    /// cancelled. Work that runs is given until its next checkpoint.
    pub fn close(&self) {
        let waiting = {
            let mut state = self.inner.state.lock();
            state.closed = true;
            state.log = None;
            std::mem::take(&mut state.work)
        };
        for work in waiting.values() {
            work.cancel.cancel();
        }
        drop(waiting);
        self.inner.wake_everyone();
        // The ticker may have spawned another while the first were waited for.
        loop {
            let threads = std::mem::take(&mut *self.threads.0.lock());
            if threads.is_empty() {
                return;
            }
            for thread in threads {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.close();
    }
}

/// Ticks between two lines about refusals.
const TELL_EVERY: u32 = 100;

fn tick(
    inner: &Arc<Inner>,
    threads: &WorkerThreads,
    allowed: Duration,
    mut count: f64,
    sense: bool,
) {
    let (mut ticks, mut spawned) = (0u32, 0usize);
    let mut refusals = Refusals::default();
    loop {
        std::thread::sleep(TICK);
        if inner.state.lock().closed {
            return;
        }
        if sense && ticks.is_multiple_of(SENSE_EVERY) {
            count = machine::cores();
        }
        let sensors = ticks.is_multiple_of(SENSE_EVERY).then_some(Sensors { cores: count });
        ticks = ticks.wrapping_add(1);
        let ticked = inner.tick(sensors);
        if let Some((from, to)) = ticked.moved {
            tracing::warn!(name: "slo.tier", %from, %to, "physics tier moved");
        }
        for _ in 0..inner.demote(allowed) {
            spawned += 1;
            if let Err(error) = threads.spawn_worker(inner, Lane::Urgent, 100 + spawned) {
                tracing::error!(%error, "no thread in place of one that takes too long");
            }
        }
        if ticks.is_multiple_of(TELL_EVERY) {
            refusals.tell(inner.state.lock().controller.reasons());
        }
    }
}

/// Refusals are counted in the log, not told one by one: a flood must not become a flood of lines.
#[derive(Debug, Default)]
struct Refusals(Vec<u64>);

impl Refusals {
    fn tell(&mut self, now: Vec<(Reason, u64)>) {
        let counts: Vec<u64> = now.iter().map(|(_, count)| *count).collect();
        let more = |index: usize, count: u64| {
            count.saturating_sub(self.0.get(index).copied().unwrap_or(0))
        };
        let news: Vec<(Reason, u64)> = now
            .iter()
            .enumerate()
            .map(|(index, (reason, count))| (*reason, more(index, *count)))
            .filter(|(reason, more)| reason.is_refusal() && *more > 0)
            .collect();
        if !news.is_empty() {
            let refused: u64 = news.iter().map(|(_, more)| more).sum();
            let reasons: Vec<String> =
                news.iter().map(|(reason, more)| format!("{reason} {more}")).collect();
            let reasons = reasons.join(", ");
            tracing::warn!(refused, reasons, "requests refused in the last second");
        }
        self.0 = counts;
    }
}

fn write_log(file: std::fs::File, header: &str, lines: &Receiver<String>) {
    let mut out = std::io::BufWriter::new(file);
    let mut write = |line: &str| writeln!(out, "{line}");
    if let Err(error) = write(header) {
        tracing::error!(%error, "the decision log cannot be written");
        return;
    }
    while let Ok(line) = lines.recv() {
        if let Err(error) = write(&line) {
            tracing::error!(%error, "the decision log cannot be written");
            return;
        }
    }
    if let Err(error) = out.flush() {
        tracing::error!(%error, "the decision log cannot be written");
    }
}

fn name(lane: Lane) -> &'static str {
    match lane {
        Lane::Urgent => "urgent",
        Lane::Physics => "physics",
        Lane::Batch => "batch",
    }
}

/// The threads that speak HTTP go first: a request that nobody reads cannot be refused either,
/// and what they take shows in what the pool gets. Between the lanes it is a second belt: where
/// it fails, the gate still works.
fn lower_priority(lane: Lane) {
    match lane {
        Lane::Urgent => machine::set_niceness(5),
        Lane::Physics => machine::set_niceness(10),
        Lane::Batch => machine::set_niceness(19),
    }
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;
