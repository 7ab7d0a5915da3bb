//! The alerts of a spec: one data type per form of condition, from which the
//! rule, its tests and its runbook are written.

use std::collections::BTreeMap;

use svgx_base::duration;
use svgx_controller::spec::openslo::{AlertConditionSpec, Document, SloSpec};
use svgx_controller::spec::{Decimal, Spec};

use super::Error;

/// What is compared with what.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The `quantile` of a latency class over `window` is above `budget`.
    ///
    /// Written with `histogram_quantile`: `1 - good/total > 0.05` fires falsely at
    /// exactly 95 %, because one minus a binary fraction is not the decimal.
    Latency {
        /// The share that must be in time.
        quantile: Decimal,
        /// The budget in seconds, an edge of the histogram.
        budget: Decimal,
        /// The histogram's `_bucket` selector without `le`.
        bucket: String,
        /// Seconds.
        window: u64,
    },
    /// The share of bad events over `window` is above `share`.
    Share {
        /// The largest share allowed.
        share: Decimal,
        /// Seconds.
        window: u64,
    },
    /// The share of bad events is above `share` over the long and the short window.
    Burn {
        /// Times the budget: the burn rate.
        factor: Decimal,
        /// `factor` times the error budget.
        share: Decimal,
        /// Seconds.
        long: u64,
        /// Seconds.
        short: u64,
        /// When 100 %, 50 % and 10 % of bad events must be seen, in seconds; `None`: never.
        detects: [Option<u64>; 3],
    },
    /// A value is beyond a bound.
    Bound {
        /// The value.
        query: String,
        /// What breaks the promise: `>` or `<`.
        op: &'static str,
        /// The bound.
        bound: Decimal,
        /// Whether nothing measured breaks it too.
        absent: bool,
    },
}

/// One alert rule.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its name: also that of its runbook, its tests and its drill.
    pub name: String,
    /// The objective it watches.
    pub slo: String,
    /// `critical` or `warning`.
    pub severity: String,
    /// What it says, in the words of the spec.
    pub description: String,
    /// When it fires.
    pub condition: Condition,
    /// Seconds the condition must hold.
    pub hold: u64,
}

impl Alert {
    /// The labels of the rule, beside those of its expression.
    pub fn labels(&self) -> BTreeMap<&'static str, String> {
        let mut labels = BTreeMap::from([
            ("severity", self.severity.clone()),
            ("service", "svgx-engine".to_owned()),
            ("slo", self.slo.clone()),
        ]);
        if let Condition::Burn { long, short, .. } = self.condition {
            labels.insert("long", duration::exact(long));
            labels.insert("short", duration::exact(short));
        }
        labels
    }
}

/// The alerts of `spec`, by the order of its objectives and their policies.
///
/// # Errors
/// A condition that none of the forms fits.
pub fn alerts(spec: &Spec) -> Result<Vec<Alert>, Error> {
    let mut alerts = Vec::new();
    for slo in &spec.slos {
        for policy in &slo.spec.alert_policies {
            let name = &policy.alert_policy_ref.value;
            let policy = spec.alert_policies.iter().find(|p| p.metadata.name == *name);
            for condition in policy.iter().flat_map(|p| &p.spec.conditions) {
                if let Some(condition) = spec.condition(&condition.condition_ref.value) {
                    alerts.push(alert(spec, slo, condition)?);
                }
            }
        }
    }
    Ok(alerts)
}

