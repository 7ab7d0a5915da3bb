//! One element's own outline, in its own coordinates.

use kurbo::{BezPath, PathEl, Point, Rect, Size};

use crate::document::{Document, NodeId, NodeKind, Ns};

use super::length::{Length, Scale, Unit};
use super::own::Own;
use super::path::{FAR, path};
use super::style::Style;

/// What lengths are relative to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) viewport: Size,
    pub(crate) font_size: f64,
    pub(crate) scale: Scale,
}

/// Along which side a percentage counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Width,
    Height,
    Diagonal,
}

impl Frame {
    /// A length in user units; `None` if it is too far out.
    pub(crate) fn units(self, length: Length, side: Side) -> Option<f64> {
        let n = length.number;
        let units = match length.unit {
            Unit::None | Unit::Px => n,
            Unit::Percent => {
                let Size { width, height } = self.viewport;
                n / 100.0
                    * match side {
                        Side::Width => width,
                        Side::Height => height,
                        Side::Diagonal => (width * width + height * height).sqrt() / 2_f64.sqrt(),
                    }
            }
            Unit::Em => n * self.font_size,
            Unit::Ex => n * self.font_size / 2.0,
            // CSS does not know these two; the drawing's own scale does.
            Unit::M | Unit::Ft => self.scale.to_units(length.to_mm().ok()?),
            unit => n * unit.millimetres()? * 96.0 / 25.4,
        };
        (units.abs() <= FAR).then_some(units)
    }

    /// A written length in user units; `None` if unreadable.
    pub(crate) fn value(self, text: &str, side: Side) -> Option<f64> {
        self.units(Length::parse(text).ok()?, side)
    }
}

/// The outline of a basic shape or path; `None` if it paints nothing.
pub(crate) fn outline(
    document: &Document,
    node: NodeId,
    frame: Frame,
    own: &Own,
) -> Option<BezPath> {
    let get = |name, side| frame.value(own.value(document, node, name)?, side);
    let x = |name| get(name, Side::Width).unwrap_or(0.0);
    let y = |name| get(name, Side::Height).unwrap_or(0.0);
    match document.name(node)?.1 {
        "rect" => {
            let (w, h) = (get("width", Side::Width)?, get("height", Side::Height)?);
            if w <= 0.0 || h <= 0.0 {
                return None;
            }
            let rx = get("rx", Side::Width).filter(|r| *r >= 0.0);
            let ry = get("ry", Side::Height).filter(|r| *r >= 0.0);
            let r = (rx.or(ry).unwrap_or(0.0).min(w / 2.0), ry.or(rx).unwrap_or(0.0).min(h / 2.0));
            let origin = Point::new(x("x"), y("y"));
            Some(rectangle(Rect::from_origin_size(origin, Size::new(w, h)), r))
        }
        "circle" => {
            let r = get("r", Side::Diagonal).filter(|r| *r > 0.0)?;
            Some(ellipse(Point::new(x("cx"), y("cy")), r, r))
        }
        "ellipse" => {
            // A negative radius is as if it were not there (SVG 2, section 7.4).
            let rx = get("rx", Side::Width).filter(|r| *r >= 0.0);
            let ry = get("ry", Side::Height).filter(|r| *r >= 0.0);
            let (rx, ry) = (rx.or(ry)?, ry.or(rx)?);
            (rx > 0.0 && ry > 0.0).then(|| ellipse(Point::new(x("cx"), y("cy")), rx, ry))
        }
        "line" => {
            let mut p = BezPath::with_capacity(2);
            p.move_to((x("x1"), y("y1")));
            p.line_to((x("x2"), y("y2")));
            Some(p)
        }
        name @ ("polyline" | "polygon") => {
            let (mut p, _) = points(document.attr(node, "points")?);
            if p.elements().len() < 2 {
                return None;
            }
            if name == "polygon" {
                p.close_path();
            }
            Some(dots(p))
        }
        "path" => {
            let (p, _) = path(own.value(document, node, "d")?);
            (p.elements().len() > 1).then(|| dots(p))
        }
        "image" => {
            let (w, h) = (get("width", Side::Width)?, get("height", Side::Height)?);
            let origin = Point::new(x("x"), y("y"));
            (w > 0.0 && h > 0.0)
                .then(|| rectangle(Rect::from_origin_size(origin, Size::new(w, h)), (0.0, 0.0)))
        }
        _ => None,
    }
}

