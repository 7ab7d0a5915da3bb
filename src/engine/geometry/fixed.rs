//! Millimetres in decimal fixed point: whole micrometres in an `i64`.
//!
//! Binary fractions cannot hold 10.1; whole micrometres hold every length of
//! the language's tiers exactly. A value is rounded once, from its decimal
//! digits, ties to even, so that rounding at a coarse tier never sees the
//! rounding of a finer one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use svgx_base::budget::Tier;

/// A length in whole micrometres. Prints as millimetres without trailing zeros.
///
/// ```
/// use svgx_base::budget::Tier;
/// use svgx_engine::geometry::Fixed;
///
/// let x = Fixed::from_mm(20.987654321, Tier::Ui).unwrap();
/// assert_eq!((x.to_string(), x.to_mm()), ("21".to_owned(), 21.0));
/// assert_eq!("10.1".parse::<Fixed>().unwrap().micrometres(), 10_100);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed(i64);

/// Why a number is no [`Fixed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FixedError {
    /// NaN or infinite.
    #[error("the number is not finite")]
    NotFinite,
    /// Beyond what 64 bits of micrometres hold, about 9.2 million kilometres.
    #[error("the length is beyond {MAX_MM} mm")]
    Overflow,
    /// Not a decimal number.
    #[error("not a decimal number")]
    Syntax,
}

const MAX_MM: i64 = i64::MAX / 1_000;

impl Fixed {
    /// Zero.
    pub const ZERO: Fixed = Fixed(0);

    /// The length of `um` micrometres.
    pub const fn from_micrometres(um: i64) -> Fixed {
        Fixed(um)
    }

    /// `mm` millimetres rounded at `tier`, ties to even. The number counts as
    /// the shortest decimal that names it, so 10.05 is a tie although the
    /// nearest binary fraction is not.
    ///
    /// # Errors
    /// [`FixedError::NotFinite`] and [`FixedError::Overflow`].
    pub fn from_mm(mm: f64, tier: Tier) -> Result<Fixed, FixedError> {
        if !mm.is_finite() {
            return Err(FixedError::NotFinite);
        }
        let mut text = Digits::default();
        // Writing a float into a buffer that is large enough cannot fail.
        let _ = fmt::Write::write_fmt(&mut text, format_args!("{mm:e}"));
        parse_decimal(text.as_str(), tier.decimals())
    }

    /// Reads a decimal number of millimetres and rounds it at `tier`.
    ///
    /// # Errors
    /// [`FixedError::Syntax`] and [`FixedError::Overflow`].
    pub fn parse(text: &str, tier: Tier) -> Result<Fixed, FixedError> {
        parse_decimal(text, tier.decimals())
    }

    /// Whole micrometres.
    pub const fn micrometres(self) -> i64 {
        self.0
    }

    /// Millimetres, as the float nearest to the decimal.
    pub fn to_mm(self) -> f64 {
        // Both operands are exact below 2^53 micrometres, so the quotient is
        // the correctly rounded one.
        self.0 as f64 / 1_000.0
    }

    /// This length on the grid of `tier`, ties to even.
    ///
    /// # Errors
    /// [`FixedError::Overflow`] at the very end of the range.
    pub fn round_to(self, tier: Tier) -> Result<Fixed, FixedError> {
        let step = 10_i64.pow(3 - tier.decimals());
        let (quotient, rest) = (self.0.div_euclid(step), self.0.rem_euclid(step));
        let up = rest * 2 > step || (rest * 2 == step && quotient % 2 != 0);
        (quotient + i64::from(up)).checked_mul(step).map(Fixed).ok_or(FixedError::Overflow)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`FixedError::Overflow`].
    pub fn checked_add(self, other: Fixed) -> Result<Fixed, FixedError> {
        self.0.checked_add(other.0).map(Fixed).ok_or(FixedError::Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`FixedError::Overflow`].
    pub fn checked_sub(self, other: Fixed) -> Result<Fixed, FixedError> {
        self.0.checked_sub(other.0).map(Fixed).ok_or(FixedError::Overflow)
    }
}

impl FromStr for Fixed {
    type Err = FixedError;

    fn from_str(text: &str) -> Result<Fixed, FixedError> {
        parse_decimal(text, 3)
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.unsigned_abs() / 1_000, self.0.unsigned_abs() % 1_000);
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match (rest % 10, rest % 100) {
            _ if rest == 0 => write!(f, "{whole}"),
            (_, 0) => write!(f, "{whole}.{}", rest / 100),
            (0, _) => write!(f, "{whole}.{:02}", rest / 10),
            _ => write!(f, "{whole}.{rest:03}"),
        }
    }
}

impl Serialize for Fixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_mm())
    }
}

impl<'de> Deserialize<'de> for Fixed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fixed, D::Error> {
        let mm = f64::deserialize(deserializer)?;
        Fixed::from_mm(mm, Tier::Compute).map_err(serde::de::Error::custom)
    }
}

/// A stack buffer for the digits of one float: 17 digits, sign, point, exponent.
#[derive(Default)]
struct Digits {
    bytes: [u8; 32],
    len: usize,
}

impl Digits {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl fmt::Write for Digits {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + s.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(s.as_bytes());
        self.len += s.len();
        Ok(())
    }
}

