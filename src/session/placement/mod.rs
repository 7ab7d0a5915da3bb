//! Where the elements that move together are written, and what is written when they move.
//!
//! Lengths on the way: a movement is in user units of the root (the world); what is written is
//! in the element's own coordinates, or in a unit of length. Every attribute is rounded to the
//! step of the tier as it is in the drawing: 0.001 mm is five decimals in a group that is
//! scaled by a hundred.

mod assembly;
mod part;
mod path;

use kurbo::{Affine, Point, Vec2};
use serde::{Deserialize, Serialize};

use super::error::Error;
use part::Part;
use svgx_base::budget::Tier;
use svgx_engine::document::{Document, Limits, NodeId, Ns};
use svgx_engine::geometry::Scene;

pub(crate) use assembly::object_of;

/// Elements that may move together.
const TOGETHER: usize = 10_000;

/// Where the elements of a drag were when one of them was taken hold of, and how their
/// attributes follow a move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Placement {
    parts: Vec<Part>,
    /// The elements that move as a whole, the one that is held first.
    pub(crate) bodies: Vec<Body>,
}

/// An element that moves as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) element: u32,
    /// The point that snaps: a corner, a center, an end; in world coordinates.
    pub(crate) reference: (f64, f64),
}

/// A move in world coordinates, and in height (millimetres).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Movement {
    pub(crate) plane: Vec2,
    pub(crate) height: f64,
}

/// What positions are read from.
#[derive(Clone, Copy)]
pub(crate) struct Drawing<'d> {
    pub(crate) document: &'d Document,
    pub(crate) scene: &'d Scene,
    pub(crate) limits: &'d Limits,
}

impl Placement {
    /// Reads where `node` is, and all that moves with it: the object that it draws, the other
    /// shapes that draw that object, and the ends of drawn connections at it.
    ///
    /// # Errors
    /// [`Error::NotMovable`], [`Error::Limit`].
    pub(crate) fn read(
        drawing: Drawing<'_>,
        node: NodeId,
        number: impl Fn(NodeId) -> u32,
        label: &str,
    ) -> Result<Placement, Error> {
        let cannot = |reason| Error::NotMovable { id: label.to_owned(), reason };
        if node == NodeId::ROOT {
            return Err(cannot("it is the drawing itself"));
        }
        let together = assembly::of(drawing, node);
        if let Some(connection) = together.fast {
            return Err(cannot(if connection == node {
                "it is a connection, and its ends stay at its objects; move one of these"
            } else {
                "it holds a connection of objects that stay; move these"
            }));
        }
        let seen = together.bodies.len() + together.ends.len();
        if seen > TOGETHER {
            return Err(Error::Limit {
                what: "elements that move together",
                limit: TOGETHER,
                seen,
            });
        }
        let mut placement = Placement { parts: Vec::new(), bodies: Vec::new() };
        for (at, &body) in together.bodies.iter().enumerate() {
            let found = match part::read(drawing, body, &number) {
                Ok(found) => found,
                // Only what is held has to be movable.
                Err(_) if at > 0 => continue,
                Err(reason) => return Err(cannot(reason)),
            };
            let reference = found
                .first()
                .and_then(|part| part.reference())
                .or_else(|| drawing.scene.bounds(body).map(|b| Point::new(b.x0, b.y0)))
                .unwrap_or_default();
            let element = number(body);
            placement.bodies.push(Body { element, reference: (reference.x, reference.y) });
            placement.parts.extend(found);
        }
        for end in &together.ends {
            placement.parts.extend(part::end(drawing, *end, &number));
        }
        Ok(placement)
    }

    /// The reference point of what is held.
    pub(crate) fn reference(&self) -> Point {
        self.bodies.first().map_or(Point::ZERO, |body| Point::from(body.reference))
    }

    /// Whether an attribute of `element` follows the move.
    pub(crate) fn moves(&self, element: u32) -> bool {
        self.parts.iter().any(|part| part.element == element)
            || self.bodies.iter().any(|body| body.element == element)
    }

