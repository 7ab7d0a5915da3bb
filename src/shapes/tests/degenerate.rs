//! Rings that cross themselves, run back on themselves, and share corners and edges: random ones on a grid of
//! eight by eight. `SHAPES_DEGENERATE=80000` makes as many.
//!
//! Judged by where points are, counted by crossings of a ray, and by areas that add up.

use svgx_shapes::{Operation, Outline, Point, Region, Rule, Vector, Vertex, combine, region};

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

/// A shape with arcs on a grid: circles, slots, discs that are halved, rectangles with round corners. Many of
/// them touch, share arcs, or are the same.
fn rounded(random: &mut Random, step: i64) -> Outline {
    let mm = |n: u64| n as i64 * step;
    let (x, y) = (mm(random.below(6)), mm(random.below(6)));
    let r = mm(1 + random.below(3));
    let vertex = |x: i64, y: i64, bulge: f64| Vertex { at: Point::new(x, y), bulge };
    let quarter = (std::f64::consts::PI / 8.0).tan();
    let vertices = match random.below(4) {
        0 => vec![vertex(x + r, y, 1.0), vertex(x - r, y, 1.0)],
        1 => vec![
            vertex(x, y - r, 0.0),
            vertex(x + 2 * r, y - r, 1.0),
            vertex(x + 2 * r, y + r, 0.0),
            vertex(x, y + r, 1.0),
        ],
        2 => vec![vertex(x - r, y, 0.0), vertex(x + r, y, 1.0)],
        _ => vec![
            vertex(x, y - 2 * r, 0.0),
            vertex(x + r, y - 2 * r, quarter),
            vertex(x + 2 * r, y - r, 0.0),
            vertex(x + 2 * r, y, 0.0),
            vertex(x, y, 0.0),
        ],
    };
    let outline = Outline::new(vertices, true).unwrap();
    if random.below(2) == 0 { outline } else { outline.reversed() }
}

#[test]
fn arcs_that_touch_and_lie_on_each_other_are_united_and_cut_rightly() {
    let count = std::env::var("SHAPES_DEGENERATE").ok().and_then(|n| n.parse().ok());
    let count: u64 = count.unwrap_or(3_000) / 15;
    let mut random = Random::new(7);
    for number in 0..count {
        // Chords are as far from large arcs as from small ones, but longer.
        let step = if number % 2 == 0 { STEP } else { 300 * STEP };
        let (one, two) = (rounded(&mut random, step), rounded(&mut random, step));
        let read = |o: &Outline| region(std::slice::from_ref(o), Rule::NonZero).unwrap().value;
        let (a, b) = (read(&one), read(&two));
        let operations =
            [Operation::Union, Operation::Intersection, Operation::Difference, Operation::Xor];
        let results = operations.map(|o| combine(&a, &b, o).unwrap().value);
        let areas = results.iter().map(Region::area).collect::<Vec<_>>();
        let [union, both, less, either] = areas[..] else { panic!() };
        let context = || format!("number {number}: {one:?} {two:?}: {areas:?}");
        let slack = 3.0 * (one.length() + two.length());
        assert!((union + both - a.area() - b.area()).abs() <= slack, "{}", context());
        assert!((less - a.area() + both).abs() <= slack, "{}", context());
        assert!((either - union + both).abs() <= slack, "{}", context());
        for _ in 0..20 {
            let place = |random: &mut Random| random.between(-4.0, 13.0) * step as f64;
            let at = Vector::new(place(&mut random), place(&mut random));
            if one.nearest(at).1 < 10.0 || two.nearest(at).1 < 10.0 {
                continue;
            }
            let (i, j) = (a.contains(at), b.contains(at));
            for (result, expected) in results.iter().zip([i || j, i && j, i && !j, i != j]) {
                assert_eq!(result.contains(at), expected, "{at:?} {}", context());
            }
        }
    }
}
