//! Which constraints a redundant one follows from: all that it takes, and none that can be spared.

use svgx_engine::constraint::{Constraint, Diagnosis, Entity, Kind, Outcome, Redundancy};

use super::{arc, budget, c, circle, line, point, rect, solver, v};

fn diagnose(entities: &[Entity], constraints: &[Constraint]) -> (Vec<Entity>, Diagnosis) {
    let mut s = solver(entities.to_vec(), constraints.to_vec());
    assert_eq!(s.solve(&budget()).unwrap().outcome, Outcome::Solved);
    let diagnosis = s.diagnose(&budget()).unwrap();
    assert!(diagnosis.complete);
    (s.entities(), diagnosis)
}

/// A redundancy holds with its reasons alone, and without any one of them no longer.
pub(super) fn check_reasons(entities: &[Entity], constraints: &[Constraint], found: &Redundancy) {
    let constraint = |name: &String| {
        let number = name.trim_start_matches('#').parse::<usize>().unwrap();
        constraints[number - 1].clone()
    };
    // The redundant constraint comes last, so that it is the one too many.
    let is_redundant = |reasons: &[String]| {
        let mut few: Vec<Constraint> = reasons.iter().map(constraint).collect();
        few.push(constraint(&found.constraint));
        let last = format!("#{}", few.len());
        let (_, diagnosis) = diagnose(entities, &few);
        diagnosis.redundant.iter().any(|r| r.constraint == last && r.partial == found.partial)
    };
    assert!(is_redundant(&found.implied_by), "{found:?} does not follow");
    for spared in &found.implied_by {
        let rest: Vec<String> = found.implied_by.iter().filter(|r| *r != spared).cloned().collect();
        assert!(!is_redundant(&rest), "{spared} can be spared: {found:?}");
    }
}

/// Four lines that close to a rectangle of 100 by 70: `j1`..`j4`, `f`, `h1`, `h2`, `v1`, `v2`,
/// `w`, `h` are `#1` to `#11`.
fn rectangle(more: Vec<Constraint>) -> (Vec<Entity>, Vec<Constraint>) {
    let entities = vec![
        line("a", 10.0, 10.0, 110.0, 10.0),
        line("b", 110.0, 10.0, 110.0, 80.0),
        line("c", 110.0, 80.0, 10.0, 80.0),
        line("d", 10.0, 80.0, 10.0, 10.0),
    ];
    let mut constraints = vec![
        c(Kind::Coincident, &["a.end", "b.start"]),
        c(Kind::Coincident, &["b.end", "c.start"]),
        c(Kind::Coincident, &["c.end", "d.start"]),
        c(Kind::Coincident, &["d.end", "a.start"]),
        c(Kind::Fixed, &["a.start"]),
        c(Kind::Horizontal, &["a"]),
        c(Kind::Horizontal, &["c"]),
        c(Kind::Vertical, &["b"]),
        c(Kind::Vertical, &["d"]),
        v(Kind::Distance, &["a.start", "a.end"], 100.0),
        v(Kind::Distance, &["b.start", "b.end"], 70.0),
    ];
    constraints.extend(more);
    (entities, constraints)
}

