//! Prometheus' arithmetic on made-up counters and gauges.
//!
//! All series share their sample times and every window is a multiple of the
//! step, so that `rate` never extrapolates and ratios are exact: a window of
//! `w` seconds at time `t` holds the samples of `[t-w, t]`, both ends included
//! (Prometheus 2), and is empty with fewer than two.

use std::collections::BTreeMap;

use svgx_controller::spec::Spec;

use super::super::alert::{Alert, Condition};
use super::super::promql::{self, Selector};
use super::super::{Error, rules};
use super::history::History;

/// Events in one step.
pub(super) const EVENTS: u64 = 10_000;
const INSTANCE: (&str, &str) = ("instance", "engine-0");

/// How made-up traffic becomes series.
enum Series {
    /// Good and bad events into a histogram with an edge on the budget.
    Histogram { bucket: Selector, count: Selector, edges: [f64; 3] },
    /// Bad events beside good ones.
    Bad { bad: Selector, total: Selector },
    /// Good events among all.
    Good { good: Selector, total: Selector },
    /// A value.
    Gauge { series: String },
    /// A counter whose growth per second is compared.
    Rate { series: String, window: u64 },
    /// Two counters whose growth is divided.
    Quotient { above: String, below: String, window: u64 },
}

/// One alert in its spec.
pub(super) struct Model<'s> {
    pub(super) alert: &'s Alert,
    /// Alerts of the same name and objective: they are expected together.
    siblings: Vec<&'s Alert>,
    /// Seconds between samples and between evaluations.
    pub(super) step: u64,
    series: Series,
}

