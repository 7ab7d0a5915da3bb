//! The rules of Grafana's dashboard-linter that apply to Prometheus, on the JSON
//! as Grafana reads it, and what it does not ask: that every series exists.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use promql_parser::parser::{self, Call, Expr};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;

use super::model::{Dashboard, View};
use crate::known_series::KnownSeries;
use crate::promql::selectors;
use crate::{NOTICE, yaml::quoted};

/// What a variable of Grafana's stands for while an expression is parsed. The
/// interval is a duration nobody would write.
const VARIABLES: [(&str, &str); 5] = [
    ("$__rate_interval", INTERVAL),
    ("$__range", "1h"),
    ("$job", "$job"),
    ("$instance", "$instance"),
    ("$slo", "$slo"),
];
const INTERVAL: &str = "12345s";

/// A broken rule: which, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The name of the rule.
    pub(crate) rule: &'static str,
    /// The panel or variable; empty: the dashboard.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) message: String,
}

/// An expression with its variables replaced, ready to be parsed.
pub(crate) fn expanded(expr: &str) -> String {
    VARIABLES.iter().fold(expr.to_owned(), |e, (name, value)| e.replace(name, value))
}

/// What breaks a rule in `text`, a dashboard's JSON.
pub(crate) fn lint(text: &str, emitted: &KnownSeries) -> Vec<Finding> {
    let mut lint = Lint { findings: Vec::new(), emitted };
    match serde_json::from_str(text) {
        Ok(dashboard) => lint.dashboard(&dashboard),
        Err(error) => lint.add("json", "", error.to_string()),
    }
    lint.findings
}

struct Lint<'e> {
    findings: Vec<Finding>,
    emitted: &'e KnownSeries,
}

fn array<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

