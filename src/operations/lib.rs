//! Operational artefacts from one spec: rules, their tests, routing, dashboards
//! and the index of the runbooks are written from `slo/` and never by hand.
//!
//! [`generate`] makes all of them in memory; the command line writes them, or
//! compares them with what is on disk ([`check`]).

pub mod alert;
mod alertmanager;
pub mod chaos;
pub mod check;
pub mod dashboard;
pub mod drill;
pub mod http;
mod known_series;
mod links;
pub mod preview;
mod problem;
mod promql;
mod promtool_tests;
mod rollouts;
mod rules;
pub mod runbook;
pub mod stack;
pub mod staging;
mod yaml;

use svgx_controller::spec::Spec;

pub use promtool_tests::{Detection, Row, detection_table, table};

pub use problem::Problem;
pub use rules::scrape;

/// The dashboards of `spec`, as data.
///
/// # Errors
/// As [`generate`].
pub fn dashboards(spec: &Spec) -> Result<Vec<dashboard::model::Dashboard>, Error> {
    Ok(dashboard::dashboards(spec, &alert::alerts(spec)?))
}

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefact {
    /// Where it belongs, from the root of the project.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// Why artefacts could not be made from a spec.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct Error {
    /// The file of the spec.
    pub file: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// The first line of every generated file, without its comment mark.
pub const NOTICE: &str = "Generated from slo/ by `svgx slo generate`. DO NOT EDIT.";

/// Whole seconds in a duration of OpenSLO or Prometheus: `30s`, `2m`.
pub fn seconds(text: &str) -> Option<u64> {
    svgx_controller::spec::openslo::nanoseconds(text).map(|ns| ns / 1_000_000_000)
}

/// Makes every artefact of `spec`, with what the journals of the drills under `root` add.
///
/// # Errors
/// As [`generate`]; a journal that is none.
pub fn generate_in(spec: &Spec, root: &std::path::Path) -> Result<Vec<Artefact>, Error> {
    let mut all = generate(spec)?;
    let card = drill::scorecard(spec, root)
        .map_err(|message| Error { file: "runbooks/journals".to_owned(), message })?;
    for artefact in all.iter_mut().filter(|a| a.path == runbook::INDEX) {
        artefact.text.push_str(&card);
    }
    Ok(all)
}

/// Makes every artefact of `spec`, in the order of their paths.
///
/// # Errors
/// A condition or an indicator of a form that has no rule.
pub fn generate(spec: &Spec) -> Result<Vec<Artefact>, Error> {
    let alerts = alert::alerts(spec)?;
    let mut all = rules::artefacts(spec, &alerts)?;
    all.extend(promtool_tests::artefacts(spec, &alerts)?);
    all.extend(alertmanager::artefacts());
    all.extend(rollouts::artefacts(spec)?);
    all.extend(dashboard::artefacts(spec, &alerts));
    all.extend(runbook::artefacts(spec, &alerts));
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(all)
}
