//! What an operator may override, never for longer than the policy allows.

use serde::{Deserialize, Serialize};

use super::time::Nanos;
use svgx_base::budget::Tier;

/// How the controller acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", schemars(rename = "ControllerMode"))]
pub enum Mode {
    /// Decide and act.
    #[default]
    On,
    /// Decide and record, but let everything in.
    Shadow,
    /// Act with the tier and the trims as they stand; learn nothing new about them.
    Freeze,
    /// Let everything in that fits the queue.
    Off,
}

/// An operator's override.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ControllerControl"))]
pub struct Control {
    /// The mode to act in.
    pub mode: Mode,
    /// The tier to hold, whatever the load.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub pin: Option<Tier>,
    /// How long, in milliseconds; cut to the limit of the policy.
    pub for_ms: u64,
}

/// An override in force.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Override {
    pub(super) mode: Mode,
    pub(super) pin: Option<Tier>,
    pub(super) until: Nanos,
    /// The mode without an override.
    pub(super) default_mode: Mode,
}

impl Override {
    pub(super) fn mode(&self, now: Nanos) -> Mode {
        if now < self.until { self.mode } else { self.default_mode }
    }

    pub(super) fn pin(&self, now: Nanos) -> Option<Tier> {
        if now < self.until { self.pin } else { None }
    }
}
