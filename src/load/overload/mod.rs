//! The engine past its limits: one command that starts it, measures what it can
//! do, asks for one, two, five and ten times that and for floods of physics, with
//! the controller and without, and says how close to the best possible it came.
//!
//! Generator and engine share the machine; the generator's part of it is measured
//! in every phase, taken off the ideal, and shown.

mod engine;
mod ideal;
mod neighbour;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use svgx_base::budget::{Class, Clock as _, Monotonic, Time};
use svgx_controller::spec::Spec;

use self::engine::ControllerState;
use self::neighbour::Neighbour;
use super::arrivals::{Arrivals, Phase};
use super::profile::Profile;
use super::report::{ClassReport, PhaseReport, Report};
use super::run::{self, Options, Target, Watch};

pub use engine::Engine;
pub use ideal::AnswerCost;

/// How to go about it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that serves.
    pub program: PathBuf,
    /// The mix.
    pub profile: Profile,
    /// Processors the engine counts on.
    pub cores: usize,
    /// Length of each overload; calibration and recovery are shorter in proportion.
    pub phase: Duration,
    /// How requests follow each other.
    pub arrivals: Arrivals,
    /// Seed of what is random.
    pub seed: u64,
    /// Whether to run without the controller too, for contrast.
    pub contrast: bool,
    /// Other programs that want a processor each during the overload, as compilers do.
    pub neighbours: usize,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine does not run.
    #[error("the engine does not run: {0}")]
    Engine(String),
    /// The load cannot be made.
    #[error(transparent)]
    Load(#[from] run::Error),
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Processors the engine counted on.
    pub cores: usize,
    /// Processor seconds of one answer, by class.
    pub costs: BTreeMap<Class, AnswerCost>,
    /// Times the profile's rates that fill the processors, the generator's part included.
    pub capacity: f64,
    /// Requests a second at that.
    pub capacity_rate: f64,
    /// Every phase with the controller acting.
    pub on: Vec<Row>,
    /// The same without it.
    pub off: Vec<Row>,
}

/// One phase.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its length in seconds.
    pub seconds: f64,
    /// Weighted answers inside the budget, over those of the ideal.
    pub goodput_ratio: f64,
    /// Per class.
    pub classes: Vec<RowClass>,
    /// Moves of the physics tier.
    pub tier_moves: u64,
    /// The tier at its end.
    pub tier: String,
    /// Ticks at which the backstop acted.
    pub backstop: u64,
    /// Processors the generator used.
    pub generator: f64,
    /// Processors the engine used.
    pub engine: f64,
    /// Seconds after it until nothing was refused any more; none where it was not followed.
    pub recovered_s: Option<f64>,
    /// 99 of 100 requests were sent at most this late.
    pub send_lag_p99_ms: f64,
    /// 99 of 100 refusals came within, from when the request was due.
    pub refusal_p99_ms: f64,
}

/// A class in a phase.
#[derive(Clone, Debug, Serialize)]
pub struct RowClass {
    /// Its name.
    pub class: Class,
    /// Requests due, a second.
    pub offered: f64,
    /// Answers inside the budget, a second.
    pub good: f64,
    /// What the ideal would have answered, a second.
    pub ideal: f64,
    /// Share answered.
    pub served: f64,
    /// P95 of the worst ten-second window.
    pub worst_p95_ms: f64,
    /// The budget.
    pub budget_ms: f64,
    /// Seconds in which too many answers were late.
    pub violation_seconds: u32,
    /// Requests that failed or had no answer.
    pub errors: u64,
}

/// Part of the processors that is filled to measure what an answer costs.
const FILL: f64 = 0.7;

/// A phase of the plan and whether the next one shows its recovery.
struct Step {
    phase: Phase,
    shown: bool,
}

