//! The error of a solution, to first order: one more step of Newton's method from it.

use std::collections::BTreeSet;

use svgx_base::budget::Budget;
use svgx_engine::linear::FactorError;

use super::loss::Loss;
use super::report;
use super::solve::{NONE, Run, Solution, Solver};
use super::status::Status;
use crate::accuracy::Effort;
use crate::{Error, Name};

impl Solver {
    /// Valves and pumps that keep a flow from coming back.
    pub(crate) fn holding(&self) -> BTreeSet<Name> {
        let links = self.network.links.iter().zip(&self.status);
        links.filter(|(_, s)| **s == Status::Holding).map(|(l, _)| l.name.clone()).collect()
    }

    /// The solution after one more step with a factor of its own: what the residual of the last
    /// one still moves. `None` where nothing was solved. The solver stays as it is.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub(crate) fn improved(&mut self, budget: &Budget) -> Result<Option<Solution>, Error> {
        let Some(plan) = &self.plan else { return Ok(None) };
        let (shape, Some(mut factor)) = (plan.shape.clone(), plan.factor.clone()) else {
            return Ok(None);
        };
        let loss = |a: &super::plan::Active| self.loss(a.link, self.flows[a.link as usize]);
        let losses: Vec<Loss> = shape.core().iter().map(loss).collect();
        let conductance: Vec<f64> = losses.iter().map(|l| 1.0 / l.slope).collect();
        let asked = self.asked_of_core(&shape);
        let flows = self.flows_of(shape.core());
        let mut right = shape.drawn(&asked);
        let heads: Vec<f64> = losses.iter().map(|l| l.head).collect();
        self.assemble(&shape, &mut factor, (&heads, &conductance), &flows, &mut right, budget)?;
        match factor.factor(0.0, budget) {
            Ok(()) => {}
            Err(FactorError::Stopped(stop)) => return Err(stop.into()),
            Err(FactorError::NotPositive(_)) => return Ok(None),
        }
        factor.solve(&mut right[..shape.count]);
        let before = (self.heads.clone(), self.flows.clone());
        for (head, &u) in self.heads.iter_mut().zip(&shape.unknown) {
            if u != NONE {
                *head = right[u as usize];
            }
        }
        for ((a, loss), p) in shape.core().iter().zip(&losses).zip(&conductance) {
            let step = (loss.head - self.fall(a)) * p;
            self.flows[a.link as usize] -= step;
        }
        self.follow(&shape, &mut Run::default());
        let solution = report::answer(self, Effort::default(), &[], &self.limits);
        (self.heads, self.flows) = before;
        Ok(Some(solution))
    }
}
