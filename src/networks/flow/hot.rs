//! An edit solved from the last solution, with its factor.
//!
//! Links whose slope moved far from that in the factor are *hot*: they take part with today's
//! slope, by an update of low rank. All others keep the slope that was factored for the step,
//! which converges linearly and fast since it is nearly right. A loss is computed anew only
//! where the flow left the range in which its tangent is exact enough; what the tangent can
//! miss there is part of the residual that is told.

use svgx_base::budget::Budget;
use svgx_engine::linear::Ldl;

use super::loss::{Laws, Loss};
use super::newton::{ROUNDING, enough};
use super::plan::Shape;
use super::solve::{NONE, Plan, Run, Solver, first_flow, largest};
use super::status::Status;
use crate::Error;
use crate::update::Update;

/// How many links may be hot; more are factored.
const MOST_HOT: usize = 12;

/// How many of them may be such as were not edited.
const MOST_DRAWN_IN: usize = 6;

/// How many steps are made; more would cost as much as to factor.
const MOST_STEPS: u32 = 12;

/// Part of its slope by which one has to move to make its link hot.
const MOVED: f64 = 0.1;

/// A law near the flow at which it was last computed.
#[derive(Debug, Clone, Copy)]
struct Tangent {
    flow: f64,
    head: f64,
    slope: f64,
    /// One by the slope.
    conductance: f64,
    /// How far the flow may go from there, m³/s,
    reach: f64,
    /// if it misses no more than this times the square of its way, m.
    bend: f64,
}

impl Tangent {
    fn of(law: Option<&Laws>, flow: f64, loss: Loss) -> Tangent {
        let (reach, bend) = law.map_or((f64::INFINITY, 0.0), |l| l.bend(flow, loss.slope));
        let conductance = 1.0 / loss.slope;
        Tangent { flow, head: loss.head, slope: loss.slope, conductance, reach, bend }
    }
}

/// What is kept of the last solution.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// The conductance of every active link in the factor, and today's of hot ones.
    factored: Vec<f64>,
    conductance: Vec<f64>,
    tangents: Vec<Tangent>,
    /// Links whose loss was computed anew since they were factored, once each.
    changed: Vec<u32>,
    is_changed: Vec<bool>,
    /// Hot links by their columns in `update`.
    hot: Vec<u32>,
    update: Update<f64>,
    /// The largest flow.
    most: f64,
    /// Flows and heads before, if these steps lead nowhere.
    before: (Vec<f64>, Vec<f64>),
    right: Vec<f64>,
    drawn: Vec<f64>,
}

impl Kept {
    pub(super) fn of(
        solver: &Solver,
        shape: &Shape,
        conductance: Vec<f64>,
        losses: &[Loss],
        most: f64,
    ) -> Kept {
        let tangents = shape.active.iter().zip(losses).map(|(a, loss)| {
            let flow = solver.flows[a.link as usize];
            Tangent::of(solver.law(a.link), flow, *loss)
        });
        let tangents: Vec<Tangent> = tangents.collect();
        let moved = |(t, p): (&Tangent, &f64)| (t.conductance - p).abs() > MOVED * p;
        let is_changed: Vec<bool> = tangents.iter().zip(&conductance).map(moved).collect();
        let changed = (0..is_changed.len() as u32).filter(|&k| is_changed[k as usize]);
        Kept {
            tangents,
            changed: changed.collect(),
            is_changed,
            drawn: vec![0.0; conductance.len()],
            factored: conductance.clone(),
            conductance,
            hot: Vec::new(),
            update: Update::default(),
            most,
            before: Default::default(),
            right: vec![0.0; shape.count + 1],
        }
    }

    fn is_hot(&self, at: u32) -> bool {
        self.hot.contains(&at)
    }

    /// Makes a link hot; answers whether there is room for it.
    fn heat(&mut self, at: u32, shape: &Shape, factor: &mut Ldl) -> bool {
        if self.is_hot(at) {
            return true;
        }
        if self.hot.len() >= MOST_HOT {
            return false;
        }
        let active = &shape.active[at as usize];
        let end = |u: u32, by: f64| ((u as usize) < shape.count).then_some((u, by));
        let vector = [end(active.u, 1.0), end(active.v, -1.0)].into_iter().flatten().collect();
        self.update.add(vector, factor, shape.count);
        self.hot.push(at);
        true
    }
}

