//! Attributes of symbols: texts whose places the symbol has, and whose values each `use` states.

use kurbo::{Affine, Size};
use svgx_engine::document::{Code, Diagnostic, Document, NodeId, Ns};
use svgx_engine::geometry::{self, AspectRatio, Length, Role, ViewBox, href, pixels, role};

use crate::dimension::{short, tag};
use crate::drawn::{figure, fine};

/// A template of a symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// The element.
    pub node: NodeId,
    /// The name that a value is given by.
    pub name: String,
    /// Where the text stands, in coordinates of the symbol.
    pub at: [f64; 2],
    /// The height of capitals, in units of the symbol; without, that of dimensions.
    pub size: Option<f64>,
    /// `start`, `middle` or `end`.
    pub anchor: &'static str,
    /// Degrees, clockwise on a screen.
    pub rotate: f64,
    /// What is written where a `use` says nothing.
    pub value: String,
    /// Whether it is kept and not drawn.
    pub hidden: bool,
}

/// A value at a `use`.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Of which template.
    pub template: Template,
    /// The text.
    pub text: String,
}

fn attributes(document: &Document, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    document.children(node).filter(|&c| document.name(c) == Some((Ns::Arx, "attribute")))
}

/// The templates of a symbol, in document order.
pub(crate) fn templates(document: &Document, symbol: NodeId) -> Vec<Template> {
    let number = |node: NodeId, name: &str| {
        let length = Length::parse(document.attr(node, name)?).ok()?;
        pixels(length).filter(|n| n.abs() <= 1e9)
    };
    let read = |node: NodeId| {
        let name = document.attr(node, "name").map(str::trim).filter(|name| !name.is_empty())?;
        Some(Template {
            node,
            name: name.to_owned(),
            at: [number(node, "x").unwrap_or(0.0), number(node, "y").unwrap_or(0.0)],
            size: number(node, "size").filter(|size| *size > 0.0),
            anchor: match document.attr(node, "anchor").map(str::trim) {
                Some("start") => "start",
                Some("end") => "end",
                _ => "middle",
            },
            rotate: number(node, "rotate").unwrap_or(0.0),
            value: document.attr(node, "value").unwrap_or_default().to_owned(),
            hidden: document.attr(node, "hidden").is_some_and(|v| v.trim() == "true"),
        })
    };
    attributes(document, symbol).filter_map(read).collect()
}

/// The values of a `use`: those that it states, and the usual ones of its symbol.
#[must_use]
pub fn values(document: &Document, node: NodeId) -> Vec<Value> {
    let Some(symbol) = symbol_of(document, node) else { return Vec::new() };
    let stated = |name: &str| {
        let own = attributes(document, node).find(|&a| document.attr(a, "name") == Some(name))?;
        document.attr(own, "value").map(str::to_owned)
    };
    let value = |template: Template| {
        let text = stated(&template.name).unwrap_or_else(|| template.value.clone());
        Value { template, text }
    };
    templates(document, symbol).into_iter().map(value).collect()
}

pub(crate) fn symbol_of(document: &Document, node: NodeId) -> Option<NodeId> {
    if role(document, node) != Role::Use {
        return None;
    }
    let target = document.by_id(href(document, node)?)?;
    (role(document, target) == Role::Symbol).then_some(target)
}

/// Every `use` with values.
pub(crate) fn uses(document: &Document) -> Vec<(NodeId, Vec<Value>)> {
    let uses = document.elements().filter(|&n| role(document, n) == Role::Use);
    uses.map(|n| (n, values(document, n))).filter(|(_, values)| !values.is_empty()).collect()
}

/// Values that no template takes, and templates without a name.
pub(crate) fn check(document: &Document) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let nodes = document.elements().filter(|&n| document.name(n) == Some((Ns::Arx, "attribute")));
    for node in nodes {
        let Some(parent) = document.parent(node) else { continue };
        let name = document.attr(node, "name").unwrap_or_default().trim();
        let is_known = match role(document, parent) {
            Role::Symbol => !name.is_empty(),
            Role::Use => symbol_of(document, parent).is_some_and(|symbol| {
                attributes(document, symbol).any(|t| document.attr(t, "name") == Some(name))
            }),
            _ => false,
        };
        if !is_known {
            let message = format!("no symbol has the attribute `{}` here", short(name));
            found.push(
                Diagnostic::warning(Code::AttributeName, tag(document, node), message)
                    .help("a symbol has templates with names, its uses have values of them"),
            );
        }
    }
    found
}

