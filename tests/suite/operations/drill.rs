//! Experiments and drills of the running program. What needs minutes runs with `SVGX_TEST_DRILLS=1`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn svgx(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(arguments)
        .current_dir(ROOT)
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn installed() -> bool {
    let there = |name: &str| Command::new(name).arg("--version").output().is_ok();
    let all = there("prometheus")
        && there("promtool")
        && (there("prometheus-alertmanager") || there("alertmanager"));
    if !all {
        println!("SKIP: Prometheus or Alertmanager is not installed");
    }
    all
}

fn asked_for_minutes() -> bool {
    let asked = std::env::var_os("SVGX_TEST_DRILLS").is_some_and(|v| v == "1");
    if !asked {
        println!("SKIP: takes minutes; SVGX_TEST_DRILLS=1 runs it");
    }
    asked && installed()
}

#[test]
fn the_machine_says_which_faults_it_can_do_and_why_not_the_others() {
    let said = svgx(&["chaos", "can", "--format", "json"]);
    let all: Vec<Value> = serde_json::from_slice(&said.stdout).expect("JSON");
    assert!(all.len() > 20, "{all:?}");
    assert!(all.iter().all(|c| c["why"].as_str().is_some_and(|w| !w.is_empty())), "{all:?}");
    assert!(all.iter().any(|c| c["name"] == "signal" && c["able"] == true), "{all:?}");
}

/// An experiment whose activities write their names into a file.
fn experiment(folder: &Path, before: &str, method: &str) -> PathBuf {
    let done = folder.join("done");
    let log = |name: &str, then: &str| format!("'echo {name} >>{}; {then}'", done.display());
    let probe = log("probe", before);
    let file = folder.join("experiment.yaml");
    let text = format!(
        "title: t\nsteady-state-hypothesis:\n  title: s\n  probes:\n  - name: p\n    type: probe\n    \
         tolerance: 0\n    provider: {{type: process, path: sh, arguments: [-c, {probe}]}}\nmethod:\n\
         - name: m\n  type: action\n  provider: {{type: process, path: sh, arguments: [-c, {}]}}\n\
         rollbacks:\n- name: r\n  type: action\n  provider: {{type: process, path: sh, arguments: [-c, {}]}}\n",
        log("method", method),
        log("rollback", "true"),
    );
    std::fs::write(&file, text).expect("written");
    file
}

#[test]
fn an_experiment_looks_three_times_and_always_rolls_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("broken");
    let breaks = format!("touch {}", broken.display());
    let whole = format!("test ! -e {}", broken.display());
    for (before, method, done, status, deviated, code) in [
        ("true", "true", "probe method probe rollback probe", "completed", false, 0),
        // An activity that fails is noted; what counts is the steady state.
        ("true", "false", "probe method probe rollback probe", "completed", false, 0),
        // Not even begun: but what was begun before is undone.
        ("false", "true", "probe rollback probe", "failed", false, 1),
        // The method broke it, and the rollback did not mend it.
        (whole.as_str(), breaks.as_str(), "probe method probe rollback probe", "failed", true, 1),
    ] {
        for left in ["done", "broken"] {
            // The first case finds nothing.
            let _ = std::fs::remove_file(folder.path().join(left));
        }
        let file = experiment(folder.path(), before, method);
        let journal = folder.path().join("journal.json");
        let run = svgx(&[
            "chaos",
            "run",
            &file.to_string_lossy(),
            "--journal",
            &journal.to_string_lossy(),
        ]);
        let seen = std::fs::read_to_string(folder.path().join("done")).expect("done");
        assert_eq!(seen.split_whitespace().collect::<Vec<_>>().join(" "), done);
        assert_eq!(run.status.code(), Some(code), "{before} {method}: {}", text(&run.stderr));
        let journal: Value =
            serde_json::from_slice(&std::fs::read(journal).expect("a journal")).expect("JSON");
        assert_eq!((&journal["status"], &journal["deviated"]), (&status.into(), &deviated.into()));
        assert_eq!(journal["rollbacks"][0]["activity"]["name"], "r");
    }
}

#[test]
fn every_experiment_of_a_drill_can_be_run() {
    let mut seen = 0;
    for entry in
        std::fs::read_dir(Path::new(ROOT).join("chaos/drills")).expect("a folder").flatten()
    {
        let path = entry.path().to_string_lossy().into_owned();
        if !path.ends_with(".load.yaml") {
            let said = svgx(&["chaos", "run", "--validate", &path]);
            assert!(said.status.success(), "{}", text(&said.stderr));
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen}");
}

#[test]
fn an_alert_that_is_none_is_refused_with_those_that_are() {
    let said = svgx(&["drill", "ServiceUp"]);
    assert_eq!(said.status.code(), Some(2));
    assert!(text(&said.stderr).contains("there is no alert ServiceUp; known are BackstopFired"));
}

#[test]
fn a_rule_that_is_none_is_refused_with_those_that_are() {
    let said = svgx(&["drill", "LatencyBudgetBurn-ui-2d"]);
    assert_eq!(said.status.code(), Some(2));
    let said = text(&said.stderr);
    for drill in ["LatencyBudgetBurn-ui-15m", "LatencyBudgetBurn-physics-3d"] {
        assert!(said.contains(drill), "{said}");
    }
}

#[test]
fn the_machine_is_asked_for_some_of_its_faults() {
    let said = svgx(&["chaos", "can", "--format", "json", "signal", "attach"]);
    let all: Vec<Value> = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(all.len(), 2, "{all:?}");
    let said = svgx(&["chaos", "can", "moonlight"]);
    assert!(text(&said.stderr).contains("there is no fault moonlight"), "{}", text(&said.stderr));
}

/// Processes whose command line names `folder`.
fn of(folder: &Path) -> Vec<String> {
    let folder = folder.to_string_lossy().into_owned();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|p| {
        let line = std::fs::read(p.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(&folder).then(|| format!("{} {line}", p.file_name().to_string_lossy()))
    });
    lines.collect()
}

fn until(what: &str, seconds: u32, mut holds: impl FnMut() -> bool) {
    for _ in 0..seconds * 10 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("not within {seconds} s: {what}");
}

/// A drill that is ended with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn killed_after(alert: &str, wait: &mut dyn FnMut(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    let drill = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(["drill", alert, "--no-journal", "--state-dir"])
        .arg(folder.path())
        .current_dir(ROOT)
        .stdout(Stdio::null())
        .spawn();
    let mut drill = Running(drill.expect("the binary runs"));
    wait(&folder.path().join(alert));
    drill.0.kill().expect("killed");
    drill.0.wait().expect("ended");
    until("nothing of the drill is left", 30, || of(folder.path()).is_empty());
}

