//! All formulas of a document as one program: compiled once, evaluated in the
//! order of their dependencies, re-evaluated only where an input changed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use serde::Serialize;

use super::formula::{Bytecode, Fault, Type, run, trace};
use super::inputs::Measures;
use super::rule::Rule;
use super::unit::Unit;
use crate::document::{Code, Diagnostic, NodeId, Span, Str};
use svgx_base::budget::{Budget, Stop};
use svgx_base::{deep, deep_span};

/// A named value of a [`Program`]: a variable, a property, or a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub(super) u32);

/// Where an input's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A variable, property or geometry of the document.
    Document,
    /// The value that is written on a constraint: what triggers update is the drawing's.
    Constraint,
    /// What a dimension measures. It is handed in by whoever measures.
    Measure,
    /// A field of the event being handled.
    Event,
    /// Whether this element is switched on.
    On(NodeId),
}

/// A value that formulas read and nobody computes.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) scope: Str,
    pub(super) name: Str,
    pub(super) node: NodeId,
    pub(super) source: Source,
    pub(super) value: f64,
    pub(super) ty: Type,
}

/// Why a calculation has no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeStatus {
    Ready,
    /// It has an error of its own, with this code.
    Invalid(Code),
    /// It needs a value that has one.
    Blocked,
}

#[derive(Clone, Debug)]
pub(super) struct Calculation {
    pub(super) scope: Str,
    pub(super) name: Str,
    pub(super) node: NodeId,
    pub(super) formula: Str,
    pub(super) status: CodeStatus,
    pub(super) ty: Type,
    pub(super) code: Range<usize>,
    /// Slots it reads.
    pub(super) reads: Vec<u32>,
}

/// A formula of a trigger: evaluated when it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) code: Range<usize>,
    pub(super) result: u32,
}

