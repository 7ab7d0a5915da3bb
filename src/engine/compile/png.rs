//! To PNG: plain drawings straight from the scene ([`plain`](super::plain)), the
//! others through usvg and resvg.
//!
//! For those the document is written once more: style sheets applied,
//! references checked, empty groups gone. Text uses the fonts in the binary and
//! those that were handed in, so that a picture is the same on every machine.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kurbo::{Affine, Size};
use resvg::{tiny_skia, usvg};
use usvg::roxmltree;

use crate::document::{Document, Limits, NodeId, NodeKind, Ns};
use crate::geometry::css::{self, Sheet};
use crate::geometry::{self, AspectRatio, Length, Scene, pixels};
use svgx_base::budget::Budget;
use svgx_base::{deep, deep_span};

use super::background::{Background, blank};
use super::cost::{Refusal, reading};
use super::fonts::Fonts;
use super::graph::Graph;
use super::raster::{Raster, RasterText};
use super::svg::{Frame, frame, raster};
use super::work::Work;
use super::{Error, Place, layers, paint, plain};

/// How a picture is to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PngOptions {
    /// Pixels across. With the height absent too: the drawing's own size, in
    /// CSS pixels, shrunk to 4096 on its longer side.
    pub width: Option<u32>,
    /// Pixels down. One of the two follows from the other.
    pub height: Option<u32>,
    /// Times the size; positive.
    pub scale: f64,
    /// The colour behind the drawing.
    pub background: Background,
}

impl Default for PngOptions {
    fn default() -> PngOptions {
        PngOptions { width: None, height: None, scale: 1.0, background: Background::default() }
    }
}

/// The longer side of a picture whose size nobody asked for.
const NATURAL_SIDE: f64 = 4_096.0;
/// Groups deeper than this are rendered on a stack of their own.
pub(super) const SHALLOW: usize = 48;
/// The renderer recurses as deep as elements and references nest.
const DEEP_STACK: usize = 64 << 20;
/// As deep as that may be: the renderer's own bound for elements, rounded down.
const DEEPEST: usize = 1_000;
/// Times that the elements of a drawing may be looked at to count what they multiply.
const LOOKS: usize = 4;

/// The document as a PNG file. What it multiplies is counted before anything is
/// expanded; the budget is checked while counting and between any two shapes.
///
/// # Errors
/// [`Error::Stopped`], [`Error::Limit`], [`Error::Size`], [`Error::Renderer`].
pub fn png(
    document: &Document,
    options: &PngOptions,
    limits: &Limits,
    budget: &Budget,
) -> Result<Vec<u8>, Error> {
    png_with(document, options, &Fonts::built_in(), limits, budget)
}

/// As [`png`], with other fonts.
///
/// # Errors
/// As [`png`].
pub fn png_with(
    document: &Document,
    options: &PngOptions,
    fonts: &Fonts,
    limits: &Limits,
    budget: &Budget,
) -> Result<Vec<u8>, Error> {
    budget.checkpoint()?;
    // Before the scene is built: a size that cannot be is told at once.
    pixel_size(&frame(document, budget)?, options, limits)?;
    png_of(document, &scene_of(document, limits, budget)?, options, fonts, limits, budget)
}

/// The scene of a document that is to be drawn.
///
/// # Errors
/// [`Error::Stopped`], [`Error::Limit`] with the place of what is too much.
pub fn scene_of(document: &Document, limits: &Limits, budget: &Budget) -> Result<Scene, Error> {
    Scene::build(document, limits, budget).map_err(|e| {
        let node = match &e {
            geometry::Error::Limit { node, .. } => *node,
            _ => None,
        };
        Error::from(e).at(|| Place::of(document, node?))
    })
}

/// As [`png_with`], of a scene that is there already.
///
/// # Errors
/// As [`png`].
pub fn png_of(
    document: &Document,
    scene: &Scene,
    options: &PngOptions,
    fonts: &Fonts,
    limits: &Limits,
    budget: &Budget,
) -> Result<Vec<u8>, Error> {
    let size = pixel_size(&frame(document, budget)?, options, limits)?;
    let span = deep_span!(
        "paint",
        svgx.pixel.count = i64::from(size.0) * i64::from(size.1),
        svgx.painter = if scene.is_plain() { "plain" } else { "full" },
    );
    let pixmap = if scene.is_plain() {
        plain::paint(document, scene, size, options.background, limits, budget)?
    } else {
        let picture = Picture { size, background: options.background, fonts };
        full(document, scene, picture, limits, budget)?
    };
    drop(span);
    budget.checkpoint()?;
    let _span = deep_span!("png");
    encode(pixmap, options.background.alpha == u8::MAX)
}

