//! Minimal sets of constraints that contradict each other, and which of them give way: always
//! the latest, so that where two cannot both hold the earlier one does.

use std::collections::BTreeSet;

use super::jacobian::Derivatives;
use super::plan::Plan;
use super::size::Undrawable;
use super::solver::Solver;
use super::subset::{Failure, SubsetSolve};
use crate::constraint::equations::{Equation, GROUND, INTRINSIC, MAX_UNKNOWNS};
use crate::linear::{self, Matrix, analyse, combination, max_abs};
use svgx_base::budget::{Budget, Stop};

/// Conflicts searched for at most.
const MAX_CONFLICTS: usize = 64;

/// What cannot hold in a sketch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conflicts {
    /// Constraints that contradict each other, ascending, and whether that is known to be a
    /// minimal set.
    pub(crate) sets: Vec<(Vec<u32>, bool)>,
    /// The latest of every set: without these the rest can hold.
    pub(crate) excluded: BTreeSet<u32>,
    /// Sizes that some of the sets would make impossible to draw.
    pub(crate) undrawable: Vec<Undrawable>,
}

impl Solver {
    /// Excludes constraints, the latest of one minimal conflict after the other, until the
    /// rest can hold. `subset` is the solve without those excluded so far.
    pub(crate) fn exclude_conflicting(
        &self,
        mut subset: SubsetSolve,
        conflicts: &mut Conflicts,
        budget: &Budget,
    ) -> Result<SubsetSolve, linear::Error> {
        while let Some(&failure) = subset.failures.first() {
            if conflicts.sets.len() >= MAX_CONFLICTS {
                break;
            }
            let candidates = self.conflict_candidates(&subset, &conflicts.excluded, budget)?;
            let (set, minimal) = self.minimal_conflict(candidates, &conflicts.excluded, budget)?;
            let Some(&latest) = set.last() else { break };
            if let Failure::Size(size) = failure {
                let undrawable = self.sizes[size].undrawable(&self.problem, &subset.x);
                conflicts.undrawable.push(undrawable);
            }
            conflicts.excluded.insert(latest);
            conflicts.sets.push((set, minimal));
            subset = self.without(&conflicts.excluded, budget)?;
        }
        if conflicts.excluded.len() > 1 && subset.failures.is_empty() {
            subset = self.include_again(subset, conflicts, budget)?;
        }
        conflicts.sets.sort_by_key(|(set, _)| set.last().copied());
        Ok(subset)
    }

    /// Takes in again what was excluded for a constraint that gave way itself later on.
    fn include_again(
        &self,
        mut subset: SubsetSolve,
        conflicts: &mut Conflicts,
        budget: &Budget,
    ) -> Result<SubsetSolve, linear::Error> {
        for c in conflicts.excluded.clone() {
            let mut fewer = conflicts.excluded.clone();
            fewer.remove(&c);
            let more = self.without(&fewer, budget)?;
            if more.failures.is_empty() {
                conflicts.excluded = fewer;
                conflicts.sets.retain(|(set, _)| set.last() != Some(&c));
                subset = more;
            }
        }
        Ok(subset)
    }

    fn without(
        &self,
        excluded: &BTreeSet<u32>,
        budget: &Budget,
    ) -> Result<SubsetSolve, linear::Error> {
        SubsetSolve::run(self, &self.x, |c| !excluded.contains(&c), budget)
    }

    /// Constraints among which the contradiction of the first failure lies.
    fn conflict_candidates(
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
            Failure::Size(size) => {
                let pairs: Vec<(u32, u32)> = self.sizes[size].pairs().collect();
                let mut set = Vec::new();
                plan.forest.explain(&pairs, &mut set);
                let ends = pairs.iter().flat_map(|&(high, low)| [high, low]);
                for v in ends.filter(|&v| v != GROUND) {
                    let k = plan.forest.class[v as usize];
                    let k = plan.component_of.get(k as usize).copied().unwrap_or(GROUND);
                    if let Some(component) = plan.components.get(k as usize) {
                        set.extend(&component.rows);
                    }
                }
                rows.push(set);
            }
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
    fn minimal_conflict(
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
