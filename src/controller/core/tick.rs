//! What is decided slowly: the ladder, the trims, the shares, the backstop.

use super::brownout::{Move, Pressure};
use super::controller::Controller;
use super::load::Rate;
use super::mode::Mode;
use super::request::{Lane, Sensors};
use svgx_base::budget::{Class, Tier, Time};

/// The slow part runs ten times a second.
const SLOW: u64 = 100_000_000;

/// What a tick changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ticked {
    /// The ladder moved, from and to.
    pub moved: Option<(Tier, Tier)>,
    /// The backstop acts: the model is wrong, someone should look.
    pub backstop: bool,
}

impl Controller {
    /// To be called every 10 ms or so, with the sensors when they were read.
    pub fn tick(&mut self, raw: Time, sensors: Option<Sensors>) -> Ticked {
        let now = self.now(raw);
        self.last_tick = now;
        if let Some(Sensors { cores }) = sensors
            && cores.is_finite()
            && cores > 0.0
        {
            self.cores = cores.clamp(self.constants.policy.least_processor, 4096.0);
            self.last_sensor = now;
        }
        let mode = self.control.mode(now);
        let frozen = mode == Mode::Freeze;
        self.backstop(now);
        let mut ticked = Ticked { moved: None, backstop: self.gate < 1.0 };
        let pressure = self.pressure(now);
        let policy = &self.constants.policy;
        if mode == Mode::Off {
            // Nobody is degraded, and nobody is to read otherwise.
            self.ladder.rest();
        } else if !frozen && self.control.pin(now).is_none() && !self.is_stale(now) {
            let moved = self.ladder.tick(now, &pressure, policy);
            ticked.moved = moved.map(|Move { from, to }| (from, to));
        }
        if now.saturating_sub(self.last_slow_tick) >= SLOW {
            self.last_slow_tick = now;
            self.slow_tick(now, frozen);
        }
        ticked
    }

    /// Load at each tier over the three windows.
    pub(super) fn pressure(&mut self, now: u64) -> [Pressure; 3] {
        for class in &mut self.classes {
            for load in &mut class.offered {
                load.advance(now);
            }
        }
        let total = self.capacity();
        #[allow(clippy::cast_precision_loss, reason = "a number of workers")]
        let own = (self.workers(Lane::Physics) as f64 * self.efficiency).min(total);
        let over = |steps: u64, tier: Tier| -> Rate {
            let rate = |class: Class| {
                self.class(class)
                    .offered
                    .get(tier as usize)
                    .map_or(Rate::default(), |load| load.rate(now, steps))
            };
            let (ui, redraw, physics) =
                (rate(Class::Ui), rate(Class::Redraw), rate(Class::Physics));
            let all = Rate {
                mean: (ui.mean + redraw.mean + physics.mean) / total,
                error: libm::sqrt(
                    ui.error * ui.error
                        + redraw.error * redraw.error
                        + physics.error * physics.error,
                ) / total,
            };
            let physics = Rate { mean: physics.mean / own, error: physics.error / own };
            if physics.mean > all.mean { physics } else { all }
        };
        Tier::ALL.map(|tier| Pressure {
            fast: over(3, tier),
            middle: over(10, tier),
            slow: over(49, tier),
        })
    }

    /// Interactive work waiting past its own deadline means that prediction
    /// failed. The law is Breakwater's (Cho et al., OSDI 2020, section 4.2):
    /// multiplicative by how far past, at most a half at a time, additive back.
    #[allow(clippy::cast_precision_loss, reason = "durations of requests")]
    fn backstop(&mut self, now: u64) {
        let waited = self.ledger.first(Lane::Urgent).map_or(0.0, |job| {
            let allowed = job.deadline.saturating_sub(job.arrived).max(1);
            now.saturating_sub(job.arrived) as f64 / allowed as f64
        });
        if waited > 1.0 {
            self.gate = (self.gate * (1.0 - 0.1 * (waited - 1.0)).max(0.5)).max(0.02);
            self.gate_fired += 1;
        } else if self.gate < 1.0 {
            self.gate = (self.gate + 0.02).min(1.0);
        }
    }

    fn slow_tick(&mut self, now: u64, frozen: bool) {
        let total = self.capacity();
        let policy = self.constants.policy.clone();
        for class in [Class::Ui, Class::Redraw, Class::Physics] {
            let Some(constants) = self.constants.class(class).copied() else { continue };
            let idle = self.capacity() > 0.0
                && f64::from(self.ledger.active(Lane::Urgent)) < self.capacity().floor().max(1.0);
            let state = self.class_mut(class);
            state.windows.advance(now);
            state.latency.advance(now);
            state.retries.tick();
            let fast = *state.windows.fast();
            let enough = fast.finished() >= 40 || (fast.finished() >= 10 && fast.bad >= 3);
            if enough && !frozen {
                let bad = fast.bad_ratio();
                if bad > constants.trim_down {
                    state.trim -= policy.trim_down;
                } else if bad < constants.trim_up {
                    state.trim += policy.trim_up;
                }
            } else if !frozen && fast.bad == 0 {
                // Nothing to learn from: drift back, or a trim would outlive its cause.
                state.trim += policy.trim_up / 4.0;
            }
            // Never above 1: to promise less than the budget is caution, more a violation.
            state.trim = state.trim.clamp(policy.trim_floor, 1.0);
            // Ui is never closed: there is nothing more urgent to make room for.
            let starved = fast.arrived >= 20 && fast.admitted_ratio() < policy.close_below && !idle;
            if class != Class::Ui && starved && now >= state.closed_until {
                let span = u64::try_from(policy.close_for.as_nanos()).unwrap_or(u64::MAX);
                state.closed_until = now.saturating_add(span);
            }
        }
        if !self.efficiency_learned {
            // Without news the processors are believed to be ours again; otherwise one bad
            // measurement could refuse everything that would correct it.
            self.efficiency += 0.02 * (1.0 - self.efficiency);
        }
        self.efficiency_learned = false;
        let ui = self.class(Class::Ui).admitted.rate(now);
        let redraw = self.class(Class::Redraw).admitted.rate(now);
        if !self.pace_learned {
            // What slowed physics down is gone once urgent work leaves half of the processors.
            let gain = if ui + redraw < total / 2.0 { 0.3 } else { 0.02 };
            self.pace += gain * (1.0 - self.pace);
        }
        self.pace_learned = false;
        #[allow(clippy::cast_precision_loss, reason = "a number of workers")]
        let physics = self.workers(Lane::Physics) as f64;
        let left = |used: f64| (total - used).max(policy.least_processor);
        self.fairness.tick(now, [total, left(ui), left(ui + redraw).min(physics), total]);
    }
}
