//! What work will cost, learned from what it did cost.
//!
//! One estimate per operation, tier and doubling of size, held as processor
//! time per unit of size. Twenty answers are averaged plainly, later ones
//! exponentially, faster when the estimate is found to be off. A prior is
//! believed only until the first answer, and only at a fraction of itself:
//! a guess that is too low costs a late answer, one that is too high silences
//! a class for ever, because what is never admitted is never measured.

use super::ids::OperationId;
use crate::spec::Spec;
use svgx_base::budget::{Class, Tier};

/// Doublings of size that are told apart.
const SIZES: usize = 32;
/// Answers averaged plainly before the average becomes exponential.
pub(super) const WARM: u32 = 20;
/// Share of answers the upper estimate is to cover.
const UPPER: f64 = 0.90;

// Not policy: how fast averages follow. They trade noise against delay, whatever is promised.
/// Gain of an average that is right: the last thirty answers.
const GAIN: f64 = 1.0 / 32.0;
/// Gain while the estimate is found to be off.
const GAIN_OFF: f64 = 0.25;
/// The size of the reference work of operations that no objective names.
const UNKNOWN_SIZE: f64 = 1000.0;
/// An estimate is right while measured over predicted stays in this range on the mean.
const RIGHT: std::ops::RangeInclusive<f64> = 0.67..=1.5;
/// Gain once several answers in a row were far cheaper than predicted. An estimate falls faster
/// than it rises: one that is too low costs a late answer, one that is too high turns away the
/// work that would correct it. Ten ordinary answers undo what hostile ones taught.
const GAIN_CHEAP: f64 = 0.5;
/// So many in a row: one cheap answer says no more than one dear one.
const CHEAP_RUN: u32 = 2;
/// Gain of that mean.
const DRIFT_GAIN: f64 = 1.0 / 8.0;
/// Relative step of the upper estimate, and its bounds relative to the mean.
const SPREAD_STEP: f64 = 0.05;
const SPREAD: (f64, f64) = (1.0, 4.0);
/// The upper estimate before anything is known of the spread.
const FIRST_SPREAD: f64 = 1.5;

#[derive(Clone, Copy, Debug, Default)]
struct Estimate {
    /// Nanoseconds per unit of size, or a part of such a rate.
    rate: f64,
    seen: u32,
}

impl Estimate {
    /// Averages: plainly at first, then with a gain, and no slower than `least_gain`.
    fn learn(&mut self, rate: f64, gain: f64, least_gain: f64, outlier: f64) {
        self.seen = self.seen.saturating_add(1);
        // The first answer is all there is; later ones are held against those before.
        let rate = if self.seen == 1 { rate } else { rate.min(outlier * self.rate) };
        let gain = if self.seen <= WARM { 1.0 / f64::from(self.seen) } else { gain };
        self.rate += gain.max(least_gain) * (rate - self.rate);
    }
}

/// What is known of one operation at one tier.
#[derive(Clone, Debug)]
struct Cell {
    /// Per doubling of size, relative to all sizes: when everything becomes dearer,
    /// the sizes that seldom come become dearer with it.
    sizes: [Estimate; SIZES],
    all: Estimate,
    /// Measured over predicted, quickly averaged: 1 when the estimate is right.
    drift: f64,
    /// The 90 % quantile of measured over predicted.
    spread: f64,
    /// Answers in a row that were far cheaper than predicted.
    cheap: u32,
}

impl Cell {
    fn new() -> Cell {
        Cell {
            sizes: [Estimate::default(); SIZES],
            all: Estimate::default(),
            drift: 1.0,
            spread: FIRST_SPREAD,
            cheap: 0,
        }
    }
}

/// One operation.
#[derive(Clone, Debug)]
struct Known {
    name: String,
    /// Size of the work its budget is promised for.
    reference: u64,
    /// Believed nanoseconds per unit of size, per tier, before anything was measured.
    prior: [f64; 3],
    /// The same before it was scaled by the optimism.
    whole_prior: [f64; 3],
    tiers: [Cell; 3],
}

/// A prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Expected processor nanoseconds.
    pub mean: f64,
    /// Not exceeded by nine in ten, in nanoseconds.
    pub upper: f64,
    /// Answers this rests on.
    pub seen: u32,
}

/// The cost model.
#[derive(Clone, Debug)]
pub struct CostModel {
    operations: Vec<Known>,
    /// Index of the estimate for operations the spec does not name, per class.
    fallback: [OperationId; 4],
    /// Sums of |log2(measured / predicted)| and their count, for the status.
    error: (f64, u64),
    /// Work dearer than so many times its estimate counts as no dearer than that.
    outlier: f64,
}

