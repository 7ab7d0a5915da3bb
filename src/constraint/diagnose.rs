//! What a sketch lacks and what it has too much of: degrees of freedom,
//! redundant constraints and minimal sets of conflicting ones.
//!
//! Everything is decided block by block, at the solved geometry and to first
//! order: a sketch that stands at a singular position (three points of a
//! triangle in line) is judged as it stands.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::block::largest;
use super::decompose::{Component, Shape, Sparse};
use super::equation::{Equation, GROUND, WIDTH};
use super::ldl::Refusal;
use super::lower::{INTRINSIC, Row};
use super::plan::Plan;
use super::problem::{Error, constraint_name};
use super::rank::{Jacobian, MOTIONS, Rank, analyse, circuit, is_regular};
use super::solver::Solver;
use crate::budget::{Budget, Stop};

/// How much a sketch, or a part of it, is constrained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing can move and nothing is said twice.
    FullyConstrained,
    /// Something can still move.
    UnderConstrained,
    /// Nothing can move, and some constraints say what others say already.
    OverConstrained,
    /// Some constraints say what others say already, and something can still move.
    Redundant,
    /// Some constraints contradict each other.
    Conflicting,
}

/// What one entity can still do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EntityFreedom {
    /// The entity.
    pub entity: String,
    /// In how many independent ways it can move or change.
    pub degrees_of_freedom: usize,
}

/// A constraint that follows from others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Redundancy {
    /// The constraint.
    pub constraint: String,
    /// Only a part of what it says follows from the others (one of two coordinates, say).
    pub partial: bool,
    /// The others; none of them can be spared. Empty where it says nothing at
    /// all, or where they were not searched for.
    pub implied_by: Vec<String>,
}

/// Constraints that cannot all hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Conflict {
    /// The constraints.
    pub constraints: Vec<String>,
    /// Without any one of them the rest can hold: false only where the time ran out before that was shown.
    pub minimal: bool,
}

/// What was found out about a sketch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Diagnosis {
    /// The whole sketch in one word.
    pub status: Status,
    /// In how many independent ways it can move or change.
    pub degrees_of_freedom: usize,
    /// The same for every entity. An entity that only moves together with others counts the motion too.
    pub entities: Vec<EntityFreedom>,
    /// Constraints that could be removed without changing anything.
    pub redundant: Vec<Redundancy>,
    /// Minimal sets of constraints that contradict each other. Of each, the
    /// latest constraint was left out to judge the rest.
    pub conflicts: Vec<Conflict>,
    /// Whether everything was looked at; false where the time ran out.
    pub complete: bool,
}

/// Conflicts named at most.
const CONFLICTS: usize = 16;
/// Redundant constraints whose reasons are searched for at most.
const REASONS: usize = 64;

impl Solver {
    /// Finds out what the sketch lacks and what it has too much of. The geometry stays as it is.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the budget is strict and ended, [`Error::Limit`]
    /// where a component is too large to factor.
    pub fn diagnose(&mut self, budget: &Budget) -> Result<Diagnosis, Error> {
        let mut diagnosis = Diagnosis {
            status: Status::UnderConstrained,
            degrees_of_freedom: 0,
            entities: Vec::new(),
            redundant: Vec::new(),
            conflicts: Vec::new(),
            complete: false,
        };
        match self.examine(&mut diagnosis, budget) {
            Ok(()) => diagnosis.complete = true,
            Err(Refusal::Stopped(stop)) if budget.is_strict() || stop == Stop::Cancelled => {
                return Err(Error::Stopped(stop));
            }
            Err(Refusal::Stopped(_)) => {}
            Err(Refusal::TooLarge(count)) => {
                let (what, limit) = ("entries of a factor", super::ldl::MAX_ENTRIES);
                return Err(Error::Limit { what, count, limit });
            }
        }
        diagnosis.status = match (
            diagnosis.conflicts.is_empty(),
            diagnosis.redundant.is_empty(),
            diagnosis.degrees_of_freedom,
        ) {
            (false, _, _) => Status::Conflicting,
            (_, false, 0) => Status::OverConstrained,
            (_, false, _) => Status::Redundant,
            (_, _, 0) if diagnosis.complete => Status::FullyConstrained,
            _ => Status::UnderConstrained,
        };
        Ok(diagnosis)
    }

