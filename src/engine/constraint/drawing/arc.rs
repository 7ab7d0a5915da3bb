//! Circular arcs between two points: the centre that SVG leaves to be found
//! (SVG 1.1, appendix F.6.5), and back.

type Xy = (f64, f64);

/// Centre and radius of the arc from `p` to `q` that SVG means by these flags. A
/// radius too small for the chord grows to fit it, as SVG has it.
pub(super) fn center(p: Xy, q: Xy, r: f64, large: bool, sweep: bool) -> (Xy, f64) {
    let half = (0.5 * (p.0 - q.0), 0.5 * (p.1 - q.1));
    let chord = libm::hypot(half.0, half.1);
    let r = r.abs().max(chord);
    let height = (r * r - chord * chord).max(0.0).sqrt();
    let side = if large == sweep { -1.0 } else { 1.0 };
    let along = if chord > 0.0 { side * height / chord } else { 0.0 };
    let middle = (0.5 * (p.0 + q.0), 0.5 * (p.1 + q.1));
    ((middle.0 + along * half.1, middle.1 - along * half.0), r)
}

/// Whether the arc from `p` to `q` about `c` is the longer way round.
pub(super) fn is_large(p: Xy, q: Xy, c: Xy, sweep: bool) -> bool {
    let (u, v) = ((p.0 - c.0, p.1 - c.1), (q.0 - c.0, q.1 - c.1));
    // The angle from p to q, positive the way y grows downward turns.
    let turn = libm::atan2(u.0 * v.1 - u.1 * v.0, u.0 * v.0 + u.1 * v.1);
    // Half a turn is both: rounding must not choose, so it is never the longer way.
    let half = turn.abs() > std::f64::consts::PI - 1e-9;
    !half && if sweep { turn < 0.0 } else { turn > 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_an_arc_find_its_centre_and_the_centre_its_flags() {
        for (p, q) in [((0.0, 0.0), (10.0, 0.0)), ((3.0, -2.0), (1.0, 7.0))] {
            for (large, sweep) in [(false, false), (false, true), (true, false), (true, true)] {
                let (c, r) = center(p, q, 8.0, large, sweep);
                assert_eq!(r, 8.0);
                for end in [p, q] {
                    assert!((libm::hypot(end.0 - c.0, end.1 - c.1) - r).abs() < 1e-12);
                }
                assert_eq!(is_large(p, q, c, sweep), large, "{p:?} {q:?} {large} {sweep}");
            }
        }
        // To the right, the short way with sweep: over the top (y grows downward).
        assert!(center((0.0, 0.0), (10.0, 0.0), 8.0, false, true).0.1 > 0.0);
        assert_eq!(center((0.0, 0.0), (10.0, 0.0), 1.0, false, true), ((5.0, 0.0), 5.0));
    }
}
