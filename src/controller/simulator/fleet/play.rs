//! The event loop of a fleet.

use std::collections::BTreeMap;

use svgx_base::random;

use super::super::arrivals::{Arrival, SECOND};
use super::super::engine::{Run, Sample};
use super::super::policy::Policy as _;
use super::super::rng::Rng;
use super::super::scenario::Scenario;
use super::super::svgx::Svgx;
use super::super::timeline::{Next, Timeline};
use super::nodes::{Node, State};
use super::queue::{Job, Queue};
use super::store::{Store, What, Write};
use super::{Costs, Fleet, Route};
use crate::spec::Spec;

const TICK: u64 = 10_000_000;
const SAMPLE: u64 = 50_000_000;
/// How often a worker looks for jobs where nothing rings.
const LOOK: u64 = 250_000_000;
/// Jobs that one step puts in.
pub(super) const TOGETHER: usize = 50;
/// Where the controllers' clock stands at the start.
pub(super) const ORIGIN: u64 = 1_000_000_000_000_000;
/// Tickets from here on are jobs.
pub(super) const JOBS: u32 = 1 << 31;

/// What happened in a fleet, beside what happened to each request.
#[derive(Clone, Debug, Default)]
pub struct Fleeting {
    /// Per arrival: how often the store has it, and whether its client was told so.
    pub edits: Vec<(u32, bool)>,
    /// Edits by their end at the replica, before they are on the disk: when, and nanoseconds since
    /// they were sent.
    pub applied: Vec<(u64, u64)>,
    /// Requests that were passed on.
    pub passed: u64,
    /// Requests that reached a replica's controller as work of a session.
    pub owned: u64,
    /// Sessions that changed hands.
    pub taken: u64,
    /// Writes that the store refused because their epoch was old.
    pub fenced: u64,
    /// From a death until an edit of one of its sessions was answered by another replica: the longest.
    pub gap: u64,
    /// Part of the time in which the store was busy.
    pub store_busy: f64,
    /// Edits that it has taken in the judged time.
    pub written: u64,
    /// Its flushes.
    pub flushes: u64,
    /// Writes in all of them.
    pub writes: u64,
    /// Jobs, whatever became of them.
    pub jobs: Vec<Job>,
    /// Jobs that were refused because too much waited.
    pub jobs_refused: u64,
    /// Processor nanoseconds of jobs that were done again.
    pub redone: f64,
    /// The longest that the oldest job waited, in the judged time, nanoseconds.
    pub queue_age: u64,
    /// Answers to jobs that came too late to count.
    pub late_answers: u64,
    /// Processor seconds that those who take jobs used.
    pub worked: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    Machine { node: u32, generation: u32 },
    Reach { ticket: u32, node: u32, life: u32 },
    Sent(u32),
    Flushed,
    Answered(u32),
    Retry { arrival: u32, attempt: u32 },
    Renew { node: u32, life: u32 },
    Look { node: u32, life: u32 },
    Death(u32),
    Back { node: u32, life: u32 },
    Put(u32),
    Lost { job: u32, attempt: u32 },
    Ready(u32),
    Tick,
    Sample,
}

/// Where an attempt is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    pub(super) entry: u32,
    /// The process that has it now.
    pub(super) node: u32,
    pub(super) session: u32,
    /// Processor nanoseconds of what it does there.
    pub(super) cost: f64,
    /// It has come to whoever has the session, by this epoch.
    pub(super) owned: Option<u64>,
    /// It has paid for being passed on.
    pub(super) passed: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pub(super) owner: u32,
    pub(super) epoch: u64,
    pub(super) taking: Option<u32>,
    pub(super) waiting: Vec<u32>,
    /// Its owner died then, and nothing was answered since.
    pub(super) orphan: Option<u64>,
}

pub(super) struct World<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) fleet: &'a Fleet,
    pub(super) costs: &'a Costs,
    pub(super) spec: &'a Spec,
    pub(super) seed: u64,
    pub(super) arrivals: &'a [Arrival],
    /// Per arrival.
    pub(super) session_of: Vec<u32>,
    pub(super) nodes: Vec<Node>,
    pub(super) sessions: Vec<Session>,
    pub(super) store: Store,
    pub(super) queue: Queue,
    pub(super) timeline: Timeline<Event>,
    pub(super) mail: Vec<Vec<Write>>,
    pub(super) free: Vec<u32>,
    pub(super) legs: Vec<Leg>,
    pub(super) rng: Rng,
    pub(super) turn: u32,
    pub(super) ticks: u64,
    pub(super) run: Run,
    pub(super) out: Fleeting,
}

