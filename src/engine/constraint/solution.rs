//! One solve from start to end: what is asked, and everything that is answered.

use serde::{Deserialize, Serialize};

use crate::constraint::diagnose::Diagnosis;
use crate::constraint::sketch::{Entity, Error, Target};
use crate::constraint::solve::{Outcome, Solver, Undrawable};
use svgx_base::budget::Budget;
use svgx_base::deep::{self, Empty};
use svgx_base::deep_span;

/// What is to be done with a sketch besides solving it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Also answer degrees of freedom, redundant constraints and conflicts.
    pub diagnose: bool,
    /// Where the user pulls points.
    pub targets: Vec<Target>,
}

/// A constraint that must hold and does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SketchViolation"))]
pub struct Violation {
    /// The name of the constraint.
    pub constraint: String,
    /// By how much it is missed, in millimetres.
    pub residual_mm: f64,
}

/// The solved sketch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SketchSolution"))]
pub struct Solution {
    /// How the solve ended.
    pub outcome: Outcome,
    /// Whether the time ran out: the geometry, or the diagnosis, is the best so far.
    pub partial: bool,
    /// The finest precision the residual meets (`ui`, `edit`, `compute`), if it meets any.
    pub tier: Option<String>,
    /// The largest residual of the constraints that must hold, in millimetres.
    pub residual_mm: f64,
    /// The tolerance solved to, in millimetres.
    pub tolerance_mm: f64,
    /// Steps of all blocks together.
    pub iterations: u32,
    /// Components that were solved.
    pub components: u32,
    /// The geometry: solved, or the best so far where the time ran out. Where the sketch is
    /// inconsistent, the constraints that do not contradict an earlier one hold in it.
    pub entities: Vec<Entity>,
    /// What does not hold in that geometry.
    pub unsatisfied: Vec<Violation>,
    /// Sizes that the constraints would make impossible to draw: the latest of those
    /// constraints does not hold instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undrawable: Vec<Undrawable>,
    /// What was found out about the sketch, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
}

/// Solves a sketch and finds out about it.
///
/// # Errors
/// As [`Solver::set_targets`], [`Solver::solve`] and [`Solver::diagnose`].
pub fn solve(solver: &mut Solver, options: Options, budget: &Budget) -> Result<Solution, Error> {
    if !options.targets.is_empty() {
        solver.set_targets(options.targets)?;
    }
    let span = deep_span!(
        "constraints",
        svgx.constraint.count = deep::count(solver.problem().constraints.len()),
        svgx.component.count = Empty,
        svgx.iteration.count = Empty,
        svgx.residual = Empty,
    );
    let report = solver.solve(budget)?;
    span.record("svgx.component.count", i64::from(report.components));
    span.record("svgx.iteration.count", i64::from(report.iterations));
    span.record("svgx.residual", report.residual);
    drop(span);
    let diagnosis = if options.diagnose { Some(solver.diagnose(budget)?) } else { None };
    let unsatisfied = solver.unsatisfied(report.tolerance).into_iter();
    Ok(Solution {
        outcome: report.outcome,
        partial: report.outcome == Outcome::Partial
            || diagnosis.as_ref().is_some_and(|d| !d.complete),
        tier: Solver::tier_of(report.residual).map(|t| t.as_str().to_owned()),
        residual_mm: report.residual,
        tolerance_mm: report.tolerance,
        iterations: report.iterations,
        components: report.components,
        entities: solver.entities(),
        undrawable: solver.undrawable().to_vec(),
        unsatisfied: unsatisfied
            .map(|(constraint, residual_mm)| Violation { constraint, residual_mm })
            .collect(),
        diagnosis,
    })
}
