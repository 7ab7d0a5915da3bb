//! The state of the controller, and the life of a job after admission.

use std::time::Duration;

use super::backstop::Backstop;
use super::brownout::Ladder;
use super::capacity::Capacity;
use super::constants::Constants;
use super::cost::CostModel;
use super::fairness::{Fairness, RetryBudget};
use super::job_table::{JobState, JobTable};
use super::load::{Load, RecentRate};
use super::mode::{Control, Mode, Override};
use super::promises::Promises;
use super::quantile::Quantiles;
use super::record::Records;
use super::request::{Cost, JobId, Lane, Outcome, Request};
use super::sessions::SessionTiers;
use super::time::{Nanos, Timeline};
use super::window::{Counts, Windows};
use crate::Reason;
use crate::spec::Spec;
use svgx_base::budget::{Class, Tier, Time};

/// What the controller knows of one class.
#[derive(Clone, Debug)]
pub(super) struct ClassState {
    pub(super) windows: Windows,
    pub(super) latency: Quantiles,
    /// Work let in, for the capacity left to less urgent classes.
    pub(super) admitted: RecentRate,
    /// Work turned away for want of processors: nothing less urgent may have them.
    pub(super) denied: RecentRate,
    /// Work that came, as it would be at each tier; only compute for most.
    pub(super) offered: [Load; 3],
    /// The factor on the budget learned from misses.
    pub(super) trim: f64,
    pub(super) retries: RetryBudget,
    /// Closed until then.
    pub(super) closed_until: Nanos,
    /// When those who were refused were told to come back.
    pub(super) promises: Promises,
    pub(super) last_probe: Nanos,
    /// Answers by tier since the start: `[ui, edit, compute]`.
    pub(super) delivered: [u64; 3],
}

impl ClassState {
    fn new() -> ClassState {
        ClassState {
            windows: Windows::new(),
            latency: Quantiles::new(),
            admitted: RecentRate::default(),
            denied: RecentRate::default(),
            offered: [Load::new(), Load::new(), Load::new()],
            trim: 1.0,
            retries: RetryBudget::default(),
            closed_until: Nanos::default(),
            promises: Promises::default(),
            last_probe: Nanos::default(),
            delivered: [0; 3],
        }
    }
}

/// What a worker is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Run this job.
    Run(Assignment),
    /// This job can no longer be in time: answer it so, and ask again.
    Drop(JobId, Reason),
    /// Nothing to do.
    Idle,
}

/// A job to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The job.
    pub job: JobId,
    /// Its class.
    pub class: Class,
    /// The tier to work at.
    pub tier: Tier,
    /// When it must end, on the caller's clock.
    pub deadline: Time,
    /// When it has to return the best it has, to be encoded and sent in time.
    pub stop: Time,
}

/// The controller. See the [module](super) for what it does.
#[derive(Debug)]
pub struct Controller {
    pub(super) constants: Constants,
    pub(super) time: Timeline,
    pub(super) cost: CostModel,
    pub(super) jobs: JobTable,
    pub(super) capacity: Capacity,
    /// Ui, redraw, physics, batch.
    pub(super) classes: [ClassState; 4],
    pub(super) ladder: Ladder,
    pub(super) fairness: Fairness,
    pub(super) sessions: SessionTiers,
    pub(super) backstop: Backstop,
    pub(super) control: Override,
    pub(super) last_sensor: Nanos,
    pub(super) last_tick: Nanos,
    pub(super) last_slow_tick: Nanos,
    /// The clock jumped: fixed limits until then.
    pub(super) distrust_until: Nanos,
    pub(super) records: Records,
    /// Decisions by reason since the start.
    reasons: Vec<u64>,
}

impl Controller {
    /// A controller that has seen nothing, on `cores` processors. The seed only
    /// decides which tenants share a slot.
    pub fn new(spec: &Spec, cores: f64, seed: u64) -> Controller {
        let constants = Constants::new(spec);
        let policy = &constants.policy;
        Controller {
            cost: CostModel::new(spec),
            ladder: Ladder::new(policy),
            fairness: Fairness::new(seed, policy.tenant_flood),
            sessions: SessionTiers::new(seed),
            capacity: Capacity::new(spec, cores),
            constants,
            time: Timeline::default(),
            jobs: JobTable::new(),
            classes: [ClassState::new(), ClassState::new(), ClassState::new(), ClassState::new()],
            backstop: Backstop::new(),
            control: Override::default(),
            last_sensor: Nanos::default(),
            last_tick: Nanos::default(),
            last_slow_tick: Nanos::default(),
            distrust_until: Nanos::default(),
            records: Records::new(),
            reasons: vec![0; Reason::ALL.len()],
        }
    }

    /// Processor time that work is expected to take at the tier that it asks for.
    pub fn cost_of(&self, request: &Request<'_>) -> Duration {
        let operation = self.cost.operation(request.class, request.operation);
        Duration::from_nanos(self.cost.predict(operation, request.tier, request.size).mean as u64)
    }

