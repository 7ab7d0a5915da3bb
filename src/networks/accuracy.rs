//! How exact an answer is, and what it took.

use serde::Serialize;
use svgx_base::budget::{Stop, Tier};

/// How far an answer is from meeting the equations it was computed from. Both kinds are looked
/// at before an answer is called converged: a balance alone can hold where the laws of the links
/// do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Residual {
    /// The largest imbalance of a node: m³/s, A, W, or N.
    pub balance: f64,
    /// The largest amount by which a link misses its law: m of head, V, K, or m.
    pub energy: f64,
}

/// What was kept of an earlier solution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reused {
    /// Nothing.
    #[default]
    Nothing,
    /// The order of elimination and the pattern of the factor.
    Order,
    /// The factor.
    Factor,
}

impl Reused {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reused::Nothing => "nothing",
            Reused::Order => "order",
            Reused::Factor => "factor",
        }
    }
}

/// How an answer came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Effort {
    /// How far the answer is from its equations.
    pub residual: Residual,
    /// What the tier asks of [`Residual::energy`], or of the last change for electrical networks.
    pub tolerance: f64,
    /// Whether the tolerance was met.
    pub converged: bool,
    /// How often the network was solved linearly.
    pub iterations: u32,
    /// What was kept of an earlier solution.
    pub reused: Reused,
    /// Why the work ended early; the answer is the last iterate then.
    #[serde(skip)]
    pub stopped: Option<Stop>,
}

/// What a tier asks for in each domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Head error of a link, m.
    Water,
    /// Pressure error of a link, Pa.
    Air,
    /// Largest change of a voltage, relative to its nominal value.
    Electrical,
    /// Error of a step, K.
    Heat,
    /// Error of a deflection, m.
    Frame,
}

/// The tolerance of a tier.
pub const fn tolerance(domain: Domain, tier: Tier) -> f64 {
    let (ui, edit, compute) = match domain {
        Domain::Water => (1e-2, 1e-3, 1e-5),
        Domain::Air => (1.0, 0.1, 1e-3),
        Domain::Electrical => (1e-3, 1e-4, 1e-7),
        Domain::Heat => (0.1, 0.01, 1e-3),
        Domain::Frame => (1e-4, 1e-5, 1e-6),
    };
    match tier {
        Tier::Ui => ui,
        Tier::Edit => edit,
        Tier::Compute => compute,
    }
}
