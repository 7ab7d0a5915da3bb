//! What the live picture sees of a session.

use std::borrow::Cow;

use super::{Error, Session};
use svgx_base::budget::Budget;
use svgx_drafting::{Purpose, painted};
use svgx_engine::document::{Document, NodeId};
use svgx_engine::geometry::Scene;

/// A drawing with everything drawn that it states, as it was at a sequence.
#[derive(Debug)]
pub(super) struct Presented {
    sequence: u64,
    document: Document,
    scene: Scene,
}

impl Session {
    /// The document and its scene, for a picture that follows them. Where the drawing states
    /// dimensions, layers or values, both are made anew after each edit, and all of the picture
    /// counts as changed.
    ///
    /// # Errors
    /// A drawing that cannot be resolved, or no time.
    pub(crate) fn followed(&mut self, budget: &Budget) -> Result<(&Document, &mut Scene), Error> {
        let geometry = |error: svgx_engine::geometry::Error| match error {
            svgx_engine::geometry::Error::Stopped(stop) => Error::Stopped(stop),
            other => Error::Geometry(other.to_string()),
        };
        if !self.drafted().any {
            if self.presented.take().is_some() {
                // What the picture followed until now was another scene.
                self.scene =
                    Scene::build(&self.document, &self.limits, budget).map_err(geometry)?;
            }
            return Ok((&self.document, &mut self.scene));
        }
        let is_known = self.presented.as_ref().is_some_and(|p| p.sequence == self.sequence);
        if !is_known {
            let over = painted(&self.document, Purpose::Screen, &self.limits, budget);
            let over = over.map_err(|error| match error {
                svgx_drafting::Error::Stopped(stop) => Error::Stopped(stop),
                other => Error::Geometry(other.to_string()),
            })?;
            let document = match over {
                Cow::Owned(document) => document,
                Cow::Borrowed(document) => document.clone(),
            };
            let scene = Scene::build(&document, &self.limits, budget).map_err(geometry)?;
            let sequence = self.sequence;
            self.presented = Some(Box::new(Presented { sequence, document, scene }));
        }
        match &mut self.presented {
            Some(presented) => Ok((&presented.document, &mut presented.scene)),
            None => Ok((&self.document, &mut self.scene)),
        }
    }

    /// What an element of the tree is called outside.
    pub(crate) fn element_name(&self, node: NodeId) -> String {
        self.label(self.number(node))
    }
}
