//! Outlines read straight from the attributes of shapes, without a scene.

use kurbo::{Affine, BezPath, Circle, Ellipse, Point, Rect, Shape};

use crate::document::{Document, NodeId};

use super::super::Outlines;
use super::quantity::{Measure, number};

/// Larger coordinates than this are taken as not written.
const LARGEST: f64 = 1e12;

/// The outlines of a document as written on its shapes, in user units.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'d>(pub &'d Document);

impl Outlines for Plain<'_> {
    fn outline(&self, node: NodeId) -> Option<BezPath> {
        // A circle of 1e300 units would be drawn with that many arcs.
        let value = |name: &str| {
            let number = self.0.attr(node, name)?.trim().parse::<f64>().ok()?;
            (number.abs() <= LARGEST).then_some(number)
        };
        let at = |name: &str| value(name).unwrap_or(0.0);
        let (_, name) = self.0.name(node)?;
        Some(match name {
            "rect" => {
                let (x, y) = (at("x"), at("y"));
                Rect::new(x, y, x + value("width")?, y + value("height")?).to_path(1e-3)
            }
            "object" => {
                let named = |n: &NodeId| self.0.name(*n).is_some_and(|(_, n)| n == "geometry");
                let geometry = self.0.children(node).find(named)?;
                let length = |name: &str| {
                    number(self.0.attr(geometry, name)?, None, Measure::Length, 1e-3).ok()
                };
                let (x, y) = (length("x").unwrap_or(0.0), length("y").unwrap_or(0.0));
                let (w, h) = (length("width")?, length("height")?);
                Rect::new(x * 1e3, y * 1e3, (x + w) * 1e3, (y + h) * 1e3).to_path(1e-3)
            }
            "circle" => {
                let r = value("r").filter(|r| *r > 0.0)?;
                Circle::new((at("cx"), at("cy")), r).to_path((r * 1e-6).max(1e-12))
            }
            "ellipse" => {
                let positive = |name: &str| value(name).filter(|r| *r > 0.0);
                let radii = (positive("rx")?, positive("ry")?);
                Ellipse::new((at("cx"), at("cy")), radii, 0.0)
                    .to_path((radii.0.max(radii.1) * 1e-6).max(1e-12))
            }
            "line" => {
                let mut path = BezPath::new();
                path.move_to((at("x1"), at("y1")));
                path.line_to((at("x2"), at("y2")));
                path
            }
            "polyline" | "polygon" => {
                let numbers: Vec<f64> = self
                    .0
                    .attr(node, "points")?
                    .split([',', ' ', '\n', '\t', '\r'])
                    .filter(|t| !t.is_empty())
                    .map_while(|t| t.parse().ok())
                    .collect();
                let mut points = numbers.chunks_exact(2).map(|c| Point::new(c[0], c[1]));
                let mut path = BezPath::new();
                path.move_to(points.next()?);
                points.for_each(|p| path.line_to(p));
                if name == "polygon" {
                    path.close_path();
                }
                path
            }
            "path" => BezPath::from_svg(self.0.attr(node, "d")?).ok()?,
            _ => return None,
        })
    }

    fn transform(&self, node: NodeId) -> Affine {
        let mut whole = Affine::IDENTITY;
        let mut at = Some(node);
        while let Some(node) = at {
            let own = self.0.attr(node, "transform").and_then(|t| t.parse().ok());
            if let Some(svgtypes::Transform { a, b, c, d, e, f }) = own {
                whole = Affine::new([a, b, c, d, e, f]) * whole;
            }
            at = self.0.parent(node);
        }
        whole
    }

    fn millimetres_per_unit(&self) -> f64 {
        1.0
    }
}
