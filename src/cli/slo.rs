//! `svgx slo`: look at the objectives, replay a decision log.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use svgx_engine::slo::controller::replay;
use svgx_engine::slo::spec::{Spec, show};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Read the objectives from this folder instead of the ones compiled in.
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
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let spec = self.slo_dir.as_deref().map_or_else(Spec::embedded, Spec::from_dir);
        let spec = match spec {
            Ok(spec) => spec,
            Err(errors) => {
                eprintln!("{errors}");
                return ExitCode::from(1);
            }
        };
        let Command::Replay { log } = self.command else {
            print!("{}", show(&spec));
            return ExitCode::SUCCESS;
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
