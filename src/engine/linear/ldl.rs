//! Sparse `L D L^T` of a symmetric matrix, real and positive definite or complex and
//! symmetric, with everything that depends on the pattern alone computed once.
//!
//! Factorisation: up-looking, along the elimination tree (Davis, *Direct Methods for
//! Sparse Linear Systems*, 2006, ch. 4), or where much fills in by fronts ([`super::fronts`]).
//! For the order of elimination see [`super::ordering`].

use super::elimination::Shape;
use super::fronts::{Fronts, Tree, postorder};
use super::{
    Error, FactorError, Graph, NONE, OPERATIONS_PER_CHECKPOINT, Pivot, ROWS_PER_CHECKPOINT, Scalar,
};
use svgx_base::budget::{Budget, Stop};

/// Entries a factor may have: 64 MB of values and indices.
pub const MAX_ENTRIES: usize = 4_000_000;

/// Where an entry of the matrix is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// In [`Factor::diagonal`].
    Diagonal(u32),
    /// In [`Factor::off_diagonal`].
    OffDiagonal(u32),
}

/// The factorisation of a real matrix.
pub type Ldl = Factor<f64>;

/// From how many entries a column on, on the average, columns are eliminated by fronts.
const FRONTS: usize = 12;

/// What of a diagonal entry is taken for rounding by [`Factor::factor`].
const ROUNDING: f64 = 1e-16;

/// The factorisation of one pattern.
#[derive(Clone, Debug)]
pub struct Factor<T> {
    n: usize,
    /// Position of every node in the order of elimination.
    position: Vec<u32>,
    /// Upper triangle by columns, in the order: `row[column[k]..column[k + 1]]`, without the diagonal.
    column: Vec<u32>,
    row: Vec<u32>,
    /// Rows of L: which columns, in an order fit for elimination.
    pattern_start: Vec<u32>,
    pattern: Vec<u32>,
    /// Columns of L.
    l_start: Vec<u32>,
    l_row: Vec<u32>,
    l_value: Vec<T>,
    fill: Vec<u32>,
    d: Vec<T>,
    /// One by each of them.
    inverse: Vec<T>,
    work: Vec<T>,
    /// Instead of rows and columns of L.
    pub(super) fronts: Option<Fronts<T>>,
    /// Values of the upper triangle, to be written by the caller (see [`Factor::entry`]).
    pub off_diagonal: Vec<T>,
    /// Values of the diagonal, in the order of elimination; written by the caller too.
    pub diagonal: Vec<T>,
}

impl<T: Scalar> Factor<T> {
    /// Analyses the pattern of a matrix.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a factor of more than [`MAX_ENTRIES`] entries, and
    /// [`Error::Stopped`].
    pub fn new(graph: &Graph, budget: &Budget) -> Result<Factor<T>, Error> {
        let order = graph.minimum_degree(budget)?;
        Factor::in_order(graph, &order, budget)
    }

    /// Analyses the pattern of a matrix for an order of elimination, which has every node once:
    /// where unknowns come in groups, a graph of groups is ordered sooner.
    ///
    /// # Errors
    /// As [`Factor::new`].
    pub fn in_order(graph: &Graph, order: &[u32], budget: &Budget) -> Result<Factor<T>, Error> {
        let n = graph.nodes();
        let mut shape = Shape::of(graph, order, budget)?;
        let mut fronts = None;
        if shape.entries >= FRONTS * n {
            let after = postorder(&shape.parent);
            let order: Vec<u32> = after.iter().map(|&k| order[k as usize]).collect();
            shape = Shape::of(graph, &order, budget)?;
            let Shape { parent, count, column, row, .. } = &shape;
            fronts = Some(Fronts::of(&Tree { parent, count, column, row }, budget)?);
        }
        let Shape { position, column, row, parent, count, entries } = shape;
        let mut factor = Factor {
            n,
            position,
            off_diagonal: vec![T::default(); row.len()],
            diagonal: vec![T::default(); n],
            column,
            row,
            pattern_start: Vec::new(),
            pattern: Vec::new(),
            l_start: Vec::new(),
            l_row: Vec::new(),
            l_value: Vec::new(),
            fill: Vec::new(),
            d: vec![T::default(); n],
            inverse: vec![T::default(); n],
            work: vec![T::default(); n],
            fronts,
        };
        if factor.fronts.is_none() {
            factor.by_rows(&parent, &count, entries, budget)?;
        }
        Ok(factor)
    }

