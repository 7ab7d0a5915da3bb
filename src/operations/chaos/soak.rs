//! A soak: one engine, fault after fault for an hour, and what it holds all the while. What a fault
//! leaves behind shows as memory that rises, or as descriptors that are not closed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use svgx_base::budget::Monotonic;

use super::can;
use super::experiment::Experiment;
use super::run::{self, now};
use super::spawn;
use crate::stack::Process;

/// The most that the memory may rise, in MB (1 000 000 bytes) in ten minutes.
const MOST_MB: f64 = 1.0;
/// The most descriptors that may be open in the end beyond those after the warm-up.
const MOST_DESCRIPTORS: f64 = 4.0;
/// Between two looks at the engine.
const LOOK: Duration = Duration::from_secs(5);
/// The share of the time after which pools and caches are warm; what rises before is no leak.
const WARM: f64 = 0.25;
/// How long the stack may take to start, and to end.
const START: Duration = Duration::from_secs(120);
/// Every experiment with this tag is one of a soak.
const TAG: &str = "soak";

/// What is soaked, and how long.
#[derive(Clone, Debug)]
pub struct Soak {
    /// The root of the project: `chaos/` is there.
    pub root: PathBuf,
    /// The engine.
    pub program: PathBuf,
    /// Where it keeps its state.
    pub state: PathBuf,
    /// Files of experiments, in turn; all that have the tag `soak` when there are none.
    pub experiments: Vec<PathBuf>,
    /// All together.
    pub lasts: Duration,
    /// From the beginning of a fault to that of the next.
    pub every: Duration,
}

/// How often an experiment was run, and what did not go as expected.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rounds {
    /// Times.
    pub run: u32,
    /// One line for each time it failed.
    pub failed: Vec<String>,
}

/// One look at the engine.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// Minutes since the beginning.
    pub minute: f64,
    /// What it holds, in MB.
    pub memory_mb: f64,
    /// Open descriptors.
    pub descriptors: f64,
}

/// What a soak has shown.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When it began, in UTC.
    pub began: String,
    /// Seconds.
    pub lasted_s: f64,
    /// Seconds between two faults.
    pub every_s: u64,
    /// What the engine says it is.
    pub engine: String,
    /// Rounds by experiment.
    pub experiments: BTreeMap<String, Rounds>,
    /// What the machine cannot do, with the reason.
    pub skipped: BTreeMap<String, String>,
    /// How the memory rose after the warm-up (a line of least squares), in MB in ten minutes.
    pub memory_mb_in_10_min: f64,
    /// The most that it may.
    pub memory_mb_in_10_min_most: f64,
    /// Descriptors after the warm-up and in the end: medians of a tenth of the looks.
    pub descriptors: [f64; 2],
    /// Processor time of the engine, as a share of one processor.
    pub cores: f64,
    /// Medians of each tenth of the time.
    pub samples: Vec<Sample>,
    /// What is not as it has to be.
    pub wrong: Vec<String>,
}

/// The engine and its collector, ended when this is dropped.
struct Running<'s> {
    soak: &'s Soak,
    variables: Vec<(String, String)>,
    traffic: Option<Child>,
}

impl Soak {
    fn python(&self, words: &[&str]) -> Command {
        let mut command = Command::new("python3");
        command.arg(self.root.join("chaos/svgx_chaos.py")).args(words);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    fn start(&self) -> Result<Running<'_>, String> {
        let mut up = self.python(&["up"]);
        up.arg(&self.state).arg(&self.program);
        let ended = spawn::run(&mut up, START).map_err(|e| format!("python3: {e}"))?;
        if !ended.well() {
            return Err(format!("the engine does not start: {}", ended.last_words()));
        }
        let exports = ended.stdout.lines().filter_map(|line| line.strip_prefix("export "));
        let pairs = exports.filter_map(|line| line.split_once('='));
        let mut variables: Vec<_> = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        // The engine may be another program, or an older one: it is not asked what can be done.
        let own = std::env::current_exe().map_err(|e| e.to_string())?;
        variables.push(("SVGX_CHAOS_CAN".to_owned(), own.to_string_lossy().into_owned()));
        Ok(Running { soak: self, variables, traffic: None })
    }

    /// The files to run, and those that cannot be run here.
    fn files(&self) -> Result<(Vec<PathBuf>, BTreeMap<String, String>), String> {
        let mut files = self.experiments.clone();
        if files.is_empty() {
            let folder = self.root.join("chaos");
            let entries = std::fs::read_dir(&folder).map_err(|e| e.to_string())?;
            let all = entries.flatten().map(|e| e.path());
            let mut all: Vec<_> =
                all.filter(|p| p.extension().is_some_and(|e| e == "yaml")).collect();
            all.sort();
            for path in all {
                let (experiment, _) = Experiment::read(&path).map_err(|e| e.to_string())?;
                if experiment.tags.iter().any(|t| t == TAG) {
                    files.push(path);
                }
            }
        }
        let mut skipped = BTreeMap::new();
        let mut able = Vec::new();
        for path in files {
            let (experiment, _) = Experiment::read(&path).map_err(|e| e.to_string())?;
            let needs = experiment.extension()["needs"].as_array().cloned().unwrap_or_default();
            let needs = needs.iter().filter_map(Value::as_str).filter_map(can::can_do);
            match needs.into_iter().find(|c| !c.able) {
                Some(missing) => {
                    let _ =
                        skipped.insert(stem(&path), format!("{}: {}", missing.name, missing.why));
                }
                None => able.push(path),
            }
        }
        if able.is_empty() {
            Err("there is no experiment to run".to_owned())
        } else {
            Ok((able, skipped))
        }
    }

