//! What a simulation keeps: how time is cut up, and everything that changes.

use std::sync::Arc;

use rapier2d_f64::math::Vector;
use serde::{Deserialize, Serialize};

use crate::document::Limits;

use super::answer::{FrameElement, tidy};
use super::error::Error;
use super::estimate::Drifts;
use super::options::Options;
use super::tier::Settings;
use super::world::{Pair, World};

/// The longest time between two looks at the bodies, s: two impacts of one body
/// in it would be taken for one.
const LOOK: f64 = 1.0 / 30.0;

/// How time is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) frames: u64,
    pub(super) steps_per_frame: u64,
    pub(super) step: f64,
    /// Steps from one look at the bodies to the next; frames look at them too.
    pub(super) steps_per_look: u64,
}

impl Plan {
    pub(super) fn new(
        options: &Options,
        settings: &Settings,
        limits: &Limits,
    ) -> Result<Plan, Error> {
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
        Ok(Plan {
            frames: frames as u64,
            steps_per_frame: steps_per_frame as u64,
            step,
            steps_per_look: (LOOK / step + 1e-9).floor().clamp(1.0, steps_per_frame) as u64,
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
    pub(super) drifts: Option<Drifts>,
    /// Steps done when bodies were last looked at.
    pub(super) looked: u64,
    /// Bodies in free flight since the start, whose velocities the engine holds half a substep back.
    pub(super) flying: Vec<bool>,
    /// Where bodies were when their energy and place were last looked at.
    pub(super) seen: Vec<Vector>,
    /// Places and angles last given in a frame.
    pub(super) given: Vec<(Vector, f64)>,
    /// Awake when the last frame was made.
    pub(super) awake: Vec<usize>,
    pub(super) kinetic: f64,
    pub(super) potential: f64,
    /// The largest distance from the twin, m.
    pub(super) apart: f64,
    pub(super) frames: u64,
    pub(super) collisions: u64,
    pub(super) body_steps: u64,
    pub(super) events: Vec<(f64, bool, Pair)>,
    pub(super) quarantined: Vec<(Option<u32>, u32, Reason, f64, f64)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Reason {
    Overlap,
    NotFinite,
    Far,
}

impl Reason {
    pub(super) fn text(self) -> &'static str {
        match self {
            Reason::Overlap => "drawn into each other: the pair does not collide",
            Reason::NotFinite => "its state stopped being finite: taken out",
            Reason::Far => "more than 1000 km away: taken out",
        }
    }
}

/// A body as it is now, SI.
pub(super) struct Look {
    pub(super) place: Vector,
    pub(super) angle: f64,
    pub(super) velocity: Vector,
    pub(super) spin: f64,
    pub(super) enabled: bool,
}

impl Look {
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
