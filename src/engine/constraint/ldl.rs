//! Sparse `L D L^T` of a symmetric positive definite matrix, with everything
//! that depends on the pattern alone computed once.
//!
//! Factorisation: up-looking, along the elimination tree (Davis, *Direct Methods for
//! Sparse Linear Systems*, 2006, ch. 4). For the order of elimination see [`super::order`].

use super::order::Graph;
use svgx_base::budget::{Budget, Stop};

const NONE: u32 = u32::MAX;

/// Why there is no factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The budget ended.
    Stopped(Stop),
    /// The factor would have more entries than allowed.
    TooLarge(usize),
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Refusal {
        Refusal::Stopped(stop)
    }
}

/// Entries a factor may have: 64 MB of values and indices.
pub(super) const MAX_ENTRIES: usize = 4_000_000;

/// The factorisation of one pattern.
#[derive(Clone, Debug)]
pub(super) struct Ldl {
    n: usize,
    /// Node to place in the order.
    place: Vec<u32>,
    /// Upper triangle by columns, in the order: `row[column[k]..column[k + 1]]`, without the diagonal.
    column: Vec<u32>,
    row: Vec<u32>,
    /// Rows of L: which columns, in an order fit for elimination.
    pattern_start: Vec<u32>,
    pattern: Vec<u32>,
    /// Columns of L.
    l_start: Vec<u32>,
    l_row: Vec<u32>,
    l_value: Vec<f64>,
    fill: Vec<u32>,
    d: Vec<f64>,
    work: Vec<f64>,
    /// Values of the upper triangle, to be written by the caller.
    pub(super) values: Vec<f64>,
    /// Values of the diagonal, in the order.
    pub(super) diagonal: Vec<f64>,
}

