//! Constraints that come and go while a sketch is being edited: only what they
//! touch is lowered anew, from the geometry as it is, and what substitution alone takes
//! up is not planned anew (see [`super::incremental`]).

use super::solver::{Solver, unlimited};
use crate::constraint::equations::{INTRINSIC, lower, lower_one, lower_target, ranges};
use crate::constraint::sketch::{Constraint, Error, Kind, Location, constraint_name};

impl Solver {
    /// Adds a constraint, the last in order. [`Solver::solve`] then meets it.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it cannot be meant; nothing is added then.
    pub fn add(&mut self, constraint: Constraint) -> Result<(), Error> {
        self.include_all();
        let i = self.problem.constraints.len();
        let affects_others = affects_others(&constraint);
        self.problem.constraints.push(constraint);
        let added = match lower_one(&self.problem, &self.index, &self.x, i) {
            Ok(Some(rows)) if !affects_others => rows,
            Ok(_) => {
                return self.relower().inspect_err(|_| {
                    self.problem.constraints.pop();
                });
            }
            Err(reason) => {
                let name = constraint_name(&self.problem, i);
                self.problem.constraints.pop();
                return Err(Error::Invalid { location: Location::Constraint(i), name, reason });
            }
        };
        // Targets stay last.
        let at = self.rows.len() - 2 * self.targets.len();
        self.rows_of.push((at as u32, (at + added.len()) as u32));
        self.solved = false;
        if !self.targets.is_empty() || self.stale {
            self.rows.splice(at..at, added);
            self.plan = None;
            return Ok(());
        }
        for row in added {
            self.rows.push(row);
            if let Some(plan) = &mut self.plan
                && !plan.with(&self.rows, &self.x)
            {
                self.plan = None;
            }
        }
        Ok(())
    }

    /// Takes constraint `i` away; those after it move up by one. Answers it.
    ///
    /// # Errors
    /// [`Error::Change`] where there is none.
    pub fn remove(&mut self, i: usize) -> Result<Constraint, Error> {
        if i >= self.problem.constraints.len() {
            return Err(Error::Change(format!("there is no constraint {i}")));
        }
        self.include_all();
        let constraint = self.problem.constraints.remove(i);
        if affects_others(&constraint) {
            self.relower()?;
            return Ok(constraint);
        }
        let (from, to) = self.rows_of.remove(i);
        self.solved = false;
        if self.stale {
            self.plan = None;
        }
        for r in (from..to).rev() {
            if let Some(plan) = &mut self.plan
                && !plan.without(&self.rows, r)
            {
                self.plan = None;
            }
            self.rows.remove(r as usize);
        }
        for row in self.rows.iter_mut().filter(|r| r.constraint != INTRINSIC) {
            row.constraint -= u32::from(row.constraint > i as u32);
        }
        for range in &mut self.rows_of[i..] {
            *range = (range.0.saturating_sub(to - from), range.1.saturating_sub(to - from));
        }
        Ok(constraint)
    }

    /// Lowers every constraint from the geometry as it is.
    pub(crate) fn relower(&mut self) -> Result<(), Error> {
        self.include_all();
        let mut rows = lower(&self.problem, &self.index, &self.x, &unlimited())?;
        self.rows_of = ranges(&rows, self.problem.constraints.len());
        for target in &self.targets {
            rows.extend(lower_target(&self.problem, &self.index, target)?);
        }
        self.rows = rows;
        self.discard_plan();
        Ok(())
    }

    fn discard_plan(&mut self) {
        self.plan = None;
        self.solved = false;
    }
}

/// Whether the constraint decides how others are written (see [`crate::constraint::equations::Incidence`]).
fn affects_others(c: &Constraint) -> bool {
    c.soft.is_none() && matches!(c.kind, Kind::Coincident | Kind::PointOn)
}
