//! Degrees of freedom, redundant constraints and conflicts, as CAD users know them.

use proptest::prelude::*;
use svgx_engine::constraint::{
    Change, Constraint, Diagnosis, Entity, Kind, Outcome, Problem, Solver, Status,
};
use svgx_engine::document::Limits;

use super::{arc, budget, c, circle, line, point, solver, v};

/// A rectangle of four lines, 30 by 20, with `more` constraints.
fn rectangle(more: Vec<Constraint>) -> (Vec<Entity>, Vec<Constraint>) {
    let entities = vec![
        line("s", 0.0, 0.0, 30.0, 1.0),
        line("e", 30.0, 0.0, 29.0, 20.0),
        line("n", 30.0, 20.0, 0.0, 21.0),
        line("w", 0.0, 20.0, 1.0, 0.0),
    ];
    let mut constraints = vec![
        c(Kind::Fixed, &["s.start"]),
        c(Kind::Coincident, &["s.end", "e.start"]),
        c(Kind::Coincident, &["e.end", "n.start"]),
        c(Kind::Coincident, &["n.end", "w.start"]),
        c(Kind::Coincident, &["w.end", "s.start"]),
        c(Kind::Horizontal, &["s"]),
        c(Kind::Horizontal, &["n"]),
        c(Kind::Vertical, &["e"]),
        c(Kind::Vertical, &["w"]),
        v(Kind::Distance, &["s.start", "s.end"], 30.0),
        v(Kind::Distance, &["e.start", "e.end"], 20.0),
    ];
    constraints.extend(more);
    (entities, constraints)
}

fn diagnose(entities: Vec<Entity>, constraints: Vec<Constraint>) -> Diagnosis {
    let mut s = solver(entities, constraints);
    s.solve(&budget()).unwrap();
    s.diagnose(&budget()).unwrap()
}

#[test]
fn a_dimensioned_rectangle_is_fully_constrained() {
    let (e, c) = rectangle(vec![]);
    let d = diagnose(e, c);
    assert_eq!((d.status, d.degrees_of_freedom), (Status::FullyConstrained, 0));
    assert!(d.entities.iter().all(|e| e.degrees_of_freedom == 0));
    assert!(d.complete && d.redundant.is_empty() && d.conflicts.is_empty());
}

#[test]
fn freedom_is_counted_for_every_entity() {
    let d = diagnose(
        vec![
            point("free", 1.0, 2.0),
            point("hub", 0.0, 0.0),
            point("hand", 5.0, 0.0),
            circle("wheel", 0.0, 0.0, 3.0),
            arc("bow", (20.0, 0.0), 5.0, (25.0, 0.0), (20.0, 5.0)),
            line("beam", 50.0, 0.0, 60.0, 0.0),
        ],
        vec![
            c(Kind::Fixed, &["hub"]),
            v(Kind::Distance, &["hub", "hand"], 5.0),
            c(Kind::Coincident, &["hub", "wheel.center"]),
            v(Kind::Distance, &["beam.start", "beam.end"], 10.0),
        ],
    );
    let freedom: Vec<_> =
        d.entities.iter().map(|e| (e.entity.as_str(), e.degrees_of_freedom)).collect();
    let expected = [("free", 2), ("hub", 0), ("hand", 1), ("wheel", 1), ("bow", 5), ("beam", 3)];
    assert_eq!(freedom, expected);
    assert_eq!((d.status, d.degrees_of_freedom), (Status::UnderConstrained, 12));
}

#[test]
fn an_extra_width_that_agrees_is_redundant_and_says_why() {
    let (e, c) = rectangle(vec![v(Kind::Distance, &["n.start", "n.end"], 30.0)]);
    let d = diagnose(e, c);
    assert_eq!(d.status, Status::OverConstrained);
    assert_eq!(d.redundant.len(), 1, "{:?}", d.redundant);
    assert!(d.conflicts.is_empty());
}

