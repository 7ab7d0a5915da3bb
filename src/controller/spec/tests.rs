use super::*;

fn with(file: &str, from: &str, to: &str) -> Result<Spec, Errors> {
    let mut files: Vec<(&str, String)> =
        Spec::embedded_files().iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    for (name, text) in &mut files {
        if *name == file {
            assert!(text.contains(from), "{file} does not contain {from:?}");
            *text = text.replacen(from, to, 1);
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (*n, t.as_str())).collect();
    Spec::parse(&files)
}

#[test]
fn the_embedded_objectives_are_valid() {
    let spec = Spec::embedded().unwrap_or_else(|errors| panic!("{errors}"));
    let budgets: Vec<u128> = spec.objectives.iter().map(|o| o.budget.as_millis()).collect();
    assert_eq!(budgets, [16, 32, 100]);
    assert_eq!(spec.slos.len(), 18);
    assert!(spec.slo("svgx-availability").is_some());
}

#[test]
fn every_document_of_the_folder_is_embedded() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let folder = std::fs::read_dir(format!("{root}/slo")).expect("the folder");
    let mut names: Vec<String> = folder
        .map(|entry| format!("slo/{}", entry.expect("an entry").file_name().to_string_lossy()))
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    let embedded = Spec::embedded_files().iter().map(|(name, _)| (*name).to_owned());
    let mut embedded: Vec<String> = embedded.collect();
    names.sort();
    embedded.sort();
    assert_eq!(embedded, names);
}

#[test]
fn a_mistake_is_reported_at_its_file_and_line() {
    for (file, from, to, words) in [
        ("slo/ui-latency.yaml", "target: 0.95", "target: 1.5", "target 1.5; expected"),
        ("slo/ui-latency.yaml", "target: 0.95", "target: often", "not a decimal"),
        (
            "slo/ui-latency.yaml",
            "alertPolicyRef: high-response-time",
            "alertPolicyRef: nobody",
            "no AlertPolicy named \"nobody\"",
        ),
        ("slo/ui-latency.yaml", "service: svgx-engine", "service: other", "no Service named"),
        (
            "slo/ui-latency.yaml",
            "session.state 1000 elements 500us",
            "session.state many elements",
            "expected: name size unit cost",
        ),
        (
            "slo/ui-latency.yaml",
            "threshold-seconds: \"0.016\"",
            "threshold-seconds: \"soon\"",
            "not a decimal",
        ),
        (
            "slo/service.yaml",
            "controller-dwell: 4s",
            "controller-dwell: long",
            "controller-dwell: \"long\"",
        ),
        (
            "slo/service.yaml",
            "step-up-load: \"0.70\"",
            "step-up-load: \"0.90\"",
            "the tier would alternate",
        ),
        (
            "slo/availability.yaml",
            "budgetingMethod: Occurrences",
            "budgetingMethod: Timeslices",
            "expected Occurrences",
        ),
        ("slo/policies.yaml", "kind: AlertPolicy", "kind: AlarmPolicy", "kind \"AlarmPolicy\""),
        ("slo/policies.yaml", "lookbackWindow: 2m", "lookbackWindow: two", "no duration"),
        ("slo/cpu.yaml", "budgetingMethod", "budgetMethod", "budgetMethod"),
    ] {
        let text = Spec::embedded_files().iter().find(|(name, _)| *name == file).expect(file).1;
        let line = 1 + text.lines().position(|line| line.contains(from)).expect(from) as u64;
        let errors = with(file, from, to).expect_err(to).0;
        assert!(
            errors.iter().any(|e| e.file == file && e.line == line && e.message.contains(words)),
            "{file}:{line} {words:?} not among:\n{}",
            Errors(errors)
        );
    }
}

#[test]
fn the_histogram_has_every_budget_as_an_exact_edge() {
    let edges = Spec::embedded().expect("valid").latency_buckets();
    for budget in [0.016, 0.032, 0.1] {
        assert!(edges.contains(&budget), "{budget} not in {edges:?}");
    }
    assert!(edges.is_sorted());
    assert_eq!(edges.len(), 21);
}

#[test]
fn a_missing_annotation_names_the_document_and_the_key() {
    let errors =
        with("slo/redraw-latency.yaml", "    svgx.dev/weight: \"4\"\n", "").expect_err("no weight");
    assert!(
        errors.to_string().contains("svgx-redraw-latency has no annotation svgx.dev/weight"),
        "{errors}"
    );
}
