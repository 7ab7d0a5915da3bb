//! The examples are what they claim to be, and a large building goes through every room.

#[path = "../../../examples/building/plan.rs"]
mod plan;

use std::path::Path;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::behavior::Program;
use svgx_engine::compile::{SvgOptions, svg};
use svgx_engine::document::{Limits, Severity, canonical, difference, parse};
use svgx_engine::geometry::Scene;

fn examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .expect("the examples folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "svgx"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a readable example");
            (path.display().to_string(), text)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_example_checks_without_errors_and_is_its_own_canonical_form() {
    let limits = Limits::default();
    let examples = examples();
    assert!(examples.len() >= 4, "{} examples", examples.len());
    for (name, text) in examples {
        let report = svgx_engine::check(&text, &limits);
        let errors: Vec<_> =
            report.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let document = parse(&text, &limits).expect("a checked example parses");
        let written = canonical(&document);
        assert_eq!(written, text, "{name} is not in canonical form");
        let again = parse(&written, &limits).expect("canonical text parses");
        assert_eq!(difference(&document, &again), None, "{name}");
    }
}

#[test]
fn a_building_of_ten_thousand_elements_goes_through_every_room() {
    let limits = Limits::default();
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    let text = plan::building(10_000);
    assert_eq!(text, plan::building(10_000), "the generator is deterministic");
    assert!(!svgx_engine::check(&text, &limits).has_errors());

    let document = parse(&text, &limits).expect("the building parses");
    let scene = Scene::build(&document, &limits, &budget).expect("a scene");
    let shapes = ["rect", "circle", "path"];
    let drawn = document
        .elements()
        .filter(|&n| document.id(n).is_some() && scene.bounds(n).is_some())
        .count();
    assert_eq!(drawn, 10_000);

    let output = svg(&document, &SvgOptions::default());
    let tree = roxmltree::Document::parse(&output).expect("compiled SVG is XML");
    let compiled = tree.descendants().filter(|n| shapes.contains(&n.tag_name().name())).count();
    assert_eq!(compiled, 10_000);
    assert!(!output.contains("arx:"), "nothing of the language is left");

    let program = Program::compile(&document, &limits);
    assert_eq!(program.calculations(), 1_000);
    let evaluation = program.evaluate(&budget).expect("no limit was set");
    assert!(program.results(&evaluation).all(|outcome| outcome.value.is_ok()));
}
