//! `GET /sessions/{session}/drawing.svg` and `.png`: the drawing of a session as a picture, for
//! pages and mail that can only name an address.

use utoipa::IntoParams;

use super::compile_svg::{Overlay, compiled};
use super::render::{PictureEngine, RenderOptions, picture};
use crate::admission::body::Body;
use crate::admission::input;
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::{Error, Problem};
use crate::protocol::query;
use svgx_engine::compile::SvgOptions;

/// The parameter that names an overlay, as a problem points at it.
const OVERLAY: &str = "/overlay";

/// How large the picture is, and on what.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what is read by hand, with messages of our own")]
pub(crate) struct PictureQuery {
    /// Pixels across; without either side, the drawing's own size.
    #[param(minimum = 1, example = 800)]
    width: Option<u32>,
    /// Pixels down; one side follows from the other.
    #[param(minimum = 1)]
    height: Option<u32>,
    /// Times the size; 1 without.
    scale: Option<f64>,
    /// A CSS colour, or `transparent`, which it is without.
    #[param(example = "white")]
    background: Option<String>,
    /// A quantity of a network to draw over the drawing, such as `heating.flow`.
    overlay: Option<String>,
    /// Who paints: `auto`, which it is without, or `resvg`.
    #[param(example = "auto")]
    engine: Option<PictureEngine>,
}

/// What is drawn over the drawing.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes what is read by hand, with messages of our own")]
pub(crate) struct OverlayQuery {
    /// A quantity of a network to draw over the drawing, such as `heating.flow`.
    overlay: Option<String>,
}

/// The drawing of a session as SVG that every browser opens, edits included.
///
/// # Errors
/// A session that holds no drawing, or no time.
#[utoipa::path(get, path = "/sessions/{session}/drawing.svg", tag = "drawing",
    operation_id = "get_session_drawing_svg",
    params(OverlayQuery,
        ("session" = String, Path, description = "The session's name", example = "default")),
    responses((status = 200, content_type = "image/svg+xml", body = String),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>),
        (status = 422, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) fn svg(call: Call<'_>, _: Option<Body>) -> Result<Reply, Error> {
    let asked = query::parameters(&call.query, &["overlay"])?;
    let content = content(&call)?;
    let asked = asked.into_iter().next_back().map(|(_, value)| value);
    let options = SvgOptions { include_styles: true, optimize: false };
    compiled(call, &content, options, Overlay { asked, at: OVERLAY, sheet: None })
}

/// The drawing of a session as PNG, edits included.
///
/// # Errors
/// A session that holds no drawing, a size past the limit, or no time.
#[utoipa::path(get, path = "/sessions/{session}/drawing.png", tag = "drawing",
    operation_id = "get_session_drawing_png",
    params(PictureQuery,
        ("session" = String, Path, description = "The session's name", example = "default")),
    responses((status = 200, content_type = "image/png", body = Vec<u8>),
        (status = 404, content_type = "application/problem+json", body = Problem<'_>),
        (status = 422, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) fn png(call: Call<'_>, _: Option<Body>) -> Result<Reply, Error> {
    let options = read_query(&call.query)?;
    let content = content(&call)?;
    picture(call, &content, &options, OVERLAY)
}

fn read_query(query: &str) -> Result<RenderOptions, Error> {
    let mut options = RenderOptions::default();
    for (name, value) in
        query::parameters(query, &["width", "height", "scale", "background", "overlay", "engine"])?
    {
        let wrong = |expected| query::wrong(&name, &value, expected);
        let pixels = || value.parse::<u32>().map_err(|_| wrong("a whole number of pixels"));
        match name.as_str() {
            "width" => options.width = Some(pixels()?),
            "height" => options.height = Some(pixels()?),
            "scale" => options.scale = Some(value.parse().map_err(|_| wrong("a number"))?),
            "overlay" => options.overlay = Some(value),
            "engine" => {
                options.engine = match value.as_str() {
                    "auto" => PictureEngine::Auto,
                    "resvg" => PictureEngine::Resvg,
                    _ => return Err(wrong("`auto` or `resvg`")),
                }
            }
            _ => options.background = Some(value),
        }
    }
    Ok(options)
}

fn content(call: &Call<'_>) -> Result<String, Error> {
    let key = input::session_of_path(call)?;
    let name = key.name();
    input::of_session(call, name)?.ok_or_else(|| input::no_session(call, name))
}
