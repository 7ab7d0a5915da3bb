//! Geometric constraints between points, lines, circles and arcs: decomposed,
//! solved inside a budget, and diagnosed when they do not fit together.
//!
//! From the ground up, each room using only those before it: `sketch` (what is to be solved),
//! `equations` (residuals and derivatives), `elimination` (what is substituted instead of
//! solved), `solve` (blocks, the solver, drags), `diagnose` (degrees of freedom, redundancy,
//! conflicts), `drawing` (the sketch in a drawing), `solution` (one solve from start to end).
//!
//! ```
//! use svgx_base::budget::{Budget, Class, Tier};
//! use svgx_engine::constraint::{Constraint, Entity, Kind, Outcome, Problem, Shape, Solver};
//! use svgx_engine::document::Limits;
//!
//! let wall = |id: &str, shape| Entity { id: id.into(), shape };
//! let problem = Problem {
//!     entities: vec![
//!         wall("south", Shape::Line { x1: 0.0, y1: 0.0, x2: 3010.0, y2: 15.0 }),
//!         wall("east", Shape::Line { x1: 3000.0, y1: 0.0, x2: 2990.0, y2: 2500.0 }),
//!     ],
//!     constraints: vec![
//!         Constraint::new(Kind::Fixed, &["south.start"], None),
//!         Constraint::new(Kind::Horizontal, &["south"], None),
//!         Constraint::new(Kind::Coincident, &["south.end", "east.start"], None),
//!         Constraint::new(Kind::Perpendicular, &["south", "east"], None),
//!         Constraint::new(Kind::Distance, &["south.start", "south.end"], Some(3000.0)),
//!     ],
//! };
//! let mut solver = Solver::new(problem, &Limits::default())?;
//! let report = solver.solve(&Budget::unlimited(Class::Physics, Tier::Compute))?;
//! assert_eq!(report.outcome, Outcome::Solved);
//! assert_eq!(solver.position("east.start"), Some((3000.0, 0.0)));
//! # Ok::<(), svgx_engine::constraint::Error>(())
//! ```

#![allow(
    clippy::neg_cmp_op_on_partial_ord,
    clippy::needless_range_loop,
    reason = "a negated comparison is how a NaN is refused; numerical kernels index several arrays at once"
)]

mod diagnose;
mod drawing;
mod elimination;
mod equations;
mod sketch;
mod solution;
mod solve;

pub use diagnose::{Conflict, Diagnosis, EntityFreedom, Redundancy, Status};
pub use drawing::{
    Edit, Formulas, NoPart, Part, Parts, Sketch, apply, check, formulas, formulas_of,
};
pub use sketch::{
    Constraint, Entity, Error, Kind, Location, PathArc, Problem, Reason, Shape, Target,
};
pub use solution::{Options, Solution, Violation, solve};
pub use solve::{Change, Outcome, Report, Solver, Undrawable};
