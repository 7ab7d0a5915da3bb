//! The geometry that is constrained, in millimetres.

use serde::{Deserialize, Serialize};

use super::error::Reason;

/// Lines shorter than this many millimetres count as having no direction.
pub(crate) const MIN_LENGTH: f64 = 1e-9;

/// The geometry of an entity, in millimetres.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", schemars(rename = "SketchShape"))]
pub enum Shape {
    /// A point, without features.
    Point {
        /// x in mm, to the right.
        x: f64,
        /// y in mm, downward.
        y: f64,
    },
    /// A line segment; features `start` and `end`.
    Line {
        /// x of the start, in mm.
        x1: f64,
        /// y of the start, in mm.
        y1: f64,
        /// x of the end, in mm.
        x2: f64,
        /// y of the end, in mm.
        y2: f64,
    },
    /// A circle; feature `center`.
    Circle {
        /// x of the centre, in mm.
        cx: f64,
        /// y of the centre, in mm.
        cy: f64,
        /// Radius in mm; above zero in every answer.
        r: f64,
    },
    /// A circular arc; features `center`, `start` and `end`.
    Arc {
        /// x of the centre, in mm.
        cx: f64,
        /// y of the centre, in mm.
        cy: f64,
        /// Radius in mm; above zero in every answer.
        r: f64,
        /// x of the start, in mm; on the circle.
        x1: f64,
        /// y of the start, in mm.
        y1: f64,
        /// x of the end, in mm; on the circle.
        x2: f64,
        /// y of the end, in mm.
        y2: f64,
    },
    /// An upright rectangle; features `left`, `right`, `top`, `bottom` (lines) and
    /// `top_left`, `top_right`, `bottom_left`, `bottom_right` (points).
    Rect {
        /// x of the left edge, in mm.
        x: f64,
        /// y of the upper edge, in mm.
        y: f64,
        /// Width in mm; above zero in every answer.
        width: f64,
        /// Height in mm; above zero in every answer.
        height: f64,
    },
    /// Vertices with straight or circular ways between them; features `1`, `2`, ... (a
    /// vertex), `1-2` (the line through two vertices, or the arc that joins them) and
    /// `1-2.center` (the centre of that arc).
    Path {
        /// The vertices, `[x, y]`.
        points: Vec<[f64; 2]>,
        /// Which of them an arc joins.
        #[serde(default)]
        arcs: Vec<PathArc>,
    },
}

/// An arc between two vertices of a [`Shape::Path`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PathArc {
    /// The vertex it starts at, from 1.
    pub from: usize,
    /// The vertex it ends at, from 1.
    pub to: usize,
    /// x of the centre, in mm.
    pub cx: f64,
    /// y of the centre, in mm.
    pub cy: f64,
    /// Radius in mm; above zero in every answer.
    pub r: f64,
}

impl Shape {
    /// The unknowns of the shape, in the order the solver keeps them.
    pub(crate) fn push_values(&self, out: &mut Vec<f64>) {
        match *self {
            Shape::Path { ref points, ref arcs } => {
                out.extend(points.iter().flatten());
                out.extend(arcs.iter().flat_map(|a| [a.cx, a.cy, a.r]));
            }
            Shape::Point { x, y } => out.extend([x, y]),
            Shape::Line { x1, y1, x2, y2 } => out.extend([x1, y1, x2, y2]),
            Shape::Circle { cx, cy, r } => out.extend([cx, cy, r]),
            Shape::Arc { cx, cy, r, x1, y1, x2, y2 } => out.extend([cx, cy, r, x1, y1, x2, y2]),
            Shape::Rect { x, y, width, height } => out.extend([x, y, x + width, y + height]),
        }
    }

    /// The same kind of shape with other unknowns, as [`Shape::push_values`] lays them out.
    pub(crate) fn with_values(&self, v: &[f64]) -> Shape {
        match (self, v) {
            (Shape::Path { points, arcs }, v) => {
                let (xy, rest) = v.split_at((points.len() * 2).min(v.len()));
                let arc = |(a, v): (&PathArc, &[f64])| match *v {
                    [cx, cy, r] => PathArc { cx, cy, r, ..*a },
                    _ => *a,
                };
                Shape::Path {
                    points: xy.chunks_exact(2).map(|p| [p[0], p[1]]).collect(),
                    arcs: arcs.iter().zip(rest.chunks_exact(3)).map(arc).collect(),
                }
            }
            (Shape::Point { .. }, &[x, y]) => Shape::Point { x, y },
            (Shape::Line { .. }, &[x1, y1, x2, y2]) => Shape::Line { x1, y1, x2, y2 },
            (Shape::Circle { .. }, &[cx, cy, r]) => Shape::Circle { cx, cy, r },
            (Shape::Arc { .. }, &[cx, cy, r, x1, y1, x2, y2]) => {
                Shape::Arc { cx, cy, r, x1, y1, x2, y2 }
            }
            (Shape::Rect { .. }, &[x, y, right, bottom]) => {
                Shape::Rect { x, y, width: right - x, height: bottom - y }
            }
            (same, _) => same.clone(),
        }
    }

    /// The first point: a corner, a centre, an end; `None` for a path without vertices.
    pub fn first_point(&self) -> Option<(f64, f64)> {
        let mut values = Vec::new();
        self.push_values(&mut values);
        Some((*values.first()?, *values.get(1)?))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Shape::Point { .. } => "point",
            Shape::Line { .. } => "line",
            Shape::Circle { .. } => "circle",
            Shape::Arc { .. } => "arc",
            Shape::Rect { .. } => "rect",
            Shape::Path { .. } => "path",
        }
    }
}

pub(crate) fn check_shape(shape: &Shape) -> Result<(), Reason> {
    let positive = |what, value: f64| {
        if value < 0.0 { Err(Reason::NegativeSize { what, value }) } else { Ok(()) }
    };
    match *shape {
        Shape::Point { .. } => Ok(()),
        Shape::Path { ref points, ref arcs } => {
            for arc in arcs {
                positive("the radius", arc.r)?;
                let known = 1..=points.len();
                if arc.from == arc.to || !known.contains(&arc.from) || !known.contains(&arc.to) {
                    return Err(Reason::NoVertex { from: arc.from, to: arc.to });
                }
            }
            Ok(())
        }
        Shape::Line { x1, y1, x2, y2 } => {
            if libm::hypot(x2 - x1, y2 - y1) < MIN_LENGTH {
                Err(Reason::ZeroLength)
            } else {
                Ok(())
            }
        }
        Shape::Circle { r, .. } | Shape::Arc { r, .. } => positive("the radius", r),
        Shape::Rect { width, height, .. } => {
            positive("the width", width)?;
            positive("the height", height)
        }
    }
}
