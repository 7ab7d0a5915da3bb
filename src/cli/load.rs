//! `svgx load`: see [`svgx_load`].
//!
//! Exit status: 0 when every threshold was met, 1 when one was missed, 2 when
//! there was no run.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use svgx_base::budget::Class;
use svgx_controller::spec::Spec;
use svgx_load::overload::Plan;
use svgx_load::{Arrivals, Options, Phase, Profile, Target, Thresholds, bombs, crowd, lone, run};

use super::files;
use super::number;
use super::style::Ticking;
use super::time::time;

/// Bounded by time, requests, connections and patience; this machine only unless told otherwise.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Start the engine itself, measure what it can do, and ask for one to ten times that and
    /// for floods of physics, with the controller and without: ten minutes, and a table.
    #[arg(long, conflicts_with_all = ["url", "warm_up", "duration", "rate", "times", "flood"])]
    overload: bool,
    /// Start the engine itself for one client that waits for its answers, with requests of all
    /// sizes, and fail when any is refused: several minutes, and a table.
    #[arg(long, conflicts_with_all = ["overload", "url", "warm_up", "duration", "rate", "times",
        "flood"])]
    lone: bool,
    /// Start the engine itself for crowds that come at once and come back when they are told, and
    /// fail when `Retry-After` was wrong by more than a factor of two for more than three in ten.
    #[arg(long, conflicts_with_all = ["lone", "overload", "url", "warm_up", "duration", "rate",
        "times", "flood"])]
    crowd: bool,
    /// Paint 200 drawings whose references multiply, by the command and over HTTP, while another
    /// client drags and clicks; fail when one takes more than a second or 512 MB, or P95 of the
    /// clicks is past its budget: a minute, and a table.
    #[arg(long, conflicts_with_all = ["crowd", "lone", "overload", "url", "warm_up", "duration",
        "rate", "times", "flood"])]
    bombs: bool,
    /// With `--bombs`: drawings at the most.
    #[arg(long, requires = "bombs", value_name = "COUNT", default_value_t = 200,
        value_parser = number::whole::<usize>, allow_negative_numbers = true)]
    most: usize,
    /// With `--overload`: busy programs beside the engine, as compilers would be.
    #[arg(long, requires = "overload", value_name = "PROGRAMS", default_value_t = 0,
        value_parser = number::whole::<usize>, allow_negative_numbers = true)]
    neighbours: usize,
    /// With `--overload`: a few seconds for each phase.
    #[arg(long, requires = "overload")]
    quick: bool,
    /// With `--overload`: the length of a phase.
    #[arg(long, requires = "overload", value_name = "TIME", default_value = "30s",
        value_parser = time, allow_negative_numbers = true)]
    phase: Duration,
    /// With `--overload`: only with the controller.
    #[arg(long, requires = "overload")]
    no_contrast: bool,
    /// With `--overload` and `--crowd`: processors the engine counts on.
    #[arg(long, default_value_t = 2, value_parser = number::whole::<usize>,
        allow_negative_numbers = true)]
    cores: usize,
    /// Where the service listens; of several, separated by commas, connections go to each in turn.
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    url: String,
    /// Allow another machine to be loaded.
    #[arg(long)]
    allow_remote: bool,
    /// `reference`, `guide`, `physics`, `health`, or a YAML file.
    #[arg(long, default_value = "reference")]
    profile: String,
    /// Requests a second, all together, in the profile's mix; the profile's own rates without.
    #[arg(long, value_name = "RATE",
        value_parser = number::number, allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Times the profile's rates.
    #[arg(long, default_value_t = 1.0,
        value_parser = number::number, allow_negative_numbers = true)]
    times: f64,
    /// A class at a multiple of its own: `physics=10`.
    #[arg(long, value_name = "CLASS=TIMES", value_parser = flood)]
    flood: Vec<(Class, f64)>,
    /// How long to send.
    #[arg(long, value_name = "TIME", default_value = "30s",
        value_parser = time, allow_negative_numbers = true)]
    duration: Duration,
    /// Sent before, at the profile's rates, and not counted in the thresholds.
    #[arg(long, value_name = "TIME", default_value = "0s",
        value_parser = time, allow_negative_numbers = true)]
    warm_up: Duration,
    /// `constant` or `poisson`.
    #[arg(long, default_value = "constant")]
    arrivals: Arrivals,
    /// Seed of the random arrivals and of the digits that make bodies new.
    #[arg(long, default_value_t = 1,
        value_parser = number::whole::<u64>, allow_negative_numbers = true)]
    seed: u64,
    /// A bearer key; may be given several times, and they are used in turn.
    #[arg(long, env = "SVGX_LOAD_KEYS", value_delimiter = ',', hide_env_values = true)]
    key: Vec<String>,
    /// Connections at the most.
    #[arg(long, default_value_t = 512,
        value_parser = number::whole::<usize>, allow_negative_numbers = true)]
    connections: usize,
    /// How long an answer is waited for.
    #[arg(long, value_name = "TIME", default_value = "5s",
        value_parser = time, allow_negative_numbers = true)]
    patience: Duration,
    /// Requests at the most.
    #[arg(long, default_value_t = 5_000_000,
        value_parser = number::whole::<u64>, allow_negative_numbers = true)]
    max_requests: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write the JSON here as well.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Read the budgets from this folder instead of the ones compiled in.
    #[arg(long, value_name = "DIR")]
    slo_dir: Option<PathBuf>,
    /// Fail when P95 of a class is past its budget in any ten-second window.
    #[arg(long)]
    expect_budgets: bool,
    /// Fail when P95 of a class is past this in any ten-second window: `ui=20ms`.
    #[arg(long, value_name = "CLASS=TIME", value_parser = p95)]
    max_p95: Vec<(Class, Duration)>,
    /// Fail when a class has a smaller share of answers inside its budget.
    #[arg(long, value_name = "SHARE",
        value_parser = number::number, allow_negative_numbers = true)]
    min_goodput: Option<f64>,
    /// Fail when a larger share of a class is refused.
    #[arg(long, value_name = "SHARE",
        value_parser = number::number, allow_negative_numbers = true)]
    max_shed: Option<f64>,
    /// Fail when a larger share of requests fails or has no answer.
    #[arg(long, value_name = "SHARE",
        value_parser = number::number, allow_negative_numbers = true)]
    max_errors: Option<f64>,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        let spec = match self.slo_dir.as_deref().map_or_else(Spec::embedded, Spec::from_dir) {
            Ok(spec) => spec,
            Err(errors) => return refuse(&errors),
        };
        let profile = match Profile::find(&self.profile) {
            Ok(profile) => profile,
            Err(error) => return refuse(&error),
        };
        let profile = match self.rate {
            Some(rate) if rate.is_finite() && rate > 0.0 => profile.at_rate(rate),
            Some(_) => return refuse(&"--rate must be more than 0"),
            None => profile,
        };
        if self.overload {
            return self.overload(profile, &spec);
        }
        if self.lone {
            return self.lone();
        }
        if self.crowd {
            return self.crowd();
        }
        if self.bombs {
            return self.bombs(&spec);
        }
        let target = match Target::parse(&self.url, self.allow_remote) {
            Ok(target) => target,
            Err(error) => return refuse(&error),
        };
        let thresholds = Thresholds {
            p95: self.max_p95,
            budgets: self.expect_budgets,
            goodput: self.min_goodput,
            shed: self.max_shed,
            errors: self.max_errors,
        };
        let mut phase = Phase::new("load", self.duration, self.times);
        phase.of_class.extend(self.flood);
        let mut phases = vec![phase];
        if !self.warm_up.is_zero() {
            phases.insert(0, Phase::new("warm-up", self.warm_up, 1.0));
        }
        let options = Options {
            keys: self.key,
            arrivals: self.arrivals,
            seed: self.seed,
            connections: self.connections,
            patience: self.patience,
            most: self.max_requests,
            watch: None,
        };
        let ticking = Ticking::new("sending", self.duration + self.warm_up);
        let done = run(&target, &profile, &phases, &options, &spec);
        drop(ticking);
        let mut report = match done {
            Ok(report) => report,
            Err(error) => return refuse(&error),
        };
        if let Err(failed) = show(&report, self.json, self.out.as_deref()) {
            return failed;
        }
        report.phases.retain(|phase| phase.name != "warm-up");
        missed(&thresholds.misses(&report))
    }
}

