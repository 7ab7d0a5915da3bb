//! A whole picture at once: what `/render` answers.
//!
//! Where a drawing takes nothing but outlines in plain colours and texts, it is painted here, in
//! bands of [`SIZE`] rows by several threads. Everything else goes to the full renderer whole, so
//! that a picture has one painter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use kurbo::{Affine, Rect};
use svgx_base::budget::Budget;
use svgx_base::deep_span;
use svgx_engine::compile::{
    self, Canvas, Display, Error, Fonts, PieceContent, PngOptions, Units, png_of, scene_of,
};
use svgx_engine::document::{Document, Limits, NodeId};
use svgx_engine::geometry::{Scene, Special};

use crate::encode::{encode, straight};
use crate::grid::SIZE;
use crate::painter;
use crate::shape::{Order, Shape};

/// Pixels around what is painted that edges may touch.
const MARGIN: f64 = 2.0;
/// Bands below which a second thread costs more than it brings.
const WORTH_A_THREAD: usize = 2;

/// Who may paint a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The painter of tiles where it can paint all of the drawing, else resvg.
    #[default]
    Auto,
    /// resvg.
    Resvg,
}

/// A picture, and who painted it.
#[derive(Clone, Debug)]
pub struct Whole {
    /// A PNG file.
    pub file: Vec<u8>,
    /// `vello` or `resvg`.
    pub painter: &'static str,
}

/// The document as a PNG file, on up to `threads` threads with this one. The bytes do not depend
/// on how many.
///
/// # Errors
/// As [`png_with`](compile::png_with).
pub fn whole(
    document: &Document,
    options: &PngOptions,
    engine: Engine,
    fonts: &Fonts,
    limits: &Limits,
    threads: usize,
    budget: &Budget,
) -> Result<Whole, Error> {
    let resvg = |file| Whole { file, painter: "resvg" };
    if engine == Engine::Resvg {
        return compile::png_with(document, options, fonts, limits, budget).map(resvg);
    }
    budget.checkpoint()?;
    let scene = scene_of(document, limits, budget)?;
    let of = Of { document, scene: &scene, fonts, limits, budget };
    if let Some(sheet) = of.sheet(options)? {
        let file = sheet.paint(options, threads, budget)?;
        return Ok(Whole { file, painter: "vello" });
    }
    png_of(document, &scene, options, fonts, limits, budget).map(resvg)
}

/// What a picture is made from.
struct Of<'d> {
    document: &'d Document,
    scene: &'d Scene,
    fonts: &'d Fonts,
    limits: &'d Limits,
    budget: &'d Budget,
}

impl Of<'_> {
    /// All that is to be painted; `None` where something takes more than outlines in plain colours.
    fn sheet(&self, options: &PngOptions) -> Result<Option<Sheet>, Error> {
        let Of { document, scene, fonts, limits, budget } = *self;
        if scene.units().values().any(|&special| special != Special::Text) {
            return Ok(None);
        }
        let Canvas { size, view } = Canvas::of(document, scene, options, limits, budget)?;
        let [scale, b, c, d, x, y] = view.as_coeffs();
        let even = b == 0.0 && c == 0.0 && scale == d && scale > 0.0;
        if !(even && x.is_finite() && y.is_finite()) {
            return Ok(None);
        }
        let mut units: Vec<NodeId> = scene.units().keys().copied().collect();
        units.sort_unstable();
        let texts =
            compile::pieces(document, scene, Units::Some(&units), scale, fonts, limits, budget)?;
        let mut sheet = Sheet::new(size, view, scale);
        for piece in texts.pieces {
            let PieceContent::Outlines(outlines) = &piece.content else { return Ok(None) };
            let order = scene.order(piece.unit).unwrap_or(u32::MAX);
            for (at, outline) in (0..).zip(outlines.iter()) {
                sheet.add(Shape::new(outline.clone(), (order, 0, at)));
            }
        }
        let area = view.inverse().transform_rect_bbox(Rect::new(
            0.0,
            0.0,
            f64::from(size.0),
            f64::from(size.1),
        ));
        for placed in Display::new(document, scene).all_outlines_in(area) {
            let order: Order = (placed.order.0, placed.order.1, 0);
            sheet.add(Shape::new(placed.outline, order));
        }
        sheet.shapes.sort_by_key(|shape| shape.order);
        Ok(Some(sheet))
    }
}

/// All that is to be painted, in the order of painting.
struct Sheet {
    size: (u32, u32),
    view: Affine,
    scale: f64,
    shapes: Vec<Shape>,
}