/// Closed parts without length become open ones: their caps are drawn (SVG 2, section 13.7.4).
fn dots(p: BezPath) -> BezPath {
    let flat = |part: &[PathEl]| {
        let [PathEl::MoveTo(start), between @ .., PathEl::ClosePath] = part else { return None };
        let still = between.iter().all(|el| match *el {
            PathEl::LineTo(p) => p == *start,
            PathEl::CurveTo(a, b, p) => a == *start && b == *start && p == *start,
            PathEl::QuadTo(a, p) => a == *start && p == *start,
            _ => false,
        });
        still.then_some(*start)
    };
    let starts = |el: &PathEl| matches!(el, PathEl::MoveTo(_));
    let mut parts = p.elements().chunk_by(|_, next| !starts(next));
    if !parts.any(|part| flat(part).is_some()) {
        return p;
    }
    let mut out = BezPath::with_capacity(p.elements().len());
    for part in p.elements().chunk_by(|_, next| !starts(next)) {
        match flat(part) {
            Some(at) => {
                out.move_to(at);
                out.line_to(at);
            }
            None => out.extend(part.iter().copied()),
        }
    }
    out
}

/// Whether a part of an outline is a point, of which only caps are drawn.
pub(crate) fn has_dot(all: &[PathEl]) -> bool {
    all.windows(2).enumerate().any(|(at, pair)| {
        let ends = matches!(all.get(at + 2), None | Some(PathEl::MoveTo(_)));
        matches!(pair, [PathEl::MoveTo(a), PathEl::LineTo(b)] if a == b) && ends
    })
}

/// Reads a point list up to the first fault; answers the byte offset of the
/// fault, or the length of the text for a lone last coordinate.
pub(crate) fn points(text: &str) -> (BezPath, Option<usize>) {
    let mut p = BezPath::new();
    let mut pending = None;
    let mut fault = None;
    for number in svgtypes::NumberListParser::from(text) {
        let Some(n) = number.ok().filter(|n| n.abs() <= FAR) else {
            fault = Some(first_bad(text));
            break;
        };
        match pending.take() {
            None => pending = Some(n),
            Some(x) if p.elements().is_empty() => p.move_to((x, n)),
            Some(x) => p.line_to((x, n)),
        }
    }
    (p, fault.or(pending.map(|_| text.len())))
}

fn first_bad(text: &str) -> usize {
    let fine = |c: char| c.is_ascii_digit() || c.is_ascii_whitespace() || "+-.,eE".contains(c);
    text.find(|c| !fine(c)).unwrap_or(0)
}

/// A rectangle with corners of radii `rx`, `ry`.
pub(crate) fn rectangle(r: Rect, (rx, ry): (f64, f64)) -> BezPath {
    if rx <= 0.0 || ry <= 0.0 {
        let mut p = BezPath::with_capacity(5);
        p.move_to((r.x0, r.y0));
        p.line_to((r.x1, r.y0));
        p.line_to((r.x1, r.y1));
        p.line_to((r.x0, r.y1));
        p.close_path();
        return p;
    }
    // A quarter of an ellipse as one cubic: 4/3 (sqrt 2 - 1), error 0.03 % of the radius.
    let k = 1.0 - 0.552_284_749_830_793_4;
    let (kx, ky) = (rx * k, ry * k);
    let mut p = BezPath::with_capacity(10);
    p.move_to((r.x0 + rx, r.y0));
    p.line_to((r.x1 - rx, r.y0));
    p.curve_to((r.x1 - kx, r.y0), (r.x1, r.y0 + ky), (r.x1, r.y0 + ry));
    p.line_to((r.x1, r.y1 - ry));
    p.curve_to((r.x1, r.y1 - ky), (r.x1 - kx, r.y1), (r.x1 - rx, r.y1));
    p.line_to((r.x0 + rx, r.y1));
    p.curve_to((r.x0 + kx, r.y1), (r.x0, r.y1 - ky), (r.x0, r.y1 - ry));
    p.line_to((r.x0, r.y0 + ry));
    p.curve_to((r.x0, r.y0 + ky), (r.x0 + kx, r.y0), (r.x0 + rx, r.y0));
    p.close_path();
    p
}

