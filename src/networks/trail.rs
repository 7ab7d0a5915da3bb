//! How the solution follows one quantity that is edited again and again, as in a drag: the last
//! states in which nothing but that quantity differed tell by interpolation (Lagrange) about where
//! the next one is. It is a start and nothing more: what it leads to is held to the same residuals.

use std::collections::VecDeque;

/// How many states are kept.
pub(crate) const MOST: usize = 6;

/// How large the weights of states may be together: the further out, the more of their rounding
/// is in the sum.
const LARGEST: f64 = 3.0;

/// A quantity of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity {
    pub(crate) element: usize,
    /// Which of its quantities, or which kind of element it is.
    pub(crate) what: u8,
}

/// The edits since the last solution.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Edits {
    None,
    /// Of one quantity: from what to what.
    One(Quantity, f64, f64),
    Other,
}

/// The last states by the value of one quantity.
#[derive(Debug, Clone)]
pub(crate) struct Trail<S> {
    of: Option<Quantity>,
    points: VecDeque<(f64, S)>,
    edits: Edits,
}

impl<S> Default for Trail<S> {
    fn default() -> Trail<S> {
        Trail { of: None, points: VecDeque::new(), edits: Edits::Other }
    }
}

impl<S> Trail<S> {
    /// Notes an edit of one quantity.
    pub(crate) fn edit(&mut self, quantity: Quantity, before: f64, now: f64) {
        self.edits = match self.edits {
            _ if !(before.is_finite() && now.is_finite()) => Edits::Other,
            Edits::None => Edits::One(quantity, before, now),
            Edits::One(of, first, _) if of == quantity => Edits::One(of, first, now),
            _ => Edits::Other,
        };
    }

    /// Notes an edit of anything else.
    pub(crate) fn disturb(&mut self) {
        self.edits = Edits::Other;
    }

    /// Begins a solution: answers the value of the quantity where it alone was edited. `last` is
    /// the state before that.
    pub(crate) fn begin(&mut self, last: Option<S>) -> Option<f64> {
        let edits = std::mem::replace(&mut self.edits, Edits::None);
        let Edits::One(quantity, before, now) = edits else {
            if edits == Edits::Other {
                self.of = None;
                self.points.clear();
            }
            return None;
        };
        if self.of != Some(quantity) {
            self.of = Some(quantity);
            self.points.clear();
            self.points.extend(last.map(|last| (before, last)));
        }
        Some(now)
    }

    /// The states to add up at a value, up to `most` of them, with their weights; nothing where too
    /// few are known.
    pub(crate) fn weights(&self, at: f64, most: usize) -> Vec<(f64, &S)> {
        let mut near: Vec<&(f64, S)> = self.points.iter().collect();
        near.sort_by(|a, b| (a.0 - at).abs().total_cmp(&(b.0 - at).abs()));
        let spread = near.last().map_or(0.0, |far| (far.0 - at).abs());
        let mut chosen: Vec<&(f64, S)> = Vec::new();
        for point in near {
            let apart = chosen.iter().all(|c| (c.0 - point.0).abs() > 1e-2 * spread);
            if apart && chosen.len() < most {
                chosen.push(point);
            }
        }
        while chosen.len() > 1 {
            let weight = |k: usize| -> f64 {
                let others = chosen.iter().enumerate().filter(|(j, _)| *j != k);
                others.map(|(_, other)| (at - other.0) / (chosen[k].0 - other.0)).product()
            };
            let weights: Vec<f64> = (0..chosen.len()).map(weight).collect();
            if weights.iter().map(|w| w.abs()).sum::<f64>() <= LARGEST {
                return weights.into_iter().zip(chosen.iter().map(|c| &c.1)).collect();
            }
            chosen.pop();
        }
        Vec::new()
    }

    /// Keeps the state at a value, instead of the oldest one.
    pub(crate) fn keep(&mut self, value: f64, state: S) {
        self.points.retain(|p| p.0 != value);
        if self.points.len() == MOST {
            self.points.pop_front();
        }
        self.points.push_back((value, state));
    }

    /// Forgets all states: they are of another network.
    pub(crate) fn clear(&mut self) {
        self.points.clear();
    }

    /// The newest state.
    pub(crate) fn newest(&self) -> Option<&S> {
        self.points.back().map(|p| &p.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEED: Quantity = Quantity { element: 3, what: 0 };

    fn sum(trail: &Trail<f64>, at: f64) -> Option<f64> {
        let weights = trail.weights(at, MOST);
        (!weights.is_empty()).then(|| weights.iter().map(|(w, s)| w * **s).sum())
    }

    #[test]
    fn what_follows_a_quantity_smoothly_is_foretold_and_another_edit_ends_it() {
        let law = |v: f64| 2.0 + v * v - 0.3 * v * v * v;
        let mut trail = Trail::default();
        assert_eq!(trail.begin(None), None);
        let mut last = 1.0;
        for value in [1.2, 0.8, 1.1, 0.9] {
            trail.edit(SPEED, last, 0.0);
            trail.edit(SPEED, 0.0, value);
            assert_eq!(trail.begin(Some(law(last))), Some(value));
            trail.keep(value, law(value));
            last = value;
        }
        // Five states and a cubic.
        assert!((sum(&trail, 1.05).unwrap() - law(1.05)).abs() < 1e-12);
        // Far out only as much as their weights allow.
        let weights = trail.weights(5.0, MOST);
        assert!(weights.iter().map(|w| w.0.abs()).sum::<f64>() <= LARGEST);
        // Nothing was edited: nothing is told, and nothing forgotten.
        assert_eq!((trail.begin(None), trail.newest()), (None, Some(&law(0.9))));
        trail.edit(SPEED, 0.9, 1.0);
        trail.edit(Quantity { element: 4, what: 0 }, 0.0, 1.0);
        assert_eq!((trail.begin(Some(1.0)), sum(&trail, 1.0)), (None, None));
        trail.edit(SPEED, 0.9, f64::NAN);
        assert_eq!(trail.begin(Some(1.0)), None);
        trail.edit(SPEED, 0.9, 1.0);
        assert_eq!((trail.begin(Some(1.0)), sum(&trail, 1.0)), (Some(1.0), None));
    }
}
