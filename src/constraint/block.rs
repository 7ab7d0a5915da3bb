//! Solving one block: Newton's method where it has a few equations for as many
//! unknowns, Levenberg-Marquardt on sparse normal equations for the rest
//! (Nocedal and Wright, *Numerical Optimization*, 2006, ch. 10.3).
//!
//! The normal equations are taken on the shorter side: `J J^T` where there are
//! fewer equations than unknowns. Both give the same step,
//! `(J^T J + m W)^-1 J^T r = W^-1 J^T (J W^-1 J^T + m I)^-1 r`.

use smallvec::SmallVec;

use super::decompose::{Shape, Sparse};
use super::equation::{Gradient, WIDTH};
use super::feature::Point;
use super::forest::Forest;
use super::ldl::{Ldl, Refusal};
use super::lower::Row;
use crate::budget::Budget;

const NONE: u32 = u32::MAX;

/// Blocks up to this size are solved densely.
const DENSE: usize = 6;

const MAX_ITERATIONS: u32 = 80;

/// How a block came out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    pub(super) iterations: u32,
    /// Largest residual of the equations that must hold, in millimetres.
    pub(super) residual: f64,
    pub(super) converged: bool,
}

/// Equations solved together, with everything that does not change between solves.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) rows: SmallVec<[u32; 2]>,
    /// Classes of the forest.
    pub(super) unknowns: SmallVec<[u32; 2]>,
    square: bool,
    /// For the gradient entry `k` of row `i`: column in the block, at `i * WIDTH + k`.
    columns: SmallVec<[u8; 2 * WIDTH]>,
    /// Known points the block hangs on.
    anchors: Option<(Point, Point)>,
    /// For every unknown a point it is a coordinate of, and whether that is y.
    handles: SmallVec<[Option<(Point, bool)>; 2]>,
    sparse: Option<Box<Normal>>,
}

impl Block {
    /// A block of `rows` for `unknowns`; `local` is scratch of one [`NONE`] per class.
    pub(super) fn new(
        shape: Shape,
        members: &[u32],
        unknowns: &[u32],
        rows: &[Row],
        forest: &Forest,
        local: &mut [u32],
    ) -> Block {
        let mut block = Block {
            rows: members.into(),
            unknowns: unknowns.into(),
            square: shape == Shape::Square && members.len() == unknowns.len(),
            columns: SmallVec::new(),
            anchors: None,
            handles: SmallVec::new(),
            sparse: None,
        };
        if !block.square {
            return block;
        }
        for (k, &c) in unknowns.iter().enumerate() {
            local[c as usize] = k as u32;
        }
        if block.is_dense() {
            let mut vars = [0; WIDTH];
            for &r in members {
                let n = rows[r as usize].equation.unknowns(&mut vars);
                for k in 0..WIDTH {
                    let class = if k < n { forest.class[vars[k] as usize] } else { NONE };
                    let column = if class == NONE { NONE } else { local[class as usize] };
                    block.columns.push(if column == NONE { u8::MAX } else { column as u8 });
                }
            }
        }
        block.find_handles(rows, forest, local);
        for &c in unknowns {
            local[c as usize] = NONE;
        }
        block
    }

    fn is_dense(&self) -> bool {
        self.square && self.rows.len() <= DENSE
    }

    fn find_handles(&mut self, rows: &[Row], forest: &Forest, local: &[u32]) {
        self.handles.resize(self.unknowns.len(), None);
        let mut points: Vec<Point> = Vec::new();
        for &r in &self.rows {
            rows[r as usize].equation.points(&mut points);
        }
        let mut known: SmallVec<[Point; 8]> = SmallVec::new();
        for p in points {
            let mut inside = false;
            for (v, is_y) in [(p.x, false), (p.y, true)] {
                let class = forest.class[v as usize];
                if class != NONE && local[class as usize] != NONE {
                    inside = true;
                    self.handles[local[class as usize] as usize].get_or_insert((p, is_y));
                }
            }
            if !inside && known.len() < 8 && !known.contains(&p) {
                known.push(p);
            }
        }
        if let (Some(&a), Some(&b)) = (known.first(), known.last()) {
            self.anchors = Some((a, b));
        }
    }

