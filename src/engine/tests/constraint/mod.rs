//! Geometric constraints as a user of the library meets them.

mod against_ezpz;
mod diagnosis;
mod drag;
mod drawings;
mod formulas;
#[allow(dead_code, reason = "some of it only the benchmark uses")]
mod peer;
mod redundancy;
mod sizes;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::constraint::{
    Change, Constraint, Entity, Error, Kind, Outcome, Problem, Shape, Solver,
};
use svgx_engine::document::Limits;

pub(crate) fn budget() -> Budget {
    Budget::unlimited(Class::Physics, Tier::Compute)
}

pub(crate) fn point(id: &str, x: f64, y: f64) -> Entity {
    Entity { id: id.into(), shape: Shape::Point { x, y } }
}

pub(crate) fn line(id: &str, x1: f64, y1: f64, x2: f64, y2: f64) -> Entity {
    Entity { id: id.into(), shape: Shape::Line { x1, y1, x2, y2 } }
}

pub(crate) fn circle(id: &str, cx: f64, cy: f64, r: f64) -> Entity {
    Entity { id: id.into(), shape: Shape::Circle { cx, cy, r } }
}

pub(crate) fn arc(id: &str, c: (f64, f64), r: f64, p: (f64, f64), q: (f64, f64)) -> Entity {
    let (cx, cy) = c;
    Entity { id: id.into(), shape: Shape::Arc { cx, cy, r, x1: p.0, y1: p.1, x2: q.0, y2: q.1 } }
}

pub(crate) fn rect(id: &str, x: f64, y: f64, width: f64, height: f64) -> Entity {
    Entity { id: id.into(), shape: Shape::Rect { x, y, width, height } }
}

pub(crate) fn c(kind: Kind, of: &[&str]) -> Constraint {
    Constraint::new(kind, of, None)
}

pub(crate) fn v(kind: Kind, of: &[&str], value: f64) -> Constraint {
    Constraint::new(kind, of, Some(value))
}

pub(crate) fn solver(entities: Vec<Entity>, constraints: Vec<Constraint>) -> Solver {
    Solver::new(Problem { entities, constraints }, &Limits::default()).unwrap().with_tolerance(1e-9)
}

pub(crate) fn at(s: &Solver, name: &str) -> (f64, f64) {
    s.position(name).unwrap_or_else(|| panic!("{name} is no point"))
}

fn distance(s: &Solver, a: &str, b: &str) -> f64 {
    let (a, b) = (at(s, a), at(s, b));
    (a.0 - b.0).hypot(a.1 - b.1)
}

fn direction(s: &Solver, l: &str) -> (f64, f64) {
    let (a, b) = (at(s, &format!("{l}.start")), at(s, &format!("{l}.end")));
    let n = (b.0 - a.0).hypot(b.1 - a.1);
    ((b.0 - a.0) / n, (b.1 - a.1) / n)
}

/// The distance of a point from a line, without sign.
fn off(s: &Solver, p: &str, l: &str) -> f64 {
    let (u, a, p) = (direction(s, l), at(s, &format!("{l}.start")), at(s, p));
    (u.0 * (p.1 - a.1) - u.1 * (p.0 - a.0)).abs()
}

fn cross(s: &Solver, l: &str, m: &str) -> f64 {
    let (u, w) = (direction(s, l), direction(s, m));
    u.0 * w.1 - u.1 * w.0
}

fn dot(s: &Solver, l: &str, m: &str) -> f64 {
    let (u, w) = (direction(s, l), direction(s, m));
    u.0 * w.0 + u.1 * w.1
}

fn radius(s: &Solver, id: &str) -> f64 {
    match s.entities().into_iter().find(|e| e.id == id).map(|e| e.shape) {
        Some(Shape::Circle { r, .. } | Shape::Arc { r, .. }) => r,
        other => panic!("{id}: {other:?}"),
    }
}