/// From coordinates of the symbol to those of what is around the `use`, its `transform` left out.
fn place(document: &Document, node: NodeId) -> Affine {
    let side = |of: NodeId, name: &str| {
        let length = Length::parse(document.attr(of, name)?).ok()?;
        pixels(length).filter(|n| n.is_finite())
    };
    let at = (side(node, "x").unwrap_or(0.0), side(node, "y").unwrap_or(0.0));
    let shift = Affine::translate(at);
    let Some(symbol) = symbol_of(document, node) else { return shift };
    let view = document.attr(symbol, "viewBox").and_then(ViewBox::parse);
    let size = |name: &str| side(node, name).or_else(|| side(symbol, name));
    match (view, size("width"), size("height")) {
        (Some(view), Some(width), Some(height)) => {
            let aspect = document.attr(symbol, "preserveAspectRatio");
            let aspect = aspect.map(AspectRatio::parse).unwrap_or_default();
            shift * view.fit(aspect, Size::new(width, height))
        }
        _ => shift,
    }
}

/// Draws the values behind each `use`; answers which texts are whose. `usual`: the height of
/// capitals of a template that states none.
pub(crate) fn draw(document: &mut Document, usual: f64) -> Vec<(NodeId, Vec<(NodeId, Value)>)> {
    let mut drawn = Vec::new();
    for (node, values) in uses(document) {
        let Some(parent) = document.parent(node) else { continue };
        let own = place(document, node);
        let mut texts = Vec::new();
        let mut behind = node;
        for value in values {
            if value.text.trim().is_empty() || value.template.hidden {
                continue;
            }
            let text = document.make(Ns::Svg, "text", true);
            let content = document.make_text(&value.text);
            document.restore(content, text, None);
            let Template { at, size, anchor, rotate, .. } = &value.template;
            let height = size.unwrap_or(usual);
            let mut transform = document.attr(node, "transform").unwrap_or_default().to_owned();
            let around = geometry::transform(&transform).unwrap_or_default() * own;
            let matrix = own.as_coeffs().map(figure).join(" ");
            transform.push_str(&format!(" matrix({matrix})"));
            if *rotate != 0.0 {
                let turn = [*rotate, at[0], at[1]].map(figure).join(" ");
                transform.push_str(&format!(" rotate({turn})"));
            }
            // What would stand on its head is turned where it stands.
            let [a, b, ..] = (around * Affine::rotate(rotate.to_radians())).as_coeffs();
            let mut anchor = *anchor;
            if crate::plane::readable([a, b]) != [a, b] {
                let turn = [180.0, at[0], at[1] - height / 2.0].map(figure).join(" ");
                transform.push_str(&format!(" rotate({turn})"));
                anchor = match anchor {
                    "start" => "end",
                    "end" => "start",
                    other => other,
                };
            }
            let layer = document.arx(node, "layer").map(str::to_owned);
            let size = fine(height / crate::drawn::CAPITALS);
            let [x, y] = at.map(figure);
            let attributes = [
                ("class", "attribute"),
                ("x", &x),
                ("y", &y),
                ("transform", transform.trim()),
                ("font-family", "sans-serif"),
                ("font-size", &size),
                ("text-anchor", anchor),
                ("stroke", "none"),
            ];
            document.set_attributes(
                text,
                attributes.iter().map(|(name, value)| (Ns::None, *name, *value)),
            );
            if let Some(layer) = layer {
                document.set_attribute(text, Ns::Arx, "layer", &layer);
            }
            let next = document.next_sibling(behind);
            document.restore(text, parent, next);
            behind = text;
            texts.push((text, value));
        }
        drawn.push((node, texts));
    }
    drawn
}
