//! Anderson's mixing of the last iterates of a fixed point (Anderson 1965; Walker and Ni,
//! *Anderson acceleration for fixed-point iterations*, SIAM J. Numer. Anal. 49, 2011).

use super::circuit::Phasor;
use crate::matrix::Dense;

/// How many earlier iterates are mixed.
const DEPTH: usize = 4;

/// The last iterates.
#[derive(Debug)]
pub(crate) struct Mixing<T> {
    /// Arguments, their images less them, newest last.
    past: Vec<(Vec<T>, Vec<T>)>,
}

impl<T: Phasor> Mixing<T> {
    pub(crate) fn new(size: usize) -> Mixing<T> {
        debug_assert!(size > 0, "there is nothing to mix");
        Mixing { past: Vec::with_capacity(DEPTH + 1) }
    }

    /// The next argument, after `before` was mapped to `after`.
    pub(crate) fn next(&mut self, before: &[T], after: &[T]) -> Vec<T> {
        let step: Vec<T> = after.iter().zip(before).map(|(&a, &b)| a - b).collect();
        self.past.push((before.to_vec(), step));
        if self.past.len() > DEPTH + 1 {
            self.past.remove(0);
        }
        if self.past.len() < 2 {
            return after.to_vec();
        }
        self.mixed().unwrap_or_else(|| after.to_vec())
    }

    /// Least squares over the differences of steps, with real coefficients.
    fn mixed(&self) -> Option<Vec<T>> {
        let (newest, earlier) = self.past.split_last()?;
        let differences: Vec<Vec<T>> = earlier
            .iter()
            .map(|(_, step)| newest.1.iter().zip(step).map(|(&a, &b)| a - b).collect())
            .collect();
        let inner = |a: &[T], b: &[T]| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| (a * b.conjugate()).active()).sum()
        };
        let m = differences.len();
        let mut gram = Dense::<f64>::zero(m);
        for i in 0..m {
            for j in 0..m {
                gram.add(i, j, inner(&differences[i], &differences[j]));
            }
        }
        let trace: f64 = (0..m).map(|i| gram.at(i, i)).sum();
        (0..m).for_each(|i| gram.add(i, i, 1e-12 * trace));
        let right: Vec<f64> = differences.iter().map(|d| inner(d, &newest.1)).collect();
        let inverse = gram.inverse()?;
        let mut next: Vec<T> = newest.0.iter().zip(&newest.1).map(|(&x, &f)| x + f).collect();
        for (i, (past, difference)) in earlier.iter().zip(&differences).enumerate() {
            let weight: f64 = (0..m).map(|j| inverse.at(i, j) * right[j]).sum();
            let weight = T::real(weight);
            for (k, x) in next.iter_mut().enumerate() {
                *x -= weight * (newest.0[k] - past.0[k] + difference[k]);
            }
        }
        next.iter().all(|x| x.magnitude().is_finite()).then_some(next)
    }
}
