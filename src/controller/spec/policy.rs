//! What the annotations say: objectives per class, operations with their
//! reference work, and the stated constants of the controller.

use std::time::Duration;

use serde_saphyr::Spanned;

use super::load::at;
use super::openslo::{Document, Metadata, ServiceSpec, SloSpec, nanoseconds};
use super::{Decimal, Error};
use svgx_base::budget::{Class, Tier};

/// What one class is promised.
#[derive(Clone, Debug)]
pub struct Objective {
    /// The class.
    pub class: Class,
    /// The SLO document it comes from.
    pub slo: String,
    /// The budget in seconds, exactly as written.
    pub threshold: Decimal,
    /// The same as a duration.
    pub budget: Duration,
    /// The share of requests that must be inside the budget.
    pub target: Decimal,
    /// Value of one answer inside its budget.
    pub weight: f64,
    /// Largest part of the processors the class may hold.
    pub share: f64,
    /// The work the budget is promised for, in words.
    pub reference: String,
    /// Known operations of this class.
    pub operations: Vec<Operation>,
    /// Cost of each tier relative to compute, cheapest tier first.
    pub tier_cost: [f64; 3],
}

/// A kind of work, with what its reference work is believed to cost before
/// anything was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its name in requests, logs and labels.
    pub name: String,
    /// Units of reference work.
    pub size: u64,
    /// What is counted.
    pub unit: String,
    /// Processor time of the reference work at tier compute.
    pub cost: Duration,
}

/// Constants of the controller that no objective implies.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Load beyond which a cheaper tier is chosen.
    pub step_down_load: f64,
    /// Load, predicted at the better tier, below which it is taken back.
    pub step_up_load: f64,
    /// Load beyond which a step down does not wait.
    pub surge_load: f64,
    /// How long the load must exceed `step_down_load`.
    pub step_down_after: Duration,
    /// Least time on a rung before a step up.
    pub dwell: Duration,
    /// Longest dwell after relapses.
    pub dwell_limit: Duration,
    /// A step down this soon after a step up is a relapse.
    pub relapse_within: Duration,
    /// Without a move for so long, relapses are forgotten.
    pub quiet_after: Duration,
    /// A class that admits a smaller fraction is closed for a while.
    pub close_below: f64,
    /// How long it stays closed.
    pub close_for: Duration,
    /// Time between probes of an operation that is hardly known.
    pub probe_interval: Duration,
    /// Factor on a prior before anything was measured.
    pub optimism: f64,
    /// Retries admitted per request admitted while the class refuses work.
    pub retry_budget: f64,
    /// A tenant that asks for so many times the mean floods: it is held to its share
    /// over all classes together.
    pub tenant_flood: f64,
    /// Work dearer than so many times its estimate counts as no dearer than that.
    pub cost_outlier: f64,
    /// A sensor silent for longer is not believed.
    pub sensor_stale: Duration,
    /// Requests in flight per core while no sensor is believed.
    pub static_limit: f64,
    /// Part of the allowed share of late answers above which the trim is lowered.
    pub trim_down_at: Decimal,
    /// Part of it below which the trim is raised.
    pub trim_up_at: Decimal,
    /// The factor on a budget that late answers lower is never lower than this.
    pub trim_floor: f64,
    /// What is taken off that factor at a time.
    pub trim_down: f64,
    /// What is put on it again.
    pub trim_up: f64,
    /// The running over which the part of a processor that work gets is averaged.
    pub efficiency_span: Duration,
    /// The most that one piece of work moves that average.
    pub efficiency_gain: f64,
    /// The same for the part that physics gets, which is paused for more urgent work.
    pub physics_share_span: Duration,
    /// The most that one piece of physics moves that part.
    pub physics_share_gain: f64,
    /// The least part of a processor that predictions assume.
    pub least_processor: f64,
    /// The part of its budget by which physics stops early, for the answer.
    pub answer_reserve: f64,
    /// Work so many times the reference work is batch by its prior alone.
    pub far_beyond: f64,
    /// Work that is batch by its size is answered on the open connection when that is predicted
    /// to take no longer; else it becomes a job.
    pub oversize_limit: Duration,
    /// The longest time after which a refused client is asked to come back.
    pub retry_limit: Duration,
    /// Longest time between two checkpoints of work that can be paused.
    pub checkpoint: Duration,
    /// Batch jobs that may wait.
    pub batch_queue: f64,
    /// Longest life of an operator's override.
    pub override_limit: Duration,
}

