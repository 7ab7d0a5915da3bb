//! What a simulation is asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::admission::input::request;
use crate::admission::reply::Call;
use crate::admission::seconds::Seconds;
use crate::protocol::problem::Error;
use crate::routes::precision;
use crate::schema;
use svgx_base::budget::{Budget, Tier};
use svgx_controller::Reason;
use svgx_engine::document::Document;
use svgx_engine::geometry::Scene;
use svgx_engine::physics::{self, Disturbance, Estimate, Options, Simulation, SimulationEnd};

/// What to simulate.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimulateOptions {
    /// Seconds to simulate, or a time such as `2s`; without it only the static question is
    /// answered.
    #[serde(default)]
    pub(crate) duration: Option<Seconds>,
    /// Gravity, m/s², positive downward: a number, or `false` for none. 9.81 without.
    #[serde(default)]
    pub(crate) gravity: Option<Gravity>,
    /// Whether bodies collide; true without.
    #[serde(default)]
    pub(crate) collisions: Option<bool>,
    /// Frames in a second; the precision's without (30 for `ui`, 60 otherwise).
    #[serde(default)]
    pub(crate) fps: Option<f64>,
    /// Whether frames hold only what moved; false without.
    #[serde(default)]
    pub(crate) changes_only: Option<bool>,
    /// How the error is found: `propagated` (or true), `doubling` (a second
    /// simulation beside it), `none` (or false); `propagated` without.
    #[serde(default)]
    #[schema(value_type = Option<schema::ErrorEstimation>)]
    pub(crate) error_estimate: Option<Estimation>,
    /// `ui`, `edit` or `compute`; `compute` without. `strict`: `compute` or a refusal.
    #[serde(default)]
    pub(crate) precision: Option<String>,
    /// Whether an answer that is coarser than asked, or ends early, is to be refused; false without.
    #[serde(default)]
    pub(crate) strict: Option<bool>,
    /// In a stream: simulated seconds, or a time such as `2s`, between two tokens to go on from;
    /// none without. Of networks: every so many seconds' worth of frames.
    #[serde(default)]
    pub(crate) checkpoint: Option<Seconds>,
    /// A token of an interrupted stream: goes on from there, with the options
    /// it was begun with and the same drawing. One of networks needs `networks` as well.
    #[serde(default)]
    pub(crate) resume: Option<String>,
    /// Whether the networks of the drawing are simulated instead of its bodies; false without.
    /// Needs a `duration`; `fps` without is such that there are 97 frames.
    #[serde(default)]
    pub(crate) networks: Option<bool>,
    /// Bodies to set in motion at the start.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::Disturbance>>)]
    pub(crate) disturb: Option<Vec<Disturbance>>,
}

/// Gravity, as a number or a switch.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "gravity is a number of m/s², true or false")]
pub(crate) enum Gravity {
    /// On or off.
    Switch(bool),
    /// m/s², positive downward.
    Strength(f64),
}

/// How the error is found, as a switch or by name.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "error_estimate is none, propagated, doubling, true or false")]
#[schemars(rename = "ErrorEstimation")]
pub(crate) enum Estimation {
    /// On or off.
    Switch(bool),
    /// By name.
    Method(Estimate),
}

impl From<Estimation> for Estimate {
    fn from(asked: Estimation) -> Estimate {
        match asked {
            Estimation::Switch(true) => Estimate::Propagated,
            Estimation::Switch(false) => Estimate::None,
            Estimation::Method(method) => method,
        }
    }
}

request! {
    /// A drawing to simulate.
    SimulateRequest, SimulateOptions {
        /// Seconds to simulate: `options.duration` under its other name.
        simulation_time: Option<Seconds>,
    }
}

/// What is asked for, as physics takes it.
pub(super) struct Wanted {
    pub(super) options: Options,
    pub(super) tier: Tier,
    pub(super) strict: bool,
    /// Whether bodies are to move.
    pub(super) moving: bool,
    pub(super) checkpoint: Option<f64>,
    pub(super) resume: Option<Vec<u8>>,
}

impl Wanted {
    pub(super) fn of(
        asked: &SimulateOptions,
        simulation_time: Option<&Seconds>,
    ) -> Result<Wanted, Error> {
        let invalid = |pointer: &str, message: &str| Error::Invalid {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
            at: None,
        };
        if asked.duration.is_some() && simulation_time.is_some() {
            let message = "options.duration and simulation_time name the same thing; send one";
            return Err(invalid("/simulation_time", message));
        }
        let (tier, insists) = match asked.precision.as_deref() {
            None => (Tier::Compute, false),
            Some("strict") => (Tier::Compute, true),
            Some(name) => (precision::level(name, "/options/precision")?, false),
        };
        let seconds = |given: Option<&Seconds>, pointer: &str| {
            given.map(|given| given.read(pointer)).transpose()
        };
        let checkpoint = seconds(asked.checkpoint.as_ref(), "/options/checkpoint")?;
        if let Some(seconds) = checkpoint
            && !(seconds.is_finite() && seconds > 0.0)
        {
            return Err(invalid("/options/checkpoint", "must be a positive number of seconds"));
        }
        let duration = match &asked.duration {
            Some(duration) => Some(duration.read("/options/duration")?),
            None => seconds(simulation_time, "/simulation_time")?,
        };
        let resume = asked.resume.as_deref().map(sealed).transpose()?;
        if resume.is_some() && duration.is_some() {
            let message = "a token brings the options it was begun with; send no duration";
            return Err(invalid("/options/duration", message));
        }
        let usual = Options::default();
        let options = Options {
            duration: duration.unwrap_or(usual.duration),
            fps: asked.fps,
            gravity: match asked.gravity {
                None | Some(Gravity::Switch(true)) => usual.gravity,
                Some(Gravity::Switch(false)) => 0.0,
                Some(Gravity::Strength(g)) => g,
            },
            collisions: asked.collisions.unwrap_or(true),
            changes_only: asked.changes_only.unwrap_or(false),
            error_estimate: asked.error_estimate.map_or(usual.error_estimate, Estimate::from),
            start_awake: false,
            disturb: asked.disturb.clone().unwrap_or_default(),
        };
        Ok(Wanted {
            options,
            tier,
            strict: insists || asked.strict.unwrap_or(false),
            moving: duration.is_some(),
            checkpoint,
            resume,
        })
    }

    /// The simulation asked for: a new one, or one to go on with.
    pub(super) fn simulation(
        &self,
        call: &Call<'_>,
        document: &Document,
        scene: &Scene,
        budget: &Budget,
    ) -> Result<Simulation, physics::Error> {
        let (app, limits) = (&call.app, &call.app.config.limits);
        match &self.resume {
            Some(token) => {
                Simulation::resume(document, scene, token, &app.snapshots, limits, budget)
            }
            None => Simulation::of(document, scene, &self.options, limits, budget),
        }
    }

    /// Why an answer at `tier` is as it is.
    pub(super) fn reason(
        &self,
        tier: Tier,
        ended: Option<SimulationEnd>,
        admitted: Reason,
    ) -> Reason {
        match ended {
            Some(SimulationEnd::Deadline) => Reason::Deadline,
            Some(SimulationEnd::Cancelled | SimulationEnd::Receiver) => Reason::Cancelled,
            None if tier < self.tier => admitted,
            None => Reason::Completed,
        }
    }
}

/// The bytes of a token.
///
/// # Errors
/// [`Error::Invalid`] when it is none.
fn sealed(token: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::Invalid {
        pointer: "/options/resume".to_owned(),
        message: "this is no token of a simulation".to_owned(),
        at: None,
    })
}
