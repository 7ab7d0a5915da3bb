//! Lengths as they are written, and the scale of a drawing.

use std::fmt;

use crate::document::{Document, NodeId, Ns};

use super::viewport::ViewBox;

/// A unit of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// No unit: user units in SVG attributes, millimetres in `arx:` ones.
    None,
    /// CSS pixel, 1/96 inch.
    Px,
    /// Millimetre.
    Mm,
    /// Centimetre.
    Cm,
    /// Metre (not CSS).
    M,
    /// Inch.
    In,
    /// Foot (not CSS).
    Ft,
    /// Point, 1/72 inch.
    Pt,
    /// Pica, 12 points.
    Pc,
    /// Of the viewport.
    Percent,
    /// Of the font size.
    Em,
    /// Half the font size.
    Ex,
}

impl Unit {
    /// Millimetres in one of this unit; `None` where that depends on the context.
    pub const fn millimetres(self) -> Option<f64> {
        match self {
            Unit::Px => Some(25.4 / 96.0),
            Unit::Mm => Some(1.0),
            Unit::Cm => Some(10.0),
            Unit::M => Some(1_000.0),
            Unit::In => Some(25.4),
            Unit::Ft => Some(304.8),
            Unit::Pt => Some(25.4 / 72.0),
            Unit::Pc => Some(25.4 / 6.0),
            Unit::None | Unit::Percent | Unit::Em | Unit::Ex => None,
        }
    }

    fn from_name(name: &str) -> Option<Unit> {
        const NAMES: [(&str, Unit); 12] = [
            ("", Unit::None),
            ("px", Unit::Px),
            ("mm", Unit::Mm),
            ("cm", Unit::Cm),
            ("m", Unit::M),
            ("in", Unit::In),
            ("ft", Unit::Ft),
            ("pt", Unit::Pt),
            ("pc", Unit::Pc),
            ("%", Unit::Percent),
            ("em", Unit::Em),
            ("ex", Unit::Ex),
        ];
        NAMES.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, unit)| unit)
    }
}

/// A number with a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    /// The number; finite.
    pub number: f64,
    /// The unit.
    pub unit: Unit,
}

/// Units of CSS that browsers know and the engine does not, in small letters.
pub(crate) const BROWSER_UNITS: &[&str] = &[
    "rem", "vw", "vh", "vmin", "vmax", "vi", "vb", "svw", "svh", "lvw", "lvh", "dvw", "dvh", "ch",
    "cap", "ic", "lh", "rlh", "rex", "rch", "q",
];

/// Why a text is no length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LengthError {
    /// It does not begin with a number.
    #[error("expected a number")]
    Number,
    /// The number is beyond the range of a float.
    #[error("the number is out of range")]
    Range,
    /// The unit is not one of the language.
    #[error("unknown unit {0:?}; known are px, mm, cm, m, in, ft, pt, pc, %, em and ex")]
    Unit(String),
    /// The unit needs a context that is not there.
    #[error("{0} needs a viewport or a font size; use an absolute unit")]
    Relative(&'static str),
}

impl Length {
    /// Reads `12`, `3000mm`, `1.5 m`, `50%`.
    ///
    /// # Errors
    /// [`LengthError`], with the unit seen.
    pub fn parse(text: &str) -> Result<Length, LengthError> {
        let text = text.trim_ascii();
        let end = number_end(text.as_bytes());
        let (number, unit) = text.split_at(end);
        let number: f64 = number.parse().map_err(|_| LengthError::Number)?;
        if !number.is_finite() {
            return Err(LengthError::Range);
        }
        let name = unit.trim_ascii();
        let unit = Unit::from_name(name)
            .ok_or_else(|| LengthError::Unit(name.chars().take(16).collect()))?;
        Ok(Length { number, unit })
    }

    /// Millimetres; a bare number counts as millimetres.
    ///
    /// # Errors
    /// [`LengthError::Relative`] for percentages and font units.
    pub fn to_mm(self) -> Result<f64, LengthError> {
        match self.unit {
            Unit::None => Ok(self.number),
            Unit::Percent => Err(LengthError::Relative("%")),
            Unit::Em => Err(LengthError::Relative("em")),
            Unit::Ex => Err(LengthError::Relative("ex")),
            unit => Ok(self.number * unit.millimetres().unwrap_or(1.0)),
        }
    }
}

/// Reads a length in millimetres; `unit` is the unit written beside it, if any.
///
/// # Errors
/// [`LengthError`].
pub fn millimetres(text: &str, unit: Option<&str>) -> Result<f64, LengthError> {
    let mut length = Length::parse(text)?;
    if let (Unit::None, Some(name)) = (length.unit, unit) {
        length.unit = Unit::from_name(name.trim_ascii())
            .ok_or_else(|| LengthError::Unit(name.chars().take(16).collect()))?;
    }
    length.to_mm()
}

