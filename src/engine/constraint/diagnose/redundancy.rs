//! Why a constraint is redundant: a minimal set of others that it follows from.
//!
//! Decided on the derivatives by all unknowns, those of eliminated equations included: what
//! ties two walls together by way of the ground need not be a reason of what is said of both.

use std::collections::{BTreeSet, HashMap, HashSet};

use smallvec::SmallVec;

use crate::constraint::equations::{INTRINSIC, MAX_UNKNOWNS};
use crate::constraint::solve::Solver;
use crate::linear::{self, Matrix, ROWS_PER_CHECKPOINT, Sparse, analyse, combination};
use svgx_base::budget::{Budget, Stop};

/// Rows that take part in a dependency, and the constraint that each would be blamed on.
#[derive(Default)]
struct Members {
    rows: Vec<u32>,
    /// `None` for rows that hold whatever is blamed.
    constraint: Vec<Option<u32>>,
}

impl Members {
    fn push(&mut self, row: u32, constraint: Option<u32>) {
        self.rows.push(row);
        self.constraint.push(constraint);
    }
}

impl Solver {
    /// Constraints of `candidates` that `redundant`, rows of constraint `own`, follow from at
    /// `x`, to first order; without any one of them they do not. Empty where they do not
    /// follow to first order.
    pub(crate) fn minimal_reasons(
        &self,
        x: &[f64],
        own: u32,
        redundant: &[u32],
        candidates: &BTreeSet<u32>,
        budget: &Budget,
    ) -> Result<BTreeSet<u32>, linear::Error> {
        let members = self.members(own, redundant, candidates);
        let matrix = self.derivatives(x, &members.rows, redundant, budget)?;
        let rank = analyse(&matrix, 0, budget)?;
        let count = members.rows.len() as u32;
        let ends = count..count + redundant.len() as u32;
        if !ends.clone().all(|row| rank.depends(row)) {
            return Ok(BTreeSet::new());
        }
        let independent: Vec<u32> = (0..count).filter(|&row| !rank.depends(row)).collect();
        let mut reasons = BTreeSet::new();
        for row in ends {
            let used = combination(&matrix, &independent, row, budget)?;
            reasons.extend(used.iter().filter_map(|&i| members.constraint[i as usize]));
        }
        // An expansion in independent rows is unique: only where some are dependent can one of
        // the reasons be spared.
        let kept = |i: &u32| members.constraint[*i as usize].is_none_or(|c| reasons.contains(&c));
        if !rank.dependent.iter().filter(|&&i| i < count).any(kept) {
            return Ok(reasons);
        }
        // The latest is spared first, as it would be where they conflict.
        for c in reasons.clone().into_iter().rev() {
            let mut fewer = reasons.clone();
            fewer.remove(&c);
            let members = self.members(own, redundant, &fewer);
            let matrix = self.derivatives(x, &members.rows, redundant, budget)?;
            let rank = analyse(&matrix, 0, budget)?;
            let count = members.rows.len();
            if (count..count + redundant.len()).all(|row| rank.depends(row as u32)) {
                reasons = fewer;
            }
        }
        Ok(reasons)
    }

    /// The rows that `redundant` may follow from: those of `candidates`, after those that
    /// belong to their shapes and what else `own` says.
    fn members(&self, own: u32, redundant: &[u32], candidates: &BTreeSet<u32>) -> Members {
        let mut members = Members::default();
        let rows_of = |c: u32| {
            let (from, to) = self.rows_of.get(c as usize).copied().unwrap_or_default();
            (from..to).filter(|&r| self.rows[r as usize].soft == 0.0 && !redundant.contains(&r))
        };
        let mut named = Members::default();
        rows_of(own).for_each(|r| named.push(r, None));
        for &c in candidates.iter().filter(|&&c| c != own) {
            rows_of(c).for_each(|r| named.push(r, Some(c)));
        }
        let mut shapes = HashSet::new();
        for &r in named.rows.iter().chain(redundant) {
            shapes.extend(self.shapes_of(r));
        }
        for (i, row) in (0..).zip(&self.rows) {
            if row.constraint == INTRINSIC
                && row.soft == 0.0
                && !redundant.contains(&i)
                && self.shapes_of(i).iter().any(|shape| shapes.contains(shape))
            {
                members.push(i, None);
            }
        }
        members.rows.extend(named.rows);
        members.constraint.extend(named.constraint);
        members
    }

    /// The entities whose unknowns a row has.
    fn shapes_of(&self, row: u32) -> SmallVec<[usize; MAX_UNKNOWNS]> {
        let mut vars = [0; MAX_UNKNOWNS];
        let n = self.rows[row as usize].equation.unknowns(&mut vars);
        vars[..n].iter().map(|&v| self.index.first.partition_point(|&first| first <= v)).collect()
    }

    /// The derivatives of `rows`, then of `more`, by the unknowns they have.
    fn derivatives(
        &self,
        x: &[f64],
        rows: &[u32],
        more: &[u32],
        budget: &Budget,
    ) -> Result<Matrix, Stop> {
        let mut column_of: HashMap<u32, u32> = HashMap::new();
        let mut matrix = Matrix { pattern: Sparse::new(), values: Vec::new(), columns: 0 };
        let (mut vars, mut gradient) = ([0; MAX_UNKNOWNS], [0.0; MAX_UNKNOWNS]);
        let mut columns: Vec<u32> = Vec::new();
        for (i, &r) in rows.iter().chain(more).enumerate() {
            if i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            let equation = &self.rows[r as usize].equation;
            let n = equation.unknowns(&mut vars);
            equation.evaluate(x, &mut gradient);
            columns.clear();
            let from = matrix.values.len();
            for (&v, &slope) in vars[..n].iter().zip(&gradient) {
                let next = column_of.len() as u32;
                let column = *column_of.entry(v).or_insert(next);
                match columns.iter().position(|&c| c == column) {
                    Some(k) => matrix.values[from + k] += slope,
                    None => {
                        columns.push(column);
                        matrix.values.push(slope);
                    }
                }
            }
            matrix.pattern.push(&columns);
        }
        matrix.columns = column_of.len();
        Ok(matrix)
    }
}
