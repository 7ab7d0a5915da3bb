//! The state of the controller, for people and for `GET /slo`.

use serde::Serialize;

use super::controller::Controller;
use super::record::Record;
use super::request::{Decision, Lane};
use super::window::WINDOW_NAMES;
use super::{Mode, Verdict};
use crate::Reason;
use svgx_base::budget::Class;

/// Everything about now.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ControllerStatus"))]
pub struct Status {
    /// How the controller acts.
    pub mode: Mode,
    /// The tier an operator pinned.
    pub pinned: Option<&'static str>,
    /// Milliseconds until the override ends; 0 without one.
    pub override_ends_ms: u64,
    /// Processors by the sensor.
    pub cores: f64,
    /// Processors our work really gets.
    pub capacity: f64,
    /// Sensors or clock are not believed: fixed limits hold.
    pub stale: bool,
    /// Age of the last sensor reading in milliseconds.
    pub sensor_age_ms: u64,
    /// How often the clock jumped.
    pub clock_jumps: u64,
    /// The tier of the ladder.
    pub tier: &'static str,
    /// Moves of the ladder since the start.
    pub tier_moves: u64,
    /// Sessions degraded one by one since the start.
    pub sessions_degraded: u64,
    /// Share of requests the backstop lets in; 1 unless the model is wrong.
    pub backstop: f64,
    /// Ticks at which the backstop acted.
    pub backstop_fired: u64,
    /// Mean of |log2(measured / predicted cost)|.
    pub cost_error: f64,
    /// One entry per class with an objective.
    pub classes: Vec<ClassStatus>,
    /// The queues.
    pub lanes: Vec<LaneStatus>,
    /// Decisions and endings since the start.
    pub reasons: Vec<(Reason, u64)>,
}

/// One class.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClassStatus {
    /// Its name.
    pub class: &'static str,
    /// The budget in milliseconds.
    pub budget_ms: f64,
    /// Share of answers that may be outside the budget.
    pub allowed: f64,
    /// P95 of the last six to twelve seconds, in milliseconds.
    pub p95_ms: Option<f64>,
    /// The factor on the budget learned from misses.
    pub trim: f64,
    /// Closed because it admitted almost nothing.
    pub closed: bool,
    /// Processors that were asked for in the last second.
    pub offered: f64,
    /// Processors one tenant may use; absent without contention.
    pub tenant_level: Option<f64>,
    /// Tenants that asked for something lately.
    pub tenants: u32,
    /// Answers by tier since the start: ui, edit, compute.
    pub delivered: [u64; 3],
    /// The four windows, shortest first.
    pub windows: Vec<WindowStatus>,
}

/// One window of one class.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WindowStatus {
    /// Its length.
    pub window: &'static str,
    /// Requests that came.
    pub arrived: u64,
    /// Share let in.
    pub admitted_ratio: f64,
    /// Share of answers outside the budget.
    pub bad_ratio: f64,
    /// Multiples of the rate that spends the error budget exactly.
    pub burn_rate: f64,
    /// Share of the error budget of this window that is left; negative when overspent.
    pub budget_left: f64,
}

/// One queue.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LaneStatus {
    /// Its name.
    pub lane: &'static str,
    /// Jobs waiting.
    pub waiting: u32,
    /// Jobs running.
    pub running: u32,
    /// Workers.
    pub workers: u32,
    /// Predicted processor milliseconds waiting.
    pub backlog_ms: f64,
}

/// A decision and what became of it, with names for people.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DecisionView {
    /// The trace, 32 hexadecimal digits.
    pub trace_id: String,
    /// Milliseconds on the service's clock.
    pub at_ms: f64,
    /// The class.
    pub class: &'static str,
    /// The operation.
    pub operation: String,
    /// What was done.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// What would have been done, had the controller acted.
    pub shadowed: Option<Reason>,
    /// The tier worked at.
    pub tier: &'static str,
    /// The tier asked for.
    pub asked: &'static str,
    /// Predicted processor time, upper estimate.
    pub cost_ms: f64,
    /// Predicted processor time waiting ahead.
    pub ahead_ms: f64,
    /// Processors the class could count on.
    pub capacity: f32,
    /// Time outside of the pool: in its socket, and until the answer is written.
    pub waited_before_arrival_ms: f64,
    /// Predicted time until finished, the time outside of the pool included.
    pub finish_ms: f64,
    /// Time it was allowed.
    pub limit_ms: f64,
    /// The factor learned from misses.
    pub trim: f32,
    /// Jobs waiting.
    pub waiting: u32,
    /// When to ask again.
    pub retry_after_ms: u32,
    /// How it ended.
    pub ended: Option<Reason>,
    /// From arrival to end.
    pub took_ms: Option<f64>,
    /// Processor time used.
    pub cpu_ms: Option<f64>,
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

