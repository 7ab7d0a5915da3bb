//! A drill: the stack is started, the fault is made, the alert has to fire and to be told, and the
//! commands of the page have to mend it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use svgx_base::budget::Monotonic;
use svgx_controller::spec::Spec;

use super::client::Editor;
use super::dose::Dose;
use super::failure::{Failure, Step};
use super::journal::Journal;
use super::measured::{self, tenth};
use super::plan::{MARGIN, Plan};
use super::watch::Watch;
use crate::alert::Alert;
use crate::chaos::run::{Runner, now, unix_seconds};
use crate::chaos::{can, guard, spawn};
use crate::runbook::Block;
use crate::stack::{self, Part, Process, Stack};

/// How long the stack may take to start, on a busy machine.
const START: Duration = Duration::from_secs(240);
/// How long it may take until all is well in the beginning.
const STEADY: u64 = 120;
/// How long a block of diagnosis may take, and one of mitigation.
const DIAGNOSIS: Duration = Duration::from_secs(60);
const MITIGATION: Duration = Duration::from_secs(180);
/// Alertmanager gathers for ten seconds before it tells.
const TELLS: u64 = 60;
/// How long other alerts that the experiment names may go on after the drill's own is over.
const SETTLES: u64 = 420;
const EVERY: Duration = Duration::from_secs(1);
/// Seconds after which a wait says what it waits for.
const SILENCE: f64 = 30.0;
/// A drill that lasts longer than this is undone by its guardian.
const LONGEST: Duration = Duration::from_secs(5_400);

/// Where a drill runs.
#[derive(Clone, Debug)]
pub struct Place {
    /// The folder of its stack; what was there of an earlier drill is removed.
    pub dir: PathBuf,
    /// Fourteen ports from this one on; free ones without.
    pub port_base: Option<u16>,
    /// The engine; this program without.
    pub engine: Option<PathBuf>,
}

/// How a drill ended.
#[derive(Debug)]
pub enum Outcome {
    /// The alert fired, and the page mended it.
    Passed(Box<Journal>),
    /// The machine cannot do the fault, for this reason.
    Skipped(String),
    /// Something is not as it has to be.
    Failed(Failure),
}

/// Runs a drill; `say` hears of each step.
pub fn run(
    spec: &Spec,
    plan: &Plan,
    place: &Place,
    stop: &AtomicBool,
    say: &(dyn Fn(&str) + Sync),
) -> Outcome {
    if let Some(cannot) = cannot(plan, place) {
        return cannot;
    }
    let mut drill = match Drill::new(spec, plan, place, stop, say) {
        Ok(drill) => drill,
        Err(failure) => return Outcome::Failed(failure),
    };
    let outcome = drill.steps();
    drill.leave();
    match outcome {
        Ok(journal) => Outcome::Passed(Box::new(journal)),
        Err(failure) => Outcome::Failed(failure),
    }
}

/// Why a drill cannot be run here.
pub(super) fn cannot(plan: &Plan, place: &Place) -> Option<Outcome> {
    for need in &plan.extension.needs {
        match can::can_do_with(need, place.engine.as_deref()) {
            Some(found) if found.able => {}
            Some(found) => return Some(Outcome::Skipped(format!("{need}: {}", found.why))),
            None => {
                let message = format!("needs {need}, which `svgx chaos can` does not know");
                let failure = Failure::new(Step::Needs, &plan.experiment_file, message);
                return Some(Outcome::Failed(failure));
            }
        }
    }
    None
}

pub(super) struct Drill<'d> {
    spec: &'d Spec,
    pub(super) plan: &'d Plan,
    pub(super) stack: Stack,
    port_base: Option<u16>,
    stop: &'d AtomicBool,
    say: &'d (dyn Fn(&str) + Sync),
    clock: Monotonic,
    /// What the page's commands, the experiment and the stack hear.
    pub(super) variables: Vec<(String, String)>,
    guardian: Option<Child>,
    traffic: Option<Child>,
    began: String,
}

/// What a step comes to.
pub(super) type Stepped<T> = Result<T, Failure>;

