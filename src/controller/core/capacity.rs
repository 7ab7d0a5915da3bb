//! The processors our work really gets: what the sensor says, and what is learned from work
//! that ended.

use svgx_base::budget::Class;

use super::request::{Cost, Lane};
use super::time::Nanos;
use crate::spec::{Policy, Spec};

/// More processors than this are not believed.
const MOST_CORES: f64 = 4096.0;

/// How fast the efficiency goes back to 1 without news, per tenth of a second: half of the way
/// in three seconds. Not policy: it only bounds how long one bad measurement can last.
const EFFICIENCY_RECOVERY: f64 = 0.02;
/// The same for physics while urgent work leaves half of the processors: what slowed it down is
/// gone, so most of the way in half a second.
const SHARE_RECOVERY_IDLE: f64 = 0.3;
/// And while it does not.
const SHARE_RECOVERY_BUSY: f64 = 0.02;

/// A part of a processor, averaged over finished work. Without news it drifts back to 1:
/// otherwise one bad measurement could refuse everything that would correct it.
#[derive(Clone, Copy, Debug)]
struct LearnedShare {
    value: f64,
    /// Whether something was learned since the last drift.
    learned: bool,
}

impl LearnedShare {
    fn new() -> LearnedShare {
        LearnedShare { value: 1.0, learned: false }
    }

    fn learn(&mut self, share: f64, gain: f64) {
        self.value += gain * (share - self.value);
        self.learned = true;
    }

    fn drift_back(&mut self, gain: f64) {
        if !self.learned {
            self.value += gain * (1.0 - self.value);
        }
        self.learned = false;
    }
}

/// The processors.
#[derive(Clone, Debug)]
pub(super) struct Capacity {
    /// By the sensor.
    cores: f64,
    /// Processor time our threads got of the time they wanted it.
    efficiency: LearnedShare,
    /// Processor time a piece of physics gets of the time it holds a worker, its pauses included.
    physics_cpu_share: LearnedShare,
    /// The part of the processors that physics may hold.
    physics_share: f64,
    /// However little is left, so much is assumed: predictions stay finite.
    least: f64,
}

impl Capacity {
    pub(super) fn new(spec: &Spec, cores: f64) -> Capacity {
        let least = spec.policy.least_processor;
        Capacity {
            cores: if cores.is_finite() { cores.clamp(least, MOST_CORES) } else { 1.0 },
            efficiency: LearnedShare::new(),
            physics_cpu_share: LearnedShare::new(),
            physics_share: spec.objective(Class::Physics).map_or(1.0, |objective| objective.share),
            least,
        }
    }

    /// Takes what the sensor says; whether it can be believed.
    pub(super) fn sense(&mut self, cores: f64) -> bool {
        let believed = cores.is_finite() && cores > 0.0;
        if believed {
            self.cores = cores.clamp(self.least, MOST_CORES);
        }
        believed
    }

    /// Processors by the sensor.
    pub(super) fn cores(&self) -> f64 {
        self.cores
    }

    /// Whole processors: as many pieces of urgent work may run at once.
    pub(super) fn processors(&self) -> usize {
        self.cores.ceil().clamp(1.0, MOST_CORES) as usize
    }

    /// Processors our work really gets.
    pub(super) fn total(&self) -> f64 {
        self.at_least(self.cores * self.efficiency.value)
    }

    /// The speed of one thread, in processors.
    pub(super) fn thread_speed(&self) -> f64 {
        (self.total() / self.cores.ceil().max(1.0)).clamp(self.least, 1.0)
    }

    /// The speed of one thread were all processors ours, in processors: less than one only
    /// where the quota is no whole number of them.
    pub(super) fn nominal_speed(&self) -> f64 {
        (self.cores / self.cores.ceil().max(1.0)).clamp(self.least, 1.0)
    }

    /// Processors as far as they are ours, as a whole number: less urgent work must not hold
    /// those that other programs have taken.
    pub(super) fn processors_left(&self) -> usize {
        (self.total().round() as usize).clamp(1, self.processors())
    }

    /// What is left for work when more urgent work takes so many processors.
    pub(super) fn left(&self, used: f64) -> f64 {
        self.at_least(self.total() - used)
    }

    /// Never less than predictions can be made with.
    pub(super) fn at_least(&self, processors: f64) -> f64 {
        processors.max(self.least)
    }

    /// Processor time per time on a worker that physics had lately.
    pub(super) fn physics_cpu_share(&self) -> f64 {
        self.physics_cpu_share.value
    }

    /// Processors the workers of physics could have at the most.
    pub(super) fn physics_limit(&self) -> f64 {
        (self.workers(Lane::Physics) as f64 * self.efficiency.value).min(self.total())
    }

    /// Workers a lane may have: its share for physics, one for batch, and for
    /// urgent work two per processor, of which half are spare: one steps in for a
    /// worker whose work has been overdue for long, be it blocked or endless.
    pub(super) fn workers(&self, lane: Lane) -> usize {
        match lane {
            Lane::Urgent => 2 * self.processors(),
            Lane::Physics => {
                let cores = self.cores.ceil().max(1.0);
                (cores * self.physics_share).floor().clamp(1.0, MOST_CORES) as usize
            }
            Lane::Batch => 1,
        }
    }

    /// Learns from work that shows what processors we get. A processor that is throttled,
    /// stolen or held by the threads that speak HTTP shows as time that passed without being
    /// ours. Long work has seen more of it.
    pub(super) fn learn_efficiency(&mut self, cost: Cost, policy: &Policy) {
        let share = (cost.cpu as f64 / cost.ran as f64).clamp(self.least, 1.0);
        let part = cost.ran as f64 / Nanos::from(policy.efficiency_span).as_f64();
        self.efficiency.learn(share, part.min(policy.efficiency_gain));
    }

    /// Learns from physics that held a worker for so long.
    pub(super) fn learn_physics(&mut self, cpu: u64, held: Nanos, policy: &Policy) {
        let held = held.as_f64();
        let part = held / Nanos::from(policy.physics_share_span).as_f64();
        let share = (cpu as f64 / held).min(1.0);
        self.physics_cpu_share.learn(share, part.min(policy.physics_share_gain));
    }

    /// Ten times a second, with the processors that urgent work takes: without news the
    /// processors are believed to be ours again.
    pub(super) fn tick(&mut self, urgent: f64) {
        let idle = urgent < self.total() / 2.0;
        let recovery = if idle { SHARE_RECOVERY_IDLE } else { SHARE_RECOVERY_BUSY };
        self.physics_cpu_share.drift_back(recovery);
        self.efficiency.drift_back(EFFICIENCY_RECOVERY);
    }
}
