//! What a part of a shape is and where: for whoever measures and does not solve.

use std::collections::HashMap;

use svgx_base::nearest::nearest;

use super::element;
use crate::constraint::sketch::{Circle, Feature, Point, Shape, feature_in};
use crate::document::{Document, NodeId};
use crate::geometry::Scene;

/// A place, in millimetres of the drawing with y downward.
type Xy = [f64; 2];

/// A part of a shape, in millimetres of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// A point.
    Point(Xy),
    /// The line between two points.
    Line(Xy, Xy),
    /// A circle.
    Circle {
        /// Its centre.
        centre: Xy,
        /// Its radius.
        radius: f64,
    },
    /// An arc of a circle.
    Arc {
        /// The centre of the circle.
        centre: Xy,
        /// Its radius.
        radius: f64,
        /// Where the arc starts.
        from: Xy,
        /// Where it ends.
        to: Xy,
        /// Whether it goes from the x axis towards the y axis, which is clockwise on a screen.
        clockwise: bool,
    },
    /// A whole shape that is none of these; its kind.
    Whole(&'static str),
}

/// Why a name stands for no part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NoPart {
    /// A sentence.
    pub message: String,
    /// What may have been meant.
    pub near: Option<String>,
}

/// Ids that a name is compared with.
const COMPARED: usize = 1_000;
/// Bytes of a name that are shown or compared.
const NAME: usize = 64;

/// Shapes that were looked at, by their elements.
#[derive(Debug)]
pub struct Parts<'d> {
    document: &'d Document,
    scene: &'d Scene,
    known: HashMap<NodeId, Result<Known, String>>,
}

#[derive(Debug)]
struct Known {
    shape: Shape,
    values: Vec<f64>,
    /// Of each arc of a path, whether it goes clockwise on a screen.
    clockwise: Vec<bool>,
}

impl<'d> Parts<'d> {
    /// Nothing is looked at yet.
    pub fn new(document: &'d Document, scene: &'d Scene) -> Parts<'d> {
        Parts { document, scene, known: HashMap::new() }
    }

    /// The element that `name` begins with, and the part of it that the rest names, as in
    /// `of` of a constraint.
    ///
    /// # Errors
    /// [`NoPart`]: no such element, a shape that has no parts, or not this one.
    pub fn find(&mut self, name: &str) -> Result<(NodeId, Part), NoPart> {
        let document = self.document;
        let ends = name.rmatch_indices('.').take(3).map(|(at, _)| at);
        let named = std::iter::once(name.len())
            .chain(ends)
            .find_map(|end| Some((document.by_id(name.get(..end)?)?, end)));
        let shown: String = name.chars().take(NAME).collect();
        let Some((node, end)) = named else {
            let id = name.split_once('.').map_or(name, |(id, _)| id);
            let few = id.len() <= NAME && document.ids().take(COMPARED + 1).count() <= COMPARED;
            let near = nearest(id, document.ids().filter(|id| few && id.len() <= NAME));
            let near = near.map(|near| format!("did you mean {near}?"));
            return Err(NoPart { message: format!("there is no element `{shown}`"), near });
        };
        let part = name.get(end + 1..);
        let scene = self.scene;
        let known = self.known.entry(node).or_insert_with(|| {
            let (shape, drawn) = element::read(document, scene, node).map_err(|e| e.message)?;
            let mut values = Vec::new();
            shape.push_values(&mut values);
            Ok(Known { shape, values, clockwise: drawn.clockwise() })
        });
        let none = |message| NoPart { message, near: None };
        let known = known.as_ref().map_err(|message| none(message.clone()))?;
        let feature = feature_in(&known.shape, part).map_err(|hint| {
            let part: String = part.unwrap_or_default().chars().take(NAME).collect();
            let id = document.id(node).unwrap_or_default();
            none(format!("`{id}` has no part `{part}`{hint}"))
        })?;
        Ok((node, known.part(feature)))
    }
}

impl Known {
    fn part(&self, feature: Feature) -> Part {
        let value = |at: u32| self.values.get(at as usize).copied().unwrap_or_default();
        let point = |p: Point| [value(p.x), value(p.y)];
        match feature {
            Feature::Point(p) => Part::Point(point(p)),
            Feature::Line(line) => Part::Line(point(line.a), point(line.b)),
            Feature::Circle(Circle { c, r }) => Part::Circle { centre: point(c), radius: value(r) },
            Feature::Arc(Circle { c, r }, from, to) => Part::Arc {
                centre: point(c),
                radius: value(r),
                from: point(from),
                to: point(to),
                clockwise: self.is_clockwise(c, from),
            },
            Feature::Rect(..) => Part::Whole("rect"),
            Feature::Path(..) => Part::Whole("path"),
        }
    }

    /// Which way the arc about the centre `c` goes, if its name begins with the vertex `from`.
    fn is_clockwise(&self, c: Point, from: Point) -> bool {
        let Shape::Path { points, arcs } = &self.shape else { return true };
        let at = (c.x as usize).saturating_sub(points.len() * 2) / 3;
        let clockwise = self.clockwise.get(at).copied().unwrap_or(true);
        // A part may be named from its end.
        let begins = arcs.get(at).is_some_and(|arc| (arc.from - 1) * 2 == from.x as usize);
        clockwise == begins
    }
}
