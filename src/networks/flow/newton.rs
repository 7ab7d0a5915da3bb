//! Steps of Newton's method with a factor of their own each, and a line search.

use svgx_base::budget::{Budget, Stop, Tier};
use svgx_engine::linear::{Entry, FactorError, Ldl};

use super::hot::Kept;
use super::loss::Loss;
use super::plan::{Active, Shape};
use super::solve::{NONE, Plan, Run, Solver, largest};
use super::status::Status;
use crate::Error;
use crate::accuracy::Residual;
use crate::topology::LINKS_PER_CHECKPOINT;

/// How many steps of Newton's method are made.
const MOST_ITERATIONS: u32 = 100;

/// Part of the largest flow by which flows move when the factor of a step is good for those
/// to come.
const NEAR: f64 = 3e-3;

/// Imbalance of a node that the rounding of heads makes, m³/s.
pub(super) const ROUNDING: f64 = 1e-8;

/// How exact flows have to be, relative to the largest: a step is quadratic, the error after it
/// is the square of this.
pub(super) const fn enough(tier: Tier) -> f64 {
    match tier {
        Tier::Ui => 1e-2,
        Tier::Edit => 1e-3,
        Tier::Compute => 1e-5,
    }
}

impl Solver {
    /// Steps of Newton's method: to the end, or until [`Solver::hot`] can go on.
    pub(super) fn newton(&mut self, aim: f64, whole: bool, budget: &Budget) -> Result<Run, Error> {
        let Some(mut plan) = self.plan.take() else { return Ok(Run::default()) };
        self.fix_heads(&plan.shape);
        let run = self.steps(&mut plan, aim, whole, budget);
        self.plan = Some(plan);
        run
    }

    /// Fall of the head along a link, m.
    pub(super) fn fall(&self, active: &Active) -> f64 {
        self.heads[active.from as usize] - self.heads[active.to as usize]
    }

    /// What a link loses at a flow; one that is shut carries none at any head.
    pub(super) fn loss(&self, link: u32, flow: f64) -> Loss {
        match self.status[link as usize] {
            Status::Open => self.laws[link as usize].at(flow),
            _ => Loss::SHUT,
        }
    }

    fn steps(
        &mut self,
        plan: &mut Plan,
        aim: f64,
        whole: bool,
        budget: &Budget,
    ) -> Result<Run, Error> {
        let enough = enough(budget.tier());
        let asked = self.asked();
        let mut run = Run::default();
        let Plan { shape, factor: Some(factor), kept } = plan else { return Ok(Run::default()) };
        *kept = None;
        let at = |solver: &Solver| -> Vec<Loss> {
            let active = shape.active.iter();
            active.map(|a| solver.loss(a.link, solver.flows[a.link as usize])).collect()
        };
        let mut losses = at(self);
        let mut trial = losses.clone();
        let mut steps = vec![0.0; losses.len()];
        let mut conductance = vec![0.0; losses.len()];
        // Heads of a large network are rounded more than once.
        let rounding = ROUNDING + 2e-12 * losses.len() as f64;
        let mut right = vec![0.0; shape.count + 1];
        while run.iterations < MOST_ITERATIONS {
            if let Err(stop) = budget.checkpoint() {
                run.stopped = Some(stop);
                return if run.iterations > 0 { Ok(run) } else { Err(stop.into()) };
            }
            for (p, loss) in conductance.iter_mut().zip(&losses) {
                *p = 1.0 / loss.slope;
            }
            self.assemble(shape, factor, (&losses, &conductance), &asked, &mut right, budget)?;
            match factor.factor(0.0, budget) {
                Ok(()) => {}
                Err(FactorError::Stopped(stop)) => {
                    run.stopped = Some(stop);
                    return if run.iterations > 0 { Ok(run) } else { Err(stop.into()) };
                }
                Err(FactorError::NotPositive(pivot)) => {
                    let at = shape.unknown.iter().position(|&u| u == pivot.row).unwrap_or(0);
                    return Err(Error::Overflow { at: self.network.nodes[at].name.clone() });
                }
            }
            factor.solve(&mut right[..shape.count]);
            for (head, &u) in self.heads.iter_mut().zip(&shape.unknown) {
                if u != NONE {
                    *head = right[u as usize];
                }
            }
            let mut before = 0.0;
            for (((a, loss), step), p) in
                shape.active.iter().zip(&losses).zip(&mut steps).zip(&conductance)
            {
                let miss = loss.head - self.fall(a);
                *step = -miss * p;
                before -= miss * *step;
            }
            // The first step makes the flows balance; only from there on does the content fall.
            let part = self.line_search(shape, &steps, before, run.iterations > 0, &mut trial);
            run.iterations += 1;
            std::mem::swap(&mut losses, &mut trial);
            let (mut energy, mut most, mut moved) = (0.0f64, 0.0f64, 0.0f64);
            for ((a, loss), step) in shape.active.iter().zip(&losses).zip(&steps) {
                let q = self.flows[a.link as usize] + part * step;
                self.flows[a.link as usize] = q;
                if loss.slope.is_finite() {
                    energy = largest(energy, loss.head - self.fall(a));
                }
                most = largest(most, q);
                moved = largest(moved, part * step);
            }
            let balance = self.imbalance(shape, &asked);
            run.residual = Residual { balance, energy };
            if !energy.is_finite() || !balance.is_finite() {
                break;
            }
            let balanced = balance <= 1e-9 * most + ROUNDING;
            if energy <= aim && balanced && moved <= enough * most + rounding {
                run.converged = true;
            }
            // The rest is left to steps without a factor of their own, unless these failed.
            let near = !whole && part == 1.0 && run.iterations > 1 && moved <= NEAR * most;
            if run.converged || near {
                *kept = Some(Kept::of(self, shape, conductance, &losses, most));
                break;
            }
        }
        Ok(run)
    }

