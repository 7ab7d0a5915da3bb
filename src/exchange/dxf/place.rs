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

/// The box of everything but texts, and that of texts.
#[derive(Debug, Clone, Copy)]
struct Boxes {
    plain: Bounds,
    texts: Bounds,
}

impl Boxes {
    const NONE: Boxes = Boxes { plain: Bounds::NONE, texts: Bounds::NONE };

    /// Adds a box that stays one where `by` puts it.
    fn add(&mut self, own: &Boxes, by: &Affine) {
        for (all, one) in [(&mut self.plain, own.plain), (&mut self.texts, own.texts)] {
            if !one.is_empty() {
                all.add(by.point(one.low));
                all.add(by.point(one.high));
            }
        }
    }
}

/// What is known of each block.
#[derive(Debug)]
pub(super) struct Sizes {
    /// The boxes of a block in its own coordinates.
    boxes: Vec<Boxes>,
    /// Whether a block is shown anywhere.
    is_used: Vec<bool>,
    /// The box of the model, without texts.
    pub(super) model: Bounds,
    /// The same with texts, as far as they may reach.
    pub(super) shown: Bounds,
}

/// Whether a block is shown by any of `items`, in other blocks or itself.
pub(super) fn used<'i, 't: 'i>(
    items: impl Iterator<Item = &'i Item<'t>>,
    blocks: &[Vec<Item<'_>>],
    order: &Order,
) -> Vec<bool> {
    let mut is_used = vec![false; blocks.len()];
    for insert in items.flat_map(inserts) {
        if let Some(used) = is_used.get_mut(insert.block) {
            *used = true;
        }
    }
    for &block in order.blocks.iter().rev() {
        if is_used[block] {
            for insert in blocks[block].iter().flat_map(inserts) {
                if let Some(used) = is_used.get_mut(insert.block) {
                    *used = true;
                }
            }
        }
    }
    is_used
}

/// Looks how deep, how many and how large the blocks are that the model and the papers use.
///
/// # Errors
/// [`Error::Limit`] for `dxf_insert_depth` and `instances`.
pub(super) fn sizes(
    model: &[Item<'_>],
    papers: &[&[Item<'_>]],
    blocks: &[Vec<Item<'_>>],
    order: &Order,
    limits: &Limits,
) -> Result<Sizes, Error> {
    let is_used = used(model.iter(), blocks, order);
    let on_paper = used(papers.iter().copied().flatten(), blocks, order);
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
    let (mut depth, mut number) = count(model, &counts);
    for paper in papers {
        let (deep, many) = count(paper, &counts);
        (depth, number) = (depth.max(deep), number.saturating_add(many));
    }
    hold("dxf_insert_depth", depth, limits.dxf_insert_depth)?;
    hold("instances", number, limits.instances)?;
    let boxes = vec![Boxes::NONE; blocks.len()];
    let mut sizes = Sizes { boxes, is_used, model: Bounds::NONE, shown: Bounds::NONE };
    // Those inside first.
    for &block in &order.blocks {
        if sizes.is_used[block] || on_paper.get(block) == Some(&true) {
            let mut boxes = Boxes::NONE;
            sizes.add(&blocks[block], blocks, &Affine::IDENTITY, &mut boxes);
            sizes.boxes[block] = boxes;
        }
    }
    let mut boxes = Boxes::NONE;
    sizes.add(model, blocks, &Affine::IDENTITY, &mut boxes);
    (sizes.model, sizes.shown) = (boxes.plain, boxes.plain);
    if !boxes.texts.is_empty() {
        sizes.shown.add(boxes.texts.low);
        sizes.shown.add(boxes.texts.high);
    }
    Ok(sizes)
}

impl Sizes {
    /// The box of what lies on a paper, with texts as far as they may reach.
    pub(super) fn of(&self, items: &[Item<'_>], blocks: &[Vec<Item<'_>>]) -> Bounds {
        let mut boxes = Boxes::NONE;
        self.add(items, blocks, &Affine::IDENTITY, &mut boxes);
        let mut all = boxes.plain;
        if !boxes.texts.is_empty() {
            all.add(boxes.texts.low);
            all.add(boxes.texts.high);
        }
        all
    }

    /// Grows `boxes` by `items`, placed by `by`. The depth is bounded by then.
    fn add(&self, items: &[Item<'_>], blocks: &[Vec<Item<'_>>], by: &Affine, boxes: &mut Boxes) {
        for item in items {
            for shape in &item.shapes {
                let is_text = matches!(shape, Shape::Text(_));
                shape.bounds(by, if is_text { &mut boxes.texts } else { &mut boxes.plain });
            }
            for insert in inserts(item) {
                // The copies at the corners of an array are those that count.
                for corner in corners(insert) {
                    self.add_block(insert.block, blocks, &by.after(&corner), boxes);
                }
            }
        }
    }

    fn add_block(&self, block: usize, blocks: &[Vec<Item<'_>>], by: &Affine, boxes: &mut Boxes) {
        let [a, b, c, d, ..] = by.0;
        let (Some(own), Some(items)) = (self.boxes.get(block), blocks.get(block)) else { return };
        if own.plain.is_empty() && own.texts.is_empty() {
            return;
        }
        // A box stays one by quarter turns; what is turned otherwise is measured anew.
        if (b == 0.0 && c == 0.0) || (a == 0.0 && d == 0.0) {
            boxes.add(own, by);
        } else {
            self.add(items, blocks, by, boxes);
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