impl Lint<'_> {
    fn add(&mut self, rule: &'static str, place: &str, message: impl Into<String>) {
        self.findings.push(Finding { rule, place: place.to_owned(), message: message.into() });
    }

    fn want(&mut self, holds: bool, rule: &'static str, place: &str, message: &str) {
        if !holds {
            self.add(rule, place, message);
        }
    }

    fn dashboard(&mut self, dashboard: &Value) {
        let editable = dashboard.get("editable") == Some(&Value::Bool(false));
        self.want(editable, "uneditable-dashboard", "", "set editable to false");
        let variables = array(dashboard, "/templating/list");
        let named = |name: &str| variables.iter().find(|v| text(v, "/name") == name);
        match named("datasource") {
            Some(v) => {
                let right = text(v, "/type") == "datasource"
                    && text(v, "/query") == "prometheus"
                    && text(v, "/label") == "Data source";
                let what = "wanted: type datasource, query prometheus, label Data source";
                self.want(right, "template-datasource-rule", "datasource", what);
            }
            None => self.add("template-datasource-rule", "datasource", "the variable is missing"),
        }
        for (name, label, rule) in [
            ("job", "Job", "template-job-rule"),
            ("instance", "Instance", "template-instance-rule"),
        ] {
            let right = named(name).is_some_and(|v| {
                text(v, "/type") == "query"
                    && text(v, "/label") == label
                    && text(v, "/allValue") == ".+"
                    && v.get("multi") == Some(&Value::Bool(true))
                    && text(v, "/datasource/uid") == "${datasource}"
            });
            let what = "wanted: a query on ${datasource}, multi, allValue .+, labelled";
            self.want(right, rule, name, what);
        }
        for variable in variables.iter().filter(|v| text(v, "/type") == "query") {
            self.variable(variable);
        }
        for panel in array(dashboard, "/panels").iter().filter(|p| text(p, "/type") != "row") {
            self.panel(panel);
        }
        for mark in array(dashboard, "/annotations/list") {
            self.query(text(mark, "/name"), text(mark, "/expr"), text(mark, "/titleFormat"), false);
        }
    }

    fn variable(&mut self, variable: &Value) {
        let name = text(variable, "/name").to_owned();
        let reloads = variable.get("refresh").and_then(Value::as_u64) == Some(2);
        let rule = "template-on-time-change-reload-rule";
        self.want(reloads, rule, &name, "set refresh to 2: on change of the time range");
        let rule = "template-label-promql-rule";
        let query = text(variable, "/query/query");
        let inner = query.strip_prefix("label_values(").and_then(|q| q.strip_suffix(')'));
        let Some((series, label)) = inner.and_then(|q| q.rsplit_once(',')) else {
            self.add(rule, &name, format!("wanted label_values(series, label), found {query:?}"));
            return;
        };
        let shown = format!("{{{{{}}}}}", label.trim());
        for missing in self.emitted.missing(&expanded(series), &shown) {
            self.add(rule, &name, missing);
        }
    }

    fn panel(&mut self, panel: &Value) {
        let title = text(panel, "/title").to_owned();
        let (kind, described) = (text(panel, "/type"), !text(panel, "/description").is_empty());
        let both = described && !title.is_empty();
        self.want(both, "panel-title-description-rule", &title, "wants a title and a description");
        if kind == "text" {
            return;
        }
        let source = text(panel, "/datasource/uid") == "${datasource}";
        self.want(source, "panel-datasource-rule", &title, "set the data source to ${datasource}");
        let unit = !text(panel, "/fieldConfig/defaults/unit").is_empty();
        self.want(unit, "panel-units-rule", &title, "set a unit");
        let targets = array(panel, "/targets");
        self.want(!targets.is_empty(), "panel-no-targets-rule", &title, "asks for nothing");
        for target in targets {
            self.query(&title, text(target, "/expr"), text(target, "/legendFormat"), true);
        }
    }

    fn query(&mut self, place: &str, expr: &str, legend: &str, who: bool) {
        let expr = expanded(expr);
        let ast = match parser::parse(&expr) {
            Ok(ast) => ast,
            Err(error) => {
                self.add("target-promql-rule", place, format!("{expr}: {error}"));
                return;
            }
        };
        for missing in self.emitted.missing(&expr, legend) {
            self.add("emitted", place, missing);
        }
        let mut calls = Calls::default();
        let Ok(_) = walk_expr(&mut calls, &ast);
        for window in calls.windows {
            let rule = "target-rate-interval-rule";
            self.want(window == INTERVAL, rule, place, "use $__rate_interval");
        }
        // A parsed expression has selectors that can be read.
        for selector in selectors(&expr).unwrap_or_default() {
            if selector.metric.ends_with("_total") && !calls.rated.contains(&selector.metric) {
                let message = format!("{} is a counter: take its rate", selector.metric);
                self.add("target-counter-agg-rule", place, message);
            }
            if !who || without_target(&selector.metric) {
                continue;
            }
            for (label, value, rule) in [
                ("job", "$job", "target-job-rule"),
                ("instance", "$instance", "target-instance-rule"),
            ] {
                let matched =
                    selector.matchers.get(label).is_some_and(|(op, v)| op == "=~" && v == value);
                let message = format!("{} wants {label}=~\"{value}\"", selector.metric);
                self.want(matched, rule, place, &message);
            }
        }
    }
}

/// Series that no scrape gave a job and an instance: sums recorded by rules, and alerts.
fn without_target(metric: &str) -> bool {
    metric.contains(':') || metric == "ALERTS"
}

/// The calls that look at growth: their windows, and what they look at.
#[derive(Default)]
struct Calls {
    windows: Vec<String>,
    rated: BTreeSet<String>,
}

impl ExprVisitor for Calls {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        if let Expr::Call(Call { func, args }) = expr
            && matches!(func.name, "rate" | "irate" | "increase")
        {
            for arg in &args.args {
                if let Expr::MatrixSelector(m) = arg.as_ref() {
                    self.windows.push(format!("{}s", m.range.as_secs()));
                    self.rated.extend(m.vs.name.clone());
                }
            }
        }
        Ok(true)
    }
}

