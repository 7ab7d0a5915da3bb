//! One shape of a drawing as an entity in millimetres, and back.

use kurbo::{Affine, Point};
use svgtypes::PointsParser;

use super::Edit;
use super::path_data::Outline;
use crate::constraint::sketch::{PathArc, Shape};
use crate::document::{Code, Diagnostic, Document, NodeId, Ns, Span};
use crate::geometry::{self, Length, Scene, Unit};
use svgx_base::budget::Tier;

/// Where an entity is drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) node: NodeId,
    /// The start tag's name.
    pub(super) span: Span,
    /// From the coordinates that are written to millimetres in the drawing's frame.
    frame: Affine,
    how: How,
}

/// Which attributes say where it is.
#[derive(Clone, Debug)]
enum How {
    Numbers(&'static [&'static str]),
    Points,
    Path(Outline),
    /// A construction point; its lengths are written in this unit.
    Mark(Unit),
}

const LINE: &[&str] = &["x1", "y1", "x2", "y2"];
const CIRCLE: &[&str] = &["cx", "cy", "r"];
const RECT: &[&str] = &["x", "y", "width", "height"];

/// The place of an element's name, so that an excerpt does not underline all of it.
pub(super) fn tag(document: &Document, node: NodeId) -> Span {
    let span = document.span(node);
    let length = document.name(node).map_or(0, |(_, n)| n.len() as u32 + 1);
    Span { start: span.start, end: span.start.saturating_add(length).min(span.end) }
}

/// Reads the shape that `node` draws.
///
/// # Errors
/// The finding that says why it cannot be constrained.
pub(super) fn read(
    document: &Document,
    scene: &Scene,
    node: NodeId,
) -> Result<(Shape, Drawn), Diagnostic> {
    let span = tag(document, node);
    let id = document.id(node).unwrap_or_default();
    let cannot = |what: &str| {
        let shown: String = id.chars().take(64).collect();
        Diagnostic::error(
            Code::ConstraintShape,
            span,
            format!("`{shown}` cannot be constrained: {what}"),
        )
    };
    let (ns, name) = document.name(node).ok_or_else(|| cannot("it is no element"))?;
    let scale = scene.scale().mm_per_unit;
    if (ns, name) == (Ns::Arx, "point") {
        let (shape, unit) = mark(document, node).map_err(|e| cannot(&e))?;
        let drawn = Drawn { node, span, frame: Affine::IDENTITY, how: How::Mark(unit) };
        return Ok((shape, drawn));
    }
    if !matches!(ns, Ns::Svg | Ns::None) {
        return Err(cannot("it is no shape"));
    }
    let frame = Affine::scale(scale) * to_world(document, scene, node);
    let [a, b, c, d, _, _] = frame.as_coeffs();
    let size = (a * d - b * c).abs().sqrt();
    if !frame.is_finite() || !(size > 1e-9 * (a.abs() + b.abs() + c.abs() + d.abs())) {
        return Err(cannot("its transform flattens it"));
    }
    let even = (a * a + b * b - c * c - d * d).abs() <= 1e-9 * size * size
        && (a * c + b * d).abs() <= 1e-9 * size * size;
    let uneven = || cannot("its transform makes circles elliptical");
    let numbers = |names: &[&str]| -> Result<[f64; 4], Diagnostic> {
        let mut values = [0.0; 4];
        for (value, name) in values.iter_mut().zip(names) {
            *value = number(document, node, name).map_err(|e| cannot(&e))?;
        }
        Ok(values)
    };
    let at = |x: f64, y: f64| frame * Point::new(x, y);
    let (shape, how) = match name {
        "line" => {
            let [x1, y1, x2, y2] = numbers(LINE)?;
            let (p, q) = (at(x1, y1), at(x2, y2));
            (Shape::Line { x1: p.x, y1: p.y, x2: q.x, y2: q.y }, How::Numbers(LINE))
        }
        "circle" => {
            let [cx, cy, r, _] = numbers(CIRCLE)?;
            if !even {
                return Err(uneven());
            }
            let c = at(cx, cy);
            (Shape::Circle { cx: c.x, cy: c.y, r: r * size }, How::Numbers(CIRCLE))
        }
        "rect" => {
            let [x, y, width, height] = numbers(RECT)?;
            if !(b == 0.0 && c == 0.0 && a > 0.0 && d > 0.0) {
                return Err(cannot(
                    "its transform turns a rectangle that is upright; draw a polygon",
                ));
            }
            let p = at(x, y);
            (
                Shape::Rect { x: p.x, y: p.y, width: width * a, height: height * d },
                How::Numbers(RECT),
            )
        }
        "polyline" | "polygon" => {
            let written = document.attr(node, "points").unwrap_or_default();
            let points: Vec<_> = PointsParser::from(written).map(|(x, y)| at(x, y)).collect();
            let given = written.split([' ', ',', '\n', '\t', '\r']).filter(|s| !s.is_empty());
            if given.count() != points.len() * 2 {
                return Err(cannot("its points cannot be read"));
            }
            let points = points.into_iter().map(|p| [p.x, p.y]).collect();
            (Shape::Path { points, arcs: Vec::new() }, How::Points)
        }
        "path" => {
            let data = document.attr(node, "d").unwrap_or_default();
            let read = Outline::read(data).map_err(|e| cannot(&e))?;
            if !even && !read.arcs.is_empty() {
                return Err(uneven());
            }
            let arc = |arc: &PathArc| {
                let c = at(arc.cx, arc.cy);
                PathArc { cx: c.x, cy: c.y, r: arc.r * size, ..*arc }
            };
            let points = read.points.iter().map(|&(x, y)| at(x, y)).map(|p| [p.x, p.y]).collect();
            let arcs = read.arcs.iter().map(arc).collect();
            (Shape::Path { points, arcs }, How::Path(read.outline))
        }
        other => {
            return Err(cannot(&format!(
                "it is no line, circle, rect, polyline, polygon or path but {other}"
            )));
        }
    };
    Ok((shape, Drawn { node, span, frame, how }))
}

