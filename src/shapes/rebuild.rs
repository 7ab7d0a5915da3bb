//! Outlines with arcs through an overlay of straight edges, and back: arcs become chords that remember which
//! arc they are of; what comes out is put together again, and where two curves cross, the place is computed
//! from the curves and not from their chords.

use std::collections::{HashMap, HashSet};

use crate::carrier::TOUCH;
use crate::edge::wrapped;
use crate::overlay::{self, Fill, Labelled, SCALE, Wanted};
use crate::{Carrier, Edge, Error, MAX_VERTICES, Outline, Point, Vector, Vertex, flatten};

/// How far the chords may be from their arcs: a micrometre, and more of circles that would take more than
/// 4096 chords.
const TOLERANCE: f64 = 1.0;

/// What an overlay of outlines answers.
pub(crate) struct Overlaid {
    /// Shapes: the outer ring, then its holes.
    pub(crate) shapes: Vec<Vec<Outline>>,
    pub(crate) error_mm: f64,
}

/// The edges of the outlines, cut into chords.
#[derive(Default)]
struct Sources {
    carriers: Vec<Carrier>,
    circles: HashMap<[i64; 3], u32>,
    corners: HashSet<Point>,
    /// The largest distance between a chord and its arc.
    sagitta: f64,
    edges: usize,
}

impl Sources {
    fn cut(&mut self, outlines: &[&Outline]) -> Result<Vec<Labelled>, Error> {
        let mut chords = Vec::new();
        for outline in outlines {
            for vertex in outline.vertices() {
                self.corners.insert(scaled(vertex.at));
            }
            let ends = outline.vertices().iter().map(|v| v.at);
            let next = ends.clone().cycle().skip(1);
            for ((a, b), edge) in ends.zip(next).zip(outline.edges()) {
                let label = self.label(&edge);
                let mut from = scaled(a);
                let mut add = |to: Point| {
                    if to != from {
                        chords.push(Labelled { a: from, b: to, label });
                        from = to;
                    }
                };
                if let Edge::Arc { centre, radius, start, sweep, .. } = edge {
                    let count = flatten::chords(radius, TOLERANCE);
                    self.sagitta = self.sagitta.max(flatten::sagitta(radius, count));
                    let step = std::f64::consts::TAU / count as f64;
                    let (low, high) = (start.min(start + sweep), start.max(start + sweep));
                    // Whole steps of the circle, well inside of the arc.
                    let first = (low / step + 0.1).ceil() as i64;
                    let last = (high / step - 0.1).floor() as i64;
                    let place = |n: i64| {
                        let angle = n.rem_euclid(count as i64) as f64 * step;
                        let at = (centre + Vector::at_angle(angle) * radius) * SCALE as f64;
                        Point { x: at.x.round() as i64, y: at.y.round() as i64 }
                    };
                    match sweep > 0.0 {
                        true => (first..=last).for_each(|n| add(place(n))),
                        false => (first..=last).rev().for_each(|n| add(place(n))),
                    }
                }
                add(scaled(b));
                let seen = chords.len() + self.edges;
                if seen > MAX_VERTICES {
                    let what = "chords of arcs";
                    return Err(Error::TooMany { what, limit: MAX_VERTICES, seen });
                }
            }
        }
        self.edges += chords.len();
        Ok(chords)
    }

    fn label(&mut self, edge: &Edge) -> u32 {
        let next = self.carriers.len() as u32;
        let carrier = edge.carrier();
        if let Carrier::Circle { centre, radius } = carrier {
            let key = [centre.x, centre.y, radius].map(|n| n.round() as i64);
            let known = *self.circles.entry(key).or_insert(next);
            if known != next {
                return known;
            }
        }
        self.carriers.push(carrier);
        next
    }

    fn carrier(&self, label: u32) -> Option<&Carrier> {
        self.carriers.get(label as usize)
    }
}