impl Args {
    fn overload(self, profile: Profile, spec: &Spec) -> ExitCode {
        self.with_own_engine(
            |program| {
                let plan = Plan {
                    program,
                    profile,
                    cores: self.cores.max(1),
                    phase: if self.quick { Duration::from_secs(3) } else { self.phase },
                    arrivals: self.arrivals,
                    seed: self.seed,
                    contrast: !self.no_contrast,
                    neighbours: self.neighbours,
                };
                plan.run(spec, &progress)
            },
            |_| Vec::new(),
        )
    }

    fn lone(&self) -> ExitCode {
        self.with_own_engine(
            |program| {
                let sizes = lone::Plan::SIZES.to_vec();
                lone::Plan { program, sizes, requests: 12 }.run(&progress)
            },
            |findings| match findings.refused() {
                0 => Vec::new(),
                refused => vec![format!("{refused} requests of a lone client were refused")],
            },
        )
    }

    fn crowd(&self) -> ExitCode {
        self.with_own_engine(
            |program| {
                let clients = crowd::Plan::CLIENTS.to_vec();
                crowd::Plan { program, clients, cores: self.cores.max(1) }.run(&progress)
            },
            |findings| match findings.told_true() {
                share if share >= 0.7 => Vec::new(),
                share => vec![format!("{share:.2} were told a time that was true; 0.7 are asked")],
            },
        )
    }

