//! Admission: will it be in time, and if not, what instead?

use super::controller::Controller;
use super::cost::{Prediction, WARM};
use super::ids::{OperationId, TenantSlot};
use super::job_table::NewJob;
use super::mode::Mode;
use super::request::{Decision, Lane, Request, Verdict};
use super::time::Nanos;
use super::window::Counts;
use crate::Reason;
use svgx_base::budget::{Class, Tier, Time};
use svgx_base::random::GOLDEN;

/// A request as it came, with what is known of it before anything is decided.
#[derive(Clone, Copy, Debug)]
struct Arrival<'a> {
    now: Nanos,
    /// The same on the caller's clock.
    raw: Time,
    request: &'a Request<'a>,
    operation: OperationId,
    tenant: TenantSlot,
    /// How much dearer than predicted the tenant's work is.
    bias: f64,
}

/// What admission predicts for a request at one tier.
#[derive(Clone, Copy, Debug)]
struct Forecast {
    tier: Tier,
    cost: Prediction,
    /// Predicted processor nanoseconds waiting ahead of it.
    ahead: u64,
    capacity: f64,
    finish: Nanos,
    limit: Nanos,
}

impl Forecast {
    fn fits(&self) -> bool {
        self.finish <= self.limit
    }
}

/// What was decided, before it is recorded.
#[derive(Clone, Copy, Debug)]
struct Choice {
    admit: bool,
    reason: Reason,
    forecast: Forecast,
}

impl Controller {
    /// Decides a request. Admitted work has its place in the queue at once; a
    /// worker finds it by [`Controller::next`] after [`Controller::on_ready`].
    pub fn on_arrival(&mut self, raw: Time, request: &Request<'_>) -> Decision {
        let now = self.now(raw);
        let tenant = self.fairness.slot(request.tenant);
        let arrival = Arrival {
            now,
            raw,
            request,
            operation: self.cost.operation(request.class, request.operation),
            tenant,
            bias: self.fairness.bias(tenant),
        };
        let forecast = self.forecast(&arrival, self.tier_for(&arrival));
        self.record_demand(&arrival, &forecast);

        let wanted = self.choose(&arrival, forecast);
        let mode = self.control.mode(now);
        let acts = matches!(mode, Mode::On | Mode::Freeze);
        // What only watches neither refuses nor worsens; an operator's pin is no decision of ours.
        let plain = if request.strict { request.tier } else { self.pinned(&arrival) };
        let bypassed =
            !acts && !self.jobs.is_full() && (!wanted.admit || wanted.forecast.tier != plain);
        let choice = if bypassed {
            let forecast = self.forecast(&arrival, plain);
            Choice { admit: true, reason: Reason::Off, forecast }
        } else {
            wanted
        };
        let shadowed = (bypassed && mode == Mode::Shadow).then_some(wanted.reason);
        self.record_decision(&arrival, choice, shadowed)
    }

    /// The tier the ladder, an operator or the session's own past allow.
    fn tier_for(&self, &Arrival { now, request, .. }: &Arrival<'_>) -> Tier {
        if request.strict || !self.has_tiers(request.class) {
            return request.tier;
        }
        let ladder = self.control.pin(now).unwrap_or_else(|| self.ladder.tier());
        let held = self.sessions.tier(now, request.session).unwrap_or(Tier::Compute);
        request.tier.min(ladder).min(held)
    }

    /// The tier asked for, or a coarser one that an operator pinned.
    fn pinned(&self, &Arrival { now, request, .. }: &Arrival<'_>) -> Tier {
        let pin = self.control.pin(now).filter(|_| self.has_tiers(request.class));
        pin.map_or(request.tier, |pin| request.tier.min(pin))
    }

    fn has_tiers(&self, class: Class) -> bool {
        self.constants
            .class(class)
            .is_some_and(|class| matches!(class.tier_cost, [ui, _, compute] if ui < compute))
    }

