//! One element of a move: which attributes say where it is, and what they become.

use kurbo::{Affine, Point, Vec2};
use serde::{Deserialize, Serialize};
use svgtypes::{TransformListParser, TransformListToken};

use super::assembly::{ConnectionEnd, End};
use super::{Drawing, Frames, Movement, linear, path};
use crate::attribute;
use svgx_base::budget::Tier;
use svgx_engine::document::{Document, NodeId, Ns};
use svgx_engine::geometry::{Fixed, Length, Unit};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) element: u32,
    /// From a movement in the world to one in the coordinates that are written
    /// (a, b, c, d of the inverse matrix; translations do not matter to movements).
    inverse: [f64; 4],
    /// From the coordinates that are written to the world.
    frame: [f64; 6],
    /// Millimetres of the drawing in one unit of the coordinates that are written.
    millimetres: f64,
    position: Position,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Position {
    /// Numbers in attributes of their own.
    Numbers(Vec<Number>),
    /// The `points` of a polygon or polyline.
    Points { written: String, points: Vec<(f64, f64)> },
    /// A translation before whatever else `transform` holds.
    Transform { written: Option<String>, base: (f64, f64), rest: String },
    /// A translation before the transform that a style states: it goes into the element's own
    /// style, for the attribute is void.
    Styled { written: Option<String>, rest: String, base: [f64; 6] },
    /// One end of a polyline or an open path, which was at `base`.
    End { written: String, end: End, base: (f64, f64) },
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
    /// What stands behind the number.
    unit: String,
    /// How much of it makes one unit of the coordinates (one millimetre, for a height).
    per_unit: f64,
}

/// How many decimals are worth writing.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    tier: Tier,
    /// Beyond those that the tier keeps of a millimetre.
    extra: f64,
}

impl Digits {
    /// Those of a tier's step, where one unit is so many millimetres.
    fn of(tier: Tier, millimetres: f64) -> Digits {
        Digits { tier, extra: libm::ceil(libm::log10(millimetres) - 1e-9) }
    }

    /// Enough for what did not move: all that distinguishes it from rounding errors.
    pub(super) fn fine(self) -> Digits {
        Digits { tier: Tier::Compute, extra: self.extra + 3.0 }
    }

    pub(super) fn write(self, value: f64) -> String {
        if self.extra == 0.0 {
            // Ties are those of the decimal number, not of the binary one.
            return Fixed::from_mm(value, self.tier)
                .map_or_else(|_| format!("{value:e}"), |fixed| fixed.to_string());
        }
        let decimals = (f64::from(self.tier.decimals()) + self.extra).clamp(0.0, 12.0) as usize;
        let text = format!("{value:.decimals$}");
        let text = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => &text,
        };
        if text == "-0" { "0".to_owned() } else { text.to_owned() }
    }
}

/// The parts that `node` is placed by.
///
/// # Errors
/// Why it cannot be moved.
pub(super) fn read(
    drawing: Drawing<'_>,
    node: NodeId,
    number: &dyn Fn(NodeId) -> u32,
) -> Result<Vec<Part>, &'static str> {
    let document = drawing.document;
    let (ns, name) = document.name(node).ok_or("it is no element")?;
    let mut parts = Vec::new();
    let mut add = |at: NodeId, position: Position, frame: Affine| {
        let part = Part::new(drawing, number(at), position, frame);
        parts.push(part.ok_or("its transform flattens it")?);
        Ok::<(), &'static str>(())
    };
    if ns != Ns::Arx {
        if !is_graphic(name) {
            return Err("it has no place in the drawing");
        }
        let (position, frame) = shape(drawing, node, name).ok_or("its place is not readable")?;
        add(node, position, frame)?;
        return Ok(parts);
    }
    if name != "geometry" && document.objects().iter().all(|o| o.node != node) {
        return Err("it has no place in the drawing");
    }
    let frame = Frames::of(
        drawing,
        if name == "geometry" { document.parent(node).unwrap_or(node) } else { node },
    )
    .own;
    for at in std::iter::once(node).chain(document.children(node)) {
        match document.name(at) {
            Some((Ns::Arx | Ns::None, "geometry")) => {
                let shapes: Vec<_> =
                    document.children(at).filter(|&c| graphic(document, c).is_some()).collect();
                let is_box = ["x", "y", "width", "height"]
                    .iter()
                    .any(|name| document.attr(at, name).or(document.arx(at, name)).is_some());
                if (is_box || shapes.is_empty())
                    && let Some(position) = object(drawing, at)
                {
                    add(at, position, frame)?;
                }
                for child in shapes {
                    let name = graphic(document, child).unwrap_or_default();
                    if let Some((position, frame)) = shape(drawing, child, name) {
                        add(child, position, frame)?;
                    }
                }
            }
            Some(_) if at != node => {
                if let Some(name) = graphic(document, at)
                    && let Some((position, frame)) = shape(drawing, at, name)
                {
                    add(at, position, frame)?;
                }
            }
            _ => {}
        }
    }
    if parts.is_empty() { Err("it has no geometry") } else { Ok(parts) }
}

