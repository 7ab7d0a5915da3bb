//! The real service past its limits, with the controller and without.
//!
//! `cargo bench --bench overload`, about six minutes; `-- --quick` takes one and
//! goes through the same phases. It starts the service on free ports, measures what
//! an answer costs and from that the capacity, asks for 1, 2, 5 and 10 times of it
//! and for floods of physics of 10 and 30 times, and prints for each:
//! - weighted answers inside the budget, over those of the ideal;
//! - P95 of admitted requests per class, in the worst window of ten seconds;
//! - the share of each class that was served, and seconds in which ui was late;
//! - moves of the tier, and how soon after the load's end nothing is refused;
//! - the processors that engine and generator used.
//!
//! Generator and service share the machine: what the generator uses is measured
//! and taken off the ideal. `-- --json FILE` keeps everything that was measured;
//! `-- --neighbours 2` runs with the controller only, beside as many busy programs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use svgx_controller::spec::Spec;
use svgx_load::overload::Plan;
use svgx_load::{Arrivals, Profile};

/// Two windows of ten seconds in each phase.
const FULL: Duration = Duration::from_secs(20);
const QUICK: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut phase, mut json, mut neighbours) = (FULL, None, 0);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => phase = QUICK,
            "--neighbours" => {
                let Some(number) = arguments.next().and_then(|n| n.parse().ok()) else {
                    eprintln!("--neighbours: expected how many");
                    return ExitCode::from(2);
                };
                neighbours = number;
            }
            "--json" => json = arguments.next().map(PathBuf::from),
            // Cargo says that this is a benchmark.
            "--bench" => {}
            other => {
                eprintln!(
                    "unknown argument {other:?}; expected --quick, --neighbours N or --json FILE"
                );
                return ExitCode::from(2);
            }
        }
    }
    let plan = Plan {
        program: env!("CARGO_BIN_EXE_svgx").into(),
        profile: Profile::built_in("reference").expect("compiled in"),
        cores: 2,
        phase,
        arrivals: Arrivals::Constant,
        seed: 1,
        contrast: neighbours == 0,
        neighbours,
    };
    let spec = Spec::embedded().expect("valid");
    let findings = match plan.run(&spec, &|what| eprintln!("overload: {what}")) {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("overload: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{findings}");
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(&findings).expect("plain data");
        if let Err(error) = std::fs::write(&path, text) {
            eprintln!("overload: {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
