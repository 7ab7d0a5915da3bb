//! What the checker knows of a value: its type, its unit, and how it came about.

use crate::behavior::unit::{Dimension, Unit, nearly};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::behavior) enum Type {
    /// A truth value.
    Boolean,
    /// A number nobody gave a unit; a literal takes one without comment.
    Number { literal: bool },
    /// A number in a unit.
    Quantity(Measure),
}

/// The unit of a value, and what is known of how it came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::behavior) struct Measure {
    pub(in crate::behavior) unit: Unit,
    /// Literal factors it was divided by: maybe a conversion by hand.
    pub(super) hand: Hand,
    /// How many absolute temperatures are in it: 1 for one, 0 for a difference,
    /// NaN when unknown. Meaningful for temperatures only.
    pub(super) weight: f64,
    /// A value in K was taken for a difference because it was added to one in C or F.
    pub(super) assumed: bool,
}

impl Measure {
    pub(super) fn new(unit: Unit, weight: f64) -> Measure {
        Measure { unit, hand: Hand::NONE, weight, assumed: false }
    }
}

/// The literal factors that a value was divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hand {
    /// Powers of 1000 alone: nothing else is a conversion between prefixes.
    pub(super) thousands: f64,
    /// All of them: between angles and cycles, 2, pi and 60 are.
    pub(super) all: f64,
}

impl Hand {
    pub(super) const NONE: Hand = Hand { thousands: 1.0, all: 1.0 };

    /// After a multiplication by `factor`; NaN where it is not a literal.
    pub(super) fn scaled(self, factor: f64) -> Hand {
        if factor.is_nan() {
            return self;
        }
        Hand { thousands: self.thousands * thousands(factor), all: self.all / factor }
    }

    pub(super) fn times(self, other: Hand, divide: bool) -> Hand {
        if divide {
            Hand { thousands: self.thousands / other.thousands, all: self.all / other.all }
        } else {
            Hand { thousands: self.thousands * other.thousands, all: self.all * other.all }
        }
    }
}

impl Type {
    /// The type of an input in `unit`; a temperature if `temperature`.
    pub(in crate::behavior) fn of(unit: &Unit, temperature: bool) -> Type {
        if unit.is_one() {
            return Type::Number { literal: false };
        }
        let absolute = temperature || unit.dimension() == Dimension::TEMPERATURE;
        Type::Quantity(Measure::new(*unit, if absolute { 1.0 } else { 0.0 }))
    }

    /// The unit a value of this type is in; `None` for booleans.
    pub(in crate::behavior) fn unit(&self) -> Option<&Unit> {
        match self {
            Type::Boolean => None,
            Type::Number { .. } => Some(&Unit::ONE),
            Type::Quantity(m) => Some(&m.unit),
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Type::Boolean => "a condition".to_owned(),
            Type::Number { .. } => "a plain number".to_owned(),
            Type::Quantity(m) if m.unit.is_one() => "a ratio without unit".to_owned(),
            Type::Quantity(m) => format!("in {}", m.unit),
        }
    }
}

pub(super) const RATIO: Type =
    Type::Quantity(Measure { unit: Unit::ONE, hand: Hand::NONE, weight: 0.0, assumed: false });

/// The reciprocal of a literal power of 1000; 1 for every other number.
fn thousands(factor: f64) -> f64 {
    const POWERS: [f64; 8] = [1e3, 1e6, 1e9, 1e12, 1e-3, 1e-6, 1e-9, 1e-12];
    if POWERS.iter().any(|&p| nearly(p, factor)) { 1.0 / factor } else { 1.0 }
}

/// A temperature that came out of a product is absolute (`p * V / (n * R)`) or a
/// difference (`heat / (flow * cp)`); nothing tells which.
pub(super) fn temperature(unit: &Unit) -> f64 {
    if unit.is_temperature() { f64::NAN } else { 0.0 }
}
