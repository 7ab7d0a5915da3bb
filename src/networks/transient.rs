//! Systems of drawings in time: tanks that fill and run empty, rooms that warm up and cool down.
//!
//! Levels follow the method of Bogacki and Shampine (1989) with its embedded error up to where a
//! control acts or a tank is full or empty; temperatures follow [`crate::heat::Transient`].
//! What does not move has one frame.

mod controls;
mod levels;
mod rooms;
mod simulation;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use svgx_base::budget::{Budget, Stop};

use crate::finding::Finding;
use crate::read::System;
use crate::{Error, Limits, Name, Row};

pub use controls::Event;
pub use simulation::{Pause, Simulation};

/// How many frames one system gives.
pub const MOST_FRAMES: f64 = 100_000.0;

/// A system at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "NetworkFrame"))]
pub struct Frame {
    /// Seconds from the start.
    pub time: f64,
    /// The id of the system.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub system: Name,
    /// Its nodes.
    pub nodes: Vec<Row>,
    /// Its links.
    pub links: Vec<Row>,
}

/// What became of a system in time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// The id of the system.
    pub system: Name,
    /// Which network it is.
    pub network: &'static str,
    /// Seconds that were simulated.
    pub simulated: f64,
    /// Steps that were made.
    pub steps: u32,
    /// The largest estimated error of a step: m of a level, K of a temperature.
    pub error: f64,
    /// What a step may be off.
    pub tolerance: f64,
    /// What controls did, in order of time.
    pub events: Vec<Event>,
    /// What is wrong: with the drawing, then with what happened.
    pub findings: Vec<Finding>,
    /// Why it ended before its time.
    #[serde(skip)]
    pub stopped: Option<Stop>,
}

/// How far, and how often it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// s.
    pub duration: f64,
    /// Between two frames, s.
    pub every: f64,
}

impl Span {
    fn admit(self) -> Result<(), Error> {
        let frames = self.duration / self.every;
        if frames.is_nan() || frames > MOST_FRAMES || self.every <= 0.0 || self.duration < 0.0 {
            let (what, limit) = ("frames of a network", MOST_FRAMES as usize);
            return Err(Error::TooLarge { what, count: frames.min(1e18) as usize, limit });
        }
        Ok(())
    }

    /// The times of frames.
    fn next(self, frame: u32) -> f64 {
        (f64::from(frame) * self.every).min(self.duration)
    }
}

impl System {
    /// Simulates the system, and hands out what there is at the start and then as often as asked,
    /// in order; `frame` may end it. A system in which nothing moves has one frame.
    ///
    /// # Errors
    /// [`Error`] for a system that cannot be simulated at all.
    pub fn simulate(
        &self,
        span: Span,
        limits: &Limits,
        budget: &Budget,
        frame: &mut dyn FnMut(Frame) -> ControlFlow<()>,
    ) -> Result<Moved, Error> {
        let mut simulation = Simulation::new(vec![self.clone()], span, limits, budget)?;
        let pause = simulation.advance(budget, frame)?;
        let moved = simulation.moved().pop();
        match (pause, moved) {
            (Some(Pause::Stopped(stop)), Some(moved)) if moved.simulated > 0.0 => {
                if budget.is_strict() {
                    return Err(stop.into());
                }
                Ok(Moved { stopped: Some(stop), ..moved })
            }
            (Some(Pause::Stopped(stop)), _) => Err(stop.into()),
            (_, Some(moved)) => Ok(moved),
            (_, None) => Err(Error::Stopped(Stop::Cancelled)),
        }
    }
}