    fn bombs(&self, spec: &Spec) -> ExitCode {
        let Some(clicks) = spec.objective(Class::Ui) else {
            return refuse(&"the objectives have no budget for clicks");
        };
        self.with_own_engine(
            |program| {
                let plan = bombs::Plan { program, budget: clicks.budget, most: self.most };
                plan.run(&progress)
            },
            bombs::Findings::misses,
        )
    }

    /// Runs a plan that starts this program as the engine under test, and shows its findings and
    /// what they miss.
    fn with_own_engine<F: Display + Serialize, E: Display>(
        &self,
        run: impl FnOnce(PathBuf) -> Result<F, E>,
        misses: impl FnOnce(&F) -> Vec<String>,
    ) -> ExitCode {
        let program = match myself() {
            Ok(program) => program,
            Err(error) => return refuse(&error),
        };
        let findings = match run(program) {
            Ok(findings) => findings,
            Err(error) => return refuse(&error),
        };
        match show(&findings, self.json, self.out.as_deref()) {
            Ok(()) => missed(&misses(&findings)),
            Err(failed) => failed,
        }
    }
}

/// Says which thresholds were missed.
fn missed<M: Display>(misses: &[M]) -> ExitCode {
    for miss in misses {
        complain!("missed: {miss}");
    }
    ExitCode::from(u8::from(!misses.is_empty()))
}

/// Prints what was found, and writes it where asked.
fn show<F: Display + Serialize>(
    findings: &F,
    as_json: bool,
    out: Option<&Path>,
) -> Result<(), ExitCode> {
    let json = serde_json::to_string_pretty(findings).map_err(|error| refuse(&error))?;
    if let Some(path) = out {
        std::fs::write(path, &json)
            .map_err(|error| refuse(&format!("{}: {error}", path.display())))?;
    }
    if as_json {
        say!("{json}");
    } else {
        files::put(&findings.to_string());
    }
    Ok(())
}

fn progress(what: &str) {
    complain!("svgx load: {what}");
}

/// This program, to be started as the engine under test.
fn myself() -> std::io::Result<PathBuf> {
    if cfg!(debug_assertions) {
        complain!("svgx load: this is a build without optimisation; its figures mean nothing");
    }
    std::env::current_exe()
}

fn refuse(error: &dyn Display) -> ExitCode {
    complain!("svgx load: {error}");
    ExitCode::from(2)
}

fn class(name: &str) -> Result<Class, String> {
    Class::ALL
        .into_iter()
        .find(|class| class.as_str() == name)
        .ok_or_else(|| format!("{name:?} is no class; expected ui, redraw, physics or batch"))
}

fn pair(text: &str) -> Result<(Class, &str), String> {
    let (name, value) = text.split_once('=').ok_or("expected CLASS=VALUE")?;
    Ok((class(name)?, value))
}

fn flood(text: &str) -> Result<(Class, f64), String> {
    let (class, value) = pair(text)?;
    let times: f64 = value.parse().map_err(|_| format!("{value:?} is no number"))?;
    if times.is_finite() && times >= 0.0 {
        Ok((class, times))
    } else {
        Err("must be 0 or more".to_owned())
    }
}

fn p95(text: &str) -> Result<(Class, Duration), String> {
    let (class, value) = pair(text)?;
    Ok((class, time(value)?))
}