impl Plan {
    /// Does everything. `say` is told what is going on.
    ///
    /// # Errors
    /// [`Error`] when the engine does not run or cannot be reached.
    pub fn run(&self, spec: &Spec, say: &dyn Fn(&str)) -> Result<Findings, Error> {
        say("measuring what an answer costs");
        let (costs, generator) = self.calibrate(spec)?;
        let demand: f64 = self
            .profile
            .operations
            .iter()
            .map(|o| o.rate * costs.get(&o.class).map_or(0.0, |cost| cost.full))
            .sum();
        #[allow(clippy::cast_precision_loss, reason = "a number of processors")]
        let capacity = self.cores as f64 / (demand + generator).max(1e-6);
        let capacity_rate = capacity * self.profile.rate();
        say(&format!("capacity: {capacity:.2} times the profile, {capacity_rate:.0} requests/s"));
        let mut modes = vec!["on"];
        if self.contrast {
            modes.push("off");
        }
        let mut rows = Vec::new();
        for mode in modes {
            say(&format!("controller {mode}: {:.0} s", self.length(mode, capacity).as_secs_f64()));
            rows.push(self.overload(spec, mode, capacity, &costs)?);
        }
        let off = if self.contrast { rows.pop().unwrap_or_default() } else { Vec::new() };
        let on = rows.pop().unwrap_or_default();
        Ok(Findings { cores: self.cores, costs, capacity, capacity_rate, on, off })
    }

    fn start(&self, mode: &str) -> Result<Engine, Error> {
        let cores = self.cores.to_string();
        Engine::start(&self.program, &["--controller", mode, "--compute-threads", &cores])
    }

    fn options(&self, watch: Option<Watch>) -> Options {
        Options {
            arrivals: self.arrivals,
            seed: self.seed,
            // Enough that even without a controller nobody waits for a connection for long.
            connections: 2048,
            patience: Duration::from_secs(2),
            watch,
            ..Options::default()
        }
    }

    /// What an answer of each class costs, and what the generator does at the profile's rates.
    ///
    /// An answer among many is cheaper than one by itself: what wakes up for it has already been
    /// woken for another. So each class is asked for twice, the second time at a rate that fills
    /// most of the processors, and that is what counts.
    #[allow(clippy::cast_precision_loss, reason = "a number of processors")]
    fn calibrate(&self, spec: &Spec) -> Result<(BTreeMap<Class, AnswerCost>, f64), Error> {
        let engine = self.start("off")?;
        let target = Target::parse(&engine.public, false)?;
        let mut coarse = self.profile.clone();
        for operation in &mut coarse.operations {
            operation.headers.push("X-SVGX-Precision: ui".to_owned());
        }
        let measure = |profile: &Profile, class: Class, times: f64| -> Result<_, Error> {
            let others = Class::ALL.into_iter().filter(|other| *other != class);
            let phase = Phase::new(class.as_str(), self.phase / 3, times);
            let phase = others.fold(phase, |phase, other| phase.flooded(other, 0.0));
            let marks = Marks::new(engine.id());
            let options = self.options(Some(marks.watch()));
            let report = super::run(&target, profile, &[phase], &options, spec)?;
            let Some(phase) = report.phases.first() else { return Ok((0.0, 0.0)) };
            Ok((cost(phase, class, marks.cpu(0)), phase.generator_processors / times))
        };
        let filling = |profile: &Profile, class: Class| -> Result<(f64, f64), Error> {
            let of_class = profile.operations.iter().filter(|o| o.class == class);
            let rate: f64 = of_class.map(|o| o.rate).sum();
            let (alone, generator) = measure(profile, class, 1.0)?;
            let times = FILL * self.cores as f64 / (rate * alone + generator).max(1e-6);
            measure(profile, class, times.max(1.0))
        };
        let (mut costs, mut generator) = (BTreeMap::new(), 0.0);
        for class in [Class::Ui, Class::Redraw, Class::Physics] {
            let (full, sending) = filling(&self.profile, class)?;
            generator += sending;
            costs.insert(class, AnswerCost { full, cheapest: full });
        }
        let (cheapest, _) = filling(&coarse, Class::Physics)?;
        if let Some(costs) = costs.get_mut(&Class::Physics) {
            costs.cheapest = cheapest.min(costs.full);
        }
        Ok((costs, generator))
    }

