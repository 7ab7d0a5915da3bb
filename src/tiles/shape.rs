//! Outlines at a zoom: strokes become outlines once.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use foldhash::fast::FixedState;
use kurbo::{Affine, PathEl, Rect};
use svgx_engine::compile::{Outline, Stroke};
use svgx_engine::geometry::{Curve, Join};

use crate::area::{Area, is_curve};
use crate::painter::Painter;
use crate::stroke;

/// A place in the order of painting: of the element, in the `use` that shows it, in the piece.
pub(crate) type Order = (u32, u32, u32);

/// An outline, and its lines as soon as somebody has made them.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) outline: Outline,
    /// Its place in the order of painting.
    pub(crate) order: Order,
    lines: OnceLock<Found>,
}

/// The lines of a shape.
#[derive(Debug)]
enum Found {
    /// They were made before.
    Known(Arc<Made>),
    New(Lines),
}

/// An outline in straight lines, in pixels from the origin of the drawing. The rasteriser would
/// flatten curves itself, more coarsely, and not the same in each tile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// What is filled; `None` where it is the outline as it is.
    fill: Option<Area>,
    /// What the stroke covers.
    stroke: Option<Area>,
}

impl Lines {
    fn of(outline: &Outline, scale: f64) -> Lines {
        let Outline { path, transform, fill, stroke, .. } = outline;
        let place = Affine::scale(scale) * *transform;
        if let Curve::Rectangle(rect) = path
            && let Some(lines) = Lines::of_rectangle(*rect, place, fill.is_some(), stroke.as_ref())
        {
            return lines;
        }
        let path = path.path();
        let is_made = fill.is_some() && is_worth_keeping(path.elements());
        let fill = is_made.then(|| Area::of(&path, place));
        let stroke = stroke.as_ref().map(|stroke| stroke::covered(&path, place, stroke));
        Lines { fill, stroke }
    }

    /// Of a rectangle that stays upright, with a plain border or none: what drawings have most.
    fn of_rectangle(
        rect: Rect,
        place: Affine,
        is_filled: bool,
        stroke: Option<&Stroke>,
    ) -> Option<Lines> {
        let [_, b, c, ..] = place.as_coeffs();
        if b != 0.0 || c != 0.0 {
            return None;
        }
        let shown = |rect: Rect| place.transform_rect_bbox(rect);
        let stroke = match stroke {
            None => None,
            Some(stroke) => {
                let border = rect.abs();
                let sharp = stroke.join == Join::Miter && stroke.miter >= std::f64::consts::SQRT_2;
                let plain = sharp && stroke.dash.is_empty();
                if !plain || border.width() <= 0.0 || border.height() <= 0.0 {
                    return None;
                }
                let half = stroke.width / 2.0;
                let (outer, inner) = (border.inflate(half, half), border.inflate(-half, -half));
                let is_open = inner.x0 < inner.x1 && inner.y0 < inner.y1;
                Some(match is_open {
                    true => Area::Ring(shown(outer), shown(inner)),
                    false => Area::Upright(shown(outer)),
                })
            }
        };
        let fill = is_filled.then(|| Area::Upright(shown(rect)));
        let finite = [&fill, &stroke].into_iter().flatten().all(Area::is_finite);
        finite.then_some(Lines { fill, stroke })
    }

    fn bytes(&self) -> usize {
        [&self.fill, &self.stroke].into_iter().flatten().map(Area::bytes).sum()
    }
}

/// Whether a fill is more than the outline as it is: it has curves, or may be a rectangle.
fn is_worth_keeping(path: &[PathEl]) -> bool {
    path.len() <= 6 || path.iter().any(is_curve)
}

impl Shape {
    pub(crate) fn new(outline: Outline, order: Order) -> Shape {
        Shape { outline, order, lines: OnceLock::new() }
    }

    /// Its lines, if they were made for it and take memory.
    fn worth_keeping(&self) -> Option<(&Outline, &Lines)> {
        match self.lines.get()? {
            Found::New(lines) if lines.bytes() > 0 => Some((&self.outline, lines)),
            _ => None,
        }
    }

    /// Paints it where the world is scaled by `scale` and `shift` (pixels) is taken off.
    pub(crate) fn paint(
        &self,
        painter: &mut Painter,
        known: &KnownLines,
        scale: f64,
        (x, y): (f64, f64),
    ) {
        let Outline { path, transform, fill, even_odd, stroke, stroke_first, .. } = &self.outline;
        let found = self.lines.get_or_init(|| match known.find(&self.outline) {
            Some(made) => Found::Known(made),
            None => Found::New(Lines::of(&self.outline, scale)),
        });
        let lines = match found {
            Found::Known(made) => &made.lines,
            Found::New(lines) => lines,
        };
        for fills in [!stroke_first, *stroke_first] {
            match (fills, fill, stroke, &lines.stroke) {
                (true, Some(colour), ..) => match &lines.fill {
                    Some(area) => area.paint(painter, (x, y), *even_odd, *colour),
                    None => {
                        let place = Affine::translate((-x, -y)) * Affine::scale(scale) * *transform;
                        painter.fill(&path.path(), place, *even_odd, *colour);
                    }
                },
                (false, _, Some(stroke), Some(area)) => {
                    area.paint(painter, (x, y), false, stroke.colour);
                }
                _ => {}
            }
        }
    }
}

