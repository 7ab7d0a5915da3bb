//! Units and their dimensions: the one table of the project.
//!
//! A unit is a product of powers of table entries, such as `W/m^2` or
//! `m^2*K/W`. Its [`Dimension`] is a vector of exponents over the SI base
//! quantities (SI Brochure, 9th edition, section 2.3); two units convert into
//! each other when their dimensions are equal.
//!
//! What was decided:
//! - Angles are dimensionless, as in the SI: `rad` is 1 and `deg` is pi/180.
//!   So are steradians, hence `lm` and `cd` share a dimension, and `%` is 0.01.
//! - Beside `Hz` an angle counts turns: 60 rpm, 1 rev/s and 2 pi rad/s are 1 Hz.
//!   A plain `1/s` is either, and converts to both with the factor 1.
//! - `dB` is a dimension of its own: levels add, they are no ratios.
//! - `VA`, `W` and `var` share a dimension; none is refused where another is expected.
//! - `C` and `F` alone are temperatures on a scale with its own zero and convert
//!   with the offset. Inside a compound unit (`W/(m^2*C)`) they are differences.
//!   `K` is both: its zero is the absolute one.
//! - Symbols are case-sensitive (`mW` is not `MW`); the usual words (`lumens`,
//!   `ohms`, `watt`) are accepted.
//!
//! ```
//! use svgx_engine::behavior::unit::{Unit, convert};
//!
//! let kilowatt: Unit = "kW".parse().unwrap();
//! let product: Unit = "V*A".parse().unwrap();
//! assert_eq!(convert(48_000.0, &product, &kilowatt).unwrap(), 48.0);
//! assert_eq!(convert(22.0, &"C".parse().unwrap(), &"F".parse().unwrap()).unwrap(), 71.6);
//! ```

mod named;
mod parse;
mod table;

use std::fmt;

pub use parse::{Literal, ParseUnitError, quantity, suggest};
pub(crate) use parse::{edits, number_end};
use table::{FREQUENCY, PREFIXES, TABLE};

/// Exponents over the SI base quantities, and over logarithmic levels (dB).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dimension([i8; 8]);

impl Dimension {
    /// No dimension: a plain number, a ratio, an angle.
    pub const NONE: Dimension = Dimension([0; 8]);
    /// Metres.
    pub const LENGTH: Dimension = Dimension([1, 0, 0, 0, 0, 0, 0, 0]);
    /// Kilograms.
    pub const MASS: Dimension = Dimension([0, 1, 0, 0, 0, 0, 0, 0]);
    /// Seconds.
    pub const TIME: Dimension = Dimension([0, 0, 1, 0, 0, 0, 0, 0]);
    /// Amperes.
    pub const CURRENT: Dimension = Dimension([0, 0, 0, 1, 0, 0, 0, 0]);
    /// Kelvins.
    pub const TEMPERATURE: Dimension = Dimension([0, 0, 0, 0, 1, 0, 0, 0]);
    /// Candelas, and lumens.
    pub const LUMINOUS: Dimension = Dimension([0, 0, 0, 0, 0, 1, 0, 0]);
    /// Moles.
    pub const AMOUNT: Dimension = Dimension([0, 0, 0, 0, 0, 0, 1, 0]);
    /// Decibels: a logarithm of a ratio, which adds where ratios multiply.
    pub const LEVEL: Dimension = Dimension([0, 0, 0, 0, 0, 0, 0, 1]);
    /// Newtons.
    pub const FORCE: Dimension = Dimension([1, 1, -2, 0, 0, 0, 0, 0]);

    /// The dimension of `a^power * b`; `None` when an exponent leaves -128..=127.
    fn times(self, other: Dimension, power: i32) -> Option<Dimension> {
        let mut out = self.0;
        for (o, e) in out.iter_mut().zip(other.0) {
            *o = i8::try_from(i32::from(*o) + i32::from(e).checked_mul(power)?).ok()?;
        }
        Some(Dimension(out))
    }

