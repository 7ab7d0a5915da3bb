//! The event loop: arrivals, workers, timers and faults in virtual time.

use std::collections::VecDeque;

use super::arrivals::{Arrival, SECOND};
use super::machine::{Completion, Machine};
use super::policy::{Answer, End, Incoming, Pick, Policy, Usage};
use super::scenario::{Balance, FaultKind, Scenario};
use super::timeline::{Next, Timeline};
use crate::core::Lane;
use svgx_base::budget::{Class, Tier};
use svgx_base::hash::fnv1a_words;

const TICK: u64 = 10_000_000;
const SAMPLE: u64 = 5_000_000;
/// What a lone client takes to ask again, on the loopback.
const LONE_GAP: u64 = 200_000;
/// Where the controllers' clock stands at the start, so that it can jump back.
const ORIGIN: i64 = 1_000_000_000_000_000;

/// How an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In a queue or on a worker.
    Inside,
    /// Answered after so many nanoseconds.
    Answered(u64),
    /// Refused on arrival.
    Refused,
    /// Offered to be done as a job.
    Deferred,
    /// Let in and then given up after so many nanoseconds: dropped or stopped.
    Dropped(u64),
    /// The client gave up waiting.
    Abandoned,
}

/// One attempt of one request.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Index into the arrivals.
    pub arrival: u32,
    /// When.
    pub at: u64,
    /// How often it was tried before.
    pub attempt: u32,
    /// The tier it was worked at.
    pub tier: Tier,
    /// How it stands.
    pub fate: Fate,
    /// It was worked on, or is, outside of its objective.
    pub batch: bool,
    /// It was refused although nothing that has an objective was there.
    pub idle: bool,
    /// Nanoseconds after which its client was told to come back.
    pub told: u64,
    pub(super) replica: u32,
    pub(super) running: bool,
}

/// What is looked at every five milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Nanoseconds.
    pub at: u64,
    /// The longest any ui request waiting at the first replica has waited.
    pub oldest: u64,
    /// The tier of the first replica.
    pub tier: Tier,
    /// Its moves so far.
    pub moves: u64,
}

/// Everything that happened.
#[derive(Clone, Debug)]
pub struct Run {
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// Every five milliseconds.
    pub samples: Vec<Sample>,
    /// FNV-1a over every decision.
    pub hash: u64,
    /// Mean |log2(measured / predicted cost)| of the first replica.
    pub cost_error: Option<f64>,
    /// Processor seconds used by work.
    pub busy: f64,
    /// Events handled.
    pub events: u64,
}

struct Replica {
    machine: Machine,
    policy: Box<dyn Policy>,
    /// Tickets of ui in the order of arrival, for the oldest wait.
    waiting: VecDeque<u32>,
    inside: u32,
    generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Machine { replica: u32, generation: u32 },
    Fault,
    Tick,
    Sample,
    Retry { arrival: u32, attempt: u32 },
}

struct Engine<'a> {
    scenario: &'a Scenario,
    arrivals: &'a [Arrival],
    replicas: Vec<Replica>,
    timeline: Timeline<Event>,
    turn: usize,
    ticks: u64,
    run: Run,
    ended: Vec<Completion>,
}

/// Plays a scenario. `make` builds the controller of each replica.
pub fn play(
    scenario: &Scenario,
    arrivals: &[Arrival],
    make: &dyn Fn(u32) -> Box<dyn Policy>,
) -> Run {
    let replicas = (0..scenario.replicas)
        .map(|index| Replica {
            machine: Machine::new(scenario.cores),
            policy: make(index),
            waiting: VecDeque::new(),
            inside: 0,
            generation: 0,
        })
        .collect();
    let run = Run {
        attempts: Vec::with_capacity(arrivals.len()),
        samples: Vec::new(),
        hash: 0xcbf2_9ce4_8422_2325,
        cost_error: None,
        busy: 0.0,
        events: 0,
    };
    let mut engine = Engine {
        scenario,
        arrivals,
        replicas,
        timeline: Timeline::new(),
        turn: 0,
        ticks: 0,
        run,
        ended: Vec::new(),
    };
    engine.run();
    engine.finish()
}

fn seconds(now: u64) -> f64 {
    now as f64 / SECOND
}

fn nanos(seconds: f64) -> u64 {
    (seconds * SECOND) as u64
}

