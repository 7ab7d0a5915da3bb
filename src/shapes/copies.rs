//! Copies: mirrored, in rows and columns, around a point, and along an outline.

use crate::{Answer, Error, Outline, Vector};

/// Copies that one call makes.
const COPIES: usize = 10_000;

/// A movement of the plane that keeps distances: a turn about the origin, a mirroring first or not, and a
/// shift behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Cosine and sine of the turn.
    pub turn: Vector,
    /// Whether the x axis is mirrored before, so that left becomes right.
    pub mirrored: bool,
    /// The shift.
    pub shift: Vector,
}

impl Motion {
    /// A shift.
    pub fn by(shift: Vector) -> Motion {
        Motion { turn: Vector::new(1.0, 0.0), mirrored: false, shift }
    }

    /// A turn about a point, in radians counter-clockwise.
    pub fn about(centre: Vector, angle: f64) -> Motion {
        let turn = Vector::at_angle(angle);
        let turned = rotate(turn, centre);
        Motion { turn, mirrored: false, shift: centre - turned }
    }

    /// A mirroring at the line through two points.
    ///
    /// # Errors
    /// [`Error::Degenerate`] where the points are one.
    pub fn mirror(from: Vector, to: Vector) -> Result<Motion, Error> {
        let way = (to - from).unit();
        if way == Vector::default() || !way.is_finite() {
            return Err(Error::Degenerate);
        }
        // Twice the angle of the line.
        let turn = Vector::new(way.x * way.x - way.y * way.y, 2.0 * way.x * way.y);
        let image = rotate(turn, Vector::new(from.x, -from.y));
        Ok(Motion { turn, mirrored: true, shift: from - image })
    }

    /// Where a place goes.
    pub fn apply(&self, v: Vector) -> Vector {
        let v = if self.mirrored { Vector::new(v.x, -v.y) } else { v };
        rotate(self.turn, v) + self.shift
    }

    /// The outline there.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::Degenerate`].
    pub fn moved(&self, outline: &Outline) -> Result<Answer<Outline>, Error> {
        Ok(Answer::rounded(outline.mapped(|v| self.apply(v), self.mirrored)?))
    }
}

fn rotate(turn: Vector, v: Vector) -> Vector {
    Vector::new(turn.x * v.x - turn.y * v.y, turn.y * v.x + turn.x * v.y)
}

fn check(seen: usize) -> Result<(), Error> {
    match seen <= COPIES {
        true => Ok(()),
        false => Err(Error::TooMany { what: "copies", limit: COPIES, seen }),
    }
}

/// Rows and columns; the first place, where the original is, is left out. `column` and `row`: from one to
/// the next.
///
/// # Errors
/// [`Error::TooMany`].
pub fn grid(
    columns: usize,
    rows: usize,
    column: Vector,
    row: Vector,
) -> Result<Vec<Motion>, Error> {
    check(columns.saturating_mul(rows))?;
    let places = (0..rows).flat_map(|r| (0..columns).map(move |c| (c, r)));
    Ok(places.skip(1).map(|(c, r)| Motion::by(column * c as f64 + row * r as f64)).collect())
}

/// So many places around a point over an angle in radians, the first one left out. A whole turn is shared by
/// `count`, less than that by the gaps between them. `turned`: whether the copies turn with it, or only
/// `middle`, the middle of what is copied, goes round.
///
/// # Errors
/// [`Error::TooMany`].
pub fn polar(
    count: usize,
    centre: Vector,
    angle: f64,
    turned: bool,
    middle: Vector,
) -> Result<Vec<Motion>, Error> {
    check(count)?;
    let whole = (angle.abs() - std::f64::consts::TAU).abs() < 1e-9;
    let gaps = if whole { count } else { count.saturating_sub(1) };
    let step = angle / gaps.max(1) as f64;
    let places = (1..count).map(|n| {
        let motion = Motion::about(centre, step * n as f64);
        match turned {
            true => motion,
            false => Motion::by(motion.apply(middle) - middle),
        }
    });
    Ok(places.collect())
}

/// So many places along an outline at equal distances, the first at its beginning; where the original is
/// is left to the caller. Answers how each place differs from the first: `turned` with the direction of the
/// outline, or shifted only.
///
/// # Errors
/// [`Error::TooMany`], [`Error::Degenerate`].
pub fn along(outline: &Outline, count: usize, turned: bool) -> Result<Vec<Motion>, Error> {
    check(count)?;
    let edges: Vec<_> = outline.edges().collect();
    let whole: f64 = edges.iter().map(|e| e.length()).sum();
    let first = edges.first().ok_or(Error::Degenerate)?;
    let gaps = if outline.is_closed() { count } else { count.saturating_sub(1) };
    let step = whole / gaps.max(1) as f64;
    let (start, way) = (first.at(0.0), first.direction(0.0));
    let mut motions = Vec::new();
    for n in 1..count {
        let mut left = step * n as f64;
        let mut place = (start, way);
        for (at, edge) in edges.iter().enumerate() {
            let length = edge.length();
            if left <= length || at + 1 == edges.len() {
                let t = (left / length.max(f64::MIN_POSITIVE)).min(1.0);
                place = (edge.at(t), edge.direction(t));
                break;
            }
            left -= length;
        }
        let shift = Motion::by(place.0 - start);
        motions.push(match turned {
            false => shift,
            true => {
                let angle = libm::atan2(way.cross(place.1), way.dot(place.1));
                let turn = Motion::about(start, angle);
                Motion { shift: turn.shift + place.0 - start, ..turn }
            }
        });
    }
    Ok(motions)
}
