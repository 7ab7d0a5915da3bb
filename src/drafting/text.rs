//! The text of a dimension, by one function, after ISO 129-1:2018 and ASME Y14.5.
//!
//! A measure is a whole number of micrometres, or of millionths of a degree. It is rounded once,
//! half away from zero, to what the style shows.

use crate::style::{Standard, Style};

/// A measure beyond this is refused: micrometres.
const MOST_UM: i64 = 1_000_000_000_000;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A length, in micrometres.
    Length(i64),
    /// An angle, in millionths of a degree.
    Angle(i64),
}

impl Measure {
    /// The measure of a length in millimetres; `None` at 1e9 mm and beyond.
    #[must_use]
    pub fn of_mm(mm: f64) -> Option<Measure> {
        let um = (mm.abs() * 1e3).round();
        (um < MOST_UM as f64).then_some(Measure::Length(um as i64))
    }

    /// The measure of an angle in radians.
    #[must_use]
    pub fn of_radians(radians: f64) -> Option<Measure> {
        let degrees = (radians.abs().to_degrees() * 1e6).round();
        (degrees <= 360e6).then_some(Measure::Angle(degrees as i64))
    }

    /// Millimetres, or degrees.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Measure::Length(um) => um as f64 / 1e3,
            Measure::Angle(millionths) => millionths as f64 / 1e6,
        }
    }

    /// `mm` or `deg`.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Measure::Length(_) => "mm",
            Measure::Angle(_) => "deg",
        }
    }

    pub(crate) const fn is_zero(self) -> bool {
        matches!(self, Measure::Length(0) | Measure::Angle(0))
    }
}

/// The sign before a measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sign {
    /// None: a length or an angle.
    #[default]
    None,
    /// `R`.
    Radius,
    /// `⌀`.
    Diameter,
    /// `⌒`.
    Arc,
}

/// What is said beside the measure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// Before everything.
    pub prefix: String,
    /// After everything.
    pub suffix: String,
    /// How many places have this size; 0 or 1 is not said.
    pub places: u32,
    /// Whether it is an auxiliary value, which stands in parentheses.
    pub reference: bool,
    /// How much larger and smaller it may be.
    pub tolerance: Option<Tolerance>,
}

/// How much larger and smaller a size may be, in micrometres or millionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// As much either way.
    Symmetric(i64),
    /// The upper and the lower deviation.
    Limits(i64, i64),
}

/// Units that lengths are shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Unit {
    Millimetre,
    Centimetre,
    Metre,
    Inch,
    Foot,
    /// Feet, inches and a fraction of an inch.
    FeetAndInches,
}

impl Unit {
    const fn micrometres(self) -> i128 {
        match self {
            Unit::Millimetre => 1_000,
            Unit::Centimetre => 10_000,
            Unit::Metre => 1_000_000,
            Unit::Inch | Unit::FeetAndInches => 25_400,
            Unit::Foot => 304_800,
        }
    }

    const fn is_inch(self) -> bool {
        matches!(self, Unit::Inch | Unit::Foot)
    }
}

/// The text of a measure.
#[must_use]
pub fn text(measure: Measure, sign: Sign, words: &Words, style: &Style) -> String {
    let mut out = String::new();
    out.push_str(&words.prefix);
    if words.places > 1 {
        out.push_str(&format!("{}X ", words.places));
    }
    let mut value = String::new();
    value.push_str(match sign {
        Sign::None => "",
        Sign::Radius => "R",
        Sign::Diameter => "⌀",
        Sign::Arc => "⌒",
    });
    value.push_str(&number(measure, style));
    if let Some(tolerance) = words.tolerance {
        let deviation = |amount: i64| {
            let of = match measure {
                Measure::Length(_) => Measure::Length(amount.abs()),
                Measure::Angle(_) => Measure::Angle(amount.abs()),
            };
            let sign = match amount.signum() {
                -1 => "-",
                1 => "+",
                _ => "",
            };
            (sign, number(of, style))
        };
        match tolerance {
            Tolerance::Symmetric(amount) => value.push_str(&format!(" ±{}", deviation(amount).1)),
            Tolerance::Limits(upper, lower) => {
                let ((up, upper), (down, lower)) = (deviation(upper), deviation(lower));
                value.push_str(&format!(" {up}{upper}/{down}{lower}"));
            }
        }
    }
    if words.reference {
        value = format!("({value})");
    }
    out.push_str(&value);
    out.push_str(&words.suffix);
    out
}

