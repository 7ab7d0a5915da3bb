//! What a run of a fleet is judged by, beside what every run is.

use std::collections::BTreeMap;

use svgx_base::budget::Class;

use super::super::arrivals::{Arrival, SECOND};
use super::super::engine::{Fate, Run};
use super::super::ideal::{Ideal, judged};
use super::super::metrics::{Metrics, metrics, quantile};
use super::super::scenario::Scenario;
use super::play::Fleeting;
use crate::spec::Spec;

/// What means nothing without an ideal, or of one replica among many.
const LEFT_OUT: [&str; 19] = [
    "ui_good",
    "redraw_good",
    "physics_good",
    "ui_clairvoyant",
    "redraw_clairvoyant",
    "physics_clairvoyant",
    "goodput",
    "clairvoyant",
    "idle_refused",
    "tier_moves",
    "tier_moves_before",
    "detect_ms",
    "bound_ms",
    "recover_ms",
    "tier_back_ms",
    "quality_lost_s",
    "told_true",
    "drain",
    "never_in",
];

/// Judges a run of a fleet.
pub(in super::super) fn measure(
    scenario: &Scenario,
    arrivals: &[Arrival],
    run: &Run,
    out: &Fleeting,
    spec: &Spec,
) -> Metrics {
    let mut all = metrics(scenario, arrivals, run, &Ideal::default(), spec);
    all.retain(|name, _| !LEFT_OUT.contains(name));
    sessions(scenario, arrivals, run, out, &mut all);
    jobs(scenario, out, &mut all);
    all
}

fn sessions(
    scenario: &Scenario,
    arrivals: &[Arrival],
    run: &Run,
    out: &Fleeting,
    all: &mut Metrics,
) {
    let [from, until] = scenario.judge;
    let (mut durable, mut refused, mut answered) = (Vec::new(), 0.0, 0.0);
    for attempt in &run.attempts {
        let Some(arrival) = arrivals.get(attempt.arrival as usize) else { continue };
        if !judged(scenario, attempt.at) {
            continue;
        }
        match attempt.fate {
            Fate::Answered(took) => {
                answered += 1.0;
                if arrival.class == Class::Ui {
                    durable.push(took as f64 / 1e6);
                }
            }
            Fate::Refused => refused += 1.0,
            _ => {}
        }
    }
    // By their answers and not by their questions: what a store under too much load keeps up with.
    let ended = run.attempts.iter().filter(|attempt| {
        let class = arrivals.get(attempt.arrival as usize).map(|arrival| arrival.class);
        matches!(attempt.fate, Fate::Answered(took) if judged(scenario, attempt.at + took))
            && class == Some(Class::Ui)
    });
    let applied: Vec<f64> = out
        .applied
        .iter()
        .filter(|(at, _)| judged(scenario, *at))
        .map(|(_, took)| *took as f64 / 1e6)
        .collect();
    let p95 = |values: &[f64]| if values.is_empty() { f64::NAN } else { quantile(values, 0.95) };
    all.insert("edits_per_s", ended.count() as f64 / (until - from));
    all.insert("written_per_s", out.written as f64 / (until - from));
    all.insert("answered", answered);
    all.insert("refused", refused);
    all.insert("applied_p95_ms", p95(&applied));
    all.insert("durable_p95_ms", p95(&durable));
    let told = || out.edits.iter().filter(|(_, told)| *told);
    all.insert("lost", told().filter(|(times, _)| *times == 0).count() as f64);
    all.insert("twice", out.edits.iter().filter(|(times, _)| *times > 1).count() as f64);
    all.insert("passed_on", out.passed as f64 / (out.owned as f64).max(1.0));
    all.insert("taken", out.taken as f64);
    all.insert("fenced", out.fenced as f64);
    all.insert("gap_ms", out.gap as f64 / 1e6);
    all.insert("store_busy", out.store_busy.min(1.0));
    all.insert("writes_per_flush", out.writes as f64 / (out.flushes as f64).max(1.0));
    let cores = scenario.cores * f64::from(scenario.replicas);
    all.insert("processors", run.busy / (scenario.seconds * cores));
}

fn jobs(scenario: &Scenario, out: &Fleeting, all: &mut Metrics) {
    let [from, until] = scenario.judge.map(|seconds| (seconds * SECOND) as u64);
    let done = |n: &&super::queue::Job| n.done.is_some();
    all.insert("jobs", out.jobs.len() as f64);
    all.insert("jobs_done", out.jobs.iter().filter(done).count() as f64);
    all.insert("jobs_dead", out.jobs.iter().filter(|job| job.is_dead()).count() as f64);
    all.insert("jobs_refused", out.jobs_refused as f64);
    all.insert("late_answers", out.late_answers as f64);
    all.insert("redone_s", out.redone / SECOND);
    all.insert("worked_s", out.worked);
    all.insert("queue_age_s", out.queue_age as f64 / SECOND);
    let waits: Vec<f64> =
        out.jobs.iter().filter_map(|job| Some((job.done? - job.asked) as f64 / SECOND)).collect();
    let p95 = if waits.is_empty() { f64::NAN } else { quantile(&waits, 0.95) };
    all.insert("job_p95_s", p95);
    // Jain's index over the work that was done for each tenant in the judged time.
    let mut served: BTreeMap<u64, f64> = BTreeMap::new();
    for job in out.jobs.iter().filter(|job| !job.poison) {
        let share = served.entry(job.tenant).or_default();
        if job.done.is_some_and(|at| (from..until).contains(&at)) {
            *share += job.cost / SECOND;
        }
    }
    let (sum, squares) = served.values().fold((0.0, 0.0), |(s, q), x| (s + x, q + x * x));
    all.insert("jobs_jain", sum * sum / (served.len() as f64 * squares));
    let work: f64 = out.jobs.iter().filter(done).map(|job| job.cost).sum();
    all.insert("jobs_work_s", work / SECOND);
}