impl<'d> Drill<'d> {
    pub(super) fn new(
        spec: &'d Spec,
        plan: &'d Plan,
        place: &Place,
        stop: &'d AtomicBool,
        say: &'d (dyn Fn(&str) + Sync),
    ) -> Stepped<Drill<'d>> {
        let failed = |e: std::io::Error| {
            Failure::new(Step::Stack, place.dir.display().to_string(), e.to_string())
        };
        let stack = Stack::new(&place.dir, &plan.root);
        // What an earlier drill left, if its guardian could not.
        let _ = guard::undo(&stack, true);
        stack.down(&Part::ALL, &mut |_| ()).map_err(|e| failed(std::io::Error::other(e)))?;
        match std::fs::remove_dir_all(&place.dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
        let bin = stack.path("bin");
        std::fs::create_dir_all(&bin).map_err(failed)?;
        let own = std::env::current_exe().map_err(failed)?;
        std::os::unix::fs::symlink(&own, bin.join("svgx")).map_err(failed)?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(bin).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(paths).map_err(|e| failed(std::io::Error::other(e)))?;
        let text = |p: &Path| p.to_string_lossy().into_owned();
        let mut variables = vec![
            ("PATH".to_owned(), path.to_string_lossy().into_owned()),
            ("SVGX_STACK_DIR".to_owned(), text(stack.dir())),
            ("SVGX_STACK_ROOT".to_owned(), text(stack.root())),
            // Traffic and edits come from one address without a key.
            ("SVGX_RATE_LIMIT".to_owned(), "off".to_owned()),
        ];
        if let Some(engine) = &place.engine {
            let engine = std::path::absolute(engine).map_err(failed)?;
            variables.push((stack::ENGINE.to_owned(), text(&engine)));
        }
        variables.extend(plan.dose.iter().flat_map(Dose::variables));
        variables.extend(plan.extension.engine.iter().map(|(k, v)| (k.clone(), v.clone())));
        let me = Process::of(std::process::id())
            .ok_or_else(|| failed(std::io::Error::other("/proc cannot be read")))?;
        let guardian = guard::start(&stack, &me, LONGEST, true).map_err(failed)?;
        Ok(Drill {
            spec,
            plan,
            stack,
            port_base: place.port_base,
            stop,
            say,
            clock: Monotonic::new(),
            variables,
            guardian: Some(guardian),
            traffic: None,
            began: now(),
        })
    }

    pub(super) fn at(&self) -> f64 {
        spawn::elapsed(&self.clock).as_secs_f64()
    }

