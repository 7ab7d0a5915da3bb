//! One file per subcommand. A command reads its files and flags, calls the
//! library, and prints; it decides nothing itself.

use std::process::ExitCode;

mod config;

/// Runs SVGX drawings: check, format, compile, render, simulate, serve.
#[derive(Debug, clap::Parser)]
#[command(name = "svgx", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the configuration in force and where each value came from.
    Config(config::Args),
}

impl Cli {
    pub(crate) fn run(self) -> ExitCode {
        match self.command {
            Command::Config(args) => args.run(),
        }
    }
}
