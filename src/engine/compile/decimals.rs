//! Leaving out decimals that nobody sees.
//!
//! How many are seen depends on how large a coordinate is shown: a thousandth
//! of a user unit of the root, of a pixel and of a millimetre are all kept, and
//! a group that enlarges its content keeps more. What a reference may show at
//! any size stays as written.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use kurbo::{Affine, Point, Vec2};
use svgtypes::{NumberListParser, PathParser, PathSegment as S};

use crate::document::{Document, NodeId, Ns};
use crate::geometry::{Length, Scale, Unit, ViewBox, root_viewbox, transform};

/// The last digit kept is worth at most this, in units of the root.
const KEPT: f64 = 3.0;
/// Numbers beyond are left alone: an `f64` has no such digits there.
const LARGEST: f64 = 1e9;

pub(super) fn is_coordinates(name: &str) -> bool {
    matches!(
        name,
        "x" | "y"
            | "x1"
            | "x2"
            | "y1"
            | "y2"
            | "width"
            | "height"
            | "cx"
            | "cy"
            | "r"
            | "rx"
            | "ry"
            | "d"
            | "points"
    )
}

/// How large the coordinates inside each element are shown.
pub(super) struct Sizes {
    /// For elements whose content has been reached; `None` is any size.
    inside: HashMap<NodeId, Option<f64>>,
    referred: HashSet<NodeId>,
}

impl Sizes {
    /// O(document).
    pub(super) fn of(document: &Document) -> Sizes {
        let mut referred = HashSet::new();
        let mut styled = false;
        for node in document.descendants(NodeId::ROOT) {
            for a in document.attributes(node) {
                if a.name == "href" && matches!(a.ns, Ns::None | Ns::XLink) {
                    let id = a.value.trim().strip_prefix('#');
                    referred.extend(id.and_then(|id| document.by_id(id)));
                }
            }
            if document.name(node).is_some_and(|(_, name)| name == "style") {
                styled |= resizes(&document.text(node));
            }
        }
        let own = document.attr(NodeId::ROOT, "style").is_some_and(resizes);
        let root = (!styled && !own).then(|| root_size(document));
        Sizes { inside: HashMap::from([(NodeId::ROOT, root)]), referred }
    }

    /// Enters an element whose parent has been entered.
    pub(super) fn enter(&mut self, document: &Document, node: NodeId) {
        let parent = document.parent(node).and_then(|p| self.inside.get(&p).copied().flatten());
        let size = parent.filter(|_| !self.referred.contains(&node));
        let size = size.and_then(|size| Some(size * factor(document, node)?));
        self.inside.insert(node, size);
    }

    /// The decimals to keep of the coordinates of an element.
    pub(super) fn decimals(&self, node: NodeId) -> Option<usize> {
        let size = self.inside.get(&node).copied().flatten()?;
        let decimals = KEPT + libm::log10(size) - 1e-9;
        // More than twelve are no shorter than what is written.
        (decimals <= 12.0).then(|| decimals.max(0.0).ceil() as usize)
    }
}

/// Whether a style may say a transform, by whichever property.
fn resizes(css: &str) -> bool {
    ["transform", "scale", "zoom", "\\"].iter().any(|word| css.to_ascii_lowercase().contains(word))
}

fn root_size(document: &Document) -> f64 {
    let viewbox = root_viewbox(document);
    let pixels = |name, side| {
        let length = Length::parse(document.attr(NodeId::ROOT, name)?).ok()?;
        let pixel = match length.unit {
            Unit::None => 1.0,
            // What surrounds the drawing decides.
            Unit::Percent => return None,
            Unit::Em | Unit::Ex => 16.0,
            unit => unit.millimetres()? * 96.0 / 25.4,
        };
        Some(length.number * pixel / side)
    };
    let shown = [
        pixels("width", viewbox.width),
        pixels("height", viewbox.height),
        Some(Scale::of(document).mm_per_unit),
    ];
    shown.into_iter().flatten().filter(|s| s.is_finite()).fold(1.0, f64::max)
}

