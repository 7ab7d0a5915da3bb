//! Householder QR with column pivoting: the rank of a matrix, one solution of
//! `A x = b`, and which unknowns `b` determines at all.
//!
//! Golub and Van Loan, "Matrix Computations", 4th edition, algorithm 5.4.1.
//! It works on `A` itself: squaring it (`AᵀA`) would lose the small singular
//! values that decide the rank.

use svgx_base::budget::{Budget, Stop};

/// What [`solve`] found.
#[derive(Debug)]
pub(super) struct Solution {
    /// Independent columns.
    pub(super) rank: usize,
    /// A solution with as many zeros as possible. Only entries that are
    /// [`determined`](Solution::determined) mean anything.
    pub(super) x: Vec<f64>,
    /// Whether every solution has this value.
    pub(super) determined: Vec<bool>,
    /// Length of what `A x` leaves of `b`.
    pub(super) residual: f64,
}

/// Solves `A x = b` for a matrix given as columns of `rows` entries.
///
/// # Errors
/// When the budget stops it; it looks once per column.
pub(super) fn solve(
    mut columns: Vec<Vec<f64>>,
    mut b: Vec<f64>,
    budget: &Budget,
) -> Result<Solution, Stop> {
    let (rows, unknowns) = (b.len(), columns.len());
    let mut order: Vec<usize> = (0..unknowns).collect();
    let largest = columns.iter().map(|c| norm(c)).fold(0.0, f64::max);
    // Entries are unit directions and lever arms over the size of the
    // assembly: what is a billion times smaller is rounding of coordinates.
    let threshold = largest * 1e-9;
    let mut rank = 0;
    while rank < rows.min(unknowns) {
        budget.checkpoint()?;
        let (best, length) = (rank..unknowns)
            .map(|j| (j, norm(&columns[j][rank..])))
            .fold((rank, -1.0), |a, c| if c.1 > a.1 { c } else { a });
        if length <= threshold {
            break;
        }
        columns.swap(rank, best);
        order.swap(rank, best);
        let mut v = columns[rank][rank..].to_vec();
        let alpha = if v[0] > 0.0 { -length } else { length };
        v[0] -= alpha;
        let square: f64 = v.iter().map(|x| x * x).sum();
        if square > 0.0 {
            for column in &mut columns[rank..] {
                reflect(&v, square, &mut column[rank..]);
            }
            reflect(&v, square, &mut b[rank..]);
        }
        rank += 1;
    }
    let residual = norm(&b[rank..]);
    // R11 y = (Qᵀb)[..rank] and, for every dependent column, R11 n = R12: where
    // n is not zero, moving along the null space changes the unknown.
    let back = |mut y: Vec<f64>| -> Vec<f64> {
        for i in (0..rank).rev() {
            y[i] /= columns[i][i];
            let value = y[i];
            for (k, below) in y.iter_mut().enumerate().take(i) {
                *below -= columns[i][k] * value;
            }
        }
        y
    };
    let y = back(b[..rank].to_vec());
    let mut x = vec![0.0; unknowns];
    let mut determined = vec![true; unknowns];
    for (i, &value) in y.iter().enumerate() {
        x[order[i]] = value;
    }
    for j in rank..unknowns {
        budget.checkpoint()?;
        determined[order[j]] = false;
        for (i, n) in back(columns[j][..rank].to_vec()).into_iter().enumerate() {
            if n.abs() > 1e-9 {
                determined[order[i]] = false;
            }
        }
    }
    Ok(Solution { rank, x, determined, residual })
}

fn reflect(v: &[f64], square: f64, target: &mut [f64]) {
    let scale = 2.0 * v.iter().zip(&*target).map(|(a, b)| a * b).sum::<f64>() / square;
    for (t, a) in target.iter_mut().zip(v) {
        *t -= scale * a;
    }
}

fn norm(v: &[f64]) -> f64 {
    let largest = v.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * v.iter().map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use svgx_base::budget::{Class, Tier};

    fn run(columns: &[&[f64]], b: &[f64]) -> Solution {
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        solve(columns.iter().map(|c| c.to_vec()).collect(), b.to_vec(), &budget).expect("solved")
    }

    #[test]
    fn a_regular_system_has_one_solution() {
        let s = run(&[&[2.0, 0.0, 1.0], &[0.0, 3.0, 0.0], &[1.0, 1.0, 1.0]], &[3.0, 4.0, 2.0]);
        assert_eq!(s.rank, 3);
        for (x, want) in s.x.iter().zip([1.0, 1.0, 1.0]) {
            assert!((x - want).abs() < 1e-12);
        }
        assert!(s.determined.iter().all(|d| *d) && s.residual < 1e-12);
    }

    #[test]
    fn only_what_the_equations_fix_counts_as_determined() {
        // x + y = 2 leaves both open; z = 5 does not.
        let s = run(&[&[1.0, 0.0], &[1.0, 0.0], &[0.0, 1.0]], &[2.0, 5.0]);
        assert_eq!((s.rank, s.determined), (2, vec![false, false, true]));
        assert!((s.x[2] - 5.0).abs() < 1e-12);
    }

    #[test]
    fn a_load_outside_the_range_leaves_a_residual() {
        let s = run(&[&[1.0, 0.0]], &[2.0, 3.0]);
        assert_eq!(s.rank, 1);
        assert!((s.residual - 3.0).abs() < 1e-12);
    }
}
