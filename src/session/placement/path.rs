//! The ends of lines, polylines and open paths, read and written.

use kurbo::{Point, Vec2};
use svgtypes::{PathParser, PathSegment, PointsParser};

use super::assembly::End;
use super::part::Digits;

/// Bytes of a path whose ends are moved; a longer one is no drawn connection.
const PATH_BYTES: usize = 64 * 1024;

/// The points of a polyline; `None` where something of it is no point and would be lost in
/// writing back.
pub(super) fn points(written: &str) -> Option<Vec<(f64, f64)>> {
    let points: Vec<(f64, f64)> = PointsParser::from(written).collect();
    let given = written.split([' ', ',', '\n', '\t', '\r']).filter(|s| !s.is_empty());
    let finite = points.iter().all(|p| p.0.is_finite() && p.1.is_finite());
    (given.count() == points.len() * 2 && finite).then_some(points)
}

/// One piece of a path, in absolute coordinates: its letter, what is before the end, the end.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    letter: char,
    controls: Vec<Point>,
    /// Radii, rotation and flags of an arc.
    arc: Option<(f64, f64, f64, bool, bool)>,
    to: Point,
}

/// The pieces of a single open line; `None` for anything else.
fn pieces(data: &str) -> Option<Vec<Piece>> {
    if data.len() > PATH_BYTES {
        return None;
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = Point::ZERO;
    for segment in PathParser::from(data) {
        let base = |abs: bool| if abs { Vec2::ZERO } else { at.to_vec2() };
        let point = |abs: bool, x: f64, y: f64| Point::new(x, y) + base(abs);
        let (letter, controls, arc, to) = match segment.ok()? {
            PathSegment::MoveTo { abs, x, y } if pieces.is_empty() => {
                ('M', vec![], None, point(abs, x, y))
            }
            PathSegment::LineTo { abs, x, y } => ('L', vec![], None, point(abs, x, y)),
            PathSegment::HorizontalLineTo { abs, x } => {
                ('L', vec![], None, Point::new(x + base(abs).x, at.y))
            }
            PathSegment::VerticalLineTo { abs, y } => {
                ('L', vec![], None, Point::new(at.x, y + base(abs).y))
            }
            PathSegment::CurveTo { abs, x1, y1, x2, y2, x, y } => {
                ('C', vec![point(abs, x1, y1), point(abs, x2, y2)], None, point(abs, x, y))
            }
            PathSegment::SmoothCurveTo { abs, x2, y2, x, y } => {
                ('S', vec![point(abs, x2, y2)], None, point(abs, x, y))
            }
            PathSegment::Quadratic { abs, x1, y1, x, y } => {
                ('Q', vec![point(abs, x1, y1)], None, point(abs, x, y))
            }
            PathSegment::SmoothQuadratic { abs, x, y } => ('T', vec![], None, point(abs, x, y)),
            PathSegment::EllipticalArc { abs, rx, ry, x_axis_rotation, large_arc, sweep, x, y } => {
                let arc = (rx, ry, x_axis_rotation, large_arc, sweep);
                ('A', vec![], Some(arc), point(abs, x, y))
            }
            PathSegment::MoveTo { .. } | PathSegment::ClosePath { .. } => return None,
        };
        if !to.is_finite() {
            return None;
        }
        pieces.push(Piece { letter, controls, arc, to });
        at = to;
    }
    (pieces.len() >= 2).then_some(pieces)
}

/// Both ends of a polyline or an open path.
pub(super) fn ends(text: &str, is_path: bool) -> Option<(Point, Point)> {
    let (first, last) = if is_path {
        let pieces = pieces(text)?;
        (pieces.first()?.to, pieces.last()?.to)
    } else {
        let points = points(text).filter(|p| p.len() >= 2)?;
        (Point::from(*points.first()?), Point::from(*points.last()?))
    };
    (first != last).then_some((first, last))
}

/// The text with one end at `to`; the control point of a curve there goes along.
pub(super) fn with_end(
    text: &str,
    is_path: bool,
    end: End,
    to: Point,
    digits: Digits,
) -> Option<String> {
    if !is_path {
        let points = points(text)?;
        let moved = match end {
            End::Start => 0,
            End::Last => points.len().checked_sub(1)?,
        };
        let pair = |(at, &(x, y)): (usize, &(f64, f64))| match at == moved {
            true => format!("{},{}", digits.write(to.x), digits.write(to.y)),
            false => format!("{x},{y}"),
        };
        return Some(points.iter().enumerate().map(pair).collect::<Vec<_>>().join(" "));
    }
    let mut pieces = pieces(text)?;
    match end {
        End::Start => {
            let by = to - pieces.first()?.to;
            pieces.first_mut()?.to = to;
            if let Some(next) = pieces.get_mut(1)
                && next.letter == 'C'
                && let Some(control) = next.controls.first_mut()
            {
                *control += by;
            }
        }
        End::Last => {
            let last = pieces.last_mut()?;
            let by = to - last.to;
            last.to = to;
            if matches!(last.letter, 'C' | 'S')
                && let Some(control) = last.controls.last_mut()
            {
                *control += by;
            }
        }
    }
    let moved = if end == End::Start { 0 } else { pieces.len() - 1 };
    Some(write(&pieces, moved, digits))
}

/// Whether two texts are the same line, but for one end and what goes along with it.
pub(super) fn same_but_end(now: &str, before: &str, is_path: bool, end: End) -> bool {
    let rest = |count: usize| match end {
        End::Start => 2.min(count)..count,
        End::Last => 0..count.saturating_sub(1),
    };
    if is_path {
        match (pieces(now), pieces(before)) {
            (Some(a), Some(b)) => {
                a.len() == b.len()
                    && a.get(rest(a.len())) == b.get(rest(b.len()))
                    && same_far_end(&a, &b, end)
            }
            _ => false,
        }
    } else {
        let rest = |count: usize| match end {
            End::Start => 1.min(count)..count,
            End::Last => 0..count.saturating_sub(1),
        };
        match (points(now), points(before)) {
            (Some(a), Some(b)) => {
                a.len() == b.len() && a.get(rest(a.len())) == b.get(rest(b.len()))
            }
            _ => false,
        }
    }
}

/// Whether the piece after a start leads to the same place in both.
fn same_far_end(a: &[Piece], b: &[Piece], end: End) -> bool {
    match end {
        End::Start => a.get(1).map(|p| p.to) == b.get(1).map(|p| p.to),
        End::Last => true,
    }
}

/// The pieces as path data; horizontal and vertical lines by their own letters. Only what
/// moved is rounded.
fn write(pieces: &[Piece], moved: usize, rounded: Digits) -> String {
    let mut text = String::new();
    let mut at: Option<(String, String)> = None;
    for (i, piece) in pieces.iter().enumerate() {
        let digits = if i == moved { rounded } else { rounded.fine() };
        let to = (digits.write(piece.to.x), digits.write(piece.to.y));
        if !text.is_empty() {
            text.push(' ');
        }
        match &at {
            Some((_, y)) if piece.letter == 'L' && *y == to.1 => {
                text.push_str(&format!("H{}", to.0));
            }
            Some((x, _)) if piece.letter == 'L' && *x == to.0 => {
                text.push_str(&format!("V{}", to.1));
            }
            _ => {
                text.push(piece.letter);
                if let Some((rx, ry, rotation, large, sweep)) = piece.arc {
                    let flags = (u8::from(large), u8::from(sweep));
                    let (rx, ry) = (digits.write(rx), digits.write(ry));
                    text.push_str(&format!("{rx} {ry} {rotation} {} {} ", flags.0, flags.1));
                }
                for control in &piece.controls {
                    let (x, y) = (digits.write(control.x), digits.write(control.y));
                    text.push_str(&format!("{x} {y} "));
                }
                text.push_str(&format!("{} {}", to.0, to.1));
            }
        }
        at = Some(to);
    }
    text
}
