//! Admission: will it be in time, and if not, what instead?

use super::controller::{Controller, Held};
use super::cost::{Prediction, WARM};
use super::ledger::NewJob;
use super::mode::Mode;
use super::request::{Decision, Lane, Request, Verdict};
use super::window::Counts;
use crate::Reason;
use svgx_base::budget::{Class, Tier, Time};
use svgx_base::random::GOLDEN;

/// The far future, for work without a deadline.
const NEVER: u64 = u64::MAX / 2;
/// What admission reckons for a request at one tier.
#[derive(Clone, Copy, Debug)]
struct Forecast {
    tier: Tier,
    cost: Prediction,
    ahead: u64,
    capacity: f64,
    finish: u64,
    limit: u64,
}

impl Forecast {
    fn fits(&self) -> bool {
        self.finish <= self.limit
    }
}

/// What was decided, before it is written down.
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
        let operation = self.cost.operation(request.class, request.operation);
        let tenant = self.fairness.slot(request.tenant);
        let bias = self.fairness.bias(tenant);
        let first = self.tier_for(now, request);
        let forecast = self.forecast(now, request, operation, first, bias);
        self.offer(now, request, operation, tenant, bias, &forecast);

        let wanted = self.choose(now, request, operation, tenant, bias, forecast);
        let mode = self.control.mode(now);
        let acts = matches!(mode, Mode::On | Mode::Freeze);
        // What only watches neither refuses nor worsens; an operator's pin is no decision of ours.
        let plain = if request.strict { request.tier } else { self.pinned(now, request) };
        let bypassed =
            !acts && !self.ledger.is_full() && (!wanted.admit || wanted.forecast.tier != plain);
        let choice = if bypassed {
            let forecast = self.forecast(now, request, operation, plain, bias);
            Choice { admit: true, reason: Reason::Off, forecast }
        } else {
            wanted
        };
        let shadowed = (bypassed && mode == Mode::Shadow).then_some(wanted.reason);
        self.write_down(now, raw, request, operation, tenant, choice, shadowed)
    }

    /// The tier the ladder, an operator or the session's own past allow.
    fn tier_for(&self, now: u64, request: &Request<'_>) -> Tier {
        if request.strict || !self.has_tiers(request.class) {
            return request.tier;
        }
        let ladder = self.control.pin(now).unwrap_or_else(|| self.ladder.tier());
        let held = self.held(now, request.session).unwrap_or(Tier::Compute);
        request.tier.min(ladder).min(held)
    }

    /// The tier asked for, or a coarser one that an operator pinned.
    fn pinned(&self, now: u64, request: &Request<'_>) -> Tier {
        let pin = self.control.pin(now).filter(|_| self.has_tiers(request.class));
        pin.map_or(request.tier, |pin| request.tier.min(pin))
    }

    fn has_tiers(&self, class: Class) -> bool {
        self.constants
            .class(class)
            .is_some_and(|class| matches!(class.tier_cost, [ui, _, compute] if ui < compute))
    }

    fn session_slot(&self, session: u64) -> usize {
        let mixed = (session ^ self.seed).wrapping_mul(GOLDEN) >> 32;
        usize::try_from(mixed).unwrap_or(0) % self.sessions.len().max(1)
    }

    fn held(&self, now: u64, session: u64) -> Option<Tier> {
        let held = self.sessions.get(self.session_slot(session))?;
        (session != 0 && held.session == session && now < held.until).then_some(held.tier)
    }

    /// Predicts when the work would be finished at a tier.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "nanoseconds of queued work; f64 to u64 saturates"
    )]
    fn forecast(
        &self,
        now: u64,
        request: &Request<'_>,
        operation: u8,
        tier: Tier,
        bias: f64,
    ) -> Forecast {
        let cost = self.cost.predict(operation, tier, request.size);
        let cost = Prediction { mean: cost.mean * bias, upper: cost.upper * bias, ..cost };
        let Some(constants) = self.constants.class(request.class) else {
            let finish = cost.upper as u64;
            return Forecast { tier, cost, ahead: 0, capacity: 1.0, finish, limit: NEVER };
        };
        let allowed = constants.budget.min(request.patience.unwrap_or(u64::MAX));
        let limit = (allowed as f64 * self.class(request.class).trim) as u64;
        let deadline = now.saturating_add(allowed).saturating_sub(request.beyond);
        let total = self.capacity();
        let lane = Lane::of(request.class);
        let workers = self.workers(lane).min(self.at_once()) as f64;
        let above: f64 = match request.class {
            Class::Ui | Class::Batch => 0.0,
            Class::Redraw => self.taken(Class::Ui, now),
            Class::Physics => self.taken(Class::Ui, now) + self.taken(Class::Redraw, now),
        };
        let mut capacity = (total - above).min(workers);
        if lane == Lane::Physics {
            // What is left over is the difference of two large numbers; what it got is known.
            capacity = capacity.min(self.pace * workers);
        }
        let capacity = capacity.max(self.constants.policy.least_processor);
        let ahead = self.ledger.ahead(lane, now, deadline) + self.ledger.residual(lane, now);
        // One piece of work runs on one processor, and on less than one when the
        // machine gives us less.
        let speed =
            (total / self.cores.ceil().max(1.0)).clamp(self.constants.policy.least_processor, 1.0);
        let free = f64::from(self.ledger.active(lane)) < workers.min(total.floor().max(1.0));
        let finish = if lane == Lane::Physics {
            // Paused whenever urgent work needs its processor: it advances at the
            // rate that is left over.
            let alone =
                cost.upper / capacity.min(self.pace.max(self.constants.policy.least_processor));
            if free { alone } else { alone.max((ahead as f64 + cost.upper) / capacity) }
        } else {
            // Less urgent work gives way at its next checkpoint.
            let pause = if self.ledger.running(Lane::Physics) + self.ledger.running(Lane::Batch) > 0
            {
                self.constants.policy.checkpoint.as_nanos() as f64
            } else {
                0.0
            };
            let wait = if free { 0.0 } else { ahead as f64 / capacity };
            pause + wait + cost.upper / speed
        };
        let finish = (finish as u64).saturating_add(request.beyond);
        Forecast { tier, cost, ahead, capacity, finish, limit }
    }

    /// Processors a class takes: what it took lately, and no less than over the
    /// last second, or a lull of a few milliseconds would let in what cannot end;
    /// and what it was denied, for nothing less urgent goes before it.
    #[allow(clippy::cast_precision_loss, reason = "a second of processor time")]
    fn taken(&self, class: Class, now: u64) -> f64 {
        let state = self.class(class);
        let used = state.admitted.rate(now).max(state.windows.fast().accepted as f64 / 1e9);
        used + state.denied.rate(now)
    }

    /// Records that the work was asked for, admitted or not.
    fn offer(
        &mut self,
        now: u64,
        request: &Request<'_>,
        operation: u8,
        tenant: u16,
        bias: f64,
        forecast: &Forecast,
    ) {
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
        class.windows.record(&Counts { arrived: 1, offered: nanos(work), ..Counts::default() });
        for (load, cost) in class.offered.iter_mut().zip(costs) {
            load.advance(now);
            load.record(cost);
        }
        self.fairness.offered(tenant, request.class as usize, work / 1e9);
    }

    fn choose(
        &mut self,
        now: u64,
        request: &Request<'_>,
        operation: u8,
        tenant: u16,
        bias: f64,
        forecast: Forecast,
    ) -> Choice {
        let refuse = |reason| Choice { admit: false, reason, forecast };
        let admit = |reason| Choice { admit: true, reason, forecast };
        if self.ledger.is_full() {
            return refuse(Reason::QueueFull);
        }
        if request.class == Class::Batch {
            let room =
                f64::from(self.ledger.waiting(Lane::Batch)) < self.constants.policy.batch_queue;
            return if room { admit(Reason::Batch) } else { refuse(Reason::QueueFull) };
        }
        if self.is_stale(now) {
            return self.static_choice(&refuse, &admit, request.class);
        }
        if let Some(reason) = self.never_fits(request, operation, bias, &forecast) {
            return refuse(reason);
        }
        if let Some(reason) = self.gated(request) {
            return refuse(reason);
        }
        let choice = self.fit(now, request, operation, bias, forecast);
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
        let limit =
            self.constants.policy.static_limit * self.workers(lane).min(self.at_once()) as f64;
        if f64::from(self.ledger.active(lane)) < limit {
            admit(Reason::StaticAdmit)
        } else {
            refuse(Reason::StaticLimit)
        }
    }

    /// Work that would be late on an idle machine.
    #[allow(clippy::cast_precision_loss, reason = "budgets in nanoseconds")]
    fn never_fits(
        &self,
        request: &Request<'_>,
        operation: u8,
        bias: f64,
        forecast: &Forecast,
    ) -> Option<Reason> {
        let budget = self.constants.class(request.class)?.budget as f64;
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

    /// The backstop: while interactive work waits past its deadline, only part
    /// of what comes is let in.
    fn gated(&mut self, request: &Request<'_>) -> Option<Reason> {
        if self.gate >= 1.0 {
            return None;
        }
        // Less urgent classes first: ui keeps the square root of the gate.
        let share = if request.class == Class::Ui { self.gate.sqrt() } else { self.gate };
        self.gate_credit += share;
        if self.gate_credit >= 1.0 {
            self.gate_credit -= 1.0;
            return None;
        }
        Some(Reason::Backstop)
    }

    /// Fits the request as it is, at a cheaper tier, or not at all.
    fn fit(
        &mut self,
        now: u64,
        request: &Request<'_>,
        operation: u8,
        bias: f64,
        forecast: Forecast,
    ) -> Choice {
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
        let late = if request.patience.is_some_and(|patience| forecast.finish > patience)
            && self
                .constants
                .class(request.class)
                .is_some_and(|class| forecast.finish <= class.budget)
        {
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
            let other = self.forecast(now, request, operation, tier, bias);
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

    /// Whether a worker and a processor wait for work of this class.
    fn is_idle(&self, class: Class) -> bool {
        let lane = Lane::of(class);
        let busy = self.ledger.active(Lane::Urgent)
            + if lane == Lane::Urgent { 0 } else { self.ledger.active(Lane::Physics) };
        f64::from(busy) < self.capacity().floor().max(1.0)
            && (self.ledger.active(lane) as usize) < self.workers(lane).min(self.at_once())
    }

    /// Whether to let one request in against the model. While the model knows
    /// little, every tenth of a second; later only when a processor is idle
    /// and the class has been silent.
    fn probe(&self, now: u64, class: Class, operation: u8) -> bool {
        let policy = &self.constants.policy;
        let state = self.class(class);
        // A tier is scaled from its neighbours: only an operation never done is unknown.
        let cold = self.cost.seen_at_all(operation) < WARM;
        let (interval, since) = if cold {
            (policy.probe_cold, state.last_probe)
        } else {
            (policy.probe_warm, state.last_probe.max(state.last_admitted))
        };
        let due = u128::from(now.saturating_sub(since)) >= interval.as_nanos();
        due && (cold || self.is_idle(class))
    }

    #[allow(clippy::too_many_arguments, reason = "everything a decision records")]
    #[allow(clippy::cast_possible_truncation, reason = "shown, not computed with")]
    fn write_down(
        &mut self,
        now: u64,
        raw: Time,
        request: &Request<'_>,
        operation: u8,
        tenant: u16,
        choice: Choice,
        shadowed: Option<Reason>,
    ) -> Decision {
        let Choice { admit, reason, forecast } = choice;
        let budget = self.constants.class(request.class).map(|class| class.budget);
        let allowed = budget.map(|budget| budget.min(request.patience.unwrap_or(u64::MAX)));
        let arrived = now.saturating_sub(request.beyond);
        let deadline = allowed.map_or(NEVER, |allowed| arrived.saturating_add(allowed));
        let mut work = nanos(forecast.cost.mean).max(1);
        if reason == Reason::Probe {
            // The estimate is what the probe is to test: were the probe dropped from the
            // queue on the strength of it, nothing would ever be learned.
            work = work.min(forecast.limit / 2);
        }
        let job = if admit {
            let record = self.records.next();
            let (class, tier, size) = (request.class, forecast.tier, request.size);
            self.ledger.insert(
                now,
                NewJob { class, tier, operation, tenant, size, arrived, deadline, work, record },
            )
        } else {
            None
        };
        if job.is_some() {
            self.admitted(now, request, tenant, forecast.tier, work, reason);
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
            self.retry_after(now, request, &forecast)
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
            cost: nanos(forecast.cost.upper),
            ahead: forecast.ahead,
            capacity: forecast.capacity as f32,
            beyond: request.beyond,
            finish: forecast.finish,
            limit: forecast.limit,
            trim: self.class(request.class).trim as f32,
            waiting: self.ledger.waiting(Lane::of(request.class)),
            deadline: Time(self.time.raw(deadline)),
            retry_after_ms,
        };
        self.count(reason);
        self.records.push(decision);
        decision
    }

    fn admitted(
        &mut self,
        now: u64,
        request: &Request<'_>,
        tenant: u16,
        tier: Tier,
        work: u64,
        reason: Reason,
    ) {
        #[allow(clippy::cast_precision_loss, reason = "work of one request")]
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
        if tier < request.tier && request.session != 0 {
            let dwell = self.ladder.dwell();
            let slot = self.session_slot(request.session);
            let held = self.held(now, request.session);
            if reason == Reason::SessionDegraded && held.is_none() {
                self.sessions_degraded += 1;
            }
            // A tier it was already held at keeps its end: otherwise a busy session
            // would never be offered a better one.
            if held.is_none_or(|held| tier < held)
                && let Some(entry) = self.sessions.get_mut(slot)
            {
                *entry = Held { session: request.session, tier, until: now.saturating_add(dwell) };
            }
        }
    }

    /// Until what waits, and what was refused within the last second and will
    /// come back, is worked off; spread by a quarter each way so that it does
    /// not all come back at once.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped"
    )]
    fn retry_after(&self, now: u64, request: &Request<'_>, forecast: &Forecast) -> u32 {
        if now < self.distrust_until {
            return 1_000;
        }
        let fast = self.class(request.class).windows.fast();
        let refused = fast.offered.saturating_sub(fast.accepted);
        let drain = (self.ledger.backlog(Lane::of(request.class)) + refused) as f64 / 1e6;
        let ms = (drain / forecast.capacity.max(self.constants.policy.least_processor))
            .clamp(100.0, 60_000.0);
        let hash = (request.trace_id as u64 ^ now).wrapping_mul(GOLDEN) >> 40;
        let spread = 0.75 + 0.5 * (hash as f64 / f64::from(1u32 << 24));
        (ms * spread) as u32
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn nanos(ns: f64) -> u64 {
    ns as u64
}
