//! Jobs: put in, claimed by who has room, answered.

use svgx_base::budget::Class;

use super::super::arrivals::Arrival;
use super::super::machine::Completion;
use super::super::policy::{Answer, End, Incoming, Policy as _, Usage};
use super::play::{JOBS, ORIGIN, TOGETHER, World, index, ms, nanos};
use super::queue::{Job, Stage};
use super::store::What;

impl World<'_> {
    pub(super) fn put(&mut self, now: u64, which: usize) {
        let Some(batch) = self.fleet.jobs.get(which) else { return };
        let hands =
            if self.fleet.workers > 0 { self.fleet.workers } else { self.scenario.replicas };
        let most = nanos(self.costs.backlog).saturating_mul(u64::from(hands));
        let made: Vec<Job> = (0..batch.count)
            .map(|_| Job {
                tenant: batch.tenant,
                cost: (batch.cost * 1e6 * self.rng.lognormal(batch.noise)).max(1e3),
                predicted: ms(batch.cost).max(1_000),
                poison: batch.poison,
                asked: now,
                done: None,
                attempt: 0,
                deaths: 0,
                kept: 0.0,
                stage: Stage::Queued,
            })
            .collect();
        for some in made.chunks(TOGETHER) {
            if !self.queue.put(some, most) {
                self.out.jobs_refused += some.len() as u64;
            }
        }
        self.ring(now);
    }

    pub(super) fn ring(&mut self, now: u64) {
        for node in 0..index(self.nodes.len()) {
            self.look(now, node);
        }
    }

    pub(super) fn look(&mut self, now: u64, node: u32) {
        if !self.takes_jobs(node) || self.queue.oldest().is_none() {
            return;
        }
        let Some(n) = self.node(node) else { return };
        if !n.is_up() || n.is_claiming {
            return;
        }
        if let Some((room, idle)) = n.room(now) {
            n.is_claiming = true;
            self.send(now, node, What::Claim { room, idle, job: None });
        }
    }

    pub(super) fn claimed(&mut self, now: u64, node: u32, job: Option<u32>) {
        self.advance(now, node);
        let Some(n) = self.nodes.get_mut(node as usize) else { return };
        n.is_claiming = false;
        let Some(id) = job else { return };
        let Some(job) = self.queue.jobs.get(id as usize) else { return };
        n.held.push((id, job.attempt));
        let arrival = Arrival {
            at: now,
            class: Class::Batch,
            stream: 0,
            size: (job.predicted / 1_000).max(1),
            tenant: job.tenant,
            session: 0,
            cost: job.cost,
            locked: 0,
        };
        let (ticket, attempt) = (JOBS + id, job.attempt);
        let incoming = Incoming { ticket, arrival: &arrival, operation: "job", attempt: 0 };
        let answer = n.policy.arrive(now + ORIGIN, &incoming);
        if matches!(answer, Answer::Refused { .. } | Answer::Deferred) {
            n.held.retain(|held| *held != (id, attempt));
            self.queue.again(id);
        }
        self.work(now, node);
        self.look(now, node);
    }

    pub(super) fn job_ended(&mut self, now: u64, node: u32, id: u32, end: &Completion) {
        let took = Usage { cpu: end.cpu, ran: end.ran, total: end.ran };
        let Some(n) = self.nodes.get_mut(node as usize) else { return };
        n.policy.finish(now + ORIGIN, end.ticket, Class::Batch, took, End::Done);
        let attempt = n.held.iter().find(|held| held.0 == id).map_or(0, |held| held.1);
        if self.queue.jobs.get(id as usize).is_some_and(|job| job.poison) {
            // Its work is what it takes to kill the process.
            self.kill(now, node);
            return;
        }
        self.send(now, node, What::Finish { job: id, attempt });
    }
}
