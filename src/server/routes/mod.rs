//! One file per endpoint, or per few that belong together. The table of them is
//! [`crate::endpoints`].

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::protocol::negotiate;
use crate::protocol::problem::Error;

pub(crate) mod backup;
pub(crate) mod changes;
pub(crate) mod compile_json;
pub(crate) mod compile_svg;
pub(crate) mod drawing;
pub(crate) mod edit;
pub(crate) mod evaluate;
pub(crate) mod export_dxf;
pub(crate) mod export_pdf;
pub(crate) mod import_dxf;
pub(crate) mod interactive;
pub(crate) mod job_requests;
pub(crate) mod jobs;
pub(crate) mod networks;
pub(crate) mod openapi;
pub(crate) mod pages;
pub(crate) mod parse;
pub(crate) mod precision;
pub(crate) mod presented;
pub(crate) mod query;
pub(crate) mod render;
pub(crate) mod sessions;
pub(crate) mod simulate;
pub(crate) mod slo;
pub(crate) mod solve;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod telemetry;
pub(crate) mod tiles;
pub(crate) mod together;
pub(crate) mod traces;

/// What is true only now, in JSON.
fn json<T: Serialize>(request: &HttpRequest, value: &T) -> Result<HttpResponse, Error> {
    negotiate::json(request.headers())?;
    let body = serde_json::to_vec(value).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}
