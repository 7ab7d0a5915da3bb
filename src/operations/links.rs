//! Where an alert leads: its runbook, its dashboard. Rules, runbooks and
//! dashboards all point at each other through here.

use svgx_controller::spec::Spec;

use super::alert::{Alert, Condition};

/// The overview of the objectives.
pub(crate) const OVERVIEW: &str = "svgx-slo";
/// Requests and what they cost the machine.
pub(crate) const REQUESTS: &str = "svgx-requests";
/// What the controller sees and does.
pub(crate) const CONTROLLER: &str = "svgx-controller";
/// What replicas and workers share.
pub(crate) const SHARED: &str = "svgx-shared";

/// What the staging guide tells operators to open.
pub(crate) const STAGING: &str = "svgx-staging";

/// Where `what` (runbooks, dashboards) is found, by the data source's document.
pub(crate) fn home<'s>(spec: &'s Spec, what: &str) -> &'s str {
    let details = spec.data_sources.first().map(|d| &d.spec.connection_details);
    details.and_then(|d| d.get(what)).map_or("", |url| url.trim_end_matches('/'))
}

/// The dashboard on which an alert is looked at.
pub(crate) fn dashboard(alert: &Alert) -> &'static str {
    match (&alert.condition, alert.slo.as_str()) {
        (Condition::Burn { .. }, _) => OVERVIEW,
        (Condition::Latency { .. }, _) => CONTROLLER,
        (_, "svgx-shedding" | "svgx-backstop" | "svgx-cost-model" | "svgx-precision-delivered") => {
            CONTROLLER
        }
        (
            _,
            "svgx-shared-store"
            | "svgx-shared-store-settings"
            | "svgx-session-leases"
            | "svgx-jobs-backlog"
            | "svgx-jobs-dead",
        ) => SHARED,
        _ => REQUESTS,
    }
}

/// The address of an alert's runbook.
pub(crate) fn runbook(spec: &Spec, alert: &str) -> String {
    format!("{}/{alert}.md", home(spec, "runbooks"))
}
