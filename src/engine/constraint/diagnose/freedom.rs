//! Degrees of freedom and redundant rows, block by block.

use std::collections::BTreeSet;

use crate::constraint::solve::{BLOCKS_PER_CHECKPOINT, Derivatives, Failure, Solver, SubsetSolve};
use crate::linear::{
    self, Component, Determinacy, Matrix, ROWS_PER_CHECKPOINT, Rank, analyse, combination,
    is_regular,
};
use svgx_base::budget::Budget;

/// Motions asked for at most: the freedom of an entity is counted up to this.
const MOTIONS: usize = 32;

/// Redundant constraints whose reasons are searched for at most.
pub(crate) const REASONS: usize = 64;

/// What was found out block by block.
pub(crate) struct Findings {
    pub(crate) freedom: usize,
    /// For every class its component and its part in the motions; `None` where nothing holds it.
    pub(crate) motion: Vec<Option<(u32, Vec<f64>)>>,
    /// Redundant rows and the constraints that take part in each dependency.
    pub(crate) redundant: Vec<(u32, BTreeSet<u32>)>,
}

impl Solver {
    pub(crate) fn find_freedom(
        &self,
        subset: &SubsetSolve,
        budget: &Budget,
    ) -> Result<Findings, linear::Error> {
        let plan = &subset.plan;
        let mut findings = Findings {
            freedom: 0,
            motion: vec![None; plan.forest.classes()],
            redundant: Vec::new(),
        };
        for (k, component) in plan.components.iter().enumerate() {
            budget.checkpoint()?;
            self.find_freedom_of(k, component, subset, &mut findings, budget)?;
        }
        for &row in &plan.constant_rows {
            let implied = self.rows[row as usize].implied;
            if !implied && !subset.failures.contains(&Failure::ConstantRow(row)) {
                let reasons = self.constraints_behind(plan, &[row]);
                findings.redundant.push((row, reasons));
            }
        }
        Ok(findings)
    }

    fn find_freedom_of(
        &self,
        k: usize,
        component: &Component,
        subset: &SubsetSolve,
        findings: &mut Findings,
        budget: &Budget,
    ) -> Result<(), linear::Error> {
        let plan = &subset.plan;
        // An entity has no more freedom than unknowns.
        let motions = self.most_unknowns().min(MOTIONS);
        let fixed = |unknowns: &[u32], findings: &mut Findings| {
            for &c in unknowns {
                findings.motion[c as usize] = Some((k as u32, Vec::new()));
            }
        };
        // Part by part, as long as every part is what its structure promises.
        let mut regular = true;
        let mut part_findings: Vec<(&[u32], &[u32], Matrix, Rank)> = Vec::new();
        let mut derivatives = Derivatives::at(&self.rows, plan, &subset.x);
        let mut j = Matrix::default();
        for (i, part) in component.parts.iter().enumerate() {
            if i % BLOCKS_PER_CHECKPOINT == BLOCKS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            derivatives.write(&part.rows, &part.unknowns, &mut j, budget)?;
            let square = part.determinacy == Determinacy::Square;
            if square && j.columns <= 16 {
                regular = is_regular(&j);
            } else {
                let rank = analyse(
                    &j,
                    if part.determinacy == Determinacy::Under { motions } else { 0 },
                    budget,
                )?;
                regular = match part.determinacy {
                    Determinacy::Over | Determinacy::Square => rank.rank == part.unknowns.len(),
                    Determinacy::Under => rank.rank == part.rows.len(),
                };
                part_findings.push((&part.rows, &part.unknowns, std::mem::take(&mut j), rank));
            }
            if !regular {
                break;
            }
        }
        let whole;
        if !regular {
            derivatives.write(&component.rows, &component.unknowns, &mut j, budget)?;
            let rank = analyse(&j, motions, budget)?;
            whole = (component.rows.as_slice(), component.unknowns.as_slice(), j, rank);
            part_findings = vec![whole];
        } else {
            fixed(&component.unknowns, findings);
        }
        for (rows, unknowns, j, rank) in part_findings {
            findings.freedom += unknowns.len() - rank.rank.min(unknowns.len());
            if !rank.null_vectors.is_empty() {
                for (i, &c) in unknowns.iter().enumerate() {
                    if i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                        budget.checkpoint()?;
                    }
                    let motion = rank.null_vectors.iter().map(|m| m[i]).collect();
                    findings.motion[c as usize] = Some((k as u32, motion));
                }
            } else {
                fixed(unknowns, findings);
            }
            let independent: Vec<u32> =
                (0..rows.len() as u32).filter(|&i| !rank.depends(i)).collect();
            for &d in &rank.dependent {
                let row = rows[d as usize];
                if self.rows[row as usize].implied {
                    continue;
                }
                if findings.redundant.len() >= REASONS {
                    findings.redundant.push((row, BTreeSet::new()));
                    continue;
                }
                let mut set = combination(&j, &independent, d, budget)?;
                set.push(d);
                let set: Vec<u32> = set.iter().map(|&i| rows[i as usize]).collect();
                findings.redundant.push((row, self.constraints_behind(plan, &set)));
            }
        }
        Ok(())
    }
}

/// The rank of a few vectors of one length, by elimination with full pivoting.
pub(crate) fn small_rank(vectors: &[(u32, &[f64])]) -> usize {
    let mut rest: Vec<Vec<f64>> = vectors.iter().map(|(_, v)| v.to_vec()).collect();
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
        let (done, left) = rest.split_at_mut(rank + 1);
        let pivot = &done[rank];
        for row in left {
            let factor = row[best.1] / pivot[best.1];
            row.iter_mut().zip(pivot).for_each(|(a, b)| *a -= factor * b);
        }
        rank += 1;
    }
    rank
}
