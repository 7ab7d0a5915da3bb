//! `svgx stack`: the real engine, Collector, Prometheus and Alertmanager on this machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use svgx_operations::stack::{Error, Part, Ports, Stack, receiver};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where logs, data and the list of what runs are kept.
    #[arg(long, global = true, value_name = "DIR", default_value = "target/stack")]
    state_dir: PathBuf,
    /// The root under which alerts/ and k8s/ lie.
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Start what does not run yet; print where everything listens.
    Up {
        /// Only these parts; all of them without.
        parts: Vec<Part>,
        /// Choose free ports instead of 8000, 9464, 9090, 9093, 4317.
        #[arg(long, value_enum, default_value_t = Choice::Usual)]
        ports: Choice,
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
            Command::Up { parts, ports } => up(&stack, &all(parts), ports),
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
            ExitCode::from(1)
        })
    }
}

fn all(parts: Vec<Part>) -> Vec<Part> {
    // In the order they depend on each other, whatever was typed.
    Part::ALL.into_iter().filter(|p| parts.is_empty() || parts.contains(p)).collect()
}

fn up(stack: &Stack, parts: &[Part], ports: Choice) -> Result<ExitCode, Error> {
    let ports = match ports {
        Choice::Usual => Ports::Usual,
        Choice::Free => Ports::Free,
    };
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