#[test]
fn a_redundant_constraint_names_what_it_follows_from_and_nothing_that_can_be_spared() {
    type Sketch = (Vec<Entity>, Vec<Constraint>);
    let points = || vec![point("p", 0.0, 0.0), point("q", 7.0, 3.0), point("r", 9.0, 9.0)];
    let lines = || {
        vec![
            line("l", 0.0, 0.0, 9.0, 0.0),
            line("m", 0.0, 5.0, 9.0, 5.0),
            line("n", 3.0, 1.0, 3.0, 8.0),
        ]
    };
    let circles =
        || vec![circle("k", 0.0, 0.0, 3.0), circle("j", 9.0, 0.0, 3.0), circle("i", 9.0, 9.0, 3.0)];
    // The sketch; every redundant constraint, whether only in part, and its reasons.
    type Case = (&'static str, Sketch, Vec<(&'static str, bool, Vec<&'static str>)>);
    let cases: Vec<Case> = vec![
        (
            "two horizontals make two sides parallel",
            rectangle(vec![c(Kind::Parallel, &["a", "c"])]),
            vec![("#12", false, vec!["#6", "#7"])],
        ),
        (
            "two verticals make two sides parallel",
            rectangle(vec![c(Kind::Parallel, &["b", "d"])]),
            vec![("#12", false, vec!["#8", "#9"])],
        ),
        (
            "a horizontal and a vertical make a right angle",
            rectangle(vec![c(Kind::Perpendicular, &["c", "d"])]),
            vec![("#12", false, vec!["#7", "#9"])],
        ),
        (
            "the other width follows from the corners, the uprights and the width",
            rectangle(vec![v(Kind::Distance, &["c.start", "c.end"], 100.0)]),
            vec![("#12", false, vec!["#1", "#2", "#3", "#4", "#8", "#9", "#10"])],
        ),
        (
            "opposite sides are equally long, whatever the width",
            rectangle(vec![c(Kind::EqualLength, &["a", "c"])]),
            vec![("#12", false, vec!["#1", "#2", "#3", "#4", "#8", "#9"])],
        ),
        (
            "two redundant ones do not blame each other's reasons",
            rectangle(vec![c(Kind::Parallel, &["a", "c"]), c(Kind::Parallel, &["b", "d"])]),
            vec![("#12", false, vec!["#6", "#7"]), ("#13", false, vec!["#8", "#9"])],
        ),
        (
            "the same said twice follows from the first",
            (lines(), vec![c(Kind::Horizontal, &["l"]), c(Kind::Horizontal, &["l"])]),
            vec![("#2", false, vec!["#1"])],
        ),
        (
            "of two that say the same one is blamed",
            (
                lines(),
                vec![
                    c(Kind::Horizontal, &["l"]),
                    c(Kind::Horizontal, &["l"]),
                    c(Kind::Horizontal, &["m"]),
                    c(Kind::Parallel, &["l", "m"]),
                ],
            ),
            vec![("#2", false, vec!["#1"]), ("#4", false, vec!["#1", "#3"])],
        ),
        (
            "what is fixed is level without being told",
            (
                lines(),
                vec![c(Kind::Fixed, &["l"]), c(Kind::Fixed, &["m"]), c(Kind::Horizontal, &["l"])],
            ),
            vec![("#3", false, vec!["#1"])],
        ),
        (
            "three points that are one by two",
            (
                points(),
                vec![
                    c(Kind::Coincident, &["p", "q"]),
                    c(Kind::Coincident, &["q", "r"]),
                    c(Kind::Coincident, &["p", "r"]),
                ],
            ),
            vec![("#3", false, vec!["#1", "#2"])],
        ),
        (
            "half of a coincidence is said already",
            (points(), vec![c(Kind::Vertical, &["p", "q"]), c(Kind::Coincident, &["p", "q"])]),
            vec![("#2", true, vec!["#1"])],
        ),
        (
            "radii that are equal because both are given",
            (
                circles(),
                vec![
                    v(Kind::Radius, &["k"], 3.0),
                    v(Kind::Radius, &["j"], 3.0),
                    v(Kind::Diameter, &["i"], 6.0),
                    c(Kind::EqualRadius, &["k", "j"]),
                ],
            ),
            vec![("#4", false, vec!["#1", "#2"])],
        ),
        (
            "a chain of equal radii",
            (
                circles(),
                vec![
                    c(Kind::EqualRadius, &["k", "j"]),
                    c(Kind::EqualRadius, &["j", "i"]),
                    c(Kind::EqualRadius, &["k", "i"]),
                ],
            ),
            vec![("#3", false, vec!["#1", "#2"])],
        ),
        (
            "the end of an arc is on it by itself",
            (
                vec![arc("bow", (0.0, 0.0), 5.0, (5.0, 0.0), (0.0, 5.0))],
                vec![c(Kind::PointOn, &["bow.start", "bow"])],
            ),
            vec![("#1", false, vec![])],
        ),
        (
            "the sides of a rectangle are level by themselves",
            (vec![rect("r", 0.0, 0.0, 9.0, 5.0)], vec![c(Kind::Horizontal, &["r.top"])]),
            vec![("#1", false, vec![])],
        ),
        (
            "perpendicular to one of two parallels",
            (
                lines(),
                vec![
                    c(Kind::Parallel, &["l", "m"]),
                    c(Kind::Perpendicular, &["l", "n"]),
                    c(Kind::EqualLength, &["l", "m"]),
                    c(Kind::Perpendicular, &["m", "n"]),
                ],
            ),
            vec![("#4", false, vec!["#1", "#2"])],
        ),
    ];
    for (name, (entities, constraints), expected) in cases {
        let (solved, diagnosis) = diagnose(&entities, &constraints);
        let found: Vec<_> = diagnosis
            .redundant
            .iter()
            .map(|r| {
                let reasons = r.implied_by.iter().map(String::as_str).collect();
                (r.constraint.as_str(), r.partial, reasons)
            })
            .collect();
        assert_eq!(found, expected, "{name}");
        for redundancy in &diagnosis.redundant {
            check_reasons(&solved, &constraints, redundancy);
        }
    }
}
