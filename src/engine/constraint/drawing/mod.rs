//! The sketch in a drawing: its `arx:constraints` and the shapes they name, read
//! into a [`Problem`] in millimetres and written back into the shapes' attributes.
//!
//! Only shapes that a constraint names belong to the sketch. Constraints inside
//! `arx:physics` are about forces, not about geometry, and are none of it.

mod arc;
mod element;
mod formula;
mod parts;
mod path_data;
mod read;

use crate::document::{Code, Diagnostic, Document, Limits, NodeId, Ns, Span};
use crate::geometry::Scene;
use svgx_base::budget::{Budget, Tier};

use super::sketch::{Constraint, Entity, Error, Location, Problem};
use super::solve::{Solver, unlimited};
use element::Drawn;

pub use formula::{Formulas, formulas, formulas_of};
pub use parts::{NoPart, Part, Parts};

/// Findings kept of one sketch.
const FINDINGS: usize = 200;

/// The constraints of a drawing and where they are written.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// What is to be solved.
    pub problem: Problem,
    /// Where every entity of the problem is drawn.
    drawn: Vec<Drawn>,
    /// The element and the name of every constraint of the problem.
    written: Vec<(NodeId, Span)>,
}

/// An attribute that a solution changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The element it is written at.
    pub node: NodeId,
    /// The attribute, without namespace.
    pub name: &'static str,
    /// The value to be written.
    pub value: String,
}

impl Sketch {
    /// Reads the constraints of a drawing.
    ///
    /// # Errors
    /// [`Error::Document`] with every constraint and shape that cannot be used,
    /// [`Error::Limit`] for more constraints than `limits` allow.
    pub fn read(document: &Document, scene: &Scene, limits: &Limits) -> Result<Sketch, Error> {
        Sketch::read_with(document, scene, &formulas(document, limits), limits)
    }

    /// The same, where the formulas of constraints are evaluated already.
    ///
    /// # Errors
    /// As [`Sketch::read`].
    pub fn read_with(
        document: &Document,
        scene: &Scene,
        formulas: &Formulas,
        limits: &Limits,
    ) -> Result<Sketch, Error> {
        let (sketch, findings) = read::read(document, scene, limits, &[], formulas)?;
        if findings.is_empty() { Ok(sketch) } else { Err(Error::Document(findings)) }
    }

    /// What can be used of the constraints of a drawing and of `more`, for dragging while
    /// some of it is still wrong.
    ///
    /// # Errors
    /// [`Error::Limit`] for more constraints than `limits` allow.
    pub fn usable(
        document: &Document,
        scene: &Scene,
        more: &[Constraint],
        formulas: &Formulas,
        limits: &Limits,
    ) -> Result<Sketch, Error> {
        let (mut sketch, _) = read::read(document, scene, limits, more, formulas)?;
        let errors = Solver::errors(&sketch.problem, limits, usize::MAX);
        let wrong: std::collections::HashSet<usize> = errors
            .iter()
            .filter_map(|error| match error {
                Error::Invalid { location: Location::Constraint(i), .. } => Some(*i),
                _ => None,
            })
            .collect();
        let mut sound = (0..).map(|i: usize| !wrong.contains(&i));
        sketch.problem.constraints.retain(|_| sound.next().unwrap_or(true));
        let mut sound = (0..).map(|i: usize| !wrong.contains(&i));
        sketch.written.retain(|_| sound.next().unwrap_or(true));
        Ok(sketch)
    }

    /// Whether a drawing has constraints at all.
    pub fn is_in(document: &Document) -> bool {
        read::constraints(document).next().is_some()
    }

    /// A solver for the sketch as it is drawn.
    ///
    /// # Errors
    /// [`Error::Document`] with every constraint that cannot be used, [`Error::Limit`].
    pub fn solver(&self, limits: &Limits) -> Result<Solver, Error> {
        self.solver_within(limits, &unlimited())
    }

    /// As [`Sketch::solver`], within a budget.
    ///
    /// # Errors
    /// As [`Sketch::solver`], and [`Error::Stopped`] where the budget ended.
    pub fn solver_within(&self, limits: &Limits, budget: &Budget) -> Result<Solver, Error> {
        Solver::within(self.problem.clone(), limits, budget).map_err(|error| match error {
            Error::Invalid { .. } => Error::Document(self.findings(limits)),
            other => other,
        })
    }

    /// The element that entity `i` is drawn by.
    pub fn node(&self, i: usize) -> Option<NodeId> {
        self.drawn.get(i).map(|d| d.node)
    }

    /// The entity that `node` draws.
    pub fn entity_of(&self, node: NodeId) -> Option<usize> {
        self.drawn.iter().position(|d| d.node == node)
    }

    /// Whether `node` draws an entity or is a constraint of the sketch.
    pub fn involves(&self, node: NodeId) -> bool {
        self.entity_of(node).is_some() || self.written.iter().any(|w| w.0 == node)
    }

    /// From user units of the root's `viewBox` to the sketch's millimetres.
    pub fn to_mm(scene: &Scene, (x, y): (f64, f64)) -> (f64, f64) {
        (scene.scale().to_mm(x), scene.scale().to_mm(y))
    }

    /// The attributes that say where `entities` are, rounded to the step of `tier`;
    /// what did not move by half a step is left as it is written.
    pub fn edits(&self, document: &Document, entities: &[Entity], tier: Tier) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (drawn, entity) in self.drawn.iter().zip(entities) {
            drawn.write(document, &entity.shape, tier, &mut edits);
        }
        edits
    }

    fn findings(&self, limits: &Limits) -> Vec<Diagnostic> {
        let span = |location: Location| match location {
            Location::Entity(i) => self.drawn.get(i).map(|d| d.span),
            Location::Constraint(i) => self.written.get(i).map(|w| w.1),
        };
        let errors = Solver::errors(&self.problem, limits, FINDINGS);
        errors
            .into_iter()
            .map(|error| match error {
                Error::Invalid { location: at, ref reason, .. } => Diagnostic::error(
                    reason.code(),
                    span(at).unwrap_or(Span::NONE),
                    error.to_string(),
                ),
                other => Diagnostic::error(Code::ConstraintLimit, Span::NONE, other.to_string()),
            })
            .collect()
    }
}

/// Makes the edits of a solution.
pub fn apply(document: &mut Document, edits: &[Edit]) {
    for edit in edits {
        document.set_attribute(edit.node, Ns::None, edit.name, &edit.value);
    }
}

/// What is wrong with the constraints of a drawing, without solving them.
pub fn check(document: &Document, scene: &Scene, limits: &Limits) -> Vec<Diagnostic> {
    let values = formulas(document, limits);
    match read::read(document, scene, limits, &[], &values) {
        Ok((sketch, mut findings)) => {
            // What is wrong with a formula is told where formulas are.
            let told: Vec<Span> = values
                .iter()
                .filter(|(_, value)| value.as_ref().is_err_and(|f| !formula::is_result(f.code)))
                .filter_map(|(&node, _)| document.attribute(node, Ns::None, "formula"))
                .map(|written| written.span)
                .collect();
            findings.retain(|d| !told.contains(&d.span) || d.code == Code::ConstraintValue);
            findings.extend(sketch.findings(limits));
            findings
        }
        Err(error) => vec![Diagnostic::error(
            Code::ConstraintLimit,
            read::constraints(document).next().map_or(Span::NONE, |n| element::tag(document, n)),
            error.to_string(),
        )],
    }
}
