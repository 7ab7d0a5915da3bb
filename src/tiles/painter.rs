//! The rasteriser. Its interface changes from release to release: this is the one file that
//! knows it.

use std::sync::{Arc, Mutex, PoisonError};

use kurbo::{Affine, BezPath, PathEl, Point, Rect};
use vello_cpu::color::{AlphaColor, Srgb};
use vello_cpu::peniko::{Extend, Fill, ImageBrush, ImageQuality, ImageSampler};
use vello_cpu::{ImageSource, Level, Pixmap, RenderContext, RenderSettings, Resources};

use crate::area::Polygons;

/// Painters that nobody uses at this moment: one takes longer to make than a tile to paint.
static PAINTERS: Mutex<Vec<Painter>> = Mutex::new(Vec::new());
/// Of which so many are kept.
const MOST_KEPT: usize = 8;

/// The vector instructions to paint with. The same picture is to have the same bytes everywhere:
/// later levels than these multiply and add in one step, which rounds differently.
fn level() -> Level {
    #[cfg(target_arch = "x86_64")]
    if let Some(level) = Level::try_detect().and_then(Level::as_sse4_2) {
        return Level::Sse4_2(level);
    }
    Level::baseline()
}

/// Paints pictures of one size.
pub(crate) struct Painter {
    size: (u16, u16),
    context: RenderContext,
    resources: Resources,
    pixmap: Pixmap,
    path: BezPath,
}

impl std::fmt::Debug for Painter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Painter").field("size", &self.size).finish_non_exhaustive()
    }
}

/// A picture that is laid in as it is.
#[derive(Clone, Debug)]
pub(crate) struct Sheet(Arc<Pixmap>);

impl Sheet {
    /// From premultiplied RGBA, row by row; `None` if it has not as many pixels as stated.
    pub(crate) fn new(pixels: &[u8], width: u16, height: u16) -> Option<Sheet> {
        let mut pixmap = Pixmap::new(width, height);
        let held = pixmap.data_as_u8_slice_mut();
        if held.len() != pixels.len() {
            return None;
        }
        held.copy_from_slice(pixels);
        Some(Sheet(Arc::new(pixmap)))
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        usize::from(self.0.width()) * usize::from(self.0.height()) * 4
    }
}

/// Does `work` with a painter for pictures of `width` by `height` pixels.
pub(crate) fn with<T, E>(
    width: u16,
    height: u16,
    work: impl FnOnce(&mut Painter) -> Result<T, E>,
) -> Result<T, E> {
    let kept = || PAINTERS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = {
        let mut kept = kept();
        let fits = kept.iter().rposition(|painter| painter.size == (width, height));
        fits.map(|at| kept.remove(at))
    };
    let mut painter = known.unwrap_or_else(|| Painter::new(width, height));
    // Should the work fail, the painter is not used again.
    let done = work(&mut painter)?;
    let mut kept = kept();
    if kept.len() >= MOST_KEPT {
        // What was used least of late stands first.
        let oldest = kept.remove(0);
        kept.push(painter);
        drop(kept);
        drop(oldest);
    } else {
        kept.push(painter);
    }
    Ok(done)
}

impl Painter {
    fn new(width: u16, height: u16) -> Painter {
        Painter::at_level(width, height, level())
    }

    fn at_level(width: u16, height: u16, level: Level) -> Painter {
        let settings = RenderSettings { level, num_threads: 0 };
        Painter {
            size: (width, height),
            context: RenderContext::new_with(width, height, settings),
            resources: Resources::new(),
            pixmap: Pixmap::new(width, height),
            path: BezPath::new(),
        }
    }

    /// Fills an outline with a colour: red, green, blue, alpha, not premultiplied.
    pub(crate) fn fill(
        &mut self,
        path: &BezPath,
        transform: Affine,
        even_odd: bool,
        [r, g, b, a]: [u8; 4],
    ) {
        self.context.set_transform(transform);
        self.context.set_fill_rule(if even_odd { Fill::EvenOdd } else { Fill::NonZero });
        self.context.set_paint(AlphaColor::<Srgb>::from_rgba8(r, g, b, a));
        self.context.fill_path(path);
    }