    /// Predicts when the work would be finished at a tier.
    fn forecast(&self, arrival: &Arrival<'_>, tier: Tier) -> Forecast {
        let &Arrival { now, request, operation, bias, .. } = arrival;
        let cost = self.cost.predict(operation, tier, request.size);
        let cost = Prediction { mean: cost.mean * bias, upper: cost.upper * bias, ..cost };
        let Some(constants) = self.constants.class(request.class) else {
            let finish = Nanos(cost.upper as u64);
            return Forecast { tier, cost, ahead: 0, capacity: 1.0, finish, limit: Nanos::NEVER };
        };
        let allowed = constants.budget.min(patience(request));
        let limit = Nanos((allowed.as_f64() * self.class(request.class).trim) as u64);
        let outside = Nanos(request.waited_before_arrival);
        let deadline = now.plus(allowed).minus(outside);
        let total = self.capacity.total();
        let lane = Lane::of(request.class);
        let workers = self.parallel(lane) as f64;
        let above: f64 = match request.class {
            Class::Ui | Class::Batch => 0.0,
            Class::Redraw => self.used_by(Class::Ui, now),
            Class::Physics => self.used_by(Class::Ui, now) + self.used_by(Class::Redraw, now),
        };
        let mut capacity = (total - above).min(workers);
        let share = self.capacity.physics_cpu_share();
        if lane == Lane::Physics {
            // What is left over is the difference of two large numbers; what it got is known.
            capacity = capacity.min(share * workers);
        }
        let capacity = self.capacity.at_least(capacity);
        let ahead = self.jobs.ahead(lane, now, deadline) + self.jobs.residual(lane, now);
        let free = f64::from(self.jobs.active(lane)) < workers.min(total.floor().max(1.0));
        let finish = if lane == Lane::Physics {
            // Paused whenever urgent work needs its processor: it advances at the
            // rate that is left over.
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

    /// Processors a class takes: what it took lately, and no less than over the
    /// last second, or a lull of a few milliseconds would let in what cannot end;
    /// and what it was denied, for nothing less urgent goes before it.
    fn used_by(&self, class: Class, now: Nanos) -> f64 {
        let state = self.class(class);
        let used = state.admitted.rate(now).max(state.windows.fast().accepted as f64 / 1e9);
        used + state.denied.rate(now)
    }

    /// Records that the work was asked for, admitted or not.
    fn record_demand(&mut self, arrival: &Arrival<'_>, forecast: &Forecast) {
        let &Arrival { now, request, operation, tenant, bias, .. } = arrival;
        let work = forecast.cost.mean;
        let costs = if self.has_tiers(request.class) {
            let at = |tier: Tier| self.cost.predict(operation, tier, request.size).mean * bias;
            // Nobody asking for less than compute is made dearer by the ladder.
            Tier::ALL.map(|tier| at(tier.min(request.tier)))
        } else {
            [work; 3]
        };
        let class = self.class_mut(request.class);
        class.windows.advance(now);
        class.windows.record(&Counts { arrived: 1, offered: work as u64, ..Counts::default() });
        for (load, cost) in class.offered.iter_mut().zip(costs) {
            load.advance(now);
            load.record(cost);
        }
        self.fairness.offered(tenant, request.class as usize, work / 1e9);
    }

    fn choose(&mut self, arrival: &Arrival<'_>, forecast: Forecast) -> Choice {
        let &Arrival { now, request, operation, tenant, .. } = arrival;
        let refuse = |reason| Choice { admit: false, reason, forecast };
        let admit = |reason| Choice { admit: true, reason, forecast };
        if self.jobs.is_full() {
            return refuse(Reason::QueueFull);
        }
        if request.class == Class::Batch {
            let room =
                f64::from(self.jobs.waiting(Lane::Batch)) < self.constants.policy.batch_queue;
            return if room { admit(Reason::Batch) } else { refuse(Reason::QueueFull) };
        }
        if self.is_stale(now) {
            return self.static_choice(&refuse, &admit, request.class);
        }
        if let Some(reason) = self.never_fits(arrival, &forecast) {
            return refuse(reason);
        }
        if self.backstop.rejects(request.class) {
            return refuse(Reason::Backstop);
        }
        let choice = self.fit(arrival, forecast);
        let class = request.class as usize;
        let refusal = if !choice.admit {
            choice.reason
        } else if !self.fairness.within(tenant, class) {
            Reason::TenantShare
        } else if request.attempt > 0
            && self.is_refusing(request.class)
            && !self.class_mut(request.class).retries.spend()
        {
            Reason::RetryBudget
        } else if now < self.class(request.class).closed_until && !self.is_idle(request.class) {
            Reason::ClassClosed
        } else {
            return choice;
        };
        // A probe may pass a model that is wrong, never a share that is used up.
        let model =
            !matches!(refusal, Reason::TenantShare | Reason::RetryBudget | Reason::StrictPrecision);
        if model && self.probe(now, request.class, operation) {
            return Choice { admit: true, reason: Reason::Probe, ..choice };
        }
        Choice { admit: false, reason: refusal, ..choice }
    }

    /// Fixed limits, for when nothing measured can be trusted.
    fn static_choice(
        &self,
        refuse: &dyn Fn(Reason) -> Choice,
        admit: &dyn Fn(Reason) -> Choice,
        class: Class,
    ) -> Choice {
        let lane = Lane::of(class);
        let limit = self.constants.policy.static_limit * self.parallel(lane) as f64;
        if f64::from(self.jobs.active(lane)) < limit {
            admit(Reason::StaticAdmit)
        } else {
            refuse(Reason::StaticLimit)
        }
    }

    /// Work that would be late on an idle machine.
    fn never_fits(&self, arrival: &Arrival<'_>, forecast: &Forecast) -> Option<Reason> {
        let &Arrival { request, operation, bias, .. } = arrival;
        let budget = self.constants.class(request.class)?.budget.as_f64();
        if forecast.cost.upper <= budget && request.patience.is_none() {
            return None;
        }
        let cheapest = if request.strict || !self.has_tiers(request.class) {
            forecast.cost
        } else {
            self.cost.predict(operation, Tier::Ui, request.size)
        };
        let least = cheapest.mean * bias;
        // Only what was measured may send work away for good; what is many times the reference
        // work goes to the batch queue by its prior too, which errs on the side of too little.
        let known = cheapest.seen >= 5 || self.cost.seen(operation, Tier::Compute) >= WARM;
        let far = self.constants.policy.far_beyond;
        if least > budget && (known || self.cost.is_beyond(operation, request.size, far)) {
            return Some(Reason::TooLarge);
        }
        (known && request.patience.is_some_and(|patience| least > patience as f64))
            .then_some(Reason::ClientDeadline)
    }

    /// Fits the request as it is, at a cheaper tier, or not at all.
    fn fit(&self, arrival: &Arrival<'_>, forecast: Forecast) -> Choice {
        let &Arrival { now, request, .. } = arrival;
        let ladder = self.control.pin(now).unwrap_or_else(|| self.ladder.tier());
        if request.strict && self.has_tiers(request.class) && ladder < request.tier {
            return Choice { admit: false, reason: Reason::StrictPrecision, forecast };
        }
        if forecast.fits() {
            let reason = if forecast.tier == request.tier {
                Reason::Feasible
            } else if self.control.pin(now) == Some(forecast.tier) {
                Reason::Pinned
            } else if forecast.tier == ladder {
                Reason::Brownout
            } else {
                Reason::SessionDegraded
            };
            return Choice { admit: true, reason, forecast };
        }
        let budget = self.constants.class(request.class).map_or(Nanos::NEVER, |class| class.budget);
        let late = if forecast.finish > patience(request) && forecast.finish <= budget {
            Reason::ClientDeadline
        } else {
            Reason::PredictedLate
        };
        let mut tier = forecast.tier;
        let frozen = self.control.mode(now) == Mode::Freeze || self.control.pin(now).is_some();
        while self.has_tiers(request.class)
            && !frozen
            && let Some(cheaper) = tier.cheaper()
        {
            tier = cheaper;
            let other = self.forecast(arrival, tier);
            if other.fits() {
                if request.strict {
                    return Choice { admit: false, reason: Reason::StrictPrecision, forecast };
                }
                return Choice { admit: true, reason: Reason::SessionDegraded, forecast: other };
            }
        }
        Choice { admit: false, reason: late, forecast }
    }

    /// Whether the class turned something away within the last second.
    fn is_refusing(&self, class: Class) -> bool {
        let fast = self.class(class).windows.fast();
        fast.admitted + 1 < fast.arrived
    }

    /// Pieces of work of a lane that may run at once.
    fn parallel(&self, lane: Lane) -> usize {
        self.capacity.workers(lane).min(self.capacity.processors())
    }

    /// Whether a worker and a processor wait for work of this class.
    fn is_idle(&self, class: Class) -> bool {
        let lane = Lane::of(class);
        let busy = self.jobs.active(Lane::Urgent)
            + if lane == Lane::Urgent { 0 } else { self.jobs.active(Lane::Physics) };
        f64::from(busy) < self.capacity.total().floor().max(1.0)
            && (self.jobs.active(lane) as usize) < self.parallel(lane)
    }

    /// Whether to let one request in against the model. While the model knows
    /// little, every tenth of a second; later only when a processor is idle
    /// and the class has been silent.
    fn probe(&self, now: Nanos, class: Class, operation: OperationId) -> bool {
        let policy = &self.constants.policy;
        let state = self.class(class);
        // A tier is scaled from its neighbours: only an operation never done is unknown.
        let cold = self.cost.seen_at_all(operation) < WARM;
        let (interval, since) = if cold {
            (policy.probe_cold, state.last_probe)
        } else {
            (policy.probe_warm, state.last_probe.max(state.last_admitted))
        };
        let due = now.since(since) >= interval.into();
        due && (cold || self.is_idle(class))
    }

    fn record_decision(
        &mut self,
        arrival: &Arrival<'_>,
        choice: Choice,
        shadowed: Option<Reason>,
    ) -> Decision {
        let &Arrival { now, raw, request, operation, tenant, .. } = arrival;
        let Choice { admit, reason, forecast } = choice;
        let budget = self.constants.class(request.class).map(|class| class.budget);
        let arrived = now.minus(Nanos(request.waited_before_arrival));
        let deadline =
            budget.map_or(Nanos::NEVER, |budget| arrived.plus(budget.min(patience(request))));
        let mut work = (forecast.cost.mean as u64).max(1);
        if reason == Reason::Probe {
            // The estimate is what the probe is to test: were the probe dropped from the
            // queue on the strength of it, nothing would ever be learned.
            work = work.min(forecast.limit.0 / 2);
        }
        let job = if admit {
            let record = self.records.next();
            let (class, tier, size) = (request.class, forecast.tier, request.size);
            self.jobs.insert(
                now,
                NewJob { class, tier, operation, tenant, size, arrived, deadline, work, record },
            )
        } else {
            None
        };
        if job.is_some() {
            self.record_admission(arrival, forecast.tier, work, reason);
        }
        let wanting = matches!(
            reason,
            Reason::PredictedLate | Reason::ClassClosed | Reason::Backstop | Reason::QueueFull
        );
        if job.is_none() && wanting {
            self.class_mut(request.class).denied.record(now, forecast.cost.mean);
        }
        let verdict = match (job.is_some(), reason) {
            (true, _) if forecast.tier < request.tier => Verdict::Degrade,
            (true, _) => Verdict::Admit,
            (false, Reason::TooLarge) => Verdict::Defer,
            (false, _) => Verdict::Shed,
        };
        let retry_after_ms = if job.is_some() || !reason.is_transient() {
            0
        } else {
            self.retry_after(arrival, &forecast)
        };
        let decision = Decision {
            at: raw,
            trace_id: request.trace_id,
            job,
            class: request.class,
            operation,
            verdict,
            reason,
            shadowed,
            tier: forecast.tier,
            asked: request.tier,
            cost: forecast.cost.upper as u64,
            ahead: forecast.ahead,
            capacity: forecast.capacity as f32,
            waited_before_arrival: request.waited_before_arrival,
            finish: forecast.finish.0,
            limit: forecast.limit.0,
            trim: self.class(request.class).trim as f32,
            waiting: self.jobs.waiting(Lane::of(request.class)),
            deadline: self.time.raw(deadline),
            retry_after_ms,
        };
        self.count(reason);
        self.records.push(decision);
        decision
    }

    fn record_admission(&mut self, arrival: &Arrival<'_>, tier: Tier, work: u64, reason: Reason) {
        let &Arrival { now, request, tenant, .. } = arrival;
        let ns = work as f64;
        self.fairness.charge(tenant, request.class as usize, ns / 1e9);
        let ratio = self.constants.policy.retry_budget;
        let class = self.class_mut(request.class);
        class.admitted.record(now, ns);
        class.windows.record(&Counts { admitted: 1, accepted: work, ..Counts::default() });
        class.last_admitted = now;
        if reason == Reason::Probe {
            class.last_probe = now;
        }
        if request.attempt == 0 {
            class.retries.earn(ratio);
        }
        if tier < request.tier {
            let until = now.plus(self.ladder.dwell());
            let alone = reason == Reason::SessionDegraded;
            self.sessions.hold(now, request.session, tier, until, alone);
        }
    }

    /// Until what waits, and what was refused within the last second and will
    /// come back, is worked off; spread by a quarter each way so that it does
    /// not all come back at once.
    fn retry_after(&self, arrival: &Arrival<'_>, forecast: &Forecast) -> u32 {
        let &Arrival { now, request, .. } = arrival;
        if now < self.distrust_until {
            return 1_000;
        }
        let fast = self.class(request.class).windows.fast();
        let refused = fast.offered.saturating_sub(fast.accepted);
        let drain = (self.jobs.backlog(Lane::of(request.class)) + refused) as f64 / 1e6;
        let ms = (drain / self.capacity.at_least(forecast.capacity)).clamp(100.0, 60_000.0);
        let hash = (request.trace_id as u64 ^ now.0).wrapping_mul(GOLDEN) >> 40;
        let spread = 0.75 + 0.5 * (hash as f64 / f64::from(1u32 << 24));
        (ms * spread) as u32
    }
}

/// How long the caller still waits.
fn patience(request: &Request<'_>) -> Nanos {
    request.patience.map_or(Nanos(u64::MAX), Nanos)
}
