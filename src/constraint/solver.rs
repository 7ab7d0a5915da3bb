//! The solver a session keeps: the decomposition, the symbolic factors and the
//! branch of every constraint survive from one change to the next, and a
//! change solves only the components it touched.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::block::largest;
use super::decompose::Shape as PartShape;
use super::equation::{Equation, GROUND};
use super::ldl::Refusal;
use super::lower::{Row, lower};
use super::plan::Plan;
use super::problem::{
    Entity, Error, FAR, Feature, Index, Kind, Place, Problem, Reason, constraint_name,
};
use crate::budget::{Budget, Stop, Tier};
use crate::document::Limits;

/// How a solve ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every constraint that must hold holds within the tolerance.
    Solved,
    /// Some constraints cannot be met from here; what they touch stays at its last good geometry.
    Inconsistent,
    /// The time ran out; the geometry is the best so far.
    Partial,
}

/// What a solve did. Read the geometry from the [`Solver`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// The largest residual of the constraints that must hold, in millimetres, at the geometry kept.
    pub residual: f64,
    /// The tolerance asked for, in millimetres.
    pub tolerance: f64,
    /// Steps of all blocks together.
    pub iterations: u32,
    /// Components that were solved anew.
    pub components: u32,
}

/// What a session changes between two solves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A dimension gets a new value (millimetres, or degrees for an angle).
    Value {
        /// Index of the constraint.
        constraint: usize,
        /// The new value.
        value: f64,
    },
    /// Something `fixed` is moved.
    Anchor {
        /// Index of the constraint of type `fixed`.
        constraint: usize,
        /// By how much to the right, in mm.
        dx: f64,
        /// By how much down, in mm.
        dy: f64,
    },
    /// A point is pulled towards a place and goes there as far as the constraints leave room.
    Pull {
        /// The point: an entity or a feature of one.
        feature: String,
        /// Where to, in mm.
        x: f64,
        /// Where to, in mm.
        y: f64,
    },
}

/// A sketch being solved again and again.
#[derive(Clone, Debug)]
pub struct Solver {
    pub(super) problem: Problem,
    index: Index,
    pub(super) rows: Vec<Row>,
    /// Rows of constraint `i`: `rows_of[i]..rows_of[i + 1]` (intrinsic rows come before).
    rows_of: Vec<(u32, u32)>,
    pub(super) x: Vec<f64>,
    before: Vec<f64>,
    pub(super) plan: Option<Plan>,
    tolerance: Option<f64>,
    /// The geometry does not follow from the eliminated equations (a change failed).
    stale: bool,
    /// The last solve ended well.
    settled: bool,
    ticks: u32,
    moved: Vec<u32>,
    dirty: Vec<bool>,
}

impl Solver {
    /// Checks a problem and takes its branches from the geometry as drawn.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the entity or constraint and what is wrong with
    /// it, [`Error::Limit`] for more constraints or entities than `limits` allow.
    pub fn new(problem: Problem, limits: &Limits) -> Result<Solver, Error> {
        let (index, x) = Index::new(&problem, limits)?;
        let rows = lower(&problem, &index, &x)?;
        let mut rows_of = vec![(0, 0); problem.constraints.len()];
        for (i, row) in rows.iter().enumerate() {
            if let Some(range) = rows_of.get_mut(row.constraint as usize) {
                if range.1 == 0 {
                    range.0 = i as u32;
                }
                range.1 = i as u32 + 1;
            }
        }
        let before = x.clone();
        Ok(Solver {
            problem,
            index,
            rows,
            rows_of,
            x,
            before,
            plan: None,
            tolerance: None,
            stale: false,
            settled: false,
            ticks: 0,
            moved: Vec::new(),
            dirty: Vec::new(),
        })
    }

    /// Solves to this many millimetres instead of the tier's step.
    #[must_use]
    pub fn with_tolerance(mut self, millimetres: f64) -> Solver {
        self.tolerance = Some(millimetres.clamp(1e-11, 1e3));
        self
    }

    /// The problem, with values as changed and shapes as first drawn.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The geometry now.
    pub fn entities(&self) -> Vec<Entity> {
        (0..self.problem.entities.len()).filter_map(|i| self.entity(i)).collect()
    }

    /// The geometry of entity `i` now.
    pub fn entity(&self, i: usize) -> Option<Entity> {
        let entity = self.problem.entities.get(i)?;
        let values = self.x.get(self.span_of(i)?)?;
        Some(Entity { id: entity.id.clone(), shape: entity.shape.with_values(values) })
    }

    /// The numbers of the unknowns of entity `i`.
    pub(super) fn unknowns_of(&self, i: usize) -> std::ops::Range<usize> {
        self.span_of(i).unwrap_or(0..0)
    }

