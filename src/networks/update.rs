//! A factored matrix of which a few entries have changed since: `A + V D V^T` is solved with the
//! factor of `A` and one column `A⁻¹ V` for each of the vectors `V` (Woodbury 1950; Hager,
//! *Updating the inverse of a matrix*, SIAM Review 31, 1989).

use svgx_engine::linear::{Factor, Scalar};

/// A pivot of the small matrix below this has lost the matrix its rank, or its digits.
const LOST: f64 = 1e-7;

/// The changes of a matrix since it was factored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Update<T> {
    /// Sparse vectors: unknowns with weights.
    vectors: Vec<Vec<(u32, T)>>,
    /// The factor's answer to each of them.
    columns: Vec<Vec<T>>,
    /// `V^T A⁻¹ V`, by rows.
    products: Vec<T>,
    /// The changes, by rows; and `(1 + D V^T A⁻¹ V)`, eliminated.
    change: Vec<T>,
    small: Vec<T>,
    order: Vec<usize>,
}

impl<T: Scalar> Update<T> {
    /// How many vectors there are.
    pub(crate) fn len(&self) -> usize {
        self.vectors.len()
    }

    /// Forgets all changes.
    pub(crate) fn clear(&mut self) {
        self.vectors.clear();
        self.columns.clear();
        self.products.clear();
        self.change.clear();
        self.small.clear();
    }

    /// Adds a vector, by one solution with the factor.
    pub(crate) fn add(&mut self, vector: Vec<(u32, T)>, factor: &mut Factor<T>, n: usize) {
        let mut column = vec![T::default(); n];
        for &(at, by) in &vector {
            column[at as usize] += by;
        }
        factor.solve(&mut column);
        let m = self.len();
        self.vectors.push(vector);
        self.columns.push(column);
        let mut products = vec![T::default(); (m + 1) * (m + 1)];
        let mut change = products.clone();
        for i in 0..m {
            for j in 0..m {
                products[i * (m + 1) + j] = self.products[i * m + j];
                change[i * (m + 1) + j] = self.change[i * m + j];
            }
        }
        for i in 0..=m {
            products[i * (m + 1) + m] = self.along(i, &self.columns[m]);
            products[m * (m + 1) + i] = self.along(m, &self.columns[i]);
        }
        (self.products, self.change) = (products, change);
    }

    fn along(&self, i: usize, x: &[T]) -> T {
        let mut sum = T::default();
        for &(at, by) in &self.vectors[i] {
            sum += by * x[at as usize];
        }
        sum
    }

    /// Sets an entry of `D`.
    pub(crate) fn set(&mut self, i: usize, j: usize, value: T) {
        let m = self.len();
        self.change[i * m + j] = value;
    }

    /// Prepares to solve. Answers whether that is possible: `false` where the matrix is singular
    /// now, or so near to it that it should be factored.
    pub(crate) fn prepare(&mut self) -> bool {
        let m = self.len();
        self.small.clear();
        self.small.resize(m * m, T::default());
        for i in 0..m {
            for j in 0..m {
                let mut sum = T::real(f64::from(u8::from(i == j)));
                for k in 0..m {
                    sum += self.change[i * m + k] * self.products[k * m + j];
                }
                self.small[i * m + j] = sum;
            }
        }
        self.order = (0..m).collect();
        let most = |row: usize, a: &[T]| a[row * m..][..m].iter().fold(1.0, size);
        fn size<T: Scalar>(most: f64, v: &T) -> f64 {
            v.magnitude().max(most)
        }
        let scale: Vec<f64> = (0..m).map(|i| most(i, &self.small)).collect();
        for k in 0..m {
            let by = |&i: &usize| self.small[self.order[i] * m + k].magnitude();
            let Some(p) = (k..m).max_by(|a, b| by(a).total_cmp(&by(b))) else { return false };
            self.order.swap(k, p);
            let row = self.order[k];
            let pivot = self.small[row * m + k];
            let size = pivot.magnitude();
            if !(size > LOST * scale[row] && size.is_finite()) {
                return false;
            }
            for i in k + 1..m {
                let below = self.order[i];
                let by = self.small[below * m + k] / pivot;
                self.small[below * m + k] = by;
                for j in k + 1..m {
                    let v = self.small[row * m + j];
                    self.small[below * m + j] -= by * v;
                }
            }
        }
        true
    }

