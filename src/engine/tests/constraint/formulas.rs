//! Constraints whose values are formulas, from text to what is drawn.

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::constraint::{self, Options, Sketch};
use svgx_engine::document::{Document, Limits, parse};
use svgx_engine::geometry::Scene;

fn drawing(constraints: &str) -> (Document, Scene) {
    let text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 900 900">
        <rect id="frame" width="100" height="60"/>
        <arx:behavior id="grid"><arx:variables><arx:variable name="bays" value="3"/></arx:variables></arx:behavior>
        <arx:constraints><arx:constraint type="fixed" of="frame.top-left"/>{constraints}</arx:constraints></svg>"#
    );
    let document = parse(&text, &Limits::default()).expect("a drawing");
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let scene = Scene::build(&document, &Limits::default(), &budget).expect("a scene");
    (document, scene)
}

#[test]
fn shapes_move_to_what_formulas_come_to() {
    let (document, scene) = drawing(
        r#"<arx:constraint id="width" type="distance" of="frame.left frame.right" formula="grid.bays * 50 mm"/>
        <arx:constraint type="distance" of="frame.top frame.bottom" formula="width / 2 + 0.5 cm"/>"#,
    );
    let limits = Limits::default();
    assert_eq!(constraint::check(&document, &scene, &limits), []);
    let sketch = Sketch::read(&document, &scene, &limits).expect("a sketch");
    let mut solver = sketch.solver(&limits).expect("a solver");
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let solution = constraint::solve(&mut solver, Options::default(), &budget).expect("solved");
    let edits = sketch.edits(&document, &solution.entities, Tier::Compute);
    let written: Vec<(&str, &str)> = edits.iter().map(|e| (e.name, e.value.as_str())).collect();
    assert_eq!(written, [("width", "150"), ("height", "80")]);
}

#[test]
fn what_a_formula_cannot_give_is_told_where_it_stands() {
    let of = r#"of="frame.left frame.right""#;
    for (constraint, code, word) in [
        (
            format!(r#"type="distance" {of} formula="10 mm" value="10""#),
            "constraint-value",
            "formula",
        ),
        (format!(r#"type="distance" {of} formula="0 - 10 mm""#), "constraint-negative", "distance"),
        (
            format!(r#"type="distance" {of} formula="10 mm / (grid.bays - 3)""#),
            "not-finite",
            "formula",
        ),
        (
            r#"type="angle" of="frame.left frame.top" formula="200 deg""#.to_owned(),
            "constraint-angle",
            "angle",
        ),
        (
            r#"type="horizontal" of="frame.top" formula="10 mm""#.to_owned(),
            "constraint-value",
            "takes no",
        ),
    ] {
        let (document, scene) = drawing(&format!("<arx:constraint {constraint}/>"));
        let found = constraint::check(&document, &scene, &Limits::default());
        let codes: Vec<&str> = found.iter().map(|d| d.code.as_str()).collect();
        assert_eq!(codes, [code], "{constraint}: {found:?}");
        assert!(!found[0].span.is_none(), "{constraint}");
        let refused = Sketch::read(&document, &scene, &Limits::default())
            .and_then(|sketch| sketch.solver(&Limits::default()).map(|_| ()));
        let message = refused.expect_err("it cannot be used").to_string();
        assert!(message.contains(word) || code == "not-finite", "{message}");
    }
    // What is wrong with the formula itself is told once, by who compiles it.
    let text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 9 9"><rect id="frame" width="3" height="3"/>
        <arx:constraints><arx:constraint type="distance" {of} formula="bay * 2"/></arx:constraints></svg>"#
    );
    let report = svgx_engine::check(&text, &Limits::default());
    let codes: Vec<&str> = report.diagnostics.iter().map(|d| d.code.as_str()).collect();
    assert_eq!(codes, ["unknown-name"]);
    let document = parse(&text, &Limits::default()).unwrap();
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let scene = Scene::build(&document, &Limits::default(), &budget).unwrap();
    let refused = Sketch::read(&document, &scene, &Limits::default()).expect_err("no value");
    assert!(refused.to_string().contains("no value \"bay\""), "{refused}");
}
