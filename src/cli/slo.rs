//! `svgx slo`: look at the objectives, write and check what follows from them,
//! replay a decision log, simulate.

mod fleet;
mod simulate;
mod what_if;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use svgx_controller::core::replay;
use svgx_controller::spec::{Spec, show};
use svgx_operations::check;
use svgx_operations::preview::{Source, draw};
use svgx_operations::runbook::CommandCheck;

use super::files;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Read the objectives from this folder instead of the ones compiled in
    /// (generate and check: instead of ROOT/slo).
    #[arg(long, global = true, value_name = "DIR")]
    slo_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the objectives and how the controller's constants follow from them.
    Show,
    /// Feed a decision log to a fresh controller and compare every decision.
    Replay {
        /// The log, one JSON value per line; `-` reads standard input.
        log: PathBuf,
    },
    /// What would have been under another spec: the requests of a decision log,
    /// played again in virtual time.
    WhatIf(what_if::WhatIf),
    /// Play scenarios in virtual time, ours beside its rivals.
    Simulate(simulate::Simulate),
    /// Play scenarios of replicas that share their sessions, with more and more of them.
    Fleet(fleet::Fleet),
    /// Write rules, their tests, routing, dashboards and the index of the runbooks.
    Generate {
        /// The root under which the files lie.
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Compare what is on disk with what `generate` would write, and hold alerts,
    /// dashboards and runbooks to each other.
    Check {
        /// The root under which the files lie.
        #[arg(long, default_value = ".")]
        root: PathBuf,
        /// Print every alert with its cases and its time of detection, declared and computed.
        #[arg(long)]
        table: bool,
    },
    /// Draw the dashboards as pictures from a real Prometheus.
    Preview {
        /// The Prometheus, over plain HTTP.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9090")]
        prometheus: String,
        /// How much of the past is shown: `15m`, `1h`, `1d`.
        #[arg(long, default_value = "1h", value_parser = range)]
        range: u64,
        /// Where DASHBOARD.svg is written.
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
}

fn range(text: &str) -> Result<u64, String> {
    let found = svgx_operations::seconds(text).filter(|s| *s > 0);
    found.ok_or_else(|| format!("{text:?} is no duration like 15m, 1h or 1d"))
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let dir = match &self.command {
            Command::Generate { root } | Command::Check { root, .. } => {
                Some(self.slo_dir.clone().unwrap_or_else(|| root.join("slo")))
            }
            _ => self.slo_dir.clone(),
        };
        let spec = dir.as_deref().map_or_else(Spec::embedded, Spec::from_dir);
        let spec = match spec {
            Ok(spec) => spec,
            Err(errors) => {
                complain!("{errors}");
                if dir.is_none_or(|dir| dir.exists()) {
                    return ExitCode::from(files::WRONG);
                }
                complain!(
                    "run it where slo/ is, or name the folder above by --root, or slo/ by --slo-dir"
                );
                return ExitCode::from(files::FAILED);
            }
        };
        let log = match self.command {
            Command::Show => {
                files::put(&show(&spec));
                return ExitCode::SUCCESS;
            }
            Command::Generate { root } => return report(generate(&spec, &root)),
            Command::Check { root, table } => return report(check(&spec, &root, table)),
            Command::Preview { prometheus, range, out } => {
                return report(preview(&spec, &prometheus, range, &out));
            }
            Command::Simulate(simulate) => return simulate.run(&spec),
            Command::Fleet(fleet) => return fleet.run(&spec),
            Command::WhatIf(what_if) => return what_if.run(&spec),
            Command::Replay { log } => log,
        };
        let replayed = match files::reader(&log) {
            Ok(lines) => replay(lines, &spec),
            Err(error) => {
                complain!("{}: {error}", log.display());
                return ExitCode::from(files::FAILED);
            }
        };
        match replayed {
            Ok(found) => {
                say!(
                    "{} events, {} decisions, {} different, hash {}",
                    found.events,
                    found.decisions,
                    found.different,
                    found.hash
                );
                if let Some(first) = found.first {
                    let json = |decision| serde_json::to_string(decision).unwrap_or_default();
                    say!(
                        "first difference in line {}:\n  recorded {}\n  now      {}",
                        first.line,
                        json(&first.recorded),
                        json(&first.now)
                    );
                }
                ExitCode::from(u8::from(found.different > 0))
            }
            Err(error) => {
                complain!("{}: {error}", log.display());
                ExitCode::from(files::WRONG)
            }
        }
    }
}

fn report(outcome: Result<ExitCode, String>) -> ExitCode {
    outcome.unwrap_or_else(|message| {
        complain!("error: {message}");
        ExitCode::from(files::FAILED)
    })
}

fn generate(spec: &Spec, root: &Path) -> Result<ExitCode, String> {
    let all = svgx_operations::generate_in(spec, root).map_err(|e| e.to_string())?;
    let mut written = 0;
    for artefact in &all {
        let path = root.join(&artefact.path);
        // A file that is not there, or not text, is written anew.
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        if old == artefact.text {
            continue;
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| format!("{}: {e}", parent.display()))?;
        }
        std::fs::write(&path, &artefact.text).map_err(|e| format!("{}: {e}", path.display()))?;
        say!("wrote {}", artefact.path);
        written += 1;
    }
    say!("{written} of {} files changed", all.len());
    Ok(ExitCode::SUCCESS)
}

fn check(spec: &Spec, root: &Path, table: bool) -> Result<ExitCode, String> {
    if table {
        print_table(spec)?;
    }
    let known = |words: &[String]| {
        let words = std::iter::once("svgx".to_owned()).chain(words.iter().cloned());
        super::Cli::try_parse_from(words)
            .map(|_| ())
            .map_err(|e| e.to_string().lines().next().unwrap_or_default().to_owned())
    };
    let report = check::check(spec, root, &CommandCheck(&known)).map_err(|e| e.to_string())?;
    for problem in &report.problems {
        say!("{problem}");
    }
    say!("{} files compared, {} problems", report.compared, report.problems.len());
    Ok(ExitCode::from(u8::from(!report.problems.is_empty())))
}

fn print_table(spec: &Spec) -> Result<(), String> {
    let rows = svgx_operations::table(spec).map_err(|e| e.to_string())?;
    say!("{}", svgx_operations::Row::HEADING);
    for row in &rows {
        say!("{row}");
    }
    let names: BTreeSet<&str> = rows.iter().map(|r| r.alert.as_str()).collect();
    let proved = rows.iter().filter(|r| r.silent > 0 && r.firing > 0 && r.resolved > 0).count();
    let tests: usize = rows.iter().map(|r| r.tests).sum();
    say!(
        "{} alerts in {} rules, {tests} tests; driven from silent to firing to resolved: {proved} rules\n",
        names.len(),
        rows.len()
    );
    Ok(())
}

fn preview(spec: &Spec, at: &str, range: u64, out: &Path) -> Result<ExitCode, String> {
    let source = Source::new(at, svgx_operations::scrape(spec));
    std::fs::create_dir_all(out).map_err(|e| format!("{}: {e}", out.display()))?;
    for dashboard in svgx_operations::dashboards(spec).map_err(|e| e.to_string())? {
        let path = out.join(format!("{}.svg", dashboard.uid));
        let picture = draw(&dashboard, &source, range).map_err(|e| e.to_string())?;
        std::fs::write(&path, picture).map_err(|e| format!("{}: {e}", path.display()))?;
        say!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
