//! Splits a sparse system into components, and each component into blocks that
//! can be solved one after the other: the Dulmage-Mendelsohn decomposition
//! (Pothen and Fan, *Computing the block triangular form of a sparse matrix*,
//! ACM TOMS 16, 1990).

use smallvec::SmallVec;

use svgx_base::budget::{Budget, Stop};

const NONE: u32 = u32::MAX;

/// Rows and the unknowns they depend on: row `i` is `items[start[i]..start[i + 1]]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse {
    pub(super) start: Vec<u32>,
    pub(super) items: Vec<u32>,
}

impl Sparse {
    pub(super) fn new() -> Sparse {
        Sparse { start: vec![0], items: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.start.clear();
        self.start.push(0);
        self.items.clear();
    }

    pub(super) fn push(&mut self, row: &[u32]) {
        self.items.extend_from_slice(row);
        self.start.push(self.items.len() as u32);
    }

    pub(super) fn len(&self) -> usize {
        self.start.len() - 1
    }

    pub(super) fn row(&self, i: u32) -> &[u32] {
        &self.items[self.start[i as usize] as usize..self.start[i as usize + 1] as usize]
    }

    /// The same pattern by columns.
    pub(super) fn transposed(&self, columns: usize) -> Sparse {
        let mut start = vec![0u32; columns + 1];
        for &c in &self.items {
            start[c as usize + 1] += 1;
        }
        for c in 0..columns {
            start[c + 1] += start[c];
        }
        let mut fill = start.clone();
        let mut items = vec![0; self.items.len()];
        for i in 0..self.len() as u32 {
            for &c in self.row(i) {
                items[fill[c as usize] as usize] = i;
                fill[c as usize] += 1;
            }
        }
        Sparse { start, items }
    }
}

/// What the structure says about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// More equations than unknowns.
    Over,
    /// As many equations as unknowns, and no smaller block inside.
    Square,
    /// More unknowns than equations.
    Under,
}

/// Equations to be solved together for unknowns, once the blocks before are solved.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) shape: Shape,
    pub(super) rows: Few,
    pub(super) unknowns: Few,
}

/// Numbers of rows or unknowns: most parts have two.
type Few = SmallVec<[u32; 4]>;

/// Equations and unknowns that have nothing to do with any others.
#[derive(Clone, Debug, Default)]
pub(super) struct Component {
    pub(super) rows: Vec<u32>,
    pub(super) unknowns: Vec<u32>,
    /// In the order of solving.
    pub(super) parts: Vec<Part>,
}

/// Decomposes `rows` over `columns` unknowns. Rows without unknowns belong to
/// no component; unknowns without rows have none either.
pub(super) fn decompose(
    rows: &Sparse,
    columns: usize,
    budget: &Budget,
) -> Result<Vec<Component>, Stop> {
    let by_column = rows.transposed(columns);
    let matching = Matching::new(rows, &by_column, budget)?;
    let shape = matching.coarse(rows, &by_column, budget)?;
    let mut components = components(rows, &by_column, columns);
    let order = matching.blocks(rows, &shape, budget)?;
    let mut home = vec![NONE; rows.len()];
    for (k, component) in components.iter().enumerate() {
        for &r in &component.rows {
            home[r as usize] = k as u32;
        }
    }
    for component in &mut components {
        let of = |wanted: Shape| -> Option<Part> {
            let rows = component.rows.iter().copied();
            let unknowns = component.unknowns.iter().copied();
            let rows: Few = rows.filter(|&r| shape.row[r as usize] == wanted).collect();
            let unknowns: Few = unknowns.filter(|&c| shape.column[c as usize] == wanted).collect();
            (!rows.is_empty()).then_some(Part { shape: wanted, rows, unknowns })
        };
        let (over, under) = (of(Shape::Over), of(Shape::Under));
        component.parts.extend(over);
        // Square parts follow below; the under-determined one is solved last.
        component.parts.extend(under);
    }
    let mut under: Vec<Option<Part>> = components
        .iter_mut()
        .map(|c| match c.parts.last() {
            Some(part) if part.shape == Shape::Under => c.parts.pop(),
            _ => None,
        })
        .collect();
    for block in order {
        let Some(&first) = block.first() else { continue };
        let component = &mut components[home[first as usize] as usize];
        let unknowns = block.iter().map(|&r| matching.of_row[r as usize]).collect();
        component.parts.push(Part { shape: Shape::Square, rows: block, unknowns });
    }
    for (component, part) in components.iter_mut().zip(&mut under) {
        component.parts.extend(part.take());
    }
    Ok(components)
}