/// How much an element enlarges what it contains; `None` where nobody can say.
fn factor(document: &Document, node: NodeId) -> Option<f64> {
    let (_, name) = document.name(node)?;
    let elsewhere = matches!(
        name,
        "defs"
            | "symbol"
            | "pattern"
            | "marker"
            | "clipPath"
            | "mask"
            | "filter"
            | "linearGradient"
            | "radialGradient"
    );
    let animated = document.children(node).any(|c| {
        document.name(c).is_some_and(|(_, child)| {
            child == "animateTransform" || name == "svg" && matches!(child, "animate" | "set")
        })
    });
    if elsewhere || animated || document.attr(node, "style").is_some_and(resizes) {
        return None;
    }
    let own = match document.attr(node, "transform") {
        Some(text) => stretch(transform(text).ok()?),
        None => 1.0,
    };
    let fitted = match document.attr(node, "viewBox") {
        Some(text) if name == "svg" => {
            let v = ViewBox::parse(text)?;
            let side = |name| document.attr(node, name)?.trim().parse::<f64>().ok();
            (side("width")? / v.width).max(side("height")? / v.height)
        }
        _ => 1.0,
    };
    let factor = own * fitted;
    (factor.is_finite() && factor > 0.0).then_some(factor)
}

/// The most a transform makes any length longer by: its larger singular value.
fn stretch(transform: Affine) -> f64 {
    let [a, b, c, d, ..] = transform.as_coeffs();
    let squares = a * a + b * b + c * c + d * d;
    let determinant = a * d - b * c;
    let apart = (squares * squares - 4.0 * determinant * determinant).max(0.0);
    ((squares + apart.sqrt()) / 2.0).sqrt()
}

/// Rounds the numbers of a coordinate attribute to so many decimals. Every
/// point of a path stays within half the last digit of where it was. What would
/// vanish is left as it is, and so is whatever cannot be read to its end.
pub(super) fn shorten<'a>(name: &str, value: &'a str, decimals: usize) -> Cow<'a, str> {
    let short = if name == "d" { path(value, decimals) } else { list(name, value, decimals) };
    match short {
        Some(short) if short.len() < value.len() => short.into(),
        _ => value.into(),
    }
}

/// One or more numbers; `None` for other units, which are of another size.
fn list(name: &str, value: &str, decimals: usize) -> Option<String> {
    let mut out = Out::new(decimals);
    let mut spans = [Span::default(); 2];
    for (at, number) in NumberListParser::from(value).enumerate() {
        let number = number.ok()?;
        let rounded = out.number(number)?;
        if rounded == 0.0 && number != 0.0 && name != "points" {
            return None;
        }
        spans[at % 2].add(number, rounded);
    }
    let kept = name != "points" || spans.iter().all(Span::kept);
    (kept && !out.text.is_empty()).then_some(out.text)
}

/// A coordinate of all points of a shape, before and after.
#[derive(Clone, Copy, Default)]
struct Span {
    ends: Option<[(f64, f64); 2]>,
}

impl Span {
    fn add(&mut self, exact: f64, written: f64) {
        let [low, high] = self.ends.unwrap_or([(exact, written); 2]);
        let low = (low.0.min(exact), low.1.min(written));
        let high = (high.0.max(exact), high.1.max(written));
        self.ends = Some([low, high]);
    }

    /// Whether what had an extent still has one.
    fn kept(&self) -> bool {
        self.ends.is_none_or(|[low, high]| low.0 == high.0 || low.1 < high.1)
    }
}

/// Numbers and commands, with as little between them as keeps them apart.
struct Out {
    text: String,
    decimals: usize,
    command: char,
}

impl Out {
    fn new(decimals: usize) -> Out {
        Out { text: String::new(), decimals, command: ' ' }
    }

    fn command(&mut self, command: char) {
        // A second pair after a move is a line.
        if self.command != command || matches!(command, 'M' | 'm' | 'Z') {
            self.text.push(command);
        }
        self.command = command;
    }

