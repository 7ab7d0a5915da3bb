//! Small dense matrices, and a sparse factor from the pairs of nodes that links join.

use svgx_base::budget::Budget;
use svgx_engine::linear::{Factor, Graph, MAX_ENTRIES, Scalar, Sparse};

use crate::Error;

/// A factor whose pattern is that of groups of unknowns which share entries.
pub(crate) fn factor_of<T: Scalar>(
    n: usize,
    groups: impl IntoIterator<Item = impl AsRef<[u32]>>,
    budget: &Budget,
) -> Result<Factor<T>, Error> {
    let mut sparse = Sparse::new();
    for group in groups {
        sparse.push(group.as_ref());
    }
    let graph = Graph::of(&sparse, n, 4 * MAX_ENTRIES, budget)?;
    Ok(Factor::new(&graph, budget)?)
}

/// The same where unknowns come in groups: `group` of every unknown, and which groups share
/// entries. Unknowns are numbered group by group.
pub(crate) fn factor_of_groups<T: Scalar>(
    group: &[u32],
    count: usize,
    pairs: impl IntoIterator<Item = [u32; 2]>,
    members: impl IntoIterator<Item = impl AsRef<[u32]>>,
    budget: &Budget,
) -> Result<Factor<T>, Error> {
    let mut sparse = Sparse::new();
    pairs.into_iter().filter(|[a, b]| a != b).for_each(|pair| sparse.push(&pair));
    let order = Graph::of(&sparse, count, 4 * MAX_ENTRIES, budget)?.minimum_degree(budget)?;
    let mut first = vec![0u32; count + 1];
    group.iter().for_each(|&g| first[g as usize + 1] += 1);
    (0..count).for_each(|g| first[g + 1] += first[g]);
    let unknowns = order.iter().flat_map(|&g| first[g as usize]..first[g as usize + 1]);
    let unknowns: Vec<u32> = unknowns.collect();
    sparse.clear();
    members.into_iter().for_each(|member| sparse.push(member.as_ref()));
    let graph = Graph::of(&sparse, group.len(), 4 * MAX_ENTRIES, budget)?;
    Ok(Factor::in_order(&graph, &unknowns, budget)?)
}

/// A small square matrix, by rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dense<T> {
    pub(crate) n: usize,
    pub(crate) values: Vec<T>,
}

impl<T: Scalar> Dense<T> {
    pub(crate) fn zero(n: usize) -> Dense<T> {
        Dense { n, values: vec![T::default(); n * n] }
    }

    pub(crate) fn at(&self, i: usize, j: usize) -> T {
        self.values[i * self.n + j]
    }

    pub(crate) fn add(&mut self, i: usize, j: usize, value: T) {
        self.values[i * self.n + j] += value;
    }

    /// The inverse, by elimination with row pivoting; `None` where it has none.
    pub(crate) fn inverse(&self) -> Option<Dense<T>> {
        let n = self.n;
        let mut a = self.clone();
        let mut b = Dense::zero(n);
        (0..n).for_each(|i| b.add(i, i, T::real(1.0)));
        let size = self.values.iter().fold(0.0f64, |most, v| most.max(v.magnitude()));
        for k in 0..n {
            let p = (k..n)
                .max_by(|&i, &j| a.at(i, k).magnitude().total_cmp(&a.at(j, k).magnitude()))?;
            let pivot = a.at(p, k);
            if !(pivot.magnitude() > 1e-14 * size && pivot.magnitude().is_finite()) {
                return None;
            }
            for j in 0..n {
                a.values.swap(k * n + j, p * n + j);
                b.values.swap(k * n + j, p * n + j);
            }
            for j in 0..n {
                a.values[k * n + j] = a.at(k, j) / pivot;
                b.values[k * n + j] = b.at(k, j) / pivot;
            }
            for i in (0..n).filter(|&i| i != k) {
                let by = a.at(i, k);
                for j in 0..n {
                    let (u, v) = (a.at(k, j), b.at(k, j));
                    a.values[i * n + j] -= by * u;
                    b.values[i * n + j] -= by * v;
                }
            }
        }
        Some(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_multiplies_to_one_and_a_singular_matrix_has_none() {
        let a = Dense { n: 3, values: vec![0.0, 2.0, 1.0, 1.0, 1.0, 0.0, 3.0, 0.0, 1.0] };
        let b = a.inverse().unwrap();
        for i in 0..3 {
            for j in 0..3 {
                let sum: f64 = (0..3).map(|k| a.at(i, k) * b.at(k, j)).sum();
                assert!((sum - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        assert_eq!(Dense { n: 2, values: vec![1.0, 2.0, 2.0, 4.0] }.inverse(), None);
    }
}