fn sketch() -> Vec<Entity> {
    vec![
        point("p", 3.0, 4.0),
        point("q", -2.0, 1.5),
        point("o", 7.0, -3.0),
        line("l", 0.0, 0.5, 10.0, 2.0),
        line("m", 1.0, 6.0, 8.0, 7.5),
        line("n", 4.0, -5.0, 5.0, 3.0),
        circle("k", 4.0, 5.0, 2.0),
        circle("j", 9.0, 6.0, 2.5),
        circle("i", 4.3, 5.2, 0.7),
        arc("a", (20.0, 20.0), 5.0, (25.0, 20.0), (20.0, 25.0)),
        arc("b", (31.0, 20.0), 5.5, (26.0, 20.0), (31.0, 26.0)),
        rect("r", 40.0, 40.0, 8.0, 5.0),
    ]
}

#[test]
fn every_type_of_constraint_holds_after_solving() {
    type Check = fn(&Solver) -> f64;
    let cases: Vec<(Constraint, Check)> = vec![
        (c(Kind::Coincident, &["p", "l.start", "q"]), |s| {
            distance(s, "p", "l.start") + distance(s, "p", "q")
        }),
        (v(Kind::Distance, &["p", "q"], 11.0), |s| distance(s, "p", "q") - 11.0),
        (v(Kind::Distance, &["p", "q"], 0.0), |s| distance(s, "p", "q")),
        (v(Kind::Distance, &["p", "l"], 1.25), |s| off(s, "p", "l") - 1.25),
        (v(Kind::Distance, &["l", "m"], 4.0), |s| {
            cross(s, "l", "m").abs() + (off(s, "m.start", "l") - 4.0).abs()
        }),
        (c(Kind::Horizontal, &["l"]), |s| direction(s, "l").1),
        (c(Kind::Horizontal, &["p", "q"]), |s| at(s, "p").1 - at(s, "q").1),
        (c(Kind::Vertical, &["n"]), |s| direction(s, "n").0),
        (c(Kind::Vertical, &["p", "a.start"]), |s| at(s, "p").0 - at(s, "a.start").0),
        (v(Kind::Angle, &["l", "n"], 30.0), |s| dot(s, "l", "n") - 30f64.to_radians().cos()),
        (c(Kind::Parallel, &["l", "n", "m"]), |s| {
            cross(s, "l", "n").abs() + cross(s, "l", "m").abs()
        }),
        (c(Kind::Perpendicular, &["l", "m"]), |s| dot(s, "l", "m")),
        (c(Kind::Collinear, &["l", "m"]), |s| off(s, "m.start", "l") + off(s, "m.end", "l")),
        (c(Kind::Collinear, &["l.start", "l.end", "q"]), |s| off(s, "q", "l")),
        (c(Kind::EqualLength, &["l", "m", "n"]), |s| {
            let length = |l: &str| distance(s, &format!("{l}.start"), &format!("{l}.end"));
            (length("l") - length("m")).abs() + (length("l") - length("n")).abs()
        }),
        (c(Kind::EqualRadius, &["k", "a"]), |s| radius(s, "k") - radius(s, "a")),
        (v(Kind::Radius, &["k"], 3.5), |s| radius(s, "k") - 3.5),
        (v(Kind::Diameter, &["a"], 9.0), |s| {
            (radius(s, "a") - 4.5).abs() + (distance(s, "a.center", "a.start") - 4.5).abs()
        }),
        (c(Kind::Tangent, &["l", "k"]), |s| off(s, "k.center", "l") - radius(s, "k")),
        (c(Kind::Tangent, &["a", "m"]), |s| off(s, "a.center", "m") - radius(s, "a")),
        (c(Kind::Tangent, &["k", "j"]), |s| {
            distance(s, "k.center", "j.center") - radius(s, "k") - radius(s, "j")
        }),
        (c(Kind::Tangent, &["k", "i"]), |s| {
            distance(s, "k.center", "i.center") - (radius(s, "k") - radius(s, "i"))
        }),
        (c(Kind::Tangent, &["a", "b"]), |s| {
            distance(s, "a.center", "b.center") - radius(s, "a") - radius(s, "b")
        }),
        (c(Kind::Concentric, &["a", "k"]), |s| distance(s, "a.center", "k.center")),
        (c(Kind::Midpoint, &["p", "l"]), |s| {
            (distance(s, "p", "l.start") - distance(s, "p", "l.end")).abs() + off(s, "p", "l")
        }),
        (c(Kind::Symmetric, &["p", "q", "n"]), |s| {
            let ((px, py), (qx, qy), u) = (at(s, "p"), at(s, "q"), direction(s, "n"));
            (off(s, "p", "n") - off(s, "q", "n")).abs() + (u.0 * (px - qx) + u.1 * (py - qy)).abs()
        }),
        (c(Kind::Symmetric, &["k", "j", "n"]), |s| {
            (radius(s, "k") - radius(s, "j")).abs()
                + (off(s, "k.center", "n") - off(s, "j.center", "n")).abs()
        }),
        (c(Kind::PointOn, &["p", "l"]), |s| off(s, "p", "l")),
        (c(Kind::PointOn, &["p", "k"]), |s| distance(s, "p", "k.center") - radius(s, "k")),
        (c(Kind::PointOn, &["q", "a"]), |s| distance(s, "q", "a.center") - radius(s, "a")),
        (v(Kind::Offset, &["l", "m"], 3.0), |s| {
            cross(s, "l", "m").abs() + (off(s, "m.end", "l") - 3.0).abs()
        }),
        (v(Kind::Offset, &["k", "i"], 0.5), |s| {
            distance(s, "k.center", "i.center") + (radius(s, "k") - radius(s, "i") - 0.5).abs()
        }),
        (c(Kind::Fixed, &["p"]), |s| (at(s, "p").0 - 3.0) + (at(s, "p").1 - 4.0)),
        (c(Kind::Fixed, &["a"]), |s| radius(s, "a") - 5.0),
        (v(Kind::Distance, &["r.left", "r.right"], 9.5), |s| {
            at(s, "r.top_right").0 - at(s, "r.top_left").0 - 9.5
        }),
        (c(Kind::Coincident, &["r.bottom_right", "p"]), |s| distance(s, "r.bottom_right", "p")),
    ];
    for (constraint, check) in cases {
        let mut s = solver(sketch(), vec![constraint.clone()]);
        let report = s.solve(&budget()).unwrap();
        assert_eq!(report.outcome, Outcome::Solved, "{constraint:?}");
        assert!(report.residual <= 1e-9, "{constraint:?}: {report:?}");
        let miss = check(&s);
        assert!(miss.abs() < 1e-8, "{constraint:?} is missed by {miss}");
        assert!(s.unsatisfied(1e-9).is_empty(), "{constraint:?}");
    }
}

