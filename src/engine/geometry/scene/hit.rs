//! Whether a point meets what is drawn.

use kurbo::{BezPath, ParamCurveNearest, PathEl, PathSeg, Point, Rect, Shape};

use crate::geometry::Item;
use crate::geometry::item::Paint;
use crate::geometry::style::PointerEvents;

impl Item {
    pub(super) fn meets(&self, point: Point, tolerance: f64) -> bool {
        if self.clip.as_ref().is_some_and(|clip| !clip.contains(point)) {
            return false;
        }
        let Paint { fill, stroke, even_odd, visible, pointer, half_stroke } = self.paint;
        let (fill, stroke) = match pointer {
            PointerEvents::None => return false,
            PointerEvents::All => (true, true),
            PointerEvents::Painted if !visible => return false,
            PointerEvents::Painted => (fill, stroke),
        };
        if fill {
            let local = self.transform.inverse() * point;
            let turns = winding(&self.outline.elements(), local);
            if if even_odd { turns % 2 != 0 } else { turns != 0 } {
                return true;
            }
        }
        let reach = if stroke { half_stroke } else { 0.0 } + tolerance;
        (fill || stroke) && reach > 0.0 && self.is_near(point, reach)
    }

    /// Whether the outline passes within `reach` of `point` (world units).
    fn is_near(&self, point: Point, reach: f64) -> bool {
        let wanted = reach * reach;
        kurbo::segments(self.outline.elements().iter().map(|el| self.transform * *el)).any(
            |segment| {
                let hull = hull(&segment).inflate(reach, reach);
                if !hull.contains(point) && !touches(hull, point) {
                    return false;
                }
                // An accuracy that follows the size keeps the subdivision short.
                let size = hull.width().max(hull.height());
                segment.nearest(point, (size * 1e-6).max(1e-9)).distance_sq <= wanted
            },
        )
    }
}

pub(super) fn touches(r: Rect, p: Point) -> bool {
    p.x >= r.x0 && p.x <= r.x1 && p.y >= r.y0 && p.y <= r.y1
}

/// The box of a segment's control points.
fn hull(segment: &PathSeg) -> Rect {
    match *segment {
        PathSeg::Line(l) => Rect::from_points(l.p0, l.p1),
        PathSeg::Quad(q) => Rect::from_points(q.p0, q.p2).union_pt(q.p1),
        PathSeg::Cubic(c) => Rect::from_points(c.p0, c.p3).union_pt(c.p1).union_pt(c.p2),
    }
}

/// How often an outline turns about a point. Open subpaths count as closed, as
/// filling has it.
pub(crate) fn winding(elements: &[PathEl], point: Point) -> i32 {
    let opens = elements
        .windows(2)
        .any(|pair| matches!(pair, [a, PathEl::MoveTo(_)] if !matches!(a, PathEl::ClosePath)));
    if !opens && matches!(elements.last(), Some(PathEl::ClosePath)) {
        return elements.winding(point);
    }
    let mut closed = BezPath::with_capacity(elements.len() + 2);
    for el in elements {
        let drawn = !matches!(closed.elements().last(), None | Some(PathEl::ClosePath));
        if matches!(el, PathEl::MoveTo(_)) && drawn {
            closed.close_path();
        }
        closed.push(*el);
    }
    closed.close_path();
    closed.winding(point)
}
