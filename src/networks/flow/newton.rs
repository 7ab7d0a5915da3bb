//! Steps of Newton's method with a factor of their own each, and a line search.

use svgx_base::budget::{Budget, Stop, Tier};
use svgx_engine::linear::{FactorError, Ldl};

use super::hot::Kept;
use super::laws::{Batch, Losses};
use super::loss::{Laws, Loss};
use super::plan::{Active, Shape};
use super::solve::{NONE, Plan, Run, Solver, largest};
use super::status::Status;
use crate::Error;
use crate::topology::LINKS_PER_CHECKPOINT;

/// How many steps of Newton's method are made.
const MOST_ITERATIONS: u32 = 100;

/// Part of the largest flow by which flows move when the factor of a step is good for those
/// to come.
const NEAR: f64 = 3e-2;

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
        let mut run = self.steps(&mut plan, aim, whole, budget);
        if let Ok(run) = &mut run {
            self.follow(&plan.shape, run);
        }
        self.plan = Some(plan);
        run
    }

    /// What every node of the core is asked for, by itself and by the trees on it, whose flows
    /// follow.
    pub(super) fn asked_of_core(&mut self, shape: &Shape) -> Vec<f64> {
        let mut asked = self.asked();
        for branch in shape.trees.iter().rev() {
            let q = asked[branch.child as usize];
            asked[branch.parent as usize] += q;
            self.flows[branch.link as usize] = branch.sign * q;
        }
        asked
    }

    /// The heads of trees.
    pub(super) fn follow(&mut self, shape: &Shape, run: &mut Run) {
        let mut sound = true;
        for branch in &shape.trees {
            let link = branch.link as usize;
            let flow = self.flows[link];
            if self.lost[link].0 != flow {
                self.lost[link] = (flow, self.loss(branch.link, flow).head);
            }
            let head = self.heads[branch.parent as usize] - branch.sign * self.lost[link].1;
            self.heads[branch.child as usize] = head;
            sound &= head.is_finite();
        }
        if !sound {
            (run.residual.energy, run.converged) = (f64::INFINITY, false);
        }
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

    /// The flows of the core.
    pub(super) fn flows_of(&self, core: &[Active]) -> Vec<f64> {
        core.iter().map(|a| self.flows[a.link as usize]).collect()
    }

    fn steps(
        &mut self,
        plan: &mut Plan,
        aim: f64,
        whole: bool,
        budget: &Budget,
    ) -> Result<Run, Error> {
        let asked = self.asked_of_core(&plan.shape);
        let Plan { shape, factor: Some(factor), kept } = plan else { return Ok(Run::default()) };
        *kept = None;
        let mut flows = self.flows_of(shape.core());
        let done = self.descend(shape, factor, &asked, &mut flows, (aim, whole), budget);
        for (a, q) in shape.core().iter().zip(&flows) {
            self.flows[a.link as usize] = *q;
        }
        let (run, near) = done?;
        *kept = near.map(|near| Kept::of(self, shape, near.conductance, &near.losses, near.most));
        Ok(run)
    }

    /// Steps until the aim is met, or until the factor of a step is good for those to come.
    fn descend(
        &mut self,
        shape: &Shape,
        factor: &mut Ldl,
        asked: &[f64],
        flows: &mut Vec<f64>,
        (aim, whole): (f64, bool),
        budget: &Budget,
    ) -> Result<(Run, Option<Near>), Error> {
        let enough = enough(budget.tier());
        let core = shape.core();
        let drawn = shape.drawn(asked);
        let mut run = Run::default();
        let laws = Batch::of(self, core);
        let mut losses = Losses::of(core.len());
        laws.at(self, core, flows, &mut losses);
        let pumped = core.iter().any(|a| matches!(self.laws[a.link as usize], Laws::Pump { .. }));
        if std::mem::take(&mut self.fresh) && !pumped {
            self.through_zero(core, flows, &mut losses);
        }
        let mut trial = losses.clone();
        let mut moved_to = vec![0.0; core.len()];
        let mut steps = vec![0.0; core.len()];
        let mut falls = vec![0.0; core.len()];
        let mut misses = vec![0.0; core.len()];
        let mut conductance = vec![0.0; core.len()];
        // Heads of a large network are rounded more than once.
        let rounding = ROUNDING + 2e-12 * core.len() as f64;
        let mut right = vec![0.0; shape.count + 1];
        while run.iterations < MOST_ITERATIONS {
            if let Err(stop) = budget.checkpoint() {
                run.stopped = Some(stop);
                run.residual.balance = shape.imbalance(&drawn, flows, &mut right);
                return if run.iterations > 0 { Ok((run, None)) } else { Err(stop.into()) };
            }
            for (p, slope) in conductance.iter_mut().zip(&losses.slopes) {
                *p = 1.0 / slope;
            }
            right.copy_from_slice(&drawn);
            self.assemble(shape, factor, (&losses.heads, &conductance), flows, &mut right, budget)?;
            match factor.factor(0.0, budget) {
                Ok(()) => {}
                Err(FactorError::Stopped(stop)) => {
                    run.stopped = Some(stop);
                    run.residual.balance = shape.imbalance(&drawn, flows, &mut right);
                    return if run.iterations > 0 { Ok((run, None)) } else { Err(stop.into()) };
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
            for (fall, a) in falls.iter_mut().zip(core) {
                *fall = self.fall(a);
            }
            let links = losses.heads.iter().zip(&falls).zip(&conductance);
            for (step, ((head, fall), p)) in steps.iter_mut().zip(links) {
                *step = (fall - head) * p;
            }
            let before = -along(&losses.heads, &falls, &steps);
            // The content of the network falls along the step; its derivative rises from
            // `-before` and is to come near zero. The first step makes the flows balance; only
            // from there on does the content fall.
            let mut part = 1.0;
            for round in 0.. {
                for ((to, q), step) in moved_to.iter_mut().zip(&*flows).zip(&steps) {
                    *to = q + part * step;
                }
                laws.at(self, core, &moved_to, &mut trial);
                let slope = along(&trial.heads, &falls, &steps);
                // What is no number is left to the look at the residuals.
                let far = run.iterations > 0 && slope > 0.5 * before;
                if !far || round == 10 {
                    break;
                }
                part *= (before / (before + slope)).max(0.1);
            }
            run.iterations += 1;
            std::mem::swap(&mut losses, &mut trial);
            std::mem::swap(flows, &mut moved_to);
            let links = losses.heads.iter().zip(&losses.slopes).zip(&falls);
            for (miss, ((head, slope), fall)) in misses.iter_mut().zip(links) {
                // One that is shut carries none at any head.
                *miss = if *slope < f64::INFINITY { head - fall } else { 0.0 };
            }
            let (energy, most) = (most_of(&misses), most_of(flows));
            let moved = part * most_of(&steps);
            run.residual.energy = energy;
            if !(energy.is_finite() && most.is_finite()) {
                break;
            }
            if energy <= aim && moved <= enough * most + rounding {
                run.residual.balance = shape.imbalance(&drawn, flows, &mut right);
                run.converged = run.residual.balance <= 1e-9 * most + ROUNDING;
            }
            // The rest is left to steps without a factor of their own, unless these failed.
            let near = !whole && part == 1.0 && run.iterations > 1 && moved <= NEAR * most;
            if run.converged || near {
                return Ok((run, Some(Near { conductance, losses, most })));
            }
        }
        run.residual.balance = shape.imbalance(&drawn, flows, &mut right);
        Ok((run, None))
    }

    /// Lines through no flow instead of tangents: where nothing is known, the first flows say how
    /// large flows may be, and nothing of where to (the linear theory of Wood and Charles 1972).
    /// Around a pump links are mostly written the way it drives.
    fn through_zero(&self, core: &[Active], flows: &[f64], losses: &mut Losses) {
        let both = losses.heads.iter().zip(&mut losses.slopes);
        for ((a, q), (head, slope)) in core.iter().zip(flows).zip(both) {
            let one_way = self.laws[a.link as usize].is_one_way();
            let through = head / q;
            if !one_way && through.is_finite() && through > 0.0 && slope.is_finite() {
                *slope = through;
            }
        }
    }

    /// The matrix and what is added to the right-hand side for a step from flows of the core.
    pub(super) fn assemble(
        &self,
        shape: &Shape,
        factor: &mut Ldl,
        (heads, conductance): (&[f64], &[f64]),
        flows: &[f64],
        right: &mut [f64],
        budget: &Budget,
    ) -> Result<(), Stop> {
        factor.clear();
        let put = |to: &mut [f64], at: u32, value: f64| {
            if let Some(entry) = to.get_mut(at as usize) {
                *entry += value;
            }
        };
        let count = shape.count as u32;
        let links = shape.core().iter().zip(&shape.entries).zip(heads).zip(conductance);
        for (k, ((((a, entries), head), &p), &q)) in links.zip(flows).enumerate() {
            if k % LINKS_PER_CHECKPOINT == LINKS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            put(&mut factor.diagonal, entries[0], p);
            put(&mut factor.diagonal, entries[1], p);
            put(&mut factor.off_diagonal, entries[2], -p);
            let rest = q - p * head;
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
}

/// Where the steps came near.
struct Near {
    conductance: Vec<f64>,
    losses: Losses,
    most: f64,
}

/// How the content of the network rises along steps: the sum of `(head - fall) step`, in lanes
/// that do not wait for each other.
fn along(heads: &[f64], falls: &[f64], steps: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let [heads, falls, steps] = [heads, falls, steps].map(|of| of.chunks_exact(LANES));
    let rest = heads.remainder().iter().zip(falls.remainder()).zip(steps.remainder());
    let rest: f64 = rest.map(|((head, fall), step)| (head - fall) * step).sum();
    for ((head, fall), step) in heads.zip(falls).zip(steps) {
        for (k, lane) in lanes.iter_mut().enumerate() {
            *lane += (head[k] - fall[k]) * step[k];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// The largest size; infinite where anything is not finite.
fn most_of(values: &[f64]) -> f64 {
    let (mut lanes, mut odd) = ([0.0f64; LANES], [0.0f64; LANES]);
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder().iter().fold(0.0, |most, v| largest(most, *v));
    for chunk in chunks {
        for (k, &value) in chunk.iter().enumerate() {
            let size = value.abs();
            lanes[k] = if size > lanes[k] { size } else { lanes[k] };
            // Nothing, or no number where it is not finite.
            odd[k] += value * 0.0;
        }
    }
    let finite = odd.iter().sum::<f64>() == 0.0;
    let most = lanes.iter().fold(rest, |most, v| largest(most, *v));
    if finite { most } else { f64::INFINITY }
}

/// How many sums are made side by side.
const LANES: usize = 4;
