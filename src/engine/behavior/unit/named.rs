//! What a dimension is called, for messages: nobody reads `m^2*kg*s^-3*A^-1` as a voltage.

use super::table::TABLE;
use super::{Dimension, Unit};

/// Exponents of m, kg, s, A, K, cd, mol and dB, and the name of the quantity.
const NAMES: &[([i8; 8], &str)] = &[
    ([1, 0, 0, 0, 0, 0, 0, 0], "a length"),
    ([2, 0, 0, 0, 0, 0, 0, 0], "an area"),
    ([3, 0, 0, 0, 0, 0, 0, 0], "a volume"),
    ([0, 1, 0, 0, 0, 0, 0, 0], "a mass"),
    ([0, 0, 1, 0, 0, 0, 0, 0], "a time"),
    ([0, 0, -1, 0, 0, 0, 0, 0], "a frequency"),
    ([0, 0, 0, 0, 1, 0, 0, 0], "a temperature"),
    ([0, 0, 0, 0, 0, 0, 1, 0], "an amount of substance"),
    ([0, 0, 0, 0, 0, 0, 0, 1], "a level"),
    ([1, 0, -1, 0, 0, 0, 0, 0], "a speed"),
    ([1, 0, -2, 0, 0, 0, 0, 0], "an acceleration"),
    ([3, 0, -1, 0, 0, 0, 0, 0], "a flow"),
    ([0, 1, -1, 0, 0, 0, 0, 0], "a mass flow"),
    ([-3, 1, 0, 0, 0, 0, 0, 0], "a density"),
    ([1, 1, -2, 0, 0, 0, 0, 0], "a force"),
    ([-1, 1, -2, 0, 0, 0, 0, 0], "a pressure"),
    ([0, 1, -2, 0, 0, 0, 0, 0], "a force per length"),
    ([2, 1, -2, 0, 0, 0, 0, 0], "an energy"),
    ([2, 1, -3, 0, 0, 0, 0, 0], "a power"),
    ([0, 1, -3, 0, 0, 0, 0, 0], "a power per area"),
    ([0, 0, 0, 1, 0, 0, 0, 0], "a current"),
    ([2, 1, -3, -1, 0, 0, 0, 0], "a voltage"),
    ([2, 1, -3, -2, 0, 0, 0, 0], "a resistance"),
    ([-2, -1, 3, 2, 0, 0, 0, 0], "a conductance"),
    ([-2, -1, 4, 2, 0, 0, 0, 0], "a capacitance"),
    ([2, 1, -2, -2, 0, 0, 0, 0], "an inductance"),
    ([0, 0, 1, 1, 0, 0, 0, 0], "a charge"),
    ([0, 1, -2, -1, 0, 0, 0, 0], "a magnetic flux density"),
    ([2, 1, -2, -1, 0, 0, 0, 0], "a magnetic flux"),
    ([0, 0, 0, 0, 0, 1, 0, 0], "a luminous flux"),
    ([-2, 0, 0, 0, 0, 1, 0, 0], "an illuminance"),
];

impl Unit {
    /// The quantity that is measured in this unit, with its article: "a voltage". `None` where
    /// there is no usual name.
    pub(crate) fn measures(&self) -> Option<&'static str> {
        if self.dimension == Dimension::NONE {
            return Some(if self.has_angle() { "an angle" } else { "a ratio" });
        }
        if self.dimension == super::table::FREQUENCY && self.has_angle() {
            return Some("a speed of turning");
        }
        let used = &self.terms[..usize::from(self.len.unwrap_or(0))];
        if let [only] = used
            && matches!(TABLE[usize::from(only.entry)].symbol, "Nm" | "Nmm")
            && self.dimension == super::table::ENERGY
        {
            return Some("a torque");
        }
        NAMES.iter().find(|(exponents, _)| *exponents == self.dimension.0).map(|(_, name)| *name)
    }
}
