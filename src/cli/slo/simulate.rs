//! `svgx slo simulate`: scenarios in virtual time, ours beside its rivals.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use svgx_base::nearest::did_you_mean;
use svgx_controller::simulator::{
    Bench, MIX, Metrics, NAMES, OURS, Results, Scenario, fleets, markdown, picture, scenarios,
    unknown,
};
use svgx_controller::spec::Spec;

use crate::cli::number;
use crate::cli::style::Progress;

/// What stands around the generated part of a document.
const BEGIN: &str = "<!-- begin: svgx slo simulate --all --controller all -->";
const END: &str = "<!-- end: svgx slo simulate -->";

#[derive(Debug, clap::Args)]
pub(super) struct Simulate {
    /// Scenario files, or names of scenarios compiled in.
    #[arg(value_name = "SCENARIO", required_unless_present = "all")]
    scenarios: Vec<String>,
    /// Every scenario compiled in.
    #[arg(long, conflicts_with = "scenarios")]
    all: bool,
    /// Runs per scenario and controller.
    #[arg(long, default_value_t = 20, value_parser = number::thousand::<u64>, allow_negative_numbers = true)]
    seeds: u64,
    /// A controller by name, several with commas, or `all`.
    #[arg(long, default_value = OURS)]
    controller: String,
    /// Processors, instead of what the scenario says.
    #[arg(long, value_parser = number::number, allow_negative_numbers = true)]
    cores: Option<f64>,
    /// Replicas, instead of what the scenario says.
    #[arg(long, value_parser = number::thousand::<u32>, allow_negative_numbers = true)]
    replicas: Option<u32>,
    /// Write a picture of the first seed per scenario and controller into this folder.
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
    /// Write the tables into this document, between its markers.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

impl Simulate {
    pub(super) fn run(self, spec: &Spec) -> ExitCode {
        match self.simulate(spec) {
            Ok(code) => code,
            Err(message) => {
                complain!("error: {message}");
                ExitCode::from(2)
            }
        }
    }

    fn simulate(&self, spec: &Spec) -> Result<ExitCode, String> {
        let controllers: Vec<&str> = match self.controller.as_str() {
            "all" => std::iter::once(OURS).chain(NAMES).collect(),
            names => names.split(',').collect(),
        };
        if let Some(name) = controllers.iter().find(|c| **c != OURS && !NAMES.contains(c)) {
            let known = NAMES.join(", ");
            return Err(format!("no controller {name:?}; known: all, {OURS}, {known}"));
        }
        let mut all = Vec::new();
        let scenarios = self.load()?;
        let mut progress = Progress::new();
        for (n, scenario) in scenarios.iter().enumerate() {
            progress.tell(&format!("{} of {}: {}", n + 1, scenarios.len(), scenario.name));
            let results = judge(spec, scenario, &controllers, self.seeds)?;
            progress.tell("");
            say!("{}", results.table());
            if let Some(folder) = &self.svg {
                draw(spec, scenario, &controllers, folder)?;
            }
            all.push(results);
        }
        if let Some(path) = &self.markdown {
            write_between(path, &markdown(&all, self.seeds))?;
        }
        let failures: Vec<String> = all.iter().flat_map(Results::failures).collect();
        for failure in &failures {
            say!("{failure}");
        }
        say!("{} scenarios, {} expectations missed", all.len(), failures.len());
        Ok(ExitCode::from(u8::from(!failures.is_empty())))
    }

    fn load(&self) -> Result<Vec<Scenario>, String> {
        let known = scenarios().map_err(|error| error.to_string())?;
        let mut picked = Vec::new();
        if self.all {
            picked = known;
        } else {
            let known: Vec<Scenario> =
                known.into_iter().chain(fleets().map_err(|error| error.to_string())?).collect();
            let mix = Scenario::mix(MIX).map_err(|error| error.to_string())?;
            for name in &self.scenarios {
                if let Some(scenario) = known.iter().find(|scenario| scenario.name == *name) {
                    picked.push(scenario.clone());
                    continue;
                }
                let text = std::fs::read_to_string(name).map_err(|error| {
                    let names: Vec<&str> = known.iter().map(|s| s.name.as_str()).collect();
                    let near = did_you_mean(name, names.iter().copied());
                    let near = near.map_or_else(String::new, |near| format!("; {near}"));
                    format!("{name}: {error}; compiled in: {}{near}", names.join(", "))
                })?;
                let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str());
                let scenario = Scenario::parse(stem.unwrap_or(name), &text, &mix);
                picked.push(scenario.map_err(|error| error.to_string())?);
            }
        }
        for scenario in &mut picked {
            scenario.cores = self.cores.unwrap_or(scenario.cores);
            scenario.replicas = self.replicas.unwrap_or(scenario.replicas);
        }
        Ok(picked)
    }
}

/// Runs the seeds on as many threads as there are processors.
fn judge(
    spec: &Spec,
    scenario: &Scenario,
    controllers: &[&str],
    seeds: u64,
) -> Result<Results, String> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64).min(seeds);
    let part = |thread: u64| -> Vec<(u64, Vec<Metrics>)> {
        let bench = Bench::new(spec.clone());
        let mine = (1..=seeds).filter(|seed| seed % threads == thread);
        mine.map(|seed| {
            let judged = controllers.iter().filter_map(|c| bench.judge(scenario, c, seed));
            (seed, judged.map(|judged| judged.metrics).collect())
        })
        .collect()
    };
    let mut runs: Vec<(u64, Vec<Metrics>)> = std::thread::scope(|scope| {
        let part = &part;
        let workers: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || part(thread))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    runs.sort_by_key(|(seed, _)| *seed);
    if let Some((_, first)) = runs.first()
        && let Some(known) = first.first()
        && let Some(name) = unknown(scenario, known).first()
    {
        let names: Vec<&str> = known.keys().copied().collect();
        return Err(format!("{}: no metric {name:?}; known: {}", scenario.name, names.join(", ")));
    }
    let all = controllers
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let metrics = runs.iter().filter_map(|(_, all)| all.get(at).cloned()).collect();
            ((*name).to_owned(), metrics)
        })
        .collect();
    Ok(Results { scenario: scenario.clone(), controllers: all })
}

fn draw(
    spec: &Spec,
    scenario: &Scenario,
    controllers: &[&str],
    folder: &Path,
) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let bench = Bench::new(spec.clone());
    for controller in controllers {
        let Some(judged) = bench.judge(scenario, controller, 1) else { continue };
        let path = folder.join(format!("{}-{controller}.svg", scenario.name));
        let drawing = picture(scenario, controller, &judged, spec);
        std::fs::write(&path, drawing).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Replaces what stands between the markers of a document.
fn write_between(path: &Path, text: &str) -> Result<(), String> {
    let wrong = |what: &str| format!("{}: {what}", path.display());
    let old = std::fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let parts = old.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        return Err(wrong(&format!("no lines {BEGIN} and {END}")));
    };
    let new = format!("{before}{BEGIN}\n\n{text}\n{END}{after}");
    std::fs::write(path, new).map_err(|error| wrong(&error.to_string()))
}
