//! Results over seeds: a table for the terminal, the tables of
//! `docs/controller.md`, and the comparison with what a scenario expects.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::metrics::Metrics;
use super::scenario::Scenario;
use super::stats::Median;

/// One scenario, some controllers, some seeds.
#[derive(Clone, Debug)]
pub struct Results {
    /// The scenario.
    pub scenario: Scenario,
    /// Per controller, in the order they are shown, the metrics of every seed.
    pub controllers: Vec<(String, Vec<Metrics>)>,
}

/// A metric as it is shown: its name in the results, its heading.
const COLUMNS: [(&str, &str); 21] = [
    ("goodput", "goodput"),
    ("clairvoyant", "of clairv."),
    ("ui_served", "ui"),
    ("redraw_served", "redraw"),
    ("physics_served", "physics"),
    ("ui_p95_ms", "ui p95"),
    ("redraw_p95_ms", "rd p95"),
    ("physics_p95_ms", "ph p95"),
    ("ui_violation_s", "ui viol"),
    ("redraw_violation_s", "rd viol"),
    ("physics_violation_s", "ph viol"),
    ("tier_moves", "moves"),
    ("detect_ms", "detect"),
    ("bound_ms", "bound"),
    ("recover_ms", "recover"),
    ("tier_back_ms", "tier back"),
    ("quality_lost_s", "q-s lost"),
    ("cost_error", "cost err"),
    ("jain", "jain"),
    ("oversize", "oversize"),
    ("idle_refused", "idle refus"),
];

fn number(value: f64) -> String {
    if value.is_nan() {
        "-".to_owned()
    } else if value.is_infinite() {
        "never".to_owned()
    } else if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

impl Results {
    /// The median of a metric of a controller, with its interval.
    pub fn median(&self, controller: &str, metric: &str) -> Option<Median> {
        let (_, all) = self.controllers.iter().find(|(name, _)| name == controller)?;
        let values: Vec<f64> = all.iter().filter_map(|m| m.get(metric).copied()).collect();
        Some(Median::of(&values))
    }

    /// A table for the terminal: medians over the seeds, and the interval of the goodput.
    pub fn table(&self) -> String {
        let mut out = format!("{}: {}\n", self.scenario.name, self.scenario.about);
        let _ = write!(out, "{:12} {:>15}", "controller", "goodput 95 % CI");
        for (_, heading) in COLUMNS {
            let _ = write!(out, "{heading:>11}");
        }
        out.push('\n');
        for (name, _) in &self.controllers {
            let goodput = self.median(name, "goodput").unwrap_or(Median::of(&[]));
            let ci = format!("{:.3}-{:.3}", goodput.low, goodput.high);
            let _ = write!(out, "{name:12} {ci:>15}");
            for (metric, _) in COLUMNS {
                let median = self.median(name, metric).map_or(f64::NAN, |m| m.median);
                let _ = write!(out, "{:>11}", number(median));
            }
            out.push('\n');
        }
        out
    }

    /// What the scenario expects and did not get, with what was observed.
    pub fn failures(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (controller, metrics) in &self.scenario.expect {
            for (metric, [least, most]) in metrics {
                let Some(seen) = self.median(controller, metric) else { continue };
                // A metric that does not apply (nothing was admitted) expects nothing.
                if seen.median.is_nan() || (*least..=*most).contains(&seen.median) {
                    continue;
                }
                all.push(format!(
                    "{}: {metric} of {controller} is {} ({} to {}); expected {least} to {most}",
                    self.scenario.name,
                    number(seen.median),
                    number(seen.low),
                    number(seen.high)
                ));
            }
        }
        all
    }
}

/// Names in `expect` that no metric has.
pub fn unknown(scenario: &Scenario, known: &Metrics) -> Vec<String> {
    let all = scenario.expect.values().flat_map(BTreeMap::keys);
    all.filter(|name| !known.contains_key(name.as_str())).cloned().collect()
}

/// The generated part of `docs/controller.md`.
pub fn markdown(all: &[Results], seeds: u64) -> String {
    let mut out = String::new();
    let Some(first) = all.first() else { return out };
    let names: Vec<&str> = first.controllers.iter().map(|(name, _)| name.as_str()).collect();
    let _ = writeln!(out, "Medians over {seeds} seeds, with their 95 % intervals in brackets.\n");
    let _ = writeln!(out, "### Weighted goodput against the strict-priority fluid bound\n");
    let cell = |results: &Results, name: &str| {
        results.median(name, "goodput").map_or_else(
            || "-".to_owned(),
            |m| format!("{} ({}–{})", fixed(m.median), fixed(m.low), fixed(m.high)),
        )
    };
    matrix(&mut out, all, &names, &cell);
    let _ = writeln!(out, "\n### Seconds in which ui was outside its budget\n");
    let cell = |results: &Results, name: &str| {
        results.median(name, "ui_violation_s").map_or_else(|| "-".to_owned(), |m| number(m.median))
    };
    matrix(&mut out, all, &names, &cell);
    let Some(ours) = names.first() else { return out };
    let _ = writeln!(out, "\n### {ours} in detail, with 95 % intervals of the goodput\n");
    let mut head = "| scenario | 95 % |".to_owned();
    let mut rule = "|---|---|".to_owned();
    for (_, heading) in COLUMNS {
        let _ = write!(head, " {heading} |");
        rule.push_str("--:|");
    }
    let _ = writeln!(out, "{head}\n{rule}");
    for results in all {
        let goodput = results.median(ours, "goodput").unwrap_or(Median::of(&[]));
        let name = &results.scenario.name;
        let _ = write!(out, "| {name} | {}–{} |", fixed(goodput.low), fixed(goodput.high));
        for (metric, _) in COLUMNS {
            let median = results.median(ours, metric).map_or(f64::NAN, |m| m.median);
            let _ = write!(out, " {} |", number(median));
        }
        out.push('\n');
    }
    out
}

fn fixed(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "-".to_owned() }
}

fn matrix(
    out: &mut String,
    all: &[Results],
    names: &[&str],
    cell: &dyn Fn(&Results, &str) -> String,
) {
    let _ = writeln!(out, "| scenario | {} |", names.join(" | "));
    let _ = writeln!(out, "|---|{}", "--:|".repeat(names.len()));
    for results in all {
        let cells: Vec<String> = names.iter().map(|name| cell(results, name)).collect();
        let _ = writeln!(out, "| {} | {} |", results.scenario.name, cells.join(" | "));
    }
}
