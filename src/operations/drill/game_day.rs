//! A game day: a fault is made and not told. An operator has alerts, dashboards and runbooks, says
//! which alert's page it is, and mends it; what is counted is time.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde::Serialize;
use svgx_controller::spec::Spec;

use super::client::{Editor, Tally};
use super::failure::{Failure, Step};
use super::measured::tenth;
use super::plan::Plan;
use super::run::{Drill, Outcome, Place, Stepped, cannot};

const EVERY: Duration = Duration::from_secs(1);

/// How an operator did. Times are seconds since the fault.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Score {
    /// What it was: the drill whose fault was made.
    pub drill: String,
    /// When the alert fired; none where it never did.
    pub fired_s: Option<f64>,
    /// What the operator said it is, last.
    pub said: Option<String>,
    /// When it was said.
    pub said_s: Option<f64>,
    /// Answers, wrong ones too.
    pub answers: u32,
    /// Whether the last answer is right.
    pub right: bool,
    /// When it was mended: the alert is over and the steady state holds.
    pub mended_s: Option<f64>,
    /// Somebody who edited all the while.
    pub edits: Tally,
}

impl Score {
    /// Whether it was found and mended.
    pub fn passed(&self) -> bool {
        self.right && self.mended_s.is_some()
    }
}

/// Makes the fault of a drill, and listens to what the operator says, line by line, for at most
/// `limit`. `say` hears where to look.
///
/// # Errors
/// The machine cannot do it, or the stack is not well before the fault.
pub fn game_day(
    spec: &Spec,
    plan: &Plan,
    place: &Place,
    (limit, stop): (Duration, &AtomicBool),
    operator: &Receiver<String>,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Score, Outcome> {
    if let Some(cannot) = cannot(plan, place) {
        return Err(cannot);
    }
    // Steps would tell which fault it is.
    let mut drill = Drill::new(spec, plan, place, stop, &|_| ()).map_err(Outcome::Failed)?;
    let score = play(&mut drill, limit, stop, operator, say);
    drill.leave();
    score.map_err(Outcome::Failed)
}

fn play(
    drill: &mut Drill<'_>,
    limit: Duration,
    stop: &AtomicBool,
    operator: &Receiver<String>,
    say: &(dyn Fn(&str) + Sync),
) -> Stepped<Score> {
    let mut watch = drill.up()?;
    let runner = drill.runner()?;
    drill.send()?;
    let editor = Editor::start(drill.public());
    drill.steady(&mut watch, &runner)?;
    let file = environment(drill).map_err(|e| {
        Failure::new(Step::Stack, drill.stack.dir().display().to_string(), e.to_string())
    })?;
    drill.inject(&runner)?;
    let began = drill.at();
    say(&format!(
        "Something is wrong. Source {file} in your shell: runbooks/ and dashboards/ work with it.\n\
         Say here whose page it is (`ServiceDown`), and mend it; an empty line shows what fires."
    ));
    let plan = drill.plan;
    let mut score = Score { drill: plan.name.clone(), ..Score::default() };
    let mut heard = true;
    while !stop.load(Ordering::SeqCst) && drill.at() - began < limit.as_secs_f64() {
        let at = tenth(drill.at() - began);
        let alerts = watch.alerts().unwrap_or_default();
        let mut firing: Vec<&str> =
            alerts.iter().filter(|a| a.firing).map(|a| a.name.as_str()).collect();
        firing.dedup();
        if firing.contains(&plan.alert.as_str()) {
            score.fired_s.get_or_insert(at);
            score.mended_s = None;
        } else if score.fired_s.is_some() && score.mended_s.is_none() {
            let state = plan.experiment.steady_state.as_ref();
            let well = state.is_none_or(|s| runner.steady_state(s).1.is_none());
            if well && watch.unwell(&drill.stack, &|a| !a.firing || a.name != plan.alert).is_ok() {
                score.mended_s = Some(at);
                say(&format!("{at:.0} s: it is mended"));
            }
        }
        if score.mended_s.is_some() && (score.said.is_some() || !heard) {
            break;
        }
        match operator.recv_timeout(EVERY) {
            Ok(line) if line.trim().is_empty() => say(&format!("{at:.0} s: fires: {firing:?}")),
            Ok(line) => {
                let said = line.trim().to_owned();
                score.answers += 1;
                score.right = said == plan.alert;
                score.said = Some(said);
                score.said_s = Some(at);
                say(&format!("{at:.0} s: noted"));
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                heard = false;
                std::thread::sleep(EVERY);
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
    score.edits = editor.end().map_err(|e| Failure::new(Step::NothingLost, "the engine", e))?;
    Ok(score)
}

/// Writes what a shell has to know for the commands of the runbooks; answers the file.
fn environment(drill: &Drill<'_>) -> std::io::Result<String> {
    let mut text = String::new();
    for (name, value) in &drill.variables {
        // What the engine was started with belongs to it alone.
        if matches!(name.as_str(), "PATH" | "SVGX" | "PROMETHEUS" | "ENGINE")
            || name.starts_with("SVGX_STACK_")
        {
            let _ = writeln!(text, "export {name}='{}'", value.replace('\'', "'\\''"));
        }
    }
    let path = drill.stack.dir().join("environment");
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}
