//! What an element draws, as lines and arcs.

use kurbo::{Affine, Arc, PathEl, Point, Shape as _, SvgArc, Vec2};
use svgtypes::{PathParser, PathSegment};
use svgx_engine::document::{NodeId, Ns};
use svgx_shapes::{Error, Outline, Vector, Vertex, cubic, ellipse_arc};

use super::{Drawn, Frame, vector};
use crate::placement::Drawing;

/// Pieces of one path that are read.
const PIECES: usize = 100_000;
/// Radii of an ellipse that differ by less are those of a circle: micrometres.
const ROUND: f64 = 0.5;

/// The shapes that can be edited.
const SHAPES: [&str; 7] = ["line", "polyline", "polygon", "rect", "circle", "ellipse", "path"];

/// What an element draws. Curves other than arcs of circles become chords within `tolerance` micrometres.
///
/// # Errors
/// A sentence that says why its shape cannot be read.
pub(crate) fn read(
    drawing: Drawing<'_>,
    node: NodeId,
    frame: Frame,
    tolerance: f64,
) -> Result<Drawn, String> {
    let document = drawing.document;
    let (ns, name) = document.name(node).ok_or("it is no element")?;
    let known = SHAPES.iter().find(|known| **known == name && ns != Ns::Arx);
    let Some(name) = known.copied() else {
        return Err(format!("it is no shape; shapes are {}", SHAPES.join(", ")));
    };
    let outline = drawing.scene.outline(node).ok_or("it draws nothing where it stands")?;
    let outline = outline.path();
    let mut builder = Builder::new(frame.to_um, tolerance);
    match name {
        "circle" | "ellipse" => {
            // The engine's curves touch the box exactly.
            let bounds = outline.bounding_box();
            let radii = bounds.size().to_vec2() / 2.0;
            builder.ellipse(bounds.center(), radii);
        }
        "rect" => {
            let bounds = outline.bounding_box();
            let first = outline.elements().first();
            let corner = match first {
                Some(PathEl::MoveTo(p)) => p.x - bounds.x0,
                _ => 0.0,
            };
            let corner_y = outline.elements().iter().find_map(|el| match el {
                PathEl::CurveTo(_, _, p) => Some(p.y - bounds.y0),
                _ => None,
            });
            builder.rectangle(bounds, corner, corner_y.unwrap_or(0.0));
        }
        "path" => {
            let data = document.attr(node, "d").unwrap_or_default();
            builder.path(data)?;
            let own = builder.bounds();
            let shown = outline.bounding_box();
            let same = own.is_some_and(|(low, high)| {
                let slack = 1e-4 * (1.0 + shown.width().max(shown.height()));
                (low.x - shown.x0).abs() <= slack
                    && (low.y - shown.y0).abs() <= slack
                    && (high.x - shown.x1).abs() <= slack
                    && (high.y - shown.y1).abs() <= slack
            });
            if !same {
                return Err("its style states its shape, or its data has a fault".to_owned());
            }
        }
        _ => {
            for el in outline.elements() {
                match *el {
                    PathEl::MoveTo(p) => builder.move_to(p),
                    PathEl::LineTo(p) => builder.line_to(p),
                    PathEl::ClosePath => builder.close(),
                    PathEl::QuadTo(..) | PathEl::CurveTo(..) => {}
                }
            }
        }
    }
    let error_mm = builder.off / 1e3 + 0.000_708;
    let outlines = builder.finish().map_err(|e| e.to_string())?;
    if outlines.is_empty() {
        return Err("it has no length".to_owned());
    }
    Ok(Drawn { name, outlines, even_odd: is_even_odd(drawing, node), error_mm })
}

/// Whether the element or something around it says so.
fn is_even_odd(drawing: Drawing<'_>, node: NodeId) -> bool {
    let document = drawing.document;
    let around = std::iter::successors(Some(node), |&n| document.parent(n));
    let said = around.into_iter().find_map(|n| {
        let style = document.attr(n, "style").unwrap_or_default();
        let declared = style.split(';').rev().find_map(|declaration| {
            let (name, value) = declaration.split_once(':')?;
            (name.trim() == "fill-rule").then(|| value.trim().to_owned())
        });
        declared.or_else(|| document.attr(n, "fill-rule").map(|v| v.trim().to_owned()))
    });
    said.as_deref() == Some("evenodd")
}

/// Outlines in micrometres of the world from coordinates of an element.
struct Builder {
    to_um: Affine,
    tolerance: f64,
    rows: Vec<(Vec<(Vector, f64)>, bool)>,
    at: Point,
    start: Point,
    /// The row is closed: what comes next begins another one.
    closed: bool,
    off: f64,
    /// Places on the path in its own coordinates, for its box.
    low: Option<(Point, Point)>,
}

