//! What formulas read of the document, as it is written now, and which values follow.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::formula::Type;
use super::program::{Evaluation, Input, Program, Source, ValueId};
use super::rule::Rule;
use super::unit::{Unit, quantity};
use super::{Change, What};
use crate::document::{Document, NodeId};

/// The name of the value of a constraint, and the attribute it is written in.
pub(super) const VALUE: &str = "value";
/// The name of what a dimension measures.
pub(super) const MEASURE: &str = "measure";

/// What dimensions measure, by their elements: millimetres or degrees; no number where nothing
/// is there to measure.
pub type Measures = BTreeMap<NodeId, f64>;

/// The unit of a number on an element that names none; `None`: it is a number.
pub(super) fn usual_unit(document: &Document, node: NodeId) -> Option<&'static str> {
    match document.name(node)? {
        (_, "geometry") => Some("mm"),
        (_, "constraint") => {
            let kind = document.attr(node, "type").unwrap_or_default();
            Some(if kind.trim().eq_ignore_ascii_case("angle") { "deg" } else { "mm" })
        }
        _ => None,
    }
}

impl Input {
    /// Whether it is a number that stands in the document.
    fn is_written(&self) -> bool {
        matches!(self.source, Source::Document | Source::Constraint)
    }
}

impl Program {
    /// The triggers that wait for a condition, with their numbers.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (u32, &Rule)> {
        (0..).zip(&self.rules).filter(|(_, rule)| rule.event == "condition")
    }

    /// The elements that inputs of formulas are written on.
    pub fn input_nodes(&self) -> impl Iterator<Item = NodeId> {
        self.inputs.iter().filter(|i| i.is_written()).map(|input| input.node)
    }

    /// The inputs that are written on an element, with their slots.
    pub(super) fn inputs_on(&self, node: NodeId) -> impl Iterator<Item = (u32, &Input)> {
        let written = move |i: &Input| i.node == node && i.is_written();
        (0..).zip(&self.inputs).filter(move |(_, input)| written(input))
    }

    pub(super) fn value_change(&self, id: ValueId, old: f64, new: f64) -> What {
        let (scope, name, _) = self.describe(id).unwrap_or(("", "", NodeId::ROOT));
        What::Value {
            name: format!("{scope}.{name}"),
            old: old.is_finite().then_some(old),
            new: new.is_finite().then_some(new),
            unit: self.unit(id).filter(|u| !u.is_one()).map(ToString::to_string),
        }
    }

    /// How the formulas stand to what is written on `node` now.
    pub fn inputs_fit(&self, document: &Document, node: NodeId) -> Fit {
        let mut inputs = self.inputs_on(node).peekable();
        if inputs.peek().is_none() {
            return Fit::NotRead;
        }
        match inputs.all(|(_, input)| self.written(document, input).is_some()) {
            true => Fit::AsCompiled,
            false => Fit::Otherwise,
        }
    }

    /// The number of an input as it is written now; `None` when it is none, or in another
    /// unit than the formulas were compiled for.
    pub(super) fn written(&self, document: &Document, input: &Input) -> Option<f64> {
        let side = document.name(input.node).is_some_and(|(_, name)| name == "geometry");
        let text = document.attr(input.node, if side { &input.name } else { VALUE })?.trim();
        let usual = usual_unit(document, input.node);
        let text = if usual == Some("deg") { text.trim_end_matches('°') } else { text };
        let (number, written) = match text {
            "true" => return (input.ty == Type::Boolean).then_some(1.0),
            "false" => return (input.ty == Type::Boolean).then_some(0.0),
            _ => {
                let literal = quantity(text)?;
                (literal.number, literal.unit)
            }
        };
        let beside = document.attr(input.node, "unit").filter(|_| !side);
        let unit = match beside.unwrap_or(written) {
            "" => usual.unwrap_or_default(),
            unit => unit,
        };
        let unit: Unit = unit.parse().ok()?;
        let ty = Type::of(&unit, unit.is_affine());
        (input.ty != Type::Boolean && input.ty.unit() == ty.unit()).then_some(number)
    }
}

/// How formulas stand to the inputs written on an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// No formula reads anything there.
    NotRead,
    /// Numbers in the units that the formulas were compiled for.
    AsCompiled,
    /// Something else: the formulas have to be compiled again.
    Otherwise,
}

/// All values of a program at one moment, to be compared with later ones.
#[derive(Clone, Debug)]
pub struct Values {
    program: Arc<Program>,
    slots: Vec<f64>,
}

impl Values {
    pub(super) fn of(program: &Arc<Program>, evaluation: &Evaluation) -> Values {
        Values { program: Arc::clone(program), slots: evaluation.slots.clone() }
    }

    fn get(&self, program: &Arc<Program>, id: ValueId) -> f64 {
        let there = match Arc::ptr_eq(&self.program, program) {
            true => Some(id),
            false => {
                program.describe(id).and_then(|(scope, name, _)| self.program.find(scope, name))
            }
        };
        there.and_then(|id| self.slots.get(id.0 as usize)).copied().unwrap_or(f64::NAN)
    }

    /// The values that `evaluation` of `program` has and these are not, in the order of slots.
    pub(super) fn differences(
        &self,
        program: &Arc<Program>,
        document: &Document,
        evaluation: &Evaluation,
    ) -> Vec<Change> {
        let named = program.inputs.len() + program.calculations.len();
        let mut changes = Vec::new();
        for (slot, &new) in (0..).zip(evaluation.slots.iter().take(named)) {
            let id = ValueId(slot);
            let derived = program.inputs.get(slot as usize);
            if derived.is_some_and(|i| !i.is_written() && i.source != Source::Measure) {
                continue;
            }
            let old = self.get(program, id);
            if old.to_bits() == new.to_bits() || (!old.is_finite() && !new.is_finite()) {
                continue;
            }
            let Some((_, _, node)) = program.describe(id) else { continue };
            let element = document.id(node).map(str::to_owned);
            changes.push(Change { node, element, what: program.value_change(id, old, new) });
        }
        changes
    }
}
