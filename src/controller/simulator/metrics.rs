//! What a run is judged by.

use std::collections::BTreeMap;

use super::arrivals::{Arrival, SECOND};
use super::engine::{Fate, Run, tier_cost};
use super::ideal::{Ideal, judged};
use super::scenario::Scenario;
use crate::spec::Spec;
use svgx_base::budget::{Class, Tier};

/// A name and its value; not-a-number where it does not apply.
pub type Metrics = BTreeMap<&'static str, f64>;

/// The classes that are judged.
pub(super) const CLASSES: [Class; 3] = [Class::Ui, Class::Redraw, Class::Physics];
/// The queue is bounded while its oldest urgent request has waited no longer than a frame.
const BOUND: u64 = 16_000_000;

const GOOD: [&str; 3] = ["ui_good", "redraw_good", "physics_good"];
const OFFERED: [&str; 3] = ["ui_served", "redraw_served", "physics_served"];
const ADMITTED: [&str; 3] = ["ui_admitted", "redraw_admitted", "physics_admitted"];
const P95: [&str; 3] = ["ui_p95_ms", "redraw_p95_ms", "physics_p95_ms"];
const P99: [&str; 3] = ["ui_p99_ms", "redraw_p99_ms", "physics_p99_ms"];
const VIOLATED: [&str; 3] = ["ui_violation_s", "redraw_violation_s", "physics_violation_s"];
const CLAIRVOYANT: [&str; 3] = ["ui_clairvoyant", "redraw_clairvoyant", "physics_clairvoyant"];

/// One class over the judged time.
#[derive(Clone, Debug, Default)]
struct Tally {
    offered: f64,
    good: f64,
    attempts: f64,
    admitted: f64,
    compute: f64,
    answered: f64,
    /// Refused although nothing that has an objective was there.
    idle_refused: f64,
    /// Worked on outside of the objective.
    oversize: f64,
    /// Latencies in milliseconds by ten-second window; what was let in and never
    /// answered counts as the client's patience.
    windows: BTreeMap<u64, Vec<f64>>,
    /// Second: answers outside the budget, and all.
    seconds: BTreeMap<u64, (f64, f64)>,
}