impl Solver {
    /// The law by which an open link loses.
    pub(super) fn law(&self, link: u32) -> Option<&Laws> {
        (self.status[link as usize] == Status::Open).then(|| &self.laws[link as usize])
    }

    /// Solves from the last solution. `None` where that has to be left to Newton's method, which
    /// may begin where this ended.
    pub(super) fn hot(&mut self, aim: f64, budget: &Budget) -> Result<Option<Run>, Error> {
        let Some(mut plan) = self.plan.take() else { return Ok(None) };
        let mut kept = plan.kept.take();
        let mut run = Ok(None);
        if let Some(k) = &mut kept {
            k.before.0.clone_from(&self.flows);
            k.before.1.clone_from(&self.heads);
            run = self.warm_steps(&mut plan, k, aim, budget);
            if matches!(run, Ok(None)) {
                let all = || self.flows.iter().chain(&self.heads);
                if all().any(|v| !v.is_finite()) {
                    (self.flows, self.heads) = std::mem::take(&mut k.before);
                }
                kept = None;
            }
        }
        plan.kept = kept;
        self.plan = Some(plan);
        run
    }

    /// Links that were edited: with their law of today, and hot.
    fn edited(&mut self, plan: &mut Plan, kept: &mut Kept) -> bool {
        let touched = std::mem::take(&mut self.touched);
        for &link in &touched {
            let at = plan.shape.place[link as usize];
            if at == NONE {
                continue;
            }
            let open = self.status[link as usize] == Status::Open;
            let q = &mut self.flows[link as usize];
            if !open {
                *q = 0.0;
            } else if kept.tangents[at as usize].slope.is_infinite() {
                *q = first_flow(&self.network.links[link as usize]);
            }
            let flow = *q;
            let loss = self.loss(link, flow);
            kept.tangents[at as usize] = Tangent::of(self.law(link), flow, loss);
            kept.conductance[at as usize] = kept.tangents[at as usize].conductance;
            let Some(factor) = &mut plan.factor else { return false };
            if !kept.heat(at, &plan.shape, factor) {
                return false;
            }
        }
        true
    }

