//! An edit solved from the last solution, with its factor.
//!
//! Links whose slope moved far from that in the factor are *hot*: they take part with today's
//! slope, by an update of low rank. All others keep the slope that was factored for the step,
//! which converges linearly and fast since it is nearly right. A loss is computed anew only
//! where the flow left the range in which a line through its last value is exact enough; what
//! the line can miss there is part of the residual that is told.
//!
//! After a step a link meets its line exactly if the line has the slope of the step. So from the
//! second step on only links that were computed anew drive it.

use svgx_base::budget::Budget;
use svgx_engine::linear::Ldl;

use super::laws::Losses;
use super::loss::{Laws, Loss};
use super::newton::{ROUNDING, enough};
use super::plan::{Active, Shape};
use super::solve::{NONE, Plan, Run, Solver, first_flow, largest};
use super::status::Status;
use crate::Error;
use crate::accuracy::Residual;
use crate::update::Update;

/// How many links may be hot; more are factored.
const MOST_HOT: usize = 12;

/// How many of them may be such as were not edited.
const MOST_DRAWN_IN: usize = 6;

/// How many steps are made; more would cost as much as to factor.
const MOST_STEPS: u32 = 12;

/// Part of its slope by which one has to move to make its link hot.
const MOVED: f64 = 0.1;

/// A line through a law at the flow at which it was last computed.
#[derive(Debug, Clone, Copy)]
struct Tangent {
    flow: f64,
    head: f64,
    slope: f64,
    /// How far the flow may go from there, m³/s,
    reach: f64,
    /// if it misses no more than this times its way,
    lean: f64,
    /// and this times the square of its way, m.
    bend: f64,
}

impl Tangent {
    fn of(law: Option<&Laws>, flow: f64, loss: Loss) -> Tangent {
        let (reach, bend) = law.map_or((f64::INFINITY, 0.0), |l| l.bend(flow, loss.slope));
        Tangent { flow, head: loss.head, slope: loss.slope, reach, lean: 0.0, bend }
    }

    /// The same with a slope that is nearly its own.
    fn leaning(self, slope: f64) -> Tangent {
        Tangent { slope, lean: (slope - self.slope).abs(), ..self }
    }

    /// A conductance: one by the slope.
    fn conductance(&self) -> f64 {
        1.0 / self.slope
    }

