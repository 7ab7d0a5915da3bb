//! The constants of the controller, derived from the spec.

use crate::spec::{Policy, Spec};
use svgx_base::budget::Class;

/// Per class, in the order of [`Class`]; batch has no objective.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassConstants {
    /// The budget in nanoseconds.
    pub(super) budget: u64,
    /// Share of answers that may be outside the budget.
    pub(super) allowed: f64,
    /// Above this share the trim is lowered.
    pub(super) trim_down: f64,
    /// Below this share the trim is raised.
    pub(super) trim_up: f64,
    /// Largest part of the processors.
    pub(super) share: f64,
    /// Relative cost of `[ui, edit, compute]`.
    pub(super) tier_cost: [f64; 3],
}

/// Everything the loop needs.
#[derive(Clone, Debug)]
pub(super) struct Constants {
    pub(super) classes: [ClassConstants; 3],
    pub(super) policy: Policy,
}

/// The trim acts at seven tenths of the allowed share, and relaxes at four tenths.
pub(super) const TRIM_AT: (f64, f64) = (0.7, 0.4);
impl Constants {
    pub(super) fn new(spec: &Spec) -> Constants {
        let classes = [0, 1, 2].map(|index| {
            let objective = spec.objectives.get(index).unwrap_or(&spec.objectives[0]);
            let allowed = objective.target.complement().as_f64();
            ClassConstants {
                budget: u64::try_from(objective.budget.as_nanos()).unwrap_or(u64::MAX),
                allowed,
                trim_down: TRIM_AT.0 * allowed,
                trim_up: TRIM_AT.1 * allowed,
                share: objective.share,
                tier_cost: objective.tier_cost,
            }
        });
        Constants { classes, policy: spec.policy.clone() }
    }

    pub(super) fn class(&self, class: Class) -> Option<&ClassConstants> {
        self.classes.get(class as usize)
    }
}
