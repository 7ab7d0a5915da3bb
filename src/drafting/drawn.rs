//! The drawing that is painted: what is only stated is drawn by plain shapes, so that whatever
//! writes a drawing writes them too. They are results: nothing reads them back.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use svgx_base::budget::{Budget, Stop};
use svgx_engine::document::{Diagnostic, Document, Limits, NodeId, Ns};
use svgx_engine::geometry::{self, Scene};

use crate::attributes::{self, Value};
use crate::dimension::{self, Dimension, Kind, Piece};
use crate::layers::{self, Layer};
use crate::layout::{Arc, is_turn};
use crate::plane::{P, along, at_angle};
use crate::sheet;

/// Height of capitals over the size of a font, as everywhere where drawings are exchanged.
pub(crate) const CAPITALS: f64 = 0.7;
/// The layer of dimensions that name none.
pub const LAYER: &str = "dimensions";

/// What a drawing is drawn for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To be looked at: layers that are not visible are left out.
    #[default]
    Screen,
    /// Paper: those that are not printed, too.
    Paper,
    /// Another program, which has layers of its own.
    Model,
}

/// Why nothing is drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The budget ended.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// The drawing cannot be resolved.
    #[error("{0}")]
    Geometry(String),
    /// There is no such sheet.
    #[error("{0}")]
    Sheet(String),
}

impl From<geometry::Error> for Error {
    fn from(error: geometry::Error) -> Error {
        match error {
            geometry::Error::Stopped(stop) => Error::Stopped(stop),
            other => Error::Geometry(other.to_string()),
        }
    }
}

/// A dimension as it is drawn: one group for each number.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What it measures.
    pub kind: Kind,
    /// The number, in millimetres of the drawing.
    pub piece: Piece,
    /// How its style is, and the scale of its sheet; its numbers are in the groups.
    pub dimension: std::rc::Rc<Dimension>,
}

/// A drawing with everything drawn that it states.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The drawing.
    pub document: Document,
    /// The groups that draw dimensions.
    pub dimensions: HashMap<NodeId, Shown>,
    /// The texts behind each `use` that draw its values.
    pub values: Vec<(NodeId, Vec<(NodeId, Value)>)>,
    /// The layers that it declares.
    pub layers: Vec<Layer>,
    /// Dimensions and layers that cannot be drawn, and why.
    pub findings: Vec<Diagnostic>,
}

/// Whether a drawing states something that is drawn here.
#[must_use]
pub fn is_drafted(document: &Document) -> bool {
    document.elements().any(|node| {
        matches!(document.name(node), Some((Ns::Arx, "layer" | "dimension" | "attribute")))
    })
}

/// The drawing that is painted. O(elements + dimensions).
///
/// # Errors
/// [`Error`].
pub fn painted<'d>(
    document: &'d Document,
    purpose: Purpose,
    limits: &Limits,
    budget: &Budget,
) -> Result<Cow<'d, Document>, Error> {
    if !is_drafted(document) {
        return Ok(Cow::Borrowed(document));
    }
    drawn(document, purpose, limits, budget).map(|drawn| Cow::Owned(drawn.document))
}

/// As [`painted`], with what each part of it is.
///
/// # Errors
/// [`Error`].
pub fn drawn(
    document: &Document,
    purpose: Purpose,
    limits: &Limits,
    budget: &Budget,
) -> Result<Drawn, Error> {
    let scene = Scene::build(document, limits, budget)?;
    drawn_over(document, &scene, purpose, budget)
}

/// As [`drawn`], for whoever has the scene of the drawing already.
///
/// # Errors
/// [`Error::Stopped`].
pub fn drawn_over(
    document: &Document,
    scene: &Scene,
    purpose: Purpose,
    budget: &Budget,
) -> Result<Drawn, Error> {
    let scale = sheet::usual_scale(document, scene);
    let mut made = prepared(document, scene, scale, purpose);
    let (dimensions, found) = dimension::dimensions(document, scene, None, budget)?;
    made.findings.extend(found);
    let mm = scene.scale().mm_per_unit;
    made.dimensions =
        draw_all(&mut made.document, NodeId::ROOT, dimensions, &made.layers, mm, purpose);
    Ok(made)
}

/// Layers and values of symbols drawn, dimensions not yet.
pub(crate) fn prepared(document: &Document, scene: &Scene, scale: f64, purpose: Purpose) -> Drawn {
    let mut over = document.clone();
    // User units in a millimetre of paper.
    let unit = scale / scene.scale().mm_per_unit;
    let values = attributes::draw(&mut over, 2.5 * unit);
    let (layers, findings) = layers::layers(document);
    if !layers.is_empty() {
        layers::apply(&mut over, &layers, purpose, unit);
    }
    Drawn { document: over, dimensions: HashMap::new(), values, layers, findings }
}