fn alert(
    spec: &Spec,
    slo: &Document<SloSpec>,
    from: &Document<AlertConditionSpec>,
) -> Result<Alert, Error> {
    let error = |message: String| Error { file: from.file.clone(), message };
    let named = |key: &str| from.metadata.annotation_text(key);
    let name = named("alert")
        .ok_or_else(|| error(format!("{}: add annotation svgx.dev/alert", from.metadata.name)))?;
    let burn = &from.spec.condition;
    let seconds = |text: &str| {
        crate::seconds(text).ok_or_else(|| error(format!("{name}: duration {text:?}")))
    };
    let hold = seconds(named("alert-after").unwrap_or(&burn.alert_after.value))?;
    let lookback = seconds(&burn.lookback_window.value)?;
    let objective = slo
        .spec
        .objectives
        .first()
        .ok_or_else(|| error(format!("{}: no objective", slo.metadata.name)))?;
    let budget = objective.target.value.complement();
    let factor = burn.threshold.value;
    let share = budget
        .product(factor)
        .ok_or_else(|| error(format!("{name}: {factor} times {budget} is too long a number")))?;
    let condition = if named("rule") == Some("threshold") {
        let metric = slo.spec.indicator.spec.threshold_metric.as_ref();
        let query = metric
            .map(|m| m.metric_source.spec.query.clone())
            .ok_or_else(|| error(format!("{name}: rule threshold needs a thresholdMetric")))?;
        let op = match objective.op.as_deref() {
            Some("lte" | "lt") => ">",
            Some("gte" | "gt") => "<",
            _ => return Err(error(format!("{}: objective without op", slo.metadata.name))),
        };
        let bound =
            objective.value.ok_or_else(|| error(format!("{name}: objective without value")))?;
        let absent = spec
            .alert_policies
            .iter()
            .filter(|p| {
                p.spec.conditions.iter().any(|c| c.condition_ref.value == from.metadata.name)
            })
            .any(|p| p.spec.alert_when_no_data);
        Condition::Bound { query, op, bound, absent }
    } else if let Some(short) = named("short-window") {
        if share >= Decimal::new(1, 0) {
            return Err(error(format!(
                "{name}: {factor} times the budget {budget} is a share of {share}: it can never \
                 fire; lower the threshold"
            )));
        }
        let detects = detects(named("detects").unwrap_or_default()).ok_or_else(|| {
            error(format!("{name}: svgx.dev/detects: 100% in 8m, 50% in 16m, 10% never"))
        })?;
        Condition::Burn { factor, share, long: lookback, short: seconds(short)?, detects }
    } else if let Some(objective) =
        spec.objectives.iter().find(|o| o.slo == slo.metadata.name && factor == Decimal::new(1, 0))
    {
        let total = &slo.spec.indicator.spec.ratio_metric;
        let good = total.as_ref().and_then(|r| r.good.as_ref());
        let query = good.map(|m| m.metric_source.spec.query.as_str()).unwrap_or_default();
        let bucket = super::promql::selectors(&query.replace("{{.window}}", "1m"))
            .map_err(&error)?
            .into_iter()
            .next()
            .ok_or_else(|| error(format!("{name}: no selector in {query:?}")))?;
        let labels: Vec<String> = bucket
            .matchers
            .iter()
            .filter(|(n, _)| *n != "le")
            .map(|(n, (op, v))| format!("{n}{op}\"{v}\""))
            .collect();
        Condition::Latency {
            quantile: objective.target,
            budget: objective.threshold,
            bucket: format!("{}{{{}}}", bucket.metric, labels.join(",")),
            window: lookback,
        }
    } else {
        Condition::Share { share, window: lookback }
    };
    Ok(Alert {
        name: name.to_owned(),
        slo: slo.metadata.name.clone(),
        severity: from.spec.severity.clone(),
        description: from.spec.description.clone(),
        condition,
        hold,
    })
}

/// `100% in 8m, 50% in 16m, 10% never`.
fn detects(text: &str) -> Option<[Option<u64>; 3]> {
    let mut parts = text.split(", ");
    let mut next = |share: &str| -> Option<Option<u64>> {
        let rest = parts.next()?.strip_prefix(share)?.trim();
        if rest == "never" {
            return Some(None);
        }
        Some(Some(crate::seconds(rest.strip_prefix("in ")?)?))
    };
    Some([next("100%")?, next("50%")?, next("10%")?])
}

/// How long a burn condition takes to see `bad` (a share) after a healthy time:
/// the long window must fill up to the threshold. `None`: never.
pub fn detection(condition: &Condition, bad: f64) -> Option<f64> {
    match condition {
        Condition::Burn { share, long, .. } => {
            let share = share.as_f64();
            (bad > share).then(|| *long as f64 * share / bad)
        }
        _ => None,
    }
}
