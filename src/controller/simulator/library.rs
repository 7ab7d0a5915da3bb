//! The scenarios compiled in: `slo/scenarios/*.yaml`.

use super::scenario::{Scenario, ScenarioError};

/// The requests every scenario starts from.
pub const MIX: &str = include_str!("../../../slo/scenarios/mix.yaml");

/// The requests of an editor, whom every scenario with a fleet multiplies.
pub const EDITORS: &str = include_str!("../../../slo/scenarios/editors.yaml");

macro_rules! files {
    ($($name:literal,)*) => {
        [$(($name, include_str!(concat!("../../../slo/scenarios/", $name, ".yaml"))),)*]
    };
}

/// By name, in the order in which they are told.
const FILES: [(&str, &str); 39] = files![
    "base",
    "step-2x",
    "step-5x",
    "step-10x",
    "ramp",
    "spikes",
    "flap-0.5s",
    "flap-3s",
    "flap-10s",
    "diurnal",
    "half-the-cores",
    "throttle",
    "steal",
    "cost-x3",
    "lock",
    "physics-10x",
    "physics-30x",
    "redraw-flood",
    "bimodal",
    "elephants",
    "cold-start",
    "priors-high",
    "priors-low",
    "idle-burst",
    "tenant-flood",
    "retry-storm",
    "liar",
    "blind",
    "clock-back",
    "clock-ahead",
    "no-ticks",
    "lone-large",
    "fresh",
    "slow-machine",
    "noisy-neighbour",
    "crowd",
    "crowd-physics",
    "fleet-round-robin",
    "fleet-least-loaded",
];

/// Those of replicas that share their sessions, and of workers.
const FLEETS: [(&str, &str); 8] = files![
    "replicas-hashed",
    "replicas-round-robin",
    "replicas-store",
    "replicas-killed",
    "replicas-paused",
    "jobs-beside-ui",
    "jobs-tenants",
    "jobs-poison",
];

/// Every scenario of replicas that share their sessions, and of workers.
///
/// # Errors
/// Never in a binary whose tests passed: they read the same files.
pub fn fleets() -> Result<Vec<Scenario>, ScenarioError> {
    let editors = Scenario::mix(EDITORS)?;
    FLEETS.iter().map(|(name, text)| Scenario::parse(name, text, &editors)).collect()
}

/// Every scenario of one engine, or of several that share nothing.
///
/// # Errors
/// Never in a binary whose tests passed: they read the same files.
pub fn scenarios() -> Result<Vec<Scenario>, ScenarioError> {
    let mix = Scenario::mix(MIX)?;
    FILES.iter().map(|(name, text)| Scenario::parse(name, text, &mix)).collect()
}
