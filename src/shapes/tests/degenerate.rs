//! Rings that cross themselves, run back on themselves, and share corners and edges: random ones on a grid of
//! eight by eight. `SHAPES_DEGENERATE=80000` makes as many.
//!
//! Judged by where points are, counted by crossings of a ray, and by areas that add up.

use svgx_shapes::{Operation, Outline, Point, Region, Rule, Vector, combine, region};

use crate::support::{Random, turns};

/// Micrometres of one step of the grid.
const STEP: i64 = 1_000;

fn rings(random: &mut Random) -> Vec<Vec<Point>> {
    let point = |random: &mut Random| {
        Point::new(random.below(8) as i64 * STEP, random.below(8) as i64 * STEP)
    };
    (0..1 + random.below(2))
        .map(|_| {
            let mut ring: Vec<Point> = (0..3 + random.below(7)).map(|_| point(random)).collect();
            match random.below(4) {
                // A spike: there and back.
                0 => {
                    let (tip, from) = (point(random), ring[0]);
                    ring.extend([from, tip, from]);
                }
                // The same corners once more.
                1 => ring.extend(ring.clone()),
                _ => {}
            }
            ring
        })
        .collect()
}

fn read(rings: &[Vec<Point>], rule: Rule) -> Region {
    let outlines = rings.iter().filter_map(|ring| Outline::polygon(ring.iter().copied()).ok());
    region(&outlines.collect::<Vec<_>>(), rule).unwrap().value
}

fn is_in(rings: &[Vec<Point>], rule: Rule, at: Vector) -> bool {
    match rule {
        Rule::NonZero => turns(rings, at) != 0,
        Rule::EvenOdd => turns(rings, at) % 2 != 0,
    }
}

fn away(rings: &[Vec<Point>], at: Vector) -> f64 {
    let distance = |a: Vector, b: Vector| {
        let way = b - a;
        let t = ((at - a).dot(way) / way.dot(way).max(1.0)).clamp(0.0, 1.0);
        (at - (a + way * t)).length()
    };
    rings
        .iter()
        .flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1)))
        .map(|(a, b)| distance(a.vector(), b.vector()))
        .fold(f64::INFINITY, f64::min)
}

#[test]
fn rings_that_are_anything_but_simple_are_united_and_cut_rightly() {
    let count = std::env::var("SHAPES_DEGENERATE").ok().and_then(|n| n.parse().ok());
    let count: u64 = count.unwrap_or(3_000);
    let mut random = Random::new(1);
    for number in 0..count {
        let rule = if random.below(2) == 0 { Rule::NonZero } else { Rule::EvenOdd };
        let (one, two) = (rings(&mut random), rings(&mut random));
        let (a, b) = (read(&one, rule), read(&two, rule));
        let operations =
            [Operation::Union, Operation::Intersection, Operation::Difference, Operation::Xor];
        let results = operations.map(|o| combine(&a, &b, o).unwrap().value);
        let areas = results.iter().map(Region::area).collect::<Vec<_>>();
        let [union, both, less, either] = areas[..] else { panic!() };
        // Each crossing is rounded, which shifts the edges at it by less than a micrometre.
        let length = |r: &Region| r.outlines().map(Outline::length).sum::<f64>();
        let slack = 2.0 * (length(&a) + length(&b)) + 16.0;
        let context = || format!("number {number}, {rule:?}: {one:?} {two:?}");
        assert!((union + both - a.area() - b.area()).abs() <= slack, "{}", context());
        assert!((less - a.area() + both).abs() <= slack, "{}", context());
        assert!((either - union + both).abs() <= slack, "{}", context());
        for _ in 0..12 {
            let place = |random: &mut Random| random.between(-0.2, 7.2) * STEP as f64;
            let at = Vector::new(place(&mut random), place(&mut random));
            if away(&one, at) < 4.0 || away(&two, at) < 4.0 {
                continue;
            }
            let (i, j) = (is_in(&one, rule, at), is_in(&two, rule, at));
            assert_eq!((a.contains(at), b.contains(at)), (i, j), "{at:?} {}", context());
            for (result, expected) in results.iter().zip([i || j, i && j, i && !j, i != j]) {
                assert_eq!(result.contains(at), expected, "{at:?} {}", context());
            }
        }
    }
}
