//! Sizes that can be drawn: a radius, a width or a height is above zero. Equations do not know
//! that (a negative radius meets them as well), so every solve looks at the sizes it made.

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::step::StepContext;
use crate::constraint::equations::GROUND;
use crate::constraint::sketch::{Index, Problem, Shape};
use crate::linear;
use svgx_base::deep;

/// A size that the constraints would make impossible to draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "SketchUndrawable"))]
pub struct Undrawable {
    /// The id of the entity.
    pub entity: String,
    /// `radius`, `width` or `height`.
    pub size: String,
    /// What the constraints would make of it, in millimetres; rounded to the tolerance it has to
    /// be above zero.
    pub value_mm: f64,
}

/// A size of an entity: the difference of two unknowns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Index of the entity.
    entity: u32,
    name: &'static str,
    pub(crate) high: u32,
    /// [`GROUND`] for a radius, which is an unknown of its own.
    pub(crate) low: u32,
    /// As drawn, in mm.
    drawn: f64,
}

/// Sizes brought back one after the other in one solve; more is no sketch.
const MAX_RESTORED: usize = 64;

impl Size {
    fn value(&self, x: &[f64]) -> f64 {
        x[self.high as usize] - if self.low == GROUND { 0.0 } else { x[self.low as usize] }
    }

    /// Whether the size can be drawn: rounded to `step` mm it is more than zero. One that is as
    /// it was drawn is not written and may be smaller, or zero where it was drawn so.
    fn is_drawable(&self, x: &[f64], step: f64) -> bool {
        let value = self.value(x);
        let kept = (value - self.drawn).abs() <= 0.5 * step;
        value > 0.5 * step || kept && (value > 0.0 || self.drawn <= 0.0 && value > -1e-9)
    }

    pub(crate) fn undrawable(&self, problem: &Problem, x: &[f64]) -> Undrawable {
        let entity = problem.entities.get(self.entity as usize);
        Undrawable {
            entity: entity.map(|e| e.id.clone()).unwrap_or_default(),
            size: self.name.to_owned(),
            value_mm: self.value(x),
        }
    }
}

/// The sizes of every entity of a problem.
pub(crate) fn sizes(problem: &Problem, index: &Index) -> Vec<Size> {
    let mut sizes = Vec::new();
    for (i, (entity, &v)) in problem.entities.iter().zip(&index.first).enumerate() {
        let mut size = |name, high, low, drawn| {
            sizes.push(Size { entity: i as u32, name, high, low, drawn });
        };
        match entity.shape {
            Shape::Point { .. } | Shape::Line { .. } => {}
            Shape::Circle { r, .. } | Shape::Arc { r, .. } => size("radius", v + 2, GROUND, r),
            Shape::Rect { width, height, .. } => {
                size("width", v + 2, v, width);
                size("height", v + 3, v + 1, height);
            }
            Shape::Path { ref points, ref arcs } => {
                for (arc, k) in arcs.iter().zip(0..) {
                    size("radius", v + 2 * points.len() as u32 + 3 * k + 2, GROUND, arc.r);
                }
            }
        }
    }
    sizes
}

impl Plan {
    /// Looks whether every size can be drawn, rounded to `smallest` mm, and brings those that
    /// cannot back to how they were drawn, where the constraints leave that open. Answers the
    /// first that they do not leave open; the geometry is of no use then.
    pub(crate) fn restore_sizes(
        &mut self,
        sizes: &[Size],
        smallest: f64,
        step: StepContext<'_>,
        x: &mut [f64],
    ) -> Result<Option<usize>, linear::Error> {
        let mut from = 0;
        for _ in 0..MAX_RESTORED {
            let found = sizes[from..].iter().position(|s| !s.is_drawable(x, smallest));
            let Some(at) = found else { return Ok(None) };
            let size = &sizes[from + at];
            if !self.restore_size(size, smallest, step, x)? || !size.is_drawable(x, smallest) {
                return Ok(Some(from + at));
            }
            from = if sizes[..from + at].iter().all(|s| s.is_drawable(x, smallest)) {
                from + at
            } else {
                0
            };
        }
        Ok(sizes.iter().position(|s| !s.is_drawable(x, smallest)))
    }

    /// Gives `size` the value it was drawn with and solves what that touches. False where
    /// nothing of it can move, or where the constraints cannot hold then.
    fn restore_size(
        &mut self,
        size: &Size,
        smallest: f64,
        step: StepContext<'_>,
        x: &mut [f64],
    ) -> Result<bool, linear::Error> {
        let class = |v: u32| if v == GROUND { GROUND } else { self.forest.class[v as usize] };
        let (high, low) = (class(size.high), class(size.low));
        if high == low {
            return Ok(false);
        }
        let by = size.drawn.max(smallest) - size.value(x);
        let (moving, by) = if high == GROUND { (low, -by) } else { (high, by) };
        self.forest.shift(moving, by, x);
        let mut touched: Vec<u32> = Vec::new();
        for &v in self.forest.members(moving) {
            touched.extend(self.readers.row(v));
        }
        touched.sort_unstable();
        touched.dedup();
        // There may be as many sizes as elements.
        let _silent = deep::silent_unless(false);
        let stiff = [moving];
        let step = StepContext { stiff: &stiff, ..step };
        for k in touched {
            let (_, converged) = self.solve_component(k as usize, step, x)?;
            if !converged {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
