//! What reading the tree noticed on the way, for the passes after it.

use super::tree::{Document, NodeId, Ns};

/// Nodes that later passes look at, so that they need not walk the whole tree.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Elements of the language, and shapes that carry its attributes, in document order.
    pub(super) language: Vec<NodeId>,
    /// `use` elements.
    pub(super) uses: Vec<NodeId>,
    /// Elements whose id was taken: they, and the first with that id.
    pub(super) duplicates: Vec<(NodeId, NodeId)>,
}

impl Findings {
    /// Collects the elements of the language again after edits of the tree.
    pub(super) fn after_edits(document: &Document) -> Findings {
        let mut findings = Findings::default();
        for node in document.elements() {
            let Some((ns, _)) = document.name(node) else { continue };
            let carries =
                ns == Ns::Arx || document.attributes(node).iter().any(|a| a.ns == Ns::Arx);
            if carries {
                findings.language.push(node);
            }
        }
        findings
    }
}
