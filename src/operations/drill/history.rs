//! Days of history, written into Prometheus before it starts, so that rules with windows of days
//! fire in real time as they are.
//!
//! One request a second. Over the long window of one rule the share of errors is just under what
//! the rule lets pass, and before that there was none: a dose that is small against the days decides
//! then, and rules with other windows stay silent.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use svgx_base::duration;
use svgx_controller::spec::Spec;

use crate::alert::{Alert, Condition, alerts};
use crate::chaos::spawn;

/// Seconds between two samples.
const STEP: u64 = 60;
/// The shares of the threshold that make sense: beyond 1 the alert fires before the fault.
const OF: std::ops::Range<f64> = 0.0..1.0;
const PATIENCE: Duration = Duration::from_secs(240);

/// What an experiment says about it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    /// The share of bad requests, as a share of what the rule lets pass.
    pub(super) of: f64,
    /// The last seconds, in which all was well: fast alerts have nothing to say when the drill begins.
    #[serde(default)]
    pub(super) quiet: u64,
}

/// Counters of an objective: name, labels of all and of the good.
struct Counters {
    all: Vec<(String, String)>,
    /// How many of 1 request with a bad share of `b` each series counts.
    count: Vec<fn(f64) -> f64>,
}

fn counters(slo: &str, budget: Option<&str>) -> Option<Counters> {
    let of = |pairs: &[(&str, String)], count: &[fn(f64) -> f64]| Counters {
        all: pairs.iter().map(|(n, l)| ((*n).to_owned(), l.clone())).collect(),
        count: count.to_vec(),
    };
    let good: fn(f64) -> f64 = |bad| 1.0 - bad;
    let bad: fn(f64) -> f64 = |bad| bad;
    let every: fn(f64) -> f64 = |_| 1.0;
    match (slo, slo.strip_prefix("svgx-").and_then(|s| s.strip_suffix("-latency"))) {
        ("svgx-availability", _) => {
            let name = "http_server_request_duration_seconds_count";
            let code = |c| format!("http_response_status_code=\"{c}\"");
            Some(of(&[(name, code(200)), (name, code(500))], &[good, bad]))
        }
        ("svgx-precision-delivered", _) => {
            let tier = |t| format!("svgx_budget_class=\"physics\",svgx_tier=\"{t}\"");
            let name = "svgx_precision_delivered_total";
            Some(of(&[(name, tier("compute")), (name, tier("ui"))], &[good, bad]))
        }
        (_, Some(class)) => {
            let class = format!("svgx_budget_class=\"{class}\"");
            let name = "svgx_operation_duration_seconds";
            let (bucket, count) = (format!("{name}_bucket"), format!("{name}_count"));
            let edge = format!("{class},le=\"{}\"", budget?);
            let all = format!("{class},le=\"+Inf\"");
            let pairs = [(bucket.as_str(), edge), (bucket.as_str(), all), (count.as_str(), class)];
            Some(of(&pairs, &[good, every, every]))
        }
        _ => None,
    }
}

/// The rule of these labels among those of `name`, and every short and long window of its objective.
fn tier<'a>(
    all: &'a [Alert],
    name: &str,
    fits: &dyn Fn(&Alert) -> bool,
) -> Option<(&'a Alert, Vec<u64>)> {
    let rule = all.iter().find(|a| a.name == name && fits(a))?;
    let mut windows: Vec<u64> = all
        .iter()
        .filter(|a| a.slo == rule.slo)
        .filter_map(|a| match a.condition {
            Condition::Burn { long, short, .. } => Some([long, short]),
            _ => None,
        })
        .flatten()
        .collect();
    windows.sort_unstable();
    windows.dedup();
    Some((rule, windows))
}