#[test]
fn an_extra_width_that_disagrees_is_named_with_nothing_but_its_opponents() {
    let (e, c) = rectangle(vec![v(Kind::Distance, &["n.start", "n.end"], 31.0)]);
    let mut s = solver(e.clone(), c.clone());
    let report = s.solve(&budget()).unwrap();
    assert_eq!(report.outcome, Outcome::Inconsistent);
    let missed: Vec<String> = s.unsatisfied(1e-8).into_iter().map(|(name, _)| name).collect();
    assert_eq!(missed, ["#12"], "the earlier width holds");
    let d = s.diagnose(&budget()).unwrap();
    assert_eq!(d.status, Status::Conflicting);
    assert_eq!(d.conflicts.len(), 1, "{:?}", d.conflicts);
    assert!(d.conflicts[0].minimal);
    check_minimal(&e, &c, &d.conflicts[0].constraints);
    let named: Vec<_> = d.conflicts[0].constraints.iter().map(String::as_str).collect();
    assert!(named.contains(&"#10") && named.contains(&"#12"), "{named:?}");
    assert!(!named.contains(&"#11"), "the height is innocent: {named:?}");
}

#[test]
fn where_constraints_conflict_the_earlier_ones_hold() {
    let length = |value| v(Kind::Distance, &["l.start", "l.end"], value);
    let sides = |ab: f64, bc: f64, ca: f64| {
        let side = |p, q, d| v(Kind::Distance, &[p, q], d);
        vec![side("a", "b", ab), side("b", "c", bc), side("c", "a", ca)]
    };
    let fixed = c(Kind::Fixed, &["a", "b"]);
    let (rectangle_, walls) = rectangle(vec![
        v(Kind::Distance, &["n.start", "n.end"], 31.0),
        v(Kind::Distance, &["w.start", "w.end"], 19.0),
    ]);
    let loose = vec![
        line("l", 0.0, 0.0, 20.0, 3.0),
        point("a", 0.0, 0.0),
        point("b", 4.0, 0.5),
        point("c", 2.0, 3.0),
    ];
    let radii = vec![circle("k", 0.0, 0.0, 36.0), circle("j", 0.0, 0.0, 31.0)];
    // The constraints, and those that give way.
    let cases: Vec<(&[Entity], Vec<Constraint>, Vec<&str>)> = vec![
        (&loose, vec![length(30.0), length(35.0)], vec!["#2"]),
        (&loose, vec![length(35.0), length(30.0)], vec!["#2"]),
        (&loose, vec![length(30.0), length(35.0), length(40.0)], vec!["#2", "#3"]),
        (&loose, vec![length(30.0), length(35.0), length(30.0)], vec!["#2"]),
        (&loose, sides(1.0, 1.0, 5.0), vec!["#3"]),
        (&loose, [sides(3.0, 4.0, 5.0), vec![fixed.clone()]].concat(), vec!["#4"]),
        (&loose, [vec![fixed], sides(3.0, 4.0, 5.0)].concat(), vec!["#2"]),
        (&loose, [sides(1.0, 1.0, 5.0), vec![length(3.0), length(2.0)]].concat(), vec!["#3", "#5"]),
        (&rectangle_, walls, vec!["#12", "#13"]),
        // The last contradicts only what gave way itself.
        (
            &radii,
            vec![
                v(Kind::Radius, &["k"], 37.0),
                v(Kind::Radius, &["j"], 30.0),
                c(Kind::EqualRadius, &["k", "j"]),
                v(Kind::Offset, &["j", "k"], 7.0),
            ],
            vec!["#3"],
        ),
    ];
    for (entities, constraints, expected) in cases {
        let mut s = solver(entities.to_vec(), constraints.clone());
        let report = s.solve(&budget()).unwrap();
        assert_eq!(report.outcome, Outcome::Inconsistent, "{constraints:?}");
        let missed: Vec<String> = s.unsatisfied(1e-7).into_iter().map(|(name, _)| name).collect();
        assert_eq!(missed, expected, "{constraints:?}");
        let solved = s.entities();
        let d = s.diagnose(&budget()).unwrap();
        assert_eq!((d.status, d.complete), (Status::Conflicting, true));
        let latest: Vec<_> = d.conflicts.iter().filter_map(|c| c.constraints.last()).collect();
        assert_eq!(latest, expected, "the diagnosis and the solver leave out the same");
        assert_eq!(s.entities(), solved);
        // Another solve finds nothing to do.
        s.solve(&budget()).unwrap();
        assert!(s.unsatisfied(1e-7).iter().map(|(name, _)| name).eq(expected));
    }
}

/// Coordinates of points and what ties them: `a` and `b` differ by a number, and a tie that
/// contradicts those before it is left out with its constraint.
#[derive(Clone, Default)]
struct Ties(std::collections::BTreeMap<(usize, usize), f64>);

