//! Laws of sound and radio as functions: each has arguments in units, a result in one, and its
//! steps in postfix, so that it becomes instructions like any other formula.

use super::code::Op;

/// A law.
#[derive(Debug, PartialEq)]
pub(super) struct Law {
    /// What each argument is, and the unit it is brought to; none for a plain number.
    pub(super) arguments: &'static [(&'static str, &'static str)],
    /// The unit of the result.
    pub(super) result: &'static str,
    /// How it is computed.
    pub(super) steps: &'static [Step],
}

/// A step of a law: a value, or an operation on the last one or two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// An argument.
    Argument(u8),
    /// A number.
    Number(f64),
    /// An operation on the last value.
    One(Op),
    /// An operation on the last two values.
    Two(Op),
}

/// How many values a law holds at a time, beside its arguments.
pub(in crate::behavior) const HELD: usize = 8;

/// Speed of sound in air of 20 °C, m/s, and of light.
const SOUND: f64 = 343.0;
const LIGHT: f64 = 299_792_458.0;

/// Of the reverberation time, s/m (24 ln 10 by the speed of sound, as standards round it).
const SABINE: f64 = 0.161;

use Step::{Argument as A, Number as N, One, Two};
const ADD: Step = Two(Op::Add);
const LESS: Step = Two(Op::Subtract);
const TIMES: Step = Two(Op::Multiply);
const BY: Step = Two(Op::Divide);
const LOG: Step = One(Op::Log10);
const SQUARE: Step = One(Op::Square);

const VOLUME: (&str, &str) = ("a volume", "m^3");
const DISTANCE: (&str, &str) = ("a distance", "m");
const POWER_LEVEL: (&str, &str) = ("a sound power level", "dB");
const DIRECTIVITY: (&str, &str) = ("a directivity", "");
const COUNT: (&str, &str) = ("a number of half waves", "");

/// Reverberation time (Sabine 1900): volume, absorption area.
pub(super) static SABINE_TIME: Law = Law {
    arguments: &[VOLUME, ("an absorption area", "m^2")],
    result: "s",
    steps: &[A(0), N(SABINE), TIMES, A(1), BY],
};

/// Reverberation time (Eyring 1930): volume, surface, mean absorption coefficient.
pub(super) static EYRING_TIME: Law = Law {
    arguments: &[VOLUME, ("a surface", "m^2"), ("a mean absorption", "")],
    result: "s",
    steps: &[A(0), N(-SABINE), TIMES, A(1), A(2), One(Op::Negate), One(Op::Log1p), TIMES, BY],
};

/// Sound pressure level in the free field: power level, directivity (2 on a floor), distance.
pub(super) static SOUND_LEVEL: Law = Law {
    arguments: &[POWER_LEVEL, DIRECTIVITY, DISTANCE],
    result: "dB",
    steps: &[
        A(1),
        A(2),
        SQUARE,
        N(4.0 * std::f64::consts::PI),
        TIMES,
        BY,
        LOG,
        N(10.0),
        TIMES,
        A(0),
        ADD,
    ],
};

/// The same in a room of a room constant `A / (1 - a)`.
pub(super) static ROOM_LEVEL: Law = Law {
    arguments: &[POWER_LEVEL, DIRECTIVITY, DISTANCE, ("a room constant", "m^2")],
    result: "dB",
    steps: &[
        A(1),
        A(2),
        SQUARE,
        N(4.0 * std::f64::consts::PI),
        TIMES,
        BY,
        N(4.0),
        A(3),
        BY,
        ADD,
        LOG,
        N(10.0),
        TIMES,
        A(0),
        ADD,
    ],
};

