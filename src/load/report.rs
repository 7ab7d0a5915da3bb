//! What a run showed: for programs as JSON, for people as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use svgx_base::budget::Class;
use svgx_controller::spec::Spec;

use super::arrivals::Phase;
use super::profile::Profile;
use super::tally::{ClassTally, Counts, PhaseTally, Tally};

/// What a run showed.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Every phase, in order.
    pub phases: Vec<PhaseReport>,
    /// Seconds from the first request to the last answer.
    pub seconds: f64,
    /// Processor time of the generator over that time, in processors.
    pub generator_processors: f64,
    /// Connections that were opened.
    pub connections: u64,
    /// Whether the bound on the number of requests ended it early.
    pub cut_short: bool,
}

/// One phase.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseReport {
    /// Its name.
    pub name: String,
    /// How long it lasted.
    pub seconds: f64,
    /// Times the rates of the profile.
    pub times: f64,
    /// Processor time of the generator, in processors.
    pub generator_processors: f64,
    /// 99 of 100 requests were sent at most this late, in milliseconds. It is part of
    /// their latency: a number close to the budgets says that the generator was starved.
    pub send_lag_p99_ms: f64,
    /// By class, most urgent first.
    pub classes: Vec<ClassReport>,
    /// By operation.
    pub operations: Vec<OperationReport>,
}

/// One class in one phase.
#[derive(Clone, Debug, Serialize)]
pub struct ClassReport {
    /// Its name.
    pub class: Class,
    /// The budget, in milliseconds.
    pub budget_ms: Option<f64>,
    /// Share of answers that may be outside it.
    pub allowed: Option<f64>,
    /// Requests that were due.
    pub offered: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Answers inside the budget.
    pub good: u64,
    /// Answers inside the budget, a second.
    pub goodput: f64,
    /// Answers that promise a job.
    pub deferred: u64,
    /// Requests that were refused.
    pub shed: u64,
    /// Refusals by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Requests that were answered with any other status.
    pub failed: BTreeMap<u16, u64>,
    /// Requests without an answer, by what happened.
    pub broken: BTreeMap<&'static str, u64>,
    /// Answers by the tier they say they have.
    pub tiers: BTreeMap<String, u64>,
    /// Of answers, from when they were due.
    pub latency_ms: Quantiles,
    /// Of refusals, from when they were due.
    pub refusal_ms: Quantiles,
    /// Seconds in which more answers than allowed were outside the budget.
    pub violation_seconds: u32,
    /// Seconds in which something was asked and nothing answered.
    pub silent_seconds: u32,
    /// When the last request was shed, seconds from the start of the phase.
    pub last_shed_s: Option<f64>,
    /// Ten-second windows, in order; the last may be shorter.
    pub windows: Vec<WindowReport>,
}

/// Ten seconds of a class.
#[derive(Clone, Debug, Serialize)]
pub struct WindowReport {
    /// Requests that were due.
    pub offered: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Answers inside the budget.
    pub good: u64,
    /// Of answers.
    pub p95_ms: f64,
}

/// One operation in one phase.
#[derive(Clone, Debug, Serialize)]
pub struct OperationReport {
    /// Its name.
    pub operation: String,
    /// Its class.
    pub class: Class,
    /// Requests that were due.
    pub offered: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Answers inside the budget.
    pub good: u64,
    /// Requests that were refused.
    pub shed: u64,
    /// Requests that failed or had no answer.
    pub failed: u64,
    /// Of answers.
    pub latency_ms: Quantiles,
}

/// Quantiles of a latency, in milliseconds; zero where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Quantiles {
    fn of(histogram: &Histogram<u32>) -> Quantiles {
        if histogram.is_empty() {
            return Quantiles::default();
        }
        let at = |q| ms(histogram.value_at_quantile(q));
        Quantiles { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: ms(histogram.max()) }
    }
}

#[allow(clippy::cast_precision_loss, reason = "microseconds shown as milliseconds")]
fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

#[allow(clippy::cast_precision_loss, reason = "shown")]
impl Report {
    #[allow(clippy::too_many_arguments, reason = "everything the run knows, once")]
    pub(super) fn new(
        profile: &Profile,
        phases: &[Phase],
        tally: &Tally,
        spec: &Spec,
        cpu: Duration,
        took: Duration,
        cut_short: bool,
        connections: u64,
    ) -> Report {
        let seconds = took.as_secs_f64();
        Report {
            phases: phases
                .iter()
                .zip(&tally.phases)
                .map(|(phase, tally)| PhaseReport::new(profile, phase, tally, spec))
                .collect(),
            seconds,
            generator_processors: cpu.as_secs_f64() / seconds.max(1e-9),
            connections,
            cut_short,
        }
    }

    /// The phase of this name.
    pub fn phase(&self, name: &str) -> Option<&PhaseReport> {
        self.phases.iter().find(|phase| phase.name == name)
    }
}

#[allow(clippy::cast_precision_loss, reason = "shown")]
impl PhaseReport {
    fn new(profile: &Profile, phase: &Phase, tally: &PhaseTally, spec: &Spec) -> PhaseReport {
        let seconds = phase.length.as_secs_f64();
        let operations = tally.operations.iter().filter_map(|(index, counts)| {
            let operation = profile.operations.get(*index)?;
            Some(OperationReport {
                operation: operation.name.clone(),
                class: operation.class,
                offered: counts.offered,
                answered: counts.answered,
                good: counts.good,
                shed: counts.shed,
                failed: counts.failed + counts.broken,
                latency_ms: Quantiles::of(&counts.latency),
            })
        });
        PhaseReport {
            name: phase.name.clone(),
            seconds,
            times: phase.times,
            generator_processors: tally.cpu as f64 / 1e9 / seconds.max(1e-9),
            send_lag_p99_ms: tally.lag.as_ref().map_or(0.0, |lag| Quantiles::of(lag).p99),
            classes: tally
                .classes
                .iter()
                .map(|(class, tally)| ClassReport::new(*class, tally, spec, seconds))
                .collect(),
            operations: operations.collect(),
        }
    }

