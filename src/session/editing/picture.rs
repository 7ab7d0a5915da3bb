//! What the live picture sees of a session.

use super::presented::Presented;
use super::{Error, Session};
use svgx_base::budget::Budget;
use svgx_drafting::{Purpose, drawn_over};
use svgx_engine::document::{Document, NodeId};
use svgx_engine::geometry::{self, Scene};

fn geometry(error: geometry::Error) -> Error {
    match error {
        geometry::Error::Stopped(stop) => Error::Stopped(stop),
        other => Error::Geometry(other.to_string()),
    }
}

impl Session {
    /// The document and its scene, for a picture that follows them. Where the drawing states
    /// dimensions, layers or values, those of a copy in which they are drawn: what differs from
    /// the copy before counts as changed.
    ///
    /// # Errors
    /// A drawing that cannot be resolved, or no time.
    pub(crate) fn followed(&mut self, budget: &Budget) -> Result<(&Document, &mut Scene), Error> {
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
            // Taken: where it ends early, what is left of it is worth nothing.
            let before = self.presented.take();
            let presented = self.presented_after(before, budget)?;
            self.presented = Some(presented);
        }
        match &mut self.presented {
            Some(presented) => Ok((&presented.document, &mut presented.scene)),
            None => Ok((&self.document, &mut self.scene)),
        }
    }

    fn presented_after(
        &self,
        before: Option<Box<Presented>>,
        budget: &Budget,
    ) -> Result<Box<Presented>, Error> {
        let over = drawn_over(&self.document, &self.scene, Purpose::Screen, budget);
        let drawn = over.map_err(|error| match error {
            svgx_drafting::Error::Stopped(stop) => Error::Stopped(stop),
            other => Error::Geometry(other.to_string()),
        })?;
        if let Some(mut presented) = before
            && presented.follow(self, &drawn, &self.limits).map_err(geometry)?
        {
            presented.sequence = self.sequence;
            return Ok(presented);
        }
        let scene = Scene::build(&drawn.document, &self.limits, budget).map_err(geometry)?;
        Ok(Box::new(Presented::new(self, drawn, scene, self.sequence)))
    }

    /// What an element of what a picture follows is called outside.
    pub(crate) fn element_name(&self, node: NodeId) -> String {
        let number = match &self.presented {
            Some(presented) => presented.owner(node),
            None => Some(self.number(node)),
        };
        self.label(number.unwrap_or(u32::MAX))
    }
}
