//! Solving one block: Newton's method where it has a few equations for as many
//! unknowns, Levenberg-Marquardt on sparse normal equations for the rest
//! (see [`NormalEquations`]).

use smallvec::SmallVec;

use super::normal_equations::NormalEquations;
use super::step::{BlockReport, StepContext};
use crate::constraint::elimination::Forest;
use crate::constraint::equations::{Gradient, MAX_UNKNOWNS, Row};
use crate::constraint::sketch::Point;
use crate::linear::{self, Determinacy, max_abs};
use svgx_base::deep::{self, Empty};
use svgx_base::deep_span;

const NONE: u32 = u32::MAX;

/// Blocks up to this size are solved densely.
const MAX_DENSE: usize = 6;

/// Equations solved together, with everything that does not change between solves.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) rows: SmallVec<[u32; 2]>,
    /// Classes of the forest.
    pub(crate) unknowns: SmallVec<[u32; 2]>,
    square: bool,
    /// For the gradient entry `k` of row `i`: column in the block, at `i * MAX_UNKNOWNS + k`.
    columns: SmallVec<[u8; 2 * MAX_UNKNOWNS]>,
    /// Known points the block hangs on.
    anchors: Option<(Point, Point)>,
    /// For every unknown a point it is a coordinate of, and whether that is y.
    handles: SmallVec<[Option<(Point, bool)>; 2]>,
    sparse: Option<Box<NormalEquations>>,
}

impl Block {
    /// A block of `rows` for `unknowns`; `local` is scratch of one [`NONE`] per class.
    pub(crate) fn new(
        determinacy: Determinacy,
        members: &[u32],
        unknowns: &[u32],
        rows: &[Row],
        forest: &Forest,
        local: &mut [u32],
    ) -> Block {
        let mut block = Block {
            rows: members.into(),
            unknowns: unknowns.into(),
            square: determinacy == Determinacy::Square && members.len() == unknowns.len(),
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
            let mut vars = [0; MAX_UNKNOWNS];
            for &r in members {
                let n = rows[r as usize].equation.unknowns(&mut vars);
                for k in 0..MAX_UNKNOWNS {
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
        self.square && self.rows.len() <= MAX_DENSE
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
    pub(crate) fn follow(&self, rows: &[Row], forest: &Forest, before: &[f64], x: &mut [f64]) {
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
        let stay = self.max_residual(rows, x);
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
        if self.max_residual(rows, x) > stay {
            apply(&moves, -1.0, x);
        }
    }

    /// The largest residual of the block's equations that must hold.
    pub(crate) fn max_residual(&self, rows: &[Row], x: &[f64]) -> f64 {
        let hard = self.rows.iter().map(|&r| &rows[r as usize]).filter(|r| r.soft == 0.0);
        max_abs(hard.map(|r| r.equation.residual(x)))
    }

    /// Solves from `x`, in place.
    pub(crate) fn solve(
        &mut self,
        step: StepContext<'_>,
        forest: &Forest,
        x: &mut [f64],
    ) -> Result<BlockReport, linear::Error> {
        let StepContext { rows, tolerance, budget, .. } = step;
        let residual = self.max_residual(rows, x);
        let soft = self.rows.iter().any(|&r| rows[r as usize].soft > 0.0);
        if residual <= tolerance && !soft {
            return Ok(BlockReport { iterations: 0, residual, converged: true });
        }
        if self.is_dense()
            && let Some(report) = self.newton(rows, forest, x, tolerance)
        {
            return Ok(report);
        }
        let mut normal = match self.sparse.take() {
            Some(normal) => normal,
            None => {
                Box::new(NormalEquations::new(&self.rows, &self.unknowns, rows, forest, budget)?)
            }
        };
        let report = normal.minimise(&self.rows, &self.unknowns, step, forest, x);
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
    ) -> Option<BlockReport> {
        let n = self.rows.len();
        let mut total = [0.0; MAX_DENSE];
        let mut last = f64::INFINITY;
        let undo = |total: &[f64; MAX_DENSE], x: &mut [f64]| {
            for (k, &class) in self.unknowns.iter().enumerate() {
                forest.shift(class, -total[k], x);
            }
        };
        // Looked at once: an iteration takes a fraction of a microsecond.
        let traced = deep::is_on();
        for iterations in 0..20 {
            let span = traced.then(|| deep_span!("iteration", svgx.residual = Empty));
            let mut a = [[0.0; MAX_DENSE + 1]; MAX_DENSE];
            let mut g: Gradient = [0.0; MAX_UNKNOWNS];
            for (i, &r) in self.rows.iter().enumerate() {
                a[i][n] = -rows[r as usize].equation.evaluate(x, &mut g);
                for (k, &column) in
                    self.columns[i * MAX_UNKNOWNS..(i + 1) * MAX_UNKNOWNS].iter().enumerate()
                {
                    if column != u8::MAX {
                        a[i][column as usize] += g[k];
                    }
                }
            }
            let residual = max_abs(a[..n].iter().map(|row| row[n]));
            if let Some(span) = span {
                span.record("svgx.residual", residual);
            }
            if residual <= tolerance {
                return Some(BlockReport { iterations, residual, converged: true });
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

/// Gaussian elimination with partial pivoting; the solution ends in column `n`.
fn eliminate(a: &mut [[f64; MAX_DENSE + 1]; MAX_DENSE], n: usize) -> bool {
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