/// The part that moves one end of a drawn connection.
pub(super) fn end(
    drawing: Drawing<'_>,
    ConnectionEnd { shape, end, at, stays }: ConnectionEnd,
    number: &dyn Fn(NodeId) -> u32,
) -> Option<Part> {
    let document = drawing.document;
    let (_, name) = document.name(shape)?;
    let position = match name {
        "line" => {
            let names = match end {
                End::Start => [("x1", Axis::X), ("y1", Axis::Y)],
                End::Last => [("x2", Axis::X), ("y2", Axis::Y)],
            };
            Position::Numbers(plain_numbers(document, shape, &names)?)
        }
        _ => {
            let attribute = if name == "path" { "d" } else { "points" };
            let written = document.attr(shape, attribute)?.to_owned();
            Position::End { written, end, base: (at.x, at.y) }
        }
    };
    let mut part = Part::new(drawing, number(shape), position, Frames::of(drawing, shape).own)?;
    if stays {
        // What it lies in moves by as much.
        part.inverse = part.inverse.map(|v| -v);
    }
    Some(part)
}

impl Part {
    fn new(drawing: Drawing<'_>, element: u32, position: Position, frame: Affine) -> Option<Part> {
        let inverse = linear(frame)?;
        let millimetres = drawing.scene.scale().to_mm(frame.determinant().abs().sqrt());
        (millimetres.is_finite() && millimetres > 0.0).then(|| Part {
            element,
            inverse,
            frame: frame.as_coeffs(),
            millimetres,
            position,
        })
    }

    /// Where it is, in the world; `None` where no number says so.
    pub(super) fn reference(&self) -> Option<Point> {
        let local = match &self.position {
            Position::Numbers(numbers) => {
                let first = |axis| numbers.iter().find(|n| n.axis == axis);
                let value = |n: Option<&Number>| n.map_or(0.0, |n| n.base / n.per_unit);
                Point::new(value(first(Axis::X)), value(first(Axis::Y)))
            }
            Position::Points { points, .. } => Point::from(*points.first()?),
            Position::Transform { .. } | Position::Styled { .. } | Position::End { .. } => {
                return None;
            }
        };
        Some(Affine::new(self.frame) * local)
    }

    pub(super) fn moved(
        &self,
        document: &Document,
        node: NodeId,
        movement: Movement,
        tier: Tier,
        set: &mut Vec<(u32, String, Option<String>)>,
    ) {
        let [a, b, c, d] = self.inverse;
        let Vec2 { x, y } = movement.plane;
        let by = Vec2::new(a * x + c * y, b * x + d * y);
        let still = by == Vec2::ZERO;
        let digits = Digits::of(tier, self.millimetres);
        match &self.position {
            Position::Numbers(numbers) => {
                for n in numbers {
                    set.push((self.element, n.name.clone(), self.number(n, by, movement, tier)));
                }
            }
            Position::Points { written, points } => {
                let pair = |&(x, y): &(f64, f64)| {
                    format!("{},{}", digits.write(x + by.x), digits.write(y + by.y))
                };
                let value = match still {
                    true => written.clone(),
                    false => points.iter().map(pair).collect::<Vec<_>>().join(" "),
                };
                set.push((self.element, "points".to_owned(), Some(value)));
            }
            Position::Transform { written, base, rest } => {
                let value = if still {
                    written.clone()
                } else {
                    let (x, y) = (digits.write(base.0 + by.x), digits.write(base.1 + by.y));
                    let parts = [format!("translate({x} {y})"), rest.clone()];
                    let parts: Vec<_> = parts.into_iter().filter(|p| !p.is_empty()).collect();
                    Some(parts.join(" "))
                };
                set.push((self.element, "transform".to_owned(), value));
            }
            Position::Styled { written, rest, base: [a, b, c, d, e, f] } => {
                let value = if still {
                    written.clone()
                } else {
                    let (x, y) = (digits.write(e + by.x), digits.write(f + by.y));
                    let own = format!(
                        "transform:matrix({a}, {b}, {c}, {d}, {x}, {y});transform-origin:0 0"
                    );
                    Some(if rest.is_empty() { own } else { format!("{rest};{own}") })
                };
                set.push((self.element, "style".to_owned(), value));
            }
            Position::End { written, end, base } => {
                let to = Point::from(*base) + by;
                let drawn = document.name(node).is_some_and(|(_, name)| name == "path");
                let name = if drawn { "d" } else { "points" };
                let now = document.attr(node, name).unwrap_or_default();
                let value = path::with_end(now, drawn, *end, to, digits);
                // Back where it was, it is written as it was.
                let value = match still && path::same_but_end(now, written, drawn, *end) {
                    true => Some(written.clone()),
                    false => value,
                };
                if let Some(value) = value {
                    set.push((self.element, name.to_owned(), Some(value)));
                }
            }
        }
    }

