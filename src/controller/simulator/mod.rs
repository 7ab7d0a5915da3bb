//! The simulator: a scenario, a controller and a seed in; what happened out.
//!
//! Discrete events in virtual time, without a clock or a thread: cores that are
//! shared and throttled, physics that pauses at checkpoints, clients that give
//! up and come back. Every controller sees the same requests.
//!
//! ```
//! use svgx_controller::simulator::{Bench, scenarios};
//! use svgx_controller::spec::Spec;
//!
//! let bench = Bench::new(Spec::embedded().unwrap());
//! let base = scenarios().unwrap().into_iter().find(|s| s.name == "base").unwrap();
//! let judged = bench.judge(&base, "svgx", 1).unwrap();
//! assert!(judged.metrics["goodput"] > 0.99);
//! ```

mod arrivals;
mod engine;
mod fleet;
mod ideal;
mod library;
mod machine;
mod metrics;
mod picture;
mod policy;
mod report;
mod rivals;
mod rng;
mod scenario;
mod stats;
mod svgx;
mod timeline;
mod trace;

use std::cell::RefCell;

pub use arrivals::{Arrival, arrivals};
pub use engine::{Attempt, Fate, Run, Sample, play};
pub use fleet::{Batch, Costs, Death, Fleet, Fleeting, How, Job, Route, Row, table};
pub use ideal::{Ideal, ideal};
pub use library::{EDITORS, MIX, fleets, scenarios};
pub use metrics::{Metrics, metrics};
pub use picture::picture;
pub use policy::{Answer, End, Incoming, Pick, Policy, Setting, Usage};
pub use report::{Results, markdown, unknown};
pub use rivals::{Isolation, NAMES, rival};
pub use scenario::{Balance, Fault, FaultKind, Scenario, ScenarioError, Shape, Stream};
pub use stats::Median;
pub use svgx::{Svgx, request};
pub use trace::trace;

use crate::spec::Spec;

/// Our controller's name among the rivals.
pub const OURS: &str = "svgx";

/// Plays scenarios under one spec and judges them.
#[derive(Debug)]
pub struct Bench {
    spec: Spec,
    /// The requests of the last scenario and seed, which the next controller needs too.
    last: RefCell<Option<Prepared>>,
}

#[derive(Clone, Debug)]
struct Prepared {
    scenario: String,
    seed: u64,
    arrivals: std::rc::Rc<Vec<Arrival>>,
    ideal: Ideal,
}

/// One run and its judgement.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What it is judged by.
    pub metrics: Metrics,
    /// What happened.
    pub run: Run,
    /// The requests.
    pub arrivals: std::rc::Rc<Vec<Arrival>>,
    /// What happened beside, where replicas share something.
    pub fleet: Option<Fleeting>,
}

impl Bench {
    /// A bench whose budgets and constants are those of `spec`.
    pub fn new(spec: Spec) -> Bench {
        Bench { spec, last: RefCell::new(None) }
    }

    /// The spec.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Plays a scenario with the controller of this name; none when there is no such one.
    pub fn judge(&self, scenario: &Scenario, controller: &str, seed: u64) -> Option<Judged> {
        // Rivals know no sessions.
        let known = controller == OURS || (NAMES.contains(&controller) && scenario.fleet.is_none());
        if !known {
            return None;
        }
        let scenario = &scenario.of_all_replicas();
        let prepared = self.prepare(scenario, seed);
        Some(self.run(scenario, controller, seed, prepared))
    }

    /// Plays requests of your own, those of a log for example, with our controller.
    pub fn replay(&self, scenario: &Scenario, arrivals: Vec<Arrival>) -> Judged {
        let ideal = ideal(scenario, &arrivals, &self.spec);
        let prepared = Prepared {
            scenario: scenario.name.clone(),
            seed: 0,
            arrivals: std::rc::Rc::new(arrivals),
            ideal,
        };
        self.run(scenario, OURS, 0, prepared)
    }

    fn run(&self, scenario: &Scenario, controller: &str, seed: u64, prepared: Prepared) -> Judged {
        if let Some(fleet) = &scenario.fleet {
            let (run, out) = fleet::play(scenario, fleet, &prepared.arrivals, &self.spec, seed);
            let metrics = fleet::measure(scenario, &prepared.arrivals, &run, &out, &self.spec);
            return Judged { metrics, run, arrivals: prepared.arrivals, fleet: Some(out) };
        }
        let mut spec = self.spec.clone();
        for operation in spec.objectives.iter_mut().flat_map(|o| &mut o.operations) {
            operation.cost = operation.cost.mul_f64(scenario.priors);
        }
        let setting = Setting::new(scenario.cores, &self.spec.objectives);
        let make = |replica: u32| -> Box<dyn Policy> {
            let seed = seed.wrapping_mul(1_000_003).wrapping_add(u64::from(replica));
            match rival(controller, &setting, seed) {
                Some(rival) => rival,
                None => Box::new(Svgx::new(&spec, scenario.cores, seed)),
            }
        };
        let run = play(scenario, &prepared.arrivals, &make);
        let metrics = metrics(scenario, &prepared.arrivals, &run, &prepared.ideal, &self.spec);
        Judged { metrics, run, arrivals: prepared.arrivals, fleet: None }
    }

    fn prepare(&self, scenario: &Scenario, seed: u64) -> Prepared {
        if scenario.fleet.is_some() {
            let arrivals = std::rc::Rc::new(arrivals(scenario, seed));
            let scenario = scenario.name.clone();
            return Prepared { scenario, seed, arrivals, ideal: Ideal::default() };
        }
        let mut last = self.last.borrow_mut();
        if let Some(last) = last.as_ref()
            && last.seed == seed
            && last.scenario == scenario.name
        {
            return last.clone();
        }
        let arrivals = arrivals(scenario, seed);
        let ideal = ideal(scenario, &arrivals, &self.spec);
        let scenario = scenario.name.clone();
        let prepared = Prepared { scenario, seed, arrivals: std::rc::Rc::new(arrivals), ideal };
        *last = Some(prepared.clone());
        prepared
    }
}
