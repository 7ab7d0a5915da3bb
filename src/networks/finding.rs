//! What is wrong with a part of a network, in words that name its elements.

use serde::{Deserialize, Serialize};

use crate::Name;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An element without the terminals that its kind needs.
    Terminal,
    /// A quantity that is missing or impossible.
    Quantity,
    /// A quantity without a unit, or with one of another dimension.
    Unit,
    /// A part that is cut off from every source.
    Island,
    /// A network in which nothing supplies anything.
    NoSource,
    /// Sources that contradict each other.
    Conflict,
    /// A part whose level nothing fixes: pressures or voltages to earth.
    Floating,
    /// A structure that can move without resistance.
    Mechanism,
    /// More is asked for than the network can carry.
    NoSolution,
    /// A quantity that depends on itself, or devices that switch for ever.
    Cycle,
    /// A phase that is not supplied.
    Phase,
    /// A value outside of what the element or its model is made for.
    Range,
    /// More than an element may carry.
    Overload,
    /// A protective device that cannot break the fault current.
    Breaking,
    /// A voltage drop above its limit.
    Drop,
    /// A control of what is not there, or with a condition that cannot be read.
    Control,
    /// Stiffnesses so far apart that digits are lost.
    Conditioning,
    /// A limit of the program.
    Limit,
}

impl Kind {
    /// The code that diagnostics carry.
    pub const fn code(self) -> &'static str {
        match self {
            Kind::Terminal => "network-terminal",
            Kind::Quantity => "network-quantity",
            Kind::Unit => "network-unit",
            Kind::Island => "network-island",
            Kind::NoSource => "network-no-source",
            Kind::Conflict => "network-conflict",
            Kind::Floating => "network-floating",
            Kind::Mechanism => "network-mechanism",
            Kind::NoSolution => "network-no-solution",
            Kind::Cycle => "network-cycle",
            Kind::Phase => "network-phase",
            Kind::Range => "network-range",
            Kind::Overload => "network-overload",
            Kind::Breaking => "network-breaking",
            Kind::Drop => "network-drop",
            Kind::Control => "network-control",
            Kind::Conditioning => "network-conditioning",
            Kind::Limit => "network-limit",
        }
    }
}

/// How an element is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    #[default]
    Normal,
    /// Worth a look.
    Warning,
    /// Outside of what it may be.
    Critical,
    /// It does not work.
    Failed,
    /// Nothing can be said.
    Unknown,
}

impl State {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Normal => "normal",
            State::Warning => "warning",
            State::Critical => "critical",
            State::Failed => "failed",
            State::Unknown => "unknown",
        }
    }
}

/// What is wrong with a part of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// How bad it is.
    pub state: State,
    /// The elements it is about, the first one first.
    pub elements: Vec<Name>,
    /// What is wrong, with the values.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(
        kind: Kind,
        state: State,
        elements: impl IntoIterator<Item = Name>,
        message: String,
    ) -> Finding {
        Finding { kind, state, elements: elements.into_iter().collect(), message }
    }
}

/// Names in a sentence: at most five, then how many more.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a Name>) -> String {
    const TOLD: usize = 5;
    let names: Vec<&Name> = names.into_iter().collect();
    let told: Vec<&str> = names.iter().take(TOLD).map(|n| n.as_ref()).collect();
    match (told.as_slice(), names.len().saturating_sub(TOLD)) {
        ([], _) => "nothing".to_owned(),
        ([one], 0) => (*one).to_owned(),
        ([most @ .., last], 0) => format!("{} and {last}", most.join(", ")),
        (told, more) => format!("{} and {more} more", told.join(", ")),
    }
}

/// Verb and names agree: `b gets`, `b and c get`.
pub(crate) fn number<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// A value with four digits that count and without an exponent where there is no need.
pub(crate) fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let size = libm::floor(libm::log10(value.abs()));
    if !(-4.0..7.0).contains(&size) {
        return format!("{value:.3e}");
    }
    let places = (3.0 - size).max(0.0) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_four_digits() {
        for (value, text) in [
            (1152.0, "1152"),
            (0.000_123_456, "0.0001235"),
            (40.515_23, "40.52"),
            (0.0, "0"),
            (2.0, "2"),
            (-12_345_678.0, "-1.235e7"),
            (1e-9, "1.000e-9"),
            (1500.0, "1500"),
        ] {
            assert_eq!(digits(value), text);
        }
    }

    #[test]
    fn names_are_listed_in_a_sentence() {
        let names: Vec<Name> = ["a", "b", "c", "d", "e", "f", "g"].map(Name::from).to_vec();
        for (count, text) in [
            (0, "nothing"),
            (1, "a"),
            (2, "a and b"),
            (3, "a, b and c"),
            (7, "a, b, c, d, e and 2 more"),
        ] {
            assert_eq!(listed(&names[..count]), text);
        }
    }
}
