//! Which attributes say where an element is, and what they become when it moves.

use kurbo::{Affine, Point, Vec2};
use serde::{Deserialize, Serialize};
use svgtypes::{PointsParser, TransformListParser, TransformListToken};

use super::attribute;
use super::error::Error;
use svgx_base::budget::Tier;
use svgx_engine::document::{Document, NodeId, Ns};
use svgx_engine::geometry::{self, Fixed, Scene};

/// Where an element was when it was taken hold of, and how its attributes follow a move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Placement {
    parts: Vec<Part>,
    /// The point that snaps: a corner, a center, an end; in world coordinates.
    pub(crate) reference: (f64, f64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Part {
    element: u32,
    /// From a movement in the world to one in the element's own coordinates
    /// (a, b, c, d of the inverse matrix; translations do not matter to movements).
    inverse: [f64; 4],
    how: How,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum How {
    /// Numbers in attributes of their own.
    Numbers(Vec<Number>),
    /// The `points` of a polygon or polyline.
    Points { written: String, points: Vec<(f64, f64)> },
    /// A translation before whatever else `transform` holds.
    Transform { written: Option<String>, base: (f64, f64), rest: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Axis {
    X,
    Y,
    Z,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Number {
    name: String,
    axis: Axis,
    written: Option<String>,
    base: f64,
    /// What stands behind the number, and how much of it makes one millimetre.
    unit: String,
    per_millimetre: f64,
}

/// A move in world coordinates, and in height.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Movement {
    pub(crate) plane: Vec2,
    pub(crate) height: f64,
}

/// Millimetres in the units that lengths of an object may be written in.
const UNITS: [(&str, f64); 7] = [
    ("", 1.0),
    ("mm", 1.0),
    ("cm", 10.0),
    ("m", 1000.0),
    ("in", 25.4),
    ("ft", 304.8),
    ("um", 0.001),
];

impl Placement {
    /// Reads where `node` is.
    ///
    /// # Errors
    /// [`Error::NotMovable`].
    pub(crate) fn read(
        document: &Document,
        scene: &Scene,
        node: NodeId,
        number: impl Fn(NodeId) -> u32,
        label: &str,
    ) -> Result<Placement, Error> {
        let cannot = |reason| Error::NotMovable { id: label.to_owned(), reason };
        let (ns, name) = document.name(node).ok_or_else(|| cannot("it is no element"))?;
        if node == NodeId::ROOT {
            return Err(cannot("it is the drawing itself"));
        }
        let mut parts = Vec::new();
        if ns == Ns::Arx {
            if name != "object" && name != "geometry" {
                return Err(cannot("it has no place in the drawing"));
            }
            let local = linear(around(document, node))
                .ok_or_else(|| cannot("its transform flattens it"))?;
            for at in std::iter::once(node).chain(document.children(node)) {
                let how = match document.name(at) {
                    Some((Ns::Arx | Ns::None, "geometry")) => object(document, at),
                    Some((Ns::Svg | Ns::None, child)) if at != node => shape(document, at, child),
                    _ => None,
                };
                parts.extend(how.map(|how| Part { element: number(at), inverse: local, how }));
            }
            if parts.is_empty() {
                return Err(cannot("it has no geometry"));
            }
        } else {
            if !is_graphic(name) {
                return Err(cannot("it has no place in the drawing"));
            }
            let how =
                shape(document, node, name).ok_or_else(|| cannot("its place is not readable"))?;
            // A translation is written before the element's own transform, so it is in the parent's coordinates.
            let frame = match how {
                How::Transform { .. } => {
                    let own = own_transform(document, node);
                    let parent = document.parent(node).unwrap_or(NodeId::ROOT);
                    match (scene.outline(node), linear(own)) {
                        (Some(_), Some(_)) => scene.transform(node) * own.inverse(),
                        _ => around(document, parent),
                    }
                }
                _ => to_world(document, scene, node),
            };
            let inverse = linear(frame).ok_or_else(|| cannot("its transform flattens it"))?;
            parts.push(Part { element: number(node), inverse, how });
        }
        let reference = reference(document, scene, node, parts.first());
        Ok(Placement { parts, reference: (reference.x, reference.y) })
    }

    /// The attributes after `movement`, rounded to `tier`: element, name, value.
    pub(crate) fn moved(
        &self,
        movement: Movement,
        tier: Tier,
    ) -> Vec<(u32, String, Option<String>)> {
        let mut set = Vec::new();
        for part in &self.parts {
            let [a, b, c, d] = part.inverse;
            let Vec2 { x, y } = movement.plane;
            let (dx, dy) = (a * x + c * y, b * x + d * y);
            match &part.how {
                How::Numbers(numbers) => {
                    for n in numbers {
                        let by = match n.axis {
                            Axis::X => dx,
                            Axis::Y => dy,
                            Axis::Z => movement.height,
                        };
                        let value = if by == 0.0 {
                            n.written.clone()
                        } else {
                            let millimetres = n.base / n.per_millimetre + by;
                            Some(in_unit(millimetres, n, tier))
                        };
                        set.push((part.element, n.name.clone(), value));
                    }
                }
                How::Points { written, points } => {
                    let value = if (dx, dy) == (0.0, 0.0) {
                        written.clone()
                    } else {
                        let moved = points.iter().map(|(px, py)| {
                            format!("{},{}", decimal(px + dx, tier), decimal(py + dy, tier))
                        });
                        moved.collect::<Vec<_>>().join(" ")
                    };
                    set.push((part.element, "points".to_owned(), Some(value)));
                }
                How::Transform { written, base, rest } => {
                    let value = if (dx, dy) == (0.0, 0.0) {
                        written.clone()
                    } else {
                        let x = decimal(base.0 + dx, tier);
                        let y = decimal(base.1 + dy, tier);
                        let parts = [format!("translate({x} {y})"), rest.clone()];
                        let parts: Vec<_> = parts.into_iter().filter(|p| !p.is_empty()).collect();
                        Some(parts.join(" "))
                    };
                    set.push((part.element, "transform".to_owned(), value));
                }
            }
        }
        set
    }
}

fn in_unit(millimetres: f64, n: &Number, tier: Tier) -> String {
    let rounded = decimal(millimetres, tier);
    if n.per_millimetre == 1.0 {
        return rounded + &n.unit;
    }
    // The step of the tier is in millimetres; other units get the digits it takes to say it.
    let value = rounded.parse::<f64>().unwrap_or(millimetres) * n.per_millimetre;
    let text = format!("{value:.9}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{}", n.unit)
}

/// A length in decimal fixed point, rounded to `tier`; beyond its range, as it is.
fn decimal(value: f64, tier: Tier) -> String {
    Fixed::from_mm(value, tier).map_or_else(|_| format!("{value:e}"), |fixed| fixed.to_string())
}

/// From an element's coordinates to the world's.
pub(crate) fn to_world(document: &Document, scene: &Scene, node: NodeId) -> Affine {
    match scene.outline(node) {
        Some(_) if document.name(node).is_some_and(|(ns, _)| ns != Ns::Arx) => {
            scene.transform(node)
        }
        _ => around(document, node),
    }
}

/// The same for what has no outline of its own: the transforms on the way to the root.
fn around(document: &Document, node: NodeId) -> Affine {
    std::iter::successors(Some(node), |&n| document.parent(n))
        .fold(Affine::IDENTITY, |below, n| own_transform(document, n) * below)
}

fn own_transform(document: &Document, node: NodeId) -> Affine {
    let written = document.attr(node, "transform");
    written.and_then(|text| geometry::transform(text).ok()).unwrap_or(Affine::IDENTITY)
}

/// The inverse of the linear part; `None` where there is none.
fn linear(transform: Affine) -> Option<[f64; 4]> {
    let [a, b, c, d, _, _] = transform.as_coeffs();
    let determinant = a * d - b * c;
    let scale = a.abs().max(b.abs()).max(c.abs()).max(d.abs());
    if !determinant.is_finite() || determinant.abs() <= 1e-12 * scale * scale {
        return None;
    }
    Some([d / determinant, -b / determinant, -c / determinant, a / determinant])
}

fn is_graphic(name: &str) -> bool {
    matches!(
        name,
        "rect"
            | "circle"
            | "ellipse"
            | "line"
            | "polyline"
            | "polygon"
            | "path"
            | "text"
            | "image"
            | "use"
            | "g"
            | "svg"
            | "a"
            | "switch"
            | "foreignObject"
    )
}

fn shape(document: &Document, node: NodeId, name: &str) -> Option<How> {
    const X: Axis = Axis::X;
    const Y: Axis = Axis::Y;
    let numbers: &[(&str, Axis)] = match name {
        "rect" | "image" | "use" | "svg" | "foreignObject" => &[("x", X), ("y", Y)],
        "circle" | "ellipse" => &[("cx", X), ("cy", Y)],
        "line" => &[("x1", X), ("y1", Y), ("x2", X), ("y2", Y)],
        "polyline" | "polygon" => {
            let written = document.attr(node, "points").unwrap_or_default();
            let points: Vec<_> = PointsParser::from(written).collect();
            // What the parser gave up on would be lost in writing back.
            let given = written.split([' ', ',', '\n', '\t', '\r']).filter(|s| !s.is_empty());
            if given.count() == points.len() * 2 && points.iter().all(|p| finite(*p)) {
                return Some(How::Points { written: written.to_owned(), points });
            }
            &[]
        }
        _ => &[],
    };
    let read = |&(name, axis): &(&str, Axis)| {
        let written = document.attr(node, name);
        let base = match written {
            None => 0.0,
            Some(text) => text.trim().parse::<f64>().ok().filter(|v| v.is_finite())?,
        };
        Some(Number {
            name: name.to_owned(),
            axis,
            written: written.map(str::to_owned),
            base,
            unit: String::new(),
            per_millimetre: 1.0,
        })
    };
    match numbers.iter().map(read).collect::<Option<Vec<_>>>() {
        Some(numbers) if !numbers.is_empty() => Some(How::Numbers(numbers)),
        // Lengths with units and percentages stay as they are: the element is translated.
        _ => translation(document, node),
    }
}

fn finite((x, y): (f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

/// A leading `translate` is taken over, so that drags do not pile them up.
fn translation(document: &Document, node: NodeId) -> Option<How> {
    let written = document.attr(node, "transform");
    let text = written.unwrap_or_default().trim();
    let mut tokens = TransformListParser::from(text);
    let (base, rest) = match tokens.next() {
        Some(Ok(TransformListToken::Translate { tx, ty })) => {
            let rest = text.split_once(')').map_or("", |(_, rest)| rest);
            ((tx, ty), rest.trim_start_matches([' ', ',', '\t', '\n', '\r']))
        }
        _ => ((0.0, 0.0), text),
    };
    finite(base).then(|| How::Transform {
        written: written.map(str::to_owned),
        base,
        rest: rest.to_owned(),
    })
}

/// The box of an object: lengths with units.
fn object(document: &Document, node: NodeId) -> Option<How> {
    let mut numbers = Vec::new();
    for (name, axis) in [("x", Axis::X), ("y", Axis::Y), ("z", Axis::Z)] {
        let found = document.attr(node, name).map(|v| (name.to_owned(), v));
        let arx =
            document.arx(node, name).map(|v| (attribute::written(document, Ns::Arx, name), v));
        let (name, written) = match found.or(arx) {
            Some((name, value)) => (name, Some(value)),
            None if axis == Axis::Z => continue,
            None => (name.to_owned(), None),
        };
        let text = written.unwrap_or("0").trim();
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let base = digits.trim().parse::<f64>().ok().filter(|v| v.is_finite())?;
        let (_, millimetres) = UNITS.iter().find(|(u, _)| *u == unit)?;
        numbers.push(Number {
            name,
            axis,
            written: written.map(str::to_owned),
            base,
            unit: unit.to_owned(),
            per_millimetre: 1.0 / millimetres,
        });
    }
    Some(How::Numbers(numbers))
}

fn reference(document: &Document, scene: &Scene, node: NodeId, part: Option<&Part>) -> Point {
    let local = match part.map(|p| &p.how) {
        Some(How::Numbers(numbers)) => {
            let first = |axis| numbers.iter().find(|n| n.axis == axis);
            let value = |n: Option<&Number>| n.map_or(0.0, |n| n.base / n.per_millimetre);
            Some(Point::new(value(first(Axis::X)), value(first(Axis::Y))))
        }
        Some(How::Points { points, .. }) => points.first().map(|&(x, y)| Point::new(x, y)),
        _ => None,
    };
    match local {
        Some(local) => to_world(document, scene, node) * local,
        None => scene.bounds(node).map_or(Point::ZERO, |b| Point::new(b.x0, b.y0)),
    }
}
