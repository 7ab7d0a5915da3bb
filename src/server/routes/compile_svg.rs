//! `POST /compile/svg`: a drawing as SVG that every browser opens.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admission::body::{self, Body};
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::Error;
use crate::routes::{networks, presented};
use crate::state::answer::{milliseconds, rounded};
use crate::state::cache::Cache;
use svgx_engine::compile::{SvgOptions, svg_within};
use svgx_telemetry::stage::Step;

/// What the SVG is to contain.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompileSvgOptions {
    /// As `format` beside `options`.
    #[serde(default)]
    #[allow(dead_code, reason = "it is only checked")]
    pub(crate) format: Option<SvgFormat>,
    /// Whether `style` elements and attributes are kept; true without.
    #[serde(default)]
    pub(crate) include_styles: Option<bool>,
    /// Whether white space between elements and needless decimals are left out; false without.
    #[serde(default)]
    pub(crate) optimize: Option<bool>,
    /// A quantity of a network to draw over the drawing, such as `heating.flow`: a colour scale
    /// with a legend, widths and arrows for what flows. None without.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub(crate) overlay: Option<String>,
    /// A sheet that the drawing describes, by its id, in place of the drawing.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub(crate) sheet: Option<String>,
}

request! {
    /// A drawing to compile to SVG.
    CompileSvgRequest, CompileSvgOptions {
        /// Only `svg` is made here.
        format: Option<SvgFormat>,
    }
}

/// What is made.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SvgFormat {
    /// SVG 1.1.
    Svg,
}

/// A drawing as SVG.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompileSvgAnswer<'s> {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// Always `svg`.
    format: &'static str,
    /// The SVG: no element of the language, no script, no reference that leaves it.
    output: &'s str,
    /// The same, under its other name.
    content: &'s str,
    /// Figures of the compilation.
    statistics: CompileStatistics,
    /// Time taken, in milliseconds.
    duration_ms: f64,
}

/// Figures of a compilation.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct CompileStatistics {
    /// Time from document to output, in milliseconds; near zero when it was known already.
    pub(crate) compilation_time_ms: f64,
    /// Bytes of output.
    pub(crate) output_size_bytes: usize,
}

/// Compiles a drawing to safe SVG 1.1: as JSON, or as the picture itself when
/// `image/svg+xml` is accepted.
///
/// # Errors
/// A body that cannot be read, or a drawing that cannot.
#[utoipa::path(post, path = "/compile/svg", tag = "drawing", operation_id = "compile_svg",
    request_body(content((CompileSvgRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, content((CompileSvgAnswer<'_> = "application/json"),
        (String = "image/svg+xml")))))]
pub(crate) fn compile_svg(call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<CompileSvgRequest> = Input::read(&call, body)?;
    let asked = input.request.options.take().unwrap_or_default();
    let options = SvgOptions {
        include_styles: asked.include_styles.unwrap_or(true),
        optimize: asked.optimize.unwrap_or(false),
    };
    let content = input.drawing(&call)?;
    let (overlay, sheet) = (asked.overlay, asked.sheet);
    compiled(call, &content, options, Overlay { asked: overlay, at: "/options/overlay", sheet })
}

/// What of a network is drawn over the drawing, and where it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    pub(crate) asked: Option<String>,
    pub(crate) at: &'static str,
    /// The sheet that is shown in place of the drawing.
    pub(crate) sheet: Option<String>,
}

/// Answers the drawing `content` compiled to SVG.
///
/// # Errors
/// As [`compile_svg`].
pub(crate) fn compiled(
    mut call: Call<'_>,
    content: &str,
    options: SvgOptions,
    overlay: Overlay,
) -> Result<Reply, Error> {
    let as_json = call.media == "application/json";
    let said = format!("{options:?} {:?} {:?}", overlay.asked, overlay.sheet);
    let key = Cache::key("svg", &said, content);
    // Two representations of one result have two tags.
    let tag = Cache::key("svg-tag", &format!("{said} {}", call.media), content);
    let etag = input::etag(as_json, &tag);
    let output = match call.app.cache.result(&key) {
        Some(output) => output,
        None => {
            let document = input::parse(&mut call, content)?;
            let began = call.now();
            let document =
                networks::overlaid(&call, document, overlay.asked.as_deref(), overlay.at)?;
            let document = presented::presented(&call, document, overlay.sheet.as_deref())?;
            let output = Bytes::from(svg_within(&document, &options, call.budget)?);
            let format = ("svgx.output.format", "svg".into());
            let size = ("svgx.output.size", output.len().into());
            call.note(Step::Compile, began, [format, size]);
            call.app.cache.keep_result(key, &output);
            output
        }
    };
    if let Some(known) = call.known_as(&etag) {
        return Ok(call.not_modified(known));
    }
    if !as_json {
        return Ok(call.bytes("image/svg+xml", output, Some(etag)));
    }
    let text = body::text(&output)?;
    let taken = call.elapsed_ms();
    let answer = CompileSvgAnswer {
        status: "success",
        success: true,
        format: "svg",
        output: text,
        content: text,
        statistics: CompileStatistics {
            compilation_time_ms: rounded((taken - milliseconds(call.phases.parse)).max(0.0), 3),
            output_size_bytes: text.len(),
        },
        duration_ms: taken,
    };
    call.json(&answer, Some(etag))
}
