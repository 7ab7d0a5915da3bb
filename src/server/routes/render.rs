//! `POST /render`: a drawing as a picture.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::admission::body::Body;
use crate::admission::input::{self, Input, request};
use crate::admission::reply::{Call, Reply};
use crate::protocol::problem::Error;
use crate::routes::{networks, presented};
use crate::state::cache::Cache;
use svgx_base::machine;
use svgx_engine::compile::{Background, PngOptions, differences};
use svgx_engine::document::Diagnostic;
use svgx_telemetry::stage::Step;
use svgx_tiles::{Engine, whole};

/// How the picture is to look.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenderOptions {
    /// Pixels across; without either side, the drawing's own size.
    #[serde(default)]
    pub(crate) width: Option<u32>,
    /// Pixels down; one side follows from the other.
    #[serde(default)]
    pub(crate) height: Option<u32>,
    /// Times the size; 1 without.
    #[serde(default)]
    pub(crate) scale: Option<f64>,
    /// A CSS colour, or `transparent`, which it is without.
    #[serde(default)]
    #[schema(example = "white")]
    pub(crate) background: Option<String>,
    /// A quantity of a network to draw over the drawing, such as `heating.flow`: a colour scale
    /// with a legend, widths and arrows for what flows. None without.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub(crate) overlay: Option<String>,
    /// Who paints: `auto`, which it is without, takes the painter of tiles where the drawing has
    /// nothing but outlines in plain colours and texts; `resvg` takes resvg for every drawing.
    #[serde(default)]
    pub(crate) engine: PictureEngine,
    /// A sheet that the drawing describes, by its id, in place of the drawing.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub(crate) sheet: Option<String>,
}

/// Who paints a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PictureEngine {
    /// The painter of tiles where it can paint all of the drawing, else resvg.
    #[default]
    Auto,
    /// resvg.
    Resvg,
}

impl From<PictureEngine> for Engine {
    fn from(asked: PictureEngine) -> Engine {
        match asked {
            PictureEngine::Auto => Engine::Auto,
            PictureEngine::Resvg => Engine::Resvg,
        }
    }
}

request! {
    /// A drawing to render.
    RenderRequest, RenderOptions {
        /// Only `png` is made.
        format: Option<PictureFormat>,
    }
}

/// What is made.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PictureFormat {
    /// PNG.
    Png,
}

/// Renders a drawing to PNG.
///
/// # Errors
/// A body or a drawing that cannot be read, a size past the limit, or no time.
#[utoipa::path(post, path = "/render", tag = "drawing", operation_id = "render_drawing",
    request_body(content((RenderRequest = "application/json"), (String = "image/svg+xml"))),
    responses((status = 200, content_type = "image/png", body = Vec<u8>,
        headers(("X-SVGX-Differences" = String, description = "What of the picture a browser \
            draws otherwise: codes, and how often each; not there where nothing is"),
        ("X-SVGX-Painter" = String, description = "Who painted it: `vello` or `resvg`")))))]
pub(crate) fn render(call: Call<'_>, body: Option<Body>) -> Result<Reply, Error> {
    let mut input: Input<RenderRequest> = Input::read(&call, body)?;
    let asked = input.request.options.clone().unwrap_or_default();
    let content = input.drawing(&call)?;
    picture(call, &content, &asked, "/options/overlay")
}

/// Answers the drawing `content` as PNG.
///
/// # Errors
/// As [`render`].
pub(crate) fn picture(
    mut call: Call<'_>,
    content: &str,
    asked: &RenderOptions,
    overlay_at: &str,
) -> Result<Reply, Error> {
    let background = match &asked.background {
        None => Background::default(),
        Some(colour) => colour.parse().map_err(|message| Error::Invalid {
            pointer: "/options/background".to_owned(),
            message,
            at: None,
        })?,
    };
    let options = PngOptions {
        width: asked.width,
        height: asked.height,
        scale: asked.scale.unwrap_or(1.0),
        background,
    };
    let looks = format!("{options:?} {:?} {:?} {:?}", asked.overlay, asked.engine, asked.sheet);
    let key = Cache::key("png", &looks, content);
    let etag = input::etag(false, &key);
    let said = Cache::key("png-differences", "", content);
    let painted = Cache::key("png-painter", &looks, content);
    let known = call.app.cache.result(&key).zip(call.app.cache.result(&painted));
    let (picture, painter, differences) = match known {
        Some((picture, painter)) => (picture, painter, call.app.cache.result(&said)),
        None => {
            let document = input::parse(&mut call, content)?;
            let limits = &call.app.config.limits;
            let began = call.now();
            let over = networks::overlaid(
                &call,
                Arc::clone(&document),
                asked.overlay.as_deref(),
                overlay_at,
            )?;
            let over = presented::presented(&call, over, asked.sheet.as_deref())?;
            let threads = (machine::cores() as usize).clamp(1, 4);
            let (fonts, engine) = (&call.app.fonts, asked.engine.into());
            let made = whole(&over, &options, engine, fonts, limits, threads, call.budget)?;
            let (picture, painter) =
                (Bytes::from(made.file), Bytes::from_static(made.painter.as_bytes()));
            let size = ("svgx.output.size", picture.len().into());
            call.note(Step::Compile, began, [("svgx.output.format", "png".into()), size]);
            call.app.cache.keep_result(key, &picture);
            call.app.cache.keep_result(painted, &painter);
            let found = call.app.cache.result(&said).or_else(|| {
                // A picture that is done is not thrown away for want of time to look at it.
                let found = differences(&document, &call.app.fonts, limits, call.budget).ok()?;
                let found = counted(&found);
                call.app.cache.keep_result(said, &found);
                Some(found)
            });
            (picture, painter, found)
        }
    };
    let differences = differences.unwrap_or(Bytes::from_static(b"not-examined"));
    if let Some(known) = call.known_as(&etag) {
        return Ok(call.not_modified(known));
    }
    let reply = call.bytes("image/png", picture, Some(etag));
    Ok(reply.differing(differences).painted_by(painter))
}

/// Each code and how often it was found, as a list of RFC 9651.
fn counted(found: &[Diagnostic]) -> Bytes {
    listed(found.iter().map(|diagnostic| (diagnostic.code.as_str(), 1)))
}

/// Codes with how often each was met, as a list of RFC 9651.
pub(crate) fn listed<'c>(found: impl Iterator<Item = (&'c str, usize)>) -> Bytes {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (code, count) in found {
        *counts.entry(code).or_default() += count;
    }
    let items: Vec<_> = counts.iter().map(|(code, n)| format!("{code};n={n}")).collect();
    Bytes::from(items.join(", "))
}
