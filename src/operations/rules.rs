//! Prometheus rules: what is recorded, and what is alerted on.
//!
//! Recorded names are those of sloth, so that its dashboards and habits fit.
//! A ratio is recorded only where there was traffic (`> 0`): one idle stretch
//! would otherwise turn the ratio of the whole period into NaN.

use std::collections::BTreeSet;

use svgx_base::duration;
use svgx_controller::spec::Spec;
use svgx_controller::spec::openslo::{Document, SloSpec};

use super::alert::{Alert, Condition};
use super::yaml::{Yaml, quoted};
use super::{Artefact, Error, links};

/// Seconds between two scrapes, by the data source's document.
pub fn scrape(spec: &Spec) -> u64 {
    crate::seconds(links::home(spec, "scrapeInterval")).unwrap_or(15)
}

/// Seconds between two evaluations of an alert's rule.
pub(crate) fn interval(alert: &Alert) -> u64 {
    if is_burn(alert) { BUDGETS_EVERY } else { SYMPTOMS_EVERY }
}

/// Seconds between two evaluations: budgets move slowly, symptoms do not.
const BUDGETS_EVERY: u64 = 30;
const SYMPTOMS_EVERY: u64 = 10;

/// The name of each recorded series. All of them carry `service` and `slo`, and
/// those over a window `window`.
pub(crate) fn recorded(alerts: &[Alert]) -> Vec<String> {
    let ratios = windows(alerts).into_iter().map(duration::exact).chain([PERIOD.to_owned()]);
    let ratios = ratios.map(|w| format!("slo:sli_error:ratio_rate{w}"));
    ratios.chain([BAD_RATE, TOTAL_RATE].into_iter().chain(RECORDED).map(str::to_owned)).collect()
}

/// The window objectives are judged over.
const PERIOD: &str = "30d";

/// Bad and all events a second, the two sums that the budget of a period is made of.
const BAD_RATE: &str = "slo:sli_bad:rate5m";
const TOTAL_RATE: &str = "slo:sli_total:rate5m";
const RATE_WINDOW: u64 = 300;

/// The share of bad ones among all events of a period.
fn by_events(name: &str, period: &str) -> String {
    let sum = |metric: &str| {
        format!("sum by (service, slo) (sum_over_time({metric}{{slo=\"{name}\"}}[{period}]))")
    };
    format!("{} / ({} > 0)", sum(BAD_RATE), sum(TOTAL_RATE))
}

/// What is recorded of every objective beside its error ratios.
const RECORDED: [&str; 6] = [
    "slo:objective:ratio",
    "slo:error_budget:ratio",
    "slo:time_period:days",
    "slo:current_burn_rate:ratio",
    "slo:period_burn_rate:ratio",
    "slo:period_error_budget_remaining:ratio",
];

/// The windows of the burn alerts, and those every dashboard asks for.
fn windows(alerts: &[Alert]) -> BTreeSet<u64> {
    let mut all = BTreeSet::from([300, 3_600]);
    for a in alerts {
        if let Condition::Burn { long, short, .. } = a.condition {
            all.extend([long, short]);
        }
    }
    all
}

/// The error ratio of an objective over a window, in PromQL.
///
/// # Errors
/// An indicator that is no ratio.
pub(crate) fn error_ratio(slo: &Document<SloSpec>, seconds: u64) -> Result<String, Error> {
    let Some(ratio) = &slo.spec.indicator.spec.ratio_metric else {
        let message = format!("{}: a share needs a ratioMetric", slo.metadata.name);
        return Err(Error { file: slo.file.clone(), message });
    };
    let query = |m: &svgx_controller::spec::openslo::Metric| {
        m.metric_source.spec.query.replace("{{.window}}", &duration::exact(seconds))
    };
    let total = query(&ratio.total);
    // Rounded: one minus a binary fraction is off by an ulp, and a ratio exactly
    // at its objective would count as above it.
    Ok(match (&ratio.bad, &ratio.good) {
        (Some(bad), _) => {
            let bad = query(bad);
            format!("round(1e9 * ({bad} or 0 * {total}) / ({total} > 0)) / 1e9")
        }
        (None, Some(good)) => {
            let good = query(good);
            format!("round(1e9 * (1 - ({good} or 0 * {total}) / ({total} > 0))) / 1e9")
        }
        (None, None) => {
            let message = format!("{}: neither good nor bad", slo.metadata.name);
            return Err(Error { file: slo.file.clone(), message });
        }
    })
}

