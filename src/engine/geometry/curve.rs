//! The outline of an element as it is kept.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use kurbo::{BezPath, PathEl, Point, Rect};

/// The outline of an element, in its own coordinates. An upright rectangle, which most elements of
/// a plan are, takes no memory of its own: as a path it takes ten times as much.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// Closed, from its first corner along x: as [`rectangle`](super::outline::rectangle) draws it.
    Rectangle(Rect),
    /// Anything else. Instances share it.
    Path(Arc<BezPath>),
}

impl Curve {
    /// The elements of its path.
    pub fn elements(&self) -> Elements<'_> {
        match self {
            Curve::Rectangle(rect) => Elements::Own(border(*rect)),
            Curve::Path(path) => Elements::Kept(path.elements()),
        }
    }

    /// As a path.
    pub fn path(&self) -> Cow<'_, BezPath> {
        match self {
            Curve::Rectangle(rect) => Cow::Owned(border(*rect).into_iter().collect()),
            Curve::Path(path) => Cow::Borrowed(path),
        }
    }

    /// Bytes that it takes beyond itself.
    pub fn bytes(&self) -> usize {
        match self {
            Curve::Rectangle(_) => 0,
            Curve::Path(path) => size_of_val(path.elements()),
        }
    }
}

impl From<BezPath> for Curve {
    fn from(path: BezPath) -> Curve {
        match *path.elements() {
            [
                PathEl::MoveTo(a),
                PathEl::LineTo(b),
                PathEl::LineTo(c),
                PathEl::LineTo(d),
                PathEl::ClosePath,
            ] if a.y == b.y && b.x == c.x && c.y == d.y && d.x == a.x => {
                Curve::Rectangle(Rect { x0: a.x, y0: a.y, x1: c.x, y1: c.y })
            }
            _ => Curve::Path(Arc::new(path)),
        }
    }
}

/// The elements of a path, kept or made.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::large_enum_variant, reason = "it lives on the stack, to save a path on the heap")]
pub enum Elements<'p> {
    /// Of a rectangle.
    Own([PathEl; 5]),
    /// Of a path.
    Kept(&'p [PathEl]),
}

impl Deref for Elements<'_> {
    type Target = [PathEl];

    fn deref(&self) -> &[PathEl] {
        match self {
            Elements::Own(elements) => elements,
            Elements::Kept(elements) => elements,
        }
    }
}

fn border(r: Rect) -> [PathEl; 5] {
    [
        PathEl::MoveTo(Point::new(r.x0, r.y0)),
        PathEl::LineTo(Point::new(r.x1, r.y0)),
        PathEl::LineTo(Point::new(r.x1, r.y1)),
        PathEl::LineTo(Point::new(r.x0, r.y1)),
        PathEl::ClosePath,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_drawn() {
        for (text, kept) in [
            ("M1 2 H5 V9 H1 Z", true),
            // Drawn from the other end, or from below: the corners stand where they stood.
            ("M5 9 H1 V2 H5 Z", true),
            ("M0 0 H4 V0 H0 Z", true),
            // The other way round, open, slanted, in two parts.
            ("M1 2 V9 H5 V2 Z", false),
            ("M1 2 H5 V9 H1", false),
            ("M1 2 L5 3 V9 H1 Z", false),
            ("M1 2 H5 V9 H1 Z M0 0 H1", false),
            ("M1 2 C1 2 3 4 5 6", false),
        ] {
            let path = BezPath::from_svg(text).expect(text);
            let curve = Curve::from(path.clone());
            assert_eq!(matches!(curve, Curve::Rectangle(_)), kept, "{text}");
            assert_eq!(*curve.elements(), *path.elements(), "{text}");
            assert_eq!(*curve.path(), path, "{text}");
        }
    }
}