#[test]
fn nothing_is_left_when_the_runner_of_a_drill_is_killed() {
    if !installed() {
        return;
    }
    killed_after("ServiceDown", &mut |dir| {
        until("the engine runs", 120, || {
            let state = std::fs::read_to_string(dir.join("state.json")).unwrap_or_default();
            state.contains("\"prometheus\": {")
        });
    });
}

#[test]
fn nothing_is_left_whenever_the_runner_is_killed() {
    if !asked_for_minutes() {
        return;
    }
    // Spread over the start, the steady state, the fault and the wait for the alert.
    for moment in 0..20_u64 {
        killed_after("ServiceDown", &mut |_| {
            std::thread::sleep(Duration::from_millis(200 + 1_300 * moment));
        });
    }
}

/// A root whose files may be changed.
fn copied() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["alerts", "chaos", "k8s/components", "runbooks", "slo"] {
        let to = folder.path().join(part);
        std::fs::create_dir_all(to.parent().expect("inside")).expect("a folder");
        let copy = Command::new("cp").arg("-r").arg(Path::new(ROOT).join(part)).arg(&to).status();
        assert!(copy.expect("cp runs").success());
    }
    folder
}

/// A change of one file, and the step at which the drill has to fail.
struct Mutation {
    alert: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    fails: &'static str,
}

const MUTATIONS: [Mutation; 7] = [
    // An alert that was renamed.
    Mutation {
        alert: "ServiceDown",
        file: "alerts/symptoms.rules.yaml",
        from: "- alert: ServiceDown",
        to: "- alert: ServiceGone",
        fails: "FAILED at fires: alerts/ (ServiceDown)",
    },
    // A command of the page that fails, and one that works and mends nothing.
    Mutation {
        alert: "ServiceDown",
        file: "runbooks/ServiceDown.md",
        from: "\nsvgx stack up\n",
        to: "\nsvgx stack upwards\n",
        fails: "FAILED at mitigation: runbooks/ServiceDown.md:",
    },
    Mutation {
        alert: "ServiceDown",
        file: "runbooks/ServiceDown.md",
        from: "\nsvgx stack up\n",
        to: "\nsvgx stack status || true\n",
        fails: "FAILED at resolved: alerts/ (ServiceDown)",
    },
    // A diagnosis that asks somebody else.
    Mutation {
        alert: "ServiceDown",
        file: "runbooks/ServiceDown.md",
        from: "scrapePool=svgx-engine",
        to: "scrapePool=prometheus",
        fails: "FAILED at diagnosis: runbooks/ServiceDown.md:",
    },
    // A fault that is none.
    Mutation {
        alert: "ServiceDown",
        file: "chaos/drills/service-down.yaml",
        from: "arguments: [chaos, inject, kill, engine, --lasts, 100m]",
        to: "arguments: [chaos, can]",
        fails: "FAILED at effect: chaos/drills/service-down.yaml: inert",
    },
    // A notification that nobody gets.
    Mutation {
        alert: "ServiceDown",
        file: "alerts/alertmanager.yaml",
        from: "      receiver: page\n",
        to: "      receiver: nobody\n",
        fails: "FAILED at told: alerts/alertmanager.yaml",
    },
    // A threshold that was doubled.
    Mutation {
        alert: "HighErrorRate",
        file: "alerts/symptoms.rules.yaml",
        from: "1e9 > 0.01'",
        to: "1e9 > 0.02'",
        fails: "FAILED at fires: alerts/ (HighErrorRate)",
    },
];

#[test]
fn a_drill_fails_at_the_step_that_was_broken() {
    if !asked_for_minutes() {
        return;
    }
    // Four at a time: each is a whole stack.
    for some in MUTATIONS.chunks(4) {
        std::thread::scope(|scope| {
            for mutation in some {
                scope.spawn(|| fails(mutation));
            }
        });
    }
}

fn fails(mutation: &Mutation) {
    let root = copied();
    let path = root.path().join(mutation.file);
    let whole = std::fs::read_to_string(&path).expect("a file");
    assert!(whole.contains(mutation.from), "{}: {}", mutation.file, mutation.from);
    let mut changed = whole.replacen(mutation.from, mutation.to, 1);
    if mutation.to.contains("nobody") {
        changed.push_str("  - name: nobody\n");
    }
    std::fs::write(&path, changed).expect("written");
    let said = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(["drill", mutation.alert, "--no-journal", "--root"])
        .arg(root.path())
        .arg("--state-dir")
        .arg(root.path().join("state"))
        .current_dir(ROOT)
        .output()
        .expect("the binary runs");
    let said = format!("{}{}", text(&said.stdout), text(&said.stderr));
    assert!(said.contains(mutation.fails), "expected {}:\n{said}", mutation.fails);
}