    /// Whether the geometry satisfies the plan.
    pub(super) fn is_settled(&self) -> bool {
        self.plan.is_some() && self.settled && !self.stale
    }

    fn span_of(&self, i: usize) -> Option<std::ops::Range<usize>> {
        Some(*self.index.first.get(i)? as usize..*self.index.first.get(i + 1)? as usize)
    }

    /// Where a point (an entity or a feature such as `wall1.start`) is now.
    pub fn position(&self, feature: &str) -> Option<(f64, f64)> {
        match self.index.feature(&self.problem, feature) {
            Ok(Feature::Point(p)) => Some((self.x[p.x as usize], self.x[p.y as usize])),
            _ => None,
        }
    }

    /// The names of the constraints that must hold and do not, with their residual in mm.
    pub fn unsatisfied(&self, tolerance: f64) -> Vec<(String, f64)> {
        let mut worst: Vec<f64> = vec![0.0; self.problem.constraints.len()];
        for row in self.rows.iter().filter(|r| r.soft == 0.0) {
            if let Some(worst) = worst.get_mut(row.constraint as usize) {
                *worst = largest([*worst, row.equation.residual(&self.x)].into_iter());
            }
        }
        let name = |i| constraint_name(&self.problem, i);
        let over = worst.into_iter().enumerate().filter(|(_, r)| *r > tolerance);
        over.map(|(i, r)| (name(i), r)).collect()
    }

    fn tolerance(&self, budget: &Budget) -> f64 {
        self.tolerance.unwrap_or(budget.tier().millimetres())
    }

    /// Solves everything, from the geometry as it is.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the budget is strict and ended; the geometry is then as before.
    pub fn solve(&mut self, budget: &Budget) -> Result<Report, Error> {
        self.before.copy_from_slice(&self.x);
        if let Err(refusal) = self.make_plan(budget) {
            return self.give_up(refusal, budget);
        }
        self.settle();
        self.dirty.fill(true);
        self.run(&[], budget)
    }

    /// Makes one change and solves what it touched, warm from where it was.
    ///
    /// # Errors
    /// [`Error::Change`] for a change that does not fit, [`Error::Stopped`] as in [`Solver::solve`].
    pub fn drag(&mut self, change: &Change, budget: &Budget) -> Result<Report, Error> {
        let unusable = |v: f64| !(v.abs() <= FAR);
        if self.plan.is_none() || self.stale {
            let report = self.solve(budget)?;
            if report.outcome == Outcome::Partial {
                return Ok(report);
            }
        }
        self.before.copy_from_slice(&self.x);
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks.is_multiple_of(64) {
            self.settle();
        }
        self.moved.clear();
        self.dirty.fill(false);
        match change {
            Change::Value { constraint, value } => {
                if unusable(*value) {
                    return Err(Error::Change(format!("{value} is not a usable number")));
                }
                self.change_value(*constraint, *value, budget)
            }
            Change::Anchor { constraint, dx, dy } => {
                if unusable(*dx) || unusable(*dy) {
                    return Err(Error::Change(format!("{dx}, {dy} is not a usable move")));
                }
                self.move_anchor(*constraint, *dx, *dy, budget)
            }
            Change::Pull { feature, x, y } => {
                if unusable(*x) || unusable(*y) {
                    return Err(Error::Change(format!("{x}, {y} is not a usable place")));
                }
                self.pull(feature, *x, *y, budget)
            }
        }
    }

    fn change_value(&mut self, i: usize, value: f64, budget: &Budget) -> Result<Report, Error> {
        let Some(constraint) = self.problem.constraints.get(i) else {
            return Err(Error::Change(format!("there is no constraint {i}")));
        };
        let (kind, old) = (constraint.kind, constraint.value);
        let invalid = |reason| Error::Invalid {
            place: Place::Constraint(i),
            name: constraint_name(&self.problem, i),
            reason,
        };
        let Some(old) = old else { return Err(invalid(Reason::UnexpectedValue(kind))) };
        if kind == Kind::Angle && !(0.0..=180.0).contains(&value) {
            return Err(invalid(Reason::AngleRange(value)));
        }
        if value < 0.0 {
            return Err(invalid(Reason::NegativeValue { kind, value }));
        }
        if let Some(c) = self.problem.constraints.get_mut(i) {
            c.value = Some(value);
        }
        if kind == Kind::Distance && (old == 0.0) != (value == 0.0) {
            // Zero distance is coincidence: another structure.
            self.rows = lower(&self.problem, &self.index, &self.x)?;
            self.plan = None;
            return self.solve(budget);
        }
        let (from, to) = self.rows_of[i];
        let mut met = true;
        for r in from..to {
            let row = &mut self.rows[r as usize];
            if row.factor != 0.0 {
                row.equation.set_constant(row.factor * value);
                met &= self.apply(r);
            }
        }
        if !met {
            return Ok(self.keep_last_good(budget));
        }
        self.run(&[], budget)
    }