/// Bad and all events a second over a window, in PromQL.
fn event_rates(slo: &Document<SloSpec>, seconds: u64) -> Result<(String, String), Error> {
    let wrong = || Error {
        file: slo.file.clone(),
        message: format!("{}: neither good nor bad", slo.metadata.name),
    };
    let ratio = slo.spec.indicator.spec.ratio_metric.as_ref().ok_or_else(wrong)?;
    let query = |m: &svgx_controller::spec::openslo::Metric| {
        m.metric_source.spec.query.replace("{{.window}}", &duration::exact(seconds))
    };
    let total = query(&ratio.total);
    let bad = match (&ratio.bad, &ratio.good) {
        (Some(bad), _) => format!("{} or 0 * {total}", query(bad)),
        // Never below zero by the last digit of a subtraction.
        (None, Some(good)) => {
            format!("clamp_min({total} - ({} or 0 * {total}), 0)", query(good))
        }
        (None, None) => return Err(wrong()),
    };
    Ok((bad, total))
}

/// The PromQL of an alert.
pub(crate) fn expression(spec: &Spec, alert: &Alert) -> Result<String, Error> {
    Ok(match &alert.condition {
        Condition::Latency { quantile, budget, bucket, window } => format!(
            "histogram_quantile({quantile}, sum by (le) (rate({bucket}[{}]))) > {budget}",
            duration::exact(*window)
        ),
        Condition::Share { share, window } => {
            let slo = spec.slo(&alert.slo).ok_or_else(|| Error {
                file: "slo".to_owned(),
                message: format!("{}: no such objective", alert.slo),
            })?;
            format!("{} > {share}", error_ratio(slo, *window)?)
        }
        Condition::Burn { share, long, short, .. } => {
            let ratio = |w: &u64| {
                format!("slo:sli_error:ratio_rate{}{{slo=\"{}\"}}", duration::exact(*w), alert.slo)
            };
            // The last clause: a tier needs data as old as its short window. Without it two bad
            // minutes after a cold start are the whole of three days, and every tier pages.
            format!(
                "{0} > {share} and ignoring (window) {1} > {share} and ignoring (window) {1} offset {2} >= 0",
                ratio(long),
                ratio(short),
                duration::exact(*short)
            )
        }
        Condition::Bound { query, op, bound, absent } => {
            let mut expr = format!("{query} {op} {bound}");
            if *absent {
                expr = format!("{expr} or absent({query})");
            }
            expr
        }
    })
}

/// The summary: what is seen, with its value.
pub(crate) fn summary(alert: &Alert) -> String {
    match &alert.condition {
        Condition::Latency { quantile, budget, .. } => format!(
            "P{} is {{{{ $value | humanizeDuration }}}}, its budget is {}ms",
            (quantile.as_f64() * 100.0).round(),
            (budget.as_f64() * 1e3).round()
        ),
        Condition::Share { share, .. } => format!(
            "{{{{ $value | humanizePercentage }}}} are bad, {}% are allowed",
            percent(share.as_f64())
        ),
        Condition::Burn { factor, long, .. } => format!(
            "{{{{ $value | humanizePercentage }}}} bad over {}: the error budget burns more than {factor} times too fast",
            duration::exact(*long)
        ),
        Condition::Bound { absent: true, .. } => {
            "No engine answers: the scrape fails or finds nothing".to_owned()
        }
        Condition::Bound { op, bound, .. } => {
            let beyond = if *op == ">" { "at most" } else { "at least" };
            format!("The value is {{{{ $value | humanize }}}}, it should be {beyond} {bound}")
        }
    }
}

