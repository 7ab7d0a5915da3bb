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
            // One that fails stays: that a picture has followed another scene is to be known.
            let mut presented = self.presented.take();
            let done = self.present(&mut presented, budget);
            self.presented = presented;
            done?;
        }
        match &mut self.presented {
            Some(presented) => Ok((&presented.document, &mut presented.scene)),
            None => Ok((&self.document, &mut self.scene)),
        }
    }

    /// Brings the copy of the drawing in which everything is drawn up to date, or makes one.
    fn present(
        &self,
        presented: &mut Option<Box<Presented>>,
        budget: &Budget,
    ) -> Result<(), Error> {
        let over = drawn_over(&self.document, &self.scene, Purpose::Screen, budget);
        let drawn = over.map_err(|error| match error {
            svgx_drafting::Error::Stopped(stop) => Error::Stopped(stop),
            other => Error::Geometry(other.to_string()),
        })?;
        if let Some(before) = presented
            && before.follow(self, &drawn, &self.limits)
        {
            before.sequence = self.sequence;
            return Ok(());
        }
        let scene = Scene::build(&drawn.document, &self.limits, budget).map_err(geometry)?;
        *presented = Some(Box::new(Presented::new(self, drawn, scene, self.sequence)));
        Ok(())
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