impl CostModel {
    /// Nothing measured; the priors of the spec, scaled by `optimism`.
    pub fn new(spec: &Spec) -> CostModel {
        let mut operations = Vec::new();
        let mut fallback = [OperationId(0); 4];
        for objective in &spec.objectives {
            let index = u8::try_from(operations.len()).unwrap_or(u8::MAX);
            if let Some(slot) = fallback.get_mut(objective.class as usize) {
                *slot = OperationId(index);
            }
            // An unknown operation: a thousand units take a tenth of the budget.
            let unit = objective.budget.as_nanos() as f64 / 10.0 / UNKNOWN_SIZE;
            operations.push(known(objective.class.as_str(), u64::MAX, [unit; 3], 1.0));
            for operation in &objective.operations {
                let unit = operation.cost.as_nanos() as f64 / operation.size as f64;
                let tiers = objective.tier_cost.map(|tier| unit * tier);
                operations.push(known(
                    &operation.name,
                    operation.size,
                    tiers,
                    spec.policy.optimism,
                ));
            }
        }
        let index = u8::try_from(operations.len()).unwrap_or(u8::MAX);
        if let Some(slot) = fallback.get_mut(Class::Batch as usize) {
            *slot = OperationId(index);
        }
        operations.push(known("batch", u64::MAX, [1e6 / UNKNOWN_SIZE; 3], 1.0));
        CostModel { operations, fallback, error: (0.0, 0), outlier: spec.policy.cost_outlier }
    }

    /// The index of an operation.
    pub fn operation(&self, class: Class, name: &str) -> OperationId {
        // At most 36 short names: a scan is faster than a hash.
        match self.operations.iter().position(|known| known.name == name) {
            Some(index) => OperationId(u8::try_from(index).unwrap_or(0)),
            None => self.fallback.get(class as usize).copied().unwrap_or(OperationId(0)),
        }
    }

    /// The name of an operation.
    pub fn name(&self, operation: OperationId) -> &str {
        self.operations.get(usize::from(operation.0)).map_or("?", |known| known.name.as_str())
    }

    /// Every operation's name, by index.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().map(|known| known.name.as_str())
    }

    /// Predicts the cost of work.
    pub fn predict(&self, operation: OperationId, tier: Tier, size: u64) -> Prediction {
        let size_units = size.max(1) as f64;
        let none = Prediction { mean: 1e6, upper: 1e6, seen: 0 };
        let Some(known) = self.operations.get(usize::from(operation.0)) else { return none };
        let Some(cell) = known.tiers.get(tier as usize) else { return none };
        let own = cell.sizes.get(bucket(size)).copied().unwrap_or_default();
        let (rate, seen) = if own.seen > 0 {
            (own.rate * cell.all.rate, own.seen)
        } else if cell.all.seen > 0 {
            // Another size of the same work: linear until measured.
            (cell.all.rate, 0)
        } else {
            // Another tier, scaled by what the spec says of tiers; else the prior.
            let prior = known.prior.get(tier as usize).copied().unwrap_or(1.0);
            let scaled =
                known.tiers.iter().zip(&known.prior).rev().find_map(|(other, other_prior)| {
                    (other.all.seen > 0).then(|| other.all.rate * prior / other_prior.max(1e-9))
                });
            (scaled.unwrap_or(prior), 0)
        };
        let mean = rate * size_units;
        Prediction { mean, upper: mean * cell.spread, seen }
    }

    /// Learns from finished work.
    pub fn learn(
        &mut self,
        operation: OperationId,
        tier: Tier,
        size: u64,
        predicted: f64,
        cpu: u64,
    ) {
        let cpu = (cpu as f64).max(1.0);
        let rate = cpu / size.max(1) as f64;
        let Some(known) = self.operations.get_mut(usize::from(operation.0)) else { return };
        let expected = known.whole_prior.get(tier as usize).copied().unwrap_or(0.0);
        let Some(cell) = known.tiers.get_mut(tier as usize) else { return };
        let ratio = (cpu / predicted.max(1.0)).clamp(1e-3, 1e3);
        let warm = cell.all.seen >= WARM;
        if warm {
            cell.drift += (ratio.min(self.outlier) - cell.drift) * DRIFT_GAIN;
            // Stochastic approximation of a quantile (Robbins and Monro, 1951).
            let step = SPREAD_STEP * cell.spread;
            cell.spread += if ratio > cell.spread { step * UPPER } else { step * (UPPER - 1.0) };
            cell.spread = cell.spread.clamp(SPREAD.0, SPREAD.1);
            self.error.0 += libm::log2(ratio).abs();
            self.error.1 += 1;
        }
        // One piece of work a hundred times dearer than its kind says nothing about the
        // next; that all of it became dearer shows in the drift, which is as robust.
        let gain = if RIGHT.contains(&cell.drift) { GAIN } else { GAIN_OFF };
        let far_cheaper = ratio * self.outlier < 1.0;
        cell.cheap = if far_cheaper { cell.cheap.saturating_add(1) } else { 0 };
        // Not below what such work is expected to cost: answers from a cache come in runs too.
        let least_gain = if cell.cheap >= CHEAP_RUN && cell.all.rate > expected {
            // Neither does the spread mean anything any more.
            cell.spread = cell.spread.min(FIRST_SPREAD);
            GAIN_CHEAP
        } else {
            0.0
        };
        cell.all.learn(rate, gain, least_gain, self.outlier);
        if let Some(own) = cell.sizes.get_mut(bucket(size)) {
            own.learn(rate / cell.all.rate.max(1e-9), GAIN, 0.0, self.outlier);
        }
    }

    /// Answers seen of an operation at a tier.
    pub fn seen(&self, operation: OperationId, tier: Tier) -> u32 {
        self.operations
            .get(usize::from(operation.0))
            .and_then(|known| known.tiers.get(tier as usize))
            .map_or(0, |cell| cell.all.seen)
    }

    /// Whether work is at least `times` as large as the reference work of its operation.
    pub fn is_beyond(&self, operation: OperationId, size: u64, times: f64) -> bool {
        self.operations
            .get(usize::from(operation.0))
            .is_some_and(|known| size as f64 >= times * known.reference as f64)
    }

    /// Answers seen of an operation at any tier.
    pub fn seen_at_all(&self, operation: OperationId) -> u32 {
        Tier::ALL.into_iter().map(|tier| self.seen(operation, tier)).max().unwrap_or(0)
    }

    /// Mean of |log2(measured / predicted)| since the start: 1 is a factor of two.
    pub fn mean_error(&self) -> f64 {
        if self.error.1 == 0 { 0.0 } else { self.error.0 / self.error.1 as f64 }
    }
}

