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
use crate::simple::is_surely_simple;
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
    let row = row(outline, middle)?;
    let index = row.create_approx_aabb_index();
    let mut scan = PlineSelfIntersectOptions::new();
    scan.aabb_index = Some(&index);
    if !is_surely_simple(outline) && row.scan_for_self_intersect_opt(&scan) {
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

/// The outline in millimetres about its middle.
fn row(outline: &Outline, middle: Vector) -> Option<Polyline> {
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
    Some(row)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Corners around a place at random distances, some edges arcs; or anything.
    fn outlines() -> impl Iterator<Item = Outline> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |low: f64, high: f64| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let n = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
            low + (high - low) * n as f64 / (1_u64 << 31) as f64
        };
        (0..20_000).filter_map(move |number| {
            let corners = random(3.0, 11.999) as usize;
            let size = 10_f64.powf(random(0.5, 8.0));
            let (least, bent) = (random(0.02, 0.9), random(0.0, 0.9));
            let is_closed = random(0.0, 1.0) < 0.8;
            let vertices = (0..corners).map(|n| {
                let angle = match number % 4 {
                    0 => random(0.0, std::f64::consts::TAU),
                    _ => std::f64::consts::TAU * n as f64 / corners as f64,
                };
                let at = Vector::at_angle(angle) * (size * random(least, 1.0));
                let bulge = if random(0.0, 1.0) < 0.5 { random(-bent, bent) } else { 0.0 };
                Vertex { at: Point::new(at.x as i64, at.y as i64), bulge }
            });
            Outline::new(vertices.collect(), is_closed).ok()
        })
    }

    #[test]
    fn what_is_surely_simple_has_no_crossing_that_a_search_finds() {
        let (mut sure, mut all) = (0, 0);
        for outline in outlines() {
            let row = row(&outline, middle(&outline)).expect("a row");
            let crosses = row.scan_for_self_intersect();
            let told = is_surely_simple(&outline);
            assert!(!(told && crosses), "{outline:?}");
            sure += usize::from(told);
            all += usize::from(!crosses);
        }
        // Of half of those that are it is told, small ones counted.
        assert!(2 * sure > all && sure > 4_000, "{sure} of {all}");
    }
}
