//! The one file that knows the crate `i_overlay`: overlays of straight edges in whole numbers.
//!
//! It does not check coordinates: whoever calls holds them within [`crate::LIMIT`] times [`SCALE`], which is
//! far inside of its range of 2^62. What is within 2^30 of its own middle, as almost every drawing is, goes
//! through the engine of 32 bits: the same answers by narrower products.

use std::cell::Cell;

use i_overlay::core::edge_data::{EdgeDataMerge, OverlayEdgeData};
use i_overlay::core::edge_overlay::{EdgeOverlay, InputEdge};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::integer::OverlayInt;
use i_overlay::core::overlay::{IntOverlayOptions, Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;
use i_overlay::segm::boolean::ShapeCountBoolean;

use crate::{Outline, Point};

/// The narrow engine takes coordinates below this: a bit is left over.
const NARROW: i64 = 1 << 29;
/// Edges up to which a thread keeps the buffers of an overlay for the next one.
const KEPT: usize = 4_096;

/// Steps of a micrometre in overlays of chords, so that rounding the chords costs nothing.
pub(crate) const SCALE: i64 = 16;

/// What counts as inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    EvenOdd,
    NonZero,
    Positive,
}

/// What is asked of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The first side alone.
    First,
    Union,
    Intersection,
    Difference,
    Xor,
}

/// A directed edge with the number of what it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Labelled {
    pub(crate) a: Point,
    pub(crate) b: Point,
    pub(crate) label: u32,
}

#[derive(Clone, Copy, PartialEq)]
struct Label(u32);

impl OverlayEdgeData for Label {
    type Store = ();

    fn merge(both: EdgeDataMerge<ShapeCountBoolean, Self>, (): &mut ()) -> Self {
        Label(both.lhs_data.0.min(both.rhs_data.0))
    }
}

fn rule(wanted: Wanted) -> OverlayRule {
    match wanted {
        Wanted::First => OverlayRule::Subject,
        Wanted::Union => OverlayRule::Union,
        Wanted::Intersection => OverlayRule::Intersect,
        Wanted::Difference => OverlayRule::Difference,
        Wanted::Xor => OverlayRule::Xor,
    }
}

fn fill_rule(fill: Fill) -> FillRule {
    match fill {
        Fill::EvenOdd => FillRule::EvenOdd,
        Fill::NonZero => FillRule::NonZero,
        Fill::Positive => FillRule::Positive,
    }
}

thread_local! {
    /// Many overlays are of a few edges: their buffers are what costs.
    static NARROW_KEPT: Cell<Option<Overlay<i32>>> = const { Cell::new(None) };
}

/// An integer of one of the two engines.
trait Whole: OverlayInt {
    fn of(n: i64) -> Self;
    fn wide(self) -> i64;
}

impl Whole for i32 {
    fn of(n: i64) -> i32 {
        n as i32
    }

    fn wide(self) -> i64 {
        i64::from(self)
    }
}

impl Whole for i64 {
    fn of(n: i64) -> i64 {
        n
    }

    fn wide(self) -> i64 {
        self
    }
}

/// The middle of the points, if they are near enough to it for the narrow engine.
fn narrow(points: impl Iterator<Item = Point>) -> Option<Point> {
    let far = |n: i64| (n, n);
    let mut boxed: Option<((i64, i64), (i64, i64))> = None;
    for p in points {
        let ((x0, x1), (y0, y1)) = boxed.unwrap_or((far(p.x), far(p.y)));
        boxed = Some(((x0.min(p.x), x1.max(p.x)), (y0.min(p.y), y1.max(p.y))));
    }
    let ((x0, x1), (y0, y1)) = boxed?;
    let fits = x1 - x0 < 2 * NARROW && y1 - y0 < 2 * NARROW;
    fits.then_some(Point { x: x0 + (x1 - x0) / 2, y: y0 + (y1 - y0) / 2 })
}

/// From points to those of an engine about a middle, and back.
#[derive(Clone, Copy)]
struct About(Point);

impl About {
    fn int<I: Whole>(self, p: Point) -> IntPoint<I> {
        IntPoint { x: I::of(p.x - self.0.x), y: I::of(p.y - self.0.y) }
    }

