//! `GET /state`: the interactive state of a session.

use crate::schema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::admission::body::Body;
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use svgx_session::State;

/// Which session.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StateQuery {
    /// The session's name; goes before the `X-SVGX-Session` header. The default one without.
    #[param(min_length = 1, max_length = 128)]
    session: Option<String>,
}

/// The interactive state of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StateAnswer {
    status: &'static str,
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
/// A session that nothing was done in yet is an empty one.
///
/// # Errors
/// A name that no session can have, or a store that fails.
#[utoipa::path(get, path = "/state", tag = "interaction", params(StateQuery,
        ("X-SVGX-Session" = Option<String>, Header, description = "The session's name")),
    responses((status = 200, body = StateAnswer),
        (status = 422, content_type = "application/problem+json", body = crate::protocol::problem::Problem<'_>)))]
pub(crate) fn state(call: Call<'_>, _: Option<Body>) -> Result<Reply, Error> {
    let query = read_query(&call.query);
    let name = query.session.as_deref().or(call.session.as_deref());
    let key = call.app.session_key(&call.identity, name)?;
    let seen = call.app.sessions.state(&key, call.budget);
    let state = seen.map_err(|e| problem::session(e, None))?;
    let answer = StateAnswer {
        status: "success",
        success: true,
        session: key.name().to_owned(),
        state,
        duration_ms: call.elapsed_ms(),
    };
    call.json(&answer, None)
}

/// The query; what is not understood in it counts as not sent.
fn read_query(query: &str) -> StateQuery {
    actix_web::web::Query::<StateQuery>::from_query(query)
        .map_or_else(|_| StateQuery::default(), actix_web::web::Query::into_inner)
}
