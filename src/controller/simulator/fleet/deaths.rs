//! Processes that die or stand still, and come back.

use super::super::arrivals::SECOND;
use super::super::machine::Machine;
use super::super::svgx::Svgx;
use super::How;
use super::nodes::{Node, State};
use super::play::{Event, JOBS, World, index, ms, nanos};

impl World<'_> {
    pub(super) fn death(&mut self, now: u64, which: usize) {
        let Some(death) = self.fleet.deaths.get(which).copied() else { return };
        let until = match death.how {
            How::Killed => return self.kill(now, death.node),
            How::Paused(seconds) => now + nanos(seconds),
        };
        let (lease, node) = (nanos(self.costs.job_lease), death.node);
        self.advance(now, node);
        let Some(n) = self.node(node) else { return };
        if !n.is_up() {
            return;
        }
        n.state = State::Paused { since: now, until };
        n.machine.speed = 0.0;
        n.machine.next(&mut Vec::new());
        let (life, held) = (n.life, n.held.clone());
        if now + lease < until {
            for (job, attempt) in held {
                self.timeline.push(now + lease, Event::Lost { job, attempt });
            }
        }
        self.orphan(now, node);
        self.timeline.push(until, Event::Back { node, life });
    }

    pub(super) fn orphan(&mut self, now: u64, node: u32) {
        for session in self.sessions.iter_mut().filter(|session| session.owner == node) {
            session.orphan = Some(now);
        }
    }

    pub(super) fn kill(&mut self, now: u64, node: u32) {
        let takes = self.takes_jobs(node);
        let lease = nanos(self.costs.job_lease);
        let Some(n) = self.nodes.get_mut(node as usize) else { return };
        if matches!(n.state, State::Down { .. }) {
            return;
        }
        n.machine.advance(now, &mut Vec::new());
        n.state = State::Down { since: now };
        n.life += 1;
        n.generation = n.generation.wrapping_add(1);
        let held = std::mem::take(&mut n.held);
        (n.writes, n.is_writing, n.is_claiming) = (Vec::new(), false, false);
        let busy = n.machine.busy / 1e9;
        let used: Vec<f64> = held.iter().map(|(job, _)| n.machine.used(JOBS + job)).collect();
        n.machine = Machine::new(self.scenario.cores);
        self.run.busy += busy;
        self.out.worked += if takes { busy } else { 0.0 };
        let life = n.life;
        let step = self.costs.checkpoint * SECOND;
        for ((job, attempt), used) in held.into_iter().zip(used) {
            if let Some(known) = self.queue.jobs.get_mut(job as usize) {
                let kept = (used / step).floor() * step;
                known.kept += kept;
                self.out.redone += if known.poison { known.cost } else { used - kept };
            }
            // It said that it lives in the last third of a lease.
            let silent = (lease as f64 * (2.0 + self.rng.unit()) / 3.0) as u64;
            self.timeline.push(now + silent, Event::Lost { job, attempt });
        }
        self.orphan(now, node);
        // Clients of it, and those that others have passed on to it.
        for ticket in 0..index(self.legs.len()) {
            let Some(leg) = self.legs.get(ticket as usize).copied() else { continue };
            if !self.is_inside(ticket) {
                continue;
            }
            if leg.entry == node {
                self.reset(now, ticket);
            } else if leg.node == node {
                let life = self.node(leg.entry).map_or(0, |n| n.life);
                self.timeline
                    .push(now + ms(self.costs.way), Event::Reach { ticket, node: leg.entry, life });
            }
        }
        for session in 0..index(self.sessions.len()) {
            let taking = self.sessions.get(session as usize).and_then(|session| session.taking);
            if taking == Some(node) {
                self.let_go(now, session);
            }
        }
        self.timeline.push(now + nanos(self.costs.restart), Event::Back { node, life });
    }

    pub(super) fn back(&mut self, now: u64, node: u32, life: u32) {
        let (spec, cores) = (self.spec, self.scenario.cores);
        let seed = self.seed ^ (u64::from(node) << 20) ^ u64::from(life);
        let Some(n) = self.node(node) else { return };
        if n.life != life {
            return;
        }
        match n.state {
            State::Up => return,
            State::Down { .. } => {
                *n = Node::new(cores, Svgx::new(spec, cores, seed), life);
                n.machine.advance(now, &mut Vec::new());
                self.begin_life(now, node);
            }
            State::Paused { .. } => {
                n.machine.advance(now, &mut Vec::new());
                n.machine.speed = 1.0;
                n.state = State::Up;
            }
        }
        self.work(now, node);
    }
}
