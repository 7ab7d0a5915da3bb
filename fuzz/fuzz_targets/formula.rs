#![no_main]
//! Formulas over a voltage, a temperature and a plain number.

use libfuzzer_sys::fuzz_target;
use svgx_engine::behavior::formula::Formula;
use svgx_engine::behavior::unit::Unit;
use svgx_engine::document::Limits;

fuzz_target!(|text: &str| {
    let unit = |text: &str| text.parse().unwrap_or(Unit::ONE);
    let inputs = [("a", unit("V")), ("t", unit("C")), ("n", Unit::ONE)];
    if let Ok(formula) = Formula::compile(text, &inputs, &Limits::default()) {
        formula.evaluate(&mut formula.frame(), &[120.0, 21.5, -3.0]);
    }
});
