//! The one file that knows the crate `cavalier_contours`: parallels of outlines that do not cross themselves.
//!
//! It works in doubles; it is given millimetres about the middle of the outline, so that its thresholds of
//! 1e-5 are hundredths of a micrometre. It takes no arc of more than half a circle: those are halved first.

use cavalier_contours::polyline::{
    PlineCreation, PlineOffsetOptions, PlineSource, PlineSourceMut, Polyline,
};

use crate::carrier::TOUCH;
use crate::{Edge, Outline, Point, Vector, Vertex};

/// Vertices up to which it is asked: what it does in one go cannot be stopped.
const VERTICES: usize = 100_000;

/// The parallels to the left of an outline at a distance, which may be negative; `None` where the outline
/// crosses or touches itself, or what came out is no outline.
pub(crate) fn left(outline: &Outline, distance: f64) -> Option<Vec<Outline>> {
    if outline.vertices().len() > VERTICES || !distance.is_finite() {
        return None;
    }
    let (low, high) = outline.bounds();
    let middle = (low + high) * 0.5;
    let mut row = Polyline::with_capacity(outline.vertices().len(), outline.is_closed());
    let local = |v: Vector| (v - middle) * 1e-3;
    for edge in outline.edges() {
        let halves: &[f64] = match edge {
            Edge::Arc { sweep, .. } if sweep.abs() > std::f64::consts::PI => &[0.0, 0.5],
            _ => &[0.0],
        };
        let part = 1.0 / halves.len() as f64;
        let bulge = match edge {
            Edge::Line { .. } => 0.0,
            Edge::Arc { sweep, .. } => libm::tan(sweep * part / 4.0).clamp(-1.0, 1.0),
        };
        for &t in halves {
            let at = local(edge.at(t));
            row.add(at.x, at.y, bulge);
        }
    }
    if !outline.is_closed() {
        let end = local(outline.vertices().last()?.at.vector());
        row.add(end.x, end.y, 0.0);
    }
    if row.scan_for_self_intersect() {
        return None;
    }
    let options = PlineOffsetOptions::new();
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