impl Builder {
    fn new(to_um: Affine, tolerance: f64) -> Builder {
        Builder {
            to_um,
            tolerance,
            rows: Vec::new(),
            at: Point::ZERO,
            start: Point::ZERO,
            closed: true,
            off: 0.0,
            low: None,
        }
    }

    fn world(&self, p: Point) -> Vector {
        vector(self.to_um * p)
    }

    fn side(&self) -> f64 {
        self.to_um.determinant().signum()
    }

    fn bounds(&self) -> Option<(Point, Point)> {
        self.low
    }

    fn see(&mut self, p: Point) {
        let (low, high) = self.low.unwrap_or((p, p));
        self.low = Some((
            Point::new(low.x.min(p.x), low.y.min(p.y)),
            Point::new(high.x.max(p.x), high.y.max(p.y)),
        ));
    }

    fn move_to(&mut self, p: Point) {
        self.rows.push((vec![(self.world(p), 0.0)], false));
        (self.at, self.start, self.closed) = (p, p, false);
    }

    /// A row to add to: a new one behind one that was closed.
    fn open(&mut self) {
        if self.closed {
            self.move_to(self.start);
        }
        self.see(self.at);
    }

    fn push(&mut self, world: Vector) {
        if let Some((row, _)) = self.rows.last_mut() {
            row.push((world, 0.0));
        }
    }

    fn bend(&mut self, bulge: f64) {
        if let Some((_, last)) = self.rows.last_mut().and_then(|(row, _)| row.last_mut()) {
            *last = bulge;
        }
    }

    fn line_to(&mut self, p: Point) {
        self.open();
        self.push(self.world(p));
        self.at = p;
        self.see(p);
    }

    fn close(&mut self) {
        if let Some((_, closed)) = self.rows.last_mut().filter(|_| !self.closed) {
            *closed = true;
        }
        (self.at, self.closed) = (self.start, true);
    }

    fn curve_to(&mut self, a: Point, b: Point, p: Point) {
        self.open();
        let four = [self.at, a, b, p];
        let (found, off) = cubic(four.map(|p| self.world(p)), self.tolerance);
        self.off = self.off.max(off);
        found.into_iter().for_each(|v| self.push(v));
        let bounds = kurbo::CubicBez::new(self.at, a, b, p).bounding_box();
        self.see(bounds.origin());
        self.see(Point::new(bounds.x1, bounds.y1));
        self.at = p;
    }

    /// An arc about a centre; its ends are told apart from it, so that they are where they are written.
    fn arc(&mut self, centre: Point, radii: Vec2, turned: f64, start: f64, sweep: f64, to: Point) {
        self.open();
        let axis = |angle: f64, radius: f64| {
            let way = Vec2::new(libm::cos(angle), libm::sin(angle)) * radius;
            vector(self.to_um * (centre + way)) - vector(self.to_um * centre)
        };
        let axes = (axis(turned, radii.x), axis(turned + std::f64::consts::FRAC_PI_2, radii.y));
        let (a, b) = (axes.0.length(), axes.1.length());
        let is_circle = (a - b).abs() <= ROUND && axes.0.dot(axes.1).abs() <= ROUND * a.max(1.0);
        if is_circle {
            self.bend(self.side() * libm::tan(sweep / 4.0));
            self.push(self.world(to));
        } else {
            let middle = self.world(centre);
            let (mut found, off) = ellipse_arc(middle, axes, start, sweep, self.tolerance);
            self.off = self.off.max(off);
            if let Some(last) = found.last_mut() {
                *last = self.world(to);
            }
            found.into_iter().for_each(|v| self.push(v));
        }
        let shape = Arc::new(centre, radii, start, sweep, turned);
        let bounds = shape.bounding_box();
        self.see(bounds.origin());
        self.see(Point::new(bounds.x1, bounds.y1));
        self.at = to;
    }

    fn ellipse(&mut self, centre: Point, radii: Vec2) {
        let right = centre + Vec2::new(radii.x, 0.0);
        let left = centre - Vec2::new(radii.x, 0.0);
        let half = std::f64::consts::PI;
        self.move_to(right);
        self.arc(centre, radii, 0.0, 0.0, half, left);
        self.arc(centre, radii, 0.0, half, half, right);
        self.close();
    }

    fn rectangle(&mut self, r: kurbo::Rect, rx: f64, ry: f64) {
        use std::f64::consts::FRAC_PI_2;
        if rx <= 0.0 || ry <= 0.0 {
            self.move_to(Point::new(r.x0, r.y0));
            self.line_to(Point::new(r.x1, r.y0));
            self.line_to(Point::new(r.x1, r.y1));
            self.line_to(Point::new(r.x0, r.y1));
            return self.close();
        }
        let radii = Vec2::new(rx, ry);
        self.move_to(Point::new(r.x0 + rx, r.y0));
        for (centre, start, from, to) in [
            ((r.x1 - rx, r.y0 + ry), -FRAC_PI_2, (r.x1 - rx, r.y0), (r.x1, r.y0 + ry)),
            ((r.x1 - rx, r.y1 - ry), 0.0, (r.x1, r.y1 - ry), (r.x1 - rx, r.y1)),
            ((r.x0 + rx, r.y1 - ry), FRAC_PI_2, (r.x0 + rx, r.y1), (r.x0, r.y1 - ry)),
            ((r.x0 + rx, r.y0 + ry), 2.0 * FRAC_PI_2, (r.x0, r.y0 + ry), (r.x0 + rx, r.y0)),
        ] {
            self.line_to(from.into());
            self.arc(centre.into(), radii, 0.0, start, FRAC_PI_2, to.into());
        }
        self.close();
    }

