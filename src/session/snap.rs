//! Where a drag ends up: object points first, then the angle, then the grid.

pub(crate) mod curves;

use kurbo::{Affine, PathEl, Point, Vec2};

use super::error::Error;
use super::operation::{Modifiers, Snap, SnapOptions};
use super::outcome::SnapKind;

/// The angle step when the shift key asks for one, in degrees.
const SHIFT_ANGLE: f64 = 15.0;
/// Points of one outline that are looked at.
pub(crate) const POINTS: usize = 256;

/// A point of another element that a drag may snap to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) at: Point,
    pub(crate) kind: SnapKind,
}

/// What is asked, checked; `None` when snapping is off.
///
/// # Errors
/// [`Error::BadNumber`].
pub(crate) fn options(snap: Snap, modifiers: Modifiers) -> Result<Option<SnapOptions>, Error> {
    let mut options = match snap {
        Snap::Switch(true) => SnapOptions::default(),
        Snap::Switch(false) => return Ok(None),
        Snap::Options(options) => options,
    };
    let check = |name, value: f64, low: f64, high: f64, expected| {
        let good = value.is_finite() && (low..=high).contains(&value);
        if good { Ok(()) } else { Err(Error::BadNumber { name, value, expected }) }
    };
    check("snap.grid", options.grid, 0.0, 1e6, "0 to 1000000 mm")?;
    check("snap.tolerance", options.tolerance, 0.0, 1e6, "0 to 1000000 mm")?;
    if let Some(angle) = options.angle {
        check("snap.angle", angle, 0.001, 360.0, "0.001 to 360 degrees")?;
    }
    if modifiers.alt {
        return Ok(None);
    }
    if modifiers.shift && options.angle.is_none() {
        options.angle = Some(SHIFT_ANGLE);
    }
    Ok(Some(options))
}

/// Snaps a movement. `reference` is the point of the moved element that comes to lie on the
/// grid, `own` are its points before the movement, `near` answers the candidates for one of them, which
/// is so far at another place. The nearest point of an outline counts only where nothing else is near.
/// Lengths are in user units; `unit` is how many of them one millimetre is.
pub(crate) fn snap(
    wanted: Vec2,
    reference: Point,
    own: &[Point],
    options: &SnapOptions,
    unit: f64,
    near: impl Fn(Point, Point, f64) -> Vec<Candidate>,
) -> (Vec2, Option<SnapKind>) {
    if options.is_to_others() {
        let tolerance = options.tolerance * unit;
        let mut best: Option<((bool, f64), Vec2, SnapKind)> = None;
        for &point in own {
            let moved = point + wanted;
            for candidate in near(point, moved, tolerance) {
                let off = candidate.at - moved;
                let distance = off.hypot();
                let rank = (candidate.kind == SnapKind::Nearest, distance);
                if distance <= tolerance && best.is_none_or(|(known, ..)| rank < known) {
                    best = Some((rank, wanted + off, candidate.kind));
                }
            }
        }
        if let Some((_, movement, kind)) = best {
            return (movement, Some(kind));
        }
    }
    let grid = options.grid * unit;
    if let Some(step) = options.angle {
        let length = wanted.hypot();
        if length == 0.0 {
            return (wanted, None);
        }
        let step = step.to_radians();
        let angle = (libm::atan2(wanted.y, wanted.x) / step).round_ties_even() * step;
        let direction = Vec2::new(libm::cos(angle), libm::sin(angle));
        let along = wanted.dot(direction);
        let along = if grid > 0.0 { to_step(along, grid) } else { along };
        return (direction * along, Some(SnapKind::Angle));
    }
    if grid > 0.0 {
        let to = reference + wanted;
        let to = Point::new(to_step(to.x, grid), to_step(to.y, grid));
        return (to - reference, Some(SnapKind::Grid));
    }
    (wanted, None)
}

/// The nearest multiple of `step`; ties to the even one.
pub(crate) fn to_step(value: f64, step: f64) -> f64 {
    (value / step).round_ties_even() * step
}

/// Ends, midpoints and the center of an outline, in world coordinates.
pub(crate) fn points(outline: &[PathEl], to_world: Affine) -> Vec<Candidate> {
    let mut found = Vec::new();
    let (mut last, mut first) = (None::<Point>, None::<Point>);
    for element in outline.iter().take(POINTS) {
        let end = match *element {
            PathEl::MoveTo(p) => {
                first = Some(p);
                last = Some(p);
                found.push(Candidate { at: p, kind: SnapKind::Endpoint });
                continue;
            }
            PathEl::LineTo(p) | PathEl::QuadTo(_, p) | PathEl::CurveTo(_, _, p) => Some(p),
            PathEl::ClosePath => first,
        };
        let (Some(from), Some(to)) = (last, end) else { continue };
        if from != to {
            if matches!(element, PathEl::LineTo(_) | PathEl::ClosePath) {
                found.push(Candidate { at: from.midpoint(to), kind: SnapKind::Midpoint });
            }
            if !matches!(element, PathEl::ClosePath) {
                found.push(Candidate { at: to, kind: SnapKind::Endpoint });
            }
        }
        last = end;
    }
    if let Some(bounds) = control_bounds(&found) {
        found.push(Candidate { at: bounds, kind: SnapKind::Center });
    }
    found.retain(|c| c.at.is_finite());
    for candidate in &mut found {
        candidate.at = to_world * candidate.at;
    }
    found
}

fn control_bounds(found: &[Candidate]) -> Option<Point> {
    let mut points = found.iter().map(|c| c.at);
    let first = points.next()?;
    let (low, high) = points.fold((first, first), |(l, h), p| {
        (Point::new(l.x.min(p.x), l.y.min(p.y)), Point::new(h.x.max(p.x), h.y.max(p.y)))
    });
    Some(low.midpoint(high))
}