/// A construction point: lengths of the language, mm where no unit is written.
fn mark(document: &Document, node: NodeId) -> Result<(Shape, Unit), String> {
    let mut unit = Unit::None;
    let mut read = |name: &str| -> Result<f64, String> {
        let text = document.attr(node, name).ok_or_else(|| format!("it has no {name}"))?;
        let length = Length::parse(text).map_err(|e| format!("{name}: {e}"))?;
        unit = length.unit;
        length.to_mm().map_err(|e| format!("{name}: {e}"))
    };
    let (x, y) = (read("x")?, read("y")?);
    Ok((Shape::Point { x, y }, unit))
}

/// A plain number of user units; 0 where it is not written, as in SVG.
fn number(document: &Document, node: NodeId, name: &str) -> Result<f64, String> {
    let Some(text) = document.attr(node, name) else { return Ok(0.0) };
    match Length::parse(text) {
        Ok(Length { number, unit: Unit::None | Unit::Px }) => Ok(number),
        Ok(_) => Err(format!("its {name} has a unit; write user units")),
        Err(e) => Err(format!("its {name} is no number: {e}")),
    }
}

fn to_world(document: &Document, scene: &Scene, node: NodeId) -> Affine {
    if scene.outline(node).is_some() {
        return scene.transform(node);
    }
    // Not drawn (`display: none`): the transforms on the way to the root.
    std::iter::successors(Some(node), |&n| document.parent(n)).fold(Affine::IDENTITY, |below, n| {
        let written = document.attr(n, "transform").and_then(|t| geometry::transform(t).ok());
        written.unwrap_or(Affine::IDENTITY) * below
    })
}

impl Drawn {
    /// Of each arc of a path, whether it goes clockwise on a screen in the drawing's frame.
    pub(super) fn clockwise(&self) -> Vec<bool> {
        let How::Path(outline) = &self.how else { return Vec::new() };
        let kept = self.frame.determinant() > 0.0;
        outline.sweeps().map(|sweep| sweep == kept).collect()
    }