    /// The dimension of the `n`-th root; `None` if an exponent is no multiple of `n`.
    fn root(self, n: i8) -> Option<Dimension> {
        let mut out = self.0;
        for o in &mut out {
            if n == 0 || *o % n != 0 {
                return None;
            }
            *o /= n;
        }
        Some(Dimension(out))
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BASE: [&str; 8] = ["m", "kg", "s", "A", "K", "cd", "mol", "dB"];
        let mut first = true;
        for (symbol, exponent) in BASE.iter().zip(self.0) {
            if exponent != 0 {
                if !std::mem::take(&mut first) {
                    f.write_str("*")?;
                }
                f.write_str(symbol)?;
                if exponent != 1 {
                    write!(f, "^{exponent}")?;
                }
            }
        }
        if first { f.write_str("1") } else { Ok(()) }
    }
}

/// One factor of a unit: a table entry, a prefix, an exponent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Term {
    entry: u8,
    prefix: u8,
    exponent: i8,
}

const TERMS: usize = 6;

/// A unit: how many SI coherent units one of it is, and how it is written.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    dimension: Dimension,
    scale: f64,
    /// What is added to a number in this unit before it is scaled: 273.15 for C.
    zero: f64,
    terms: [Term; TERMS],
    /// How many terms are in use; `None`: too many to write, only the dimension is known.
    len: Option<u8>,
    turning: Turning,
}

/// How often a unit contains an angle (`rad`, `rev`, `rpm`) and a count of turns or
/// cycles (`Hz`). Both are dimensionless, but one turn is `2 pi` of the former and 1 of
/// the latter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::behavior) struct Turning {
    angles: i8,
    cycles: i8,
}

impl Turning {
    pub(super) const NONE: Turning = Turning { angles: 0, cycles: 0 };
    pub(super) const ANGLE: Turning = Turning { angles: 1, cycles: 0 };
    pub(super) const CYCLE: Turning = Turning { angles: 0, cycles: 1 };

    fn times(self, other: Turning, power: i8) -> Option<Turning> {
        let sum = |a: i8, b: i8| a.checked_add(b.checked_mul(power)?);
        Some(Turning {
            angles: sum(self.angles, other.angles)?,
            cycles: sum(self.cycles, other.cycles)?,
        })
    }

    fn root(self, n: i8) -> Turning {
        if self.angles % n == 0 && self.cycles % n == 0 {
            Turning { angles: self.angles / n, cycles: self.cycles / n }
        } else {
            Turning::NONE
        }
    }

    /// The factor from an angle to the cycles that replace it: 1 where none does.
    fn factor(self, to: Turning) -> f64 {
        let angles = i32::from(self.angles) - i32::from(to.angles);
        let cycles = i32::from(to.cycles) - i32::from(self.cycles);
        if angles == cycles { libm::pow(std::f64::consts::TAU, f64::from(-angles)) } else { 1.0 }
    }
}

impl Unit {
    /// The unit of a plain number.
    pub const ONE: Unit = Unit {
        dimension: Dimension::NONE,
        scale: 1.0,
        zero: 0.0,
        terms: [Term { entry: 0, prefix: 0, exponent: 0 }; TERMS],
        len: Some(0),
        turning: Turning::NONE,
    };

    /// The radian: dimensionless, but written.
    pub fn radian() -> Unit {
        Unit::named("rad")
    }

    /// The kelvin.
    pub fn kelvin() -> Unit {
        Unit::named("K")
    }

    /// The second.
    pub(crate) fn second() -> Unit {
        Unit::named("s")
    }

    /// The degree Celsius.
    pub(crate) fn celsius() -> Unit {
        Unit::named("C")
    }

    fn named(symbol: &str) -> Unit {
        TABLE.iter().position(|e| e.symbol == symbol).map_or(Unit::ONE, |at| Unit::of(at, 0))
    }

    fn of(entry: usize, prefix: usize) -> Unit {
        let (e, p) = (&TABLE[entry], &PREFIXES[prefix]);
        let mut terms = [Term::default(); TERMS];
        terms[0] = Term { entry: entry as u8, prefix: prefix as u8, exponent: 1 };
        let scale = if prefix == 0 { e.scale } else { tidy(e.scale * p.scale) };
        Unit {
            dimension: e.dimension,
            scale,
            zero: e.zero,
            terms,
            len: Some(1),
            turning: e.turning,
        }
    }