/// The three latency objectives, or errors.
pub(super) fn objectives(
    slos: &[Document<SloSpec>],
    errors: &mut Vec<Error>,
) -> Option<[Objective; 3]> {
    let mut found = [Class::Ui, Class::Redraw, Class::Physics].map(|class| {
        let document = slos.iter().find(|slo| {
            slo.metadata.annotation_text("budget-class") == Some(class.as_str())
                && slo.metadata.annotation("threshold-seconds").is_some()
        });
        if document.is_none() {
            errors.push(Error {
                file: "slo".to_owned(),
                line: 0,
                column: 0,
                message: format!(
                    "no SLO with svgx.dev/budget-class: {class} and svgx.dev/threshold-seconds"
                ),
            });
        }
        document.and_then(|document| objective(class, document, errors))
    });
    let [ui, redraw, physics] = &mut found;
    let all = [ui.take()?, redraw.take()?, physics.take()?];
    if all.windows(2).any(|pair| matches!(pair, [a, b] if a.budget > b.budget)) {
        errors.push(Error {
            file: "slo".to_owned(),
            line: 0,
            column: 0,
            message: "a more urgent class must not have the longer budget".to_owned(),
        });
        return None;
    }
    Some(all)
}

fn objective(
    class: Class,
    document: &Document<SloSpec>,
    errors: &mut Vec<Error>,
) -> Option<Objective> {
    let mut read = Reader { file: &document.file, metadata: &document.metadata, errors };
    let threshold = read.decimal("threshold-seconds")?;
    let budget = Duration::try_from_secs_f64(threshold.as_f64()).ok().filter(|b| !b.is_zero());
    let Some(budget) = budget else {
        read.wrong("threshold-seconds", "expected a number of seconds greater than 0");
        return None;
    };
    let weight = read.number("weight", 0.0, 1e6)?;
    let share = read.number("processor-share", 0.01, 1.0)?;
    let reference = read.text("reference-work")?.value.clone();
    let operations = operations(&mut read)?;
    let tier_cost = if document.metadata.annotation("tier-cost").is_some() {
        tier_cost(&mut read)?
    } else {
        [1.0; 3]
    };
    let Some(target) = document.spec.objectives.first() else {
        return None; // reported by the loader
    };
    Some(Objective {
        class,
        slo: document.metadata.name.clone(),
        threshold,
        budget,
        target: target.target.value,
        weight,
        share,
        reference,
        operations,
        tier_cost,
    })
}

fn operations(read: &mut Reader<'_>) -> Option<Vec<Operation>> {
    let mut all = Vec::new();
    let written = read.text("operations")?;
    let lines = written.value.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (index, line) in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let parsed = match words.as_slice() {
            [name, size, unit, cost] => size
                .parse::<u64>()
                .ok()
                .filter(|size| *size > 0)
                .zip(nanoseconds(cost).filter(|cost| *cost > 0))
                .map(|(size, cost)| Operation {
                    name: (*name).to_owned(),
                    size,
                    unit: (*unit).to_owned(),
                    cost: Duration::from_nanos(cost),
                }),
            _ => None,
        };
        let Some(operation) = parsed.filter(|op| op.name.len() <= 32 && op.name.is_ascii()) else {
            let message = format!(
                "svgx.dev/operations: {:?}; expected: name size unit cost, for example: \
                 parse 1000 elements 3ms",
                line.trim()
            );
            // The place of a block of text is its first line.
            let mut error = at(read.file, written.defined, message);
            error.line += u64::try_from(index).unwrap_or(0);
            read.errors.push(error);
            return None;
        };
        all.push(operation);
    }
    if all.is_empty() || all.len() > 12 {
        read.wrong("operations", &format!("{} operations; expected 1 to 12", all.len()));
        return None;
    }
    Some(all)
}

fn tier_cost(read: &mut Reader<'_>) -> Option<[f64; 3]> {
    let text = read.text("tier-cost")?.value.clone();
    let parts: Vec<f64> = text
        .split_whitespace()
        .filter_map(|part| part.parse::<Decimal>().ok())
        .map(Decimal::as_f64)
        .collect();
    match parts.as_slice() {
        [edit, ui] if *ui > 0.0 && ui <= edit && *edit <= 1.0 => Some([*ui, *edit, 1.0]),
        _ => {
            let message = format!(
                "{text:?}; expected the cost of edit and of ui relative to compute, for example \"0.4 0.17\""
            );
            read.wrong("tier-cost", &message);
            None
        }
    }
}

