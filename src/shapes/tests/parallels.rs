//! Parallels: of outlines with arcs, with every kind of join, open and with holes.

use svgx_shapes::{Error, Join, Outline, Rule, offset, offset_region, region};

use crate::support::{arcs, at, circle, near, outline, polygon, polyline, rectangle};

#[test]
fn parallels_of_random_outlines_with_arcs_enclose_what_they_should() {
    for (number, line) in include_str!("parallels.txt").lines().enumerate() {
        let Some(mut words) = (!line.starts_with('#')).then(|| line.split(' ')) else { continue };
        let distance: f64 = words.next().unwrap().parse().unwrap();
        let area: f64 = words.next().unwrap().parse().unwrap();
        let vertices: Vec<(f64, f64, f64)> = words
            .map(|word| {
                let n: Vec<f64> = word.split(',').map(|n| n.parse().unwrap()).collect();
                (n[0], n[1], n[2])
            })
            .collect();
        let shape = outline(&vertices, true);
        let found = offset(&shape, distance * 1e3, Join::Round).unwrap();
        let total = found.value.iter().map(Outline::area).sum::<f64>() / 1e6;
        assert!(near(total, area, 1e-4 * area), "line {}: {total} is not {area}", number + 1);
        assert!(found.error_mm < 0.002, "line {}: {}", number + 1, found.error_mm);
        // The other way to it, by overlay, comes to the same.
        if number % 6 == 0 {
            let whole = region(&[shape], Rule::NonZero).unwrap().value;
            let other = offset_region(&whole, distance * 1e3, Join::Round).unwrap();
            let total = other.value.area() / 1e6;
            assert!(near(total, area, 1e-4 * area), "line {}: overlaid {total}", number + 1);
        }
    }
}

#[test]
fn joins_are_round_or_meet_or_are_cut_off() {
    let square = rectangle(0.0, 0.0, 100.0, 100.0);
    let area = |join| {
        let found = offset(&square, 10e3, join).unwrap().value;
        assert_eq!(found.len(), 1);
        found[0].area() / 1e6
    };
    assert!(near(area(Join::Miter { limit: 4.0 }), 14_400.0, 0.5));
    assert!(near(area(Join::Bevel), 14_400.0 - 4.0 * 50.0, 0.5));
    // A corner of 90 degrees reaches 1.41 times as far.
    assert!(near(area(Join::Miter { limit: 1.2 }), 14_400.0 - 4.0 * 50.0, 0.5));
    assert!(near(area(Join::Round), 14_000.0 + std::f64::consts::PI * 100.0, 0.5));
    // Inward there is nothing to join.
    for join in [Join::Round, Join::Bevel, Join::Miter { limit: 4.0 }] {
        let found = offset(&square, -10e3, join).unwrap().value;
        assert!(near(found[0].area() / 1e6, 6_400.0, 0.5));
        assert_eq!(found[0].vertices().len(), 4, "{join:?}");
    }
    assert!(offset(&square, 10e3, Join::Miter { limit: 0.5 }).is_err());
}

#[test]
fn the_parallel_of_an_open_outline_runs_beside_it() {
    let bent = polyline(&[(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)]);
    // To the left is the inner side.
    let left = offset(&bent, 10e3, Join::Round).unwrap().value;
    assert_eq!(left, [polyline(&[(0.0, 10.0), (90.0, 10.0), (90.0, 100.0)])]);
    let right = offset(&bent, -10e3, Join::Round).unwrap().value;
    assert_eq!(arcs(&right[0]).len(), 1);
    let miter = offset(&bent, -10e3, Join::Miter { limit: 4.0 }).unwrap().value;
    assert_eq!(miter, [polyline(&[(0.0, -10.0), (110.0, -10.0), (110.0, 100.0)])]);
    let bevel = offset(&bent, -10e3, Join::Bevel).unwrap().value;
    let cut = polyline(&[(0.0, -10.0), (100.0, -10.0), (110.0, 0.0), (110.0, 100.0)]);
    assert_eq!(bevel, [cut]);
}

#[test]
fn an_open_outline_that_crosses_itself_has_no_parallel() {
    let crossed = polyline(&[(0.0, 0.0), (50.0, 0.0), (50.0, 30.0), (20.0, 30.0), (20.0, -30.0)]);
    assert_eq!(offset(&crossed, 5e3, Join::Round).unwrap_err(), Error::CrossesItself);
}

#[test]
fn a_parallel_falls_apart_where_the_outline_is_narrow_and_keeps_holes() {
    let bone = polygon(&[
        (0.0, 0.0),
        (40.0, 0.0),
        (40.0, 15.0),
        (60.0, 15.0),
        (60.0, 0.0),
        (100.0, 0.0),
        (100.0, 40.0),
        (60.0, 40.0),
        (60.0, 25.0),
        (40.0, 25.0),
        (40.0, 40.0),
        (0.0, 40.0),
    ]);
    let found = offset(&bone, -6e3, Join::Round).unwrap().value;
    assert_eq!(found.len(), 2);
    let plate = [rectangle(0.0, 0.0, 100.0, 100.0), circle(50.0, 50.0, 20.0)];
    let plate = region(&plate, Rule::EvenOdd).unwrap().value;
    assert_eq!(plate.parts().len(), 1);
    let pi = std::f64::consts::PI;
    let grown = offset_region(&plate, 5e3, Join::Miter { limit: 4.0 }).unwrap().value;
    assert!(near(grown.area() / 1e6, 110.0 * 110.0 - pi * 15.0 * 15.0, 1.0));
    let shrunk = offset_region(&plate, -5e3, Join::Round).unwrap().value;
    assert!(near(shrunk.area() / 1e6, 90.0 * 90.0 - pi * 25.0 * 25.0, 1.0));
    // The hole is a circle still.
    let (centre, radius) = shrunk.parts()[0].holes[0].as_circle().unwrap();
    assert!((centre - at(50.0, 50.0)).length() < 2.0 && near(radius, 25e3, 2.0));
    let gone = offset_region(&plate, 21e3, Join::Round).unwrap().value;
    assert!(gone.parts()[0].holes.is_empty());
}

#[test]
fn an_outline_that_crosses_itself_is_what_it_encloses_first() {
    let bow = polygon(&[(0.0, 0.0), (100.0, 100.0), (100.0, 0.0), (0.0, 100.0)]);
    let found = offset(&bow, 5e3, Join::Round).unwrap().value;
    let total = found.iter().map(Outline::area).sum::<f64>() / 1e6;
    // Two triangles of 2500 that touch, grown by 5: their strips overlap about the middle.
    assert!(
        total > 5_000.0 + 2.0 * 241.4 * 5.0 * 0.9 && total < 5_000.0 + 2.0 * 241.4 * 5.0 + 160.0
    );
}