    /// What the line can miss at a flow, m; infinite out of reach.
    fn off(&self, q: f64) -> f64 {
        let way = (q - self.flow).abs();
        if way <= self.reach { (self.lean + self.bend * way) * way } else { f64::INFINITY }
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
    /// What links are to carry for what they miss.
    driven: Vec<f64>,
}

impl Kept {
    pub(super) fn of(
        solver: &Solver,
        shape: &Shape,
        conductance: Vec<f64>,
        losses: &Losses,
        most: f64,
    ) -> Kept {
        let mut changed = Vec::new();
        let both = losses.heads.iter().zip(&losses.slopes);
        let links = shape.core().iter().zip(both).zip(&conductance).enumerate();
        let tangents = links.map(|(k, ((a, (&head, &slope)), p))| {
            let flow = solver.flows[a.link as usize];
            let tangent = Tangent::of(solver.law(a.link), flow, Loss { head, slope });
            if slope.is_infinite() {
                return tangent;
            }
            // What moved far is hot before long.
            if (tangent.conductance() - p).abs() > MOVED * p {
                changed.push(k as u32);
                return tangent;
            }
            tangent.leaning(1.0 / p)
        });
        let tangents: Vec<Tangent> = tangents.collect();
        let mut is_changed = vec![false; tangents.len()];
        changed.iter().for_each(|&k| is_changed[k as usize] = true);
        Kept {
            tangents,
            changed,
            is_changed,
            driven: vec![0.0; conductance.len()],
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
    /// may begin where this ended. `moved` says that flows and heads are others than those.
    pub(super) fn hot(
        &mut self,
        aim: f64,
        moved: bool,
        budget: &Budget,
    ) -> Result<Option<Run>, Error> {
        let Some(mut plan) = self.plan.take() else { return Ok(None) };
        let mut kept = plan.kept.take();
        let mut run = Ok(None);
        if let Some(k) = &mut kept {
            k.before.0.clone_from(&self.flows);
            k.before.1.clone_from(&self.heads);
            run = self.warm_steps(&mut plan, k, (aim, moved), budget);
            if let Ok(Some(run)) = &mut run {
                self.follow(&plan.shape, run);
            }
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
            // The flow of a tree is what is asked for behind it.
            if at as usize >= plan.shape.core().len() {
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
            kept.conductance[at as usize] = kept.tangents[at as usize].conductance();
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
        (aim, moved): (f64, bool),
        budget: &Budget,
    ) -> Result<Option<Run>, Error> {
        if moved {
            self.tangents(&plan.shape, kept, aim, budget);
        }
        if !self.edited(plan, kept) {
            return Ok(None);
        }
        let Plan { shape, factor: Some(factor), .. } = plan else { return Ok(None) };
        self.fix_heads(shape);
        let asked = self.asked_of_core(shape);
        let drawn = shape.drawn(&asked);
        let mut flows = self.flows_of(shape.core());
        let run = self.warm_loop(shape, factor, kept, (&drawn, &mut flows), (aim, moved), budget);
        for (a, q) in shape.core().iter().zip(&flows) {
            self.flows[a.link as usize] = *q;
        }
        run
    }

    fn warm_loop(
        &mut self,
        shape: &Shape,
        factor: &mut Ldl,
        kept: &mut Kept,
        (drawn, flows): (&[f64], &mut [f64]),
        (aim, moved): (f64, bool),
        budget: &Budget,
    ) -> Result<Option<Run>, Error> {
        let enough = 0.1 * enough(budget.tier());
        let rounding = 0.3 * ROUNDING + 2e-12 * shape.core().len() as f64;
        let mut run = Run::default();
        let mut last = f64::INFINITY;
        while run.iterations < MOST_STEPS {
            if let Err(stop) = budget.checkpoint() {
                run.stopped = Some(stop);
                return if run.iterations > 0 { Ok(Some(run)) } else { Err(stop.into()) };
            }
            for (i, &at) in kept.hot.iter().enumerate() {
                let at = at as usize;
                let now = kept.tangents[at].conductance();
                kept.conductance[at] = now;
                kept.update.set(i, i, now - kept.factored[at]);
            }
            if !kept.update.prepare() {
                return Ok(None);
            }
            if run.iterations == 0 {
                self.drive_all(shape, kept, drawn, flows);
            } else {
                self.drive_changed(shape, kept, flows);
            }
            factor.solve(&mut kept.right[..shape.count]);
            kept.update.correct(&mut kept.right[..shape.count]);
            kept.right[shape.count] = 0.0;
            self.step(shape, kept, flows, aim, enough);
            if run.iterations == 0 {
                kept.driven.fill(0.0);
            }
            run.iterations += 1;
            let flow = enough * kept.most + rounding;
            let missed = self.missed(shape, kept, flows);
            if !missed.energy.is_finite() || !kept.most.is_finite() {
                return Ok(None);
            }
            run.residual.energy = missed.energy;
            if missed.energy <= aim && missed.flow <= flow {
                run.residual = self.residual(shape, kept, drawn, flows);
                if run.residual.balance <= 1e-9 * kept.most + ROUNDING && run.residual.energy <= aim
                {
                    run.converged = true;
                    return Ok(Some(run));
                }
            }
            // Slow: a factor of its own is worth its price.
            if run.iterations >= 3 && missed.flow > 0.4 * last {
                return Ok(None);
            }
            // From near the solution a few steps with any factor do.
            let near = moved && missed.flow <= 0.3 * last;
            last = missed.flow;
            if !near && !self.draw_in(shape, kept, flows, factor, flow) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Lines through the laws where flows are now, as far as they do not tell their losses.
    fn tangents(&self, shape: &Shape, kept: &mut Kept, aim: f64, budget: &Budget) {
        let flow = 0.1 * (0.1 * enough(budget.tier()) * kept.most + ROUNDING);
        for (at, (a, t)) in shape.core().iter().zip(&mut kept.tangents).enumerate() {
            let q = self.flows[a.link as usize];
            if t.slope.is_infinite() || t.off(q) <= (0.3 * aim).min(flow * t.slope) {
                continue;
            }
            *t = Tangent::of(self.law(a.link), q, self.loss(a.link, q));
            if !std::mem::replace(&mut kept.is_changed[at], true) {
                kept.changed.push(at as u32);
            }
        }
    }

    /// By how much a link misses its line, m.
    fn miss(&self, a: &Active, t: &Tangent, q: f64) -> f64 {
        t.head + along(t, q) - self.fall(a)
    }

    /// The right-hand side for a step of the heads: what does not balance, and what links miss.
    fn drive_all(&self, shape: &Shape, kept: &mut Kept, drawn: &[f64], flows: &[f64]) {
        kept.right.copy_from_slice(drawn);
        let links = shape.core().iter().zip(&kept.tangents).zip(&kept.conductance);
        for (((a, t), &p), (driven, &q)) in links.zip(kept.driven.iter_mut().zip(flows)) {
            *driven = p * self.miss(a, t, q);
            let rest = q - *driven;
            kept.right[a.u as usize] -= rest;
            kept.right[a.v as usize] += rest;
        }
    }

    /// The same where all nodes balance, and only links that were computed anew miss anything.
    fn drive_changed(&self, shape: &Shape, kept: &mut Kept, flows: &[f64]) {
        kept.right.fill(0.0);
        for &at in &kept.changed {
            let k = at as usize;
            let (a, t) = (&shape.core()[k], &kept.tangents[k]);
            let driven = kept.conductance[k] * self.miss(a, t, flows[k]);
            kept.driven[k] = driven;
            kept.right[a.u as usize] += driven;
            kept.right[a.v as usize] -= driven;
        }
    }

    /// Makes a step, and computes anew the losses that their lines no longer tell.
    fn step(&mut self, shape: &Shape, kept: &mut Kept, flows: &mut [f64], aim: f64, enough: f64) {
        for (head, &u) in self.heads.iter_mut().zip(&shape.unknown) {
            if u != NONE {
                *head += kept.right[u as usize];
            }
        }
        let flow = 0.1 * (enough * kept.most + ROUNDING);
        let mut most = 0.0;
        let Kept { changed, is_changed, tangents, conductance, driven, right, .. } = &mut *kept;
        let links = shape.core().iter().zip(&mut *tangents).zip(&*conductance);
        for (at, (((a, t), &p), (q, driven))) in
            links.zip(flows.iter_mut().zip(&*driven)).enumerate()
        {
            *q += p * (right[a.u as usize] - right[a.v as usize]) - driven;
            most = largest(most, *q);
            if t.off(*q) <= (0.3 * aim).min(flow * t.slope) {
                continue;
            }
            *t = Tangent::of(self.law(a.link), *q, self.loss(a.link, *q));
            if !std::mem::replace(&mut is_changed[at], true) {
                changed.push(at as u32);
            }
        }
        kept.most = most;
    }

    /// What links that were computed anew miss after a step.
    fn missed(&self, shape: &Shape, kept: &Kept, flows: &[f64]) -> Missed {
        let mut missed = Missed::default();
        for &at in &kept.changed {
            let k = at as usize;
            let t = &kept.tangents[k];
            if t.slope.is_infinite() {
                continue;
            }
            let miss = self.miss(&shape.core()[k], t, flows[k]).abs() + t.off(flows[k]);
            missed.energy = largest(missed.energy, miss);
            missed.flow = largest(missed.flow, miss * t.conductance());
        }
        missed
    }

    /// What all links and nodes miss.
    fn residual(&self, shape: &Shape, kept: &mut Kept, drawn: &[f64], flows: &[f64]) -> Residual {
        let mut energy = 0.0;
        for ((a, t), &q) in shape.core().iter().zip(&kept.tangents).zip(flows) {
            if t.slope.is_finite() {
                energy = largest(energy, self.miss(a, t, q).abs() + t.off(q));
            }
        }
        Residual { balance: shape.imbalance(drawn, flows, &mut kept.right), energy }
    }

    /// Makes links hot that miss most and whose slope moved; answers whether there is room.
    fn draw_in(
        &self,
        shape: &Shape,
        kept: &mut Kept,
        flows: &[f64],
        factor: &mut Ldl,
        flow: f64,
    ) -> bool {
        let mut worst: Vec<(f64, u32)> = Vec::new();
        for &at in &kept.changed {
            let k = at as usize;
            let (a, t) = (&shape.core()[k], &kept.tangents[k]);
            let (p, now) = (kept.conductance[k], t.conductance());
            if (now - p).abs() <= MOVED * p {
                continue;
            }
            let miss = self.miss(a, t, flows[k]).abs() * now.max(p);
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

/// What the line rises on the way to a flow; a link that is shut carries none.
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