/// Reads `[+-] digits [. digits] [e [+-] digits]` as micrometres, keeping
/// `decimals` (0 to 3) decimals of a millimetre, ties to even.
fn parse_decimal(text: &str, decimals: u32) -> Result<Fixed, FixedError> {
    let text = text.trim_ascii();
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], exponent(&body[at + 1..])?),
        None => (body, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(FixedError::Syntax);
    }
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(FixedError::Syntax);
    }

    // Digits at or before `keep` count; the first one after it decides, unless
    // it is a five with only zeros behind it.
    let keep = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent);
    let keep = keep.saturating_add(i64::from(decimals));
    let mut value: i64 = 0;
    let mut next = 0;
    let mut tail = false;
    let mut read = 0_i64;
    for digit in whole.bytes().chain(fraction.bytes()).map(|b| i64::from(b - b'0')) {
        if read < keep {
            value = shift(value, digit)?;
        } else if read == keep {
            next = digit;
        } else {
            tail |= digit != 0;
        }
        read += 1;
    }
    // Trailing zeros the exponent asks for. Zero stays zero however many.
    while read < keep && value != 0 {
        value = shift(value, 0)?;
        read += 1;
    }
    if next > 5 || (next == 5 && (tail || value % 2 != 0)) {
        value = value.checked_add(1).ok_or(FixedError::Overflow)?;
    }
    let step = 10_i64.pow(3 - decimals);
    let value = value.checked_mul(step).ok_or(FixedError::Overflow)?;
    Ok(Fixed(if negative { -value } else { value }))
}

fn shift(value: i64, digit: i64) -> Result<i64, FixedError> {
    value.checked_mul(10).and_then(|v| v.checked_add(digit)).ok_or(FixedError::Overflow)
}

fn exponent(text: &str) -> Result<i64, FixedError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(FixedError::Syntax);
    }
    // An exponent of more than a few digits is beyond any range; saturate it.
    let size = digits.trim_start_matches('0');
    let size = if size.len() > 9 { 1_000_000_000 } else { size.parse().unwrap_or(0) };
    Ok(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_tier_rounds_as_the_language_says() {
        let cases = [
            (10.123456789, "10.1", "10.12", "10.123"),
            (20.987654321, "21", "20.99", "20.988"),
            (10.1, "10.1", "10.1", "10.1"),
            (-10.1, "-10.1", "-10.1", "-10.1"),
            (10.05, "10", "10.05", "10.05"),
            (10.15, "10.2", "10.15", "10.15"),
            (-0.25, "-0.2", "-0.25", "-0.25"),
            // A second rounding would make 10.05 and then 10 of this.
            (10.0500001, "10.1", "10.05", "10.05"),
            (0.0, "0", "0", "0"),
            (1e-12, "0", "0", "0"),
            (5e-324, "0", "0", "0"),
            (9e15, "9000000000000000", "9000000000000000", "9000000000000000"),
        ];
        for (mm, ui, edit, compute) in cases {
            for (tier, expected) in Tier::ALL.into_iter().zip([ui, edit, compute]) {
                let fixed = Fixed::from_mm(mm, tier).unwrap();
                assert_eq!(fixed.to_string(), expected, "{mm} at {tier}");
            }
        }
    }

    #[test]
    fn what_is_no_length_is_an_error() {
        for mm in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Fixed::from_mm(mm, Tier::Ui), Err(FixedError::NotFinite));
        }
        for text in ["1e16", "9223372036854775.808", "1e999999999999", "99999999999999999999"] {
            assert_eq!(text.parse::<Fixed>(), Err(FixedError::Overflow), "{text}");
        }
        for text in ["", ".", "-", "1.2.3", "1e", "0x10", "1,5", "NaN", "inf", "--1", "1 2"] {
            assert_eq!(text.parse::<Fixed>(), Err(FixedError::Syntax), "{text}");
        }
        let end = Fixed::from_micrometres(i64::MAX);
        assert_eq!(end.round_to(Tier::Edit), Err(FixedError::Overflow));
        assert_eq!(end.checked_add(Fixed(1)), Err(FixedError::Overflow));
    }

    #[test]
    fn zero_with_any_exponent_is_zero() {
        for text in ["0", "-0", "0e999999999999", "0.000", "1e-999999999999", ".0", "0."] {
            assert_eq!(text.parse::<Fixed>(), Ok(Fixed::ZERO), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(um: i64) {
            prop_assume!(um != i64::MIN);
            let fixed = Fixed::from_micrometres(um);
            prop_assert_eq!(fixed.to_string().parse::<Fixed>(), Ok(fixed));
        }

        #[test]
        fn a_length_of_three_decimals_comes_back_as_the_same_float(um in -1_000_000_000_000_i64..1_000_000_000_000) {
            let mm = um as f64 / 1_000.0;
            prop_assert_eq!(Fixed::from_mm(mm, Tier::Compute).unwrap().to_mm(), mm);
        }

        #[test]
        fn rounding_moves_at_most_half_a_step(mm in -1e9..1e9_f64) {
            for tier in Tier::ALL {
                let moved = Fixed::from_mm(mm, tier).unwrap().to_mm() - mm;
                prop_assert!(moved.abs() <= tier.millimetres() * 0.5 + 1e-6);
            }
        }
    }
}
