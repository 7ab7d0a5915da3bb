//! Constraints whose values are formulas, and formulas that read what dimensions measure: both
//! follow in the operation that changes what they are of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use svgx_base::budget::{Budget, Time};
use svgx_drafting::Measured;
use svgx_engine::behavior::{Measures, Program};
use svgx_engine::constraint::{self, Formulas, Options, Sketch};
use svgx_engine::document::{Document, NodeId};
use svgx_engine::geometry::Scene;

use super::super::error::Error;
use super::super::operation::Operation;
use super::super::outcome::Message;
use super::super::record::Change;
use super::{Session, Transaction};

/// Constraints that a refusal names.
const NAMED: usize = 8;

/// Which dimensions an edit of an element concerns.
#[derive(Debug, Default)]
pub(super) struct Watched {
    by_element: HashMap<NodeId, Vec<NodeId>>,
    /// By a style sheet any edit may concern any element.
    is_styled: bool,
}

impl Watched {
    fn new(document: &Document, nodes: &[NodeId], found: &[Measured]) -> Watched {
        let is_style = |node: NodeId| document.name(node).is_some_and(|(_, name)| name == "style");
        let is_styled = !nodes.is_empty() && document.elements().any(is_style);
        let mut by_element: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        for (&node, measured) in nodes.iter().zip(found) {
            // A transform of a group moves what is in it.
            let around = |&of: &NodeId| std::iter::successors(Some(of), |&n| document.parent(n));
            let all: BTreeSet<NodeId> = measured.of.iter().flat_map(around).collect();
            for of in all {
                by_element.entry(of).or_default().push(node);
            }
        }
        Watched { by_element, is_styled }
    }
}

fn numbers(nodes: &[NodeId], found: &[Measured]) -> Measures {
    let value = |m: &Measured| m.value.unwrap_or(f64::NAN);
    nodes.iter().copied().zip(found.iter().map(value)).collect()
}

fn read_nodes(program: &Program) -> Vec<NodeId> {
    program.measures().map(|(_, node)| node).collect()
}

/// What formulas read of the dimensions of a drawing.
pub(super) fn measures(document: &Document, scene: &Scene, program: &Program) -> Measures {
    let nodes = read_nodes(program);
    let found = svgx_drafting::measured(document, scene, nodes.iter().copied());
    numbers(&nodes, &found)
}

/// Whether an operation only tells triggers what happened: nothing that they do refuses it.
pub(super) fn is_told(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Click(_)
            | Operation::Hover(_)
            | Operation::Fire { .. }
            | Operation::DragStart(_)
            | Operation::DragMove(_)
            | Operation::DragEnd(_)
    )
}

impl Session {
    /// What an operation begins with, while triggers alone are at work.
    pub(super) fn begin(&mut self, operation: &Operation, budget: &Budget) -> Transaction {
        self.recompile();
        self.know_measures();
        self.held = self.formula_values();
        self.refusal = None;
        self.budget = budget.clone();
        Transaction {
            known: u32::try_from(self.elements.len()).unwrap_or(u32::MAX),
            operation: operation.name(),
            is_told: true,
            ..Transaction::default()
        }
    }

    /// Lets follow what triggers did on the way.
    ///
    /// # Errors
    /// What constraints cannot follow.
    pub(super) fn conclude(
        &mut self,
        operation: &Operation,
        now: Time,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        if !matches!(operation, Operation::Undo | Operation::Redo) {
            self.follow_edits(now, tx);
        }
        self.refusal.take().map_or(Ok(()), Err)
    }

    /// Nothing is known of what is measured: the drawing or the machine is another one.
    pub(crate) fn forget_measures(&mut self) {
        self.watched = None;
    }

    /// Measures what formulas read, where it is not known what an edit concerns.
    pub(super) fn know_measures(&mut self) {
        if self.watched.is_some() {
            return;
        }
        let nodes = read_nodes(&self.program);
        if nodes.is_empty() {
            self.watched = Some(Watched::default());
            self.machine.set_measures(Measures::new());
            return;
        }
        self.settle();
        let found = svgx_drafting::measured(&self.document, &self.scene, nodes.iter().copied());
        self.machine.set_measures(numbers(&nodes, &found));
        self.watched = Some(Watched::new(&self.document, &nodes, &found));
    }