/// Judges a run.
pub fn metrics(
    scenario: &Scenario,
    arrivals: &[Arrival],
    run: &Run,
    ideal: &Ideal,
    spec: &Spec,
) -> Metrics {
    let tallies = tally(scenario, arrivals, run, spec);
    let mut out = Metrics::new();
    let weight = |class: Class| spec.objective(class).map_or(0.0, |objective| objective.weight);
    let (mut mine, mut fluid, mut best) = (0.0, 0.0, 0.0);
    for (index, class) in CLASSES.into_iter().enumerate() {
        let Some(tally) = tallies.get(index) else { continue };
        let mut put = |names: [&'static str; 3], value: f64| {
            if let Some(name) = names.get(index) {
                out.insert(name, value);
            }
        };
        let of = |values: [f64; 3]| values.get(index).copied().unwrap_or(0.0);
        put(GOOD, tally.good / of(ideal.fluid));
        put(CLAIRVOYANT, tally.good / of(ideal.clairvoyant));
        put(OFFERED, tally.good / tally.offered);
        put(ADMITTED, tally.admitted / tally.attempts);
        let worst = |q: f64| {
            let full = tally.windows.values().filter(|window| window.len() >= 20);
            full.map(|window| quantile(window, q)).fold(f64::NAN, f64::max)
        };
        put(P95, worst(0.95));
        put(P99, worst(0.99));
        let allowed = spec.objective(class).map_or(0.05, |o| o.target.complement().as_f64());
        let bad = tally.seconds.values().filter(|(bad, all)| *bad > allowed * all && *bad > 1.0);
        put(VIOLATED, bad.count() as f64);
        mine += weight(class) * tally.good;
        fluid += weight(class) * of(ideal.fluid);
        best += weight(class) * of(ideal.clairvoyant);
    }
    // Clients that wait for their answers have no ideal.
    let over = |ideal: f64| if ideal > 0.0 { mine / ideal } else { f64::NAN };
    out.insert("goodput", over(fluid));
    out.insert("clairvoyant", over(best));
    if let [.., physics] = tallies.as_slice() {
        out.insert("physics_compute", physics.compute / physics.answered);
    }
    out.insert("idle_refused", tallies.iter().map(|tally| tally.idle_refused).sum());
    out.insert("oversize", tallies.iter().map(|tally| tally.oversize).sum());
    timing(scenario, arrivals, run, &mut out);
    tenants(scenario, arrivals, run, spec, &mut out);
    crowd(scenario, arrivals, run, &mut out);
    out.insert("cost_error", run.cost_error.unwrap_or(f64::NAN));
    out.insert("hash", (run.hash >> 12) as f64);
    out
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

fn second(at: u64) -> u64 {
    at / 1_000_000_000
}

fn budget(spec: &Spec, class: Class) -> u64 {
    spec.objective(class)
        .map_or(u64::MAX, |o| u64::try_from(o.budget.as_nanos()).unwrap_or(u64::MAX))
}

fn tally(scenario: &Scenario, arrivals: &[Arrival], run: &Run, spec: &Spec) -> Vec<Tally> {
    let mut all = vec![Tally::default(); 3];
    let mut served = vec![false; arrivals.len()];
    for attempt in &run.attempts {
        let Some(arrival) = arrivals.get(attempt.arrival as usize) else { continue };
        // A request of a lone client has no time of its own.
        if !judged(scenario, arrival.at.min(attempt.at)) {
            continue;
        }
        let Some(tally) = all.get_mut(arrival.class as usize) else { continue };
        tally.attempts += 1.0;
        if attempt.attempt == 0 {
            tally.offered += 1.0;
        }
        tally.idle_refused += f64::from(u8::from(attempt.idle));
        if attempt.fate == Fate::Refused {
            continue;
        }
        tally.admitted += 1.0;
        let patience = scenario.patience * 1e3;
        let (took, in_time) = match attempt.fate {
            Fate::Answered(took) => (ms(took), took <= budget(spec, arrival.class)),
            Fate::Dropped(_) | Fate::Abandoned => (patience, false),
            Fate::Inside | Fate::Refused | Fate::Deferred => continue,
        };
        if in_time
            && let Some(served) = served.get_mut(attempt.arrival as usize)
            && !*served
        {
            *served = true;
            tally.good += 1.0;
        }
        if matches!(attempt.fate, Fate::Answered(_)) {
            tally.answered += 1.0;
            tally.compute += f64::from(u8::from(attempt.tier == Tier::Compute));
        }
        if attempt.batch {
            tally.oversize += 1.0;
            continue;
        }
        let at = second(attempt.at);
        tally.windows.entry(at / 10).or_default().push(took);
        let (bad, total) = tally.seconds.entry(at).or_default();
        *bad += f64::from(u8::from(!in_time));
        *total += 1.0;
    }
    all
}

/// The value below which the share `q` lies (nearest rank).
pub(super) fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = ((sorted.len() as f64 * q).ceil() as usize).clamp(1, sorted.len().max(1));
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// When was the load noticed, bounded, and forgotten?
fn timing(scenario: &Scenario, arrivals: &[Arrival], run: &Run, out: &mut Metrics) {
    let [from, until] = scenario.judge.map(|s| s * SECOND);
    let tier_before = run.samples.iter().rev().find(|s| (s.at as f64) < from);
    let moves_before = tier_before.map_or(0, |sample| sample.moves);
    let moves = run.samples.last().map_or(0, |sample| sample.moves);
    out.insert("tier_moves", moves as f64);
    out.insert("tier_moves_before", moves_before as f64);
    let refused = run.attempts.iter().find(|a| a.at as f64 >= from && a.fate == Fate::Refused);
    let moved = run.samples.iter().find(|s| s.at as f64 >= from && s.moves > moves_before);
    let detect = [refused.map(|a| a.at), moved.map(|s| s.at)].into_iter().flatten().min();
    out.insert("detect_ms", detect.map_or(f64::NAN, |at| (at as f64 - from) / 1e6));
    // Bounded: from then on for a second no urgent request has waited longer than a frame.
    let inside = || run.samples.iter().filter(|s| s.at as f64 >= from && (s.at as f64) < until);
    let mut candidate: Option<u64> = None;
    let mut bounded = None;
    for sample in inside() {
        if sample.oldest > BOUND {
            candidate = None;
        } else {
            let since = *candidate.get_or_insert(sample.at);
            if sample.at - since >= 1_000_000_000 {
                bounded = Some(since);
                break;
            }
        }
    }
    out.insert("bound_ms", bounded.map_or(f64::INFINITY, |at| (at as f64 - from) / 1e6));
    // Recovered: no refusal of ui and redraw any more, and the full tier.
    let last_refusal = run
        .attempts
        .iter()
        .rev()
        .filter(|a| arrivals.get(a.arrival as usize).is_some_and(|x| x.class <= Class::Redraw))
        .find(|a| a.fate == Fate::Refused || matches!(a.fate, Fate::Dropped(_)))
        .map_or(0.0, |a| a.at as f64);
    out.insert("recover_ms", ((last_refusal - until) / 1e6).max(0.0));
    let coarse = run.samples.iter().rev().find(|s| s.tier != Tier::Compute);
    let back = coarse.map_or(0.0, |s| ((s.at as f64 - until) / 1e6).max(0.0));
    out.insert("tier_back_ms", back);
    let lost: f64 = run
        .samples
        .windows(2)
        .map(|pair| {
            let [a, b] = pair else { return 0.0 };
            let rungs = 2.0 - f64::from(a.tier as u8);
            rungs / 2.0 * (b.at - a.at) as f64 / SECOND
        })
        .sum();
    out.insert("quality_lost_s", lost);
}

/// How the tenants of the mix fared, by the weight of their answers, beside the one that floods.
fn tenants(scenario: &Scenario, arrivals: &[Arrival], run: &Run, spec: &Spec, out: &mut Metrics) {
    let mut all: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    let most = scenario.tenants as u64;
    let mut counted = vec![false; arrivals.len()];
    for attempt in &run.attempts {
        let Some(arrival) = arrivals.get(attempt.arrival as usize) else { continue };
        if arrival.tenant > most || !judged(scenario, arrival.at) {
            continue;
        }
        let worth = spec.objective(arrival.class).map_or(0.0, |objective| objective.weight);
        let (good, offered) = all.entry(arrival.tenant).or_default();
        *offered += worth * f64::from(u8::from(attempt.attempt == 0));
        if matches!(attempt.fate, Fate::Answered(took) if took <= budget(spec, arrival.class))
            && let Some(counted) = counted.get_mut(attempt.arrival as usize)
            && !*counted
        {
            *counted = true;
            *good += worth;
        }
    }
    let shares: Vec<f64> =
        all.values().filter(|(_, n)| *n > 0.0).map(|(good, n)| good / n).collect();
    let (sum, squares) = shares.iter().fold((0.0, 0.0), |(s, q), x| (s + x, q + x * x));
    out.insert("jain", sum * sum / (shares.len() as f64 * squares));
    out.insert("tenants_served", sum / shares.len() as f64);
}

/// Whether `Retry-After` was true, for clients that obey it: the share of those that were refused
/// and came in within half to twice the time they were first told; and the time until the last of
/// a second's arrivals had come in, over what their work takes all processors.
fn crowd(scenario: &Scenario, arrivals: &[Arrival], run: &Run, out: &mut Metrics) {
    let mut refused: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    let (mut all, mut near) = (0.0, 0.0);
    // By the second of arrival: the first refusal, the last that came in, processor seconds.
    let mut bursts: BTreeMap<u64, (u64, u64, f64)> = BTreeMap::new();
    for attempt in &run.attempts {
        let Some(arrival) = arrivals.get(attempt.arrival as usize) else { continue };
        if !scenario.obeys || !judged(scenario, arrival.at) {
            continue;
        }
        match (attempt.fate, refused.get(&attempt.arrival)) {
            (Fate::Refused, None) => {
                refused.insert(attempt.arrival, (attempt.at, attempt.told));
                let burst = bursts.entry(second(arrival.at)).or_insert((attempt.at, 0, 0.0));
                burst.0 = burst.0.min(attempt.at);
            }
            (Fate::Answered(_), Some((first, told))) => {
                let ratio = *told as f64 / (attempt.at - first).max(1) as f64;
                all += 1.0;
                near += f64::from(u8::from((0.5..=2.0).contains(&ratio)));
                if let Some(burst) = bursts.get_mut(&second(arrival.at)) {
                    burst.1 = burst.1.max(attempt.at);
                    burst.2 += arrival.cost * tier_cost(arrival.class, attempt.tier) / SECOND;
                }
            }
            _ => {}
        }
    }
    let drains = bursts.values().filter(|(_, last, work)| *last > 0 && *work > 0.0);
    let (took, work) = drains.fold((0.0, 0.0), |(took, all), (first, last, work)| {
        (took + last.saturating_sub(*first) as f64 / SECOND, all + work / scenario.cores)
    });
    out.insert("told_true", near / all);
    out.insert("drain", took / work);
    out.insert("never_in", refused.len() as f64 - all);
}
