//! `viewBox` and `preserveAspectRatio` (SVG 1.1, sections 7.7 and 7.8).

use kurbo::{Affine, Size};

use crate::document::{Document, NodeId};

use super::length::{Length, Unit};

/// The part of user space that fills a viewport. Sides are positive and finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewBox {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width, positive.
    pub width: f64,
    /// Height, positive.
    pub height: f64,
}

impl ViewBox {
    /// Reads four numbers; `None` if they are not, or a side is not positive.
    pub fn parse(text: &str) -> Option<ViewBox> {
        let v: svgtypes::ViewBox = text.parse().ok()?;
        let all = [v.x, v.y, v.w, v.h];
        (all.iter().all(|n| n.is_finite() && n.abs() < 1e12) && v.w > 0.0 && v.h > 0.0)
            .then_some(ViewBox { x: v.x, y: v.y, width: v.w, height: v.h })
    }

    /// The transform from this box's units to a viewport of `size` at the origin.
    pub fn fit(self, aspect: AspectRatio, size: Size) -> Affine {
        let (mut sx, mut sy) = (size.width / self.width, size.height / self.height);
        let (mut dx, mut dy) = (0.0, 0.0);
        if let Some((ax, ay)) = aspect.align {
            let s = if aspect.slice { sx.max(sy) } else { sx.min(sy) };
            (sx, sy) = (s, s);
            dx = (size.width - self.width * s) * ax;
            dy = (size.height - self.height * s) * ay;
        }
        Affine::new([sx, 0.0, 0.0, sy, dx - self.x * sx, dy - self.y * sy])
    }
}

/// Where a drawing sits in a viewport of another shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AspectRatio {
    /// Share of the free space left of and above the drawing; `None`: stretched.
    pub align: Option<(f64, f64)>,
    /// Fill the viewport and cut, instead of fitting inside it.
    pub slice: bool,
}

impl Default for AspectRatio {
    fn default() -> AspectRatio {
        AspectRatio { align: Some((0.5, 0.5)), slice: false }
    }
}

impl AspectRatio {
    /// Reads `preserveAspectRatio`; what cannot be read is the default.
    pub fn parse(text: &str) -> AspectRatio {
        let Ok(a) = text.trim_ascii().parse::<svgtypes::AspectRatio>() else {
            return AspectRatio::default();
        };
        use svgtypes::Align as A;
        let align = match a.align {
            A::None => None,
            A::XMinYMin => Some((0.0, 0.0)),
            A::XMidYMin => Some((0.5, 0.0)),
            A::XMaxYMin => Some((1.0, 0.0)),
            A::XMinYMid => Some((0.0, 0.5)),
            A::XMidYMid => Some((0.5, 0.5)),
            A::XMaxYMid => Some((1.0, 0.5)),
            A::XMinYMax => Some((0.0, 1.0)),
            A::XMidYMax => Some((0.5, 1.0)),
            A::XMaxYMax => Some((1.0, 1.0)),
        };
        AspectRatio { align, slice: a.slice }
    }
}

/// The root's viewBox: as written, else `0 0 width height` in pixels, else
/// `0 0 100 100` where the root states no size at all.
pub fn root_viewbox(document: &Document) -> ViewBox {
    let root = NodeId::ROOT;
    if let Some(v) = document.attr(root, "viewBox").and_then(ViewBox::parse) {
        return v;
    }
    let side = |name| {
        document
            .attr(root, name)
            .and_then(|t| Length::parse(t).ok())
            .and_then(pixels)
            .filter(|n| *n > 0.0 && *n < 1e12)
    };
    ViewBox {
        x: 0.0,
        y: 0.0,
        width: side("width").unwrap_or(100.0),
        height: side("height").unwrap_or(100.0),
    }
}

/// How many pixels a unit of the root's viewBox is wide when the drawing has its own size.
pub fn natural_scale(document: &Document) -> f64 {
    let v = root_viewbox(document);
    let side = |name, units: f64| {
        let length = document.attr(NodeId::ROOT, name).and_then(|text| Length::parse(text).ok());
        length.and_then(pixels).filter(|n| *n > 0.0 && *n < 1e12).unwrap_or(units) / units
    };
    let scale = side("width", v.width).min(side("height", v.height));
    if scale.is_finite() && scale > 0.0 { scale } else { 1.0 }
}

/// A length in CSS pixels, which are the user units of a drawing without a
/// viewBox; `None` for relative units.
pub fn pixels(length: Length) -> Option<f64> {
    match length.unit {
        Unit::None | Unit::Px => Some(length.number),
        unit => unit.millimetres().map(|mm| length.number * mm * 96.0 / 25.4),
    }
}

#[cfg(test)]
mod tests {
    use kurbo::Point;

    use super::*;

    #[test]
    fn a_viewbox_is_placed_as_the_aspect_ratio_says() {
        let v = ViewBox::parse("10 20 100 50").unwrap();
        let size = Size::new(200.0, 200.0);
        let cases = [
            ("xMidYMid meet", Point::new(0.0, 50.0)),
            ("xMinYMin meet", Point::new(0.0, 0.0)),
            ("xMaxYMax meet", Point::new(0.0, 100.0)),
            ("xMidYMid slice", Point::new(-100.0, 0.0)),
            ("none", Point::new(0.0, 0.0)),
            ("nonsense", Point::new(0.0, 50.0)),
        ];
        for (text, corner) in cases {
            let placed = v.fit(AspectRatio::parse(text), size) * Point::new(10.0, 20.0);
            assert_eq!(placed, corner, "{text}");
        }
    }

    #[test]
    fn a_viewbox_without_area_is_none() {
        for text in ["", "0 0 0 10", "0 0 10 -1", "0 0 10", "a b c d", "0 0 1e300 1", "0 0 NaN 1"] {
            assert_eq!(ViewBox::parse(text), None, "{text}");
        }
    }
}
