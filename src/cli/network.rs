//! `svgx network`: see [`svgx_networks`].

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_base::digits::figure;
use svgx_base::wording::meant;
use svgx_engine::document::{Limits, canonical};
use svgx_engine::geometry::Scene;
use svgx_networks::read::{self, System};
use svgx_networks::study::Study;
use svgx_networks::{Answer, Name, State};

use super::files;

/// Solve the networks of a drawing: electrical, water, air, heat, frames.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing; `-` reads standard input.
    file: PathBuf,
    /// Only these systems, by their ids.
    #[arg(long, value_name = "ID")]
    system: Vec<String>,
    /// What to find: flow, fault (fault currents) or load (how much more a node can be asked for).
    #[arg(long, default_value = "flow")]
    study: Study,
    /// Only at these nodes, by their names; for faults and loads.
    #[arg(long, value_name = "NODE")]
    at: Vec<String>,
    /// Precision: ui, edit or compute.
    #[arg(long, default_value = "compute")]
    tier: Tier,
    /// Also write the drawing with what was found to this file: `arx:results` of each system.
    #[arg(short, long, value_name = "SOLVED")]
    output: Option<PathBuf>,
    /// How to print what was found.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Format {
    Human,
    Json,
}

impl Args {
    /// 0: solved. 1: a part has no answer, or the drawing is wrong. 2: files and streams.
    pub(crate) fn run(self) -> ExitCode {
        let document = match files::open(&self.file) {
            Ok(document) => document,
            Err(code) => return code,
        };
        let (limits, budget) = (Limits::default(), Budget::unlimited(Class::Batch, self.tier));
        let failed = |error: &dyn std::fmt::Display| {
            complain!("svgx: {}: {error}", self.file.display());
            ExitCode::from(files::WRONG)
        };
        let scene = match Scene::build(&document, &limits, &budget) {
            Ok(scene) => scene,
            Err(error) => return failed(&error),
        };
        let systems = match read::read(&document, &scene, &limits, &budget) {
            Ok(systems) => systems,
            Err(error) => return failed(&error),
        };
        let known = |id: &String| systems.iter().any(|s| *s.name == **id);
        if let Some(id) = self.system.iter().find(|id| !known(id)) {
            let near = meant(id, systems.iter().map(|s| &*s.name));
            return failed(&format_args!("there is no system {id:?} with a network{near}"));
        }
        if systems.is_empty() {
            return failed(&"no arx:system has network=\"...\": there is nothing to solve");
        }
        let at: Vec<Name> = self.at.iter().map(|a| a.as_str().into()).collect();
        let wanted = |s: &&System| {
            let named = self.system.is_empty() || self.system.iter().any(|id| **id == *s.name);
            named
                && s.domain.is_none_or(|domain| self.study.suits(domain))
                && (at.is_empty() || at.iter().any(|a| s.nodes().contains(a)))
        };
        let mut answers = Vec::new();
        let mut solved = document.clone();
        let lost = |a: &&Name| !systems.iter().any(|s| s.nodes().contains(a));
        if let Some(lost) = at.iter().find(lost) {
            let near = meant(lost, systems.iter().flat_map(|s| s.nodes()).map(|n| &**n));
            return failed(&format_args!("there is no node {lost:?} in a network{near}"));
        }
        for system in systems.iter().filter(wanted) {
            let limits = svgx_networks::Limits::default();
            let at: Vec<Name> = at.iter().filter(|a| system.nodes().contains(a)).cloned().collect();
            match Answer::studied(system, self.study, &at, &limits, &budget) {
                Ok(answer) => {
                    answer.write(&mut solved, system, self.tier);
                    answers.push(answer);
                }
                Err(error) => return failed(&format_args!("{}: {error}", system.name)),
            }
        }
        if let Some(path) = &self.output {
            let code = files::write(Some(path), canonical(&solved).as_bytes());
            if code != ExitCode::SUCCESS {
                return code;
            }
        }
        let text = match self.format {
            Format::Human => answers.iter().map(human).collect::<Vec<_>>().join("\n"),
            Format::Json => match serde_json::to_string_pretty(&answers) {
                Ok(text) => text + "\n",
                Err(e) => return files::failed(&e.to_string()),
            },
        };
        if files::write(None, text.as_bytes()) != ExitCode::SUCCESS {
            return ExitCode::from(files::FAILED);
        }
        ExitCode::from(u8::from(!answers.iter().all(Answer::is_whole)))
    }
}

/// One line for each element, then what is wrong.
fn human(answer: &Answer) -> String {
    let mut out = String::new();
    let effort = &answer.effort;
    // A `String` takes everything.
    let _ = writeln!(
        out,
        "{} ({}): {} in {} {}, residuals {:.1e} and {:.1e}",
        answer.system,
        answer.network,
        if effort.converged { "solved" } else { "not solved" },
        effort.iterations,
        if effort.iterations == 1 { "step" } else { "steps" },
        effort.residual.balance,
        effort.residual.energy,
    );
    let width = answer.nodes.iter().chain(&answer.links).map(|r| r.name.chars().count()).max();
    for row in answer.nodes.iter().chain(&answer.links) {
        let values: Vec<String> = row
            .values
            .iter()
            .map(|v| match v.value {
                Some(value) => format!("{} {} {}", v.name, figure(value), v.unit),
                None => format!("{} unknown", v.name),
            })
            .collect();
        let _ = writeln!(out, "  {:<2$}  {}", row.name, values.join(", "), width.unwrap_or(0));
    }
    for check in answer.checks.iter().filter(|c| c.state != State::Normal) {
        let value = check.value.map_or_else(|| "unknown".to_owned(), figure);
        let _ = writeln!(
            out,
            "  {} of {}: {} of {} {} ({})",
            check.check,
            check.element,
            value,
            figure(check.limit),
            check.unit,
            check.state.as_str(),
        );
    }
    for finding in &answer.findings {
        let _ = writeln!(out, "  {}: {}", finding.kind.code(), finding.message);
    }
    out
}