    /// Runs it; `say` hears of each round. What `stop` cuts short has failed.
    ///
    /// # Errors
    /// It cannot begin.
    pub fn run(&self, stop: &AtomicBool, say: &(dyn Fn(&str) + Sync)) -> Result<Report, String> {
        let (files, skipped) = self.files()?;
        let began = now();
        let mut running = self.start()?;
        running.send()?;
        let engine = running.engine()?;
        let clock = Monotonic::new();
        let at = || spawn::elapsed(&clock);
        let samples = Mutex::new(Vec::new());
        let (over, before) = (AtomicBool::new(false), used(&engine));
        let mut experiments: BTreeMap<String, Rounds> = BTreeMap::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let seen = look(&engine, at().as_secs_f64() / 60.0);
                    if let (Some(seen), Ok(mut samples)) = (seen, samples.lock()) {
                        samples.push(seen);
                    }
                    std::thread::sleep(LOOK);
                }
            });
            let mut due = Duration::ZERO;
            for path in files.iter().cycle() {
                while at() < due && at() < self.lasts && !stop.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(200));
                }
                if at() >= self.lasts || stop.load(Ordering::SeqCst) || !engine.runs() {
                    break;
                }
                due += self.every;
                let wrong = one(path, &running.variables, stop);
                let minute = at().as_secs() / 60;
                say(&format!(
                    "{minute:>3} min  {}: {}",
                    stem(path),
                    wrong.as_deref().unwrap_or("well")
                ));
                let rounds = experiments.entry(stem(path)).or_default();
                rounds.run += 1;
                rounds.failed.extend(wrong);
            }
            over.store(true, Ordering::SeqCst);
        });
        let lasted_s = at().as_secs_f64();
        let cores = (used(&engine) - before) / lasted_s.max(1.0);
        let samples = samples.into_inner().unwrap_or_default();
        let mut wrong = Vec::new();
        if !engine.runs() {
            wrong.push("the engine ended".to_owned());
        }
        if stop.load(Ordering::SeqCst) {
            wrong.push("interrupted".to_owned());
        }
        let failed: usize = experiments.values().map(|r| r.failed.len()).sum();
        if failed > 0 {
            wrong.push(format!("{failed} rounds did not go as expected"));
        }
        let warm: Vec<Sample> = samples
            .iter()
            .copied()
            .filter(|s| s.minute * 60.0 >= WARM * self.lasts.as_secs_f64())
            .collect();
        let rise = 10.0 * slope(&warm);
        if rise > MOST_MB {
            wrong.push(format!(
                "memory rises by {rise:.2} MB in ten minutes, at most {MOST_MB} may"
            ));
        }
        let tenth = (warm.len() / 10).max(1);
        let ends = [warm.get(..tenth), warm.len().checked_sub(tenth).and_then(|n| warm.get(n..))];
        let descriptors = ends.map(|some| median(some.unwrap_or_default(), |s| s.descriptors));
        if descriptors[1] > descriptors[0] + MOST_DESCRIPTORS {
            wrong.push(format!("descriptors rise from {} to {}", descriptors[0], descriptors[1]));
        }
        let hundredth = |v: f64| (100.0 * v).round() / 100.0;
        let tenths = samples.chunks((samples.len() / 10).max(1)).map(|some| Sample {
            minute: median(some, |s| s.minute).round(),
            memory_mb: hundredth(median(some, |s| s.memory_mb)),
            descriptors: median(some, |s| s.descriptors),
        });
        Ok(Report {
            began,
            lasted_s: lasted_s.round(),
            every_s: self.every.as_secs(),
            engine: running.version(),
            experiments,
            skipped,
            memory_mb_in_10_min: hundredth(rise),
            memory_mb_in_10_min_most: MOST_MB,
            descriptors,
            cores: hundredth(cores),
            samples: tenths.collect(),
            wrong,
        })
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Runs one experiment; what did not go as expected.
fn one(path: &Path, variables: &[(String, String)], stop: &AtomicBool) -> Option<String> {
    let (experiment, whole) = match Experiment::read(path) {
        Ok(read) => read,
        Err(error) => return Some(error.to_string()),
    };
    match run::run_with(&experiment, &whole, path, variables.to_vec(), stop, &|_| ()) {
        Ok(outcome) if outcome.wrong.is_empty() => None,
        Ok(outcome) => Some(outcome.wrong.join("; ")),
        Err(error) => Some(error),
    }
}

