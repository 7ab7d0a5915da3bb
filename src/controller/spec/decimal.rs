//! Decimal numbers as they were written: `0.95` stays ninety-five hundredths.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A decimal number, exact: `digits / 10^scale`.
///
/// Objectives and thresholds are compared and printed, so a binary fraction
/// that is nearly what was written is not good enough.
#[derive(Clone, Copy)]
pub struct Decimal {
    digits: i64,
    scale: u8,
}

impl Decimal {
    /// `digits / 10^scale`.
    pub const fn new(digits: i64, scale: u8) -> Decimal {
        Decimal { digits, scale }
    }

    /// The nearest binary fraction.
    pub fn as_f64(self) -> f64 {
        // Parsing the text is correctly rounded; dividing would round twice.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// `1 - self`, exactly.
    #[must_use]
    pub fn complement(self) -> Decimal {
        let one = 10i64.checked_pow(u32::from(self.scale)).unwrap_or(i64::MAX);
        Decimal { digits: one.saturating_sub(self.digits), scale: self.scale }
    }

    /// `self * other`, exactly, or `None` when it does not fit 18 digits.
    pub fn product(self, other: Decimal) -> Option<Decimal> {
        let digits = self.digits.checked_mul(other.digits)?;
        Some(Decimal { digits, scale: self.scale.checked_add(other.scale)? }.reduced())
    }

    fn reduced(mut self) -> Decimal {
        while self.scale > 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Decimal) -> bool {
        let (a, b) = (self.reduced(), other.reduced());
        a.digits == b.digits && a.scale == b.scale
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> std::cmp::Ordering {
        let up = |d: Decimal, to: u8| {
            i128::from(d.digits) * 10i128.pow(u32::from(to.saturating_sub(d.scale)))
        };
        let to = self.scale.max(other.scale);
        up(*self, to).cmp(&up(*other, to))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let text = format!("{:0>width$}", self.digits.unsigned_abs(), width = scale + 1);
        let (whole, part) = text.split_at(text.len() - scale);
        match part.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            part => write!(f, "{sign}{whole}.{part}"),
        }
    }
}

/// Text that is no decimal number of at most 18 digits.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0:?} is not a decimal number of at most 18 digits")]
pub struct NotDecimal(String);

impl FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(s: &str) -> Result<Decimal, NotDecimal> {
        let wrong = || NotDecimal(s.chars().take(40).collect());
        let (sign, body) = s.strip_prefix('-').map_or((1, s), |rest| (-1, rest));
        let (whole, part) = body.split_once('.').unwrap_or((body, ""));
        let count = whole.len() + part.len();
        let digits_only = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || count > 18 || !digits_only(whole) || !digits_only(part) {
            return Err(wrong());
        }
        let digits: i64 = format!("{whole}{part}").parse().map_err(|_| wrong())?;
        let scale = u8::try_from(part.len()).map_err(|_| wrong())?;
        Ok(Decimal { digits: sign * digits, scale })
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn a_decimal_comes_back_as_it_was_written() {
        for (text, shown) in [("0.95", "0.95"), ("16", "16"), ("0.80", "0.8"), ("-0.05", "-0.05")] {
            assert_eq!(decimal(text).to_string(), shown);
        }
    }

    #[test]
    fn one_minus_a_target_is_exact() {
        assert_eq!(decimal("0.999").complement(), decimal("0.001"));
        assert_eq!(decimal("0.95").complement().to_string(), "0.05");
    }

    #[test]
    fn decimals_compare_across_scales() {
        assert!(decimal("0.5") < decimal("0.51"));
        assert_eq!(decimal("0.50"), decimal("0.5"));
        assert_eq!(decimal("14.4").product(decimal("0.005")), Some(decimal("0.072")));
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", ".", ".5", "1e3", "NaN", "1,5", "--1", "1234567890123456789"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }
}
