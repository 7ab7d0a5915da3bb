//! `svgx slo`: look at the objectives, write and check what follows from them,
//! replay a decision log, simulate.

mod simulate;
mod what_if;

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use svgx_engine::ops::{self, Artefact};
use svgx_engine::slo::controller::replay;
use svgx_engine::slo::spec::{Spec, show};

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
        /// The log, one JSON value per line.
        log: PathBuf,
    },
    /// What would have been under another spec: the requests of a decision log,
    /// played again in virtual time.
    WhatIf(what_if::WhatIf),
    /// Play scenarios in virtual time, ours beside its rivals.
    Simulate(simulate::Simulate),
    /// Write rules, their tests and the routing of alerts.
    Generate {
        /// The root under which the files lie.
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Compare what is on disk with what `generate` would write.
    Check {
        /// The root under which the files lie.
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let dir = match &self.command {
            Command::Generate { root } | Command::Check { root } => {
                Some(self.slo_dir.clone().unwrap_or_else(|| root.join("slo")))
            }
            _ => self.slo_dir.clone(),
        };
        let spec = dir.as_deref().map_or_else(Spec::embedded, Spec::from_dir);
        let spec = match spec {
            Ok(spec) => spec,
            Err(errors) => {
                eprintln!("{errors}");
                return ExitCode::from(1);
            }
        };
        let log = match self.command {
            Command::Show => {
                print!("{}", show(&spec));
                return ExitCode::SUCCESS;
            }
            Command::Generate { root } => return with_artefacts(&spec, &root, generate),
            Command::Check { root } => return with_artefacts(&spec, &root, check),
            Command::Simulate(simulate) => return simulate.run(&spec),
            Command::WhatIf(what_if) => return what_if.run(&spec),
            Command::Replay { log } => log,
        };
        let replayed = match std::fs::File::open(&log) {
            Ok(file) => replay(BufReader::new(file), &spec),
            Err(error) => {
                eprintln!("{}: {error}", log.display());
                return ExitCode::from(2);
            }
        };
        match replayed {
            Ok(found) => {
                println!(
                    "{} events, {} decisions, {} different, hash {}",
                    found.events, found.decisions, found.different, found.hash
                );
                if let Some(first) = found.first {
                    println!(
                        "first difference in line {}:\n  recorded {:?}\n  now      {:?}",
                        first.line, first.recorded, first.now
                    );
                }
                ExitCode::from(u8::from(found.different > 0))
            }
            Err(error) => {
                eprintln!("{}: {error}", log.display());
                ExitCode::from(1)
            }
        }
    }
}

fn with_artefacts(
    spec: &Spec,
    root: &Path,
    run: fn(&Path, &[Artefact]) -> Result<ExitCode, String>,
) -> ExitCode {
    let outcome =
        ops::generate(spec).map_err(|e| e.to_string()).and_then(|artefacts| run(root, &artefacts));
    outcome.unwrap_or_else(|message| {
        eprintln!("error: {message}");
        ExitCode::from(1)
    })
}

fn generate(root: &Path, all: &[Artefact]) -> Result<ExitCode, String> {
    let mut written = 0;
    for artefact in all {
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
        println!("wrote {}", artefact.path);
        written += 1;
    }
    println!("{written} of {} files changed", all.len());
    Ok(ExitCode::SUCCESS)
}

fn check(root: &Path, all: &[Artefact]) -> Result<ExitCode, String> {
    let mut findings = 0;
    for artefact in all {
        let old = std::fs::read_to_string(root.join(&artefact.path)).unwrap_or_default();
        if let Some(line) = first_difference(&old, &artefact.text) {
            findings += 1;
            println!("{}:{line}: differs from slo/; run `svgx slo generate`", artefact.path);
        }
    }
    println!("{} files compared, {findings} differ", all.len());
    Ok(ExitCode::from(u8::from(findings > 0)))
}

fn first_difference(old: &str, new: &str) -> Option<usize> {
    let same = old.lines().zip(new.lines()).take_while(|(a, b)| a == b).count();
    (old != new).then_some(same + 1)
}
