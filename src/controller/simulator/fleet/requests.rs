//! The way of a request: to a replica, to the one that has its session, and through its controller.

use svgx_base::budget::Tier;

use super::super::arrivals::Arrival;
use super::super::engine::{Attempt, Fate};
use super::super::policy::{Answer, Incoming, Policy as _};
use super::Route;
use super::nodes::{State, is_of_session};
use super::play::{Event, Leg, ORIGIN, World, hashed, index, ms, nanos};
use super::store::What;
use svgx_base::hash::fnv1a_words;

impl World<'_> {
    pub(super) fn entry(&mut self, now: u64, arrival: u32) -> Option<u32> {
        let count = self.scenario.replicas;
        let (session, order) = (self.arrivals.get(arrival as usize)?.session, arrival);
        self.turn = (self.turn + 1) % count.max(1);
        let first = match self.fleet.route {
            Route::RoundRobin => self.turn,
            Route::Hashed => hashed(session, count),
            // Ten clients of each session.
            Route::Sticky => hashed(session.wrapping_mul(10) + u64::from(order % 10), count),
        };
        let health = nanos(self.costs.health);
        let seems_up =
            |n: &u32| self.nodes.get(*n as usize).is_some_and(|x| x.seems_up(now, health));
        (0..count).map(|step| (first + step) % count).find(seems_up)
    }

    pub(super) fn arrive(&mut self, now: u64, arrival: u32, attempt: u32) {
        let ticket = index(self.run.attempts.len());
        let entry = self.entry(now, arrival);
        let Some(&session) = self.session_of.get(arrival as usize) else { return };
        self.run.attempts.push(Attempt {
            arrival,
            at: now,
            attempt,
            tier: Tier::Compute,
            fate: Fate::Inside,
            batch: false,
            idle: false,
            told: 0,
            replica: entry.unwrap_or(0),
            running: false,
        });
        let entry_node = entry.unwrap_or(0);
        let (owned, passed) = (None, false);
        self.legs.push(Leg {
            entry: entry_node,
            node: entry_node,
            session,
            cost: 0.0,
            owned,
            passed,
        });
        self.timeline.waits_until(now + nanos(self.scenario.patience), ticket);
        let Some(entry) = entry else {
            self.fail(now, ticket, Fate::Abandoned, 0);
            return;
        };
        let edge = self.scenario.edge_us * 1e3;
        if let Some(node) = self.node(entry) {
            node.machine.io += edge;
        }
        let life = self.node(entry).map_or(0, |n| n.life);
        self.reach(now, ticket, entry, life);
    }

    /// A request is at a process: that has its session, passes it on, or takes the session.
    pub(super) fn reach(&mut self, now: u64, ticket: u32, node: u32, life: u32) {
        let Some(leg) = self.legs.get_mut(ticket as usize) else { return };
        leg.node = node;
        let leg = *leg;
        if !self.is_inside(ticket) {
            return;
        }
        match self.nodes.get(node as usize).map(|n| (n.state, n.life)) {
            Some((State::Up, is)) if is == life => {}
            // In its socket.
            Some((State::Paused { until, .. }, is)) if is == life => {
                return self.timeline.push(until, Event::Reach { ticket, node, life });
            }
            _ if node == leg.entry => return self.reset(now, ticket),
            // Who passed it on finds nobody there.
            _ => {
                let life = self.node(leg.entry).map_or(0, |n| n.life);
                return self.timeline.push(now + 1, Event::Reach { ticket, node: leg.entry, life });
            }
        }
        let Some(arrival) = self.arrival(ticket) else { return };
        if !is_of_session(arrival.class) {
            return self.admit(now, ticket, node, arrival.cost, None);
        }
        let Some(session) = self.sessions.get_mut(leg.session as usize) else { return };
        if session.taking.is_some() {
            return session.waiting.push(ticket);
        }
        let (owner, epoch) = (session.owner, session.epoch);
        if owner == node {
            self.out.owned += 1;
            let more = if leg.passed { self.costs.owner * 1e6 } else { 0.0 };
            return self.admit(now, ticket, node, arrival.cost + more, Some(epoch));
        }
        let (lease, renewed) = (nanos(self.costs.lease), nanos(self.costs.renewed));
        let Some(has) = self.nodes.get(owner as usize) else { return };
        match has.state {
            State::Up if leg.passed => self.pass(now, ticket, owner),
            State::Up => {
                self.out.passed += 1;
                self.admit(now, ticket, node, self.costs.entry * 1e6, None);
            }
            State::Down { .. } => self.take(now, ticket, node),
            State::Paused { .. } => match has.lease_ends(owner, lease, renewed) {
                ends if now >= ends => self.take(now, ticket, node),
                ends => self.timeline.push(ends, Event::Reach { ticket, node, life }),
            },
        }
    }

    pub(super) fn pass(&mut self, now: u64, ticket: u32, owner: u32) {
        let life = self.node(owner).map_or(0, |n| n.life);
        self.timeline.push(now + ms(self.costs.way), Event::Reach { ticket, node: owner, life });
    }

    pub(super) fn take(&mut self, now: u64, ticket: u32, node: u32) {
        let Some(session) = self.legs.get(ticket as usize).map(|leg| leg.session) else { return };
        if let Some(known) = self.sessions.get_mut(session as usize) {
            known.taking = Some(node);
            known.waiting.push(ticket);
        }
        self.send(now, node, What::Take { session });
    }

    pub(super) fn arrival(&self, ticket: u32) -> Option<Arrival> {
        let attempt = self.run.attempts.get(ticket as usize)?;
        self.arrivals.get(attempt.arrival as usize).copied()
    }

    pub(super) fn is_inside(&self, ticket: u32) -> bool {
        self.run.attempts.get(ticket as usize).is_some_and(|a| a.fate == Fate::Inside)
    }

    /// The controller of a process decides about work.
    pub(super) fn admit(
        &mut self,
        now: u64,
        ticket: u32,
        node: u32,
        cost: f64,
        owned: Option<u64>,
    ) {
        let Some(arrival) = self.arrival(ticket) else { return };
        let Some(attempt) = self.run.attempts.get(ticket as usize).map(|a| a.attempt) else {
            return;
        };
        if let Some(leg) = self.legs.get_mut(ticket as usize) {
            (leg.cost, leg.owned) = (cost, owned);
        }
        self.advance(now, node);
        let stream = self.scenario.streams.get(usize::from(arrival.stream));
        let operation = stream.map_or("", |stream| stream.operation.as_str());
        let incoming =
            Incoming { ticket, arrival: &Arrival { cost, ..arrival }, operation, attempt };
        let Some(at) = self.nodes.get_mut(node as usize) else { return };
        let answer = at.policy.arrive(now + ORIGIN, &incoming);
        let code = match answer {
            Answer::Queued { tier } | Answer::Batch { tier } => {
                if let Some(attempt) = self.run.attempts.get_mut(ticket as usize) {
                    attempt.tier = tier;
                    attempt.batch = matches!(answer, Answer::Batch { .. });
                }
                tier as u32
            }
            Answer::Deferred => {
                self.settle(ticket, Fate::Deferred);
                128
            }
            Answer::Refused { retry_after, code } => {
                self.fail(now, ticket, Fate::Refused, retry_after);
                u32::from(code)
            }
        };
        self.run.hash = fnv1a_words(self.run.hash, [ticket, node, code].map(u64::from));
        self.work(now, node);
    }

    pub(super) fn settle(&mut self, ticket: u32, fate: Fate) -> Option<Attempt> {
        let attempt = self.run.attempts.get_mut(ticket as usize)?;
        if attempt.fate != Fate::Inside {
            return None;
        }
        attempt.fate = fate;
        Some(*attempt)
    }

    /// A client has no answer, or a refusal; it may come again.
    pub(super) fn fail(&mut self, now: u64, ticket: u32, fate: Fate, told: u64) {
        let Some(attempt) = self.settle(ticket, fate) else { return };
        if let Some(attempt) = self.run.attempts.get_mut(ticket as usize) {
            attempt.told = told;
        }
        if attempt.attempt < self.scenario.retries {
            let at = now + if self.scenario.obeys { told } else { 0 }.max(1_000_000);
            let (arrival, attempt) = (attempt.arrival, attempt.attempt + 1);
            self.timeline.push(at, Event::Retry { arrival, attempt });
        }
    }

    /// The connection of a client is reset.
    pub(super) fn reset(&mut self, now: u64, ticket: u32) {
        self.fail(now, ticket, Fate::Abandoned, 0);
    }

    pub(super) fn give_up(&mut self, now: u64, ticket: u32) {
        if !self.is_inside(ticket) {
            return;
        }
        self.fail(now, ticket, Fate::Abandoned, 0);
        let node = self.legs.get(ticket as usize).map_or(0, |leg| leg.node);
        if self.node(node).is_some_and(|n| n.is_up()) {
            self.advance(now, node);
            if let Some(n) = self.node(node)
                && !n.machine.has(ticket)
            {
                n.policy.abandon(now + ORIGIN, ticket);
            }
            self.work(now, node);
        }
    }
}