impl History {
    /// The text for `promtool tsdb create-blocks-from openmetrics`, ending at `now` (seconds of
    /// the epoch).
    fn text(
        &self,
        spec: &Spec,
        name: &str,
        fits: &dyn Fn(&Alert) -> bool,
        now: u64,
    ) -> Result<String, String> {
        if !OF.contains(&self.of) {
            return Err(format!("history: of is 0 to less than 1, seen {}", self.of));
        }
        let all = alerts(spec).map_err(|e| e.to_string())?;
        let (rule, windows) =
            tier(&all, name, fits).ok_or_else(|| format!("{name}: no such rule"))?;
        let Condition::Burn { share, long, short, .. } = &rule.condition else {
            return Err(format!("{name}: history is for rules with a long and a short window"));
        };
        let budget = all.iter().find_map(|a| match &a.condition {
            Condition::Latency { budget, .. } if a.slo == rule.slo => Some(budget.to_string()),
            _ => None,
        });
        let counters = counters(&rule.slo, budget.as_deref())
            .ok_or_else(|| format!("{}: its counters are not known to the history", rule.slo))?;
        let bad = self.of * share.as_f64();
        // Rules with longer windows than this one's have to see what was before.
        let lasts = windows.iter().rev().take(2).sum::<u64>().max(long + short) + 3_600;
        let first = now.saturating_sub(lasts);
        let moments = || (0..=lasts / STEP).map(move |n| (n * STEP, first + n * STEP));
        let (from, until) = (now.saturating_sub(long + self.quiet), now.saturating_sub(self.quiet));
        // Bad ones of one request a second from one moment to another.
        let bad_in = |a: u64, b: u64| bad * b.min(until).saturating_sub(a.max(from)) as f64;
        let mut out = String::new();
        for ((series, labels), count) in counters.all.iter().zip(&counters.count) {
            for (since, at) in moments() {
                let whole = since as f64;
                let value = whole * count(if since > 0 { bad_in(first, at) / whole } else { 0.0 });
                let _ = writeln!(
                    out,
                    "{series}{{job=\"svgx-engine\",instance=\"before\",{labels}}} {value:.4} {at}"
                );
            }
        }
        for window in windows {
            let w = duration::exact(window);
            for (since, at) in moments() {
                let seen = window.min(since).max(1);
                let bad = bad_in(at - seen.min(at), at) / seen as f64;
                let _ = writeln!(
                    out,
                    "slo:sli_error:ratio_rate{w}{{service=\"svgx-engine\",slo=\"{}\",window=\"{w}\"}} {bad:.6} {at}",
                    rule.slo
                );
            }
        }
        out.push_str("# EOF\n");
        Ok(out)
    }

    /// Writes blocks into the folder of Prometheus' data.
    pub(crate) fn write(
        &self,
        spec: &Spec,
        name: &str,
        fits: &dyn Fn(&Alert) -> bool,
        now: u64,
        data: &Path,
    ) -> Result<(), String> {
        let text = self.text(spec, name, fits, now)?;
        let failed = |e: std::io::Error| format!("{}: {e}", data.display());
        std::fs::create_dir_all(data).map_err(failed)?;
        let file = data.with_extension("history");
        std::fs::write(&file, text).map_err(failed)?;
        let mut promtool = Command::new("promtool");
        promtool
            .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
            .arg(&file)
            .arg(data);
        let ended = spawn::run(&mut promtool, PATIENCE).map_err(|e| format!("promtool: {e}"))?;
        let _ = std::fs::remove_file(&file);
        if ended.well() { Ok(()) } else { Err(format!("promtool: {}", ended.last_words())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_has_the_counters_of_the_objective_and_the_series_of_the_rules() {
        let spec = Spec::embedded().unwrap_or_else(|e| panic!("{e}"));
        let now = 1_800_000_000;
        for (name, long, wanted) in [
            (
                "ErrorBudgetBurn",
                "3d",
                vec!["status_code=\"500\"} ", "ratio_rate6h{", "ratio_rate5m{"],
            ),
            ("PrecisionBudgetBurn", "1d", vec!["svgx_tier=\"ui\"} ", "ratio_rate2h{"]),
            ("LatencyBudgetBurn", "6h", vec!["le=\"+Inf\"} ", "_count{", "ratio_rate30m{"]),
        ] {
            let fits = |a: &Alert| a.labels().get("long").is_some_and(|l| l == long);
            let history = History { of: 0.99, quiet: 120 };
            let text = history.text(&spec, name, &fits, now).unwrap_or_else(|e| panic!("{e}"));
            assert!(text.ends_with("# EOF\n"));
            for part in wanted {
                assert!(text.contains(part), "{name}: {part}");
            }
            let last =
                text.lines().rev().nth(1).and_then(|l| l.rsplit_once(' ')?.1.parse::<u64>().ok());
            assert!(last.is_some_and(|l| l <= now && l + STEP > now), "{last:?}");
            // Over each window of the objective it is below what its rule lets pass.
            for rule in alerts(&spec).unwrap_or_default().iter().filter(|a| a.name == name) {
                let Condition::Burn { share, long, .. } = &rule.condition else { continue };
                let series = format!("ratio_rate{}{{", duration::exact(*long));
                let line = text.lines().rfind(|l| l.contains(&series));
                let value = line.and_then(|l| l.rsplit(' ').nth(1)?.parse::<f64>().ok());
                assert!(value.is_none_or(|v| v < share.as_f64()), "{name}: {line:?}");
            }
        }
        let fits = |_: &Alert| true;
        for (of, name) in [(1.0, "ErrorBudgetBurn"), (0.5, "ServiceDown"), (0.5, "NoSuchAlert")] {
            assert!(History { of, quiet: 0 }.text(&spec, name, &fits, now).is_err(), "{of} {name}");
        }
    }
}
