//! Elements that no walk of the scene comes to: what patterns, masks, markers and clip paths hold.

use kurbo::Size;

use crate::document::{Document, NodeId};

use super::css::{Matching, Sheet};
use super::length::Scale;
use super::outline::{self, Frame};
use super::resolve::Styled;
use super::style::Style;
use super::viewport::root_viewbox;

/// Whether an element is part of something that is painted elsewhere.
pub(crate) fn is_apart(document: &Document, node: NodeId) -> bool {
    let mut around = std::iter::successors(document.parent(node), |&n| document.parent(n));
    around.any(|n| {
        let name = document.name(n).map(|(_, name)| name);
        matches!(name, Some("pattern" | "mask" | "marker" | "clipPath"))
    })
}

/// What a style says of the place and size of such an element. `None`: nothing.
pub(crate) fn styled_apart(
    document: &Document,
    node: NodeId,
    sheet: &Sheet,
    matching: &mut Matching,
) -> Option<Styled> {
    let is_styled = !sheet.is_empty() || document.attr(node, "style").is_some();
    if !is_styled || !is_apart(document, node) {
        return None;
    }
    let (style, own) = Style::of(document, node, Style::default(), sheet, matching);
    if !own.is_styled() {
        return None;
    }
    let viewport = root_viewbox(document);
    let viewport = Size::new(viewport.width, viewport.height);
    let frame = Frame { viewport, font_size: style.font_size, scale: Scale::of(document) };
    let outline = || outline::outline(document, node, frame, &own);
    let transform = own.transform(document, node, viewport, style.font_size, outline);
    Some(Styled { transform, own })
}
