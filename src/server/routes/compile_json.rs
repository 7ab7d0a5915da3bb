//! `POST /compile/json`: a drawing as data.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::compile_svg::CompileStatistics;
use crate::admission::body::Body;
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::Error;
use crate::schema;
use crate::state::answer::milliseconds;
use crate::state::cache::Cache;
use crate::state::time_of_day::{time_of_day, timestamp};
use svgx_engine::compile::{JsonOptions, Model, json};
use svgx_telemetry::stage::Step;

/// What the model is to contain.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompileJsonOptions {
    /// As `format` beside `options`.
    #[serde(default)]
    #[allow(dead_code, reason = "it is only checked")]
    pub(crate) format: Option<JsonFormat>,
    /// Whether `metadata` is part of it; true without.
    #[serde(default)]
    pub(crate) include_metadata: Option<bool>,
}

request! {
    /// A drawing to compile to JSON.
    CompileJsonRequest, CompileJsonOptions {
        /// Only `json` is made here.
        format: Option<JsonFormat>,
    }
}

/// What is made.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JsonFormat {
    /// The JSON model.
    Json,
}

/// A drawing as data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompileJsonAnswer {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// Always `json`.
    format: &'static str,
    /// The model.
    #[schema(value_type = schema::JsonModel)]
    output: Model,
    /// The model once more, as text that holds JSON.
    content: String,
    /// Figures of the compilation.
    statistics: CompileStatistics,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// Compiles a drawing to its JSON model: objects, behaviors, physics, systems.
///
/// # Errors
/// A body that cannot be read, or a drawing that cannot.
#[utoipa::path(post, path = "/compile/json", tag = "drawing", operation_id = "compile_json",
    request_body(content((CompileJsonRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, body = CompileJsonAnswer)))]
pub(crate) fn compile_json(mut call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<CompileJsonRequest> = Input::read(&call, body)?;
    let asked = input.request.options.unwrap_or_default();
    let options = JsonOptions { include_metadata: asked.include_metadata.unwrap_or(true) };
    let content = &input.drawing(&call)?;
    let document = input::parse(&mut call, content)?;
    let etag = input::etag(true, &Cache::key("json", &format!("{options:?}"), content));
    if let Some(known) = call.known_as(&etag) {
        return Ok(call.not_modified(known));
    }
    let began = call.now();
    let mut output = json(&document, &options);
    if let Some(metadata) = &mut output.metadata {
        metadata.compiled_at = Some(timestamp(time_of_day()));
    }
    let text = serde_json::to_string(&output).map_err(|e| Error::Internal(e.to_string()))?;
    let size = ("svgx.output.size", text.len().into());
    call.note(Step::Compile, began, [("svgx.output.format", "json".into()), size]);
    let answer = CompileJsonAnswer {
        status: "success",
        success: true,
        format: "json",
        output,
        statistics: CompileStatistics {
            compilation_time_ms: milliseconds(call.now().since(began)),
            output_size_bytes: text.len(),
        },
        content: text,
        duration_ms: call.elapsed_ms(),
    };
    call.json(&answer, Some(etag))
}
