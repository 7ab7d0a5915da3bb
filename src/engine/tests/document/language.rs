//! `docs/language.md` says what the engine does.

use std::path::Path;

use svgx_engine::document::{self, Limits};

const LANGUAGE: &str = include_str!("../../../../docs/language.md");

fn examples() -> Vec<&'static str> {
    LANGUAGE
        .split("```svgx\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```").map(|(example, _)| example))
        .collect()
}

/// Every code the engine's source gives a finding.
fn codes(folder: &Path, found: &mut Vec<String>) {
    const BEFORE: [&str; 9] = [
        "Diagnostic::error(",
        "Diagnostic::warning(",
        ".error(",
        ".warning(",
        "found(",
        "bad_quantity(",
        "Severity::Error,",
        "Severity::Warning,",
        "Severity::Note,",
    ];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes(&path, found);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        for before in BEFORE {
            for rest in source.split(before).skip(1) {
                let Some(rest) = rest.trim_start().strip_prefix('"') else { continue };
                let code = rest.split('"').next().unwrap_or_default();
                if code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
                    found.push(code.to_owned());
                }
            }
        }
        for rest in source.split("\"limit-").skip(1) {
            found.push(format!("limit-{}", rest.split('"').next().unwrap_or_default()));
        }
    }
}

#[test]
fn every_example_of_the_language_is_sound_and_keeps_its_meaning() {
    let limits = Limits::default();
    assert!(examples().len() >= 7, "{}", examples().len());
    for example in examples() {
        let report = svgx_engine::check(example, &limits);
        assert!(!report.has_errors(), "{:?}\n{example}", report.diagnostics);
        let document = report.document.unwrap();
        let text = document::canonical(&document);
        let again = document::parse(&text, &limits).unwrap();
        assert_eq!(document::difference(&document, &again), None, "{example}");
        assert_eq!(document::canonical(&again), text, "{example}");
    }
}

#[test]
fn every_code_of_a_finding_is_in_the_language() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for room in ["document", "behavior", "constraint", "geometry", "physics"] {
        codes(&source.join(room), &mut found);
    }
    found.sort();
    found.dedup();
    assert!(found.len() > 80, "only {} codes were found: {found:?}", found.len());
    let missing: Vec<&String> =
        found.iter().filter(|c| !LANGUAGE.contains(&format!("| `{c}` |"))).collect();
    assert!(missing.is_empty(), "not in docs/language.md: {missing:?}");
}

#[test]
fn every_type_of_constraint_is_in_the_language() {
    for (name, _) in svgx_engine::constraint::Kind::NAMES {
        assert!(LANGUAGE.contains(&format!("\n| `{name}`")), "not in docs/language.md: {name}");
    }
}

#[test]
fn every_sketch_of_the_language_solves_and_is_what_it_says() {
    use svgx_base::budget::{Budget, Class, Tier};
    use svgx_engine::constraint::{Options, Outcome, Sketch, Status, apply, solve};
    use svgx_engine::geometry::Scene;
    let (limits, budget) = (Limits::default(), Budget::unlimited(Class::Physics, Tier::Compute));
    let mut sketches = 0;
    for example in examples() {
        let mut document = document::parse(example, &limits).unwrap();
        if !Sketch::is_in(&document) {
            continue;
        }
        sketches += 1;
        let read = |document: &document::Document| {
            let scene = Scene::build(document, &limits, &budget).unwrap();
            Sketch::read(document, &scene, &limits).unwrap()
        };
        let sketch = read(&document);
        let options = Options { diagnose: true, ..Options::default() };
        let solution =
            solve(&mut sketch.solver(&limits).unwrap(), options.clone(), &budget).unwrap();
        assert_eq!(solution.outcome, Outcome::Solved, "{example}");
        let status = solution.diagnosis.map(|d| d.status);
        assert_eq!(status, Some(Status::FullyConstrained), "{example}");
        let edits = sketch.edits(&document, &solution.entities, Tier::Compute);
        assert!(!edits.is_empty(), "nothing moved: {example}");
        apply(&mut document, &edits);
        // What was written solves to itself: within a step it holds already.
        let again = read(&document);
        let solved = solve(&mut again.solver(&limits).unwrap(), options, &budget).unwrap();
        assert_eq!(again.edits(&document, &solved.entities, Tier::Edit), [], "{example}");
    }
    assert!(sketches >= 2);
}

#[test]
fn every_limit_is_in_the_language_with_its_default() {
    let limits = serde_json::to_value(Limits::default()).unwrap();
    for (name, value) in limits.as_object().unwrap() {
        let row = format!("| `{name}` | {value} |");
        assert!(LANGUAGE.contains(&row), "not in docs/language.md: {row}");
    }
}

#[test]
fn every_function_is_in_the_language() {
    for (name, ..) in svgx_engine::behavior::formula::functions() {
        assert!(LANGUAGE.contains(&format!("`{name}`")), "not in docs/language.md: {name}");
    }
}