    /// The pattern of the factor by rows, and room for its columns.
    fn by_rows(
        &mut self,
        parent: &[u32],
        count: &[u32],
        entries: usize,
        budget: &Budget,
    ) -> Result<(), Stop> {
        let (n, column, row) = (self.n, &self.column, &self.row);
        let mut l_start = Vec::with_capacity(n + 1);
        l_start.push(0u32);
        for k in 0..n {
            l_start.push(l_start[k] + count[k]);
        }
        let mut pattern_start = Vec::with_capacity(n + 1);
        let mut pattern = Vec::with_capacity(entries);
        let mut path = Vec::new();
        let mut groups: Vec<u32> = Vec::new();
        let mut flag = vec![NONE; n];
        pattern_start.push(0u32);
        for k in 0..n {
            if k % ROWS_PER_CHECKPOINT == 0 {
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
        self.pattern_start = pattern_start;
        self.pattern = pattern;
        self.l_start = l_start;
        self.l_row = vec![0; entries];
        self.l_value = vec![T::default(); entries];
        self.fill = vec![0; n];
        Ok(())
    }

    /// Where entry `(i, j)` of the matrix is kept.
    pub fn entry(&self, i: u32, j: u32) -> Entry {
        let (p, q) = (self.position[i as usize], self.position[j as usize]);
        if p == q {
            return Entry::Diagonal(p);
        }
        let (low, high) = (p.min(q), p.max(q) as usize);
        let column = &self.row[self.column[high] as usize..self.column[high + 1] as usize];
        let at = column.partition_point(|&r| r < low);
        Entry::OffDiagonal(self.column[high] + at as u32)
    }

    /// Factors the matrix plus `shift` times the identity.
    ///
    /// # Errors
    /// [`FactorError::NotPositive`] with the first pivot that is not positive enough to divide
    /// by, [`FactorError::Stopped`]; there is no factor then.
    pub fn factor(&mut self, shift: f64, budget: &Budget) -> Result<(), FactorError> {
        self.eliminate(shift, ROUNDING, None, budget)
    }

    /// Factors a matrix that may be singular: an unknown whose pivot is not larger than `least`
    /// times its diagonal entry is held at zero. Answers these unknowns in order of
    /// elimination; [`Factor::null_vector`] says how each of them would have moved.
    ///
    /// # Errors
    /// [`FactorError::NotPositive`] with a pivot that is not finite, and
    /// [`FactorError::Stopped`].
    pub fn factor_holding(
        &mut self,
        least: f64,
        budget: &Budget,
    ) -> Result<Vec<Pivot>, FactorError> {
        let mut held = Vec::new();
        self.eliminate(0.0, least, Some(&mut held), budget)?;
        // They were kept by their positions: to look each of them up would take long.
        let mut nodes = vec![0u32; self.n];
        for (node, &p) in self.position.iter().enumerate() {
            nodes[p as usize] = node as u32;
        }
        held.iter_mut().for_each(|pivot| pivot.row = nodes[pivot.row as usize]);
        Ok(held)
    }

    fn eliminate(
        &mut self,
        shift: f64,
        least: f64,
        mut held: Option<&mut Vec<Pivot>>,
        budget: &Budget,
    ) -> Result<(), FactorError> {
        if let Some(fronts) = &mut self.fronts {
            let matrix = (&*self.diagonal, &*self.off_diagonal);
            let pivots = (&mut *self.d, &mut *self.inverse);
            let done = fronts.factor(matrix, (shift, least), pivots, held, budget);
            return done.map_err(|error| match error {
                FactorError::NotPositive(Pivot { row, value }) => {
                    FactorError::NotPositive(Pivot { row: self.node_at(row as usize), value })
                }
                stopped => stopped,
            });
        }
        let mut work = 0usize;
        self.fill.fill(0);
        for k in 0..self.n {
            let mut d = self.diagonal[k] + T::real(shift);
            let least = least * d.magnitude();
            for p in self.column[k]..self.column[k + 1] {
                self.work[self.row[p as usize] as usize] = self.off_diagonal[p as usize];
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
                let l = y.over(self.d[i]);
                d -= l * y;
                self.l_row[last] = k as u32;
                self.l_value[last] = l;
                self.fill[i] += 1;
                work += last - first + 1;
            }
            if !d.is_pivot(least) {
                match &mut held {
                    Some(held) if d.magnitude().is_finite() => {
                        held.push(Pivot { row: k as u32, value: d.part() });
                        d = T::real(f64::INFINITY);
                    }
                    _ => {
                        self.work.fill(T::default());
                        let pivot = Pivot { row: self.node_at(k), value: d.part() };
                        return Err(FactorError::NotPositive(pivot));
                    }
                }
            }
            self.d[k] = d;
            self.inverse[k] = T::real(1.0).over(d);
            if work > OPERATIONS_PER_CHECKPOINT {
                work = 0;
                if let Err(stop) = budget.checkpoint() {
                    self.work.fill(T::default());
                    return Err(stop.into());
                }
            }
        }
        Ok(())
    }

    /// How all unknowns move with those that [`Factor::factor_holding`] held, where these move
    /// by what is given: a vector that the matrix maps to zero, as far as pivots were held for
    /// being zero.
    pub fn null_vector(&mut self, held: &[(u32, T)]) -> Vec<T> {
        let mut z = vec![T::default(); self.n];
        let mut last = 0;
        for &(row, by) in held {
            if let Some(&at) = self.position.get(row as usize) {
                z[at as usize] = by;
                last = last.max(at as usize);
            }
        }
        if let Some(fronts) = &self.fronts {
            fronts.null_vector(&mut z, last, &self.d);
            return self.position.iter().map(|&p| z[p as usize]).collect();
        }
        for k in (0..last).rev() {
            if self.d[k].magnitude().is_infinite() {
                continue;
            }
            let mut y = T::default();
            for p in self.l_start[k] as usize..self.l_start[k + 1] as usize {
                y -= self.l_value[p] * z[self.l_row[p] as usize];
            }
            z[k] = y;
        }
        self.position.iter().map(|&p| z[p as usize]).collect()
    }

    /// Writes zero to every entry of the matrix.
    pub fn clear(&mut self) {
        self.diagonal.fill(T::default());
        self.off_diagonal.fill(T::default());
    }

    /// Adds to entry `(i, j)` of the matrix, which is entry `(j, i)` too.
    pub fn add(&mut self, i: u32, j: u32, value: T) {
        match self.entry(i, j) {
            Entry::Diagonal(at) => self.diagonal[at as usize] += value,
            Entry::OffDiagonal(at) => self.off_diagonal[at as usize] += value,
        }
    }

    /// The node that is eliminated at `position`.
    fn node_at(&self, position: usize) -> u32 {
        let node = self.position.iter().position(|&p| p as usize == position);
        node.unwrap_or_default() as u32
    }

    /// Solves for the right-hand side `b`, in position.
    pub fn solve(&mut self, b: &mut [T]) {
        let Factor { position, l_start, l_row, l_value, d, inverse, work, fronts, .. } = self;
        for (&p, &b) in position.iter().zip(&*b) {
            work[p as usize] = b;
        }
        if let Some(fronts) = fronts {
            fronts.solve(work, d, inverse);
            for (&p, b) in position.iter().zip(b) {
                *b = work[p as usize];
            }
            work.fill(T::default());
            return;
        }
        for k in 0..d.len() {
            let y = work[k];
            // Right-hand sides of few entries reach few rows.
            if y == T::default() {
                continue;
            }
            let column = l_start[k] as usize..l_start[k + 1] as usize;
            for (&row, &l) in l_row[column.clone()].iter().zip(&l_value[column]) {
                work[row as usize] -= l * y;
            }
        }
        for k in (0..d.len()).rev() {
            let mut y = work[k].over_known(d[k], inverse[k]);
            let column = l_start[k] as usize..l_start[k + 1] as usize;
            for (&row, &l) in l_row[column.clone()].iter().zip(&l_value[column]) {
                y -= l * work[row as usize];
            }
            work[k] = y;
        }
        for (&p, b) in position.iter().zip(b) {
            *b = work[p as usize];
        }
        work.fill(T::default());
    }

    /// Multiplies the matrix that was factored with `x`, into `y`.
    pub fn multiply(&mut self, x: &[T], y: &mut [T]) {
        let Factor { position, column, row, work, off_diagonal, diagonal, .. } = self;
        for (&p, &x) in position.iter().zip(x) {
            work[p as usize] = x;
        }
        let mut product = vec![T::default(); diagonal.len()];
        for (k, &d) in diagonal.iter().enumerate() {
            let mut sum = d * work[k];
            let entries = column[k] as usize..column[k + 1] as usize;
            for (&i, &a) in row[entries.clone()].iter().zip(&off_diagonal[entries]) {
                sum += a * work[i as usize];
                product[i as usize] += a * work[k];
            }
            product[k] += sum;
        }
        for (&p, y) in position.iter().zip(y) {
            *y = product[p as usize];
        }
        work.fill(T::default());
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sparse;
    use super::*;
    use svgx_base::budget::{Class, Tier};

    fn set(ldl: &mut Ldl, i: u32, j: u32, value: f64) {
        match ldl.entry(i, j) {
            Entry::Diagonal(at) => ldl.diagonal[at as usize] = value,
            Entry::OffDiagonal(at) => ldl.off_diagonal[at as usize] = value,
        }
    }

    #[test]
    fn a_pivot_that_is_not_positive_is_named_with_its_value() {
        // A path of five nodes, its Laplacian grounded at node 0: positive definite. The last
        // pivot, whichever node it is, loses what `less` takes from the diagonal of node 3.
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let mut pairs = Sparse::new();
        (1..5u32).for_each(|i| pairs.push(&[i - 1, i]));
        let graph = Graph::of(&pairs, 5, MAX_ENTRIES, &budget).unwrap();
        // What is taken from the diagonal of node 3; whether a factor exists.
        for (less, positive) in [(0.0, true), (2.5, false), (f64::NAN, false)] {
            let mut ldl = Ldl::new(&graph, &budget).unwrap();
            for i in 0..5 {
                let ends = if i == 0 || i == 4 { 1.0 } else { 2.0 };
                let ground = if i == 0 { 1.0 } else { 0.0 };
                set(&mut ldl, i, i, ends + ground - if i == 3 { less } else { 0.0 });
            }
            (1..5).for_each(|i| set(&mut ldl, i - 1, i, -1.0));
            match ldl.factor(0.0, &budget) {
                Ok(()) => assert!(positive, "{less}"),
                Err(FactorError::NotPositive(pivot)) => {
                    assert!(!positive && pivot.row < 5, "{pivot:?}");
                    assert!(!(pivot.value > 0.0), "{pivot:?}");
                }
                Err(stopped) => panic!("{stopped:?}"),
            }
        }
        // Without edges every pivot is its diagonal: the row is exactly known.
        let alone = Graph::of(&Sparse::new(), 3, MAX_ENTRIES, &budget).unwrap();
        let mut ldl = Ldl::new(&alone, &budget).unwrap();
        [4.0, -7.0, 2.0].into_iter().zip(0..).for_each(|(d, i)| set(&mut ldl, i, i, d));
        let pivot = Pivot { row: 1, value: -7.0 };
        assert_eq!(ldl.factor(0.0, &budget), Err(FactorError::NotPositive(pivot)));
    }

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
        // Each next to the fourteen before it, and all next to each other: much fills in.
        let near = (1..70u32).flat_map(|i| (i.saturating_sub(14)..i).map(move |j| (j, i)));
        graphs.push((70, near.collect()));
        graphs.push((25, (1..25).flat_map(|i| (0..i).map(move |j| (j, i))).collect()));
        for (n, edges) in graphs {
            let mut pairs = Sparse::new();
            edges.iter().for_each(|&(a, b)| pairs.push(&[a, b]));
            let graph = Graph::of(&pairs, n, MAX_ENTRIES, &budget).unwrap();
            let mut ldl = Ldl::new(&graph, &budget).unwrap();
            let weight = |a: u32, b: u32| 1.0 + f64::from((a * 7 + b * 7) % 5) / 10.0;
            let mut full = nalgebra::DMatrix::<f64>::zeros(n, n);
            for i in 0..n as u32 {
                let d = 8.0 * graph.neighbors(i).len() as f64 + 1.0;
                full[(i as usize, i as usize)] = d;
                set(&mut ldl, i, i, d);
            }
            for &(a, b) in &edges {
                full[(a as usize, b as usize)] = weight(a, b);
                full[(b as usize, a as usize)] = weight(a, b);
                set(&mut ldl, a, b, weight(a, b));
            }
            let x = nalgebra::DVector::from_fn(n, |i, _| (i as f64 * 0.37).sin());
            let mut b: Vec<f64> = (&full * &x).iter().copied().collect();
            let mut product = vec![f64::NAN; n];
            ldl.multiply(x.as_slice(), &mut product);
            product.iter().zip(&b).for_each(|(p, b)| assert!((p - b).abs() < 1e-12 * 40.0));
            assert_eq!(ldl.factor(0.0, &budget), Ok(()));
            ldl.solve(&mut b);
            for i in 0..n {
                assert!((b[i] - x[i]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_singular_matrix_is_solved_with_its_loose_unknowns_held_and_says_how_they_move() {
        // Two paths, of three and of two nodes, that nothing grounds, and one that is.
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let mut pairs = Sparse::new();
        [[0, 1], [1, 2], [3, 4], [5, 6]].iter().for_each(|pair| pairs.push(pair));
        let graph = Graph::of(&pairs, 7, MAX_ENTRIES, &budget).unwrap();
        let mut ldl = Ldl::new(&graph, &budget).unwrap();
        for (a, b, weight) in [(0, 1, 2.0), (1, 2, 3.0), (3, 4, 5.0), (5, 6, 7.0)] {
            ldl.add(a, a, weight);
            ldl.add(b, b, weight);
            ldl.add(a, b, -weight);
        }
        ldl.add(6, 6, 1.0);
        let held = ldl.factor_holding(1e-12, &budget).unwrap();
        assert_eq!(held.len(), 2);
        for pivot in &held {
            let z = ldl.null_vector(&[(pivot.row, 1.0)]);
            let part = if pivot.row < 3 { 0..3 } else { 3..5 };
            for (k, z) in z.into_iter().enumerate() {
                let moves = f64::from(u8::from(part.contains(&k)));
                assert!((z - moves).abs() < 1e-15, "{k}: {z}");
            }
        }
        let both: Vec<_> = held.iter().map(|p| (p.row, 2.0)).collect();
        assert_eq!(ldl.null_vector(&both), [2.0, 2.0, 2.0, 2.0, 2.0, 0.0, 0.0]);
        let mut b = [1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 4.0];
        ldl.solve(&mut b);
        assert!((b[0] - b[1] - 0.5).abs() < 1e-15 && (b[1] - b[2] - 1.0 / 3.0).abs() < 1e-15);
        assert!((b[5] - 4.0).abs() < 1e-14 && (b[6] - 4.0).abs() < 1e-14);
    }

    #[test]
    fn a_complex_symmetric_matrix_is_solved_as_a_real_one() {
        use num_complex::Complex;
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let mut pairs = Sparse::new();
        (1..6u32).for_each(|i| pairs.push(&[i - 1, i]));
        let graph = Graph::of(&pairs, 6, MAX_ENTRIES, &budget).unwrap();
        let mut factor: Factor<Complex<f64>> = Factor::new(&graph, &budget).unwrap();
        let mut full = nalgebra::DMatrix::<Complex<f64>>::zeros(6, 6);
        let mut add = |i: usize, j: usize, value: Complex<f64>| {
            factor.add(i as u32, j as u32, value);
            full[(i, j)] += value;
            if i != j {
                full[(j, i)] += value;
            }
        };
        for i in 1..6 {
            let y = Complex::new(0.1, 1.0 + i as f64);
            add(i - 1, i - 1, y);
            add(i, i, y);
            add(i - 1, i, -y);
        }
        add(0, 0, Complex::new(2.0, -0.5));
        let x = nalgebra::DVector::from_fn(6, |i, _| Complex::new(i as f64, 1.0 - i as f64));
        let mut b: Vec<Complex<f64>> = (&full * &x).iter().copied().collect();
        assert_eq!(factor.factor(0.0, &budget), Ok(()));
        factor.solve(&mut b);
        b.iter().zip(x.iter()).for_each(|(b, x)| assert!((b - x).norm() < 1e-12));
    }
}
