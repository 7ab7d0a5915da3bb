//! What a drill has shown: a file for each alert, and the table made from them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use svgx_controller::spec::Spec;

use super::client::Tally;
use super::plan::{self, Found, Hashes};
use crate::problem::Problem;

/// Where the journals are, from the root of the project.
const FOLDER: &str = "runbooks/journals";

/// The journal of a drill that passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// The alert.
    pub alert: String,
    /// When it began, in UTC.
    pub began: String,
    /// The experiment, from the root of the project.
    pub experiment: String,
    /// The severity of the rule that fired.
    pub severity: String,
    /// The labels by which the rule is told from others of its name.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// From the fault to the alert, computed from the rule, in seconds.
    pub detect_within_s: u64,
    /// The same as it was.
    pub detect_s: f64,
    /// What the page's commands of mitigation took.
    pub mitigate_s: f64,
    /// From the end of the fault to the end of the alert, computed.
    pub recover_within_s: u64,
    /// The same as it was.
    pub recover_s: f64,
    /// Seconds more that both may take on a machine that does other work beside.
    pub margin_s: u64,
    /// The whole drill.
    pub whole_s: f64,
    /// Somebody who edited all the while.
    pub edits: Tally,
    /// Requests that Prometheus counted, and of them answered with 5xx.
    pub requests: f64,
    /// Of them answered with 5xx.
    pub errors: f64,
    /// Other alerts that fired, each with the reason the experiment gives.
    pub also: BTreeMap<String, String>,
    /// Programs by their version.
    pub versions: BTreeMap<String, String>,
    /// What it is about.
    pub hashes: Hashes,
}

/// The file of an alert's journal under `root`.
fn file(root: &Path, alert: &str) -> PathBuf {
    root.join(FOLDER).join(format!("{alert}.json"))
}

impl Journal {
    /// Writes it under `root`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, root: &Path) -> std::io::Result<PathBuf> {
        let path = file(root, &self.alert);
        std::fs::create_dir_all(root.join(FOLDER))?;
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        std::fs::write(&path, text + "\n")?;
        Ok(path)
    }

    /// The journal of an alert; none where there is none.
    pub fn read(root: &Path, alert: &str) -> Result<Option<Journal>, String> {
        let path = file(root, alert);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|e| e.to_string()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.to_string()),
        }
    }

    /// Which of rule, page and experiment it is not about any more.
    pub fn outdated(&self, now: &Hashes) -> Vec<&'static str> {
        let was = &self.hashes;
        [
            ("rule", was.rule == now.rule),
            ("commands of the page", was.page == now.page),
            ("experiment", was.experiment == now.experiment),
        ]
        .into_iter()
        .filter_map(|(what, same)| (!same).then_some(what))
        .collect()
    }
}

fn seconds(value: f64) -> String {
    format!("{:.0} s", value.ceil())
}

/// The table of all alerts, from their journals under `root`.
pub fn scorecard(spec: &Spec, root: &Path) -> Result<String, String> {
    let mut out = String::from(
        "\n## Drills\n\nFrom `journals/`, by `svgx slo generate`: each alert was made to fire by a real fault on a local stack, and\n\
         mended by the commands of its page (`svgx drill ALERT`). Times are as measured, and as computed.\n\n\
         | alert | experiment | detected | within | mitigated | over | within | edits lost | refused or unanswered | on |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut without = String::new();
    let (mut drilled, names) = (0, plan::names(spec)?);
    for name in &names {
        match plan::find(spec, root, name) {
            Ok(Found::Drill(plan)) => match Journal::read(root, name)? {
                Some(j) => {
                    drilled += 1;
                    let experiment = Path::new(&j.experiment).file_stem().unwrap_or_default();
                    let labels: Vec<String> =
                        j.labels.iter().map(|(k, v)| format!("{k} {v}")).collect();
                    let labels = if labels.is_empty() {
                        String::new()
                    } else {
                        format!(" ({})", labels.join(", "))
                    };
                    let date = j.began.split('T').next().unwrap_or_default();
                    let _ = writeln!(
                        out,
                        "| [{name}]({name}.md){labels} | [{}](../{}) | {} | {} s | {} | {} | {} s | 0 of {} | {} of {} | {date} |",
                        experiment.to_string_lossy(),
                        j.experiment,
                        seconds(j.detect_s),
                        j.detect_within_s,
                        seconds(j.mitigate_s),
                        seconds(j.recover_s),
                        j.recover_within_s,
                        j.edits.acknowledged,
                        j.edits.refused + j.edits.unanswered,
                        j.edits.sent,
                    );
                }
                None => {
                    let _ = writeln!(
                        without,
                        "- [{name}]({name}.md): not drilled yet; `svgx drill {}`",
                        plan.alert
                    );
                }
            },
            Ok(Found::None(reason)) => {
                let _ = writeln!(without, "- [{name}]({name}.md): not drilled: {reason}");
            }
            Err(error) => {
                let _ = writeln!(without, "- [{name}]({name}.md): not drilled: {error}");
            }
        }
    }
    let _ = writeln!(out, "\n{drilled} of {} alerts are drilled.", names.len());
    if !without.is_empty() {
        let _ = write!(out, "\n{without}");
    }
    Ok(out)
}

/// What is wrong with the drills: an alert without one and without a reason, a journal that is
/// missing or about something else by now.
pub(crate) fn check(spec: &Spec, root: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem =
        |file: &str, line, message: String| problems.push(Problem::new(file, line, message));
    for name in plan::names(spec).unwrap_or_default() {
        let page = format!("{}/{name}.md", crate::runbook::FOLDER);
        let journal = format!("{FOLDER}/{name}.json");
        let again = format!("run `svgx drill {name}`, then `svgx slo generate`");
        match (plan::find(spec, root, &name), Journal::read(root, &name)) {
            (Err(error), _) => problem(&page, 1, error),
            (Ok(Found::None(reason)), _) if reason.trim().len() < 20 => {
                problem(&page, 1, format!("not_drilled is no reason: {reason:?}"));
            }
            (Ok(Found::None(_)), Ok(None)) => {}
            (Ok(Found::None(_)), _) => {
                problem(&journal, 1, "the page says that it is not drilled: delete it".to_owned());
            }
            (Ok(Found::Drill(_)), Ok(None)) => {
                problem(&journal, 1, format!("{name} has a drill and no journal: {again}"));
            }
            (Ok(Found::Drill(_)), Err(error)) => problem(&journal, 1, format!("{error}: {again}")),
            (Ok(Found::Drill(plan)), Ok(Some(read))) => {
                let old = read.outdated(plan.hashes());
                if !old.is_empty() {
                    let changed = old.join(" and ");
                    problem(&journal, 1, format!("{changed} changed since the drill: {again}"));
                }
            }
        }
    }
    problems
}