fn components(rows: &Sparse, by_column: &Sparse, columns: usize) -> Vec<Component> {
    let mut seen = vec![false; rows.len()];
    let mut known = vec![false; columns];
    let mut result = Vec::new();
    let mut open = Vec::new();
    for first in 0..rows.len() as u32 {
        if seen[first as usize] || rows.row(first).is_empty() {
            continue;
        }
        let mut component = Component::default();
        seen[first as usize] = true;
        open.push(first);
        while let Some(r) = open.pop() {
            component.rows.push(r);
            for &c in rows.row(r) {
                if !std::mem::replace(&mut known[c as usize], true) {
                    component.unknowns.push(c);
                    for &s in by_column.row(c) {
                        if !std::mem::replace(&mut seen[s as usize], true) {
                            open.push(s);
                        }
                    }
                }
            }
        }
        component.rows.sort_unstable();
        component.unknowns.sort_unstable();
        result.push(component);
    }
    result
}

struct Matching {
    of_row: Vec<u32>,
    of_column: Vec<u32>,
}

struct Coarse {
    row: Vec<Shape>,
    column: Vec<Shape>,
}

impl Matching {
    /// A maximum matching of rows and columns: a cheap pass, then augmenting
    /// paths by depth-first search with lookahead (Duff 1981, MC21).
    fn new(rows: &Sparse, by_column: &Sparse, budget: &Budget) -> Result<Matching, Stop> {
        let columns = by_column.len();
        let mut m = Matching { of_row: vec![NONE; rows.len()], of_column: vec![NONE; columns] };
        // Rows with few free columns first.
        let mut order: Vec<u32> =
            (0..rows.len() as u32).filter(|&r| !rows.row(r).is_empty()).collect();
        order.sort_by_key(|&r| rows.row(r).len());
        for &r in &order {
            // The column that the fewest rows want.
            let free = rows.row(r).iter().copied().filter(|&c| m.of_column[c as usize] == NONE);
            if let Some(c) = free.min_by_key(|&c| by_column.row(c).len()) {
                m.of_column[c as usize] = r;
                m.of_row[r as usize] = c;
            }
        }
        let mut seen = vec![NONE; rows.len()];
        let mut ahead: Vec<u32> = rows.start[..rows.len()].to_vec();
        let mut next = vec![0u32; rows.len()];
        let mut path: Vec<(u32, u32)> = Vec::new();
        let mut work = 0;
        for root in 0..rows.len() as u32 {
            if m.of_row[root as usize] != NONE || rows.row(root).is_empty() {
                continue;
            }
            path.clear();
            path.push((root, NONE));
            seen[root as usize] = root;
            next[root as usize] = rows.start[root as usize];
            while let Some(&(r, _)) = path.last() {
                work += 1;
                if work % 1024 == 0 {
                    budget.checkpoint()?;
                }
                let end = rows.start[r as usize + 1];
                // Lookahead: a free column ends the path.
                let mut found = NONE;
                while ahead[r as usize] < end {
                    let c = rows.items[ahead[r as usize] as usize];
                    ahead[r as usize] += 1;
                    if m.of_column[c as usize] == NONE {
                        found = c;
                        break;
                    }
                }
                if found != NONE {
                    let mut c = found;
                    while let Some((r, via)) = path.pop() {
                        m.of_row[r as usize] = c;
                        m.of_column[c as usize] = r;
                        c = via;
                    }
                    break;
                }
                let mut deeper = None;
                while next[r as usize] < end {
                    let c = rows.items[next[r as usize] as usize];
                    next[r as usize] += 1;
                    let s = m.of_column[c as usize];
                    if s != NONE && seen[s as usize] != root {
                        deeper = Some((s, c));
                        break;
                    }
                }
                match deeper {
                    Some((s, c)) => {
                        seen[s as usize] = root;
                        next[s as usize] = rows.start[s as usize];
                        path.push((s, c));
                    }
                    None => {
                        path.pop();
                    }
                }
            }
        }
        Ok(m)
    }

    /// Which part of the coarse decomposition every row and column is in.
    fn coarse(&self, rows: &Sparse, by_column: &Sparse, budget: &Budget) -> Result<Coarse, Stop> {
        let mut coarse = Coarse {
            row: vec![Shape::Square; rows.len()],
            column: vec![Shape::Square; by_column.len()],
        };
        let mut open: Vec<u32> = Vec::new();
        for c in 0..by_column.len() as u32 {
            if self.of_column[c as usize] == NONE {
                coarse.column[c as usize] = Shape::Under;
                open.push(c);
            }
        }
        while let Some(c) = open.pop() {
            for &r in by_column.row(c) {
                if coarse.row[r as usize] == Shape::Square {
                    coarse.row[r as usize] = Shape::Under;
                    let c = self.of_row[r as usize];
                    if c != NONE && coarse.column[c as usize] == Shape::Square {
                        coarse.column[c as usize] = Shape::Under;
                        open.push(c);
                    }
                }
            }
        }
        budget.checkpoint()?;
        for r in 0..rows.len() as u32 {
            if self.of_row[r as usize] == NONE {
                coarse.row[r as usize] = Shape::Over;
                open.push(r);
            }
        }
        while let Some(r) = open.pop() {
            for &c in rows.row(r) {
                if coarse.column[c as usize] == Shape::Square {
                    coarse.column[c as usize] = Shape::Over;
                    let r = self.of_column[c as usize];
                    if r != NONE && coarse.row[r as usize] == Shape::Square {
                        coarse.row[r as usize] = Shape::Over;
                        open.push(r);
                    }
                }
            }
        }
        Ok(coarse)
    }

