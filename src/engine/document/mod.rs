//! SVGX text to [`Document`]: the tree as written, the meaning of its `arx:`
//! parts in one normal form, and diagnostics with positions.
//!
//! This room does no I/O and knows no HTTP. Whatever it is given, it answers
//! with a document, or with diagnostics that name the place and the limit.

mod attribute;
mod canonical;
mod code;
mod diagnostic;
mod edit;
mod encoding;
mod equivalence;
mod findings;
mod json;
mod limits;
mod lower;
mod model;
mod normalize;
mod parse;
mod render;
mod scan;
mod text;
mod tree;
mod validate;
mod values;
pub(crate) mod vocabulary;
mod xml;

pub(crate) use attribute::NameSet;
pub use attribute::{Attribute, Attributes, Shown};
pub use canonical::{canonical, markup};

pub use code::{Code, Severity};
pub use diagnostic::Diagnostic;
pub use encoding::decode;
pub use equivalence::{difference, same_model};
pub use json::json_position;
pub use limits::Limits;
pub use model::{
    Behavior, BehaviorIndex, Calculation, Component, Connection, Force, Geometry, Object,
    ObjectIndex, Physics, PhysicsConstraint, PhysicsIndex, Property, Quantity, System, Trigger,
    Variable,
};
pub use parse::{exceeds, parse, parse_bytes};
pub use render::{Format, render_diagnostics};
pub use text::{LineIndex, Position, Span, Str};
pub use tree::{Document, NodeId, NodeKind, Ns};

/// The namespace of the language.
pub const ARX: &str = "http://arxos.io/svgx";
/// The namespace of SVG.
pub const SVG: &str = "http://www.w3.org/2000/svg";
/// The namespace of XLink.
pub const XLINK: &str = "http://www.w3.org/1999/xlink";
