//! One change to a solved sketch: what it touches is solved again, warm from
//! where it was, with the plan and the factors of before.

use serde::{Deserialize, Serialize};

use super::solver::{Outcome, Report, Solver};
use crate::constraint::equations::{Equation, GROUND};
use crate::constraint::sketch::{
    Error, Feature, Kind, Location, MAX_COORDINATE, Reason, Shape, constraint_name,
};
use crate::linear::Determinacy;
use svgx_base::budget::Budget;

/// What a session changes between two solves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "change", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", schemars(rename = "SketchChange"))]
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
    /// All points of an entity are pulled by this much from where they are, and go as far as
    /// the constraints leave room.
    Carry {
        /// Index of the entity.
        entity: usize,
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

impl Solver {
    /// Makes one change and solves what it touched, warm from where it was.
    ///
    /// # Errors
    /// [`Error::Change`] for a change that does not fit, [`Error::Stopped`] as in [`Solver::solve`].
    pub fn drag(&mut self, change: &Change, budget: &Budget) -> Result<Report, Error> {
        if self.plan.is_none() || self.stale || !self.solved {
            // A change that failed is not searched for conflicts at every one that follows.
            let report = if self.stale { self.solve_active(budget) } else { self.solve(budget) }?;
            if report.outcome == Outcome::Partial {
                return Ok(report);
            }
        }
        let report = self.make_change(change, budget)?;
        Ok(self.with_excluded(report, budget))
    }

    fn make_change(&mut self, change: &Change, budget: &Budget) -> Result<Report, Error> {
        let unusable = |v: f64| !(v.abs() <= MAX_COORDINATE);
        self.before.copy_from_slice(&self.x);
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks.is_multiple_of(64) {
            self.project();
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
            Change::Carry { entity, dx, dy } => {
                if unusable(*dx) || unusable(*dy) {
                    return Err(Error::Change(format!("{dx}, {dy} is not a usable move")));
                }
                let pulls = self.carried(*entity, *dx, *dy)?;
                self.pull(&pulls, budget)
            }
            Change::Pull { feature, x, y } => {
                if unusable(*x) || unusable(*y) {
                    return Err(Error::Change(format!("{x}, {y} is not a usable place")));
                }
                let pulls = self.pulled(feature, *x, *y)?;
                self.pull(&pulls, budget)
            }
        }
    }

    fn change_value(&mut self, i: usize, value: f64, budget: &Budget) -> Result<Report, Error> {
        let Some(constraint) = self.problem.constraints.get(i) else {
            return Err(Error::Change(format!("there is no constraint {i}")));
        };
        let (kind, old) = (constraint.kind, constraint.value);
        let invalid = |reason| Error::Invalid {
            location: Location::Constraint(i),
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
        if value == 0.0 && kind.has_size() {
            return Err(invalid(Reason::ZeroSize(kind)));
        }
        if let Some(c) = self.problem.constraints.get_mut(i) {
            c.value = Some(value);
        }
        if kind == Kind::Distance && (old == 0.0) != (value == 0.0) {
            // Zero distance is coincidence: another structure.
            self.relower()?;
            return self.solve(budget);
        }
        let (from, to) = self.rows_of[i];
        let all_hold = self.conflicts.excluded.is_empty();
        let mut met = true;
        for r in from..to {
            let row = &mut self.rows[r as usize];
            if row.factor != 0.0 {
                row.equation.set_constant(row.factor * value);
                met &= !all_hold || self.apply(r);
            }
        }
        if !all_hold {
            // What was left out may hold now.
            return self.solve(budget);
        }
        if !met {
            return Ok(self.restore_last_good(budget));
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
                Feature::Path(first, count) => self.path_step(first, count, dx, dy),
            };
            by.extend(step);
        }
        let all_hold = self.conflicts.excluded.is_empty();
        let mut met = true;
        for (r, by) in (from..to).zip(by) {
            if by == 0.0 {
                continue;
            }
            if let Equation::Difference { c, .. } = &mut self.rows[r as usize].equation {
                *c += by;
                met &= !all_hold || self.apply(r);
            }
        }
        if !all_hold {
            return self.solve(budget);
        }
        if !met {
            return Ok(self.restore_last_good(budget));
        }
        self.run(&[], budget)
    }

    /// A move of all unknowns of a path: its vertices and the centres of its arcs.
    fn path_step(&self, first: u32, count: u32, dx: f64, dy: f64) -> Vec<f64> {
        let entity = self.index.first.partition_point(|&f| f <= first).saturating_sub(1);
        let vertices = match self.problem.entities.get(entity).map(|e| &e.shape) {
            Some(Shape::Path { points, .. }) => points.len(),
            _ => 0,
        };
        let arcs = (count as usize - 2 * vertices) / 3;
        let vertices = std::iter::repeat_n([dx, dy], vertices).flatten();
        vertices.chain(std::iter::repeat_n([dx, dy, 0.0], arcs).flatten()).collect()
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

    /// The two unknowns of a point and where they are to go.
    fn pulled(&self, name: &str, x: f64, y: f64) -> Result<Vec<(u32, f64)>, Error> {
        match self.index.feature(&self.problem, name) {
            Ok(Feature::Point(p)) => Ok(vec![(p.x, x), (p.y, y)]),
            _ => {
                let name: String = name.chars().take(64).collect();
                Err(Error::Change(format!("{name:?} is no point")))
            }
        }
    }

    /// The unknowns of an entity that are coordinates, and where they are to go.
    fn carried(&self, entity: usize, dx: f64, dy: f64) -> Result<Vec<(u32, f64)>, Error> {
        let Some(shape) = self.problem.entities.get(entity).map(|e| &e.shape) else {
            return Err(Error::Change(format!("there is no entity {entity}")));
        };
        let by: Vec<f64> = match shape {
            Shape::Point { .. } => vec![dx, dy],
            Shape::Line { .. } | Shape::Rect { .. } => vec![dx, dy, dx, dy],
            Shape::Circle { .. } => vec![dx, dy, 0.0],
            Shape::Arc { .. } => vec![dx, dy, 0.0, dx, dy, dx, dy],
            Shape::Path { .. } => {
                let span = self.unknowns_of(entity);
                self.path_step(span.start as u32, span.len() as u32, dx, dy)
            }
        };
        let unknowns = self.unknowns_of(entity).zip(by);
        let moving = unknowns.filter(|(_, by)| *by != 0.0);
        Ok(moving.map(|(v, by)| (v as u32, self.x[v] + by)).collect())
    }

    fn pull(&mut self, pulls: &[(u32, f64)], budget: &Budget) -> Result<Report, Error> {
        let Some(plan) = &self.plan else { return self.solve(budget) };
        // Only unknowns with some freedom follow; the rest is where it has to be.
        let mut free: Vec<(u32, u32, f64)> = Vec::new();
        for &(v, to) in pulls {
            let class = plan.forest.class[v as usize];
            if class == GROUND || free.iter().any(|f| f.0 == class) {
                continue;
            }
            let k = plan.component_of[class as usize];
            let movable = match plan.components.get(k as usize) {
                None => true,
                Some(c) => c.parts.iter().any(|part| {
                    part.determinacy == Determinacy::Under && part.unknowns.contains(&class)
                }),
            };
            if movable {
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
}
