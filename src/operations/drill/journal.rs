//! What a drill has shown: a file for each alert, and the table made from them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use svgx_controller::spec::Spec;

use super::client::Tally;
use super::plan::{self, Found, Hashes, Plan};
use crate::problem::Problem;

/// Where the journals are, from the root of the project.
const FOLDER: &str = "runbooks/journals";

/// The journal of a drill that passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// The drill: the alert, and which of its rules where there are several.
    pub drill: String,
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
    /// What the drill spent of the budget of each objective, as a share of that of its period.
    #[serde(default)]
    pub budget_spent: BTreeMap<String, f64>,
    /// Alerts that fired and were muted, each with the one that muted it.
    #[serde(default)]
    pub suppressed: BTreeMap<String, String>,
    /// Other alerts that fired, each with the reason the experiment gives.
    pub also: BTreeMap<String, String>,
    /// Programs by their version.
    pub versions: BTreeMap<String, String>,
    /// What it is about.
    pub hashes: Hashes,
}

/// The file of a drill's journal under `root`.
fn file(root: &Path, drill: &str) -> PathBuf {
    root.join(FOLDER).join(format!("{drill}.json"))
}

impl Journal {
    /// Writes it under `root`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, root: &Path) -> std::io::Result<PathBuf> {
        let path = file(root, &self.drill);
        std::fs::create_dir_all(root.join(FOLDER))?;
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        std::fs::write(&path, text + "\n")?;
        Ok(path)
    }

    /// The journal of a drill; none where there is none.
    pub fn read(root: &Path, drill: &str) -> Result<Option<Journal>, String> {
        let path = file(root, drill);
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

/// The table of all drills, from their journals under `root`.
pub fn scorecard(spec: &Spec, root: &Path) -> Result<String, String> {
    let mut out = String::from(
        "\n## Drills\n\nFrom `journals/`, by `svgx slo generate`: each alert was made to fire by a real fault on a local stack, and\n\
         mended by the commands of its page (`svgx drill ALERT`). Times are as measured, and as computed; *budget* is\n\
         what the drill spent of that of a period, of the objective that the alert is about.\n\n\
         | drill | experiment | detected | within | mitigated | over | within | budget | edits lost | refused or unanswered | on |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut without = String::new();
    let (mut drilled, names) = (0, plan::names(spec)?);
    for name in &names {
        match plan::find(spec, root, name) {
            Ok(Found::Drills(plans)) => {
                let mut all = true;
                for plan in plans {
                    match Journal::read(root, &plan.name)? {
                        Some(journal) => out.push_str(&journal.row()),
                        None => {
                            all = false;
                            let (drill, reason) = (&plan.name, plan.without_journal());
                            let reason = reason.unwrap_or("not drilled yet");
                            let _ = writeln!(
                                without,
                                "- [{drill}]({name}.md): {reason}; `svgx drill {drill}`"
                            );
                        }
                    }
                }
                drilled += usize::from(all);
            }
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

impl Journal {
    /// Its row of the table.
    fn row(&self) -> String {
        let experiment = Path::new(&self.experiment).file_stem().unwrap_or_default();
        let spent = match (self.labels.get("slo"), self.budget_spent.len()) {
            (Some(slo), _) => self.budget_spent.get(slo).copied(),
            (None, 1) => self.budget_spent.values().next().copied(),
            (None, _) => None,
        };
        format!(
            "| [{}]({}.md) | [{}](../{}) | {} | {} s | {} | {} | {} s | {} | 0 of {} | {} of {} | {} |\n",
            self.drill,
            self.alert,
            experiment.to_string_lossy(),
            self.experiment,
            seconds(self.detect_s),
            self.detect_within_s,
            seconds(self.mitigate_s),
            seconds(self.recover_s),
            self.recover_within_s,
            spent.map_or_else(|| "–".to_owned(), |s| format!("{:.2} %", 100.0 * s)),
            self.edits.acknowledged,
            self.edits.refused + self.edits.unanswered,
            self.edits.sent,
            self.began.split('T').next().unwrap_or_default(),
        )
    }
}

/// What is wrong with the drills: an alert without one and without a reason, a journal that is
/// missing or about something else by now.
pub(crate) fn check(spec: &Spec, root: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in plan::names(spec).unwrap_or_default() {
        let page = format!("{}/{name}.md", crate::runbook::FOLDER);
        match plan::find(spec, root, &name) {
            Err(error) => problems.push(Problem::new(&page, 1, error)),
            Ok(Found::None(reason)) if reason.trim().len() < 20 => {
                problems.push(Problem::new(
                    &page,
                    1,
                    format!("not_drilled is no reason: {reason:?}"),
                ));
            }
            Ok(Found::None(_)) => {
                if !matches!(Journal::read(root, &name), Ok(None)) {
                    let journal = format!("{FOLDER}/{name}.json");
                    let message = "the page says that it is not drilled: delete it";
                    problems.push(Problem::new(&journal, 1, message));
                }
            }
            Ok(Found::Drills(plans)) => {
                problems.extend(plans.iter().filter_map(|plan| journal_of(plan, root)));
            }
        }
    }
    problems
}

/// What is wrong with the journal of a drill.
fn journal_of(plan: &Plan, root: &Path) -> Option<Problem> {
    let drill = &plan.name;
    let again = format!("run `svgx drill {drill}`, then `svgx slo generate`");
    let message = match Journal::read(root, drill) {
        Ok(None) if plan.without_journal().is_some() => return None,
        Ok(None) => format!("{drill} has a drill and no journal: {again}"),
        Err(error) => format!("{error}: {again}"),
        Ok(Some(read)) => {
            let old = read.outdated(plan.hashes());
            if old.is_empty() {
                return None;
            }
            format!("{} changed since the drill: {again}", old.join(" and "))
        }
    };
    Some(Problem::new(&format!("{FOLDER}/{drill}.json"), 1, message))
}
