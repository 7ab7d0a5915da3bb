//! What a sketch lacks and what it has too much of: degrees of freedom,
//! redundant constraints and minimal sets of conflicting ones.
//!
//! Everything is decided block by block, at the solved geometry and to first
//! order: a sketch that stands at a singular position (three points of a
//! triangle in line) is judged as it stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::freedom::{Findings, REASONS, small_rank};
use crate::constraint::equations::{GROUND, INTRINSIC};
use crate::constraint::sketch::{Error, constraint_name};
use crate::constraint::solve::{Conflicts, Solver, SubsetSolve};
use crate::linear::{self, ROWS_PER_CHECKPOINT};
use svgx_base::budget::{Budget, Stop};
use svgx_base::deep_span;

/// How much a sketch, or a part of it, is constrained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", schemars(rename = "SketchStatus"))]
pub enum Status {
    /// There are no constraints.
    Unconstrained,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EntityFreedom {
    /// The id of the entity.
    pub entity: String,
    /// Its degrees of freedom: in how many independent ways it can move or change.
    pub degrees_of_freedom: usize,
}

/// A constraint that follows from others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SketchRedundancy"))]
pub struct Redundancy {
    /// The name of the constraint.
    pub constraint: String,
    /// Only a part of what it says follows from the others (one of two coordinates, say).
    pub partial: bool,
    /// The others: a minimal set, none of them can be spared. Empty where it says nothing at
    /// all, or where they were not found.
    pub implied_by: Vec<String>,
}

/// Constraints that cannot all hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SketchConflict"))]
pub struct Conflict {
    /// The names of the constraints, in their order.
    pub constraints: Vec<String>,
    /// Without any one of them the rest can hold: false only where the time ran out before that was shown.
    pub minimal: bool,
}

/// What was found out about a sketch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SketchDiagnosis"))]
pub struct Diagnosis {
    /// The whole sketch in one word.
    pub status: Status,
    /// Its degrees of freedom: in how many independent ways it can move or change.
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

impl Solver {
    /// Finds out what the sketch lacks and what it has too much of. The geometry stays as it is.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the budget is strict and ended, [`Error::Limit`]
    /// where a component is too large to factor.
    pub fn diagnose(&mut self, budget: &Budget) -> Result<Diagnosis, Error> {
        let _span = deep_span!("diagnose");
        let mut diagnosis = Diagnosis {
            status: Status::UnderConstrained,
            degrees_of_freedom: 0,
            entities: Vec::new(),
            redundant: Vec::new(),
            conflicts: Vec::new(),
            complete: false,
        };
        let mut conflicts = Conflicts::default();
        let done = self.diagnose_into(&mut diagnosis, &mut conflicts, budget);
        for (set, minimal) in conflicts.sets {
            let names = set.iter().map(|&i| constraint_name(&self.problem, i as usize));
            diagnosis.conflicts.push(Conflict { constraints: names.collect(), minimal });
        }
        match done {
            Ok(()) => diagnosis.complete = true,
            Err(linear::Error::Stopped(stop)) if budget.is_strict() || stop == Stop::Cancelled => {
                return Err(Error::Stopped(stop));
            }
            Err(linear::Error::Stopped(_)) => {}
            Err(linear::Error::TooLarge { what, count, limit }) => {
                return Err(Error::Limit { what, count, limit });
            }
        }
        diagnosis.status = match (
            self.problem.constraints.is_empty(),
            diagnosis.conflicts.is_empty(),
            diagnosis.redundant.is_empty(),
            diagnosis.degrees_of_freedom,
        ) {
            (true, ..) => Status::Unconstrained,
            (_, false, _, _) => Status::Conflicting,
            (_, _, false, 0) => Status::OverConstrained,
            (_, _, false, _) => Status::Redundant,
            (_, _, _, 0) if diagnosis.complete => Status::FullyConstrained,
            _ => Status::UnderConstrained,
        };
        Ok(diagnosis)
    }

    fn diagnose_into(
        &mut self,
        diagnosis: &mut Diagnosis,
        conflicts: &mut Conflicts,
        budget: &Budget,
    ) -> Result<(), linear::Error> {
        let subset = match if self.is_solved() { self.plan.take() } else { None } {
            // The solver's own plan serves where it stands on a solved sketch.
            Some(plan) => {
                conflicts.clone_from(&self.conflicts);
                SubsetSolve::resume(plan, self, budget)?
            }
            None => SubsetSolve::run(self, &self.x, |_| true, budget)?,
        };
        let subset = self.exclude_conflicting(subset, conflicts, budget)?;
        let findings = self.find_freedom(&subset, budget)?;
        self.write_findings(&findings, &subset, &conflicts.excluded, diagnosis, budget)?;
        if subset.reusable {
            self.plan = Some(subset.plan);
        }
        Ok(())
    }

    fn write_findings(
        &self,
        findings: &Findings,
        subset: &SubsetSolve,
        excluded: &BTreeSet<u32>,
        diagnosis: &mut Diagnosis,
        budget: &Budget,
    ) -> Result<(), linear::Error> {
        let forest = &subset.plan.forest;
        let unheld = findings.motion.iter().filter(|m| m.is_none()).count();
        diagnosis.degrees_of_freedom = findings.freedom + unheld;
        // Rows back to constraints: all rows redundant, or only some.
        let mut rows_of = vec![0usize; self.problem.constraints.len()];
        for row in self.rows.iter().filter(|r| r.soft == 0.0 && !r.implied) {
            if let Some(count) = rows_of.get_mut(row.constraint as usize) {
                *count += 1;
            }
        }
        // By constraint: the rows that follow from others, and what is near to them.
        let mut found: BTreeMap<u32, (Vec<u32>, BTreeSet<u32>)> = BTreeMap::new();
        for &(row, ref near) in &findings.redundant {
            let mut c = self.rows[row as usize].constraint;
            if c == INTRINSIC {
                if near.is_empty() {
                    continue;
                }
                // The shape's own equation stays; the latest that implies it is the one too many.
                let reasons = self.minimal_reasons(&subset.x, c, &[row], near, budget)?;
                match reasons.iter().next_back() {
                    Some(&latest) => c = latest,
                    None => continue,
                }
            }
            let (rows, reasons) = found.entry(c).or_default();
            rows.push(row);
            reasons.extend(near);
        }
        for (c, (rows, near)) in found {
            if excluded.contains(&c) {
                continue;
            }
            let mut reasons = match near.is_empty() {
                true => near,
                false => self.minimal_reasons(&subset.x, c, &rows, &near, budget)?,
            };
            reasons.remove(&c);
            let partial = rows.len() < rows_of[c as usize];
            // A part that follows from the shape alone (`fixed` of a side of an upright
            // rectangle) says nothing twice.
            if partial && reasons.is_empty() && findings.redundant.len() < REASONS {
                continue;
            }
            let name = |i: u32| constraint_name(&self.problem, i as usize);
            diagnosis.redundant.push(Redundancy {
                constraint: name(c),
                partial,
                implied_by: reasons.into_iter().map(name).collect(),
            });
        }
        for (i, entity) in self.problem.entities.iter().enumerate() {
            if i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
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
        Ok(())
    }
}
