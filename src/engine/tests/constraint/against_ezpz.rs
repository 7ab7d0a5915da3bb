//! Our answers beside those of `ezpz` on random sketches that have exactly one solution near.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use svgx_engine::constraint::{Constraint, Entity, Kind, Outcome, Problem, Shape, Status};

use super::peer::{self, Peer};
use super::{budget, c, solver, v};

/// How a point hangs on two points before it.
#[derive(Clone, Copy, Debug)]
enum Hang {
    Distances,
    LevelAndDistance,
    PlumbAndDistance,
}

/// Points placed one after the other; each hangs on two before it, so all of them are where
/// they have to be. The drawing is off by up to a fifth of a millimetre.
fn sketch(
    places: &[(f64, f64)],
    hangs: &[(usize, usize, Hang)],
    off: &[(f64, f64)],
) -> (Problem, Vec<(f64, f64)>) {
    let name = |i: usize| format!("p{i}");
    let mut at: Vec<(f64, f64)> = vec![places[0], places[1]];
    let mut constraints: Vec<Constraint> =
        [0, 1].map(|i| c(Kind::Fixed, &[name(i).as_str()])).to_vec();
    for (i, &(a, b, hang)) in hangs.iter().enumerate() {
        let n = i + 2;
        let (a, b) = (a % n, b % n);
        let (p, q) = (at[a], at[b]);
        let (mut x, mut y) = places[n];
        match hang {
            Hang::LevelAndDistance => y = p.1,
            Hang::PlumbAndDistance => x = p.0,
            Hang::Distances => {}
        }
        let (u, w) = ((x - p.0, y - p.1), (x - q.0, y - q.1));
        let (d, e) = (u.0.hypot(u.1), w.0.hypot(w.1));
        // Flat triangles have two solutions that are nearly one.
        let slope = match hang {
            Hang::Distances => (u.0 * w.1 - u.1 * w.0).abs() / (d * e).max(1e-9),
            Hang::LevelAndDistance => w.0.abs() / e.max(1e-9),
            Hang::PlumbAndDistance => w.1.abs() / e.max(1e-9),
        };
        if a == b || d < 8.0 || e < 8.0 || slope < 0.4 {
            // Tied to both anchors from a place where that is sound.
            let (p, q) = (at[0], at[1]);
            let (mx, my) = ((p.0 + q.0) / 2.0, (p.1 + q.1) / 2.0);
            let (dx, dy) = (q.0 - p.0, q.1 - p.1);
            (x, y) = (mx - dy * 0.8, my + dx * 0.8);
            let reach = |p: (f64, f64)| (x - p.0).hypot(y - p.1);
            constraints.push(v(Kind::Distance, &[&name(n), "p0"], reach(p)));
            constraints.push(v(Kind::Distance, &[&name(n), "p1"], reach(q)));
        } else {
            match hang {
                Hang::Distances => constraints.push(v(Kind::Distance, &[&name(n), &name(a)], d)),
                Hang::LevelAndDistance => {
                    constraints.push(c(Kind::Horizontal, &[&name(n), &name(a)]))
                }
                Hang::PlumbAndDistance => {
                    constraints.push(c(Kind::Vertical, &[&name(n), &name(a)]))
                }
            }
            constraints.push(v(Kind::Distance, &[&name(n), &name(b)], e));
        }
        at.push((x, y));
    }
    let entities = at.iter().zip(off).enumerate().map(|(i, (p, off))| {
        let (dx, dy) = if i < 2 { (0.0, 0.0) } else { *off };
        Entity { id: name(i), shape: Shape::Point { x: p.0 + dx, y: p.1 + dy } }
    });
    (Problem { entities: entities.collect(), constraints }, at)
}

