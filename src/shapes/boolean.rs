//! What outlines enclose together: union, intersection, difference, and what is in one of two only.

use crate::overlay::{self, Fill, Wanted};
use crate::{Answer, Error, MAX_VERTICES, Outline, Point, Vector, rebuild};

/// How closed outlines that cross themselves or each other enclose something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// What is gone round.
    #[default]
    NonZero,
    /// What is gone round an odd number of times.
    EvenOdd,
}

/// What is made of two regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// What is in one of them.
    Union,
    /// What is in both.
    Intersection,
    /// What is in the first and not in the second.
    Difference,
    /// What is in one of them only.
    Xor,
}

/// A connected piece of a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Around it, counter-clockwise.
    pub outer: Outline,
    /// What is not in it, clockwise.
    pub holes: Vec<Outline>,
}

/// Pieces that do not overlap. Made by [`region`], [`combine`] and [`unite`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    parts: Vec<Part>,
}

impl Region {
    /// The pieces.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The outlines: of each piece the outer one, then its holes.
    pub fn outlines(&self) -> impl Iterator<Item = &Outline> {
        self.parts.iter().flat_map(|part| std::iter::once(&part.outer).chain(&part.holes))
    }

    /// Its area in square micrometres.
    pub fn area(&self) -> f64 {
        self.outlines().map(Outline::area).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How often the outlines go round a point; 1 inside, 0 outside, for the tests of whoever stands on this.
    pub fn contains(&self, at: Vector) -> bool {
        self.outlines().map(|o| winding(o, at)).sum::<i32>() != 0
    }

    pub(crate) fn from_shapes(shapes: Vec<Vec<Outline>>) -> Region {
        let parts = shapes.into_iter().filter_map(|shape| {
            let mut rings = shape.into_iter();
            let outer = rings.next()?;
            let outer = if outer.area() < 0.0 { outer.reversed() } else { outer };
            let turn = |ring: Outline| if ring.area() > 0.0 { ring.reversed() } else { ring };
            Some(Part { outer, holes: rings.map(turn).collect() })
        });
        Region { parts: parts.collect() }
    }
}

/// How often a closed outline goes round a point that is not on it.
pub(crate) fn winding(outline: &Outline, at: Vector) -> i32 {
    let mut turns = 0.0;
    for edge in outline.edges() {
        let (a, b) = (edge.start() - at, edge.end() - at);
        turns += libm::atan2(a.cross(b), a.dot(b));
        if let crate::Edge::Arc { a: from, b: to, centre, radius, sweep, .. } = edge {
            // Between the chord and the arc: once round, in the direction of the arc.
            let side = (to - from).cross(at - from);
            let inside = (at - centre).length() < radius;
            let beyond = side * sweep < 0.0;
            let in_segment = inside && beyond;
            if in_segment {
                turns += sweep.signum() * std::f64::consts::TAU;
            }
        }
    }
    (turns / std::f64::consts::TAU).round() as i32
}

/// The region that closed outlines enclose together by a rule.
///
/// # Errors
/// [`Error::Open`], [`Error::TooMany`], [`Error::OutOfRange`].
pub fn region(outlines: &[Outline], rule: Rule) -> Result<Answer<Region>, Error> {
    if outlines.iter().any(|o| !o.is_closed()) {
        return Err(Error::Open);
    }
    if let [only] = outlines
        && is_simple(only)
    {
        let value = Region::from_shapes(vec![vec![only.clone()]]);
        return Ok(Answer { value, error_mm: 0.0 });
    }
    let fill = match rule {
        Rule::NonZero => Fill::NonZero,
        Rule::EvenOdd => Fill::EvenOdd,
    };
    let all: Vec<&Outline> = outlines.iter().collect();
    overlaid(&all, &[], Wanted::First, fill)
}

/// What is made of two regions.
///
/// # Errors
/// [`Error::TooMany`], [`Error::OutOfRange`].
pub fn combine(
    first: &Region,
    second: &Region,
    operation: Operation,
) -> Result<Answer<Region>, Error> {
    let wanted = match operation {
        Operation::Union => Wanted::Union,
        Operation::Intersection => Wanted::Intersection,
        Operation::Difference => Wanted::Difference,
        Operation::Xor => Wanted::Xor,
    };
    let one: Vec<&Outline> = first.outlines().collect();
    let two: Vec<&Outline> = second.outlines().collect();
    overlaid(&one, &two, wanted, Fill::NonZero)
}

/// The union of many regions at once.
///
/// # Errors
/// [`Error::TooMany`], [`Error::OutOfRange`].
pub fn unite(regions: &[Region]) -> Result<Answer<Region>, Error> {
    let all: Vec<&Outline> = regions.iter().flat_map(Region::outlines).collect();
    overlaid(&all, &[], Wanted::First, Fill::NonZero)
}

pub(crate) fn overlaid(
    first: &[&Outline],
    second: &[&Outline],
    wanted: Wanted,
    fill: Fill,
) -> Result<Answer<Region>, Error> {
    let seen: usize = first.iter().chain(second).map(|o| o.vertices().len()).sum();
    if seen > MAX_VERTICES {
        return Err(Error::TooMany { what: "vertices", limit: MAX_VERTICES, seen });
    }
    if !first.iter().chain(second).all(|o| o.is_straight()) {
        let found = rebuild::overlay(first, second, wanted, fill)?;
        let value = Region::from_shapes(found.shapes);
        return Ok(Answer { value, error_mm: found.error_mm });
    }
    let ring = |o: &&Outline| o.vertices().iter().map(|v| v.at).collect::<Vec<_>>().into_iter();
    let shapes = overlay::straight(first.iter().map(ring), second.iter().map(ring), wanted, fill);
    let shape = |shape: Vec<Vec<Point>>| {
        let mut rings = shape.into_iter();
        let outer = rings.next().and_then(|ring| Outline::polygon(ring).ok())?;
        let holes = rings.filter_map(|ring| Outline::polygon(ring).ok());
        Some(std::iter::once(outer).chain(holes).collect::<Vec<_>>())
    };
    let value = Region::from_shapes(shapes.into_iter().filter_map(shape).collect());
    // Each crossing is rounded once; rounding may move what it is a neighbour of by as much.
    Ok(Answer { value, error_mm: 2.0 * crate::answer::ROUNDING_MM })
}

/// Edges up to which all pairs of them are looked at: of more, an overlay is sooner done.
const FEW: usize = 24;
/// How far apart vertices may be for their products to fit: a kilometre.
const NEAR: i64 = 1_000_000_000;

/// Whether an outline is surely simple: a circle, or a few straight edges of which none touches another but
/// at the vertex between them. What is not looked at is not surely so.
fn is_simple(outline: &Outline) -> bool {
    if !outline.is_straight() {
        return outline.as_circle().is_some() && outline.vertices().len() == 2;
    }
    let vertices = outline.vertices();
    let Some(first) = vertices.first().map(|v| v.at).filter(|_| vertices.len() <= FEW) else {
        return false;
    };
    let ring: Vec<(i64, i64)> =
        vertices.iter().map(|v| (v.at.x - first.x, v.at.y - first.y)).collect();
    if ring.iter().any(|(x, y)| x.abs() > NEAR || y.abs() > NEAR) {
        return false;
    }
    let side = |a: (i64, i64), b: (i64, i64), c: (i64, i64)| {
        ((b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)).signum()
    };
    let edges: Vec<_> = ring.iter().copied().zip(ring.iter().copied().cycle().skip(1)).collect();
    let n = edges.len();
    edges.iter().enumerate().all(|(i, &(a, b))| {
        edges.iter().enumerate().skip(i + 1).all(|(j, &(c, d))| {
            if j == i + 1 || (i == 0 && j + 1 == n) {
                // Neighbours: they may not run back on each other.
                let (before, corner, behind) = if j == i + 1 { (a, b, d) } else { (c, a, b) };
                let back = (before.0 - corner.0) * (behind.0 - corner.0)
                    + (before.1 - corner.1) * (behind.1 - corner.1);
                return side(before, corner, behind) != 0 || back < 0;
            }
            let (p, q) = (side(a, b, c), side(a, b, d));
            let (r, s) = (side(c, d, a), side(c, d, b));
            // Apart by either line, strictly; both on one line are left to the overlay.
            (p * q > 0) || (r * s > 0)
        })
    })
}
