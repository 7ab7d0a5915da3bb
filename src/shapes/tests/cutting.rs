//! Outlines that are trimmed, extended, split, joined, rounded at a crossing, and copied.

use svgx_shapes::{
    Edge, End, Error, Motion, Outline, Vector, along, extend, fillet, fillet_pair, grid, join,
    polar, split_at, split_by, trim,
};

use crate::support::{arcs, assert_at, at, circle, near, outline, polyline, rectangle};

fn ends(outline: &Outline) -> (Vector, Vector) {
    let all = outline.vertices();
    (all[0].at.vector(), all[all.len() - 1].at.vector())
}

#[test]
fn a_trim_takes_out_what_was_pointed_at_between_two_crossings() {
    let line = polyline(&[(0.0, 0.0), (100.0, 0.0)]);
    let posts =
        [polyline(&[(30.0, -10.0), (30.0, 10.0)]), polyline(&[(70.0, -10.0), (70.0, 10.0)])];
    let left = |x| trim(&line, at(x, 1.0), &posts).unwrap().value;
    assert_eq!(left(10.0), [polyline(&[(30.0, 0.0), (100.0, 0.0)])]);
    let both = [polyline(&[(0.0, 0.0), (30.0, 0.0)]), polyline(&[(70.0, 0.0), (100.0, 0.0)])];
    assert_eq!(left(50.0), both);
    assert_eq!(left(90.0), [polyline(&[(0.0, 0.0), (70.0, 0.0)])]);
    assert_eq!(trim(&line, at(5.0, 0.0), &[]).unwrap_err(), Error::NothingCuts);
}

#[test]
fn a_circle_that_is_trimmed_is_an_arc() {
    let round = circle(0.0, 0.0, 50.0);
    let across = [polyline(&[(-100.0, 30.0), (100.0, 30.0)])];
    let above = trim(&round, at(0.0, 50.0), &across).unwrap().value;
    let [rest] = above.as_slice() else { panic!("{above:?}") };
    let (from, to) = ends(rest);
    assert_at(from, -40.0, 30.0);
    assert_at(to, 40.0, 30.0);
    let turned: f64 = arcs(rest).iter().map(|a| a.2).sum();
    let expected = std::f64::consts::TAU - 2.0 * (40.0_f64 / 30.0).atan();
    assert!(near(turned, expected, 1e-4), "{turned}");
    assert!(arcs(rest).iter().all(|a| near(a.1, 50e3, 2.0)));
    // A line that only touches it parts it once.
    let touching = [polyline(&[(-100.0, 50.0), (100.0, 50.0)])];
    assert_eq!(trim(&round, at(0.0, 50.0), &touching).unwrap_err(), Error::OneCut);
}

#[test]
fn an_end_is_extended_to_the_nearest_thing_ahead_of_it() {
    let line = polyline(&[(0.0, 0.0), (10.0, 0.0)]);
    let walls = [
        polyline(&[(80.0, -10.0), (80.0, 10.0)]),
        polyline(&[(50.0, -10.0), (50.0, 10.0)]),
        polyline(&[(30.0, 5.0), (30.0, 10.0)]),
        polyline(&[(-20.0, -10.0), (-20.0, 10.0)]),
    ];
    let last = extend(&line, End::Last, &walls).unwrap().value;
    assert_eq!(last, polyline(&[(0.0, 0.0), (50.0, 0.0)]));
    let first = extend(&line, End::First, &walls).unwrap().value;
    assert_eq!(first, polyline(&[(-20.0, 0.0), (10.0, 0.0)]));
    assert_eq!(extend(&line, End::Last, &walls[3..]).unwrap_err(), Error::NothingAhead);
    // A quarter of a circle goes on round it.
    let quarter = outline(&[(50.0, 0.0, 0.414_213_562_373), (0.0, 50.0, 0.0)], false);
    let wall = [polyline(&[(-100.0, 0.0), (-10.0, 0.0)])];
    let half = extend(&quarter, End::Last, &wall).unwrap().value;
    assert_at(ends(&half).1, -50.0, 0.0);
    assert!(near(half.edge(0).unwrap().bulge(), 1.0, 1e-4));
    assert_eq!(extend(&circle(0.0, 0.0, 5.0), End::Last, &wall).unwrap_err(), Error::Closed);
}

