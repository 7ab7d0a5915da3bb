//! The figures of an alert that its page repeats.

use svgx_base::duration;
use svgx_controller::spec::Spec;

use super::super::alert::{Alert, Condition};
use super::super::{promql, rules};

/// What the front matter of a page must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    /// The objectives, in the order of the spec.
    pub(crate) slo: Vec<String>,
    /// Each severity once, the gravest first.
    pub(crate) severity: Vec<String>,
    /// Seconds from the beginning of a complete failure to the alert.
    pub(crate) detect_within: u64,
    /// Seconds from its end to the end of the alert.
    pub(crate) recover_within: u64,
}

impl Figures {
    /// The figures of the rules of one name.
    pub(crate) fn new(spec: &Spec, rules: &[&Alert]) -> Figures {
        let mut slo: Vec<String> = rules.iter().map(|a| a.slo.clone()).collect();
        slo.dedup();
        let mut severity: Vec<String> = rules.iter().map(|a| a.severity.clone()).collect();
        severity.sort();
        severity.dedup();
        let scrape = rules::scrape(spec);
        let fastest = |f: fn(&Alert) -> u64| {
            let seconds = rules.iter().map(|a| f(a) + scrape + 2 * rules::interval(a)).min();
            rounded(seconds.unwrap_or_default())
        };
        Figures {
            slo,
            severity,
            detect_within: fastest(detects),
            recover_within: fastest(recovers),
        }
    }
}

/// Rounded up to what people say: half minutes, then minutes, then hours.
fn rounded(seconds: u64) -> u64 {
    let to = match seconds {
        0..=120 => 30,
        121..=7_200 => 60,
        _ => 3_600,
    };
    seconds.div_ceil(to) * to
}

/// Seconds until the rule of `alert` fires once everything it counts is bad, beside
/// scrape and evaluation: its window fills up to the threshold, then it holds.
fn detects(alert: &Alert) -> u64 {
    let fills = match &alert.condition {
        Condition::Latency { quantile, window, .. } => {
            quantile.complement().as_f64() * *window as f64
        }
        Condition::Share { share, window } => share.as_f64() * *window as f64,
        Condition::Burn { share, long, .. } => share.as_f64() * *long as f64,
        // Anything above zero is at once; a mean over a window takes at most the window.
        Condition::Bound { query, bound, .. } if bound.as_f64() > 0.0 => longest(query) as f64,
        Condition::Bound { .. } => 0.0,
    };
    fills.ceil() as u64 + alert.hold
}

/// Seconds until nothing bad is left in the window that decides.
fn recovers(alert: &Alert) -> u64 {
    match &alert.condition {
        Condition::Latency { window, .. } | Condition::Share { window, .. } => *window,
        Condition::Burn { short, .. } => *short,
        Condition::Bound { query, .. } => longest(query),
    }
}

/// The longest window of a query; none: 0.
fn longest(query: &str) -> u64 {
    promql::windows(query).into_iter().max().unwrap_or_default()
}

/// When an alert fires, in words.
pub(crate) fn condition(alert: &Alert) -> String {
    let held = match alert.hold {
        0 => String::new(),
        hold => format!(", for {}", duration::exact(hold)),
    };
    let what = match &alert.condition {
        Condition::Latency { quantile, budget, window, .. } => format!(
            "P{} above {} ms over {}",
            (quantile.as_f64() * 100.0).round(),
            (budget.as_f64() * 1e6).round() / 1e3,
            duration::exact(*window)
        ),
        Condition::Share { share, window } => {
            format!(
                "more than {} % bad over {}",
                rules::percent(share.as_f64()),
                duration::exact(*window)
            )
        }
        Condition::Burn { factor, share, long, short, .. } => format!(
            "budget burns more than {factor} times too fast ({} % bad) over {} and over {}",
            rules::percent(share.as_f64()),
            duration::exact(*long),
            duration::exact(*short)
        ),
        Condition::Bound { query, op, bound, absent } => {
            let absent = if *absent { ", or nothing is measured" } else { "" };
            format!("`{query}` {op} {bound}{absent}")
        }
    };
    format!("{what}{held}")
}

/// What the words of a page must not repeat, because it would not follow the spec.
pub(super) fn spelled(alert: &Alert) -> Vec<String> {
    let percent = |share: f64| {
        let p = rules::percent(share);
        vec![format!("{p} %"), format!("{p}%")]
    };
    let seconds = |s: u64| {
        let (m, long) = (s / 60, s >= 60 && s.is_multiple_of(60));
        let minutes = long.then(|| format!("{m} minutes"));
        [duration::exact(s), format!("{s} s"), format!("{s} seconds")].into_iter().chain(minutes)
    };
    let mut all: Vec<String> =
        if alert.hold > 0 { seconds(alert.hold).collect() } else { Vec::new() };
    match &alert.condition {
        Condition::Latency { quantile, budget, .. } => {
            let ms = (budget.as_f64() * 1e6).round() / 1e3;
            all.extend([format!("{ms} ms"), format!("{ms}ms"), budget.to_string()]);
            all.extend(percent(quantile.as_f64()));
        }
        Condition::Share { share, .. } | Condition::Burn { share, .. } => {
            all.extend(percent(share.as_f64()));
        }
        Condition::Bound { bound, .. } if bound.as_f64() >= 1e6 => {
            let mb = bound.as_f64() / 1e6;
            all.extend([format!("{mb} MB"), format!("{mb}MB"), bound.to_string()]);
        }
        Condition::Bound { bound, .. } if bound.as_f64() > 0.0 && bound.as_f64() < 1.0 => {
            all.extend(percent(bound.as_f64()));
        }
        Condition::Bound { .. } => {}
    }
    all
}
