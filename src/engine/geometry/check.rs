//! What is wrong with the geometry of a document.

use crate::document::{Attribute, Code, Diagnostic, Document, NodeId, Ns, Span};

use super::length::{Length, LengthError, ratio};
use super::path::path;
use super::role::{Role, is_box, role};
use super::scene::Scene;
use super::transform::transform;
use super::viewport::ViewBox;
use super::{Unit, outline, properties};

/// Bad path data, points, lengths, transforms and viewBoxes, with their places;
/// `use` elements that show themselves or nothing. O(document).
pub fn check(document: &Document, scene: &Scene) -> Vec<Diagnostic> {
    let mut found = properties::check(document);
    for node in document.elements() {
        let role = role(document, node);
        let Some((ns, name)) = document.name(node) else { continue };
        let boxed = is_box(document, node);
        if ns == Ns::Svg || role != Role::None || boxed {
            for a in document.attributes(node) {
                match a.ns {
                    Ns::None => attribute(name, boxed, &a, &mut found),
                    Ns::Arx if node == NodeId::ROOT => scale(&a, &mut found),
                    _ => {}
                }
            }
        }
        if boxed && document.children(node).all(|c| role_of_shape(document, c).is_none()) {
            for side in ["width", "height"] {
                if document.attr(node, side).is_none() {
                    let message = format!("the geometry has no {side}; the object has no box");
                    found.push(Diagnostic::warning(
                        Code::GeometryIncomplete,
                        document.span(node),
                        message,
                    ));
                }
            }
        }
    }
    for &node in scene.cyclic() {
        let id = super::href(document, node).unwrap_or_default();
        let message = format!("this use shows \"{id}\", which shows this use");
        found.push(Diagnostic::error(Code::CyclicUse, document.span(node), message));
    }
    for &node in scene.dangling() {
        let id = super::href(document, node).unwrap_or_default();
        let message =
            format!("this use refers to \"{id}\", and nothing that can be drawn has that id");
        found.push(Diagnostic::warning(Code::DanglingUse, document.span(node), message));
    }
    found
}

fn role_of_shape(document: &Document, node: NodeId) -> Option<Role> {
    Some(role(document, node)).filter(|r| *r != Role::None)
}

fn attribute(element: &str, boxed: bool, a: &Attribute<'_>, found: &mut Vec<Diagnostic>) {
    let value = a.value;
    match a.name {
        "d" if element == "path" => {
            if let (_, Some(fault)) = path(value) {
                let message = format!("bad path data: {}; drawn up to here", fault.message);
                found.push(Diagnostic::error(Code::BadPath, inside(a, fault.offset), message));
            }
        }
        "points" => {
            if let (_, Some(offset)) = outline::points(value) {
                let message = "bad point list: expected pairs of numbers; drawn up to here";
                found.push(Diagnostic::error(Code::BadPoints, inside(a, offset), message));
            }
        }
        "transform" => {
            if let Err(reason) = transform(value) {
                let message = format!("bad transform: {reason}; it is not applied");
                found.push(Diagnostic::error(Code::BadTransform, a.span, message));
            }
        }
        "viewBox" if ViewBox::parse(value).is_none() => {
            let message = "bad viewBox: expected x, y, and a positive width and height";
            found.push(Diagnostic::error(Code::BadViewbox, a.span, message));
        }
        name if is_length(element, name) => length(name, boxed, a, found),
        _ => {}
    }
}

fn is_length(element: &str, name: &str) -> bool {
    match element {
        "rect" => matches!(name, "x" | "y" | "width" | "height" | "rx" | "ry"),
        "circle" => matches!(name, "cx" | "cy" | "r"),
        "ellipse" => matches!(name, "cx" | "cy" | "rx" | "ry"),
        "line" => matches!(name, "x1" | "y1" | "x2" | "y2"),
        "image" | "use" | "svg" => matches!(name, "x" | "y" | "width" | "height"),
        "geometry" => matches!(name, "x" | "y" | "z" | "width" | "height" | "depth"),
        _ => false,
    }
}

fn length(name: &str, boxed: bool, a: &Attribute<'_>, found: &mut Vec<Diagnostic>) {
    let value = a.value;
    if value.trim() == "auto" && !boxed {
        return;
    }
    let length = Length::parse(value);
    let reason = match &length {
        Ok(l) if boxed => l.to_mm().err(),
        Ok(_) => None,
        Err(e) => Some(e.clone()),
    };
    if let Some(reason) = reason {
        let code = match reason {
            LengthError::Unit(_) => Code::UnknownUnit,
            _ => Code::BadLength,
        };
        let message = format!("{name}=\"{}\": {reason}", shorten(value));
        found.push(Diagnostic::error(code, a.span, message));
        return;
    }
    let side = matches!(name, "width" | "height" | "depth" | "r" | "rx" | "ry");
    if side && length.as_ref().is_ok_and(|l| l.number < 0.0) {
        let message = format!("{name}=\"{}\" must not be negative", shorten(value));
        found.push(Diagnostic::error(Code::BadLength, a.span, message));
    }
    if !boxed && length.is_ok_and(|l| matches!(l.unit, Unit::M | Unit::Ft)) {
        let message = format!("{name}=\"{}\": SVG has no such unit", shorten(value));
        let d = Diagnostic::warning(Code::NotAnSvgUnit, a.span, message);
        found.push(d.help("the engine scales it with the drawing; browsers ignore it"));
    }
}

fn scale(a: &Attribute<'_>, found: &mut Vec<Diagnostic>) {
    let value = shorten(a.value);
    let fault = match a.name {
        "units" if !matches!(a.value.trim(), "mm" | "cm" | "m" | "in" | "ft") => {
            format!("arx:units=\"{value}\": expected mm, cm, m, in or ft")
        }
        "scale" if ratio(a.value).is_none() => {
            format!("arx:scale=\"{value}\": expected a positive number, or a ratio such as 1:50")
        }
        _ => return,
    };
    found.push(Diagnostic::error(Code::BadScale, a.span, fault));
}

fn inside(a: &Attribute<'_>, offset: usize) -> Span {
    if a.span.is_none() {
        return a.span;
    }
    // With entities in it the source is longer than the value; stay inside.
    let start = a.span.start.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
    Span { start: start.min(a.span.end), end: a.span.end }
}

/// The start of a value, for messages.
pub(super) fn shorten(value: &str) -> String {
    match value.char_indices().nth(40) {
        Some((at, _)) => format!("{}...", &value[..at]),
        None => value.to_owned(),
    }
}
