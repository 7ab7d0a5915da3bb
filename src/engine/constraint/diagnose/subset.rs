//! The solve of all or some of the constraints, as far as it goes: what diagnosis asks again and
//! again (can these hold together?).

use crate::constraint::equations::{INTRINSIC, Row};
use crate::constraint::solve::{Plan, Solver, StepContext};
use crate::linear;
use svgx_base::budget::Budget;

/// What could not be solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// An equation between unknowns that are all known.
    ConstantRow(u32),
    /// A component of the plan.
    Component(usize),
}

/// A sketch, or some of its constraints, solved as far as it goes.
pub(crate) struct SubsetSolve {
    pub(crate) plan: Plan,
    pub(crate) x: Vec<f64>,
    pub(crate) failures: Vec<Failure>,
    /// The plan holds for all constraints.
    pub(crate) reusable: bool,
}

/// Residuals that count as zero when asking whether constraints can hold, in mm.
const EXACT: f64 = 1e-8;

impl SubsetSolve {
    /// Solves the constraints that `active` holds for, from `x`.
    pub(crate) fn run(
        solver: &Solver,
        x: &[f64],
        active: impl Fn(u32) -> bool,
        budget: &Budget,
    ) -> Result<SubsetSolve, linear::Error> {
        let mut x = x.to_vec();
        let rows = &solver.rows;
        let on = |i: usize| rows[i].constraint == INTRINSIC || active(rows[i].constraint);
        let plan = Plan::new(rows, &mut x, on, budget)?;
        let mut subset = SubsetSolve { plan, x, failures: Vec::new(), reusable: false };
        subset.solve(rows, budget)?;
        Ok(subset)
    }

    /// Takes over a plan that stands at a solved geometry.
    pub(crate) fn resume(
        plan: Plan,
        rows: &[Row],
        x: &mut Vec<f64>,
        budget: &Budget,
    ) -> Result<SubsetSolve, linear::Error> {
        let mut subset =
            SubsetSolve { plan, x: std::mem::take(x), failures: Vec::new(), reusable: true };
        subset.solve(rows, budget)?;
        Ok(subset)
    }

    fn solve(&mut self, rows: &[Row], budget: &Budget) -> Result<(), linear::Error> {
        // Rank decisions see the geometry's error divided by its lengths.
        let before = self.x.clone();
        for k in 0..self.plan.components.len() {
            let step = StepContext { rows, before: &before, tolerance: 1e-10, stiff: &[], budget };
            let (_, converged) = self.plan.solve_component(k, step, &mut self.x)?;
            if !converged && self.plan.residuals[k] > EXACT {
                self.failures.push(Failure::Component(k));
            }
        }
        for &r in &self.plan.constant_rows {
            if !(rows[r as usize].equation.residual(&self.x).abs() <= EXACT) {
                self.failures.push(Failure::ConstantRow(r));
            }
        }
        Ok(())
    }
}
