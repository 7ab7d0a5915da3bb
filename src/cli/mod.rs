//! One file per subcommand. A command reads its files and flags, calls the
//! library, and prints; it decides nothing itself.

// A command whose reader has left must not panic: `say!` and `complain!` print.
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use clap::FromArgMatches as _;

#[macro_use]
mod files;

mod chaos;
mod check;
mod compile;
mod completions;
mod config;
mod drill;
mod edit;
mod evaluate;
mod examples;
mod export;
mod fmt;
mod import;
mod internal;
mod jobs;
mod load;
mod man;
mod network;
mod number;
mod render;
mod serve;
mod simulate;
mod slo;
mod solve;
mod stack;
mod staging;
mod style;
mod time;
mod top;
mod trace;
mod work;

/// Runs SVGX drawings: check, format, compile, render, simulate, solve, serve.
#[derive(Debug, clap::Parser)]
#[command(name = "svgx", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Say nothing beside the result: no warnings, no totals, no progress. Failures are told.
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Break something of the local stack, and look what it does.
    Chaos(chaos::Args),
    /// Report what is wrong with drawings, and where.
    Check(check::Args),
    /// Compile a drawing to plain SVG or to the JSON model.
    Compile(compile::Args),
    /// Print what a shell needs to complete commands and flags.
    Completions(completions::Args),
    /// Print the configuration in force and where each value came from.
    Config(config::Args),
    /// Make alerts fire by real faults on a local stack, and mend it by their pages.
    Drill(drill::Args),
    /// Edit a drawing by a list of operations: trim, fillet, offset, combine and all others.
    Edit(edit::Args),
    /// Evaluate the formulas of a drawing: values with units, or why there are none.
    Evaluate(evaluate::Args),
    /// Write a drawing for other programs: DXF, PDF.
    Export(export::Args),
    /// Rewrite drawings into the one canonical form.
    Fmt(fmt::Args),
    /// Read a drawing of another program: DXF.
    Import(import::Args),
    /// Look at the queue of jobs that processes share, and at what was set aside.
    Jobs(jobs::Args),
    /// Load a running service: an open loop, latency from when a request was due.
    Load(Box<load::Args>),
    /// Print the manual, or write one page per command.
    Man(man::Args),
    /// Solve the networks of a drawing: electrical, water, air, heat, frames.
    Network(network::Args),
    /// Render a drawing to PNG.
    Render(render::Args),
    /// Serve the endpoints over HTTP.
    Serve(Box<serve::Args>),
    /// Simulate the physics of a drawing: frames, contacts, reactions at rest.
    Simulate(simulate::Args),
    /// The objectives and everything that follows from them.
    Slo(slo::Args),
    /// Solve the geometric constraints of a drawing, and say what they leave open.
    Solve(solve::Args),
    /// Deploy, validate, roll back, back up.
    Staging(staging::Args),
    /// Run engine, Collector, Prometheus and Alertmanager on this machine.
    Stack(stack::Args),
    /// Watch a running service in a terminal.
    Top(top::Args),
    /// Draw one trace as a waterfall.
    Trace(trace::Args),
    /// Take jobs from the queue of the store, and do nothing else.
    Work(Box<work::Args>),
}

impl Cli {
    /// What the command line said; it ends the process where that is nothing to run.
    pub(crate) fn read() -> Cli {
        let matches = examples::command().get_matches();
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    pub(crate) fn run(self) -> ExitCode {
        style::be_quiet(self.quiet);
        files::code(match self.command {
            Command::Chaos(args) => args.run(),
            Command::Check(args) => args.run(),
            Command::Compile(args) => args.run(),
            Command::Completions(args) => args.run(),
            Command::Config(args) => args.run(),
            Command::Drill(args) => args.run(),
            Command::Edit(args) => args.run(),
            Command::Evaluate(args) => args.run(),
            Command::Export(args) => args.run(),
            Command::Fmt(args) => args.run(),
            Command::Import(args) => args.run(),
            Command::Jobs(args) => args.run(),
            Command::Load(args) => args.run(),
            Command::Man(args) => args.run(),
            Command::Network(args) => args.run(),
            Command::Render(args) => args.run(),
            Command::Serve(args) => args.run(),
            Command::Simulate(args) => args.run(),
            Command::Slo(args) => args.run(),
            Command::Solve(args) => args.run(),
            Command::Staging(args) => args.run(),
            Command::Stack(args) => args.run(),
            Command::Top(args) => args.run(),
            Command::Trace(args) => args.run(),
            Command::Work(args) => args.run(),
        })
    }
}
