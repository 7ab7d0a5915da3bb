//! Lines of hatch patterns, cut at the boundary by the even-odd rule.

use std::f64::consts::PI;

use libm::{acos, atan2, cos, hypot, sin};

use super::curve::{Affine, Outline, P, Segment, add, scaled};
use super::reason::Reason;
use super::tags::{Fields, number};

/// Lines that a cubic of a boundary is cut into.
const PIECES: usize = 32;
/// Families of lines of one pattern.
const FAMILIES: usize = 128;

/// A family of lines of a pattern, as they are in the drawing.
#[derive(Debug, Default)]
struct Family {
    /// In radians.
    angle: f64,
    base: P,
    /// From each line to the next.
    offset: P,
    /// Dashes (positive), gaps (negative) and dots.
    dashes: Vec<f64>,
}

/// The lines of a pattern inside `outlines`; `None` where there are none, or more than `most`.
///
/// # Errors
/// [`Reason::Number`] for numbers that cannot be read.
pub(super) fn lines(
    fields: &Fields<'_>,
    outlines: &[Outline],
    most: usize,
) -> Result<Option<Vec<Outline>>, Reason> {
    let mut families: Vec<Family> = Vec::new();
    for tag in fields.iter().skip_while(|t| t.code != 78) {
        if tag.code == 53 {
            let angle = number(tag.value)?.to_radians();
            families.push(Family { angle, ..Family::default() });
        }
        let Some(family) = families.last_mut() else { continue };
        match tag.code {
            43 => family.base[0] = number(tag.value)?,
            44 => family.base[1] = number(tag.value)?,
            45 => family.offset[0] = number(tag.value)?,
            46 => family.offset[1] = number(tag.value)?,
            49 => family.dashes.push(number(tag.value)?),
            // Seeds and gradients follow.
            98 | 47 | 450 => break,
            _ => {}
        }
    }
    if families.len() > FAMILIES {
        return Ok(None);
    }
    let mut lines = Vec::new();
    for family in &families {
        if !family.draw(outlines, most, &mut lines) {
            return Ok(None);
        }
    }
    Ok(Some(lines).filter(|lines| !lines.is_empty()))
}

impl Family {
    /// Whether all of its lines are drawn.
    fn draw(&self, outlines: &[Outline], most: usize, lines: &mut Vec<Outline>) -> bool {
        let (c, s) = (cos(self.angle), sin(self.angle));
        // Into the frame in which the lines run along x, and back.
        let turn = Affine([c, -s, s, c, 0.0, 0.0]);
        let back = Affine([c, s, -s, c, 0.0, 0.0]);
        let (base, offset) = (turn.point(self.base), turn.vector(self.offset));
        let period: f64 = self.dashes.iter().map(|d| d.abs()).sum();
        if offset[1].abs() < 1e-9 || (!self.dashes.is_empty() && period < 1e-9) {
            return false;
        }
        let mut crossings: Vec<(i64, f64)> = Vec::new();
        let mut cut = |row: i64, x: f64| crossings.push((row, x));
        let mut seen = 0;
        for outline in outlines {
            let outline = outline.clone().mapped(&turn);
            let rows = Rows { base: base[1], step: offset[1], most: most - most.min(seen) };
            let Some(count) = rows.cross(&outline, &mut cut) else { return false };
            seen += count;
        }
        crossings.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for pair in crossings.chunks_exact(2) {
            let [(row, from), (other, to)] = pair else { continue };
            if row != other {
                return false;
            }
            let (y, start) = (base[1] + *row as f64 * offset[1], base[0] + *row as f64 * offset[0]);
            let mut draw = |from: f64, to: f64| {
                let ends = [back.point([from, y]), back.point([to, y])];
                lines.extend(Outline::through(&ends, false));
                lines.len() <= most
            };
            if self.dashes.is_empty() {
                if !draw(*from, *to) {
                    return false;
                }
                continue;
            }
            let first = start + ((from - start) / period).floor() * period;
            // Counted, not added up: far from the origin a dash may be less than a step of numbers.
            let count = ((to - first) / period).ceil();
            if !(0.0..=most as f64).contains(&count) {
                return false;
            }
            for n in 0..count as usize {
                let mut at = first + n as f64 * period;
                for &dash in &self.dashes {
                    // A dot is a short dash.
                    let length = if dash == 0.0 { period * 0.02 } else { dash };
                    let (low, high) = (at.max(*from), (at + length).min(*to));
                    if length > 0.0 && high > low && !draw(low, high) {
                        return false;
                    }
                    at += dash.abs();
                }
            }
        }
        true
    }
}