    fn move_anchor(
        &mut self,
        i: usize,
        dx: f64,
        dy: f64,
        budget: &Budget,
    ) -> Result<Report, Error> {
        match self.problem.constraints.get(i) {
            Some(c) if c.kind == Kind::Fixed => {}
            Some(c) => return Err(Error::Change(format!("{} is no anchor", c.kind))),
            None => return Err(Error::Change(format!("there is no constraint {i}"))),
        }
        let (from, to) = self.rows_of[i];
        let mut features = Vec::new();
        for name in &self.problem.constraints[i].of {
            if let Ok(feature) = self.index.feature(&self.problem, name) {
                features.push(feature);
            }
        }
        let mut by = Vec::new();
        for feature in features {
            let step = match feature {
                Feature::Point(_) => vec![dx, dy],
                Feature::Line(_) | Feature::Rect(..) => vec![dx, dy, dx, dy],
                Feature::Circle(_) => vec![dx, dy, 0.0],
                Feature::Arc(..) => vec![dx, dy, 0.0, dx, dy, dx, dy],
            };
            by.extend(step);
        }
        let mut met = true;
        for (r, by) in (from..to).zip(by) {
            if by == 0.0 {
                continue;
            }
            if let Equation::Difference { c, .. } = &mut self.rows[r as usize].equation {
                *c += by;
                met &= self.apply(r);
            }
        }
        if !met {
            return Ok(self.keep_last_good(budget));
        }
        self.run(&[], budget)
    }

    /// Takes a changed constant over; false where an eliminated equation cannot be met.
    fn apply(&mut self, r: u32) -> bool {
        let Some(plan) = &mut self.plan else { return true };
        let edge = plan.forest.edge_of_row[r as usize];
        if edge != GROUND {
            let met = plan.forest.change(&self.rows, edge, &mut self.x, &mut self.moved);
            for &v in &self.moved {
                for &k in plan.readers.row(v) {
                    self.dirty[k as usize] = true;
                }
            }
            self.moved.clear();
            return met;
        }
        for &class in plan.patterns.row(r) {
            let k = plan.component_of[class as usize];
            if let Some(dirty) = self.dirty.get_mut(k as usize) {
                *dirty = true;
            }
        }
        true
    }

    fn pull(&mut self, name: &str, x: f64, y: f64, budget: &Budget) -> Result<Report, Error> {
        let feature = self.index.feature(&self.problem, name);
        let Ok(Feature::Point(p)) = feature else {
            return Err(Error::Change(format!(
                "{:?} is no point",
                name.chars().take(64).collect::<String>()
            )));
        };
        let Some(plan) = &self.plan else { return self.solve(budget) };
        // Only unknowns with some freedom follow; the rest is where it has to be.
        let mut free: Vec<(u32, u32, f64)> = Vec::new();
        for (v, to) in [(p.x, x), (p.y, y)] {
            let class = plan.forest.class[v as usize];
            if class == GROUND {
                continue;
            }
            let k = plan.component_of[class as usize];
            let movable = match plan.components.get(k as usize) {
                None => true,
                Some(c) => c
                    .parts
                    .iter()
                    .any(|part| part.shape == PartShape::Under && part.unknowns.contains(&class)),
            };
            if movable && !free.iter().any(|f| f.0 == class) {
                free.push((class, v, to));
            }
        }
        if free.is_empty() {
            return self.run(&[], budget);
        }
        let stiff: Vec<u32> = free.iter().map(|f| f.0).collect();
        let good = self.x.clone();
        let mut share = 1.0;
        let mut report = None;
        for _ in 0..6 {
            let Some(plan) = &self.plan else { break };
            for &(class, v, to) in &free {
                let by = share * (to - self.x[v as usize]);
                plan.forest.shift(class, by, &mut self.x);
                for &member in plan.forest.members(class) {
                    for &k in plan.readers.row(member) {
                        self.dirty[k as usize] = true;
                    }
                }
            }
            self.before.copy_from_slice(&good);
            let result = self.run(&stiff, budget)?;
            let ended = result.outcome != Outcome::Inconsistent;
            report = Some(result);
            if ended {
                break;
            }
            self.stale = false;
            share *= 0.5;
        }
        match report {
            Some(report) => Ok(report),
            None => self.run(&[], budget),
        }
    }

