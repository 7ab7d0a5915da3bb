//! Which series exist: those the service declares, those the rules record, and
//! those Prometheus makes itself. An expression that asks for anything else is
//! a panel that stays empty, or an alert that never fires.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::MatchOp;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use svgx_base::budget::{Class, Tier};
use svgx_controller::Reason;
use svgx_telemetry::catalogue::{self, Kind};
use svgx_telemetry::{HandOver, Outcome};

use super::alert::Alert;
use super::rules;

/// Labels by the name of the series.
#[derive(Debug)]
pub(crate) struct KnownSeries(BTreeMap<String, BTreeSet<String>>);

impl KnownSeries {
    /// What is emitted, recorded from `alerts`, or Prometheus' own.
    pub(crate) fn new(alerts: &[Alert]) -> KnownSeries {
        let mut all = BTreeMap::new();
        for metric in catalogue::ALL {
            let name = catalogue::prometheus_name(metric);
            let labels: BTreeSet<String> = metric
                .attributes
                .iter()
                .map(|a| a.replace('.', "_"))
                .chain(["job", "instance"].map(str::to_owned))
                .collect();
            if !matches!(metric.kind, Kind::Counter | Kind::UpDownCounter | Kind::Gauge) {
                let mut edges = labels.clone();
                edges.insert("le".to_owned());
                all.insert(format!("{name}_bucket"), edges);
                all.insert(format!("{name}_sum"), labels.clone());
                all.insert(format!("{name}_count"), labels);
            } else {
                all.insert(name, labels);
            }
        }
        for name in rules::recorded(alerts) {
            let mut labels = vec!["service", "slo"];
            if name.starts_with("slo:sli_") {
                labels.push("window");
            }
            all.insert(name, owned(&labels));
        }
        all.insert("up".to_owned(), owned(&["job", "instance"]));
        all.insert(
            "ALERTS".to_owned(),
            owned(&["alertname", "alertstate", "severity", "service", "slo", "long", "short"]),
        );
        all.insert(
            "target_info".to_owned(),
            owned(&["job", "instance", "service_name", "service_version", "service_instance_id"]),
        );
        KnownSeries(all)
    }

    /// What `expr` asks for that does not exist. `shown` is text in which
    /// `{{label}}` stands for a label of the result.
    pub(crate) fn missing(&self, expr: &str, shown: &str) -> Vec<String> {
        let ast = match parser::parse(expr) {
            Ok(ast) => ast,
            Err(error) => return vec![format!("no PromQL: {error}")],
        };
        let mut visit = Visit { emitted: self, seen: BTreeSet::new(), missing: Vec::new() };
        let Ok(_) = walk_expr(&mut visit, &ast);
        for label in placeholders(shown) {
            if !visit.seen.contains(label) {
                visit.missing.push(format!("no series of it has the label {label} of its legend"));
            }
        }
        visit.missing
    }
}

fn owned(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

/// The labels that a legend names.
pub(crate) fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0.trim()))
}

/// Every value of a label whose values are known.
fn values(label: &str) -> Option<Vec<&'static str>> {
    Some(match label {
        "svgx_budget_class" => {
            [Class::Ui, Class::Redraw, Class::Physics, Class::Batch].map(Class::as_str).to_vec()
        }
        "svgx_tier" => Tier::ALL.map(Tier::as_str).to_vec(),
        "svgx_slo_outcome" => Outcome::ALL.map(Outcome::as_str).to_vec(),
        "svgx_slo_reason" => Reason::ALL.iter().map(|r| r.as_str()).collect(),
        "svgx_cache_result" => vec!["hit", "miss"],
        "svgx_stream_transport" => vec!["websocket", "events"],
        "svgx_stream_reason" => {
            vec!["new", "gap", "unknown", "slow", "loaded", "store", "untold", "asked"]
        }
        "svgx_store_kind" => vec!["own", "shared"],
        "svgx_handover_reason" => HandOver::ALL.map(HandOver::as_str).to_vec(),
        "svgx_job_state" => vec!["waiting", "running"],
        "svgx_worker_kind" => vec!["dedicated", "helping"],
        "svgx_try_end" => {
            vec!["answered", "late", "unwanted", "failed", "returned", "untold"]
        }
        "svgx_forward_outcome" => {
            vec!["answered", "not-there", "gone", "unreachable", "interrupted"]
        }
        "alertstate" => vec!["pending", "firing"],
        _ => return None,
    })
}