#[test]
fn outlines_are_split_at_points_and_by_others_and_joined_again() {
    let path = outline(&[(0.0, 0.0, 0.0), (100.0, 0.0, 1.0), (100.0, 50.0, 0.0)], false);
    let parts = split_at(&path, &[at(40.0, 3.0), at(125.0, 25.0)]).unwrap().value;
    assert_eq!(parts.len(), 3);
    let total: f64 = parts.iter().map(Outline::length).sum();
    assert!(near(total, path.length(), 4.0));
    let mixed = [parts[2].reversed(), parts[0].clone(), parts[1].reversed()];
    let whole = join(&mixed, 2.0).unwrap().value;
    assert!(near(whole.length(), path.length(), 4.0) && !whole.is_closed());
    let apart = [polyline(&[(0.0, 0.0), (5.0, 0.0)]), polyline(&[(6.0, 0.0), (9.0, 0.0)])];
    let error = join(&apart, 10.0).unwrap_err();
    assert_eq!(error, Error::DoNotMeet { gap_mm: 1.0, tolerance_mm: 0.01 });
    let joined = join(&apart, 1_000.0).unwrap();
    assert!(near(joined.error_mm, 0.5, 0.001), "{}", joined.error_mm);
    let sides = split_at(&rectangle(0.0, 0.0, 10.0, 5.0), &[at(0.0, 0.0), at(10.0, 5.0)]);
    let ring = join(&sides.unwrap().value, 1.0).unwrap().value;
    assert!(ring.is_closed() && near(ring.area().abs() / 1e6, 50.0, 1e-6));
    let cross = [polyline(&[(110.0, -5.0), (110.0, 80.0)])];
    assert_eq!(split_by(&path, &cross).unwrap().value.len(), 3);
    assert_eq!(split_at(&path, &[at(0.0, 0.0)]).unwrap_err(), Error::NothingCuts);
    let opened = split_at(&circle(0.0, 0.0, 5.0), &[at(0.0, 5.0)]).unwrap().value;
    assert!(opened.len() == 1 && !opened[0].is_closed());
}

#[test]
fn two_edges_that_cross_or_do_not_meet_are_joined_by_an_arc() {
    let line = |a: (f64, f64), b: (f64, f64)| Edge::Line { a: at(a.0, a.1), b: at(b.0, b.1) };
    let (level, upright) = (line((10.0, 0.0), (100.0, 0.0)), line((0.0, 20.0), (0.0, 80.0)));
    let near_ends = (at(90.0, 0.0), at(0.0, 70.0));
    let (one, two, arc) = fillet_pair(&level, &upright, near_ends, 5e3).unwrap().value;
    assert_eq!(one, polyline(&[(100.0, 0.0), (5.0, 0.0)]));
    assert_eq!(two, polyline(&[(0.0, 80.0), (0.0, 5.0)]));
    let [(centre, radius, sweep)] = arcs(&arc.unwrap())[..] else { panic!("no arc") };
    assert_at(centre, 5.0, 5.0);
    assert!(near(radius, 5e3, 1.0) && near(sweep, -std::f64::consts::FRAC_PI_2, 1e-3));
    // Radius 0 makes a corner.
    let (one, two, arc) = fillet_pair(&level, &upright, near_ends, 0.0).unwrap().value;
    assert_at(ends(&one).1, 0.0, 0.0);
    assert_at(ends(&two).1, 0.0, 0.0);
    assert_eq!(arc, None);
    // What crosses keeps the pieces that were pointed at.
    let (a, b) = (line((-50.0, 0.0), (50.0, 0.0)), line((0.0, -50.0), (0.0, 50.0)));
    for (x, y) in [(40.0, 40.0), (-40.0, 40.0), (40.0, -40.0), (-40.0, -40.0)] {
        let (one, two, arc) = fillet_pair(&a, &b, (at(x, 0.0), at(0.0, y)), 10e3).unwrap().value;
        assert_at(ends(&one).0, 50.0 * f64::signum(x), 0.0);
        assert_at(ends(&two).0, 0.0, 50.0 * f64::signum(y));
        let (centre, _, sweep) = arcs(&arc.unwrap())[0];
        assert_at(centre, 10.0 * f64::signum(x), 10.0 * f64::signum(y));
        assert!(near(sweep.abs(), std::f64::consts::FRAC_PI_2, 1e-3));
    }
    let beside = line((0.0, 10.0), (100.0, 10.0));
    let error = fillet_pair(&a, &beside, (at(0.0, 0.0), at(0.0, 10.0)), 0.0).unwrap_err();
    assert_eq!(error, Error::Parallel);
}

