//! Minimal sets of constraints that contradict each other.

use std::collections::BTreeSet;

use super::freedom::Derivatives;
use super::subset::{Failure, Trial};
use crate::constraint::equations::{Equation, GROUND, INTRINSIC, WIDTH};
use crate::constraint::solve::{Plan, Solver};
use crate::linear::{self, Matrix, analyse, combination, max_abs};
use svgx_base::budget::{Budget, Stop};

impl Solver {
    /// Constraints among which the contradiction of the first failure lies.
    pub(crate) fn suspects(
        &self,
        trial: &Trial,
        off: &BTreeSet<u32>,
        budget: &Budget,
    ) -> Result<Vec<u32>, linear::Error> {
        let holds = |set: &BTreeSet<u32>| {
            Trial::run(self, &self.x, |c| set.contains(&c), budget).map(|t| t.failures.is_empty())
        };
        let plan = &trial.plan;
        let Some(failure) = trial.failures.first() else { return Ok(Vec::new()) };
        let mut rows: Vec<Vec<u32>> = Vec::new();
        match *failure {
            Failure::Closed(row) => rows.push(vec![row]),
            Failure::Component(k) => {
                let component = &plan.components[k];
                // At the point of least squares the residuals are themselves a
                // dependency of the rows (J^T r = 0): what has none is innocent.
                let mut j = Matrix::default();
                Derivatives::at(&self.rows, plan, &trial.x).write(
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
                let residual = |&r: &u32| self.rows[r as usize].equation.residual(&trial.x).abs();
                let most = max_abs(component.rows.iter().map(residual));
                let support = component.rows.iter().copied();
                rows.push(support.filter(|r| residual(r) > 1e-4 * most).collect());
                rows.push(component.rows.clone());
            }
        }
        for set in rows {
            let set = self.with_reasons(plan, &set);
            if !set.is_empty() && !holds(&set)? {
                return Ok(set.into_iter().collect());
            }
        }
        let all = 0..self.problem.constraints.len() as u32;
        Ok(all.filter(|c| !off.contains(c)).collect())
    }

    /// The constraints of `rows`, and of the eliminated equations that tie their unknowns together.
    pub(crate) fn with_reasons(&self, plan: &Plan, rows: &[u32]) -> BTreeSet<u32> {
        let mut used: Vec<(u32, u32)> = Vec::new();
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut vars = [0; WIDTH];
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

    /// Leaves out what can be left out of `suspects` while they stay contradictory
    /// (Junker, *QuickXplain*, AAAI 2004), earlier constraints being kept out first.
    pub(crate) fn minimal_conflict(
        &self,
        suspects: Vec<u32>,
        off: &BTreeSet<u32>,
        budget: &Budget,
    ) -> Result<(Vec<u32>, bool), linear::Error> {
        let mut search = Search { solver: self, off, budget, minimal: true };
        let mut set = search.needed(&mut Vec::new(), false, &suspects)?;
        let minimal = search.minimal;
        set.sort_unstable();
        Ok((set, minimal))
    }
}

struct Search<'s> {
    solver: &'s Solver,
    off: &'s BTreeSet<u32>,
    budget: &'s Budget,
    minimal: bool,
}

impl Search<'_> {
    fn contradictory(&mut self, set: &[u32]) -> Result<bool, linear::Error> {
        let set: BTreeSet<u32> = set.iter().copied().filter(|c| !self.off.contains(c)).collect();
        match Trial::run(self.solver, &self.solver.x, |c| set.contains(&c), self.budget) {
            Ok(trial) => Ok(!trial.failures.is_empty()),
            Err(linear::Error::Stopped(Stop::Deadline)) if !self.budget.is_strict() => {
                // Out of time: name what is known to contain the contradiction.
                self.minimal = false;
                Ok(false)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The members of `set` needed, beside `kept`, for a contradiction. Halves
    /// the set at every level: the depth is its logarithm.
    fn needed(
        &mut self,
        kept: &mut Vec<u32>,
        changed: bool,
        set: &[u32],
    ) -> Result<Vec<u32>, linear::Error> {
        if changed && self.contradictory(kept)? {
            return Ok(Vec::new());
        }
        if set.len() <= 1 {
            return Ok(set.to_vec());
        }
        let (early, late) = set.split_at(set.len() / 2);
        let depth = kept.len();
        kept.extend(early);
        let mut result = self.needed(kept, true, late)?;
        kept.truncate(depth);
        kept.extend(&result);
        let more = self.needed(kept, !result.is_empty(), early)?;
        kept.truncate(depth);
        result.extend(more);
        Ok(result)
    }
}