/// The pixels of a whole picture, for a painter of one's own.
#[derive(Clone, Copy, Debug)]
pub struct Canvas {
    /// Pixels across and down.
    pub size: (u32, u32),
    /// From the world, user units of the root's viewBox, to pixels.
    pub view: Affine,
}

impl Canvas {
    /// Of a document and its scene. What it takes to paint its outlines in plain colours is
    /// counted, and refused where it is beyond the limits.
    ///
    /// # Errors
    /// [`Error::Stopped`], [`Error::Limit`], [`Error::Size`].
    pub fn of(
        document: &Document,
        scene: &Scene,
        options: &PngOptions,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Canvas, Error> {
        let frame = frame(document, budget)?;
        let size = pixel_size(&frame, options, limits)?;
        let view = view_of(document, &frame, size);
        plain::count(document, scene, view, size, limits, budget)?;
        Ok(Canvas { size, view })
    }
}

/// From the world to the pixels of a picture.
pub(super) fn view_of(document: &Document, frame: &Frame, size: (u32, u32)) -> Affine {
    let aspect = document.attr(NodeId::ROOT, "preserveAspectRatio");
    let aspect = aspect.map(AspectRatio::parse).unwrap_or_default();
    frame.viewbox.fit(aspect, Size::new(f64::from(size.0), f64::from(size.1)))
}

/// What a picture is made to.
#[derive(Clone, Copy)]
struct Picture<'f> {
    size: (u32, u32),
    background: Background,
    fonts: &'f Fonts,
}

/// The way through usvg and resvg, for drawings with text, pictures, gradients,
/// masks, filters and the like.
fn full(
    document: &Document,
    scene: &Scene,
    picture: Picture<'_>,
    limits: &Limits,
    budget: &Budget,
) -> Result<tiny_skia::Pixmap, Error> {
    let size = picture.size;
    let span = deep_span!("flatten");
    let sheet = Sheet::of(document);
    let referenced = references(document);
    let flat = referenced.is_empty() && scene.depth() <= SHALLOW;
    let view = view_of(document, &frame(document, budget)?, size);
    let raster_of = Raster {
        size,
        sheet: &sheet,
        scene,
        view,
        budget,
        referenced,
        only: None,
        layers: None,
        stretched: false,
    };
    let text = raster(document, raster_of)?;
    budget.checkpoint()?;
    drop(span);
    let place = deep::Place::here();
    let paint = || place.run(|| paint(document, &text, picture, limits, budget));
    on_deep_stack(!(flat && text.depth <= SHALLOW), paint)
}

/// Does work of the renderer, on a stack of its own where it is `deep`.
pub(super) fn on_deep_stack<T: Send>(
    deep: bool,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    if !deep {
        return work();
    }
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(DEEP_STACK);
        let thread = builder.spawn_scoped(scope, work);
        thread
            .map_err(|_| Error::Renderer("no thread".to_owned()))?
            .join()
            .unwrap_or_else(|_| Err(Error::Renderer("the renderer panicked".to_owned())))
    })
}