/// Lines that were made before at one zoom.
#[derive(Debug, Default)]
pub(crate) struct Strokes {
    known: KnownLines,
    bytes: usize,
}

/// The same for those who draw: looking them up waits for memory, and threads wait side by side.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownLines {
    /// By a hash of the outline and its place: a small table stays near to the processor.
    table: Arc<HashMap<u64, Kept, FixedState>>,
    /// The round of use.
    now: u64,
}

#[derive(Debug)]
struct Kept {
    made: Arc<Made>,
    /// The last round that used it.
    used: AtomicU64,
}

impl Clone for Kept {
    fn clone(&self) -> Kept {
        let used = AtomicU64::new(self.used.load(Ordering::Relaxed));
        Kept { made: Arc::clone(&self.made), used }
    }
}

/// Lines with what they were made of.
#[derive(Debug)]
pub(crate) struct Made {
    /// It is held, so that its address is no other's.
    path: Curve,
    place: Affine,
    stroke: Option<Stroke>,
    lines: Lines,
}

impl Made {
    fn is_of(&self, outline: &Outline) -> bool {
        let Made { path, place, stroke, lines } = self;
        let is_path = match (path, &outline.path) {
            (Curve::Path(known), Curve::Path(path)) => Arc::ptr_eq(known, path),
            (Curve::Rectangle(known), Curve::Rectangle(rectangle)) => known == rectangle,
            _ => false,
        };
        // Its colour does not matter to where it is.
        let is_stroked = match (&outline.stroke, stroke) {
            (None, _) => true,
            (Some(wanted), Some(known)) => known.is_along(wanted),
            (Some(_), None) => false,
        };
        is_path
            && *place == outline.transform
            && is_stroked
            && (outline.fill.is_none()
                || lines.fill.is_some()
                || !is_worth_keeping(&outline.path.elements()))
    }

    fn bytes(&self) -> usize {
        self.lines.bytes() + self.path.bytes() + size_of::<Made>() + size_of::<(u64, Kept)>()
    }
}

impl KnownLines {
    fn find(&self, outline: &Outline) -> Option<Arc<Made>> {
        if takes_nothing(outline) {
            return None;
        }
        let kept = self.table.get(&hash(outline)).filter(|kept| kept.made.is_of(outline))?;
        kept.used.store(self.now, Ordering::Relaxed);
        Some(Arc::clone(&kept.made))
    }
}

impl Strokes {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Begins another round of use.
    pub(crate) fn begin(&mut self) -> KnownLines {
        self.known.now += 1;
        self.known.clone()
    }

    /// Keeps what was made of shapes.
    pub(crate) fn keep_all(&mut self, shapes: &[Shape]) {
        let made = shapes.iter().filter_map(Shape::worth_keeping);
        let mut made = made.peekable();
        if made.peek().is_none() {
            return;
        }
        // It is copied where somebody draws with it at this moment.
        let table = Arc::make_mut(&mut self.known.table);
        for (outline, lines) in made {
            let Outline { path, transform, stroke, .. } = outline;
            let made = Made {
                path: path.clone(),
                place: *transform,
                stroke: stroke.clone(),
                lines: lines.clone(),
            };
            self.bytes += made.bytes();
            let kept = Kept { made: Arc::new(made), used: AtomicU64::new(self.known.now) };
            if let Some(old) = table.insert(hash(outline), kept) {
                self.bytes -= old.made.bytes();
            }
        }
    }

    /// Forgets what was not used of late, until at most `most` bytes are left.
    pub(crate) fn shrink(&mut self, most: usize) {
        if self.bytes <= most {
            return;
        }
        let table = Arc::make_mut(&mut self.known.table);
        let mut age = 64;
        while self.bytes > most {
            let oldest = self.known.now.saturating_sub(age);
            let bytes = &mut self.bytes;
            table.retain(|_, kept| {
                let stays = age > 0 && kept.used.load(Ordering::Relaxed) >= oldest;
                if !stays {
                    *bytes -= kept.made.bytes();
                }
                stays
            });
            if age == 0 {
                break;
            }
            age /= 4;
        }
    }
}

/// Whether its lines may be ones that take no memory: they are never kept.
fn takes_nothing(outline: &Outline) -> bool {
    let [_, b, c, ..] = outline.transform.as_coeffs();
    let is_whole = outline.stroke.as_ref().is_none_or(|stroke| stroke.dash.is_empty());
    matches!(outline.path, Curve::Rectangle(_)) && b == 0.0 && c == 0.0 && is_whole
}

/// Of an outline and its place.
fn hash(outline: &Outline) -> u64 {
    let of = match &outline.path {
        Curve::Path(path) => [Arc::as_ptr(path) as u64, 0, 0, 0],
        Curve::Rectangle(r) => [r.x0, r.y0, r.x1, r.y1].map(f64::to_bits),
    };
    FixedState::default().hash_one((of, outline.transform.as_coeffs().map(f64::to_bits)))
}
