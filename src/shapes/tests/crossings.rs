//! Booleans by crossings beside the general overlay, which `region` of all outlines together asks.

use svgx_shapes::{Operation, Outline, Point, Region, Rule, Vector, combine, region, unite};

use crate::support::Random;

fn of(outlines: &[Outline]) -> Region {
    region(outlines, Rule::NonZero).unwrap().value
}

/// Corners around a place, on a lattice of so many micrometres.
fn star(random: &mut Random, (x, y): (f64, f64), size: f64, step: i64) -> Option<Outline> {
    let corners = 3 + random.below(9);
    let points: Vec<Point> = (0..corners)
        .map(|n| {
            let angle = std::f64::consts::TAU * n as f64 / corners as f64;
            let away = size * random.between(0.2, 1.0);
            let at = |n: f64| (n / step as f64).round() as i64 * step;
            Point::new(at(x + away * angle.cos()), at(y + away * angle.sin()))
        })
        .collect();
    Outline::polygon(points).ok()
}

fn length(region: &Region) -> f64 {
    region.outlines().map(Outline::length).sum()
}

/// No two edges touch but at a corner of both, and holes lie in their outlines.
fn assert_sound(made: &Region, context: &str) {
    for part in made.parts() {
        assert!(part.outer.area() > 0.0, "{context}");
        for hole in &part.holes {
            assert!(hole.area() < 0.0, "{context}");
            let middle = |o: &Outline| {
                let all = o.vertices().iter().map(|v| v.at.vector());
                all.fold(Vector::default(), |sum, v| sum + v) * (1.0 / o.vertices().len() as f64)
            };
            let (low, high) = part.outer.bounds();
            let at = middle(hole);
            let inside = at.x >= low.x && at.x <= high.x && at.y >= low.y && at.y <= high.y;
            assert!(inside, "{context}");
        }
    }
    // A region that is overlaid with nothing is what it was, if it was sound.
    let all: Vec<Outline> = made.outlines().cloned().collect();
    let again = of(&all);
    let off = (again.area() - made.area()).abs();
    assert!(off <= 1e-6 * made.area() + 1.0, "{context}: {off}");
    assert_eq!(again.parts().len(), made.parts().len(), "{context}");
    let holes = |r: &Region| r.parts().iter().map(|p| p.holes.len()).sum::<usize>();
    assert_eq!(holes(&again), holes(made), "{context}");
}

