//! What a tier means here: step, iterations, tolerances, output.

use rapier2d_f64::dynamics::{IntegrationParameters, SpringCoefficients};

use svgx_base::budget::Tier;

/// How a simulation is run at a tier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    /// The longest step, s.
    pub(crate) step: f64,
    /// Solver iterations in a step. Below four, piles collapse.
    pub(crate) iterations: usize,
    /// The length that contact tolerances scale with, m.
    pub(crate) length_unit: f64,
    /// Natural frequency of contacts, Hz: what rests sinks by about
    /// g / (2 pi f)², times the damping the engine adds. Contacts with fixed
    /// bodies are twice as stiff. Above about half the rate of solver
    /// iterations the contacts of a stack no longer settle.
    pub(crate) stiffness: f64,
    /// Whether contacts that hardly moved are taken over from the step before.
    pub(crate) recycle: bool,
    /// How far an outline may be simplified, m.
    pub(crate) outline: f64,
    /// Frames in a second, unless the caller asks for another rate.
    pub(crate) fps: f64,
}

impl Settings {
    /// The settings of `tier`.
    pub(crate) const fn of(tier: Tier) -> Settings {
        match tier {
            Tier::Ui => Settings {
                step: 1.0 / 60.0,
                iterations: 4,
                length_unit: 1.0,
                stiffness: 60.0,
                recycle: true,
                outline: 1e-3,
                fps: 30.0,
            },
            Tier::Edit => Settings {
                step: 1.0 / 180.0,
                iterations: 4,
                length_unit: 0.3,
                stiffness: 240.0,
                recycle: true,
                outline: 1e-4,
                fps: 60.0,
            },
            Tier::Compute => Settings {
                step: 1.0 / 480.0,
                iterations: 8,
                length_unit: 0.1,
                stiffness: 1_920.0,
                recycle: false,
                outline: 1e-5,
                fps: 60.0,
            },
        }
    }

    /// How far lines, which have no thickness, are kept off what they touch, m.
    pub(crate) const fn skin(&self) -> f64 {
        0.05 * self.outline
    }

    /// The engine's parameters for steps of `step` seconds.
    pub(crate) fn parameters(&self, step: f64) -> IntegrationParameters {
        IntegrationParameters {
            dt: step,
            min_ccd_dt: step / 100.0,
            num_solver_iterations: self.iterations,
            length_unit: self.length_unit,
            contact_softness: SpringCoefficients::new(self.stiffness, 10.0),
            static_contact_softness: SpringCoefficients::new(2.0 * self.stiffness, 10.0),
            contact_recycling: self.recycle,
            warmstart_joints: true,
            // What falls for a minute is faster than the engine's 400 m/s; a
            // speed cut silently would be a wrong answer.
            normalized_max_linear_velocity: f64::MAX,
            ..IntegrationParameters::default()
        }
    }
}
