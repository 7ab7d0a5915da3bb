//! The request and the answer of `POST /constraints/solve`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::diagnose::Diagnosis;
use super::problem::{Entity, Error, Problem};
use super::solver::{Outcome, Solver};
use crate::budget::Budget;
use crate::document::Limits;

/// What is to be solved, and how much is to be said about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SolveRequest {
    /// The sketch.
    pub problem: Problem,
    /// Also answer degrees of freedom, redundant constraints and conflicts.
    #[serde(default)]
    pub diagnose: bool,
}

/// A constraint that must hold and does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// The name of the constraint.
    pub constraint: String,
    /// By how much it is missed, in millimetres.
    pub residual_mm: f64,
}

/// The solved sketch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SolveResponse {
    /// How the solve ended.
    pub outcome: Outcome,
    /// The finest tier the residual meets (`ui`, `edit`, `compute`), if it meets any.
    pub tier: Option<String>,
    /// The largest residual of the constraints that must hold, in millimetres.
    pub residual_mm: f64,
    /// The tolerance asked for, in millimetres.
    pub tolerance_mm: f64,
    /// Steps of all blocks together.
    pub iterations: u32,
    /// The geometry: solved, or the last good one where the sketch is inconsistent.
    pub entities: Vec<Entity>,
    /// What does not hold in that geometry.
    pub unsatisfied: Vec<Violation>,
    /// What was found out about the sketch, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
}

/// Solves a request from start to end.
///
/// # Errors
/// As [`Solver::new`] and [`Solver::solve`].
pub fn solve(
    request: SolveRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<SolveResponse, Error> {
    let mut solver = Solver::new(request.problem, limits)?;
    let report = solver.solve(budget)?;
    let diagnosis = if request.diagnose { Some(solver.diagnose(budget)?) } else { None };
    let unsatisfied = solver.unsatisfied(report.tolerance).into_iter();
    Ok(SolveResponse {
        outcome: report.outcome,
        tier: Solver::tier_of(report.residual).map(|t| t.as_str().to_owned()),
        residual_mm: report.residual,
        tolerance_mm: report.tolerance,
        iterations: report.iterations,
        entities: solver.entities(),
        unsatisfied: unsatisfied
            .map(|(constraint, residual_mm)| Violation { constraint, residual_mm })
            .collect(),
        diagnosis,
    })
}
