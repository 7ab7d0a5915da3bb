//! Prediction: when would a request be finished?

use super::controller::Controller;
use super::cost::Prediction;
use super::ids::{OperationId, TenantSlot};
use super::request::{Lane, Request};
use super::time::Nanos;
use svgx_base::budget::{Class, Tier, Time};

/// A request as it came, with what is known of it before anything is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) now: Nanos,
    /// The same on the caller's clock.
    pub(super) raw: Time,
    pub(super) request: &'a Request<'a>,
    pub(super) operation: OperationId,
    pub(super) tenant: TenantSlot,
    /// How much dearer than predicted the tenant's work is.
    pub(super) bias: f64,
    /// It was refused before, and told to come back now.
    pub(super) due: bool,
}

/// What admission predicts for a request at one tier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forecast {
    pub(super) tier: Tier,
    pub(super) cost: Prediction,
    /// Predicted processor nanoseconds waiting ahead of it.
    pub(super) ahead: u64,
    pub(super) capacity: f64,
    pub(super) finish: Nanos,
    pub(super) limit: Nanos,
}

impl Forecast {
    pub(super) fn fits(&self) -> bool {
        self.finish <= self.limit
    }
}

impl Controller {
    /// Predicts when the work would be finished at a tier.
    pub(super) fn forecast(&self, arrival: &Arrival<'_>, tier: Tier) -> Forecast {
        let &Arrival { now, request, operation, bias, .. } = arrival;
        let cost = self.cost.predict(operation, tier, request.size);
        let cost = Prediction { mean: cost.mean * bias, upper: cost.upper * bias, ..cost };
        let Some(constants) = self.constants.class(request.class) else {
            let finish = Nanos(cost.upper as u64);
            return Forecast { tier, cost, ahead: 0, capacity: 1.0, finish, limit: Nanos::NEVER };
        };
        let allowed = constants.budget.min(patience(request));
        let usable = allowed.as_f64() * self.usable(request.class);
        let limit = Nanos((usable * self.class(request.class).trim) as u64);
        let outside = Nanos(request.waited_before_arrival);
        let deadline = now.plus(allowed).minus(outside);
        let lane = Lane::of(request.class);
        let workers = self.parallel(lane) as f64;
        let capacity = self.left_for(request.class, now);
        let ahead = self.jobs.ahead(lane, now, deadline) + self.jobs.residual(lane, now);
        let free =
            f64::from(self.jobs.active(lane)) < workers.min(self.capacity.total().floor().max(1.0));
        let finish = if lane == Lane::Physics {
            // Paused whenever urgent work needs its processor: it advances at the
            // rate that is left over.
            let share = self.capacity.physics_cpu_share();
            let alone = cost.upper / capacity.min(self.capacity.at_least(share));
            if free { alone } else { alone.max((ahead as f64 + cost.upper) / capacity) }
        } else {
            // Less urgent work gives way at its next checkpoint.
            let pause = if self.jobs.running(Lane::Physics) + self.jobs.running(Lane::Batch) > 0 {
                Nanos::from(self.constants.policy.checkpoint).as_f64()
            } else {
                0.0
            };
            let wait = if free { 0.0 } else { ahead as f64 / capacity };
            // One piece of work runs on one processor, and on less than one when the
            // machine gives us less.
            pause + wait + cost.upper / self.capacity.thread_speed()
        };
        let finish = Nanos(finish as u64).plus(outside);
        Forecast { tier, cost, ahead, capacity, finish, limit }
    }

    /// Processors left for a class by what goes before it.
    pub(super) fn left_for(&self, class: Class, now: Nanos) -> f64 {
        let lane = Lane::of(class);
        let workers = self.parallel(lane) as f64;
        let above: f64 = match class {
            Class::Ui | Class::Batch => 0.0,
            Class::Redraw => self.used_by(Class::Ui, now),
            Class::Physics => self.used_by(Class::Ui, now) + self.used_by(Class::Redraw, now),
        };
        let mut capacity = (self.capacity.total() - above).min(workers);
        if lane == Lane::Physics {
            // What is left over is the difference of two large numbers; what it got is known.
            capacity = capacity.min(self.capacity.physics_cpu_share() * workers);
        }
        self.capacity.at_least(capacity)
    }

    /// Processors a class takes: what it took lately, and no less than over the
    /// last second, or a lull of a few milliseconds would let in what cannot end;
    /// and what it was denied, for nothing less urgent goes before it.
    fn used_by(&self, class: Class, now: Nanos) -> f64 {
        let state = self.class(class);
        let used = state.admitted.rate(now).max(state.windows.fast().accepted as f64 / 1e9);
        used + state.denied.rate(now)
    }

    /// The time work takes at a tier when nothing else is there: neither a queue, nor what
    /// is believed to be taken by other work or other programs.
    pub(super) fn alone(&self, arrival: &Arrival<'_>, tier: Tier) -> Nanos {
        let &Arrival { request, operation, bias, .. } = arrival;
        let cost = self.cost.predict(operation, tier, request.size);
        Nanos((cost.upper * bias / self.capacity.nominal_speed()) as u64)
    }

    /// The part of a budget in which work can be done: physics stops a while before its
    /// deadline, to write and send what it has.
    pub(super) fn usable(&self, class: Class) -> f64 {
        match Lane::of(class) {
            Lane::Physics => 1.0 - self.constants.policy.answer_reserve,
            Lane::Urgent | Lane::Batch => 1.0,
        }
    }

    /// Pieces of work of a lane that may run at once.
    pub(super) fn parallel(&self, lane: Lane) -> usize {
        self.capacity.workers(lane).min(self.capacity.processors())
    }

    /// Whether a worker and a processor wait for work of this class: nothing that runs or is
    /// queued would be delayed by a request, and whatever is believed of it, refusing it would
    /// serve nobody.
    pub(super) fn is_idle(&self, class: Class) -> bool {
        let lane = Lane::of(class);
        let urgent = self.jobs.active(Lane::Urgent) as usize;
        let free = match lane {
            Lane::Urgent => urgent < self.capacity.processors(),
            // Less urgent work gets no processor that other programs have taken.
            Lane::Physics | Lane::Batch => {
                let busy = urgent + self.jobs.active(Lane::Physics) as usize;
                busy < self.capacity.processors_left()
            }
        };
        free && (self.jobs.active(lane) as usize) < self.parallel(lane)
    }
}

/// How long the caller still waits.
pub(super) fn patience(request: &Request<'_>) -> Nanos {
    request.patience.map_or(Nanos(u64::MAX), Nanos)
}
