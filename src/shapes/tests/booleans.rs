//! Unions, intersections and differences, of straight outlines and of ones with arcs.

use std::f64::consts::PI;

use svgx_shapes::{Operation, Outline, Region, Rule, combine, region, unite};

use crate::support::{Random, arcs, at, circle, near, outline, polygon, rectangle};

const ALL: [Operation; 4] =
    [Operation::Union, Operation::Intersection, Operation::Difference, Operation::Xor];

fn of(outline: &Outline) -> Region {
    region(std::slice::from_ref(outline), Rule::NonZero).unwrap().value
}

fn area(a: &Region, b: &Region, operation: Operation) -> f64 {
    combine(a, b, operation).unwrap().value.area() / 1e6
}

#[test]
fn rectangles_that_overlap_have_exact_areas() {
    let (a, b) = (of(&rectangle(0.0, 0.0, 30.0, 20.0)), of(&rectangle(10.0, 5.0, 40.0, 5.0)));
    let areas = ALL.map(|operation| area(&a, &b, operation));
    assert_eq!(areas, [700.0, 100.0, 500.0, 600.0]);
    let ring = combine(&a, &of(&rectangle(5.0, 5.0, 5.0, 5.0)), Operation::Difference).unwrap();
    let [part] = ring.value.parts() else { panic!("{ring:?}") };
    assert!(part.outer.area() > 0.0 && part.holes.len() == 1 && part.holes[0].area() < 0.0);
    assert!(!ring.value.contains(at(7.0, 7.0)) && ring.value.contains(at(2.0, 2.0)));
    let none = combine(&a, &of(&rectangle(90.0, 0.0, 1.0, 1.0)), Operation::Intersection);
    assert!(none.unwrap().value.is_empty());
}

#[test]
fn a_lens_of_two_circles_is_two_arcs_between_true_crossings() {
    let (a, b) = (of(&circle(0.0, 0.0, 50.0)), of(&circle(60.0, 0.0, 50.0)));
    let lens = combine(&a, &b, Operation::Intersection).unwrap();
    let [part] = lens.value.parts() else { panic!("{lens:?}") };
    let found = arcs(&part.outer);
    assert!(found.len() >= 2 && found.iter().all(|a| near(a.1, 50e3, 2.0)), "{found:?}");
    let crossing = part.outer.vertices().iter().any(|v| v.at.x == 30_000 && v.at.y == 40_000);
    assert!(crossing, "{part:?}");
    let (r, d) = (50.0_f64, 60.0_f64);
    let exact = 2.0 * r * r * (d / (2.0 * r)).acos() - d / 2.0 * (4.0 * r * r - d * d).sqrt();
    assert!(near(part.outer.area() / 1e6, exact, 0.2), "{}", part.outer.area() / 1e6 - exact);
    assert!(lens.error_mm <= 0.002);
    let both = combine(&a, &b, Operation::Union).unwrap().value;
    assert!(near(both.area() / 1e6, 2.0 * PI * r * r - exact, 0.6));
}

#[test]
fn a_plate_with_round_holes_keeps_its_circles() {
    let mut plate = of(&rectangle(0.0, 0.0, 200.0, 100.0));
    for x in [50.0, 100.0, 150.0] {
        let drill = of(&circle(x, 50.0, 12.5));
        plate = combine(&plate, &drill, Operation::Difference).unwrap().value;
    }
    let [part] = plate.parts() else { panic!("{plate:?}") };
    assert_eq!((part.outer.vertices().len(), part.holes.len()), (4, 3));
    for hole in &part.holes {
        let (_, radius) = hole.as_circle().unwrap();
        assert!(near(radius, 12.5e3, 1.0), "{radius}");
    }
    assert!(near(plate.area() / 1e6, 20_000.0 - 3.0 * PI * 12.5 * 12.5, 0.3));
}

