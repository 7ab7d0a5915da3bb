//! The solve of all or some of the constraints, as far as it goes: what diagnosis asks again and
//! again (can these hold together?).

use super::plan::Plan;
use super::solver::Solver;
use super::step::StepContext;
use crate::constraint::equations::INTRINSIC;
use crate::linear;
use svgx_base::budget::Budget;
use svgx_base::deep;

/// What could not be solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// An equation between unknowns that are all known.
    ConstantRow(u32),
    /// A component of the plan.
    Component(usize),
    /// A size (see [`Solver::sizes`]) that comes out too small to be drawn.
    Size(usize),
}

/// A sketch, or some of its constraints, solved as far as it goes.
pub(crate) struct SubsetSolve {
    pub(crate) plan: Plan,
    pub(crate) x: Vec<f64>,
    pub(crate) failures: Vec<Failure>,
    /// The plan is the one of the solver.
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
        subset.solve(solver, budget)?;
        Ok(subset)
    }

    /// Takes over the plan of `solver`, which stands at a solved geometry.
    pub(crate) fn resume(
        plan: Plan,
        solver: &Solver,
        budget: &Budget,
    ) -> Result<SubsetSolve, linear::Error> {
        let mut subset =
            SubsetSolve { plan, x: solver.x.clone(), failures: Vec::new(), reusable: true };
        subset.solve(solver, budget)?;
        Ok(subset)
    }

    fn solve(&mut self, solver: &Solver, budget: &Budget) -> Result<(), linear::Error> {
        // A conflict or a diagnosis may take hundreds of these: it is told as one step.
        let _silent = deep::silent_unless(false);
        let rows = &solver.rows[..];
        // Rank decisions see the geometry's error divided by its lengths.
        let before = self.x.clone();
        let step = StepContext { rows, before: &before, tolerance: 1e-10, stiff: &[], budget };
        for k in 0..self.plan.components.len() {
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
        // A size is wrong in itself only where everything else is right.
        if self.failures.is_empty()
            && let Some(size) = self.plan.restore_sizes(
                &solver.sizes,
                solver.tolerance(budget),
                step,
                &mut self.x,
            )?
        {
            self.failures.push(Failure::Size(size));
        }
        Ok(())
    }
}