    fn number(&self, n: &Number, by: Vec2, movement: Movement, tier: Tier) -> Option<String> {
        let (by, millimetres) = match n.axis {
            Axis::X => (by.x, self.millimetres),
            Axis::Y => (by.y, self.millimetres),
            Axis::Z => (movement.height, 1.0),
        };
        if by == 0.0 {
            return n.written.clone();
        }
        let digits = Digits::of(tier, millimetres / n.per_unit);
        Some(digits.write(n.base + by * n.per_unit) + &n.unit)
    }
}

pub(super) fn is_graphic(name: &str) -> bool {
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

/// The name of an SVG element that is drawn.
fn graphic(document: &Document, node: NodeId) -> Option<&str> {
    match document.name(node)? {
        (Ns::Svg | Ns::None, name) if is_graphic(name) => Some(name),
        _ => None,
    }
}

/// What says where an SVG element is, and the coordinates that this is written in.
fn shape(drawing: Drawing<'_>, node: NodeId, name: &str) -> Option<(Position, Affine)> {
    const X: Axis = Axis::X;
    const Y: Axis = Axis::Y;
    let document = drawing.document;
    let frames = Frames::of(drawing, node);
    let numbers: &[(&str, Axis)] = match name {
        "rect" | "image" | "use" | "svg" | "foreignObject" => &[("x", X), ("y", Y)],
        "circle" | "ellipse" => &[("cx", X), ("cy", Y)],
        "line" => &[("x1", X), ("y1", Y), ("x2", X), ("y2", Y)],
        "polyline" | "polygon" => {
            let written = document.attr(node, "points").unwrap_or_default();
            if let Some(points) = path::points(written) {
                let written = written.to_owned();
                return Some((Position::Points { written, points }, frames.own));
            }
            &[]
        }
        _ => &[],
    };
    match plain_numbers(document, node, numbers) {
        Some(numbers) if !numbers.is_empty() => Some((Position::Numbers(numbers), frames.own)),
        // Lengths with units and percentages stay as they are: the element is translated.
        _ if drawing.scene.is_transform_styled(node) => {
            let base = drawing.scene.own_transform(document, node).as_coeffs();
            let written = document.attr(node, "style").map(str::to_owned);
            let rest = without_transform(written.as_deref().unwrap_or_default());
            Some((Position::Styled { written, rest, base }, frames.outer))
        }
        _ => Some((translation(document, node)?, frames.outer)),
    }
}

/// Attributes that are plain numbers of user units; 0 where they are not written.
fn plain_numbers(document: &Document, node: NodeId, names: &[(&str, Axis)]) -> Option<Vec<Number>> {
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
            per_unit: 1.0,
        })
    };
    names.iter().map(read).collect()
}

/// The declarations of a `style` attribute but for those of the transform.
fn without_transform(style: &str) -> String {
    let kept = style.split(';').map(str::trim).filter(|declaration| {
        let name = declaration.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        !declaration.is_empty() && name != "transform" && name != "transform-origin"
    });
    kept.collect::<Vec<_>>().join(";")
}

/// A leading `translate` is taken over, so that drags do not pile them up.
fn translation(document: &Document, node: NodeId) -> Option<Position> {
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
    (base.0.is_finite() && base.1.is_finite()).then(|| Position::Transform {
        written: written.map(str::to_owned),
        base,
        rest: rest.to_owned(),
    })
}

/// The box of an object: lengths with units, millimetres where none is written.
fn object(drawing: Drawing<'_>, node: NodeId) -> Option<Position> {
    let document = drawing.document;
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
        let Length { number: base, unit } = Length::parse(text).ok()?;
        let millimetres = match unit {
            Unit::None => 1.0,
            unit => unit.millimetres()?,
        };
        let suffix = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
        let per_unit = match axis {
            Axis::Z => 1.0 / millimetres,
            _ => drawing.scene.scale().mm_per_unit / millimetres,
        };
        numbers.push(Number {
            name,
            axis,
            written: written.map(str::to_owned),
            base,
            unit: text.get(suffix..).unwrap_or_default().to_owned(),
            per_unit,
        });
    }
    Some(Position::Numbers(numbers))
}
