//! No formula, however hostile, makes the engine panic, hang or run out of stack.

use proptest::prelude::*;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::behavior::Program;
use svgx_engine::behavior::formula::Formula;
use svgx_engine::behavior::unit::Unit;
use svgx_engine::document::{Limits, parse};

/// What `text` gives over three inputs: its number, or the codes of what is wrong with it.
fn run(text: &str) -> Result<f64, Vec<&'static str>> {
    let inputs = [("a", Unit::ONE), ("b", "V".parse().unwrap()), ("c", "C".parse().unwrap())];
    match Formula::compile(text, &inputs, &Limits::default()) {
        Ok(formula) => Ok(formula.evaluate(&mut formula.frame(), &[3.0, 230.0, 21.0])),
        Err(found) => {
            assert!(!found.is_empty(), "a refusal has a reason");
            Err(found.iter().map(|d| d.code.as_str()).collect())
        }
    }
}

#[test]
fn hostile_formulas_are_answered_without_a_finite_number() {
    let deep = 100_000;
    let cases = [
        ("a tower of powers", "2^".repeat(60) + "2"),
        ("a tower past the depth", "2^".repeat(1_000) + "2"),
        ("a number past the range", "1e999".to_owned()),
        ("a difference of overflows", "1e308*10 - 1e308*10".to_owned()),
        ("division by zero", "1/0".to_owned()),
        ("a root of a negative number", "sqrt(0 - 1)".to_owned()),
        ("open brackets", "(".repeat(deep)),
        ("nested brackets", "(".repeat(deep) + "1" + &")".repeat(deep)),
        ("nested calls", "abs(".repeat(deep) + "1" + &")".repeat(deep)),
        ("signs", "-".repeat(deep) + "1"),
        ("a class hierarchy", "().__class__.__bases__[0].__subclasses__()".to_owned()),
        ("an import", "__import__('os').system('id')".to_owned()),
        ("a name that is not there", "nobody + 1".to_owned()),
        ("units that do not add", "a * b + c * c".to_owned()),
        ("nothing", String::new()),
        ("a null", "1\0+2".to_owned()),
    ];
    for (name, text) in cases {
        if let Ok(number) = run(&text) {
            assert!(!number.is_finite(), "{name} gives {number}");
        }
    }
}

#[test]
fn formulas_in_a_circle_fail_and_the_rest_is_evaluated() {
    let ring: String = (0..2_000)
        .map(|i| format!("<arx:calculation name='k{i}' formula='k{} + 1'/>", (i + 1) % 2_000))
        .collect();
    let text = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx'><rect id='r' \
         width='1' height='1'><arx:behavior><arx:calculations>{ring}<arx:calculation name='self' \
         formula='self'/><arx:calculation name='free' formula='6 * 7'/></arx:calculations>\
         </arx:behavior></rect></svg>"
    );
    let limits = Limits::default();
    let document = parse(&text, &limits).expect("the text is well formed");
    let program = Program::compile(&document, &limits);
    assert!(program.diagnostics().iter().any(|d| d.code == "formula-cycle"));
    let budget = Budget::unlimited(Class::Ui, Tier::Compute);
    let evaluation = program.evaluate(&budget).expect("no limit was set");
    let numbers: Vec<f64> =
        program.results(&evaluation).filter_map(|o| o.value.ok()).map(|v| v.number()).collect();
    assert_eq!(numbers, [42.0]);
}

proptest! {
    #[test]
    fn any_text_is_a_formula_or_a_refusal(text in any::<String>()) {
        if let Err(codes) = run(&text) {
            prop_assert!(!codes.is_empty());
        }
    }

    #[test]
    fn any_row_of_tokens_is_a_formula_or_a_refusal(
        tokens in proptest::collection::vec(
            prop::sample::select(vec![
                "a", "b", "c", "x", "1", "2.5", "1e308", "1e-320", "+", "-", "*", "/", "^", "%", "(", ")", ",",
                "<", ">=", "==", "!=", "&&", "||", "!", "?", ":", "sqrt", "min", "max", "round", "log", "if",
                "pi", "V", "mm", "C", ".", "[", "'",
            ]),
            0..40,
        )
    ) {
        if let Err(codes) = run(&tokens.join(" ")) {
            prop_assert!(!codes.is_empty());
        }
    }
}