pub(super) fn nanos(seconds: f64) -> u64 {
    (seconds * SECOND) as u64
}

pub(super) fn ms(milliseconds: f64) -> u64 {
    (milliseconds * 1e6) as u64
}

pub(super) fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Plays a scenario that has a fleet, with our controller in every process.
pub(in super::super) fn play(
    scenario: &Scenario,
    fleet: &Fleet,
    arrivals: &[Arrival],
    spec: &Spec,
    seed: u64,
) -> (Run, Fleeting) {
    let count = scenario.replicas + fleet.workers;
    let policy = |node: u32| Svgx::new(spec, scenario.cores, seed ^ u64::from(node) << 20);
    let nodes = (0..count).map(|node| Node::new(scenario.cores, policy(node), 0)).collect();
    let mut known = BTreeMap::new();
    for arrival in arrivals {
        known.entry(arrival.session).or_insert(0_u32);
    }
    for (n, number) in known.values_mut().enumerate() {
        *number = index(n);
    }
    let mut rng = Rng::new(seed, 0xF1EE7);
    let sessions = known
        .keys()
        .map(|name| {
            // A session stays with whoever was asked first.
            let first = match fleet.route {
                Route::Hashed => hashed(*name, scenario.replicas),
                Route::RoundRobin | Route::Sticky => index(rng.below(scenario.replicas as usize)),
            };
            Session { owner: first, ..Session::default() }
        })
        .collect();
    let number = |arrival: &Arrival| known.get(&arrival.session).copied().unwrap_or(0);
    let run = Run {
        attempts: Vec::with_capacity(arrivals.len()),
        samples: Vec::new(),
        hash: 0xcbf2_9ce4_8422_2325,
        cost_error: None,
        busy: 0.0,
        events: 0,
    };
    let mut world = World {
        scenario,
        fleet,
        costs: &fleet.costs,
        spec,
        seed,
        arrivals,
        session_of: arrivals.iter().map(number).collect(),
        nodes,
        sessions,
        store: Store::new(seed),
        queue: Queue::default(),
        timeline: Timeline::new(),
        mail: Vec::new(),
        free: Vec::new(),
        legs: Vec::with_capacity(arrivals.len()),
        rng,
        turn: 0,
        ticks: 0,
        run,
        out: Fleeting { edits: vec![(0, false); arrivals.len()], ..Fleeting::default() },
    };
    world.run();
    world.finish()
}

pub(super) fn hashed(name: u64, count: u32) -> u32 {
    (random::mix(name.wrapping_mul(random::GOLDEN)) % u64::from(count.max(1))) as u32
}

