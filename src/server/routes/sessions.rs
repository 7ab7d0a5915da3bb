//! `/sessions`: the sessions of a key, as things that are made, listed, copied and deleted.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admission::body::Body;
use crate::admission::input::{self, Input, NoOptions, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error, Problem};
use crate::schema;
use svgx_session::{Key, Pending, State};

request! {
    /// A session to be made: its drawing, and its name in `session`; a free one without.
    SessionRequest, NoOptions {}
}

/// A copy to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it describes what is read as a request with a drawing")]
pub(crate) struct ForkRequest {
    /// The name of the copy; a free one without.
    #[serde(default)]
    session: Option<String>,
}

/// A session in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionEntry {
    /// Its name.
    session: String,
    /// How many durable events it has had.
    sequence: u64,
    /// Bytes it occupies in the store.
    bytes: u64,
}

/// The sessions of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// By name.
    sessions: Vec<SessionEntry>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionAnswer {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// Its name.
    session: String,
    /// Its state.
    #[schema(value_type = schema::SessionState)]
    state: State,
}

/// The sessions of this key, by name.
///
/// # Errors
/// A store that fails.
#[utoipa::path(get, path = "/sessions", tag = "interaction", operation_id = "list_sessions",
    responses((status = 200, body = SessionList)))]
pub(crate) fn list(call: Call<'_>, _: Option<Body>) -> Result<Reply, Error> {
    let found = call.app.sessions.store().list(Some(&call.identity.name));
    let found = found.map_err(|e| problem::session(e.into(), None))?;
    let entry = |listing: svgx_session::Listing| SessionEntry {
        session: listing.key.name().to_owned(),
        sequence: listing.last,
        bytes: listing.bytes,
    };
    let mut sessions: Vec<SessionEntry> = found.into_iter().map(entry).collect();
    sessions.sort_by(|a, b| a.session.cmp(&b.session));
    call.json(&SessionList { status: "success", success: true, sessions }, None)
}

