//! A drawing as it is presented: with everything drawn that it states, or a sheet of it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::admission::reply::Call;
use crate::protocol::problem::{self, Error};
use svgx_drafting::{Purpose, on_sheet, painted};
use svgx_engine::document::Document;

/// The drawing with its dimensions, values and layers drawn, or the sheet of that id.
///
/// # Errors
/// A sheet that is not there, a drawing that cannot be resolved, or no time.
pub(crate) fn presented(
    call: &Call<'_>,
    document: Arc<Document>,
    sheet: Option<&str>,
) -> Result<Arc<Document>, Error> {
    let limits = &call.app.config.limits;
    if let Some(id) = sheet {
        let drawn = on_sheet(&document, id, limits, call.budget).map_err(problem::drafting)?;
        return Ok(Arc::new(drawn.document));
    }
    let over = match painted(&document, Purpose::Screen, limits, call.budget) {
        Ok(Cow::Borrowed(_)) => None,
        Ok(Cow::Owned(over)) => Some(over),
        Err(error) => return Err(problem::drafting(error)),
    };
    Ok(over.map_or(document, Arc::new))
}
