//! Runbooks: one page per alert, written by a person, and the index, which is
//! generated.
//!
//! A page holds words and commands; every figure it repeats (in its front
//! matter) is compared with the spec, and the budgets themselves are only in
//! the index, which follows the spec by itself.

mod command;
mod figures;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use svgx_base::duration;
use svgx_controller::spec::Spec;

use super::alert::Alert;
use super::known_series::KnownSeries;
use super::problem::Problem;
use super::{Artefact, NOTICE, links};
pub(crate) use page::{Block, Drillable, For, Page};

pub use command::CommandCheck;
pub(crate) use figures::{Figures, condition};

/// The index of the pages.
pub(crate) const INDEX: &str = "runbooks/README.md";
/// Where the pages are.
pub(crate) const FOLDER: &str = "runbooks";

/// The alerts by name: one page each, whatever the number of rules.
pub(crate) fn by_name(alerts: &[Alert]) -> BTreeMap<&str, Vec<&Alert>> {
    let mut names: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        names.entry(alert.name.as_str()).or_default().push(alert);
    }
    names
}

/// The index of the pages, with the figures of each alert.
pub(crate) fn artefacts(spec: &Spec, alerts: &[Alert]) -> Vec<Artefact> {
    let mut out = format!(
        "<!-- {NOTICE} -->\n# Runbooks\n\nOne page per alert, under the alert's name. The pages are written by hand; \
         this index and its figures\nare generated. `svgx slo check` fails when an alert has no page, when a page \
         repeats a figure that is\nnot the spec's, when a link is dead, or when a command does not exist.\n\n\
         Commands stand in blocks marked `sh diagnosis`, `sh mitigation` and `sh verify` and run as they are. \
         A block\nmarked `kubernetes` is for a cluster; the others are for the local stack (`svgx stack up`). \
         `SVGX`,\n`PROMETHEUS`, `NAMESPACE` and `DEPLOYMENT` say where, if it is not the default.\n\n\
         | alert | severity | objective | within | over after | dashboard |\n\
         | --- | --- | --- | --- | --- | --- |\n"
    );
    for (name, rules) in by_name(alerts) {
        let f = Figures::new(spec, &rules);
        let on = rules.first().map_or("", |a| links::dashboard(a));
        let _ = writeln!(
            out,
            "| [{name}]({name}.md) | {} | {} | {} | {} | [{on}](../dashboards/{on}.json) |",
            f.severity.join(", "),
            f.slo.join(", "),
            duration::exact(f.detect_within),
            duration::exact(f.recover_within),
        );
    }
    out.push_str(
        "\n`within`: from the beginning of a complete failure to the alert; `over after`: from its end to the end \
         of\nthe alert. Both count the scrape, the windows, `for` and the evaluation of the rules.\n\n## Figures\n",
    );
    for (name, rules) in by_name(alerts) {
        let _ = writeln!(out, "\n### {name}\n");
        for alert in rules {
            let _ = writeln!(out, "- {} ({}): {}", alert.slo, alert.severity, condition(alert));
        }
    }
    vec![Artefact { path: INDEX.to_owned(), text: out }]
}

/// What is wrong with the pages under `root`.
pub(crate) fn check(
    spec: &Spec,
    alerts: &[Alert],
    root: &Path,
    emitted: &KnownSeries,
    commands: &CommandCheck<'_>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut paragraphs: BTreeMap<String, String> = BTreeMap::new();
    let alerts = by_name(alerts);
    for (name, rules) in &alerts {
        let file = format!("{FOLDER}/{name}.md");
        let Ok(text) = std::fs::read_to_string(root.join(&file)) else {
            problems.push(Problem::new(&file, 1, format!("{name} has no page: write it")));
            continue;
        };
        let page = match Page::parse(&file, &text) {
            Ok(page) => page,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        problems.extend(page.check(name, &Figures::new(spec, rules), rules, root));
        problems.extend(page.check_commands(emitted, commands));
        for (line, paragraph) in page.paragraphs() {
            if let Some(other) = paragraphs.insert(paragraph.clone(), file.clone()) {
                let message = format!("the same paragraph stands in {other}: say what is special");
                problems.push(Problem::new(&file, line, message));
            }
        }
    }
    let known: BTreeSet<String> =
        alerts.keys().map(|n| format!("{n}.md")).chain(["README.md".to_owned()]).collect();
    // A folder that is not there was reported above, page by page.
    for entry in std::fs::read_dir(root.join(FOLDER)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") && !known.contains(&name) {
            let file = format!("{FOLDER}/{name}");
            problems.push(Problem::new(&file, 1, "no alert of this name: delete or rename it"));
        }
    }
    problems
}
