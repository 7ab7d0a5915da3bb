//! Checks of conductors and protection. Capacities are the caller's: no table of a code is here.

use super::feeder::Phase;
use crate::State;

/// The drop along a single-phase pair, V: Ω/m of one conductor, m, A, power factor.
pub fn drop_single_phase(r: f64, x: f64, length: f64, current: f64, power_factor: f64) -> f64 {
    2.0 * length * current * (r * power_factor + x * sine(power_factor))
}

/// The drop between phases of a balanced three-phase line, V.
pub fn drop_three_phase(r: f64, x: f64, length: f64, current: f64, power_factor: f64) -> f64 {
    3f64.sqrt() * length * current * (r * power_factor + x * sine(power_factor))
}

fn sine(cosine: f64) -> f64 {
    libm::sqrt((1.0 - cosine * cosine).max(0.0))
}

/// The largest deviation from the mean by the mean (NEMA MG 1).
pub fn imbalance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    if mean == 0.0 {
        return 0.0;
    }
    values.iter().fold(0.0f64, |m, v| m.max((v - mean).abs())) / mean.abs()
}

/// Negative by positive sequence of three voltages or currents (IEC 61000-4-30).
pub fn imbalance_of_sequences(v: [Phase; 3]) -> f64 {
    let a = Phase::new(-0.5, 3f64.sqrt() / 2.0);
    let positive = v[0] + a * v[1] + a * a * v[2];
    let negative = v[0] + a * a * v[1] + a * v[2];
    if positive.norm() == 0.0 { 0.0 } else { negative.norm() / positive.norm() }
}

/// How an imbalance is: a warning from 10 %, critical from 20 %.
pub fn imbalance_state(imbalance: f64) -> State {
    match imbalance {
        i if i >= 0.2 => State::Critical,
        i if i >= 0.1 => State::Warning,
        _ => State::Normal,
    }
}

/// The next larger of standard ratings for a continuous load, whose 125 % it has to carry.
pub fn breaker(continuous: f64, ratings: &[f64]) -> Option<f64> {
    let fits = ratings.iter().copied().filter(|&r| r >= 1.25 * continuous);
    fits.min_by(f64::total_cmp)
}

/// A conductor, its protection and what flows: all A.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circuitry {
    /// What flows.
    pub current: f64,
    /// What the conductor may carry.
    pub ampacity: Option<f64>,
    /// What its breaker is set to.
    pub breaker: Option<f64>,
    /// What its breaker can break.
    pub breaking: Option<f64>,
    /// The fault current where it begins.
    pub fault: Option<f64>,
}

/// How a conductor and its protection are, one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What flows against what the conductor carries: a warning from 80 %.
    pub ampacity: State,
    /// What flows against the breaker, and the breaker against the conductor.
    pub breaker: State,
    /// The fault current against what the breaker can break.
    pub breaking: State,
}

impl Circuitry {
    /// How they are; what is not known is [`State::Unknown`].
    pub fn verdict(&self) -> Verdict {
        let load = |limit: f64| match self.current / limit {
            u if u > 1.0 => State::Critical,
            u if u > 0.8 => State::Warning,
            _ => State::Normal,
        };
        let ampacity = self.ampacity.map_or(State::Unknown, load);
        let breaker = match (self.breaker, self.ampacity) {
            // A breaker above the conductor does not protect it.
            (Some(b), Some(a)) if b > a => State::Failed,
            (Some(b), _) => load(b),
            (None, _) => State::Unknown,
        };
        let breaking = match (self.breaking, self.fault) {
            (Some(b), Some(f)) => {
                if f > b {
                    State::Failed
                } else {
                    State::Normal
                }
            }
            _ => State::Unknown,
        };
        Verdict { ampacity, breaker, breaking }
    }
}