impl<'s> Model<'s> {
    pub(super) fn new(
        spec: &'s Spec,
        alerts: &'s [Alert],
        alert: &'s Alert,
    ) -> Result<Model<'s>, Error> {
        let siblings =
            alerts.iter().filter(|a| a.name == alert.name && a.slo == alert.slo).collect();
        let step = match alert.condition {
            Condition::Burn { short, .. } => short / 6,
            _ => 10,
        };
        Ok(Model { alert, siblings, step, series: series(spec, alert)? })
    }

    /// The largest window of the alert, in steps.
    pub(super) fn longest(&self) -> u64 {
        let seconds = match &self.alert.condition {
            Condition::Latency { window, .. } | Condition::Share { window, .. } => *window,
            Condition::Burn { long, .. } => *long,
            Condition::Bound { .. } => match &self.series {
                Series::Rate { window, .. } | Series::Quotient { window, .. } => *window,
                _ => 300,
            },
        };
        seconds / self.step
    }

    /// The share of bad events (or the value) exactly at the threshold, as events in a step.
    pub(super) fn threshold(&self) -> f64 {
        let share = match &self.alert.condition {
            Condition::Latency { quantile, .. } => quantile.complement().as_f64(),
            Condition::Share { share, .. } | Condition::Burn { share, .. } => share.as_f64(),
            Condition::Bound { bound, .. } => return self.value_to_bad(bound.as_f64()),
        };
        (share * EVENTS as f64).round()
    }

    /// Healthy and broken, as `bad` in a [`History`].
    pub(super) fn extremes(&self) -> (f64, f64) {
        match &self.alert.condition {
            Condition::Bound { op, bound, .. } => {
                let bound = bound.as_f64();
                let (good, bad) = if *op == ">" {
                    (bound / 2.0, if bound == 0.0 { 10.0 } else { bound * 1.25 })
                } else {
                    (bound, 0.0)
                };
                (self.value_to_bad(good), self.value_to_bad(bad))
            }
            _ => (0.0, EVENTS as f64),
        }
    }

    pub(super) fn is_counted(&self) -> bool {
        !matches!(self.series, Series::Gauge { .. })
    }

    pub(super) fn fires_without_data(&self) -> bool {
        matches!(self.alert.condition, Condition::Bound { absent: true, .. })
    }

    fn value_to_bad(&self, value: f64) -> f64 {
        match &self.series {
            Series::Rate { .. } => value * self.step as f64,
            Series::Quotient { .. } => value * 100.0,
            _ => value,
        }
    }

    /// The samples of every series.
    pub(super) fn series(&self, history: &History) -> Vec<(String, String)> {
        let counter = |per_step: &dyn Fn(f64) -> f64| history.counter(per_step);
        let all = EVENTS as f64;
        match &self.series {
            Series::Histogram { bucket, count, edges } => {
                let [_, budget, slow] = edges;
                let at = |edge: String| bucket.series(&[("le", &edge), INSTANCE]);
                vec![
                    (at(edges[0].to_string()), counter(&|_| 0.0)),
                    (at(budget.to_string()), counter(&|bad| all - bad)),
                    (at(slow.to_string()), counter(&|_| all)),
                    (at("+Inf".to_owned()), counter(&|_| all)),
                    (count.series(&[INSTANCE]), counter(&|_| all)),
                ]
            }
            Series::Bad { bad, total } => vec![
                (bad.series(&[INSTANCE]), counter(&|b| b)),
                (
                    total.series(&[("http_response_status_code", "200"), INSTANCE]),
                    counter(&|b| all - b),
                ),
            ],
            Series::Good { good, total } => vec![
                (good.series(&[INSTANCE]), counter(&|b| all - b)),
                (total.series(&[("svgx_tier", "ui"), INSTANCE]), counter(&|b| b)),
            ],
            Series::Gauge { series } => vec![(series.clone(), history.gauge())],
            Series::Rate { series, .. } => vec![(series.clone(), counter(&|b| b))],
            Series::Quotient { above, below, .. } => {
                vec![(above.clone(), counter(&|b| b)), (below.clone(), counter(&|_| 100.0))]
            }
        }
    }

    /// The alerts of this name that fire at `step`, with their labels and values.
    pub(super) fn firing(
        &self,
        history: &History,
        step: u64,
    ) -> Vec<(&'s Alert, BTreeMap<String, String>, f64)> {
        let mut firing = Vec::new();
        for alert in &self.siblings {
            let mut since = None;
            for s in 0..=step {
                match self.value(alert, history, s) {
                    Some(_) => since = since.or(Some(s)),
                    None => since = None,
                }
            }
            let held = since.is_some_and(|s| (step - s) * self.step >= alert.hold);
            if let (true, Some(value)) = (held, self.value(alert, history, step)) {
                firing.push((*alert, self.labels(alert, history, step), value));
            }
        }
        firing
    }

    /// The first step at which this very alert fires, within the history.
    pub(super) fn first_firing(&self, history: &History) -> Option<u64> {
        self.transitions(history).0
    }

    /// The first step at which it fires, and the first after that at which it does not.
    pub(super) fn transitions(&self, history: &History) -> (Option<u64>, Option<u64>) {
        let (mut since, mut first) = (None, None);
        for s in 0..history.steps() {
            match self.value(self.alert, history, s) {
                Some(_) => {
                    let start = *since.get_or_insert(s);
                    if first.is_none() && (s - start) * self.step >= self.alert.hold {
                        first = Some(s);
                    }
                }
                None => {
                    if first.is_some() {
                        return (first, Some(s));
                    }
                    since = None;
                }
            }
        }
        (first, None)
    }

    fn labels(&self, alert: &Alert, history: &History, step: u64) -> BTreeMap<String, String> {
        let mut labels: BTreeMap<String, String> =
            alert.labels().into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        if matches!(self.series, Series::Gauge { .. }) {
            labels.insert("job".to_owned(), "svgx-engine".to_owned());
            if history.present(step) {
                labels.insert(INSTANCE.0.to_owned(), INSTANCE.1.to_owned());
            }
        }
        if matches!(alert.condition, Condition::Burn { long, .. } if long > 0) {
            labels.insert("window".to_owned(), labels.get("long").cloned().unwrap_or_default());
        }
        labels
    }

    /// The value of the expression where it holds.
    fn value(&self, alert: &Alert, history: &History, step: u64) -> Option<f64> {
        match &alert.condition {
            Condition::Latency { quantile, budget, window, .. } => {
                let (bad, all) = history.sums(step, window / self.step)?;
                let Series::Histogram { edges: [low, edge, slow], .. } = &self.series else {
                    return None;
                };
                let (rank, good) = (quantile.as_f64() * all, all - bad);
                let value = if rank <= good {
                    low + (edge - low) * (rank / good)
                } else {
                    edge + (slow - edge) * ((rank - good) / bad)
                };
                (bad > 0.0 && rank > good && value > budget.as_f64()).then_some(value)
            }
            Condition::Share { share, window } => {
                let ratio = self.ratio(history, step, *window)?;
                (ratio > share.as_f64()).then_some(ratio)
            }
            Condition::Burn { share, long, short, .. } => {
                let share = share.as_f64();
                let long = self.ratio(history, step, *long)?;
                let now = self.ratio(history, step, *short)?;
                // The recorded ratio is found up to five minutes after it was evaluated.
                let then = (step * self.step).checked_sub(*short)?;
                if then % self.step > 300 {
                    return None;
                }
                self.ratio(history, then / self.step, *short)?;
                (long > share && now > share).then_some(long)
            }
            Condition::Bound { op, bound, absent, .. } => {
                let value = match &self.series {
                    Series::Gauge { .. } => match history.at(step) {
                        Some(v) => v,
                        None => return absent.then_some(1.0),
                    },
                    Series::Rate { window, .. } => {
                        history.sums(step, window / self.step)?.0 / *window as f64
                    }
                    Series::Quotient { window, .. } => {
                        let steps = window / self.step;
                        let (above, _) = history.sums(step, steps)?;
                        above / (history.increments(step, steps)? as f64 * 100.0)
                    }
                    _ => return None,
                };
                let bound = bound.as_f64();
                (if *op == ">" { value > bound } else { value < bound }).then_some(value)
            }
        }
    }

    fn ratio(&self, history: &History, step: u64, window: u64) -> Option<f64> {
        if window < self.step {
            return None;
        }
        let (bad, all) = history.sums(step, window / self.step)?;
        (all > 0.0).then(|| (bad / all * 1e9).round() / 1e9)
    }
}