    fn examine(&mut self, diagnosis: &mut Diagnosis, budget: &Budget) -> Result<(), Refusal> {
        let mut off: BTreeSet<u32> = BTreeSet::new();
        // The solver's own plan serves where it stands on a solved sketch.
        let mut kept = if self.is_settled() { self.plan.take() } else { None };
        let mut x = self.x.clone();
        let mut trial = match kept.take() {
            Some(plan) => Trial::resume(plan, &self.rows, &mut x, budget)?,
            None => Trial::run(self, &self.x, |_| true, budget)?,
        };
        while !trial.failures.is_empty() && diagnosis.conflicts.len() < CONFLICTS {
            let suspects = self.suspects(&trial, &off, budget)?;
            let (set, minimal) = self.minimal_conflict(suspects, &off, budget)?;
            let Some(&latest) = set.last() else { break };
            off.insert(latest);
            let name = |&i: &u32| constraint_name(&self.problem, i as usize);
            diagnosis
                .conflicts
                .push(Conflict { constraints: set.iter().map(name).collect(), minimal });
            trial = Trial::run(self, &self.x, |c| !off.contains(&c), budget)?;
        }
        let findings = self.judge(&trial, budget)?;
        self.describe(&findings, &trial, &off, diagnosis);
        if off.is_empty() && trial.reusable {
            self.plan = Some(trial.plan);
        }
        Ok(())
    }

