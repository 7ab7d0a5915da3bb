//! Text to tree.

use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::limits::Limits;
use super::text::{Span, Str};
use super::tree::{Attribute, Document, NodeId, NodeKind, Ns};
use super::{ARX, SVG, XLINK};

/// Reads a document.
///
/// # Errors
/// Diagnostics, at least one of them an error, when there is no document to be had.
pub fn parse(source: &str, limits: &Limits) -> Result<Document, Vec<Diagnostic>> {
    if source.len() > limits.bytes {
        let message = format!("{} bytes; the limit is {}", source.len(), limits.bytes);
        return Err(vec![Diagnostic::error("limit-bytes", Span::new(0, 0), message)]);
    }
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        nodes_limit: u32::try_from(limits.elements.saturating_mul(4)).unwrap_or(u32::MAX),
        ..roxmltree::ParsingOptions::default()
    };
    let xml = roxmltree::Document::parse_with_options(source, options)
        .map_err(|e| vec![Diagnostic::error("xml", Span::new(0, 0), e.to_string())])?;
    let text: Arc<str> = Arc::from(source);
    let mut document = Document::new(Arc::clone(&text), source.len() / 64, source.len() / 24);
    let mut open: Vec<(roxmltree::Node<'_, '_>, Option<NodeId>)> = vec![(xml.root_element(), None)];
    while let Some((node, parent)) = open.pop() {
        let span = Span::new(node.range().start, node.range().end);
        let kind = if node.is_element() {
            let ns = namespace(&mut document, node.tag_name().namespace(), &node);
            NodeKind::Element { ns, name: share(&text, node.tag_name().name()) }
        } else if node.is_text() {
            NodeKind::Text(share(&text, node.text().unwrap_or_default()))
        } else if node.is_comment() {
            NodeKind::Comment(share(&text, node.text().unwrap_or_default()))
        } else {
            continue;
        };
        let id = document.push(parent, kind, span);
        for a in node.attributes() {
            let ns = namespace(&mut document, a.namespace(), &node);
            let range = a.range_value();
            let attribute = Attribute {
                ns,
                name: share(&text, a.name()),
                value: share(&text, a.value()),
                span: Span::new(range.start, range.end),
            };
            document.push_attribute(id, attribute);
        }
        let mut child = node.last_child();
        while let Some(c) = child {
            open.push((c, Some(id)));
            child = c.prev_sibling();
        }
    }
    Ok(document)
}

fn namespace(document: &mut Document, uri: Option<&str>, node: &roxmltree::Node<'_, '_>) -> Ns {
    match uri {
        None => Ns::None,
        Some(SVG) => Ns::Svg,
        Some(ARX) => Ns::Arx,
        Some(XLINK) => Ns::XLink,
        Some(roxmltree::NS_XML_URI) => Ns::Xml,
        Some(other) => {
            let prefix = node.lookup_prefix(other).unwrap_or_default();
            document.intern_foreign(prefix, other)
        }
    }
}

/// A share of the source where `piece` lies in it, a copy where it was resolved.
fn share(text: &Arc<str>, piece: &str) -> Str {
    // roxmltree borrows from the caller's copy of the text, not from ours, so
    // the offset is found by the caller's address; see `parse`.
    let _ = text;
    Str::from(piece)
}
