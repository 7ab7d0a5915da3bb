//! A reader that has had enough: `svgx ... | head` ends quietly, whatever the command.

use std::io::Read as _;
use std::process::{Command, Stdio};

/// Commands that print, and what they end with when nobody reads.
const COMMANDS: [(&[&str], i32); 25] = [
    (&["--help"], 0),
    (&["slo", "--help"], 0),
    (&["config"], 0),
    (&["config", "--workers", "nonsense"], 2),
    (&["slo", "show"], 0),
    (&["slo", "check", "--table"], 0),
    (&["slo", "simulate", "no-such-scenario"], 2),
    (&["slo", "replay", "no-such-log"], 2),
    (&["slo", "what-if", "no-such-log"], 2),
    (&["check", "examples/room.svgx"], 0),
    (&["check", "--format", "json", "examples/plant-room.svgx"], 0),
    (&["check", "README.md"], 1),
    (&["fmt", "README.md"], 1),
    (&["check", "no-such-file"], 2),
    (&["check", "--explain", "duplicate-id"], 0),
    (&["check", "--explain", "duplicat-id"], 2),
    (&["completions", "bash"], 0),
    (&["completions", "zsh"], 0),
    (&["man"], 0),
    (&["fmt", "--stdout", "examples/room.svgx"], 0),
    (&["compile", "examples/room.svgx", "--to", "json"], 0),
    (&["solve", "examples/sketch.svgx"], 0),
    (&["stack", "status", "--state-dir", "no-such-state"], 1),
    (&["trace", "--list", "--from", "127.0.0.1:1"], 2),
    (&["load", "--rate", "-1"], 2),
];

/// A pipe whose reader has left.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn run(arguments: &[&str], out: Stdio, error: Stdio) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // Whoever runs the tests may have settings of the service, or of the tests, in there.
        .env_clear()
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(error)
        .spawn()
        .expect("the binary starts");
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said).expect("text");
    }
    (child.wait().expect("it ends").code(), said)
}

#[test]
fn no_command_panics_or_changes_its_code_when_nobody_reads() {
    for (arguments, code) in COMMANDS {
        let (read, _) = run(arguments, Stdio::null(), Stdio::null());
        assert_eq!(read, Some(code), "{arguments:?}");
        let (unread, said) = run(arguments, closed(), Stdio::piped());
        assert_eq!(unread, Some(code), "{arguments:?}\n{said}");
        assert!(!said.contains("panicked"), "{arguments:?}\n{said}");
        let (deaf, _) = run(arguments, closed(), closed());
        assert_eq!(deaf, Some(code), "{arguments:?}, standard error closed as well");
    }
}

#[test]
fn output_that_is_lost_for_another_reason_is_a_failure() {
    // The device that is always full.
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full");
    for arguments in [&["slo", "show"][..], &["config"], &["slo", "check"]] {
        let Ok(full) = full() else { return println!("skipped: no /dev/full here") };
        let (code, said) = run(arguments, full.into(), Stdio::piped());
        assert_eq!(code, Some(2), "{arguments:?}\n{said}");
        assert!(said.contains("standard output"), "{arguments:?}\n{said}");
    }
}
