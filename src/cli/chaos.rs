//! `svgx chaos`: break something of the local stack, and look what it does.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use svgx_operations::chaos::can::{Capability, can};
use svgx_operations::chaos::experiment::Experiment;
use svgx_operations::chaos::fault::{self, Fault};
use svgx_operations::chaos::soak::Soak;
use svgx_operations::chaos::{guard, run};
use svgx_operations::stack::{Part, Stack};

use super::time::time;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print which faults this machine can do, and why not the others.
    Can {
        /// Only these; all of them without.
        faults: Vec<String>,
        /// How it is printed.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Run an experiment of Chaos Toolkit's format, without Chaos Toolkit. Rollbacks always run.
    Run {
        /// The experiment.
        file: PathBuf,
        /// Where the journal is written, in Chaos Toolkit's shape.
        #[arg(long, value_name = "FILE", default_value = "target/chaos/journal.json")]
        journal: PathBuf,
        /// Only read it: exit 0 when it can be run.
        #[arg(long)]
        validate: bool,
    },
    /// Break a part of the local stack, until the time is over or whoever called this has ended.
    Inject(Inject),
    /// Undo what was injected.
    Undo {
        #[command(flatten)]
        at: At,
    },
    /// Run one fault after another against one engine, and look what it holds all the while: fail
    /// when memory rises or descriptors stay open. The engine and its collector are its own.
    Soak {
        /// Experiments, in turn; without any all of chaos/ that have the tag `soak`.
        experiments: Vec<PathBuf>,
        /// All together.
        #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
        lasts: Duration,
        /// From the beginning of a fault to that of the next.
        #[arg(long, value_name = "TIME", default_value = "2m", value_parser = time)]
        every: Duration,
        /// The engine; this program without.
        #[arg(long, value_name = "FILE")]
        engine: Option<PathBuf>,
        /// Where the engine keeps its state.
        #[arg(long, value_name = "DIR", default_value = "target/soak")]
        state_dir: PathBuf,
        /// The root under which chaos/ lies.
        #[arg(long, value_name = "DIR", default_value = ".")]
        root: PathBuf,
        /// Where the figures are written.
        #[arg(long, value_name = "FILE", default_value = "target/soak.json")]
        journal: PathBuf,
    },
    /// Wait until the runner has died, and undo.
    #[command(hide = true)]
    Guard {
        #[command(flatten)]
        at: At,
        #[arg(long)]
        runner: String,
        #[arg(long)]
        lasts: u64,
        #[arg(long)]
        down: bool,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Which stack.
#[derive(Debug, clap::Args)]
struct At {
    /// Where the stack keeps its state.
    #[arg(long, value_name = "DIR", env = "SVGX_STACK_DIR", default_value = "target/stack")]
    state_dir: PathBuf,
    /// The root under which alerts/ and k8s/ lie.
    #[arg(long, value_name = "DIR", env = "SVGX_STACK_ROOT", default_value = ".")]
    root: PathBuf,
}

impl At {
    fn stack(&self) -> Stack {
        Stack::new(&self.state_dir, &self.root)
    }
}

#[derive(Debug, clap::Args)]
struct Inject {
    #[command(flatten)]
    at: At,
    /// What is done.
    #[arg(value_enum)]
    fault: Kind,
    /// To whom.
    part: Part,
    /// Per cent of one processor (quota), or bytes that a file may still grow (limit-files).
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
    /// A variable of what is rolled out; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    set: Vec<(String, String)>,
    /// The longest it lasts.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    lasts: Duration,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Stop,
    /// SIGSTOP for seven seconds of fourteen.
    Pauses,
    /// A share of one processor.
    Quota,
    /// Another configuration, from `--set`.
    Rollout,
    /// No file may grow.
    LimitFiles,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(n, v)| (n.to_owned(), v.to_owned())).ok_or_else(|| "expected NAME=VALUE".to_owned())
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Can { faults, format } => can(&faults).map(|all| print(&all, format)),
            Command::Run { file, journal, validate } => experiment(&file, &journal, validate),
            Command::Inject(inject) => inject.run(),
            Command::Soak { experiments, lasts, every, engine, state_dir, root, journal } => {
                let own = || std::env::current_exe().map_err(|e| e.to_string());
                engine.map_or_else(own, Ok).and_then(|program| {
                    let absolute = |p: &Path| std::path::absolute(p).map_err(|e| e.to_string());
                    let (state, root) = (absolute(&state_dir)?, absolute(&root)?);
                    soak(&Soak { root, program, state, experiments, lasts, every }, &journal)
                })
            }
            Command::Undo { at } => guard::undo(&at.stack(), false)
                .map(|n| {
                    say!("{n} undone");
                    ExitCode::SUCCESS
                })
                .map_err(|e| e.to_string()),
            Command::Guard { at, runner, lasts, down } => {
                let lasts = Duration::from_secs(lasts);
                guard::guard(&at.stack(), &runner, lasts, down, &mut |line| say!("{line}"))
                    .map(|()| ExitCode::SUCCESS)
                    .map_err(|e| e.to_string())
            }
        };
        outcome.unwrap_or_else(|error| {
            complain!("svgx chaos: {error}");
            ExitCode::from(1)
        })
    }
}

