//! What painting takes: steps and bytes, and the limits on both.

use kurbo::PathEl;
use resvg::tiny_skia::{Path, PathSegment, Transform};

use crate::document::Limits;

use super::{Error, Place};

/// Steps that any drawing may take, however small. A step is the work on one
/// pixel, about a nanosecond.
const BASE: u64 = 400_000_000;
/// Steps for each byte of what is drawn: a large plan may take longer than
/// two kilobytes that multiply themselves.
const FOR_BYTE: u64 = 4_000;
/// Steps for each pixel of the picture.
const FOR_PIXEL: u64 = 100;

/// Steps and bytes counted so far, and what they may come to.
#[derive(Clone, Debug)]
pub(super) struct Work {
    most_steps: u64,
    most_bytes: u64,
    steps: u64,
    /// Bytes held now.
    bytes: u64,
}

impl Work {
    /// Work on a picture of `size`, drawn from `written` bytes.
    pub(super) fn new(limits: &Limits, (width, height): (u32, u32), written: usize) -> Work {
        let pixels = u64::from(width) * u64::from(height);
        let most = BASE
            .saturating_add((written as u64).saturating_mul(FOR_BYTE))
            .saturating_add(pixels.saturating_mul(FOR_PIXEL));
        Work {
            most_steps: most.min(limits.paint_steps),
            most_bytes: limits.paint_bytes as u64,
            steps: 0,
            bytes: 0,
        }
    }

    /// Counts steps.
    pub(super) fn take(&mut self, steps: u64) -> Result<(), Error> {
        self.steps = self.steps.saturating_add(steps);
        passed("paint steps", self.most_steps, self.steps)
    }

    /// Counts bytes that are held from now on.
    pub(super) fn hold(&mut self, bytes: u64) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes);
        passed("paint bytes", self.most_bytes, self.bytes)
    }

    /// They are held no longer.
    pub(super) fn release(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

fn passed(limit: &'static str, max: u64, seen: u64) -> Result<(), Error> {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    match seen > max {
        true => Err(Error::Limit { limit, max: number(max), seen: number(seen), place: None }),
        false => Ok(()),
    }
}

impl Error {
    /// The same error, with the place of what caused it unless it has one.
    pub(super) fn at(self, found: impl FnOnce() -> Option<Place>) -> Error {
        match self {
            Error::Limit { limit, max, seen, place: None } => {
                Error::Limit { limit, max, seen, place: found() }
            }
            other => other,
        }
    }
}

/// How the pixels of a shape are found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ink {
    Colour,
    Gradient,
    Pattern,
}

impl Ink {
    /// Steps for a pixel.
    fn steps(self) -> f64 {
        match self {
            Ink::Colour => 3.5,
            Ink::Gradient => 10.0,
            Ink::Pattern => 50.0,
        }
    }
}

/// A line around or along a shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) width: f64,
    /// Dashes in one round of the pattern, and the length of a round.
    pub(super) dashes: Option<(f64, f64)>,
}

/// More dashes than this along one shape are drawn as none.
const DASHES: f64 = 1e6;

/// What an outline measures in pixels, from its control points.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    /// Pixels to a unit of the outline, and squared.
    scale: f64,
    square: f64,
    canvas: (f64, f64),
    points: f64,
    length: f64,
    /// Rows that edges cross, those beyond the picture left out.
    rows: f64,
    /// Of the boxes around its parts.
    area: f64,
    part: [f64; 4],
    all: [f64; 4],
    at: (f64, f64),
    start: (f64, f64),
}

const NOWHERE: [f64; 4] = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];

impl Outline {
    fn new(coefficients: [f64; 6], (width, height): (u32, u32)) -> Outline {
        let [a, b, c, d, ..] = coefficients;
        Outline {
            scale: a.hypot(b).max(c.hypot(d)),
            square: (a * d - b * c).abs(),
            canvas: (f64::from(width), f64::from(height)),
            points: 0.0,
            length: 0.0,
            rows: 0.0,
            area: 0.0,
            part: NOWHERE,
            all: NOWHERE,
            at: (0.0, 0.0),
            start: (0.0, 0.0),
        }
    }

    /// Of the renderer's path.
    pub(super) fn of(path: &Path, transform: Transform, canvas: (u32, u32)) -> Outline {
        let t = transform;
        let coefficients = [t.sx, t.ky, t.kx, t.sy, t.tx, t.ty].map(f64::from);
        let mut outline = Outline::new(coefficients, canvas);
        for segment in path.segments() {
            match segment {
                PathSegment::MoveTo(p) => outline.start(p.x.into(), p.y.into()),
                PathSegment::LineTo(p) => outline.go(p.x.into(), p.y.into()),
                PathSegment::QuadTo(a, p) => {
                    outline.go(a.x.into(), a.y.into());
                    outline.go(p.x.into(), p.y.into());
                }
                PathSegment::CubicTo(a, b, p) => {
                    outline.go(a.x.into(), a.y.into());
                    outline.go(b.x.into(), b.y.into());
                    outline.go(p.x.into(), p.y.into());
                }
                PathSegment::Close => outline.close(),
            }
        }
        outline.finish(coefficients)
    }

