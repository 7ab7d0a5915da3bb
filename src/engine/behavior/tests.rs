use super::*;
use crate::document::{Behavior, Calculation, NodeId, Quantity, Span, Variable};
use svgx_base::budget::{Budget, Class, Tier};

fn behavior(id: &str, variables: &[(&str, &str, &str)], formulas: &[(&str, &str)]) -> Behavior {
    let value = |v: &str, u: &str| Quantity {
        value: v.into(),
        unit: (!u.is_empty()).then(|| u.into()),
        span: Span::NONE,
    };
    Behavior {
        node: NodeId::ROOT,
        id: Some(id.into()),
        owner: None,
        variables: variables
            .iter()
            .map(|&(n, v, u)| Variable { node: NodeId::ROOT, name: n.into(), value: value(v, u) })
            .collect(),
        calculations: formulas
            .iter()
            .map(|&(n, f)| Calculation {
                node: NodeId::ROOT,
                name: n.into(),
                formula: f.into(),
                span: Span::NONE,
                unit: None,
            })
            .collect(),
        users: Vec::new(),
        triggers: Vec::new(),
    }
}

fn compiled(behaviors: &[Behavior]) -> Program {
    let document = crate::document::parse("<svg/>", &Limits::default()).unwrap();
    compile::program(&document, behaviors, &[], &Limits::default())
}

fn value(program: &Program, evaluation: &Evaluation, scope: &str, name: &str) -> (f64, String) {
    let id = program.find(scope, name).unwrap();
    let number = program.value(evaluation, id).unwrap().number();
    (number, program.unit(id).map(|u| u.to_string()).unwrap_or_default())
}

fn free() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

#[test]
fn the_room_gives_its_figures() {
    let program = compiled(&[
        behavior(
            "epnl1",
            &[("voltage", "480", "V"), ("current", "100", "A"), ("power", "48", "kW")],
            &[
                ("power_factor", "power / (voltage * current / 1000)"),
                ("efficiency", "power / (power + 2)"),
            ],
        ),
        behavior(
            "lf01",
            &[
                ("voltage", "120", "V"),
                ("resistance", "720", "ohm"),
                ("brightness", "2000", "lumens"),
            ],
            &[
                ("efficiency", "brightness / power"),
                ("power", "voltage * current"),
                ("current", "voltage / resistance"),
            ],
        ),
        behavior(
            "window1",
            &[("temperature", "22", "C"), ("humidity", "45", "%")],
            &[("heat_loss", "temperature * 0.5")],
        ),
    ]);
    let errors: Vec<_> = program
        .diagnostics()
        .iter()
        .filter(|d| d.severity == crate::document::Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let evaluation = program.evaluate(&free()).unwrap();
    for (scope, name, expected, unit) in [
        ("epnl1", "power_factor", 1.0, ""),
        ("epnl1", "efficiency", 0.96, ""),
        ("lf01", "current", 120.0 / 720.0, "A"),
        ("lf01", "power", 20.0, "W"),
        ("lf01", "efficiency", 100.0, "lm/W"),
        ("window1", "heat_loss", 11.0, "C"),
    ] {
        let (number, shown) = value(&program, &evaluation, scope, name);
        assert!((number - expected).abs() < 1e-12, "{scope}.{name} = {number}");
        assert_eq!(shown, unit, "{scope}.{name}");
    }
}

#[test]
fn a_cycle_is_named_by_its_path_and_a_mismatch_is_an_error() {
    let program = compiled(&[behavior(
        "o",
        &[("v", "1", "V"), ("i", "1", "A")],
        &[("a", "b + 1"), ("b", "c"), ("c", "a"), ("d", "v + i"), ("x", "d * 2"), ("z", "1/0")],
    )]);
    let codes: Vec<_> = program.diagnostics().iter().map(|d| d.code.as_str()).collect();
    assert_eq!(codes, ["formula-cycle", "unit-mismatch"]);
    assert!(program.diagnostics()[0].message.contains("o.a -> o.b -> o.c -> o.a"));
    let evaluation = program.evaluate(&free()).unwrap();
    let failures: Vec<_> = program
        .results(&evaluation)
        .map(|o| o.value.map_err(|f| f.code.as_str()).unwrap_err())
        .collect();
    let cycle = "formula-cycle";
    assert_eq!(failures, [cycle, cycle, cycle, "unit-mismatch", "depends-on-error", "not-finite"]);
}

#[test]
fn setting_an_input_re_evaluates_its_readers_only() {
    let program = compiled(&[behavior(
        "o",
        &[("p", "1", ""), ("q", "2", "")],
        &[("s", "p + q"), ("t", "s * 2"), ("u", "q * 3")],
    )]);
    let mut evaluation = program.evaluate(&free()).unwrap();
    let changed = program.set(&mut evaluation, program.find("o", "p").unwrap(), 5.0);
    let names: Vec<_> = changed.iter().map(|&c| program.describe(c).unwrap().1).collect();
    assert_eq!(names, ["s", "t"]);
    assert_eq!(value(&program, &evaluation, "o", "t").0, 14.0);
}
