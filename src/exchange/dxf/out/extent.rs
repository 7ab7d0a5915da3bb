//! How large a drawing is, and how many entities when its inserts are drawn out.

use super::super::curve::{Affine, Arc, Bounds, Outline, P, Segment, bend, cubic_bounds};
use super::super::limits::{Error, hold};
use super::model::{Across, Block, Entity, Model, Shape, Text, Up};

/// Mean advance of letters over the height of capitals.
const LETTER: f64 = 0.85;
/// Blocks in each other that are measured anew where they are turned; deeper ones by their boxes.
const DEPTH: usize = 32;

/// The box of everything that is drawn, texts estimated. `order`: the blocks, each behind those that
/// it inserts.
///
/// # Errors
/// [`Error::Limit`] for `instances`, beyond `most` entities with everything drawn out.
pub(super) fn extent(model: &Model, order: &[usize], most: usize) -> Result<Bounds, Error> {
    let mut counts = vec![0_usize; model.blocks.len()];
    let count = |entities: &[Entity], counts: &[usize]| {
        let inside = entities.iter().filter_map(shown).map(|block| counts.get(block).copied());
        inside.flatten().fold(entities.len(), usize::saturating_add)
    };
    for &block in order {
        let entities = model.blocks.get(block).map_or(&[][..], |block| &block.entities);
        let number = count(entities, &counts);
        if let Some(own) = counts.get_mut(block) {
            *own = number;
        }
    }
    if !model.blocks.is_empty() {
        hold("instances", count(&model.entities, &counts), most)?;
    }
    let mut sizes = Sizes { blocks: &model.blocks, boxes: vec![Bounds::NONE; model.blocks.len()] };
    for &block in order {
        let mut bounds = Bounds::NONE;
        if let Some(block) = model.blocks.get(block) {
            sizes.add(&block.entities, &Affine::IDENTITY, 0, &mut bounds);
        }
        if let Some(own) = sizes.boxes.get_mut(block) {
            *own = bounds;
        }
    }
    let mut bounds = Bounds::NONE;
    sizes.add(&model.entities, &Affine::IDENTITY, 0, &mut bounds);
    Ok(bounds)
}

/// The block that an entity shows.
fn shown(entity: &Entity) -> Option<usize> {
    match &entity.shape {
        Shape::Insert { block, .. } => Some(*block),
        Shape::Dimension(dimension) => Some(dimension.block),
        _ => None,
    }
}

struct Sizes<'m> {
    blocks: &'m [Block],
    boxes: Vec<Bounds>,
}

impl Sizes<'_> {
    fn add(&self, entities: &[Entity], by: &Affine, depth: usize, bounds: &mut Bounds) {
        for entity in entities {
            match &entity.shape {
                Shape::Insert { block, at, scale: [x, y], angle, values } => {
                    let (s, c) = libm::sincos(*angle);
                    let place = Affine([c * x, s * x, -s * y, c * y, at[0], at[1]]);
                    self.add_block(*block, &by.after(&place), depth, bounds);
                    values.iter().for_each(|value| text(&value.text, by, bounds));
                }
                Shape::Dimension(dimension) => self.add_block(dimension.block, by, depth, bounds),
                other => shape(other, by, bounds),
            }
        }
    }

    fn add_block(&self, block: usize, by: &Affine, depth: usize, bounds: &mut Bounds) {
        let (Some(own), Some(block)) = (self.boxes.get(block), self.blocks.get(block)) else {
            return;
        };
        let [a, b, c, d, ..] = by.0;
        // A box stays one by quarter turns; what is turned otherwise is measured anew.
        let is_quarter = (b == 0.0 && c == 0.0) || (a == 0.0 && d == 0.0);
        if own.is_empty() {
            return;
        }
        if is_quarter || depth >= DEPTH {
            for x in [own.low[0], own.high[0]] {
                for y in [own.low[1], own.high[1]] {
                    bounds.add(by.point([x, y]));
                }
            }
        } else {
            self.add(&block.entities, by, depth + 1, bounds);
        }
    }
}

fn shape(shape: &Shape, by: &Affine, bounds: &mut Bounds) {
    let mut arc = |arc: Arc| {
        let start = arc.at(arc.from);
        Outline { start, segments: vec![Segment::Arc(arc)], closed: false }.bounds(by, bounds);
    };
    match shape {
        Shape::Point(at) => bounds.add(by.point(*at)),
        Shape::Line(from, to) => {
            bounds.add(by.point(*from));
            bounds.add(by.point(*to));
        }
        Shape::Circle { centre, radius } => {
            arc(Arc::circle(*centre, *radius, 0.0, std::f64::consts::TAU));
        }
        Shape::Arc { centre, radius, from, to } => arc(Arc::circle(*centre, *radius, *from, *to)),
        Shape::Ellipse { centre, major, ratio, from, to } => {
            let minor = [-major[1] * ratio, major[0] * ratio];
            arc(Arc::new(*centre, *major, minor, *from, *to));
        }
        Shape::Polyline { points, closed } => {
            let first = closed.then(|| points.first()).flatten();
            if let Some((first, _)) = points.first() {
                bounds.add(by.point(*first));
            }
            for (from, to) in points.iter().zip(points.iter().skip(1).chain(first)) {
                bend(from.0, to.0, from.1).bounds(from.0, by, bounds);
            }
        }
        Shape::Spline { control, .. } => {
            for piece in control.windows(4).step_by(3) {
                if let [a, b, c, d] = piece {
                    let points = [a, b, c, d].map(|p| by.point(*p));
                    bounds.add(points[0]);
                    bounds.add(points[3]);
                    cubic_bounds(points, bounds);
                }
            }
        }
        Shape::Hatch(rings, _) => rings.iter().for_each(|ring| ring.bounds(by, bounds)),
        Shape::Text(one) => text(one, by, bounds),
        // Nothing of a template shows, and blocks are measured by who inserts them.
        Shape::Template(_) | Shape::Insert { .. } | Shape::Dimension(_) => {}
    }
}

fn text(text: &Text, by: &Affine, bounds: &mut Bounds) {
    let letters = text.content.chars().count() as f64;
    let wide = text.fit.unwrap_or(letters * LETTER * text.height * text.wide);
    let left = match text.across {
        Across::Left => 0.0,
        Across::Middle => -wide / 2.0,
        Across::Right => -wide,
    };
    let bottom = match text.up {
        Up::Baseline => -0.3,
        Up::Middle => -0.65,
        Up::Top => -1.3,
    };
    let (s, c) = libm::sincos(text.angle);
    for x in [left, left + wide] {
        for y in [bottom, bottom + 1.3] {
            let y = y * text.height * if text.mirrored { -1.0 } else { 1.0 };
            let p: P = [text.at[0] + c * x - s * y, text.at[1] + s * x + c * y];
            bounds.add(by.point(p));
        }
    }
}
