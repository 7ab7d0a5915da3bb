//! `POST /edit`: a drawing and a list of edits in, the drawing after them out.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::admission::body::{self, Body, Kind};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use crate::routes::interactive::{self, InteractiveRequest};
use crate::schema;
use svgx_session::{Effect, Operation};

/// A drawing, and what is to be done with it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditRequest {
    /// The drawing.
    content: String,
    /// Operations as of `/interactive`, done one after the other: all of them, or none. None of them loads
    /// a drawing or names a session.
    #[schema(value_type = Vec<InteractiveRequest>)]
    edits: Vec<Value>,
}

/// The drawing after the edits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EditAnswer {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// The drawing, in the one canonical form.
    content: String,
    /// What each edit did, in order.
    #[schema(value_type = Vec<schema::OperationEffect>)]
    changes: Vec<Effect>,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// Does edits on a drawing without a session: as JSON with what each did, or as the drawing itself when
/// `image/svg+xml` is accepted. The edits are those of `/interactive`; docs/edits.md has the ones of shapes.
///
/// # Errors
/// A drawing that cannot be read, or an edit that is not possible: the problem says which.
#[utoipa::path(post, path = "/edit", tag = "drawing", operation_id = "edit_drawing",
    request_body(content((EditRequest = "application/json"))),
    responses((status = 200, content((EditAnswer = "application/json"),
        (String = "image/svg+xml")))))]
pub(crate) fn edit(call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let Some(body) = body.filter(|body| matches!(body.kind, Kind::Json)) else {
        let message = "JSON is expected, with `content`, the drawing, and `edits`";
        return Err(Error::invalid("/content", message));
    };
    let request: EditRequest = body::json(&body.bytes)?;
    let mut edits = Vec::new();
    for (number, value) in request.edits.into_iter().enumerate() {
        edits.push(operation(value).map_err(|error| of_edit(number, error))?);
    }
    let limits = Arc::new(call.app.config.limits);
    let edited = svgx_session::edit(&request.content, &edits, limits, call.budget);
    let edited = edited.map_err(|(number, error)| match number {
        None => problem::session(error, Some(&request.content)),
        Some(number) => {
            let content = edits.get(number).and_then(interactive::content_of);
            of_edit(number, problem::session(error, content))
        }
    })?;
    if call.media != "application/json" {
        return Ok(call.bytes("image/svg+xml", Bytes::from(edited.content), None));
    }
    let answer = EditAnswer {
        status: "success",
        success: true,
        content: edited.content,
        changes: edited.changes,
        duration_ms: call.elapsed_ms(),
    };
    call.json(&answer, None)
}

fn operation(value: Value) -> Result<Operation, Error> {
    for name in ["content", "svgx_content", "session"] {
        if value.get(name).is_some_and(|v| !v.is_null()) {
            let message = "the drawing is the one beside `edits`";
            return Err(Error::invalid(&format!("/{name}"), message));
        }
    }
    match interactive::of_value(value)? {
        Operation::Load { .. } => {
            Err(Error::invalid("/operation", "the drawing is the one beside `edits`"))
        }
        operation => Ok(operation),
    }
}

/// A problem with one edit: its place is in that one, or its sentence says which it is.
fn of_edit(number: usize, error: Error) -> Error {
    match error {
        Error::Invalid { pointer, message, at } => {
            Error::Invalid { pointer: format!("/edits/{number}{pointer}"), message, at }
        }
        Error::Missing(message) => Error::Missing(format!("/edits/{number}: {message}")),
        Error::Conflict(message) => Error::Conflict(format!("/edits/{number}: {message}")),
        other => other,
    }
}