#[test]
fn corners_of_lines_and_arcs_are_rounded_within_the_edges() {
    // Half a disc: a corner of a line and an arc, and one of an arc and a line.
    let half = outline(&[(-50.0, 0.0, 0.0), (50.0, 0.0, 1.0)], true);
    for corner in [0, 1] {
        let round = fillet(&half, corner, 8e3).unwrap().value;
        assert!(near(round.vertices().len() as f64, 3.0, 0.0));
        let small: Vec<_> = arcs(&round).into_iter().filter(|a| near(a.1, 8e3, 2.0)).collect();
        let [(centre, ..)] = small[..] else { panic!("{round:?}") };
        // Inside, 8 above the line and 42 from the middle of the arc.
        assert!(near(centre.y, 8e3, 2.0) && near(centre.length(), 42e3, 2.0), "{centre:?}");
    }
    // A lens: arcs on both sides.
    let lens = outline(&[(-40.0, 0.0, 0.5), (40.0, 0.0, 0.5)], true);
    let round = fillet(&lens, 0, 5e3).unwrap().value;
    assert!(round.area() < lens.area() && arcs(&round).len() == 3);
}

#[test]
fn copies_stand_in_rows_around_points_and_along_outlines() {
    let motions = grid(3, 2, at(10.0, 0.0), at(0.0, 20.0)).unwrap();
    assert_eq!(motions.len(), 5);
    assert_at(motions[4].apply(at(1.0, 1.0)), 21.0, 21.0);
    let around = polar(4, at(0.0, 0.0), std::f64::consts::TAU, true, at(10.0, 0.0)).unwrap();
    assert_eq!(around.len(), 3);
    assert_at(around[0].apply(at(10.0, 0.0)), 0.0, 10.0);
    assert_at(around[1].apply(at(12.0, 0.0)), -12.0, 0.0);
    let upright = polar(3, at(0.0, 0.0), std::f64::consts::PI, false, at(10.0, 0.0)).unwrap();
    assert_at(upright[1].apply(at(12.0, 0.0)), -8.0, 0.0);
    let path = polyline(&[(0.0, 0.0), (30.0, 0.0), (30.0, 30.0)]);
    let placed = along(&path, 3, true).unwrap();
    assert_at(placed[0].apply(at(0.0, 5.0)), 30.0, 5.0);
    assert_at(placed[1].apply(at(0.0, 5.0)), 25.0, 30.0);
    let shifted = along(&path, 3, false).unwrap();
    assert_at(shifted[1].apply(at(0.0, 5.0)), 30.0, 35.0);
    assert!(grid(1_000, 1_000, at(1.0, 0.0), at(0.0, 1.0)).is_err());
    let mirror = Motion::mirror(at(5.0, -3.0), at(5.0, 8.0)).unwrap();
    assert_at(mirror.apply(at(1.0, 2.0)), 9.0, 2.0);
    assert!(Motion::mirror(at(1.0, 1.0), at(1.0, 1.0)).is_err());
}