/// Makes a session of a drawing.
///
/// # Errors
/// A name that is taken, a drawing that cannot be read, or a store that fails.
#[utoipa::path(post, path = "/sessions", tag = "interaction", operation_id = "create_session",
    request_body(content((SessionRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, body = SessionAnswer),
        (status = 409, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) fn create(call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let input: Input<SessionRequest> = Input::read(&call, body)?;
    let Some(content) = input.content else {
        return Err(Error::invalid("/content", "`content` is missing: the drawing of the session"));
    };
    begin(call, input.session.as_deref(), &content)
}

/// The state of a session.
///
/// # Errors
/// A session that does not exist, or a store that fails.
#[utoipa::path(get, path = "/sessions/{session}", tag = "interaction", operation_id = "get_session",
    params(("session" = String, Path, description = "The session's name", example = "default")),
    responses((status = 200, body = SessionAnswer),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) fn look(call: Call<'_>, _: Option<Body>) -> Result<Reply, Error> {
    let (key, state) = existing(&call)?;
    let session = key.name().to_owned();
    call.json(&SessionAnswer { status: "success", success: true, session, state }, None)
}

/// Deletes a session, with its undo log. Answers the state it had.
///
/// # Errors
/// A session that does not exist, or a store that fails.
#[utoipa::path(delete, path = "/sessions/{session}", tag = "interaction", operation_id = "delete_session",
    params(("session" = String, Path, description = "The session's name", example = "default")),
    responses((status = 200, body = SessionAnswer),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) fn remove(call: Call<'_>, _: Option<Body>) -> Result<Reply, Error> {
    let (key, state) = existing(&call)?;
    let pending = call.app.sessions.delete(&key).map_err(|e| problem::session(e, None))?;
    let session = key.name().to_owned();
    let answer = SessionAnswer { status: "success", success: true, session, state };
    Ok(call.json(&answer, None)?.once_durable(pending))
}

/// Copies a session: its drawing as it is now. The copy begins with an empty undo log.
///
/// # Errors
/// A session that does not exist, a name that is taken, or a store that fails.
#[utoipa::path(post, path = "/sessions/{session}/fork", tag = "interaction", operation_id = "fork_session",
    params(("session" = String, Path, description = "The session's name", example = "default")),
    request_body = ForkRequest,
    responses((status = 200, body = SessionAnswer),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>),
        (status = 409, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) fn fork(call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let (key, _) = existing(&call)?;
    let body = body.filter(|body| !body.bytes.is_empty());
    let input: Input<SessionRequest> = Input::read(&call, body)?;
    if input.content.is_some() {
        return Err(Error::invalid("/content", "a copy takes the drawing of its session"));
    }
    let content = input::of_session(&call, key.name())?;
    let content = content.ok_or_else(|| input::no_session(&call, key.name()))?;
    let name = input.session.filter(|name| Some(name) != call.session.as_ref());
    begin(call, name.as_deref(), &content)
}

/// The drawing of a session as SVGX, edits included: the one canonical form, which makes the
/// same session when it is loaded.
///
/// # Errors
/// A session that does not exist, or a store that fails.
#[utoipa::path(get, path = "/sessions/{session}/export", tag = "interaction", operation_id = "export_session",
    params(("session" = String, Path, description = "The session's name", example = "default")),
    responses((status = 200, content_type = "image/svg+xml", body = String),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) fn export(call: Call<'_>, _: Option<Body>) -> Result<Reply, Error> {
    let (key, _) = existing(&call)?;
    let content = input::of_session(&call, key.name())?.unwrap_or_default();
    Ok(call.bytes("image/svg+xml", Bytes::from(content), None))
}

/// The session that the path names, and its state.
fn existing(call: &Call<'_>) -> Result<(Key, State), Error> {
    let key = input::session_of_path(call)?;
    let state = call.app.sessions.state(&key, call.budget);
    let state = state.map_err(|e| problem::session(e, None))?;
    if state.sequence == 0 { Err(input::no_session(call, key.name())) } else { Ok((key, state)) }
}

/// Begins a session under that name, or under the first of `session-1`, `session-2`, ... that is
/// free.
fn begin(call: Call<'_>, name: Option<&str>, content: &str) -> Result<Reply, Error> {
    let begun = match name {
        Some(name) => begin_as(&call, name, content)?.ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            Error::Conflict(format!("there is a session `{shown}` already"))
        })?,
        None => begin_anew(&call, content)?,
    };
    let (answer, pending) = begun;
    Ok(call.json(&answer, None)?.once_durable(pending))
}

fn begin_anew(call: &Call<'_>, content: &str) -> Result<(SessionAnswer, Pending), Error> {
    let found = call.app.sessions.store().list(Some(&call.identity.name));
    let found = found.map_err(|e| problem::session(e.into(), None))?;
    let taken: BTreeSet<&str> = found.iter().map(|listing| listing.key.name()).collect();
    let mut number = 0_u64;
    loop {
        call.budget.checkpoint()?;
        number += 1;
        let name = format!("session-{number}");
        // It may have been taken since they were listed.
        if !taken.contains(name.as_str())
            && let Some(begun) = begin_as(call, &name, content)?
        {
            return Ok(begun);
        }
    }
}

/// Begins a session under that name; `None` where there is one already.
fn begin_as(
    call: &Call<'_>,
    name: &str,
    content: &str,
) -> Result<Option<(SessionAnswer, Pending)>, Error> {
    let key = call.app.session_key(&call.identity, Some(name))?;
    let done = call.app.sessions.create(&key, content, call.budget);
    let Some(done) = done.map_err(|e| problem::session(e, Some(content)))? else {
        return Ok(None);
    };
    let (outcome, pending) = done.into_parts();
    let (session, state) = (name.to_owned(), outcome.state);
    Ok(Some((SessionAnswer { status: "success", success: true, session, state }, pending)))
}