impl Ldl {
    /// Analyses the pattern of a matrix.
    pub(super) fn new(graph: &Graph, budget: &Budget) -> Result<Ldl, Refusal> {
        let n = graph.nodes();
        let order = graph.minimum_degree(budget)?;
        let mut place = vec![0u32; n];
        for (k, &i) in order.iter().enumerate() {
            place[i as usize] = k as u32;
        }
        let mut column = Vec::with_capacity(n + 1);
        let mut row = Vec::with_capacity(graph.edges());
        column.push(0);
        for (k, &i) in order.iter().enumerate() {
            let from = row.len();
            if k % 4096 == 4095 {
                budget.checkpoint()?;
            }
            row.extend(
                graph.around(i).iter().map(|&j| place[j as usize]).filter(|&j| (j as usize) < k),
            );
            row[from..].sort_unstable();
            column.push(row.len() as u32);
        }
        // Elimination tree and column counts.
        let mut parent = vec![NONE; n];
        let mut flag = vec![NONE; n];
        let mut count = vec![0usize; n];
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
                return Err(Refusal::TooLarge(entries));
            }
            if k % 256 == 0 {
                budget.checkpoint()?;
            }
        }
        let mut l_start = Vec::with_capacity(n + 1);
        l_start.push(0u32);
        for k in 0..n {
            l_start.push(l_start[k] + count[k] as u32);
        }
        let mut pattern_start = Vec::with_capacity(n + 1);
        let mut pattern = Vec::with_capacity(entries);
        let mut path = Vec::new();
        let mut groups: Vec<u32> = Vec::new();
        flag.fill(NONE);
        pattern_start.push(0u32);
        for k in 0..n {
            if k % 1024 == 0 {
                budget.checkpoint()?;
            }
            flag[k] = k as u32;
            groups.clear();
            for &i in &row[column[k] as usize..column[k + 1] as usize] {
                path.clear();
                let mut i = i as usize;
                while flag[i] != k as u32 {
                    path.push(i as u32);
                    flag[i] = k as u32;
                    i = parent[i] as usize;
                }
                // Later paths come first; each runs from its leaf upward.
                groups.extend(path.iter().rev());
            }
            pattern.extend(groups.iter().rev());
            pattern_start.push(pattern.len() as u32);
        }
        Ok(Ldl {
            n,
            place,
            values: vec![0.0; row.len()],
            diagonal: vec![0.0; n],
            column,
            row,
            pattern_start,
            pattern,
            l_start,
            l_row: vec![0; entries],
            l_value: vec![0.0; entries],
            fill: vec![0; n],
            d: vec![0.0; n],
            work: vec![0.0; n],
        })
    }

    /// Where entry `(i, j)` of the matrix is kept: `Ok` in the diagonal, `Err` in the values.
    pub(super) fn slot(&self, i: u32, j: u32) -> Result<u32, u32> {
        let (p, q) = (self.place[i as usize], self.place[j as usize]);
        if p == q {
            return Ok(p);
        }
        let (low, high) = (p.min(q), p.max(q) as usize);
        let column = &self.row[self.column[high] as usize..self.column[high + 1] as usize];
        let at = column.partition_point(|&r| r < low);
        Err(self.column[high] + at as u32)
    }

    /// Factors the matrix plus `shift` times the identity; false if it is not
    /// positive definite enough to divide by.
    pub(super) fn factor(&mut self, shift: f64, budget: &Budget) -> Result<bool, Stop> {
        let mut work = 0usize;
        self.fill.fill(0);
        for k in 0..self.n {
            let mut d = self.diagonal[k] + shift;
            let least = 1e-16 * d.abs();
            for p in self.column[k]..self.column[k + 1] {
                self.work[self.row[p as usize] as usize] = self.values[p as usize];
            }
            let from = self.pattern_start[k] as usize;
            let to = self.pattern_start[k + 1] as usize;
            for t in from..to {
                let i = self.pattern[t] as usize;
                let y = std::mem::take(&mut self.work[i]);
                let first = self.l_start[i] as usize;
                let last = first + self.fill[i] as usize;
                for p in first..last {
                    self.work[self.l_row[p] as usize] -= self.l_value[p] * y;
                }
                let l = y / self.d[i];
                d -= l * y;
                self.l_row[last] = k as u32;
                self.l_value[last] = l;
                self.fill[i] += 1;
                work += last - first + 1;
            }
            if !(d > least && d.is_finite()) {
                self.work.fill(0.0);
                return Ok(false);
            }
            self.d[k] = d;
            if work > 100_000 {
                work = 0;
                if let Err(stop) = budget.checkpoint() {
                    self.work.fill(0.0);
                    return Err(stop);
                }
            }
        }
        Ok(true)
    }

    /// Solves for the right-hand side `b`, in place.
    pub(super) fn solve(&mut self, b: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            self.work[self.place[i] as usize] = b[i];
        }
        for k in 0..n {
            let y = self.work[k];
            for p in self.l_start[k] as usize..self.l_start[k + 1] as usize {
                self.work[self.l_row[p] as usize] -= self.l_value[p] * y;
            }
        }
        for k in (0..n).rev() {
            let mut y = self.work[k] / self.d[k];
            for p in self.l_start[k] as usize..self.l_start[k + 1] as usize {
                y -= self.l_value[p] * self.work[self.l_row[p] as usize];
            }
            self.work[k] = y;
        }
        for i in 0..n {
            b[i] = self.work[self.place[i] as usize];
        }
        self.work.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::decompose::Sparse;
    use super::*;
    use svgx_base::budget::{Class, Tier};

    #[test]
    fn solves_what_it_factored_on_paths_stars_and_grids() {
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let mut graphs: Vec<(usize, Vec<(u32, u32)>)> = vec![
            (1, vec![]),
            (40, (1..40).map(|i| (i - 1, i)).collect()),
            (40, (1..40).map(|i| (0, i)).collect()),
        ];
        let side = 9u32;
        let mut grid = Vec::new();
        for r in 0..side {
            for c in 0..side {
                if c + 1 < side {
                    grid.push((r * side + c, r * side + c + 1));
                }
                if r + 1 < side {
                    grid.push((r * side + c, r * side + c + side));
                }
            }
        }
        graphs.push(((side * side) as usize, grid));
        for (n, edges) in graphs {
            let mut pairs = Sparse::new();
            edges.iter().for_each(|&(a, b)| pairs.push(&[a, b]));
            let graph = Graph::of(&pairs, n, MAX_ENTRIES, &budget).unwrap();
            let mut ldl = Ldl::new(&graph, &budget).unwrap();
            let weight = |a: u32, b: u32| 1.0 + f64::from((a * 7 + b * 7) % 5) / 10.0;
            let mut full = nalgebra::DMatrix::<f64>::zeros(n, n);
            for i in 0..n as u32 {
                let d = 8.0 * graph.around(i).len() as f64 + 1.0;
                full[(i as usize, i as usize)] = d;
                let slot = ldl.slot(i, i).unwrap() as usize;
                ldl.diagonal[slot] = d;
            }
            for &(a, b) in &edges {
                full[(a as usize, b as usize)] = weight(a, b);
                full[(b as usize, a as usize)] = weight(a, b);
                let slot = ldl.slot(a, b).unwrap_err() as usize;
                ldl.values[slot] = weight(a, b);
            }
            let x = nalgebra::DVector::from_fn(n, |i, _| (i as f64 * 0.37).sin());
            let mut b: Vec<f64> = (&full * &x).iter().copied().collect();
            assert!(ldl.factor(0.0, &budget).unwrap());
            ldl.solve(&mut b);
            for i in 0..n {
                assert!((b[i] - x[i]).abs() < 1e-12);
            }
        }
    }
}