    /// The phases: rest, then each overload with a rest after it.
    fn steps(&self, mode: &str, capacity: f64) -> Vec<Step> {
        let rest = capacity / 2.0;
        let shorter = if mode == "on" { self.phase } else { self.phase * 2 / 3 };
        let after = (shorter / 3).max(Duration::from_millis(1_500));
        let step = |phase: Phase, shown: bool| Step { phase, shown };
        let mut steps = vec![
            step(Phase::new("warm-up", self.phase / 2, rest), false),
            step(Phase::new("0.5x, steady", shorter, rest), true),
        ];
        for times in [1.0, 2.0, 5.0, 10.0] {
            let name = format!("{times}x");
            steps.push(step(Phase::new(name.clone(), shorter, capacity * times), true));
            steps.push(step(Phase::new(format!("after {name}"), after, rest), false));
        }
        for times in [10.0, 30.0] {
            let name = format!("physics {times}x");
            let flood = Phase::new(name.clone(), shorter, rest).flooded(Class::Physics, times);
            steps.push(step(flood, true));
            steps.push(step(Phase::new(format!("after {name}"), after, rest), false));
        }
        steps
    }

    fn length(&self, mode: &str, capacity: f64) -> Duration {
        self.steps(mode, capacity).iter().map(|step| step.phase.length).sum()
    }

    fn overload(
        &self,
        spec: &Spec,
        mode: &str,
        capacity: f64,
        costs: &BTreeMap<Class, AnswerCost>,
    ) -> Result<Vec<Row>, Error> {
        let engine = self.start(mode)?;
        let _neighbours: Vec<Neighbour> =
            (0..self.neighbours).map(|_| Neighbour::start()).collect::<Result<_, _>>()?;
        let target = Target::parse(&engine.public, false)?;
        let steps = self.steps(mode, capacity);
        let phases: Vec<Phase> = steps.iter().map(|step| step.phase.clone()).collect();
        let marks = Marks::new(engine.id());
        let observer = Observer::start(&engine, marks.clock);
        let options = self.options(Some(marks.watch()));
        let report = super::run(&target, &self.profile, &phases, &options, spec)?;
        let seen = observer.stop();
        Ok(steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.shown)
            .filter_map(|(index, _)| self.row(spec, &report, index, &marks, &seen, costs))
            .collect())
    }

    #[allow(clippy::cast_precision_loss, reason = "counts and seconds")]
    fn row(
        &self,
        spec: &Spec,
        report: &Report,
        index: usize,
        marks: &Marks,
        seen: &[(Time, ControllerState)],
        costs: &BTreeMap<Class, AnswerCost>,
    ) -> Option<Row> {
        let phase = report.phases.get(index)?;
        let generator = phase.generator_processors;
        let offered: BTreeMap<Class, f64> = phase
            .classes
            .iter()
            .map(|class| (class.class, class.offered as f64 / phase.seconds))
            .collect();
        let best = ideal::ideal(&offered, costs, self.cores as f64 - generator);
        let weight = |class: Class| spec.objective(class).map_or(0.0, |o| o.weight);
        let weighted = |rates: &dyn Fn(&ClassReport) -> f64| -> f64 {
            phase.classes.iter().map(|class| weight(class.class) * rates(class)).sum()
        };
        let got = weighted(&|class| class.goodput);
        let could = weighted(&|class| best.get(&class.class).copied().unwrap_or(0.0));
        let during = marks.span(index);
        let in_phase: Vec<&ControllerState> = seen
            .iter()
            .filter(|(at, _)| *at >= during.0 && *at <= during.1)
            .map(|(_, state)| state)
            .collect();
        let before = seen.iter().rev().find(|(at, _)| *at < during.0).map(|(_, state)| state);
        let first = before.or(in_phase.first().copied());
        let last = in_phase.last().copied().or(first);
        let moved = |count: fn(&ControllerState) -> u64| match (first, last) {
            (Some(first), Some(last)) => count(last).saturating_sub(count(first)),
            _ => 0,
        };
        let after = report.phases.get(index + 1).filter(|next| next.name.starts_with("after"));
        Some(Row {
            name: phase.name.clone(),
            seconds: phase.seconds,
            goodput_ratio: if could > 0.0 { got / could } else { 1.0 },
            classes: phase
                .classes
                .iter()
                .filter(|class| class.budget_ms.is_some())
                .map(|class| RowClass::new(class, phase, &best))
                .collect(),
            tier_moves: moved(|state| state.tier_moves),
            tier: last.map_or_else(String::new, |state| state.tier.clone()),
            backstop: moved(|state| state.backstop_fired),
            generator,
            engine: marks.cpu(index).as_secs_f64() / phase.seconds,
            recovered_s: after.map(|after| {
                after.classes.iter().filter_map(|c| c.last_shed_s).fold(0.0, f64::max)
            }),
            send_lag_p99_ms: phase.send_lag_p99_ms,
            refusal_p99_ms: phase.classes.iter().map(|c| c.refusal_ms.p99).fold(0.0, f64::max),
        })
    }
}

