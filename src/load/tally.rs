//! Counting what came back, by phase, class and operation.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use svgx_base::budget::Class;

/// Length of a window, in nanoseconds: ten seconds.
pub(super) const WINDOW: u64 = 10_000_000_000;
const SECOND: u64 = 1_000_000_000;
/// Two minutes, in microseconds: more is counted as that.
const LONGEST: u64 = 120_000_000;

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With an answer (2xx, 3xx).
    Answered {
        /// The tier it has, where it says one.
        tier: Option<String>,
        /// Whether it is a promise of a job instead of the answer.
        deferred: bool,
    },
    /// The service chose not to do it (429, 503 with a reason).
    Shed(String),
    /// It was done wrong (any other status).
    Failed(u16),
    /// There was no answer.
    Broken(&'static str),
}

/// One request, when all is over.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) phase: usize,
    pub(super) operation: usize,
    /// When it was due, nanoseconds from the start of the run.
    pub(super) due: u64,
    /// From then until it was sent.
    pub(super) lag: u64,
    /// From when it was due until it ended.
    pub(super) latency: u64,
    pub(super) ending: Ending,
}

/// Counts of some requests.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) offered: u64,
    pub(super) answered: u64,
    /// Answered inside the budget.
    pub(super) good: u64,
    pub(super) deferred: u64,
    pub(super) shed: u64,
    pub(super) failed: u64,
    pub(super) broken: u64,
    /// Of answers, in microseconds.
    pub(super) latency: Histogram<u32>,
}

impl Counts {
    pub(super) fn new(digits: u8) -> Counts {
        // The bounds are constants that are known to be accepted.
        let histogram = Histogram::new_with_bounds(1, LONGEST, digits)
            .or_else(|_| Histogram::new(digits))
            .unwrap_or_else(|_| unreachable!("two or three digits"));
        Counts {
            offered: 0,
            answered: 0,
            good: 0,
            deferred: 0,
            shed: 0,
            failed: 0,
            broken: 0,
            latency: histogram,
        }
    }

    fn count(&mut self, sample: &Sample, budget: Option<u64>) {
        self.offered += 1;
        match &sample.ending {
            Ending::Answered { deferred, .. } => {
                self.answered += 1;
                self.deferred += u64::from(*deferred);
                self.good += u64::from(budget.is_none_or(|budget| sample.latency <= budget));
                self.latency.saturating_record(sample.latency / 1_000);
            }
            Ending::Shed(_) => self.shed += 1,
            Ending::Failed(_) => self.failed += 1,
            Ending::Broken(_) => self.broken += 1,
        }
    }
}

/// One second of a class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    pub(super) offered: u32,
    pub(super) answered: u32,
    pub(super) late: u32,
}

/// One class in one phase.
#[derive(Clone, Debug)]
pub(super) struct ClassTally {
    pub(super) all: Counts,
    pub(super) windows: Vec<Counts>,
    pub(super) seconds: Vec<Second>,
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) broken: BTreeMap<&'static str, u64>,
    pub(super) tiers: BTreeMap<String, u64>,
    /// Of refusals, from when they were due, in microseconds.
    pub(super) refusal: Histogram<u32>,
    /// When the last request that was shed had been due, from the start of the phase.
    pub(super) last_shed: Option<u64>,
}

impl ClassTally {
    fn new() -> ClassTally {
        ClassTally {
            all: Counts::new(3),
            windows: Vec::new(),
            seconds: Vec::new(),
            reasons: BTreeMap::new(),
            statuses: BTreeMap::new(),
            broken: BTreeMap::new(),
            tiers: BTreeMap::new(),
            refusal: Counts::new(3).latency,
            last_shed: None,
        }
    }
}

/// One phase.
#[derive(Clone, Debug, Default)]
pub(super) struct PhaseTally {
    /// When it began, nanoseconds from the start of the run.
    pub(super) began: u64,
    pub(super) classes: BTreeMap<Class, ClassTally>,
    pub(super) operations: BTreeMap<usize, Counts>,
    /// From due to sent, in microseconds.
    pub(super) lag: Option<Histogram<u32>>,
    /// Processor time of the generator, in nanoseconds.
    pub(super) cpu: u64,
}