    /// Writes a number, and answers what was written.
    fn number(&mut self, number: f64) -> Option<f64> {
        if !number.is_finite() || number.abs() > LARGEST {
            return None;
        }
        let mut text = format!("{number:.*}", self.decimals);
        if text.contains('.') {
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
        if text == "-0" {
            text.remove(0);
        }
        if self.text.ends_with(|c: char| c.is_ascii_digit()) && !text.starts_with('-') {
            self.text.push(' ');
        }
        self.text.push_str(&text);
        text.parse().ok()
    }

    /// Writes a coordinate counted from `from`, and answers where it is.
    fn coordinate(&mut self, exact: f64, from: f64) -> Option<f64> {
        Some(from + self.number(exact - from)?)
    }
}

/// A place on the way: where it is, and where what is written leads.
#[derive(Clone, Copy, Default)]
struct Position {
    exact: Point,
    written: Point,
}

/// The control point that a smooth curve of the same degree mirrors.
#[derive(Clone, Copy, PartialEq)]
enum Degree {
    Quadratic,
    Cubic,
}

fn path(value: &str, decimals: usize) -> Option<String> {
    let mut out = Out::new(decimals);
    let half = 0.5 * libm::pow(10.0, -(decimals as f64));
    let (mut start, mut at) = (Position::default(), Position::default());
    let mut control: Option<(Degree, Position)> = None;
    let mut spans = [Span::default(); 2];
    for segment in PathParser::from(value) {
        let segment = segment.ok()?;
        let (abs, command, points) = match segment {
            S::MoveTo { abs, x, y } => (abs, 'm', vec![(x, y)]),
            S::LineTo { abs, x, y } => (abs, 'l', vec![(x, y)]),
            S::HorizontalLineTo { abs, x } => {
                (abs, 'h', vec![(x, if abs { at.exact.y } else { 0.0 })])
            }
            S::VerticalLineTo { abs, y } => {
                (abs, 'v', vec![(if abs { at.exact.x } else { 0.0 }, y)])
            }
            S::CurveTo { abs, x1, y1, x2, y2, x, y } => {
                (abs, 'c', vec![(x1, y1), (x2, y2), (x, y)])
            }
            S::SmoothCurveTo { abs, x2, y2, x, y } => (abs, 's', vec![(x2, y2), (x, y)]),
            S::Quadratic { abs, x1, y1, x, y } => (abs, 'q', vec![(x1, y1), (x, y)]),
            S::SmoothQuadratic { abs, x, y } => (abs, 't', vec![(x, y)]),
            // The middle of a half circle moves far when its ends move a little.
            S::EllipticalArc { .. } => return None,
            S::ClosePath { .. } => {
                out.command('Z');
                (at, control) = (start, None);
                continue;
            }
        };
        if command == 'm' {
            if !spans.iter().all(Span::kept) {
                return None;
            }
            spans = [Span::default(); 2];
        } else if spans[0].ends.is_none() {
            // After a `Z` the path goes on where the closed one began.
            spans[0].add(at.exact.x, at.written.x);
            spans[1].add(at.exact.y, at.written.y);
        }
        let from = if abs { Vec2::ZERO } else { at.exact.to_vec2() };
        let mut points: Vec<Point> = points.into_iter().map(|p| Point::from(p) + from).collect();
        let mut letter = command;
        let degree = match command {
            'c' | 's' => Some(Degree::Cubic),
            'q' | 't' => Some(Degree::Quadratic),
            _ => None,
        };
        let mut mirrored = None;
        if matches!(command, 's' | 't') {
            let before = control.filter(|(d, _)| Some(*d) == degree).map_or(at, |(_, c)| c);
            let mirror = |at: Point, c: Point| at + (at - c);
            let place = Position {
                exact: mirror(at.exact, before.exact),
                written: mirror(at.written, before.written),
            };
            let off = place.exact - place.written;
            if off.x.abs().max(off.y.abs()) > half {
                // The mirror would double what is off.
                points.insert(0, place.exact);
                letter = if command == 's' { 'c' } else { 'q' };
            } else {
                mirrored = Some(place);
            }
        }
        out.command(if abs { letter.to_ascii_uppercase() } else { letter });
        let base = if abs { Point::ZERO } else { at.written };
        let mut last = at;
        for (i, &exact) in points.iter().enumerate() {
            let mut written = at.written;
            if letter != 'v' {
                written.x = out.coordinate(exact.x, base.x)?;
            }
            if letter != 'h' {
                written.y = out.coordinate(exact.y, base.y)?;
            }
            last = Position { exact, written };
            spans[0].add(exact.x, written.x);
            spans[1].add(exact.y, written.y);
            if i + 2 == points.len() {
                control = degree.map(|d| (d, last));
            }
        }
        if degree.is_none() {
            control = None;
        } else if letter == 't' {
            control = mirrored.map(|place| (Degree::Quadratic, place));
        }
        at = last;
        if command == 'm' {
            start = at;
        }
    }
    (spans.iter().all(Span::kept) && !out.text.is_empty()).then_some(out.text)
}

#[cfg(test)]
mod tests;