/// Draws dimensions at the end of `parent`, whose coordinates are those of the root.
pub(crate) fn draw_all(
    document: &mut Document,
    parent: NodeId,
    dimensions: Vec<Dimension>,
    layers: &[Layer],
    mm: f64,
    purpose: Purpose,
) -> HashMap<NodeId, Shown> {
    let count = dimensions.iter().map(|dimension| dimension.pieces.len()).sum();
    let mut groups = HashMap::with_capacity(count);
    for mut dimension in dimensions {
        let pieces = std::mem::take(&mut dimension.pieces);
        let dimension = std::rc::Rc::new(dimension);
        let name = dimension.style.layer.as_deref().unwrap_or(LAYER);
        let layer = layers.iter().find(|layer| layer.id == name);
        let hidden = layer.is_some_and(|layer| match purpose {
            Purpose::Screen => !layer.visible,
            Purpose::Paper => !(layer.visible && layer.printable),
            Purpose::Model => false,
        });
        if hidden {
            continue;
        }
        let own = dimension.style.colour.as_deref();
        let colour = own.or_else(|| layer.and_then(|layer| layer.colour.as_deref()));
        let pen = Pen {
            colour: colour.unwrap_or("#000"),
            width: figure(dimension.style.line_width * dimension.scale / mm),
            mm,
        };
        for piece in pieces {
            let group = document.append_element(parent, Ns::Svg, "g");
            pen.draw(document, group, &piece, name);
            let dimension = std::rc::Rc::clone(&dimension);
            groups.insert(group, Shown { kind: dimension.kind, piece, dimension });
        }
    }
    groups
}

struct Pen<'c> {
    colour: &'c str,
    /// As it is written.
    width: String,
    /// Millimetres in a user unit.
    mm: f64,
}

impl Pen<'_> {
    /// A place of path data.
    fn at(&self, path: &mut String, p: P) {
        put(path, p[0] / self.mm);
        path.push(' ');
        put(path, p[1] / self.mm);
    }

    /// A row of lines.
    fn row(&self, path: &mut String, points: &[P]) {
        for (n, p) in points.iter().enumerate() {
            path.push(if n == 0 { 'M' } else { 'L' });
            self.at(path, *p);
        }
    }

    fn set(document: &mut Document, node: NodeId, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter().map(|(name, value)| (Ns::None, *name, *value));
        document.set_attributes(node, attributes);
    }

    fn draw(&self, document: &mut Document, group: NodeId, piece: &Piece, layer: &str) {
        let looks = [
            (Ns::None, "class", "dimension"),
            (Ns::None, "fill", "none"),
            (Ns::None, "stroke", self.colour),
            (Ns::None, "stroke-width", &self.width),
            (Ns::None, "stroke-dasharray", "none"),
            (Ns::Arx, "layer", layer),
        ];
        document.set_attributes(group, looks.into_iter());
        let laid = &piece.laid;
        let mut path = String::with_capacity(128);
        for line in &laid.lines {
            self.row(&mut path, line);
        }
        for arc in &laid.arcs {
            self.arc(&mut path, arc);
        }
        if !path.is_empty() {
            let node = document.append_element(group, Ns::Svg, "path");
            Pen::set(document, node, &[("d", &path)]);
        }
        let [fill, stroke] = [("fill", self.colour), ("stroke", "none")];
        for arrow in &laid.arrows {
            let node = document.append_element(group, Ns::Svg, "path");
            path.clear();
            self.row(&mut path, arrow);
            path.push('Z');
            Pen::set(document, node, &[("d", &path), fill, stroke]);
        }
        for (at, radius) in &laid.dots {
            let node = document.append_element(group, Ns::Svg, "circle");
            let [x, y, r] = [at[0], at[1], *radius].map(|n| figure(n / self.mm));
            Pen::set(document, node, &[("cx", &x), ("cy", &y), ("r", &r), fill, stroke]);
        }
        for text in &laid.texts {
            let node = document.make(Ns::Svg, "text", true);
            document.restore(node, group, None);
            // The sign of arcs is in few fonts; the half circle is in the one of the binary.
            let content = match text.content.contains('⌒') {
                true => document.make_text(&text.content.replace('⌒', "◠")),
                false => document.make_text(&text.content),
            };
            document.restore(content, node, None);
            let [x, y] = text.at.map(|n| figure(n / self.mm));
            let degrees = crate::plane::angle(text.along).to_degrees();
            let turned = degrees.abs() > 1e-9;
            let turn = match turned {
                true => format!("rotate({} {x} {y})", figure(degrees)),
                false => String::new(),
            };
            let size = fine(text.height / CAPITALS / self.mm);
            let level = [
                ("x", x.as_str()),
                ("y", &y),
                ("font-family", "sans-serif"),
                ("font-size", &size),
                ("text-anchor", "middle"),
            ];
            let turn = turned.then_some(("transform", turn.as_str()));
            let all = level.into_iter().chain(turn).chain([fill, stroke]);
            document.set_attributes(node, all.map(|(name, value)| (Ns::None, name, value)));
        }
    }

    fn arc(&self, path: &mut String, arc: &Arc) {
        let Arc { centre, radius, from, sweep } = *arc;
        let on = |turn: f64| along(centre, at_angle(turn), radius);
        let r = figure(radius / self.mm);
        // No arc of a path goes all the way round.
        let turns: &[f64] = if is_turn(sweep) { &[0.5, 1.0] } else { &[1.0] };
        path.push('M');
        self.at(path, on(from));
        for share in turns {
            let large = u8::from(sweep * share > std::f64::consts::PI && turns.len() == 1);
            let _ = write!(path, "A{r} {r} 0 {large} 1 ");
            self.at(path, on(from + sweep * share));
        }
    }
}

