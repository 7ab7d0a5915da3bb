//! What the caller of a simulation chooses.

use serde::{Deserialize, Serialize};

use crate::document::Limits;

use super::error::Error;
use super::model::GRAVITY;

/// What to simulate, and what to answer. The tier comes with the budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "PhysicsOptions"))]
pub struct Options {
    /// Seconds to simulate.
    pub duration: f64,
    /// Frames in a second; none: the tier's (30 for ui, 60 otherwise). Frames
    /// are spaced evenly and the last one is at the end.
    pub fps: Option<f64>,
    /// Gravity, m/s², positive downward.
    pub gravity: f64,
    /// Whether bodies collide.
    pub collisions: bool,
    /// Frames hold only what moved by more than the tier's step since it was last given.
    pub changes_only: bool,
    /// How the error is found.
    pub error_estimate: Estimate,
    /// Keep bodies awake that can be shown to be at rest at the start.
    pub start_awake: bool,
    /// Bodies to set in motion at the start.
    pub disturb: Vec<Disturbance>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            duration: 1.0,
            fps: None,
            gravity: GRAVITY,
            collisions: true,
            changes_only: false,
            error_estimate: Estimate::Propagated,
            start_awake: false,
            disturb: Vec::new(),
        }
    }
}

/// How the error of a simulation is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", schemars(rename = "EstimationMethod"))]
pub enum Estimate {
    /// Not at all.
    None,
    /// The leading error of every step and bounce, carried along with the
    /// motion: a few operations per body and frame.
    #[default]
    Propagated,
    /// By a second simulation with steps twice as long: half as much work
    /// again, or more.
    Doubling,
}

/// A body set in motion at the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Disturbance {
    /// The id of the body.
    pub element: String,
    /// Metres per second, added.
    pub velocity: [f64; 2],
    /// Radians per second, added, clockwise.
    pub spin: f64,
}

impl Options {
    /// Answers the first option that makes no sense or goes past a limit.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Error> {
        let positive = |name, value: f64| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                Err(Error::Option { name, value, reason: "must be a positive number" })
            }
        };
        positive("duration", self.duration)?;
        let fps = self.fps.unwrap_or(60.0);
        positive("fps", fps)?;
        if !self.gravity.is_finite() || self.gravity.abs() > 1e4 {
            let reason = "must be between -10000 and 10000 m/s²";
            return Err(Error::Option { name: "gravity", value: self.gravity, reason });
        }
        let limit = |what, limit: u64, seen: f64| {
            if seen > limit as f64 {
                Err(Error::Limit { what, limit: limit as f64, seen })
            } else {
                Ok(())
            }
        };
        limit("seconds of one simulation", limits.simulated_seconds, self.duration)?;
        limit("frames of one simulation", limits.frames, (self.duration * fps).ceil())?;
        limit("disturbed bodies", limits.bodies as u64, self.disturb.len() as f64)?;
        for d in &self.disturb {
            for value in [d.velocity[0], d.velocity[1], d.spin] {
                if !value.is_finite() || value.abs() > 1e6 {
                    let reason = "must be finite and at most 1e6";
                    return Err(Error::Option { name: "disturb", value, reason });
                }
            }
        }
        Ok(())
    }
}
