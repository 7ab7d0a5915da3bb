//! Bodies and joints as they are drawn, for whoever makes a picture of a simulation.

use kurbo::{Point, Vec2};

use crate::document::{Document, Limits};
use svgx_base::budget::Budget;

use super::error::Error;
use super::model::{JointKind, Model};
use super::outline::Part;
use super::tier::Settings;
use super::{Outlines, read};

/// The bodies of a document and what joins them, at the start; user units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Bodies in document order.
    pub bodies: Vec<LayoutBody>,
    /// Ropes and hinges; what else holds a body has no shape of its own.
    pub joints: Vec<LayoutJoint>,
}

/// A body with its collision shape.
#[derive(Clone, Debug, PartialEq)]
pub struct LayoutBody {
    /// As in the frames of a simulation.
    pub id: String,
    /// Whether it never moves.
    pub fixed: bool,
    /// Centre of mass at the start.
    pub centre: Point,
    /// Half the diagonal of its box.
    pub reach: f64,
    /// Relative to the centre of mass.
    pub parts: Vec<LayoutPart>,
}

/// A convex piece of a body, or a line.
#[derive(Clone, Debug, PartialEq)]
pub enum LayoutPart {
    /// A disc.
    Circle {
        /// Relative to the centre of mass.
        centre: Vec2,
        /// Radius of the disc.
        radius: f64,
    },
    /// A rectangle.
    Box {
        /// Relative to the centre of mass.
        centre: Vec2,
        /// Half of width and height.
        half: Vec2,
        /// Radians, clockwise.
        angle: f64,
    },
    /// A convex polygon.
    Polygon(Vec<Vec2>),
    /// A line without thickness.
    Line(Vec<Vec2>),
}

/// What joins a body to the building or to another body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayoutJoint {
    /// Number of the body.
    pub body: usize,
    /// Number of the other body; none: the building.
    pub other: Option<usize>,
    /// Where it takes hold of the body at the start.
    pub at: Point,
    /// For a rope, where its other end is at the start; none: a hinge.
    pub rope_end: Option<Point>,
}

/// The bodies of a document as a simulation at the tier of the budget takes them.
///
/// # Errors
/// As [`simulate`](super::simulate), for what cannot be read.
pub fn layout(
    document: &Document,
    scene: &dyn Outlines,
    limits: &Limits,
    budget: &Budget,
) -> Result<Layout, Error> {
    let model = read::model(document, scene, &Settings::of(budget.tier()), limits, budget)?;
    Ok(Layout { bodies: bodies(&model), joints: joints(&model) })
}

fn bodies(model: &Model) -> Vec<LayoutBody> {
    let scale = model.scale;
    let vector = |v: rapier2d_f64::math::Vector| Vec2::new(v.x / scale, v.y / scale);
    let part = |part: &Part| match part {
        Part::Circle { centre, radius } => {
            LayoutPart::Circle { centre: vector(*centre), radius: radius / scale }
        }
        Part::Box { centre, half, angle } => {
            LayoutPart::Box { centre: vector(*centre), half: vector(*half), angle: *angle }
        }
        Part::Convex(points) => LayoutPart::Polygon(points.iter().map(|p| vector(*p)).collect()),
        Part::Line(points) => LayoutPart::Line(points.iter().map(|p| vector(*p)).collect()),
    };
    model
        .bodies
        .iter()
        .map(|body| LayoutBody {
            id: body.id.clone(),
            fixed: body.fixed,
            centre: vector(body.centre).to_point(),
            reach: body.half.length() / scale,
            parts: body.shape.parts.iter().map(part).collect(),
        })
        .collect()
}

fn joints(model: &Model) -> Vec<LayoutJoint> {
    let point = |v: rapier2d_f64::math::Vector| Point::new(v.x / model.scale, v.y / model.scale);
    model
        .joints
        .iter()
        .filter_map(|joint| {
            let rope_end = match joint.kind {
                JointKind::Rope { to, .. } => Some(point(to)),
                JointKind::Hinge => None,
                JointKind::Fixed | JointKind::Roller { .. } | JointKind::Slider { .. } => {
                    return None;
                }
            };
            let (body, other, at) = (joint.body, joint.other, point(joint.at));
            Some(LayoutJoint { body, other, at, rope_end })
        })
        .collect()
}