#[test]
fn unions_of_many_are_those_of_the_general_overlay() {
    // Shapes in a square of so many micrometres: far apart, dense, and so small that rounding moves much.
    let kinds = [
        (64, 3e6, 4e4, 1),
        (300, 1e6, 4e4, 1),
        (900, 1e6, 6e4, 1),
        (200, 2e3, 3e2, 1),
        (120, 3e2, 6e1, 1),
        (400, 1e5, 1.2e4, 100),
        (400, 1e6, 3e4, 1_000),
        (90, 1e9, 4e8, 1),
        (90, 5e8, 2e8, 1),
        (70, 2e5, 2e5, 1),
    ];
    let rounds: u64 = std::env::var("SHAPES_UNIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let mut random = Random::new(23);
    for round in 0..rounds {
        for (kind, &(count, wide, size, step)) in kinds.iter().enumerate() {
            let place =
                |random: &mut Random| (random.between(0.0, wide), random.between(0.0, wide));
            let outlines: Vec<Outline> = (0..count)
                .filter_map(|_| {
                    let at = place(&mut random);
                    star(&mut random, at, size, step)
                })
                .collect();
            // Some have holes.
            let regions: Vec<Region> = outlines
                .chunks(3)
                .flat_map(|three| {
                    let all: Vec<Region> =
                        three.iter().map(|o| of(std::slice::from_ref(o))).collect();
                    match all.as_slice() {
                        [a, b, c] if random.below(3) == 0 => {
                            let less = combine(a, b, Operation::Difference).unwrap().value;
                            vec![less, b.clone(), c.clone()]
                        }
                        _ => all,
                    }
                })
                .collect();
            let context = format!("round {round}, kind {kind}");
            let united = unite(&regions).unwrap();
            let all: Vec<Outline> = regions.iter().flat_map(Region::outlines).cloned().collect();
            // The outlines of all: what is gone round at least once, holes filled by others.
            let general = of(&all);
            let slack = 2.0 * length(&general) + 16.0;
            let off = (united.value.area() - general.area()).abs();
            assert!(off <= slack, "{context}: {off} of {slack}");
            let either = combine(&united.value, &general, Operation::Xor).unwrap().value.area();
            assert!(either <= 2.0 * slack, "{context}: {either} of {slack}");
            assert!(united.error_mm < 0.004, "{context}: {}", united.error_mm);
            assert_sound(&united.value, &context);
            assert_eq!(united.value, unite(&regions).unwrap().value, "{context}");
        }
    }
}

#[test]
fn pairs_are_cut_as_the_general_overlay_cuts_them() {
    let rounds: u64 =
        std::env::var("SHAPES_PAIRS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000);
    let mut random = Random::new(29);
    for number in 0..rounds {
        let (size, step) = match number % 5 {
            0 => (4e4, 1),
            1 => (2e1, 1),
            2 => (6.0, 1),
            3 => (4e8, 1),
            _ => (5e3, 1_000),
        };
        let make = |random: &mut Random| {
            let at = (random.between(-size, size), random.between(-size, size));
            star(random, at, size, step)
        };
        let (Some(one), Some(two)) = (make(&mut random), make(&mut random)) else { continue };
        let (a, b) = (of(std::slice::from_ref(&one)), of(std::slice::from_ref(&two)));
        let context = format!("number {number}: {one:?} {two:?}");
        let slack = 2.0 * (length(&a) + length(&b)) + 4.0;
        let [union, both, less, other] = [
            combine(&a, &b, Operation::Union),
            combine(&a, &b, Operation::Intersection),
            combine(&a, &b, Operation::Difference),
            combine(&b, &a, Operation::Difference),
        ]
        .map(|found| found.unwrap().value);
        for made in [&union, &both, &less, &other] {
            assert_sound(made, &context);
        }
        let close = |p: f64, q: f64| (p - q).abs() <= slack;
        // By the general overlay: both together, and what is in one only.
        let all: Vec<Outline> = a.outlines().chain(b.outlines()).cloned().collect();
        let general = of(&all).area();
        let either = combine(&a, &b, Operation::Xor).unwrap().value.area();
        assert!(close(union.area(), general), "{context}: {} {general}", union.area());
        assert!(close(both.area(), general - either), "{context}");
        assert!(close(less.area(), general - b.area()), "{context}");
        assert!(close(other.area(), general - a.area()), "{context}");
        for _ in 0..8 {
            let p = Vector::new(
                random.between(-2.0 * size, 2.0 * size),
                random.between(-2.0 * size, 2.0 * size),
            );
            if one.nearest(p).1 < 3.0 || two.nearest(p).1 < 3.0 {
                continue;
            }
            let (i, j) = (a.contains(p), b.contains(p));
            let found = [&union, &both, &less, &other].map(|made| made.contains(p));
            assert_eq!(found, [i || j, i && j, i && !j, j && !i], "{context} {p:?}");
        }
    }
}

#[test]
fn one_inside_of_another_and_one_in_a_hole_are_told_apart() {
    let square = |x: i64, y: i64, side: i64| {
        let corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)];
        of(&[Outline::polygon(corners.map(|(x, y)| Point::new(x, y))).unwrap()])
    };
    let mut all = Vec::new();
    for n in 0..40 {
        let (x, y) = (n % 8 * 1_000, n / 8 * 1_000);
        // A frame, a square in its hole, and one that nothing of is seen.
        let frame =
            combine(&square(x, y, 900), &square(x + 100, y + 100, 700), Operation::Difference);
        all.extend([
            frame.unwrap().value,
            square(x + 300, y + 300, 200),
            square(x + 350, y + 350, 100),
        ]);
    }
    let united = unite(&all).unwrap().value;
    assert_eq!(united.parts().len(), 80);
    assert_eq!(united.parts().iter().filter(|part| part.holes.len() == 1).count(), 40);
    assert!((united.area() - 40.0 * (900.0 * 900.0 - 700.0 * 700.0 + 200.0 * 200.0)).abs() < 1e-3);
}

#[test]
fn a_hole_that_touches_its_outline_in_the_leftmost_corner_stays_a_hole() {
    let ring = |corners: &[(i64, i64)]| {
        let points = corners.iter().map(|&(x, y)| Point::new(x * 1_000, y * 1_000));
        Outline::polygon(points).unwrap()
    };
    let holed = [(5, 6), (7, 0), (0, 1), (4, 1), (5, 2), (0, 1)];
    let a = region(&[ring(&holed)], Rule::EvenOdd).unwrap().value;
    let b = of(&[ring(&[(3, 7), (3, 2), (7, 6)])]);
    let area = |operation| combine(&a, &b, operation).unwrap().value.area();
    let (union, both) = (area(Operation::Union), area(Operation::Intersection));
    let (less, either) = (area(Operation::Difference), area(Operation::Xor));
    let slack = 2.0 * (length(&a) + length(&b));
    assert!((union + both - a.area() - b.area()).abs() <= slack, "{union} {both}");
    assert!((less + both - a.area()).abs() <= slack, "{less}");
    assert!((union - both - either).abs() <= slack, "{either}");
    assert!(both > 1e6 && union > a.area() + 1e6);
}