/// Lines at the heights `base + row * step`.
#[derive(Debug, Clone, Copy)]
struct Rows {
    base: f64,
    step: f64,
    most: usize,
}

impl Rows {
    /// Calls `cut` with the row and x of each crossing, which are counted; `None` for too many.
    fn cross(&self, outline: &Outline, cut: &mut impl FnMut(i64, f64)) -> Option<usize> {
        let mut count = 0;
        let mut last = outline.start;
        for segment in &outline.segments {
            match &segment.with_angles(last) {
                Segment::Line(to) | Segment::Bend(to, _) => {
                    count += self.line(last, *to, count, cut)?;
                }
                Segment::Arc(arc) => {
                    // Where it turns back in y it is cut, so that each part crosses a height once.
                    let size = hypot(arc.u[1], arc.v[1]);
                    let top = atan2(arc.v[1], arc.u[1]);
                    let (low, high) = (arc.from.min(arc.to), arc.from.max(arc.to));
                    let mut ends = vec![low];
                    let mut turn = top + ((low - top) / PI).ceil() * PI;
                    while turn < high && ends.len() < 8 {
                        ends.push(turn);
                        turn += PI;
                    }
                    ends.push(high);
                    for pair in ends.windows(2) {
                        let [from, to] = pair else { continue };
                        let is_down = cos((from + to) / 2.0 - top + PI / 2.0) < 0.0;
                        let x = |y: f64| {
                            let angle = acos(((y - arc.centre[1]) / size).clamp(-1.0, 1.0));
                            arc.at(if is_down { top + angle } else { top - angle })[0]
                        };
                        let ends = [arc.at(*from)[1], arc.at(*to)[1]];
                        count += self.heights(ends, count, |row, y| cut(row, x(y)))?;
                    }
                }
                Segment::Cubic(a, b, c) => {
                    let mut from = last;
                    for i in 1..=PIECES {
                        let t = i as f64 / PIECES as f64;
                        let s = 1.0 - t;
                        let to = add(
                            add(scaled(last, s * s * s), scaled(*a, 3.0 * s * s * t)),
                            add(scaled(*b, 3.0 * s * t * t), scaled(*c, t * t * t)),
                        );
                        count += self.line(from, to, count, cut)?;
                        from = to;
                    }
                }
            }
            last = segment.end();
        }
        count += self.line(last, outline.start, count, cut)?;
        Some(count)
    }

    fn line(&self, from: P, to: P, seen: usize, cut: &mut impl FnMut(i64, f64)) -> Option<usize> {
        let slope = (to[0] - from[0]) / (to[1] - from[1]);
        self.heights([from[1], to[1]], seen, |row, y| cut(row, from[0] + (y - from[1]) * slope))
    }

    /// The rows between two heights: the lower one belongs to them, the upper one does not.
    fn heights(&self, ends: [f64; 2], seen: usize, mut cut: impl FnMut(i64, f64)) -> Option<usize> {
        let row = |y: f64| (y - self.base) / self.step;
        let (a, b) = (row(ends[0]), row(ends[1]));
        let (low, high) = (a.min(b).ceil(), a.max(b).ceil());
        if !(high - low).is_finite() || low.abs() > 1e12 || high.abs() > 1e12 {
            return None;
        }
        let count = (high - low) as usize;
        if seen + count > 2 * self.most {
            return None;
        }
        for row in low as i64..high as i64 {
            cut(row, self.base + row as f64 * self.step);
        }
        Some(count)
    }
}
