//! The state of the controller, and the life of a job after admission.

use super::brownout::Ladder;
use super::constants::Constants;
use super::cost::CostModel;
use super::fairness::{Fairness, RetryBudget};
use super::ledger::{Ledger, State};
use super::load::{Load, Pulse};
use super::mode::{Control, Mode, Override};
use super::quantile::Quantiles;
use super::record::Records;
use super::request::{Cost, Ended, JobId, Lane};
use super::time::Timeline;
use super::window::{Counts, Windows};
use crate::Reason;
use crate::spec::Spec;
use svgx_base::budget::{Class, Tier, Time};

/// Sessions whose tier is remembered.
const SESSIONS: usize = 1024;

/// What the controller knows of one class.
#[derive(Clone, Debug)]
pub(super) struct ClassState {
    pub(super) windows: Windows,
    pub(super) latency: Quantiles,
    /// Work let in, for the capacity left to less urgent classes.
    pub(super) admitted: Pulse,
    /// Work turned away for want of processors: nothing less urgent may have them.
    pub(super) denied: Pulse,
    /// Work that came, as it would be at each tier; only compute for most.
    pub(super) offered: [Load; 3],
    /// The factor on the budget learned from misses.
    pub(super) trim: f64,
    pub(super) retries: RetryBudget,
    /// Closed until then.
    pub(super) closed_until: u64,
    pub(super) last_admitted: u64,
    pub(super) last_probe: u64,
    /// Answers by tier since the start: `[ui, edit, compute]`.
    pub(super) delivered: [u64; 3],
}

impl ClassState {
    fn new() -> ClassState {
        ClassState {
            windows: Windows::new(),
            latency: Quantiles::new(),
            admitted: Pulse::default(),
            denied: Pulse::default(),
            offered: [Load::new(), Load::new(), Load::new()],
            trim: 1.0,
            retries: RetryBudget::default(),
            closed_until: 0,
            last_admitted: 0,
            last_probe: 0,
            delivered: [0; 3],
        }
    }
}

/// A session and the tier it is held at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) session: u64,
    pub(super) tier: Tier,
    pub(super) until: u64,
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
    pub(super) seed: u64,
    pub(super) time: Timeline,
    pub(super) cost: CostModel,
    pub(super) ledger: Ledger,
    /// Ui, redraw, physics, batch.
    pub(super) classes: [ClassState; 4],
    pub(super) ladder: Ladder,
    pub(super) fairness: Fairness,
    pub(super) records: Records,
    pub(super) sessions: Box<[Held]>,
    pub(super) control: Override,
    /// Processors by the sensor.
    pub(super) cores: f64,
    /// Processor time our threads got of the time they wanted it.
    pub(super) efficiency: f64,
    pub(super) efficiency_learned: bool,
    /// Processor time a piece of physics gets of the time it holds a worker, its pauses included.
    pub(super) pace: f64,
    pub(super) pace_learned: bool,
    pub(super) last_sensor: u64,
    pub(super) last_tick: u64,
    pub(super) last_slow_tick: u64,
    /// The clock jumped: fixed limits until then.
    pub(super) distrust_until: u64,
    /// Share of requests let in by the backstop.
    pub(super) gate: f64,
    pub(super) gate_credit: f64,
    pub(super) gate_fired: u64,
    /// Decisions by reason since the start.
    pub(super) reasons: Vec<u64>,
    pub(super) sessions_degraded: u64,
}

impl Controller {
    /// A controller that has seen nothing, on `cores` processors. The seed only
    /// decides which tenants share a slot.
    pub fn new(spec: &Spec, cores: f64, seed: u64) -> Controller {
        let constants = Constants::new(spec);
        let ladder = Ladder::new(&constants.policy);
        let flood = constants.policy.tenant_flood;
        let nobody = Held { session: 0, tier: Tier::Compute, until: 0 };
        Controller {
            cost: CostModel::new(spec),
            ladder,
            constants,
            seed,
            time: Timeline::default(),
            ledger: Ledger::new(),
            classes: [ClassState::new(), ClassState::new(), ClassState::new(), ClassState::new()],
            fairness: Fairness::new(seed, flood),
            records: Records::new(),
            sessions: vec![nobody; SESSIONS].into(),
            control: Override::default(),
            cores: if cores.is_finite() {
                cores.clamp(spec.policy.least_processor, 4096.0)
            } else {
                1.0
            },
            efficiency: 1.0,
            efficiency_learned: false,
            pace: 1.0,
            pace_learned: false,
            last_sensor: 0,
            last_tick: 0,
            last_slow_tick: 0,
            distrust_until: 0,
            gate: 1.0,
            gate_credit: 0.0,
            gate_fired: 0,
            reasons: vec![0; Reason::ALL.len()],
            sessions_degraded: 0,
        }
    }

