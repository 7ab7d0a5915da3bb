//! The constants of the controller, derived from the spec.

use super::time::Nanos;
use crate::spec::{Policy, Spec};
use svgx_base::budget::Class;

/// Per class, in the order of [`Class`]; batch has no objective.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassConstants {
    /// The budget.
    pub(super) budget: Nanos,
    /// Share of answers that may be outside the budget.
    pub(super) allowed: f64,
    /// Above this share the trim is lowered.
    pub(super) trim_down: f64,
    /// Below this share the trim is raised.
    pub(super) trim_up: f64,
    /// Relative cost of `[ui, edit, compute]`.
    pub(super) tier_cost: [f64; 3],
}

/// Everything the loop needs.
#[derive(Clone, Debug)]
pub(super) struct Constants {
    pub(super) classes: [ClassConstants; 3],
    pub(super) policy: Policy,
}

impl Constants {
    pub(super) fn new(spec: &Spec) -> Constants {
        let classes = [0, 1, 2].map(|index| {
            let objective = spec.objectives.get(index).unwrap_or(&spec.objectives[0]);
            let allowed = objective.target.complement().as_f64();
            ClassConstants {
                budget: objective.budget.into(),
                allowed,
                trim_down: spec.policy.trim_down_at.as_f64() * allowed,
                trim_up: spec.policy.trim_up_at.as_f64() * allowed,
                tier_cost: objective.tier_cost,
            }
        });
        Constants { classes, policy: spec.policy.clone() }
    }

    pub(super) fn class(&self, class: Class) -> Option<&ClassConstants> {
        self.classes.get(class as usize)
    }
}
