//! `POST /interactive`: one operation on a session.

use crate::schema;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admission::body::Body;
use crate::admission::input::{self, HasContent, Input, NoOptions};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use crate::protocol::wording;
use crate::routes::precision;
use crate::state::session;
use svgx_engine::constraint;
use svgx_session::{
    ActiveConstraint, Area, Author, Combined, Coordinates, Effect, Join, Measure, Modifiers,
    Operation, Order, Outcome, Participant, References, Relation, Snap, State,
};
use svgx_telemetry::stage::Step;

/// An operation on a session, after a drawing has been loaded into it where one is sent.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InteractiveRequest {
    /// The drawing. Either this or `svgx_content`, not both.
    #[serde(default, skip_serializing)]
    content: Option<String>,
    /// The drawing, under its other name.
    #[serde(default, skip_serializing)]
    svgx_content: Option<String>,
    /// There are none.
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "only checked")]
    options: Option<NoOptions>,
    /// The session that is meant; its drawing is taken where none is sent.
    #[serde(default, skip_serializing)]
    // No control characters; bytes are counted, so that 128 characters may be too many.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    session: Option<String>,
    /// Whose operation it is, where several edit the session: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    #[serde(default, skip_serializing)]
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    participant: Option<String>,
    /// An id of the operation, never used for another one: sent again, it is not done again, and
    /// the first answer is given.
    #[serde(default, skip_serializing)]
    #[schema(min_length = 1, max_length = 64)]
    operation_id: Option<String>,
    /// The last sequence that the client has seen: whoever wrote later what is overwritten is told.
    #[serde(default, skip_serializing)]
    base_sequence: Option<u64>,
    /// `click`, `drag_start`, `drag_move`, `drag_end`, `hover`, `select`, `deselect`, `undo`,
    /// `redo`, `set_attribute`, `add`, `delete`, `reparent`, `reorder`, `group`, `ungroup`,
    /// `duplicate`, `move`, `rotate`, `scale`, `trim`, `extend`, `fillet`, `chamfer`, `offset`,
    /// `mirror`, `array`, `split`, `join`, `combine`, `set_dimension`, `set_text`, `set_style`,
    /// `set_property`, `set_variable`, `link`, `unlink`, `load`, `set_precision`, `add_constraint`,
    /// `remove_constraint` or `fire`. `load` where only a drawing is sent.
    #[serde(alias = "interaction", skip_serializing_if = "Option::is_none")]
    #[schema(example = "click")]
    operation: Option<String>,
    /// The `id` of an element, or `@N`: its handle, which for what was loaded is its number in
    /// document order.
    #[serde(skip_serializing_if = "Option::is_none")]
    element_id: Option<String>,
    /// Where the pointer is, in user units of the drawing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::PointerCoordinates>)]
    coordinates: Option<Coordinates>,
    /// The keys held down.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Modifiers>)]
    modifiers: Option<Modifiers>,
    /// How a drag snaps: `false`, `true` (a 1 mm grid, as without), or the parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Snap>)]
    snap: Option<Snap>,
    /// Several elements.
    #[serde(skip_serializing_if = "Option::is_none")]
    element_ids: Option<Vec<String>>,
    /// `add`: the elements.
    #[serde(skip_serializing_if = "Option::is_none")]
    markup: Option<String>,
    /// The element that something goes into; the system of a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    /// The element it goes before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before_id: Option<String>,
    /// The element it goes behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_id: Option<String>,
    /// `link`, `unlink`: what the element is linked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_id: Option<String>,
    /// `group`: the `id` of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    /// `delete`, `ungroup` and edits of shapes: what happens to references, `refuse` or `remove`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    references: Option<References>,
    /// `reorder`: `front`, `forward`, `backward` or `back`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    to: Option<Order>,
    /// How far to the right, in user units.
    #[serde(skip_serializing_if = "Option::is_none")]
    dx: Option<f64>,
    /// How far down.
    #[serde(skip_serializing_if = "Option::is_none")]
    dy: Option<f64>,
    /// `rotate`: degrees; `array`: over how many the copies stand around `center`.
    #[serde(skip_serializing_if = "Option::is_none")]
    angle: Option<f64>,
    /// `rotate`, `scale`: the point that stays; `array`: the point that the copies stand around.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::PointerCoordinates>)]
    center: Option<Coordinates>,
    /// `scale`: times the size.
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    /// `scale`: times the height.
    #[serde(skip_serializing_if = "Option::is_none")]
    factor_y: Option<f64>,
    /// `set_text`: the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// `set_property`, `set_variable`: the unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// `link`, `unlink`: what kind of link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    relation: Option<Relation>,
    /// `link`, `unlink`: the type of a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// `select`: a rectangle.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    area: Option<Area>,
    /// `select`: an outline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::PointerCoordinates>>)]
    lasso: Option<Vec<Coordinates>>,
    /// `select`: also what only reaches into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    touching: Option<bool>,
    /// `set_attribute`: the attribute; `fire`: the event; else what is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The new value; without one the attribute, property or variable is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// `set_precision`: `ui`, `edit` or `compute`.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<String>,
    /// `add_constraint`, `remove_constraint`, `link`, `unlink`: the constraint.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::ActiveConstraint>)]
    constraint: Option<ActiveConstraint>,
    /// `fire`: what came with the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<BTreeMap<String, String>>,
    /// `trim`, `extend`, `fillet`, `chamfer`, `split`: the place that is meant, in user units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::PointerCoordinates>)]
    at: Option<Coordinates>,
    /// `trim`, `extend`, `split`: the shapes that cut, or that an end is lengthened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Vec<String>>,
    /// `fillet`, `chamfer`: the corner, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    vertex: Option<usize>,
    /// `fillet`: the radius, in user units or with a unit: `"5 mm"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Measure>)]
    radius: Option<Measure>,
    /// `chamfer`: how far along the side before the corner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Measure>)]
    length: Option<Measure>,
    /// `chamfer`: how far along the side behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Measure>)]
    length_2: Option<Measure>,
    /// `offset`: how far outward, or to the left of what is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Measure>)]
    distance: Option<Measure>,
    /// `offset`: `round`, `miter` or `bevel`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    join: Option<Join>,
    /// `offset`: how many times the distance a mitre may reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    miter_limit: Option<f64>,
    /// `offset`: whether the parallel takes the place of the shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    replace: Option<bool>,
    /// `mirror`: two points of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::PointerCoordinates>>)]
    axis: Option<Vec<Coordinates>>,
    /// `mirror`: whether copies are mirrored.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy: Option<bool>,
    /// `array`: how many to the right, the original included.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<usize>,
    /// `array`: how many downward.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<usize>,
    /// `array`: how many around `center` or along a shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    /// `array`: the shape that the copies stand along.
    #[serde(skip_serializing_if = "Option::is_none")]
    along: Option<String>,
    /// `array`: whether the copies turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<bool>,
    /// `join`: how far apart ends may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Measure>)]
    tolerance: Option<Measure>,
    /// `combine`: `union`, `intersection`, `difference` or `xor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    result: Option<Combined>,
    /// `combine`: whether the other shapes stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<bool>,
}