impl Ties {
    /// The ties and those that follow, or none where they contradict.
    fn with(&self, ties: &[(usize, usize, f64)]) -> Option<Ties> {
        let mut known = self.clone();
        for &(a, b, difference) in ties {
            match known.0.get(&(a, b)) {
                Some(d) if *d == difference => continue,
                Some(_) => return None,
                None => {}
            }
            // Every pair that the new one connects, itself included.
            let to = |n: usize, known: &Ties| -> Vec<(usize, f64)> {
                let others = known.0.iter().filter(|((p, _), _)| *p == n);
                others.map(|((_, q), d)| (*q, *d)).chain([(n, 0.0)]).collect()
            };
            for (p, dp) in to(a, &known) {
                for (q, dq) in to(b, &known) {
                    // q - p = (q - b) + (b - a) - (p - a)
                    known.0.insert((p, q), dq + difference - dp);
                    known.0.insert((q, p), dp - difference - dq);
                }
            }
        }
        Some(known)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
    /// Against an exact judge: what is horizontal, vertical, one point or fixed is a difference
    /// of coordinates, so that each constraint is known to agree with the kept ones or not.
    #[test]
    fn whatever_conflicts_the_earliest_are_kept(
        places in prop::collection::vec((0_u8..40, 0_u8..40), 5),
        drawn in prop::collection::vec((0_u8..4, 0_usize..5, 1_usize..5), 3..12),
    ) {
        const GROUND: usize = 10;
        let names: Vec<String> = (0..5).map(|i| format!("p{i}")).collect();
        let at = |i: usize| (f64::from(places[i].0), f64::from(places[i].1));
        let entities: Vec<Entity> =
            names.iter().enumerate().map(|(i, name)| point(name, at(i).0, at(i).1)).collect();
        let (mut constraints, mut ties, mut left_out) = (Vec::new(), Ties::default(), Vec::new());
        for (k, &(kind, a, step)) in drawn.iter().enumerate() {
            let b = (a + step) % 5;
            let ((x, y), pair) = (at(a), [names[a].as_str(), names[b].as_str()]);
            let (constraint, more) = match kind {
                0 => (c(Kind::Horizontal, &pair), vec![(5 + a, 5 + b, 0.0)]),
                1 => (c(Kind::Vertical, &pair), vec![(a, b, 0.0)]),
                2 => (c(Kind::Coincident, &pair), vec![(a, b, 0.0), (5 + a, 5 + b, 0.0)]),
                _ => (c(Kind::Fixed, &pair[..1]), vec![(GROUND, a, x), (GROUND, 5 + a, y)]),
            };
            constraints.push(constraint);
            match ties.with(&more) {
                Some(known) => ties = known,
                None => left_out.push(format!("#{}", k + 1)),
            }
        }
        let mut s = solver(entities, constraints);
        s.solve(&budget()).unwrap();
        let missed: Vec<String> = s.unsatisfied(1e-6).into_iter().map(|(name, _)| name).collect();
        prop_assert_eq!(missed, left_out);
    }
}

/// What holds a point between `a` at (0, 0) and `b` at (100, 0).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hold {
    FromA(f64),
    FromB(f64),
    Above,
    Beside,
}

