//! Minimal sets of constraints that contradict each other.

use std::collections::BTreeSet;

use super::freedom::Derivatives;
use super::subset::{Failure, SubsetSolve};
use crate::constraint::equations::{Equation, GROUND, INTRINSIC, MAX_UNKNOWNS};
use crate::constraint::solve::{Plan, Solver};
use crate::linear::{self, Matrix, analyse, combination, max_abs};
use svgx_base::budget::{Budget, Stop};

impl Solver {
    /// Constraints among which the contradiction of the first failure lies.
    pub(crate) fn conflict_candidates(
        &self,
        subset: &SubsetSolve,
        excluded: &BTreeSet<u32>,
        budget: &Budget,
    ) -> Result<Vec<u32>, linear::Error> {
        let holds = |set: &BTreeSet<u32>| {
            SubsetSolve::run(self, &self.x, |c| set.contains(&c), budget)
                .map(|t| t.failures.is_empty())
        };
        let plan = &subset.plan;
        let Some(failure) = subset.failures.first() else { return Ok(Vec::new()) };
        let mut rows: Vec<Vec<u32>> = Vec::new();
        match *failure {
            Failure::ConstantRow(row) => rows.push(vec![row]),
            Failure::Component(k) => {
                let component = &plan.components[k];
                // At the point of least squares the residuals are themselves a
                // dependency of the rows (J^T r = 0): what has none is innocent.
                let mut j = Matrix::default();
                Derivatives::at(&self.rows, plan, &subset.x).write(
                    &component.rows,
                    &component.unknowns,
                    &mut j,
                    budget,
                )?;
                let rank = analyse(&j, 0, budget)?;
                for &d in rank.dependent.iter().take(8) {
                    let others: Vec<u32> = (0..d).filter(|&i| !rank.depends(i)).collect();
                    let mut set = combination(&j, &others, d, budget)?;
                    set.push(d);
                    rows.push(set.iter().map(|&i| component.rows[i as usize]).collect());
                }
                let residual = |&r: &u32| self.rows[r as usize].equation.residual(&subset.x).abs();
                let most = max_abs(component.rows.iter().map(residual));
                let support = component.rows.iter().copied();
                rows.push(support.filter(|r| residual(r) > 1e-4 * most).collect());
                rows.push(component.rows.clone());
            }
        }
        for set in rows {
            let set = self.constraints_behind(plan, &set);
            if !set.is_empty() && !holds(&set)? {
                return Ok(set.into_iter().collect());
            }
        }
        let all = 0..self.problem.constraints.len() as u32;
        Ok(all.filter(|c| !excluded.contains(c)).collect())
    }

    /// The constraints of `rows`, and of the eliminated equations that tie their unknowns together.
    pub(crate) fn constraints_behind(&self, plan: &Plan, rows: &[u32]) -> BTreeSet<u32> {
        let mut used: Vec<(u32, u32)> = Vec::new();
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut vars = [0; MAX_UNKNOWNS];
        for &r in rows {
            let equation = &self.rows[r as usize].equation;
            let n = equation.unknowns(&mut vars);
            if let Equation::Difference { a, b, .. } = *equation {
                pairs.push((a, b));
                continue;
            }
            used.extend(vars[..n].iter().map(|&v| (plan.forest.class[v as usize], v)));
        }
        used.sort_unstable();
        used.dedup();
        let mut first = (GROUND, GROUND);
        for (class, v) in used {
            if class == GROUND {
                pairs.push((v, GROUND));
            } else if class == first.0 {
                pairs.push((first.1, v));
            } else {
                first = (class, v);
            }
        }
        let mut reasons = rows.to_vec();
        plan.forest.explain(&pairs, &mut reasons);
        reasons
            .into_iter()
            .map(|r| self.rows[r as usize].constraint)
            .filter(|&c| c != INTRINSIC)
            .collect()
    }

    /// Leaves out what can be left out of `candidates` while they stay contradictory
    /// (Junker, *QuickXplain*, AAAI 2004), earlier constraints being left out first.
    pub(crate) fn minimal_conflict(
        &self,
        candidates: Vec<u32>,
        excluded: &BTreeSet<u32>,
        budget: &Budget,
    ) -> Result<(Vec<u32>, bool), linear::Error> {
        let mut search = Search { solver: self, excluded, budget, minimal: true };
        let mut set = search.quick_xplain(&mut Vec::new(), false, &candidates)?;
        let minimal = search.minimal;
        set.sort_unstable();
        Ok((set, minimal))
    }
}

struct Search<'s> {
    solver: &'s Solver,
    excluded: &'s BTreeSet<u32>,
    budget: &'s Budget,
    minimal: bool,
}

impl Search<'_> {
    fn contradictory(&mut self, set: &[u32]) -> Result<bool, linear::Error> {
        let set: BTreeSet<u32> =
            set.iter().copied().filter(|c| !self.excluded.contains(c)).collect();
        match SubsetSolve::run(self.solver, &self.solver.x, |c| set.contains(&c), self.budget) {
            Ok(subset) => Ok(!subset.failures.is_empty()),
            Err(linear::Error::Stopped(Stop::Deadline)) if !self.budget.is_strict() => {
                // Out of time: name what is known to contain the contradiction.
                self.minimal = false;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The members of `set` needed, beside `background`, for a contradiction. Halves
    /// the set at every level: the depth is its logarithm.
    fn quick_xplain(
        &mut self,
        background: &mut Vec<u32>,
        changed: bool,
        set: &[u32],
    ) -> Result<Vec<u32>, linear::Error> {
        if changed && self.contradictory(background)? {
            return Ok(Vec::new());
        }
        if set.len() <= 1 {
            return Ok(set.to_vec());
        }
        let (early, late) = set.split_at(set.len() / 2);
        let depth = background.len();
        background.extend(early);
        let mut result = self.quick_xplain(background, true, late)?;
        background.truncate(depth);
        background.extend(&result);
        let more = self.quick_xplain(background, !result.is_empty(), early)?;
        background.truncate(depth);
        result.extend(more);
        Ok(result)
    }
}
