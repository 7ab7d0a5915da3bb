//! What outlines enclose together: union, intersection, difference, and what is in one of two only.

use crate::overlay::{self, Fill, Wanted};
use crate::simple::is_simple;
use crate::{Answer, Error, MAX_VERTICES, Outline, Point, Vector, crossings, rebuild};

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

    /// Pieces of which is known that they do not overlap, and that their outlines run the right way.
    pub(crate) fn of_parts(parts: Vec<Part>) -> Region {
        Region { parts }
    }

    /// Whether no edge is an arc.
    fn is_straight(&self) -> bool {
        self.outlines().all(Outline::is_straight)
    }

    /// The region of rings that an overlay answers.
    pub(crate) fn polygons(shapes: Vec<Vec<Vec<Point>>>) -> Region {
        let shape = |shape: Vec<Vec<Point>>| {
            let mut rings = shape.into_iter();
            let outer = rings.next().and_then(|ring| Outline::polygon(ring).ok())?;
            let holes = rings.filter_map(|ring| Outline::polygon(ring).ok());
            Some(std::iter::once(outer).chain(holes).collect::<Vec<_>>())
        };
        Region::from_shapes(shapes.into_iter().filter_map(shape).collect())
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
        let outer = if only.area() < 0.0 { only.reversed() } else { only.clone() };
        let value = Region::of_parts(vec![Part { outer, holes: Vec::new() }]);
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
    if first.is_straight()
        && second.is_straight()
        && let Some(answer) = crossings::pair(first, second, operation)
    {
        return Ok(answer);
    }
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
    let seen: usize = all.iter().map(|o| o.vertices().len()).sum();
    if regions.len() < MANY || seen > MAX_VERTICES || !all.iter().all(|o| o.is_straight()) {
        return overlaid(&all, &[], Wanted::First, Fill::NonZero);
    }
    if let Some(answer) = crossings::union(regions) {
        return Ok(answer);
    }
    // Neighbours first: an overlay of few edges is sooner done than its share of one of many, and what lies
    // inside of a group is out of the way of all others. Steps finer than a micrometre, so that the crossings
    // of groups are rounded to micrometres once, as their corners.
    let mut grouped = Vec::new();
    for group in neighbours(regions) {
        let outlines: Vec<&Outline> = group.iter().flat_map(|r| r.outlines()).collect();
        let shapes =
            overlay::straight(&outlines, &[], overlay::SCALE, Wanted::First, Fill::NonZero);
        let point = |p: Point| {
            let half = overlay::SCALE / 2;
            let whole = |n: i64| (n + half).div_euclid(overlay::SCALE);
            Point { x: whole(p.x), y: whole(p.y) }
        };
        let rings = shapes.into_iter().flatten();
        grouped.extend(rings.filter_map(|ring| Outline::polygon(ring.into_iter().map(point)).ok()));
    }
    let grouped: Vec<&Outline> = grouped.iter().collect();
    // Holes run the other way: what rounding turned over is none.
    let value =
        Region::polygons(overlay::straight(&grouped, &[], 1, Wanted::First, Fill::Positive));
    let steps = 3.0 + 2.0 / overlay::SCALE as f64;
    Ok(Answer { value, error_mm: steps * crate::answer::ROUNDING_MM })
}

/// Regions from which on neighbours are united before all are.
const MANY: usize = 64;
/// How many regions a group of neighbours has where they are spread evenly.
const GROUP: f64 = 4.0;

/// The regions by the cells of a grid over their first corners.
fn neighbours(regions: &[Region]) -> Vec<Vec<&Region>> {
    let corner = |r: &Region| r.parts.first()?.outer.vertices().first().map(|v| v.at.vector());
    let (mut low, mut high) = (Vector::new(f64::MAX, f64::MAX), Vector::new(f64::MIN, f64::MIN));
    for at in regions.iter().filter_map(corner) {
        (low.x, low.y) = (low.x.min(at.x), low.y.min(at.y));
        (high.x, high.y) = (high.x.max(at.x), high.y.max(at.y));
    }
    let side = (regions.len() as f64 / GROUP).sqrt().ceil().max(1.0);
    let cell = |n: f64, low: f64, high: f64| {
        let share = (n - low) / (high - low).max(1.0) * side;
        share.clamp(0.0, side - 1.0) as usize
    };
    let mut cells = vec![Vec::new(); (side * side) as usize];
    for region in regions {
        let Some(at) = corner(region) else { continue };
        let number = cell(at.y, low.y, high.y) * side as usize + cell(at.x, low.x, high.x);
        if let Some(cell) = cells.get_mut(number) {
            cell.push(region);
        }
    }
    cells.retain(|cell| !cell.is_empty());
    cells
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
    let value = Region::polygons(overlay::straight(first, second, 1, wanted, fill));
    // Each crossing is rounded once; rounding may move what it is a neighbour of by as much.
    Ok(Answer { value, error_mm: 2.0 * crate::answer::ROUNDING_MM })
}
