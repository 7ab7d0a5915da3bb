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

/// The width of a border in pixels below which more of it would be seen if its inside was painted over
/// it: at this width a sixteenth of a pixel too much, at the worst.
const THIN: f64 = 0.5;

/// A place in the order of painting: of the element, in the `use` that shows it, in the piece.
pub(crate) type Order = (u32, u32, u32);

/// An outline, and its lines as soon as somebody has made them.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) outline: Outline,
    /// Its place in the order of painting.
    pub(crate) order: Order,
    made: OnceLock<Arc<Made>>,
}

/// The lines of a shape, or that they are to be made.
#[derive(Debug)]
pub(crate) enum Looked<'k> {
    AtOnce(Lines),
    /// They were made before.
    Known(&'k Made),
    Unknown,
}

/// An outline in straight lines, in pixels from the origin of the drawing. The rasteriser would
/// flatten curves itself, more coarsely, and not the same in each tile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// What is filled; `None` where it is the outline as it is.
    fill: Option<Area>,
    /// What the stroke covers.
    stroke: Option<Area>,
    /// Whether the stroke is painted first whatever the outline says.
    stroke_first: bool,
}

impl Lines {
    fn of(outline: &Outline, scale: f64) -> Lines {
        let Outline { path, transform, fill, stroke, .. } = outline;
        let place = Affine::scale(scale) * *transform;
        let path = path.path();
        let is_made = fill.is_some() && is_worth_keeping(path.elements());
        let fill = is_made.then(|| Area::of(&path, place));
        let stroke = stroke.as_ref().map(|stroke| stroke::covered(&path, place, stroke));
        Lines { fill, stroke, stroke_first: false }
    }

    /// Of what drawings have most, upright rectangles and straight lines: they take no memory, and are
    /// made sooner than they would be found again.
    fn at_once(outline: &Outline, scale: f64) -> Option<Lines> {
        let Outline { path, transform, fill, stroke, stroke_first, .. } = outline;
        let [_, b, c, ..] = transform.as_coeffs();
        if b != 0.0 || c != 0.0 {
            return None;
        }
        let place = Affine::scale(scale) * *transform;
        let lines = match path {
            Curve::Rectangle(rect) => {
                let mut lines = Lines::of_rectangle(*rect, place, fill.is_some(), stroke.as_ref())?;
                let hides = |colour: Option<[u8; 4]>| colour.is_some_and(|c| c[3] == u8::MAX);
                let line = stroke.as_ref().map(|stroke| stroke.colour);
                if hides(*fill) && hides(line) && !stroke_first {
                    lines.lay_over();
                }
                lines
            }
            Curve::Path(path) if fill.is_none() => {
                let stroke = Area::Upright(stroke::of_upright_line(path, place, stroke.as_ref()?)?);
                Lines { fill: None, stroke: Some(stroke), stroke_first: false }
            }
            Curve::Path(_) => return None,
        };
        let finite = [&lines.fill, &lines.stroke].into_iter().flatten().all(Area::is_finite);
        finite.then_some(lines)
    }

    /// Of a rectangle with a plain border or none.
    fn of_rectangle(
        rect: Rect,
        place: Affine,
        is_filled: bool,
        stroke: Option<&Stroke>,
    ) -> Option<Lines> {
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
        Some(Lines { fill, stroke, stroke_first: false })
    }

    /// Of a rectangle whose fill and border hide what is below: the border is painted as all that it
    /// encloses, and the fill, without its hidden part, over it: rectangles are painted faster than rings,
    /// and nothing of the fill shows through the outer edge of the border.
    fn lay_over(&mut self) {
        let (Some(Area::Upright(fill)), Some(Area::Ring(outer, inner))) =
            (&mut self.fill, &self.stroke)
        else {
            return;
        };
        let (outer, inner) = (*outer, *inner);
        let gaps = [inner.x0 - outer.x0, inner.y0 - outer.y0];
        if gaps.iter().all(|gap| *gap >= THIN) {
            *fill = inner;
            self.stroke = Some(Area::Upright(outer));
            self.stroke_first = true;
        }
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
        Shape { outline, order, made: OnceLock::new() }
    }

