//! What a client can ask of a session.

use serde::{Deserialize, Serialize};

mod edits;
mod name;

pub use edits::{
    Array, Chamfer, Combine, Combined, Extend, Fillet, Join, JoinEnds, Measure, Mirror, Offset,
    Split, Trim,
};

use super::outcome::Area;
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
    /// The `id` of an element, or `@N`: its handle in the session, which stays the same. In the
    /// drawing as it was loaded that is its number in document order, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_id: Option<String>,
    /// Where the pointer is. Used for the hit test where there is no `element_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
    /// The keys held down.
    pub modifiers: Modifiers,
}

/// What is to be selected: what is pointed at, elements by their ids, what lies in a rectangle,
/// or in a lasso. Exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Selection {
    /// The `id` of an element, or `@N`: its handle in the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_id: Option<String>,
    /// Several elements, in the order they are to be selected in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_ids: Option<Vec<String>>,
    /// Where the pointer is: selects what is topmost there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
    /// Selects what lies in this rectangle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// Selects what lies inside of this outline, which closes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasso: Option<Vec<Coordinates>>,
    /// With `area` and `lasso`: also what only reaches into them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touching: Option<bool>,
    /// The keys held down.
    pub modifiers: Modifiers,
}

/// Where an element goes among the children of its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Behind all others: it is painted last.
    Front,
    /// One further.
    Forward,
    /// One back.
    Backward,
    /// Before all others: it is painted first.
    Back,
}

/// What happens to what refers to an element that goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum References {
    /// The operation is refused, with a list.
    #[default]
    Refuse,
    /// The references go as well: attributes, and elements that are nothing without them
    /// (`use`, connections, components, constraints, triggers). Formulas are never changed: with
    /// them it is refused.
    Remove,
}

/// What is linked with an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// A behavior that shapes refer to: `arx:behavior`.
    Behavior,
    /// Physics that shapes refer to: `arx:physics`.
    Physics,
    /// The object that a shape draws: `arx:object`.
    Object,
    /// The object that feeds an object: `upstream`.
    Upstream,
    /// A connection in a system, from the element to the target.
    Connection,
    /// A constraint of the drawing, kept with it.
    Constraint,
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
    expecting = "snap is true, false, or an object of grid, endpoint, midpoint, center, intersection, quadrant, perpendicular, tangent, nearest, angle and tolerance"
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
    /// To where the outlines of two other elements cross.
    pub intersection: bool,
    /// To the outermost points of circles, ellipses and curves: left, right, top and bottom.
    pub quadrant: bool,
    /// So that the way of the drag stands upright on the outline it ends at.
    pub perpendicular: bool,
    /// So that the way of the drag touches the curve it ends at.
    pub tangent: bool,
    /// To the nearest point of an outline, where nothing else is near.
    pub nearest: bool,
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
            intersection: false,
            quadrant: false,
            perpendicular: false,
            tangent: false,
            nearest: false,
            angle: None,
            tolerance: 5.0,
        }
    }
}

impl SnapOptions {
    /// Whether it snaps to other elements.
    pub fn is_to_others(&self) -> bool {
        self.endpoint || self.midpoint || self.center || self.is_to_outlines()
    }

