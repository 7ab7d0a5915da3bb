//! How an object is drawn: by what it contains, by shapes elsewhere, or else by its box.

use std::collections::HashSet;

use crate::document::{Document, NodeId};
use crate::geometry::{Role, role, root_viewbox};

/// The line around an object that has a box but draws nothing of its own.
pub(crate) const BOX_COLOUR: [u8; 3] = [0x5b, 0x64, 0x70];

/// How wide that line is: one pixel when the drawing is shown 800 wide.
pub(crate) fn box_line(document: &Document) -> f64 {
    let v = root_viewbox(document);
    v.width.max(v.height) / 800.0
}

/// The objects that shapes outside of them draw: their box is not drawn beside those.
pub fn drawn_elsewhere(document: &Document) -> HashSet<NodeId> {
    let objects = document.objects().iter();
    objects.filter(|object| !object.shapes.is_empty()).map(|object| object.node).collect()
}

/// Whether an object contains something that is drawn.
pub fn draws(document: &Document, object: NodeId) -> bool {
    document.children(object).any(|c| {
        let drawn = role(document, c);
        drawn != Role::None && (drawn != Role::Group || document.first_child(c).is_some())
    })
}
