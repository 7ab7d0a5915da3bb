//! What could have been answered at best: the strict-priority fluid bound.

use std::collections::BTreeMap;

use serde::Serialize;

use svgx_base::budget::Class;

/// Processor seconds one answer costs, end to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AnswerCost {
    /// At the tier that is asked for.
    pub full: f64,
    /// At the cheapest tier.
    pub cheapest: f64,
}

/// Answers a second of each class when `processors` are filled with the more urgent class
/// first, physics at its cheapest tier: no controller that does not know sizes can do better.
pub(super) fn ideal(
    offered: &BTreeMap<Class, f64>,
    costs: &BTreeMap<Class, AnswerCost>,
    processors: f64,
) -> BTreeMap<Class, f64> {
    let mut left = processors.max(0.0);
    let mut answers = BTreeMap::new();
    // A map goes through its classes in order, and the more urgent class is the smaller.
    for (class, rate) in offered {
        let cost = costs.get(class).copied().unwrap_or_default();
        let least = cost.cheapest.min(cost.full);
        let most = if least > 0.0 { left / least } else { f64::INFINITY };
        let served = rate.min(most);
        left = (left - served * least).max(0.0);
        answers.insert(*class, served);
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_urgent_class_is_served_first_and_the_rest_shares_what_is_left() {
        let cost = |full, cheapest| AnswerCost { full, cheapest };
        let costs = BTreeMap::from([
            (Class::Ui, cost(0.001, 0.001)),
            (Class::Redraw, cost(0.004, 0.004)),
            (Class::Physics, cost(0.030, 0.005)),
        ]);
        let offered =
            BTreeMap::from([(Class::Ui, 1000.0), (Class::Redraw, 150.0), (Class::Physics, 200.0)]);
        let best = ideal(&offered, &costs, 2.0);
        assert_eq!(best[&Class::Ui], 1000.0);
        assert_eq!(best[&Class::Redraw], 150.0);
        assert!((best[&Class::Physics] - 80.0).abs() < 1e-9);
        let scarce = ideal(&offered, &costs, 0.5);
        assert_eq!((scarce[&Class::Ui], scarce[&Class::Redraw]), (500.0, 0.0));
    }
}