    fn point<I: Whole>(self, p: IntPoint<I>) -> Point {
        Point { x: p.x.wide() + self.0.x, y: p.y.wide() + self.0.y }
    }
}

/// Overlays closed outlines of straight edges, all of whose coordinates are first multiplied by `scale`.
/// Answers shapes in what they were multiplied to: the outer ring counter-clockwise, then its holes.
pub(crate) fn straight(
    first: &[&Outline],
    second: &[&Outline],
    scale: i64,
    wanted: Wanted,
    fill: Fill,
) -> Vec<Vec<Vec<Point>>> {
    let point = |p: Point| Point { x: p.x * scale, y: p.y * scale };
    let vertices = first.iter().chain(second).flat_map(|o| o.vertices());
    let edges: usize = first.iter().chain(second).map(|o| o.vertices().len()).sum();
    match narrow(vertices.map(|v| point(v.at))) {
        Some(middle) => {
            let kept = NARROW_KEPT.take();
            let ogc = IntOverlayOptions::ogc();
            let fresh = || Overlay::<i32>::new_custom(edges, ogc, Default::default());
            let mut overlay = kept.unwrap_or_else(fresh);
            let found = rings(&mut overlay, About(middle), [first, second], scale, wanted, fill);
            if edges <= KEPT {
                NARROW_KEPT.set(Some(overlay));
            }
            found
        }
        None => {
            let ogc = IntOverlayOptions::ogc();
            let mut overlay = Overlay::<i64>::new_custom(edges, ogc, Default::default());
            let about = About(Point::default());
            rings(&mut overlay, about, [first, second], scale, wanted, fill)
        }
    }
}

fn rings<I: Whole>(
    overlay: &mut Overlay<I>,
    about: About,
    sides: [&[&Outline]; 2],
    scale: i64,
    wanted: Wanted,
    fill: Fill,
) -> Vec<Vec<Vec<Point>>> {
    overlay.clear();
    for (outlines, side) in sides.into_iter().zip([ShapeType::Subject, ShapeType::Clip]) {
        for outline in outlines {
            let points = outline
                .vertices()
                .iter()
                .map(|v| about.int(Point { x: v.at.x * scale, y: v.at.y * scale }));
            overlay.add_path_iter(points, side);
        }
    }
    let ring = |ring: Vec<IntPoint<I>>| ring.into_iter().map(|p| about.point(p)).collect();
    let shapes = overlay.overlay(rule(wanted), fill_rule(fill));
    shapes.into_iter().map(|shape| shape.into_iter().map(ring).collect()).collect()
}

/// Overlays edges and keeps for each edge of the answer which one it comes from. Coordinates are already
/// multiplied by [`SCALE`].
pub(crate) fn labelled(
    first: &[Labelled],
    second: &[Labelled],
    wanted: Wanted,
    fill: Fill,
) -> Vec<Vec<Vec<Labelled>>> {
    let ends = first.iter().chain(second).flat_map(|e| [e.a, e.b]);
    match narrow(ends) {
        Some(middle) => edges::<i32>(About(middle), [first, second], wanted, fill),
        None => edges::<i64>(About(Point::default()), [first, second], wanted, fill),
    }
}

fn edges<I: Whole>(
    about: About,
    sides: [&[Labelled]; 2],
    wanted: Wanted,
    fill: Fill,
) -> Vec<Vec<Vec<Labelled>>> {
    let mut overlay = EdgeOverlay::<I, Label>::new(sides.iter().map(|side| side.len()).sum());
    let edge =
        |e: &Labelled| InputEdge { a: about.int(e.a), b: about.int(e.b), data: Label(e.label) };
    for (edges, side) in sides.into_iter().zip([ShapeType::Subject, ShapeType::Clip]) {
        overlay.add_edges(edges.iter().map(edge), side);
    }
    let shapes = overlay.build_vector_shapes(rule(wanted), fill_rule(fill));
    let back = |e: i_overlay::vector::edge::DataVectorEdge<I, Label>| Labelled {
        a: about.point(e.a),
        b: about.point(e.b),
        label: e.data.0,
    };
    let ring = |ring: Vec<_>| ring.into_iter().map(back).collect();
    shapes.into_iter().map(|shape| shape.into_iter().map(ring).collect()).collect()
}
