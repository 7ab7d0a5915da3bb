//! What a client can ask of a session.

use serde::{Deserialize, Serialize};

use svgx_base::budget::Tier;

/// A place in the drawing: user units of the root `viewBox`, y downward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PointerCoordinates"))]
#[serde(deny_unknown_fields)]
pub struct Coordinates {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
    /// Height above the floor, in millimetres; moves objects with an `arx:geometry` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub z: Option<f64>,
}

/// The keys held down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Modifiers {
    /// Adds to the selection.
    pub ctrl: bool,
    /// Snaps the direction of a drag to multiples of 15 degrees.
    pub shift: bool,
    /// Switches snapping off.
    pub alt: bool,
    /// Adds to the selection.
    pub meta: bool,
}

impl Modifiers {
    /// Whether the selection is added to instead of replaced.
    pub fn adds(self) -> bool {
        self.ctrl || self.meta
    }
}

/// What is pointed at: an element by id, or whatever lies topmost at a place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Pointer {
    /// The `id` of an element, or `@N`: the element's number in document order, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_id: Option<String>,
    /// Where the pointer is. Used for the hit test where there is no `element_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
    /// The keys held down.
    pub modifiers: Modifiers,
}

/// One tick of a drag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct DragTick {
    /// Where the pointer is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
    /// The keys held down.
    pub modifiers: Modifiers,
    /// How to snap; a 1 mm grid where nothing is asked.
    pub snap: Snap,
}

/// How a drag snaps: `false`, `true` (the default: a 1 mm grid), or the parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "snap is true, false, or an object of grid, endpoint, midpoint, center, angle and tolerance"
)]
pub enum Snap {
    /// All off, or the default.
    Switch(bool),
    /// Exactly this.
    Options(SnapOptions),
}

impl Default for Snap {
    fn default() -> Snap {
        Snap::Switch(true)
    }
}

/// The parts of snapping. What is not written is off, except the grid (1 mm).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SnapOptions {
    /// The step of the grid in millimetres; 0 switches it off.
    pub grid: f64,
    /// To ends and corners of other elements.
    pub endpoint: bool,
    /// To midpoints of edges of other elements.
    pub midpoint: bool,
    /// To centers of other elements.
    pub center: bool,
    /// The direction of the drag is a multiple of this many degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub angle: Option<f64>,
    /// How far a point of another element may be, in millimetres.
    pub tolerance: f64,
}

impl Default for SnapOptions {
    fn default() -> SnapOptions {
        SnapOptions {
            grid: 1.0,
            endpoint: false,
            midpoint: false,
            center: false,
            angle: None,
            tolerance: 5.0,
        }
    }
}

/// A geometric relation that holds between elements while they are edited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ActiveConstraint {
    /// `distance`, `horizontal`, `coincident`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// The ids of the elements it relates.
    pub elements: Vec<String>,
    /// Its value in millimetres or degrees, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

/// One thing a client asks. On the wire the variant's name is the field `operation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "operation", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", schemars(rename = "SessionOperation"))]
pub enum Operation {
    /// Selects what is pointed at and fires its `click` triggers.
    Click(Pointer),
    /// Takes hold of an element.
    DragStart(Pointer),
    /// Moves the element that is held. Without one, answers `is_dragging: false`.
    DragMove(DragTick),
    /// Moves it a last time and lets go; the whole drag is one step of undo.
    DragEnd(DragTick),
    /// Says what the pointer is over; fires `hover` triggers on entering.
    Hover(Pointer),
    /// Selects without firing triggers.
    Select(Pointer),
    /// Takes an element out of the selection; all of them when none is named.
    Deselect(Pointer),
    /// Takes the last step back.
    Undo,
    /// Makes the last undone step again.
    Redo,
    /// Sets an attribute; removes it when there is no value.
    SetAttribute {
        /// The element.
        element_id: String,
        /// The name; `arx:`, `xlink:` and `xml:` are understood as prefixes.
        name: String,
        /// The value, or nothing.
        #[serde(default)]
        value: Option<String>,
    },
    /// Replaces the document. Selection, constraints and undo log start anew.
    Load {
        /// SVGX text.
        #[serde(alias = "svgx_content")]
        content: String,
    },
    /// Sets the precision that coordinates are rounded to.
    SetPrecision {
        /// The tier.
        #[cfg_attr(feature = "schema", schemars(with = "String", example = &"edit"))]
        level: Tier,
    },
    /// Adds a constraint to the active ones.
    AddConstraint {
        /// The constraint.
        constraint: ActiveConstraint,
    },
    /// Takes a constraint out of the active ones.
    RemoveConstraint {
        /// The constraint, as it was added.
        constraint: ActiveConstraint,
    },
    /// Reports an event from outside, such as `motion_detected`.
    Fire {
        /// The name that triggers wait for.
        name: String,
        /// The element it happened at; all of the document where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// What came with it.
        #[serde(default)]
        data: std::collections::BTreeMap<String, String>,
    },
}

impl Operation {
    /// The name on the wire, in logs and in labels.
    pub const fn name(&self) -> &'static str {
        match self {
            Operation::Click(_) => "click",
            Operation::DragStart(_) => "drag_start",
            Operation::DragMove(_) => "drag_move",
            Operation::DragEnd(_) => "drag_end",
            Operation::Hover(_) => "hover",
            Operation::Select(_) => "select",
            Operation::Deselect(_) => "deselect",
            Operation::Undo => "undo",
            Operation::Redo => "redo",
            Operation::SetAttribute { .. } => "set_attribute",
            Operation::Load { .. } => "load",
            Operation::SetPrecision { .. } => "set_precision",
            Operation::AddConstraint { .. } => "add_constraint",
            Operation::RemoveConstraint { .. } => "remove_constraint",
            Operation::Fire { .. } => "fire",
        }
    }
}
