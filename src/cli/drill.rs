//! `svgx drill`: make alerts fire on a stack of their own, and mend it by their pages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use svgx_controller::spec::Spec;
use svgx_operations::drill::{Found, Outcome, Place, Plan, find, names, run, scorecard};

use super::files;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The alerts.
    #[arg(required_unless_present_any = ["all", "scorecard"])]
    alerts: Vec<String>,
    /// Every alert that has a drill; the light ones side by side, the heavy ones alone.
    #[arg(long, conflicts_with = "alerts")]
    all: bool,
    /// Print the table of what was drilled, from the journals.
    #[arg(long)]
    scorecard: bool,
    /// Drills side by side.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
    /// Where the stacks keep their state, a folder for each alert.
    #[arg(long, value_name = "DIR", default_value = "target/drill")]
    state_dir: PathBuf,
    /// The root under which alerts/, chaos/, k8s/ and runbooks/ lie.
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// Eight ports from this one on for each drill; free ones without.
    #[arg(long, value_name = "PORT")]
    port_base: Option<u16>,
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
        let chosen = if self.all { names(&spec)? } else { self.alerts.clone() };
        let mut plans = Vec::new();
        for name in &chosen {
            match find(&spec, &self.root, name)? {
                Found::Drill(plan) => plans.push(*plan),
                Found::None(reason) => say!("{name}: not drilled: {reason}"),
            }
        }
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
        let name = &plan.alert;
        let offset = u16::try_from(8 * n).ok();
        let port_base = self.port_base.and_then(|base| base.checked_add(offset?));
        let place = Place { dir: self.state_dir.join(name), port_base };
        let outcome = run(spec, plan, &place, stop, &|line| say!("{name:<19} {line}"));
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
                            "{name:<19} passed: detected in {:.0} s, over {:.0} s after{to}",
                            journal.detect_s,
                            journal.recover_s
                        );
                        (1, 0, 0)
                    }
                    Err(error) => {
                        complain!("{name:<19} its journal cannot be written: {error}");
                        (0, 0, 1)
                    }
                }
            }
            Outcome::Skipped(reason) => {
                say!("{name:<19} skipped: {reason}");
                (0, 1, 0)
            }
            Outcome::Failed(failure) => {
                complain!("{name:<19} FAILED at {failure}");
                (0, 0, 1)
            }
        };
        if let Ok(mut counts) = counts.lock() {
            *counts = (counts.0 + passed, counts.1 + skipped, counts.2 + failed);
        }
    }
}
