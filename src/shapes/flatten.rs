//! Curves as chords: arcs for the overlay of straight edges, Béziers and ellipses for outlines.

use std::f64::consts::TAU;

use crate::Vector;

/// Chords of one whole turn at most.
const CHORDS: f64 = 4096.0;
/// Chords of one Bézier at most.
const PIECES: f64 = 2048.0;

/// How many chords a whole turn takes so that they are within `tolerance` of a circle. A power of two times
/// eight, so that arcs of one circle share their chords wherever they begin.
pub(crate) fn chords(radius: f64, tolerance: f64) -> usize {
    let least = TAU / (2.0 * libm::acos((1.0 - tolerance / radius.max(tolerance)).max(-1.0)));
    let mut count = 8.0;
    while count < least && count < CHORDS {
        count *= 2.0;
    }
    count as usize
}

/// How far the chords are from the circle.
pub(crate) fn sagitta(radius: f64, chords: usize) -> f64 {
    radius * (1.0 - libm::cos(std::f64::consts::PI / chords.max(1) as f64))
}

/// A cubic Bézier as points, the first one left out, within `tolerance` of it; answers how far off they
/// may be, which is more only of curves that would take more than 2048 pieces.
///
/// The bound is that of the second derivative: the chord of a piece of length h is off by h²/8 of it.
pub fn cubic(points: [Vector; 4], tolerance: f64) -> (Vec<Vector>, f64) {
    let [p, q, r, s] = points;
    let bend = |a: Vector, b: Vector, c: Vector| (a - b * 2.0 + c).length() * 6.0;
    let bend = bend(p, q, r).max(bend(q, r, s));
    let tolerance = tolerance.max(1e-3);
    let count = (bend / (8.0 * tolerance)).sqrt().ceil();
    let count = if count.is_finite() { count.clamp(1.0, PIECES) } else { 1.0 };
    let at = |t: f64| {
        let u = 1.0 - t;
        p * (u * u * u) + q * (3.0 * u * u * t) + r * (3.0 * u * t * t) + s * (t * t * t)
    };
    let steps = count as usize;
    let found = (1..=steps).map(|n| if n == steps { s } else { at(n as f64 / count) }).collect();
    (found, bend / (8.0 * count * count))
}

/// A piece of an ellipse as points, the first one left out, within `tolerance` of it, and how far off they
/// may be. `axes`: from the centre to the ends of two axes that are conjugate; angles in radians.
pub fn ellipse_arc(
    centre: Vector,
    axes: (Vector, Vector),
    start: f64,
    sweep: f64,
    tolerance: f64,
) -> (Vec<Vector>, f64) {
    let size = axes.0.length() + axes.1.length();
    let whole = chords(size, tolerance.max(1e-3));
    let steps = ((sweep.abs() / TAU * whole as f64).ceil()).clamp(1.0, CHORDS);
    let steps = if steps.is_finite() { steps as usize } else { 1 };
    let at = |angle: f64| centre + axes.0 * libm::cos(angle) + axes.1 * libm::sin(angle);
    let found = (1..=steps).map(|n| at(start + sweep * n as f64 / steps as f64)).collect();
    (found, sagitta(size, whole))
}