/// Whether a point can be held by all of them: circles meet or do not, and the distances are so
/// that a circle meets an axis only where another one does not.
fn agree(all: &[Hold]) -> bool {
    let has = |hold: Hold| all.contains(&hold);
    let only = |of: fn(&Hold) -> Option<f64>| {
        let mut values: Vec<f64> = all.iter().filter_map(of).collect();
        values.dedup();
        values
    };
    let a = only(|h| if let Hold::FromA(d) = h { Some(*d) } else { None });
    let b = only(|h| if let Hold::FromB(d) = h { Some(*d) } else { None });
    if a.len() > 1 || b.len() > 1 {
        return false;
    }
    let meet = a.iter().zip(&b).all(|(a, b)| a + b > 100.0);
    let (above, beside, held) = (has(Hold::Above), has(Hold::Beside), a.len() + b.len());
    let apart = above && !b.is_empty() || above && beside && held > 0 || beside && held == 2;
    meet && !apart
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
    #[test]
    fn of_circles_that_do_not_meet_the_earliest_are_kept(
        drawn in prop::collection::vec((0_usize..2, 0_u8..4, 0_usize..4), 3..10),
    ) {
        let mut entities = vec![point("a", 0.0, 0.0), point("b", 100.0, 0.0)];
        entities.extend([point("p0", 37.0, 41.0), point("p1", 55.0, -38.0)]);
        let mut constraints = vec![c(Kind::Fixed, &["a"]), c(Kind::Fixed, &["b"])];
        let (mut kept, mut left_out) = ([Vec::new(), Vec::new()], Vec::new());
        for (k, &(p, kind, value)) in drawn.iter().enumerate() {
            let (name, value) = (["p0", "p1"][p], [30.0, 40.0, 80.0, 90.0][value]);
            let (constraint, hold) = match kind {
                0 => (v(Kind::Distance, &[name, "a"], value), Hold::FromA(value)),
                1 => (v(Kind::Distance, &[name, "b"], value), Hold::FromB(value)),
                2 => (c(Kind::Vertical, &[name, "a"]), Hold::Above),
                _ => (c(Kind::Horizontal, &[name, "a"]), Hold::Beside),
            };
            constraints.push(constraint);
            kept[p].push(hold);
            if !agree(&kept[p]) {
                kept[p].pop();
                left_out.push(format!("#{}", k + 3));
            }
        }
        let mut s = solver(entities, constraints);
        s.solve(&budget()).unwrap();
        let missed: Vec<String> = s.unsatisfied(1e-6).into_iter().map(|(name, _)| name).collect();
        prop_assert_eq!(missed, left_out, "{:?}", drawn);
    }
}

#[test]
fn what_was_left_out_is_taken_in_again_when_it_can_hold() {
    let length = |value| v(Kind::Distance, &["l.start", "l.end"], value);
    let mut s = solver(vec![line("l", 0.0, 0.0, 20.0, 3.0)], vec![length(30.0), length(35.0)]);
    let long = |s: &Solver| {
        let (a, b) = (super::at(s, "l.start"), super::at(s, "l.end"));
        (a.0 - b.0).hypot(a.1 - b.1)
    };
    assert_eq!(s.solve(&budget()).unwrap().outcome, Outcome::Inconsistent);
    assert!((long(&s) - 30.0).abs() < 1e-8);
    // Dragging goes on with what holds.
    let carry = Change::Carry { entity: 0, dx: 5.0, dy: 0.0 };
    assert_eq!(s.drag(&carry, &budget()).unwrap().outcome, Outcome::Inconsistent);
    assert!((long(&s) - 30.0).abs() < 1e-8);
    let change = Change::Value { constraint: 0, value: 35.0 };
    assert_eq!(s.drag(&change, &budget()).unwrap().outcome, Outcome::Solved);
    assert!((long(&s) - 35.0).abs() < 1e-8);
    s.add(length(10.0)).unwrap();
    assert_eq!(s.solve(&budget()).unwrap().outcome, Outcome::Inconsistent);
    s.remove(0).unwrap();
    s.remove(0).unwrap();
    assert_eq!(s.solve(&budget()).unwrap().outcome, Outcome::Solved);
    assert!((long(&s) - 10.0).abs() < 1e-8);
}

#[test]
fn the_status_says_whether_there_are_constraints_at_all() {
    let soft = Constraint { soft: Some(1.0), ..v(Kind::Radius, &["k"], 2.0) };
    let cases = [
        (vec![], vec![], Status::Unconstrained, 0),
        (vec![point("p", 0.0, 0.0)], vec![], Status::Unconstrained, 2),
        (vec![circle("k", 0.0, 0.0, 1.0)], vec![soft], Status::UnderConstrained, 3),
        (vec![point("p", 0.0, 0.0)], vec![c(Kind::Fixed, &["p"])], Status::FullyConstrained, 0),
        (
            vec![point("p", 0.0, 0.0)],
            vec![c(Kind::Fixed, &["p"]), c(Kind::Fixed, &["p"])],
            Status::OverConstrained,
            0,
        ),
    ];
    for (entities, constraints, status, freedom) in cases {
        let d = diagnose(entities, constraints.clone());
        assert_eq!((d.status, d.degrees_of_freedom), (status, freedom), "{constraints:?}");
    }
}