    /// Notes the attributes that put the shape where `shape` says.
    pub(super) fn write(
        &self,
        document: &Document,
        shape: &Shape,
        tier: Tier,
        edits: &mut Vec<Edit>,
    ) {
        let back = self.frame.inverse();
        let [a, b, c, d, _, _] = self.frame.as_coeffs();
        let size = (a * d - b * c).abs().sqrt();
        let digits = Digits::of(tier, size);
        let at = |x: f64, y: f64| {
            let p = back * Point::new(x, y);
            (p.x, p.y)
        };
        let mut set = |name: &'static str, value: String| {
            edits.push(Edit { node: self.node, name, value });
        };
        match (&self.how, shape) {
            (How::Numbers(names), shape) => {
                let values = match *shape {
                    Shape::Line { x1, y1, x2, y2 } => {
                        let (p, q) = (at(x1, y1), at(x2, y2));
                        [p.0, p.1, q.0, q.1]
                    }
                    Shape::Circle { cx, cy, r } => {
                        let c = at(cx, cy);
                        [c.0, c.1, r / size, 0.0]
                    }
                    Shape::Rect { x, y, width, height } => {
                        let p = at(x, y);
                        [p.0, p.1, width / a, height / d]
                    }
                    _ => return,
                };
                for (&name, value) in names.iter().zip(values) {
                    let old = number(document, self.node, name).unwrap_or(0.0);
                    if digits.differ(old, value) {
                        set(name, digits.write(value));
                    }
                }
            }
            (How::Points, Shape::Path { points, .. }) => {
                let written = document.attr(self.node, "points").unwrap_or_default();
                let old: Vec<_> = PointsParser::from(written).collect();
                let new: Vec<_> = points.iter().map(|&[x, y]| at(x, y)).collect();
                if digits.any_differ(&old, &new) {
                    let pair =
                        |&(x, y): &(f64, f64)| format!("{},{}", digits.write(x), digits.write(y));
                    set("points", new.iter().map(pair).collect::<Vec<_>>().join(" "));
                }
            }
            (How::Path(outline), Shape::Path { points, arcs }) => {
                let written = document.attr(self.node, "d").unwrap_or_default();
                let Ok(old) = Outline::read(written) else { return };
                let new: Vec<_> = points.iter().map(|&[x, y]| at(x, y)).collect();
                let round: Vec<_> =
                    arcs.iter().map(|arc| (at(arc.cx, arc.cy), arc.r / size)).collect();
                let centers: Vec<_> = round.iter().map(|a| a.0).collect();
                let before: Vec<_> = old.arcs.iter().map(|a| (a.cx, a.cy)).collect();
                if digits.any_differ(&old.points, &new) || digits.any_differ(&before, &centers) {
                    // A half circle whose radius came out larger than half its chord would bulge.
                    let number = |v: f64| digits.write(v);
                    let radius = |v: f64| digits.write_rounded_down(v);
                    set("d", outline.write(&new, &round, number, radius));
                }
            }
            (How::Mark(unit), &Shape::Point { x, y }) => {
                let per = unit.millimetres().unwrap_or(1.0);
                let digits = Digits::of(tier, per);
                let old = mark(document, self.node).map(|(shape, _)| shape);
                let Ok(Shape::Point { x: was_x, y: was_y }) = old else { return };
                let suffix = suffix(document.attr(self.node, "x").unwrap_or_default());
                for (name, was, is) in [("x", was_x, x), ("y", was_y, y)] {
                    if digits.differ(was / per, is / per) {
                        set(name, format!("{}{suffix}", digits.write(is / per)));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The unit at the end of a length, as it is written.
fn suffix(text: &str) -> &str {
    let start = text.trim_end().trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    text.get(start..).unwrap_or_default().trim_end()
}

/// How many decimals of a coordinate are worth writing.
#[derive(Clone, Copy)]
struct Digits(usize);

impl Digits {
    /// Those of a tier's step, where one unit is so many millimetres.
    fn of(tier: Tier, millimetres: f64) -> Digits {
        let extra = libm::ceil(libm::log10(millimetres) - 1e-9);
        Digits((f64::from(tier.decimals()) + extra).clamp(0.0, 12.0) as usize)
    }

    fn step(self) -> f64 {
        libm::pow(10.0, -(self.0 as f64))
    }

    fn differ(self, old: f64, new: f64) -> bool {
        !((old - new).abs() <= 0.5 * self.step())
    }

    fn any_differ(self, old: &[(f64, f64)], new: &[(f64, f64)]) -> bool {
        old.len() != new.len()
            || old.iter().zip(new).any(|(o, n)| self.differ(o.0, n.0) || self.differ(o.1, n.1))
    }

    fn write(self, value: f64) -> String {
        let text = format!("{value:.*}", self.0);
        let text = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => &text,
        };
        if text == "-0" { "0".to_owned() } else { text.to_owned() }
    }

    /// The same, never more than the value.
    fn write_rounded_down(self, value: f64) -> String {
        self.write(libm::floor(value / self.step() + 1e-6) * self.step())
    }
}
