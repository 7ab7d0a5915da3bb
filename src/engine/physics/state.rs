//! The state of a simulation: the time grid, and everything that changes.

use std::sync::Arc;

use rapier2d_f64::math::Vector;
use serde::{Deserialize, Serialize};

use crate::document::Limits;

use super::answer::{FrameElement, tidy};
use super::error::Error;
use super::estimate::PropagatedError;
use super::model::{Body, Model};
use super::options::Options;
use super::tier::Settings;
use super::world::{Pair, World};

/// The longest time between two samples of the bodies, s: two impacts of one body
/// in it would be taken for one.
const SAMPLE_INTERVAL: f64 = 1.0 / 30.0;

/// Frames and steps of equal length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TimeGrid {
    pub(super) frames: u64,
    pub(super) steps_per_frame: u64,
    pub(super) step: f64,
    /// Steps from one sample to the next; a frame is a sample too.
    pub(super) steps_per_sample: u64,
}

impl TimeGrid {
    pub(super) fn new(
        options: &Options,
        settings: &Settings,
        limits: &Limits,
    ) -> Result<TimeGrid, Error> {
        let fps = options.fps.unwrap_or(settings.fps);
        // A whole number of frames, whatever the rounding of duration times rate.
        let frames = (options.duration * fps - 1e-9).ceil().max(1.0);
        let interval = options.duration / frames;
        let steps_per_frame = (interval / settings.step - 1e-9).ceil().max(1.0);
        let steps = frames * steps_per_frame;
        if steps > limits.steps as f64 {
            let limit = limits.steps as f64;
            return Err(Error::Limit { what: "steps of one simulation", limit, seen: steps });
        }
        let step = interval / steps_per_frame;
        Ok(TimeGrid {
            frames: frames as u64,
            steps_per_frame: steps_per_frame as u64,
            step,
            steps_per_sample: (SAMPLE_INTERVAL / step + 1e-9).floor().clamp(1.0, steps_per_frame)
                as u64,
        })
    }

    pub(super) fn steps(&self) -> u64 {
        self.frames * self.steps_per_frame
    }
}

/// Everything that changes while it runs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) main: World,
    /// The same bodies with steps twice as long.
    pub(super) twin: Option<World>,
    /// The error as it is found from the motion.
    pub(super) propagated: Option<PropagatedError>,
    /// Steps done at the last sample.
    pub(super) sampled_at_step: u64,
    /// Positions at the last sample.
    pub(super) seen: Vec<Vector>,
    /// Places and angles last given in a frame.
    pub(super) given: Vec<(Vector, f64)>,
    /// Awake when the last frame was made.
    pub(super) awake: Vec<usize>,
    pub(super) kinetic: f64,
    pub(super) potential: f64,
    /// The largest distance from the twin, m.
    pub(super) twin_distance: f64,
    pub(super) frames: u64,
    pub(super) collisions: u64,
    pub(super) body_steps: u64,
    pub(super) events: Vec<(f64, bool, Pair)>,
    pub(super) quarantined: Vec<(Option<u32>, u32, QuarantineReason, f64, f64)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum QuarantineReason {
    Overlap,
    NotFinite,
    Far,
}

impl QuarantineReason {
    pub(super) fn text(self) -> &'static str {
        match self {
            QuarantineReason::Overlap => "drawn into each other: the pair does not collide",
            QuarantineReason::NotFinite => "its state stopped being finite: taken out",
            QuarantineReason::Far => "more than 1000 km away: taken out",
        }
    }
}

/// What sampling reads of a body and never changes, in one array: with thousands of bodies a frame
/// costs the memory it touches.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyConstants {
    pub(super) mass: f64,
    pub(super) inertia: f64,
    /// Half the diagonal of its box, m.
    pub(super) reach: f64,
    /// The acceleration that is known without contacts and joints, m/s².
    pub(super) constant_acceleration: Vector,
    /// Coulomb coefficient.
    pub(super) friction: f64,
    /// Whether a joint holds it to something.
    pub(super) jointed: bool,
}

pub(super) fn body_constants(model: &Model, options: &Options) -> Vec<BodyConstants> {
    let mut jointed = vec![false; model.bodies.len()];
    for joint in &model.joints {
        for i in std::iter::once(joint.body).chain(joint.other) {
            if let Some(jointed) = jointed.get_mut(i) {
                *jointed = true;
            }
        }
    }
    let constants = |(body, jointed): (&Body, bool)| BodyConstants {
        mass: body.mass,
        inertia: body.inertia,
        reach: body.half.length(),
        constant_acceleration: super::world::constant_acceleration(body, options.gravity),
        friction: body.friction,
        jointed,
    };
    model.bodies.iter().zip(jointed).map(constants).collect()
}

/// A body as it is now, SI.
pub(super) struct Kinematics {
    pub(super) place: Vector,
    pub(super) angle: f64,
    pub(super) velocity: Vector,
    pub(super) spin: f64,
    pub(super) enabled: bool,
}

impl Kinematics {
    pub(super) fn kinetic(&self, mass: f64, inertia: f64) -> f64 {
        0.5 * (mass * self.velocity.length_squared() + inertia * self.spin * self.spin)
    }

    pub(super) fn element(&self, name: &Arc<str>, scale: f64) -> FrameElement {
        let (place, velocity) = (self.place / scale, self.velocity / scale);
        FrameElement {
            id: Arc::clone(name),
            position: [tidy(place.x), tidy(place.y)],
            velocity: [tidy(velocity.x), tidy(velocity.y)],
            rotation: tidy(self.angle.to_degrees()),
            spin: tidy(self.spin.to_degrees()),
        }
    }
}
