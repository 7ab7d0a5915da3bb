//! A factorisation by fronts (Duff and Reid, *The multifrontal solution of indefinite sparse
//! symmetric linear equations*, ACM Trans. Math. Softw. 9, 1983): columns with the same rows
//! are eliminated together in a small dense matrix, which is faster than row by row where
//! much fills in.

use super::{FactorError, NONE, OPERATIONS_PER_CHECKPOINT, Pivot, ROWS_PER_CHECKPOINT, Scalar};
use svgx_base::budget::{Budget, Stop};

/// Part of the entries of joined columns that may be zeros, and how many may be in any case.
const ZEROS: f64 = 0.2;
const FEW_ZEROS: usize = 12;

/// Columns that are eliminated together.
#[derive(Clone, Copy, Debug)]
struct Front {
    first: u32,
    width: u32,
    /// Rows below, of `rows` and `parents`.
    rows: u32,
    count: u32,
    /// Where its columns are in `values`, each of `width + count` entries.
    values: u32,
    /// Where its entries of the matrix begin in `given`.
    given: u32,
    children: u32,
}

impl Front {
    fn size(&self) -> usize {
        (self.width + self.count) as usize
    }
}

/// Columns in an order in which children come right before their parent.
pub(super) struct Tree<'a> {
    pub(super) parent: &'a [u32],
    /// Entries below the diagonal of each column of the factor.
    pub(super) count: &'a [u32],
    /// The upper triangle by columns.
    pub(super) column: &'a [u32],
    pub(super) row: &'a [u32],
}

#[derive(Clone, Debug)]
pub(super) struct Fronts<T> {
    fronts: Vec<Front>,
    rows: Vec<u32>,
    /// For each of `rows` its place in the front of the parent.
    parents: Vec<u32>,
    /// Entries of the upper triangle, and their places in the front.
    given: Vec<(u32, u32)>,
    values: Vec<T>,
    front: Vec<T>,
    /// What children leave to their parents, lower triangles by columns; and whose it is.
    left: Vec<T>,
    stack: Vec<u32>,
    few: Vec<T>,
}

/// An order in which children come right before their parent.
pub(super) fn postorder(parent: &[u32]) -> Vec<u32> {
    let n = parent.len();
    let mut first = vec![NONE; n + 1];
    let mut next = vec![NONE; n];
    for k in (0..n).rev() {
        let above = parent[k].min(n as u32) as usize;
        next[k] = first[above];
        first[above] = k as u32;
    }
    let mut order = Vec::with_capacity(n);
    let mut open = Vec::new();
    let mut root = first[n];
    while root != NONE {
        open.push(root);
        while let Some(&k) = open.last() {
            let child = std::mem::replace(&mut first[k as usize], NONE);
            if child == NONE {
                order.push(k);
                open.pop();
                // The next one of its brothers.
                let brother = next[k as usize];
                if !open.is_empty() && brother != NONE {
                    open.push(brother);
                }
            } else {
                open.push(child);
            }
        }
        root = next[root as usize];
    }
    order
}

impl<T: Scalar> Fronts<T> {
    pub(super) fn of(tree: &Tree<'_>, budget: &Budget) -> Result<Fronts<T>, Stop> {
        let n = tree.parent.len();
        let mut fronts = joined(tree);
        let mut home = vec![0u32; n];
        for (s, front) in fronts.iter().enumerate() {
            home[front.first as usize..][..front.width as usize].fill(s as u32);
        }
        // Entries of the matrix by fronts: an entry belongs to the column that goes first.
        let mut start = vec![0u32; fronts.len() + 1];
        tree.row.iter().for_each(|&i| start[home[i as usize] as usize + 1] += 1);
        for s in 0..fronts.len() {
            start[s + 1] += start[s];
            fronts[s].given = start[s];
        }
        let mut given = vec![(0u32, 0u32); tree.row.len()];
        for k in 0..n {
            for p in tree.column[k]..tree.column[k + 1] {
                let to = &mut start[home[tree.row[p as usize] as usize] as usize];
                // The other row, for now.
                given[*to as usize] = (p, k as u32);
                *to += 1;
            }
        }
        let mut fits = Fronts {
            rows: Vec::new(),
            parents: Vec::new(),
            values: Vec::new(),
            front: Vec::new(),
            left: Vec::new(),
            stack: Vec::new(),
            few: Vec::new(),
            given,
            fronts,
        };
        fits.place(tree, &home, budget)?;
        Ok(fits)
    }

