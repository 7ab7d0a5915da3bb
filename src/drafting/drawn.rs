//! The drawing that is painted: what is only stated is drawn by plain shapes, so that whatever
//! writes a drawing writes them too. They are results: nothing reads them back.

use std::borrow::Cow;
use std::collections::HashMap;

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
    /// How its style is, and the scale of its sheet.
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
    let mut groups = HashMap::new();
    for dimension in dimensions {
        let name = dimension.style.layer.clone().unwrap_or_else(|| LAYER.to_owned());
        let layer = layers.iter().find(|layer| layer.id == name);
        let hidden = layer.is_some_and(|layer| match purpose {
            Purpose::Screen => !layer.visible,
            Purpose::Paper => !(layer.visible && layer.printable),
            Purpose::Model => false,
        });
        if hidden {
            continue;
        }
        let dimension = std::rc::Rc::new(dimension);
        let own = dimension.style.colour.as_deref();
        let colour = own.or_else(|| layer.and_then(|layer| layer.colour.as_deref()));
        let pen = Pen {
            colour: colour.unwrap_or("#000").to_owned(),
            width: dimension.style.line_width * dimension.scale / mm,
            mm,
        };
        for piece in &dimension.pieces {
            let group = document.append_element(parent, Ns::Svg, "g");
            pen.draw(document, group, piece);
            document.set_attribute(group, Ns::Arx, "layer", &name);
            let shown = Shown {
                kind: dimension.kind,
                piece: piece.clone(),
                dimension: std::rc::Rc::clone(&dimension),
            };
            groups.insert(group, shown);
        }
    }
    groups
}

struct Pen {
    colour: String,
    width: f64,
    /// Millimetres in a user unit.
    mm: f64,
}

impl Pen {
    fn at(&self, p: P) -> String {
        format!("{} {}", figure(p[0] / self.mm), figure(p[1] / self.mm))
    }

    fn set(document: &mut Document, node: NodeId, attributes: &[(&str, String)]) {
        let attributes = attributes.iter().map(|(name, value)| (Ns::None, *name, value.as_str()));
        document.set_attributes(node, attributes);
    }

    fn draw(&self, document: &mut Document, group: NodeId, piece: &Piece) {
        Pen::set(
            document,
            group,
            &[
                ("class", "dimension".to_owned()),
                ("fill", "none".to_owned()),
                ("stroke", self.colour.clone()),
                ("stroke-width", figure(self.width)),
                ("stroke-dasharray", "none".to_owned()),
            ],
        );
        let laid = &piece.laid;
        let mut path = String::new();
        for [a, b] in &laid.lines {
            path.push_str(&format!("M{}L{}", self.at(*a), self.at(*b)));
        }
        for arc in &laid.arcs {
            path.push_str(&self.arc(arc));
        }
        if !path.is_empty() {
            let node = document.append_element(group, Ns::Svg, "path");
            Pen::set(document, node, &[("d", path)]);
        }
        let filled = [("fill", self.colour.clone()), ("stroke", "none".to_owned())];
        for [tip, a, b] in &laid.arrows {
            let node = document.append_element(group, Ns::Svg, "path");
            let d = format!("M{}L{}L{}Z", self.at(*tip), self.at(*a), self.at(*b));
            let [fill, stroke] = filled.clone();
            Pen::set(document, node, &[("d", d), fill, stroke]);
        }
        for (at, radius) in &laid.dots {
            let node = document.append_element(group, Ns::Svg, "circle");
            let [x, y, r] = [at[0], at[1], *radius].map(|n| figure(n / self.mm));
            let [fill, stroke] = filled.clone();
            Pen::set(document, node, &[("cx", x), ("cy", y), ("r", r), fill, stroke]);
        }
        for text in &laid.texts {
            let node = document.make(Ns::Svg, "text", true);
            document.restore(node, group, None);
            // The sign of arcs is in few fonts; the half circle is in the one of the binary.
            let content = document.make_text(&text.content.replace('⌒', "◠"));
            document.restore(content, node, None);
            let [x, y] = text.at.map(|n| figure(n / self.mm));
            let degrees = crate::plane::angle(text.along).to_degrees();
            let mut attributes = vec![
                ("x", x.clone()),
                ("y", y.clone()),
                ("font-family", "sans-serif".to_owned()),
                ("font-size", fine(text.height / CAPITALS / self.mm)),
                ("text-anchor", "middle".to_owned()),
            ];
            if degrees.abs() > 1e-9 {
                attributes.push(("transform", format!("rotate({} {x} {y})", figure(degrees))));
            }
            attributes.extend(filled.clone());
            Pen::set(document, node, &attributes);
        }
    }

    fn arc(&self, arc: &Arc) -> String {
        let Arc { centre, radius, from, sweep } = *arc;
        let on = |turn: f64| self.at(along(centre, at_angle(turn), radius));
        let r = figure(radius / self.mm);
        // No arc of a path goes all the way round.
        let turns: &[f64] = if is_turn(sweep) { &[0.5, 1.0] } else { &[1.0] };
        let mut path = format!("M{}", on(from));
        for share in turns {
            let large = u8::from(sweep * share > std::f64::consts::PI && turns.len() == 1);
            path.push_str(&format!("A{r} {r} 0 {large} 1 {}", on(from + sweep * share)));
        }
        path
    }
}

/// As [`figure`], of the size of a font: capitals are to come out as high as they were asked for.
pub(crate) fn fine(n: f64) -> String {
    let rounded = (n * 1e10).round() / 1e10;
    if rounded.is_finite() { format!("{rounded}") } else { figure(n) }
}

/// A number in the shortest form that is exact to a ten-millionth of a unit.
pub(crate) fn figure(n: f64) -> String {
    let rounded = (n * 1e7).round() / 1e7;
    if rounded.is_finite() { format!("{}", rounded + 0.0) } else { "0".to_owned() }
}