impl World<'_> {
    pub(super) fn run(&mut self) {
        let end = nanos(self.scenario.seconds);
        for (n, batch) in self.fleet.jobs.iter().enumerate() {
            self.timeline.push(nanos(batch.at), Event::Put(index(n)));
        }
        for (n, death) in self.fleet.deaths.iter().enumerate() {
            self.timeline.push(nanos(death.at), Event::Death(index(n)));
        }
        for node in 0..index(self.nodes.len()) {
            self.begin_life(0, node);
        }
        self.timeline.push(TICK, Event::Tick);
        self.timeline.push(SAMPLE, Event::Sample);
        while let Some((now, next)) = self.timeline.next(self.arrivals, end) {
            self.run.events += 1;
            match next {
                Next::Timer(event) => self.event(now, event),
                Next::GivenUp(ticket) => self.give_up(now, ticket),
                Next::Arrival(arrival) => self.arrive(now, index(arrival), 0),
            }
        }
    }

    pub(super) fn finish(mut self) -> (Run, Fleeting) {
        self.run.busy = self.nodes.iter().map(|node| node.machine.busy).sum::<f64>() / 1e9;
        let takes = |n: usize| self.takes_jobs(index(n));
        let busy = self.nodes.iter().enumerate().filter(|(n, _)| takes(*n));
        self.out.worked += busy.map(|(_, node)| node.machine.busy).sum::<f64>() / 1e9;
        self.run.cost_error = self.nodes.first().and_then(|node| node.policy.cost_error());
        self.out.store_busy = self.store.busy / (self.scenario.seconds * 1e9);
        self.out.flushes = self.store.flushes;
        self.out.writes = self.store.writes;
        self.out.jobs = std::mem::take(&mut self.queue.jobs);
        (self.run, self.out)
    }

    pub(super) fn begin_life(&mut self, now: u64, node: u32) {
        let life = self.node(node).map_or(0, |n| n.life);
        if node < self.scenario.replicas {
            let phase = u64::from(node) * 7_919_000 % nanos(self.costs.renewed).max(1);
            self.timeline.push(now + phase, Event::Renew { node, life });
        }
        if self.takes_jobs(node) && !self.fleet.jobs.is_empty() {
            self.timeline
                .push(now + u64::from(node) * 1_000_003 % LOOK, Event::Look { node, life });
        }
    }

    pub(super) fn node(&mut self, node: u32) -> Option<&mut Node> {
        self.nodes.get_mut(node as usize)
    }

    pub(super) fn takes_jobs(&self, node: u32) -> bool {
        self.fleet.workers == 0 || node >= self.scenario.replicas
    }

    pub(super) fn event(&mut self, now: u64, event: Event) {
        match event {
            Event::Machine { node, generation } => {
                if self.node(node).is_some_and(|n| n.is_up() && n.generation == generation) {
                    self.work(now, node);
                }
            }
            Event::Reach { ticket, node, life } => self.reach(now, ticket, node, life),
            Event::Sent(letter) => {
                let writes = self.opened(letter);
                if let Some(took) = self.store.take(writes, self.costs) {
                    self.timeline.push(now + took, Event::Flushed);
                }
            }
            Event::Flushed => self.flushed(now),
            Event::Answered(letter) => self.answered(now, letter),
            Event::Retry { arrival, attempt } => self.arrive(now, arrival, attempt),
            Event::Renew { node, life } => {
                if self.lives(node, life) {
                    self.timeline
                        .push(now + nanos(self.costs.renewed), Event::Renew { node, life });
                    self.send(now, node, What::Renew);
                }
            }
            Event::Look { node, life } => {
                if self.lives(node, life) {
                    self.timeline.push(now + LOOK, Event::Look { node, life });
                    self.look(now, node);
                }
            }
            Event::Death(which) => self.death(now, which as usize),
            Event::Back { node, life } => self.back(now, node, life),
            Event::Put(which) => self.put(now, which as usize),
            Event::Lost { job, attempt } => {
                let chance = self.rng.unit();
                let lease = self.costs.job_lease;
                if let Some(pause) = self.queue.lost(job, attempt, lease, chance) {
                    self.timeline.push(now + nanos(pause), Event::Ready(job));
                }
            }
            Event::Ready(job) => {
                self.queue.again(job);
                self.ring(now);
            }
            Event::Tick => {
                self.ticks += 1;
                self.timeline.push(now + TICK, Event::Tick);
                let sensed = self.ticks.is_multiple_of(10).then_some(self.scenario.cores);
                for node in 0..index(self.nodes.len()) {
                    if self.node(node).is_some_and(|n| n.is_up()) {
                        self.advance(now, node);
                        if let Some(n) = self.node(node) {
                            n.policy.tick(now + ORIGIN, sensed);
                        }
                        self.work(now, node);
                    }
                }
            }
            Event::Sample => self.sample(now),
        }
    }

    pub(super) fn sample(&mut self, now: u64) {
        self.timeline.push(now + SAMPLE, Event::Sample);
        let [from, until] = self.scenario.judge.map(nanos);
        if (from..until).contains(&now)
            && let Some(oldest) = self.queue.oldest()
        {
            self.out.queue_age = self.out.queue_age.max(now - oldest);
        }
        let Some(first) = self.nodes.first() else { return };
        let (tier, moves) = first.policy.tier();
        self.run.samples.push(Sample { at: now, oldest: 0, tier, moves });
    }

    /// Whether this life of a process goes on, standing still included.
    pub(super) fn lives(&self, node: u32, life: u32) -> bool {
        let node = self.nodes.get(node as usize);
        node.is_some_and(|n| n.life == life && !matches!(n.state, State::Down { .. }))
    }
}
