//! Formulas of constraints, and formulas that read constraints and dimensions.

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::behavior::{Measures, Program};
use svgx_engine::document::{Code, Document, Limits, parse};

/// Shapes, a behavior, constraints with and without formulas, and dimensions.
fn drawing(constraints: &str, formula: &str) -> Document {
    let text = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 900 900">
        <rect id="frame" width="100" height="60"/><line id="wall" x1="0" y1="300" x2="90" y2="300"/>
        <arx:object id="hall" type="architecture.room">
          <arx:properties><arx:property name="width" value="7" unit="m"/></arx:properties>
          <arx:behavior>
            <arx:variables><arx:variable name="bays" value="3"/><arx:variable name="mains" value="230" unit="V"/><arx:variable name="lean" value="30" unit="deg"/></arx:variables>
            <arx:calculations><arx:calculation name="made" formula="{formula}"/></arx:calculations>
          </arx:behavior>
        </arx:object>
        <arx:constraints>
          <arx:constraint id="bay" type="distance" of="frame.left frame.right" value="4" unit="cm"/>
          <arx:constraint id="tilt" type="angle" of="wall frame.top" value="15"/>
          {constraints}
        </arx:constraints>
        <arx:dimensions>
          <arx:dimension id="b" drives="bay"/><arx:dimension id="gap" of="frame.right wall.start"/>
          <arx:dimension id="corner" type="angle" of="wall frame.left"/>
          <arx:dimension id="row" type="chain" of="frame.left frame.right wall.end"/>
        </arx:dimensions>
        </svg>"#
    );
    parse(&text, &Limits::default()).expect("a drawing")
}

fn budget() -> Budget {
    Budget::unlimited(Class::Ui, Tier::Compute)
}

/// What the last constraint comes to, or the code of why it does not.
fn value(constraint: &str, formula: &str) -> Result<f64, Code> {
    let document = drawing(constraint, formula);
    let program = Program::compile(&document, &Limits::default());
    let evaluation = program.evaluate(&budget()).expect("no limit was set");
    let last = program.constraints(&evaluation).last().expect("a constraint with a formula");
    last.1.map_err(|failure| failure.code)
}

