//! What is simulated: bodies, forces and joints in SI units, in the frame of
//! the drawing (x to the right, y downward), read from a document.

use rapier2d_f64::math::Vector;

use crate::document::Span;

use super::outline::Shape;

/// Standard gravity as the language uses it, m/s².
pub(crate) const GRAVITY: f64 = 9.81;

/// Everything that takes part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// Bodies in document order.
    pub(crate) bodies: Vec<Body>,
    /// Anchors and connections, in document order.
    pub(crate) joints: Vec<Joint>,
    /// Metres per user unit of the drawing.
    pub(crate) scale: f64,
    /// Bodies that are left out, and why.
    pub(crate) quarantined: Vec<(String, &'static str)>,
}

/// A rigid body. Its frame has its origin at the centre of mass.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// Name in answers: the id, or `node-<number>`.
    pub(crate) id: String,
    pub(crate) span: Span,
    /// Outline about the centre of mass, metres.
    pub(crate) shape: Shape,
    /// Centre of mass in the drawing, metres.
    pub(crate) centre: Vector,
    /// Half the size of the box around the outline, metres, for named points.
    pub(crate) half: Vector,
    /// Centre of that box relative to the centre of mass, metres.
    pub(crate) middle: Vector,
    /// Kilograms.
    pub(crate) mass: f64,
    /// About the centre of mass, kg m².
    pub(crate) inertia: f64,
    /// Coulomb coefficient.
    pub(crate) friction: f64,
    /// Coefficient of restitution, 0 to 1.
    pub(crate) restitution: f64,
    /// Metres per second.
    pub(crate) velocity: Vector,
    /// Radians per second, clockwise as seen in the drawing.
    pub(crate) spin: f64,
    /// Held by an anchor that takes every motion.
    pub(crate) fixed: bool,
    /// The anchors as the document names them.
    pub(crate) anchors: Vec<String>,
    pub(crate) forces: Vec<Force>,
}

/// A force on a body. Its direction is fixed in the drawing; its point moves with the body.
#[derive(Clone, Debug)]
pub(crate) struct Force {
    /// Newtons at full strength.
    pub(crate) vector: Vector,
    /// Relative to the centre of mass, in the body's frame, metres.
    pub(crate) at: Vector,
    pub(crate) profile: Profile,
}

/// How a force changes with time. Seconds, hertz, radians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Profile {
    /// Full strength always.
    Constant,
    /// Full strength from `start` for `duration`, once.
    Impulse { start: f64, duration: f64 },
    /// Rises linearly from `start` and stays after `duration`.
    Ramp { start: f64, duration: f64 },
    /// `sin(2 pi frequency t + phase)`.
    Sine { frequency: f64, phase: f64 },
    /// Full strength for `duration` at the start of every `period`, from `start`.
    Pulse { start: f64, duration: f64, period: f64 },
}

impl Profile {
    /// The share of the full strength at time `t`.
    pub(crate) fn at(self, t: f64) -> f64 {
        match self {
            Profile::Constant => 1.0,
            Profile::Impulse { start, duration } => {
                f64::from(u8::from(t >= start && t < start + duration))
            }
            Profile::Ramp { start, duration } => ((t - start) / duration).clamp(0.0, 1.0),
            Profile::Sine { frequency, phase } => {
                libm::sin(std::f64::consts::TAU * frequency * t + phase)
            }
            Profile::Pulse { start, duration, period } => {
                let since = t - start;
                f64::from(u8::from(since >= 0.0 && since % period < duration))
            }
        }
    }

    /// The share averaged over a step from `t` to `t + step`: exact for what switches
    /// on and off, so that an impulse keeps its momentum whatever the step; by
    /// Simpson's rule for what changes smoothly.
    pub(crate) fn mean(self, t: f64, step: f64) -> f64 {
        match self {
            Profile::Constant => 1.0,
            Profile::Impulse { start, duration } => overlap(t, step, start, duration) / step,
            Profile::Pulse { start, duration, period } => {
                let first = ((t - start) / period).floor().max(0.0);
                let a = overlap(t, step, start + first * period, duration);
                let b = overlap(t, step, start + (first + 1.0) * period, duration);
                ((a + b) / step).min(1.0)
            }
            Profile::Ramp { .. } | Profile::Sine { .. } => {
                (self.at(t) + 4.0 * self.at(t + step / 2.0) + self.at(t + step)) / 6.0
            }
        }
    }
}

/// How much of `t..t + step` lies in `start..start + duration`.
fn overlap(t: f64, step: f64, start: f64, duration: f64) -> f64 {
    ((t + step).min(start + duration) - t.max(start)).max(0.0)
}

/// A body held to the building, or to another body.
#[derive(Clone, Debug)]
pub(crate) struct Joint {
    /// What the document calls it: `wall`, `hinge`, or the id of the connection.
    pub(crate) name: String,
    pub(crate) body: usize,
    /// The other body; `None`: the building.
    pub(crate) other: Option<usize>,
    pub(crate) kind: JointKind,
    /// Where it takes hold of `body`, in the drawing, metres.
    pub(crate) at: Vector,
}

/// What a joint takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum JointKind {
    /// Every motion.
    Fixed,
    /// Both translations at the point.
    Hinge,
    /// The translation along the unit vector `normal`.
    Roller { normal: Vector },
    /// All but the translation along the unit vector `axis`.
    Slider { axis: Vector },
    /// Keeps the point within `length` metres of `to` (in the drawing; on the other body, if any).
    Rope { to: Vector, length: f64 },
}

impl JointKind {
    /// The name in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            JointKind::Fixed => "fixed",
            JointKind::Hinge => "hinge",
            JointKind::Roller { .. } => "roller",
            JointKind::Slider { .. } => "slider",
            JointKind::Rope { .. } => "rope",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_gives_its_share_of_the_strength_at_any_time() {
        let ramp = Profile::Ramp { start: 1.0, duration: 2.0 };
        let pulse = Profile::Pulse { start: 0.0, duration: 0.25, period: 1.0 };
        let sine = Profile::Sine { frequency: 1.0, phase: 0.0 };
        let impulse = Profile::Impulse { start: 1.0, duration: 0.5 };
        for (profile, t, share) in [
            (Profile::Constant, 7.0, 1.0),
            (ramp, 0.5, 0.0),
            (ramp, 2.0, 0.5),
            (ramp, 9.0, 1.0),
            (pulse, 3.1, 1.0),
            (pulse, 3.3, 0.0),
            (sine, 0.25, 1.0),
            (impulse, 0.9, 0.0),
            (impulse, 1.2, 1.0),
            (impulse, 1.6, 0.0),
        ] {
            assert!((profile.at(t) - share).abs() < 1e-12, "{profile:?} at {t}");
        }
    }

    #[test]
    fn an_impulse_keeps_its_momentum_whatever_the_step() {
        let impulse = Profile::Impulse { start: 0.013, duration: 0.004 };
        for steps in [10, 37, 1000] {
            let step = 0.1 / f64::from(steps);
            let momentum: f64 =
                (0..steps).map(|i| impulse.mean(f64::from(i) * step, step) * step).sum();
            assert!((momentum - 0.004).abs() < 1e-12, "{steps} steps: {momentum}");
        }
    }
}