/// The size of the picture.
fn pixel_size(frame: &Frame, options: &PngOptions, limits: &Limits) -> Result<(u32, u32), Error> {
    let natural = |side: &Option<String>, other: f64| {
        let length = side.as_deref().and_then(|text| Length::parse(text).ok());
        length.and_then(pixels).filter(|n| *n > 0.0).unwrap_or(other)
    };
    let v = frame.viewbox;
    let (w, h) = (natural(&frame.width, v.width), natural(&frame.height, v.height));
    let (mut width, mut height) = match (options.width, options.height) {
        (Some(width), Some(height)) => (f64::from(width), f64::from(height)),
        (Some(width), None) => (f64::from(width), f64::from(width) * h / w),
        (None, Some(height)) => (f64::from(height) * w / h, f64::from(height)),
        (None, None) => {
            let shrink = (NATURAL_SIDE / w.max(h)).min(1.0);
            (w * shrink, h * shrink)
        }
    };
    width *= options.scale;
    height *= options.scale;
    let fine = |n: f64| n.is_finite() && n > 0.0;
    if !(fine(width) && fine(height) && fine(options.scale)) {
        return Err(Error::Size);
    }
    let (width, height) = (width.round().max(1.0), height.round().max(1.0));
    let seen = width * height;
    if seen > limits.pixels as f64 || width.max(height) > f64::from(u16::MAX) {
        return Err(Error::Limit {
            limit: "pixels",
            max: limits.pixels,
            seen: seen as usize,
            place: None,
        });
    }
    Ok((width as u32, height as u32))
}

/// Everything that is referred to: `#name` in references, `url(#name)` in values and style
/// sheets. The ids that a sheet selects by are among them, which does no harm.
pub(super) fn references(document: &Document) -> HashSet<&str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, ')' | '"' | '\'' | ';');
    let attributes = document
        .elements()
        .flat_map(|node| document.attributes(node))
        .filter(|a| matches!(a.ns, Ns::None | Ns::XLink))
        .map(|a| a.value);
    let sheets = document.elements().filter(|&node| css::is_css(document, node));
    let sheets = sheets.flat_map(|node| document.children(node)).filter_map(|child| match document
        .kind(child)
    {
        NodeKind::Text(text) => Some(text.as_str()),
        _ => None,
    });
    attributes
        .chain(sheets)
        .flat_map(|text| text.split('#').skip(1))
        .map(|rest| rest.split(ends).next().unwrap_or_default())
        .collect()
}

fn paint(
    document: &Document,
    raster: &RasterText,
    picture: Picture<'_>,
    limits: &Limits,
    budget: &Budget,
) -> Result<tiny_skia::Pixmap, Error> {
    let Picture { size, background, fonts } = picture;
    let text = raster.text.as_str();
    let mut work = Work::new(limits, size, text.len());
    let tree = expand_within(document, raster, size, fonts, limits, &mut work, budget)?;
    // A drawing is a picture of its own before anything is laid under it: what blends does so
    // with what is drawn, not with the background (Compositing and Blending, section 3.4).
    let blends = background.alpha > 0 && text.contains("mix-blend-mode");
    if blends {
        work.hold(u64::from(size.0) * u64::from(size.1) * 4)?;
    }
    let mut pixmap = blank(size, if blends { Background::default() } else { background })?;
    catch_unwind(AssertUnwindSafe(|| {
        paint::nodes(tree.root(), tiny_skia::Transform::identity(), &mut pixmap.as_mut(), budget)
    }))
    .map_err(guard)??;
    if !blends {
        return Ok(pixmap);
    }
    let mut under = blank(size, background)?;
    let plain = tiny_skia::PixmapPaint::default();
    under.draw_pixmap(0, 0, pixmap.as_ref(), &plain, tiny_skia::Transform::identity(), None);
    Ok(under)
}

/// The renderer's tree of a text, counted before it is expanded and before it is painted.
pub(super) fn expand(
    document: &Document,
    raster: &RasterText,
    size: (u32, u32),
    fonts: &Fonts,
    limits: &Limits,
    budget: &Budget,
) -> Result<usvg::Tree, Error> {
    let mut work = Work::new(limits, size, raster.text.len());
    expand_within(document, raster, size, fonts, limits, &mut work, budget)
}