    /// The dimension.
    pub fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// How many SI coherent units (m, kg, s, A, K, cd, W, Pa ...) one of this unit is.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The number this unit's scale calls zero lies this many of it above the absolute zero.
    pub fn zero(&self) -> f64 {
        self.zero
    }

    /// Whether this is a temperature on a scale with a zero of its own (`C`, `F`).
    pub fn is_affine(&self) -> bool {
        self.zero != 0.0
    }

    /// Whether this is exactly the plain number's unit.
    pub fn is_one(&self) -> bool {
        self.len == Some(0) && self.dimension == Dimension::NONE && self.scale == 1.0
    }

    /// Whether it is written as one unit: `kW`, `%`, `deg`; not `kW/W`, `m^2`.
    pub(crate) fn is_written(&self) -> bool {
        self.len == Some(1) && self.terms[0].exponent == 1
    }

    /// The unit of differences: `C` becomes `K`, `F` loses its zero.
    pub(crate) fn as_difference(&self) -> Unit {
        match self.zero {
            0.0 => *self,
            _ if self.scale == 1.0 => Unit::kelvin(),
            _ => Unit { zero: 0.0, ..*self },
        }
    }

    /// Whether a number in one needs no conversion to be a number in the other.
    pub fn same_measure(&self, other: &Unit) -> bool {
        self.dimension == other.dimension
            && nearly(self.scale * self.turning.factor(other.turning), other.scale)
            && nearly(self.zero, other.zero)
    }

    /// `self * other^power`; `None` when exponents or scale leave their range.
    pub fn times(&self, other: &Unit, power: i8) -> Option<Unit> {
        let dimension = self.dimension.times(other.dimension, i32::from(power))?;
        let scale = tidy(self.scale * libm::pow(other.scale, f64::from(power)));
        if !(scale.is_finite() && scale > 0.0) {
            return None;
        }
        let turning = self.turning.times(other.turning, power)?;
        let mut unit =
            Unit { dimension, scale, zero: 0.0, terms: self.terms, len: self.len, turning };
        match other.len {
            None => unit.len = None,
            Some(n) => {
                for t in &other.terms[..usize::from(n)] {
                    let exponent = i8::try_from(i32::from(t.exponent) * i32::from(power)).ok()?;
                    unit.add_term(Term { exponent, ..*t })?;
                }
            }
        }
        Some(unit)
    }

    /// `self^power` for a whole power.
    pub fn power(&self, power: i8) -> Option<Unit> {
        Unit::ONE.times(self, power)
    }

    /// The `n`-th root, where the dimension has one.
    pub fn root(&self, n: i8) -> Option<Unit> {
        let dimension = self.dimension.root(n)?;
        let scale = tidy(libm::pow(self.scale, 1.0 / f64::from(n)));
        let turning = self.turning.root(n);
        let mut unit =
            Unit { dimension, scale, zero: 0.0, terms: self.terms, len: self.len, turning };
        for t in unit.terms.iter_mut().take(usize::from(self.len.unwrap_or(0))) {
            if t.exponent % n != 0 {
                unit.len = None;
                break;
            }
            t.exponent /= n;
        }
        Some(unit)
    }

    fn add_term(&mut self, term: Term) -> Option<()> {
        let Some(len) = self.len else { return Some(()) };
        let used = &mut self.terms[..usize::from(len)];
        let same = |t: &Term| t.entry == term.entry && t.prefix == term.prefix;
        if let Some(at) = used.iter().position(same) {
            used[at].exponent = used[at].exponent.checked_add(term.exponent)?;
            if used[at].exponent == 0 {
                used[at..].rotate_left(1);
                self.len = Some(len - 1);
            }
        } else if term.exponent != 0 {
            match self.terms.get_mut(usize::from(len)) {
                Some(free) => {
                    *free = term;
                    self.len = Some(len + 1);
                }
                None => self.len = None,
            }
        }
        Some(())
    }

