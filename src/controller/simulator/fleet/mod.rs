//! Several replicas that share their sessions by one store, and jobs that workers take from one
//! queue on it: what `docs/replicas.md` and `docs/jobs.md` describe, in virtual time.
//!
//! Each replica and each worker has its own processors and the controller of this project. A
//! balancer gives a request to a replica; where another one has the session it is passed on, which
//! costs both of them processor time. An edit is answered when the store has flushed it; writes
//! that come together share a flush. Replicas die, or stand still until their lease has ended.

mod deaths;
mod judge;
mod nodes;
mod play;
mod processors;
mod queue;
mod requests;
mod store;
mod table;
mod work;
mod writes;

use serde::Deserialize;

pub(super) use judge::measure;
pub use play::Fleeting;
pub(super) use play::play;
pub use queue::Job;
pub use table::{Row, table};

/// What a scenario has of replicas that share something. Times are seconds, costs milliseconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fleet {
    /// How a request finds a replica.
    pub route: Route,
    /// Editors at each replica, who do what `slo/scenarios/editors.yaml` says.
    pub editors: f64,
    /// Processes that take jobs and nothing else; without any the replicas take them.
    pub workers: u32,
    /// Jobs that are put in.
    pub jobs: Vec<Batch>,
    /// What dies or stands still.
    pub deaths: Vec<Death>,
    /// What everything costs.
    pub costs: Costs,
}

/// How the balancer picks a replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// One after the other.
    #[default]
    RoundRobin,
    /// By the name of the session.
    Hashed,
    /// By the connection: one client always reaches the same one.
    Sticky,
}

/// Jobs of one tenant that come together.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// When.
    #[serde(default)]
    pub at: f64,
    /// Whose.
    pub tenant: u64,
    /// How many.
    pub count: u32,
    /// Mean processor time of each.
    pub cost: f64,
    /// Sigma of the logarithm of the true cost over the predicted one.
    #[serde(default)]
    pub noise: f64,
    /// Its worker dies when it has worked so long.
    #[serde(default)]
    pub poison: bool,
}

/// A replica or a worker that fails.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Death {
    /// When.
    pub at: f64,
    /// Which: replicas are counted first, then workers.
    pub node: u32,
    /// How.
    pub how: How,
}

/// How a process fails.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It is gone, and its address refuses; it is started again after [`Costs::restart`].
    Killed,
    /// It stands still for so many seconds.
    Paused(f64),
}

/// What was measured, or is set, of engines and their store: the one place for it. Milliseconds,
/// unless another unit is in the name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Costs {
    /// Processor time at the replica that passes a request on.
    pub entry: f64,
    /// More processor time at the one that it is passed on to.
    pub owner: f64,
    /// One way between two processes.
    pub way: f64,
    /// Mean of a flush to the disk of the store.
    pub flush: f64,
    /// Sigma of its logarithm.
    pub flush_spread: f64,
    /// Time of the store's one thread for a write.
    pub append: f64,
    /// Writes that one replica has under way at the most, and that one flush is for: more would make
    /// a flush longer, and the store no faster.
    pub together: usize,
    /// Seconds that a write waits before it is refused.
    pub write_patience: f64,
    /// Processor time of reading a session from the store.
    pub load: f64,
    /// Seconds of the lease of a replica.
    pub lease: f64,
    /// Seconds between two renewals.
    pub renewed: f64,
    /// Seconds after which the balancer leaves out a replica that says nothing.
    pub health: f64,
    /// Seconds until what was killed is there again.
    pub restart: f64,
    /// Seconds of the lease of a worker.
    pub job_lease: f64,
    /// Seconds of work between two checkpoints of a job; what lies after the last is done again.
    pub checkpoint: f64,
    /// Seconds of predicted work that may wait for each process that takes jobs.
    pub backlog: f64,
}

impl Default for Costs {
    fn default() -> Costs {
        Costs {
            // Together what passing on was measured to cost: 0.36 ms (docs/replicas.md).
            entry: 0.18,
            owner: 0.18,
            way: 0.2,
            // The script that appends, against redis-server 7.0.15 with `appendfsync always` on one
            // processor of an AMD EPYC, records of 230 bytes: 1, 8, 32, 128 and 512 writers had 4 000,
            // 13 400, 23 900, 32 800 and 25 800 appends a second. That is a flush of 0.25 ms and
            // 0.03 ms for each write. Beside two engines and their clients a flush is longer: with
            // 1 ms an edit of ten is on the disk within what was measured there, 3.9 ms.
            flush: 1.0,
            flush_spread: 0.5,
            append: 0.03,
            together: 1024,
            write_patience: 1.0,
            load: 5.0,
            lease: 5.0,
            renewed: 1.5,
            health: 1.0,
            restart: 2.0,
            job_lease: 15.0,
            checkpoint: 10.0,
            backlog: 900.0,
        }
    }
}

impl Fleet {
    /// What is wrong with it, in words.
    ///
    /// # Errors
    /// The first number outside of its range.
    pub(super) fn check(&self, replicas: u32, seconds: f64) -> Result<(), String> {
        let fine = |x: f64, least: f64, most: f64| x.is_finite() && (least..=most).contains(&x);
        if !fine(self.editors, 0.0, 1e5) || self.workers > 1_000 {
            return Err(format!(
                "{} editors, {} workers; at most 100000, 1000",
                self.editors, self.workers
            ));
        }
        if self.jobs.len() > 1_000 || self.deaths.len() > 1_000 {
            return Err("more than 1000 batches of jobs or deaths".to_owned());
        }
        for batch in &self.jobs {
            if !fine(batch.at, 0.0, seconds)
                || batch.count > 100_000
                || !fine(batch.cost, 1e-3, 1e7)
                || !fine(batch.noise, 0.0, 5.0)
            {
                return Err(format!(
                    "{} jobs at {} s of {} ms, noise {}; at most 100000 inside {seconds} s, of 0.001 \
                     to 1e7 ms, noise 5",
                    batch.count, batch.at, batch.cost, batch.noise
                ));
            }
        }
        for death in &self.deaths {
            let paused = if let How::Paused(seconds) = death.how { seconds } else { 0.0 };
            if !fine(death.at, 0.0, seconds)
                || death.node >= replicas + self.workers
                || !fine(paused, 0.0, 86_400.0)
            {
                return Err(format!(
                    "the death of {} at {} s: there are {replicas} replicas and {} workers for \
                     {seconds} s",
                    death.node, death.at, self.workers
                ));
            }
        }
        self.costs.check()
    }
}

impl Costs {
    fn check(&self) -> Result<(), String> {
        let zero = [self.entry, self.owner, self.way, self.append, self.load, self.flush_spread];
        let more = [
            self.flush,
            self.write_patience,
            self.lease,
            self.renewed,
            self.health,
            self.restart,
            self.job_lease,
            self.checkpoint,
            self.backlog,
        ];
        let fine = |x: &f64, least: f64| x.is_finite() && (least..=1e6).contains(x);
        let right = zero.iter().all(|x| fine(x, 0.0)) && more.iter().all(|x| fine(x, 1e-3));
        if right && self.together > 0 {
            Ok(())
        } else {
            Err("a cost is no number from 0 to 1e6, or a time is less than 0.001".to_owned())
        }
    }
}
