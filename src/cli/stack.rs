//! `svgx stack`: the real engine, Collector, Prometheus and Alertmanager on this machine, and where
//! they are named a Redis, a second engine and a worker.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use svgx_operations::stack::{Error, Part, Ports, Stack, receiver};

use super::number;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where logs, data and the list of what runs are kept.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SVGX_STACK_DIR",
        default_value = "target/stack"
    )]
    state_dir: PathBuf,
    /// The root under which alerts/ and k8s/ lie.
    #[arg(long, global = true, value_name = "DIR", env = "SVGX_STACK_ROOT", default_value = ".")]
    root: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Start what does not run yet; print where everything listens.
    Up {
        /// Only these parts. Without, and beside `--with`, those that a stack has.
        parts: Vec<Part>,
        /// Beside those that a stack has.
        #[arg(long, value_name = "PART", conflicts_with = "parts")]
        with: Vec<Part>,
        /// Choose free ports instead of 8000, 9464, 9090, 9093, 4317.
        #[arg(long, value_enum, default_value_t = Choice::Usual)]
        ports: Choice,
        /// Fourteen ports from this one on: engine, internal, Collector (three), Prometheus,
        /// Alertmanager, receiver, store, the engine for its replica, replica (three), worker.
        #[arg(long, value_name = "PORT", conflicts_with = "ports", value_parser = number::whole::<u16>, allow_negative_numbers = true)]
        port_base: Option<u16>,
    },
    /// What the parts have said last.
    Logs {
        /// Only these parts; all of them without.
        parts: Vec<Part>,
        /// Lines of each.
        #[arg(long, default_value_t = 20, value_parser = number::whole::<usize>, allow_negative_numbers = true)]
        lines: usize,
    },
    /// Say what runs; exit 1 unless everything does.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// End what `up` started, and nothing else.
    Down {
        /// Only these parts; all of them without.
        parts: Vec<Part>,
    },
    /// Be the receiver of notifications.
    #[command(hide = true)]
    Receive {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        to: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Choice {
    /// The ports everybody knows.
    Usual,
    /// Whatever is free.
    Free,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let stack = Stack::new(&self.state_dir, &self.root);
        let outcome = match self.command {
            Command::Up { parts, with, ports, port_base } => {
                let ports = match (port_base, ports) {
                    (Some(base), _) => Ports::From(base),
                    (None, Choice::Usual) => Ports::Usual,
                    (None, Choice::Free) => Ports::Free,
                };
                let asked = |p: &Part| match parts.as_slice() {
                    [] => p.usual() || with.contains(p),
                    parts => parts.contains(p),
                };
                // In the order they depend on each other, whatever was typed.
                let parts: Vec<Part> = Part::ALL.into_iter().filter(asked).collect();
                up(&stack, &parts, ports)
            }
            Command::Logs { parts, lines } => logs(&stack, &all(parts), lines),
            Command::Status { json } => status(&stack, json),
            Command::Down { parts } => {
                stack.down(&all(parts), &mut |line| say!("{line}")).map(|n| {
                    say!("{n} ended");
                    ExitCode::SUCCESS
                })
            }
            Command::Receive { listen, to } => receiver::receive(listen, &to)
                .map(|()| ExitCode::SUCCESS)
                .map_err(|e| Error::File(to, e)),
        };
        outcome.unwrap_or_else(|error| {
            complain!("svgx stack: {error}");
            ExitCode::from(super::files::FAILED)
        })
    }
}

fn all(parts: Vec<Part>) -> Vec<Part> {
    // In the order they depend on each other, whatever was typed.
    Part::ALL.into_iter().filter(|p| parts.is_empty() || parts.contains(p)).collect()
}

fn logs(stack: &Stack, parts: &[Part], lines: usize) -> Result<ExitCode, Error> {
    let mut any = false;
    for part in parts {
        if let Some(text) = stack.log(*part, lines)? {
            any = true;
            say!("==> {part}");
            super::files::put(&text);
        }
    }
    if !any {
        complain!("svgx stack: nothing was started here, so there are no logs");
    }
    Ok(ExitCode::from(u8::from(!any)))
}

fn up(stack: &Stack, parts: &[Part], ports: Ports) -> Result<ExitCode, Error> {
    let at = stack.up(parts, ports, &mut |line| say!("{line}"))?;
    say!("ready. Alerts: http://{}/alerts. End it with `svgx stack down`.", at.prometheus);
    Ok(ExitCode::SUCCESS)
}

fn status(stack: &Stack, json: bool) -> Result<ExitCode, Error> {
    let all = stack.status()?;
    if json {
        say!("{}", serde_json::to_string(&all).unwrap_or_default());
    } else if all.is_empty() {
        say!("nothing was started");
    } else {
        for s in &all {
            let state = match (s.pid, s.ready) {
                (Some(pid), true) => format!("ready, pid {pid}"),
                (Some(pid), false) => format!("not ready, pid {pid}"),
                (None, _) => "does not run".to_owned(),
            };
            say!("{:<13} {state:<22} {}", s.part, s.address);
        }
    }
    let well = !all.is_empty() && all.iter().all(|s| s.ready);
    Ok(ExitCode::from(u8::from(!well)))
}
