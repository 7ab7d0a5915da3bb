//! What the live picture sees of a session.

use super::Session;
use svgx_engine::document::{Document, NodeId};
use svgx_engine::geometry::Scene;

impl Session {
    /// The document and its scene, for a picture that follows them.
    pub(crate) fn followed(&mut self) -> (&Document, &mut Scene) {
        (&self.document, &mut self.scene)
    }

    /// What an element of the tree is called outside.
    pub(crate) fn element_name(&self, node: NodeId) -> String {
        self.label(self.number(node))
    }
}
