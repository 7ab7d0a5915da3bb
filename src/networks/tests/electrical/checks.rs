//! Checks against formulas.

use crate::near;
use svgx_networks::State;
use svgx_networks::electrical::checks::{
    Circuitry, Verdict, breaker, drop_single_phase, drop_three_phase, imbalance,
    imbalance_of_sequences, imbalance_state,
};
use svgx_networks::electrical::feeder::polar;

#[test]
fn drops_and_imbalances_have_their_formulas() {
    near("single phase", drop_single_phase(8.87e-3, 0.1e-3, 25.0, 16.0, 0.9), 6.421_271_192, 1e-9);
    near("three phases", drop_three_phase(0.32e-3, 0.08e-3, 60.0, 150.0, 0.85), 4.896_998_73, 1e-8);
    near("mean", imbalance(&[230.1, 226.3, 233.9]), 0.016_514_558_89, 1e-9);
    let degrees = |size: f64, angle: f64| polar(size, angle.to_radians());
    let v = [degrees(230.0, 0.0), degrees(225.0, -121.0), degrees(233.0, 119.0)];
    near("sequences", imbalance_of_sequences(v), 0.004_462_013_881, 1e-9);
    for (value, state) in [(0.05, State::Normal), (0.1, State::Warning), (0.2, State::Critical)] {
        assert_eq!(imbalance_state(value), state);
    }
}

#[test]
fn protection_is_compared_with_what_flows_and_what_it_protects() {
    let ratings = [30.0, 35.0, 40.0, 45.0, 50.0];
    assert_eq!((breaker(34.0, &ratings), breaker(400.0, &ratings)), (Some(45.0), None));
    use State::{Critical, Failed, Normal, Unknown, Warning};
    // Current, conductor, breaker, what it breaks, fault.
    for (current, ampacity, breaker, breaking, fault, verdict) in [
        (10.0, Some(20.0), Some(16.0), Some(10e3), Some(6e3), [Normal, Normal, Normal]),
        (17.0, Some(20.0), Some(16.0), Some(10e3), Some(15.1e3), [Warning, Critical, Failed]),
        (21.0, Some(20.0), Some(25.0), None, Some(1e3), [Critical, Failed, Unknown]),
        (1.0, None, None, Some(1e3), None, [Unknown, Unknown, Unknown]),
    ] {
        let found = Circuitry { current, ampacity, breaker, breaking, fault }.verdict();
        let [ampacity, breaker, breaking] = verdict;
        assert_eq!(found, Verdict { ampacity, breaker, breaking });
    }
}
