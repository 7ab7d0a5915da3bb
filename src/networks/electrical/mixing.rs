//! Anderson's mixing of the last iterates of a fixed point (Anderson 1965; Walker and Ni,
//! *Anderson acceleration for fixed-point iterations*, SIAM J. Numer. Anal. 49, 2011). How steps
//! follow from arguments is much the same after an edit, so that differences of one run serve
//! the next from its first iterate on.

use super::circuit::Phasor;
use crate::matrix::Dense;

/// How many earlier iterates are mixed.
const DEPTH: usize = 4;

/// How many differences of a run are kept for the next one.
const KEPT: usize = 2;

/// The last iterates.
#[derive(Debug, Clone)]
pub(crate) struct Mixing<T> {
    /// The last argument, and its image less itself.
    newest: Option<(Vec<T>, Vec<T>)>,
    /// Differences of arguments and of steps, newest last.
    past: Vec<(Vec<T>, Vec<T>)>,
    /// Of each of them, the ratio of what images differ by to what arguments do.
    rates: Vec<f64>,
}

impl<T> Default for Mixing<T> {
    fn default() -> Mixing<T> {
        Mixing { newest: None, past: Vec::new(), rates: Vec::new() }
    }
}

impl<T: Phasor> Mixing<T> {
    /// Forgets everything: the map is another.
    pub(crate) fn clear(&mut self) {
        self.newest = None;
        self.past.clear();
        self.rates.clear();
    }

    /// Begins a run of a map that is much like the last one.
    pub(crate) fn begin(&mut self) {
        self.newest = None;
        let old = self.past.len().saturating_sub(KEPT);
        self.past.drain(..old);
        self.rates.drain(..old);
    }

    /// The largest ratio that is known of what images differ by to what their arguments do.
    pub(crate) fn rate(&self) -> f64 {
        self.rates.iter().copied().fold(0.0, f64::max)
    }

    /// Takes in that `before` was mapped to `after`.
    pub(crate) fn learn(&mut self, before: &[T], after: &[T]) {
        let less = |a: &[T], b: &[T]| -> Vec<T> { a.iter().zip(b).map(|(&a, &b)| a - b).collect() };
        let step = less(after, before);
        if let Some((argument, last)) = &self.newest {
            if self.past.len() == DEPTH {
                self.past.remove(0);
                self.rates.remove(0);
            }
            let (moved, turned) = (less(before, argument), less(&step, last));
            let both = moved.iter().zip(&turned);
            let [image, argument] = both.fold([0.0; 2], |[image, argument], (&m, &t)| {
                [image + (m + t).square(), argument + m.square()]
            });
            self.rates.push(if argument > 0.0 { (image / argument).sqrt() } else { 0.0 });
            self.past.push((moved, turned));
        }
        self.newest = Some((before.to_vec(), step));
    }

    /// The next argument, after the last one that was mapped; it goes into `before`.
    pub(crate) fn next(&self, before: &mut [T]) {
        let Some((argument, step)) = &self.newest else { return };
        let plain = argument.iter().zip(step);
        before.iter_mut().zip(plain).for_each(|(x, (&a, &s))| *x = a + s);
        let Some(weights) = self.weights(step) else { return };
        for ((moved, turned), &weight) in self.past.iter().zip(&weights) {
            let weight = T::real(weight);
            for ((x, &m), &t) in before.iter_mut().zip(moved).zip(turned) {
                *x -= weight * (m + t);
            }
        }
    }

    /// Least squares over the differences of steps, with real coefficients.
    fn weights(&self, step: &[T]) -> Option<Vec<f64>> {
        let m = self.past.len();
        if m == 0 {
            return None;
        }
        let inner = |a: &[T], b: &[T]| -> f64 {
            let both = a.iter().zip(b);
            both.map(|(a, b)| a.active() * b.active() + a.reactive() * b.reactive()).sum()
        };
        let mut gram = Dense::<f64>::zero(m);
        for i in 0..m {
            for j in 0..=i {
                let product = inner(&self.past[i].1, &self.past[j].1);
                gram.add(i, j, product);
                if i != j {
                    gram.add(j, i, product);
                }
            }
        }
        // Differences of another run may be of quite another size.
        let sizes: Vec<f64> = (0..m).map(|i| gram.at(i, i).sqrt()).collect();
        if sizes.contains(&0.0) {
            return None;
        }
        let mut scaled = Dense::<f64>::zero(m);
        for i in 0..m {
            for j in 0..m {
                scaled.add(i, j, gram.at(i, j) / (sizes[i] * sizes[j]));
            }
            scaled.add(i, i, 1e-12);
        }
        let inverse = scaled.inverse()?;
        let right: Vec<f64> =
            self.past.iter().zip(&sizes).map(|((_, d), size)| inner(d, step) / size).collect();
        let weight = |i: usize| (0..m).map(|j| inverse.at(i, j) * right[j]).sum::<f64>() / sizes[i];
        let weights: Vec<f64> = (0..m).map(weight).collect();
        weights.iter().all(|w| w.is_finite()).then_some(weights)
    }
}