/// A named conflict is one, and no longer one without any of its members.
fn check_minimal(entities: &[Entity], constraints: &[Constraint], named: &[String]) {
    let index = |n: &String| n.trim_start_matches('#').parse::<usize>().unwrap() - 1;
    let all: Vec<usize> = named.iter().map(index).collect();
    let outcome = |keep: &[usize]| {
        let constraints = keep.iter().map(|&i| constraints[i].clone()).collect();
        solver(entities.to_vec(), constraints).solve(&budget()).unwrap().outcome
    };
    assert_eq!(outcome(&all), Outcome::Inconsistent, "{named:?}");
    for without in &all {
        let rest: Vec<usize> = all.iter().copied().filter(|i| i != without).collect();
        assert_eq!(outcome(&rest), Outcome::Solved, "{named:?} without #{}", without + 1);
    }
}

#[test]
fn conflicts_of_curved_and_slanted_sketches_are_minimal_too() {
    let triangle = vec![
        point("a", 0.0, 0.0),
        point("b", 4.0, 0.5),
        point("c", 2.0, 3.0),
        point("d", 9.0, 9.0),
    ];
    let cases = [
        (
            triangle.clone(),
            vec![
                v(Kind::Distance, &["c", "d"], 9.0),
                v(Kind::Distance, &["a", "b"], 1.0),
                v(Kind::Distance, &["b", "c"], 1.0),
                v(Kind::Distance, &["c", "a"], 5.0),
            ],
            vec!["#2", "#3", "#4"],
        ),
        (
            vec![
                line("l", 0.0, 0.0, 5.0, 1.0),
                line("m", 0.0, 3.0, 5.0, 4.5),
                line("n", 1.0, 1.0, 2.0, 5.0),
            ],
            vec![
                c(Kind::EqualLength, &["l", "m"]),
                c(Kind::Parallel, &["l", "m"]),
                c(Kind::Perpendicular, &["m", "n"]),
                v(Kind::Angle, &["l", "n"], 45.0),
            ],
            vec!["#2", "#3", "#4"],
        ),
        (
            vec![circle("k", 0.0, 0.0, 3.0), circle("j", 9.0, 0.0, 2.0)],
            vec![
                c(Kind::Tangent, &["k", "j"]),
                v(Kind::Radius, &["k"], 3.0),
                v(Kind::Radius, &["j"], 2.0),
                v(Kind::Distance, &["k.center", "j.center"], 6.0),
            ],
            vec!["#1", "#2", "#3", "#4"],
        ),
    ];
    for (entities, constraints, expected) in cases {
        let d = diagnose(entities.clone(), constraints.clone());
        assert_eq!(d.status, Status::Conflicting, "{constraints:?}");
        assert_eq!(d.conflicts.len(), 1, "{:?}", d.conflicts);
        assert_eq!(d.conflicts[0].constraints, expected);
        check_minimal(&entities, &constraints, &d.conflicts[0].constraints);
    }
}

/// Two rows of joints, every joint tied to the two before it; both ends of the
/// first bar stand still.
pub(crate) fn truss(constraints: usize) -> (Vec<Entity>, Vec<Constraint>) {
    let joints = constraints / 2 + 1;
    let name = |i: usize| format!("p{i}");
    let place = |i: usize| (i as f64 * 5.0, if i.is_multiple_of(2) { 0.0 } else { 8.0 });
    let mut entities = Vec::new();
    let mut list = vec![c(Kind::Fixed, &["p0"]), c(Kind::Fixed, &["p1"])];
    for i in 0..joints {
        let (x, y) = place(i);
        // Off by less than a millimetre, except the anchors.
        let (dx, dy) = if i < 2 { (0.0, 0.0) } else { ((i as f64).sin(), (i as f64 * 1.7).cos()) };
        entities.push(point(&name(i), x + dx, y + dy));
        for back in [1, 2] {
            if i >= 2 {
                let (u, w) = place(i - back);
                list.push(v(Kind::Distance, &[&name(i), &name(i - back)], (x - u).hypot(y - w)));
            }
        }
    }
    (entities, list)
}

#[test]
fn a_long_truss_has_no_false_freedom() {
    let (entities, constraints) = truss(2000);
    let d = diagnose(entities, constraints);
    assert_eq!((d.status, d.degrees_of_freedom), (Status::FullyConstrained, 0));
    assert!(d.entities.iter().all(|e| e.degrees_of_freedom == 0));
}