/// The compiled behaviors of a document.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) inputs: Vec<Input>,
    pub(super) calculations: Vec<Calculation>,
    /// The first of the calculations that are formulas of constraints; the rest are as well.
    pub(super) first_constraint: usize,
    /// The inputs that are measured.
    pub(super) measures: Vec<u32>,
    /// Calculations in an order in which every value is there before it is read.
    pub(super) order: Vec<u32>,
    /// `readers[starts[slot]..starts[slot + 1]]`: ranks of the calculations that read a slot.
    pub(super) starts: Vec<u32>,
    pub(super) readers: Vec<u32>,
    pub(super) code: Bytecode,
    pub(super) template: Vec<f64>,
    pub(super) rules: Vec<Rule>,
    pub(super) expressions: Vec<Expression>,
    pub(super) names: std::collections::HashMap<(Str, Str), u32>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Program {
    /// What is wrong with the behaviors: formulas, units, names, cycles, triggers.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// The value `name` of `scope`: an object's or behavior's id.
    pub fn find(&self, scope: &str, name: &str) -> Option<ValueId> {
        self.names.get(&(Str::from(scope), Str::from(name))).map(|&slot| ValueId(slot))
    }

    /// The inputs in document order: scope, name, value as written, unit.
    pub fn inputs(&self) -> impl Iterator<Item = (ValueId, &str, &str, f64, Option<&Unit>)> {
        self.inputs.iter().enumerate().filter(|(_, i)| i.source == Source::Document).map(
            |(at, i)| (ValueId(at as u32), i.scope.as_str(), i.name.as_str(), i.value, i.ty.unit()),
        )
    }

    /// How many calculations there are.
    pub fn calculations(&self) -> usize {
        self.calculations.len()
    }

    /// The unit a value is shown in; `None` for booleans.
    pub fn unit(&self, id: ValueId) -> Option<&Unit> {
        self.ty(id)?.unit()
    }

    /// Scope, name and element of a value.
    pub fn describe(&self, id: ValueId) -> Option<(&str, &str, NodeId)> {
        let at = id.0 as usize;
        if let Some(i) = self.inputs.get(at) {
            return Some((&i.scope, &i.name, i.node));
        }
        let c = self.calculations.get(at - self.inputs.len())?;
        Some((&c.scope, &c.name, c.node))
    }

    fn ty(&self, id: ValueId) -> Option<&Type> {
        let at = id.0 as usize;
        match self.inputs.get(at) {
            Some(i) => Some(&i.ty),
            None => self.calculations.get(at - self.inputs.len()).map(|c| &c.ty),
        }
    }

    /// Evaluates everything, from the values as written.
    ///
    /// # Errors
    /// [`Stop`] when the budget ran out.
    pub fn evaluate(&self, budget: &Budget) -> Result<Evaluation, Stop> {
        let mut evaluation = self.start();
        self.evaluate_all(&mut evaluation, budget)?;
        Ok(evaluation)
    }

    /// The same, with what dimensions measure.
    ///
    /// # Errors
    /// [`Stop`] when the budget ran out.
    pub fn evaluate_with(&self, measures: &Measures, budget: &Budget) -> Result<Evaluation, Stop> {
        let mut evaluation = self.start();
        for (id, node) in self.measures() {
            if let Some(&value) = measures.get(&node) {
                evaluation.slots[id.0 as usize] = value;
            }
        }
        self.evaluate_all(&mut evaluation, budget)?;
        Ok(evaluation)
    }

    pub(super) fn start(&self) -> Evaluation {
        Evaluation {
            slots: self.template.clone(),
            failures: vec![None; self.calculations.len()],
            queue: BinaryHeap::new(),
            queued: vec![false; self.order.len()],
        }
    }

    /// Evaluates everything again, with the inputs `evaluation` holds.
    ///
    /// # Errors
    /// [`Stop`] when the budget ran out; the results are then partly old.
    pub fn evaluate_all(&self, evaluation: &mut Evaluation, budget: &Budget) -> Result<(), Stop> {
        let _span = deep_span!("formulas.run", svgx.formula.count = deep::count(self.order.len()));
        for (at, &calculation) in self.order.iter().enumerate() {
            if at % 1024 == 0 {
                budget.checkpoint()?;
            }
            self.evaluate_one(evaluation, calculation);
        }
        Ok(())
    }

    /// Sets an input and re-evaluates what depends on it, nothing else; answers the
    /// results whose value changed, in the order of evaluation. A value that is not
    /// finite makes its readers fail.
    pub fn set(&self, evaluation: &mut Evaluation, input: ValueId, value: f64) -> Vec<ValueId> {
        let mut changed = Vec::new();
        self.propagate(evaluation, input.0, value, &mut |id, _, _| changed.push(id));
        changed.retain(|&id| id != input);
        changed
    }

    /// Sets an input and calls `changed` with every value that differs, the input first:
    /// its name, its former and its new number.
    pub(super) fn propagate(
        &self,
        evaluation: &mut Evaluation,
        input: u32,
        value: f64,
        changed: &mut dyn FnMut(ValueId, f64, f64),
    ) {
        let slot = input as usize;
        if slot >= self.inputs.len() || evaluation.slots[slot].to_bits() == value.to_bits() {
            return;
        }
        let old = std::mem::replace(&mut evaluation.slots[slot], value);
        changed(ValueId(input), old, value);
        self.enqueue(evaluation, slot);
        while let Some(Reverse(rank)) = evaluation.queue.pop() {
            evaluation.queued[rank as usize] = false;
            let calculation = self.order[rank as usize];
            let slot = self.inputs.len() + calculation as usize;
            let old = evaluation.slots[slot];
            self.evaluate_one(evaluation, calculation);
            let new = evaluation.slots[slot];
            if new.to_bits() != old.to_bits() {
                changed(ValueId(slot as u32), old, new);
                self.enqueue(evaluation, slot);
            }
        }
    }

    fn enqueue(&self, evaluation: &mut Evaluation, slot: usize) {
        let range = self.starts[slot] as usize..self.starts[slot + 1] as usize;
        for &rank in &self.readers[range] {
            if !std::mem::replace(&mut evaluation.queued[rank as usize], true) {
                evaluation.queue.push(Reverse(rank));
            }
        }
    }

    #[inline]
    fn evaluate_one(&self, evaluation: &mut Evaluation, calculation: u32) {
        let c = &self.calculations[calculation as usize];
        let slot = self.inputs.len() + calculation as usize;
        run(&self.code.instructions[c.code.clone()], &mut evaluation.slots);
        if evaluation.slots[slot].is_finite() {
            if evaluation.failures[calculation as usize].is_some() {
                evaluation.failures[calculation as usize] = None;
            }
        } else {
            let failure = self.failure(evaluation, c);
            evaluation.failures[calculation as usize] = Some(Box::new(failure));
        }
    }

    #[cold]
    fn failure(&self, evaluation: &mut Evaluation, c: &Calculation) -> Failure {
        let broken = c.reads.iter().find(|&&r| !evaluation.slots[r as usize].is_finite());
        if let Some(&read) = broken {
            return self.blocked(read);
        }
        let range = c.code.clone();
        let fault = trace(
            &self.code.instructions[range.clone()],
            &self.code.spans[range],
            &mut evaluation.slots,
        );
        let Fault { span, reason } = fault
            .unwrap_or(Fault { span: Span::NONE, reason: "the result is not finite".to_owned() });
        let part = c.formula.get(span.start as usize..span.end as usize).unwrap_or_default();
        let message = if part.is_empty() { reason } else { format!("{reason} in {part}") };
        Failure { code: Code::NotFinite, message }
    }

    fn blocked(&self, slot: u32) -> Failure {
        let input = self.inputs.get(slot as usize);
        if let Some(input) = input.filter(|input| input.source == Source::Measure) {
            let message = format!("the dimension `{}` measures nothing", input.scope);
            return Failure { code: Code::DimensionReference, message };
        }
        let name = match self.describe(ValueId(slot)) {
            Some((scope, name, _)) => format!("{scope}.{name}"),
            None => "a value".to_owned(),
        };
        Failure { code: Code::DependsOnError, message: format!("{name} has no value") }
    }

    /// The results, in document order.
    pub fn results<'p>(
        &'p self,
        evaluation: &'p Evaluation,
    ) -> impl Iterator<Item = Outcome<'p>> + 'p {
        self.calculations.iter().enumerate().map(|(at, c)| Outcome {
            id: ValueId((self.inputs.len() + at) as u32),
            node: c.node,
            scope: &c.scope,
            name: &c.name,
            formula: &c.formula,
            unit: c.ty.unit().filter(|u| !u.is_one()).map(Unit::to_string),
            value: self.result(evaluation, at, c),
        })
    }

    fn result(
        &self,
        evaluation: &Evaluation,
        at: usize,
        c: &Calculation,
    ) -> Result<Value, Failure> {
        match c.status {
            CodeStatus::Invalid(code) => Err(Failure {
                code,
                message: "the formula has an error, see the diagnostics".to_owned(),
            }),
            CodeStatus::Blocked => {
                let broken = c.reads.iter().find(|&&r| !self.is_ready(r));
                Err(self.blocked(broken.copied().unwrap_or(u32::MAX)))
            }
            CodeStatus::Ready => match &evaluation.failures[at] {
                Some(failure) => Err(Failure::clone(failure)),
                None => {
                    let number = evaluation.slots[self.inputs.len() + at];
                    Ok(Value::of(number, &c.ty))
                }
            },
        }
    }

    /// Whether constraints of the drawing have formulas.
    pub fn has_constraints(&self) -> bool {
        self.first_constraint < self.calculations.len()
    }

    /// The values of the constraints that have a formula, in document order: millimetres, or
    /// degrees of angles.
    pub fn constraints<'p>(
        &'p self,
        evaluation: &'p Evaluation,
    ) -> impl Iterator<Item = (NodeId, Result<f64, Failure>)> + 'p {
        let all = self.calculations.iter().enumerate().skip(self.first_constraint);
        all.map(|(at, c)| (c.node, self.result(evaluation, at, c).map(Value::number)))
    }

    /// The dimensions whose measures formulas read, each with the value that takes it:
    /// millimetres, or degrees of angles.
    pub fn measures(&self) -> impl Iterator<Item = (ValueId, NodeId)> {
        let input = |&slot: &u32| Some((ValueId(slot), self.inputs.get(slot as usize)?.node));
        self.measures.iter().filter_map(input)
    }

    /// Whether formulas read what is measured.
    pub fn has_measures(&self) -> bool {
        !self.measures.is_empty()
    }

    /// Whether a formula that is written on `reader` reads a value of `source`. Of formulas of
    /// triggers that is not known, and they may.
    pub fn may_read(&self, reader: NodeId, source: NodeId) -> bool {
        let is_of =
            |&slot: &u32| self.describe(ValueId(slot)).is_some_and(|(_, _, node)| node == source);
        let mut own = self.calculations.iter().filter(|c| c.node == reader).peekable();
        own.peek().is_none() || own.any(|c| c.reads.iter().any(is_of))
    }

    fn is_ready(&self, slot: u32) -> bool {
        match (slot as usize).checked_sub(self.inputs.len()) {
            None => self.inputs[slot as usize].value.is_finite(),
            Some(at) => self.calculations.get(at).is_some_and(|c| c.status == CodeStatus::Ready),
        }
    }

    /// A value now: an input or a result. `None` when it has none.
    pub fn value(&self, evaluation: &Evaluation, id: ValueId) -> Option<Value> {
        let number = *evaluation.slots.get(id.0 as usize)?;
        let ty = self.ty(id)?;
        number.is_finite().then(|| Value::of(number, ty))
    }
}

