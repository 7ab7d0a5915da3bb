//! What a session answers.

use serde::{Deserialize, Serialize};

use super::drag_solver::Constrained;
use super::networks::{NetworkChange, NetworkState};
use super::operation::{ActiveConstraint, Coordinates};
use svgx_base::budget::Tier;

/// An attribute that an operation changed. `None` is an attribute that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AttributeChange {
    /// The element's id, or `@N` where it has none.
    pub element_id: String,
    /// The attribute, with `arx:` where it belongs to the language.
    pub name: String,
    /// What it was.
    pub old_value: Option<String>,
    /// What it is now.
    pub new_value: Option<String>,
}

/// A trigger that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BehaviorTriggered {
    /// The element's id, or `@N` where it has none.
    pub element_id: String,
    /// The event it waited for.
    pub event: String,
    /// What it did.
    pub action: String,
}

/// What a drag snapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SnapKind {
    /// The grid.
    Grid,
    /// A multiple of the angle step.
    Angle,
    /// An end or a corner.
    Endpoint,
    /// The middle of an edge.
    Midpoint,
    /// A center.
    Center,
    /// Where two outlines cross.
    Intersection,
    /// An outermost point of a curve.
    Quadrant,
    /// The foot of a perpendicular.
    Perpendicular,
    /// Where the way touches a curve.
    Tangent,
    /// The nearest point of an outline.
    Nearest,
}

/// The drag in progress.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DragState {
    /// Whether an element is held.
    pub active: bool,
    /// The element that is held.
    pub element_id: Option<String>,
    /// Where it was taken hold of.
    pub start_coordinates: Option<Coordinates>,
}

/// The interactive state of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SessionState"))]
pub struct State {
    /// Ids of the selected elements, in the order of selecting.
    pub selected_elements: Vec<String>,
    /// The element under the pointer.
    pub hovered_element: Option<String>,
    /// The drag in progress.
    pub drag_state: DragState,
    /// Constraints that hold while editing.
    pub constraints: Vec<ActiveConstraint>,
    /// What coordinates are rounded to: `ui` 0.1 mm, `edit` 0.01 mm, `compute` 0.001 mm.
    #[cfg_attr(feature = "schema", schemars(with = "String", example = &"compute"))]
    pub precision_level: Tier,
    /// Steps that can be taken back.
    pub undo_depth: usize,
    /// Steps that can be made again.
    pub redo_depth: usize,
    /// How many durable events the session has had.
    pub sequence: u64,
    /// The networks of the drawing, as they were solved after the last edit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkState>,
}

/// A value of a formula that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ValueChange {
    /// `scope.name`.
    pub name: String,
    /// What it was; nothing where it had no value.
    pub old_value: Option<f64>,
    /// What it is now.
    pub new_value: Option<f64>,
    /// Its unit.
    pub unit: Option<String>,
}

/// What a trigger had to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "TriggerMessage"))]
pub struct Message {
    /// The element's id, or `@N` where it has none.
    pub element_id: String,
    /// `log`, `animate`, `scheduled`, `cancelled` or `failed`.
    pub action: String,
    /// The text.
    pub message: String,
}

/// What happened to an element in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StructureKind {
    /// It came, with all that is in it.
    Added,
    /// It went, with all that was in it.
    Removed,
    /// It went to another place.
    Moved,
    /// It has another text.
    Text,
}

/// A change of the tree. Done in the order they are listed in, on the drawing before, and
/// followed by the attributes that changed, they make the drawing after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StructureChange {
    /// What happened.
    pub change: StructureKind,
    /// The element: its id, or `@N`.
    pub element_id: String,
    /// The element it is in now, or was in.
    pub parent_id: String,
    /// The element it stands before; absent where it is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_id: Option<String>,
    /// What was added, as markup with the usual prefixes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markup: Option<String>,
    /// The new text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A rectangle of the drawing, in user units of the root `viewBox`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// The left edge.
    pub x: f64,
    /// The upper edge.
    pub y: f64,
    /// To the right.
    pub width: f64,
    /// Down.
    pub height: f64,
}

/// Something that whoever asked should know: what could not be kept exactly, or was taken
/// along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "OperationNote"))]
pub struct Note {
    /// What kind of note: `not-exact`, `reference-removed`, `reference-renamed`, ... or the code of a
    /// finding in the markup.
    pub code: String,
    /// The element it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element_id: Option<String>,
    /// A sentence.
    pub message: String,
}

/// Something that an undo or redo left as it is, because somebody else has changed it since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeptChange {
    /// The element's id, or `@N`.
    pub element_id: String,
    /// The attribute; `#text` for a text; absent where it is about the element itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// Who changed it since: what the others call them.
    pub by: String,
    /// When.
    pub sequence: u64,
}

/// How much of its step an undo or redo did, where that is not all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Restored {
    /// Values, texts and places that were restored.
    pub restored: usize,
    /// Those of the step.
    pub of: usize,
    /// What was left as it is.
    pub kept: Vec<KeptChange>,
}

/// A constraint, or whatever else names parts of a shape, that an edit of the shape changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReferenceChange {
    /// Who refers: its id, or `@N`.
    pub element_id: String,
    /// By which attribute.
    pub attribute: String,
    /// What stood there.
    pub old_value: String,
    /// What stands there now; nothing where the element went with what it named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_value: Option<String>,
}

/// What an edit of shapes made of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Edited {
    /// Elements that came.
    pub created: Vec<String>,
    /// Elements that have another shape or another place.
    pub changed: Vec<String>,
    /// Elements that went.
    pub removed: Vec<String>,
    /// References that were rewritten or lost.
    pub references: Vec<ReferenceChange>,
    /// How far any point of the outlines may be from where it should be, in millimetres, before it is
    /// rounded to the precision of the session.
    pub error_mm: f64,
}

/// What one operation did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "OperationEffect"))]
pub struct Effect {
    /// The element it was about, given or found by the hit test.
    pub element_id: Option<String>,
    /// Whether an element is held after a drag operation; absent for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_dragging: Option<bool>,
    /// Where the pointer counts as being, after snapping; drags only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
    /// What the drag snapped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapped_to: Option<SnapKind>,
    /// What the constraints of the drawing made of it; drags of constrained elements only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constrained: Option<Constrained>,
    /// Every attribute that changed, triggers' work included, in order.
    pub attributes_changed: Vec<AttributeChange>,
    /// Every change of the tree, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub structure_changed: Vec<StructureChange>,
    /// What has to be drawn again: where something was drawn before or is now, strokes
    /// included, filters not. Absent where nothing that is drawn changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redraw: Option<Area>,
    /// What could not be kept exactly, and what was taken along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// What became of shapes: edits of them only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Edited>,
    /// Every trigger that ran, in order.
    pub behaviors_triggered: Vec<BehaviorTriggered>,
    /// Every value of a formula that changed, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values_changed: Vec<ValueChange>,
    /// What became of the networks of the drawing: those that were solved again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks_changed: Vec<NetworkChange>,
    /// How much of its step an undo or redo did, where that is not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// What triggers had to say: logged, animated, scheduled, failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
}

/// The answer to an operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "OperationOutcome"))]
pub struct Outcome {
    /// The name of the operation.
    pub operation: String,
    /// What it did.
    pub result: Effect,
    /// The state after it.
    pub state: State,
}