    /// The rows of every front, and where entries and children's rows are in it.
    fn place(&mut self, tree: &Tree<'_>, home: &[u32], budget: &Budget) -> Result<(), Stop> {
        let n = home.len();
        let mut mark = vec![NONE; n];
        let mut local = vec![0u32; n];
        let mut children = vec![NONE; self.fronts.len()];
        let mut brothers = vec![NONE; self.fronts.len()];
        let (mut values, mut most, mut work) = (0usize, 0usize, 0usize);
        for s in 0..self.fronts.len() {
            let front = self.fronts[s];
            let last = front.first + front.width;
            let end = self.fronts.get(s + 1).map_or(self.given.len(), |f| f.given as usize);
            let at = self.rows.len();
            let mut put = |rows: &mut Vec<u32>, row: u32| {
                if row >= last && mark[row as usize] != s as u32 {
                    mark[row as usize] = s as u32;
                    rows.push(row);
                }
            };
            for &(_, row) in &self.given[front.given as usize..end] {
                put(&mut self.rows, row);
            }
            let mut child = children[s];
            let mut count = 0;
            while child != NONE {
                let of = self.fronts[child as usize];
                for k in of.rows..of.rows + of.count {
                    let row = self.rows[k as usize];
                    put(&mut self.rows, row);
                }
                count += 1;
                child = brothers[child as usize];
            }
            self.rows[at..].sort_unstable();
            let own = front.first..last;
            let all = own.chain(self.rows[at..].iter().copied());
            all.zip(0..).for_each(|(row, k)| local[row as usize] = k);
            let below = (self.rows.len() - at) as u32;
            let size = front.width + below;
            for (p, row) in &mut self.given[front.given as usize..end] {
                let column = tree.row[*p as usize] - front.first;
                *row = column * size + local[*row as usize];
            }
            let mut child = children[s];
            while child != NONE {
                let of = self.fronts[child as usize];
                for k in of.rows..of.rows + of.count {
                    self.parents[k as usize] = local[self.rows[k as usize] as usize];
                }
                child = brothers[child as usize];
            }
            self.parents.resize(self.rows.len(), 0);
            self.fronts[s] = Front {
                rows: at as u32,
                count: below,
                values: values as u32,
                children: count,
                ..front
            };
            values += (size * front.width) as usize;
            most = most.max(size as usize);
            if let Some(&row) = self.rows.get(at) {
                let parent = home[row as usize] as usize;
                brothers[s] = std::mem::replace(&mut children[parent], s as u32);
            }
            work += size as usize;
            if work > ROWS_PER_CHECKPOINT {
                work = 0;
                budget.checkpoint()?;
            }
        }
        self.values = vec![T::default(); values];
        self.front = vec![T::default(); most * most];
        self.few = vec![T::default(); most];
        Ok(())
    }