    fn tell(&self, step: Step, what: &str) {
        (self.say)(&format!("{:>5.0} s  {step:<19} {what}", self.at()));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.variables.iter().map(|(k, v)| (k, v))).current_dir(self.stack.root());
        command
    }

    /// Waits until `done` says yes; the error is what it said last.
    fn until(
        &self,
        step: Step,
        place: &str,
        seconds: u64,
        done: &mut dyn FnMut() -> Result<(), String>,
    ) -> Stepped<()> {
        let end = self.at() + seconds as f64;
        let mut speaks = self.at() + SILENCE;
        loop {
            let Err(last) = done() else { return Ok(()) };
            if self.stop.load(Ordering::SeqCst) {
                return Err(Failure::new(step, place, "interrupted"));
            }
            if self.at() > end {
                return Err(Failure::new(step, place, format!("not within {seconds} s: {last}")));
            }
            if self.at() > speaks {
                self.tell(step, &format!("waiting: {last}"));
                speaks = self.at() + SILENCE;
            }
            std::thread::sleep(EVERY);
        }
    }

    fn steps(&mut self) -> Stepped<Journal> {
        let plan = self.plan;
        let mut watch = self.up()?;
        let runner = self.runner()?;
        self.send()?;
        let editor = Editor::start(self.public());
        self.steady(&mut watch, &runner)?;

        self.tell(Step::Inject, &plan.experiment.title);
        let injected = self.at();
        self.inject(&runner)?;
        let firing = |watch: &mut Watch| -> Result<Vec<_>, String> {
            let all = watch.alerts()?;
            let ours = |a: &super::watch::Active| {
                a.name == plan.alert
                    && plan.extension.labels.iter().all(|(k, v)| a.labels.get(k) == Some(v))
            };
            Ok(all.into_iter().filter(ours).collect())
        };
        let within = plan.detect_within + MARGIN;
        let rule = format!("alerts/ ({})", plan.alert);
        self.until(Step::Fires, &rule, within, &mut || match firing(&mut watch)?.as_slice() {
            all if all.iter().any(|a| a.firing) => Ok(()),
            [] => Err(format!("{} is silent; others: {:?}", plan.alert, watch.fired)),
            _ => Err(format!("{} is pending", plan.alert)),
        })?;
        let detect_s = self.at() - injected;
        self.tell(Step::Fires, &format!("{} after {detect_s:.0} s", plan.alert));
        self.until(Step::Told, "alerts/alertmanager.yaml", TELLS, &mut || {
            watch.told_of(&plan.alert, &plan.extension.labels, &plan.extension.muted_by)
        })?;
        self.tell(Step::Told, "the receiver");

        for block in plan.blocks("diagnosis") {
            self.block(Step::Diagnosis, block, DIAGNOSIS, false)?;
        }
        let began = self.at();
        for block in plan.blocks("mitigation") {
            self.block(Step::Mitigation, block, MITIGATION, true)?;
        }
        let mended = self.at();
        let within = plan.recover_within + MARGIN;
        self.until(Step::Resolved, &rule, within, &mut || {
            let all = firing(&mut watch)?;
            let still = all.iter().find(|a| a.firing);
            still.map_or(Ok(()), |a| Err(format!("{} still fires: {:?}", plan.alert, a.labels)))
        })?;
        let recover_s = self.at() - mended;
        self.tell(Step::Resolved, &format!("after {recover_s:.0} s"));
        for block in plan.blocks("verify") {
            let limit = Duration::from_secs(plan.recover_within + SETTLES);
            self.block(Step::Verify, block, limit, true)?;
        }
        self.again(&mut watch, &runner)?;
        watch.and_told();
        self.others(&watch)?;
        let edits = editor.end().map_err(|e| Failure::new(Step::NothingLost, "the engine", e))?;
        if edits.wrong > 0 {
            let message = format!("{} answers were errors without a problem document", edits.wrong);
            return Err(Failure::new(Step::NothingLost, "the engine", message));
        }
        self.tell(Step::NothingLost, &format!("{edits:?}"));
        let lasted = self.at().ceil();
        Ok(Journal {
            drill: plan.name.clone(),
            alert: plan.alert.clone(),
            began: self.began.clone(),
            experiment: plan.experiment_file.clone(),
            severity: plan.severity.clone(),
            labels: plan.extension.labels.clone(),
            detect_within_s: plan.detect_within,
            detect_s: tenth(detect_s),
            mitigate_s: tenth(mended - began),
            recover_within_s: plan.recover_within,
            recover_s: tenth(recover_s),
            margin_s: MARGIN,
            whole_s: tenth(self.at()),
            edits,
            requests: measured::requests(&watch, lasted, ""),
            errors: measured::requests(&watch, lasted, ",http_response_status_code=~\"5..\""),
            budget_spent: measured::spent(&watch, lasted),
            suppressed: watch.suppressed.clone(),
            also: self.also(&watch),
            versions: measured::versions(self.engine()),
            hashes: plan.hashes.clone(),
        })
    }

    /// Whoever does what the experiment says, once the stack is up.
    pub(super) fn runner(&self) -> Stepped<Runner> {
        let file = self.plan.experiment_file.as_str();
        let path = self.plan.root.join(file);
        Runner::new(&self.plan.experiment, &path, self.variables.clone())
            .map_err(|e| Failure::new(Step::Steady, file, e))
    }

    /// Starts the stack, with its history.
    pub(super) fn up(&mut self) -> Stepped<Watch> {
        let plan = self.plan;
        if let Some(history) = &plan.extension.history {
            self.tell(Step::Stack, "days of history for Prometheus");
            let fits = |a: &Alert| {
                let labels = a.labels();
                plan.extension.labels.iter().all(|(k, v)| labels.get(k.as_str()) == Some(v))
            };
            let data = self.stack.path("prometheus-data");
            history
                .write(self.spec, &plan.alert, &fits, unix_seconds(), &data)
                .map_err(|e| Failure::new(Step::Stack, &plan.experiment_file, e))?;
        }
        let mut up = self.command("svgx");
        up.args(["stack", "up"]);
        for part in &plan.extension.parts {
            up.args(["--with", &part.to_string()]);
        }
        match self.port_base {
            Some(base) => up.args(["--port-base", &base.to_string()]),
            None => up.args(["--ports", "free"]),
        };
        let failed =
            |m: String| Failure::new(Step::Stack, self.stack.dir().display().to_string(), m);
        let ended = spawn::run(&mut up, START).map_err(|e| failed(e.to_string()))?;
        if !ended.well() {
            return Err(failed(format!("svgx stack up: {}", ended.last_words())));
        }
        let at = self.stack.addresses().map_err(|e| failed(e.to_string()))?;
        let at = at.ok_or_else(|| failed("nothing was started".to_owned()))?;
        self.tell(Step::Stack, &format!("Prometheus at http://{}", at.prometheus));
        let of = |name: &str, value: String| (name.to_owned(), value);
        self.variables.extend([
            of("SVGX", format!("http://{}", at.internal)),
            of("PROMETHEUS", format!("http://{}", at.prometheus)),
            of("ENGINE", format!("http://{}", at.engine)),
            of("REPLICA", format!("http://{}", at.replica)),
            of("STORE", format!("redis://{}/0", at.store)),
        ]);
        Ok(Watch::new(&self.stack, at.prometheus.to_string(), at.alertmanager.to_string()))
    }

    fn variable(&self, name: &str) -> String {
        let found = self.variables.iter().rev().find(|(n, _)| n == name);
        found.map(|(_, v)| v.clone()).unwrap_or_default()
    }

    /// The engine, where it is another program than this one.
    fn engine(&self) -> Option<&str> {
        let named = self.variables.iter().find(|(name, _)| name == stack::ENGINE);
        named.map(|(_, path)| path.as_str())
    }

    pub(super) fn public(&self) -> String {
        self.variable("ENGINE")
    }

    /// Starts the traffic that the experiment wants, beside the edits.
    pub(super) fn send(&mut self) -> Stepped<()> {
        let Some(profile) = &self.plan.extension.traffic else { return Ok(()) };
        let failed = |e: String| Failure::new(Step::Stack, profile.clone(), e);
        let mut profile = PathBuf::from(profile);
        if let Some(dose) = &self.plan.dose {
            let text = std::fs::read_to_string(self.stack.root().join(&profile));
            profile = self.stack.path("traffic.yaml");
            text.and_then(|text| std::fs::write(&profile, dose.traffic(&text)))
                .map_err(|e| failed(e.to_string()))?;
        }
        let log = std::fs::File::create(self.stack.path("traffic.log"));
        let log = log.map_err(|e| failed(e.to_string()))?;
        let again = log.try_clone().map_err(|e| failed(e.to_string()))?;
        let mut load = self.command("svgx");
        let mut urls = vec![self.public()];
        if self.plan.extension.parts.contains(&Part::Replica) {
            urls.push(self.variable("REPLICA"));
        }
        load.args(["load", "--url", &urls.join(","), "--profile"])
            .arg(&profile)
            .arg("--duration")
            .arg(format!("{}s", LONGEST.as_secs()))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(again);
        let child = load.spawn().map_err(|e| failed(e.to_string()))?;
        if let Some(process) = Process::of(child.id()) {
            guard::note(&self.stack, guard::Undo::End { process })
                .map_err(|e| failed(e.to_string()))?;
        }
        self.traffic = Some(child);
        Ok(())
    }

    pub(super) fn steady(&self, watch: &mut Watch, runner: &Runner) -> Stepped<()> {
        self.until(Step::Steady, "the stack", STEADY, &mut || {
            watch.unwell(&self.stack, &|_| false)
        })?;
        if let Some(state) = &self.plan.experiment.steady_state
            && let (_, Some(broken)) = runner.steady_state(state)
        {
            return Err(Failure::new(Step::Steady, &self.plan.experiment_file, broken));
        }
        self.tell(Step::Steady, "ready, scraped, no alert");
        Ok(())
    }

    /// Makes the fault, and looks that it moved something.
    pub(super) fn inject(&self, runner: &Runner) -> Stepped<()> {
        let file = self.plan.experiment_file.as_str();
        for activity in self.plan.experiment.method.iter().take_while(|a| !a.undoes()) {
            let step = if activity.is_action() { Step::Inject } else { Step::Effect };
            let done = runner.activity(activity);
            let status = done.record.pointer("/output/status").and_then(Value::as_i64);
            let words = done.record.pointer("/output/stderr").and_then(Value::as_str);
            let failed = match (done.wrong, status) {
                (Some(wrong), _) => Some(wrong),
                (None, Some(code @ 1..)) if activity.is_action() => {
                    Some(format!("exit status {code}: {}", words.unwrap_or_default().trim()))
                }
                _ => None,
            };
            if let Some(wrong) = failed {
                let inert = if step == Step::Effect { "inert, " } else { "" };
                let message = format!("{inert}{}: {wrong}", activity.name);
                return Err(Failure::new(step, file, message));
            }
        }
        self.tell(Step::Effect, "the fault moved something");
        Ok(())
    }

    /// Runs a block of the page.
    fn block(
        &self,
        step: Step,
        block: &Block,
        limit: Duration,
        has_to_succeed: bool,
    ) -> Stepped<()> {
        let place = |line: usize| format!("{}:{line}", self.plan.page_file);
        let mut shell = self.command("sh");
        // A line that fails in the middle fails the block, where it has to succeed.
        shell.args([if has_to_succeed { "-ec" } else { "-c" }, &block.text]);
        let note = |pid: u32| {
            if let Some(process) = Process::of(pid) {
                // Without the note a guardian would leave the block running; the drill goes on.
                let _ = guard::note(&self.stack, guard::Undo::EndGroup { process });
            }
        };
        let ended = spawn::run_noted(&mut shell, limit, &note)
            .map_err(|e| Failure::new(step, place(block.line), e.to_string()))?;
        if ended.late {
            let message = format!("no end within {limit:?}: {}", ended.last_words());
            return Err(Failure::new(step, place(block.line), message));
        }
        if has_to_succeed && !ended.well() {
            let message = format!("exit status {:?}: {}", ended.code, ended.last_words());
            return Err(Failure::new(step, place(block.line), message));
        }
        let said = format!("{}{}", ended.stdout, ended.stderr);
        for (line, pattern) in &block.shows {
            // It was compiled when the page was read.
            if !Regex::new(pattern).is_ok_and(|p| p.is_match(&said)) {
                let seen: String = said.chars().take(400).collect();
                let message = format!("does not show {pattern}; its output: {seen}");
                return Err(Failure::new(step, place(*line), message));
            }
        }
        self.tell(step, &place(block.line));
        Ok(())
    }

    /// All is well again; what the experiment names has time to end.
    fn again(&self, watch: &mut Watch, runner: &Runner) -> Stepped<()> {
        let also = &self.plan.extension.also;
        let long = |name: &str| also.contains_key(name) && name.ends_with("BudgetBurn");
        self.until(Step::SteadyAgain, "the stack", SETTLES, &mut || {
            // Windows of hours remember the fault: what they say is let pass. So is what is pending
            // only: a start is enough for it.
            watch.unwell(&self.stack, &|a| {
                let page = a.labels.get("severity").is_some_and(|s| s == "critical");
                !a.firing || !page || long(&a.name)
            })
        })?;
        if let Some(state) = &self.plan.experiment.steady_state
            && let (_, Some(broken)) = runner.steady_state(state)
        {
            return Err(Failure::new(Step::SteadyAgain, &self.plan.experiment_file, broken));
        }
        self.tell(Step::SteadyAgain, "ready, scraped, no other alert");
        Ok(())
    }

    /// What fired, or was told, beside the alert.
    fn also(&self, watch: &Watch) -> BTreeMap<String, String> {
        let fired = watch.fired.keys().filter(|name| **name != self.plan.alert);
        let wakes = |n: &String| watch.fired.get(n).is_some_and(|s| s != "warning");
        let reason = |n: &String| match self.plan.extension.also.get(n) {
            Some(reason) => reason.clone(),
            None if wakes(n) => String::new(),
            None => "a warning, which wakes nobody".to_owned(),
        };
        fired.map(|name| (name.clone(), reason(name))).collect()
    }

    fn others(&self, watch: &Watch) -> Stepped<()> {
        match self.also(watch).into_iter().find(|(_, reason)| reason.is_empty()) {
            Some((name, _)) => {
                let message = format!(
                    "{name} fired, which is not among {:?}",
                    self.plan.extension.also.keys()
                );
                Err(Failure::new(Step::Others, &self.plan.experiment_file, message))
            }
            None => Ok(()),
        }
    }

    /// Undoes, and ends what was started.
    pub(super) fn leave(&mut self) {
        if let Err(error) = guard::undo(&self.stack, true) {
            (self.say)(&format!("not undone: {error}"));
        }
        if let Some(mut traffic) = self.traffic.take() {
            let _ = traffic.kill();
            let _ = traffic.wait();
        }
        if let Err(error) = self.stack.down(&Part::ALL, &mut |_| ()) {
            (self.say)(&format!("not ended: {error}"));
        }
        if let Some(mut guardian) = self.guardian.take() {
            let _ = guardian.kill();
            let _ = guardian.wait();
        }
    }
}
