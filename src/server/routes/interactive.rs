//! `POST /interactive`: one operation on a session.

use crate::schema;
use std::collections::BTreeMap;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::input::{Input, NoOptions, request};
use crate::operation;
use crate::problem::Error;
use crate::reply::{Call, Endpoint};
use crate::routes::precision;
use crate::session;
use svgx_base::budget::Class;
use svgx_session::{
    ActiveConstraint, Coordinates, DragTick, Effect, Modifiers, Operation, Outcome, Pointer, Snap,
    State,
};
use svgx_telemetry::stage::Step;

request! {
    /// An operation on a session, after a drawing has been loaded into it where one is sent.
    InteractiveRequest, NoOptions {
        /// `click`, `drag_start`, `drag_move`, `drag_end`, `hover`, `select`, `deselect`, `undo`,
        /// `redo`, `set_attribute`, `load`, `set_precision`, `add_constraint`,
        /// `remove_constraint` or `fire`. `load` where only a drawing is sent.
        #[serde(alias = "interaction")]
        #[schema(example = "click")]
        operation: Option<String>,
        /// The `id` of an element, or `@N`: its number in document order.
        element_id: Option<String>,
        /// Where the pointer is, in user units of the drawing.
        #[schema(value_type = Option<schema::PointerCoordinates>)]
        coordinates: Option<Coordinates>,
        /// The keys held down.
        #[schema(value_type = Option<schema::Modifiers>)]
        modifiers: Option<Modifiers>,
        /// How a drag snaps: `false`, `true` (a 1 mm grid, as without), or the parts.
        #[schema(value_type = Option<schema::Snap>)]
        snap: Option<Snap>,
        /// `set_attribute`: the attribute; `fire`: the event.
        name: Option<String>,
        /// `set_attribute`: the new value; without one the attribute is removed.
        value: Option<String>,
        /// `set_precision`: `ui`, `edit` or `compute`.
        level: Option<String>,
        /// `add_constraint`, `remove_constraint`: the constraint.
        #[schema(value_type = Option<schema::ActiveConstraint>)]
        constraint: Option<ActiveConstraint>,
        /// `fire`: what came with the event.
        data: Option<BTreeMap<String, String>>,
    }
}

/// What an operation did.
#[derive(Debug, Serialize, ToSchema)]
pub struct InteractiveAnswer {
    status: &'static str,
    success: bool,
    /// The operation.
    operation: String,
    /// The session's name.
    session: String,
    /// What it did.
    #[schema(value_type = schema::OperationEffect)]
    result: Effect,
    /// The state of the session after it.
    #[schema(value_type = schema::SessionState)]
    state: State,
    /// Time taken to compute the answer, in milliseconds; `X-Response-Time` has the wait for
    /// the store as well.
    duration_ms: f64,
}

/// Does one operation on a session. The answer is sent when the edit would survive the end of
/// the process. Each API key has a session of its own, and more by name: `session` in the body,
/// or the `X-SVGX-Session` header.
///
/// A drawing in `content` replaces the session's document before the operation.
///
/// # Errors
/// An operation that is not known or not possible, an element that is not there, a drawing that
/// cannot be read, or a store that fails.
#[utoipa::path(post, path = "/interactive", tag = "interaction",
    params(("X-SVGX-Session" = Option<String>, Header, description = "The session's name")),
    request_body(content((InteractiveRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, body = InteractiveAnswer)))]
pub async fn interactive(request: HttpRequest, payload: Payload) -> Result<HttpResponse, Error> {
    const ENDPOINT: Endpoint = Endpoint::json(Class::Ui, "interactive");
    operation::run(request, Some(payload), ENDPOINT, |call, body| {
        let mut input: Input<InteractiveRequest> = Input::read(&call, body)?;
        let operation = operation(&mut input.request, input.content.is_some())?;
        let key = call.app.session_key(&call.identity, input.session.as_deref())?;
        let apply = |operation: &Operation, content: Option<&str>| {
            let done = call.app.sessions.apply(&key, operation, call.budget);
            done.map_err(|e| session::problem(e, content))
        };
        let (mut done, began) = (None, call.now());
        if let Some(content) = input.content {
            let load = Operation::Load { content };
            let Operation::Load { content } = &load else { return Err(missing("content")) };
            done = Some(apply(&load, Some(content))?);
        }
        if let Some(operation) = operation {
            // A session's writes take effect in order: waiting for the last waits for all.
            done = Some(apply(&operation, None)?);
        }
        let Some(done) = done else { return Err(missing("operation")) };
        let (outcome, pending) = done.into_parts();
        call.note(Step::Evaluate, began, [("svgx.undo.depth", outcome.state.undo_depth.into())]);
        let answer = answer(&call, key.name(), outcome);
        Ok(call.json(&answer, None)?.once(pending))
    })
    .await
}

fn answer(call: &Call<'_>, session: &str, outcome: Outcome) -> InteractiveAnswer {
    InteractiveAnswer {
        status: "success",
        success: true,
        operation: outcome.operation,
        session: session.to_owned(),
        result: outcome.result,
        state: outcome.state,
        duration_ms: call.elapsed_ms(),
    }
}

fn missing(field: &'static str) -> Error {
    Error::Invalid {
        pointer: format!("/{field}"),
        message: format!("missing field `{field}`"),
        at: None,
    }
}

/// The operation that is asked besides loading; `None` when loading is all.
fn operation(
    request: &mut InteractiveRequest,
    has_content: bool,
) -> Result<Option<Operation>, Error> {
    let Some(name) = request.operation.take() else {
        return if has_content { Ok(None) } else { Err(missing("operation")) };
    };
    let pointer = Pointer {
        element_id: request.element_id.take(),
        coordinates: request.coordinates,
        modifiers: request.modifiers.unwrap_or_default(),
    };
    let tick = DragTick {
        coordinates: request.coordinates,
        modifiers: request.modifiers.unwrap_or_default(),
        snap: request.snap.unwrap_or_default(),
    };
    let constraint = request.constraint.take().ok_or_else(|| missing("constraint"));
    Ok(Some(match name.as_str() {
        "click" => Operation::Click(pointer),
        "drag_start" => Operation::DragStart(pointer),
        "drag_move" => Operation::DragMove(tick),
        "drag_end" => Operation::DragEnd(tick),
        "hover" => Operation::Hover(pointer),
        "select" => Operation::Select(pointer),
        "deselect" => Operation::Deselect(pointer),
        "undo" => Operation::Undo,
        "redo" => Operation::Redo,
        "set_attribute" => Operation::SetAttribute {
            element_id: pointer.element_id.ok_or_else(|| missing("element_id"))?,
            name: request.name.take().ok_or_else(|| missing("name"))?,
            value: request.value.take(),
        },
        "load" if has_content => return Ok(None),
        "load" => return Err(missing("content")),
        "set_precision" => {
            let level = request.level.as_deref().ok_or_else(|| missing("level"))?;
            Operation::SetPrecision { level: precision::level(level, "/level")? }
        }
        "add_constraint" => Operation::AddConstraint { constraint: constraint? },
        "remove_constraint" => Operation::RemoveConstraint { constraint: constraint? },
        "fire" => Operation::Fire {
            name: request.name.take().ok_or_else(|| missing("name"))?,
            element_id: pointer.element_id,
            data: request.data.take().unwrap_or_default(),
        },
        other => {
            let name = other.chars().take(64).collect();
            let error = svgx_session::Error::UnknownOperation { name };
            return Err(session::problem(error, None));
        }
    }))
}