    /// Factors; `d` and `inverse` are written. Pivots that are not larger than `least` times
    /// their diagonal are held, or else end it.
    pub(super) fn factor(
        &mut self,
        (diagonal, off_diagonal): (&[T], &[T]),
        (shift, least): (f64, f64),
        (d, inverse): (&mut [T], &mut [T]),
        mut held: Option<&mut Vec<Pivot>>,
        budget: &Budget,
    ) -> Result<(), FactorError> {
        self.left.clear();
        self.stack.clear();
        let mut work = 0;
        let mut spend = |operations: usize| {
            work += operations;
            if work <= OPERATIONS_PER_CHECKPOINT {
                return Ok(());
            }
            work = 0;
            budget.checkpoint().map_err(FactorError::from)
        };
        for s in 0..self.fronts.len() {
            let node = self.fronts[s];
            let (size, width) = (node.size(), node.width as usize);
            spend(size * size / 4 + 1)?;
            let front = &mut self.front[..size * size];
            front.fill(T::default());
            let first = node.first as usize;
            for k in 0..width {
                front[k * size + k] = diagonal[first + k] + T::real(shift);
            }
            let end = self.fronts.get(s + 1).map_or(self.given.len(), |f| f.given as usize);
            for &(entry, place) in &self.given[node.given as usize..end] {
                front[place as usize] += off_diagonal[entry as usize];
            }
            for _ in 0..node.children {
                let Some(child) = self.stack.pop() else { break };
                let child = self.fronts[child as usize];
                let to = &self.parents[child.rows as usize..][..child.count as usize];
                let from = self.left.len() - to.len() * (to.len() + 1) / 2;
                let mut left = &self.left[from..];
                for (k, &column) in to.iter().enumerate() {
                    let target = &mut front[column as usize * size..][..size];
                    let (values, rest) = left.split_at(to.len() - k);
                    for (&row, &v) in to[k..].iter().zip(values) {
                        target[row as usize] += v;
                    }
                    left = rest;
                }
                self.left.truncate(from);
            }
            for j in 0..width {
                spend((width - j) * (size - j))?;
                let (done, rest) = front.split_at_mut((j + 1) * size);
                let column = &mut done[j * size..];
                let mut pivot = column[j];
                let whole = diagonal[first + j] + T::real(shift);
                if !pivot.is_pivot(least * whole.magnitude()) {
                    let row = (first + j) as u32;
                    match &mut held {
                        Some(held) if pivot.magnitude().is_finite() => {
                            held.push(Pivot { row, value: pivot.part() });
                            pivot = T::real(f64::INFINITY);
                            column[j + 1..].fill(T::default());
                        }
                        _ => {
                            let value = pivot.part();
                            return Err(FactorError::NotPositive(Pivot { row, value }));
                        }
                    }
                }
                d[first + j] = pivot;
                inverse[first + j] = T::real(1.0).over(pivot);
                for t in j + 1..width {
                    let by = column[t].over(pivot);
                    let target = &mut rest[(t - j - 1) * size..][t..size];
                    for (v, &y) in target.iter_mut().zip(&column[t..]) {
                        *v -= y * by;
                    }
                }
                column[j + 1..].iter_mut().for_each(|y| *y = y.over(pivot));
            }
            self.values[node.values as usize..][..width * size]
                .copy_from_slice(&front[..width * size]);
            let (panel, rest) = front.split_at_mut(width * size);
            for t in width..size {
                spend((size - t) * width)?;
                let target = &mut rest[(t - width) * size..][t..size];
                let mut j = 0;
                let by = |j: usize| {
                    let l = panel[j * size + t];
                    if l == T::default() { l } else { l * d[first + j] }
                };
                while j + 4 <= width {
                    let [a, b, c, e] = [by(j), by(j + 1), by(j + 2), by(j + 3)];
                    let of = |j: usize| &panel[j * size..][t..size];
                    let four = of(j).iter().zip(of(j + 1)).zip(of(j + 2)).zip(of(j + 3));
                    for (v, (((&p, &q), &r), &s)) in target.iter_mut().zip(four) {
                        *v -= (p * a + q * b) + (r * c + s * e);
                    }
                    j += 4;
                }
                while j < width {
                    let a = by(j);
                    for (v, &p) in target.iter_mut().zip(&panel[j * size..][t..size]) {
                        *v -= p * a;
                    }
                    j += 1;
                }
                self.left.extend_from_slice(target);
            }
            if node.count > 0 {
                self.stack.push(s as u32);
            }
        }
        Ok(())
    }

    /// Solves in place, in the order of elimination.
    pub(super) fn solve(&mut self, x: &mut [T], d: &[T], inverse: &[T]) {
        let Fronts { fronts, rows, values, few, .. } = self;
        for node in &*fronts {
            let (size, width, first) = (node.size(), node.width as usize, node.first as usize);
            let rows = &rows[node.rows as usize..][..node.count as usize];
            let below = &mut few[..rows.len()];
            let mut any = false;
            for j in 0..width {
                let y = x[first + j];
                // Right-hand sides of few entries reach few rows.
                if y == T::default() {
                    continue;
                }
                let column = &values[node.values as usize + j * size..][..size];
                for (x, &l) in x[first + j + 1..first + width].iter_mut().zip(&column[j + 1..]) {
                    *x -= l * y;
                }
                if !std::mem::replace(&mut any, true) {
                    below.fill(T::default());
                }
                below.iter_mut().zip(&column[width..]).for_each(|(b, &l)| *b += l * y);
            }
            if any {
                rows.iter().zip(below).for_each(|(&row, b)| x[row as usize] -= *b);
            }
        }
        for node in fronts.iter().rev() {
            let (size, width, first) = (node.size(), node.width as usize, node.first as usize);
            let rows = &rows[node.rows as usize..][..node.count as usize];
            let below = &mut few[..rows.len()];
            below.iter_mut().zip(rows).for_each(|(b, &row)| *b = x[row as usize]);
            for j in (0..width).rev() {
                let column = &values[node.values as usize + j * size..][..size];
                let mut y = x[first + j].over_known(d[first + j], inverse[first + j]);
                y -= product(&column[j + 1..width], &x[first + j + 1..first + width]);
                y -= product(&column[width..], below);
                x[first + j] = y;
            }
        }
    }

    /// For every column the sum of its entries times those of `z`, from the last one on.
    pub(super) fn null_vector(&self, z: &mut [T], last: usize, d: &[T]) {
        for node in self.fronts.iter().rev() {
            let (size, width, first) = (node.size(), node.width as usize, node.first as usize);
            let rows = &self.rows[node.rows as usize..][..node.count as usize];
            for j in (0..width).rev() {
                if first + j >= last || d[first + j].magnitude().is_infinite() {
                    continue;
                }
                let column = &self.values[node.values as usize + j * size..][..size];
                let mut y = -product(&column[j + 1..width], &z[first + j + 1..first + width]);
                for (&row, &l) in rows.iter().zip(&column[width..]) {
                    y -= l * z[row as usize];
                }
                z[first + j] = y;
            }
        }
    }
}

