//! The OpenSLO v1 documents we use, field by field. A field we do not know is
//! an error at its line, never ignored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use super::decimal::Decimal;

/// Annotations: our profile of OpenSLO lives here, under `svgx.dev/`.
pub type Annotations = BTreeMap<String, Spanned<String>>;

/// Name and annotations of a document.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The name other documents refer to.
    pub name: String,
    /// A name for people.
    #[serde(default)]
    pub display_name: String,
    /// Labels, not used by the engine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `svgx.dev/*` keys.
    #[serde(default)]
    pub annotations: Annotations,
}

impl Metadata {
    /// The value of `svgx.dev/<key>`.
    pub fn annotation(&self, key: &str) -> Option<&Spanned<String>> {
        self.annotations.get(&format!("svgx.dev/{key}"))
    }

    /// The text of `svgx.dev/<key>`.
    pub fn annotation_text(&self, key: &str) -> Option<&str> {
        self.annotation(key).map(|value| value.value.as_str())
    }
}

/// One document: where it stands, its metadata, and its body.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document<T> {
    /// Always `openslo/v1`.
    pub api_version: String,
    /// The kind of document.
    pub kind: String,
    /// Name and annotations.
    pub metadata: Metadata,
    /// The body.
    pub spec: T,
    /// The file it was read from.
    #[serde(skip)]
    pub file: String,
}

/// What the objectives are about.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// In one sentence.
    #[serde(default)]
    pub description: String,
}

/// Where indicators are read.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataSourceSpec {
    /// In one sentence.
    #[serde(default)]
    pub description: String,
    /// `Prometheus`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How to reach it.
    #[serde(default)]
    pub connection_details: BTreeMap<String, String>,
}

/// An objective.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SloSpec {
    /// In one sentence.
    #[serde(default)]
    pub description: String,
    /// The service it is about.
    pub service: Spanned<String>,
    /// What is measured.
    pub indicator: Indicator,
    /// Over how long.
    pub time_window: Vec<TimeWindow>,
    /// `Occurrences`.
    pub budgeting_method: Spanned<String>,
    /// What is promised.
    pub objectives: Vec<Objective>,
    /// Who is told when it breaks.
    #[serde(default)]
    pub alert_policies: Vec<PolicyRef>,
}

/// What is measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// Its name.
    pub metadata: Metadata,
    /// A ratio of good (or bad) to all, or a value with a threshold.
    pub spec: IndicatorSpec,
}

/// Exactly one of the two forms.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IndicatorSpec {
    /// Good or bad events among all events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_metric: Option<RatioMetric>,
    /// A value that is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_metric: Option<Metric>,
}

/// Good or bad events among all events.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RatioMetric {
    /// Whether the sources are counters.
    #[serde(default)]
    pub counter: bool,
    /// Events inside the objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Metric>,
    /// Events outside the objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad: Option<Metric>,
    /// All events.
    pub total: Metric,
}

/// One query.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    /// Where it is asked.
    pub metric_source: MetricSource,
}

/// Where a query is asked, and the query.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricSource {
    /// The [`DataSourceSpec`] document by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric_source_ref: Option<Spanned<String>>,
    /// `Prometheus`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The query.
    pub spec: QuerySpec,
}

/// A PromQL query; `{{.window}}` stands for the window of the rule made from it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySpec {
    /// The text.
    pub query: String,
}

/// Over how long an objective is judged.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeWindow {
    /// OpenSLO shorthand: `30d`.
    pub duration: Spanned<String>,
    /// Rolling, not by the calendar.
    #[serde(default)]
    pub is_rolling: bool,
}

/// What is promised.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Objective {
    /// A name for people.
    #[serde(default)]
    pub display_name: String,
    /// `lte`, `lt`, `gte`, `gt`: with a threshold metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// The threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Decimal>,
    /// The share of good events, between 0 and 1.
    pub target: Spanned<Decimal>,
}

/// A policy by name.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyRef {
    /// Its name.
    pub alert_policy_ref: Spanned<String>,
}

/// When someone is told, and who.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlertPolicySpec {
    /// In one sentence.
    #[serde(default)]
    pub description: String,
    /// Tell when it breaks.
    #[serde(default)]
    pub alert_when_breaching: bool,
    /// Tell when it is over.
    #[serde(default)]
    pub alert_when_resolved: bool,
    /// Tell when nothing is measured.
    #[serde(default)]
    pub alert_when_no_data: bool,
    /// Exactly one, says OpenSLO v1.
    pub conditions: Vec<ConditionRef>,
    /// Who is told.
    pub notification_targets: Vec<TargetRef>,
}

/// A condition by name.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConditionRef {
    /// Its name.
    pub condition_ref: Spanned<String>,
}

/// A notification target by name.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetRef {
    /// Its name.
    pub target_ref: Spanned<String>,
}

/// When an alert fires.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AlertConditionSpec {
    /// In one sentence.
    #[serde(default)]
    pub description: String,
    /// `critical` or `warning`.
    pub severity: String,
    /// The burn rate condition.
    pub condition: Burn,
}

/// A burn rate over a window.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Burn {
    /// Always `burnrate` in v1.
    pub kind: Spanned<String>,
    /// `gt`, `gte`, `lt`, `lte`.
    pub op: String,
    /// Multiples of the rate that spends the budget exactly.
    pub threshold: Spanned<Decimal>,
    /// The window it is measured over.
    pub lookback_window: Spanned<String>,
    /// How long it must hold.
    pub alert_after: Spanned<String>,
}

/// Who is told.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// In one sentence.
    #[serde(default)]
    pub description: String,
    /// The receiver.
    pub target: String,
}

/// Reads an OpenSLO duration shorthand (`2m`, `30d`; also `30s`, `200ms` and `60us`
/// in our annotations) as nanoseconds.
pub fn nanoseconds(text: &str) -> Option<u64> {
    // Neither OpenSLO nor Prometheus knows fractions.
    let read = svgx_base::duration::read(text).ok().filter(|_| !text.contains('.'))?;
    u64::try_from(read.as_nanos()).ok()
}
