//! Everything about a sketch that follows from its structure alone, and how
//! its components are solved with it.

use super::block::Block;
use super::step::StepContext;
use crate::constraint::elimination::Forest;
use crate::constraint::equations::{GROUND, MAX_UNKNOWNS, Row};
use crate::linear::{self, Component, Determinacy, Part, ROWS_PER_CHECKPOINT, Sparse, decompose};
use svgx_base::budget::{Budget, Stop};
use svgx_base::deep::{self, Few};

/// How many blocks are solved or analysed between two looks at the budget: most take microseconds.
pub(crate) const BLOCKS_PER_CHECKPOINT: usize = 64;
/// Blocks of one component whose iterations have a span each in a deep trace.
const BLOCKS_TRACED: u32 = 4;

/// Everything that is computed from the structure alone.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) forest: Forest,
    /// Classes every row depends on; empty for eliminated, soft and switched-off rows.
    pub(crate) patterns: Sparse,
    /// Rows that depend on no unknown and were not needed for elimination.
    pub(crate) constant_rows: Vec<u32>,
    pub(crate) components: Vec<Component>,
    pub(crate) blocks: Vec<Vec<Block>>,
    /// The whole component as one block, made when its parts fail.
    pub(crate) whole: Vec<Option<Block>>,
    /// Component of every class, [`u32::MAX`] without one.
    pub(crate) component_of: Vec<u32>,
    /// Components that read an unknown.
    pub(crate) readers: Sparse,
    pub(crate) residuals: Vec<f64>,
    pub(crate) soft: Option<Block>,
    /// There are soft constraints.
    pub(crate) has_soft: bool,
}

fn restore(forest: &Forest, component: &Component, from: &[f64], x: &mut [f64]) {
    for &class in &component.unknowns {
        // The class moved as one; its members keep their differences.
        if let Some(&v) = forest.members(class).first() {
            let by = from[v as usize] - x[v as usize];
            forest.shift(class, by, x);
        }
    }
}

impl Plan {
    /// Plans the rows that `active` holds for.
    pub(crate) fn new(
        rows: &[Row],
        x: &mut [f64],
        active: impl Fn(usize) -> bool,
        budget: &Budget,
    ) -> Result<Plan, linear::Error> {
        let forest = Forest::grow(rows, &active, x, budget)?;
        let mut patterns = Sparse::new();
        let mut constant_rows = Vec::new();
        let mut pattern = Vec::new();
        let mut soft_rows = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            if i % ROWS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            pattern.clear();
            if active(i) && forest.edge_of_row[i] == GROUND {
                if row.soft > 0.0 {
                    soft_rows.push(i as u32);
                } else {
                    forest.pattern(&row.equation, &mut pattern);
                    if pattern.is_empty() {
                        constant_rows.push(i as u32);
                    }
                }
            }
            patterns.push(&pattern);
        }
        let components = decompose(&patterns, forest.classes(), budget)?;
        let mut local = vec![GROUND; forest.classes()];
        let mut component_of = vec![GROUND; forest.classes()];
        let mut blocks = Vec::with_capacity(components.len());
        let mut made = 0;
        for (k, component) in components.iter().enumerate() {
            for &c in &component.unknowns {
                component_of[c as usize] = k as u32;
            }
            let mut block = |part: &Part| {
                made += part.rows.len();
                if made >= ROWS_PER_CHECKPOINT {
                    made = 0;
                    budget.checkpoint()?;
                }
                let (members, unknowns) = (&part.rows, &part.unknowns);
                Ok(Block::new(part.determinacy, members, unknowns, rows, &forest, &mut local))
            };
            let parts: Result<Vec<Block>, Stop> = component.parts.iter().map(&mut block).collect();
            blocks.push(parts?);
        }
        budget.checkpoint()?;
        let readers = readers(rows, &components, x.len());
        let soft = soft_block(rows, &soft_rows, &patterns, &components, &component_of, &forest);
        Ok(Plan {
            whole: vec![None; components.len()],
            residuals: vec![0.0; components.len()],
            forest,
            patterns,
            constant_rows,
            components,
            blocks,
            component_of,
            readers,
            soft,
            has_soft: !soft_rows.is_empty(),
        })
    }
}

