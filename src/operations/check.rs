//! `svgx slo check`: what is on disk is what `slo/` says, and the parts agree.

use std::collections::BTreeSet;
use std::path::Path;

use svgx_controller::spec::Spec;

use super::alert::alerts;
use super::dashboard::lint;
use super::known_series::KnownSeries;
use super::problem::Problem;
use super::runbook::{self, CommandCheck};
use super::{Error, NOTICE, drill, generate_in, promtool_tests, rules};

/// What was looked at, and what is wrong.
#[derive(Clone, Debug)]
pub struct Report {
    /// Files compared byte for byte.
    pub compared: usize,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// Folders in which a file that says it is generated must be.
const FOLDERS: [&str; 4] = ["alerts", "alerts/tests", "dashboards", "runbooks"];

/// Compares the files under `root` with what `spec` says, and runs the checks.
///
/// # Errors
/// As [`generate`]: a spec from which nothing follows.
pub fn check(spec: &Spec, root: &Path, commands: &CommandCheck<'_>) -> Result<Report, Error> {
    let artefacts = generate_in(spec, root)?;
    let alerts = alerts(spec)?;
    let emitted = KnownSeries::new(&alerts);
    let mut problems = Vec::new();
    for artefact in &artefacts {
        let old = std::fs::read_to_string(root.join(&artefact.path)).unwrap_or_default();
        if let Some(line) = first_difference(&old, &artefact.text) {
            let message = "differs from slo/; run `svgx slo generate`";
            problems.push(Problem::new(&artefact.path, line, message));
        }
        if artefact.path.starts_with("dashboards/") && artefact.path.ends_with(".json") {
            problems.extend(lint::lint(&artefact.text, &emitted).into_iter().map(|f| {
                let message = format!("{} ({}): {}", f.rule, f.place, f.message);
                Problem::new(&artefact.path, 1, message)
            }));
        }
    }
    let known: BTreeSet<&str> = artefacts.iter().map(|a| a.path.as_str()).collect();
    problems.extend(strays(root, &known));
    for alert in &alerts {
        for missing in emitted.missing(&rules::expression(spec, alert)?, "") {
            problems.push(Problem::new("slo", 1, format!("{}: {missing}", alert.name)));
        }
    }
    for row in promtool_tests::table(spec)? {
        if row.firing == 0 || row.silent == 0 || row.resolved == 0 {
            let message = format!("{} needs a silent, a firing and a resolved case", row.alert);
            problems.push(Problem::new("alerts/tests", 1, message));
        }
        if !row.detection.as_ref().is_none_or(promtool_tests::Detection::holds) {
            let message = format!("{} ({}) detects later than it declares", row.alert, row.slo);
            problems.push(Problem::new("slo/policies.yaml", 1, message));
        }
    }
    problems.extend(runbook::check(spec, &alerts, root, &emitted, commands));
    problems.extend(drill::check(spec, root));
    Ok(Report { compared: artefacts.len(), problems })
}

/// Generated files that nothing generates any more.
fn strays(root: &Path, known: &BTreeSet<&str>) -> Vec<Problem> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        // A folder that is not there has no strays.
        for entry in std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            if text.contains(NOTICE) && !known.contains(path.as_str()) {
                found.push(Problem::new(&path, 1, "nothing generates it any more: delete it"));
            }
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found
}

fn first_difference(old: &str, new: &str) -> Option<usize> {
    let same = old.lines().zip(new.lines()).take_while(|(a, b)| a == b).count();
    (old != new).then_some(same + 1)
}