fn print(all: &[Capability], format: Format) -> ExitCode {
    match format {
        Format::Json => say!("{}", serde_json::to_string_pretty(all).unwrap_or_default()),
        Format::Table => {
            for c in all {
                say!(
                    "{:<4} {:<11} {:<40} {}",
                    if c.able { "yes" } else { "no" },
                    c.name,
                    c.fault,
                    c.why
                );
            }
        }
    }
    ExitCode::SUCCESS
}

fn experiment(file: &Path, journal: &Path, validate: bool) -> Result<ExitCode, String> {
    let (experiment, whole) = Experiment::read(file).map_err(|e| e.to_string())?;
    if experiment.skips_rollbacks() {
        complain!("{}: rollbacks run all the same", file.display());
    }
    if validate {
        say!("{}: valid", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    say!("{}", experiment.title);
    let stop = interrupted();
    let outcome = run::run(&experiment, &whole, file, &stop, &|line| say!("{line}"))?;
    let failed = |e: std::io::Error| format!("{}: {e}", journal.display());
    if let Some(folder) = journal.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(journal, format!("{:#}\n", outcome.journal)).map_err(failed)?;
    for wrong in &outcome.wrong {
        complain!("{wrong}");
    }
    let well = outcome.journal["status"] == "completed" && outcome.journal["deviated"] == false;
    say!(
        "{}, journal {}",
        outcome.journal["status"].as_str().unwrap_or_default(),
        journal.display()
    );
    Ok(ExitCode::from(u8::from(!well)))
}

fn soak(soak: &Soak, journal: &Path) -> Result<ExitCode, String> {
    let stop = interrupted();
    let report = soak.run(&stop, &|line| say!("{line}"))?;
    let text = serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?;
    std::fs::write(journal, text + "\n").map_err(|e| format!("{}: {e}", journal.display()))?;
    for wrong in &report.wrong {
        complain!("{wrong}");
    }
    say!(
        "memory {:+.2} MB in ten minutes, descriptors {} to {}, journal {}",
        report.memory_mb_in_10_min,
        report.descriptors[0],
        report.descriptors[1],
        journal.display()
    );
    Ok(ExitCode::from(u8::from(!report.wrong.is_empty())))
}

/// Set by the first interrupt, so that rollbacks run; the second ends the process.
pub(super) fn interrupted() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut end) = signal(SignalKind::terminate()) else { return };
            loop {
                tokio::select! {
                    _ = end.recv() => {}
                    got = tokio::signal::ctrl_c() => if got.is_err() { return },
                }
                if set.swap(true, Ordering::SeqCst) {
                    std::process::exit(130);
                }
            }
        });
    });
    stop
}

impl Inject {
    fn run(self) -> Result<ExitCode, String> {
        let wants = |what: &str| self.to.ok_or_else(|| format!("{what} wants --to NUMBER"));
        let fault = match self.fault {
            Kind::Kill => Fault::Kill,
            Kind::Stop => Fault::Stop,
            Kind::Pauses => Fault::Pauses,
            Kind::Quota => Fault::Quota(wants("quota")?),
            Kind::Rollout if self.set.is_empty() => {
                return Err("rollout wants --set NAME=VALUE".to_owned());
            }
            Kind::Rollout => Fault::Rollout(self.set.clone()),
            Kind::LimitFiles => Fault::LimitFiles(self.to.unwrap_or_default()),
        };
        let runner = std::os::unix::process::parent_id();
        let said = fault::inject(&self.at.stack(), self.part, &fault, runner, self.lasts);
        say!("{}", said.map_err(|e| e.to_string())?);
        Ok(ExitCode::SUCCESS)
    }
}