/// The number alone, with its unit where the style writes one.
fn number(measure: Measure, style: &Style) -> String {
    match measure {
        Measure::Length(um) if style.unit == Unit::FeetAndInches => {
            feet_and_inches(um, style.fraction)
        }
        Measure::Length(um) => {
            let decimals = u32::from(style.decimals);
            let scaled = rounded(i128::from(um) * 10_i128.pow(decimals), style.unit.micrometres());
            decimal(scaled, decimals, style)
        }
        Measure::Angle(millionths) => {
            let decimals = u32::from(style.angle_decimals);
            let scaled = rounded(i128::from(millionths) * 10_i128.pow(decimals), 1_000_000);
            let mut text =
                decimal(scaled, decimals, &Style { unit: Unit::Millimetre, ..style.clone() });
            text.push('°');
            text
        }
    }
}

/// `a / b`, rounded half away from zero; `b` is above zero.
const fn rounded(a: i128, b: i128) -> i128 {
    let half = if a < 0 { -b } else { b };
    (2 * a + half) / (2 * b)
}

fn decimal(scaled: i128, decimals: u32, style: &Style) -> String {
    let power = 10_i128.pow(decimals);
    let (whole, part) = (scaled / power, scaled % power);
    let mut fraction = match decimals {
        0 => String::new(),
        _ => format!("{part:0width$}", width = decimals as usize),
    };
    // In inches a size has as many decimals as its tolerance, and no zero before the point.
    let is_inch = style.standard == Standard::Asme && style.unit.is_inch();
    if !is_inch {
        fraction.truncate(fraction.trim_end_matches('0').len());
    }
    let point = if style.standard == Standard::Iso { ',' } else { '.' };
    match (fraction.is_empty(), whole) {
        (true, whole) => whole.to_string(),
        (false, 0) if is_inch => format!("{point}{fraction}"),
        (false, whole) => format!("{whole}{point}{fraction}"),
    }
}

fn feet_and_inches(um: i64, fraction: u32) -> String {
    let parts = i128::from(fraction.max(1));
    let all = rounded(i128::from(um) * parts, 25_400);
    let (feet, rest) = (all / (12 * parts), all % (12 * parts));
    let (inches, part) = (rest / parts, rest % parts);
    if part == 0 {
        return format!("{feet}'-{inches}\"");
    }
    let (mut top, mut bottom) = (part, parts);
    while top % 2 == 0 && bottom % 2 == 0 {
        (top, bottom) = (top / 2, bottom / 2);
    }
    format!("{feet}'-{inches} {top}/{bottom}\"")
}

