//! The one file that knows the crate `cavalier_contours`: parallels of outlines that do not cross themselves.
//!
//! It works in doubles; it is given millimetres about the middle of the outline, so that its thresholds of
//! 1e-5 are hundredths of a micrometre. It takes no arc of more than half a circle: those are halved first.

use cavalier_contours::polyline::{
    PlineCreation, PlineOffsetOptions, PlineSelfIntersectOptions, PlineSource, PlineSourceMut,
    Polyline,
};

use crate::carrier::TOUCH;
use crate::edge::STRAIGHT;
use crate::{Outline, Point, Vector, Vertex};

/// Vertices up to which it is asked: what it does in one go cannot be stopped.
const VERTICES: usize = 100_000;

/// The parallels to the left of an outline at a distance, which may be negative; `None` where the outline
/// crosses or touches itself, or what came out is no outline.
pub(crate) fn left(outline: &Outline, distance: f64) -> Option<Vec<Outline>> {
    if outline.vertices().len() > VERTICES || !distance.is_finite() {
        return None;
    }
    let middle = middle(outline);
    let mut row = Polyline::with_capacity(outline.vertices().len(), outline.is_closed());
    let local = |v: Vector| (v - middle) * 1e-3;
    for (a, b, bulge) in outline.bows() {
        let at = local(a);
        if bulge.abs() <= 1.0 {
            let flat = bulge == 0.0 || (bulge * (b - a).length() / 2.0).abs() < STRAIGHT;
            row.add(at.x, at.y, if flat { 0.0 } else { bulge });
        } else {
            // In two halves.
            let half = libm::tan(libm::atan(bulge) / 2.0).clamp(-1.0, 1.0);
            row.add(at.x, at.y, half);
            let at = local((a + b) * 0.5 - (b - a).left() * (bulge / 2.0));
            row.add(at.x, at.y, half);
        }
    }
    if !outline.is_closed() {
        let end = local(outline.vertices().last()?.at.vector());
        row.add(end.x, end.y, 0.0);
    }
    let index = row.create_approx_aabb_index();
    let mut scan = PlineSelfIntersectOptions::new();
    scan.aabb_index = Some(&index);
    if row.scan_for_self_intersect_opt(&scan) {
        return None;
    }
    let mut options = PlineOffsetOptions::new();
    options.aabb_index = Some(&index);
    let mut found = Vec::new();
    for parallel in row.parallel_offset_opt(distance * 1e-3, &options) {
        let vertices = parallel.iter_vertexes().map(|v| {
            let at = Point::nearest(Vector::new(v.x, v.y) * 1e3 + middle).ok()?;
            Some(Vertex { at, bulge: v.bulge })
        });
        let vertices: Vec<Vertex> = vertices.collect::<Option<_>>()?;
        // One that is thinner than rounding is none.
        if let Ok(outline) = Outline::new(vertices, parallel.is_closed()) {
            // Joins between the chords of a curve bend less than their ends are rounded.
            found.push(outline.with_lines(TOUCH / 2.0));
        }
    }
    Some(found)
}

/// The middle of the box of its vertices.
fn middle(outline: &Outline) -> Vector {
    let first = outline.vertices().first().map_or(Vector::default(), |v| v.at.vector());
    let (low, high) = outline.vertices().iter().fold((first, first), |(low, high), vertex| {
        let v = vertex.at.vector();
        let low = Vector::new(low.x.min(v.x), low.y.min(v.y));
        (low, Vector::new(high.x.max(v.x), high.y.max(v.y)))
    });
    (low + high) * 0.5
}
