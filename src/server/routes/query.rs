//! `POST /query`: questions about where things are in a drawing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admission::body::Body;
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use crate::schema;
use svgx_drafting::{Interference, InterferenceOptions, interference};
use svgx_engine::geometry::{Scene, length};

/// Nothing is asked for beside the question.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryOptions {}

/// Which components (`arx:component`) overlap, or come nearer to each other than they should.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InterferenceQuery {
    /// Ids of components, or of groups that hold some, separated by blanks; `*`, which it is
    /// without, for all.
    #[serde(default)]
    #[schema(example = "*", max_length = 65536)]
    of: Option<String>,
    /// How far apart components are to be: millimetres, or a length with its unit. 0 without.
    #[serde(default)]
    #[schema(example = "5mm", max_length = 64)]
    clearance: Option<String>,
}

request! {
    /// A drawing, and a question about it.
    QueryRequest, QueryOptions {
        /// Components that interfere.
        interference: Option<InterferenceQuery>,
    }
}

/// The answer to a question.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueryAnswer {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// Components that interfere.
    #[schema(value_type = schema::Interference)]
    interference: Interference,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// Answers which components of an assembly overlap, and which are too near to each other: boxes
/// are swept first, then areas are compared on whole micrometres.
///
/// # Errors
/// A body or a drawing that cannot be read, no question, one about what is not there, a limit that
/// is passed, or no time.
#[utoipa::path(post, path = "/query", tag = "drawing", operation_id = "query_drawing",
    request_body(content((QueryRequest = "application/json"))),
    responses((status = 200, body = QueryAnswer)))]
pub(crate) fn query(mut call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<QueryRequest> = Input::read(&call, body)?;
    let Some(asked) = input.request.interference.take() else {
        return Err(Error::invalid("/interference", "a question is expected: `interference`"));
    };
    let clearance = match asked.clearance.as_deref() {
        None => 0.0,
        Some(text) => length::millimetres(text, None)
            .map_err(|error| Error::invalid("/interference/clearance", error))?,
    };
    let of = asked.of.unwrap_or_default();
    let of = of.split_ascii_whitespace().map(str::to_owned).collect();
    let content = input.drawing(&call)?;
    let document = input::parse(&mut call, &content)?;
    let scene = Scene::build(&document, &call.app.config.limits, call.budget)?;
    let options = InterferenceOptions { of, clearance };
    let found = interference(&document, &scene, &options, call.budget);
    let interference = found.map_err(problem::interference)?;
    let answer = QueryAnswer {
        status: "success",
        success: true,
        interference,
        duration_ms: call.elapsed_ms(),
    };
    call.json(&answer, None)
}