/// The file that excuses panels from the linter's wish for job and instance.
pub(super) fn exclusions(dashboards: &[Dashboard]) -> String {
    let mut out = format!("# {NOTICE}\n# Read by dashboard-linter.\nexclusions:\n");
    for rule in ["target-job-rule", "target-instance-rule"] {
        let _ = writeln!(out, "  {rule}:");
        let _ = writeln!(
            out,
            "    reason: 'Recorded series are sums over jobs and instances, and alerts have neither.'"
        );
        let _ = writeln!(out, "    entries:");
        for dashboard in dashboards {
            for panel in dashboard.panels().filter(|p| !matches!(p.view, View::Text(_))) {
                let metrics = panel.targets.iter().flat_map(|t| {
                    selectors(&expanded(&t.expr)).unwrap_or_default().into_iter().map(|s| s.metric)
                });
                if metrics.into_iter().any(|m| without_target(&m)) {
                    let _ = writeln!(out, "      - dashboard: {}", quoted(dashboard.title));
                    let _ = writeln!(out, "        panel: {}", quoted(&panel.title));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::alerts;
    use svgx_controller::spec::Spec;

    fn generated() -> (Vec<(String, String)>, KnownSeries) {
        let spec = Spec::embedded().unwrap_or_else(|e| panic!("{e}"));
        let alerts = alerts(&spec).unwrap_or_else(|e| panic!("{e}"));
        let files = super::super::artefacts(&spec, &alerts);
        let json = files.into_iter().filter(|f| f.path.ends_with(".json"));
        (json.map(|f| (f.path, f.text)).collect(), KnownSeries::new(&alerts))
    }

    #[test]
    fn every_dashboard_keeps_every_rule() {
        let (files, emitted) = generated();
        assert_eq!(files.len(), 5);
        for (path, text) in files {
            assert_eq!(lint(&text, &emitted), Vec::new(), "{path}");
        }
    }

    #[test]
    fn each_rule_notices_its_fault() {
        let (files, emitted) = generated();
        let text = &files[1].1;
        for (from, to, rule) in [
            ("\"editable\": false", "\"editable\": true", "uneditable-dashboard"),
            ("\"Data source\"", "\"Source\"", "template-datasource-rule"),
            ("\"label\": \"Job\"", "\"label\": \"Which\"", "template-job-rule"),
            ("\"label\": \"Instance\"", "\"label\": \"Which\"", "template-instance-rule"),
            ("\"refresh\": 2", "\"refresh\": 1", "template-on-time-change-reload-rule"),
            ("label_values(", "values(", "template-label-promql-rule"),
            ("\"unit\": \"s\"", "\"unit\": \"\"", "panel-units-rule"),
            ("$__rate_interval", "5m", "target-rate-interval-rule"),
            ("{job=~\\\"$job\\\", ", "{", "target-job-rule"),
            (", instance=~\\\"$instance\\\"", "", "target-instance-rule"),
            ("sum by (http_route) (", "sum by (http_route) ((", "target-promql-rule"),
            ("{{http_route}}", "{{route}}", "emitted"),
            ("svgx_cache_size_bytes", "svgx_cache_bytes", "emitted"),
            ("\"title\": \"Requests\"", "\"title\": \"\"", "panel-title-description-rule"),
        ] {
            assert!(text.contains(from), "{from}");
            let found = lint(&text.replace(from, to), &emitted);
            assert!(found.iter().any(|f| f.rule == rule), "{rule}: {found:?}");
        }
        let counter = text
            .replace("rate(svgx_cache_requests_total", "abs(svgx_cache_requests_total")
            .replace("[$__rate_interval]", "");
        let found = lint(&counter, &emitted);
        assert!(found.iter().any(|f| f.rule == "target-counter-agg-rule"), "{found:?}");
    }
}
