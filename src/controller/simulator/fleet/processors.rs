//! What the processors of a process do, and what follows when a piece of work has ended.

use svgx_base::budget::{Class, Tier};

use super::super::engine::{Fate, tier_cost};
use super::super::machine::Completion;
use super::super::policy::{End, Policy as _, Usage};
use super::nodes::is_of_session;
use super::play::{Event, JOBS, ORIGIN, World};
use super::store::What;

impl World<'_> {
    pub(super) fn advance(&mut self, now: u64, node: u32) {
        let mut ended = Vec::new();
        if let Some(n) = self.node(node) {
            n.machine.advance(now, &mut ended);
        }
        self.ended(now, node, &ended);
    }

    /// Lets a process do what it can now, and says when to look again.
    pub(super) fn work(&mut self, now: u64, node: u32) {
        self.advance(now, node);
        let next = loop {
            let (mut dropped, mut ended) = (Vec::new(), Vec::new());
            let (legs, jobs, attempts) = (&self.legs, &self.queue.jobs, &self.run.attempts);
            let arrivals = self.arrivals;
            let cost = |ticket: u32| -> f64 {
                if let Some(job) = ticket.checked_sub(JOBS) {
                    return jobs
                        .get(job as usize)
                        .map_or(1.0, |job| (job.cost - job.kept).max(1e3));
                }
                let (leg, attempt) = (legs.get(ticket as usize), attempts.get(ticket as usize));
                let class = attempt.and_then(|a| arrivals.get(a.arrival as usize)).map(|a| a.class);
                let tier = attempt.map_or(Tier::Compute, |a| a.tier);
                leg.map_or(1.0, |leg| leg.cost) * class.map_or(1.0, |class| tier_cost(class, tier))
            };
            let Some(n) = self.nodes.get_mut(node as usize) else { return };
            if !n.is_up() {
                return;
            }
            n.fill(now + ORIGIN, ORIGIN, &cost, &mut dropped);
            let next = n.machine.next(&mut ended);
            for ticket in &dropped {
                let told = self.arrival(*ticket).map(|arrival| arrival.class);
                let told = told.zip(self.node(node)).map_or(0, |(c, n)| n.policy.drained_in(c));
                let at = self.run.attempts.get(*ticket as usize).map_or(now, |a| a.at);
                self.fail(now, *ticket, Fate::Dropped(now - at), told);
            }
            if ended.is_empty() {
                break next;
            }
            self.ended(now, node, &ended);
        };
        let Some(n) = self.node(node) else { return };
        n.generation = n.generation.wrapping_add(1);
        let generation = n.generation;
        if next < u64::MAX {
            self.timeline.push(next, Event::Machine { node, generation });
        }
    }

    pub(super) fn ended(&mut self, now: u64, node: u32, ended: &[Completion]) {
        for end in ended {
            if let Some(job) = end.ticket.checked_sub(JOBS) {
                self.job_ended(now, node, job, end);
                continue;
            }
            let Some(attempt) = self.run.attempts.get(end.ticket as usize).copied() else {
                continue;
            };
            let gone = attempt.fate != Fate::Inside;
            let how = match (gone, end.stopped) {
                (true, _) => End::Gone,
                (false, true) => End::Stopped,
                (false, false) => End::Done,
            };
            let class = self.arrival(end.ticket).map_or(Class::Batch, |arrival| arrival.class);
            let total = now - attempt.at;
            let took = Usage { cpu: end.cpu, ran: end.ran, total };
            let mut told = 0;
            if let Some(n) = self.node(node) {
                n.policy.finish(now + ORIGIN, end.ticket, class, took, how);
                told = n.policy.drained_in(class);
            }
            match how {
                End::Gone => {}
                End::Stopped => self.fail(now, end.ticket, Fate::Dropped(total), told),
                End::Done => self.done_here(now, node, end.ticket, class, total),
            }
        }
    }

    pub(super) fn done_here(&mut self, now: u64, node: u32, ticket: u32, class: Class, total: u64) {
        let Some(leg) = self.legs.get_mut(ticket as usize) else { return };
        match leg.owned {
            None if is_of_session(class) => {
                leg.passed = true;
                let session = leg.session as usize;
                let owner = self.sessions.get(session).map_or(node, |session| session.owner);
                self.pass(now, ticket, owner);
            }
            Some(epoch) if class == Class::Ui => {
                let session = leg.session;
                self.out.applied.push((now, total));
                self.write(now, node, What::Append { ticket, session, epoch });
            }
            _ => {
                self.settle(ticket, Fate::Answered(total));
            }
        }
    }
}