    /// What is to be taken of each column from the factor's answer `y`.
    fn weights(&self, y: &[T]) -> Vec<T> {
        let m = self.len();
        let along: Vec<T> = (0..m).map(|i| self.along(i, y)).collect();
        let right = |i: usize| {
            let mut sum = T::default();
            for (k, &v) in along.iter().enumerate() {
                sum += self.change[i * m + k] * v;
            }
            sum
        };
        let mut c: Vec<T> = self.order.iter().map(|&i| right(i)).collect();
        for i in 0..m {
            for k in 0..i {
                let v = c[k];
                c[i] -= self.small[self.order[i] * m + k] * v;
            }
        }
        for i in (0..m).rev() {
            for k in i + 1..m {
                let v = c[k];
                c[i] -= self.small[self.order[i] * m + k] * v;
            }
            c[i] = c[i] / self.small[self.order[i] * m + i];
        }
        c
    }

    /// Adds what the changes make of `x` to what the matrix that was factored makes of it.
    pub(crate) fn add_product(&self, x: &[T], y: &mut [T]) {
        let m = self.len();
        let along: Vec<T> = (0..m).map(|i| self.along(i, x)).collect();
        for i in 0..m {
            let mut sum = T::default();
            for (k, &v) in along.iter().enumerate() {
                sum += self.change[i * m + k] * v;
            }
            for &(at, by) in &self.vectors[i] {
                y[at as usize] += by * sum;
            }
        }
    }

    /// Turns the factor's answer into that of the changed matrix, after [`Update::prepare`].
    pub(crate) fn correct(&self, y: &mut [T]) {
        if self.vectors.is_empty() {
            return;
        }
        for (c, column) in self.weights(y).into_iter().zip(&self.columns) {
            if c == T::default() {
                continue;
            }
            for (y, &z) in y.iter_mut().zip(column) {
                *y -= c * z;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::factor_of;
    use svgx_base::budget::{Budget, Class, Tier};

    #[test]
    fn a_changed_matrix_is_solved_as_one_that_was_factored_and_a_cut_is_seen() {
        // A ring of ten unit conductances, one node of which is grounded by another.
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let ring = |weights: &[f64]| {
            let pairs = (0..10u32).map(|i| [i, (i + 1) % 10]);
            let mut factor: Factor<f64> = factor_of(10, pairs.clone(), &budget).unwrap();
            for ([a, b], &w) in pairs.zip(weights) {
                factor.add(a, a, w);
                factor.add(b, b, w);
                factor.add(a, b, -w);
            }
            factor.add(0, 0, 1.0);
            factor.factor(0.0, &budget).unwrap();
            factor
        };
        let mut factor = ring(&[1.0; 10]);
        let mut update = Update::default();
        for at in [3, 7] {
            update.add(vec![(at, 1.0), (at + 1, -1.0)], &mut factor, 10);
        }
        // What is put on the links from 3 and from 7; one of them cut, then both.
        for (three, seven, whole) in
            [(0.5, 4.0, true), (0.0, 0.0, true), (-1.0, 9.0, true), (-1.0, -1.0, false)]
        {
            update.set(0, 0, three);
            update.set(1, 1, seven);
            assert_eq!(update.prepare(), whole);
            if !whole {
                continue;
            }
            let mut weights = [1.0; 10];
            weights[3] += three;
            weights[7] += seven;
            let mut wanted: Vec<f64> = (0..10).map(|k| f64::from(k) - 3.0).collect();
            let mut found = wanted.clone();
            ring(&weights).solve(&mut wanted);
            factor.solve(&mut found);
            update.correct(&mut found);
            found.iter().zip(&wanted).for_each(|(f, w)| assert!((f - w).abs() < 1e-12, "{f} {w}"));
        }
        assert_eq!(update.len(), 2);
        update.clear();
        assert!(update.prepare() && update.len() == 0);
    }
}
