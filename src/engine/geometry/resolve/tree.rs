//! Questions about an element that its document alone answers.

use crate::document::{Document, NodeId, Ns};

use super::{Role, role};

/// Whether the element's own lengths depend on where it is shown. Those of a
/// path or a list of points never do, however it is drawn.
pub(super) fn is_relative(document: &Document, node: NodeId) -> bool {
    if matches!(document.name(node), Some((_, "path" | "polyline" | "polygon"))) {
        return false;
    }
    document.attributes(node).iter().any(|a| {
        a.ns == Ns::None
            && !matches!(a.name, "d" | "points" | "style" | "class" | "id")
            && (a.value.ends_with('%') || a.value.ends_with("em") || a.value.ends_with("ex"))
    })
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

/// The child a `switch` shows: the first that asks for nothing we lack.
pub(super) fn switch_choice(document: &Document, node: NodeId) -> Option<NodeId> {
    document.children(node).find(|&c| {
        let language = document
            .attr(c, "systemLanguage")
            .is_none_or(|l| l.split(',').any(|l| l.trim() == "en" || l.trim().starts_with("en-")));
        let extensions = document.attr(c, "requiredExtensions").is_none_or(str::is_empty);
        role(document, c) != Role::None && language && extensions
    })
}
