//! A sketch, or some of its constraints, solved as far as it goes.

use crate::constraint::equations::{INTRINSIC, Row};
use crate::constraint::solve::{Plan, Solver};
use crate::linear::{self};
use svgx_base::budget::Budget;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Closed(u32),
    Component(usize),
}

/// A sketch, or some of its constraints, solved as far as it goes.
pub(crate) struct Trial {
    pub(crate) plan: Plan,
    pub(crate) x: Vec<f64>,
    pub(crate) failures: Vec<Failure>,
    /// The plan holds for all constraints.
    pub(crate) reusable: bool,
}

/// Residuals that count as zero when asking whether constraints can hold, in mm.
const EXACT: f64 = 1e-8;

impl Trial {
    /// Solves the constraints that `active` holds for, from `x`.
    pub(crate) fn run(
        solver: &Solver,
        x: &[f64],
        active: impl Fn(u32) -> bool,
        budget: &Budget,
    ) -> Result<Trial, linear::Error> {
        let mut x = x.to_vec();
        let rows = &solver.rows;
        let on = |i: usize| rows[i].constraint == INTRINSIC || active(rows[i].constraint);
        let plan = Plan::new(rows, &mut x, on, budget)?;
        let mut trial = Trial { plan, x, failures: Vec::new(), reusable: false };
        trial.solve(rows, budget)?;
        Ok(trial)
    }

    /// Takes over a plan that stands at a solved geometry.
    pub(crate) fn resume(
        plan: Plan,
        rows: &[Row],
        x: &mut Vec<f64>,
        budget: &Budget,
    ) -> Result<Trial, linear::Error> {
        let mut trial = Trial { plan, x: std::mem::take(x), failures: Vec::new(), reusable: true };
        trial.solve(rows, budget)?;
        Ok(trial)
    }

    fn solve(&mut self, rows: &[Row], budget: &Budget) -> Result<(), linear::Error> {
        // Rank decisions see the geometry's error divided by its lengths.
        let before = self.x.clone();
        for k in 0..self.plan.components.len() {
            let at = (rows, &before[..], 1e-10, &[][..]);
            let (_, converged) = self.plan.solve_component(k, at, &mut self.x, budget)?;
            if !converged && self.plan.residuals[k] > EXACT {
                self.failures.push(Failure::Component(k));
            }
        }
        for &r in &self.plan.closed {
            if !(rows[r as usize].equation.residual(&self.x).abs() <= EXACT) {
                self.failures.push(Failure::Closed(r));
            }
        }
        Ok(())
    }
}
