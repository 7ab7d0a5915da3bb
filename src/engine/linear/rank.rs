//! Which rows of a matrix depend on others, and in which directions it changes nothing.
//!
//! Everything here works on the matrix `J` itself. `J^T J` squares the small
//! singular values: the slow bending modes of a long truss, some 1e-6 of the
//! largest, end near the rounding error and look like freedom.
//!
//! Small blocks: QR with column pivoting (Golub and Van Loan, *Matrix
//! Computations*, 2013, 5.4.2). Large ones: rows are rotated one by one into a
//! sparse triangle (George and Heath, *Solution of sparse linear least squares
//! problems using Givens rotations*, 1980); a row whose leading remainder falls
//! below the tolerance wherever the triangle has a gap is dependent on the rows
//! before it (Heath 1982).

use nalgebra::DMatrix;

use super::{Entry, Error, FactorError, Graph, Ldl, MAX_ENTRIES, Matrix, Sparse, max_abs};
use super::{OPERATIONS_PER_CHECKPOINT, ROWS_PER_CHECKPOINT};
use svgx_base::budget::Budget;
use svgx_base::random::{self, SplitMix64};

/// Rows have derivatives of order one; what is left of a dependent row after
/// elimination is rounding, amplified by at most the condition of the rows before it.
const TOLERANCE: f64 = 1e-9;

/// Blocks up to this many rows and columns are analysed densely.
const DENSE: usize = 24;

/// What the rows say about each other and about the unknowns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rank {
    pub(crate) rank: usize,
    /// Rows that follow from rows before them, to first order; ascending.
    pub(crate) dependent: Vec<u32>,
    /// Vectors that every row maps to zero: as many as were asked for, mixed at random so that
    /// every column that is free in one of them is free in all.
    pub(crate) null_vectors: Vec<Vec<f64>>,
}

impl Rank {
    /// Whether a row follows from rows before it.
    pub(crate) fn depends(&self, row: u32) -> bool {
        self.dependent.binary_search(&row).is_ok()
    }
}

/// Whether a small square block is regular: QR with column pivoting.
pub(crate) fn is_regular(j: &Matrix) -> bool {
    let n = j.columns;
    if j.rows() != n {
        return false;
    }
    if n == 2 {
        // The pivoted QR of a pair, written out: this is what trusses consist of.
        let mut a = [[0.0f64; 2]; 2];
        for (i, row) in a.iter_mut().enumerate() {
            for (c, v) in j.entries(i) {
                row[c as usize] += v;
            }
        }
        let norm = |k: usize| a[0][k] * a[0][k] + a[1][k] * a[1][k];
        let largest = norm(0).max(norm(1));
        let determinant = (a[0][0] * a[1][1] - a[0][1] * a[1][0]).abs();
        // |r22| = |det| / |r11|
        return largest > 0.0 && determinant / largest > TOLERANCE;
    }
    let mut m = DMatrix::zeros(n, n);
    for i in 0..n {
        for (c, v) in j.entries(i) {
            m[(i, c as usize)] += v;
        }
    }
    pivoted_rank(m) == n
}

fn pivoted_rank(m: DMatrix<f64>) -> usize {
    let (rows, columns) = m.shape();
    if rows == 0 || columns == 0 || m.iter().any(|v| !v.is_finite()) {
        return 0;
    }
    let r = m.col_piv_qr().unpack_r();
    let first = r[(0, 0)].abs();
    (0..rows.min(columns)).take_while(|&i| r[(i, i)].abs() > TOLERANCE * first.max(1e-3)).count()
}

/// Analyses rows in their order: a row is dependent on those before it.
/// Answers `count` null vectors, if so many there are.
pub(crate) fn analyse(j: &Matrix, count: usize, budget: &Budget) -> Result<Rank, Error> {
    let triangle = Triangle::new(j, budget)?;
    let mut rank = Rank {
        rank: triangle.rank,
        dependent: triangle.dependent.clone(),
        null_vectors: Vec::new(),
    };
    if j.rows() <= DENSE && j.columns <= DENSE {
        let mut m = DMatrix::zeros(j.columns, j.rows());
        for i in 0..j.rows() {
            for (c, v) in j.entries(i) {
                m[(c as usize, i)] += v;
            }
        }
        // Where the two disagree a singular value lies at the tolerance: the
        // pivoted one decides, against calling a row dependent.
        if pivoted_rank(m) > rank.rank {
            rank.dependent.clear();
            rank.rank = j.rows().min(j.columns);
        }
    }
    let nullity = j.columns - rank.rank.min(j.columns);
    for draw in 0..nullity.min(count) {
        budget.checkpoint()?;
        rank.null_vectors.push(triangle.null_vector(draw as u64));
    }
    Ok(rank)
}