/// The stated constants. Every one must be there: a default nobody wrote down
/// would be a second place for policy.
pub(super) fn policy(service: &Document<ServiceSpec>, errors: &mut Vec<Error>) -> Policy {
    let mut read = Reader { file: &service.file, metadata: &service.metadata, errors };
    let mut number = |key: &str, least: f64, most: f64| {
        read.number(&format!("controller-{key}"), least, most).unwrap_or(least)
    };
    let step_down_load = number("step-down-load", 0.1, 2.0);
    let step_up_load = number("step-up-load", 0.05, 1.0);
    let surge_load = number("surge-load", 0.1, 100.0);
    let close_below = number("close-below", 0.0, 0.5);
    let optimism = number("optimism", 0.01, 1.0);
    let retry_budget = number("retry-budget", 0.0, 1.0);
    let static_limit = number("static-limit", 1.0, 1024.0);
    let tenant_flood = number("tenant-flood", 1.0, 1000.0);
    let cost_outlier = number("cost-outlier", 1.5, 1000.0);
    let batch_queue = number("batch-queue", 1.0, 1024.0);
    let trim_floor = number("trim-floor", 0.01, 1.0);
    let trim_down = number("trim-down", 0.001, 1.0);
    let trim_up = number("trim-up", 0.001, 1.0);
    let efficiency_gain = number("efficiency-gain", 0.001, 1.0);
    let physics_share_gain = number("physics-share-gain", 0.001, 1.0);
    let least_processor = number("least-processor", 0.001, 1.0);
    let answer_reserve = number("answer-reserve", 0.0, 0.9);
    let far_beyond = number("far-beyond", 1.0, 1e6);
    let mut part = |key: &str| {
        let key = format!("controller-{key}");
        read.number(&key, 0.0, 1.0).and_then(|_| read.decimal(&key)).unwrap_or(Decimal::new(0, 0))
    };
    let (trim_down_at, trim_up_at) = (part("trim-down-at"), part("trim-up-at"));
    let mut duration = |key: &str| read.duration(&format!("controller-{key}"));
    let policy = Policy {
        step_down_load,
        step_up_load,
        surge_load,
        step_down_after: duration("step-down-after"),
        dwell: duration("dwell"),
        dwell_limit: duration("dwell-limit"),
        relapse_within: duration("relapse-within"),
        quiet_after: duration("quiet-after"),
        close_below,
        close_for: duration("close-for"),
        probe_interval: duration("probe-interval"),
        optimism,
        retry_budget,
        tenant_flood,
        cost_outlier,
        sensor_stale: duration("sensor-stale"),
        static_limit,
        batch_queue,
        trim_down_at,
        trim_up_at,
        trim_floor,
        trim_down,
        trim_up,
        efficiency_span: duration("efficiency-span"),
        efficiency_gain,
        physics_share_span: duration("physics-share-span"),
        physics_share_gain,
        least_processor,
        answer_reserve,
        far_beyond,
        oversize_limit: duration("oversize-limit"),
        retry_limit: duration("retry-limit"),
        checkpoint: duration("checkpoint"),
        override_limit: duration("override-limit"),
    };
    if policy.step_up_load >= policy.step_down_load {
        let message = format!(
            "{} is not below controller-step-down-load {}: the tier would alternate",
            policy.step_up_load, policy.step_down_load
        );
        read.wrong("controller-step-up-load", &message);
    }
    if policy.trim_up_at >= policy.trim_down_at {
        let message = format!(
            "{} is not below controller-trim-down-at {}: the trim would alternate",
            policy.trim_up_at, policy.trim_down_at
        );
        read.wrong("controller-trim-up-at", &message);
    }
    policy
}

struct Reader<'a> {
    file: &'a str,
    metadata: &'a Metadata,
    errors: &'a mut Vec<Error>,
}

impl<'a> Reader<'a> {
    fn text(&mut self, key: &str) -> Option<&'a Spanned<String>> {
        let found = self.metadata.annotation(key);
        if found.is_none() {
            self.errors.push(Error {
                file: self.file.to_owned(),
                line: 0,
                column: 0,
                message: format!("{} has no annotation svgx.dev/{key}", self.metadata.name),
            });
        }
        found
    }

    fn wrong(&mut self, key: &str, message: &str) {
        if let Some(value) = self.metadata.annotation(key) {
            self.errors.push(at(self.file, value.defined, format!("svgx.dev/{key}: {message}")));
        }
    }

    fn decimal(&mut self, key: &str) -> Option<Decimal> {
        let text = self.text(key)?;
        match text.value.parse() {
            Ok(decimal) => Some(decimal),
            Err(error) => {
                self.wrong(key, &error.to_string());
                None
            }
        }
    }

    fn number(&mut self, key: &str, least: f64, most: f64) -> Option<f64> {
        let value = self.decimal(key)?;
        let number = value.as_f64();
        if (least..=most).contains(&number) {
            return Some(number);
        }
        self.wrong(key, &format!("{value}; expected {least} to {most}"));
        None
    }

    fn duration(&mut self, key: &str) -> Duration {
        let Some(text) = self.text(key) else { return Duration::ZERO };
        match nanoseconds(&text.value).filter(|ns| *ns > 0) {
            Some(ns) => Duration::from_nanos(ns),
            None => {
                self.wrong(key, &format!("{:?}; expected for example 200ms", text.value));
                Duration::ZERO
            }
        }
    }
}

impl Objective {
    /// Relative cost of a tier: 1 at compute.
    pub fn tier_cost(&self, tier: Tier) -> f64 {
        self.tier_cost.get(tier as usize).copied().unwrap_or(1.0)
    }
}
