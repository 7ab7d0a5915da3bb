//! Whether anybody would notice: metrics are scraped, alerts are loaded, dashboards are there,
//! traces arrive, log lines lead to them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::{Check, Run, status, unanswered};
use crate::http::Client;
use svgx_base::budget::{Clock as _, Monotonic};

/// How long traces and logs may be on their way.
const PATIENCE: Duration = Duration::from_secs(15);

/// Everything that watches the service.
pub(super) async fn checks(run: &Run<'_>) -> Vec<Check> {
    let mut checks = vec![scraped(run).await, alerts(run).await, dashboards(run).await];
    checks.extend(correlated(run).await);
    checks
}

/// Asks a neighbour of the service for JSON.
async fn ask(check: &mut Check, url: &str, path: &str) -> Option<Value> {
    let reply = match Client::new(url, None, None) {
        Ok(client) => client.get(path, &[]).await,
        Err(error) => Err(error),
    };
    match reply {
        Ok(reply) => {
            status(check, &reply, 200);
            (reply.status == 200).then(|| reply.json())
        }
        Err(error) => {
            unanswered(check, &error);
            None
        }
    }
}

async fn scraped(run: &Run<'_>) -> Check {
    let mut check = Check::new("scraped", "Prometheus scrapes every replica");
    let Some(url) = &run.options.prometheus else {
        return check.skipped("no --prometheus was given");
    };
    let path = "api/v1/query?query=up%7Bjob%3D%22svgx-engine%22%7D";
    if let Some(answer) = ask(&mut check, url, path).await {
        let series = answer["data"]["result"].as_array().map_or(&[][..], Vec::as_slice);
        let up = series.iter().filter(|s| s["value"][1] == "1").count();
        check.at_least("replicas", up as f64, "", 1.0);
        check.expect(up == series.len(), || format!("{up} of {} scrapes succeed", series.len()));
    }
    check
}

async fn alerts(run: &Run<'_>) -> Check {
    let mut check = Check::new("alerts", "Every alert of the objectives is loaded and evaluates");
    let Some(url) = &run.options.prometheus else {
        return check.skipped("no --prometheus was given");
    };
    let expected: BTreeSet<String> = match crate::alert::alerts(run.spec) {
        Ok(alerts) => alerts.into_iter().map(|a| a.name).collect(),
        Err(error) => {
            check.fail(error.to_string());
            return check;
        }
    };
    if let Some(answer) = ask(&mut check, url, "api/v1/rules").await {
        let groups = answer["data"]["groups"].as_array().into_iter().flatten();
        let rules: Vec<&Value> =
            groups.flat_map(|g| g["rules"].as_array().into_iter().flatten()).collect();
        let loaded: BTreeSet<&str> = rules
            .iter()
            .filter(|r| r["type"] == "alerting")
            .filter_map(|r| r["name"].as_str())
            .collect();
        check.note("rules", rules.len() as f64, "");
        for name in expected.iter().filter(|n| !loaded.contains(n.as_str())) {
            check.fail(format!("{name} is not loaded"));
        }
        for rule in rules.iter().filter(|r| r["health"] == "err") {
            check.fail(format!("{} does not evaluate: {}", rule["name"], rule["lastError"]));
        }
    }
    check
}

async fn dashboards(run: &Run<'_>) -> Check {
    let mut check = Check::new("dashboards", "Every dashboard is provisioned");
    let Some(url) = &run.options.grafana else {
        return check.skipped("no --grafana was given");
    };
    if let Some(answer) = ask(&mut check, url, "api/search?type=dash-db&limit=5000").await {
        let there: BTreeSet<&str> =
            answer.as_array().into_iter().flatten().filter_map(|d| d["uid"].as_str()).collect();
        check.at_least("dashboards", there.len() as f64, "", 1.0);
        for uid in run.options.dashboards.iter().filter(|u| !there.contains(u.as_str())) {
            check.fail(format!("{uid} is not there"));
        }
    }
    check
}

/// Requests of this run are found among the traces, and in the log.
async fn correlated(run: &Run<'_>) -> [Check; 2] {
    let mut traces = Check::new("traces", "Traces of requests arrive");
    let mut logs = Check::new("logs", "Log lines lead to their traces");
    let prefix = run.trace.get(..16).unwrap_or_default();
    if let Some(path) = &run.options.traces {
        let found = patient(|| in_file(path, prefix)).await;
        traces.at_least("found", found.unwrap_or(0) as f64, " lines", 1.0);
    } else {
        traces = traces.skipped("no --traces was given");
    }
    if let Some(path) = &run.options.logs {
        let found = patient(|| in_log(path, prefix)).await;
        logs.at_least("found", found.unwrap_or(0) as f64, " lines", 1.0);
    } else {
        logs = logs.skipped("no --logs was given");
    }
    [traces, logs]
}

/// Looks until something is found, or patience is at its end.
async fn patient(look: impl Fn() -> Option<usize>) -> Option<usize> {
    let clock = Monotonic::new();
    loop {
        let found = look();
        if found.is_some() || clock.now().0 > PATIENCE.as_nanos() as u64 {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

fn lines(path: &Path, holds: impl Fn(&str) -> bool) -> Option<usize> {
    let bytes = std::fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let found = text.lines().filter(|line| holds(line)).count();
    (found > 0).then_some(found)
}

fn in_file(path: &Path, prefix: &str) -> Option<usize> {
    let trace = format!("\"traceId\":\"{prefix}");
    lines(path, |line| line.contains(&trace))
}

/// A line that says whose request it was, and how it went.
fn in_log(path: &Path, prefix: &str) -> Option<usize> {
    lines(path, |line| {
        let Ok(entry) = serde_json::from_str::<Value>(line) else { return false };
        let traced = entry["trace_id"].as_str().is_some_and(|t| t.starts_with(prefix));
        let how = &entry["http.response.status_code"];
        traced && how.is_number() && entry["http.request.method"].is_string()
    })
}
