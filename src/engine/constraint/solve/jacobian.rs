//! The Jacobian of some rows by some classes of unknowns.

use super::plan::Plan;
use crate::constraint::equations::{GROUND, MAX_UNKNOWNS, Row};
use crate::linear::{Matrix, ROWS_PER_CHECKPOINT};
use svgx_base::budget::{Budget, Stop};

/// Takes derivatives at `x`.
pub(crate) struct Derivatives<'s> {
    rows: &'s [Row],
    plan: &'s Plan,
    x: &'s [f64],
    /// Classes and their columns, and the columns of one row: kept from one use to the next.
    sorted: Vec<(u32, u32)>,
    columns: Vec<u32>,
}

impl<'s> Derivatives<'s> {
    pub(crate) fn at(rows: &'s [Row], plan: &'s Plan, x: &'s [f64]) -> Derivatives<'s> {
        Derivatives { rows, plan, x, sorted: Vec::new(), columns: Vec::new() }
    }

    /// Writes the derivatives of `members` by `unknowns` into `j`; other unknowns count as known.
    pub(crate) fn write(
        &mut self,
        members: &[u32],
        unknowns: &[u32],
        j: &mut Matrix,
        budget: &Budget,
    ) -> Result<(), Stop> {
        let Derivatives { rows, plan, x, sorted, columns } = self;
        j.columns = unknowns.len();
        j.values.clear();
        j.pattern.clear();
        sorted.clear();
        sorted.extend(unknowns.iter().enumerate().map(|(k, &c)| (c, k as u32)));
        sorted.sort_unstable();
        let (mut vars, mut g) = ([0; MAX_UNKNOWNS], [0.0; MAX_UNKNOWNS]);
        for (i, &r) in members.iter().enumerate() {
            if i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
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
            j.pattern.push(columns);
        }
        Ok(())
    }
}