    /// Its lines where the world is scaled by `scale`, if they are made at once.
    pub(crate) fn look(&self, scale: f64) -> Looked<'static> {
        Lines::at_once(&self.outline, scale).map_or(Looked::Unknown, Looked::AtOnce)
    }

    /// Paints it where the world is scaled by `scale` and `shift` (pixels) is taken off.
    pub(crate) fn paint(
        &self,
        looked: &Looked<'_>,
        painter: &mut Painter,
        scale: f64,
        (x, y): (f64, f64),
    ) {
        let Outline { path, transform, fill, even_odd, stroke, stroke_first, .. } = &self.outline;
        let lines = match looked {
            Looked::AtOnce(lines) => lines,
            Looked::Known(made) => &made.lines,
            Looked::Unknown => {
                let made = || Arc::new(Made::of(&self.outline, scale));
                &self.made.get_or_init(made).lines
            }
        };
        let stroke_first = *stroke_first || lines.stroke_first;
        for fills in [!stroke_first, stroke_first] {
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
    fn of(outline: &Outline, scale: f64) -> Made {
        let Outline { path, transform, stroke, .. } = outline;
        let lines = Lines::of(outline, scale);
        Made { path: path.clone(), place: *transform, stroke: stroke.clone(), lines }
    }

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
    /// Looks for the lines of shapes where the world is scaled by `scale`. What was made before is far away
    /// in memory: for each step all of them are asked for, so that they are waited for together.
    pub(crate) fn look_for<'p>(
        &'p self,
        shapes: &[Option<&'p Shape>],
        scale: f64,
    ) -> Vec<Looked<'p>> {
        let look = |shape: &Option<&'p Shape>| shape.map_or(Looked::Unknown, |s| s.look(scale));
        let mut looked: Vec<Looked<'_>> = shapes.iter().map(look).collect();
        let unknown = looked.iter_mut().zip(shapes).filter_map(|(looked, shape)| {
            let outline = &(*shape)?.outline;
            matches!(looked, Looked::Unknown).then(|| (looked, outline, hash(outline)))
        });
        let unknown: Vec<(&mut Looked<'p>, &Outline, u64)> = unknown.collect();
        let found =
            unknown.into_iter().map(|(l, outline, hash)| (l, outline, self.table.get(&hash)));
        let found: Vec<(&mut Looked<'p>, &Outline, Option<&Kept>)> = found.collect();
        for (looked, outline, kept) in found {
            if let Some(kept) = kept.filter(|kept| kept.made.is_of(outline)) {
                kept.used.store(self.now, Ordering::Relaxed);
                *looked = Looked::Known(&kept.made);
            }
        }
        looked
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
        let made = shapes.iter().filter_map(|shape| Some((&shape.outline, shape.made.get()?)));
        // What takes no memory is made again as soon as found.
        let mut made = made.filter(|(_, made)| made.lines.bytes() > 0).peekable();
        if made.peek().is_none() {
            return;
        }
        // It is copied where somebody draws with it at this moment.
        let table = Arc::make_mut(&mut self.known.table);
        for (outline, made) in made {
            self.bytes += made.bytes();
            let kept = Kept { made: Arc::clone(made), used: AtomicU64::new(self.known.now) };
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

/// Of an outline and its place.
fn hash(outline: &Outline) -> u64 {
    let of = match &outline.path {
        Curve::Path(path) => [Arc::as_ptr(path) as u64, 0, 0, 0],
        Curve::Rectangle(r) => [r.x0, r.y0, r.x1, r.y1].map(f64::to_bits),
    };
    FixedState::default().hash_one((of, outline.transform.as_coeffs().map(f64::to_bits)))
}
