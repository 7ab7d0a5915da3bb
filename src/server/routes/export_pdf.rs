//! `POST /export/pdf`: a drawing on paper.

use bytes::Bytes;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::admission::body::Body;
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{self, Error};
use crate::routes::render::listed;
use svgx_exchange::pdf::{self, Options, Sheet};
use svgx_telemetry::stage::Step;

/// How the drawing is put on paper.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportPdfOptions {
    /// The scale: `1:50`, `2:1` or a number. Without, 1:1; on a sheet, the largest usual one that
    /// fits.
    #[serde(default)]
    #[schema(example = "1:50", max_length = 64)]
    pub(crate) scale: Option<String>,
    /// The sheet, turned as the drawing is; without, the page is as large as the drawing.
    #[serde(default)]
    pub(crate) size: Option<SheetSize>,
    /// A sheet that the drawing describes, by its id, without `scale` and `size`. Where none of the
    /// three is named and the drawing describes sheets, all of them are pages.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub(crate) sheet: Option<String>,
}

/// A sheet of the A series.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(crate) enum SheetSize {
    /// 841 by 1189 mm.
    A0,
    /// 594 by 841 mm.
    A1,
    /// 420 by 594 mm.
    A2,
    /// 297 by 420 mm.
    A3,
    /// 210 by 297 mm.
    A4,
    /// 148 by 210 mm.
    A5,
}

impl SheetSize {
    fn sheet(self) -> Sheet {
        match self {
            SheetSize::A0 => Sheet::A0,
            SheetSize::A1 => Sheet::A1,
            SheetSize::A2 => Sheet::A2,
            SheetSize::A3 => Sheet::A3,
            SheetSize::A4 => Sheet::A4,
            SheetSize::A5 => Sheet::A5,
        }
    }
}

request! {
    /// A drawing to put on paper.
    ExportPdfRequest, ExportPdfOptions {}
}

/// Writes a drawing as PDF: one page at an exact scale, or a page for each sheet that it describes,
/// vector only, layers as optional content, text as text.
///
/// # Errors
/// A body or a drawing that cannot be read, a page that cannot be, one that passes a limit, or no
/// time.
#[utoipa::path(post, path = "/export/pdf", tag = "drawing", operation_id = "export_pdf",
    request_body(content((ExportPdfRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>,
        headers(("X-SVGX-Differences" = String, description = "What of the drawing is not on the \
            page as it is in a picture: codes, and how often each; not there where nothing is")))))]
pub(crate) fn export_pdf(mut call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<ExportPdfRequest> = Input::read(&call, body)?;
    let asked = input.request.options.take().unwrap_or_default();
    let scale = match asked.scale.as_deref() {
        None => None,
        Some(text) => Some(Options::scale_of(text).ok_or_else(|| {
            Error::invalid("/options/scale", "a scale is 1:50, 2:1 or a number above zero")
        })?),
    };
    let options = Options { scale, sheet: asked.size.map(SheetSize::sheet) };
    let content = input.drawing(&call)?;
    let document = input::parse(&mut call, &content)?;
    let began = call.now();
    let limits = &call.app.config.limits;
    let (named, fonts) = (asked.sheet.as_deref(), &call.app.fonts);
    let is_plain = options == Options::default();
    if named.is_some() && !is_plain {
        let message = "a sheet has a size and a scale of its own";
        return Err(Error::invalid("/options/sheet", message));
    }
    let exported = if named.is_some() || is_plain && !svgx_drafting::sheets(&document).0.is_empty()
    {
        pdf::export_sheets(&document, named, fonts, limits, call.budget)
    } else {
        pdf::export(&document, &options, fonts, limits, call.budget)
    };
    let exported = exported.map_err(problem::pdf)?;
    let size = ("svgx.output.size", exported.pdf.len().into());
    call.note(Step::Compile, began, [("svgx.output.format", "pdf".into()), size]);
    let notes = exported.report.notes.iter().map(|note| (note.code.as_str(), note.count));
    let differences = listed(notes);
    Ok(call.bytes("application/pdf", Bytes::from(exported.pdf), None).differing(differences))
}