/// The sum of products, in four parts.
fn product<T: Scalar>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::default(); 4];
    let (fours, rest) = (a.chunks_exact(4), a.len() / 4 * 4);
    for (a, b) in fours.zip(b.chunks_exact(4)) {
        for k in 0..4 {
            sums[k] += a[k] * b[k];
        }
    }
    let mut sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    a[rest..].iter().zip(&b[rest..]).for_each(|(&a, &b)| sum += a * b);
    sum
}

/// Columns that have the same rows below them, or nearly.
fn joined(tree: &Tree<'_>) -> Vec<Front> {
    let n = tree.parent.len();
    // Fronts with how many of their entries are zeros.
    let mut fronts: Vec<(Front, usize)> = Vec::new();
    let mut k = 0;
    while k < n {
        let first = k;
        while k + 1 < n && tree.parent[k] == k as u32 + 1 && tree.count[k] == tree.count[k + 1] + 1
        {
            k += 1;
        }
        let mut front = Front {
            first: first as u32,
            width: (k + 1 - first) as u32,
            count: tree.count[k],
            rows: 0,
            values: 0,
            given: 0,
            children: 0,
        };
        let mut zeros = 0;
        while let Some(&(child, missing)) = fronts.last() {
            if tree.parent[front.first as usize - 1] != front.first {
                break;
            }
            let more =
                zeros + missing + child.width as usize * (front.size() - child.count as usize);
            let width = (child.width + front.width) as usize;
            let entries = width * (width + front.count as usize);
            if more > FEW_ZEROS && more as f64 > ZEROS * entries as f64 {
                break;
            }
            zeros = more;
            front = Front { first: child.first, width: width as u32, ..front };
            fronts.pop();
        }
        fronts.push((front, zeros));
        k += 1;
    }
    fronts.into_iter().map(|(front, _)| front).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Graph, Ldl, MAX_ENTRIES, Sparse};
    use super::*;
    use svgx_base::budget::{Class, Tier};

    #[test]
    fn where_much_fills_in_loose_unknowns_are_held_and_move_all_the_same() {
        // Two parts of thirty nodes, all next to each other; one of them is grounded.
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let mut pairs = Sparse::new();
        for part in [0, 30] {
            for i in 1..30u32 {
                (0..i).for_each(|j| pairs.push(&[part + j, part + i]));
            }
        }
        let graph = Graph::of(&pairs, 60, MAX_ENTRIES, &budget).unwrap();
        let mut ldl = Ldl::new(&graph, &budget).unwrap();
        assert!(ldl.fronts.is_some());
        for k in 0..pairs.len() {
            let [a, b] = [pairs.row(k as u32)[0], pairs.row(k as u32)[1]];
            ldl.add(a, a, 2.0);
            ldl.add(b, b, 2.0);
            ldl.add(a, b, -2.0);
        }
        ldl.add(33, 33, 4.0);
        // Without holding, the row is told as the caller numbers it.
        let mut strict = ldl.clone();
        match strict.factor(1e-9, &budget) {
            Ok(()) => {}
            other => panic!("{other:?}"),
        }
        ldl.add(5, 5, -1.0);
        match ldl.clone().factor(0.0, &budget) {
            Err(FactorError::NotPositive(pivot)) => assert!(pivot.row < 30, "{pivot:?}"),
            other => panic!("{other:?}"),
        }
        ldl.add(5, 5, 1.0);
        let held = ldl.factor_holding(1e-12, &budget).unwrap();
        assert_eq!(held.len(), 1);
        let z = ldl.null_vector(&[(held[0].row, 1.0)]);
        for (k, z) in z.into_iter().enumerate() {
            assert!((z - f64::from(u8::from(k < 30))).abs() < 1e-12, "{k}: {z}");
        }
        // Currents that sum to zero where nothing is grounded, and any elsewhere.
        let mut b = vec![0.0; 60];
        (b[2], b[17], b[45]) = (1.0, -1.0, 8.0);
        let wanted = b.clone();
        ldl.solve(&mut b);
        let mut product = vec![0.0; 60];
        ldl.multiply(&b, &mut product);
        product.iter().zip(&wanted).for_each(|(p, w)| assert!((p - w).abs() < 1e-12, "{p} {w}"));
        assert!((b[33] - 2.0).abs() < 1e-12);
    }
}
