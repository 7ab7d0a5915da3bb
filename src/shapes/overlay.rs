//! The one file that knows the crate `i_overlay`: overlays of straight edges in whole numbers.
//!
//! It does not check coordinates: whoever calls holds them within [`crate::LIMIT`] times [`SCALE`], which is
//! far inside of its range of 2^62.

use i_overlay::core::edge_data::{EdgeDataMerge, OverlayEdgeData};
use i_overlay::core::edge_overlay::{EdgeOverlay, InputEdge};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{IntOverlayOptions, Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;
use i_overlay::segm::boolean::ShapeCountBoolean;

use crate::Point;

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

/// Overlays rings of straight edges. Answers shapes: the outer ring counter-clockwise, then its holes.
pub(crate) fn straight<'r, R>(
    first: impl Iterator<Item = R>,
    second: impl Iterator<Item = R>,
    wanted: Wanted,
    fill: Fill,
) -> Vec<Vec<Vec<Point>>>
where
    R: Iterator<Item = Point> + 'r,
{
    let mut overlay = Overlay::<i64>::new_custom(0, IntOverlayOptions::ogc(), Default::default());
    let int = |p: Point| IntPoint { x: p.x, y: p.y };
    for ring in first {
        overlay.add_path_iter(ring.map(int), ShapeType::Subject);
    }
    for ring in second {
        overlay.add_path_iter(ring.map(int), ShapeType::Clip);
    }
    let point = |p: IntPoint<i64>| Point { x: p.x, y: p.y };
    let shapes = overlay.overlay(rule(wanted), fill_rule(fill));
    shapes
        .into_iter()
        .map(|shape| shape.into_iter().map(|ring| ring.into_iter().map(point).collect()).collect())
        .collect()
}

/// Overlays edges and keeps for each edge of the answer which one it comes from. Coordinates are already
/// multiplied by [`SCALE`].
pub(crate) fn labelled(
    first: impl Iterator<Item = Labelled>,
    second: impl Iterator<Item = Labelled>,
    wanted: Wanted,
    fill: Fill,
) -> Vec<Vec<Vec<Labelled>>> {
    let mut overlay = EdgeOverlay::<i64, Label>::new(0);
    let edge = |e: Labelled| InputEdge {
        a: IntPoint { x: e.a.x, y: e.a.y },
        b: IntPoint { x: e.b.x, y: e.b.y },
        data: Label(e.label),
    };
    overlay.add_edges(first.map(edge), ShapeType::Subject);
    overlay.add_edges(second.map(edge), ShapeType::Clip);
    let shapes = overlay.build_vector_shapes(rule(wanted), fill_rule(fill));
    let point = |p: IntPoint<i64>| Point { x: p.x, y: p.y };
    shapes
        .into_iter()
        .map(|shape| {
            let ring = |ring: Vec<i_overlay::vector::edge::DataVectorEdge<i64, Label>>| {
                ring.into_iter()
                    .map(|e| Labelled { a: point(e.a), b: point(e.b), label: e.data.0 })
                    .collect()
            };
            shape.into_iter().map(ring).collect()
        })
        .collect()
}
