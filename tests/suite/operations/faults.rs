//! Fault points: a build with the feature `faults` has them, any other refuses to hear of them.

use std::process::{Command, Output};

use svgx_base::fault::COMPILED;

fn serve(faults: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svgx"))
        // A level that is none: it is refused after the variables were read, and nothing listens.
        .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"])
        .args(["--log-level", "loud"])
        .env_clear()
        .env("SVGX_FAULTS", faults)
        .output()
        .expect("the binary runs")
}

#[test]
fn a_build_without_fault_points_refuses_to_start_with_faults() {
    let output = serve("work:panic");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.contains("SVGX_FAULTS"), !COMPILED, "{said}");
    // Where they can be armed, it is the level that is refused.
    assert_eq!(said.contains("is no level"), COMPILED, "{said}");
}

#[test]
fn faults_that_cannot_be_read_stop_the_start() {
    for (faults, why) in [("wrok:panic", "points are work"), ("write:panic", "no such effect")] {
        let output = serve(faults);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.contains(why), COMPILED, "{faults}: {said}");
    }
}

#[test]
fn a_build_without_fault_points_does_not_know_their_variable() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_svgx")).expect("the binary");
    let name = b"SVGX_FAULTS";
    let knows = program.windows(name.len()).any(|bytes| bytes == name.as_slice());
    assert_eq!(knows, COMPILED);
    let can = Command::new(env!("CARGO_BIN_EXE_svgx")).args(["chaos", "can", "faults"]).output();
    let said = String::from_utf8_lossy(&can.expect("the binary runs").stdout).into_owned();
    assert_eq!(said.starts_with("yes"), COMPILED, "{said}");
}