/// Where the number at the start of `bytes` ends. `1em` is a number and a unit,
/// `1e3m` a number with an exponent.
fn number_end(bytes: &[u8]) -> usize {
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    end = digits(end);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

/// How the user units of a drawing relate to millimetres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Millimetres in one user unit; finite and positive.
    pub mm_per_unit: f64,
}

impl Default for Scale {
    fn default() -> Scale {
        Scale { mm_per_unit: 1.0 }
    }
}

impl Scale {
    /// What the root says: `arx:units` (the unit of one user unit) times
    /// `arx:scale` (`50`, or `1:50`); else a `width` in mm, cm, m, in or ft
    /// over the width of the `viewBox`; else one millimetre. Lengths in pixels,
    /// points and picas say how large to show the drawing, not how large the
    /// building is.
    pub fn of(document: &Document) -> Scale {
        let root = NodeId::ROOT;
        let units = document.arx(root, "units");
        let scale = document.arx(root, "scale");
        if units.is_some() || scale.is_some() {
            let unit = units.and_then(|u| Unit::from_name(u.trim_ascii())?.millimetres());
            let factor = scale.and_then(ratio);
            return Scale::new(unit.unwrap_or(1.0) * factor.unwrap_or(1.0));
        }
        let physical = |name| {
            let length = Length::parse(document.attribute(root, Ns::None, name)?.value).ok()?;
            matches!(length.unit, Unit::Mm | Unit::Cm | Unit::M | Unit::In | Unit::Ft)
                .then(|| length.to_mm().ok())?
        };
        let viewbox = document.attr(root, "viewBox").and_then(ViewBox::parse);
        match (physical("width"), physical("height"), viewbox) {
            (Some(width), _, Some(v)) => Scale::new(width / v.width),
            (None, Some(height), Some(v)) => Scale::new(height / v.height),
            _ => Scale::default(),
        }
    }

    fn new(mm_per_unit: f64) -> Scale {
        if mm_per_unit.is_finite() && mm_per_unit > 0.0 {
            Scale { mm_per_unit }
        } else {
            Scale::default()
        }
    }

    /// User units to millimetres.
    pub fn to_mm(self, units: f64) -> f64 {
        units * self.mm_per_unit
    }

    /// Millimetres to user units.
    pub fn to_units(self, mm: f64) -> f64 {
        mm / self.mm_per_unit
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mm per unit", self.mm_per_unit)
    }
}

/// `50`, `0.5` or `1:50` (one on paper is fifty in the building).
pub(crate) fn ratio(text: &str) -> Option<f64> {
    let number = |t: &str| t.trim_ascii().parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0);
    match text.split_once(':') {
        Some((paper, real)) => Some(number(real)? / number(paper)?),
        None => number(text),
    }
}

#[cfg(test)]
mod tests {
    use crate::document::{Limits, parse};

    use super::*;

    #[test]
    fn lengths_are_read_with_their_units() {
        let cases = [
            ("3000mm", Ok(3_000.0)),
            ("1.5 m", Ok(1_500.0)),
            ("12", Ok(12.0)),
            ("-2cm", Ok(-20.0)),
            ("1in", Ok(25.4)),
            ("1FT", Ok(304.8)),
            ("72pt", Ok(25.4)),
            ("96px", Ok(25.4)),
            ("6pc", Ok(25.4)),
            ("1e3mm", Ok(1_000.0)),
            (".5mm", Ok(0.5)),
            ("50%", Err(LengthError::Relative("%"))),
            ("1em", Err(LengthError::Relative("em"))),
            ("1e999mm", Err(LengthError::Range)),
            ("mm", Err(LengthError::Number)),
            ("", Err(LengthError::Number)),
            ("NaN", Err(LengthError::Number)),
            ("inf", Err(LengthError::Number)),
            ("3 furlongs", Err(LengthError::Unit("furlongs".to_owned()))),
        ];
        for (text, expected) in cases {
            assert_eq!(Length::parse(text).and_then(Length::to_mm), expected, "{text}");
        }
    }

    #[test]
    fn the_scale_follows_the_root() {
        let cases = [
            (r#"viewBox="0 0 800 600""#, 1.0),
            (r#"width="800" height="600" viewBox="0 0 80 60""#, 1.0),
            (r#"width="800px" viewBox="0 0 80 60""#, 1.0),
            (r#"width="4m" viewBox="0 0 800 600""#, 5.0),
            (r#"width="100%" height="3m" viewBox="0 0 800 600""#, 5.0),
            (r#"width="4m""#, 1.0),
            (r#"arx:units="m""#, 1_000.0),
            (r#"arx:units="cm" arx:scale="2""#, 20.0),
            (r#"arx:scale="1:50""#, 50.0),
            (r#"arx:units="mm" arx:scale="0""#, 1.0),
            (r#"arx:units="parsec""#, 1.0),
        ];
        for (attributes, expected) in cases {
            let source = format!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" {attributes}/>"#
            );
            let document = parse(&source, &Limits::default()).unwrap();
            assert_eq!(Scale::of(&document).mm_per_unit, expected, "{attributes}");
        }
    }
}
