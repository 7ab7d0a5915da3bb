//! Admission: will it be in time, and if not, what instead?

use std::time::Duration;

use super::controller::Controller;
use super::cost::WARM;
use super::forecast::{Arrival, Forecast, patience};
use super::ids::OperationId;
use super::job_table::NewJob;
use super::mode::Mode;
use super::request::{Decision, Lane, Request, Verdict};
use super::time::Nanos;
use super::window::Counts;
use crate::Reason;
use svgx_base::budget::{Class, Tier, Time};
use svgx_base::random::GOLDEN;

/// The least time until a refused client is to ask again: sooner, nothing that is measured has
/// changed.
const RETRY_LEAST: Nanos = Nanos(100_000_000);
/// The part of the capacity that is promised to clients that come back. The rest is for those
/// that come for the first time, and for work that is dearer than predicted.
const PROMISED: f64 = 0.8;
/// Requests within a second from which one can be in another's way before it is read: a client
/// that waits for its answers sends fewer when they take half a budget and more.
const CROWD: u64 = 15;
/// Answers of its size from which an estimate may say that work is too large for its class.
const KNOWN: u32 = 5;

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
            due: request.attempt > 0 && self.class_mut(request.class).promises.keep(now),
        };
        let forecast = self.forecast(&arrival, self.tier_for(&arrival));
        self.record_demand(&arrival, &forecast);

        let wanted = self.choose(&arrival, forecast);
        let mode = self.control.mode(now);
        let acts = matches!(mode, Mode::On | Mode::Freeze);
        // What only watches neither refuses nor worsens; an operator's pin is no decision of ours.
        let plain = if request.strict { request.tier } else { self.pinned(&arrival) };
        let worse =
            !wanted.admit || wanted.forecast.tier != plain || wanted.reason == Reason::Oversize;
        let bypassed = !acts && !self.jobs.is_full() && worse;
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
            let reason = if self.has_batch_room() { Reason::Batch } else { Reason::QueueFull };
            return Choice { admit: reason == Reason::Batch, reason, forecast };
        }
        if self.is_stale(now) {
            return self.static_choice(&refuse, &admit, request.class);
        }
        if self.is_known(arrival) && forecast.cost.mean > patience(request).as_f64() {
            return refuse(Reason::ClientDeadline);
        }
        if self.is_oversize(arrival) {
            return self.oversize(arrival);
        }
        let idle = self.is_idle(request.class) && !self.is_crowded(request);
        if self.backstop.rejects(request.class) && !idle {
            return refuse(Reason::Backstop);
        }
        let mut choice = self.fit(arrival, forecast);
        let ordered = request.strict && self.control.pin(now).is_some();
        if !choice.admit && idle && !ordered {
            choice = self.best_effort(arrival, choice);
        }
        if choice.admit && idle && !self.fairness.floods(tenant) {
            return choice;
        }
        let refusal = if !choice.admit {
            choice.reason
        } else if !self.fairness.within(tenant, request.class as usize) {
            Reason::TenantShare
        } else if request.attempt > 0
            && !arrival.due
            && self.is_refusing(request.class)
            && !self.class_mut(request.class).retries.spend()
        {
            Reason::RetryBudget
        } else if now < self.class(request.class).closed_until {
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

    /// Whether requests queue where they are not seen: in sockets, for a good part of the
    /// budget. A client on its own that waits so long waits for other programs, and for nobody
    /// that refusing it would help.
    fn is_crowded(&self, request: &Request<'_>) -> bool {
        let budget = self.constants.class(request.class).map_or(Nanos::NEVER, |class| class.budget);
        let classes = [Class::Ui, Class::Redraw, Class::Physics];
        let arrived: u64 =
            classes.into_iter().map(|class| self.class(class).windows.fast().arrived).sum();
        Nanos(request.waited_before_arrival.saturating_mul(2)) > budget && arrived > CROWD
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

    /// Whether the estimate of a request rests on enough to hold it against the request.
    fn is_known(&self, &Arrival { request, operation, .. }: &Arrival<'_>) -> bool {
        let tier = if request.strict { request.tier } else { self.cheapest(request) };
        self.cost.predict(operation, tier, request.size).seen >= KNOWN
            || self.cost.seen(operation, Tier::Compute) >= WARM
    }

    /// The cheapest tier a request may be given.
    fn cheapest(&self, request: &Request<'_>) -> Tier {
        let tiers = self.has_tiers(request.class) && !request.strict;
        if tiers { Tier::Ui } else { request.tier }
    }

    /// Work that would be late alone on the machine and at the cheapest tier. Only what was
    /// measured may say so, or a prior, which errs on the side of too little, of what is many
    /// times the reference work.
    fn is_oversize(&self, arrival: &Arrival<'_>) -> bool {
        let &Arrival { request, operation, .. } = arrival;
        let Some(constants) = self.constants.class(request.class) else { return false };
        let far = self.constants.policy.far_beyond;
        let budget = constants.budget.as_f64() * self.usable(request.class);
        self.alone(arrival, self.cheapest(request)).as_f64() > budget
            && (self.is_known(arrival) || self.cost.is_beyond(operation, request.size, far))
    }

    /// Work that is batch by its size: behind everything that has an objective, and outside of
    /// it. What nobody should wait for on an open connection becomes a job instead.
    fn oversize(&self, arrival: &Arrival<'_>) -> Choice {
        let request = arrival.request;
        let tier = if request.strict { request.tier } else { self.pinned(arrival) };
        let mut forecast = self.forecast(arrival, tier);
        let policy = &self.constants.policy;
        let waiting = self.jobs.backlog(Lane::Batch) + self.jobs.residual(Lane::Batch, arrival.now);
        let speed = self.capacity.nominal_speed();
        // Nothing was measured: the whole prior, not the optimistic part of it.
        let unknown = self.cost.seen_at_all(arrival.operation) == 0;
        let doubt = if unknown { policy.optimism } else { 1.0 };
        forecast.ahead = waiting;
        forecast.capacity = speed;
        forecast.finish = Nanos(((waiting as f64 + forecast.cost.mean / doubt) / speed) as u64);
        forecast.limit = Nanos::from(policy.oversize_limit);
        let (admit, reason) = if !forecast.fits() {
            (false, Reason::TooLarge)
        } else if !self.has_batch_room() {
            (false, Reason::QueueFull)
        } else {
            (true, Reason::Oversize)
        };
        Choice { admit, reason, forecast }
    }

    fn has_batch_room(&self) -> bool {
        f64::from(self.jobs.waiting(Lane::Batch)) < self.constants.policy.batch_queue
    }

    /// What an idle machine does with a request that is predicted to be late: it tries. At the
    /// finest tier that would be in time were the machine ours alone, or else at the cheapest,
    /// whose answer may end with what it has at its deadline.
    fn best_effort(&self, arrival: &Arrival<'_>, refused: Choice) -> Choice {
        let &Arrival { now, request, .. } = arrival;
        let fixed = self.control.mode(now) == Mode::Freeze || self.control.pin(now).is_some();
        let mut tier = refused.forecast.tier;
        while !fixed
            && tier > self.cheapest(request)
            && self.alone(arrival, tier) > refused.forecast.limit
            && let Some(cheaper) = tier.cheaper()
        {
            tier = cheaper;
        }
        let forecast = self.forecast(arrival, tier);
        Choice { admit: true, reason: self.reason_of(arrival, tier), forecast }
    }

    /// Why work is admitted at this tier.
    fn reason_of(&self, &Arrival { now, request, .. }: &Arrival<'_>, tier: Tier) -> Reason {
        if tier == request.tier {
            Reason::Feasible
        } else if self.control.pin(now) == Some(tier) {
            Reason::Pinned
        } else if tier == self.ladder.tier() {
            Reason::Brownout
        } else {
            Reason::SessionDegraded
        }
    }

    /// Fits the request as it is, at a cheaper tier, or not at all.
    fn fit(&self, arrival: &Arrival<'_>, forecast: Forecast) -> Choice {
        let &Arrival { now, request, .. } = arrival;
        let ladder = self.control.pin(now).unwrap_or_else(|| self.ladder.tier());
        if request.strict && self.has_tiers(request.class) && ladder < request.tier {
            return Choice { admit: false, reason: Reason::StrictPrecision, forecast };
        }
        if forecast.fits() {
            let reason = self.reason_of(arrival, forecast.tier);
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

    /// Whether to let one request of an operation that is hardly known in against the model.
    fn probe(&self, now: Nanos, class: Class, operation: OperationId) -> bool {
        // A tier is scaled from its neighbours: only an operation never done is unknown.
        let cold = self.cost.seen_at_all(operation) < WARM;
        let since = self.class(class).last_probe;
        cold && now.since(since) >= self.constants.policy.probe_interval.into()
    }

    fn record_decision(
        &mut self,
        arrival: &Arrival<'_>,
        choice: Choice,
        shadowed: Option<Reason>,
    ) -> Decision {
        let &Arrival { now, raw, request, operation, tenant, .. } = arrival;
        let Choice { admit, reason, forecast } = choice;
        let class = if reason == Reason::Oversize { Class::Batch } else { request.class };
        let budget = self.constants.class(class).map_or(Nanos::NEVER, |class| class.budget);
        let arrived = now.minus(Nanos(request.waited_before_arrival));
        let deadline = arrived.plus(budget.min(patience(request))).min(Nanos::NEVER);
        let mut work = (forecast.cost.mean as u64).max(1);
        if reason == Reason::Probe || !forecast.fits() {
            // It is let in against the estimate: were it dropped from the queue on the
            // strength of that, nothing would ever be learned.
            work = work.min(forecast.limit.0 / 2);
        }
        let job = if admit {
            let record = self.records.next();
            let (tier, size) = (forecast.tier, request.size);
            self.jobs.insert(
                now,
                NewJob { class, tier, operation, tenant, size, arrived, deadline, work, record },
            )
        } else {
            None
        };
        if job.is_some() && reason != Reason::Oversize {
            self.record_admission(arrival, forecast.tier, work, reason);
        }
        let wanting = matches!(
            reason,
            Reason::PredictedLate | Reason::ClassClosed | Reason::Backstop | Reason::QueueFull
        );
        if job.is_none() && wanting {
            self.class_mut(request.class).denied.record(now, forecast.cost.mean);
        }
        if arrival.due {
            self.class_mut(request.class).promises.learn(job.is_some());
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
            waiting: self.jobs.waiting(Lane::of(class)),
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

    /// When the same request would fit, in milliseconds: once the queue is shorter by what it
    /// would be late by, and behind everybody who was told to come back before. Each is given
    /// the time its work takes, so that those who obey come one after the other and find room.
    /// At most seconds: a longer prediction is worth less than asking again.
    fn retry_after(&mut self, arrival: &Arrival<'_>, forecast: &Forecast) -> u32 {
        let &Arrival { now, request, operation, bias, .. } = arrival;
        if now < self.distrust_until {
            return 1_000;
        }
        // At the cheapest tier that was ever measured: one that was not is scaled from others.
        let tiers = [self.cheapest(request), Tier::Edit];
        let costs =
            tiers.map(|tier| self.cost.predict(operation, tier.min(request.tier), request.size));
        let known = costs.iter().find(|cost| cost.seen >= KNOWN);
        let cost = known.map_or(forecast.cost.mean, |cost| cost.mean * bias);
        let takes = Nanos((cost / (forecast.capacity * PROMISED)) as u64);
        let late = forecast.finish.since(forecast.limit).max(RETRY_LEAST);
        let longest = Nanos::from(self.constants.policy.retry_limit);
        let class = self.class_mut(request.class);
        class.promises.forget(now);
        let soonest = now.plus(late).max(class.closed_until);
        if let Some(at) = class.promises.give(soonest, takes, now.plus(longest)) {
            return (at.since(now).0 / 1_000_000) as u32;
        }
        // More are waiting than can be given a time: they must not all come back at once.
        let hash = (request.trace_id as u64 ^ now.0).wrapping_mul(GOLDEN) >> 40;
        let spread = 0.75 + 0.25 * (hash as f64 / f64::from(1u32 << 24));
        (longest.as_f64() * spread / 1e6) as u32
    }

    /// When to ask again for work that was let in and ended without an answer: once all is done
    /// that its lane holds, and was promised.
    pub fn drained_in(&self, class: Class) -> Duration {
        let (now, lane) = (self.time.now(), Lane::of(class));
        let held = self.jobs.backlog(lane) + self.jobs.residual(lane, now);
        let held = Nanos((held as f64 / self.left_for(class, now)) as u64);
        let promised = self.class(class).promises.until().since(now);
        let longest = Nanos::from(self.constants.policy.retry_limit);
        Duration::from_nanos(held.max(promised).max(RETRY_LEAST).min(longest).0)
    }
}
