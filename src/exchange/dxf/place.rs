//! What blocks hold when they are drawn out: which contain themselves, how deep and how many they
//! are, how large.

use super::curve::{Affine, Bounds};
use super::limits::{Error, Limits, hold};
use super::shape::{Insert, Item, Shape};

/// Inserts that are drawn, of an entity.
fn inserts<'i>(item: &'i Item<'_>) -> impl Iterator<Item = &'i Insert> {
    item.shapes.iter().filter_map(|shape| match shape {
        Shape::Insert(insert) => Some(insert),
        _ => None,
    })
}

/// The blocks in an order in which each stands behind those it inserts, and the inserts that close
/// a ring: block and item.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) blocks: Vec<usize>,
    pub(super) rings: Vec<(usize, usize)>,
}

/// Orders blocks depth first, without recursion.
pub(super) fn order(blocks: &[Vec<Item<'_>>]) -> Order {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let edges: Vec<Vec<(usize, usize)>> = blocks
        .iter()
        .map(|items| {
            let of = |(at, item)| inserts(item).map(move |insert| (at, insert.block));
            items.iter().enumerate().flat_map(of).collect()
        })
        .collect();
    let mut state = vec![State::New; blocks.len()];
    let mut order = Order { blocks: Vec::with_capacity(blocks.len()), rings: Vec::new() };
    for first in 0..blocks.len() {
        if state[first] != State::New {
            continue;
        }
        state[first] = State::Open;
        let mut stack = vec![(first, 0)];
        while let Some((block, next)) = stack.last_mut() {
            let block = *block;
            let Some((item, target)) = edges[block].get(*next).copied() else {
                state[block] = State::Done;
                order.blocks.push(block);
                stack.pop();
                continue;
            };
            *next += 1;
            match state.get(target) {
                Some(State::New) => {
                    state[target] = State::Open;
                    stack.push((target, 0));
                }
                Some(State::Open) => order.rings.push((block, item)),
                _ => {}
            }
        }
    }
    order
}

/// What is known of each block.
#[derive(Debug)]
pub(super) struct Sizes {
    /// The box of a block in its own coordinates.
    boxes: Vec<Bounds>,
    /// Whether boxes are measured with texts.
    with_texts: bool,
    /// Whether a block is drawn anywhere.
    pub(super) is_used: Vec<bool>,
    /// The box of the model, without texts.
    pub(super) model: Bounds,
    /// The same with texts, as far as they may reach.
    pub(super) shown: Bounds,
}

/// Looks how deep, how many and how large the blocks are that the model uses.
///
/// # Errors
/// [`Error::Limit`] for `dxf_insert_depth` and `instances`.
pub(super) fn sizes(
    model: &[Item<'_>],
    blocks: &[Vec<Item<'_>>],
    order: &Order,
    limits: &Limits,
) -> Result<Sizes, Error> {
    let mut is_used = vec![false; blocks.len()];
    let mark = |items: &[Item<'_>], is_used: &mut Vec<bool>| {
        for insert in items.iter().flat_map(inserts) {
            if let Some(used) = is_used.get_mut(insert.block) {
                *used = true;
            }
        }
    };
    mark(model, &mut is_used);
    for &block in order.blocks.iter().rev() {
        if is_used[block] {
            mark(&blocks[block], &mut is_used);
        }
    }
    // Depth and number of each, those inside first.
    let mut counts = vec![(0usize, 0usize); blocks.len()];
    let count = |items: &[Item<'_>], counts: &[(usize, usize)]| {
        let (mut depth, mut number) = (0, items.len());
        for insert in items.iter().flat_map(inserts) {
            let (deep, many) = counts.get(insert.block).copied().unwrap_or_default();
            depth = depth.max(deep + 1);
            number = number.saturating_add(insert.count().saturating_mul(many.saturating_add(1)));
        }
        (depth, number)
    };
    for &block in &order.blocks {
        counts[block] = count(&blocks[block], &counts);
    }
    let (depth, number) = count(model, &counts);
    hold("dxf_insert_depth", depth, limits.dxf_insert_depth)?;
    hold("instances", number, limits.instances)?;
    let boxes = vec![Bounds::NONE; blocks.len()];
    let (model_box, shown) = (Bounds::NONE, Bounds::NONE);
    let mut sizes = Sizes { boxes, with_texts: false, is_used, model: model_box, shown };
    sizes.model = sizes.measured(model, blocks, order);
    sizes.with_texts = true;
    sizes.shown = sizes.measured(model, blocks, order);
    Ok(sizes)
}

impl Sizes {
    /// The box of the model, after those of the blocks that it uses.
    fn measured(&mut self, model: &[Item<'_>], blocks: &[Vec<Item<'_>>], order: &Order) -> Bounds {
        for &block in &order.blocks {
            if !self.is_used[block] {
                continue;
            }
            let mut bounds = Bounds::NONE;
            self.add(&blocks[block], blocks, &Affine::IDENTITY, &mut bounds);
            self.boxes[block] = bounds;
        }
        let mut bounds = Bounds::NONE;
        self.add(model, blocks, &Affine::IDENTITY, &mut bounds);
        bounds
    }

    /// Grows `bounds` by `items`, placed by `by`. The depth is bounded by then.
    fn add(&self, items: &[Item<'_>], blocks: &[Vec<Item<'_>>], by: &Affine, bounds: &mut Bounds) {
        for item in items {
            for shape in &item.shapes {
                shape.bounds(by, self.with_texts, bounds);
            }
            for insert in inserts(item) {
                // The copies at the corners of an array are those that count.
                for corner in corners(insert) {
                    self.add_block(insert.block, blocks, &by.after(&corner), bounds);
                }
            }
        }
    }

    fn add_block(&self, block: usize, blocks: &[Vec<Item<'_>>], by: &Affine, bounds: &mut Bounds) {
        let [a, b, c, d, ..] = by.0;
        let (Some(own), Some(items)) = (self.boxes.get(block), blocks.get(block)) else { return };
        if own.is_empty() {
            return;
        }
        // A box stays one by quarter turns; what is turned otherwise is measured anew.
        if (b == 0.0 && c == 0.0) || (a == 0.0 && d == 0.0) {
            bounds.add(by.point(own.low));
            bounds.add(by.point(own.high));
        } else {
            self.add(items, blocks, by, bounds);
        }
    }
}

/// Never more than there are copies: nested arrays would cost more than what was counted.
fn corners(insert: &Insert) -> impl Iterator<Item = Affine> {
    let [column, row] = insert.steps;
    let place = insert.place;
    let far = |count: usize| [0, count - 1].into_iter().take(count);
    let columns = insert.columns;
    far(insert.rows).flat_map(move |r| {
        far(columns).map(move |c| {
            let (c, r) = (c as f64, r as f64);
            place.shifted([column[0] * c + row[0] * r, column[1] * c + row[1] * r])
        })
    })
}