    /// Constraints among which the contradiction of the first failure lies.
    fn suspects(
        &self,
        trial: &Trial,
        off: &BTreeSet<u32>,
        budget: &Budget,
    ) -> Result<Vec<u32>, Refusal> {
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
                let j = jacobian(&self.rows, &component.rows, plan, &component.unknowns, &trial.x);
                let rank = analyse(&j, false, budget)?;
                for &d in rank.dependent.iter().take(8) {
                    let others: Vec<u32> = (0..d).filter(|i| !rank.dependent.contains(i)).collect();
                    let mut set = circuit(&j, &others, d, budget)?;
                    set.push(d);
                    rows.push(set.iter().map(|&i| component.rows[i as usize]).collect());
                }
                let residual = |&r: &u32| self.rows[r as usize].equation.residual(&trial.x).abs();
                let most = largest(component.rows.iter().map(residual));
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
    fn with_reasons(&self, plan: &Plan, rows: &[u32]) -> BTreeSet<u32> {
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
    fn minimal_conflict(
        &self,
        suspects: Vec<u32>,
        off: &BTreeSet<u32>,
        budget: &Budget,
    ) -> Result<(Vec<u32>, bool), Refusal> {
        let mut search = Search { solver: self, off, budget, minimal: true };
        let mut set = search.needed(&mut Vec::new(), false, &suspects)?;
        let minimal = search.minimal;
        set.sort_unstable();
        Ok((set, minimal))
    }

    fn judge(&self, trial: &Trial, budget: &Budget) -> Result<Findings, Refusal> {
        let plan = &trial.plan;
        let mut findings = Findings {
            freedom: 0,
            motion: vec![None; plan.forest.classes()],
            redundant: Vec::new(),
        };
        for (k, component) in plan.components.iter().enumerate() {
            budget.checkpoint()?;
            self.judge_component(k, component, trial, &mut findings, budget)?;
        }
        for &row in &plan.closed {
            if !trial.failures.contains(&Failure::Closed(row)) {
                let reasons = self.with_reasons(plan, &[row]);
                findings.redundant.push((row, reasons));
            }
        }
        Ok(findings)
    }

    fn judge_component(
        &self,
        k: usize,
        component: &Component,
        trial: &Trial,
        findings: &mut Findings,
        budget: &Budget,
    ) -> Result<(), Refusal> {
        let plan = &trial.plan;
        let fixed = |unknowns: &[u32], findings: &mut Findings| {
            for &c in unknowns {
                findings.motion[c as usize] = Some((k as u32, Vec::new()));
            }
        };
        // Part by part, as long as every part is what its structure promises.
        let mut regular = true;
        let mut part_findings: Vec<(&[u32], &[u32], Jacobian, Rank)> = Vec::new();
        for part in &component.parts {
            let j = jacobian(&self.rows, &part.rows, plan, &part.unknowns, &trial.x);
            let square = part.shape == Shape::Square;
            if square && j.columns <= 16 {
                regular = is_regular(&j);
            } else {
                let rank = analyse(&j, part.shape == Shape::Under, budget)?;
                regular = match part.shape {
                    Shape::Over | Shape::Square => rank.rank == part.unknowns.len(),
                    Shape::Under => rank.rank == part.rows.len(),
                };
                part_findings.push((&part.rows, &part.unknowns, j, rank));
            }
            if !regular {
                break;
            }
        }
        let whole;
        if !regular {
            let j = jacobian(&self.rows, &component.rows, plan, &component.unknowns, &trial.x);
            let rank = analyse(&j, true, budget)?;
            whole = (component.rows.as_slice(), component.unknowns.as_slice(), j, rank);
            part_findings = vec![whole];
        } else {
            fixed(&component.unknowns, findings);
        }
        for (rows, unknowns, j, rank) in part_findings {
            findings.freedom += unknowns.len() - rank.rank.min(unknowns.len());
            if !rank.motions.is_empty() {
                for (i, &c) in unknowns.iter().enumerate() {
                    let motion = rank.motions.iter().map(|m| m[i]).collect();
                    findings.motion[c as usize] = Some((k as u32, motion));
                }
            } else {
                fixed(unknowns, findings);
            }
            let independent: Vec<u32> =
                (0..rows.len() as u32).filter(|i| !rank.dependent.contains(i)).collect();
            for &d in &rank.dependent {
                let row = rows[d as usize];
                if findings.redundant.len() >= REASONS {
                    findings.redundant.push((row, BTreeSet::new()));
                    continue;
                }
                let mut set = circuit(&j, &independent, d, budget)?;
                set.push(d);
                let set: Vec<u32> = set.iter().map(|&i| rows[i as usize]).collect();
                findings.redundant.push((row, self.with_reasons(plan, &set)));
            }
        }
        Ok(())
    }

    fn describe(
        &self,
        findings: &Findings,
        trial: &Trial,
        off: &BTreeSet<u32>,
        diagnosis: &mut Diagnosis,
    ) {
        let forest = &trial.plan.forest;
        let loose = findings.motion.iter().filter(|m| m.is_none()).count();
        diagnosis.degrees_of_freedom = findings.freedom + loose;
        for (i, entity) in self.problem.entities.iter().enumerate() {
            let mut degrees_of_freedom = 0;
            let mut moving: Vec<(u32, &[f64])> = Vec::new();
            let mut seen: Vec<u32> = Vec::new();
            for v in self.unknowns_of(i) {
                let class = forest.class[v];
                if class == GROUND || seen.contains(&class) {
                    continue;
                }
                seen.push(class);
                match &findings.motion[class as usize] {
                    None => degrees_of_freedom += 1,
                    Some((k, motion)) if !motion.is_empty() => moving.push((*k, motion)),
                    Some(_) => {}
                }
            }
            moving.sort_by_key(|m| m.0);
            for group in moving.chunk_by(|a, b| a.0 == b.0) {
                degrees_of_freedom += small_rank(group);
            }
            let entity = entity.id.clone();
            diagnosis.entities.push(EntityFreedom { entity, degrees_of_freedom });
        }
        // Rows back to constraints: all rows redundant, or only some.
        let mut rows_of = vec![0usize; self.problem.constraints.len()];
        for row in self.rows.iter().filter(|r| r.soft == 0.0) {
            if let Some(count) = rows_of.get_mut(row.constraint as usize) {
                *count += 1;
            }
        }
        let mut found: std::collections::BTreeMap<u32, (usize, BTreeSet<u32>)> = Default::default();
        for (row, reasons) in &findings.redundant {
            let mut c = self.rows[*row as usize].constraint;
            if c == INTRINSIC {
                // The shape's own equation stays; the latest that implies it is the one too many.
                match reasons.iter().next_back() {
                    Some(&latest) => c = latest,
                    None => continue,
                }
            }
            let (count, why) = found.entry(c).or_default();
            *count += 1;
            why.extend(reasons);
        }
        for (c, (count, why)) in found {
            if off.contains(&c) {
                continue;
            }
            let name = |i: u32| constraint_name(&self.problem, i as usize);
            diagnosis.redundant.push(Redundancy {
                constraint: name(c),
                partial: count < rows_of[c as usize],
                implied_by: why.into_iter().filter(|&o| o != c).map(name).collect(),
            });
        }
    }
}

struct Findings {
    freedom: usize,
    /// For every class its component and its part in the motions; `None` where nothing holds it.
    motion: Vec<Option<(u32, Vec<f64>)>>,
    /// Redundant rows and the constraints that take part in each dependency.
    redundant: Vec<(u32, BTreeSet<u32>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Closed(u32),
    Component(usize),
}

/// A sketch, or some of its constraints, solved as far as it goes.
struct Trial {
    plan: Plan,
    x: Vec<f64>,
    failures: Vec<Failure>,
    /// The plan holds for all constraints.
    reusable: bool,
}

/// Residuals that count as zero when asking whether constraints can hold, in mm.
const EXACT: f64 = 1e-8;

impl Trial {
    /// Solves the constraints that `active` holds for, from `x`.
    fn run(
        solver: &Solver,
        x: &[f64],
        active: impl Fn(u32) -> bool,
        budget: &Budget,
    ) -> Result<Trial, Refusal> {
        let mut x = x.to_vec();
        let rows = &solver.rows;
        let on = |i: usize| rows[i].constraint == INTRINSIC || active(rows[i].constraint);
        let plan = Plan::new(rows, &mut x, on, budget)?;
        let mut trial = Trial { plan, x, failures: Vec::new(), reusable: false };
        trial.solve(rows, budget)?;
        Ok(trial)
    }

    /// Takes over a plan that stands at a solved geometry.
    fn resume(
        plan: Plan,
        rows: &[Row],
        x: &mut Vec<f64>,
        budget: &Budget,
    ) -> Result<Trial, Refusal> {
        let mut trial = Trial { plan, x: std::mem::take(x), failures: Vec::new(), reusable: true };
        trial.solve(rows, budget)?;
        Ok(trial)
    }

    fn solve(&mut self, rows: &[Row], budget: &Budget) -> Result<(), Refusal> {
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

struct Search<'s> {
    solver: &'s Solver,
    off: &'s BTreeSet<u32>,
    budget: &'s Budget,
    minimal: bool,
}

impl Search<'_> {
    fn contradictory(&mut self, set: &[u32]) -> Result<bool, Refusal> {
        let set: BTreeSet<u32> = set.iter().copied().filter(|c| !self.off.contains(c)).collect();
        match Trial::run(self.solver, &self.solver.x, |c| set.contains(&c), self.budget) {
            Ok(trial) => Ok(!trial.failures.is_empty()),
            Err(Refusal::Stopped(Stop::Deadline)) if !self.budget.is_strict() => {
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
    ) -> Result<Vec<u32>, Refusal> {
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

/// The derivatives of `members` by `unknowns`; other unknowns count as known.
fn jacobian(rows: &[Row], members: &[u32], plan: &Plan, unknowns: &[u32], x: &[f64]) -> Jacobian {
    let mut j = Jacobian { pattern: Sparse::new(), values: Vec::new(), columns: unknowns.len() };
    let mut sorted: Vec<(u32, u32)> =
        unknowns.iter().enumerate().map(|(k, &c)| (c, k as u32)).collect();
    sorted.sort_unstable();
    let (mut vars, mut g) = ([0; WIDTH], [0.0; WIDTH]);
    let mut columns: Vec<u32> = Vec::with_capacity(WIDTH);
    for &r in members {
        let equation = &rows[r as usize].equation;
        let n = equation.unknowns(&mut vars);
        equation.evaluate(x, &mut g);
        columns.clear();
        let from = j.values.len();
        let pattern = plan.patterns.row(r);
        for k in 0..n {
            let class = plan.forest.class[vars[k] as usize];
            if class == GROUND || !pattern.contains(&class) {
                continue;
            }
            let Ok(at) = sorted.binary_search_by_key(&class, |e| e.0) else { continue };
            let column = sorted[at].1;
            match columns.iter().position(|&c| c == column) {
                Some(i) => j.values[from + i] += g[k],
                None => {
                    columns.push(column);
                    j.values.push(g[k]);
                }
            }
        }
        j.pattern.push(&columns);
    }
    j
}

/// The rank of a few vectors of at most [`MOTIONS`] numbers, by elimination with full pivoting.
fn small_rank(vectors: &[(u32, &[f64])]) -> usize {
    let mut rest: Vec<[f64; MOTIONS]> = vectors
        .iter()
        .map(|(_, v)| {
            let mut row = [0.0; MOTIONS];
            row.iter_mut().zip(v.iter()).for_each(|(a, b)| *a = *b);
            row
        })
        .collect();
    let mut rank = 0;
    while rank < rest.len() {
        let mut best = (rank, 0, 0.0f64);
        for (i, row) in rest.iter().enumerate().skip(rank) {
            for (k, v) in row.iter().enumerate() {
                if v.abs() > best.2 {
                    best = (i, k, v.abs());
                }
            }
        }
        if best.2 <= 1e-8 {
            break;
        }
        rest.swap(rank, best.0);
        let pivot = rest[rank];
        for row in rest.iter_mut().skip(rank + 1) {
            let factor = row[best.1] / pivot[best.1];
            row.iter_mut().zip(&pivot).for_each(|(a, b)| *a -= factor * b);
        }
        rank += 1;
    }
    rank
}