/// A share in percent without the noise of binary fractions.
pub(crate) fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// The annotations of an alert.
pub(crate) fn annotations(spec: &Spec, alert: &Alert) -> [(&'static str, String); 4] {
    let (home, on) = (links::home(spec, "dashboards"), links::dashboard(alert));
    let chosen =
        if on == links::OVERVIEW { format!("?var-slo={}", alert.slo) } else { String::new() };
    [
        ("dashboard_url", format!("{home}/d/{on}{chosen}")),
        ("description", alert.description.clone()),
        ("runbook_url", links::runbook(spec, &alert.name)),
        ("summary", summary(alert)),
    ]
}

fn record(yaml: &mut Yaml, at: usize, name: &str, expr: &str, slo: &str, window: Option<u64>) {
    yaml.line(at, format!("- record: {name}"));
    yaml.pair(at + 1, "expr", expr);
    yaml.line(at + 1, "labels:");
    yaml.pair(at + 2, "service", "svgx-engine");
    yaml.pair(at + 2, "slo", slo);
    if let Some(w) = window {
        yaml.pair(at + 2, "window", &duration::exact(w));
    }
}

/// The rule file, in `alerts/`, that an alert stands in.
pub(crate) fn file(alert: &Alert) -> String {
    if is_burn(alert) { format!("{}.rules.yaml", alert.slo) } else { SYMPTOMS.to_owned() }
}

const SYMPTOMS: &str = "symptoms.rules.yaml";

/// What is recorded of an objective, and the alerts on its budget.
fn budget(
    yaml: &mut Yaml,
    at: usize,
    spec: &Spec,
    alerts: &[Alert],
    slo: &Document<SloSpec>,
) -> Result<(), Error> {
    let name = &slo.metadata.name;
    let Some(objective) = slo.spec.objectives.first() else { return Ok(()) };
    let target = objective.target.value;
    yaml.line(at, format!("- name: {name}"));
    yaml.line(at + 1, format!("interval: {BUDGETS_EVERY}s"));
    yaml.line(at + 1, "rules:");
    for w in windows(alerts) {
        let metric = format!("slo:sli_error:ratio_rate{}", duration::exact(w));
        record(yaml, at + 2, &metric, &error_ratio(slo, w)?, name, Some(w));
    }
    // Failures over all events of the period, and not a mean of ratios: a minute of few
    // requests must not weigh as much as one of many. The rates are recorded as sums, because
    // the raw histograms of a month are too much to read twice a minute.
    let (bad, total) = event_rates(slo, RATE_WINDOW)?;
    record(yaml, at + 2, BAD_RATE, &bad, name, Some(RATE_WINDOW));
    record(yaml, at + 2, TOTAL_RATE, &total, name, Some(RATE_WINDOW));
    let period = PERIOD;
    record(
        yaml,
        at + 2,
        &format!("slo:sli_error:ratio_rate{period}"),
        &by_events(name, period),
        name,
        crate::seconds(period),
    );
    let budget = target.complement();
    let exprs = [
        format!("vector({target})"),
        format!("vector({budget})"),
        "vector(30)".to_owned(),
        format!("slo:sli_error:ratio_rate5m{{slo=\"{name}\"}} / {budget}"),
        format!("slo:sli_error:ratio_rate{period}{{slo=\"{name}\"}} / {budget}"),
        format!("1 - slo:sli_error:ratio_rate{period}{{slo=\"{name}\"}} / {budget}"),
    ];
    for (metric, expr) in RECORDED.iter().zip(exprs) {
        record(yaml, at + 2, metric, &expr, name, None);
    }
    for alert in alerts.iter().filter(|a| a.slo == *name && is_burn(a)) {
        rule(yaml, at + 2, spec, alert)?;
    }
    Ok(())
}

/// The alerts on what users feel now.
fn symptoms(yaml: &mut Yaml, at: usize, spec: &Spec, alerts: &[Alert]) -> Result<(), Error> {
    yaml.line(at, "- name: svgx-symptoms");
    yaml.line(at + 1, format!("interval: {SYMPTOMS_EVERY}s"));
    yaml.line(at + 1, "rules:");
    for alert in alerts.iter().filter(|a| !is_burn(a)) {
        rule(yaml, at + 2, spec, alert)?;
    }
    Ok(())
}

fn is_burn(alert: &Alert) -> bool {
    matches!(alert.condition, Condition::Burn { .. })
}

fn rule(yaml: &mut Yaml, at: usize, spec: &Spec, alert: &Alert) -> Result<(), Error> {
    yaml.line(at, format!("- alert: {}", alert.name));
    yaml.pair(at + 1, "expr", &expression(spec, alert)?);
    if alert.hold > 0 {
        yaml.line(at + 1, format!("for: {}", duration::exact(alert.hold)));
    }
    yaml.line(at + 1, "labels:");
    for (name, value) in alert.labels() {
        yaml.pair(at + 2, name, &value);
    }
    yaml.line(at + 1, "annotations:");
    for (name, value) in annotations(spec, alert) {
        yaml.line(at + 2, format!("{name}: {}", quoted(&value)));
    }
    Ok(())
}

/// A plain rule file for each objective and one for the symptoms, and all of
/// them as one PrometheusRule.
pub(crate) fn artefacts(spec: &Spec, alerts: &[Alert]) -> Result<Vec<Artefact>, Error> {
    let mut all = Vec::new();
    let mut custom = Yaml::new("The rules of alerts/ for the Prometheus operator.");
    custom.line(0, "apiVersion: monitoring.coreos.com/v1");
    custom.line(0, "kind: PrometheusRule");
    custom.line(0, "metadata:");
    custom.pair(1, "name", "svgx-engine");
    custom.line(0, "spec:");
    custom.line(1, "groups:");
    for slo in spec.slos.iter().filter(|s| s.spec.indicator.spec.ratio_metric.is_some()) {
        let mut plain = Yaml::new("Recording and alert rules of one objective.");
        plain.line(0, "groups:");
        budget(&mut plain, 1, spec, alerts, slo)?;
        budget(&mut custom, 2, spec, alerts, slo)?;
        let path = format!("alerts/{}.rules.yaml", slo.metadata.name);
        all.push(Artefact { path, text: plain.text() });
    }
    let mut plain = Yaml::new("Alerts on what users feel now.");
    plain.line(0, "groups:");
    symptoms(&mut plain, 1, spec, alerts)?;
    symptoms(&mut custom, 2, spec, alerts)?;
    all.push(Artefact { path: format!("alerts/{SYMPTOMS}"), text: plain.text() });
    let path = "k8s/components/prometheus-operator/rules.yaml".to_owned();
    all.push(Artefact { path, text: custom.text() });
    Ok(all)
}