impl RowClass {
    #[allow(clippy::cast_precision_loss, reason = "counts")]
    fn new(class: &ClassReport, phase: &PhaseReport, best: &BTreeMap<Class, f64>) -> RowClass {
        RowClass {
            class: class.class,
            offered: class.offered as f64 / phase.seconds,
            good: class.goodput,
            ideal: best.get(&class.class).copied().unwrap_or(0.0),
            served: class.served(),
            worst_p95_ms: class.windows.iter().map(|w| w.p95_ms).fold(0.0, f64::max),
            budget_ms: class.budget_ms.unwrap_or(0.0),
            violation_seconds: class.violation_seconds,
            errors: class.failed.values().sum::<u64>() + class.broken.values().sum::<u64>(),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a count of answers")]
fn cost(phase: &PhaseReport, class: Class, cpu: Duration) -> f64 {
    let answered = phase.class(class).map_or(0, |class| class.answered);
    cpu.as_secs_f64() / answered.max(1) as f64
}

/// When each phase began, and what the engine had used by then.
#[derive(Clone, Debug)]
struct Marks {
    clock: Monotonic,
    process: u32,
    seen: Arc<Mutex<BTreeMap<usize, (Time, Duration)>>>,
}

impl Marks {
    fn new(process: u32) -> Marks {
        Marks { clock: Monotonic::new(), process, seen: Arc::default() }
    }

    fn watch(&self) -> Watch {
        let marks = self.clone();
        Watch(Arc::new(move |phase| {
            let mark = (marks.clock.now(), engine::cpu(marks.process));
            marks.seen.lock().insert(phase, mark);
        }))
    }

    fn mark(&self, phase: usize) -> (Time, Duration) {
        self.seen.lock().range(phase..).next().map(|(_, mark)| *mark).unwrap_or_default()
    }

    /// Processor time of the engine in a phase.
    fn cpu(&self, phase: usize) -> Duration {
        self.mark(phase + 1).1.saturating_sub(self.mark(phase).1)
    }

    fn span(&self, phase: usize) -> (Time, Time) {
        (self.mark(phase).0, self.mark(phase + 1).0)
    }
}

/// Asks the engine how it does, five times a second.
struct Observer {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<Vec<(Time, ControllerState)>>>,
}

impl Observer {
    fn start(engine: &Engine, clock: Monotonic) -> Observer {
        let stop = Arc::new(AtomicBool::new(false));
        let (at, stopped) = (engine.internal(), Arc::clone(&stop));
        let watch = move || {
            let mut seen = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                if let Some(state) = engine::controller_state(at) {
                    seen.push((clock.now(), state));
                }
                std::thread::sleep(Duration::from_millis(200));
            }
            seen
        };
        let thread = std::thread::Builder::new().name("observer".to_owned()).spawn(watch).ok();
        Observer { stop, thread }
    }

    fn stop(mut self) -> Vec<(Time, ControllerState)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
