//! Splits a sparse system into components, and each component into blocks that
//! can be solved one after the other: the Dulmage-Mendelsohn decomposition
//! (Pothen and Fan, *Computing the block triangular form of a sparse matrix*,
//! ACM TOMS 16, 1990).

use smallvec::SmallVec;

use super::{NONE, ROWS_PER_CHECKPOINT, Sparse};
use svgx_base::budget::{Budget, Stop};

/// What the structure says about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Determinacy {
    /// More equations than unknowns.
    Over,
    /// As many equations as unknowns, and no smaller block inside.
    Square,
    /// More unknowns than equations.
    Under,
}

/// Equations to be solved together for unknowns, once the blocks before are solved.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) determinacy: Determinacy,
    pub(crate) rows: Few,
    pub(crate) unknowns: Few,
}

/// Numbers of rows or unknowns: most parts have two.
type Few = SmallVec<[u32; 4]>;

/// Equations and unknowns that have nothing to do with any others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Component {
    pub(crate) rows: Vec<u32>,
    pub(crate) unknowns: Vec<u32>,
    /// In the order of solving.
    pub(crate) parts: Vec<Part>,
}

/// Decomposes `rows` over `columns` unknowns. Rows without unknowns belong to
/// no component; unknowns without rows have none either.
pub(crate) fn decompose(
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
        let of = |wanted: Determinacy| -> Option<Part> {
            let rows = component.rows.iter().copied();
            let unknowns = component.unknowns.iter().copied();
            let rows: Few = rows.filter(|&r| shape.row[r as usize] == wanted).collect();
            let unknowns: Few = unknowns.filter(|&c| shape.column[c as usize] == wanted).collect();
            (!rows.is_empty()).then_some(Part { determinacy: wanted, rows, unknowns })
        };
        let (over, under) = (of(Determinacy::Over), of(Determinacy::Under));
        component.parts.extend(over);
        // Square parts follow below; the under-determined one is solved last.
        component.parts.extend(under);
    }
    let mut under: Vec<Option<Part>> = components
        .iter_mut()
        .map(|c| match c.parts.last() {
            Some(part) if part.determinacy == Determinacy::Under => c.parts.pop(),
            _ => None,
        })
        .collect();
    for block in order {
        let Some(&first) = block.first() else { continue };
        let component = &mut components[home[first as usize] as usize];
        let unknowns = block.iter().map(|&r| matching.of_row[r as usize]).collect();
        component.parts.push(Part { determinacy: Determinacy::Square, rows: block, unknowns });
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
    row: Vec<Determinacy>,
    column: Vec<Determinacy>,
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
                if work % ROWS_PER_CHECKPOINT == 0 {
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
            row: vec![Determinacy::Square; rows.len()],
            column: vec![Determinacy::Square; by_column.len()],
        };
        let mut open: Vec<u32> = Vec::new();
        for c in 0..by_column.len() as u32 {
            if self.of_column[c as usize] == NONE {
                coarse.column[c as usize] = Determinacy::Under;
                open.push(c);
            }
        }
        while let Some(c) = open.pop() {
            for &r in by_column.row(c) {
                if coarse.row[r as usize] == Determinacy::Square {
                    coarse.row[r as usize] = Determinacy::Under;
                    let c = self.of_row[r as usize];
                    if c != NONE && coarse.column[c as usize] == Determinacy::Square {
                        coarse.column[c as usize] = Determinacy::Under;
                        open.push(c);
                    }
                }
            }
        }
        budget.checkpoint()?;
        for r in 0..rows.len() as u32 {
            if self.of_row[r as usize] == NONE {
                coarse.row[r as usize] = Determinacy::Over;
                open.push(r);
            }
        }
        while let Some(r) = open.pop() {
            for &c in rows.row(r) {
                if coarse.column[c as usize] == Determinacy::Square {
                    coarse.column[c as usize] = Determinacy::Over;
                    let r = self.of_column[c as usize];
                    if r != NONE && coarse.row[r as usize] == Determinacy::Square {
                        coarse.row[r as usize] = Determinacy::Over;
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
                || coarse.row[root as usize] != Determinacy::Square
                || self.of_row[root as usize] == NONE
            {
                continue;
            }
            if (root as usize).is_multiple_of(ROWS_PER_CHECKPOINT) {
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
                    if coarse.column[c] == Determinacy::Square {
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

    fn shapes(rows: &[&[u32]], columns: usize) -> Vec<Vec<(Determinacy, usize, usize)>> {
        let mut sparse = Sparse::new();
        rows.iter().for_each(|r| sparse.push(r));
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let parts = |c: Component| {
            c.parts.iter().map(|p| (p.determinacy, p.rows.len(), p.unknowns.len())).collect()
        };
        decompose(&sparse, columns, &budget).unwrap().into_iter().map(parts).collect()
    }

    #[test]
    fn parts_come_in_the_order_of_solving() {
        use Determinacy::{Over, Square, Under};
        type Case = (&'static [&'static [u32]], usize, Vec<Vec<(Determinacy, usize, usize)>>);
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
        assert_eq!(found, [vec![(Determinacy::Square, 2, 2); 500]]);
    }
}