/// A standing wave of a room: its three sides, and the half waves along each.
pub(super) static ROOM_MODE: Law = Law {
    arguments: &[DISTANCE, DISTANCE, DISTANCE, COUNT, COUNT, COUNT],
    result: "Hz",
    steps: &[
        A(3),
        A(0),
        BY,
        SQUARE,
        A(4),
        A(1),
        BY,
        SQUARE,
        ADD,
        A(5),
        A(2),
        BY,
        SQUARE,
        ADD,
        One(Op::Sqrt),
        N(SOUND / 2.0),
        TIMES,
    ],
};

/// Loss of radio in free space (Friis 1946): frequency, distance.
pub(super) static FREE_SPACE: Law = Law {
    arguments: &[("a frequency", "Hz"), DISTANCE],
    result: "dB",
    steps: &[A(0), A(1), TIMES, N(4.0 * std::f64::consts::PI / LIGHT), TIMES, LOG, N(20.0), TIMES],
};

/// Loss over flat ground far away, by two rays: distance, heights of both antennas.
pub(super) static TWO_RAY: Law = Law {
    arguments: &[DISTANCE, ("a height", "m"), ("a height", "m")],
    result: "dB",
    steps: &[A(0), LOG, N(40.0), TIMES, A(1), A(2), TIMES, LOG, N(20.0), TIMES, LESS],
};

/// Median loss in a small or medium town (Hata 1980): frequency, distance, heights of the base
/// and of the mobile. Made for 150 to 1500 MHz and 1 to 20 km.
pub(super) static HATA: Law = Law {
    arguments: &[
        ("a frequency", "MHz"),
        ("a distance", "km"),
        ("the height of the base", "m"),
        ("the height of the mobile", "m"),
    ],
    result: "dB",
    steps: &[
        // 69.55 + 26.16 log f - 13.82 log hb
        A(0),
        LOG,
        N(26.16),
        TIMES,
        N(69.55),
        ADD,
        A(2),
        LOG,
        N(13.82),
        TIMES,
        LESS,
        // - ((1.1 log f - 0.7) hm - (1.56 log f - 0.8))
        A(0),
        LOG,
        N(1.1),
        TIMES,
        N(0.7),
        LESS,
        A(3),
        TIMES,
        LESS,
        A(0),
        LOG,
        N(1.56),
        TIMES,
        N(0.8),
        LESS,
        ADD,
        // + (44.9 - 6.55 log hb) log d
        N(44.9),
        A(2),
        LOG,
        N(6.55),
        TIMES,
        LESS,
        A(1),
        LOG,
        TIMES,
        ADD,
    ],
};

/// Loss inside of buildings (ITU-R P.1238): frequency, distance, the coefficient of distance,
/// and the loss of the floors between.
pub(super) static INDOOR: Law = Law {
    arguments: &[
        ("a frequency", "MHz"),
        DISTANCE,
        ("a coefficient of distance", ""),
        ("a loss of floors", "dB"),
    ],
    result: "dB",
    steps: &[A(0), LOG, N(20.0), TIMES, A(1), LOG, A(2), TIMES, ADD, A(3), ADD, N(28.0), LESS],
};

/// The level of several sources together, argument by argument: `10 log10(sum of 10^(L/10))`.
pub(super) const LEVEL: &str = "dB";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_every_law_leave_one_value_and_hold_no_more_than_they_may() {
        for law in [
            &SABINE_TIME,
            &EYRING_TIME,
            &SOUND_LEVEL,
            &ROOM_LEVEL,
            &ROOM_MODE,
            &FREE_SPACE,
            &TWO_RAY,
            &HATA,
            &INDOOR,
        ] {
            let mut held = 0usize;
            for step in law.steps {
                held = match step {
                    A(k) => {
                        assert!(usize::from(*k) < law.arguments.len());
                        held + 1
                    }
                    N(_) => held + 1,
                    One(_) => held,
                    Two(_) => held - 1,
                };
                assert!((1..=HELD).contains(&held), "{law:?}");
            }
            assert_eq!(held, 1, "{law:?}");
            assert!(matches!(law.steps.last(), Some(One(_) | Two(_))), "{law:?}");
        }
    }
}
