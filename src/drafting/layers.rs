//! Layers that a drawing declares: how what is on them looks, and whether it is seen, printed and
//! edited.

use std::collections::HashMap;

use svgx_engine::compile;
use svgx_engine::document::{Code, Diagnostic, Document, NodeId, Ns};
use svgx_engine::geometry::{Role, href, role};

use crate::dimension::short;
use crate::drawn::Purpose;

/// A layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The element that declares it.
    pub node: NodeId,
    /// What `arx:layer` names it by.
    pub id: String,
    /// The colour of what states none.
    pub colour: Option<String>,
    /// The width of lines that state none, in millimetres on paper.
    pub line_width: Option<f64>,
    /// The dashes of lines that state none.
    pub line_type: LineType,
    /// Whether it is seen.
    pub visible: bool,
    /// Whether it is on paper.
    pub printable: bool,
    /// Whether what is on it cannot be edited.
    pub locked: bool,
}

/// Types of lines, after ISO 128: lengths are counted in widths of the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum LineType {
    #[default]
    Continuous,
    Dashed,
    Dotted,
    DashDot,
    DashDotDot,
}

impl LineType {
    /// The names of the types.
    pub const NAMES: [&'static str; 5] =
        ["continuous", "dashed", "dotted", "dash-dot", "dash-dot-dot"];

    fn named(name: &str) -> Option<LineType> {
        use LineType::{Continuous, DashDot, DashDotDot, Dashed, Dotted};
        let at = LineType::NAMES.iter().position(|own| *own == name)?;
        [Continuous, Dashed, Dotted, DashDot, DashDotDot].get(at).copied()
    }

    /// Dashes and gaps, in widths of the line.
    #[must_use]
    pub const fn dashes(self) -> &'static [f64] {
        match self {
            LineType::Continuous => &[],
            LineType::Dashed => &[12.0, 3.0],
            LineType::Dotted => &[0.5, 3.0],
            LineType::DashDot => &[24.0, 3.0, 0.5, 3.0],
            LineType::DashDotDot => &[24.0, 3.0, 0.5, 3.0, 0.5, 3.0],
        }
    }
}

/// The layers that a drawing declares, and what of them cannot be read.
#[must_use]
pub fn layers(document: &Document) -> (Vec<Layer>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut all = Vec::new();
    let nodes = document.elements().filter(|&n| document.name(n) == Some((Ns::Arx, "layer")));
    for node in nodes {
        let Some(id) = document.id(node) else {
            let span = crate::dimension::tag(document, node);
            found.push(Diagnostic::error(Code::LayerValue, span, "a layer needs an id"));
            continue;
        };
        let mut layer = Layer {
            node,
            id: id.to_owned(),
            colour: None,
            line_width: None,
            line_type: LineType::Continuous,
            visible: true,
            printable: true,
            locked: false,
        };
        for a in document.attributes(node).iter().filter(|a| a.ns == Ns::None) {
            if let Err(expected) = layer.set(a.name, a.value.trim()) {
                let message = format!("`{}` is no {}; expected {expected}", short(a.value), a.name);
                found.push(Diagnostic::error(Code::LayerValue, a.span, message));
            }
        }
        all.push(layer);
    }
    (all, found)
}

impl Layer {
    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let flag = |target: &mut bool| {
            *target = match value {
                "true" => true,
                "false" => false,
                _ => return Err("true or false"),
            };
            Ok(())
        };
        match name {
            "color" => self.colour = Some(value.to_owned()),
            "line-width" => {
                let read = value.strip_suffix("mm").unwrap_or(value).trim().parse().ok();
                let read = read.filter(|n: &f64| (0.0..=100.0).contains(n));
                self.line_width = Some(read.ok_or("millimetres on paper, from 0 to 100")?);
            }
            "line-type" => {
                self.line_type = LineType::named(value)
                    .ok_or("continuous, dashed, dotted, dash-dot or dash-dot-dot")?;
            }
            "visible" => return flag(&mut self.visible),
            "printable" => return flag(&mut self.printable),
            "locked" => return flag(&mut self.locked),
            _ => {}
        }
        Ok(())
    }

    /// The dashes of its lines, in millimetres on paper.
    #[must_use]
    pub fn dashes(&self) -> Vec<f64> {
        let width = self.line_width.unwrap_or(0.25);
        self.line_type.dashes().iter().map(|n| n * width).collect()
    }
}

