//! What the renderer will take to paint a tree: the walk it is going to make,
//! with counts instead of pixels.
//!
//! Layers are counted where the renderer opens them, at the size it gives them:
//! a translucent room takes the room's pixels and not the plan's. What several
//! places share is counted at each, for it is painted at each.

use resvg::tiny_skia::{IntRect, IntSize, Transform};
use resvg::usvg::filter::{Filter, Kind};
use resvg::usvg::{
    ClipPath, Fill, Group, Image, ImageKind, Mask, Node, Paint, Path, Pattern, Stroke,
};

use svgx_base::budget::Budget;

use super::Error;
use super::work::{Ink, Line, Outline, Work};

/// Steps for a pixel of a layer: cleared, and painted onto what is below.
const LAYER: u64 = 20;
/// For a pixel of a clip path or a mask.
const CLIP: u64 = 15;
const MASK: u64 = 25;
/// For a pixel of a pattern's tile.
const TILE: u64 = 3;
/// For a pixel of an embedded picture, which is decoded, and for one it covers.
const DECODE: u64 = 25;
const PICTURE: u64 = 40;
/// For any node.
const NODE: u64 = 200;
/// Bytes for a pixel.
const PIXEL: u64 = 4;

/// Counts what painting `root` takes on a picture of `size`. The name of the
/// shared thing that passed a limit, if there is one, is written to `culprit`.
pub(super) fn count(
    root: &Group,
    size: (u32, u32),
    work: &mut Work,
    budget: &Budget,
    culprit: &mut String,
) -> Result<(), Error> {
    let (width, height) = (size.0 as i32, size.1 as i32);
    let reach = IntRect::from_xywh(
        width.saturating_mul(-2),
        height.saturating_mul(-2),
        size.0.saturating_mul(5),
        size.1.saturating_mul(5),
    );
    let Some(reach) = reach else { return Err(Error::Size) };
    let mut walk = Walk { work, budget, nodes: 0, culprit };
    walk.nodes(root, Canvas { size, reach }, Transform::identity())
}

/// What is painted on, and how far layers may reach.
#[derive(Clone, Copy)]
struct Canvas {
    size: (u32, u32),
    reach: IntRect,
}

impl Canvas {
    fn pixels(self) -> u64 {
        u64::from(self.size.0) * u64::from(self.size.1)
    }
}

struct Walk<'w> {
    work: &'w mut Work,
    budget: &'w Budget,
    nodes: u64,
    culprit: &'w mut String,
}

