//! Gradients of hatches.
//!
//! The format names a form, an angle and two colours; how the form lies in an area is up to programs.
//! Here it fills the box of the area, turned by the angle; curved ones are parts of circles, and what
//! is not centred is moved up and to the left by a quarter of the box.

use super::colour;
use super::curve::{Affine, Bounds, Outline, P, add, length, scaled, sub};
use super::reason::Reason;
use super::tags::{Fields, trimmed};

/// A gradient where it lies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gradient {
    /// From the first point to the second, or around the first one as far as the second is.
    pub(super) is_round: bool,
    pub(super) ends: [P; 2],
    /// Colours from the first on, at equal distances.
    pub(super) stops: Vec<u32>,
}

/// What a hatch says of its gradient; `None` where it has none with colours.
///
/// # Errors
/// [`Reason::Number`] for numbers that cannot be read.
pub(super) fn of(fields: &Fields<'_>, outlines: &[Outline]) -> Result<Option<Gradient>, Reason> {
    if fields.whole(450, 0) != 1 {
        return Ok(None);
    }
    let mut colours: Vec<(Option<&str>, i64)> = Vec::new();
    for tag in fields.iter().skip_while(|tag| tag.code != 450) {
        if tag.code == 463 {
            if colours.len() == 2 {
                break;
            }
            colours.push((None, 7));
        }
        match (tag.code, colours.last_mut()) {
            (63, Some(last)) => last.1 = super::tags::whole(tag.value).unwrap_or(7),
            (421, Some(last)) => last.0 = Some(tag.value),
            _ => {}
        }
    }
    let shown = |&(rgb, index): &(Option<&str>, i64)| colour::given(rgb, index).unwrap_or(0);
    let (Some(first), tint) = (colours.first().map(shown), fields.number(462, 1.0)?) else {
        return Ok(None);
    };
    // One colour runs to black or to white.
    let second = colours.get(1).map_or_else(|| tinted(first, tint), shown);
    let (angle, shift) = (fields.number(460, 0.0)?, fields.number(461, 0.0)?.clamp(0.0, 1.0));
    let (s, c) = libm::sincos(angle);
    let (into, back) = (Affine([c, -s, s, c, 0.0, 0.0]), Affine([c, s, -s, c, 0.0, 0.0]));
    let mut bounds = Bounds::NONE;
    outlines.iter().for_each(|outline| outline.bounds(&into, &mut bounds));
    if bounds.is_empty() {
        return Ok(None);
    }
    let Bounds { low, high } = bounds;
    let size = sub(high, low);
    let moved = [-size[0] / 4.0 * shift, size[1] / 4.0 * shift];
    let middle = add(scaled(add(low, high), 0.5), moved);
    let name = trimmed(fields.text(470).unwrap_or("LINEAR")).to_ascii_uppercase();
    let (form, is_inverse) = match name.strip_prefix("INV") {
        Some(form) => (form, true),
        None => (name.as_str(), false),
    };
    let [a, b] = if is_inverse { [second, first] } else { [first, second] };
    let across = [[low[0] + moved[0], middle[1]], [high[0] + moved[0], middle[1]]];
    let around = |centre: P, reach: f64| [centre, [centre[0] + reach, centre[1]]];
    let corner = [size[0] / 2.0, size[1]];
    let (is_round, ends, stops) = match form {
        "CYLINDER" => (false, across, vec![a, b, a]),
        "SPHERICAL" => (true, around(middle, length(size) / 2.0), vec![b, a]),
        "HEMISPHERICAL" => {
            (true, around([middle[0], low[1] + moved[1]], length(corner)), vec![b, a])
        }
        "CURVED" => {
            let corner = [corner[0], 1.5 * size[1]];
            let centre = [middle[0], low[1] - size[1] / 2.0 + moved[1]];
            (true, around(centre, length(corner)), vec![b, a])
        }
        _ => (false, across, vec![a, b]),
    };
    Ok(Some(Gradient { is_round, ends: ends.map(|p| back.point(p)), stops }))
}

/// A colour on its way to black (0) or to white (1).
fn tinted(rgb: u32, tint: f64) -> u32 {
    let share = (2.0 * tint.clamp(0.0, 1.0) - 1.0).abs();
    let to = if tint < 0.5 { 0.0 } else { 255.0 };
    let channel = |at: u32| {
        let own = f64::from(rgb >> at & 0xFF);
        ((own + (to - own) * share).round() as u32) << at
    };
    channel(16) | channel(8) | channel(0)
}

impl Gradient {
    pub(super) fn mapped(mut self, by: &Affine) -> Gradient {
        self.ends = self.ends.map(|p| by.point(p));
        self
    }
}