fn scaled(p: Point) -> Point {
    Point { x: p.x * SCALE, y: p.y * SCALE }
}

fn unscaled(p: Point) -> Vector {
    p.vector() * (1.0 / SCALE as f64)
}

/// Overlays outlines, all of them closed.
///
/// # Errors
/// [`Error::TooMany`], [`Error::OutOfRange`].
pub(crate) fn overlay(
    first: &[&Outline],
    second: &[&Outline],
    wanted: Wanted,
    fill: Fill,
) -> Result<Overlaid, Error> {
    let mut sources = Sources::default();
    let one = sources.cut(first)?;
    let two = sources.cut(second)?;
    let found = overlay::labelled(&one, &two, wanted, fill);
    let mut overlaid =
        Overlaid { shapes: Vec::new(), error_mm: (2.0 * TOUCH) / 1e3 + crate::answer::ROUNDING_MM };
    for shape in found {
        let mut rings = Vec::new();
        for (number, ring) in shape.iter().enumerate() {
            match whole(ring, &sources) {
                Some((outline, exact)) => {
                    if !exact {
                        let chords = (sources.sagitta + TOUCH) / 1e3;
                        overlaid.error_mm = overlaid.error_mm.max(chords + 0.001);
                    }
                    rings.push(outline);
                }
                // A part that is thinner than rounding is none, and its holes are none either.
                None if number == 0 => break,
                None => {}
            }
        }
        if !rings.is_empty() {
            overlaid.shapes.push(rings);
        }
    }
    Ok(overlaid)
}

/// A ring with its arcs, and whether they could be put back; `None` where it encloses nothing.
fn whole(ring: &[Labelled], sources: &Sources) -> Option<(Outline, bool)> {
    let flat: Vec<Vector> = ring.iter().map(|e| unscaled(e.a)).collect();
    let about = *flat.first()?;
    let next = flat.iter().cycle().skip(1);
    let pairs = flat.iter().zip(next);
    let (mut double, mut length) = (0.0, 0.0);
    for (a, b) in pairs {
        double += (*a - about).cross(*b - about);
        length += (*b - *a).length();
    }
    let area = double / 2.0;
    if area.abs() <= TOUCH * length {
        return None;
    }
    // Chords and arcs are nowhere farther apart than the one that is farthest.
    let slack = length * (sources.sagitta + 2.0 * TOUCH) + 16.0;
    let rebuilt = rebuilt(ring, sources)
        .filter(|outline| (outline.area() - area).abs() <= slack)
        .filter(|outline| outline.area().signum() == area.signum());
    if let Some(outline) = rebuilt {
        return Some((outline, true));
    }
    let points = flat.iter().filter_map(|&v| Point::nearest(v).ok());
    Some((Outline::polygon(points).ok()?, false))
}

/// A stretch of the ring on one line or circle.
struct Run {
    label: u32,
    /// The vertices of its chords, the last one too.
    points: Vec<Vector>,
    /// The first of them as the overlay has it.
    from: Point,
}

fn rebuilt(ring: &[Labelled], sources: &Sources) -> Option<Outline> {
    let runs = runs(ring);
    let count = runs.len();
    // Where each run begins.
    let mut joints = Vec::with_capacity(count);
    for (at, run) in runs.iter().enumerate() {
        let before = runs.get((at + count - 1) % count)?;
        let place = unscaled(run.from);
        let corner = sources.corners.contains(&run.from) || before.label == run.label;
        joints.push(match corner {
            true => place,
            false => joint(place, sources.carrier(before.label)?, sources.carrier(run.label)?),
        });
    }
    let mut vertices = Vec::with_capacity(count);
    for (at, run) in runs.iter().enumerate() {
        let (from, to) = (*joints.get(at)?, *joints.get((at + 1) % count)?);
        let bulge = match *sources.carrier(run.label)? {
            Carrier::Line { .. } => 0.0,
            Carrier::Circle { centre, radius } => {
                let angle = |v: Vector| (v - centre).angle();
                let turns = run.points.windows(2).map(|pair| match pair {
                    [a, b] => wrapped(angle(*b) - angle(*a)),
                    _ => 0.0,
                });
                let about: f64 = turns.sum();
                let sweep = about + wrapped(angle(to) - angle(from) - about);
                if (radius * sweep).abs() < TOUCH || count == 1 {
                    0.0
                } else {
                    libm::tan(sweep / 4.0)
                }
            }
        };
        vertices.push(Vertex { at: Point::nearest(from).ok()?, bulge });
    }
    let outline = Outline::new(vertices, true).ok()?;
    Some(straightened(&outline))
}

