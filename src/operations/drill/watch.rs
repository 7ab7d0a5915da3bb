//! What Prometheus and the receiver of notifications know.

use std::collections::BTreeMap;
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

/// Looks at the alerts, and remembers which fired.
#[derive(Debug)]
pub(crate) struct Watch {
    prometheus: String,
    notifications: PathBuf,
    /// What fired since the beginning, each with its severity.
    pub(crate) fired: BTreeMap<String, String>,
}

impl Watch {
    pub(crate) fn new(stack: &Stack, prometheus: String) -> Watch {
        let notifications = stack.path("notifications.jsonl");
        Watch { prometheus, notifications, fired: BTreeMap::new() }
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

    /// Whether the receiver was told that an alert of these labels fires.
    pub(crate) fn told(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
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