fn hang() -> impl Strategy<Value = (usize, usize, Hang)> {
    let kind = prop_oneof![
        Just(Hang::Distances),
        Just(Hang::LevelAndDistance),
        Just(Hang::PlumbAndDistance)
    ];
    (0usize..40, 0usize..40, kind)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_sketches_come_out_as_those_of_ezpz_and_as_they_were_made(
        places in proptest::collection::vec((-90.0f64..90.0, -90.0f64..90.0), 14),
        hangs in proptest::collection::vec(hang(), 2..12),
        off in proptest::collection::vec((-0.2f64..0.2, -0.2f64..0.2), 14),
    ) {
        let (p, q) = (places[0], places[1]);
        prop_assume!((p.0 - q.0).hypot(p.1 - q.1) > 20.0);
        let (problem, made) = sketch(&places, &hangs, &off);
        let mut ours = solver(problem.entities.clone(), problem.constraints.clone());
        prop_assert_eq!(ours.solve(&budget()).unwrap().outcome, Outcome::Solved);
        let found = ours.diagnose(&budget()).unwrap();
        prop_assert_eq!((found.status, found.degrees_of_freedom), (Status::FullyConstrained, 0));
        let mut theirs = Peer::new(&problem);
        prop_assert!(theirs.solve(), "ezpz does not converge");
        for (i, place) in made.iter().enumerate() {
            let at = ours.position(&format!("p{i}")).unwrap();
            prop_assert!((at.0 - place.0).hypot(at.1 - place.1) < 1e-5, "p{}: {:?} {:?}", i, at, place);
            let (x, y) = (theirs.guesses[2 * i].1, theirs.guesses[2 * i + 1].1);
            prop_assert!((at.0 - x).hypot(at.1 - y) < 1e-5, "p{}: {:?} ({}, {})", i, at, x, y);
        }
    }

    #[test]
    fn a_named_conflict_is_one_and_is_none_without_any_of_its_members(
        places in proptest::collection::vec((-90.0f64..90.0, -90.0f64..90.0), 9),
        hangs in proptest::collection::vec(hang(), 2..6),
        (a, b) in (0usize..9, 0usize..9),
        more in 3.0f64..9.0,
    ) {
        let (p, q) = (places[0], places[1]);
        prop_assume!((p.0 - q.0).hypot(p.1 - q.1) > 20.0);
        let (mut problem, made) = sketch(&places, &hangs, &[(0.0, 0.0); 9]);
        let (a, b) = (a % made.len(), b % made.len());
        let d = (made[a].0 - made[b].0).hypot(made[a].1 - made[b].1);
        prop_assume!(d > 15.0);
        let (p, q) = (format!("p{a}"), format!("p{b}"));
        problem.constraints.push(v(Kind::Distance, &[&p, &q], d + more));
        let outcome = |keep: &[usize]| {
            let constraints = keep.iter().map(|&i| problem.constraints[i].clone()).collect();
            solver(problem.entities.clone(), constraints).solve(&budget()).unwrap().outcome
        };
        let mut all = solver(problem.entities.clone(), problem.constraints.clone());
        prop_assert_eq!(all.solve(&budget()).unwrap().outcome, Outcome::Inconsistent);
        let missed: Vec<String> = all.unsatisfied(1e-8).into_iter().map(|(name, _)| name).collect();
        prop_assert_eq!(missed, [format!("#{}", problem.constraints.len())], "the earlier ones hold");
        let found = all.diagnose(&budget()).unwrap();
        prop_assert_eq!(found.status, Status::Conflicting);
        for conflict in &found.conflicts {
            prop_assert!(conflict.minimal);
            let index = |n: &String| n.trim_start_matches('#').parse::<usize>().unwrap() - 1;
            let named: Vec<usize> = conflict.constraints.iter().map(index).collect();
            prop_assert_eq!(outcome(&named), Outcome::Inconsistent, "{:?}", conflict);
            for without in &named {
                let rest: Vec<usize> = named.iter().copied().filter(|i| i != without).collect();
                prop_assert_eq!(outcome(&rest), Outcome::Solved, "{:?} - {}", conflict, without);
            }
        }
    }
}

#[test]
fn the_benchmarks_problems_come_out_alike() {
    type Make = fn(usize) -> Problem;
    let problems: [Make; 4] = [peer::grid, peer::rects, peer::truss, peer::circles];
    for (k, make) in problems.into_iter().enumerate() {
        for size in [10, 100] {
            let problem = make(size);
            let mut ours = solver(problem.entities.clone(), problem.constraints.clone());
            assert_eq!(ours.solve(&budget()).unwrap().outcome, Outcome::Solved, "{k} {size}");
            let found = ours.diagnose(&budget()).unwrap();
            assert_eq!(found.status, Status::FullyConstrained, "{k} {size}");
            let mut theirs = Peer::new(&problem);
            assert!(theirs.solve(), "{k} {size}: ezpz does not converge");
            let mut at = 0;
            for entity in ours.entities() {
                let (x, y) = entity.shape.first_point().unwrap();
                let (u, w) = (theirs.guesses[at].1, theirs.guesses[at + 1].1);
                assert!((x - u).hypot(y - w) < 1e-5, "{k} {size} {}", entity.id);
                at += match entity.shape {
                    Shape::Line { .. } => 4,
                    Shape::Circle { .. } => 3,
                    _ => 2,
                };
            }
        }
    }
}
