//! No solve makes a radius, a width, a height or the length of a line that cannot be drawn.

use proptest::prelude::*;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::constraint::{
    Change, Constraint, Entity, Kind, Outcome, PathArc, Problem, Shape, Solver,
};
use svgx_engine::document::Limits;

use super::{arc, at, budget, c, circle, line, point, rect, solver, v};

/// Every size of every entity.
fn sizes(entities: &[Entity]) -> Vec<f64> {
    let of = |e: &Entity| match e.shape {
        Shape::Circle { r, .. } | Shape::Arc { r, .. } => vec![r],
        Shape::Rect { width, height, .. } => vec![width, height],
        Shape::Path { ref arcs, .. } => arcs.iter().map(|a| a.r).collect(),
        Shape::Line { x1, y1, x2, y2 } => vec![(x2 - x1).hypot(y2 - y1)],
        Shape::Point { .. } => Vec::new(),
    };
    entities.iter().flat_map(of).collect()
}

fn all_can_be_drawn(s: &Solver) -> bool {
    sizes(&s.entities()).iter().all(|&size| size > 0.0)
}

/// A line at x = 100 and the circles `o` and `i` about (50, 50), a rectangle `r` from (0, 0) of
/// 10 by 20, the points `west` at (-10, 5), `north` at (5, -10), `left` of the line and `on` it.
fn sketch() -> Vec<Entity> {
    vec![
        line("axis", 100.0, 0.0, 100.0, 200.0),
        circle("o", 50.0, 50.0, 10.0),
        circle("i", 50.0, 50.0, 8.0),
        circle("inner", 52.0, 50.0, 8.0),
        circle("right", 140.0, 50.0, 20.0),
        arc("bow", (150.0, 150.0), 5.0, (155.0, 150.0), (150.0, 155.0)),
        Entity {
            id: "slot".into(),
            shape: Shape::Path {
                points: vec![[0.0, 150.0], [10.0, 150.0], [20.0, 160.0]],
                arcs: vec![PathArc { from: 2, to: 3, cx: 10.0, cy: 160.0, r: 10.0 }],
            },
        },
        rect("r", 0.0, 0.0, 10.0, 20.0),
        point("west", -10.0, 5.0),
        point("north", 5.0, -10.0),
        point("left", 80.0, 50.0),
        point("on", 100.0, 50.0),
    ]
}