    /// The strongly connected sets of square rows, those that others depend on
    /// first (Tarjan 1972, without recursion).
    fn blocks(&self, rows: &Sparse, coarse: &Coarse, budget: &Budget) -> Result<Vec<Few>, Stop> {
        let n = rows.len();
        let mut number = vec![NONE; n];
        let mut low = vec![0u32; n];
        let mut on_stack = vec![false; n];
        let mut stack: Vec<u32> = Vec::new();
        let mut calls: Vec<(u32, u32)> = Vec::new();
        let mut count = 0u32;
        let mut blocks = Vec::new();
        for root in 0..n as u32 {
            if number[root as usize] != NONE
                || coarse.row[root as usize] != Shape::Square
                || self.of_row[root as usize] == NONE
            {
                continue;
            }
            if root % 1024 == 0 {
                budget.checkpoint()?;
            }
            calls.push((root, rows.start[root as usize]));
            while let Some((r, at)) = calls.pop() {
                let r_ = r as usize;
                if number[r_] == NONE {
                    number[r_] = count;
                    low[r_] = count;
                    count += 1;
                    stack.push(r);
                    on_stack[r_] = true;
                }
                let mut called = false;
                let mut at = at;
                while at < rows.start[r_ + 1] {
                    let c = rows.items[at as usize] as usize;
                    if coarse.column[c] == Shape::Square {
                        let s = self.of_column[c];
                        if s != r && s != NONE {
                            if number[s as usize] == NONE {
                                // Come back to this column to take the low mark over.
                                calls.push((r, at));
                                calls.push((s, rows.start[s as usize]));
                                called = true;
                                break;
                            }
                            if on_stack[s as usize] {
                                low[r_] = low[r_].min(low[s as usize]);
                            }
                        }
                    }
                    at += 1;
                }
                if called || low[r_] != number[r_] {
                    continue;
                }
                let mut block = Few::new();
                while let Some(s) = stack.pop() {
                    on_stack[s as usize] = false;
                    block.push(s);
                    if s == r {
                        break;
                    }
                }
                block.reverse();
                blocks.push(block);
            }
        }
        Ok(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svgx_base::budget::{Class, Tier};

    fn shapes(rows: &[&[u32]], columns: usize) -> Vec<Vec<(Shape, usize, usize)>> {
        let mut sparse = Sparse::new();
        rows.iter().for_each(|r| sparse.push(r));
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let parts = |c: Component| {
            c.parts.iter().map(|p| (p.shape, p.rows.len(), p.unknowns.len())).collect()
        };
        decompose(&sparse, columns, &budget).unwrap().into_iter().map(parts).collect()
    }

    #[test]
    fn parts_come_in_the_order_of_solving() {
        use Shape::{Over, Square, Under};
        type Case = (&'static [&'static [u32]], usize, Vec<Vec<(Shape, usize, usize)>>);
        let cases: [Case; 5] = [
            (&[&[0], &[0, 1], &[1, 2]], 3, vec![vec![(Square, 1, 1); 3]]),
            (&[&[0, 1], &[0, 1], &[1, 2]], 3, vec![vec![(Square, 2, 2), (Square, 1, 1)]]),
            (&[&[0, 1], &[2, 3]], 4, vec![vec![(Under, 1, 2)], vec![(Under, 1, 2)]]),
            (&[&[0], &[0], &[0, 1]], 2, vec![vec![(Over, 2, 1), (Square, 1, 1)]]),
            (
                &[&[0], &[0], &[0, 1], &[1, 2, 3]],
                4,
                vec![vec![(Over, 2, 1), (Square, 1, 1), (Under, 1, 2)]],
            ),
        ];
        for (rows, columns, expected) in cases {
            assert_eq!(shapes(rows, columns), expected, "{rows:?}");
        }
    }

    #[test]
    fn a_chain_of_pairs_falls_into_pairs() {
        // Two rows per new pair of unknowns, each touching the pair before: a truss.
        let mut rows: Vec<Vec<u32>> = Vec::new();
        for k in 0..500u32 {
            for _ in 0..2 {
                let mut row = vec![2 * k, 2 * k + 1];
                if k > 0 {
                    row.extend([2 * k - 2, 2 * k - 1]);
                }
                rows.push(row);
            }
        }
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let found = shapes(&rows, 1000);
        assert_eq!(found, [vec![(Shape::Square, 2, 2); 500]]);
    }
}
