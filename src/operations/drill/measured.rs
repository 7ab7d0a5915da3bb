//! What is looked up when a drill is over: requests, budgets, versions.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::watch::Watch;
use crate::chaos::spawn;

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(60);

/// A tenth of what is measured is exact enough.
pub(super) fn tenth(v: f64) -> f64 {
    (v * 10.0).round() / 10.0
}

/// Requests of the last seconds, of these labels.
pub(super) fn requests(watch: &Watch, lasted: f64, of: &str) -> f64 {
    let query = format!(
        "sum(increase(http_server_request_duration_seconds_count{{job=\"svgx-engine\",instance!=\"before\"{of}}}[{lasted}s]))"
    );
    tenth(watch.value(&query).unwrap_or_default())
}

/// What was spent of each objective's budget: the share of bad events over the share that is
/// allowed, times the seconds over those of the period.
pub(super) fn spent(watch: &Watch, lasted: f64) -> BTreeMap<String, f64> {
    let sum = |of: &str| format!("sum by (slo) (sum_over_time(slo:sli_{of}:rate5m[{lasted}s]))");
    let query = format!(
        "{} / {} / on (slo) slo:error_budget:ratio / on (slo) slo:time_period:days * {} > 0",
        sum("bad"),
        sum("total"),
        lasted / 86_400.0
    );
    let series = watch.query(&query).unwrap_or_default();
    let one = |s: &Value| {
        let slo = s.pointer("/metric/slo")?.as_str()?.to_owned();
        let share: f64 = s.pointer("/value/1")?.as_str()?.parse().ok()?;
        share.is_finite().then(|| (slo, (share * 1e6).round() / 1e6))
    };
    series.iter().filter_map(one).collect()
}

/// The programs that took part; the engine's where it is another than this one.
pub(super) fn versions(engine: Option<&str>) -> BTreeMap<String, String> {
    let uname = rustix::system::uname();
    let mut all = BTreeMap::from([
        ("svgx".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("kernel".to_owned(), uname.release().to_string_lossy().into_owned()),
    ]);
    if let Some(engine) = engine
        && let Ok(said) = spawn::run(Command::new(engine).arg("--version"), PATIENCE)
    {
        all.insert("engine".to_owned(), said.stdout.trim().trim_start_matches("svgx ").to_owned());
    }
    for name in ["prometheus", "prometheus-alertmanager"] {
        let said = spawn::run(Command::new(name).arg("--version"), PATIENCE);
        let text = said.map(|s| format!("{}{}", s.stdout, s.stderr)).unwrap_or_default();
        if let Some((_, rest)) = text.split_once("version ") {
            let version = rest.split_whitespace().next().unwrap_or_default();
            all.insert(name.to_owned(), version.trim_end_matches(',').to_owned());
        }
    }
    all
}