/// The declared layer that an element is on, nearest outward; `None` where that is not declared.
#[must_use]
pub fn layer_of(document: &Document, node: NodeId) -> Option<NodeId> {
    let around = std::iter::successors(Some(node), |&n| document.parent(n));
    let name = around.into_iter().find_map(|n| compile::layer(document, n))?;
    let declared = document.by_id(name)?;
    (document.name(declared) == Some((Ns::Arx, "layer"))).then_some(declared)
}

/// Whether an element is on a layer that is locked; its name.
#[must_use]
pub fn locked(document: &Document, node: NodeId) -> Option<String> {
    let layer = layer_of(document, node)?;
    let is_locked = document.attr(layer, "locked").is_some_and(|v| v.trim() == "true");
    is_locked.then(|| document.id(layer).unwrap_or_default().to_owned())
}

/// What is stated around and on an element.
#[derive(Clone, Copy, Debug, Default)]
struct Stated {
    layer: Option<usize>,
    stroke: bool,
    fill: bool,
    width: bool,
    dash: bool,
}

/// Writes the looks of layers at what states none. `unit`: user units in a millimetre of paper.
pub(crate) fn apply(document: &mut Document, layers: &[Layer], purpose: Purpose, unit: f64) {
    let by_id: HashMap<&str, usize> =
        layers.iter().enumerate().map(|(at, layer)| (layer.id.as_str(), at)).collect();
    let mut sets: Vec<(NodeId, &'static str, String)> = Vec::new();
    let mut stack = vec![(NodeId::ROOT, Stated::default())];
    while let Some((node, outer)) = stack.pop() {
        if !document.is_element(node) {
            continue;
        }
        let begins = compile::layer(document, node).and_then(|name| by_id.get(name)).copied();
        let mut stated = match begins {
            Some(at) => Stated { layer: Some(at), ..Stated::default() },
            None => outer,
        };
        let style = document.attr(node, "style").unwrap_or_default();
        let has = |name: &str| {
            document.attr(node, name).is_some()
                || style.split(';').any(|d| d.split(':').next().is_some_and(|n| n.trim() == name))
        };
        stated.stroke |= has("stroke");
        stated.fill |= has("fill");
        stated.width |= has("stroke-width");
        stated.dash |= has("stroke-dasharray");
        if let Some(layer) = stated.layer.and_then(|at| layers.get(at)) {
            if begins.is_some() {
                let hidden = match purpose {
                    Purpose::Screen => !layer.visible,
                    Purpose::Paper => !layer.visible || !layer.printable,
                    // A layer of that is off by itself.
                    Purpose::Model => false,
                };
                if hidden {
                    sets.push((node, "display", "none".to_owned()));
                    continue;
                }
                if let Some(colour) = layer.colour.as_ref().filter(|_| !has("color")) {
                    sets.push((node, "color", colour.clone()));
                }
            }
            looks(document, node, layer, stated, unit, &mut sets);
        }
        stack.extend(document.children(node).map(|child| (child, stated)));
    }
    for (node, name, value) in sets {
        document.set_attribute(node, Ns::None, name, &value);
    }
}

/// What an element that draws gets from its layer.
fn looks(
    document: &Document,
    node: NodeId,
    layer: &Layer,
    stated: Stated,
    unit: f64,
    sets: &mut Vec<(NodeId, &'static str, String)>,
) {
    let colour = layer.colour.as_ref();
    match role(document, node) {
        Role::Text => {
            if let Some(colour) = colour.filter(|_| !stated.fill) {
                sets.push((node, "fill", colour.clone()));
            }
            return;
        }
        Role::Shape => {
            let is_area = stated.fill && document.attr(node, "fill").is_none_or(|f| f != "none");
            if let Some(colour) = colour.filter(|_| !stated.stroke && !is_area) {
                sets.push((node, "stroke", colour.clone()));
                if !stated.fill {
                    sets.push((node, "fill", "none".to_owned()));
                }
            }
        }
        Role::Use => {
            // Letters of what is shown are not to get an edge.
            let target = href(document, node).and_then(|id| document.by_id(id));
            let has_text = target.is_some_and(|target| {
                document.descendants(target).any(|n| role(document, n) == Role::Text)
            });
            if let Some(colour) = colour.filter(|_| !stated.stroke && !has_text) {
                sets.push((node, "stroke", colour.clone()));
            }
        }
        _ => return,
    }
    let number = |mm: f64| crate::drawn::figure(mm * unit);
    if let Some(width) = layer.line_width.filter(|_| !stated.width) {
        sets.push((node, "stroke-width", number(width)));
    }
    let dashes = layer.dashes();
    if !dashes.is_empty() && !stated.dash {
        let dashes: Vec<String> = dashes.into_iter().map(number).collect();
        sets.push((node, "stroke-dasharray", dashes.join(" ")));
    }
}