/// Everything that was counted.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) phases: Vec<PhaseTally>,
    classes: Vec<Class>,
    budgets: BTreeMap<Class, u64>,
}

impl Tally {
    /// `began`: when each phase begins; `classes`: of each operation; `budgets`: nanoseconds.
    pub(super) fn new(
        began: impl IntoIterator<Item = u64>,
        classes: Vec<Class>,
        budgets: BTreeMap<Class, u64>,
    ) -> Tally {
        let phases = began.into_iter().map(|began| PhaseTally { began, ..PhaseTally::default() });
        Tally { phases: phases.collect(), classes, budgets }
    }

    pub(super) fn record(&mut self, sample: &Sample) {
        let Some(class) = self.classes.get(sample.operation).copied() else { return };
        let Some(phase) = self.phases.get_mut(sample.phase) else { return };
        let budget = self.budgets.get(&class).copied();
        let since = sample.due.saturating_sub(phase.began);
        phase
            .lag
            .get_or_insert_with(|| Counts::new(3).latency)
            .saturating_record((sample.lag / 1_000).max(1));
        phase
            .operations
            .entry(sample.operation)
            .or_insert_with(|| Counts::new(2))
            .count(sample, budget);

        let tally = phase.classes.entry(class).or_insert_with(ClassTally::new);
        tally.all.count(sample, budget);
        at(&mut tally.windows, since / WINDOW, || Counts::new(2)).count(sample, budget);
        let second = at(&mut tally.seconds, since / SECOND, Second::default);
        second.offered += 1;
        match &sample.ending {
            Ending::Answered { tier, .. } => {
                second.answered += 1;
                second.late += u32::from(budget.is_some_and(|budget| sample.latency > budget));
                if let Some(tier) = tier {
                    *tally.tiers.entry(tier.clone()).or_default() += 1;
                }
            }
            Ending::Shed(reason) => {
                *tally.reasons.entry(reason.clone()).or_default() += 1;
                tally.refusal.saturating_record((sample.latency / 1_000).max(1));
                tally.last_shed = tally.last_shed.max(Some(since));
            }
            Ending::Failed(status) => *tally.statuses.entry(*status).or_default() += 1,
            Ending::Broken(kind) => *tally.broken.entry(kind).or_default() += 1,
        }
    }
}

/// The entry at `index`, made with those before it if need be. A run is bounded in time.
fn at<T>(all: &mut Vec<T>, index: u64, new: impl Fn() -> T) -> &mut T {
    let index = usize::try_from(index).unwrap_or(0).min(1 << 20);
    while all.len() <= index {
        all.push(new());
    }
    &mut all[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_good_inside_the_budget_and_late_past_it() {
        let budgets = BTreeMap::from([(Class::Ui, 16_000_000)]);
        let mut tally = Tally::new([0, 20 * SECOND], vec![Class::Ui], budgets);
        let mut end = |due: u64, latency: u64, ending: Ending| {
            let phase = usize::from(due >= 20 * SECOND);
            tally.record(&Sample { phase, operation: 0, due, lag: 0, latency, ending });
        };
        let answered = || Ending::Answered { tier: Some("edit".to_owned()), deferred: false };
        end(0, 16_000_000, answered());
        end(SECOND, 16_000_001, answered());
        end(12 * SECOND, 1, answered());
        end(21 * SECOND, 1, Ending::Shed("predicted-late".to_owned()));
        let ui = &tally.phases[0].classes[&Class::Ui];
        assert_eq!((ui.all.good, ui.all.answered), (2, 3));
        assert_eq!(ui.windows.iter().map(|w| w.good).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(ui.seconds.iter().map(|s| s.late).sum::<u32>(), 1);
        assert_eq!(ui.tiers["edit"], 3);
        let next = &tally.phases[1].classes[&Class::Ui];
        assert_eq!(next.last_shed, Some(SECOND));
        assert_eq!(next.reasons["predicted-late"], 1);
    }
}