    /// Carries the block along with the known points it hangs on, as one rigid
    /// body, if that brings it closer to a solution than staying behind.
    pub(super) fn follow(&self, rows: &[Row], forest: &Forest, before: &[f64], x: &mut [f64]) {
        let Some((a, b)) = self.anchors else { return };
        let at = |x: &[f64], p: Point| (x[p.x as usize], x[p.y as usize]);
        let (a0, a1, b0, b1) = (at(before, a), at(x, a), at(before, b), at(x, b));
        if a0 == a1 && b0 == b1 {
            return;
        }
        let (d, e) = ((b0.0 - a0.0, b0.1 - a0.1), (b1.0 - a1.0, b1.1 - a1.1));
        let norm = ((d.0 * d.0 + d.1 * d.1) * (e.0 * e.0 + e.1 * e.1)).sqrt();
        let (cos, sin) = if norm > 1e-12 {
            ((d.0 * e.0 + d.1 * e.1) / norm, (d.0 * e.1 - d.1 * e.0) / norm)
        } else {
            (1.0, 0.0)
        };
        let stay = self.largest(rows, x);
        let mut moves: SmallVec<[f64; 8]> = SmallVec::new();
        for handle in &self.handles {
            let by = handle.map_or(0.0, |(p, is_y)| {
                let (p0, p1) = (at(before, p), at(x, p));
                let (u, v) = (p0.0 - a0.0, p0.1 - a0.1);
                if is_y { a1.1 + sin * u + cos * v - p1.1 } else { a1.0 + cos * u - sin * v - p1.0 }
            });
            moves.push(by);
        }
        let apply = |moves: &[f64], sign: f64, x: &mut [f64]| {
            for (&class, &by) in self.unknowns.iter().zip(moves) {
                forest.shift(class, sign * by, x);
            }
        };
        apply(&moves, 1.0, x);
        if self.largest(rows, x) > stay {
            apply(&moves, -1.0, x);
        }
    }

    /// The largest residual of the block's equations that must hold.
    pub(super) fn largest(&self, rows: &[Row], x: &[f64]) -> f64 {
        let hard = self.rows.iter().map(|&r| &rows[r as usize]).filter(|r| r.soft == 0.0);
        largest(hard.map(|r| r.equation.residual(x)))
    }

    /// Solves from `x`, in place. `stiff`: unknowns that are to move less than others.
    pub(super) fn solve(
        &mut self,
        rows: &[Row],
        forest: &Forest,
        x: &mut [f64],
        tolerance: f64,
        stiff: &[u32],
        budget: &Budget,
    ) -> Result<Report, Refusal> {
        let residual = self.largest(rows, x);
        let soft = self.rows.iter().any(|&r| rows[r as usize].soft > 0.0);
        if residual <= tolerance && !soft {
            return Ok(Report { iterations: 0, residual, converged: true });
        }
        if self.is_dense()
            && let Some(report) = self.newton(rows, forest, x, tolerance)
        {
            return Ok(report);
        }
        let mut normal = match self.sparse.take() {
            Some(normal) => normal,
            None => Box::new(Normal::new(&self.rows, &self.unknowns, rows, forest, budget)?),
        };
        let report = normal.minimise(self, rows, forest, x, tolerance, stiff, budget);
        self.sparse = Some(normal);
        report
    }

    /// Newton's method with the full step; `None` (and `x` as it was) where it does not converge.
    fn newton(
        &self,
        rows: &[Row],
        forest: &Forest,
        x: &mut [f64],
        tolerance: f64,
    ) -> Option<Report> {
        let n = self.rows.len();
        let mut total = [0.0; DENSE];
        let mut last = f64::INFINITY;
        let undo = |total: &[f64; DENSE], x: &mut [f64]| {
            for (k, &class) in self.unknowns.iter().enumerate() {
                forest.shift(class, -total[k], x);
            }
        };
        for iterations in 0..20 {
            let mut a = [[0.0; DENSE + 1]; DENSE];
            let mut g: Gradient = [0.0; WIDTH];
            for (i, &r) in self.rows.iter().enumerate() {
                a[i][n] = -rows[r as usize].equation.evaluate(x, &mut g);
                for (k, &column) in self.columns[i * WIDTH..(i + 1) * WIDTH].iter().enumerate() {
                    if column != u8::MAX {
                        a[i][column as usize] += g[k];
                    }
                }
            }
            let residual = largest(a[..n].iter().map(|row| row[n]));
            if residual <= tolerance {
                return Some(Report { iterations, residual, converged: true });
            }
            // Twice in a row without progress: leave it to the damped method.
            if !(residual < 4.0 * last) || !eliminate(&mut a, n) {
                undo(&total, x);
                return None;
            }
            last = last.min(residual);
            for (k, &class) in self.unknowns.iter().enumerate() {
                forest.shift(class, a[k][n], x);
                total[k] += a[k][n];
            }
        }
        undo(&total, x);
        None
    }
}

/// The largest magnitude; infinite where one is not a number.
pub(super) fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |most, v| if v.is_nan() { f64::INFINITY } else { v.abs().max(most) })
}

