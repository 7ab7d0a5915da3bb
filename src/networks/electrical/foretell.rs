//! Where the voltages are after an edit of one load, as the states before it tell
//! ([`crate::trail`]).

use super::circuit::Phasor;
use super::solve::{Moment, Solver};

/// How many states tell: voltages follow a load nearly in a line.
const MOST: usize = 4;

impl<T: Phasor> Solver<T> {
    /// Goes to where the last states tell that the next one is, if they are known.
    pub(super) fn foretell(&mut self, value: f64) {
        let weights = self.trail.weights(value, MOST);
        let Some((first, rest)) = weights.split_first() else { return };
        for (k, island) in self.islands.iter_mut().enumerate() {
            let of = |moment: &Moment<T>| moment.voltages.get(k).map_or(0, Vec::len);
            if island.loads.is_empty() || weights.iter().any(|w| of(w.1) != island.voltages.len()) {
                continue;
            }
            let first = first.1.voltages[k].iter().map(|v| v.scaled(first.0));
            island.voltages.iter_mut().zip(first).for_each(|(to, v)| *to = v);
            for (weight, moment) in rest {
                let both = island.voltages.iter_mut().zip(&moment.voltages[k]);
                both.for_each(|(to, v)| *to += v.scaled(*weight));
            }
            let standing = island.standing.take();
            island.spare.keep(standing.into_iter().flat_map(|s| [s.across, s.right]));
        }
    }
}

/// Which part of a power moved, if it is one alone, and from where to where: the active one, the
/// reactive one, or both by the same factor.
pub(super) fn moved<T: Phasor>(old: T, new: T) -> Option<(u8, f64, f64)> {
    let (a, b) = ((old.active(), old.reactive()), (new.active(), new.reactive()));
    if a.1 == b.1 {
        return Some((0, a.0, b.0));
    }
    if a.0 == b.0 {
        return Some((1, a.1, b.1));
    }
    let (along, across) = (a.0 * b.0 + a.1 * b.1, a.0 * b.1 - a.1 * b.0);
    let same = along > 0.0 && across.abs() <= 1e-12 * along;
    same.then(|| (2, old.magnitude(), new.magnitude()))
}
