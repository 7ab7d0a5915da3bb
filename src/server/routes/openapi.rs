//! `/openapi.json`: the description of the service.

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use crate::protocol::negotiate;
use crate::protocol::problem::Error;

/// The API's description as JSON, made when the service starts.
#[derive(Clone, Debug)]
pub(crate) struct ApiDescription(pub(crate) Bytes);

/// The description of the service.
///
/// # Errors
/// [`Error::NotAcceptable`].
#[utoipa::path(get, path = "/openapi.json", tag = "status", operation_id = "get_openapi",
    responses((status = 200, content_type = "application/json", body = Object)))]
pub(crate) async fn document(
    request: HttpRequest,
    api: Data<ApiDescription>,
) -> Result<HttpResponse, Error> {
    negotiate::json(request.headers())?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(api.0.clone()))
}
