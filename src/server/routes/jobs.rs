//! `/jobs`: work that is done later, and what became of it.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::admission::forward::Forward;
use crate::protocol::problem::{Error, Problem};
use crate::routes::json;
use crate::state::app::App;
use crate::state::jobs::{JobView, Kept};
use crate::state::keys::Identity;

/// The jobs of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobList {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// The newest first.
    jobs: Vec<JobView>,
}

/// The jobs of this key, the newest first; those that ended are kept a quarter of an hour.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/jobs", tag = "jobs", operation_id = "list_jobs", responses((status = 200, body = JobList)))]
pub(crate) async fn list(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    let jobs = app.jobs.of(app.clock.now(), &owner(&request, &app));
    json(&request, &JobList { status: "success", success: true, jobs })
}

/// How far a job is. While it is under way, `Retry-After` says when to look again.
///
/// # Errors
/// [`Error::Missing`] when this key has no such job.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", operation_id = "get_job",
    params(("id" = String, Path, description = "The job")),
    responses((status = 200, body = JobView),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn look(
    request: HttpRequest,
    id: Path<String>,
    app: Data<App>,
) -> Result<HttpResponse, Error> {
    if let Some(response) = elsewhere(&request, &app, &id).await? {
        return Ok(response);
    }
    let job = app.jobs.view(app.clock.now(), &owner(&request, &app), &id)?;
    let under_way = job.result.is_none() && job.kept_s.is_none();
    let mut response = json(&request, &job)?;
    if under_way {
        let second = header::HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, second);
    }
    Ok(response)
}

/// The answer of a job: what the endpoint would have answered at once, problems included.
///
/// # Errors
/// [`Error::Missing`] when this key has no such job, [`Error::Conflict`] while it has no answer.
#[utoipa::path(get, path = "/jobs/{id}/result", tag = "jobs", operation_id = "get_job_result",
    params(("id" = String, Path, description = "The job")),
    responses((status = 200, description = "The answer of the endpoint that was asked"),
        (status = 400, content_type = "application/problem+json", body = Problem<'_>),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>),
        (status = 409, content_type = "application/problem+json", body = Problem<'_>),
        (status = 413, content_type = "application/problem+json", body = Problem<'_>),
        (status = 422, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn result(
    request: HttpRequest,
    id: Path<String>,
    app: Data<App>,
) -> Result<HttpResponse, Error> {
    if let Some(response) = elsewhere(&request, &app, &id).await? {
        return Ok(response);
    }
    match app.jobs.answer(app.clock.now(), &owner(&request, &app), &id)? {
        Kept::Answer(answer) => Ok(answer.into_response(StatusCode::OK)),
        Kept::Problem(status, body) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok(HttpResponse::build(status)
                .insert_header((header::CONTENT_TYPE, "application/problem+json"))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .body(body))
        }
    }
}

/// Cancels a job that is under way, or forgets one that has ended.
///
/// # Errors
/// [`Error::Missing`] when this key has no such job.
#[utoipa::path(delete, path = "/jobs/{id}", tag = "jobs", operation_id = "cancel_job",
    params(("id" = String, Path, description = "The job")),
    responses((status = 204, description = "It ends at its next step, or is forgotten"),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn cancel(
    request: HttpRequest,
    id: Path<String>,
    app: Data<App>,
) -> Result<HttpResponse, Error> {
    if let Some(response) = elsewhere(&request, &app, &id).await? {
        return Ok(response);
    }
    app.jobs.cancel(app.clock.now(), &owner(&request, &app), &id)?;
    Ok(HttpResponse::NoContent().finish())
}

/// What the replica says that has the job; `None` where that is this one, or none any more.
async fn elsewhere(
    request: &HttpRequest,
    app: &Arc<App>,
    id: &str,
) -> Result<Option<HttpResponse>, Error> {
    let Some(replica) = app.jobs.elsewhere(id) else { return Ok(None) };
    match Forward::of(app, request, None) {
        Some(forward) => forward.to(replica).await,
        None => Ok(None),
    }
}

fn owner(request: &HttpRequest, app: &App) -> Identity {
    request.extensions().get::<Identity>().cloned().unwrap_or_else(|| app.anonymous.clone())
}
