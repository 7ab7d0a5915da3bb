//! The elimination tree of a symmetric pattern in an order, and how much fills in (Davis,
//! *Direct Methods for Sparse Linear Systems*, 2006, ch. 4).

use super::{Error, Graph, MAX_ENTRIES, NONE, ROWS_PER_CHECKPOINT};
use svgx_base::budget::Budget;

/// What follows from a pattern and an order of elimination.
pub(super) struct Shape {
    pub(super) position: Vec<u32>,
    pub(super) column: Vec<u32>,
    pub(super) row: Vec<u32>,
    /// The elimination tree.
    pub(super) parent: Vec<u32>,
    /// Entries of every column of the factor below its diagonal, and of all.
    pub(super) count: Vec<u32>,
    pub(super) entries: usize,
}

impl Shape {
    pub(super) fn of(graph: &Graph, order: &[u32], budget: &Budget) -> Result<Shape, Error> {
        let n = graph.nodes();
        let mut position = vec![0u32; n];
        for (k, &i) in order.iter().enumerate() {
            position[i as usize] = k as u32;
        }
        let mut column = Vec::with_capacity(n + 1);
        let mut row = Vec::with_capacity(graph.edges());
        column.push(0);
        for (k, &i) in order.iter().enumerate() {
            let from = row.len();
            if k % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            let before = graph.neighbors(i).iter().map(|&j| position[j as usize]);
            row.extend(before.filter(|&j| (j as usize) < k));
            row[from..].sort_unstable();
            column.push(row.len() as u32);
        }
        let mut parent = vec![NONE; n];
        let mut flag = vec![NONE; n];
        let mut count = vec![0u32; n];
        let mut entries = 0usize;
        for k in 0..n {
            flag[k] = k as u32;
            for &i in &row[column[k] as usize..column[k + 1] as usize] {
                let mut i = i as usize;
                while flag[i] != k as u32 {
                    if parent[i] == NONE {
                        parent[i] = k as u32;
                    }
                    count[i] += 1;
                    entries += 1;
                    flag[i] = k as u32;
                    i = parent[i] as usize;
                }
            }
            if entries > MAX_ENTRIES {
                return Err(Error::TooLarge {
                    what: "entries of a factor",
                    count: entries,
                    limit: MAX_ENTRIES,
                });
            }
            if k % ROWS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
        }
        Ok(Shape { position, column, row, parent, count, entries })
    }
}
