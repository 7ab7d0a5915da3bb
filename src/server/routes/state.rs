//! `GET /state`: the interactive state of a session.

use crate::schema;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::admission::body::Body;
use crate::admission::input;
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use crate::protocol::query;
use crate::state::session;
use svgx_session::State;

/// Which session.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what is read by hand, with messages of our own")]
pub(crate) struct StateQuery {
    /// The session's name; goes before the `X-SVGX-Session` header. The default one without.
    #[param(min_length = 1, max_length = 128)]
    session: Option<String>,
}

/// The interactive state of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StateAnswer {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// The session's name.
    session: String,
    #[serde(flatten)]
    #[schema(value_type = schema::SessionState)]
    state: State,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// What is selected, hovered and held in a session, and what holds while editing.
/// The session of a key that names none is there from the start, and empty.
///
/// # Errors
/// A session that does not exist, or a store that fails.
#[utoipa::path(get, path = "/state", tag = "interaction", operation_id = "get_session_state", params(StateQuery,
        ("X-SVGX-Session" = Option<String>, Header, description = "The session's name")),
    responses((status = 200, body = StateAnswer),
        (status = 404, content_type = "application/problem+json", body = crate::protocol::problem::Problem<'_>),
        (status = 422, content_type = "application/problem+json", body = crate::protocol::problem::Problem<'_>)))]
pub(crate) fn state(call: Call<'_>, _: Option<Body>) -> Result<Reply, Error> {
    let asked = query::parameters(&call.query, &["session"])?;
    let name = asked.first().map(|(_, name)| name.as_str()).or(call.session.as_deref());
    let key = call.app.session_key(&call.identity, name)?;
    let seen = call.app.sessions.state(&key, call.budget);
    let state = seen.map_err(|e| problem::session(e, None))?;
    if state.sequence == 0 && key.name() != session::DEFAULT {
        return Err(input::no_session(&call, key.name()));
    }
    let answer = StateAnswer {
        status: "success",
        success: true,
        session: key.name().to_owned(),
        state,
        duration_ms: call.elapsed_ms(),
    };
    call.json(&answer, None)
}
