//! What follows from `slo/`: nothing on disk differs from it, and the real tools agree.

use std::path::{Path, PathBuf};
use std::process::Command;

use svgx_controller::spec::Spec;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Runs a tool of Prometheus' on the project's files; where it is not installed, says so.
fn tool(name: &str, arguments: &[&str], files: &[String]) {
    match Command::new(name).args(arguments).args(files).current_dir(root()).output() {
        Ok(out) => assert!(
            out.status.success(),
            "{name} {arguments:?}\n{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        ),
        Err(e) => println!("SKIP: {name} cannot be run here ({e})"),
    }
}

fn files(suffix: &str) -> Vec<String> {
    let spec = Spec::embedded().unwrap_or_else(|e| panic!("{e}"));
    let all = svgx_operations::generate(&spec).unwrap_or_else(|e| panic!("{e}"));
    all.into_iter().map(|a| a.path).filter(|p| p.ends_with(suffix)).collect()
}

#[test]
fn every_generated_file_is_what_the_objectives_say() {
    let spec = Spec::from_dir(&root().join("slo")).unwrap_or_else(|e| panic!("{e}"));
    let all = svgx_operations::generate_in(&spec, &root()).unwrap_or_else(|e| panic!("{e}"));
    assert!(all.len() > 20, "{} files", all.len());
    for artefact in all {
        let on_disk = std::fs::read_to_string(root().join(&artefact.path)).unwrap_or_default();
        assert!(
            on_disk == artefact.text,
            "{}: differs from slo/; run `svgx slo generate`",
            artefact.path
        );
    }
}

#[test]
fn a_tighter_budget_moves_every_rule_and_test_that_names_it() {
    let texts: Vec<(String, String)> = Spec::embedded_files()
        .iter()
        .map(|(f, t)| ((*f).to_owned(), t.replace("0.016", "0.012")))
        .collect();
    let pairs: Vec<(&str, &str)> = texts.iter().map(|(f, t)| (f.as_str(), t.as_str())).collect();
    let spec = Spec::parse(&pairs).unwrap_or_else(|e| panic!("{e}"));
    assert!(spec.latency_buckets().contains(&0.012));
    let all = svgx_operations::generate(&spec).unwrap_or_else(|e| panic!("{e}"));
    let mentions = |text: &str| all.iter().filter(|a| a.text.contains(text)).count();
    assert_eq!(mentions("0.016"), 0);
    assert!(mentions("0.012") >= 4);
}

#[test]
fn every_tier_detects_as_soon_as_it_declares() {
    let spec = Spec::embedded().unwrap_or_else(|e| panic!("{e}"));
    let alerts = svgx_operations::alert::alerts(&spec).unwrap_or_else(|e| panic!("{e}"));
    let table = svgx_operations::detection_table(&alerts);
    assert_eq!(table.len(), 17);
    for tier in table {
        assert!(tier.holds(), "{tier:?}");
    }
}

#[test]
fn promtool_accepts_the_rules() {
    tool(
        "promtool",
        &["check", "rules", "--lint=all", "--lint-fatal"],
        &files(".rules.yaml").into_iter().filter(|f| f.starts_with("alerts/")).collect::<Vec<_>>(),
    );
}

#[test]
fn promtool_drives_every_alert_from_silent_to_firing_to_resolved() {
    tool("promtool", &["test", "rules"], &files(".test.yaml"));
}

#[test]
fn promtool_finds_the_budget_of_a_month_counted_by_events() {
    let by_hand = "alerts/tests/budget-by-events.test.yaml".to_owned();
    tool("promtool", &["test", "rules"], &[by_hand]);
}

#[test]
fn amtool_accepts_the_routing_and_pages_only_what_is_critical() {
    let config = "--config.file=alerts/alertmanager.yaml";
    tool("amtool", &["check-config"], &["alerts/alertmanager.yaml".to_owned()]);
    for (receiver, severity) in [("page", "critical"), ("ticket", "warning")] {
        let receiver = format!("--verify.receivers={receiver}");
        let labels = [format!("severity={severity}"), "alertname=HighErrorRate".to_owned()];
        tool("amtool", &["config", "routes", "test", config, &receiver], &labels);
    }
}