#[test]
fn a_triangle_of_given_sides_has_the_height_of_heron() {
    let mut s = solver(
        vec![point("a", 0.0, 0.0), point("b", 4.0, 0.2), point("c", 2.0, 3.0)],
        vec![
            c(Kind::Fixed, &["a"]),
            c(Kind::Horizontal, &["a", "b"]),
            v(Kind::Distance, &["a", "b"], 6.0),
            v(Kind::Distance, &["b", "c"], 5.0),
            v(Kind::Distance, &["c", "a"], 5.0),
        ],
    );
    s.solve(&budget()).unwrap();
    assert!((at(&s, "c").0 - 3.0).abs() < 1e-9);
    assert!((at(&s, "c").1 - 4.0).abs() < 1e-9);
}

#[test]
fn a_line_that_ends_on_its_arc_becomes_tangent_there() {
    let mut s = solver(
        vec![
            line("l", 0.0, 0.0, 10.0, 1.0),
            arc("a", (10.0, 5.0), 5.0, (10.0, 0.0), (15.0, 5.0)),
            line("m", 15.0, 5.0, 15.5, 12.0),
        ],
        vec![
            c(Kind::Fixed, &["l.start"]),
            c(Kind::Horizontal, &["l"]),
            v(Kind::Distance, &["l.start", "l.end"], 12.0),
            c(Kind::Coincident, &["l.end", "a.start"]),
            c(Kind::Tangent, &["l", "a"]),
            v(Kind::Radius, &["a"], 4.0),
            c(Kind::Coincident, &["a.end", "m.start"]),
            c(Kind::Tangent, &["a", "m"]),
            c(Kind::Vertical, &["m"]),
            v(Kind::Distance, &["m.start", "m.end"], 7.0),
        ],
    );
    let report = s.solve(&budget()).unwrap();
    assert_eq!(report.outcome, Outcome::Solved, "{report:?}");
    for (name, x, y) in [("a.center", 12.0, 4.0), ("a.end", 16.0, 4.0), ("m.end", 16.0, 11.0)] {
        let p = at(&s, name);
        assert!((p.0 - x).hypot(p.1 - y) < 1e-8, "{name} is at {p:?}");
    }
}

