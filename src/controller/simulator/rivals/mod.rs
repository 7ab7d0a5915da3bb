//! The published controllers, each from its own file's constants, in front of
//! the pool they were made for: one queue, a worker per processor.
//!
//! These are models of published laws, not their authors' code.

mod aimd;
mod bbr;
mod bouncer;
mod breakwater;
mod codel;
mod concurrency;
mod dagor;
mod gradient2;
mod isolation;
mod none;
mod partitioned;
mod vegas;

use std::collections::VecDeque;

use super::policy::{Answer, End, Incoming, Pick, Policy, Setting, Usage};
use crate::core::Lane;
use svgx_base::budget::{Class, Tier};

pub use isolation::Isolation;

/// What a limiter can see of its server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Admitted and not ended.
    pub(super) inflight: usize,
    /// Of these, of the class in question.
    pub(super) of_class: usize,
}

/// A law of admission.
pub(super) trait Limiter: Send {
    /// Whether the request may join the queue.
    fn admit(&mut self, now: u64, incoming: &Incoming<'_>, load: Load) -> bool;
    /// Whether work that waited so long is still to be done.
    fn start(&mut self, _now: u64, _class: Class, _waited: u64) -> bool {
        true
    }
    /// Work ended; how many were inside when it did, itself included.
    fn finish(&mut self, _now: u64, _class: Class, _took: Usage, _inflight: usize) {}
    /// A hundredth of a second passed.
    fn tick(&mut self, _now: u64, _load: Load) {}
}

struct Waiting {
    ticket: u32,
    class: Class,
    at: u64,
    gone: bool,
}

/// One first-come-first-served queue in front of a worker per processor.
struct Pool<L> {
    limiter: L,
    workers: usize,
    queue: VecDeque<Waiting>,
    inflight: [usize; 4],
}

impl<L: Limiter> Pool<L> {
    fn load(&self, class: Class) -> Load {
        Load {
            inflight: self.inflight.iter().sum(),
            of_class: self.inflight.get(class as usize).copied().unwrap_or(0),
        }
    }

    fn leave(&mut self, class: Class) {
        if let Some(count) = self.inflight.get_mut(class as usize) {
            *count = count.saturating_sub(1);
        }
    }
}

impl<L: Limiter> Policy for Pool<L> {
    fn arrive(&mut self, now: u64, incoming: &Incoming<'_>) -> Answer {
        let class = incoming.arrival.class;
        let load = self.load(class);
        if !self.limiter.admit(now, incoming, load) {
            return Answer::Refused { retry_after: 0, code: 1 };
        }
        if let Some(count) = self.inflight.get_mut(class as usize) {
            *count += 1;
        }
        self.queue.push_back(Waiting { ticket: incoming.ticket, class, at: now, gone: false });
        Answer::Queued { tier: Tier::Compute }
    }

    fn pick(&mut self, now: u64, _: Lane) -> Pick {
        while let Some(first) = self.queue.pop_front() {
            if first.gone {
                continue;
            }
            if self.limiter.start(now, first.class, now.saturating_sub(first.at)) {
                return Pick::Run { ticket: first.ticket, stop: u64::MAX };
            }
            self.leave(first.class);
            return Pick::Drop { ticket: first.ticket };
        }
        Pick::Nothing
    }

    fn finish(&mut self, now: u64, _: u32, class: Class, took: Usage, _: End) {
        let inflight = self.inflight.iter().sum();
        self.limiter.finish(now, class, took, inflight);
        self.leave(class);
    }

    fn abandon(&mut self, now: u64, ticket: u32) -> bool {
        // A server that notices: the generous case.
        let Some(waiting) = self.queue.iter_mut().find(|waiting| waiting.ticket == ticket) else {
            return false;
        };
        waiting.gone = true;
        let (class, at) = (waiting.class, waiting.at);
        let total = now.saturating_sub(at);
        let inflight = self.inflight.iter().sum();
        self.limiter.finish(now, class, Usage { total, ..Usage::default() }, inflight);
        self.leave(class);
        true
    }

    fn tick(&mut self, now: u64, cores: Option<f64>) {
        if let Some(cores) = cores {
            self.workers = workers(cores);
        }
        let load = self.load(Class::Ui);
        self.limiter.tick(now, load);
    }

    fn workers(&self, lane: Lane) -> usize {
        if lane == Lane::Urgent { self.workers } else { 0 }
    }

    fn pauses(&self, _: Lane) -> bool {
        false
    }

    fn tier(&self) -> (Tier, u64) {
        (Tier::Compute, 0)
    }
}

fn workers(cores: f64) -> usize {
    cores.ceil().max(1.0) as usize
}

fn pool<L: Limiter + 'static>(setting: &Setting, limiter: L) -> Box<dyn Policy> {
    let workers = workers(setting.cores);
    Box::new(Pool { limiter, workers, queue: VecDeque::new(), inflight: [0; 4] })
}

/// Every rival by name.
pub const NAMES: [&str; 12] = [
    "none",
    "isolation",
    "concurrency",
    "aimd",
    "vegas",
    "gradient2",
    "partitioned",
    "codel",
    "dagor",
    "breakwater",
    "bbr",
    "bouncer",
];

/// The rival of that name.
pub fn rival(name: &str, setting: &Setting, seed: u64) -> Option<Box<dyn Policy>> {
    Some(match name {
        "none" => pool(setting, none::None),
        "isolation" => Box::new(Isolation::new(setting)),
        "concurrency" => pool(setting, concurrency::Concurrency::new(setting)),
        "aimd" => pool(setting, aimd::Aimd::new()),
        "vegas" => pool(setting, vegas::Vegas::new(seed)),
        "gradient2" => pool(setting, gradient2::Gradient2::new(20.0)),
        "partitioned" => pool(setting, partitioned::Partitioned::new()),
        "codel" => pool(setting, codel::CoDel::new()),
        "dagor" => pool(setting, dagor::Dagor::new()),
        "breakwater" => pool(setting, breakwater::Breakwater::new()),
        "bbr" => pool(setting, bbr::Bbr::new(setting)),
        "bouncer" => pool(setting, bouncer::Bouncer::new(setting)),
        _ => return None,
    })
}

fn float(x: u64) -> f64 {
    x as f64
}

fn count(x: usize) -> f64 {
    x as f64
}
