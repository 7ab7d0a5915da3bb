//! What a run has to show to pass.

use std::fmt;
use std::time::Duration;

use svgx_base::budget::Class;

use super::report::{ClassReport, Report};

/// Bounds a report is held to; those that are absent hold always.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// P95 of a class in every ten-second window.
    pub p95: Vec<(Class, Duration)>,
    /// Every class inside the budget of its objective in every ten-second window.
    pub budgets: bool,
    /// Share of requests answered inside the budget, per class.
    pub goodput: Option<f64>,
    /// Share of requests refused, per class.
    pub shed: Option<f64>,
    /// Share of requests that failed or had no answer.
    pub errors: Option<f64>,
}

/// A bound that was missed.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// The phase.
    pub phase: String,
    /// The class; none for all of them together.
    pub class: Option<Class>,
    /// What was measured.
    pub what: String,
    /// The measure.
    pub seen: f64,
    /// The bound.
    pub bound: f64,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = self.class.map_or("all", Class::as_str);
        let Miss { phase, what, seen, bound, .. } = self;
        write!(f, "{phase}: {class}: {what} {seen:.4}, the bound is {bound:.4}")
    }
}

#[allow(clippy::cast_precision_loss, reason = "shares of counts")]
impl Thresholds {
    /// Everything in a report that misses a bound.
    pub fn misses(&self, report: &Report) -> Vec<Miss> {
        let mut misses = Vec::new();
        for phase in &report.phases {
            let mut miss = |class: Option<Class>, what: String, seen: f64, bound: f64| {
                misses.push(Miss { phase: phase.name.clone(), class, what, seen, bound });
            };
            let (mut offered, mut wrong) = (0, 0);
            for class in &phase.classes {
                offered += class.offered;
                wrong += class.failed.values().sum::<u64>() + class.broken.values().sum::<u64>();
                let name = Some(class.class);
                if let Some((window, seen, bound)) = self.slowest(class) {
                    miss(name, format!("p95 of window {window} in ms"), seen, bound);
                }
                let share = |count: u64| count as f64 / (class.offered.max(1)) as f64;
                if let Some(bound) = self.goodput
                    && share(class.good) < bound
                {
                    miss(name, "share answered inside the budget".into(), share(class.good), bound);
                }
                if let Some(bound) = self.shed
                    && share(class.shed) > bound
                {
                    miss(name, "share refused".into(), share(class.shed), bound);
                }
            }
            let errors = wrong as f64 / offered.max(1) as f64;
            if let Some(bound) = self.errors
                && errors > bound
            {
                miss(None, "share of errors".into(), errors, bound);
            }
        }
        misses
    }

    /// The worst window past its bound: which, how slow, and the bound.
    fn slowest(&self, class: &ClassReport) -> Option<(usize, f64, f64)> {
        let own = self
            .p95
            .iter()
            .find(|(c, _)| *c == class.class)
            .map(|(_, p95)| p95.as_secs_f64() * 1e3);
        let bound = own.or(class.budget_ms.filter(|_| self.budgets))?;
        let windows = class.windows.iter().map(|w| w.p95_ms).enumerate();
        let (index, seen) = windows.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        (seen > bound).then_some((index, seen, bound))
    }
}
