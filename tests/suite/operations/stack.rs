//! The real stack: an alert goes from silent to firing to resolved on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use svgx_operations::http::get;

struct Stack {
    folder: tempfile::TempDir,
}

impl Stack {
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_svgx"))
            .arg("stack")
            .args(arguments)
            .arg("--state-dir")
            .arg(self.folder.path())
            .args(["--root", env!("CARGO_MANIFEST_DIR")])
            .output()
            .expect("the binary runs")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn at(&self, what: &str) -> String {
        let text = std::fs::read_to_string(self.path("state.json")).expect("it is up");
        let state: Value = serde_json::from_str(&text).expect("JSON");
        state["addresses"][what].as_str().expect("an address").to_owned()
    }

    /// How many alerts of this name are in `state`, by Prometheus.
    fn alerts(&self, state: &str) -> usize {
        let query =
            format!("ALERTS%7Balertname%3D%22ServiceDown%22%2Calertstate%3D%22{state}%22%7D");
        self.result(&query)
    }

    fn result(&self, query: &str) -> usize {
        let path = format!("/api/v1/query?query={query}");
        let Ok(answer) = get(&self.at("prometheus"), &path, Duration::from_secs(5)) else {
            return 0;
        };
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        value["data"]["result"].as_array().map_or(0, Vec::len)
    }

    /// Whether Alertmanager holds the alert now.
    fn managed(&self) -> bool {
        let answer = get(&self.at("alertmanager"), "/api/v2/alerts", Duration::from_secs(5));
        answer.is_ok_and(|a| String::from_utf8_lossy(&a.body).contains("ServiceDown"))
    }

    fn until(&self, what: &str, seconds: u32, mut holds: impl FnMut(&Stack) -> bool) {
        for _ in 0..seconds * 2 {
            if holds(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        let log = std::fs::read_to_string(self.path("prometheus.log")).unwrap_or_default();
        panic!("not within {seconds} s: {what}\n{log}");
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.run(&["down"]);
    }
}

fn installed(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    programs.iter().any(|p| std::env::split_paths(&path).any(|f| f.join(p).is_file()))
}

#[test]
fn a_dead_engine_is_noticed_reported_and_forgotten_when_it_is_back() {
    if !installed(&["prometheus"]) || !installed(&["prometheus-alertmanager", "alertmanager"]) {
        println!("SKIP: Prometheus or Alertmanager is not installed");
        return;
    }
    let stack = Stack { folder: tempfile::tempdir().expect("a folder") };
    let up = stack.run(&["up", "--ports", "free"]);
    let said = String::from_utf8_lossy(&up.stdout).into_owned();
    assert!(up.status.success(), "{said}{}", String::from_utf8_lossy(&up.stderr));
    assert!(said.contains("ready."), "{said}");

    stack.until("the engine is scraped", 60, |s| {
        s.result("up%7Bjob%3D%22svgx-engine%22%7D+%3D%3D+1") == 1
    });
    stack.until("silent", 60, |s| s.alerts("pending") + s.alerts("firing") == 0);
    let rules =
        get(&stack.at("prometheus"), "/api/v1/rules", Duration::from_secs(5)).expect("rules");
    let rules = String::from_utf8_lossy(&rules.body).into_owned();
    assert!(
        rules.contains("LatencyBudgetBurn") && !rules.contains("\"health\":\"err\""),
        "{rules}"
    );

    assert!(stack.run(&["down", "engine"]).status.success());
    assert!(!stack.run(&["status"]).status.success(), "a part is missing");
    stack.until("firing", 180, |s| s.alerts("firing") == 1);
    stack.until("Alertmanager knows", 60, Stack::managed);
    stack.until("someone is told", 60, |s| {
        let told = std::fs::read_to_string(s.path("notifications.jsonl")).unwrap_or_default();
        told.contains("ServiceDown") && told.contains("runbooks/ServiceDown.md")
    });

    let up = stack.run(&["up"]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    stack.until("resolved", 120, |s| s.alerts("pending") + s.alerts("firing") == 0);
    stack.until("Alertmanager has forgotten", 120, |s| !s.managed());

    let pictures = Command::new(env!("CARGO_BIN_EXE_svgx"))
        .args(["slo", "preview", "--range", "5m", "--prometheus", &stack.at("prometheus"), "--out"])
        .arg(stack.folder.path())
        .output()
        .expect("the binary runs");
    assert!(pictures.status.success(), "{}", String::from_utf8_lossy(&pictures.stderr));
    let overview = std::fs::read_to_string(stack.path("svgx-slo.svg")).expect("a picture");
    assert!(overview.contains("ServiceDown svgx-liveness"), "the alert is on its timeline");

    let pids = pids(&stack);
    assert!(pids.len() >= 4, "{pids:?}");
    assert!(stack.run(&["down"]).status.success());
    for pid in pids {
        // A zombie is nobody's process any more; its parent was the command that started it.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    }
    assert!(!stack.path("state.json").exists());
}

fn pids(stack: &Stack) -> Vec<u64> {
    let said = stack.run(&["status", "--json"]).stdout;
    let all: Value = serde_json::from_slice(&said).unwrap_or_default();
    all.as_array().into_iter().flatten().filter_map(|p| p["pid"].as_u64()).collect()
}

#[test]
fn the_scrape_is_as_often_as_the_detection_times_assume() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("k8s/components/prometheus/prometheus.yaml"));
    let config: Value = serde_saphyr::from_str(&text.expect("a file")).expect("YAML");
    let spec = svgx_controller::spec::Spec::embedded().unwrap_or_else(|e| panic!("{e}"));
    let scrape = config["global"]["scrape_interval"].as_str().and_then(svgx_operations::seconds);
    assert_eq!(scrape, Some(svgx_operations::scrape(&spec)));
}
