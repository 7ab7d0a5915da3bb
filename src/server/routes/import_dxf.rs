//! `POST /import/dxf`: a drawing of another program as a document.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admission::body::{self, Body, Kind};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use crate::schema;
use svgx_exchange::dxf::{self, Limits, Options, Report, Unit};

/// How the file is to be read.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportDxfOptions {
    /// The unit of the drawing; without, what the file says.
    #[serde(default)]
    pub(crate) units: Option<LengthUnit>,
}

/// A unit of length.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LengthUnit {
    /// Millimetres.
    Mm,
    /// Centimetres.
    Cm,
    /// Metres.
    M,
    /// Inches.
    In,
    /// Feet.
    Ft,
}

impl LengthUnit {
    fn unit(self) -> Option<Unit> {
        Unit::named(match self {
            LengthUnit::Mm => "mm",
            LengthUnit::Cm => "cm",
            LengthUnit::M => "m",
            LengthUnit::In => "in",
            LengthUnit::Ft => "ft",
        })
    }
}

/// A DXF file to read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportDxfRequest {
    /// The text of an ASCII DXF file.
    content: String,
    /// How it is to be read.
    #[serde(default)]
    options: Option<ImportDxfOptions>,
}

/// A DXF file as a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportDxfAnswer {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// The document.
    content: String,
    /// What of the file is in it, and what is not.
    #[schema(value_type = schema::DxfReport)]
    report: Report,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// Reads ASCII DXF, R12 to R2018: as JSON with a report of what is drawn and what is not, or as
/// the document itself when `image/svg+xml` is accepted. As a body of its own the file is read by
/// its version and its code page.
///
/// # Errors
/// A body that cannot be read, a file that is no ASCII DXF, or one that passes a limit.
#[utoipa::path(post, path = "/import/dxf", tag = "drawing", operation_id = "import_dxf",
    request_body(content((ImportDxfRequest = "application/json"), (String = "image/vnd.dxf"))),
    responses((status = 200, content((ImportDxfAnswer = "application/json"),
        (String = "image/svg+xml")))))]
pub(crate) fn import_dxf(mut call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let Some(body) = body else {
        return Err(Error::invalid("/content", "`content` is missing: the file to read"));
    };
    let most = Limits::default();
    // What is answered is to be read by the other endpoints.
    let limits =
        Limits { output_bytes: most.output_bytes.min(call.app.config.limits.bytes), ..most };
    let began = call.now();
    let imported = match body.kind {
        Kind::Document => dxf::import(&body.bytes, &Options::default(), &limits, call.budget),
        Kind::Json => {
            let request: ImportDxfRequest = body::json(&body.bytes)?;
            let units = request.options.and_then(|options| options.units);
            let options = Options { unit: units.and_then(LengthUnit::unit) };
            dxf::import_text(&request.content, &options, &limits, call.budget)
        }
    };
    let imported = imported.map_err(problem::dxf)?;
    call.phases.parse += call.now().since(began);
    if call.media != "application/json" {
        return Ok(call.bytes("image/svg+xml", Bytes::from(imported.svgx), None));
    }
    let answer = ImportDxfAnswer {
        status: "success",
        success: true,
        content: imported.svgx,
        report: imported.report,
        duration_ms: call.elapsed_ms(),
    };
    call.json(&answer, None)
}
