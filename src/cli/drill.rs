//! `svgx drill`: make alerts fire on a stack of their own, and mend it by their pages.

use std::cmp::Reverse;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use svgx_controller::spec::Spec;
use svgx_operations::drill::{Found, Outcome, Place, Plan, find, game_day, names, run, scorecard};
use svgx_operations::stack::PORTS;

use super::time::time;
use super::{files, number};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The alerts, or the drill of one rule of them (`ErrorBudgetBurn-3d`).
    #[arg(required_unless_present_any = ["all", "scorecard", "game_day"])]
    alerts: Vec<String>,
    /// Every alert that has a drill; the light ones side by side, the heavy ones alone.
    #[arg(long, conflicts_with = "alerts")]
    all: bool,
    /// Make one of the faults, chosen at random and not told; say which alert's page it is, and
    /// mend it. Every light drill may come, or only those named.
    #[arg(long, conflicts_with_all = ["all", "scorecard"])]
    game_day: bool,
    /// With `--game-day`: chooses the fault.
    #[arg(long, requires = "game_day", value_parser = number::whole::<u64>, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// With `--game-day`: how long the operator has.
    #[arg(long, value_name = "TIME", requires = "game_day", default_value = "30m", value_parser = time)]
    limit: Duration,
    /// Print the table of what was drilled, from the journals.
    #[arg(long)]
    scorecard: bool,
    /// Drills side by side.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
    /// Where the stacks keep their state, a folder for each alert.
    #[arg(long, value_name = "DIR", default_value = "target/drill")]
    state_dir: PathBuf,
    /// The root under which alerts/, chaos/, k8s/ and runbooks/ lie.
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// Fourteen ports from this one on for each drill; free ones without.
    #[arg(long, value_name = "PORT")]
    port_base: Option<u16>,
    /// Another program as the engine: a release, or a build with fault points.
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// Write no journals under runbooks/.
    #[arg(long)]
    no_journal: bool,
}

/// How it went: passed, skipped, failed.
type Counts = (usize, usize, usize);

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        match self.drills() {
            Ok(code) => code,
            Err(error) => {
                complain!("svgx drill: {error}");
                ExitCode::from(2)
            }
        }
    }

    fn drills(&self) -> Result<ExitCode, String> {
        let spec = Spec::from_dir(&self.root.join("slo")).map_err(|e| e.to_string())?;
        let every = self.all || self.game_day && self.alerts.is_empty();
        let chosen = if every { names(&spec)? } else { self.alerts.clone() };
        let mut plans = Vec::new();
        for name in &chosen {
            match find(&spec, &self.root, name)? {
                Found::Drills(all) => plans.extend(all),
                Found::None(reason) => say!("{name}: not drilled: {reason}"),
            }
        }
        if self.game_day {
            return self.play(&spec, plans);
        }
        // The longest first, so that none is left alone in the end.
        plans.sort_by_key(|plan| Reverse(plan.within()));
        let (passed, skipped, failed) = self.side_by_side(&spec, &plans);
        if !plans.is_empty() {
            say!("{passed} passed, {skipped} skipped, {failed} failed");
        }
        if self.scorecard {
            files::put(&scorecard(&spec, &self.root)?);
        }
        Ok(match (passed, skipped, failed) {
            (_, _, 1..) => ExitCode::from(1),
            // What the machine cannot do is no pass.
            (0, 1.., 0) => ExitCode::from(77),
            _ => ExitCode::SUCCESS,
        })
    }

    fn play(&self, spec: &Spec, mut plans: Vec<Plan>) -> Result<ExitCode, String> {
        plans.retain(|plan| self.alerts.contains(&plan.name) || !plan.heavy());
        let seed = self.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        let place = Place {
            dir: self.state_dir.join("game-day"),
            port_base: self.port_base,
            engine: self.engine.clone(),
        };
        let stop = super::chaos::interrupted();
        let (to, operator) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let lines = std::io::stdin().lines().map_while(Result::ok);
            lines.map(|line| to.send(line)).take_while(Result::is_ok).for_each(drop);
        });
        let say = |line: &str| say!("{line}");
        // One that this machine cannot do is left out, and another is chosen.
        while !plans.is_empty() {
            let chosen = svgx_base::random::mix(seed) % plans.len() as u64;
            let plan = plans.swap_remove(usize::try_from(chosen).unwrap_or_default());
            match game_day(spec, &plan, &place, (self.limit, &stop), &operator, &say) {
                Ok(score) => {
                    say!("{}", serde_json::to_string_pretty(&score).unwrap_or_default());
                    return Ok(ExitCode::from(u8::from(!score.passed())));
                }
                Err(Outcome::Failed(failure)) => return Err(failure.to_string()),
                Err(_) => {}
            }
        }
        Err("this machine can do none of the faults".to_owned())
    }

    fn side_by_side(&self, spec: &Spec, plans: &[Plan]) -> Counts {
        let stop = super::chaos::interrupted();
        let (light, heavy): (Vec<&Plan>, Vec<&Plan>) = plans.iter().partition(|p| !p.heavy());
        let counts = Mutex::new((0, 0, 0));
        let left = Mutex::new(light.iter().enumerate());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|| {
                    loop {
                        let next = left.lock().map(|mut left| left.next());
                        let Ok(Some((n, plan))) = next else { return };
                        self.one(spec, plan, n, &stop, &counts);
                    }
                });
            }
        });
        for (n, plan) in heavy.iter().enumerate() {
            self.one(spec, plan, light.len() + n, &stop, &counts);
        }
        counts.into_inner().unwrap_or_default()
    }

    fn one(&self, spec: &Spec, plan: &Plan, n: usize, stop: &AtomicBool, counts: &Mutex<Counts>) {
        let name = &plan.name;
        let offset = u16::try_from(PORTS * n).ok();
        let port_base = self.port_base.and_then(|base| base.checked_add(offset?));
        let place =
            Place { dir: self.state_dir.join(name), port_base, engine: self.engine.clone() };
        let outcome = run(spec, plan, &place, stop, &|line| say!("{name:<26} {line}"));
        let (passed, skipped, failed) = match outcome {
            Outcome::Passed(journal) => {
                let kept =
                    if self.no_journal { Ok(None) } else { journal.write(&self.root).map(Some) };
                match kept {
                    Ok(kept) => {
                        let to = kept.as_deref().map_or_else(String::new, |p: &Path| {
                            format!(", journal {}", p.display())
                        });
                        say!(
                            "{name:<26} passed: detected in {:.0} s, over {:.0} s after{to}",
                            journal.detect_s,
                            journal.recover_s
                        );
                        (1, 0, 0)
                    }
                    Err(error) => {
                        complain!("{name:<26} its journal cannot be written: {error}");
                        (0, 0, 1)
                    }
                }
            }
            Outcome::Skipped(reason) => {
                say!("{name:<26} skipped: {reason}");
                (0, 1, 0)
            }
            Outcome::Failed(failure) => {
                complain!("{name:<26} FAILED at {failure}");
                (0, 0, 1)
            }
        };
        if let Ok(mut counts) = counts.lock() {
            *counts = (counts.0 + passed, counts.1 + skipped, counts.2 + failed);
        }
    }
}
