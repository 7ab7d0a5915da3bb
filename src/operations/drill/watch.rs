//! What Prometheus and the receiver of notifications know.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::http;
use crate::stack::{Part, Stack};

const PATIENCE: Duration = Duration::from_secs(10);

/// An alert as Prometheus has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Active {
    pub(crate) name: String,
    pub(crate) firing: bool,
    pub(crate) labels: BTreeMap<String, String>,
}

/// The labels of an alert that is muted, and the name of the one that mutes it.
type Muted = (BTreeMap<String, String>, String);

/// Those of Alertmanager's alerts that are muted by another.
fn muted_of(all: &[Value]) -> Vec<Muted> {
    let name = |a: &Value| a.pointer("/labels/alertname")?.as_str().map(str::to_owned);
    let by = |a: &Value| {
        let print = a.pointer("/status/inhibitedBy/0")?.as_str()?;
        all.iter().find(|other| other["fingerprint"] == print).and_then(name)
    };
    let labels = |a: &Value| serde_json::from_value(a.get("labels")?.clone()).ok();
    all.iter().filter_map(|a| Some((labels(a)?, by(a)?))).collect()
}

/// Looks at the alerts, and remembers which fired.
#[derive(Debug)]
pub(crate) struct Watch {
    prometheus: String,
    alertmanager: String,
    notifications: PathBuf,
    /// What fired since the beginning, each with its severity.
    pub(crate) fired: BTreeMap<String, String>,
    /// What of it was muted, each with the alert that muted it.
    pub(crate) suppressed: BTreeMap<String, String>,
}

impl Watch {
    pub(crate) fn new(stack: &Stack, prometheus: String, alertmanager: String) -> Watch {
        let notifications = stack.path("notifications.jsonl");
        let (fired, suppressed) = (BTreeMap::new(), BTreeMap::new());
        Watch { prometheus, alertmanager, notifications, fired, suppressed }
    }

