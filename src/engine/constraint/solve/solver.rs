//! The solver a session keeps: the decomposition, the symbolic factors and the
//! branch of every constraint survive from one change to the next, and a
//! change solves only the components it touched.

use serde::{Deserialize, Serialize};

use super::conflict::Conflicts;
use super::plan::Plan;
use super::size::{Size, Undrawable, sizes};
use super::step::StepContext;
use super::subset::SubsetSolve;
use crate::constraint::equations::{INTRINSIC, Row, find_errors, lower, lower_target, ranges};
use crate::constraint::sketch::{Entity, Error, Feature, Index, Problem, Target, constraint_name};
use crate::document::Limits;
use crate::linear::{self, max_abs};
use svgx_base::budget::{Budget, Class, Stop, Tier};
use svgx_base::deep::{self, Empty, Few};
use svgx_base::deep_span;

/// How a solve ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", schemars(rename = "SketchOutcome"))]
pub enum Outcome {
    /// Every constraint that must hold holds within the tolerance.
    Solved,
    /// Some constraints cannot be met. A solve meets those that do not contradict an earlier
    /// one; a change that cannot be made leaves the last good geometry.
    Inconsistent,
    /// The time ran out; the geometry is the best so far.
    Partial,
}

/// What a solve did. Read the geometry from the [`Solver`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// How the solve ended.
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

/// Components that have a span each in a deep trace.
const COMPONENTS_TRACED: u32 = 48;

/// For work that is bounded by the limits of the language.
pub(crate) fn unlimited() -> Budget {
    Budget::unlimited(Class::Physics, Tier::Compute)
}

/// A sketch being solved again and again.
#[derive(Clone, Debug)]
pub struct Solver {
    pub(crate) problem: Problem,
    pub(crate) index: Index,
    pub(crate) targets: Vec<Target>,
    pub(crate) rows: Vec<Row>,
    /// First row of every constraint, and one past its last.
    pub(crate) rows_of: Vec<(u32, u32)>,
    pub(crate) x: Vec<f64>,
    pub(crate) before: Vec<f64>,
    pub(crate) plan: Option<Plan>,
    pub(crate) tolerance: Option<f64>,
    /// The geometry does not follow from the eliminated equations (a change failed).
    pub(crate) stale: bool,
    /// The last solve ended well.
    pub(crate) solved: bool,
    pub(crate) ticks: u32,
    pub(crate) moved: Vec<u32>,
    pub(crate) dirty: Vec<bool>,
    /// Every radius, width and height.
    pub(crate) sizes: Vec<Size>,
    /// What the last solve left out because it cannot hold.
    pub(crate) conflicts: Conflicts,
}

impl Solver {
    /// Checks a problem and takes its branches from the geometry as drawn.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the entity or constraint and what is wrong with
    /// it, [`Error::Limit`] for more constraints or entities than `limits` allow.
    pub fn new(problem: Problem, limits: &Limits) -> Result<Solver, Error> {
        Solver::within(problem, limits, &unlimited())
    }

    /// As [`Solver::new`], within a budget: many thousand entities take milliseconds to read.
    ///
    /// # Errors
    /// As [`Solver::new`], and [`Error::Stopped`] where the budget ended: nothing is known then.
    pub fn within(problem: Problem, limits: &Limits, budget: &Budget) -> Result<Solver, Error> {
        let span = deep_span!("equations", svgx.equation.count = Empty);
        let (index, x) = Index::new(&problem, limits, budget)?;
        let rows = lower(&problem, &index, &x, budget)?;
        span.record("svgx.equation.count", deep::count(rows.len()));
        budget.checkpoint().map_err(Error::Stopped)?;
        let rows_of = ranges(&rows, problem.constraints.len());
        let sizes = sizes(&problem, &index);
        let before = x.clone();
        Ok(Solver {
            problem,
            index,
            targets: Vec::new(),
            rows,
            rows_of,
            x,
            before,
            plan: None,
            tolerance: None,
            stale: false,
            solved: false,
            ticks: 0,
            moved: Vec::new(),
            dirty: Vec::new(),
            sizes,
            conflicts: Conflicts::default(),
        })
    }

    /// What is wrong with a problem, `most` of it at most.
    pub fn errors(problem: &Problem, limits: &Limits, most: usize) -> Vec<Error> {
        let budget = unlimited();
        match Index::new(problem, limits, &budget) {
            Ok((index, x)) => find_errors(problem, &index, &x, most, &budget),
            Err(error) => vec![error],
        }
    }

    /// Pulls points, as far as the constraints leave room, at every solve from now on.
    ///
    /// # Errors
    /// [`Error::Change`] for a target that is no point, or a place or priority that is none.
    pub fn set_targets(&mut self, targets: Vec<Target>) -> Result<(), Error> {
        let mut rows = Vec::with_capacity(targets.len() * 2);
        for target in &targets {
            rows.extend(lower_target(&self.problem, &self.index, target)?);
        }
        self.rows.truncate(self.rows.len() - 2 * self.targets.len());
        self.rows.extend(rows);
        self.targets = targets;
        self.plan = None;
        Ok(())
    }