impl Controller {
    /// Everything about now.
    pub fn status(&self) -> Status {
        let now = self.time.now();
        let class = |class: Class| {
            let state = self.class(class);
            let constants = self.constants.class(class)?;
            let level = self.fairness.level(class as usize);
            let windows = WINDOW_NAMES.into_iter().zip(state.windows.totals());
            Some(ClassStatus {
                class: class.as_str(),
                budget_ms: ms(constants.budget.0),
                allowed: constants.allowed,
                p95_ms: state.latency.quantile(1.0 - constants.allowed).map(ms),
                trim: state.trim,
                closed: now < state.closed_until,
                offered: state.windows.fast().offered as f64 / 1e9,
                tenant_level: level.is_finite().then_some(level),
                tenants: self.fairness.active(class as usize),
                delivered: state.delivered,
                windows: windows
                    .map(|(window, counts)| {
                        let burn_rate = counts.bad_ratio() / constants.allowed;
                        WindowStatus {
                            window,
                            arrived: counts.arrived,
                            admitted_ratio: counts.admitted_ratio(),
                            bad_ratio: counts.bad_ratio(),
                            burn_rate,
                            budget_left: 1.0 - burn_rate,
                        }
                    })
                    .collect(),
            })
        };
        let lane = |(lane, name): (Lane, &'static str)| LaneStatus {
            lane: name,
            waiting: self.jobs.waiting(lane),
            running: self.jobs.running(lane),
            workers: u32::try_from(self.workers(lane)).unwrap_or(u32::MAX),
            backlog_ms: ms(self.jobs.backlog(lane)),
        };
        Status {
            mode: self.control.mode(now),
            pinned: self.control.pin(now).map(svgx_base::budget::Tier::as_str),
            override_ends_ms: self.control.until.since(now).0 / 1_000_000,
            cores: self.capacity.cores(),
            capacity: self.capacity.total(),
            stale: self.is_stale(now),
            sensor_age_ms: now.since(self.last_sensor).0 / 1_000_000,
            clock_jumps: self.time.jumps(),
            tier: self.ladder.tier().as_str(),
            tier_moves: self.ladder.moves(),
            sessions_degraded: self.sessions.degraded(),
            backstop: self.backstop.share(),
            backstop_fired: self.backstop.fired(),
            cost_error: self.cost.mean_error(),
            classes: [Class::Ui, Class::Redraw, Class::Physics]
                .into_iter()
                .filter_map(class)
                .collect(),
            lanes: Lane::ALL.into_iter().zip(["urgent", "physics", "batch"]).map(lane).collect(),
            reasons: self.reasons().into_iter().filter(|(_, n)| *n > 0).collect(),
        }
    }

    /// Decisions of a trace, newest first; every kept decision without one.
    pub fn decisions(&self, trace_id: Option<u128>, most: usize) -> Vec<DecisionView> {
        self.records
            .iter()
            .filter(|record| trace_id.is_none_or(|id| record.decision.trace_id == id))
            .take(most)
            .map(|record| self.view(record))
            .collect()
    }

    /// A record with names for people.
    pub fn view(&self, record: &Record) -> DecisionView {
        let Record { decision, ended, took, cpu } = record;
        let Decision { class, tier, asked, .. } = decision;
        DecisionView {
            trace_id: format!("{:032x}", decision.trace_id),
            at_ms: ms(decision.at.0),
            class: class.as_str(),
            operation: self.cost.name(decision.operation).to_owned(),
            verdict: decision.verdict,
            reason: decision.reason,
            shadowed: decision.shadowed,
            tier: tier.as_str(),
            asked: asked.as_str(),
            cost_ms: ms(decision.cost),
            ahead_ms: ms(decision.ahead),
            capacity: decision.capacity,
            waited_before_arrival_ms: ms(decision.waited_before_arrival),
            finish_ms: ms(decision.finish),
            limit_ms: ms(decision.limit),
            trim: decision.trim,
            waiting: decision.waiting,
            retry_after_ms: decision.retry_after_ms,
            ended: *ended,
            took_ms: ended.map(|_| ms(*took)),
            cpu_ms: ended.map(|_| ms(*cpu)),
        }
    }
}