impl Running<'_> {
    fn variable(&self, name: &str) -> String {
        let found = self.variables.iter().find(|(n, _)| n == name);
        found.map(|(_, v)| v.clone()).unwrap_or_default()
    }

    /// The engine's process, from the list of the stack.
    fn engine(&self) -> Result<Process, String> {
        let path = self.soak.state.join("stack.json");
        let text =
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let list: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        let pid = list.pointer("/engine/pid").and_then(Value::as_u64);
        let pid = pid.and_then(|pid| u32::try_from(pid).ok());
        pid.and_then(Process::of).ok_or_else(|| "the engine does not run".to_owned())
    }

    /// A little traffic between the faults.
    fn send(&mut self) -> Result<(), String> {
        let failed = |e: std::io::Error| format!("svgx load: {e}");
        let keys = std::fs::read_to_string(self.soak.state.join("keys")).map_err(failed)?;
        let key = keys.lines().find_map(|line| line.strip_prefix("steady:")).unwrap_or_default();
        let own = std::env::current_exe().map_err(failed)?;
        let log = std::fs::File::create(self.soak.state.join("traffic.log")).map_err(failed)?;
        let mut load = Command::new(own);
        load.args(["load", "--profile"])
            .arg(self.soak.root.join("chaos/drills/soak.load.yaml"))
            .args(["--url", &format!("http://{}", self.variable("SVGX_CHAOS_PUBLIC"))])
            .args(["--duration", &format!("{}s", self.soak.lasts.as_secs() + 600)])
            .env("SVGX_LOAD_KEYS", key)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log);
        self.traffic = Some(load.spawn().map_err(failed)?);
        Ok(())
    }

    fn version(&self) -> String {
        let said = spawn::run(Command::new(&self.soak.program).arg("--version"), START);
        said.map(|s| s.stdout.trim().to_owned()).unwrap_or_default()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(mut traffic) = self.traffic.take() {
            let _ = traffic.kill();
            let _ = traffic.wait();
        }
        // It undoes what may be left, and ends the engine and its collector.
        let _ = spawn::run(self.soak.python(&["down"]).arg(&self.soak.state), START);
    }
}

/// What the engine holds; none when it is gone.
fn look(engine: &Process, minute: f64) -> Option<Sample> {
    let folder = PathBuf::from(format!("/proc/{}", engine.id()?.as_raw_nonzero()));
    let status = std::fs::read_to_string(folder.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    let descriptors = std::fs::read_dir(folder.join("fd")).ok()?.count();
    Some(Sample {
        minute,
        memory_mb: kilobytes * 1024.0 / 1e6,
        descriptors: f64::from(u32::try_from(descriptors).unwrap_or(u32::MAX)),
    })
}

/// Seconds of processor that a process has used.
fn used(process: &Process) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap_or_default();
    let fields = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    // User and system time are fields 14 and 15, the one after the name is 3; a hundred ticks a second.
    let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The rise of the line of least squares through the memory, in MB a minute.
fn slope(samples: &[Sample]) -> f64 {
    let mean = |of: fn(&Sample) -> f64| {
        let (sum, n) = samples.iter().fold((0.0, 0.0), |(sum, n), s| (sum + of(s), n + 1.0));
        sum / f64::max(n, 1.0)
    };
    let (minute, memory) = (mean(|s| s.minute), mean(|s| s.memory_mb));
    let both: f64 = samples.iter().map(|s| (s.minute - minute) * (s.memory_mb - memory)).sum();
    let square: f64 = samples.iter().map(|s| (s.minute - minute).powi(2)).sum();
    if square > 0.0 { both / square } else { 0.0 }
}

fn median(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let mut all: Vec<f64> = samples.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_has_a_slope_and_noise_has_none() {
        let samples = |rise: f64, noise: f64| -> Vec<Sample> {
            let sample = |n: u32| {
                let minute = f64::from(n) / 12.0;
                let noise = if n.is_multiple_of(2) { noise } else { -noise };
                Sample { minute, memory_mb: 80.0 + rise * minute + noise, descriptors: 20.0 }
            };
            (0..720).map(sample).collect()
        };
        for (rise, noise) in [(0.2, 0.0), (0.2, 3.0), (0.0, 3.0), (-0.1, 0.0)] {
            let found = slope(&samples(rise, noise));
            assert!((found - rise).abs() < 0.005, "{rise} with {noise}: {found}");
        }
        assert_eq!(slope(&[]).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn a_process_is_looked_at() {
        let own = Process::of(std::process::id()).expect("it runs");
        let seen = look(&own, 0.0).expect("seen");
        assert!(seen.memory_mb > 0.5 && seen.descriptors >= 3.0, "{seen:?}");
        assert!(used(&own) >= 0.0);
    }
}
