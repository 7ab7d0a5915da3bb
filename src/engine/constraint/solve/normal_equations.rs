//! The sparse normal equations of a block, made from its Jacobian, and the damped steps they give
//! (Levenberg-Marquardt; Nocedal and Wright, *Numerical Optimization*, 2006, ch. 10.3).
//!
//! They are taken on the shorter side: `J J^T` where there are fewer equations than
//! unknowns. Both give the same step,
//! `(J^T J + m W)^-1 J^T r = W^-1 J^T (J W^-1 J^T + m I)^-1 r`.

use smallvec::SmallVec;

use super::step::{BlockReport, StepContext};
use crate::constraint::elimination::Forest;
use crate::constraint::equations::{Gradient, MAX_UNKNOWNS, Row};
use crate::linear::{
    self, FactorError, Graph, Ldl, MAX_ENTRIES, ROWS_PER_CHECKPOINT, Sparse, max_abs,
};
use svgx_base::budget::{Budget, Stop};
use svgx_base::deep::{Empty, Few};
use svgx_base::deep_span;

const NONE: u32 = u32::MAX;

const MAX_ITERATIONS: u32 = 80;
/// Iterations of one block that have a span each in a deep trace.
const ITERATIONS_TRACED: u32 = 12;

/// Which entries by rows the entries by columns are.
fn by_columns(rows: &Sparse, columns: &Sparse) -> Vec<u32> {
    let mut fill = columns.start.clone();
    let mut entries = vec![0; rows.items.len()];
    for (e, &c) in rows.items.iter().enumerate() {
        entries[fill[c as usize] as usize] = e as u32;
        fill[c as usize] += 1;
    }
    entries
}

/// The sparse Jacobian of a block and its normal equations.
#[derive(Clone, Debug)]
pub(crate) struct NormalEquations {
    /// By rows: column and value of every entry.
    start: Vec<u32>,
    column: Vec<u32>,
    value: Vec<f64>,
    /// Entry of every gradient value, at `i * MAX_UNKNOWNS + k`.
    scatter: Vec<u32>,
    /// The normal matrix is `J J^T`.
    dual: bool,
    /// Pairs of entries and where in the normal matrix their product belongs.
    products: Vec<(u32, u32, linear::Entry)>,
    ldl: Ldl,
    residual: Vec<f64>,
    step: Vec<f64>,
    inverse_weight: Vec<f64>,
    scaled: Vec<f64>,
    right: Vec<f64>,
}