    /// Measures again what the edits since the last look concern. Whether a value differs.
    pub(super) fn measure_again(&mut self, tx: &mut Transaction) -> bool {
        let edits = tx.edits.get(tx.measured..).unwrap_or_default();
        tx.measured = tx.edits.len();
        if !self.program.has_measures() || edits.is_empty() {
            return false;
        }
        let mut concerned: BTreeSet<NodeId> = BTreeSet::new();
        let mut all = self.watched.as_ref().is_none_or(|watched| watched.is_styled);
        for change in edits {
            match change {
                Change::Attribute(edit) => {
                    let node = self.node(edit.element);
                    let watched = self.watched.as_ref().zip(node);
                    let found = watched.and_then(|(watched, n)| watched.by_element.get(&n));
                    concerned.extend(found.into_iter().flatten());
                }
                Change::Tree(_) => all = true,
            }
        }
        let nodes = match all {
            true => read_nodes(&self.program),
            false => concerned.into_iter().collect(),
        };
        if nodes.is_empty() {
            return false;
        }
        self.settle();
        let found = svgx_drafting::measured(&self.document, &self.scene, nodes.iter().copied());
        if all {
            self.watched = Some(Watched::new(&self.document, &nodes, &found));
        }
        let measures = numbers(&nodes, &found);
        let changes = self.machine.measured(&self.document, &self.program, &measures);
        let is_other = !changes.is_empty();
        self.report(changes, tx);
        is_other
    }

    /// What the formulas of constraints come to now.
    pub(super) fn formulas(&mut self) -> Formulas {
        if !self.program.has_constraints() {
            return Formulas::new();
        }
        let evaluation = self.machine.evaluation(&self.document, &self.program);
        constraint::formulas_of(&self.document, &self.program, evaluation)
    }

    /// The same, to be compared; what has no value has no number.
    pub(super) fn formula_values(&mut self) -> BTreeMap<NodeId, u64> {
        if !self.program.has_constraints() {
            return BTreeMap::new();
        }
        let evaluation = self.machine.evaluation(&self.document, &self.program);
        let all = self.program.constraints(evaluation);
        all.map(|(node, value)| (node, value.map_or(u64::MAX, f64::to_bits))).collect()
    }

    /// Moves what constraints hold where the formula of one comes to another value than before.
    /// Where that cannot be, an edit is refused; what triggers did stays, and a message says so.
    pub(super) fn hold(&mut self, tx: &mut Transaction) -> bool {
        if !self.program.has_constraints() || self.refusal.is_some() {
            return false;
        }
        let now = self.formula_values();
        let is_other = |(node, value): &(&NodeId, &u64)| {
            // One that came with the operation holds nothing yet, as one with a value.
            self.held.get(*node) != Some(*value) && self.number(**node) < tx.known
        };
        let other = now.iter().find(is_other).map(|(node, _)| *node);
        self.held = now;
        let Some(node) = other else { return false };
        // The solver of a drag was made from other values.
        self.solver = None;
        let budget = self.budget.clone();
        let from = tx.edits.len();
        let solved = self.solve_all(tx.operation, node, &budget, tx);
        let edits = from..tx.edits.len();
        tx.solved.extend(edits.clone());
        if tx.is_told {
            tx.derived.extend(edits);
        }
        match solved {
            Ok(()) => {}
            Err(error) if tx.is_told => tx.effect.messages.push(Message {
                element_id: self.label(self.number(node)),
                action: "failed".to_owned(),
                message: error.to_string(),
            }),
            Err(error) => self.refusal = Some(error),
        }
        true
    }

    /// Moves shapes until the constraints of the drawing hold; all of them, or none.
    pub(super) fn solve_all(
        &mut self,
        word: &'static str,
        node: NodeId,
        budget: &Budget,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let refused = |session: &Session, error: &constraint::Error| match error {
            constraint::Error::Stopped(stop) => Error::Stopped(*stop),
            constraint::Error::Document(found) => {
                let first = found.first().map_or("", |finding| finding.message.as_str());
                session.unsuitable(word, node, format!("the constraints cannot be read: {first}"))
            }
            other => session.unsuitable(word, node, other.to_string()),
        };
        self.settle();
        let formulas = self.formulas();
        let sketch = Sketch::read_with(&self.document, &self.scene, &formulas, &self.limits)
            .map_err(|e| refused(self, &e))?;
        let mut solver =
            sketch.solver_within(&self.limits, budget).map_err(|e| refused(self, &e))?;
        let solution = constraint::solve(&mut solver, Options::default(), budget)
            .map_err(|e| refused(self, &e))?;
        if !solution.unsatisfied.is_empty() {
            let names = solution.unsatisfied.iter().take(NAMED).map(|v| v.constraint.as_str());
            let names: Vec<&str> = names.collect();
            let reason = format!("these constraints would not hold: {}", names.join(", "));
            return Err(self.unsuitable(word, node, reason));
        }
        let tier = self.interactive.precision;
        for edit in sketch.edits(&self.document, &solution.entities, tier) {
            let number = self.number(edit.node);
            self.set(tx, number, edit.name, Some(&edit.value));
        }
        self.held = self.formula_values();
        Ok(())
    }
}