/// An ellipse as eight cubics: error 4e-6 of the radius.
pub(super) fn ellipse(centre: Point, rx: f64, ry: f64) -> BezPath {
    const HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;
    const UNIT: [(f64, f64); 9] = [
        (1.0, 0.0),
        (HALF, HALF),
        (0.0, 1.0),
        (-HALF, HALF),
        (-1.0, 0.0),
        (-HALF, -HALF),
        (0.0, -1.0),
        (HALF, -HALF),
        (1.0, 0.0),
    ];
    // 4/3 tan(pi / 16)
    const ARM: f64 = 0.265_216_489_733_407_44;
    let at = |x: f64, y: f64| Point::new(centre.x + rx * x, centre.y + ry * y);
    let mut p = BezPath::with_capacity(10);
    p.move_to(at(1.0, 0.0));
    for pair in UNIT.windows(2) {
        if let [(ax, ay), (bx, by)] = *pair {
            p.curve_to(
                at(ax - ARM * ay, ay + ARM * ax),
                at(bx + ARM * by, by - ARM * bx),
                at(bx, by),
            );
        }
    }
    p.close_path();
    p
}

/// The boxes of a text, one for each run that starts at a place of its own.
/// Widths are estimated: shaping text is the painter's work.
pub(crate) fn text_boxes(
    document: &Document,
    node: NodeId,
    frame: Frame,
    style: Style,
) -> Option<BezPath> {
    /// Mean advance of Latin letters over the font size.
    const ADVANCE: f64 = 0.55;
    let size = style.font_size;
    let first = |n: NodeId, name: &str, side| {
        let text = document.attr(n, name)?.split([' ', ',']).find(|t| !t.is_empty())?;
        frame.units(Length::parse(text).ok()?, side)
    };
    let mut boxes = BezPath::new();
    let mut pen = Point::ZERO;
    let mut run = 0_usize;
    let mut start = pen;
    let mut flush = |start: Point, letters: usize| -> f64 {
        let width = letters as f64 * size * ADVANCE;
        if letters > 0 {
            let x = start.x - width * style.text_anchor;
            let r = Rect::new(x, start.y - size * 0.8, x + width, start.y + size * 0.2);
            boxes.extend(rectangle(r, (0.0, 0.0)));
        }
        width
    };
    for n in document.descendants(node) {
        match document.kind(n) {
            NodeKind::Element { ns: Ns::Svg | Ns::None, name }
                if matches!(name.as_str(), "text" | "tspan") =>
            {
                let (x, y) = (first(n, "x", Side::Width), first(n, "y", Side::Height));
                let (dx, dy) = (first(n, "dx", Side::Width), first(n, "dy", Side::Height));
                if [x, y, dx, dy].iter().any(Option::is_some) {
                    pen.x = start.x + flush(start, run);
                    run = 0;
                    pen.x = x.unwrap_or(pen.x) + dx.unwrap_or(0.0);
                    pen.y = y.unwrap_or(pen.y) + dy.unwrap_or(0.0);
                    start = pen;
                }
            }
            NodeKind::Text(t) if is_shown(document, n, node) => {
                run += t.split_whitespace().map(|w| w.chars().count() + 1).sum::<usize>();
            }
            _ => {}
        }
    }
    flush(start, run);
    (!boxes.is_empty()).then_some(boxes)
}

/// Whether the text node's parent is a text element (not a title, say).
fn is_shown(document: &Document, text: NodeId, root: NodeId) -> bool {
    document.parent(text).is_some_and(|p| {
        p == root || matches!(document.name(p), Some((_, "tspan" | "textPath" | "a")))
    })
}