    /// Whether it snaps to more of other elements than their fixed points.
    pub fn is_to_outlines(&self) -> bool {
        self.intersection || self.quadrant || self.perpendicular || self.tangent || self.nearest
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
    /// Selects without firing triggers: one element, several, a rectangle or a lasso.
    Select(Selection),
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
    /// Adds markup: one element or several, checked by the rules of drawings.
    Add {
        /// The elements. The prefixes of the drawing and the usual ones are known.
        markup: String,
        /// The element they come into; the drawing itself without.
        #[serde(default)]
        parent_id: Option<String>,
        /// The element it stands before.
        #[serde(default)]
        before_id: Option<String>,
        /// The element it stands after.
        #[serde(default)]
        after_id: Option<String>,
    },
    /// Takes elements out, with all that is in them.
    Delete {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// What happens to what refers to it.
        #[serde(default)]
        references: Option<References>,
    },
    /// Puts elements into another one; the picture stays where it is.
    Reparent {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// The element they go into.
        parent_id: String,
        /// The element it stands before.
        #[serde(default)]
        before_id: Option<String>,
        /// The element it stands after.
        #[serde(default)]
        after_id: Option<String>,
    },
    /// Changes the order of painting among the children of one element.
    Reorder {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// Where it goes; or else one of `before_id` and `after_id`.
        #[serde(default)]
        to: Option<Order>,
        /// The element it stands before.
        #[serde(default)]
        before_id: Option<String>,
        /// The element it stands after.
        #[serde(default)]
        after_id: Option<String>,
    },
    /// Puts elements into a new group, at the place of the topmost; the picture stays.
    Group {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// The `id` of the group.
        #[serde(default)]
        group_id: Option<String>,
    },
    /// Dissolves groups: what is in them takes over their transforms and colours.
    Ungroup {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// What happens to what refers to it.
        #[serde(default)]
        references: Option<References>,
    },
    /// Puts copies behind elements, with new ids; references inside of a copy lead to the copy.
    Duplicate {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// How far to the right the copies are moved.
        #[serde(default)]
        dx: Option<f64>,
        /// How far down.
        #[serde(default)]
        dy: Option<f64>,
    },
    /// Moves elements as a drag does: constraints hold, connections follow, nothing snaps.
    Move {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// To the right, in user units of the root.
        #[serde(default)]
        dx: Option<f64>,
        /// Down.
        #[serde(default)]
        dy: Option<f64>,
    },
    /// Turns elements, by their `transform`.
    Rotate {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// Degrees, clockwise as the y axis points down.
        angle: f64,
        /// The point that stays; the middle of the elements without.
        #[serde(default)]
        center: Option<Coordinates>,
    },
    /// Scales elements, by their `transform`; strokes are scaled as well.
    Scale {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// Times the width, and times the height where `factor_y` is missing. Not 0; below 0 it
        /// mirrors.
        factor: f64,
        /// Times the height.
        #[serde(default)]
        factor_y: Option<f64>,
        /// The point that stays; the middle of the elements without.
        #[serde(default)]
        center: Option<Coordinates>,
    },
    /// Takes out the piece of a shape that was pointed at, up to where others cross it.
    Trim(Trim),
    /// Lengthens an end of a shape to what lies ahead of it.
    Extend(Extend),
    /// Rounds a corner of a shape, all of them, or where two lines would meet.
    Fillet(Fillet),
    /// Cuts a corner of a shape off, or all of them.
    Chamfer(Chamfer),
    /// Draws parallels of shapes.
    Offset(Offset),
    /// Mirrors elements at a line.
    Mirror(Mirror),
    /// Copies elements in rows and columns, around a point, or along a shape.
    Array(Array),
    /// Parts a shape at a place, or wherever others cross it.
    Split(Split),
    /// Joins shapes whose ends meet.
    Join(JoinEnds),
    /// Unites, intersects or subtracts closed shapes.
    Combine(Combine),
    /// Sets the value of the constraint that a dimension drives, and moves what constraints hold
    /// until they hold again.
    SetDimension {
        /// The dimension (`arx:dimension` with `drives`).
        element_id: String,
        /// The value as constraints have it: a length, mm where no unit is written, or degrees.
        value: String,
    },
    /// Sets the text of a `text`, `tspan`, `title`, `desc`, `style` or tag that holds nothing else.
    SetText {
        /// The element.
        element_id: String,
        /// The text.
        text: String,
    },
    /// Sets a property in the `style` of elements; takes it out, and the attribute of that name,
    /// where there is no value.
    SetStyle {
        /// The element; the selected ones where none is named.
        #[serde(default)]
        element_id: Option<String>,
        /// Several elements.
        #[serde(default)]
        element_ids: Option<Vec<String>>,
        /// The property: `fill`, `stroke-width`, ...
        name: String,
        /// The value, or nothing.
        #[serde(default)]
        value: Option<String>,
    },
    /// Sets a named value of an object (`arx:property`); takes it out where there is no value.
    SetProperty {
        /// The object, or a shape that draws it.
        element_id: String,
        /// The name.
        name: String,
        /// The value, or nothing.
        #[serde(default)]
        value: Option<String>,
        /// Its unit.
        #[serde(default)]
        unit: Option<String>,
    },
    /// Sets a variable of a behavior (`arx:variable`), which formulas follow; takes it out where
    /// there is no value.
    SetVariable {
        /// The behavior, or the object or shape that has it.
        element_id: String,
        /// The name.
        name: String,
        /// The value, a number or `true` or `false`; or nothing.
        #[serde(default)]
        value: Option<String>,
        /// Its unit.
        #[serde(default)]
        unit: Option<String>,
    },
    /// Links an element with a behavior, an object, another element, or by a constraint.
    Link {
        /// What kind of link.
        relation: Relation,
        /// The element that is linked: a shape or an object; where a connection starts.
        #[serde(default)]
        element_id: Option<String>,
        /// What it is linked with; where a connection ends.
        #[serde(default)]
        target_id: Option<String>,
        /// The system of a connection; the `arx:constraints` of a constraint. The first there is without.
        #[serde(default)]
        parent_id: Option<String>,
        /// `connection`: its type, such as `power`.
        #[serde(default)]
        kind: Option<String>,
        /// `constraint`: the constraint.
        #[serde(default)]
        constraint: Option<ActiveConstraint>,
    },
    /// Takes such a link out.
    Unlink {
        /// What kind of link.
        relation: Relation,
        /// The element that is linked: a shape or an object; where a connection starts.
        #[serde(default)]
        element_id: Option<String>,
        /// What it is linked with; where a connection ends.
        #[serde(default)]
        target_id: Option<String>,
        /// The system of a connection; the `arx:constraints` of a constraint. The first there is without.
        #[serde(default)]
        parent_id: Option<String>,
        /// `connection`: its type, such as `power`.
        #[serde(default)]
        kind: Option<String>,
        /// `constraint`: the constraint.
        #[serde(default)]
        constraint: Option<ActiveConstraint>,
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