    /// Reads the caller's clock; every entry point begins here.
    pub(super) fn now(&mut self, raw: Time) -> Nanos {
        let first = self.time.now() == Nanos::default();
        let (now, jumped) = self.time.at(raw);
        if first {
            self.last_tick = now;
            self.last_sensor = now;
        }
        if jumped {
            self.distrust_until = now.plus(self.constants.policy.sensor_stale.into());
        }
        now
    }

    /// Whether the sensors and the clock are to be believed.
    pub(super) fn is_stale(&self, now: Nanos) -> bool {
        let stale = self.constants.policy.sensor_stale.into();
        now < self.distrust_until
            || now.since(self.last_tick) > stale
            || now.since(self.last_sensor) > stale
    }

    pub(super) fn class(&self, class: Class) -> &ClassState {
        let [ui, redraw, physics, batch] = &self.classes;
        match class {
            Class::Ui => ui,
            Class::Redraw => redraw,
            Class::Physics => physics,
            Class::Batch => batch,
        }
    }

    pub(super) fn class_mut(&mut self, class: Class) -> &mut ClassState {
        let [ui, redraw, physics, batch] = &mut self.classes;
        match class {
            Class::Ui => ui,
            Class::Redraw => redraw,
            Class::Physics => physics,
            Class::Batch => batch,
        }
    }