#[test]
fn what_cannot_be_drawn_is_refused_and_named_and_the_latest_constraint_gives_way() {
    // The constraints, those that cannot hold together, and the size: entity, name, value.
    type Case =
        (&'static str, Vec<Constraint>, Vec<&'static str>, (&'static str, &'static str, f64));
    let cases: Vec<Case> = vec![
        (
            "an offset inside that is larger than the circle",
            vec![v(Kind::Radius, &["o"], 10.0), v(Kind::Offset, &["o", "i"], 15.0)],
            vec!["#1", "#2"],
            ("i", "radius", -5.0),
        ),
        (
            "the same, said the other way round",
            vec![v(Kind::Offset, &["o", "i"], 15.0), v(Kind::Diameter, &["o"], 20.0)],
            vec!["#1", "#2"],
            ("i", "radius", -5.0),
        ),
        (
            "an offset exactly as large as the circle",
            vec![v(Kind::Radius, &["o"], 10.0), v(Kind::Offset, &["o", "i"], 10.0)],
            vec!["#1", "#2"],
            ("i", "radius", 0.0),
        ),
        (
            "by way of an equal radius",
            vec![
                v(Kind::Radius, &["right"], 10.0),
                c(Kind::EqualRadius, &["right", "o"]),
                v(Kind::Offset, &["o", "i"], 15.0),
            ],
            vec!["#1", "#2", "#3"],
            ("i", "radius", -5.0),
        ),
        (
            "a rectangle whose bottom is above its top",
            vec![
                c(Kind::Fixed, &["r.top_left", "north"]),
                c(Kind::Horizontal, &["r.bottom_left", "north"]),
            ],
            vec!["#1", "#2"],
            ("r", "height", -10.0),
        ),
        (
            "a rectangle whose right edge is left of its left edge",
            vec![
                c(Kind::Fixed, &["r.top_left"]),
                c(Kind::Fixed, &["west"]),
                c(Kind::Vertical, &["r.top_right", "west"]),
            ],
            vec!["#1", "#2", "#3"],
            ("r", "width", -10.0),
        ),
        (
            "a rectangle without height",
            vec![c(Kind::Coincident, &["r.top_left", "r.bottom_left"])],
            vec!["#1"],
            ("r", "height", 0.0),
        ),
        (
            "a tangent circle whose centre is held on the other side",
            vec![
                c(Kind::Fixed, &["axis"]),
                c(Kind::Fixed, &["left"]),
                c(Kind::Coincident, &["right.center", "left"]),
                c(Kind::Tangent, &["axis", "right"]),
            ],
            vec!["#1", "#2", "#3", "#4"],
            ("right", "radius", -20.0),
        ),
        (
            "a circle whose centre is held on its tangent",
            vec![
                c(Kind::Fixed, &["axis", "on"]),
                c(Kind::Coincident, &["right.center", "on"]),
                c(Kind::Tangent, &["axis", "right"]),
            ],
            vec!["#1", "#2", "#3"],
            ("right", "radius", 0.0),
        ),
        (
            "a circle that touches another from inside, from too far away",
            vec![
                v(Kind::Radius, &["o"], 10.0),
                v(Kind::Distance, &["o.center", "inner.center"], 30.0),
                c(Kind::Tangent, &["o", "inner"]),
            ],
            vec!["#1", "#2", "#3"],
            ("inner", "radius", -20.0),
        ),
        (
            "an arc that starts in its centre",
            vec![c(Kind::Coincident, &["bow.start", "bow.center"])],
            vec!["#1"],
            ("bow", "radius", 0.0),
        ),
        (
            "an arc of a path that ends in its centre",
            vec![c(Kind::Coincident, &["slot.3", "slot.2-3.center"])],
            vec!["#1"],
            ("slot", "radius", 0.0),
        ),
    ];
    for (name, constraints, expected, (entity, size, value)) in cases {
        let mut s = solver(sketch(), constraints);
        let report = s.solve(&budget()).unwrap();
        assert_eq!(report.outcome, Outcome::Inconsistent, "{name}");
        assert!(all_can_be_drawn(&s), "{name}: {:?}", s.entities());
        let [undrawable] = s.undrawable() else { panic!("{name}: {:?}", s.undrawable()) };
        assert_eq!(
            (undrawable.entity.as_str(), undrawable.size.as_str()),
            (entity, size),
            "{name}"
        );
        assert!((undrawable.value_mm - value).abs() < 1e-6, "{name}: {undrawable:?}");
        // All but the latest hold.
        let missed: Vec<String> = s.unsatisfied(1e-6).into_iter().map(|(name, _)| name).collect();
        assert_eq!(missed, expected[expected.len() - 1..], "{name}");
        let diagnosis = s.diagnose(&budget()).unwrap();
        assert_eq!(diagnosis.conflicts.len(), 1, "{name}: {:?}", diagnosis.conflicts);
        assert_eq!(diagnosis.conflicts[0].constraints, expected, "{name}");
    }
}

#[test]
fn where_a_size_is_left_open_the_drawable_solution_is_taken() {
    let cases: Vec<(&str, Vec<Constraint>)> = vec![
        ("an offset between two free circles", vec![v(Kind::Offset, &["o", "i"], 25.0)]),
        (
            "a free rectangle whose right edge is pulled to the left",
            vec![c(Kind::Fixed, &["west"]), c(Kind::Vertical, &["r.top_right", "west"])],
        ),
        (
            "a free rectangle whose bottom is pulled up",
            vec![c(Kind::Fixed, &["north"]), c(Kind::Horizontal, &["r.bottom_left", "north"])],
        ),
        (
            "a circle that may move away from its tangent",
            vec![c(Kind::Fixed, &["axis"]), c(Kind::Tangent, &["axis", "right"])],
        ),
        (
            "the tangent moves where the circle is held",
            vec![
                c(Kind::Fixed, &["left"]),
                c(Kind::Coincident, &["right.center", "left"]),
                v(Kind::Radius, &["right"], 5.0),
                c(Kind::Tangent, &["axis", "right"]),
            ],
        ),
    ];
    for (name, constraints) in cases {
        let mut s = solver(sketch(), constraints);
        let report = s.solve(&budget()).unwrap();
        assert_eq!(report.outcome, Outcome::Solved, "{name}");
        assert!(all_can_be_drawn(&s), "{name}: {:?}", s.entities());
        assert!(s.unsatisfied(1e-8).is_empty() && s.undrawable().is_empty(), "{name}");
    }
}

