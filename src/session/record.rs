//! What is written down: one record per operation that changed something.
//!
//! The log holds the *effects* of an operation, not the operation. Effects
//! replay to the same document whatever has changed since: the hit test, a
//! trigger, the clock, a rounding rule, the version of the engine. Replaying
//! operations would tie every stored drawing to the exact code that made it.
//! The operation's name is kept for the reader of the log.
//!
//! Elements are named by their number in document order of the base text, and
//! the base text is stored as it came in; so a record means the same after any
//! number of edits, `id` changes included.

use serde::{Deserialize, Serialize};

use super::placement::Placement;
use super::{ActiveConstraint, Coordinates};
use svgx_base::budget::{Tier, Time};

/// An attribute that changed. `None`: not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edit {
    /// The element's number.
    #[serde(rename = "e")]
    pub(crate) element: u32,
    /// `x`, `arx:x`, `{uri}x`.
    #[serde(rename = "a")]
    pub(crate) attribute: String,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) old: Option<String>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) new: Option<String>,
}

impl Edit {
    pub(crate) fn bytes(&self) -> usize {
        let value = |v: &Option<String>| v.as_ref().map_or(0, String::len);
        16 + self.attribute.len() + value(&self.old) + value(&self.new)
    }
}

/// What the undo log does with the edits of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HistoryMove {
    /// Nothing.
    #[default]
    Keep,
    /// They are a new step.
    Push,
    /// They belong to the last step.
    Extend,
    /// They take the last step back.
    Undo,
    /// They make the next step again.
    Redo,
}

impl HistoryMove {
    fn is_keep(&self) -> bool {
        *self == HistoryMove::Keep
    }
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// The element that is held, and where it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActiveDrag {
    pub(crate) element: u32,
    pub(crate) start: Coordinates,
    pub(crate) placement: Placement,
    /// Whether the last step of the undo log is this drag's.
    pub(crate) step_open: bool,
}

/// Everything of the interactive state that is worth keeping. What the pointer
/// is over is not: after a restart it has to be asked again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Interactive {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) selected: Vec<u32>,
    #[serde(skip)]
    pub(crate) hovered: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drag: Option<ActiveDrag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) constraints: Vec<ActiveConstraint>,
    pub(crate) precision: Tier,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Session time: how long the session has been open, all openings added up.
    pub(crate) at: Time,
    #[serde(rename = "op")]
    pub(crate) operation: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) edits: Vec<Edit>,
    /// The trigger machine after the delayed actions, where they changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine_due: Option<serde_json::Value>,
    /// How many of the first edits were delayed actions: nobody's step to take back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) delayed: usize,
    #[serde(default, skip_serializing_if = "HistoryMove::is_keep")]
    pub(crate) history: HistoryMove,
    /// The interactive state after it, where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) interactive: Option<Interactive>,
    /// The trigger machine after it, where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine: Option<serde_json::Value>,
}