impl InteractiveRequest {
    /// Whether it has no member of any operation.
    fn is_bare(&self) -> bool {
        let members = serde_json::to_value(self).unwrap_or_default();
        members.as_object().is_some_and(serde_json::Map::is_empty)
    }
}

impl HasContent for InteractiveRequest {
    fn take_content(&mut self) -> (Option<String>, Option<String>) {
        (self.content.take(), self.svgx_content.take())
    }

    fn take_session(&mut self) -> Option<String> {
        self.session.take()
    }
}

/// What an operation did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InteractiveAnswer {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
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
#[utoipa::path(post, path = "/interactive", tag = "interaction", operation_id = "apply_operation",
    params(("X-SVGX-Session" = Option<String>, Header, description = "The session's name")),
    request_body(content((InteractiveRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, body = InteractiveAnswer)))]
pub(crate) fn interactive(call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<InteractiveRequest> = Input::read(&call, body)?;
    let operation = operation(&mut input.request, input.content.is_some())?;
    let key = call.app.session_key(&call.identity, input.session.as_deref())?;
    let mut author = author(&mut input.request)?;
    if input.content.is_some() && operation.is_some() {
        // Two operations: the id is that of the second one.
        (author.id, author.base) = (None, None);
    }
    let apply = |operation: &Operation| {
        let done = call.app.sessions.apply_by(&key, &author, operation, call.budget);
        done.map_err(|e| problem::session(e, content_of(operation)))
    };
    let (mut done, began) = (None, call.now());
    if let Some(content) = input.content {
        done = Some(apply(&Operation::Load { content })?);
    }
    if let Some(operation) = operation {
        refuse_slips(&operation)?;
        if done.is_none() && !creates(&operation) && key.name() != session::DEFAULT {
            let state = call.app.sessions.state(&key, call.budget);
            if state.map_err(|e| problem::session(e, None))?.sequence == 0 {
                return Err(input::no_session(&call, key.name()));
            }
        }
        // A session's writes take effect in order: waiting for the last waits for all.
        done = Some(apply(&operation)?);
    }
    let Some(done) = done else { return Err(missing("operation")) };
    call.app.editors.edited(&key, &call.by, call.now());
    let (outcome, pending) = done.into_parts();
    call.note(Step::Evaluate, began, [("svgx.undo.depth", outcome.state.undo_depth.into())]);
    let answer = answer(&call, key.name(), outcome);
    Ok(call.json(&answer, None)?.once_durable(pending))
}

