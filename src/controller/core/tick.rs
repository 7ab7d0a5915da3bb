//! What is decided slowly: the ladder, the trims, the shares, the backstop.

use super::brownout::{Move, Pressure};
use super::controller::Controller;
use super::load::Rate;
use super::mode::Mode;
use super::request::{Lane, Sensors};
use super::time::Nanos;
use super::window::Counts;
use svgx_base::budget::{Class, Tier, Time};

/// The slow part runs ten times a second: as often as the windows move on.
const SLOW: Nanos = Nanos(100_000_000);

// Not policy: how much must be known before a share means something.
/// Finished requests from which a share of bad ones near 0.05 is known within a few hundredths.
const ENOUGH: u64 = 40;
/// With three bad ones fewer do: where one in twenty is bad, three among ten come by chance
/// once in ninety times.
const ENOUGH_OF_BAD: (u64, u64) = (10, 3);
/// Arrivals from which a share of admitted ones near 0.05 means that a class serves the unlucky.
const ENOUGH_TO_CLOSE: u64 = 20;
/// Without news a trim goes back at this part of its step up.
const DRIFT: f64 = 0.25;

/// Full steps of a tenth of a second before the running one, in the three windows of the ladder:
/// 0.3 s, 1 s and 5 s. Not policy: the last is all that [`super::load::Load`] keeps, the first
/// the shortest that holds several requests of a second's worth each.
const WINDOWS: [u64; 3] = [3, 10, 49];

/// What a tick changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TickOutcome {
    /// The ladder moved, from and to.
    pub moved: Option<(Tier, Tier)>,
    /// The backstop acts: the model is wrong, someone should look.
    pub backstop: bool,
}

impl Controller {
    /// To be called every 10 ms or so, with the sensors when they were read.
    pub fn tick(&mut self, raw: Time, sensors: Option<Sensors>) -> TickOutcome {
        let now = self.now(raw);
        self.last_tick = now;
        if let Some(Sensors { cores }) = sensors
            && self.capacity.sense(cores)
        {
            self.last_sensor = now;
        }
        let mode = self.control.mode(now);
        let frozen = mode == Mode::Freeze;
        let waited = self.longest_wait(now);
        self.backstop.tick(waited);
        let mut outcome = TickOutcome { moved: None, backstop: self.backstop.is_active() };
        let pressure = self.pressure(now);
        let policy = &self.constants.policy;
        if mode == Mode::Off {
            // Nobody is degraded, so the status must not show a cheaper tier.
            self.ladder.rest();
        } else if !frozen && self.control.pin(now).is_none() && !self.is_stale(now) {
            let moved = self.ladder.tick(now, &pressure, policy);
            outcome.moved = moved.map(|Move { from, to }| (from, to));
        }
        if now.since(self.last_slow_tick) >= SLOW {
            self.last_slow_tick = now;
            self.slow_tick(now, frozen);
        }
        outcome
    }

    /// Load at each tier over the three windows.
    pub(super) fn pressure(&mut self, now: Nanos) -> [Pressure; 3] {
        for class in &mut self.classes {
            for load in &mut class.offered {
                load.advance(now);
            }
        }
        let total = self.capacity.total();
        let own = self.capacity.physics_limit();
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
        let [fast, middle, slow] = WINDOWS;
        Tier::ALL.map(|tier| Pressure {
            fast: over(fast, tier),
            middle: over(middle, tier),
            slow: over(slow, tier),
        })
    }

    /// The longest wait of urgent work, in multiples of what it was allowed.
    fn longest_wait(&mut self, now: Nanos) -> f64 {
        self.jobs.first(Lane::Urgent).map_or(0.0, |job| {
            let allowed = job.deadline.since(job.arrived).max(Nanos(1));
            now.since(job.arrived).as_f64() / allowed.as_f64()
        })
    }

    fn slow_tick(&mut self, now: Nanos, frozen: bool) {
        for class in [Class::Ui, Class::Redraw, Class::Physics] {
            self.slow_tick_of(now, class, frozen);
        }
        let total = self.capacity.total();
        let ui = self.class(Class::Ui).admitted.rate(now);
        let redraw = self.class(Class::Redraw).admitted.rate(now);
        let physics = self.capacity.workers(Lane::Physics) as f64;
        let left =
            [total, self.capacity.left(ui), self.capacity.left(ui + redraw).min(physics), total];
        self.capacity.tick(ui + redraw);
        self.fairness.tick(now, left);
    }

    fn slow_tick_of(&mut self, now: Nanos, class: Class, frozen: bool) {
        let Some(constants) = self.constants.class(class).copied() else { return };
        let policy = &self.constants.policy;
        let total = self.capacity.total();
        let idle = f64::from(self.jobs.active(Lane::Urgent)) < total.floor().max(1.0);
        let (floor, down, up) = (policy.trim_floor, policy.trim_down, policy.trim_up);
        let (close_below, close_for) = (policy.close_below, policy.close_for);
        let state = self.class_mut(class);
        state.windows.advance(now);
        state.latency.advance(now);
        state.retries.tick();
        let fast = *state.windows.fast();
        if is_enough(&fast) && !frozen {
            let bad = fast.bad_ratio();
            if bad > constants.trim_down {
                state.trim -= down;
            } else if bad < constants.trim_up {
                state.trim += up;
            }
        } else if !frozen && fast.bad == 0 {
            // Nothing to learn from: drift back, or a trim would outlive its cause.
            state.trim += DRIFT * up;
        }
        // Never above 1: to promise less than the budget is caution, more a violation.
        state.trim = state.trim.clamp(floor, 1.0);
        // Ui is never closed: there is nothing more urgent to make room for.
        let starved =
            fast.arrived >= ENOUGH_TO_CLOSE && fast.admitted_ratio() < close_below && !idle;
        if class != Class::Ui && starved && now >= state.closed_until {
            state.closed_until = now.plus(close_for.into());
        }
    }
}

/// Whether a share of bad answers can be told from chance.
fn is_enough(counts: &Counts) -> bool {
    let (finished, bad) = ENOUGH_OF_BAD;
    counts.finished() >= ENOUGH || (counts.finished() >= finished && counts.bad >= bad)
}