impl Sheet {
    fn new(size: (u32, u32), view: Affine, scale: f64) -> Sheet {
        Sheet { size, view, scale, shapes: Vec::new() }
    }

    /// Adds what can be seen.
    fn add(&mut self, shape: Shape) {
        let Rect { x0, y0, x1, y1 } = self.pixels(&shape);
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        if x1 >= 0.0 && y1 >= 0.0 && x0 <= width && y0 <= height {
            self.shapes.push(shape);
        }
    }

    /// Around all that may be painted, in pixels.
    fn pixels(&self, shape: &Shape) -> Rect {
        self.view.transform_rect_bbox(shape.outline.bounds).inflate(MARGIN, MARGIN)
    }

    /// What lies in each band.
    fn bands(&self, bands: usize) -> Vec<Vec<usize>> {
        let mut found = vec![Vec::new(); bands];
        for (at, shape) in self.shapes.iter().enumerate() {
            let Rect { y0, y1, .. } = self.pixels(shape);
            let band = |y: f64| (y / f64::from(SIZE)).clamp(0.0, bands as f64) as usize;
            for list in found.iter_mut().take(band(y1) + 1).skip(band(y0)) {
                list.push(at);
            }
        }
        found
    }

    fn paint(
        &self,
        options: &PngOptions,
        threads: usize,
        budget: &Budget,
    ) -> Result<Vec<u8>, Error> {
        let (width, height) = self.size;
        let ground = &options.background;
        let ground = [ground.red, ground.green, ground.blue, ground.alpha];
        let channels = if ground[3] == u8::MAX { 3 } else { 4 };
        let row = width as usize * channels;
        let mut pixels = vec![0; row * height as usize];
        let bands = (height as usize).div_ceil(usize::from(SIZE));
        let lists = self.bands(bands);
        let threads = threads.clamp(1, 8).min(bands / WORTH_A_THREAD + 1);
        let span = deep_span!(
            "paint",
            svgx.pixel.count = i64::from(width) * i64::from(height),
            svgx.painter = "vello",
        );
        let left = Mutex::new(pixels.chunks_mut(row * usize::from(SIZE)).zip(&lists).enumerate());
        let work = || {
            loop {
                let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((at, (band, list))) = next else { return Ok(()) };
                let painted = catch_unwind(AssertUnwindSafe(|| {
                    self.band(at * usize::from(SIZE), list, ground, band, budget)
                }));
                painted.unwrap_or_else(|_| Err(panicked()))?;
            }
        };
        std::thread::scope(|scope| {
            let mut others = Vec::new();
            for _ in 1..threads {
                let other = std::thread::Builder::new().name("picture".to_owned());
                // Where there is no thread, this one paints more.
                others.extend(other.spawn_scoped(scope, work).ok());
            }
            let mut done = work();
            for other in others {
                done = done.and(other.join().unwrap_or_else(|_| Err(panicked())));
            }
            done
        })?;
        drop(span);
        budget.checkpoint()?;
        let _span = deep_span!("png");
        let colour = if channels == 3 { png::ColorType::Rgb } else { png::ColorType::Rgba };
        encode(&pixels, (width, height), colour)
    }

    /// Paints the rows from `top` on.
    fn band(
        &self,
        top: usize,
        list: &[usize],
        ground: [u8; 4],
        band: &mut [u8],
        budget: &Budget,
    ) -> Result<(), Error> {
        budget.checkpoint()?;
        let [.., x, y] = self.view.as_coeffs();
        let width = self.size.0 as u16;
        let sides = Rect::new(0.0, 0.0, f64::from(width), f64::from(SIZE));
        painter::with(width, SIZE, |painter| {
            if ground[3] > 0 {
                painter.fill_rect(sides, Affine::IDENTITY, ground);
            }
            for (at, shape) in list.iter().filter_map(|&at| self.shapes.get(at)).enumerate() {
                if at % 64 == 63 {
                    budget.checkpoint()?;
                }
                let looked = shape.look(self.scale);
                shape.paint(&looked, painter, self.scale, (-x, top as f64 - y));
            }
            let painted = painter.finish();
            if ground[3] == u8::MAX {
                for (to, from) in
                    band.as_chunks_mut::<3>().0.iter_mut().zip(painted.as_chunks::<4>().0)
                {
                    to.copy_from_slice(&from[..3]);
                }
            } else {
                let rows = band.len().min(painted.len());
                let painted = painted.get(..rows).unwrap_or_default();
                band[..rows].copy_from_slice(&straight(painted));
            }
            Ok::<(), Error>(())
        })
    }
}

fn panicked() -> Error {
    Error::Renderer("the renderer panicked".to_owned())
}
