//! `POST /export/dxf`: a drawing for other programs.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admission::body::{self, Body};
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use crate::routes::render::listed;
use crate::schema;
use svgx_exchange::dxf::{self, ExportOptions, ExportReport, Limits, Version};
use svgx_telemetry::stage::Step;

/// How the file is to be written.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportDxfOptions {
    /// The version of the file; R2000 without.
    #[serde(default)]
    pub(crate) version: Option<DxfVersion>,
}

/// A version of DXF.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(crate) enum DxfVersion {
    /// AC1009: no units, weights, hatches or curves.
    R12,
    /// AC1015: what every program reads.
    R2000,
    /// AC1032: true colours, transparency, UTF-8.
    R2018,
}

request! {
    /// A drawing to write as DXF.
    ExportDxfRequest, ExportDxfOptions {}
}

/// A drawing as DXF.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExportDxfAnswer<'t> {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// The text of the file.
    content: &'t str,
    /// What of the drawing is in it, and what is not.
    #[schema(value_type = schema::DxfExportReport)]
    report: ExportReport,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// Writes a drawing as ASCII DXF, R12, R2000 or R2018: the file itself, or as JSON with a report of
/// what is in it when `application/json` is accepted.
///
/// # Errors
/// A body or a drawing that cannot be read, one that passes a limit, or no time.
#[utoipa::path(post, path = "/export/dxf", tag = "drawing", operation_id = "export_dxf",
    request_body(content((ExportDxfRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, content((String = "image/vnd.dxf"),
        (ExportDxfAnswer<'_> = "application/json")),
        headers(("X-SVGX-Differences" = String, description = "What of the drawing is not in the \
            file as it is drawn: codes, and how often each; not there where nothing is")))))]
pub(crate) fn export_dxf(mut call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<ExportDxfRequest> = Input::read(&call, body)?;
    let asked = input.request.options.unwrap_or_default();
    let content = input.drawing(&call)?;
    let document = input::parse(&mut call, &content)?;
    let began = call.now();
    let options = ExportOptions {
        version: match asked.version {
            Some(DxfVersion::R12) => Version::R12,
            Some(DxfVersion::R2018) => Version::R2018,
            Some(DxfVersion::R2000) | None => Version::R2000,
        },
    };
    let of_document = &call.app.config.limits;
    let exported = dxf::export(&document, &options, of_document, &Limits::default(), call.budget)
        .map_err(problem::dxf)?;
    let size = ("svgx.output.size", exported.dxf.len().into());
    call.note(Step::Compile, began, [("svgx.output.format", "dxf".into()), size]);
    let notes = exported.report.notes.iter().map(|note| (note.code.as_str(), note.count));
    let differences = listed(notes);
    if call.media == "application/json" {
        let answer = ExportDxfAnswer {
            status: "success",
            success: true,
            content: body::text(&exported.dxf)?,
            report: exported.report,
            duration_ms: call.elapsed_ms(),
        };
        return Ok(call.json(&answer, None)?.differing(differences));
    }
    Ok(call.bytes("image/vnd.dxf", Bytes::from(exported.dxf), None).differing(differences))
}