struct Triangle {
    /// Position of every column in the order of elimination.
    position: Vec<u32>,
    /// The row that starts at every position: places and values, ascending.
    rows: Vec<Vec<(u32, f64)>>,
    rank: usize,
    dependent: Vec<u32>,
}

impl Triangle {
    fn new(j: &Matrix, budget: &Budget) -> Result<Triangle, Error> {
        let n = j.columns;
        let order = Graph::of(&j.pattern, n, 4 * MAX_ENTRIES, budget)?.minimum_degree(budget)?;
        let mut position = vec![0u32; n];
        for (k, &c) in order.iter().enumerate() {
            position[c as usize] = k as u32;
        }
        let mut triangle =
            Triangle { position, rows: vec![Vec::new(); n], rank: 0, dependent: Vec::new() };
        let (mut work, mut entries) = (0usize, 0usize);
        let mut row: Vec<(u32, f64)> = Vec::new();
        let (mut upper, mut lower) = (Vec::new(), Vec::new());
        for i in 0..j.rows() {
            row.clear();
            row.extend(j.entries(i).map(|(c, v)| (triangle.position[c as usize], v)));
            row.sort_unstable_by_key(|e| e.0);
            let norm = row.iter().map(|e| e.1 * e.1).sum::<f64>().sqrt();
            let tiny = TOLERANCE * norm.max(1e-3);
            let mut placed = false;
            let mut from = 0;
            while let Some(&(at, lead)) = row.get(from) {
                let home = &mut triangle.rows[at as usize];
                if home.is_empty() {
                    if lead.abs() <= tiny {
                        from += 1;
                        continue;
                    }
                    home.extend_from_slice(&row[from..]);
                    entries += home.len();
                    placed = true;
                    break;
                }
                if lead.abs() <= 1e-15 * norm {
                    from += 1;
                    continue;
                }
                work += home.len() + row.len() - from;
                rotate(home, &row[from..], &mut upper, &mut lower);
                entries += upper.len() - home.len();
                std::mem::swap(home, &mut upper);
                std::mem::swap(&mut row, &mut lower);
                from = 0;
            }
            if placed {
                triangle.rank += 1;
            } else {
                triangle.dependent.push(i as u32);
            }
            if entries > MAX_ENTRIES {
                return Err(Error::TooLarge {
                    what: "entries of a factor",
                    count: entries,
                    limit: MAX_ENTRIES,
                });
            }
            if work > OPERATIONS_PER_CHECKPOINT
                || i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1
            {
                work = 0;
                budget.checkpoint()?;
            }
        }
        Ok(triangle)
    }

    /// A vector that the rows map to zero, mixed from all of them by `seed`.
    fn null_vector(&self, seed: u64) -> Vec<f64> {
        let n = self.rows.len();
        let mut z = vec![0.0; n];
        let start = seed.wrapping_mul(random::GOLDEN).wrapping_add(0x1234_5678_9ABC_DEF1);
        let mut random = SplitMix64::new(start);
        let mut draw = || {
            let bits = random.next_u64();
            let unit = random::unit(bits);
            if bits & 1 == 0 { 0.5 + unit } else { -0.5 - unit }
        };
        for k in (0..n).rev() {
            z[k] = match self.rows[k].split_first() {
                None => draw(),
                Some((&(_, lead), rest)) => {
                    -rest.iter().map(|&(c, v)| v * z[c as usize]).sum::<f64>() / lead
                }
            };
        }
        let most = max_abs(z.iter().copied());
        let scale = if most > 0.0 && most.is_finite() { 1.0 / most } else { 0.0 };
        self.position.iter().map(|&p| z[p as usize] * scale).collect()
    }
}

/// Rotates the leading entry of `row` into `home`, which starts at the same position.
fn rotate(
    home: &[(u32, f64)],
    row: &[(u32, f64)],
    upper: &mut Vec<(u32, f64)>,
    lower: &mut Vec<(u32, f64)>,
) {
    upper.clear();
    lower.clear();
    let (a, b) = (home[0].1, row[0].1);
    let length = (a * a + b * b).sqrt();
    let (c, s) = (a / length, b / length);
    upper.push((home[0].0, length));
    let (mut i, mut k) = (1, 1);
    while i < home.len() || k < row.len() {
        let left = home.get(i).map_or(u32::MAX, |e| e.0);
        let right = row.get(k).map_or(u32::MAX, |e| e.0);
        let at = left.min(right);
        let (mut u, mut v) = (0.0, 0.0);
        if left == at {
            u = home[i].1;
            i += 1;
        }
        if right == at {
            v = row[k].1;
            k += 1;
        }
        upper.push((at, c * u + s * v));
        lower.push((at, c * v - s * u));
    }
}