impl Plan {
    /// Solves component `k` at `x`: its parts in their order, or all of it at
    /// once where the parts do not fit. Answers the steps taken and whether it converged.
    pub(crate) fn solve_component(
        &mut self,
        k: usize,
        step: StepContext<'_>,
        x: &mut [f64],
    ) -> Result<(u32, bool), linear::Error> {
        let StepContext { rows, before, budget, .. } = step;
        let (mut iterations, mut failed, mut worst) = (0, false, 0.0f64);
        let mut few = Few::first(BLOCKS_TRACED);
        for (i, block) in self.blocks[k].iter_mut().enumerate() {
            if i % BLOCKS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            block.follow(rows, &self.forest, before, x);
            let _silent = deep::silent_unless(few.takes());
            let report = block.solve(step, &self.forest, x)?;
            iterations += report.iterations;
            worst = worst.max(report.residual);
            if !report.converged {
                failed = true;
                break;
            }
        }
        if failed && self.blocks[k].len() > 1 {
            let component = &self.components[k];
            restore(&self.forest, component, before, x);
            let forest = &self.forest;
            let whole = self.whole[k].get_or_insert_with(|| {
                let mut local = vec![GROUND; forest.classes()];
                let (members, unknowns) = (&component.rows, &component.unknowns);
                Block::new(Determinacy::Over, members, unknowns, rows, forest, &mut local)
            });
            let report = whole.solve(step, forest, x)?;
            iterations += report.iterations;
            worst = report.residual;
            failed = !report.converged;
        }
        self.residuals[k] = worst;
        Ok((iterations, !failed))
    }
}

/// For every unknown the components whose equations read it.
fn readers(rows: &[Row], components: &[Component], unknowns: usize) -> Sparse {
    let mut vars = [0; MAX_UNKNOWNS];
    // Components come in order, so that a repetition is one of the last.
    let mut each = |visit: &mut dyn FnMut(u32, u32)| {
        let mut last = vec![GROUND; unknowns];
        for (k, component) in components.iter().enumerate() {
            for &r in &component.rows {
                let n = rows[r as usize].equation.unknowns(&mut vars);
                for &v in &vars[..n] {
                    if std::mem::replace(&mut last[v as usize], k as u32) != k as u32 {
                        visit(v, k as u32);
                    }
                }
            }
        }
    };
    let mut start = vec![0u32; unknowns + 1];
    each(&mut |v, _| start[v as usize + 1] += 1);
    for v in 0..unknowns {
        start[v + 1] += start[v];
    }
    let mut fill = start.clone();
    let mut items = vec![0; start[unknowns] as usize];
    each(&mut |v, k| {
        items[fill[v as usize] as usize] = k;
        fill[v as usize] += 1;
    });
    Sparse { start, items }
}

/// The soft rows, together with the hard rows of the under-determined parts they touch.
fn soft_block(
    rows: &[Row],
    soft_rows: &[u32],
    patterns: &Sparse,
    components: &[Component],
    component_of: &[u32],
    forest: &Forest,
) -> Option<Block> {
    if soft_rows.is_empty() {
        return None;
    }
    let mut members: Vec<u32> = soft_rows.to_vec();
    let mut unknowns: Vec<u32> = Vec::new();
    let mut taken = vec![false; components.len()];
    let mut known = vec![false; forest.classes()];
    let mut pattern = Vec::new();
    for &r in soft_rows {
        forest.pattern(&rows[r as usize].equation, &mut pattern);
        for &class in &pattern {
            let Some(component) = components.get(component_of[class as usize] as usize) else {
                if !std::mem::replace(&mut known[class as usize], true) {
                    unknowns.push(class);
                }
                continue;
            };
            if std::mem::replace(&mut taken[component_of[class as usize] as usize], true) {
                continue;
            }
            for part in component.parts.iter().filter(|p| p.determinacy == Determinacy::Under) {
                debug_assert!(part.rows.iter().all(|&r| !patterns.row(r).is_empty()));
                members.extend(&part.rows);
                unknowns.extend(&part.unknowns);
            }
        }
    }
    if unknowns.is_empty() {
        return None;
    }
    let mut local = vec![GROUND; forest.classes()];
    Some(Block::new(Determinacy::Over, &members, &unknowns, rows, forest, &mut local))
}