impl Walk<'_> {
    fn nodes(&mut self, group: &Group, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        for node in group.children() {
            self.nodes += 1;
            if self.nodes.is_multiple_of(64) {
                self.budget.checkpoint()?;
            }
            self.work.take(NODE)?;
            match node {
                Node::Group(group) => self.group(group, canvas, ts)?,
                Node::Path(path) => self.path(path, canvas, ts)?,
                Node::Image(image) => self.image(image, canvas, ts)?,
                Node::Text(text) => self.group(text.flattened(), canvas, ts)?,
            }
        }
        Ok(())
    }

    /// Notes whose work passed a limit; the innermost name stays.
    fn blame(&mut self, result: Result<(), Error>, name: &str) -> Result<(), Error> {
        if matches!(result, Err(Error::Limit { .. })) && self.culprit.is_empty() {
            self.culprit.push_str(name);
        }
        result
    }

    fn group(&mut self, group: &Group, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        let ts = ts.pre_concat(group.transform());
        if !group.should_isolate() {
            return self.nodes(group, canvas, ts);
        }
        match layer(group, canvas, ts) {
            Some((inner, ts)) => {
                let result = self.layer(group, inner, ts);
                self.blame(result, group.id())
            }
            None => Ok(()),
        }
    }

    fn layer(&mut self, group: &Group, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        let pixels = canvas.pixels();
        self.work.hold(pixels * PIXEL)?;
        self.work.take(pixels * LAYER)?;
        self.nodes(group, canvas, ts)?;
        for filter in group.filters() {
            let result = self.filter(filter, canvas, ts);
            self.blame(result, filter.id())?;
        }
        if let Some(clip) = group.clip_path() {
            self.clip(clip, canvas, ts)?;
        }
        if let Some(mask) = group.mask() {
            self.mask(mask, canvas, ts)?;
        }
        self.work.release(pixels * PIXEL);
        Ok(())
    }

    fn path(&mut self, path: &Path, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        if !path.is_visible() {
            return Ok(());
        }
        let outline = Outline::of(path.data(), ts, canvas.size);
        if let Some(fill) = path.fill() {
            self.work.take(outline.fill(ink(fill.paint())))?;
            self.paint(fill.paint(), canvas, ts)?;
        }
        if let Some(stroke) = path.stroke() {
            let (steps, bytes) = outline.stroke(line(stroke), ink(stroke.paint()));
            self.work.hold(bytes)?;
            self.work.take(steps)?;
            self.work.release(bytes);
            self.paint(stroke.paint(), canvas, ts)?;
        }
        Ok(())
    }

    fn paint(&mut self, paint: &Paint, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        match paint {
            Paint::Color(_) => Ok(()),
            Paint::LinearGradient(gradient) => self.work.take(gradient.stops().len() as u64 * 50),
            Paint::RadialGradient(gradient) => self.work.take(gradient.stops().len() as u64 * 50),
            Paint::Pattern(pattern) => {
                let result = self.pattern(pattern, canvas, ts);
                self.blame(result, pattern.id())
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        let (sx, sy) = ts.pre_concat(pattern.transform()).get_scale();
        let rect = pattern.rect();
        let size = ((rect.width() * sx).round() as u32, (rect.height() * sy).round() as u32);
        if IntSize::from_wh(size.0, size.1).is_none() {
            return Ok(());
        }
        let tile = Canvas { size, ..canvas };
        let bytes = tile.pixels().saturating_mul(PIXEL);
        self.work.hold(bytes)?;
        self.work.take(tile.pixels().saturating_mul(TILE))?;
        self.nodes(pattern.root(), tile, Transform::from_scale(sx, sy))?;
        self.work.release(bytes);
        Ok(())
    }

    fn clip(&mut self, clip: &ClipPath, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        let result = self.clip_layer(clip, canvas, ts);
        self.blame(result, clip.id())
    }

    fn clip_layer(&mut self, clip: &ClipPath, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        let pixels = canvas.pixels();
        self.work.hold(pixels * (PIXEL + 1))?;
        self.work.take(pixels * CLIP)?;
        self.clip_nodes(clip.root(), canvas, ts.pre_concat(clip.transform()))?;
        if let Some(clip) = clip.clip_path() {
            self.clip(clip, canvas, ts)?;
        }
        self.work.release(pixels * (PIXEL + 1));
        Ok(())
    }

    fn clip_nodes(&mut self, group: &Group, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        for node in group.children() {
            self.nodes += 1;
            if self.nodes.is_multiple_of(64) {
                self.budget.checkpoint()?;
            }
            self.work.take(NODE)?;
            match node {
                Node::Path(path) => {
                    let ink = path.fill().map_or(Ink::Colour, |fill: &Fill| ink(fill.paint()));
                    self.work.take(Outline::of(path.data(), ts, canvas.size).fill(ink))?;
                }
                Node::Text(text) => self.clip_nodes(text.flattened(), canvas, ts)?,
                Node::Group(group) => {
                    let ts = ts.pre_concat(group.transform());
                    let Some(clip) = group.clip_path() else {
                        self.clip_nodes(group, canvas, ts)?;
                        continue;
                    };
                    let pixels = canvas.pixels();
                    self.work.hold(pixels * PIXEL)?;
                    self.work.take(pixels * LAYER)?;
                    self.clip_nodes(group, canvas, ts)?;
                    self.clip(clip, canvas, ts)?;
                    self.work.release(pixels * PIXEL);
                }
                Node::Image(_) => {}
            }
        }
        Ok(())
    }

    fn mask(&mut self, mask: &Mask, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        let result = self.mask_layer(mask, canvas, ts);
        self.blame(result, mask.id())
    }

    fn mask_layer(&mut self, mask: &Mask, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        let pixels = canvas.pixels();
        self.work.hold(pixels * (PIXEL + 1))?;
        self.work.take(pixels * MASK)?;
        self.nodes(mask.root(), canvas, ts)?;
        if let Some(mask) = mask.mask() {
            self.mask(mask, canvas, ts)?;
        }
        self.work.release(pixels * (PIXEL + 1));
        Ok(())
    }

    fn image(&mut self, image: &Image, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        if !image.is_visible() || matches!(image.kind(), ImageKind::SVG(_)) {
            return Ok(());
        }
        let size = image.size();
        let pixels = (size.width() as u64).saturating_mul(size.height() as u64);
        // Decoded, and turned into another order of bytes.
        let bytes = pixels.saturating_mul(2 * PIXEL);
        self.work.hold(bytes)?;
        self.work.take(pixels.saturating_mul(DECODE))?;
        let covered = image.abs_bounding_box().width() * image.abs_bounding_box().height();
        let scale = ts.get_scale();
        let covered = (covered * scale.0 * scale.1).min(canvas.pixels() as f32);
        self.work
            .take((if covered.is_nan() { canvas.pixels() } else { covered as u64 }) * PICTURE)?;
        self.work.release(bytes);
        Ok(())
    }

    fn filter(&mut self, filter: &Filter, canvas: Canvas, ts: Transform) -> Result<(), Error> {
        let pixels = canvas.pixels();
        // The source, its copies, and every result until the end.
        let results = filter.primitives().len() as u64 + 4;
        self.work.hold(pixels.saturating_mul(PIXEL).saturating_mul(results))?;
        self.work.take(pixels.saturating_mul(10))?;
        for primitive in filter.primitives() {
            self.budget.checkpoint()?;
            self.work.take(pixels.saturating_mul(primitive_steps(primitive.kind(), canvas, ts)))?;
        }
        self.work.release(pixels.saturating_mul(PIXEL).saturating_mul(results));
        Ok(())
    }
}

/// The canvas and transform of a group that is painted on a layer of its own;
/// `None` where the renderer paints nothing.
fn layer(group: &Group, canvas: Canvas, ts: Transform) -> Option<(Canvas, Transform)> {
    let plain = group.filters().is_empty();
    let rest = if plain {
        Transform::identity()
    } else {
        let (sx, sy) = (ts.sx.hypot(ts.ky), ts.kx.hypot(ts.sy));
        Transform::from_row(ts.sx / sx, ts.ky / sx, ts.kx / sy, ts.sy / sy, 0.0, 0.0)
    };
    let back = rest.invert()?;
    let reach = canvas.reach.to_rect().transform(back)?.round_out()?;
    let ts = back.pre_concat(ts);
    let bounds = group.layer_bounding_box().transform(ts)?;
    let (x, y) = (bounds.x().floor() as i32, bounds.y().floor() as i32);
    let (width, height) = (bounds.width().ceil() as u32, bounds.height().ceil() as u32);
    let bounds = if plain {
        let sides = (width.checked_add(4)?, height.checked_add(4)?);
        IntRect::from_xywh(x.checked_sub(2)?, y.checked_sub(2)?, sides.0, sides.1)?
    } else {
        IntRect::from_xywh(x, y, width.max(1), height.max(1))?
    };
    let inner = IntRect::from_ltrb(
        bounds.left().max(reach.left()),
        bounds.top().max(reach.top()),
        bounds.right().min(reach.right()),
        bounds.bottom().min(reach.bottom()),
    )?;
    let shift = Transform::from_translate(-(inner.x() as f32), -(inner.y() as f32));
    let canvas = Canvas { size: (inner.width(), inner.height()), reach };
    Some((canvas, shift.pre_concat(ts)))
}

fn ink(paint: &Paint) -> Ink {
    match paint {
        Paint::Color(_) => Ink::Colour,
        Paint::LinearGradient(_) | Paint::RadialGradient(_) => Ink::Gradient,
        Paint::Pattern(_) => Ink::Pattern,
    }
}

fn line(stroke: &Stroke) -> Line {
    let dashes = stroke.dasharray().map(|list| {
        let round: f32 = list.iter().sum();
        (list.len() as f64 / 2.0, f64::from(round))
    });
    Line { width: stroke.width().get().into(), dashes }
}

/// Steps for a pixel of a filter's region.
fn primitive_steps(kind: &Kind, canvas: Canvas, ts: Transform) -> u64 {
    let (sx, sy) = ts.get_scale();
    let radius = |r: f32, scale: f32, most: u32| {
        let r = (r * scale).round().min(most as f32).max(0.0) as u64;
        2 * r + 1
    };
    match kind {
        Kind::Flood(_) => 10,
        Kind::Offset(_) => 20,
        Kind::Blend(_) | Kind::Composite(_) => 60,
        Kind::Merge(merge) => 10 + 30 * merge.inputs().len() as u64,
        Kind::Tile(_) => 70,
        Kind::ColorMatrix(_) | Kind::ComponentTransfer(_) => 60,
        Kind::GaussianBlur(_) => 300,
        Kind::DropShadow(_) => 350,
        Kind::DisplacementMap(_) => 80,
        Kind::DiffuseLighting(_) | Kind::SpecularLighting(_) => 200,
        Kind::Turbulence(noise) => 40 + 200 * u64::from(noise.num_octaves()),
        Kind::Morphology(grown) => {
            let across = radius(grown.radius_x().get(), sx, canvas.size.0);
            let down = radius(grown.radius_y().get(), sy, canvas.size.1);
            40 + across.saturating_mul(down).saturating_mul(3)
        }
        Kind::ConvolveMatrix(matrix) => {
            let matrix = matrix.matrix();
            let (across, down) = (u64::from(matrix.columns()), u64::from(matrix.rows()));
            // Beyond the edge it goes around, once for each length of a side.
            let around = 1
                + across / u64::from(canvas.size.0.max(1))
                + down / u64::from(canvas.size.1.max(1));
            60 + across.saturating_mul(down).saturating_mul(8).saturating_mul(around)
        }
        // References to elements are not let through; pictures are not either.
        Kind::Image(_) => u64::MAX,
    }
}