    /// The attributes after `movement`, rounded to `tier`: element, name, value. `node` finds
    /// an element by its number.
    pub(crate) fn moved(
        &self,
        document: &Document,
        node: impl Fn(u32) -> Option<NodeId>,
        movement: Movement,
        tier: Tier,
    ) -> Vec<(u32, String, Option<String>)> {
        let mut set = Vec::new();
        for part in &self.parts {
            if let Some(node) = node(part.element) {
                part.moved(document, node, movement, tier, &mut set);
            }
        }
        set
    }
}

/// Where an element's reference point is now; `None` where it cannot be moved.
pub(crate) fn reference(drawing: Drawing<'_>, node: NodeId) -> Option<Point> {
    let parts = part::read(drawing, node, &|_| 0).ok()?;
    parts.first()?.reference()
}

/// How near a pointer or an end has to be to count as being there, in user units: what can
/// hardly be told apart on a screen that shows all of the drawing.
pub(crate) fn pick_distance(scene: &Scene) -> f64 {
    let view = scene.viewbox();
    (view.width.hypot(view.height) / 2_000.0).min(0.5)
}

/// From the coordinates that an element stands in to the world, and from those that its own
/// attributes are written in.
#[derive(Clone, Copy)]
struct Frames {
    outer: Affine,
    own: Affine,
}

impl Frames {
    fn of(Drawing { document, scene, limits }: Drawing<'_>, node: NodeId) -> Frames {
        let written = scene.own_transform(document, node);
        let parent = document.parent(node).unwrap_or(NodeId::ROOT);
        let outer = scene.frame_around(document, node, limits);
        let shape = document.name(node).is_some_and(|(ns, _)| ns != Ns::Arx);
        let shown = shape.then(|| scene.transform_shown(node)).flatten();
        match (outer, shown) {
            (Some(outer), Some(own)) => Frames { outer, own },
            (Some(outer), None) => Frames { outer, own: outer * written },
            (None, Some(own)) => Frames { outer: own * written.inverse(), own },
            // Not drawn: the transforms on the way to the root.
            (None, None) => {
                let outer = std::iter::successors(Some(parent), |&n| document.parent(n))
                    .fold(Affine::IDENTITY, |below, n| scene.own_transform(document, n) * below);
                Frames { outer, own: outer * written }
            }
        }
    }
}

/// From the coordinates that an element stands in to the world's.
pub(crate) fn around(drawing: Drawing<'_>, node: NodeId) -> Affine {
    Frames::of(drawing, node).outer
}

/// From the coordinates that the children of an element stand in to the world's.
pub(crate) fn inside(drawing: Drawing<'_>, node: NodeId) -> Affine {
    let Drawing { document, scene, limits } = drawing;
    scene.frame(document, node, limits).unwrap_or_else(|| {
        std::iter::successors(Some(node), |&n| document.parent(n))
            .fold(Affine::IDENTITY, |below, n| scene.own_transform(document, n) * below)
    })
}

/// Whether an element has a place that its `transform` says.
pub(crate) fn is_placed(document: &Document, node: NodeId) -> bool {
    match document.name(node) {
        Some((Ns::Arx, name)) => name == "object",
        Some((_, name)) => part::is_graphic(name),
        None => false,
    }
}

/// From an element's coordinates to the world's.
pub(crate) fn to_world(drawing: Drawing<'_>, node: NodeId) -> Affine {
    Frames::of(drawing, node).own
}

/// The inverse of the linear part; `None` where there is none.
fn linear(transform: Affine) -> Option<[f64; 4]> {
    let [a, b, c, d, _, _] = transform.as_coeffs();
    let determinant = a * d - b * c;
    let scale = a.abs().max(b.abs()).max(c.abs()).max(d.abs());
    if !determinant.is_finite() || determinant.abs() <= 1e-12 * scale * scale {
        return None;
    }
    Some([d / determinant, -b / determinant, -c / determinant, a / determinant])
}