/// The text in an operation that findings have places in.
pub(crate) fn content_of(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Load { content } => Some(content.as_str()),
        Operation::Add { markup, .. } => Some(markup.as_str()),
        _ => None,
    }
}

/// Whose operation it is.
fn author(request: &mut InteractiveRequest) -> Result<Author, Error> {
    let participant = match request.participant.take() {
        Some(id) => Participant::new(&id).ok_or_else(|| {
            let rule = "a participant is 1 to 64 of A-Z a-z 0-9 . _ -";
            Error::invalid("/participant", rule)
        })?,
        None => Participant::default(),
    };
    let (id, base) = (request.operation_id.take(), request.base_sequence.take());
    Ok(Author { participant, name: None, id, base })
}

/// An operation that came by itself, without a drawing.
///
/// # Errors
/// As those of [`interactive`] that are about its shape.
pub(crate) fn of_value(value: serde_json::Value) -> Result<Operation, Error> {
    let mut request: InteractiveRequest = serde_path_to_error::deserialize(value).map_err(|e| {
        let path = e.path().to_string();
        let pointer =
            if path == "." { String::new() } else { format!("/{}", path.replace('.', "/")) };
        Error::invalid(&pointer, wording::plain(&e.inner().to_string()))
    })?;
    let (content, other) = request.take_content();
    if content.or(other).is_some() {
        return Err(Error::invalid("/content", "a drawing is not loaded inside of a stream"));
    }
    if request.take_session().is_some() {
        return Err(Error::invalid("/session", "the stream is that of its session"));
    }
    let read = operation(&mut request, false)?.ok_or_else(|| missing("operation"))?;
    refuse_slips(&read)?;
    Ok(read)
}

/// Whether an operation makes a session that does not exist.
fn creates(operation: &Operation) -> bool {
    matches!(operation, Operation::Load { .. })
}

/// Refuses a type of constraint that is nearly one that is known: it would hold nothing. Others
/// are kept for whoever reads them.
fn refuse_slips(operation: &Operation) -> Result<(), Error> {
    let Operation::AddConstraint { constraint } = operation else { return Ok(()) };
    let known = constraint::Kind::NAMES.iter().map(|(name, _)| *name);
    let near = wording::meant(&constraint.kind, known);
    if near.is_empty() || constraint::Kind::parse(&constraint.kind).is_some() {
        return Ok(());
    }
    let message = format!("there is no type of constraint `{}`{near}", constraint.kind);
    Err(Error::invalid("/constraint/type", message))
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

fn missing(field: &str) -> Error {
    Error::invalid(&format!("/{field}"), format!("`{field}` is missing"))
}

/// The operation that is asked besides loading; `None` when loading is all.
fn operation(
    request: &mut InteractiveRequest,
    has_content: bool,
) -> Result<Option<Operation>, Error> {
    match request.operation.as_deref() {
        Some("load") if has_content => return Ok(None),
        // What belongs to an operation shows that one was meant.
        None if has_content && request.is_bare() => return Ok(None),
        None => return Err(missing("operation")),
        Some("set_precision") => {
            // Words of the older interface are levels as well.
            let level = request.level.as_deref().ok_or_else(|| missing("level"))?;
            request.level = Some(precision::level(level, "/level")?.to_string());
        }
        Some(_) => {}
    }
    // What the members are was checked where they were read: what can be wrong now is that one is
    // missing, or that there is no such operation.
    let members = serde_json::to_value(&*request).map_err(|e| Error::Internal(e.to_string()))?;
    Operation::deserialize(members).map(Some).map_err(|error| {
        let message = error.to_string();
        match message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            Some(field) => missing(field),
            None => {
                let message = wording::plain(&message).replacen("choice", "operation", 1);
                Error::invalid("/operation", message)
            }
        }
    })
}