    /// The unit a result is shown in when its author named none: the same
    /// measure under its usual name (`V*V/ohm` is `W`), or the SI unit where
    /// the product mixes units of one kind (`mm*m` is `m^2`).
    pub fn simplified(&self) -> Unit {
        let Some(len) = self.len else { return self.coherent() };
        let used = &self.terms[..usize::from(len)];
        if let [only] = used
            && only.exponent == 1
        {
            return *self;
        }
        if self.dimension != Dimension::NONE {
            let usual = TABLE.iter().position(|e| {
                e.dimension == self.dimension
                    && e.zero == 0.0
                    && nearly(e.scale, self.scale)
                    // `1/s` is neither Hz nor rpm unless something says so.
                    && (e.turning == Turning::NONE || e.turning == self.turning)
            });
            if let Some(usual) = usual.filter(|_| len > 1) {
                return Unit::of(usual, 0);
            }
        }
        if len == 2 && self.dimension == FREQUENCY && self.turning == Turning::ANGLE {
            return *self;
        }
        let kind = |t: &Term| TABLE[usize::from(t.entry)].dimension;
        let mixed = used.iter().enumerate().any(|(i, t)| {
            (kind(t) == Dimension::NONE && len > 1) || used[..i].iter().any(|u| kind(u) == kind(t))
        });
        // `kW*s*K/J` is a temperature, and nobody reads it as one.
        let coherent = self.coherent();
        if mixed || (len > 2 && coherent.is_written()) { coherent } else { *self }
    }

    /// The angle that a product such as `rpm*min` is: `rev`. `None` for everything else.
    pub(crate) fn as_angle(&self) -> Option<Unit> {
        if self.dimension != Dimension::NONE || self.turning != Turning::ANGLE {
            return None;
        }
        let used = &self.terms[..usize::from(self.len?)];
        let angle = used.iter().find(|t| TABLE[usize::from(t.entry)].turning == Turning::ANGLE)?;
        Some(match TABLE[usize::from(angle.entry)].dimension {
            Dimension::NONE => Unit::of(usize::from(angle.entry), 0),
            _ => Unit::named("rev"),
        })
    }

    /// Whether it contains an angle.
    pub(crate) fn has_angle(&self) -> bool {
        self.turning.angles != 0
    }

    /// Whether its angles and cycles cancel, as in `rpm/Hz`: a ratio of turns.
    pub(crate) fn is_ratio_of_turns(&self) -> bool {
        let Turning { angles, cycles } = self.turning;
        self.dimension == Dimension::NONE && angles != 0 && angles == cycles.saturating_neg()
    }

    /// Whether it is a time for each revolution (`1/rpm`), which is a plain time to everybody.
    pub(crate) fn is_period(&self) -> bool {
        let used = &self.terms[..usize::from(self.len.unwrap_or(0))];
        self.dimension == Dimension::TIME
            && self.turning == Turning { angles: -1, cycles: 0 }
            && used.iter().any(|t| matches!(TABLE[usize::from(t.entry)].symbol, "rev" | "rpm"))
    }

    /// Whether it contains an angle or counts cycles.
    pub(crate) fn turns(&self) -> bool {
        self.turning != Turning::NONE
    }

    /// Whether it is the percent sign.
    pub(crate) fn is_percent(&self) -> bool {
        self.is_written() && TABLE[usize::from(self.terms[0].entry)].symbol == "%"
    }

    /// Whether it is a temperature, on whichever scale, and nothing else.
    pub(crate) fn is_temperature(&self) -> bool {
        self.dimension == Dimension::TEMPERATURE
    }

    /// Whether it is a level in decibels and nothing else.
    pub(crate) fn is_level(&self) -> bool {
        self.dimension == Dimension::LEVEL
    }

    /// The SI coherent unit of the same dimension.
    pub fn coherent(&self) -> Unit {
        if self.dimension == Dimension::NONE {
            return Unit::ONE;
        }
        if self.dimension == FREQUENCY && self.turning != Turning::CYCLE {
            let per_second = Unit::named("s").power(-1).unwrap_or(Unit::ONE);
            return match self.turning {
                Turning::ANGLE => Unit::radian().times(&per_second, 1).unwrap_or(per_second),
                _ => per_second,
            };
        }
        let usual = TABLE
            .iter()
            .position(|e| e.dimension == self.dimension && e.zero == 0.0 && e.scale == 1.0);
        match usual {
            Some(at) => Unit::of(at, 0),
            None => Unit { dimension: self.dimension, scale: 1.0, len: None, ..Unit::ONE },
        }
    }
}

