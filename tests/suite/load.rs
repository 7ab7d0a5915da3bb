//! The load generator against the real service.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use svgx_base::budget::Class;
use svgx_controller::spec::Spec;
use svgx_load::{Options, Phase, Profile, Target, run};

use crate::support::service::Service;

fn engine(more: &[&str]) -> Service {
    Service::with(&[&["--rate-limit", "off", "--log-level", "warn"], more].concat(), None)
}

fn load(engine: &Service, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(["load", "--url", &engine.public.to_string()])
        .args(args)
        .env_clear()
        .output()
        .expect("the binary runs")
}

#[test]
fn every_kind_of_request_of_the_profiles_is_answered() {
    // Everything is let in: this is about the requests, not about their speed.
    let engine = engine(&["--controller", "off"]);
    for profile in Profile::names() {
        let output = load(
            &engine,
            &[
                "--profile",
                profile,
                "--rate",
                "22",
                "--duration",
                "1500ms",
                "--patience",
                "60s",
                "--max-errors",
                "0",
                "--json",
            ],
        );
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_str(&shown).expect("JSON");
        let operations = report["phases"][0]["operations"].as_array().expect("a list");
        for operation in operations {
            // Physics stops at its deadline; a build without optimisation may not get there.
            let count = |what: &str| operation[what].as_u64().unwrap_or(0);
            let late = if operation["class"] == "physics" { count("shed") } else { 0 };
            assert_eq!(count("offered"), count("answered") + late, "{operation:#}");
        }
    }
}

#[test]
fn keys_are_used_in_turn_and_a_wrong_one_is_an_error() {
    let engine = engine(&["--controller", "off", "--api-key", "a:first", "--api-key", "b:second"]);
    let with = |keys: &str| {
        let args = ["--profile", "health", "--rate", "10", "--duration", "1s", "--key", keys];
        load(&engine, &[&args[..], &["--max-errors", "0"]].concat()).status.code()
    };
    assert_eq!(with("first,second"), Some(0));
    assert_eq!(with("first,wrong"), Some(1));
}

#[test]
fn a_missed_threshold_and_a_missing_service_have_exit_codes_of_their_own() {
    let engine = engine(&["--controller", "off"]);
    let health = ["--profile", "health", "--rate", "5", "--duration", "400ms"];
    let missed = load(&engine, &[&health[..], &["--max-p95", "batch=0ms"]].concat());
    assert_eq!(missed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missed.stderr).contains("missed: load: batch: p95"));
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let nobody = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(["load", "--url", &free.to_string(), "--duration", "1s"])
        .output()
        .expect("the binary runs");
    assert_eq!(nobody.status.code(), Some(2));
}

/// A service that stalls once for half a second and answers at once otherwise.
fn stalling() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        let mut served = 0;
        // One connection at a time, so that nothing passes the stalled request.
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                seen.extend_from_slice(&buffer[..read]);
                while let Some(end) = seen.windows(4).position(|w| w == b"\r\n\r\n") {
                    seen.drain(..end + 4);
                    if served == 10 {
                        std::thread::sleep(Duration::from_millis(500));
                    }
                    served += 1;
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            }
        }
    });
    at
}

#[test]
fn a_stall_is_charged_to_everybody_who_would_have_waited() {
    let text = "operations: [{ name: get, class: ui, rate: 100, ask: { get: / } }]";
    let profile = Profile::from_yaml("test", text).expect("a profile");
    let target = Target::parse(&stalling().to_string(), false).expect("local");
    let phases = [Phase::new("stalled", Duration::from_secs(1), 1.0)];
    // The first connection is the one that prepares; the other sends.
    let options = Options { connections: 1, ..Options::default() };
    let spec = Spec::embedded().expect("valid");
    let report = run(&target, &profile, &phases, &options, &spec);
    let report = report.expect("a run");
    let ui = report.phases[0].class(Class::Ui).expect("asked");
    assert_eq!((ui.offered, ui.answered), (100, 100));
    // A closed loop would see one slow answer of a hundred; here about fifty waited,
    // a quarter of a second on average.
    assert!(ui.latency_ms.max >= 400.0, "{ui:?}");
    assert!(ui.latency_ms.p95 >= 300.0, "{ui:?}");
    assert!(ui.offered - ui.good >= 30, "{ui:?}");
    assert!(ui.violation_seconds >= 1);
}

#[test]
fn twenty_users_who_mix_endpoints_are_not_refused_by_the_controller() {
    // Drawings of a size that a build without optimisation parses inside the budget.
    let profile = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
    let text = "sessions: 4\nelements: 50\noperations:\n\
        - { name: drag, class: ui, rate: 15, ask: drag }\n\
        - { name: parse, class: redraw, rate: 10, ask: { parse: 20 } }\n\
        - { name: compile, class: redraw, rate: 10, ask: { compile-svg: 20 } }\n\
        - { name: statics, class: physics, rate: 5, ask: { statics: 4 } }\n";
    std::fs::write(profile.path(), text).expect("written");
    let path = profile.path().to_str().expect("text");
    let engine = engine(&["--controller", "on"]);
    let bounds = ["--warm-up", "1s", "--duration", "2s", "--max-shed", "0", "--max-errors", "0"];
    // Another program's load is a reason to refuse; it does not last through every try.
    let mut shown = String::new();
    let passed = (0..5).any(|_| {
        let output = load(&engine, &[&["--profile", path][..], &bounds].concat());
        shown.push_str(&String::from_utf8_lossy(&output.stdout));
        shown.push_str(&String::from_utf8_lossy(&output.stderr));
        output.status.success()
    });
    assert!(passed, "{shown}");
}

#[test]
fn the_overload_run_goes_through_every_phase_and_prints_its_table() {
    let out = tempfile::NamedTempFile::new().expect("a file");
    // Phases of less than a second say nothing about speed; that every one is there does.
    let profile = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
    let text = "sessions: 2\nelements: 50\noperations:\n\
        - { name: drag, class: ui, rate: 30, ask: drag }\n\
        - { name: parse, class: redraw, rate: 9, ask: { parse: 50 } }\n\
        - { name: fall, class: physics, rate: 6, ask: { simulate: { bodies: 2, seconds: 0.1 } } }\n";
    std::fs::write(profile.path(), text).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(["load", "--overload", "--phase", "300ms", "--seed", "3", "--profile"])
        .args([profile.path(), "--out".as_ref(), out.path()])
        .env_clear()
        .output()
        .expect("the binary runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    let found: Value =
        serde_json::from_slice(&std::fs::read(out.path()).expect("written")).expect("JSON");
    for mode in ["on", "off"] {
        let rows = found[mode].as_array().expect("rows");
        let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
        let expected = ["0.5x, steady", "1x", "2x", "5x", "10x", "physics 10x", "physics 30x"];
        assert_eq!(names, expected, "{mode}");
        assert!(rows.iter().all(|row| row["classes"].as_array().is_some_and(|c| c.len() == 3)));
    }
    assert!(found["costs"]["ui"]["full"].is_number(), "{found}");
    assert!(shown.contains("| physics 30x |"), "{shown}");
}
