//! What holds for any outline, and that nothing panics on any.

use proptest::prelude::*;
use svgx_shapes::{
    End, Join, LIMIT, Motion, Operation, Outline, Point, Rule, Vector, Vertex, along, chamfer,
    combine, cubic, ellipse_arc, extend, fillet, fillet_pair, join, offset, region, split_at,
    split_by, trim,
};

use crate::support::{arcs, at};

/// A closed outline about the origin: corners at random distances, bent a little or not.
fn simple() -> impl Strategy<Value = Outline> {
    prop::collection::vec((40.0..100.0_f64, -0.2..0.2_f64, any::<bool>()), 4..12).prop_map(|all| {
        let n = all.len() as f64;
        let vertices = all.iter().enumerate().map(|(k, &(away, bulge, bent))| {
            let angle = std::f64::consts::TAU * k as f64 / n;
            let p = Vector::at_angle(angle) * (away * 1e3);
            Vertex { at: Point::nearest(p).unwrap(), bulge: if bent { bulge } else { 0.0 } }
        });
        Outline::new(vertices.collect(), true).unwrap()
    })
}

/// Anything that can be written down.
fn any_outline() -> impl Strategy<Value = Option<Outline>> {
    let small = -4_i64..4;
    let coordinate = prop_oneof![
        small.clone().prop_map(|n| n),
        small.prop_map(|n| n * 1_000),
        -LIMIT..=LIMIT,
        any::<i64>(),
    ];
    let bulge = prop_oneof![
        Just(0.0),
        Just(1.0),
        Just(-1.0),
        -3.0..3.0_f64,
        any::<f64>(),
        Just(1e-9),
        Just(1e9),
    ];
    let vertex = (coordinate.clone(), coordinate, bulge)
        .prop_map(|(x, y, bulge)| Vertex { at: Point::new(x, y), bulge });
    (prop::collection::vec(vertex, 0..9), any::<bool>())
        .prop_map(|(vertices, closed)| Outline::new(vertices, closed).ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_fillet_touches_both_edges(shape in simple(), corner in 0..12_usize, radius in 1.0..30.0_f64) {
        let corner = corner % shape.vertices().len();
        let Ok(round) = fillet(&shape, corner, radius * 1e3) else { return Ok(()) };
        let round = round.value;
        // The arc is the edge behind the vertex that took the corner's place; one that took all of the
        // edge before it took that edge's number as well.
        let own = (0..round.edge_count()).filter_map(|n| {
            let edge = round.edge(n)?;
            let first = edge.start();
            let new = shape.vertices().iter().all(|v| v.at.vector() != first);
            let radius_is = arcs(&Outline::new(vec![
                Vertex { at: Point::nearest(edge.start()).ok()?, bulge: edge.bulge() },
                Vertex { at: Point::nearest(edge.end()).ok()?, bulge: 0.0 },
            ], false).ok()?).first().is_some_and(|a| (a.1 - radius * 1e3).abs() < 0.02 * radius * 1e3);
            (new && radius_is).then_some((n, edge))
        }).next();
        if let Some((n, edge)) = own
            && edge.length() > 2_000.0
        {
            let count = round.edge_count();
            let before = round.edge((n + count - 1) % count).unwrap();
            let behind = round.edge((n + 1) % count).unwrap();
            for (a, b) in [(before, edge), (edge, behind)] {
                if a.length() > 2_000.0 && b.length() > 2_000.0 {
                    let bend = a.direction(1.0).cross(b.direction(0.0)).abs();
                    prop_assert!(bend < 4e-3, "{bend} at {corner} of {shape:?}");
                }
            }
        }
        prop_assert!((shape.area() - round.area()).abs() < shape.area());
    }

    #[test]
    fn a_parallel_is_as_far_away_as_it_should_be(shape in simple(), distance in -15.0..40.0_f64) {
        prop_assume!(distance.abs() > 0.5);
        for parallel in offset(&shape, distance * 1e3, Join::Round).unwrap().value {
            for edge in parallel.edges() {
                for t in [0.0, 0.3, 0.7] {
                    let (_, away) = shape.nearest(edge.at(t));
                    prop_assert!((away - distance.abs() * 1e3).abs() < 4.0, "{away} {distance}");
                }
            }
        }
    }

    #[test]
    fn areas_of_union_and_intersection_are_those_of_both(a in simple(), b in simple(), x in -80.0..80.0_f64) {
        let b = Motion::by(at(x, x / 3.0)).moved(&b).unwrap().value;
        let [p, q] = [&a, &b].map(|o| region(std::slice::from_ref(o), Rule::NonZero).unwrap().value);
        let union = combine(&p, &q, Operation::Union).unwrap().value.area();
        let both = combine(&p, &q, Operation::Intersection).unwrap().value.area();
        let slack = 4.0 * (a.length() + b.length());
        prop_assert!((union + both - p.area() - q.area()).abs() < slack);
    }

    #[test]
    fn what_is_mirrored_twice_is_what_it_was(shape in simple(), y in -50.0..50.0_f64) {
        let mirror = Motion::mirror(at(0.0, y.round()), at(10.0, y.round())).unwrap();
        let there = mirror.moved(&shape).unwrap().value;
        prop_assert!((there.area() + shape.area()).abs() < 4.0 * shape.length());
        prop_assert_eq!(mirror.moved(&there).unwrap().value, shape);
    }

    #[test]
    fn nothing_panics(one in any_outline(), two in any_outline(), x in any::<f64>(), y in -9e3..9e3_f64, n in 0..9_usize) {
        let (Some(one), Some(two)) = (one, two) else { return Ok(()) };
        let place = Vector::new(x, y);
        let others = std::slice::from_ref(&two);
        let lengths = [one.area(), one.length(), one.nearest(place).1];
        let _ = (lengths, one.bounds(), one.as_circle(), one.reversed());
        let _ = (fillet(&one, n, x), fillet(&one, n, y), chamfer(&one, n, y, 5.0));
        let _ = (trim(&one, place, others), split_by(&one, others), split_at(&one, &[place]));
        let _ = (extend(&one, End::First, others), extend(&one, End::Last, others));
        let _ = join(&[one.clone(), two.clone()], y);
        let _ = along(&one, n, true);
        let (a, b) = (one.edge(0).unwrap(), two.edge(0).unwrap());
        let _ = fillet_pair(&a, &b, (place, place), y.abs());
        let small = |o: &Outline| { let (l, h) = o.bounds(); (h - l).length() < 1e7 };
        if small(&one) && small(&two) {
            for way in [Join::Round, Join::Bevel, Join::Miter { limit: 4.0 }] {
                let _ = offset(&one, y, way);
            }
            let regions = [&one, &two].map(|o| region(std::slice::from_ref(o), Rule::EvenOdd));
            if let [Ok(a), Ok(b)] = &regions {
                for operation in [Operation::Union, Operation::Intersection, Operation::Difference, Operation::Xor] {
                    let _ = combine(&a.value, &b.value, operation);
                }
            }
        }
        let points = one.vertices().iter().chain(two.vertices()).map(|v| v.at.vector());
        let four: Vec<Vector> = points.chain([place; 4]).take(4).collect();
        let (found, off) = cubic([four[0], four[1], four[2], four[3]], y);
        prop_assert!(!found.is_empty() && (off >= 0.0 || off.is_nan()));
        let _ = ellipse_arc(place, (four[0], four[1]), y, x, y);
    }
}