impl PartialEq for Unit {
    fn eq(&self, other: &Unit) -> bool {
        let used = |u: &Unit| usize::from(u.len.unwrap_or(0));
        self.same_measure(other)
            && self.len == other.len
            && self.terms[..used(self)] == other.terms[..used(other)]
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(len) = self.len else { return write!(f, "{}", self.dimension) };
        let used = &self.terms[..usize::from(len)];
        let write = |f: &mut fmt::Formatter<'_>, t: &Term, exponent: i8| {
            f.write_str(PREFIXES[usize::from(t.prefix)].symbol)?;
            f.write_str(TABLE[usize::from(t.entry)].symbol)?;
            if exponent == 1 { Ok(()) } else { write!(f, "^{exponent}") }
        };
        let above = used.iter().filter(|t| t.exponent > 0).count();
        let below = used.len() - above;
        for (i, t) in used.iter().filter(|t| t.exponent > 0).enumerate() {
            if i > 0 {
                f.write_str("*")?;
            }
            write(f, t, t.exponent)?;
        }
        if below > 0 {
            f.write_str(if above == 0 { "1/" } else { "/" })?;
            if below > 1 {
                f.write_str("(")?;
            }
            for (i, t) in used.iter().filter(|t| t.exponent < 0).enumerate() {
                if i > 0 {
                    f.write_str("*")?;
                }
                write(f, t, t.exponent.saturating_neg())?;
            }
            if below > 1 {
                f.write_str(")")?;
            }
        }
        Ok(())
    }
}

impl serde::Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Two units of different dimensions.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{from} cannot be converted to {to}: {from_dimension} against {to_dimension}")]
pub struct Incompatible {
    from: Unit,
    to: Unit,
    from_dimension: Dimension,
    to_dimension: Dimension,
}

/// The number `value` in `from`, as a number in `to`. Temperatures on their own
/// (`C`, `F`, `K`) convert as absolute ones.
///
/// # Errors
/// [`Incompatible`] when the dimensions differ.
pub fn convert(value: f64, from: &Unit, to: &Unit) -> Result<f64, Incompatible> {
    let (factor, shift) = conversion(from, to, 1.0)?;
    Ok(value * factor + shift)
}

/// The factor and the shift that take numbers in `from` to numbers in `to`:
/// `value * factor + shift`. `weight` is how many absolute temperatures are in
/// the value: 1 for a temperature, 0 for a difference of two.
///
/// # Errors
/// [`Incompatible`] when the dimensions differ.
pub fn conversion(from: &Unit, to: &Unit, weight: f64) -> Result<(f64, f64), Incompatible> {
    if from.dimension != to.dimension {
        return Err(Incompatible {
            from: *from,
            to: *to,
            from_dimension: from.dimension,
            to_dimension: to.dimension,
        });
    }
    let factor = tidy(from.scale / to.scale * from.turning.factor(to.turning));
    let shift = if from.zero * factor == to.zero {
        0.0
    } else {
        // Decimal zeros (273.15, 459.67) leave binary dust: 32 must come out as 32.
        ((from.zero * factor - to.zero) * weight * 1e12).round() / 1e12
    };
    Ok((factor, shift))
}

/// Equal up to the rounding of a few products.
pub(crate) fn nearly(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

/// The decimal of few digits or the whole part of one that a factor was meant to be: 25.4 rather
/// than 25.400000000000002, and 1/60 to the last bit. Others, as pi/180, keep all of theirs.
pub(crate) fn tidy(x: f64) -> f64 {
    const FEW: usize = 12;
    let parts = (1.0 / x).round();
    if parts > 1.0 && nearly(1.0 / x, parts) {
        return 1.0 / parts;
    }
    let text = format!("{x:.13e}");
    let digits = text.split('e').next().unwrap_or_default().trim_end_matches('0');
    let few = digits.bytes().filter(u8::is_ascii_digit).count() <= FEW;
    if few { text.parse().unwrap_or(x) } else { x }
}

#[cfg(test)]
mod tests;
