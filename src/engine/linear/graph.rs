//! The graph of a symmetric pattern: which unknowns share an entry.

use super::{Error, NONE, ROWS_PER_CHECKPOINT, Sparse};
use svgx_base::budget::Budget;

/// Which nodes are next to each other: symmetric, without loops.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The neighbours of node `i`, ascending: `adjacency[start[i]..start[i + 1]]`.
    start: Vec<u32>,
    adjacency: Vec<u32>,
}

impl Graph {
    /// Of `n` nodes, those that share a group are next to each other.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more pairs than `most`, either way round, and
    /// [`Error::Stopped`].
    pub fn of(groups: &Sparse, n: usize, most: usize, budget: &Budget) -> Result<Graph, Error> {
        let mut start = vec![0u32; n + 1];
        let mut pairs = 0;
        for k in 0..groups.len() {
            let group = groups.row(k as u32);
            pairs += group.len() * group.len().saturating_sub(1);
            if pairs > most {
                return Err(Error::TooLarge {
                    what: "pairs of a graph",
                    count: pairs,
                    limit: most,
                });
            }
            for &i in group {
                start[i as usize + 1] += group.len() as u32 - 1;
            }
        }
        for i in 0..n {
            start[i + 1] += start[i];
        }
        let mut adjacency = vec![0u32; pairs];
        let mut fill = start.clone();
        for k in 0..groups.len() {
            if k % ROWS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            let group = groups.row(k as u32);
            for &i in group {
                for &j in group.iter().filter(|&&j| j != i) {
                    adjacency[fill[i as usize] as usize] = j;
                    fill[i as usize] += 1;
                }
            }
        }
        // Each list sorted, and moved up to where the last one ended without its repetitions.
        let mut end = 0;
        for i in 0..n {
            if i % ROWS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            let (from, to) = (start[i] as usize, fill[i] as usize);
            adjacency[from..to].sort_unstable();
            start[i] = end as u32;
            let mut last = NONE;
            for k in from..to {
                let j = adjacency[k];
                if j != last {
                    adjacency[end] = j;
                    end += 1;
                    last = j;
                }
            }
        }
        start[n] = end as u32;
        adjacency.truncate(end);
        Ok(Graph { start, adjacency })
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.start.len() - 1
    }

    /// How many pairs are next to each other.
    pub fn edges(&self) -> usize {
        self.adjacency.len() / 2
    }

    /// The neighbours of a node, ascending.
    pub fn neighbors(&self, node: u32) -> &[u32] {
        &self.adjacency[self.start[node as usize] as usize..self.start[node as usize + 1] as usize]
    }
}