/// The values of a [`Program`], inputs and results, at one moment.
#[derive(Clone, Debug)]
pub struct Evaluation {
    pub(super) slots: Vec<f64>,
    failures: Vec<Option<Box<Failure>>>,
    queue: BinaryHeap<Reverse<u32>>,
    queued: Vec<bool>,
}

/// A number or a truth value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A finite number, in the unit that goes with it.
    Number(f64),
    /// A condition.
    Boolean(bool),
}

impl Value {
    pub(super) fn of(number: f64, ty: &Type) -> Value {
        match ty {
            Type::Boolean => Value::Boolean(number != 0.0),
            // Zero has no sign.
            _ => Value::Number(number + 0.0),
        }
    }

    /// The number; booleans are 1 and 0.
    pub fn number(self) -> f64 {
        match self {
            Value::Number(n) => n,
            Value::Boolean(b) => f64::from(u8::from(b)),
        }
    }
}

/// Why a result has no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// [`Code::NotFinite`], [`Code::DependsOnError`], or the code of a diagnostic.
    pub code: Code,
    /// One sentence.
    pub message: String,
}

/// One result of an evaluation.
#[derive(Clone, Debug)]
pub struct Outcome<'p> {
    /// Its name for [`Program::value`].
    pub id: ValueId,
    /// The element of the calculation.
    pub node: NodeId,
    /// The object or behavior it belongs to.
    pub scope: &'p str,
    /// Its name.
    pub name: &'p str,
    /// Its formula as written.
    pub formula: &'p str,
    /// Its unit; `None` for plain numbers and booleans.
    pub unit: Option<String>,
    /// Its value, or why there is none.
    pub value: Result<Value, Failure>,
}