fn known(name: &str, reference: u64, prior: [f64; 3], optimism: f64) -> Known {
    let cell = Cell::new();
    Known {
        name: name.to_owned(),
        reference,
        prior: prior.map(|ns| ns * optimism),
        whole_prior: prior,
        tiers: [cell.clone(), cell.clone(), cell],
    }
}

/// The doubling a size falls into: floor(log2).
fn bucket(size: u64) -> usize {
    (size.max(1).ilog2() as usize).min(SIZES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> CostModel {
        CostModel::new(&Spec::embedded().expect("valid"))
    }

    #[test]
    fn one_answer_replaces_a_wrong_prior() {
        let mut model = model();
        let op = model.operation(Class::Redraw, "parse");
        let before = model.predict(op, Tier::Compute, 1000).mean;
        assert!((before - 0.9e6).abs() < 1.0, "optimistic prior, {before}");
        model.learn(op, Tier::Compute, 1000, before, 10_000_000);
        assert!((model.predict(op, Tier::Compute, 1000).mean - 1e7).abs() < 1.0);
    }

    #[test]
    fn an_unmeasured_size_or_tier_is_scaled_from_a_measured_one() {
        let mut model = model();
        let op = model.operation(Class::Physics, "simulate");
        model.learn(op, Tier::Compute, 1000, 1e6, 2_000_000);
        assert!((model.predict(op, Tier::Compute, 8000).mean - 16e6).abs() < 1.0);
        assert!((model.predict(op, Tier::Edit, 1000).mean - 0.8e6).abs() < 1.0);
    }

    #[test]
    fn work_that_became_three_times_dearer_is_believed_within_thirty_answers() {
        let mut model = model();
        let op = model.operation(Class::Ui, "session.operate");
        let mut answer = |cpu: u64, times: u32| {
            for _ in 0..times {
                let predicted = model.predict(op, Tier::Compute, 1000).mean;
                model.learn(op, Tier::Compute, 1000, predicted, cpu);
            }
            model.predict(op, Tier::Compute, 1000).mean
        };
        assert!((answer(1_000_000, 200) - 1e6).abs() < 1.0);
        let after = answer(3_000_000, 30);
        assert!(after > 2.7e6, "{after}");
    }

    #[test]
    fn a_run_of_answers_from_a_cache_does_not_make_work_cheap() {
        let mut model = model();
        let op = model.operation(Class::Redraw, "render");
        let mut answer = |cpu: u64, times: u32| {
            for _ in 0..times {
                let predicted = model.predict(op, Tier::Compute, 1000).mean;
                model.learn(op, Tier::Compute, 1000, predicted, cpu);
            }
            model.predict(op, Tier::Compute, 1000).mean
        };
        // As much as its prior says, then ten cached, and a few that were far too dear.
        assert!((answer(12_000_000, 200) - 12e6).abs() < 1.0);
        let cached = answer(20_000, 10);
        assert!(cached > 0.5e6, "{cached}");
        let dear = answer(600_000_000, 20);
        assert!(dear > 100e6, "{dear}");
        let again = answer(12_000_000, 10);
        assert!(again < 24e6, "{again}");
    }

    #[test]
    fn an_unknown_operation_has_an_estimate_of_its_class() {
        let model = model();
        assert_eq!(model.name(model.operation(Class::Ui, "no such thing")), "ui");
        assert_eq!(model.name(model.operation(Class::Batch, "")), "batch");
    }
}
