//! Sparse `L D L^T` of a symmetric positive definite matrix, with everything
//! that depends on the pattern alone computed once.
//!
//! Ordering: approximate minimum degree on a quotient graph (Amestoy, Davis and
//! Duff 1996, without supervariables). Factorisation: up-looking, along the
//! elimination tree (Davis, *Direct Methods for Sparse Linear Systems*, 2006, ch. 4).

use crate::budget::{Budget, Stop};

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

/// An elimination order of small fill for the graph `adjacency[start[i]..start[i + 1]]`
/// (symmetric, no loops): the nodes in order of elimination.
pub(super) fn minimum_degree(
    start: &[u32],
    adjacency: &[u32],
    budget: &Budget,
) -> Result<Vec<u32>, Stop> {
    let n = start.len() - 1;
    let mut variables: Vec<Vec<u32>> =
        (0..n).map(|i| adjacency[start[i] as usize..start[i + 1] as usize].to_vec()).collect();
    let mut touching: Vec<Vec<u32>> = vec![Vec::new(); n];
    let mut elements: Vec<Vec<u32>> = vec![Vec::new(); n];
    let mut alive = vec![true; n];
    let mut degree: Vec<u32> = variables.iter().map(|v| v.len() as u32).collect();
    let mut buckets = Buckets::new(n);
    for i in (0..n).rev() {
        buckets.insert(i as u32, degree[i]);
    }
    let mut mark = vec![NONE; n];
    let mut outside = vec![0u32; n];
    let mut stamp = vec![NONE; n];
    let mut order = Vec::with_capacity(n);
    let mut work = 0usize;
    for step in 0..n as u32 {
        let Some(p) = buckets.pop(&mut degree) else { break };
        let p_ = p as usize;
        order.push(p);
        alive[p_] = false;
        mark[p_] = step;
        let mut front = Vec::with_capacity(degree[p_] as usize);
        for &v in &variables[p_] {
            if alive[v as usize] && mark[v as usize] != step {
                mark[v as usize] = step;
                front.push(v);
            }
        }
        for e in std::mem::take(&mut touching[p_]) {
            for v in std::mem::take(&mut elements[e as usize]) {
                if alive[v as usize] && mark[v as usize] != step {
                    mark[v as usize] = step;
                    front.push(v);
                }
            }
        }
        variables[p_] = Vec::new();
        // |Le \ Lp| for every element next to the front.
        for &i in &front {
            touching[i as usize].retain(|&e| !elements[e as usize].is_empty());
            for &e in &touching[i as usize] {
                let e_ = e as usize;
                if stamp[e_] != step {
                    stamp[e_] = step;
                    outside[e_] = elements[e_].len() as u32;
                }
                outside[e_] = outside[e_].saturating_sub(1);
            }
        }
        for &i in &front {
            let i_ = i as usize;
            buckets.remove(i, degree[i_]);
            touching[i_].retain(|&e| outside[e as usize] > 0);
            variables[i_].retain(|&v| alive[v as usize] && mark[v as usize] != step);
            let apart: u32 = touching[i_].iter().map(|&e| outside[e as usize]).sum();
            let bound = variables[i_].len() as u32 + front.len() as u32 - 1 + apart;
            degree[i_] = bound.min(n as u32 - step - 1);
            touching[i_].push(p);
            work += variables[i_].len() + touching[i_].len();
            buckets.insert(i, degree[i_]);
        }
        elements[p_] = front;
        work += elements[p_].len() + 1;
        if work > 4096 {
            work = 0;
            budget.checkpoint()?;
        }
    }
    Ok(order)
}

/// Nodes by degree: doubly linked lists.
struct Buckets {
    head: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
    least: usize,
}

impl Buckets {
    fn new(n: usize) -> Buckets {
        Buckets { head: vec![NONE; n + 1], next: vec![NONE; n], previous: vec![NONE; n], least: 0 }
    }

    fn insert(&mut self, i: u32, degree: u32) {
        let d = degree as usize;
        let head = self.head[d];
        self.next[i as usize] = head;
        self.previous[i as usize] = NONE;
        if head != NONE {
            self.previous[head as usize] = i;
        }
        self.head[d] = i;
        self.least = self.least.min(d);
    }

    fn remove(&mut self, i: u32, degree: u32) {
        let (next, previous) = (self.next[i as usize], self.previous[i as usize]);
        if previous == NONE {
            self.head[degree as usize] = next;
        } else {
            self.next[previous as usize] = next;
        }
        if next != NONE {
            self.previous[next as usize] = previous;
        }
    }

    fn pop(&mut self, degree: &mut [u32]) -> Option<u32> {
        while self.least < self.head.len() {
            let i = self.head[self.least];
            if i != NONE {
                self.remove(i, degree[i as usize]);
                return Some(i);
            }
            self.least += 1;
        }
        None
    }
}

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
    /// Analyses the graph `adjacency[start[i]..start[i + 1]]`.
    pub(super) fn new(start: &[u32], adjacency: &[u32], budget: &Budget) -> Result<Ldl, Refusal> {
        let n = start.len() - 1;
        let order = minimum_degree(start, adjacency, budget)?;
        let mut place = vec![0u32; n];
        for (k, &i) in order.iter().enumerate() {
            place[i as usize] = k as u32;
        }
        let mut column = Vec::with_capacity(n + 1);
        let mut row = Vec::with_capacity(adjacency.len() / 2);
        column.push(0);
        for (k, &i) in order.iter().enumerate() {
            let from = row.len();
            let around = &adjacency[start[i as usize] as usize..start[i as usize + 1] as usize];
            row.extend(around.iter().map(|&j| place[j as usize]).filter(|&j| (j as usize) < k));
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
    use super::*;
    use crate::budget::{Class, Tier};

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
            let mut lists = vec![Vec::new(); n];
            for &(a, b) in &edges {
                lists[a as usize].push(b);
                lists[b as usize].push(a);
            }
            let mut start = vec![0u32];
            let mut adjacency = Vec::new();
            for list in &lists {
                adjacency.extend(list);
                start.push(adjacency.len() as u32);
            }
            let mut ldl = Ldl::new(&start, &adjacency, &budget).unwrap();
            let weight = |a: u32, b: u32| 1.0 + f64::from((a * 7 + b * 7) % 5) / 10.0;
            let mut full = nalgebra::DMatrix::<f64>::zeros(n, n);
            for i in 0..n as u32 {
                let d = 8.0 * lists[i as usize].len() as f64 + 1.0;
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