struct Visit<'e> {
    emitted: &'e KnownSeries,
    seen: BTreeSet<String>,
    missing: Vec<String>,
}

impl Visit<'_> {
    fn selector(&mut self, selector: &VectorSelector) {
        let name = selector.name.clone().unwrap_or_default();
        let Some(labels) = self.emitted.0.get(&name) else {
            self.missing.push(format!("{name} is neither emitted nor recorded"));
            return;
        };
        for matcher in &selector.matchers.matchers {
            if !labels.contains(&matcher.name) {
                self.missing.push(format!("{name} has no label {}", matcher.name));
            }
            let known = values(&matcher.name);
            if matcher.op == MatchOp::Equal
                && known.is_some_and(|k| !k.contains(&matcher.value.as_str()))
            {
                self.missing.push(format!("{} is never {:?}", matcher.name, matcher.value));
            }
        }
        self.seen.extend(labels.iter().cloned());
    }

    /// The labels by which `expr` is grouped must be of something inside it.
    fn grouped(&mut self, modifier: &LabelModifier, expr: &Expr) {
        let mut inside =
            Visit { emitted: self.emitted, seen: BTreeSet::new(), missing: Vec::new() };
        let Ok(_) = walk_expr(&mut inside, expr);
        for label in &modifier.labels().labels {
            if !inside.seen.contains(label) {
                self.missing.push(format!("nothing below has the label {label} it is grouped by"));
            }
        }
    }
}

impl ExprVisitor for Visit<'_> {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        match expr {
            Expr::VectorSelector(v) => self.selector(v),
            Expr::MatrixSelector(m) => self.selector(&m.vs),
            Expr::Aggregate(a) => {
                if let Some(modifier) = &a.modifier {
                    self.grouped(modifier, &a.expr);
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::alerts;
    use crate::rules::expression;
    use svgx_controller::spec::Spec;

    #[test]
    fn what_is_asked_for_and_never_emitted_is_named() {
        let emitted = KnownSeries::new(&[]);
        for (expr, legend, missing) in [
            ("up{job=\"x\"}", "{{instance}}", 0),
            ("sum by (le) (rate(svgx_queue_wait_seconds_bucket[5m]))", "", 0),
            ("svgx_queue_wait_seconds", "", 1),
            ("svgx_precision_delivered_total{svgx_tier=\"edit\"}", "", 0),
            ("svgx_precision_delivered_total{svgx_tier=\"coarse\"}", "", 1),
            ("sum by (http_route) (up)", "", 1),
            ("up", "{{http_route}}", 1),
            ("slo:objective:ratio{slo=\"a\"}", "{{slo}}", 0),
            ("slo:objective:ratio{job=\"a\"}", "", 1),
            ("sum(", "", 1),
        ] {
            assert_eq!(emitted.missing(expr, legend).len(), missing, "{expr}");
        }
    }

    #[test]
    fn every_alert_asks_for_series_that_exist() {
        let spec = Spec::embedded().unwrap_or_else(|e| panic!("{e}"));
        let alerts = alerts(&spec).unwrap_or_else(|e| panic!("{e}"));
        let emitted = KnownSeries::new(&alerts);
        for alert in &alerts {
            let expr = expression(&spec, alert).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(emitted.missing(&expr, ""), Vec::<String>::new(), "{}", alert.name);
        }
    }
}
