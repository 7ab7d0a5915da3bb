//! Shapes of a drawing as outlines in micrometres of the world, and back into elements.
//!
//! The world is the drawing's root: user units times its scale. What is drawn in groups that are turned and
//! scaled is read where it is seen and written in the coordinates that it stands in.

mod parts;
mod read;
mod write;

pub(crate) use parts::{Parts, moved};
pub(crate) use read::read;
pub(crate) use write::{GEOMETRY, Written, write};

use kurbo::{Affine, Point};
use svgx_base::budget::Tier;
use svgx_engine::document::NodeId;
use svgx_shapes::{Outline, Vector};

use crate::placement::{self, Drawing};

/// What an element draws.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    /// Its name in SVG.
    pub(crate) name: &'static str,
    pub(crate) outlines: Vec<Outline>,
    /// Whether it is filled by the even-odd rule.
    pub(crate) even_odd: bool,
    /// How far the outlines may be from what is drawn.
    pub(crate) error_mm: f64,
}

/// From the coordinates that an element's attributes are written in to micrometres of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) to_um: Affine,
    /// How many decimals are worth writing.
    pub(crate) decimals: usize,
}

impl Frame {
    /// Of an element that is drawn where it stands. `None` where something flattens it.
    pub(crate) fn of(drawing: Drawing<'_>, node: NodeId, tier: Tier) -> Option<Frame> {
        let world = Affine::scale(um_per_unit(drawing));
        let to_um = world * placement::to_world(drawing, node);
        let size = to_um.determinant().abs().sqrt() / 1e3;
        if !(to_um.is_finite() && size > 1e-9 && size < 1e9) {
            return None;
        }
        let extra = libm::ceil(libm::log10(size) - 1e-9);
        let decimals = (f64::from(tier.decimals()) + extra).clamp(0.0, 12.0) as usize;
        Some(Frame { to_um, decimals })
    }
}

/// Micrometres of one user unit of the root.
pub(crate) fn um_per_unit(drawing: Drawing<'_>) -> f64 {
    drawing.scene.scale().to_mm(1.0) * 1e3
}

pub(crate) fn vector(p: Point) -> Vector {
    Vector::new(p.x, p.y)
}

pub(crate) fn point(v: Vector) -> Point {
    Point::new(v.x, v.y)
}
