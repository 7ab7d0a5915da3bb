//! What is written down: one record per operation that changed something.
//!
//! The log holds the *effects* of an operation, not the operation. Effects
//! replay to the same document whatever has changed since: the hit test, a
//! trigger, the clock, a rounding rule, the version of the engine. Replaying
//! operations would tie every stored drawing to the exact code that made it.
//! The operation's name is kept for the reader of the log.
//!
//! Elements are named by a number, their handle: those of the base text in document
//! order, those that came later by the numbers after them, in the order of coming. A
//! number is never given twice, and the base text is stored as it came in; so a record
//! means the same after any number of edits, `id` changes included.

use serde::{Deserialize, Serialize};

use super::fragment::Fragment;
use super::placement::Placement;
use super::together::Participant;
use super::{ActiveConstraint, Coordinates};
use svgx_base::budget::{Tier, Time};

/// The newest form of records and snapshots that is understood. The first knew attributes
/// only; the second edits of the tree; the third participants.
pub(crate) const VERSION: u8 = 3;
/// The form that knows edits of the tree.
pub(crate) const TREE: u8 = 2;

/// The form of a record that says none.
pub(crate) fn first() -> u8 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
pub(crate) fn is_first(version: &u8) -> bool {
    *version == 1
}

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
    /// Where an attribute stood that was removed, among those of its element.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<u32>,
    /// Where it is put, which an undo knows; behind the others without.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) back: Option<u32>,
}

/// A change of the tree. A place is that of a parent, and which of its children, texts and
/// comments counted, once what is moved has been taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(crate) enum TreeEdit {
    /// A subtree comes.
    Insert { fragment: Fragment, parent: u32, at: u32 },
    /// A subtree goes.
    Remove { fragment: Fragment, parent: u32, at: u32 },
    /// An element goes to another place.
    Move { element: u32, from: (u32, u32), to: (u32, u32) },
    /// The text of an element that has nothing else in it.
    Text { element: u32, old: String, new: String },
}

impl Edit {
    /// What takes it back, and puts the attribute where it stood.
    pub(crate) fn inverse(self) -> Edit {
        let Edit { element, attribute, old, new, at, back } = self;
        Edit { element, attribute, old: new, new: old, at: back, back: at }
    }
}

impl TreeEdit {
    /// What takes it back.
    pub(crate) fn inverse(self) -> TreeEdit {
        match self {
            TreeEdit::Insert { fragment, parent, at } => TreeEdit::Remove { fragment, parent, at },
            TreeEdit::Remove { fragment, parent, at } => TreeEdit::Insert { fragment, parent, at },
            TreeEdit::Move { element, from, to } => TreeEdit::Move { element, from: to, to: from },
            TreeEdit::Text { element, old, new } => TreeEdit::Text { element, old: new, new: old },
        }
    }
}

/// One change of the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Change {
    Attribute(Edit),
    Tree(TreeEdit),
}

impl Change {
    /// What takes it back.
    pub(crate) fn inverse(self) -> Change {
        match self {
            Change::Attribute(edit) => Change::Attribute(edit.inverse()),
            Change::Tree(edit) => Change::Tree(edit.inverse()),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let value = |v: &Option<String>| v.as_ref().map_or(0, String::len);
        16 + match self {
            Change::Attribute(edit) => edit.attribute.len() + value(&edit.old) + value(&edit.new),
            Change::Tree(TreeEdit::Insert { fragment, .. } | TreeEdit::Remove { fragment, .. }) => {
                fragment.bytes()
            }
            Change::Tree(TreeEdit::Move { .. }) => 16,
            Change::Tree(TreeEdit::Text { old, new, .. }) => old.len() + new.len(),
        }
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its form: the first that can say it, so that what is older reads what it can.
    #[serde(rename = "v", default = "first", skip_serializing_if = "is_first")]
    pub(crate) version: u8,
    /// Session time: how long the session has been open, all openings added up.
    pub(crate) at: Time,
    #[serde(rename = "op")]
    pub(crate) operation: String,
    /// Whose operation it was; the default participant's without.
    #[serde(default, skip_serializing_if = "Participant::is_default")]
    pub(crate) by: Participant,
    /// What the participant is called, where that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The id that the client gave the operation, and the hash of what it asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<(String, u64)>,
    /// What an undo or redo left as it was, because others had changed it since: element, and
    /// attribute or what else of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) kept: Vec<(u32, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) edits: Vec<Change>,
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
