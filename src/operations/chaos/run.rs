//! An experiment is run: steady state, method, steady state, rollbacks always, and a third look.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use svgx_base::budget::Monotonic;

use super::experiment::{Activity, Experiment, Hypothesis};
use super::provider::Doer;
use super::{spawn, tolerance};

/// What came of an activity, as Chaos Toolkit writes it down.
#[derive(Clone, Debug)]
pub struct Done {
    /// For the journal.
    pub record: Value,
    /// Why it failed, or is out of tolerance.
    pub wrong: Option<String>,
}

/// Runs the activities of one experiment.
#[derive(Debug)]
pub struct Runner {
    doer: Doer,
}

impl Runner {
    /// A runner for `experiment`, which lies at `file`. `variables` come before those of this
    /// process, and programs see them.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(
        experiment: &Experiment,
        file: &Path,
        variables: Vec<(String, String)>,
    ) -> Result<Runner, String> {
        let variable = |key: &str| {
            let given = variables.iter().find(|(name, _)| name == key).map(|(_, v)| v.clone());
            given.or_else(|| std::env::var(key).ok())
        };
        let values = experiment.values(&variable)?;
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty());
        let modules = folder.unwrap_or(Path::new(".")).to_owned();
        Ok(Runner { doer: Doer { values, modules, variables, python: OnceLock::new() } })
    }

    /// Does one activity, with its pauses.
    pub fn activity(&self, activity: &Activity) -> Done {
        pause(activity.pauses.before);
        let (start, clock) = (now(), Monotonic::new());
        let outcome = self.doer.activity(&activity.provider);
        let duration = spawn::elapsed(&clock).as_secs_f64();
        let mut record = json!({
            "activity": activity.text, "output": null, "start": start, "status": "succeeded",
            "end": now(), "duration": duration,
        });
        let mut wrong = None;
        match outcome {
            Ok(output) => {
                if let Some(expected) = &activity.tolerance {
                    let held = tolerance::within(expected, &output, &self.doer.values);
                    record["tolerance_met"] = held.is_ok().into();
                    wrong = held.err();
                }
                record["output"] = output;
            }
            Err(error) => {
                record["status"] = "failed".into();
                record["exception"] = json!([error]);
                if activity.tolerance.is_some() {
                    record["tolerance_met"] = false.into();
                }
                wrong = Some(error);
            }
        }
        pause(activity.pauses.after);
        Done { record, wrong }
    }

    /// Looks at the steady state; the second is what does not hold.
    pub fn steady_state(&self, state: &Hypothesis) -> (Value, Option<String>) {
        let mut probes = Vec::new();
        for probe in &state.probes {
            let done = self.activity(probe);
            probes.push(done.record);
            if let Some(wrong) = done.wrong {
                let met = json!({"steady_state_met": false, "probes": probes});
                return (met, Some(format!("{}: {wrong}", probe.name)));
            }
        }
        (json!({"steady_state_met": true, "probes": probes}), None)
    }

    /// Does activities in order; one in the background is waited for in the end.
    pub fn activities(
        &self,
        all: &[Activity],
        stop: &AtomicBool,
        say: &(dyn Fn(&str) + Sync),
    ) -> Vec<Done> {
        std::thread::scope(|scope| {
            let mut done: Vec<Option<Done>> = Vec::new();
            let mut background = Vec::new();
            for activity in all {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                say(&activity.name);
                if activity.background {
                    background.push((done.len(), scope.spawn(|| self.activity(activity))));
                    done.push(None);
                } else {
                    let one = self.activity(activity);
                    if let Some(wrong) = &one.wrong {
                        say(&format!("  failed: {wrong}"));
                    }
                    done.push(Some(one));
                }
            }
            for (n, thread) in background {
                if let (Some(slot), Ok(one)) = (done.get_mut(n), thread.join()) {
                    *slot = Some(one);
                }
            }
            done.into_iter().flatten().collect()
        })
    }
}