fn series(spec: &Spec, alert: &Alert) -> Result<Series, Error> {
    let error = |message: String| Error { file: "slo".to_owned(), message };
    if let Condition::Bound { query, .. } = &alert.condition {
        let selectors = promql::selectors(query).map_err(&error)?;
        let extra: Vec<(&str, &str)> = query
            .split_once("without (")
            .and_then(|(_, rest)| rest.split_once(')'))
            .map(|(label, _)| (label, "user"))
            .into_iter()
            .chain([INSTANCE])
            .collect();
        let window = query
            .split_once('[')
            .and_then(|(_, rest)| rest.split_once(']'))
            .and_then(|(w, _)| crate::seconds(w));
        return match (selectors.as_slice(), window) {
            ([one], None) => Ok(Series::Gauge { series: one.series(&extra) }),
            ([one], Some(window)) => Ok(Series::Rate { series: one.series(&extra), window }),
            ([above, below], Some(window)) => Ok(Series::Quotient {
                above: above.series(&extra),
                below: below.series(&extra),
                window,
            }),
            _ => Err(error(format!("{}: no test is known for {query:?}", alert.name))),
        };
    }
    let slo =
        spec.slo(&alert.slo).ok_or_else(|| error(format!("{}: no such objective", alert.slo)))?;
    // The indicator was checked when the rule was written.
    rules::error_ratio(slo, 60)?;
    let Some(ratio) = &slo.spec.indicator.spec.ratio_metric else {
        return Err(error(format!("{}: not a ratio", alert.slo)));
    };
    let one = |m: &svgx_controller::spec::openslo::Metric| {
        let query = m.metric_source.spec.query.replace("{{.window}}", "1m");
        promql::selectors(&query)
            .map_err(&error)?
            .into_iter()
            .next()
            .ok_or_else(|| error(format!("{}: no selector", alert.slo)))
    };
    let total = one(&ratio.total)?;
    if let Some(bad) = &ratio.bad {
        return Ok(Series::Bad { bad: one(bad)?, total });
    }
    let good = one(ratio.good.as_ref().ok_or_else(|| error(format!("{}: no good", alert.slo)))?)?;
    let Some(objective) = spec.objectives.iter().find(|o| o.slo == alert.slo) else {
        return Ok(Series::Good { good, total });
    };
    let budget = objective.threshold.as_f64();
    let edges = spec.latency_buckets();
    let below = edges.iter().copied().filter(|e| *e < budget).fold(0.0, f64::max);
    let above = edges.iter().copied().filter(|e| *e > budget).fold(f64::INFINITY, f64::min);
    let mut bucket = good;
    bucket.matchers.remove("le");
    Ok(Series::Histogram { bucket, count: total, edges: [below, budget, above] })
}