    /// Reads the caller's clock; every entry point begins here.
    pub(super) fn now(&mut self, raw: Time) -> u64 {
        let first = self.time.now() == 0;
        let (now, jumped) = self.time.at(raw.0);
        if first {
            self.last_tick = now;
            self.last_sensor = now;
        }
        if jumped {
            self.distrust_until = now.saturating_add(self.stale_after());
        }
        now
    }

    pub(super) fn stale_after(&self) -> u64 {
        u64::try_from(self.constants.policy.sensor_stale.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether the sensors and the clock are to be believed.
    pub(super) fn is_stale(&self, now: u64) -> bool {
        let stale = self.stale_after();
        now < self.distrust_until
            || now.saturating_sub(self.last_tick) > stale
            || now.saturating_sub(self.last_sensor) > stale
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
        (self.cores * self.efficiency).max(0.05)
    }

    /// Pieces of urgent work that may run at once: one per processor.
    pub(super) fn at_once(&self) -> usize {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let cores = self.cores.ceil().clamp(1.0, 4096.0) as usize;
        cores
    }

    /// Workers a lane may have: its share for physics, one for batch, and for
    /// urgent work two per processor, of which half are spare: one steps in for a
    /// worker whose work has been overdue for long, be it blocked or endless.
    pub fn workers(&self, lane: Lane) -> usize {
        let cores = self.cores.ceil().max(1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let count = |x: f64| x.floor().clamp(1.0, 4096.0) as usize;
        match lane {
            Lane::Urgent => 2 * self.at_once(),
            Lane::Physics => {
                let share = self.constants.class(Class::Physics).map_or(1.0, |class| class.share);
                count(cores * share)
            }
            Lane::Batch => 1,
        }
    }

    /// Whether running work of `lane` should pause, because more urgent work
    /// needs the processor it holds.
    pub fn should_pause(&self, lane: Lane) -> bool {
        let cores = u32::try_from(self.at_once()).unwrap_or(u32::MAX);
        let urgent = self.ledger.pressing(Lane::Urgent);
        match lane {
            Lane::Urgent => false,
            Lane::Physics => urgent + self.ledger.running(Lane::Physics) > cores && urgent > 0,
            Lane::Batch => {
                let above = urgent + self.ledger.pressing(Lane::Physics);
                above + self.ledger.running(Lane::Batch) > cores && above > 0
            }
        }
    }

    /// The input of an admitted job is there: a worker may take it.
    pub fn on_ready(&mut self, raw: Time, job: JobId) -> bool {
        self.now(raw);
        self.ledger.ready(job)
    }

    /// A worker of `lane` is free: what is it to do?
    pub fn next(&mut self, raw: Time, lane: Lane) -> Next {
        let now = self.now(raw);
        let Some(job) = self.ledger.first(lane) else { return Next::Idle };
        if lane == Lane::Urgent {
            let grain = self.constants.policy.checkpoint.as_nanos();
            let grain = u64::try_from(grain).unwrap_or(u64::MAX);
            let stuck = self.ledger.stuck(lane, now, grain);
            if (self.ledger.running(lane) as usize).saturating_sub(stuck) >= self.at_once() {
                return Next::Idle;
            }
        }
        let acts = matches!(self.control.mode(now), Mode::On | Mode::Freeze);
        // Half the estimate: work that is cheaper than expected may still be in time.
        let doomed = now.saturating_add(job.work / 2) > job.deadline;
        if doomed && acts && lane != Lane::Batch {
            self.end(now, job.id, Ended::Deadline, Cost { cpu: 0, ran: 0 });
            return Next::Drop(job.id, Reason::Doomed);
        }
        self.ledger.start(now, job.id);
        // Part of the time is kept for the answer.
        let margin = match lane {
            Lane::Physics => {
                let whole = job.deadline.saturating_sub(job.arrived) as f64;
                (whole * self.constants.policy.answer_reserve) as u64
            }
            Lane::Urgent | Lane::Batch => 0,
        };
        Next::Run(Assignment {
            job: job.id,
            class: job.class,
            tier: job.tier,
            deadline: Time(self.time.raw(job.deadline)),
            stop: Time(self.time.raw(job.deadline.saturating_sub(margin))),
        })
    }

    /// A job has ended. Returns why, for logs and metrics; `None` for a job
    /// that is not known (it has already ended).
    pub fn on_finish(&mut self, raw: Time, job: JobId, cost: Cost, ended: Ended) -> Option<Reason> {
        let now = self.now(raw);
        self.end(now, job, ended, cost)
    }

    /// The caller went away before the job ran. A running job is told through
    /// its cancel flag and ends with [`Controller::on_finish`]. Returns whether
    /// the job was still waiting and is gone now.
    pub fn on_cancel(&mut self, raw: Time, job: JobId) -> bool {
        let now = self.now(raw);
        let waiting =
            self.ledger.get(job).is_some_and(|job| !matches!(job.state, State::Running { .. }));
        waiting && self.end(now, job, Ended::Cancelled, Cost { cpu: 0, ran: 0 }).is_some()
    }

    #[allow(clippy::cast_precision_loss, reason = "durations of requests")]
    fn end(&mut self, now: u64, id: JobId, ended: Ended, cost: Cost) -> Option<Reason> {
        let job = self.ledger.remove(id)?;
        let ran = matches!(job.state, State::Running { .. });
        let took = now.saturating_sub(job.arrived);
        let budget = self.constants.class(job.class).map_or(u64::MAX, |class| class.budget);
        let reason = match ended {
            Ended::Done if took <= budget => Reason::Completed,
            Ended::Done => Reason::Late,
            Ended::Deadline if ran => Reason::Deadline,
            Ended::Deadline => Reason::Doomed,
            Ended::Cancelled => Reason::Cancelled,
            Ended::Panicked => Reason::Panicked,
        };
        // What was stopped has cost at least this much: worth learning only upwards.
        let censored = ended != Ended::Done;
        if ran && cost.cpu > 0 && (!censored || cost.cpu > job.work) {
            let predicted = job.work as f64 / self.fairness.bias(job.tenant);
            self.fairness.learn(job.tenant, cost.cpu as f64 / predicted.max(1.0));
            self.cost.learn(job.operation, job.tier, job.size, predicted, cost.cpu);
        }
        if ran && cost.ran > 0 && cost.cpu > 0 && self.shows_capacity(now, job.class) {
            // A processor that is throttled, stolen or held by the threads that speak HTTP
            // shows as time that passed without being ours. Long work has seen more of it.
            let policy = &self.constants.policy;
            let share = (cost.cpu as f64 / cost.ran as f64).clamp(policy.least_processor, 1.0);
            let part = cost.ran as f64 / policy.efficiency_span.as_nanos() as f64;
            self.efficiency += part.min(policy.efficiency_gain) * (share - self.efficiency);
            self.efficiency_learned = true;
        }
        if let (State::Running { since }, Lane::Physics) = (job.state, Lane::of(job.class))
            && now > since
        {
            let held = (now - since) as f64;
            let policy = &self.constants.policy;
            let part = (held / policy.pace_span.as_nanos() as f64).min(policy.pace_gain);
            self.pace += part * ((cost.cpu as f64 / held).min(1.0) - self.pace);
            self.pace_learned = true;
        }
        let good = reason == Reason::Completed;
        let class = self.class_mut(job.class);
        class.windows.advance(now);
        class.latency.advance(now);
        // A caller that went away says nothing about our promise.
        if ended != Ended::Cancelled {
            class.windows.record(&Counts {
                good: u64::from(good),
                bad: u64::from(!good),
                ..Counts::default()
            });
            class.latency.record(took);
        }
        if ended == Ended::Done
            && let Some(count) = class.delivered.get_mut(job.tier as usize)
        {
            *count += 1;
        }
        self.records.end(job.record, id, reason, took, cost.cpu);
        self.count(reason);
        Some(reason)
    }

    /// Whether work of this class shows what processors we get. What is less urgent gives way
    /// to the rest, and shows what is left by it.
    fn shows_capacity(&self, now: u64, class: Class) -> bool {
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
    pub fn stand(&mut self, mode: Mode) {
        self.control.standing = mode;
    }

    /// Whether it acts on what it decides.
    pub fn is_acting(&self) -> bool {
        matches!(self.control.mode(self.time.now()), Mode::On | Mode::Freeze)
    }

    /// An operator's override, until it expires.
    pub fn on_control(&mut self, raw: Time, control: Control) {
        let now = self.now(raw);
        let limit = self.constants.policy.override_limit;
        let wanted = std::time::Duration::from_millis(control.for_ms).min(limit);
        let span = u64::try_from(wanted.as_nanos()).unwrap_or(u64::MAX);
        self.control = Override {
            mode: control.mode,
            pin: control.pin,
            until: now.saturating_add(span),
            standing: self.control.standing,
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
        self.ledger.total()
    }

    /// Jobs of a lane waiting for a worker.
    pub fn waiting(&self, lane: Lane) -> u32 {
        self.ledger.waiting(lane)
    }

    /// Jobs of a lane a worker has.
    pub fn running(&self, lane: Lane) -> u32 {
        self.ledger.running(lane)
    }
}
