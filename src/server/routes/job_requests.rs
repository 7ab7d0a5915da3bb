//! `POST /jobs` and `POST /jobs/batch`: work that is asked for as jobs.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::admission::body;
use crate::admission::deferred::accepted;
use crate::admission::submitted::Submitted;
use crate::protocol::negotiate;
use crate::protocol::problem::{Error, Problem};
use crate::state::app::App;
use crate::state::jobs::JobView;
use crate::state::keys::Identity;

/// One job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobRequest {
    /// What is to be done: any operation that can be a job, such as `render`, `simulate` or
    /// `export-dxf`.
    #[schema(example = "render")]
    operation: String,
    /// The document that it is about.
    content: String,
    /// The other members of the body of that operation, as its own endpoint reads them.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"options": {"width": 400}}))]
    parameters: Option<Map<String, Value>>,
    /// The media type of the answer; the usual one of the operation without.
    #[serde(default)]
    #[schema(example = json!(null))]
    accept: Option<String>,
}

/// Many jobs: each document with each of the parameters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchRequest {
    /// What is to be done: any operation that can be a job, such as `render`, `simulate` or
    /// `export-dxf`.
    #[schema(example = "render")]
    operation: String,
    /// The documents. Times the parameters, 10 000 jobs at the most.
    #[schema(min_items = 1, max_items = 10_000)]
    documents: Vec<String>,
    /// The other members of the body of that operation, as its own endpoint reads them, one way or
    /// several; one without any member where none are sent.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>, min_items = 1, max_items = 10_000)]
    parameters: Option<Vec<Map<String, Value>>>,
    /// The media type of the answers; the usual one of the operation without.
    #[serde(default)]
    #[schema(example = json!(null))]
    accept: Option<String>,
}

/// Jobs that were taken on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedJobs {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// What the jobs have in common, as in the `batch` of each.
    batch: String,
    /// The names of the jobs in `/jobs/{id}`: for each document in order, one for each of the
    /// parameters in order.
    jobs: Vec<String>,
}

/// Takes work on as a job, and answers where to ask about it.
///
/// With an `Idempotency-Key`, and where processes share a queue, the same request again is the same
/// job.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be a job, [`Error::Crowded`] where there is no room.
#[utoipa::path(post, path = "/jobs", tag = "jobs", operation_id = "create_job",
    request_body = JobRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Known again by it: 1 to 255 characters")),
    responses((status = 202, description = "The job", body = JobView),
        (status = 503, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn one(
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Error> {
    let asked: JobRequest = read(&request, payload, &app).await?;
    let work = Submitted {
        operation: asked.operation,
        documents: vec![asked.content],
        parameters: vec![asked.parameters.unwrap_or_default()],
        accept: asked.accept,
        is_batch: false,
    };
    let jobs = work.submit(&app, &request, &owner(&request, &app)).await?;
    let view = jobs.view.ok_or_else(|| Error::Internal("a job that is none".to_owned()))?;
    accepted(&view)
}

/// Takes work on as many jobs: each document with each of the parameters.
///
/// A document is sent and stored once, however many jobs are about it. With an `Idempotency-Key`, and
/// where processes share a queue, the same request again is the same jobs: what is missing of them is
/// put in.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be a job, [`Error::Limit`] for too many, [`Error::Crowded`]
/// where there is no room.
#[utoipa::path(post, path = "/jobs/batch", tag = "jobs", operation_id = "create_jobs",
    request_body = BatchRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Known again by it: 1 to 255 characters")),
    responses((status = 202, description = "The jobs", body = CreatedJobs),
        (status = 503, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn batch(
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Error> {
    let asked: BatchRequest = read(&request, payload, &app).await?;
    let work = Submitted {
        operation: asked.operation,
        documents: asked.documents,
        parameters: asked.parameters.unwrap_or_else(|| vec![Map::new()]),
        accept: asked.accept,
        is_batch: true,
    };
    let jobs = work.submit(&app, &request, &owner(&request, &app)).await?;
    let answer =
        CreatedJobs { status: "success", success: true, batch: jobs.batch, jobs: jobs.ids };
    let body = serde_json::to_vec(&answer).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(HttpResponse::build(StatusCode::ACCEPTED)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, "/jobs"))
        .insert_header((header::RETRY_AFTER, "1"))
        .body(body))
}

async fn read<T: serde::de::DeserializeOwned + Send + 'static>(
    request: &HttpRequest,
    payload: Payload,
    app: &Data<App>,
) -> Result<T, Error> {
    negotiate::json(request.headers())?;
    let shared = app.clone().into_inner();
    let kind = body::check(&shared, request)?;
    if kind != body::Kind::Json {
        let seen = request.headers().get(header::CONTENT_TYPE);
        let seen = seen.map_or_else(String::new, |v| String::from_utf8_lossy(v.as_bytes()).into());
        return Err(Error::UnsupportedMediaType { seen, expected: "application/json" });
    }
    let read = body::read(&shared, kind, payload).await?;
    // Off the thread that serves others: it may be long.
    let decoded = tokio::task::spawn_blocking(move || body::json(&read.bytes)).await;
    decoded.map_err(|e| Error::Internal(e.to_string()))?
}

fn owner(request: &HttpRequest, app: &App) -> Identity {
    request.extensions().get::<Identity>().cloned().unwrap_or_else(|| app.anonymous.clone())
}
