//! A list of edits done on a drawing at once: on a session that nobody else sees, and that ends with them.

use std::sync::Arc;

use svgx_base::budget::{Budget, Time};
use svgx_engine::document::{Limits, canonical};

use super::editing::Session;
use super::error::Error;
use super::operation::Operation;
use super::outcome::Effect;
use super::together::Author;

/// Edits of one list.
pub const EDITS: usize = 10_000;

/// A drawing after a list of edits.
#[derive(Clone, Debug)]
pub struct EditedDrawing {
    /// The drawing, in the one canonical form.
    pub content: String,
    /// What each edit did, in order.
    pub changes: Vec<Effect>,
}

/// Does edits one after the other on a drawing: all of them or none. The elements are called by their ids, or
/// by handles as in a session.
///
/// # Errors
/// Which edit failed, counted from 0, and why; without a number it is the drawing that cannot be read.
pub fn edit(
    content: &str,
    edits: &[Operation],
    limits: Arc<Limits>,
    budget: &Budget,
) -> Result<EditedDrawing, (Option<usize>, Error)> {
    if edits.len() > EDITS {
        let error = Error::Limit { what: "edits of one list", limit: EDITS, seen: edits.len() };
        return Err((None, error));
    }
    let mut session = Session::new(content, limits, budget).map_err(|e| (None, e))?;
    let mut changes = Vec::new();
    for (number, operation) in edits.iter().enumerate() {
        let done = session
            .apply_by(&Author::default(), operation, Time(0), budget)
            .map_err(|error| (Some(number), error))?;
        changes.push(done.outcome.result);
    }
    Ok(EditedDrawing { content: canonical(session.document()), changes })
}
