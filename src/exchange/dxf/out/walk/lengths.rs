//! Lengths of attributes, and places as inserts have them.

use svgx_engine::geometry::{Length, Unit, pixels};

use super::super::super::curve::{Affine, length};
use super::super::super::digits;

/// A length in user units; a share is one of `of`.
pub(in super::super) fn measured(text: &str, of: f64, font_size: f64) -> Option<f64> {
    let plain = digits::read(text.as_bytes()).filter(|(_, long)| *long == text.len());
    if let Some((units, _)) = plain {
        return (units.abs() <= 1e12).then_some(units);
    }
    let length = Length::parse(text).ok()?;
    let units = match length.unit {
        Unit::Percent => length.number / 100.0 * of,
        Unit::Em => length.number * font_size,
        Unit::Ex => length.number * font_size / 2.0,
        _ => pixels(length)?,
    };
    (units.abs() <= 1e12).then_some(units)
}

/// Scales and angle of an insert; `None` where the axes are not at right angles any more.
pub(super) fn placed(by: &Affine) -> Option<([f64; 2], f64)> {
    let [a, b, c, d, ..] = by.0;
    let (x, y) = (length([a, b]), length([c, d]));
    let is_square = (a * c + b * d).abs() <= 1e-9 * x * y;
    let y = if a * d - b * c < 0.0 { -y } else { y };
    (is_square && x > 0.0 && y != 0.0).then(|| ([x, y], libm::atan2(b, a)))
}