    /// Of a scene's outline.
    pub(super) fn of_elements(
        elements: &[PathEl],
        coefficients: [f64; 6],
        canvas: (u32, u32),
    ) -> Outline {
        let mut outline = Outline::new(coefficients, canvas);
        for element in elements {
            match *element {
                PathEl::MoveTo(p) => outline.start(p.x, p.y),
                PathEl::LineTo(p) => outline.go(p.x, p.y),
                PathEl::QuadTo(a, p) => {
                    outline.go(a.x, a.y);
                    outline.go(p.x, p.y);
                }
                PathEl::CurveTo(a, b, p) => {
                    outline.go(a.x, a.y);
                    outline.go(b.x, b.y);
                    outline.go(p.x, p.y);
                }
                PathEl::ClosePath => outline.close(),
            }
        }
        outline.finish(coefficients)
    }

    fn start(&mut self, x: f64, y: f64) {
        self.end_part();
        self.points += 1.0;
        self.at = (x, y);
        self.start = (x, y);
        self.part = [x, y, x, y];
    }

    fn go(&mut self, x: f64, y: f64) {
        self.points += 1.0;
        let length = (x - self.at.0).hypot(y - self.at.1) * self.scale;
        self.length += length;
        self.rows += length.min(self.canvas.1 + self.canvas.0);
        self.at = (x, y);
        let [x0, y0, x1, y1] = self.part;
        self.part = [x0.min(x), y0.min(y), x1.max(x), y1.max(y)];
    }

    fn close(&mut self) {
        self.go(self.start.0, self.start.1);
    }

    fn end_part(&mut self) {
        let [x0, y0, x1, y1] = self.part;
        if x0 <= x1 {
            self.area += (x1 - x0) * (y1 - y0) * self.square;
            let [a0, b0, a1, b1] = self.all;
            self.all = [a0.min(x0), b0.min(y0), a1.max(x1), b1.max(y1)];
        }
    }

    fn finish(mut self, [a, b, c, d, e, f]: [f64; 6]) -> Outline {
        self.end_part();
        let [x0, y0, x1, y1] = self.all;
        let mut all = NOWHERE;
        for (x, y) in [(x0, y0), (x1, y0), (x0, y1), (x1, y1)] {
            let (x, y) = (a * x + c * y + e, b * x + d * y + f);
            all = [all[0].min(x), all[1].min(y), all[2].max(x), all[3].max(y)];
        }
        self.all = all;
        self
    }

    /// Pixels of the picture inside the box, which grows by `more`.
    fn seen(&self, more: f64) -> f64 {
        let [x0, y0, x1, y1] = self.all;
        let side = |from: f64, to: f64, most: f64| {
            let length = (to + more).min(most) - (from - more).max(0.0);
            // Not a number: beyond all bounds.
            if length.is_nan() { most } else { length.max(0.0) }
        };
        side(x0, x1, self.canvas.0) * side(y0, y1, self.canvas.1)
    }

    /// Steps to fill it.
    pub(super) fn fill(&self, ink: Ink) -> u64 {
        let seen = self.seen(1.0);
        let rows = if seen > 0.0 { self.rows } else { 0.0 };
        count(1_500.0 + self.points * 100.0 + rows * 20.0 + self.area.min(seen) * ink.steps())
    }

    /// Steps and bytes to draw a line along it.
    pub(super) fn stroke(&self, line: Line, ink: Ink) -> (u64, u64) {
        let width = line.width * self.scale;
        let seen = self.seen(width * 4.0 + 1.0);
        let rows = if seen > 0.0 { self.rows * 2.0 } else { 0.0 };
        let area = (self.length * (width + 2.0)).min(seen);
        let dashes = line.dashes.map_or(0.0, |(dashes, round)| {
            (self.length * dashes / (round * self.scale)).min(DASHES)
        });
        let steps = 2_500.0 + self.points * 400.0 + dashes * 400.0 + rows * 20.0;
        let bytes = self.points * 100.0 + dashes * 250.0;
        (count(steps + area * ink.steps()), count(bytes))
    }
}

/// Not a number counts as beyond all bounds.
fn count(n: f64) -> u64 {
    if n.is_nan() { u64::MAX } else { n as u64 }
}