    /// The class in this phase, where something was asked of it.
    pub fn class(&self, class: Class) -> Option<&ClassReport> {
        self.classes.iter().find(|report| report.class == class)
    }
}

#[allow(clippy::cast_precision_loss, reason = "shown")]
impl ClassReport {
    fn new(class: Class, tally: &ClassTally, spec: &Spec, seconds: f64) -> ClassReport {
        let objective = spec.objective(class);
        let allowed = objective.map(|o| 1.0 - o.target.as_f64());
        let violated = |second: &&super::tally::Second| {
            f64::from(second.late) > allowed.unwrap_or(1.0) * f64::from(second.answered)
        };
        let silent = |second: &&super::tally::Second| second.offered > 0 && second.answered == 0;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        ClassReport {
            class,
            budget_ms: objective.map(|o| o.budget.as_secs_f64() * 1e3),
            allowed,
            offered: tally.all.offered,
            answered: tally.all.answered,
            good: tally.all.good,
            goodput: tally.all.good as f64 / seconds.max(1e-9),
            deferred: tally.all.deferred,
            shed: tally.all.shed,
            reasons: tally.reasons.clone(),
            failed: tally.statuses.clone(),
            broken: tally.broken.clone(),
            tiers: tally.tiers.clone(),
            latency_ms: Quantiles::of(&tally.all.latency),
            refusal_ms: Quantiles::of(&tally.refusal),
            violation_seconds: count(tally.seconds.iter().filter(violated).count()),
            silent_seconds: count(tally.seconds.iter().filter(silent).count()),
            last_shed_s: tally.last_shed.map(|ns| ns as f64 / 1e9),
            windows: tally.windows.iter().map(WindowReport::new).collect(),
        }
    }

    /// Share of what was asked that was answered; 1 when nothing was asked.
    pub fn served(&self) -> f64 {
        if self.offered == 0 { 1.0 } else { self.answered as f64 / self.offered as f64 }
    }

    /// Whether the quantile the objective names was inside the budget in every window.
    pub fn within_budget(&self) -> bool {
        self.budget_ms
            .is_none_or(|budget| self.windows.iter().all(|window| window.p95_ms <= budget))
    }
}

impl WindowReport {
    fn new(counts: &Counts) -> WindowReport {
        WindowReport {
            offered: counts.offered,
            answered: counts.answered,
            good: counts.good,
            p95_ms: Quantiles::of(&counts.latency).p95,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in &self.phases {
            write!(f, "{phase}")?;
        }
        writeln!(
            f,
            "{:.1} s, {} connections; the generator used {:.2} processors{}",
            self.seconds,
            self.connections,
            self.generator_processors,
            if self.cut_short { "; cut short by the bound on requests" } else { "" }
        )
    }
}

impl fmt::Display for PhaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} · {:.0} s at {}x · generator {:.2} processors, sent at most {:.2} ms late (p99)",
            self.name, self.seconds, self.times, self.generator_processors, self.send_lag_p99_ms
        )?;
        let header = ["offered", "answered", "good", "shed", "failed"];
        write!(f, "  {:<14}", "")?;
        for name in header {
            write!(f, "{name:>9}")?;
        }
        writeln!(f, "{:>10}{:>9}{:>9}{:>9}  ms", "p50", "p95", "p99", "max")?;
        for class in &self.classes {
            let failed = class.failed.values().sum::<u64>() + class.broken.values().sum::<u64>();
            let counts = [class.offered, class.answered, class.good, class.shed, failed];
            row(f, class.class.as_str(), counts, &class.latency_ms)?;
            let mut notes = Vec::new();
            let mut note = |what: &str, map: String| {
                if !map.is_empty() {
                    notes.push(format!("{what} {map}"));
                }
            };
            note("shed:", pairs(&class.reasons));
            note("status:", pairs(&class.failed));
            note("broken:", pairs(&class.broken));
            note("tiers:", pairs(&class.tiers));
            if class.violation_seconds > 0 {
                note("violation seconds:", class.violation_seconds.to_string());
            }
            if class.silent_seconds > 0 {
                note("silent seconds:", class.silent_seconds.to_string());
            }
            if class.shed > 0 {
                note("refused within", format!("{:.2} ms (p99)", class.refusal_ms.p99));
            }
            for note in notes {
                writeln!(f, "      {note}")?;
            }
        }
        for operation in &self.operations {
            let counts = [
                operation.offered,
                operation.answered,
                operation.good,
                operation.shed,
                operation.failed,
            ];
            row(f, &format!("· {}", operation.operation), counts, &operation.latency_ms)?;
        }
        Ok(())
    }
}

fn row(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    counts: [u64; 5],
    latency: &Quantiles,
) -> fmt::Result {
    write!(f, "  {name:<14}")?;
    for count in counts {
        write!(f, "{count:>9}")?;
    }
    let Quantiles { p50, p95, p99, max } = latency;
    writeln!(f, "{p50:>10.2}{p95:>9.2}{p99:>9.2}{max:>9.2}")
}

fn pairs<K: fmt::Display>(map: &BTreeMap<K, u64>) -> String {
    map.iter().map(|(key, n)| format!("{key} {n}")).collect::<Vec<_>>().join(", ")
}