#[test]
fn what_touches_along_an_arc_or_in_a_point_leaves_no_slivers() {
    // A disc and a plate with a hole of its size.
    let plate = of(&rectangle(-50.0, -50.0, 100.0, 100.0));
    let disc = of(&circle(0.0, 0.0, 20.0));
    let ring = combine(&plate, &disc, Operation::Difference).unwrap().value;
    let whole = combine(&ring, &disc, Operation::Union).unwrap().value;
    assert!(near(whole.area() / 1e6, 10_000.0, 0.3), "{}", whole.area());
    let none = combine(&ring, &disc, Operation::Intersection).unwrap().value;
    assert!(near(none.area(), 0.0, 1e5), "{none:?}");
    // A circle that touches an edge, and two that touch each other.
    let touching = of(&circle(0.0, 70.0, 20.0));
    let both = combine(&plate, &touching, Operation::Union).unwrap().value;
    assert!(near(both.area() / 1e6, 10_000.0 + PI * 400.0, 0.5));
    let pair = combine(&disc, &of(&circle(40.0, 0.0, 20.0)), Operation::Union).unwrap().value;
    assert!(near(pair.area() / 1e6, 2.0 * PI * 400.0, 0.3));
}

#[test]
fn the_same_twice_is_the_same() {
    let slot =
        outline(&[(0.0, -8.0, 0.0), (40.0, -8.0, 1.0), (40.0, 8.0, 0.0), (0.0, 8.0, 1.0)], true);
    for shape in [slot, circle(3.0, 4.0, 25.0), polygon(&[(0.0, 0.0), (9.0, 1.0), (4.0, 7.0)])] {
        let a = of(&shape);
        for operation in [Operation::Union, Operation::Intersection] {
            let same = combine(&a, &a, operation).unwrap().value;
            assert!(near(same.area(), shape.area(), 1.0 * shape.length()), "{operation:?}");
            assert_eq!(same.parts().len(), 1);
        }
        for operation in [Operation::Difference, Operation::Xor] {
            assert!(combine(&a, &a, operation).unwrap().value.is_empty(), "{operation:?}");
        }
    }
}

/// A closed outline about a place whose corners are at random distances, some of its edges arcs.
fn star(random: &mut Random, straight: bool) -> Outline {
    let (x, y) = (random.between(-60.0, 60.0), random.between(-60.0, 60.0));
    let corners = 5 + random.below(8);
    let vertices: Vec<(f64, f64, f64)> = (0..corners)
        .map(|n| {
            let angle = 2.0 * PI * n as f64 / corners as f64;
            let away = random.between(50.0, 100.0);
            let arc = !straight && random.below(2) == 0;
            let bulge = if arc { random.between(-0.25, 0.25) } else { 0.0 };
            (x + away * angle.cos(), y + away * angle.sin(), bulge)
        })
        .collect();
    outline(&vertices, true)
}

#[test]
fn areas_add_up_and_points_are_where_they_should_be() {
    let mut random = Random::new(11);
    for number in 0..160 {
        let straight = number % 4 == 0;
        let (one, two) = (star(&mut random, straight), star(&mut random, straight));
        let (a, b) = (of(&one), of(&two));
        let results = ALL.map(|operation| combine(&a, &b, operation).unwrap());
        let areas: Vec<f64> = results.iter().map(|r| r.value.area()).collect();
        let slack = 4.0 * (one.length() + two.length());
        let [union, both, less, either] = areas[..] else { panic!() };
        assert!(near(union + both, a.area() + b.area(), slack), "{number}: {areas:?}");
        assert!(near(less, a.area() - both, slack), "{number}");
        assert!(near(either, union - both, slack), "{number}");
        for _ in 0..40 {
            let p = at(random.between(-160.0, 160.0), random.between(-160.0, 160.0));
            if one.nearest(p).1 < 20.0 || two.nearest(p).1 < 20.0 {
                continue;
            }
            let (i, j) = (a.contains(p), b.contains(p));
            let expected = [i || j, i && j, i && !j, i != j];
            for (result, expected) in results.iter().zip(expected) {
                assert_eq!(result.value.contains(p), expected, "{number} {p:?}");
            }
        }
    }
}