/// As [`figure`], of the size of a font: capitals are to come out as high as they were asked for.
pub(crate) fn fine(n: f64) -> String {
    let mut text = String::new();
    if (n * 1e10).is_finite() {
        decimal::<10>(&mut text, n);
    } else {
        put(&mut text, n);
    }
    text
}

/// A number in the shortest form that is exact to a ten-millionth of a unit.
pub(crate) fn figure(n: f64) -> String {
    let mut text = String::with_capacity(16);
    put(&mut text, n);
    text
}

/// Writes a number as [`figure`] does.
fn put(text: &mut String, n: f64) {
    decimal::<7>(text, n);
}

/// Writes a number with at most so many decimals, in the shortest form that is read as the same double; 0 of
/// what is no number.
///
/// Up to fifteen digits that is the rounded number itself, digit by digit: no two of those are read as one
/// double.
fn decimal<const DECIMALS: u32>(text: &mut String, n: f64) {
    let power = const { 10_u64.pow(DECIMALS) };
    let whole = (n * power as f64).round();
    if whole.abs() >= 1e15 || !whole.is_finite() {
        let rounded = whole / power as f64;
        let shown = if rounded.is_finite() { rounded + 0.0 } else { 0.0 };
        let _ = write!(text, "{shown}");
        return;
    }
    // At most fifteen digits or so many decimals, a zero, a point and a sign, from the back.
    let mut shown = [0_u8; 32];
    let mut at = shown.len();
    let mut add = |byte: u8| {
        at -= 1;
        shown[at] = byte;
    };
    let all = whole.abs() as u64;
    let (mut left, mut part) = (all / power, all % power);
    if part > 0 {
        let mut places = DECIMALS;
        // Most are whole micrometres.
        if part % 10_000 == 0 {
            (part, places) = (part / 10_000, places - 4);
        }
        while part % 10 == 0 {
            (part, places) = (part / 10, places - 1);
        }
        for _ in 0..places {
            add(b'0' + (part % 10) as u8);
            part /= 10;
        }
        add(b'.');
    }
    loop {
        add(b'0' + (left % 10) as u8);
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if whole < 0.0 {
        add(b'-');
    }
    text.push_str(std::str::from_utf8(&shown[at..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the standard library writes the double that a number is rounded to.
    fn plain(n: f64, power: f64) -> String {
        format!("{}", (n * power).round() / power + 0.0)
    }

    #[test]
    fn numbers_are_written_as_the_doubles_they_are_rounded_to() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
        };
        let few = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.1,
            12.5,
            1e-7,
            -4e-8,
            5e-8,
            0.3,
            99_999_999.999_999_9,
            1e8,
            1e9,
            1e15,
            1e22,
            -1e300,
        ];
        for n in few {
            assert_eq!(figure(n), plain(n, 1e7), "{n}");
        }
        for _ in 0..200_000 {
            let share = random() as f64 / (1_u64 << 53) as f64;
            let size = 10_f64.powi((random() % 14) as i32 - 6);
            let n = (share - 0.5) * size;
            assert_eq!(figure(n), plain(n, 1e7), "{n}");
            assert_eq!(fine(n), plain(n, 1e10), "{n}");
        }
        for n in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!((figure(n), fine(n)), ("0".to_owned(), "0".to_owned()));
        }
    }
}