impl NormalEquations {
    pub(crate) fn new(
        members: &[u32],
        unknowns: &[u32],
        rows: &[Row],
        forest: &Forest,
        budget: &Budget,
    ) -> Result<NormalEquations, linear::Error> {
        let mut local = std::collections::HashMap::with_capacity(unknowns.len());
        for (k, &class) in unknowns.iter().enumerate() {
            if k % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            local.insert(class, k as u32);
        }
        let mut jacobian = Sparse::new();
        let mut scatter = vec![NONE; members.len() * MAX_UNKNOWNS];
        let mut pattern = Vec::new();
        let mut vars = [0; MAX_UNKNOWNS];
        for (i, &r) in members.iter().enumerate() {
            if i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            let equation = &rows[r as usize].equation;
            forest.pattern(equation, &mut pattern);
            let columns: SmallVec<[u32; MAX_UNKNOWNS]> =
                pattern.iter().filter_map(|c| local.get(c).copied()).collect();
            let from = jacobian.items.len() as u32;
            jacobian.push(&columns);
            let n = equation.unknowns(&mut vars);
            for k in 0..n {
                if let Some(column) = local.get(&forest.class[vars[k] as usize])
                    && let Some(at) = columns.iter().position(|c| c == column)
                {
                    scatter[i * MAX_UNKNOWNS + k] = from + at as u32;
                }
            }
        }
        let by_column = jacobian.transposed(unknowns.len());
        let square = |s: &Sparse| -> usize {
            (0..s.len() as u32).map(|i| s.row(i).len() * s.row(i).len()).sum()
        };
        let dual = members.len() <= unknowns.len() && square(&by_column) <= 8 * square(&jacobian);
        // Every group contributes the products of its pairs of entries.
        let groups = if dual { &by_column } else { &jacobian };
        let entries = if dual { by_columns(&jacobian, &by_column) } else { Vec::new() };
        let entry = |at: u32| if dual { entries[at as usize] } else { at };
        let n = if dual { members.len() } else { unknowns.len() };
        budget.checkpoint()?;
        let graph = Graph::of(groups, n, 4 * MAX_ENTRIES, budget)?;
        let ldl = Ldl::new(&graph, budget)?;
        let mut products = Vec::new();
        for k in 0..groups.len() {
            if k % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            let (from, to) = (groups.start[k], groups.start[k + 1]);
            for p in from..to {
                for q in from..=p {
                    let (i, j) = (groups.items[p as usize], groups.items[q as usize]);
                    products.push((entry(p), entry(q), ldl.entry(i, j)));
                }
            }
        }
        budget.checkpoint()?;
        Ok(NormalEquations {
            residual: vec![0.0; members.len()],
            step: vec![0.0; unknowns.len()],
            inverse_weight: vec![1.0; unknowns.len()],
            scaled: vec![0.0; jacobian.items.len()],
            value: vec![0.0; jacobian.items.len()],
            right: vec![0.0; n],
            start: jacobian.start,
            column: jacobian.items,
            scatter,
            dual,
            products,
            ldl,
        })
    }

    /// Fills residuals and Jacobian; answers the sum of squares, and the largest residual of
    /// what must hold.
    fn evaluate(
        &mut self,
        members: &[u32],
        rows: &[Row],
        x: &[f64],
        budget: &Budget,
    ) -> Result<(f64, f64), Stop> {
        self.value.fill(0.0);
        let mut g: Gradient = [0.0; MAX_UNKNOWNS];
        let (mut sum, mut worst) = (0.0, 0.0f64);
        for (i, &r) in members.iter().enumerate() {
            if i % ROWS_PER_CHECKPOINT == ROWS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            let row = &rows[r as usize];
            let weight = row.weight();
            let plain = row.equation.evaluate(x, &mut g);
            if row.soft == 0.0 {
                worst = max_abs([worst, plain].into_iter());
            }
            let residual = weight * plain;
            self.residual[i] = residual;
            sum += residual * residual;
            for (k, &at) in
                self.scatter[i * MAX_UNKNOWNS..(i + 1) * MAX_UNKNOWNS].iter().enumerate()
            {
                if at != NONE {
                    self.value[at as usize] += weight * g[k];
                }
            }
        }
        Ok((sum, worst))
    }

    /// The step for damping `m` into `self.step`; false if the matrix is not positive definite.
    fn step(&mut self, m: f64, budget: &Budget) -> Result<bool, linear::Error> {
        let n = self.ldl.diagonal.len();
        match self.ldl.factor(m, budget) {
            Ok(()) => {}
            // More damping makes it positive definite.
            Err(FactorError::NotPositive(_)) => return Ok(false),
            Err(FactorError::Stopped(stop)) => return Err(stop.into()),
        }
        budget.checkpoint()?;
        self.step.fill(0.0);
        if self.dual {
            self.right.copy_from_slice(&self.residual);
            self.ldl.solve(&mut self.right);
        }
        for i in 0..self.residual.len() {
            let y = if self.dual { self.right[i] } else { self.residual[i] };
            for e in self.start[i] as usize..self.start[i + 1] as usize {
                self.step[self.column[e] as usize] -= self.value[e] * y;
            }
        }
        if self.dual {
            for (step, inverse_weight) in self.step.iter_mut().zip(&self.inverse_weight) {
                *step *= inverse_weight;
            }
        } else {
            debug_assert_eq!(n, self.step.len());
            let mut step = std::mem::take(&mut self.step);
            // Scaled unknowns: (S J^T J S + m I) z = -S J^T r, step = S z.
            for (s, inverse_weight) in step.iter_mut().zip(&self.inverse_weight) {
                *s *= inverse_weight.sqrt();
            }
            self.ldl.solve(&mut step);
            for (s, inverse_weight) in step.iter_mut().zip(&self.inverse_weight) {
                *s *= inverse_weight.sqrt();
            }
            self.step = step;
        }
        Ok(self.step.iter().all(|s| s.is_finite()))
    }

