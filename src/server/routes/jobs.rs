//! `/jobs`: work that is done later, and what became of it.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde::Serialize;
use svgx_jobs::Listed;
use utoipa::ToSchema;

use crate::admission::forward::Forward;
use crate::admission::queued;
use crate::protocol::negotiate::Coding;
use crate::protocol::problem::{Error, Problem};
use crate::routes::json;
use crate::state::app::App;
use crate::state::jobs::{JobView, Kept, Stage};
use crate::state::keys::Identity;
use crate::state::queue::JobQueue;

/// Jobs of the queue that are listed.
const LISTED: usize = 512;

/// The jobs of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobList {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// The newest first; of a queue that several processes share, the newest 512.
    jobs: Vec<JobView>,
}

/// The jobs of this key, the newest first; those that ended are kept a quarter of an hour.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/jobs", tag = "jobs", operation_id = "list_jobs", responses((status = 200, body = JobList)))]
pub(crate) async fn list(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    let owner = owner(&request, &app);
    let mut jobs = app.jobs.of(app.clock.now(), &owner);
    if let Some(queue) = &app.queue {
        let tenant = owner.name.to_string();
        let listed = queue.ask(move |queue| queue.list(Listed::Of(&tenant), LISTED)).await?;
        jobs.extend(listed.into_iter().map(queued::view));
        jobs.sort_by(|one, other| one.age_s.total_cmp(&other.age_s));
    }
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
    let job = match shared(&app, &id) {
        Some(queue) => {
            let (tenant, id) = (owner(&request, &app).name, id.into_inner());
            queued::view(queue.ask(move |queue| queue.view(Some(&tenant), &id)).await?)
        }
        None => {
            if let Some(response) = elsewhere(&request, &app, &id).await? {
                return Ok(response);
            }
            app.jobs.view(app.clock.now(), &owner(&request, &app), &id)?
        }
    };
    let under_way = matches!(job.stage, Stage::Queued | Stage::Running);
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
    let kept = match shared(&app, &id) {
        Some(queue) => {
            let (tenant, name) = (owner(&request, &app).name, id.clone());
            let known = queue.ask(move |queue| queue.result(&tenant, &name)).await?;
            queued::kept(&id, known, Coding::of(request.headers()))?
        }
        None => {
            if let Some(response) = elsewhere(&request, &app, &id).await? {
                return Ok(response);
            }
            app.jobs.answer(app.clock.now(), &owner(&request, &app), &id)?
        }
    };
    match kept {
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
    if let Some(queue) = shared(&app, &id) {
        let (tenant, id) = (owner(&request, &app).name, id.into_inner());
        queue.ask(move |queue| queue.cancel(&tenant, &id)).await?;
        return Ok(HttpResponse::NoContent().finish());
    }
    if let Some(response) = elsewhere(&request, &app, &id).await? {
        return Ok(response);
    }
    app.jobs.cancel(app.clock.now(), &owner(&request, &app), &id)?;
    Ok(HttpResponse::NoContent().finish())
}

/// The queue that a job of this name is in, where processes share one.
fn shared<'a>(app: &'a App, id: &str) -> Option<&'a Arc<JobQueue>> {
    app.queue.as_ref().filter(|_| JobQueue::has(id))
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
