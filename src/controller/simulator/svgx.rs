//! Our controller as the simulator drives it: the calls the compute pool makes.

use std::collections::HashMap;

use super::arrivals::Arrival;
use super::policy::{Answer, End, Incoming, Pick, Policy, Usage};
use crate::Verdict;
use crate::core::{
    Controller, Cost, JobId, Lane, Next, Outcome, Request, Sensors, SessionId, TenantId,
};
use crate::spec::Spec;
use svgx_base::budget::{Class, Tier, Time};

/// The controller of this project.
#[derive(Debug)]
pub struct Svgx {
    controller: Controller,
    tickets: HashMap<JobId, u32>,
    jobs: HashMap<u32, JobId>,
}

impl Svgx {
    /// A controller that has seen nothing.
    pub fn new(spec: &Spec, cores: f64, seed: u64) -> Svgx {
        Svgx {
            controller: Controller::new(spec, cores, seed),
            tickets: HashMap::new(),
            jobs: HashMap::new(),
        }
    }

    /// The controller, to look at.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    fn forget(&mut self, ticket: u32) -> Option<JobId> {
        let job = self.jobs.remove(&ticket)?;
        self.tickets.remove(&job);
        Some(job)
    }
}

/// What the edge would know of a request.
pub fn request<'a>(incoming: &Incoming<'a>) -> Request<'a> {
    let Arrival { class, size, tenant, session, .. } = *incoming.arrival;
    Request {
        trace_id: u128::from(incoming.ticket) + 1,
        size,
        tenant: TenantId(tenant),
        session: SessionId(session),
        attempt: incoming.attempt,
        ..Request::new(class, incoming.operation)
    }
}

impl Policy for Svgx {
    fn arrive(&mut self, now: u64, incoming: &Incoming<'_>) -> Answer {
        let decision = self.controller.on_arrival(Time(now), &request(incoming));
        match decision.job {
            Some(job) => {
                self.controller.on_ready(Time(now), job);
                self.tickets.insert(job, incoming.ticket);
                self.jobs.insert(incoming.ticket, job);
                if decision.lane() == Lane::of(decision.class) {
                    Answer::Queued { tier: decision.tier }
                } else {
                    Answer::Batch { tier: decision.tier }
                }
            }
            None if decision.verdict == Verdict::Defer => Answer::Deferred,
            None => Answer::Refused {
                retry_after: u64::from(decision.retry_after_ms) * 1_000_000,
                code: decision.reason as u8,
            },
        }
    }

    fn pick(&mut self, now: u64, lane: Lane) -> Pick {
        match self.controller.next(Time(now), lane) {
            Next::Idle => Pick::Nothing,
            Next::Drop(job, _) => {
                let ticket = self.tickets.get(&job).copied().unwrap_or(u32::MAX);
                self.forget(ticket);
                Pick::Drop { ticket }
            }
            Next::Run(run) => {
                let ticket = self.tickets.get(&run.job).copied().unwrap_or(u32::MAX);
                let stop = match lane {
                    Lane::Urgent => u64::MAX,
                    Lane::Physics | Lane::Batch => run.stop.0,
                };
                Pick::Run { ticket, stop }
            }
        }
    }

    fn finish(&mut self, now: u64, ticket: u32, _: Class, took: Usage, end: End) {
        let Some(job) = self.forget(ticket) else { return };
        let ended = match end {
            End::Done => Outcome::Done,
            End::Stopped => Outcome::Deadline,
            End::Gone => Outcome::Cancelled,
        };
        let cost = Cost { cpu: took.cpu, ran: took.ran };
        self.controller.on_finish(Time(now), job, cost, ended);
    }

    fn abandon(&mut self, now: u64, ticket: u32) -> bool {
        let Some(job) = self.jobs.get(&ticket).copied() else { return false };
        let out = self.controller.on_cancel(Time(now), job);
        if out {
            self.forget(ticket);
        }
        out
    }

    fn tick(&mut self, now: u64, cores: Option<f64>) {
        self.controller.tick(Time(now), cores.map(|cores| Sensors { cores }));
    }

    fn workers(&self, lane: Lane) -> usize {
        self.controller.workers(lane)
    }

    fn pauses(&self, lane: Lane) -> bool {
        self.controller.should_pause(lane)
    }

    fn tier(&self) -> (Tier, u64) {
        self.controller.tier()
    }

    fn drained_in(&self, class: Class) -> u64 {
        u64::try_from(self.controller.drained_in(class).as_nanos()).unwrap_or(u64::MAX)
    }

    fn cost_error(&self) -> Option<f64> {
        Some(self.controller.cost().mean_error())
    }
}