fn pause(seconds: f64) {
    if seconds > 0.0 {
        std::thread::sleep(Duration::from_secs_f64(seconds));
    }
}

/// The time of day.
#[allow(clippy::disallowed_methods, reason = "journals and samples say when")]
fn since_epoch() -> Duration {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default()
}

/// Seconds of the epoch.
pub(crate) fn unix_seconds() -> u64 {
    since_epoch().as_secs()
}

/// The time of day, as ISO 8601.
pub(crate) fn now() -> String {
    let ms = i64::try_from(since_epoch().as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |t| t.to_string())
}

/// The journal of a run, and whether all went as expected.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// In the shape of Chaos Toolkit's.
    pub journal: Value,
    /// What did not go as expected; empty: all did.
    pub wrong: Vec<String>,
}

/// Runs a whole experiment. When `stop` is set, no further activity of the method begins.
///
/// # Errors
/// It cannot begin: a variable is missing.
pub fn run(
    experiment: &Experiment,
    whole: &Value,
    file: &Path,
    stop: &AtomicBool,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Outcome, String> {
    run_with(experiment, whole, file, Vec::new(), stop, say)
}

/// The same, with `variables` before those of this process.
pub(super) fn run_with(
    experiment: &Experiment,
    whole: &Value,
    file: &Path,
    variables: Vec<(String, String)>,
    stop: &AtomicBool,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Outcome, String> {
    let runner = Runner::new(experiment, file, variables)?;
    let (start, clock) = (now(), Monotonic::new());
    let mut wrong = Vec::new();
    let (mut states, mut method) = (Map::new(), Vec::new());
    let mut deviated = false;
    let mut status = "completed";
    let mut look = |when: &str, wrong: &mut Vec<String>| {
        say(&format!("steady state {when}"));
        let Some(state) = &experiment.steady_state else { return true };
        let (record, broken) = runner.steady_state(state);
        states.insert(when.to_owned(), record);
        if let Some(broken) = &broken {
            say(&format!("  does not hold: {broken}"));
            wrong.push(format!("steady state {when}: {broken}"));
        }
        broken.is_none()
    };
    if look("before", &mut wrong) {
        method = runner.activities(&experiment.method, stop, say);
        if stop.load(Ordering::SeqCst) {
            status = "interrupted";
            wrong.push("interrupted".to_owned());
        } else if !look("after", &mut wrong) {
            (status, deviated) = ("failed", true);
        }
    } else {
        status = "failed";
    }
    // Always, and all of them, an interrupt or not.
    let rollbacks = runner.activities(&experiment.rollbacks, &AtomicBool::new(false), say);
    // Chaos Toolkit takes it that rollbacks do what they say; here it is looked at.
    if !look("after-rollbacks", &mut wrong) && status == "completed" {
        (status, deviated) = ("failed", true);
    }
    for (done, what) in
        method.iter().map(|d| (d, "method")).chain(rollbacks.iter().map(|d| (d, "rollback")))
    {
        if let Some(why) = &done.wrong {
            let name = done.record.pointer("/activity/name").and_then(Value::as_str);
            wrong.push(format!("{what}: {}: {why}", name.unwrap_or_default()));
        }
    }
    states.insert("during".to_owned(), json!([]));
    let records = |all: Vec<Done>| all.into_iter().map(|d| d.record).collect::<Vec<_>>();
    let journal = json!({
        "chaoslib-version": concat!("svgx ", env!("CARGO_PKG_VERSION")),
        "platform": std::env::consts::OS,
        "node": rustix::system::uname().nodename().to_string_lossy(),
        "experiment": whole,
        "start": start,
        "status": status,
        "deviated": deviated,
        "steady_states": states,
        "run": records(method),
        "rollbacks": records(rollbacks),
        "end": now(),
        "duration": spawn::elapsed(&clock).as_secs_f64(),
    });
    Ok(Outcome { journal, wrong })
}