    fn warm_steps(
        &mut self,
        plan: &mut Plan,
        kept: &mut Kept,
        aim: f64,
        budget: &Budget,
    ) -> Result<Option<Run>, Error> {
        if !self.edited(plan, kept) {
            return Ok(None);
        }
        let Plan { shape, factor: Some(factor), .. } = plan else { return Ok(None) };
        self.fix_heads(shape);
        let asked = self.asked();
        let enough = 0.1 * enough(budget.tier());
        let rounding = ROUNDING + 2e-12 * shape.active.len() as f64;
        let mut run = Run::default();
        let mut last = f64::INFINITY;
        while run.iterations < MOST_STEPS {
            if let Err(stop) = budget.checkpoint() {
                run.stopped = Some(stop);
                return if run.iterations > 0 { Ok(Some(run)) } else { Err(stop.into()) };
            }
            for (i, &at) in kept.hot.iter().enumerate() {
                let at = at as usize;
                let now = kept.tangents[at].conductance;
                kept.conductance[at] = now;
                kept.update.set(i, i, now - kept.factored[at]);
            }
            if !kept.update.prepare() {
                return Ok(None);
            }
            self.linear(shape, kept, &asked);
            factor.solve(&mut kept.right[..shape.count]);
            kept.update.correct(&mut kept.right[..shape.count]);
            kept.right[shape.count] = 0.0;
            run.iterations += 1;
            let missed = self.step(shape, kept, aim, enough * kept.most + rounding);
            if !missed.energy.is_finite() {
                return Ok(None);
            }
            run.residual.energy = missed.energy;
            if missed.energy <= aim && missed.flow <= enough * kept.most + rounding {
                run.residual.balance = self.left_over(shape, kept, &asked);
                if run.residual.balance <= 1e-9 * kept.most + ROUNDING {
                    run.converged = true;
                    return Ok(Some(run));
                }
            }
            // Slow: a factor of its own is worth its price.
            if run.iterations >= 3 && missed.flow > 0.4 * last {
                return Ok(None);
            }
            last = missed.flow;
            if !self.draw_in(shape, kept, factor, enough * kept.most + rounding) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// The right-hand side for a step of the heads: what does not balance, and what links miss.
    fn linear(&self, shape: &Shape, kept: &mut Kept, asked: &[f64]) {
        for (&u, q) in shape.unknown.iter().zip(asked) {
            if u != NONE {
                kept.right[u as usize] = -q;
            }
        }
        let links = shape.active.iter().zip(&kept.tangents).zip(&kept.conductance);
        for (((a, t), &p), drawn) in links.zip(&mut kept.drawn) {
            let q = self.flows[a.link as usize];
            let drop = self.fall(a);
            *drawn = p * (t.head + along(t, q) - drop);
            let rest = q - *drawn;
            kept.right[a.u as usize] -= rest;
            kept.right[a.v as usize] += rest;
        }
    }

    /// Makes a step, and computes anew the losses that their tangents no longer tell.
    fn step(&mut self, shape: &Shape, kept: &mut Kept, aim: f64, flow: f64) -> Missed {
        for (head, &u) in self.heads.iter_mut().zip(&shape.unknown) {
            if u != NONE {
                *head += kept.right[u as usize];
            }
        }
        let mut missed = Missed::default();
        let mut most = 0.0;
        let Kept { changed, is_changed, tangents, conductance, drawn, right, .. } = &mut *kept;
        let links = shape.active.iter().zip(&mut *tangents).zip(&*conductance);
        for (at, (((a, t), &p), drawn)) in links.zip(&*drawn).enumerate() {
            let moved = p * (right[a.u as usize] - right[a.v as usize]) - drawn;
            let q = self.flows[a.link as usize] + moved;
            self.flows[a.link as usize] = q;
            most = largest(most, q);
            let way = q - t.flow;
            let mut off = t.bend * way * way;
            if !(way.abs() <= t.reach && off <= 0.3 * aim && off <= 0.1 * flow * t.slope) {
                let loss = self.loss(a.link, q);
                *t = Tangent::of(self.law(a.link), q, loss);
                off = 0.0;
                if !std::mem::replace(&mut is_changed[at], true) {
                    changed.push(at as u32);
                }
            }
            if t.slope.is_infinite() {
                continue;
            }
            let drop = self.fall(a);
            let miss = (t.head + along(t, q) - drop).abs() + off;
            missed.energy = largest(missed.energy, miss);
            missed.flow = largest(missed.flow, miss * t.conductance);
        }
        kept.most = most;
        missed
    }

    /// The largest imbalance of a node.
    fn left_over(&self, shape: &Shape, kept: &mut Kept, asked: &[f64]) -> f64 {
        for (&u, q) in shape.unknown.iter().zip(asked) {
            if u != NONE {
                kept.right[u as usize] = -q;
            }
        }
        for a in &shape.active {
            let q = self.flows[a.link as usize];
            kept.right[a.u as usize] -= q;
            kept.right[a.v as usize] += q;
        }
        kept.right[..shape.count].iter().fold(0.0, |most, b| largest(most, *b))
    }

    /// Makes links hot that miss most and whose slope moved; answers whether there is room.
    fn draw_in(&self, shape: &Shape, kept: &mut Kept, factor: &mut Ldl, flow: f64) -> bool {
        let mut worst: Vec<(f64, u32)> = Vec::new();
        for &at in &kept.changed {
            let (a, t) = (&shape.active[at as usize], &kept.tangents[at as usize]);
            let (p, now) = (kept.conductance[at as usize], t.conductance);
            if (now - p).abs() <= MOVED * p {
                continue;
            }
            let drop = self.fall(a);
            let q = self.flows[a.link as usize];
            let miss = (t.head + along(t, q) - drop).abs() * now.max(p);
            if miss > flow && !kept.is_hot(at) {
                worst.push((miss, at));
            }
        }
        let room = MOST_DRAWN_IN.min(MOST_HOT - kept.hot.len());
        if worst.len() > 4 * room {
            return false;
        }
        worst.sort_by(|a, b| b.0.total_cmp(&a.0));
        worst.iter().take(2).all(|&(_, at)| kept.heat(at, shape, factor))
    }
}

/// What the tangent rises on the way to a flow; a link that is shut carries none.
fn along(t: &Tangent, q: f64) -> f64 {
    if t.slope.is_infinite() { 0.0 } else { t.slope * (q - t.flow) }
}

/// What links miss after a step.
#[derive(Debug, Clone, Copy, Default)]
struct Missed {
    /// Of their laws, m.
    energy: f64,
    /// By how much their flows may be wrong, each taken alone, m³/s.
    flow: f64,
}
