//! Tests of every alert for promtool, derived from the same spec as the alert.
//!
//! A [`model`] of Prometheus' own arithmetic says when each alert must begin
//! and cease to fire on a made-up history; promtool then proves it on the real
//! rules. Every alert gets the histories named in [`history`].

mod format;
mod history;
mod model;
mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use svgx_base::duration;
use svgx_controller::spec::Spec;

use super::alert::{Alert, Condition};
use super::rules::annotations;
use super::yaml::{Yaml, quoted};
use super::{Artefact, Error};
use history::History;
use model::Model;

pub use table::{Detection, Row, detection_table, table};

/// The test files, one for each alert (burn alerts: for each of their tiers),
/// and the table of what they hold.
pub(crate) fn artefacts(spec: &Spec, alerts: &[Alert]) -> Result<Vec<Artefact>, Error> {
    let mut files: BTreeMap<String, (u64, Vec<Test>)> = BTreeMap::new();
    for alert in alerts {
        let model = Model::new(spec, alerts, alert)?;
        let path = match alert.condition {
            // A file for each objective: its rules alone are evaluated, which is six times faster.
            Condition::Burn { long, .. } => format!(
                "alerts/tests/{}-{}.{}.test.yaml",
                alert.name,
                duration::exact(long),
                alert.slo
            ),
            _ => format!("alerts/tests/{}.test.yaml", alert.name),
        };
        let (_, tests) = files.entry(path).or_insert((model.step, Vec::new()));
        for history in history::histories(&model) {
            tests.push(test(spec, &model, &history));
        }
    }
    let mut all = Vec::new();
    for (path, (step, tests)) in &files {
        all.push(Artefact { path: path.clone(), text: write(*step, tests) });
    }
    all.push(Artefact {
        path: "alerts/tests/README.md".to_owned(),
        text: readme(spec, alerts, &files)?,
    });
    Ok(all)
}

struct Test {
    name: String,
    alert: String,
    rules: String,
    series: Vec<(String, String)>,
    checks: Vec<Check>,
}

type Annotations = BTreeMap<&'static str, String>;

struct Check {
    at: u64,
    /// Labels and annotations.
    firing: Vec<(BTreeMap<String, String>, Annotations)>,
}

fn test(spec: &Spec, model: &Model<'_>, history: &History) -> Test {
    let checks = history
        .checks
        .iter()
        .map(|&step| Check {
            at: step * model.step,
            firing: model
                .firing(history, step)
                .into_iter()
                .map(|(alert, labels, value)| {
                    let notes = annotations(spec, alert)
                        .into_iter()
                        .map(|(k, text)| (k, format::expand(&text, value)))
                        .collect();
                    (labels, notes)
                })
                .collect(),
        })
        .collect();
    Test {
        name: format!("{} ({}): {}", model.alert.name, model.alert.slo, history.name),
        alert: model.alert.name.clone(),
        rules: super::rules::file(model.alert),
        series: model.series(history),
        checks,
    }
}

fn write(step: u64, tests: &[Test]) -> String {
    let mut yaml = Yaml::new("promtool test rules on this file proves the alert.");
    if let Some(test) = tests.first() {
        yaml.line(0, format!("rule_files: [../{}]", test.rules));
    }
    yaml.line(0, format!("evaluation_interval: {}", duration::exact(step)));
    yaml.line(0, "tests:");
    for test in tests {
        yaml.line(1, format!("- name: {}", quoted(&test.name)));
        yaml.line(2, format!("interval: {}", duration::exact(step)));
        if test.series.is_empty() {
            yaml.line(2, "input_series: []");
        } else {
            yaml.line(2, "input_series:");
        }
        for (series, values) in &test.series {
            yaml.line(3, format!("- series: {}", quoted(series)));
            yaml.line(4, format!("values: {}", quoted(values)));
        }
        yaml.line(2, "alert_rule_test:");
        for check in &test.checks {
            yaml.line(3, format!("- eval_time: {}s", check.at));
            yaml.line(4, format!("alertname: {}", test.alert));
            if check.firing.is_empty() {
                yaml.line(4, "exp_alerts: []");
                continue;
            }
            yaml.line(4, "exp_alerts:");
            for (labels, notes) in &check.firing {
                yaml.line(5, "- exp_labels:");
                for (name, value) in labels {
                    yaml.pair(7, name, value);
                }
                yaml.line(6, "exp_annotations:");
                for (name, value) in notes {
                    yaml.pair(7, name, value);
                }
            }
        }
    }
    yaml.text()
}

fn readme(
    _spec: &Spec,
    alerts: &[Alert],
    files: &BTreeMap<String, (u64, Vec<Test>)>,
) -> Result<String, Error> {
    let mut out = format!(
        "<!-- {} -->\n# Tests of the alerts\n\nRun them with `promtool test rules alerts/tests/*.test.yaml`. \
         Each alert is driven from silent to firing\nto resolved, with its exact labels and annotations.\n\n\
         | file | tests | checks | of these firing |\n| --- | ---: | ---: | ---: |\n",
        super::NOTICE
    );
    let (mut n, mut c, mut f) = (0, 0, 0);
    for (path, (_, tests)) in files {
        let checks: usize = tests.iter().map(|t| t.checks.len()).sum();
        let firing: usize =
            tests.iter().flat_map(|t| &t.checks).filter(|c| !c.firing.is_empty()).count();
        let name = path.rsplit('/').next().unwrap_or(path);
        let _ = writeln!(out, "| {name} | {} | {checks} | {firing} |", tests.len());
        (n, c, f) = (n + tests.len(), c + checks, f + firing);
    }
    let _ = writeln!(out, "| **all** | {n} | {c} | {f} |");
    out.push_str(
        "\n## Detection time of the burn alerts\n\nDeclared in `slo/policies.yaml` (computed: long window × \
         factor × budget / bad share).\n\n| alert | objective | long window | 100 % bad | 50 % bad | 10 % bad |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for d in detection_table(alerts) {
        let cell = |(declared, computed): &(Option<u64>, Option<f64>)| match (declared, computed) {
            (Some(d), Some(c)) => format!("{} ({:.1} min)", duration::exact(*d), c / 60.0),
            (None, None) => "never".to_owned(),
            (d, c) => format!("{d:?} ({c:?})"),
        };
        let [a, b, t] = &d.seen;
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            d.alert,
            d.slo,
            duration::exact(d.long),
            cell(a),
            cell(b),
            cell(t)
        );
    }
    Ok(out)
}