    /// The series of a query, now.
    pub(crate) fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let mut url = reqwest::Url::parse(&format!("http://{}/api/v1/query", self.prometheus))
            .map_err(|e| e.to_string())?;
        url.query_pairs_mut().append_pair("query", query);
        let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        let reply = http::get(&self.prometheus, &path, PATIENCE).map_err(|e| e.to_string())?;
        let said = reply.json();
        match said.pointer("/data/result").and_then(Value::as_array) {
            Some(all) => Ok(all.clone()),
            None => Err(format!("{query}: {}", reply.excerpt())),
        }
    }

    /// The first value of a query.
    pub(crate) fn value(&self, query: &str) -> Option<f64> {
        let series = self.query(query).ok()?;
        series.first()?.pointer("/value/1")?.as_str()?.parse().ok()
    }

    /// The alerts that are pending or fire.
    pub(crate) fn alerts(&mut self) -> Result<Vec<Active>, String> {
        let mut all = Vec::new();
        for series in self.query("ALERTS")? {
            let metric = series.get("metric").and_then(Value::as_object);
            let labels: BTreeMap<String, String> = metric
                .into_iter()
                .flatten()
                .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
                .collect();
            let name = labels.get("alertname").cloned().unwrap_or_default();
            let firing = labels.get("alertstate").is_some_and(|s| s == "firing");
            if firing {
                let severity = labels.get("severity").cloned().unwrap_or_default();
                self.fired.insert(name.clone(), severity);
            }
            all.push(Active { name, firing, labels });
        }
        Ok(all)
    }

    /// What Alertmanager has muted, each with the alert that muted it.
    fn muted(&self) -> Vec<Muted> {
        let reply = http::get(&self.alertmanager, "/api/v2/alerts", PATIENCE);
        let all = reply.ok().and_then(|r| r.json().as_array().cloned());
        muted_of(&all.unwrap_or_default())
    }

    /// Whether the receiver was told that an alert of these labels fires, or of one of those that
    /// may mute it and does.
    pub(crate) fn told_of(
        &mut self,
        name: &str,
        labels: &BTreeMap<String, String>,
        muted_by: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        let muted = self.muted();
        let named = |l: &BTreeMap<String, String>| {
            let of = |key: &str| l.get(key).cloned().unwrap_or_default();
            format!("{} {}", of("alertname"), of("long")).trim_end().to_owned()
        };
        self.suppressed.extend(muted.iter().map(|(of, by)| (named(of), by.clone())));
        if self.told(name, labels) {
            return Ok(());
        }
        let ours = |of: &BTreeMap<String, String>| {
            of.get("alertname").is_some_and(|n| n == name)
                && labels.iter().all(|(k, v)| of.get(k) == Some(v))
        };
        match muted.iter().find(|(of, _)| ours(of)) {
            Some((_, by)) if muted_by.contains_key(by) && self.told(by, &BTreeMap::new()) => Ok(()),
            Some((_, by)) => Err(format!("it is muted by {by}")),
            None => {
                let known: BTreeSet<String> = self.notified().into_iter().map(|(n, _)| n).collect();
                Err(format!("the receiver knows of {known:?}"))
            }
        }
    }

    /// Whether the receiver was told that an alert of these labels fires.
    fn told(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        self.notified().iter().any(|(told, of)| {
            told == name && labels.iter().all(|(k, v)| of.get(k).and_then(Value::as_str) == Some(v))
        })
    }

    /// The names and labels of what the receiver was told fires.
    pub(crate) fn notified(&self) -> Vec<(String, Value)> {
        let text = std::fs::read_to_string(&self.notifications).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let alerts = lines.flat_map(|told| {
            told.get("alerts").and_then(Value::as_array).cloned().unwrap_or_default()
        });
        let firing = alerts.filter(|a| a.get("status").and_then(Value::as_str) == Some("firing"));
        let named = firing.filter_map(|a| {
            let labels = a.get("labels")?.clone();
            Some((labels.get("alertname")?.as_str()?.to_owned(), labels))
        });
        named.collect()
    }

    /// Takes those among what fired that were told and never seen to fire.
    pub(crate) fn and_told(&mut self) {
        for (name, labels) in self.notified() {
            let severity = labels.get("severity").and_then(Value::as_str).unwrap_or_default();
            self.fired.entry(name).or_insert_with(|| severity.to_owned());
        }
    }

    /// What is not as it is when all is well; alerts that `passes` are let pass.
    pub(crate) fn unwell(
        &mut self,
        stack: &Stack,
        passes: &dyn Fn(&Active) -> bool,
    ) -> Result<(), String> {
        for status in stack.status().map_err(|e| e.to_string())? {
            if !status.ready && (status.part != Part::Collector || status.pid.is_some()) {
                return Err(format!("{} is not ready", status.part));
            }
        }
        match self.value("min(up{job=\"svgx-engine\"})") {
            Some(1.0) => {}
            seen => return Err(format!("the engine is not scraped: up is {seen:?}")),
        }
        // The recording rules have been evaluated, and so have the alerts beside them.
        if self.value("count(slo:objective:ratio)").is_none() {
            return Err("the rules have not been evaluated yet".to_owned());
        }
        match self.alerts()?.iter().find(|a| !passes(a)) {
            Some(alert) => {
                let state = if alert.firing { "fires" } else { "is pending" };
                Err(format!("{} {state}: {:?}", alert.name, alert.labels))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_muted_is_known_by_whom() {
        let alert = |name: &str, print: &str, by: &[&str]| json!({"labels": {"alertname": name}, "fingerprint": print, "status": {"inhibitedBy": by}});
        let all = [
            alert("HighErrorRate", "a", &[]),
            alert("ErrorBudgetBurn", "b", &["a"]),
            alert("SlowRedraw", "c", &["gone"]),
            json!({"labels": 1}),
        ];
        let muted = muted_of(&all);
        assert_eq!(muted.len(), 1);
        assert_eq!(
            (muted[0].0["alertname"].as_str(), muted[0].1.as_str()),
            ("ErrorBudgetBurn", "HighErrorRate")
        );
        assert!(muted_of(&[]).is_empty());
    }
}
