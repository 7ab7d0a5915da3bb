//! Dragging: a thousand ticks without a flip, and what happens when there is no time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use svgx_base::budget::{Clock, Time};
use svgx_engine::constraint::{Change, Error, Kind, Outcome, Problem, Solver};
use svgx_engine::document::Limits;

use super::peer;
use super::{arc, budget, c, circle, line, solver, v};

/// Two pulleys with a crossing and a straight belt, a roller between, an arc that runs on
/// into a line: everything that can flip to its mirror image.
fn pulleys() -> Solver {
    let mut s = solver(
        vec![
            circle("hub", 0.0, 0.0, 20.0),
            circle("pulley", 70.0, 5.0, 12.0),
            line("belt", 0.0, -20.0, 70.0, -8.0),
            line("cross", -2.0, 20.0, 68.0, -7.0),
            circle("roller", 0.0, -32.0, 11.0),
            arc("bow", (70.0, 5.0), 30.0, (100.0, 5.0), (70.0, 35.0)),
            line("tail", 70.0, 35.0, 40.0, 36.0),
        ],
        vec![
            c(Kind::Fixed, &["hub"]),
            v(Kind::Radius, &["pulley"], 12.0),
            v(Kind::Radius, &["roller"], 11.0),
            v(Kind::Radius, &["bow"], 30.0),
            c(Kind::Tangent, &["belt", "hub"]),
            c(Kind::Tangent, &["belt", "pulley"]),
            c(Kind::PointOn, &["belt.start", "hub"]),
            c(Kind::PointOn, &["belt.end", "pulley"]),
            c(Kind::Tangent, &["cross", "hub"]),
            c(Kind::Tangent, &["cross", "pulley"]),
            c(Kind::PointOn, &["cross.start", "hub"]),
            c(Kind::PointOn, &["cross.end", "pulley"]),
            c(Kind::Tangent, &["roller", "hub"]),
            c(Kind::Tangent, &["roller", "belt"]),
            c(Kind::Concentric, &["bow", "pulley"]),
            c(Kind::Coincident, &["bow.end", "tail.start"]),
            c(Kind::Tangent, &["bow", "tail"]),
            v(Kind::Distance, &["tail.start", "tail.end"], 30.0),
        ],
    );
    assert_eq!(s.solve(&budget()).unwrap().outcome, Outcome::Solved);
    s
}

/// On which side of a line a point lies.
fn side(s: &Solver, l: &str, p: &str) -> bool {
    let at = |name: &str| s.position(name).unwrap();
    let (a, b, p) = (at(&format!("{l}.start")), at(&format!("{l}.end")), at(p));
    (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0) > 0.0
}

/// Every choice between mirror images that the sketch has made.
fn branches(s: &Solver) -> Vec<bool> {
    let apart = |a: &str, b: &str| {
        let (a, b) = (s.position(a).unwrap(), s.position(b).unwrap());
        (a.0 - b.0).hypot(a.1 - b.1)
    };
    vec![
        side(s, "belt", "hub.center"),
        side(s, "belt", "pulley.center"),
        side(s, "cross", "hub.center"),
        side(s, "cross", "pulley.center"),
        side(s, "belt", "roller.center"),
        side(s, "tail", "bow.center"),
        apart("roller.center", "hub.center") > 20.0,
    ]
}

#[test]
fn a_thousand_ticks_of_a_tangent_drag_flip_nothing() {
    let mut s = pulleys();
    let before = branches(&s);
    let mut flips = 0;
    for tick in 0..1000 {
        // Round the hub five times, now near, now far.
        let turn = f64::from(tick) * std::f64::consts::TAU / 200.0;
        let reach = 70.0 + 25.0 * (f64::from(tick) * 0.031).sin();
        let (x, y) = (reach * turn.cos(), reach * turn.sin());
        let pull = Change::Pull { feature: "pulley.center".into(), x, y };
        let report = s.drag(&pull, &budget()).unwrap();
        assert_eq!(report.outcome, Outcome::Solved, "tick {tick}");
        assert!(report.residual <= 1e-9, "tick {tick}: {report:?}");
        let at = s.position("pulley.center").unwrap();
        assert!((at.0 - x).hypot(at.1 - y) < 1.0, "tick {tick}: {at:?} follows {x}, {y}");
        let now = branches(&s);
        flips += now.iter().zip(&before).filter(|(a, b)| a != b).count();
    }
    assert_eq!(flips, 0);
}

/// A clock that moves on by a microsecond whenever it is looked at.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Clock for Counting {
    fn now(&self) -> Time {
        Time(self.0.fetch_add(1_000, Ordering::SeqCst))
    }
}

#[test]
fn a_solve_that_runs_out_of_time_says_so_and_keeps_what_it_has() {
    let problem = peer::truss(400);
    let looks = |problem: &Problem| {
        let clock = Arc::new(Counting::default());
        let budget = budget().until(Time(u64::MAX), clock.clone());
        let mut s = Solver::new(problem.clone(), &Limits::default()).unwrap();
        s.solve(&budget).unwrap();
        s.diagnose(&budget).unwrap();
        clock.0.load(Ordering::SeqCst) / 1_000
    };
    let all = looks(&problem);
    assert!(all >= 8, "the budget was looked at {all} times");
    let (mut partial, mut refused) = (0, 0);
    for after in 1..all {
        let until = |strict| {
            let clock = Arc::new(Counting::default());
            let deadline = Time::default().after(Duration::from_micros(after));
            budget().strict(strict).until(deadline, clock)
        };
        let mut s = Solver::new(problem.clone(), &Limits::default()).unwrap();
        let report = s.solve(&until(false)).unwrap();
        partial += usize::from(report.outcome == Outcome::Partial);
        assert!(
            s.entities().iter().all(|e| e.shape.first_point().is_some_and(|p| p.0.is_finite()))
        );
        let mut s = Solver::new(problem.clone(), &Limits::default()).unwrap();
        let drawn = s.entities();
        if let Err(error) = s.solve(&until(true)) {
            assert!(matches!(error, Error::Stopped(_)), "{error}");
            assert_eq!(s.entities(), drawn);
            refused += 1;
        }
    }
    assert!(partial > 0 && refused > 0, "{partial} partial, {refused} refused of {all}");
}