#[test]
fn the_tolerance_follows_the_tier_and_the_answer_says_what_was_reached() {
    for tier in Tier::ALL {
        let problem = Problem {
            entities: sketch(),
            constraints: vec![
                c(Kind::Tangent, &["l", "k"]),
                v(Kind::Angle, &["l", "n"], 40.0),
                v(Kind::Distance, &["p", "k.center"], 12.0),
            ],
        };
        let mut s = Solver::new(problem, &Limits::default()).unwrap();
        let report = s.solve(&Budget::unlimited(Class::Physics, tier)).unwrap();
        assert_eq!(report.tolerance, tier.millimetres());
        assert!(report.residual <= tier.millimetres(), "{tier}: {report:?}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_and_named() {
    let cases: Vec<(Vec<Entity>, Constraint, &str)> = vec![
        (sketch(), c(Kind::Coincident, &["p", "wall9.start"]), "no entity \"wall9.start\""),
        (sketch(), c(Kind::Coincident, &["p", "l.middle"]), "has no \"middle\""),
        (sketch(), c(Kind::Coincident, &["p"]), "two or more points; got point"),
        (sketch(), c(Kind::Parallel, &["l", "k"]), "two or more lines; got line, circle"),
        (sketch(), c(Kind::Parallel, &["l", "l"]), "named twice"),
        (sketch(), v(Kind::Distance, &["p", "q"], -1.0), "-1 mm; it cannot be negative"),
        (sketch(), v(Kind::Radius, &["k"], 0.0), "the radius is 0 mm; it must be above zero"),
        (sketch(), v(Kind::Diameter, &["a"], 0.0), "the diameter is 0 mm; it must be above zero"),
        (sketch(), v(Kind::Radius, &["k"], f64::NAN), "not a usable number"),
        (sketch(), v(Kind::Distance, &["p", "q"], 1e300), "not a usable number"),
        (sketch(), v(Kind::Angle, &["l", "m"], 181.0), "between 0 and 180"),
        (sketch(), c(Kind::Distance, &["p", "q"]), "needs a value"),
        (sketch(), v(Kind::Parallel, &["l", "m"], 1.0), "takes no value"),
        (vec![line("l", 1.0, 1.0, 1.0, 1.0)], c(Kind::Horizontal, &["l"]), "length zero"),
        (vec![circle("k", 0.0, 0.0, -1.0)], c(Kind::Fixed, &["k"]), "cannot be negative"),
        (vec![point("p", f64::INFINITY, 0.0)], c(Kind::Fixed, &["p"]), "not a usable number"),
        (vec![point("p", 0.0, 0.0), point("p", 1.0, 0.0)], c(Kind::Fixed, &["p"]), "used twice"),
    ];
    for (entities, constraint, expected) in cases {
        let problem = Problem { entities, constraints: vec![constraint] };
        let error = Solver::new(problem, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
    }
    let limits = Limits { constraints: 1, ..Limits::default() };
    let problem = Problem { entities: sketch(), constraints: vec![c(Kind::Fixed, &["p"]); 2] };
    let error = Solver::new(problem, &limits).unwrap_err();
    assert_eq!(error, Error::Limit { what: "constraints", count: 2, limit: 1 });
}

#[test]
fn changes_solve_what_they_touch_and_nothing_else() {
    let mut s = solver(
        vec![
            rect("r", 0.0, 0.0, 10.0, 5.0),
            point("p", 30.0, 0.0),
            point("q", 33.0, 4.0),
            point("z", 50.0, 0.0),
        ],
        vec![
            c(Kind::Fixed, &["r.top_left"]),
            v(Kind::Distance, &["r.left", "r.right"], 10.0),
            v(Kind::Distance, &["r.top", "r.bottom"], 5.0),
            c(Kind::Fixed, &["p"]),
            v(Kind::Distance, &["p", "q"], 5.0),
        ],
    );
    s.solve(&budget()).unwrap();
    let report = s.drag(&Change::Value { constraint: 1, value: 12.0 }, &budget()).unwrap();
    assert_eq!((report.outcome, report.components), (Outcome::Solved, 0));
    assert_eq!(at(&s, "r.bottom_right"), (12.0, 5.0));
    let report = s.drag(&Change::Anchor { constraint: 0, dx: 1.0, dy: 2.0 }, &budget()).unwrap();
    assert_eq!(report.outcome, Outcome::Solved);
    assert_eq!(at(&s, "r.bottom_right"), (13.0, 7.0));
    let pull = Change::Pull { feature: "q".into(), x: 30.0, y: 90.0 };
    let report = s.drag(&pull, &budget()).unwrap();
    assert_eq!((report.outcome, report.components), (Outcome::Solved, 1));
    let q = at(&s, "q");
    assert!((q.0 - 30.0).hypot(q.1 - 5.0) < 0.5, "q follows the pull: {q:?}");
    assert!((distance(&s, "p", "q") - 5.0).abs() < 1e-9);
    assert_eq!(at(&s, "z"), (50.0, 0.0));
}

#[test]
fn an_inconsistent_sketch_keeps_its_last_good_geometry() {
    let mut s = solver(
        vec![point("a", 0.0, 0.0), point("b", 4.0, 0.0), point("c", 2.0, 3.0)],
        vec![
            c(Kind::Fixed, &["a", "b"]),
            v(Kind::Distance, &["a", "c"], 5.0),
            v(Kind::Distance, &["b", "c"], 5.0),
        ],
    );
    s.solve(&budget()).unwrap();
    let good = s.entities();
    let report = s.drag(&Change::Value { constraint: 1, value: 0.25 }, &budget()).unwrap();
    assert_eq!(report.outcome, Outcome::Inconsistent);
    assert_eq!(s.entities(), good);
    assert!(report.residual > 1.0);
    let report = s.drag(&Change::Value { constraint: 1, value: 6.0 }, &budget()).unwrap();
    assert_eq!(report.outcome, Outcome::Solved);
    assert!((distance(&s, "a", "c") - 6.0).abs() < 1e-9);
}

#[test]
fn a_soft_constraint_is_met_only_as_far_as_the_constraints_leave_room() {
    let soft = |of: &[&str], value| Constraint { soft: Some(1.0), ..v(Kind::Distance, of, value) };
    let mut s = solver(
        vec![point("a", 0.0, 0.0), point("b", 3.0, 0.0), point("t", 10.0, 0.5)],
        vec![
            c(Kind::Fixed, &["a", "t"]),
            v(Kind::Distance, &["a", "b"], 3.0),
            soft(&["b", "t"], 0.5),
        ],
    );
    let report = s.solve(&budget()).unwrap();
    assert_eq!(report.outcome, Outcome::Solved);
    assert!((distance(&s, "a", "b") - 3.0).abs() < 1e-9);
    let nearest = 10f64.hypot(0.5) - 3.0;
    assert!((distance(&s, "b", "t") - nearest).abs() < 1e-4);
}

#[test]
fn reading_a_large_sketch_can_be_stopped() {
    let problem = peer::grid(4_000);
    let limits = Limits::default();
    let stopped = budget();
    stopped.cancel().cancel();
    let Err(Error::Stopped(_)) = Solver::within(problem.clone(), &limits, &stopped) else {
        panic!("read to the end");
    };
    assert!(Solver::within(problem, &limits, &budget()).is_ok());
}