impl Engine<'_> {
    fn run(&mut self) {
        let end = nanos(self.scenario.seconds);
        self.timeline.push(0, Event::Fault);
        let faults = &self.scenario.faults;
        let edges: Vec<u64> =
            faults.iter().flat_map(|fault| [nanos(fault.from), nanos(fault.until)]).collect();
        for edge in edges {
            self.timeline.push(edge, Event::Fault);
        }
        for (index, stream) in self.scenario.streams.iter().enumerate() {
            let first = self.arrivals.iter().position(|a| usize::from(a.stream) == index);
            if let (Some(lone), Some(first)) = (stream.lone, first) {
                let arrival = u32::try_from(first).unwrap_or(u32::MAX);
                self.timeline.push(nanos(lone.from), Event::Retry { arrival, attempt: 0 });
            }
        }
        self.timeline.push(TICK, Event::Tick);
        self.timeline.push(SAMPLE, Event::Sample);
        while let Some((now, next)) = self.timeline.next(self.arrivals, end) {
            self.run.events += 1;
            match next {
                Next::Timer(event) => self.event(now, event),
                Next::GivenUp(ticket) => self.give_up(now, ticket),
                Next::Arrival(arrival) => self.arrive(now, arrival, 0),
            }
        }
    }

    fn finish(mut self) -> Run {
        if let Some(first) = self.replicas.first() {
            self.run.cost_error = first.policy.cost_error();
        }
        self.run.busy = self.replicas.iter().map(|replica| replica.machine.busy).sum::<f64>() / 1e9;
        self.run
    }

    fn event(&mut self, now: u64, event: Event) {
        match event {
            Event::Machine { replica, generation } => {
                let index = replica as usize;
                if self.replicas.get(index).is_some_and(|r| r.generation == generation) {
                    self.advance(now, index);
                    self.dispatch(now, index);
                }
            }
            Event::Fault => self.fault(now),
            Event::Tick => self.tick(now),
            Event::Sample => {
                self.sample(now);
                self.timeline.push(now + SAMPLE, Event::Sample);
            }
            Event::Retry { arrival, attempt } => self.arrive(now, arrival as usize, attempt),
        }
    }

    /// The controllers' clock.
    fn clock(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.offset(now))
    }

    fn offset(&self, now: u64) -> i64 {
        let shift = |kind| if let FaultKind::Clock(by) = kind { Some(by) } else { None };
        let by = if self.scenario.faults.is_empty() {
            0.0
        } else {
            self.scenario.fault(seconds(now), shift).unwrap_or(0.0)
        };
        ORIGIN + (by * SECOND) as i64
    }

    fn fault(&mut self, now: u64) {
        for index in 0..self.replicas.len() {
            self.advance(now, index);
        }
        let t = seconds(now);
        let scenario = self.scenario;
        let pick = |f: fn(FaultKind) -> Option<f64>| scenario.fault(t, f);
        let cores = pick(|kind| if let FaultKind::Cores(n) = kind { Some(n) } else { None });
        let quota = pick(|kind| if let FaultKind::Quota(n) = kind { Some(n) } else { None });
        let steal = pick(|kind| if let FaultKind::Steal(n) = kind { Some(n) } else { None });
        let others = pick(|kind| if let FaultKind::Neighbours(n) = kind { Some(n) } else { None });
        for replica in &mut self.replicas {
            replica.machine.cores = cores.unwrap_or(scenario.cores);
            replica.machine.speed = steal.unwrap_or(1.0);
            replica.machine.neighbours = others.unwrap_or(0.0);
            replica.machine.set_quota(quota);
        }
        for index in 0..self.replicas.len() {
            self.dispatch(now, index);
        }
    }

    fn tick(&mut self, now: u64) {
        self.ticks += 1;
        self.timeline.push(now + TICK, Event::Tick);
        let t = seconds(now);
        let scenario = self.scenario;
        let has = |f: fn(FaultKind) -> Option<bool>| scenario.fault(t, f).unwrap_or(false);
        if has(|kind| if let FaultKind::NoTicks(yes) = kind { Some(yes) } else { None }) {
            return;
        }
        let blind = has(|kind| if let FaultKind::Blind(yes) = kind { Some(yes) } else { None });
        let cores = scenario
            .fault(t, |kind| match kind {
                FaultKind::Cores(n) | FaultKind::Quota(n) => Some(n),
                _ => None,
            })
            .unwrap_or(scenario.cores);
        let sensed = (self.ticks.is_multiple_of(10) && !blind).then_some(cores);
        let clock = self.clock(now);
        for index in 0..self.replicas.len() {
            self.advance(now, index);
            if let Some(replica) = self.replicas.get_mut(index) {
                replica.policy.tick(clock, sensed);
            }
            self.dispatch(now, index);
        }
    }

    fn sample(&mut self, now: u64) {
        let Some(first) = self.replicas.first_mut() else { return };
        while let Some(ticket) = first.waiting.front() {
            match self.run.attempts.get(*ticket as usize) {
                Some(attempt) if attempt.fate == Fate::Inside && !attempt.running => break,
                _ => first.waiting.pop_front(),
            };
        }
        let oldest = first
            .waiting
            .front()
            .and_then(|ticket| self.run.attempts.get(*ticket as usize))
            .map_or(0, |attempt| now - attempt.at);
        let (tier, moves) = first.policy.tier();
        self.run.samples.push(Sample { at: now, oldest, tier, moves });
    }

    fn balance(&mut self) -> usize {
        let count = self.replicas.len();
        self.turn = (self.turn + 1) % count.max(1);
        if self.scenario.balance == Balance::RoundRobin || count == 1 {
            return self.turn;
        }
        // From the next one in turn, so that ties do not all go to the first.
        let turn = self.turn;
        (0..count)
            .map(|step| (turn + step) % count)
            .min_by_key(|index| self.replicas.get(*index).map_or(u32::MAX, |r| r.inside))
            .unwrap_or(0)
    }

    fn arrive(&mut self, now: u64, index: usize, attempt: u32) {
        let Some(arrival) = self.arrivals.get(index) else { return };
        let chosen = self.balance();
        self.advance(now, chosen);
        let clock = self.clock(now);
        let ticket = u32::try_from(self.run.attempts.len()).unwrap_or(u32::MAX);
        let operation = self
            .scenario
            .streams
            .get(usize::from(arrival.stream))
            .map_or("", |stream| stream.operation.as_str());
        let incoming = Incoming { ticket, arrival, operation, attempt };
        let Some(replica) = self.replicas.get_mut(chosen) else { return };
        replica.machine.io += self.scenario.edge_us * 1e3;
        let answer = replica.policy.arrive(clock, &incoming);
        let (tier, code, fate) = match answer {
            Answer::Queued { tier } => (tier, 0, Fate::Inside),
            Answer::Batch { tier } => (tier, 64, Fate::Inside),
            Answer::Deferred => (Tier::Compute, 128, Fate::Deferred),
            Answer::Refused { code, .. } => (Tier::Compute, code, Fate::Refused),
        };
        let batch = matches!(answer, Answer::Batch { .. });
        let told = match answer {
            Answer::Refused { retry_after, .. } => retry_after,
            _ => 0,
        };
        let idle = fate == Fate::Refused && replica.machine.is_idle();
        self.run.hash =
            fnv1a_words(self.run.hash, [ticket, u32::from(code), tier as u32].map(u64::from));
        self.run.attempts.push(Attempt {
            arrival: u32::try_from(index).unwrap_or(u32::MAX),
            at: now,
            attempt,
            tier,
            fate,
            batch,
            idle,
            told,
            replica: u32::try_from(chosen).unwrap_or(u32::MAX),
            running: false,
        });
        match answer {
            Answer::Queued { .. } | Answer::Batch { .. } => {
                replica.inside += 1;
                if chosen == 0 && arrival.class == Class::Ui && !batch {
                    replica.waiting.push_back(ticket);
                }
                self.timeline.waits_until(now + nanos(self.scenario.patience), ticket);
            }
            Answer::Refused { retry_after, .. } => self.retry(now, ticket, retry_after),
            Answer::Deferred => self.resolved(now, index),
        }
        self.dispatch(now, chosen);
    }

    fn retry(&mut self, now: u64, ticket: u32, told: u64) {
        let Some(attempt) = self.run.attempts.get(ticket as usize) else { return };
        if attempt.attempt < self.scenario.retries {
            // At once is a millisecond on the way.
            let at = now + if self.scenario.obeys { told } else { 0 }.max(1_000_000);
            let event = Event::Retry { arrival: attempt.arrival, attempt: attempt.attempt + 1 };
            self.timeline.push(at, event);
        } else {
            self.resolved(now, attempt.arrival as usize);
        }
    }

    /// A request has its answer, or will have none. A lone client goes on to its next.
    fn resolved(&mut self, now: u64, index: usize) {
        let Some(arrival) = self.arrivals.get(index) else { return };
        let Some(stream) = self.scenario.streams.get(usize::from(arrival.stream)) else { return };
        let Some(lone) = stream.lone else { return };
        let next = self.arrivals.get(index + 1).filter(|next| next.stream == arrival.stream);
        let at = now + nanos(lone.pause).max(LONE_GAP);
        if next.is_some() && at < nanos(lone.until) {
            let arrival = u32::try_from(index + 1).unwrap_or(u32::MAX);
            self.timeline.push(at, Event::Retry { arrival, attempt: 0 });
        }
    }

    fn give_up(&mut self, now: u64, ticket: u32) {
        let Some(attempt) = self.run.attempts.get_mut(ticket as usize) else { return };
        if attempt.fate != Fate::Inside {
            return;
        }
        attempt.fate = Fate::Abandoned;
        let (running, index) = (attempt.running, attempt.replica as usize);
        let clock = self.clock(now);
        self.advance(now, index);
        if let Some(replica) = self.replicas.get_mut(index)
            && !running
            && replica.policy.abandon(clock, ticket)
        {
            replica.inside = replica.inside.saturating_sub(1);
        }
        self.retry(now, ticket, 0);
        self.dispatch(now, index);
    }

    fn advance(&mut self, now: u64, index: usize) {
        let mut ended = std::mem::take(&mut self.ended);
        if let Some(replica) = self.replicas.get_mut(index) {
            replica.machine.advance(now, &mut ended);
        }
        self.settle(now, index, &mut ended);
        self.ended = ended;
    }

    fn settle(&mut self, now: u64, index: usize, ended: &mut Vec<Completion>) {
        let clock = self.clock(now);
        for end in ended.drain(..) {
            let Some(attempt) = self.run.attempts.get_mut(end.ticket as usize) else { continue };
            let total = now - attempt.at;
            let gone = attempt.fate == Fate::Abandoned;
            let how = match (gone, end.stopped) {
                (true, _) => End::Gone,
                (false, true) => End::Stopped,
                (false, false) => End::Done,
            };
            if !gone {
                attempt.fate =
                    if end.stopped { Fate::Dropped(total) } else { Fate::Answered(total) };
            }
            let index_of = attempt.arrival as usize;
            let class = self.arrivals.get(index_of).map_or(Class::Batch, |arrival| arrival.class);
            let took = Usage { cpu: end.cpu, ran: end.ran, total };
            let mut told = 0;
            if let Some(replica) = self.replicas.get_mut(index) {
                replica.inside = replica.inside.saturating_sub(1);
                replica.policy.finish(clock, end.ticket, class, took, how);
                told = replica.policy.drained_in(class);
            }
            match how {
                End::Stopped => self.retry(now, end.ticket, told),
                End::Done => self.resolved(now, index_of),
                End::Gone => {}
            }
        }
    }

    /// Gives free workers work, applies pauses, and says when to look again.
    fn dispatch(&mut self, now: u64, index: usize) {
        let clock = self.clock(now);
        let offset = self.offset(now);
        let mut ended = std::mem::take(&mut self.ended);
        let next = loop {
            for lane in Lane::ALL {
                self.fill(now, index, lane, clock, offset);
            }
            let Some(replica) = self.replicas.get_mut(index) else { return };
            replica.machine.pause = Lane::ALL.map(|lane| replica.policy.pauses(lane));
            let next = replica.machine.next(&mut ended);
            if ended.is_empty() {
                break next;
            }
            self.settle(now, index, &mut ended);
        };
        self.ended = ended;
        let Some(replica) = self.replicas.get_mut(index) else { return };
        replica.generation = replica.generation.wrapping_add(1);
        let generation = replica.generation;
        if next < u64::MAX {
            let replica = u32::try_from(index).unwrap_or(u32::MAX);
            self.timeline.push(next, Event::Machine { replica, generation });
        }
    }

    fn fill(&mut self, now: u64, index: usize, lane: Lane, clock: u64, offset: i64) {
        loop {
            let Some(replica) = self.replicas.get_mut(index) else { return };
            if replica.machine.occupied(lane) >= replica.policy.workers(lane) {
                return;
            }
            match replica.policy.pick(clock, lane) {
                Pick::Nothing => return,
                Pick::Drop { ticket } => {
                    let Some(attempt) = self.run.attempts.get_mut(ticket as usize) else { return };
                    replica.inside = replica.inside.saturating_sub(1);
                    if attempt.fate == Fate::Inside {
                        attempt.fate = Fate::Dropped(now - attempt.at);
                        let class = self.arrivals.get(attempt.arrival as usize).map(|a| a.class);
                        let told = class.map_or(0, |class| replica.policy.drained_in(class));
                        self.retry(now, ticket, told);
                    }
                }
                Pick::Run { ticket, stop } => {
                    let Some(attempt) = self.run.attempts.get_mut(ticket as usize) else { return };
                    attempt.running = true;
                    let Some(arrival) = self.arrivals.get(attempt.arrival as usize) else { return };
                    let cpu = arrival.cost * tier_cost(arrival.class, attempt.tier);
                    let stop =
                        if stop == u64::MAX { stop } else { stop.saturating_add_signed(-offset) };
                    replica.machine.start(ticket, lane, cpu, stop, arrival.locked);
                }
            }
        }
    }
}

/// What a tier really costs, relative to compute.
pub(super) fn tier_cost(class: Class, tier: Tier) -> f64 {
    match (class, tier) {
        (Class::Physics, Tier::Ui) => 0.17,
        (Class::Physics, Tier::Edit) => 0.40,
        _ => 1.0,
    }
}