#[test]
fn the_formula_of_a_constraint_has_the_names_and_units_it_needs() {
    let cases: [(&str, &str, Result<f64, Code>); 20] = [
        ("distance", "2 * bay + 120 mm", Ok(200.0)),
        ("distance", "2 * bay.value + 12 cm", Ok(200.0)),
        ("distance", "2 * b + 0.12 m", Ok(200.0)),
        ("distance", "'bay'.value + b.value", Ok(80.0)),
        ("distance", "hall.bays * bay", Ok(120.0)),
        ("distance", "hall.width / 2", Ok(3500.0)),
        // A plain number is in the unit of a value that names none.
        ("distance", "hall.bays * 10", Ok(30.0)),
        ("radius", "1 in", Ok(25.4)),
        ("angle", "tilt * 2", Ok(30.0)),
        ("angle", "hall.lean + 5", Ok(35.0)),
        ("angle", "0.5 rad", Ok(28.64788975654116)),
        ("angle", "90", Ok(90.0)),
        ("distance", "hall.mains", Err(Code::UnitMismatch)),
        ("distance", "bay * bay", Err(Code::UnitMismatch)),
        ("distance", "bay > 1", Err(Code::UnitMismatch)),
        ("angle", "bay", Err(Code::UnitMismatch)),
        ("distance", "bays * 10", Err(Code::UnknownName)),
        ("distance", "bay / (hall.bays - 3)", Err(Code::NotFinite)),
        ("distance", "bay +", Err(Code::FormulaSyntax)),
        ("distance", "gap", Err(Code::UnknownName)),
    ];
    for (kind, formula, expected) in cases {
        let constraint = format!(
            r#"<arx:constraint id="made" type="{kind}" of="frame.top frame.bottom" formula="{}"/>"#,
            formula.replace('>', "&gt;")
        );
        let found = value(&constraint, "1");
        let same = match (&found, &expected) {
            (Ok(a), Ok(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        };
        assert!(same, "{kind} {formula}: {found:?}, not {expected:?}");
    }
}

#[test]
fn what_constraints_move_decides_no_constraint() {
    let made = |id: &str, formula: &str| {
        format!(
            r#"<arx:constraint id="{id}" type="distance" of="frame.top frame.bottom" formula="{formula}"/>"#
        )
    };
    for (constraints, calculation, names) in [
        (made("made", "gap.measure"), "1", "made -> gap.measure"),
        (made("made", "hall.made + 1"), "gap.measure * 2", "made -> hall.made -> gap.measure"),
        (made("other", "b.measure") + &made("made", "other / 2"), "1", "other -> b.measure"),
        (made("other", "made / 2") + &made("made", "other * 2"), "1", "other -> made -> other"),
        (made("made", "hall.made * 1"), "made.value + 1 mm", "hall.made -> made -> hall.made"),
        (made("made", "made / 2"), "1", "made -> made"),
    ] {
        let document = drawing(&constraints, calculation);
        let program = Program::compile(&document, &Limits::default());
        let found = program.diagnostics();
        let cycle = found.iter().find(|d| d.code == Code::FormulaCycle);
        let cycle = cycle.unwrap_or_else(|| panic!("{constraints}: {found:?}"));
        assert!(cycle.message.contains(names), "{}, not {names}", cycle.message);
        assert!(!cycle.span.is_none(), "{constraints}");
        assert!(value(&constraints, calculation).is_err());
    }
}

#[test]
fn a_formula_reads_constraints_and_what_was_measured() {
    let made = r#"<arx:constraint id="wide" type="distance" of="frame.top frame.bottom" formula="bay * 2"/>"#;
    let cases = [
        ("gap.measure + 1 cm", Ok(135.0)),
        ("gap.measure * b.measure", Ok(5000.0)),
        ("cos(corner.measure)", Ok(0.5)),
        ("wide + bay", Ok(120.0)),
        ("wide.value", Ok(80.0)),
        // Values of the behavior and the object are nearer.
        ("width", Ok(7.0)),
        ("e", Ok(std::f64::consts::E)),
        ("gap.measure + mains", Err(Code::UnitMismatch)),
        ("gap.value", Err(Code::UnknownName)),
        ("bay.measure", Err(Code::UnknownName)),
        ("row.measure", Err(Code::DependsOnError)),
        ("b.measure / (gap.measure - 125)", Err(Code::NotFinite)),
    ];
    for (formula, expected) in cases {
        let document = drawing(made, formula);
        let program = Program::compile(&document, &Limits::default());
        let node = |id: &str| document.by_id(id).expect("an element");
        let measures: Measures =
            [(node("gap"), 125.0), (node("b"), 40.0), (node("corner"), 60.0)].into();
        let evaluation = program.evaluate_with(&measures, &budget()).expect("no limit was set");
        let result = program.results(&evaluation).find(|o| o.name == "made").expect("a result");
        let found = result.value.map(|v| v.number()).map_err(|failure| failure.code);
        let same = match (&found, &expected) {
            (Ok(a), Ok(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        };
        assert!(same, "{formula}: {found:?}, not {expected:?}: {:?}", program.diagnostics());
    }
}

#[test]
fn what_is_not_measured_is_an_error_and_no_number() {
    let document = drawing("", "gap.measure + 1");
    let program = Program::compile(&document, &Limits::default());
    assert_eq!(program.diagnostics(), [], "a dimension is there");
    for measures in [Measures::new(), [(document.by_id("gap").unwrap(), f64::NAN)].into()] {
        let evaluation = program.evaluate_with(&measures, &budget()).unwrap();
        let result = program.results(&evaluation).next().unwrap();
        assert_eq!(result.value.map_err(|f| f.code), Err(Code::DimensionReference));
    }
}
