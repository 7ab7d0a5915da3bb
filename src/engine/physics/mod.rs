//! Statics and rigid-body dynamics of a document.
//!
//! Bodies, masses, anchors, forces and joints come from the document's
//! `arx:physics` (see `docs/physics.md`). [`statics`] answers what holds it up:
//! the reaction at every anchor, and whether equilibrium determines it.
//! [`simulate`] steps it through time with rapier (double precision, the same
//! bytes for the same input) and measures how far off it may be.
//!
//! The frame is the drawing's: x to the right, y **downward**, gravity
//! `(0, +9.81) m/s²`, positive angles and moments clockwise. Inside, everything
//! is in metres, kilograms and seconds.

mod answer;
mod build;
#[cfg(test)]
mod closed_forms;
mod continuous;
mod dispatcher;
mod error;
mod estimate;
mod frames;
mod initial_state;
mod layout;
mod model;
mod options;
mod outcome;
mod outline;
mod passed;
mod read;
mod rebound;
mod simulation;
mod sleep;
mod snapshot;
mod solver_effort;
mod state;
mod statics;
mod step_trace;
mod tier;
mod world;

use std::ops::ControlFlow;

use kurbo::{Affine, BezPath};

use crate::document::{Code, Diagnostic, Document, Limits, NodeId, Span};
use crate::geometry::Scene;
use svgx_base::budget::{Budget, Class, Tier};

pub use crate::sealed::Key;
pub use answer::{
    Assembly, Contact, Conventions, Determinacy, ElementPhysics, Energy, ErrorEstimate, Event,
    ForceVector, Frame, FrameElement, Outcome, PhysicsSummary, Quarantined, Reaction,
    SimulationEnd, SimulationStart, Statics, Statistics, Value,
};
pub use error::Error;
pub use layout::{Layout, LayoutBody, LayoutJoint, LayoutPart, layout};
pub use options::{Disturbance, Estimate, Options};
pub use read::Plain;
pub use simulation::Simulation;

use tier::Settings;

/// Where outlines come from: a scene, or a document's plain shapes.
pub trait Outlines {
    /// The outline of an element in its own coordinates; `None` when it has none.
    fn outline(&self, node: NodeId) -> Option<BezPath>;
    /// From its coordinates to those of the drawing.
    fn transform(&self, node: NodeId) -> Affine;
    /// Millimetres in a user unit of the drawing.
    fn millimetres_per_unit(&self) -> f64;
}

impl Outlines for Scene {
    fn outline(&self, node: NodeId) -> Option<BezPath> {
        Scene::outline(self, node).map(|outline| outline.path().into_owned())
    }

    fn transform(&self, node: NodeId) -> Affine {
        Scene::transform(self, node)
    }

    fn millimetres_per_unit(&self) -> f64 {
        self.scale().mm_per_unit
    }
}

/// Equilibrium of a document at rest: the forces on every body and the
/// reaction at every anchor, N and N m. Of the options only gravity counts.
///
/// Forces that change with time are left out. Contacts carry nothing here:
/// a body that merely stands on another is answered as free.
///
/// # Errors
/// [`Error::Document`] for what cannot be read, [`Error::Limit`],
/// [`Error::Option`], and [`Error::Stopped`] when the budget runs out first.
pub fn statics(
    document: &Document,
    scene: &dyn Outlines,
    options: &Options,
    limits: &Limits,
    budget: &Budget,
) -> Result<Statics, Error> {
    options.check(limits)?;
    let settings = Settings::of(budget.tier());
    let model = read::model(document, scene, &settings, limits, budget)?;
    statics::solve(&model, options.gravity, limits, budget)
}

/// Steps a document through time at the tier of the budget. `sink` gets every
/// frame as it is ready and may end it.
///
/// When the budget stops it, the answer is what was reached, marked partial.
///
/// # Errors
/// [`Error::Document`], [`Error::Limit`], [`Error::Option`] and
/// [`Error::UnknownBody`] before the first step; [`Error::Strict`] when it is
/// stopped and the budget is strict.
pub fn simulate(
    document: &Document,
    scene: &dyn Outlines,
    options: &Options,
    limits: &Limits,
    budget: &Budget,
    sink: &mut dyn FnMut(Frame) -> ControlFlow<()>,
) -> Result<Outcome, Error> {
    Simulation::of(document, scene, options, limits, budget)?.run(budget, sink)
}

/// What is wrong with the physics of a document.
pub fn check(document: &Document, scene: &dyn Outlines, limits: &Limits) -> Vec<Diagnostic> {
    let budget = Budget::unlimited(Class::Redraw, Tier::Ui);
    match read::read(document, scene, &Settings::of(Tier::Ui), limits, &budget) {
        Ok((_, diagnostics)) => diagnostics,
        Err(Error::Document(diagnostics)) => diagnostics,
        Err(error) => {
            vec![Diagnostic::error(Code::PhysicsLimit, Span::new(0, 0), error.to_string())]
        }
    }
}
