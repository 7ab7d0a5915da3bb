//! `svgx slo fleet`: what replicas that share a store serve, by their number.

use std::process::ExitCode;

use svgx_base::nearest::did_you_mean;
use svgx_controller::simulator::{Bench, OURS, Results, Row, Scenario, fleets, table};
use svgx_controller::spec::Spec;

use crate::cli::number;
use crate::cli::style::Progress;

/// The numbers of replicas of the table.
const NUMBERS: [u32; 10] = [1, 2, 4, 8, 16, 32, 48, 64, 256, 1_000];
/// Requests that one run plays, about: with more replicas it is shorter.
const REQUESTS: f64 = 100_000.0;
/// No run is shorter, so that what queues is seen to queue; seconds.
const SHORTEST: f64 = 0.4;

#[derive(Debug, clap::Args)]
pub(super) struct Fleet {
    /// Scenarios compiled in; without any those whose names begin with `replicas-`, up to the store.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Numbers of replicas, with commas, instead of ten from 1 to 1000.
    #[arg(long, value_name = "N", value_delimiter = ',',
        value_parser = number::thousand::<u32>, allow_negative_numbers = true)]
    replicas: Vec<u32>,
    /// Editors at each replica, instead of what the scenario says.
    #[arg(long, value_parser = number::number, allow_negative_numbers = true)]
    editors: Option<f64>,
    /// The seed.
    #[arg(long, default_value_t = 1, value_parser = number::whole::<u64>, allow_negative_numbers = true)]
    seed: u64,
    /// Play every scenario as it is, and compare with what it expects.
    #[arg(long, conflicts_with_all = ["replicas", "editors"])]
    expect: bool,
}

impl Fleet {
    pub(super) fn run(self, spec: &Spec) -> ExitCode {
        let done = if self.expect { self.compare(spec) } else { self.count(spec) };
        done.unwrap_or_else(|message| {
            complain!("error: {message}");
            ExitCode::from(2)
        })
    }

    fn picked(&self, usual: impl Fn(&str) -> bool) -> Result<Vec<Scenario>, String> {
        let known = fleets().map_err(|error| error.to_string())?;
        if self.scenarios.is_empty() {
            return Ok(known.into_iter().filter(|scenario| usual(&scenario.name)).collect());
        }
        let names: Vec<&str> = known.iter().map(|scenario| scenario.name.as_str()).collect();
        let find = |name: &String| {
            let found = known.iter().find(|scenario| scenario.name == *name).cloned();
            found.ok_or_else(|| {
                let near = did_you_mean(name, names.iter().copied());
                let near = near.map_or_else(String::new, |near| format!("; {near}"));
                format!("no scenario {name:?}; known: {}{near}", names.join(", "))
            })
        };
        self.scenarios.iter().map(find).collect()
    }

    fn count(&self, spec: &Spec) -> Result<ExitCode, String> {
        let usual = ["replicas-hashed", "replicas-round-robin"];
        let numbers = if self.replicas.is_empty() { &NUMBERS[..] } else { &self.replicas[..] };
        let (mut rows, mut progress) = (Vec::new(), Progress::new());
        for scenario in self.picked(|name| usual.contains(&name))? {
            for &replicas in numbers {
                progress.tell(&format!("{} with {replicas}", scenario.name));
                let scenario = self.sized(&scenario, replicas)?;
                let Some(judged) = Bench::new(spec.clone()).judge(&scenario, OURS, self.seed)
                else {
                    return Err(format!("{} has no fleet", scenario.name));
                };
                let edits =
                    scenario.streams.iter().filter(|stream| stream.operation == "session.operate");
                let asked = edits.map(|stream| stream.rate).sum::<f64>() * f64::from(replicas);
                let name = scenario.name.clone();
                rows.push(Row { scenario: name, replicas, asked, metrics: judged.metrics });
            }
        }
        progress.tell("");
        say!("{}", table(&rows).trim_end());
        Ok(ExitCode::SUCCESS)
    }

    /// A scenario with so many replicas, as long as a run may be.
    fn sized(&self, scenario: &Scenario, replicas: u32) -> Result<Scenario, String> {
        let mut scenario = Scenario { replicas, ..scenario.clone() };
        let fleet = scenario.fleet.as_mut().ok_or("no fleet")?;
        if let Some(editors) = self.editors {
            if !(editors > 0.0 && fleet.editors > 0.0 && editors <= 10_000.0) {
                return Err(format!("{editors} editors; expected more than 0, at most 10000"));
            }
            let times = editors / fleet.editors;
            fleet.editors = editors;
            scenario.streams.iter_mut().for_each(|stream| stream.rate *= times);
        }
        let nodes = replicas + fleet.workers;
        fleet.deaths.retain(|death| death.node < nodes);
        let rate: f64 = scenario.streams.iter().map(|stream| stream.rate).sum();
        let seconds = REQUESTS / (rate * f64::from(replicas)).max(1.0);
        scenario.seconds = scenario.seconds.min(seconds.max(SHORTEST));
        // The first part is left out: nothing queues yet.
        scenario.judge = [scenario.seconds / 4.0, scenario.seconds];
        Ok(scenario)
    }

    fn compare(&self, spec: &Spec) -> Result<ExitCode, String> {
        let mut failures = Vec::new();
        for scenario in self.picked(|_| true)? {
            let Some(judged) = Bench::new(spec.clone()).judge(&scenario, OURS, self.seed) else {
                return Err(format!("{} has no fleet", scenario.name));
            };
            say!("{}: {}", scenario.name, scenario.about);
            for (name, value) in &judged.metrics {
                say!("    {name:20} {value:.3}");
            }
            let controllers = vec![(OURS.to_owned(), vec![judged.metrics])];
            failures.extend(Results { scenario, controllers }.failures());
        }
        for failure in &failures {
            say!("{failure}");
        }
        say!("{} expectations missed", failures.len());
        Ok(ExitCode::from(u8::from(!failures.is_empty())))
    }
}