/// Gaussian elimination with partial pivoting; the solution ends in column `n`.
fn eliminate(a: &mut [[f64; DENSE + 1]; DENSE], n: usize) -> bool {
    for k in 0..n {
        let mut pivot = k;
        for i in k + 1..n {
            if a[i][k].abs() > a[pivot][k].abs() {
                pivot = i;
            }
        }
        if !(a[pivot][k].abs() > 1e-10) {
            return false;
        }
        a.swap(k, pivot);
        let top = a[k];
        for row in &mut a[k + 1..n] {
            let factor = row[k] / top[k];
            for j in k..=n {
                row[j] -= factor * top[j];
            }
        }
    }
    for k in (0..n).rev() {
        let mut value = a[k][n];
        for j in k + 1..n {
            value -= a[k][j] * a[j][n];
        }
        a[k][n] = value / a[k][k];
    }
    true
}

/// The sparse Jacobian of a block and its normal equations.
#[derive(Clone, Debug)]
struct Normal {
    /// By rows: column and value of every entry.
    start: Vec<u32>,
    column: Vec<u32>,
    value: Vec<f64>,
    /// Entry of every gradient value, at `i * WIDTH + k`.
    scatter: Vec<u32>,
    /// The normal matrix is `J J^T`.
    dual: bool,
    /// Products of two entries and where in the normal matrix their product belongs:
    /// below the size of the matrix on the diagonal, else that much into the values.
    products: Vec<(u32, u32, u32)>,
    ldl: Ldl,
    residual: Vec<f64>,
    step: Vec<f64>,
    give: Vec<f64>,
    scaled: Vec<f64>,
    right: Vec<f64>,
}

