//! Outlines as elements of SVG: a line, a circle, a polygon or a polyline, and a path with arcs for the rest.

use std::fmt::Write as _;

use kurbo::{Affine, Ellipse, Vec2};
use svgx_shapes::{Edge, Outline};

use super::{Frame, point};

/// The attributes that say what shape an element has.
pub(crate) const GEOMETRY: [&str; 16] = [
    "x",
    "y",
    "width",
    "height",
    "rx",
    "ry",
    "cx",
    "cy",
    "r",
    "x1",
    "y1",
    "x2",
    "y2",
    "points",
    "d",
    "pathLength",
];

/// An arc may bend by so much more or less for a radius that is written shorter: micrometres.
const BEND: f64 = 0.2;

/// An element of SVG that draws outlines.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written {
    pub(crate) name: &'static str,
    pub(crate) attributes: Vec<(&'static str, String)>,
}

struct Writer {
    to_local: Affine,
    /// Length of a unit of what is written, in micrometres.
    size: f64,
    decimals: usize,
    mirrored: bool,
}

/// The element that draws outlines in the coordinates of a frame. `None` for none, and where the frame has
/// no inverse.
pub(crate) fn write(outlines: &[Outline], frame: Frame) -> Option<Written> {
    let to_local = frame.to_um.inverse();
    let determinant = frame.to_um.determinant();
    if !to_local.is_finite() {
        return None;
    }
    let writer = Writer {
        to_local,
        size: determinant.abs().sqrt(),
        decimals: frame.decimals,
        mirrored: determinant < 0.0,
    };
    match outlines {
        [] => None,
        [only] => Some(writer.single(only).unwrap_or_else(|| writer.path(outlines))),
        _ => Some(writer.path(outlines)),
    }
}

impl Writer {
    fn single(&self, outline: &Outline) -> Option<Written> {
        if let Some((centre, radius)) = outline.as_circle() {
            let radii = self.radii(radius).0;
            if (radii.x - radii.y).abs() > 1e-9 * radii.x {
                return None;
            }
            let at = self.to_local * point(centre);
            let attributes = vec![
                ("cx", self.number(at.x)),
                ("cy", self.number(at.y)),
                ("r", self.number(radii.x)),
            ];
            return Some(Written { name: "circle", attributes });
        }
        if !outline.is_straight() {
            return None;
        }
        let places: Vec<(String, String)> =
            outline.vertices().iter().map(|v| self.place(v.at.vector())).collect();
        if let ([(x1, y1), (x2, y2)], false) = (places.as_slice(), outline.is_closed()) {
            let attributes = vec![
                ("x1", x1.clone()),
                ("y1", y1.clone()),
                ("x2", x2.clone()),
                ("y2", y2.clone()),
            ];
            return Some(Written { name: "line", attributes });
        }
        let points = places.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ");
        let name = if outline.is_closed() { "polygon" } else { "polyline" };
        Some(Written { name, attributes: vec![("points", points)] })
    }

    fn path(&self, outlines: &[Outline]) -> Written {
        let mut d = String::new();
        for outline in outlines {
            let Some(first) = outline.vertices().first() else { continue };
            let (x, y) = self.place(first.at.vector());
            let gap = if d.is_empty() { "" } else { " " };
            let _ = write!(d, "{gap}M{x} {y}");
            let count = outline.edge_count();
            for (number, edge) in outline.edges().enumerate() {
                match edge {
                    // The way back to the beginning is what closing draws.
                    Edge::Line { .. } if outline.is_closed() && number + 1 == count => {}
                    Edge::Line { b, .. } => {
                        let (x, y) = self.place(b);
                        let _ = write!(d, " L{x} {y}");
                    }
                    Edge::Arc { .. } => self.arc(&edge, &mut d),
                }
            }
            if outline.is_closed() {
                d.push_str(" Z");
            }
        }
        Written { name: "path", attributes: vec![("d", d)] }
    }

    fn arc(&self, edge: &Edge, d: &mut String) {
        let Edge::Arc { a, b, radius, sweep, .. } = *edge else { return };
        let (x, y) = self.place(b);
        // Ends that are rounded to one would make the arc vanish: its middle keeps them apart.
        if self.place(a) == (x.clone(), y.clone()) || sweep.abs() > 1.9 * std::f64::consts::PI {
            let middle = edge.at(0.5);
            let bulge = libm::tan(sweep / 8.0);
            let point = |v| svgx_shapes::Point::nearest(v);
            if let (Ok(p), Ok(q), Ok(r)) = (point(a), point(middle), point(b))
                && sweep.abs() > std::f64::consts::PI
            {
                self.arc(&Edge::new(p, q, bulge), d);
                self.arc(&Edge::new(q, r, bulge), d);
                return;
            }
        }
        let (radii, turned) = self.radii(radius);
        // Half a circle that rounding made a little more of is half a circle.
        let large = u8::from(sweep.abs() > std::f64::consts::PI + 1e-4);
        let onward = u8::from((sweep > 0.0) != self.mirrored);
        let chord = (b - a).length();
        let radius_of = |r: f64| self.radius(r, r * self.size, chord, sweep);
        let round = (radii.x - radii.y).abs() <= 1e-9 * radii.x;
        let (rx, ry, turned) = match round {
            true => (radius_of(radii.x), radius_of(radii.x), "0".to_owned()),
            false => (fine(radii.x), fine(radii.y), fine(turned.to_degrees())),
        };
        let _ = write!(d, " A{rx} {ry} {turned} {large} {onward} {x} {y}");
    }

    /// A circle of the world in the coordinates that are written: two radii, and how it is turned.
    fn radii(&self, radius: f64) -> (Vec2, f64) {
        let [a, b, c, d, _, _] = self.to_local.as_coeffs();
        let linear = Affine::new([a, b, c, d, 0.0, 0.0]);
        Ellipse::from_affine(linear * Affine::scale(radius)).radii_and_rotation()
    }

    /// A radius with as few digits as leave the arc where it is. Between ends that are nearly a diameter
    /// apart the last digits move its middle far.
    fn radius(&self, local: f64, world: f64, chord: f64, sweep: f64) -> String {
        let half = chord / 2.0;
        let sagitta = |r: f64| {
            let rest = (r * r - half * half).max(0.0).sqrt();
            if sweep.abs() > std::f64::consts::PI + 1e-4 { r + rest } else { r - rest }
        };
        let exact = sagitta(world.max(half));
        for decimals in self.decimals..=12 {
            let text = plain(local, decimals);
            let written: f64 = text.parse().unwrap_or(local);
            // A radius that is too short is stretched to the diameter.
            let drawn = (written * self.size).max(half);
            if (sagitta(drawn) - exact).abs() <= BEND && written > 0.0 {
                return text;
            }
        }
        format!("{local}")
    }

    fn place(&self, world: svgx_shapes::Vector) -> (String, String) {
        let at = self.to_local * point(world);
        (self.number(at.x), self.number(at.y))
    }

    fn number(&self, value: f64) -> String {
        plain(value, self.decimals)
    }
}

fn fine(value: f64) -> String {
    plain(value, 9)
}

fn plain(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