/// The rows that `row` is made of: the coefficients of its expansion in the
/// independent `others`, where they are not zero. The rank was decided before;
/// coefficients of a well-posed expansion may come from normal equations.
pub(crate) fn combination(
    j: &Matrix,
    others: &[u32],
    row: u32,
    budget: &Budget,
) -> Result<Vec<u32>, Error> {
    let mut by_column: Vec<Vec<(u32, f64)>> = vec![Vec::new(); j.columns];
    for (k, &i) in others.iter().enumerate() {
        for (c, v) in j.entries(i as usize) {
            by_column[c as usize].push((k as u32, v));
        }
    }
    let n = others.len();
    let mut meet = Sparse::new();
    let mut group = Vec::new();
    for list in &by_column {
        group.clear();
        group.extend(list.iter().map(|e| e.0));
        meet.push(&group);
    }
    let graph = Graph::of(&meet, n, MAX_ENTRIES, budget)?;
    let mut ldl = Ldl::new(&graph, budget)?;
    for list in &by_column {
        for (k, &(a, u)) in list.iter().enumerate() {
            for &(b, v) in &list[..=k] {
                match ldl.entry(a, b) {
                    Entry::Diagonal(at) => ldl.diagonal[at as usize] += u * v,
                    Entry::OffDiagonal(at) => ldl.off_diagonal[at as usize] += u * v,
                }
            }
        }
    }
    match ldl.factor(1e-14, budget) {
        Ok(()) => {}
        Err(FactorError::NotPositive(_)) => return Ok(Vec::new()),
        Err(FactorError::Stopped(stop)) => return Err(stop.into()),
    }
    let mut rest = vec![0.0; j.columns];
    for (c, v) in j.entries(row as usize) {
        rest[c as usize] += v;
    }
    let mut coefficients = vec![0.0; n];
    for _ in 0..4 {
        let mut right = vec![0.0; n];
        for (c, list) in by_column.iter().enumerate() {
            for &(k, v) in list {
                right[k as usize] += v * rest[c];
            }
        }
        ldl.solve(&mut right);
        for (k, &step) in right.iter().enumerate() {
            coefficients[k] += step;
            for (c, v) in j.entries(others[k] as usize) {
                rest[c as usize] -= step * v;
            }
        }
    }
    let most = max_abs(coefficients.iter().copied());
    Ok(others
        .iter()
        .zip(&coefficients)
        .filter(|(_, c)| c.abs() > 1e-6 * most)
        .map(|(&i, _)| i)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use svgx_base::budget::{Class, Tier};

    fn jacobian(rows: &[&[f64]]) -> Matrix {
        let columns = rows[0].len();
        let mut j = Matrix { pattern: Sparse::new(), values: Vec::new(), columns };
        for row in rows {
            let filled: Vec<u32> =
                (0..columns as u32).filter(|&c| row[c as usize] != 0.0).collect();
            j.values.extend(filled.iter().map(|&c| row[c as usize]));
            j.pattern.push(&filled);
        }
        j
    }

    #[test]
    fn dependent_rows_are_the_later_ones_and_null_vectors_are_mapped_to_zero() {
        let rows: [&[f64]; 4] = [
            &[1.0, -1.0, 0.0, 0.0],
            &[0.0, 1.0, -1.0, 0.0],
            &[2.0, 0.0, -2.0, 0.0],
            &[0.0, 0.0, 0.0, 3.0],
        ];
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let j = jacobian(&rows);
        let found = analyse(&j, 7, &budget).unwrap();
        assert_eq!((found.rank, found.dependent.as_slice()), (3, &[2u32][..]));
        assert_eq!(found.null_vectors.len(), 1);
        for row in rows {
            let rate: f64 = row.iter().zip(&found.null_vectors[0]).map(|(a, b)| a * b).sum();
            assert!(rate.abs() < 1e-12);
        }
        assert_eq!(combination(&j, &[0, 1, 3], 2, &budget).unwrap(), [0, 1]);
    }
}
