//! Lengths, shapes, transforms, bounding boxes and rounding at a tier.
//!
//! [`Scene`] resolves a whole document into outlines with transforms and
//! answers where things are; [`check`] reports what cannot be resolved;
//! [`fixed`] keeps millimetres as decimals; [`length`] reads lengths and the
//! scale of a drawing.

mod apart;
mod basic_shape;
mod check;
mod clip;
mod colour;
pub mod css;
mod curve;
mod declared;
pub mod fixed;
mod item;
pub mod length;
mod look;
mod outline;
mod own;
mod path;
mod properties;
mod resolve;
mod role;
mod scene;
mod style;
mod transform;
mod unit;
mod viewport;

pub use check::check;
pub use colour::colour;
pub use curve::{Curve, Elements};
pub use declared::Declarations;
pub use fixed::Fixed;
pub use item::Error;
pub use length::{Length, Scale, Unit};
pub use path::{PathFault, path};
pub use role::{Role, conditions_hold, href, role, switch_choice};
pub use scene::{Appearance, Changes, Scene};
pub use style::{Cap, Join, Special, font_size};
pub use transform::transform;
pub use viewport::{AspectRatio, ViewBox, natural_scale, pixels, root_viewbox};

pub(crate) use look::{HIGHLIGHT, Look};

pub(crate) use apart::{is_apart, styled_apart};
pub(crate) use basic_shape::basic_shape;
pub(crate) use colour::{SYSTEM_COLOURS, plain_colour};
pub(crate) use item::Item;
pub(crate) use length::BROWSER_UNITS;
pub(crate) use outline::has_dot;
pub(crate) use own::is_geometry;
pub(crate) use resolve::Styled;
pub(crate) use role::is_box;
pub(crate) use style::DASHES;
