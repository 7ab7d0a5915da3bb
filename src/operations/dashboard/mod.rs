//! Dashboards, written from the same objectives as the alerts.
//!
//! A dashboard is data ([`model`]) that is written as Grafana's JSON
//! ([`json`]) and drawn as a picture (`svgx slo preview`); [`lint`] holds it to
//! the rules of Grafana's own linter, and every series it asks for to what the
//! service emits.

mod controller;
mod json;
pub(crate) mod lint;
pub mod model;
mod overview;
mod requests;
mod shared;
mod staging;

use svgx_controller::spec::Spec;

use super::Artefact;
use super::alert::Alert;
use model::Dashboard;

/// Firing alerts, marked on every panel.
const ALERTS_MARK: &str =
    "max by (alertname, slo, severity) (ALERTS{service=\"svgx-engine\", alertstate=\"firing\"})";
/// A version that was not there two minutes ago.
const DEPLOYMENTS_MARK: &str = "count by (service_version) (target_info{job=~\"$job\", instance=~\"$instance\"}) \
     unless count by (service_version) (target_info{job=~\"$job\", instance=~\"$instance\"} offset 2m)";
const JOB_QUERY: &str = "label_values(target_info{service_name=\"svgx-engine\"}, job)";
const INSTANCE_QUERY: &str =
    "label_values(target_info{service_name=\"svgx-engine\", job=~\"$job\"}, instance)";

/// The matchers that the linter wants on every selector.
const WHO: &str = "job=~\"$job\", instance=~\"$instance\"";

/// All dashboards.
pub fn dashboards(spec: &Spec, alerts: &[Alert]) -> Vec<Dashboard> {
    vec![
        overview::dashboard(spec, alerts),
        requests::dashboard(spec),
        controller::dashboard(spec),
        shared::dashboard(spec),
        staging::dashboard(spec, alerts),
    ]
}

/// Each dashboard as a file, and the exclusions of the linter.
pub(crate) fn artefacts(spec: &Spec, alerts: &[Alert]) -> Vec<Artefact> {
    let all = dashboards(spec, alerts);
    let names: Vec<(&str, &str)> = all.iter().map(|d| (d.uid, d.title)).collect();
    let mut files: Vec<Artefact> = all
        .iter()
        .map(|d| Artefact {
            path: format!("dashboards/{}.json", d.uid),
            text: json::text(d, &names),
        })
        .collect();
    files.push(Artefact { path: "dashboards/.lint".to_owned(), text: lint::exclusions(&all) });
    files
}

/// The bound of an objective that is judged by a value, for a threshold line.
fn bound(spec: &Spec, slo: &str) -> Option<f64> {
    let objective = spec.slo(slo)?.spec.objectives.first()?;
    objective.value.map(|v| v.as_f64())
}
