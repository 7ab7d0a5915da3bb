//! Sizes that can be drawn: a radius, a width, a height or the length of a line is above zero.
//! Equations do not know that (a negative radius meets them as well, and a line that has shrunk to
//! a point has every direction), so every solve looks at the sizes it made.

use std::f64::consts::FRAC_1_SQRT_2;

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
    /// `radius`, `width`, `height` or `length`.
    pub size: String,
    /// What the constraints would make of it, in millimetres; rounded to the tolerance it has to
    /// be above zero.
    pub value_mm: f64,
}

/// A size of an entity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Index of the entity.
    entity: u32,
    name: &'static str,
    /// The unknowns that it is the difference of, the higher first: one pair, or one for each
    /// axis. Both of the second are [`GROUND`] where there is one; the lower is for a radius, which
    /// is an unknown of its own.
    pairs: [(u32, u32); 2],
    /// The differences as drawn, in mm.
    drawn: [f64; 2],
}

/// Sizes brought back one after the other in one solve; more is no sketch.
const MAX_RESTORED: usize = 64;

/// Cosine and sine of the turns from which a line is tried again.
const TURNS: [[f64; 2]; 3] = [[1.0, 0.0], [0.0, 1.0], [FRAC_1_SQRT_2, FRAC_1_SQRT_2]];

impl Size {
    /// The unknowns that it is the difference of.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (u32, u32)> {
        self.pairs.into_iter().filter(|(high, _)| *high != GROUND)
    }

    fn differences(&self, x: &[f64]) -> [f64; 2] {
        let at = |v: u32| if v == GROUND { 0.0 } else { x[v as usize] };
        self.pairs.map(|(high, low)| at(high) - at(low))
    }

    fn size(&self, [along, aside]: [f64; 2]) -> f64 {
        if self.pairs[1].0 == GROUND { along } else { libm::hypot(along, aside) }
    }

    fn value(&self, x: &[f64]) -> f64 {
        self.size(self.differences(x))
    }

    /// Whether the size can be drawn: rounded to `step` mm it is more than zero. One that is as
    /// it was drawn is not written and may be smaller, or zero where it was drawn so.
    fn is_drawable(&self, x: &[f64], step: f64) -> bool {
        let [along, aside] = self.differences(x);
        // Most are, and there may be many.
        if along > 0.5 * step || self.pairs[1].0 != GROUND && along.abs().max(aside.abs()) > step {
            return true;
        }
        let (value, drawn) = (self.size([along, aside]), self.size(self.drawn));
        let kept = (value - drawn).abs() <= 0.5 * step;
        value > 0.5 * step || kept && (value > 0.0 || drawn <= 0.0 && value > -1e-9)
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
            let (pairs, drawn) = ([(high, low), (GROUND, GROUND)], [drawn, 0.0]);
            sizes.push(Size { entity: i as u32, name, pairs, drawn });
        };
        match entity.shape {
            Shape::Point { .. } => {}
            Shape::Line { x1, y1, x2, y2 } => {
                let (pairs, drawn) = ([(v + 2, v), (v + 3, v + 1)], [x2 - x1, y2 - y1]);
                sizes.push(Size { entity: i as u32, name: "length", pairs, drawn });
            }
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
            if !self.restore_size(size, smallest, step, x)? {
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

    /// Gives `size` the value it was drawn with and solves what that touches. A line that cannot
    /// come back as it was drawn is turned: what is to be at right angles to where it lies shrinks
    /// it to a point from there, again and again.
    fn restore_size(
        &mut self,
        size: &Size,
        smallest: f64,
        step: StepContext<'_>,
        x: &mut [f64],
    ) -> Result<bool, linear::Error> {
        let turns: &[_] = if size.pairs[1].0 == GROUND { &TURNS[..1] } else { &TURNS };
        let before = x.to_vec();
        for &turn in turns {
            x.copy_from_slice(&before);
            if self.restore_turned(size, turn, smallest, step, x)? && size.is_drawable(x, smallest)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// False where nothing of `size` can move, or where the constraints cannot hold then.
    fn restore_turned(
        &mut self,
        size: &Size,
        [cos, sin]: [f64; 2],
        smallest: f64,
        step: StepContext<'_>,
        x: &mut [f64],
    ) -> Result<bool, linear::Error> {
        let class = |v: u32| if v == GROUND { GROUND } else { self.forest.class[v as usize] };
        let (is, [along, aside]) = (size.differences(x), size.drawn);
        let drawn = [along * cos - aside * sin, along * sin + aside * cos];
        let scale = size.size(drawn).max(smallest) / size.size(drawn).max(f64::MIN_POSITIVE);
        let mut stiff = Vec::new();
        for (i, &(high, low)) in size.pairs.iter().enumerate() {
            let (high, low) = (class(high), class(low));
            if high == low {
                continue;
            }
            let by = if size.size(drawn) > 0.0 { drawn[i] * scale } else { smallest } - is[i];
            let (moving, by) = if high == GROUND { (low, -by) } else { (high, by) };
            if by != 0.0 {
                self.forest.shift(moving, by, x);
                stiff.push(moving);
            }
        }
        if stiff.is_empty() {
            return Ok(false);
        }
        let mut touched: Vec<u32> = Vec::new();
        for &v in stiff.iter().flat_map(|&class| self.forest.members(class)) {
            touched.extend(self.readers.row(v));
        }
        touched.sort_unstable();
        touched.dedup();
        // There may be as many sizes as elements.
        let _silent = deep::silent_unless(false);
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