    /// Solves to this many millimetres instead of the tier's step: comparisons with other
    /// solvers need the tolerance of those.
    #[must_use]
    pub fn with_tolerance(mut self, millimetres: f64) -> Solver {
        self.tolerance = Some(millimetres.clamp(1e-11, 1e3));
        self
    }

    /// The problem, with values as changed and shapes as first drawn.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The geometry as it was solved last.
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
    pub(crate) fn unknowns_of(&self, i: usize) -> std::ops::Range<usize> {
        self.span_of(i).unwrap_or(0..0)
    }

    /// Unknowns of the entity that has most.
    pub(crate) fn most_unknowns(&self) -> usize {
        self.index.first.windows(2).map(|w| (w[1] - w[0]) as usize).max().unwrap_or(0)
    }

    /// Whether the geometry satisfies the plan.
    pub(crate) fn is_solved(&self) -> bool {
        self.plan.is_some() && self.solved && !self.stale
    }

    pub(crate) fn span_of(&self, i: usize) -> Option<std::ops::Range<usize>> {
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
                *worst = max_abs([*worst, row.equation.residual(&self.x)].into_iter());
            }
        }
        let name = |i| constraint_name(&self.problem, i);
        let over = worst.into_iter().enumerate().filter(|(_, r)| *r > tolerance);
        over.map(|(i, r)| (name(i), r)).collect()
    }

    pub(crate) fn tolerance(&self, budget: &Budget) -> f64 {
        self.tolerance.unwrap_or(budget.tier().millimetres())
    }

    /// Solves everything, from the geometry as it is. Where constraints contradict each other,
    /// or would make a size impossible to draw, the latest of them are left out.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the budget is strict and ended; the geometry is then as before.
    pub fn solve(&mut self, budget: &Budget) -> Result<Report, Error> {
        self.include_all();
        let report = self.solve_active(budget)?;
        if report.outcome != Outcome::Inconsistent {
            return Ok(report);
        }
        let _span = deep_span!("conflicts");
        let mut conflicts = Conflicts::default();
        let found = SubsetSolve::run(self, &self.x, |_| true, budget)
            .and_then(|subset| self.exclude_conflicting(subset, &mut conflicts, budget));
        if let Err(error) = found {
            return self.stop_early(error, budget);
        }
        self.conflicts = conflicts;
        if self.conflicts.excluded.is_empty() {
            return Ok(report);
        }
        self.plan = None;
        let report = self.solve_active(budget)?;
        Ok(self.with_excluded(report, budget))
    }

    /// The sizes that the last solve did not make because they could not be drawn.
    pub fn undrawable(&self) -> &[Undrawable] {
        &self.conflicts.undrawable
    }

    /// Takes in again what a solve left out.
    pub(crate) fn include_all(&mut self) {
        if !self.conflicts.excluded.is_empty() {
            self.plan = None;
        }
        self.conflicts = Conflicts::default();
    }

    /// A report of the constraints that were solved as one of all constraints.
    pub(crate) fn with_excluded(&self, report: Report, budget: &Budget) -> Report {
        if report.outcome != Outcome::Solved || self.conflicts.excluded.is_empty() {
            return report;
        }
        let all = self.report(Outcome::Inconsistent, budget);
        Report { outcome: all.outcome, residual: all.residual, ..report }
    }

    /// Solves what is not left out, from the geometry as it is.
    pub(crate) fn solve_active(&mut self, budget: &Budget) -> Result<Report, Error> {
        self.before.copy_from_slice(&self.x);
        if let Err(error) = self.make_plan(budget) {
            return self.stop_early(error, budget);
        }
        self.project();
        self.dirty.fill(true);
        self.run(&[], budget)
    }

    /// Solves the dirty components. `self.before` is the geometry to go back to.
    pub(crate) fn run(&mut self, stiff: &[u32], budget: &Budget) -> Result<Report, Error> {
        let tolerance = self.tolerance(budget);
        let Some(plan) = &mut self.plan else { return Ok(self.report(Outcome::Partial, budget)) };
        let (mut iterations, mut solved, mut stopped) = (0, 0, None);
        let mut consistent = true;
        let mut few = Few::first(COMPONENTS_TRACED);
        for k in 0..plan.components.len() {
            if !self.dirty[k] {
                continue;
            }
            solved += 1;
            let told = few.takes();
            let _silent = deep::silent_unless(told);
            let span = deep_span!(
                if told,
                "component",
                svgx.equation.count = deep::count(plan.components[k].rows.len()),
                svgx.unknown.count = deep::count(plan.components[k].unknowns.len()),
                svgx.iteration.count = Empty,
                svgx.residual = Empty,
            );
            let (rows, before) = (&self.rows, &self.before);
            let step = StepContext { rows, before, tolerance, stiff, budget };
            match plan.solve_component(k, step, &mut self.x) {
                Ok((steps, converged)) => {
                    span.record("svgx.iteration.count", i64::from(steps));
                    span.record("svgx.residual", plan.residuals[k]);
                    iterations += steps;
                    consistent &= converged;
                }
                Err(error) => {
                    stopped = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = stopped {
            return self.stop_early(error, budget);
        }
        let closed =
            plan.constant_rows.iter().map(|&r| self.rows[r as usize].equation.residual(&self.x));
        consistent &= max_abs(closed) <= tolerance;
        if consistent {
            let (rows, before) = (&self.rows, &self.before);
            let step = StepContext { rows, before, tolerance, stiff, budget };
            match plan.restore_sizes(&self.sizes, tolerance, step, &mut self.x) {
                Ok(undrawable) => consistent = undrawable.is_none(),
                Err(error) => return self.stop_early(error, budget),
            }
        }
        if !consistent {
            let mut report = self.restore_last_good(budget);
            report.iterations = iterations;
            report.components = solved;
            return Ok(report);
        }
        match self.solve_soft(tolerance, budget) {
            Ok(more) => iterations += more,
            Err(error) => return self.stop_early(error, budget),
        }
        self.stale = false;
        self.solved = true;
        let mut report = self.report(Outcome::Solved, budget);
        report.iterations = iterations;
        report.components = solved;
        Ok(report)
    }

    /// Moves what is still free towards the soft constraints, then back onto the hard ones.
    fn solve_soft(&mut self, tolerance: f64, budget: &Budget) -> Result<u32, linear::Error> {
        let Some(plan) = &mut self.plan else { return Ok(0) };
        let Some(soft) = &mut plan.soft else { return Ok(0) };
        let span = deep_span!("soft", svgx.iteration.count = Empty);
        let good = self.x.clone();
        let (rows, before) = (&self.rows, &self.before);
        let step = StepContext { rows, before, tolerance, stiff: &[], budget };
        let report = soft.solve(step, &plan.forest, &mut self.x)?;
        // The rest goes through every block again: it is told by the span of all of it.
        let _silent = deep::silent_unless(false);
        let mut iterations = report.iterations;
        let mut met = true;
        for k in 0..plan.blocks.len() {
            for block in &mut plan.blocks[k] {
                let back = block.solve(step, &plan.forest, &mut self.x)?;
                iterations += back.iterations;
                met &= back.converged;
                plan.residuals[k] = plan.residuals[k].max(back.residual);
            }
        }
        // A soft constraint gives way to a size that has to be drawn.
        let restored = plan.restore_sizes(&self.sizes, tolerance, step, &mut self.x)?;
        if !met || restored.is_some() {
            self.x.copy_from_slice(&good);
        }
        span.record("svgx.iteration.count", i64::from(iterations));
        Ok(iterations)
    }

    pub(crate) fn report(&self, outcome: Outcome, budget: &Budget) -> Report {
        let mut residual: f64 = 0.0;
        match (&self.plan, outcome) {
            (Some(plan), Outcome::Solved) => {
                residual = max_abs(plan.residuals.iter().copied());
                let at = |&r: &u32| self.rows[r as usize].equation.residual(&self.x);
                residual = residual.max(max_abs(plan.constant_rows.iter().map(at)));
            }
            _ => {
                let hard = self.rows.iter().filter(|r| r.soft == 0.0);
                residual = residual.max(max_abs(hard.map(|r| r.equation.residual(&self.x))));
            }
        }
        let tolerance = self.tolerance(budget);
        Report { outcome, residual, tolerance, iterations: 0, components: 0 }
    }

    pub(crate) fn restore_last_good(&mut self, budget: &Budget) -> Report {
        self.x.copy_from_slice(&self.before);
        self.stale = true;
        self.report(Outcome::Inconsistent, budget)
    }

    pub(crate) fn stop_early(
        &mut self,
        error: linear::Error,
        budget: &Budget,
    ) -> Result<Report, Error> {
        self.stale = true;
        match error {
            linear::Error::Stopped(stop) if budget.is_strict() || stop == Stop::Cancelled => {
                self.x.copy_from_slice(&self.before);
                Err(Error::Stopped(stop))
            }
            linear::Error::Stopped(_) => Ok(self.report(Outcome::Partial, budget)),
            linear::Error::TooLarge { what, count, limit } => {
                self.x.copy_from_slice(&self.before);
                Err(Error::Limit { what, count, limit })
            }
        }
    }

    /// Projects the geometry onto the eliminated equations.
    pub(crate) fn project(&mut self) {
        if let Some(plan) = &mut self.plan {
            self.moved.clear();
            plan.forest.back_substitute(&mut self.x);
            plan.forest.refresh_derived(&self.rows, &mut self.x, &mut self.moved);
            self.moved.clear();
        }
    }

    fn make_plan(&mut self, budget: &Budget) -> Result<(), linear::Error> {
        if self.plan.is_none() {
            let (rows, excluded) = (&self.rows, &self.conflicts.excluded);
            let active = |i: usize| {
                let constraint = rows[i].constraint;
                constraint == INTRINSIC || !excluded.contains(&constraint)
            };
            let span = deep_span!(
                "plan",
                svgx.equation.count = deep::count(rows.len()),
                svgx.component.count = Empty,
            );
            let plan = Plan::new(rows, &mut self.x, active, budget)?;
            span.record("svgx.component.count", deep::count(plan.components.len()));
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