impl Normal {
    fn new(
        members: &[u32],
        unknowns: &[u32],
        rows: &[Row],
        forest: &Forest,
        budget: &Budget,
    ) -> Result<Normal, Refusal> {
        let local: std::collections::HashMap<u32, u32> =
            unknowns.iter().enumerate().map(|(k, &c)| (c, k as u32)).collect();
        let mut jacobian = Sparse::new();
        let mut scatter = vec![NONE; members.len() * WIDTH];
        let mut pattern = Vec::new();
        let mut vars = [0; WIDTH];
        for (i, &r) in members.iter().enumerate() {
            let equation = &rows[r as usize].equation;
            forest.pattern(equation, &mut pattern);
            let columns: SmallVec<[u32; WIDTH]> =
                pattern.iter().filter_map(|c| local.get(c).copied()).collect();
            let from = jacobian.items.len() as u32;
            jacobian.push(&columns);
            let n = equation.unknowns(&mut vars);
            for k in 0..n {
                if let Some(column) = local.get(&forest.class[vars[k] as usize])
                    && let Some(at) = columns.iter().position(|c| c == column)
                {
                    scatter[i * WIDTH + k] = from + at as u32;
                }
            }
        }
        let by_column = jacobian.transposed(unknowns.len());
        let square = |s: &Sparse| -> usize {
            (0..s.len() as u32).map(|i| s.row(i).len() * s.row(i).len()).sum()
        };
        let dual = members.len() <= unknowns.len() && square(&by_column) <= 8 * square(&jacobian);
        // Every vector contributes the products of its pairs of entries.
        let mut entry_rows = Vec::with_capacity(jacobian.items.len());
        for i in 0..jacobian.len() {
            entry_rows.resize(jacobian.start[i + 1] as usize, i as u32);
        }
        let vectors: Vec<SmallVec<[(u32, u32); WIDTH]>> = if dual {
            let mut vectors = vec![SmallVec::new(); unknowns.len()];
            for (e, &c) in jacobian.items.iter().enumerate() {
                vectors[c as usize].push((entry_rows[e], e as u32));
            }
            vectors
        } else {
            (0..jacobian.len())
                .map(|i| {
                    let range = jacobian.start[i]..jacobian.start[i + 1];
                    range.map(|e| (jacobian.items[e as usize], e)).collect()
                })
                .collect()
        };
        let n = if dual { members.len() } else { unknowns.len() };
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for vector in &vectors {
            for (k, &(i, _)) in vector.iter().enumerate() {
                pairs.extend(vector[..k].iter().flat_map(|&(j, _)| [(i, j), (j, i)]));
            }
            if pairs.len() > 4 * super::ldl::MAX_ENTRIES {
                return Err(Refusal::TooLarge(pairs.len()));
            }
        }
        budget.checkpoint()?;
        pairs.sort_unstable();
        pairs.dedup();
        let mut start = vec![0u32; n + 1];
        for &(i, _) in &pairs {
            start[i as usize + 1] += 1;
        }
        for i in 0..n {
            start[i + 1] += start[i];
        }
        let adjacency: Vec<u32> = pairs.iter().map(|&(_, j)| j).collect();
        let ldl = Ldl::new(&start, &adjacency, budget)?;
        let mut products = Vec::new();
        for vector in &vectors {
            for (k, &(i, a)) in vector.iter().enumerate() {
                for &(j, b) in &vector[..=k] {
                    let slot = ldl.slot(i, j).unwrap_or_else(|at| at + n as u32);
                    products.push((a, b, slot));
                }
            }
        }
        Ok(Normal {
            residual: vec![0.0; members.len()],
            step: vec![0.0; unknowns.len()],
            give: vec![1.0; unknowns.len()],
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

    /// Fills residuals and Jacobian; answers the sum of squares.
    fn evaluate(&mut self, members: &[u32], rows: &[Row], x: &[f64]) -> f64 {
        self.value.fill(0.0);
        let mut g: Gradient = [0.0; WIDTH];
        let mut sum = 0.0;
        for (i, &r) in members.iter().enumerate() {
            let row = &rows[r as usize];
            let weight = row.weight();
            let residual = weight * row.equation.evaluate(x, &mut g);
            self.residual[i] = residual;
            sum += residual * residual;
            for (k, &at) in self.scatter[i * WIDTH..(i + 1) * WIDTH].iter().enumerate() {
                if at != NONE {
                    self.value[at as usize] += weight * g[k];
                }
            }
        }
        sum
    }

    /// The step for damping `m` into `self.step`; false if the matrix is not positive definite.
    fn step(&mut self, m: f64, budget: &Budget) -> Result<bool, Refusal> {
        let n = self.ldl.diagonal.len();
        if !self.ldl.factor(m, budget)? {
            return Ok(false);
        }
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
            for (step, give) in self.step.iter_mut().zip(&self.give) {
                *step *= give;
            }
        } else {
            debug_assert_eq!(n, self.step.len());
            let mut step = std::mem::take(&mut self.step);
            // Scaled unknowns: (S J^T J S + m I) z = -S J^T r, step = S z.
            for (s, give) in step.iter_mut().zip(&self.give) {
                *s *= give.sqrt();
            }
            self.ldl.solve(&mut step);
            for (s, give) in step.iter_mut().zip(&self.give) {
                *s *= give.sqrt();
            }
            self.step = step;
        }
        Ok(self.step.iter().all(|s| s.is_finite()))
    }

    fn assemble(&mut self) -> f64 {
        for (e, scaled) in self.scaled.iter_mut().enumerate() {
            *scaled = self.value[e] * self.give[self.column[e] as usize].sqrt();
        }
        self.ldl.values.fill(0.0);
        self.ldl.diagonal.fill(0.0);
        let n = self.ldl.diagonal.len() as u32;
        for &(a, b, slot) in &self.products {
            let product = self.scaled[a as usize] * self.scaled[b as usize];
            if slot < n {
                self.ldl.diagonal[slot as usize] += product;
            } else {
                self.ldl.values[(slot - n) as usize] += product;
            }
        }
        largest(self.ldl.diagonal.iter().copied()).max(1e-12)
    }

    #[allow(clippy::too_many_arguments, reason = "the state of one solve, borrowed apart")]
    fn minimise(
        &mut self,
        block: &Block,
        rows: &[Row],
        forest: &Forest,
        x: &mut [f64],
        tolerance: f64,
        stiff: &[u32],
        budget: &Budget,
    ) -> Result<Report, Refusal> {
        self.give.fill(1.0);
        for class in stiff {
            if let Some(k) = block.unknowns.iter().position(|c| c == class) {
                self.give[k] = 1e-4;
            }
        }
        let soft = block.rows.iter().any(|&r| rows[r as usize].soft > 0.0);
        let mut sum = self.evaluate(&block.rows, rows, x);
        let mut residual = block.largest(rows, x);
        let mut relative = 1e-12;
        let mut idle = 0;
        let mut iterations = 0;
        let mut fresh = true;
        let mut scale = 1.0;
        while iterations < MAX_ITERATIONS && (soft || residual > tolerance) {
            budget.checkpoint()?;
            iterations += 1;
            if std::mem::take(&mut fresh) {
                scale = self.assemble();
            }
            let moved = self.step(relative * scale, budget)?;
            let (mut better, mut length) = (false, 0.0);
            if moved {
                length = largest(self.step.iter().copied());
                for (&class, &by) in block.unknowns.iter().zip(&self.step) {
                    forest.shift(class, by, x);
                }
                let old = block.rows.iter().map(|&r| {
                    let row = &rows[r as usize];
                    row.weight() * row.equation.residual(x)
                });
                let new: f64 = old.map(|r| r * r).sum();
                better = new < sum;
                if better {
                    idle = if new > sum * (1.0 - 1e-6) { idle + 1 } else { 0 };
                } else {
                    for (&class, &by) in block.unknowns.iter().zip(&self.step) {
                        forest.shift(class, -by, x);
                    }
                }
            }
            if better {
                sum = self.evaluate(&block.rows, rows, x);
                residual = block.largest(rows, x);
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
        Ok(Report { iterations, residual, converged: residual <= tolerance })
    }
}