/// The ring as runs of one label. A ring that is one run, a circle, is halved.
fn runs(ring: &[Labelled]) -> Vec<Run> {
    let before = |at: usize| ring.get((at + ring.len() - 1) % ring.len()).map(|e| e.label);
    let changes = |at: &usize| before(*at) != ring.get(*at).map(|e| e.label);
    let start = (0..ring.len()).find(changes);
    let halves = start.is_none();
    let start = start.unwrap_or(0);
    let mut runs: Vec<Run> = Vec::new();
    for step in 0..ring.len() {
        let Some(edge) = ring.get((start + step) % ring.len()) else { break };
        match runs.last_mut() {
            Some(run) if run.label == edge.label && !(halves && step == ring.len() / 2) => {
                run.points.push(unscaled(edge.b));
            }
            _ => runs.push(Run {
                label: edge.label,
                points: vec![unscaled(edge.a), unscaled(edge.b)],
                from: edge.a,
            }),
        }
    }
    runs
}

/// Where two curves cross, near the place where their chords do.
fn joint(place: Vector, before: &Carrier, behind: &Carrier) -> Vector {
    let radius = |c: &Carrier| match c {
        Carrier::Line { .. } => 0.0,
        Carrier::Circle { radius, .. } => *radius,
    };
    // Chords of curves that touch cross as far away as a chord is long.
    let reach = 4.0 + 3.0 * (2.0 * TOLERANCE * radius(before).max(radius(behind))).sqrt();
    let away = |v: &Vector| (*v - place).length();
    let crossing = before.meet(behind).into_iter().min_by(|a, b| away(a).total_cmp(&away(b)));
    match crossing {
        Some(at) if away(&at) <= reach => at,
        // They lie on each other: any place on both will do.
        _ if radius(before) > 0.0 => before.foot(place),
        _ => behind.foot(place),
    }
}

/// Without corners at which a line goes straight on.
pub(crate) fn straightened(outline: &Outline) -> Outline {
    let vertices = outline.vertices();
    let n = vertices.len();
    let goes_on = |at: usize| {
        if !outline.is_closed() && (at == 0 || at + 1 == n) {
            return false;
        }
        let (Some(a), Some(b), Some(c)) =
            (vertices.get((at + n - 1) % n), vertices.get(at), vertices.get((at + 1) % n))
        else {
            return false;
        };
        let wide = |p: i64, q: i64| i128::from(p) - i128::from(q);
        let cross = wide(b.at.x, a.at.x) * wide(c.at.y, a.at.y)
            - wide(b.at.y, a.at.y) * wide(c.at.x, a.at.x);
        let ahead = wide(b.at.x, a.at.x) * wide(c.at.x, b.at.x)
            + wide(b.at.y, a.at.y) * wide(c.at.y, b.at.y);
        a.bulge == 0.0 && b.bulge == 0.0 && cross == 0 && ahead > 0
    };
    let kept: Vec<Vertex> =
        (0..n).filter(|&at| !goes_on(at)).filter_map(|at| vertices.get(at).copied()).collect();
    Outline::new(kept, outline.is_closed()).unwrap_or_else(|_| outline.clone())
}
