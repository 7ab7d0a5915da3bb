//! What could have been served: two yardsticks.

use super::arrivals::{Arrival, SECOND};
use super::engine::tier_cost;
use super::scenario::{FaultKind, Scenario};
use crate::spec::Spec;
use svgx_base::budget::{Class, Tier};

/// Answers inside their budget, of those that arrived in the judged time, per class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ideal {
    /// Strict priority, divisible work, cheapest tier, half a second at a time.
    /// Not a true bound: who picks the cheap requests can serve more.
    pub fluid: [f64; 3],
    /// A schedule that knows every cost beforehand and may divide work over
    /// processors: earliest deadline first, and whenever that cannot be done the
    /// request with the least value per work is given up (after Moore, 1968;
    /// weights after Lawler). No real machine reaches it.
    pub clairvoyant: [f64; 3],
}

const BIN: f64 = 0.5;

/// The yardsticks of a run.
pub fn ideal(scenario: &Scenario, arrivals: &[Arrival], spec: &Spec) -> Ideal {
    Ideal {
        fluid: fluid(scenario, arrivals, spec),
        clairvoyant: clairvoyant(scenario, arrivals, spec),
    }
}

/// Processors of all replicas at a time.
fn capacity(scenario: &Scenario, t: f64) -> f64 {
    let cores = scenario
        .fault(t, |kind| match kind {
            FaultKind::Cores(n) | FaultKind::Quota(n) => Some(n),
            FaultKind::Steal(part) => Some(scenario.cores * part),
            _ => None,
        })
        .unwrap_or(scenario.cores);
    cores * f64::from(scenario.replicas)
}

/// Seconds of work at the cheapest tier, if that can be in time at all.
fn work(arrival: &Arrival, spec: &Spec) -> Option<f64> {
    let budget = spec.objective(arrival.class)?.budget.as_secs_f64();
    let work = arrival.cost * tier_cost(arrival.class, Tier::Ui) / SECOND;
    let locked = arrival.locked as f64 / SECOND;
    (work + locked <= budget).then_some(work)
}

/// Whether a request belongs to the judged time.
pub(super) fn judged(scenario: &Scenario, at: u64) -> bool {
    let [from, until] = scenario.judge;
    (from..until).contains(&(at as f64 / SECOND))
}

fn fluid(scenario: &Scenario, arrivals: &[Arrival], spec: &Spec) -> [f64; 3] {
    let bins = (scenario.seconds / BIN).ceil() as usize + 1;
    let mut all = vec![[(0.0, 0.0); 3]; bins];
    for arrival in arrivals.iter().filter(|arrival| judged(scenario, arrival.at)) {
        let Some(work) = work(arrival, spec) else { continue };
        let bin = (arrival.at as f64 / SECOND / BIN) as usize;
        if let Some((sum, count)) =
            all.get_mut(bin).and_then(|bin| bin.get_mut(arrival.class as usize))
        {
            *sum += work;
            *count += 1.0;
        }
    }
    let mut good = [0.0; 3];
    for (index, bin) in all.iter().enumerate() {
        let mut left = capacity(scenario, (index as f64 + 0.5) * BIN) * BIN;
        for (good, (work, count)) in good.iter_mut().zip(bin) {
            let part = if *work > left { left / work } else { 1.0 };
            *good += part * count;
            left = (left - work).max(0.0);
        }
    }
    good
}

struct Job {
    deadline: f64,
    left: f64,
    density: f64,
    class: Class,
    judged: bool,
}

fn clairvoyant(scenario: &Scenario, arrivals: &[Arrival], spec: &Spec) -> [f64; 3] {
    let mut good = [0.0; 3];
    let mut jobs: Vec<Job> = Vec::new();
    let mut now = 0.0;
    for arrival in arrivals.iter().filter(|arrival| arrival.at < u64::MAX) {
        let at = arrival.at as f64 / SECOND;
        let cores = capacity(scenario, at);
        advance(&mut jobs, (at - now) * cores, &mut good);
        now = at;
        let (Some(work), Some(objective)) = (work(arrival, spec), spec.objective(arrival.class))
        else {
            continue;
        };
        let job = Job {
            deadline: at + objective.budget.as_secs_f64(),
            left: work,
            density: objective.weight / work,
            class: arrival.class,
            judged: judged(scenario, arrival.at),
        };
        let place = jobs.partition_point(|other| other.deadline <= job.deadline);
        jobs.insert(place, job);
        while let Some(last) = infeasible(&jobs, now, cores) {
            let worst = jobs
                .iter()
                .take(last + 1)
                .enumerate()
                .min_by(|(_, a), (_, b)| a.density.total_cmp(&b.density))
                .map(|(index, _)| index);
            let Some(worst) = worst else { break };
            jobs.remove(worst);
        }
    }
    advance(&mut jobs, f64::INFINITY, &mut good);
    good
}

fn advance(jobs: &mut Vec<Job>, mut work: f64, good: &mut [f64; 3]) {
    let mut done = 0;
    for job in jobs.iter_mut() {
        let step = job.left.min(work);
        work -= step;
        if step < job.left {
            job.left -= step;
            break;
        }
        done += 1;
        if job.judged
            && let Some(good) = good.get_mut(job.class as usize)
        {
            *good += 1.0;
        }
    }
    jobs.drain(..done);
}

/// The first job that earliest-deadline-first would finish late.
fn infeasible(jobs: &[Job], now: f64, cores: f64) -> Option<usize> {
    let mut sum = 0.0;
    jobs.iter().position(|job| {
        sum += job.left;
        sum > (job.deadline - now) * cores + 1e-12
    })
}