    pub(super) fn count(&mut self, reason: Reason) {
        if let Some(count) = self.reasons.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// Processors our work really gets.
    pub fn capacity(&self) -> f64 {
        self.capacity.total()
    }

    /// Workers a lane may have.
    pub fn workers(&self, lane: Lane) -> usize {
        self.capacity.workers(lane)
    }

    /// Whether running work of `lane` should pause, because more urgent work
    /// needs the processor it holds.
    pub fn should_pause(&self, lane: Lane) -> bool {
        let cores = u32::try_from(self.capacity.processors_left()).unwrap_or(u32::MAX);
        let urgent = self.jobs.runnable(Lane::Urgent);
        match lane {
            Lane::Urgent => false,
            Lane::Physics => urgent + self.jobs.running(Lane::Physics) > cores && urgent > 0,
            Lane::Batch => {
                let above = urgent + self.jobs.runnable(Lane::Physics);
                above + self.jobs.running(Lane::Batch) > cores && above > 0
            }
        }
    }

    /// The input of an admitted job is there: a worker may take it.
    pub fn on_ready(&mut self, raw: Time, job: JobId) -> bool {
        self.now(raw);
        self.jobs.ready(job)
    }

    /// A worker of `lane` is free: what is it to do?
    pub fn next(&mut self, raw: Time, lane: Lane) -> Next {
        let now = self.now(raw);
        let Some(job) = self.jobs.first(lane) else { return Next::Idle };
        if lane == Lane::Urgent {
            let stuck = self.jobs.stuck(lane, now, self.constants.policy.checkpoint.into());
            if (self.jobs.running(lane) as usize).saturating_sub(stuck)
                >= self.capacity.processors()
            {
                return Next::Idle;
            }
        }
        let acts = matches!(self.control.mode(now), Mode::On | Mode::Freeze);
        // Half the estimate: work that is cheaper than expected may still be in time.
        let doomed = now.plus(Nanos(job.work / 2)) > job.deadline;
        if doomed && acts && lane != Lane::Batch {
            self.end(now, job.id, Outcome::Deadline, Cost { cpu: 0, ran: 0 });
            return Next::Drop(job.id, Reason::Doomed);
        }
        self.jobs.start(now, job.id);
        // Part of the time is kept for the answer.
        let margin = match lane {
            Lane::Physics => {
                let whole = job.deadline.since(job.arrived).as_f64();
                Nanos((whole * self.constants.policy.answer_reserve) as u64)
            }
            Lane::Urgent | Lane::Batch => Nanos::default(),
        };
        Next::Run(Assignment {
            job: job.id,
            class: job.class,
            tier: job.tier,
            deadline: self.time.raw(job.deadline),
            stop: self.time.raw(job.deadline.minus(margin)),
        })
    }

    /// A job has ended. Returns why, for logs and metrics; `None` for a job
    /// that is not known (it has already ended).
    pub fn on_finish(
        &mut self,
        raw: Time,
        job: JobId,
        cost: Cost,
        ended: Outcome,
    ) -> Option<Reason> {
        let now = self.now(raw);
        self.end(now, job, ended, cost)
    }

    /// The caller went away before the job ran. A running job is told through
    /// its cancel flag and ends with [`Controller::on_finish`]. Returns whether
    /// the job was still waiting and is gone now.
    pub fn on_cancel(&mut self, raw: Time, job: JobId) -> bool {
        let now = self.now(raw);
        let waiting =
            self.jobs.get(job).is_some_and(|job| !matches!(job.state, JobState::Running { .. }));
        waiting && self.end(now, job, Outcome::Cancelled, Cost { cpu: 0, ran: 0 }).is_some()
    }

    fn end(&mut self, now: Nanos, id: JobId, ended: Outcome, cost: Cost) -> Option<Reason> {
        let job = self.jobs.remove(id)?;
        let ran = matches!(job.state, JobState::Running { .. });
        let took = now.since(job.arrived);
        let budget = self.constants.class(job.class).map_or(Nanos::NEVER, |class| class.budget);
        let reason = match ended {
            Outcome::Done if took <= budget => Reason::Completed,
            Outcome::Done => Reason::Late,
            Outcome::Deadline if ran => Reason::Deadline,
            Outcome::Deadline => Reason::Doomed,
            Outcome::Cancelled => Reason::Cancelled,
            Outcome::Panicked => Reason::Panicked,
        };
        // What was stopped has cost at least this much: worth learning only upwards.
        let censored = ended != Outcome::Done;
        if ran && cost.cpu > 0 && (!censored || cost.cpu > job.work) {
            let predicted = job.work as f64 / self.fairness.bias(job.tenant);
            // Who understates must not make everybody's work dearer: what its tenant is
            // charged with is no part of the cost of the operation.
            let cpu = cost.cpu as f64 / self.fairness.blame(job.tenant);
            self.cost.learn(job.operation, job.tier, job.size, predicted, cpu as u64);
            self.fairness.learn(job.tenant, cost.cpu as f64 / predicted.max(1.0));
        }
        if ran && cost.ran > 0 && cost.cpu > 0 && self.shows_capacity(now, job.class) {
            self.capacity.learn_efficiency(cost, &self.constants.policy);
        }
        if let (JobState::Running { since }, Lane::Physics) = (job.state, Lane::of(job.class))
            && now > since
        {
            self.capacity.learn_physics(cost.cpu, now.since(since), &self.constants.policy);
        }
        let good = reason == Reason::Completed;
        let class = self.class_mut(job.class);
        class.windows.advance(now);
        class.latency.advance(now);
        // A caller that went away says nothing about our promise.
        if ended != Outcome::Cancelled {
            class.windows.record(&Counts {
                good: u64::from(good),
                bad: u64::from(!good),
                ..Counts::default()
            });
            class.latency.record(took);
        }
        if ended == Outcome::Done
            && let Some(count) = class.delivered.get_mut(job.tier as usize)
        {
            *count += 1;
        }
        self.records.end(job.record, id, reason, took.0, cost.cpu);
        self.count(reason);
        Some(reason)
    }

    /// Whether work of this class shows what processors we get. What is less urgent gives way
    /// to the rest, and shows what is left by it.
    fn shows_capacity(&self, now: Nanos, class: Class) -> bool {
        // Not policy: below so many processors of urgent work, its interruptions are noise.
        const BUSY: f64 = 0.05;
        match Lane::of(class) {
            Lane::Urgent => true,
            Lane::Physics | Lane::Batch => {
                let urgent = [Class::Ui, Class::Redraw].map(|c| self.class(c).admitted.rate(now));
                urgent.into_iter().sum::<f64>() < BUSY
            }
        }
    }

    /// The mode to act in while no override is in force; [`Mode::On`] until said otherwise.
    pub fn set_mode(&mut self, mode: Mode) {
        self.control.default_mode = mode;
    }

    /// Whether it acts on what it decides.
    pub fn is_acting(&self) -> bool {
        matches!(self.control.mode(self.time.now()), Mode::On | Mode::Freeze)
    }

    /// An operator's override, until it expires.
    pub fn on_control(&mut self, raw: Time, control: Control) {
        let now = self.now(raw);
        let limit = self.constants.policy.override_limit;
        let span = std::time::Duration::from_millis(control.for_ms).min(limit);
        self.control = Override {
            mode: control.mode,
            pin: control.pin,
            until: now.plus(span.into()),
            default_mode: self.control.default_mode,
        };
    }

    /// The tier of the ladder, and how often it moved since the start.
    pub fn tier(&self) -> (Tier, u64) {
        (self.ladder.tier(), self.ladder.moves())
    }

    /// Decisions and endings since the start, by reason.
    pub fn reasons(&self) -> Vec<(Reason, u64)> {
        Reason::ALL.iter().copied().zip(self.reasons.iter().copied()).collect()
    }

    /// The last decisions.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The cost model, to look at.
    pub fn cost(&self) -> &CostModel {
        &self.cost
    }

    /// Jobs admitted and not ended.
    pub fn in_flight(&self) -> u32 {
        self.jobs.total()
    }

    /// Jobs of a lane waiting for a worker.
    pub fn waiting(&self, lane: Lane) -> u32 {
        self.jobs.waiting(lane)
    }

    /// Jobs of a lane a worker has.
    pub fn running(&self, lane: Lane) -> u32 {
        self.jobs.running(lane)
    }
}
