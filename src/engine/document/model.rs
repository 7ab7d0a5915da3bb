//! The meaning of a document's `arx:` parts, normalised: whichever dialect
//! they were written in, they end up in these types.
//!
//! Values stay text here, with their place; the rooms above read numbers and
//! units out of them and report what they cannot read.

use super::text::{Span, Str};
use super::tree::NodeId;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
    };
}

index!(
    /// Which of [`Document::objects`](super::Document::objects).
    ObjectIndex
);
index!(
    /// Which of [`Document::behaviors`](super::Document::behaviors).
    BehaviorIndex
);
index!(
    /// Which of [`Document::physics`](super::Document::physics).
    PhysicsIndex
);

/// A value with an optional unit, as text: `3000mm`, or `3000` and `mm` apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// The number, or whatever was written where one belongs.
    pub value: Str,
    /// The unit, if one was given beside the value.
    pub unit: Option<Str>,
    /// Where the value stands.
    pub span: Span,
}

/// A building object: an `arx:object` element, or a shape with `arx:object`.
#[derive(Clone, Debug)]
pub struct Object {
    /// The element that declares it.
    pub node: NodeId,
    /// Its id, unique in the document.
    pub id: Option<Str>,
    /// Its type, such as `electrical.light_fixture`.
    pub kind: Option<Str>,
    /// The building system it belongs to.
    pub system: Option<Str>,
    /// The object that feeds it.
    pub upstream: Option<Str>,
    /// Its box, if it has one of its own.
    pub geometry: Option<Geometry>,
    /// Named values.
    pub properties: Vec<Property>,
    /// Free words.
    pub tags: Vec<Str>,
    /// Its behavior, own or by reference.
    pub behavior: Option<BehaviorIndex>,
    /// Its physics, own or by reference.
    pub physics: Option<PhysicsIndex>,
    /// The shapes that draw it: those with `arx:object` naming its id.
    pub shapes: Vec<NodeId>,
    /// The object it lies in.
    pub parent: Option<ObjectIndex>,
}

/// The box of an object. Lengths are in millimetres where no unit is written.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// The element it was written on.
    pub node: NodeId,
    /// Left edge.
    pub x: Option<Quantity>,
    /// Upper edge; y grows downward.
    pub y: Option<Quantity>,
    /// Height above the floor.
    pub z: Option<Quantity>,
    /// Along x.
    pub width: Option<Quantity>,
    /// Along y.
    pub height: Option<Quantity>,
    /// Along z.
    pub depth: Option<Quantity>,
}

/// A named value of an object.
#[derive(Clone, Debug)]
pub struct Property {
    /// The element it was written as.
    pub node: NodeId,
    /// Its name.
    pub name: Str,
    /// Its value and unit.
    pub value: Quantity,
}

/// Variables, calculations and triggers.
#[derive(Clone, Debug)]
pub struct Behavior {
    /// The element that declares it.
    pub node: NodeId,
    /// The id that shapes refer to with `arx:behavior`.
    pub id: Option<Str>,
    /// The object or shape it lies in; `None` for a free-standing one.
    pub owner: Option<NodeId>,
    /// Input values.
    pub variables: Vec<Variable>,
    /// Formulas.
    pub calculations: Vec<Calculation>,
    /// What happens on which event.
    pub triggers: Vec<Trigger>,
    /// Shapes and objects that refer to it by its id.
    pub users: Vec<NodeId>,
}

/// An input value of a behavior.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The element it was written as.
    pub node: NodeId,
    /// Its name.
    pub name: Str,
    /// Its value and unit.
    pub value: Quantity,
}

/// A formula and the name of its result.
#[derive(Clone, Debug)]
pub struct Calculation {
    /// The element it was written as.
    pub node: NodeId,
    /// The name of the result.
    pub name: Str,
    /// The formula.
    pub formula: Str,
    /// Where the formula stands.
    pub span: Span,
    /// The unit the result is to be shown in.
    pub unit: Option<Str>,
}

/// An action on an event.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The element it was written as.
    pub node: NodeId,
    /// `click`, `hover`, `drag`, `time`, `condition`, or an external name.
    pub event: Str,
    /// `toggle`, `turn_on`, `turn_off`, `auto_off`, `highlight`, `set-attribute`, `update`, ...
    pub action: Str,
    /// Where the action's name stands.
    pub span: Span,
    /// Everything else that was written on it: `delay`, `condition`, `target`, `name`, `value`, ...
    pub parameters: Vec<(Str, Str)>,
}

impl Trigger {
    /// The parameter called `name`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Mass, anchors and forces of a body.
#[derive(Clone, Debug)]
pub struct Physics {
    /// The element that declares it, or the shape with the shortcut attribute.
    pub node: NodeId,
    /// The id that shapes refer to with `arx:physics`.
    pub id: Option<Str>,
    /// The object or shape it lies in; `None` for a free-standing one.
    pub owner: Option<NodeId>,
    /// Mass; kilograms where no unit is written.
    pub mass: Option<Quantity>,
    /// `wall`, `ceiling`, `floor`, `fixed`, or another point's name.
    pub anchors: Vec<Str>,
    /// Forces acting on it.
    pub forces: Vec<Force>,
    /// Constraints on its motion.
    pub constraints: Vec<PhysicsConstraint>,
    /// Whether gravity is asked for by name: `physics="gravity"` on a shape, or
    /// a force called `gravity` without a magnitude.
    pub shortcut: bool,
    /// Shapes and objects that refer to it by its id.
    pub users: Vec<NodeId>,
}

/// A force on a body. Newtons where no unit is written.
#[derive(Clone, Debug)]
pub struct Force {
    /// The element it was written as. Less usual attributes (point, profile) are read there.
    pub node: NodeId,
    /// Its name, or its type: `gravity`, `tension`, ...
    pub name: Option<Str>,
    /// `down`, `up`, `left`, `right`, an angle or a vector.
    pub direction: Option<Str>,
    /// How strong; `None`: follows from the name (gravity: the weight).
    pub magnitude: Option<Quantity>,
}

/// A constraint on a body's motion.
#[derive(Clone, Debug)]
pub struct PhysicsConstraint {
    /// The element it was written as.
    pub node: NodeId,
    /// `fixed`, `hinge`, `rope`, ...
    pub kind: Str,
    /// Where it holds.
    pub point: Option<Str>,
}

/// Objects that work together.
#[derive(Clone, Debug)]
pub struct System {
    /// The element that declares it.
    pub node: NodeId,
    /// Its id.
    pub id: Option<Str>,
    /// `electrical`, `mechanical`, `plumbing`, ...
    pub kind: Option<Str>,
    /// What belongs to it.
    pub components: Vec<Component>,
    /// What feeds what.
    pub connections: Vec<Connection>,
}

/// A member of a system.
#[derive(Clone, Debug)]
pub struct Component {
    /// The element it was written as.
    pub node: NodeId,
    /// The id of the object.
    pub object: Str,
    /// Its type, where the system names it.
    pub kind: Option<Str>,
}

/// A connection between two members of a system.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The element it was written as.
    pub node: NodeId,
    /// The id it starts at.
    pub from: Str,
    /// The id it ends at.
    pub to: Str,
    /// `power`, ...
    pub kind: Option<Str>,
}
