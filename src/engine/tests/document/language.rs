//! `docs/language.md` says what the engine does.

use svgx_engine::document::{self, Code, Limits};

const LANGUAGE: &str = include_str!("../../../../docs/language.md");

fn examples() -> Vec<&'static str> {
    LANGUAGE
        .split("```svgx\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```").map(|(example, _)| example))
        .collect()
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
fn the_table_of_codes_is_the_one_of_the_engine() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/language.md");
    const BEGIN: &str = "<!-- codes: made from src/engine/document/code.rs -->\n";
    const END: &str = "<!-- end of codes -->";
    let mut table = String::from("| code | severity | meaning |\n|---|---|---|\n");
    for code in Code::ALL {
        let severities: Vec<&str> = code.severities().iter().map(|s| s.as_str()).collect();
        let (severities, meaning) = (severities.join(", "), code.meaning());
        table.push_str(&format!("| `{code}` | {severities} | {meaning} |\n"));
    }
    let text = std::fs::read_to_string(PATH).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the begin marker is in docs/language.md");
    let (written, after) = rest.split_once(END).expect("the end marker is in docs/language.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PATH, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert!(
        written == table,
        "docs/language.md does not list the codes of the engine; rewrite it with\n\
         UPDATE_DOCS=1 cargo test -p svgx-engine the_table_of_codes"
    );
}

#[test]
fn every_code_has_its_own_text_and_repeats_only_others() {
    let mut texts: Vec<&str> = Code::ALL.iter().map(|c| c.as_str()).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), Code::ALL.len());
    for code in Code::ALL {
        let text = code.as_str();
        assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{text}");
        assert!(!code.meaning().is_empty() && !code.meaning().contains(['|', '\n']), "{text}");
        assert!(!code.repeats().contains(code), "{text}");
        assert_eq!(serde_json::to_value(code).unwrap(), text);
    }
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