    pub(super) fn assemble(
        &self,
        shape: &Shape,
        factor: &mut Ldl,
        (losses, conductance): (&[Loss], &[f64]),
        asked: &[f64],
        right: &mut [f64],
        budget: &Budget,
    ) -> Result<(), Stop> {
        factor.clear();
        for (&u, q) in shape.unknown.iter().zip(asked) {
            if u != NONE {
                right[u as usize] = -q;
            }
        }
        let put = |factor: &mut Ldl, entry: Option<Entry>, value: f64| match entry {
            Some(Entry::Diagonal(at)) => factor.diagonal[at as usize] += value,
            Some(Entry::OffDiagonal(at)) => factor.off_diagonal[at as usize] += value,
            None => {}
        };
        let count = shape.count as u32;
        let links = shape.active.iter().zip(&shape.entries).zip(losses).zip(conductance);
        for (k, (((a, entries), loss), &p)) in links.enumerate() {
            if k % LINKS_PER_CHECKPOINT == LINKS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            put(factor, entries[0], p);
            put(factor, entries[1], p);
            put(factor, entries[2], -p);
            let rest = self.flows[a.link as usize] - p * loss.head;
            if a.u < count {
                right[a.u as usize] -= rest;
                if a.v == count {
                    right[a.u as usize] += p * self.heads[a.to as usize];
                }
            }
            if a.v < count {
                right[a.v as usize] += rest;
                if a.u == count {
                    right[a.v as usize] += p * self.heads[a.from as usize];
                }
            }
        }
        Ok(())
    }

    /// How much of a step is made, with the losses there in `trial`. The content of the network
    /// falls along the step; its derivative rises from `-before` and is to come near zero.
    fn line_search(
        &self,
        shape: &Shape,
        steps: &[f64],
        before: f64,
        search: bool,
        trial: &mut [Loss],
    ) -> f64 {
        let mut part = 1.0;
        for round in 0.. {
            let mut slope = 0.0;
            for ((a, &step), loss) in shape.active.iter().zip(steps).zip(&mut *trial) {
                *loss = self.loss(a.link, self.flows[a.link as usize] + part * step);
                slope += (loss.head - self.fall(a)) * step;
            }
            // What is no number is left to the look at the residuals.
            if !search || round == 10 || slope.is_nan() || slope <= 0.5 * before {
                break;
            }
            part *= (before / (before + slope)).max(0.1);
        }
        part
    }

    fn imbalance(&self, shape: &Shape, asked: &[f64]) -> f64 {
        let mut sums: Vec<f64> = asked.iter().map(|q| -q).collect();
        for a in &shape.active {
            let q = self.flows[a.link as usize];
            sums[a.from as usize] -= q;
            sums[a.to as usize] += q;
        }
        let unknown = sums.iter().zip(&shape.unknown).filter(|(_, u)| **u != NONE);
        unknown.fold(0.0, |most, (s, _)| largest(most, *s))
    }
}