    /// Solves the dirty components. `self.before` is the geometry to go back to.
    fn run(&mut self, stiff: &[u32], budget: &Budget) -> Result<Report, Error> {
        let tolerance = self.tolerance(budget);
        let Some(plan) = &mut self.plan else { return Ok(self.report(Outcome::Partial, budget)) };
        let (mut iterations, mut solved, mut stopped) = (0, 0, None);
        let mut consistent = true;
        for k in 0..plan.components.len() {
            if !self.dirty[k] {
                continue;
            }
            solved += 1;
            let at = (&self.rows[..], &self.before[..], tolerance, stiff);
            match plan.solve_component(k, at, &mut self.x, budget) {
                Ok((steps, converged)) => {
                    iterations += steps;
                    consistent &= converged;
                }
                Err(refusal) => {
                    stopped = Some(refusal);
                    break;
                }
            }
        }
        if let Some(refusal) = stopped {
            return self.give_up(refusal, budget);
        }
        let closed = plan.closed.iter().map(|&r| self.rows[r as usize].equation.residual(&self.x));
        consistent &= largest(closed) <= tolerance;
        if !consistent {
            let mut report = self.keep_last_good(budget);
            report.iterations = iterations;
            report.components = solved;
            return Ok(report);
        }
        match self.grant_wishes(tolerance, budget) {
            Ok(more) => iterations += more,
            Err(refusal) => return self.give_up(refusal, budget),
        }
        self.stale = false;
        self.settled = true;
        let mut report = self.report(Outcome::Solved, budget);
        report.iterations = iterations;
        report.components = solved;
        Ok(report)
    }

    /// Moves what is still free towards the soft constraints, then back onto the hard ones.
    fn grant_wishes(&mut self, tolerance: f64, budget: &Budget) -> Result<u32, Refusal> {
        let Some(plan) = &mut self.plan else { return Ok(0) };
        let Some(soft) = &mut plan.soft else { return Ok(0) };
        let good = self.x.clone();
        let report = soft.solve(&self.rows, &plan.forest, &mut self.x, tolerance, &[], budget)?;
        let mut iterations = report.iterations;
        let mut met = true;
        for k in 0..plan.blocks.len() {
            for block in &mut plan.blocks[k] {
                let back =
                    block.solve(&self.rows, &plan.forest, &mut self.x, tolerance, &[], budget)?;
                iterations += back.iterations;
                met &= back.converged;
                plan.residuals[k] = plan.residuals[k].max(back.residual);
            }
        }
        if !met {
            self.x.copy_from_slice(&good);
        }
        Ok(iterations)
    }

    fn report(&self, outcome: Outcome, budget: &Budget) -> Report {
        let mut residual: f64 = 0.0;
        match (&self.plan, outcome) {
            (Some(plan), Outcome::Solved) => {
                residual = largest(plan.residuals.iter().copied());
                let at = |&r: &u32| self.rows[r as usize].equation.residual(&self.x);
                residual = residual.max(largest(plan.closed.iter().map(at)));
            }
            _ => {
                let hard = self.rows.iter().filter(|r| r.soft == 0.0);
                residual = residual.max(largest(hard.map(|r| r.equation.residual(&self.x))));
            }
        }
        let tolerance = self.tolerance(budget);
        Report { outcome, residual, tolerance, iterations: 0, components: 0 }
    }

    fn keep_last_good(&mut self, budget: &Budget) -> Report {
        self.x.copy_from_slice(&self.before);
        self.stale = true;
        self.report(Outcome::Inconsistent, budget)
    }

    fn give_up(&mut self, refusal: Refusal, budget: &Budget) -> Result<Report, Error> {
        self.stale = true;
        match refusal {
            Refusal::Stopped(stop) if budget.is_strict() || stop == Stop::Cancelled => {
                self.x.copy_from_slice(&self.before);
                Err(Error::Stopped(stop))
            }
            Refusal::Stopped(_) => Ok(self.report(Outcome::Partial, budget)),
            Refusal::TooLarge(count) => {
                self.x.copy_from_slice(&self.before);
                let (what, limit) = ("entries of a factor", super::ldl::MAX_ENTRIES);
                Err(Error::Limit { what, count, limit })
            }
        }
    }

    /// Puts the geometry onto the eliminated equations.
    fn settle(&mut self) {
        if let Some(plan) = &mut self.plan {
            self.moved.clear();
            plan.forest.settle(&mut self.x);
            plan.forest.refresh_derived(&self.rows, &mut self.x, &mut self.moved);
            self.moved.clear();
        }
    }

    fn make_plan(&mut self, budget: &Budget) -> Result<(), Refusal> {
        if self.plan.is_none() {
            let plan = Plan::new(&self.rows, &mut self.x, |_| true, budget)?;
            self.dirty = vec![false; plan.components.len()];
            self.plan = Some(plan);
        }
        Ok(())
    }

    /// The tier a tolerance belongs to: the finest whose step the residual meets.
    pub fn tier_of(residual: f64) -> Option<Tier> {
        Tier::ALL.into_iter().rev().find(|t| residual <= t.millimetres())
    }
}