    /// Path data by SVG 2, section 9.3.
    fn path(&mut self, data: &str) -> Result<(), String> {
        use PathSegment as S;
        let (mut cubic, mut quadratic): (Option<Point>, Option<Point>) = (None, None);
        for (count, segment) in PathParser::from(data).enumerate() {
            if count >= PIECES {
                return Err(format!("its path has more than {PIECES} pieces"));
            }
            let segment = segment.map_err(|_| "its path has a fault".to_owned())?;
            let base = |abs: bool| if abs { Vec2::ZERO } else { self.at.to_vec2() };
            let point = |abs: bool, x: f64, y: f64| Point::new(x, y) + base(abs);
            let (last_cubic, last_quadratic) = (cubic.take(), quadratic.take());
            let mirrored =
                |control: Option<Point>| control.map_or(self.at, |c| self.at + (self.at - c));
            match segment {
                S::MoveTo { abs, x, y } => {
                    let p = point(abs, x, y);
                    self.move_to(p);
                }
                S::LineTo { abs, x, y } => self.line_to(point(abs, x, y)),
                S::HorizontalLineTo { abs, x } => {
                    let p = Point::new(x + base(abs).x, self.at.y);
                    self.line_to(p);
                }
                S::VerticalLineTo { abs, y } => {
                    let p = Point::new(self.at.x, y + base(abs).y);
                    self.line_to(p);
                }
                S::CurveTo { abs, x1, y1, x2, y2, x, y } => {
                    let (a, b, p) = (point(abs, x1, y1), point(abs, x2, y2), point(abs, x, y));
                    self.curve_to(a, b, p);
                    cubic = Some(b);
                }
                S::SmoothCurveTo { abs, x2, y2, x, y } => {
                    let (a, b, p) = (mirrored(last_cubic), point(abs, x2, y2), point(abs, x, y));
                    self.curve_to(a, b, p);
                    cubic = Some(b);
                }
                S::Quadratic { abs, x1, y1, x, y } => {
                    let (c, p) = (point(abs, x1, y1), point(abs, x, y));
                    self.quad_to(c, p);
                    quadratic = Some(c);
                }
                S::SmoothQuadratic { abs, x, y } => {
                    let (c, p) = (mirrored(last_quadratic), point(abs, x, y));
                    self.quad_to(c, p);
                    quadratic = Some(c);
                }
                S::EllipticalArc { abs, rx, ry, x_axis_rotation, large_arc, sweep, x, y } => {
                    let to = point(abs, x, y);
                    let arc = SvgArc {
                        from: self.at,
                        to,
                        radii: Vec2::new(rx, ry),
                        x_rotation: x_axis_rotation.to_radians(),
                        large_arc,
                        sweep,
                    };
                    match Arc::from_svg_arc(&arc).filter(|a| a.center.is_finite()) {
                        Some(a) => self.arc(
                            a.center,
                            a.radii,
                            a.x_rotation,
                            a.start_angle,
                            a.sweep_angle,
                            to,
                        ),
                        None => self.line_to(to),
                    }
                }
                S::ClosePath { .. } => self.close(),
            }
        }
        Ok(())
    }

    fn quad_to(&mut self, c: Point, p: Point) {
        let (a, b) = (self.at + (c - self.at) * (2.0 / 3.0), p + (c - p) * (2.0 / 3.0));
        self.curve_to(a, b, p);
    }

    /// The outlines; rows without length are left out.
    fn finish(self) -> Result<Vec<Outline>, Error> {
        let mut outlines = Vec::new();
        for (row, closed) in self.rows {
            let vertices = row
                .into_iter()
                .map(|(v, bulge)| Ok(Vertex { at: svgx_shapes::Point::nearest(v)?, bulge }));
            let mut vertices = vertices.collect::<Result<Vec<_>, Error>>()?;
            // A row that is closed by hand has its first vertex twice.
            if closed
                && vertices.len() > 1
                && vertices.first().map(|v| v.at) == vertices.last().map(|v| v.at)
            {
                vertices.pop();
            }
            match Outline::new(vertices, closed) {
                Ok(outline) => outlines.push(outline),
                Err(Error::Degenerate) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(outlines)
    }
}
