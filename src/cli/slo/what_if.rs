//! `svgx slo what-if`: the requests of a decision log under another spec or on
//! other processors.

use std::path::PathBuf;
use std::process::ExitCode;

use svgx_base::budget::Class;
use svgx_controller::simulator::{Bench, Judged, Scenario, trace};
use svgx_controller::spec::Spec;

use crate::cli::{files, number};

#[derive(Debug, clap::Args)]
pub(super) struct WhatIf {
    /// The log, one JSON value per line; `-` reads standard input.
    log: PathBuf,
    /// Processors, instead of those of the log.
    #[arg(long, value_parser = number::number, allow_negative_numbers = true)]
    cores: Option<f64>,
    /// A budget instead of the spec's, for example `ui=12ms`; may be given several times.
    #[arg(long, value_name = "CLASS=DURATION", value_parser = budget)]
    budget: Vec<(usize, std::time::Duration)>,
}

fn budget(text: &str) -> Result<(usize, std::time::Duration), String> {
    let wrong = || format!("{text:?}; expected for example ui=12ms");
    let (class, duration) = text.split_once('=').ok_or_else(wrong)?;
    let class = Class::ALL.iter().take(3).position(|c| c.as_str() == class).ok_or_else(wrong)?;
    let ns = svgx_controller::spec::openslo::nanoseconds(duration).ok_or_else(wrong)?;
    if ns == 0 {
        return Err(wrong());
    }
    Ok((class, std::time::Duration::from_nanos(ns)))
}

impl WhatIf {
    pub(super) fn run(self, spec: &Spec) -> ExitCode {
        let read = files::reader(&self.log)
            .map_err(|error| (files::FAILED, error.to_string()))
            .and_then(|log| trace(log).map_err(|error| (files::WRONG, error.to_string())));
        let (scenario, arrivals) = match read {
            Ok(read) => read,
            Err((status, error)) => {
                complain!("{}: {error}", self.log.display());
                return ExitCode::from(status);
            }
        };
        let mut changed = spec.clone();
        for (class, budget) in self.budget {
            if let Some(objective) = changed.objectives.get_mut(class) {
                objective.budget = budget;
            }
        }
        let other = Scenario { cores: self.cores.unwrap_or(scenario.cores), ..scenario.clone() };
        say!("{} requests in {:.1} s", arrivals.len(), scenario.seconds);
        let before = Bench::new(spec.clone()).replay(&scenario, arrivals.clone());
        let after = Bench::new(changed).replay(&other, arrivals);
        say!("{:>26} {:>10} {:>10}", "", "as it is", "what if");
        for class in Class::ALL.iter().take(3) {
            for (name, what) in
                [("admitted", "let in"), ("served", "in budget"), ("p95_ms", "p95 ms")]
            {
                let value = |judged: &Judged| {
                    let key = format!("{class}_{name}");
                    judged.metrics.get(key.as_str()).copied().unwrap_or(f64::NAN)
                };
                say!(
                    "{:>26} {:>10.3} {:>10.3}",
                    format!("{class} {what}"),
                    value(&before),
                    value(&after)
                );
            }
        }
        ExitCode::SUCCESS
    }
}
