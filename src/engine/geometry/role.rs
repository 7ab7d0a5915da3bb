//! What an element is to a drawing.

use crate::document::{Document, NodeId, Ns};

use super::style::Special;

/// What an element is to geometry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A basic shape or a path.
    Shape,
    /// A text with its spans.
    Text,
    /// A picture.
    Image,
    /// An instance of another element.
    Use,
    /// A group, or an element that acts as one.
    Group,
    /// A building object: a group that may have a box of its own.
    Object,
    /// The root or a nested drawing.
    Svg,
    /// Shows its first fitting child.
    Switch,
    /// Shown through `use` only.
    Symbol,
    /// Not drawn.
    None,
}

impl Role {
    /// What takes more than outlines in plain colours for being what it is.
    pub(crate) fn special(self) -> Option<Special> {
        match self {
            Role::Text => Some(Special::Text),
            Role::Image => Some(Special::Picture),
            _ => None,
        }
    }
}

/// What `node` is to geometry. SVG elements count in the SVG namespace, in none
/// and, for dialects that put everything there, in the language's own.
pub fn role(document: &Document, node: NodeId) -> Role {
    let Some((ns, name)) = document.name(node) else { return Role::None };
    if ns == Ns::Arx && name == "object" {
        return Role::Object;
    }
    if !matches!(ns, Ns::Svg | Ns::None | Ns::Arx) {
        return Role::None;
    }
    match name {
        "rect" | "circle" | "ellipse" | "line" | "polyline" | "polygon" | "path" => Role::Shape,
        "text" => Role::Text,
        "image" => Role::Image,
        "use" => Role::Use,
        "g" | "a" => Role::Group,
        // The symbol dialect keeps its shapes in one of these.
        "geometry" if ns != Ns::Svg || node == NodeId::ROOT => Role::Group,
        "svg" | "svgx" => Role::Svg,
        "switch" => Role::Switch,
        "symbol" => Role::Symbol,
        _ if node == NodeId::ROOT => Role::Svg,
        _ => Role::None,
    }
}

/// The local reference of an element: `href` or `xlink:href` without its `#`.
pub fn href(document: &Document, node: NodeId) -> Option<&str> {
    let value = document
        .attribute(node, Ns::None, "href")
        .or_else(|| document.attribute(node, Ns::XLink, "href"))?;
    value.value.trim().strip_prefix('#')
}

/// Whether an element is the geometry of the object it lies in.
pub(crate) fn is_box(document: &Document, node: NodeId) -> bool {
    matches!(document.name(node), Some((Ns::Arx | Ns::Svg | Ns::None, "geometry")))
}

/// Whether an element asks for nothing we lack (SVG 2, section 5.8): our language is English,
/// there are no extensions, and features are not asked about any more.
pub fn conditions_hold(document: &Document, node: NodeId) -> bool {
    let language = document
        .attr(node, "systemLanguage")
        .is_none_or(|l| l.split(',').any(|l| l.trim() == "en" || l.trim().starts_with("en-")));
    language && document.attr(node, "requiredExtensions").is_none()
}

/// The child a `switch` shows: the first whose conditions hold.
pub fn switch_choice(document: &Document, node: NodeId) -> Option<NodeId> {
    let mut children = document.children(node);
    children.find(|&c| role(document, c) != Role::None && conditions_hold(document, c))
}

pub(super) fn is_inside(document: &Document, node: NodeId, target: NodeId) -> bool {
    let mut at = Some(node);
    while let Some(n) = at {
        if n == target {
            return true;
        }
        at = document.parent(n);
    }
    false
}
