//! A building of any size, the same every time, as SVGX on standard output.
//!
//! `cargo run --example building -- --elements 10000 > building.svgx`

mod plan;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let elements = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(10_000),
        ["--elements", count] => count.parse::<usize>(),
        _ => {
            eprintln!("usage: building [--elements N]");
            return ExitCode::from(2);
        }
    };
    match elements {
        Ok(elements) => match std::io::stdout().write_all(plan::building(elements).as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("building: {e}");
                ExitCode::from(2)
            }
        },
        Err(e) => {
            eprintln!("building: --elements: {e}");
            ExitCode::from(2)
        }
    }
}