    fn assemble(&mut self) -> f64 {
        for (e, scaled) in self.scaled.iter_mut().enumerate() {
            *scaled = self.value[e] * self.inverse_weight[self.column[e] as usize].sqrt();
        }
        self.ldl.off_diagonal.fill(0.0);
        self.ldl.diagonal.fill(0.0);
        for &(a, b, entry) in &self.products {
            let product = self.scaled[a as usize] * self.scaled[b as usize];
            match entry {
                linear::Entry::Diagonal(at) => self.ldl.diagonal[at as usize] += product,
                linear::Entry::OffDiagonal(at) => self.ldl.off_diagonal[at as usize] += product,
            }
        }
        max_abs(self.ldl.diagonal.iter().copied()).max(1e-12)
    }

    /// Solves the rows `members` for `unknowns` from `x`, in place.
    pub(crate) fn minimise(
        &mut self,
        members: &[u32],
        unknowns: &[u32],
        step: StepContext<'_>,
        forest: &Forest,
        x: &mut [f64],
    ) -> Result<BlockReport, linear::Error> {
        let StepContext { rows, tolerance, stiff, budget, .. } = step;
        self.inverse_weight.fill(1.0);
        for class in stiff {
            if let Some(k) = unknowns.iter().position(|c| c == class) {
                self.inverse_weight[k] = 1e-4;
            }
        }
        let soft = members.iter().any(|&r| rows[r as usize].soft > 0.0);
        let (mut sum, mut residual) = self.evaluate(members, rows, x, budget)?;
        let mut relative = 1e-12;
        let mut idle = 0;
        let mut iterations = 0;
        let mut fresh = true;
        let mut scale = 1.0;
        let mut few = Few::first(ITERATIONS_TRACED);
        while iterations < MAX_ITERATIONS && (soft || residual > tolerance) {
            budget.checkpoint()?;
            iterations += 1;
            let span = deep_span!(if few.takes(), "iteration", svgx.residual = Empty);
            if std::mem::take(&mut fresh) {
                scale = self.assemble();
            }
            let moved = self.step(relative * scale, budget)?;
            let (mut better, mut length) = (false, 0.0);
            if moved {
                length = max_abs(self.step.iter().copied());
                let go = |sign: f64, x: &mut [f64], step: &[f64]| {
                    for (&class, &by) in unknowns.iter().zip(step) {
                        forest.shift(class, sign * by, x);
                    }
                };
                go(1.0, x, &self.step);
                let (new, worst) = match self.evaluate(members, rows, x, budget) {
                    Ok(found) => found,
                    // Nobody knows whether the step is one to the better.
                    Err(stop) => {
                        go(-1.0, x, &self.step);
                        return Err(stop.into());
                    }
                };
                better = new < sum;
                if better {
                    idle = if new > sum * (1.0 - 1e-6) { idle + 1 } else { 0 };
                    (sum, residual) = (new, worst);
                } else {
                    go(-1.0, x, &self.step);
                    self.evaluate(members, rows, x, budget)?;
                }
            }
            span.record("svgx.residual", residual);
            if better {
                relative = (relative * 0.1).max(1e-15);
                fresh = true;
                if idle >= 4 {
                    break;
                }
            } else {
                relative = (relative * 100.0).max(1e-9);
                if relative > 1e6 || (moved && length < 1e-13) {
                    break;
                }
            }
        }
        Ok(BlockReport { iterations, residual, converged: residual <= tolerance })
    }
}