#[test]
fn a_floating_truss_has_three_degrees_of_freedom_and_an_extra_bar_is_redundant() {
    let (mut entities, mut constraints) = truss(400);
    constraints.drain(..2);
    constraints.push(v(Kind::Distance, &["p0", "p1"], 89f64.sqrt()));
    for shape in &mut entities[..2] {
        *shape = shape.clone();
    }
    let d = diagnose(entities.clone(), constraints.clone());
    assert_eq!((d.status, d.degrees_of_freedom), (Status::UnderConstrained, 3));
    constraints.push(v(Kind::Distance, &["p0", "p3"], 15f64.hypot(8.0)));
    let d = diagnose(entities, constraints.clone());
    assert_eq!((d.status, d.degrees_of_freedom), (Status::Redundant, 3));
    assert_eq!(d.redundant.len(), 1);
    let r = &d.redundant[0];
    assert_eq!(r.constraint, format!("#{}", constraints.len()));
    // p0 p1, p1 p2, p0 p2, p2 p3, p1 p3
    assert_eq!(r.implied_by.len(), 5, "{:?}", r.implied_by);
}

fn outcome_and_points(e: &[Entity], c: &[Constraint]) -> (Outcome, Solver) {
    let mut s =
        Solver::new(Problem { entities: e.to_vec(), constraints: c.to_vec() }, &Limits::default())
            .unwrap()
            .with_tolerance(1e-9);
    let outcome = s.solve(&budget()).unwrap().outcome;
    (outcome, s)
}

fn close(a: &Solver, b: &Solver) -> bool {
    let flat = |s: &Solver| serde_json::to_value(s.entities()).unwrap();
    fn same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
        match (a, b) {
            (serde_json::Value::Array(a), serde_json::Value::Array(b)) => {
                a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (serde_json::Value::Object(a), serde_json::Value::Object(b)) => {
                a.iter().zip(b.iter()).all(|((_, a), (_, b))| same(a, b))
            }
            (serde_json::Value::Number(a), serde_json::Value::Number(b)) => {
                (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-6
            }
            (a, b) => a == b,
        }
    }
    same(&flat(a), &flat(b))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_solved_sketch_solves_to_itself_and_redundant_constraints_can_go(
        places in proptest::collection::vec((-50.0f64..50.0, -50.0f64..50.0), 4..9),
        picks in proptest::collection::vec((0usize..9, 0usize..9, 0u8..4), 3..16),
        jitter in proptest::collection::vec((-0.2f64..0.2, -0.2f64..0.2), 9),
    ) {
        let n = places.len();
        let name = |i: usize| format!("p{i}");
        let entities: Vec<Entity> = places.iter().zip(&jitter).enumerate()
            .map(|(i, (p, j))| if i == 0 { point("p0", p.0, p.1) } else { point(&name(i), p.0 + j.0, p.1 + j.1) })
            .collect();
        let mut constraints = vec![c(Kind::Fixed, &["p0"])];
        for (a, b, kind) in picks {
            let (a, b) = (a % n, b % n);
            let (p, q) = (places[a], places[b]);
            let d = (p.0 - q.0).hypot(p.1 - q.1);
            if a == b || d < 5.0 || kind == 3 { continue; }
            constraints.push(v(Kind::Distance, &[&name(a), &name(b)], d));
        }
        let (outcome, mut s) = outcome_and_points(&entities, &constraints);
        prop_assume!(outcome == Outcome::Solved);
        let (again, t) = outcome_and_points(&s.entities(), &constraints);
        prop_assert_eq!(again, Outcome::Solved);
        prop_assert!(close(&s, &t));
        let d = s.diagnose(&budget()).unwrap();
        prop_assert!(d.conflicts.is_empty());
        for r in &d.redundant {
            super::redundancy::check_reasons(&s.entities(), &constraints, r);
            let i = r.constraint.trim_start_matches('#').parse::<usize>().unwrap() - 1;
            let mut fewer = constraints.clone();
            fewer.remove(i);
            let (_, mut t) = outcome_and_points(&s.entities(), &fewer);
            prop_assert_eq!(t.diagnose(&budget()).unwrap().degrees_of_freedom, d.degrees_of_freedom);
            prop_assert!(close(&s, &t));
        }
    }
}