/// Reads `±0.1`, `0.1` or `+0.1 -0.2`, in the unit that `per_unit` of the measure make.
pub(crate) fn tolerance(text: &str, per_unit: f64) -> Option<Tolerance> {
    let amount = |word: &str| {
        let number: f64 = word.trim().replace(',', ".").parse().ok()?;
        let scaled = (number * per_unit).round();
        (scaled.abs() < 1e12).then_some(scaled as i64)
    };
    let words: Vec<&str> = text.split([' ', '/']).filter(|w| !w.is_empty()).collect();
    match words.as_slice() {
        [one] => {
            let one = one.strip_prefix('±').or_else(|| one.strip_prefix("+-")).unwrap_or(one);
            amount(one).filter(|n| *n >= 0).map(Tolerance::Symmetric)
        }
        [upper, lower] => {
            let (upper, lower) = (amount(upper)?, amount(lower)?);
            (upper >= lower).then_some(Tolerance::Limits(upper, lower))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(tolerance: &str) -> Words {
        let tolerance = Some(tolerance).filter(|t| !t.is_empty());
        Words {
            tolerance: tolerance.map(|t| super::tolerance(t, 1e3).expect("a tolerance")),
            ..Words::default()
        }
    }

    /// A standard, a measure in millimetres or degrees, decimals, what is beside it, the text.
    #[test]
    fn texts_are_as_the_standards_have_them() {
        use Standard::{Architectural, Asme, Iso};
        let length = |mm| Measure::of_mm(mm).expect("a length");
        let inch = |decimals| Style { unit: Unit::Inch, ..Style::of(Asme).rounded_to(decimals) };
        let iso = |decimals| Style::of(Iso).rounded_to(decimals);
        let asme = |decimals| Style::of(Asme).rounded_to(decimals);
        let angle = Measure::of_radians(22.5_f64.to_radians()).expect("an angle");
        let reference = Words { reference: true, ..Words::default() };
        let four = Words { places: 4, ..Words::default() };
        let none = Sign::None;
        for (measure, sign, words, style, expected) in [
            (length(1500.0), none, words(""), iso(0), "1500"),
            (length(12.5), none, words(""), iso(2), "12,5"),
            (length(40.0), Sign::Diameter, words(""), iso(0), "⌀40"),
            (length(8.0), Sign::Radius, words(""), iso(0), "R8"),
            (angle, none, words(""), iso(1), "22,5°"),
            (length(62.8318), Sign::Arc, words(""), iso(1), "⌒62,8"),
            (length(50.0), none, words("+0.1 -0.2"), iso(2), "50 +0,1/-0,2"),
            (length(50.0), none, words("±0.1"), iso(2), "50 ±0,1"),
            (length(0.5), none, words(""), asme(2), "0.5"),
            (length(24.5), none, words(""), asme(2), "24.5"),
            (length(25.4), none, words(""), inch(3), "1.000"),
            (length(12.7), none, words(""), inch(2), ".50"),
            (length(40.0), Sign::Diameter, words(""), asme(0), "⌀40"),
            (length(100.0), none, reference, asme(0), "(100)"),
            (length(6.0), Sign::Diameter, four, asme(0), "4X ⌀6"),
            (length(1866.9), none, words(""), Style::of(Architectural), "6'-1 1/2\""),
            (length(3.175), none, words(""), Style::of(Architectural), "0'-0 1/8\""),
            (length(4876.8), none, words(""), Style::of(Architectural), "16'-0\""),
            (length(0.0), none, words(""), iso(2), "0"),
            (length(0.0), none, words(""), Style::of(Architectural), "0'-0\""),
            (length(2.5), none, words(""), iso(0), "3"),
            (length(999_999_999.999), none, words(""), iso(3), "999999999,999"),
        ] {
            assert_eq!(text(measure, sign, &words, &style), expected);
        }
    }

    #[test]
    fn a_measure_beyond_the_drawing_is_none() {
        assert_eq!(Measure::of_mm(1e9), None);
        assert_eq!(Measure::of_mm(f64::NAN), None);
        assert_eq!(Measure::of_mm(f64::INFINITY), None);
        assert_eq!(Measure::of_mm(-2.0), Some(Measure::Length(2_000)));
    }

    #[test]
    fn tolerances_are_read_as_they_are_written() {
        for (written, read) in [
            ("0.1", Some(Tolerance::Symmetric(100))),
            ("±0,05", Some(Tolerance::Symmetric(50))),
            ("+0.1 -0.2", Some(Tolerance::Limits(100, -200))),
            ("+0.1/0", Some(Tolerance::Limits(100, 0))),
            ("-0.2 +0.1", None),
            ("-1", None),
            ("a", None),
            ("1 2 3", None),
        ] {
            assert_eq!(tolerance(written, 1e3), read, "{written}");
        }
    }
}
