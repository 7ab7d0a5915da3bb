//! Where flows and heads are after an edit of one quantity, as the states before it tell
//! ([`crate::trail`]).

use std::sync::Arc;

use super::model::LinkKind;
use super::solve::{Moment, Solver};
use crate::trail;

impl Moment {
    /// Whether the same links carry in it.
    pub(super) fn is_like(&self, other: &Moment) -> bool {
        Arc::ptr_eq(&self.shape, &other.shape) && self.status == other.status
    }
}

impl Solver {
    /// Goes to where the last states tell that the next one is, if they are known.
    pub(super) fn foretell(&mut self, value: f64) -> bool {
        let Some(plan) = &self.plan else { return false };
        let known = self.trail.newest();
        if !known.is_some_and(|m| Arc::ptr_eq(&m.shape, &plan.shape) && m.status == self.status) {
            return false;
        }
        let weights = self.trail.weights(value, trail::MOST);
        let Some((first, rest)) = weights.split_first() else { return false };
        let add = |to: &mut [f64], of: &dyn Fn(&Moment) -> &[f64]| {
            to.iter_mut().zip(of(first.1)).for_each(|(to, v)| *to = first.0 * v);
            for (weight, moment) in rest {
                to.iter_mut().zip(of(moment)).for_each(|(to, v)| *to += weight * v);
            }
        };
        add(&mut self.flows, &|m| &m.flows);
        add(&mut self.heads, &|m| &m.heads);
        true
    }
}

/// The quantity of a node, beside those of links.
pub(super) const OF_NODE: u8 = u8::MAX;

/// Which quantity of a link moved, if it is one alone, and from where to where: sizes as their
/// logarithm, of a pump that of its speed.
pub(super) fn moved(old: LinkKind, new: LinkKind) -> Option<(u8, f64, f64)> {
    let one = |pairs: &[(f64, f64)]| {
        let mut all = pairs.iter().enumerate().filter(|(_, (old, new))| old != new);
        let (which, &(old, new)) = all.next()?;
        let alone = all.next().is_none() && old > 0.0 && new > 0.0;
        alone.then(|| (which as u8, libm::log(old), libm::log(new)))
    };
    match (old, new) {
        (
            LinkKind::Pipe { length: a, diameter: b, roughness: c, minor: d },
            LinkKind::Pipe { length: e, diameter: f, roughness: g, minor: h },
        ) => one(&[(a, e), (b, f), (c, g), (d, h)]),
        (LinkKind::Pump(old), LinkKind::Pump(new)) => {
            let speed = (new.shut_off / old.shut_off).sqrt();
            let like = old.at_speed(speed);
            let same = (like.slope - new.slope).abs() <= 1e-9 * new.slope;
            (same && old.exponent == new.exponent)
                .then(|| (0, 0.5 * libm::log(old.shut_off), 0.5 * libm::log(new.shut_off)))
        }
        (LinkKind::Valve { resistance: a }, LinkKind::Valve { resistance: b })
        | (LinkKind::Check { resistance: a }, LinkKind::Check { resistance: b }) => one(&[(a, b)]),
        _ => None,
    }
}