    /// The same for polygons.
    pub(crate) fn fill_polygons(
        &mut self,
        polygons: &Polygons,
        transform: Affine,
        even_odd: bool,
        colour: [u8; 4],
    ) {
        let mut path = std::mem::take(&mut self.path);
        path.truncate(0);
        polygons.draw(&mut path);
        self.fill(&path, transform, even_odd, colour);
        self.path = path;
    }

    /// Fills what lies between two upright rectangles.
    pub(crate) fn fill_ring(
        &mut self,
        outer: Rect,
        inner: Rect,
        transform: Affine,
        colour: [u8; 4],
    ) {
        let mut path = std::mem::take(&mut self.path);
        path.truncate(0);
        let [a, b, c, d] = corners(outer);
        path.extend([PathEl::MoveTo(a), PathEl::LineTo(b), PathEl::LineTo(c), PathEl::LineTo(d)]);
        // The other way round, so that it is a hole.
        let [a, b, c, d] = corners(inner);
        path.extend([PathEl::ClosePath, PathEl::MoveTo(a), PathEl::LineTo(d)]);
        path.extend([PathEl::LineTo(c), PathEl::LineTo(b), PathEl::ClosePath]);
        self.fill(&path, transform, false, colour);
        self.path = path;
    }

    /// Fills an upright rectangle.
    pub(crate) fn fill_rect(&mut self, rect: Rect, transform: Affine, [r, g, b, a]: [u8; 4]) {
        self.context.set_transform(transform);
        self.context.set_paint(AlphaColor::<Srgb>::from_rgba8(r, g, b, a));
        self.context.fill_rect(&rect);
    }

    /// Lays a picture in with its corner at a pixel.
    pub(crate) fn lay(&mut self, Sheet(pixmap): &Sheet, (x, y): (f64, f64)) {
        let (width, height) = (f64::from(pixmap.width()), f64::from(pixmap.height()));
        self.context.set_transform(Affine::translate((x, y)));
        self.context.set_paint(ImageBrush {
            image: ImageSource::Pixmap(Arc::clone(pixmap)),
            sampler: ImageSampler {
                x_extend: Extend::Pad,
                y_extend: Extend::Pad,
                quality: ImageQuality::Low,
                alpha: 1.0,
            },
        });
        self.context.fill_rect(&Rect::new(0.0, 0.0, width, height));
    }

    /// What was painted since the last time: premultiplied RGBA, row by row.
    pub(crate) fn finish(&mut self) -> &[u8] {
        self.context.flush();
        self.context.render(&mut self.pixmap, &mut self.resources);
        self.context.reset();
        self.pixmap.data_as_u8_slice()
    }
}

/// From the least, along x first.
fn corners(Rect { x0, y0, x1, y1 }: Rect) -> [Point; 4] {
    [Point::new(x0, y0), Point::new(x1, y0), Point::new(x1, y1), Point::new(x0, y1)]
}

#[cfg(test)]
mod tests {
    use svgx_base::random::{SplitMix64, unit};

    use super::*;

    /// A picture of shapes by chance: `seed` says which.
    fn painted(seed: u64, level: Level) -> Vec<u8> {
        let mut random = SplitMix64::new(seed);
        let mut below = |most: f64| unit(random.next_u64()) * most;
        let mut painter = Painter::at_level(64, 64, level);
        for _ in 0..40 {
            let points = [(); 12].map(|()| Point::new(below(96.0) - 16.0, below(96.0) - 16.0));
            let [start, a, b, c, d, control, end, rest @ ..] = points;
            let mut path = BezPath::new();
            path.move_to(start);
            [a, b, c, d].into_iter().for_each(|corner| path.line_to(corner));
            path.curve_to(control, rest[0], end);
            path.close_path();
            let place = Affine::rotate(below(6.3)) * Affine::scale(0.5 + below(2.0));
            let [inside, box_colour] = [(); 2].map(|()| [(); 4].map(|()| below(256.0) as u8));
            painter.fill(&path, place, inside[0] > 127, inside);
            painter.fill_rect(Rect::from_points(rest[1], rest[2]), Affine::IDENTITY, box_colour);
        }
        painter.finish().to_vec()
    }

    #[test]
    fn all_machines_paint_the_same_bytes() {
        for seed in 0..50 {
            assert!(
                painted(seed, level()) == painted(seed, Level::baseline()),
                "{seed}: the level of this machine paints differently from the least"
            );
        }
    }
}
