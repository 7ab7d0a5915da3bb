//! What the formulas of constraints come to.

use std::collections::BTreeMap;

use crate::behavior::{Evaluation, Failure, Program};
use crate::document::{Code, Document, Limits, NodeId, Ns};
use svgx_base::budget::{Budget, Class, Tier};

/// The values of the constraints that have a formula: millimetres or degrees, or why there is
/// none.
pub type Formulas = BTreeMap<NodeId, Result<f64, Failure>>;

/// What the formulas of constraints come to, from the values that are written in the drawing.
/// They read nothing that is measured, so the drawing need not be resolved.
pub fn formulas(document: &Document, limits: &Limits) -> Formulas {
    let has_formula = |&node: &NodeId| document.attr(node, "formula").is_some();
    if !super::read::constraints(document).any(|node| has_formula(&node)) {
        return Formulas::new();
    }
    let program = Program::compile(document, limits);
    // Without a deadline nothing stops it.
    let evaluation = program.evaluate(&Budget::unlimited(Class::Batch, Tier::Compute));
    evaluation.map(|evaluation| formulas_of(document, &program, &evaluation)).unwrap_or_default()
}

/// The same, of a program that is evaluated already.
pub fn formulas_of(document: &Document, program: &Program, evaluation: &Evaluation) -> Formulas {
    let told = |node: NodeId, failure: Failure| {
        let Some(written) = document.attribute(node, Ns::None, "formula") else { return failure };
        let span = written.span;
        let found = program.diagnostics().iter().find(|d| {
            d.code == failure.code && d.span.start >= span.start && d.span.end <= span.end
        });
        match found.filter(|_| !is_result(failure.code)) {
            Some(found) => {
                let help = found.help.as_ref().map(|help| format!("; {help}"));
                let message = format!("{}{}", found.message, help.unwrap_or_default());
                Failure { message, ..failure }
            }
            None => failure,
        }
    };
    let all = program.constraints(evaluation);
    all.map(|(node, value)| (node, value.map_err(|failure| told(node, failure)))).collect()
}

/// Whether a failure is of the numbers, and none of the formula.
pub(super) fn is_result(code: Code) -> bool {
    matches!(code, Code::NotFinite | Code::DependsOnError)
}