#[test]
fn the_union_of_many_is_that_of_one_after_the_other() {
    let mut random = Random::new(5);
    for straight in [true, false] {
        let regions: Vec<Region> = (0..24).map(|_| of(&star(&mut random, straight))).collect();
        let at_once = unite(&regions).unwrap().value;
        let one_by_one = regions.iter().fold(Region::default(), |all, region| {
            combine(&all, region, Operation::Union).unwrap().value
        });
        let length: f64 = at_once.outlines().map(Outline::length).sum();
        assert!(near(at_once.area(), one_by_one.area(), 8.0 * length), "{straight}");
    }
}

#[test]
fn many_shapes_are_united_in_groups_as_they_would_be_at_once() {
    let mut random = Random::new(11);
    let star = |random: &mut Random| {
        let (x, y) = (random.between(0.0, 300.0), random.between(0.0, 300.0));
        let corners = 5 + random.below(8);
        let corner = |n: u64, random: &mut Random| {
            let angle = std::f64::consts::TAU * n as f64 / corners as f64;
            let away = random.between(5.0, 20.0);
            (x + away * angle.cos(), y + away * angle.sin())
        };
        let points: Vec<(f64, f64)> = (0..corners).map(|n| corner(n, random)).collect();
        polygon(&points)
    };
    let outlines: Vec<Outline> = (0..400).map(|_| star(&mut random)).collect();
    let read = |o: &Outline| region(std::slice::from_ref(o), Rule::NonZero).unwrap().value;
    let regions: Vec<Region> = outlines.iter().map(read).collect();
    let united = unite(&regions).unwrap();
    assert!(united.error_mm < 0.003, "{}", united.error_mm);
    // All of them as one region are overlaid at once.
    let at_once = region(&outlines, Rule::NonZero).unwrap().value;
    let length: f64 = at_once.outlines().map(Outline::length).sum();
    let off = (united.value.area() - at_once.area()).abs();
    assert!(off <= 2.0 * length, "{off} of {length}");
    for _ in 0..4_000 {
        let place = at(random.between(-20.0, 320.0), random.between(-20.0, 320.0));
        if outlines.iter().any(|o| o.nearest(place).1 < 4.0) {
            continue;
        }
        let expected = regions.iter().any(|r| r.contains(place));
        assert_eq!(united.value.contains(place), expected, "{place:?}");
    }
}

#[test]
fn what_is_too_wide_for_the_narrow_engine_is_united_all_the_same() {
    for size in [1.0, 600_000.0, 5_000_000.0] {
        let square = |x: f64| {
            let outline = polygon(&[(x, 0.0), (x + size, 0.0), (x + size, size), (x, size)]);
            region(&[outline], Rule::NonZero).unwrap().value
        };
        let far = 400_000_000.0;
        let both = unite(&[square(far), square(far + size / 2.0)]).unwrap().value;
        let expected = 1.5 * size * size * 1e6;
        assert!(near(both.area(), expected, 1e-9 * expected), "{size}: {}", both.area());
        assert_eq!(both.parts().len(), 1);
    }
}

#[test]
fn the_nearest_place_of_an_arc_is_on_it_or_one_of_its_ends() {
    let mut random = Random::new(3);
    for _ in 0..500 {
        let bulge = random.between(-3.0, 3.0);
        let arc = outline(&[(0.0, 0.0, bulge), (10.0, random.between(-5.0, 5.0), 0.0)], false);
        let to = at(random.between(-30.0, 30.0), random.between(-30.0, 30.0));
        let (place, away) = arc.nearest(to);
        let edge = arc.edge(0).unwrap();
        let sampled = (0..=20_000).map(|n| (edge.at(f64::from(n) / 2e4) - to).length());
        let least = sampled.fold(f64::INFINITY, f64::min);
        assert!(near(away, least, 2.0), "{bulge}: {away} is not {least}");
        assert!(near((arc.at(place).unwrap() - to).length(), away, 1e-6));
    }
}