#[test]
fn a_line_keeps_a_length() {
    let level = || line("a", 0.0, 0.0, 30.0, 0.0);
    let beside = |x: f64, y: f64| line("b", 0.0, 20.0, x, 20.0 + y);
    // Two lines, what is to hold, and which of it cannot.
    type Case = (&'static str, Entity, Vec<Constraint>, &'static [&'static str]);
    let cases: Vec<Case> = vec![
        ("from level", beside(40.0, 0.0), vec![c(Kind::Perpendicular, &["a", "b"])], &[]),
        ("from level, askew", beside(40.0, 1.0), vec![c(Kind::Perpendicular, &["a", "b"])], &[]),
        ("from upright", beside(0.0, 40.0), vec![c(Kind::Parallel, &["a", "b"])], &[]),
        ("from level to level", beside(40.0, 0.0), vec![v(Kind::Angle, &["a", "b"], 0.0)], &[]),
        ("turned round", beside(40.0, 0.0), vec![v(Kind::Angle, &["a", "b"], 180.0)], &[]),
        ("from upright to level", beside(0.0, 40.0), vec![v(Kind::Angle, &["a", "b"], 0.0)], &[]),
        (
            "two angles at once",
            beside(40.0, 3.0),
            vec![c(Kind::Perpendicular, &["a", "b"]), v(Kind::Angle, &["a", "b"], 120.0)],
            &["#2"],
        ),
        (
            "level and upright",
            beside(40.0, 3.0),
            vec![c(Kind::Horizontal, &["b"]), c(Kind::Vertical, &["b"])],
            &["#2"],
        ),
        (
            "end on start",
            beside(40.0, 3.0),
            vec![c(Kind::Coincident, &["b.start", "b.end"])],
            &["#1"],
        ),
        (
            "as long as a line without length",
            beside(40.0, 3.0),
            vec![c(Kind::EqualLength, &["a", "b"]), c(Kind::Coincident, &["a.start", "a.end"])],
            &["#2"],
        ),
        (
            "both ends on another at an angle",
            beside(40.0, 3.0),
            vec![
                c(Kind::PointOn, &["b.start", "a"]),
                c(Kind::PointOn, &["b.end", "a"]),
                v(Kind::Angle, &["a", "b"], 60.0),
            ],
            &["#3"],
        ),
    ];
    for (name, second, constraints, missed) in cases {
        let mut s = solver(vec![level(), second], constraints);
        s.solve(&budget()).unwrap();
        assert!(
            sizes(&s.entities()).iter().all(|&length| length > 1.0),
            "{name}: {:?}",
            s.entities()
        );
        let over: Vec<String> = s.unsatisfied(1e-6).into_iter().map(|(name, _)| name).collect();
        assert_eq!(over, missed, "{name}: {:?}", s.entities());
    }
}

#[test]
fn a_size_that_rounds_to_zero_is_none_unless_it_is_drawn_so() {
    let drawn = |r| vec![circle("k", 0.0, 0.0, r)];
    // The radius drawn and the radius asked for, in mm, and what it comes to.
    let cases = [
        (Tier::Compute, 10.0, 0.0006, Outcome::Solved),
        (Tier::Compute, 10.0, 0.0004, Outcome::Inconsistent),
        (Tier::Edit, 10.0, 0.006, Outcome::Solved),
        (Tier::Edit, 10.0, 0.004, Outcome::Inconsistent),
        (Tier::Ui, 10.0, 0.06, Outcome::Solved),
        (Tier::Ui, 10.0, 0.04, Outcome::Inconsistent),
        // It is as it was drawn to within half a step, so that nothing is written.
        (Tier::Ui, 0.05, 0.04, Outcome::Solved),
    ];
    for (tier, r, value, outcome) in cases {
        let constraints = vec![v(Kind::Radius, &["k"], value)];
        let problem = Problem { entities: drawn(r), constraints };
        let mut s = Solver::new(problem, &Limits::default()).unwrap();
        let report = s.solve(&Budget::unlimited(Class::Physics, tier)).unwrap();
        assert_eq!(report.outcome, outcome, "{tier} {r} {value}");
        let expected = if outcome == Outcome::Solved { value } else { r };
        assert!((sizes(&s.entities())[0] - expected).abs() <= tier.millimetres(), "{tier} {r}");
        assert!(all_can_be_drawn(&s));
    }
}

#[test]
fn a_soft_constraint_gives_way_to_a_size_that_has_to_be_drawn() {
    let soft = Constraint { soft: Some(1.0), ..v(Kind::Offset, &["o", "i"], 15.0) };
    let mut s = solver(sketch(), vec![v(Kind::Radius, &["o"], 10.0), soft]);
    assert_eq!(s.solve(&budget()).unwrap().outcome, Outcome::Solved);
    assert!(all_can_be_drawn(&s), "{:?}", s.entities());
}

#[test]
fn a_circle_drawn_without_a_radius_stays_so_until_it_gets_one() {
    for (more, expected) in [(None, 0.0), (Some(v(Kind::Radius, &["dot"], 3.0)), 3.0)] {
        let mut constraints = vec![c(Kind::Coincident, &["dot.center", "p"])];
        constraints.extend(more);
        let entities = vec![circle("dot", 1.0, 1.0, 0.0), point("p", 2.0, 2.0)];
        let mut s = solver(entities, constraints);
        assert_eq!(s.solve(&budget()).unwrap().outcome, Outcome::Solved);
        assert_eq!(sizes(&s.entities()), [expected]);
    }
}

#[test]
fn a_drag_never_passes_what_can_be_drawn() {
    let mut s = solver(
        sketch(),
        vec![
            c(Kind::Fixed, &["r.top_left"]),
            v(Kind::Radius, &["o"], 10.0),
            v(Kind::Offset, &["o", "i"], 2.0),
        ],
    );
    assert_eq!(s.solve(&budget()).unwrap().outcome, Outcome::Solved);
    // A dimension that cannot be is refused; the geometry stays, and the next one is taken.
    for (value, outcome) in [(15.0, Outcome::Inconsistent), (7.0, Outcome::Solved)] {
        let before = s.entities();
        let report = s.drag(&Change::Value { constraint: 2, value }, &budget()).unwrap();
        assert_eq!(report.outcome, outcome, "{value}");
        assert!(all_can_be_drawn(&s), "{value}: {:?}", s.entities());
        assert!(outcome == Outcome::Solved || s.entities() == before);
    }
    // A corner pulled through the opposite one stops before it.
    for (x, y) in [(5.0, 5.0), (-50.0, 10.0), (-50.0, -80.0), (30.0, 40.0)] {
        let pull = Change::Pull { feature: "r.bottom_right".into(), x, y };
        s.drag(&pull, &budget()).unwrap();
        assert!(all_can_be_drawn(&s), "{x} {y}: {:?}", s.entities());
        assert_eq!(at(&s, "r.top_left"), (0.0, 0.0));
    }
    assert_eq!(at(&s, "r.bottom_right"), (30.0, 40.0));
}

#[test]
fn a_size_of_zero_is_no_dimension() {
    for kind in [Kind::Radius, Kind::Diameter] {
        let mut s = solver(sketch(), vec![v(kind, &["o"], 4.0)]);
        s.solve(&budget()).unwrap();
        let error = s.drag(&Change::Value { constraint: 0, value: 0.0 }, &budget()).unwrap_err();
        assert!(error.to_string().contains("must be above zero"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_for_can_be_drawn_afterwards(
        picks in proptest::collection::vec((0usize..9, 0.1f64..60.0), 1..9),
    ) {
        let constraints: Vec<Constraint> = picks.into_iter().map(|(kind, value)| match kind {
            0 => v(Kind::Radius, &["o"], value),
            1 => v(Kind::Offset, &["o", "i"], value),
            2 => c(Kind::EqualRadius, &["i", "right"]),
            3 => c(Kind::Tangent, &["axis", "right"]),
            4 => v(Kind::Distance, &["r.left", "r.right"], value),
            5 => c(Kind::Vertical, &["r.top_right", "west"]),
            6 => c(Kind::Horizontal, &["r.bottom_left", "north"]),
            7 => c(Kind::Fixed, &["west", "north", "axis", "r.top_left"]),
            _ => v(Kind::Distance, &["right.center", "left"], value),
        }).collect();
        let mut s = solver(sketch(), constraints);
        s.solve(&budget()).unwrap();
        prop_assert!(all_can_be_drawn(&s), "{:?}", s.entities());
    }
}