fn expand_within(
    document: &Document,
    raster: &RasterText,
    size: (u32, u32),
    fonts: &Fonts,
    limits: &Limits,
    work: &mut Work,
    budget: &Budget,
) -> Result<usvg::Tree, Error> {
    let text = raster.text.as_str();
    work.hold(u64::from(size.0) * u64::from(size.1) * 4)?;
    let refused = |e: roxmltree::Error| Error::Renderer(e.to_string());
    let parsed = roxmltree::Document::parse(text).map_err(refused)?;
    budget.checkpoint()?;
    let span = deep_span!("count");
    let heaviest = count(document, raster, &parsed, work, limits, budget)?;
    drop(span);
    let span = deep_span!("expand");
    let options = options(fonts, Arc::new(AtomicUsize::new(limits.pixels)));
    let tree = catch_unwind(AssertUnwindSafe(|| usvg::Tree::from_xmltree(&parsed, &options)))
        .map_err(guard)?
        .map_err(|e| Error::Renderer(e.to_string()))?;
    drop(parsed);
    drop(span);
    budget.checkpoint()?;
    let _span = deep_span!("layers");
    let mut culprit = String::new();
    layers::count(tree.root(), size, work, budget, &mut culprit)
        .map_err(|e| e.at(|| Place::of(document, document.by_id(&culprit).or(heaviest)?)))?;
    Ok(tree)
}

fn guard(_: Box<dyn std::any::Any + Send>) -> Error {
    Error::Renderer("the renderer panicked".to_owned())
}

/// Counts what the renderer will make of the text, and refuses what is beyond the
/// limits. Answers the element that most of it comes from.
fn count(
    document: &Document,
    raster: &RasterText,
    parsed: &roxmltree::Document<'_>,
    work: &mut Work,
    limits: &Limits,
    budget: &Budget,
) -> Result<Option<NodeId>, Error> {
    let graph = Graph::of(parsed, budget)?;
    let most = limits.instances.saturating_add(graph.elements.len().saturating_mul(LOOKS));
    let deepest = limits.depth.min(DEEPEST);
    let place = |at: usize| Place::of(document, raster.element(at)?);
    let limit = |limit, max: usize, at: usize| {
        let seen = max.saturating_add(1);
        Error::Limit { limit, max, seen, place: place(at) }
    };
    let reading = reading(&graph, most as u64, deepest as u64, budget).map_err(|e| match e {
        Refusal::Stopped(stop) => Error::Stopped(stop),
        Refusal::Many(at) => limit("instances", most, at),
        Refusal::Deep(at) => limit("depth", deepest, at),
        Refusal::Circle(at) => Error::Renderer(match place(at) {
            Some(place) => format!("{place} shows itself, directly or through others"),
            None => "an element shows itself, directly or through others".to_owned(),
        }),
    })?;
    work.take(reading.steps).map_err(|e| e.at(|| place(reading.heaviest)))?;
    work.hold(reading.bytes).map_err(|e| e.at(|| place(reading.heaviest)))?;
    Ok(raster.element(reading.heaviest))
}

/// Fonts that were handed in, pictures from the document within `left` pixels, and
/// nothing from anywhere else.
fn options(fonts: &Fonts, left: Arc<AtomicUsize>) -> usvg::Options<'static> {
    use usvg::ImageKind as Kind;
    let resolve_data = move |kind: &str, data: Arc<Vec<u8>>, _: &usvg::Options<'_>| {
        let size = imagesize::blob_size(&data).ok()?;
        let pixels = size.width.checked_mul(size.height)?;
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(pixels))
            .ok()?;
        match kind {
            "image/png" => Some(Kind::PNG(data)),
            "image/jpeg" => Some(Kind::JPEG(data)),
            "image/gif" => Some(Kind::GIF(data)),
            "image/webp" => Some(Kind::WEBP(data)),
            _ => None,
        }
    };
    usvg::Options {
        font_family: fonts.usual(),
        // Of what states none, as in browsers.
        font_size: 16.0,
        fontdb: fonts.database(),
        font_resolver: fonts.resolver(),
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(resolve_data),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    }
}

/// Encodes with fast compression and adaptive filters: on drawings a tenth of
/// the time of the usual setting for a fifth more bytes.
fn encode(pixmap: tiny_skia::Pixmap, opaque: bool) -> Result<Vec<u8>, Error> {
    let (width, height) = (pixmap.width(), pixmap.height());
    let (colour, data) = if opaque {
        let rgb = pixmap.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
        (png::ColorType::Rgb, rgb)
    } else {
        (png::ColorType::Rgba, pixmap.take_demultiplied())
    };
    let mut out = Vec::with_capacity(data.len() / 8 + 1_024);
    let failed = |e: png::EncodingError| Error::Renderer(e.to_string());
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}
