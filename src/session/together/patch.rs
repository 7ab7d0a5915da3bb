//! What changed, as everybody is told who has the drawing.

use serde::{Deserialize, Serialize};

use super::participant::Participant;
use crate::networks::NetworkChange;
use crate::outcome::{Area, BehaviorTriggered, ValueChange};

/// A change of the drawing. Elements are named by their handle, a number that is never given twice.
/// `at` counts children with texts and comments, texts side by side as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "DrawingChange"))]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum DrawingChange {
    /// An attribute has another value, or is gone.
    Set {
        /// The element.
        element: u32,
        /// The attribute, with `arx:` where it belongs to the language.
        name: String,
        /// Its value; absent where it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// Its place among the attributes; where it is, or the last, without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<u32>,
    },
    /// An element came, with all that is in it.
    Add {
        /// The element.
        element: u32,
        /// What it is in.
        parent: u32,
        /// The element that it stands before; absent where it is the last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u32>,
        /// Its place among all children.
        at: u32,
        /// What came, with the usual prefixes.
        markup: String,
        /// The handles of all elements that came, in document order.
        handles: Vec<u32>,
    },
    /// An element went to another place.
    Move {
        /// The element.
        element: u32,
        /// What it is in now.
        parent: u32,
        /// The element that it stands before; absent where it is the last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u32>,
        /// Its place among all children, counted without it.
        at: u32,
    },
    /// An element has another text, and nothing else in it.
    Text {
        /// The element.
        element: u32,
        /// The text.
        text: String,
    },
    /// An element went, with all that was in it.
    Remove {
        /// The element.
        element: u32,
    },
}

/// What one record of the log did, for everybody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SessionPatch"))]
pub struct Patch {
    /// Where to resume after it.
    pub token: String,
    /// Its sequence: that of the patch before, plus one.
    pub sequence: u64,
    /// The participant whose operation it was; empty for whoever named none.
    pub by: Participant,
    /// The operation's id, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The operation.
    pub operation: String,
    /// What to do, in order. Empty where only somebody's selection changed.
    pub changes: Vec<DrawingChange>,
    /// What has to be drawn again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redraw: Option<Area>,
    /// Every value of a formula that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values_changed: Vec<ValueChange>,
    /// What became of the networks of the drawing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks_changed: Vec<NetworkChange>,
    /// Every trigger that ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behaviors_triggered: Vec<BehaviorTriggered>,
}

/// A value that somebody wrote and another one overwrote without having seen it. The last in the
/// order of the log stays; whoever is overwritten is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "EditConflict"))]
pub struct Conflict {
    /// Who is told.
    #[serde(skip)]
    pub to: Participant,
    /// The element's handle.
    pub element: u32,
    /// Its id, or `@N`.
    pub element_id: String,
    /// The attribute; `#text` for a text; absent where the element was deleted or moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// What was written; absent where that was to take it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mine: Option<String>,
    /// What stands there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<String>,
    /// Who overwrote it.
    pub by: Participant,
    /// What the others call them.
    pub name: String,
    /// When.
    pub sequence: u64,
}
