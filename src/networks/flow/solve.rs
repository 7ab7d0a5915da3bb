//! Heads and flows by the global gradient algorithm (Todini and Pilati 1988): Newton's method on
//! flows and heads together, one symmetric positive definite system of heads in each step, and a
//! line search on the content (Collins and others 1978) so that it converges from anywhere.

use svgx_base::budget::{Budget, Stop};
use svgx_engine::linear::{Entry, FactorError, Ldl};

use super::loss::{Laws, Loss};
use super::model::{LinkKind, Network, NodeKind};
use super::report;
use super::status::{self, MOST_FLIPS, Status};
use crate::accuracy::{Domain, Effort, Residual, Reused, tolerance};
use crate::matrix::factor_of;
use crate::topology::{Islands, LINKS_PER_CHECKPOINT};
use crate::{Error, Finding, Limits};

/// How many steps of Newton's method are made.
const MOST_ITERATIONS: u32 = 100;

/// How often the status of valves is looked at.
const MOST_ROUNDS: u32 = 60;

/// Imbalance of a node that the rounding of heads makes, m³/s.
const ROUNDING: f64 = 1e-8;

pub(crate) const NONE: u32 = u32::MAX;

/// A network with what was computed of it.
#[derive(Debug, Clone)]
pub struct Solver {
    pub(crate) network: Network,
    limits: Limits,
    pub(crate) laws: Vec<Laws>,
    pub(crate) status: Vec<Status>,
    pub(crate) flows: Vec<f64>,
    pub(crate) heads: Vec<f64>,
    pub(crate) plan: Option<Plan>,
}

/// Which heads are unknown, and where links enter the matrix.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) islands: Islands,
    pub(crate) supply: Vec<Supply>,
    /// What every island is asked for, m³/s.
    asked: Vec<f64>,
    /// The unknown of every node.
    pub(crate) unknown: Vec<u32>,
    /// Links that carry something, and their entries: two diagonals and what is off it.
    pub(crate) active: Vec<(u32, [Option<Entry>; 3])>,
    pub(crate) factor: Ldl,
}

/// What an island gets its head from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Supply {
    /// A node of fixed head, or a regulator.
    Fixed,
    /// Nothing, but nothing is asked for: flows exist, heads do not.
    Floating,
    /// Nothing.
    Dead,
}

/// The answer for a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Head of every node, m. `None` where nothing fixes it.
    pub heads: Vec<Option<f64>>,
    /// Pressure of every node, Pa: the weight of the fluid above it.
    pub pressures: Vec<Option<f64>>,
    /// Flow of every link from `from` to `to`, m³/s. `None` where it is not supplied.
    pub flows: Vec<Option<f64>>,
    /// What every node puts into the network, m³/s: of a fixed node what it supplies, of
    /// another its demand, negative.
    pub supplied: Vec<Option<f64>>,
    /// Whether a valve or pump keeps a flow from coming back.
    pub holding: Vec<bool>,
    /// The nodes of every island.
    pub islands: Vec<Vec<u32>>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How exact the answer is: `balance` in m³/s, `energy` in m.
    pub effort: Effort,
}

/// A run of Newton's method.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    pub(crate) iterations: u32,
    pub(crate) residual: Residual,
    pub(crate) converged: bool,
    pub(crate) stopped: Option<Stop>,
}

impl Solver {
    /// # Errors
    /// [`Error`] for a network that is too large, refers to nodes that do not exist, or has
    /// quantities that no such element has.
    pub fn new(network: Network, limits: &Limits) -> Result<Solver, Error> {
        network.admit(limits)?;
        let laws = network.links.iter().map(|l| Laws::of(l, network.law, &network.fluid));
        let laws = laws.collect();
        let flows = network.links.iter().map(first_flow).collect();
        let heads = vec![0.0; network.nodes.len()];
        let status = status::start(&network);
        Ok(Solver { network, limits: *limits, laws, status, flows, heads, plan: None })
    }

    /// The network as it is now.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Changes a demand or a fixed head. Answers whether there is such a node, of that kind.
    pub fn set_node(&mut self, node: usize, value: f64) -> bool {
        match self.network.nodes.get_mut(node).map(|n| &mut n.kind) {
            Some(NodeKind::Demand(v) | NodeKind::Fixed(v)) if value.is_finite() => *v = value,
            _ => return false,
        }
        // What a part without a source is asked for decides what can be said of it.
        if self.cut_off(node as u32).is_some() {
            self.plan = None;
        }
        true
    }

    /// Changes what a link is: its length, its setting, its curve.
    ///
    /// # Errors
    /// [`Error::Quantity`]; the link stays as it was then.
    pub fn set_link(&mut self, link: usize, kind: LinkKind) -> Result<bool, Error> {
        let Some(old) = self.network.links.get(link).map(|l| l.kind) else { return Ok(false) };
        self.network.links[link].kind = kind;
        if let Err(error) = self.network.admit(&self.limits) {
            self.network.links[link].kind = old;
            return Err(error);
        }
        let l = &self.network.links[link];
        self.laws[link] = Laws::of(l, self.network.law, &self.network.fluid);
        if std::mem::discriminant(&old) != std::mem::discriminant(&kind) {
            self.status[link] = status::start(&self.network)[link];
            self.plan = None;
        }
        Ok(true)
    }

    /// Opens or closes a link. Answers whether there is such a link.
    pub fn set_open(&mut self, link: usize, open: bool) -> bool {
        let Some(l) = self.network.links.get_mut(link) else { return false };
        if l.open != open {
            l.open = open;
            self.status[link] = if open { Status::Open } else { Status::Closed };
            self.flows[link] = if open { first_flow(&self.network.links[link]) } else { 0.0 };
            self.plan = None;
        }
        true
    }

    /// Solves, from where the last solution was.
    ///
    /// # Errors
    /// [`Error::Overflow`] for quantities that cannot be computed with, [`Error::Stopped`]
    /// before there is any iterate.
    pub fn solve(&mut self, budget: &Budget) -> Result<Solution, Error> {
        let domain = if self.network.fluid.liquid { Domain::Water } else { Domain::Air };
        let mut aim = tolerance(domain, budget.tier());
        if domain == Domain::Air {
            aim *= self.network.fluid.head_per_pascal();
        }
        let links = self.network.links.len();
        let mut flips = vec![0u8; links];
        let mut run = Run::default();
        let mut iterations = 0;
        let mut reused = if self.plan.is_some() { Reused::Order } else { Reused::Nothing };
        let mut settled = false;
        for _ in 0..MOST_ROUNDS {
            if self.plan.is_none() {
                status::settle(&self.network, &mut self.status);
                self.plan = Some(self.planned(budget)?);
                if iterations > 0 {
                    reused = Reused::Nothing;
                }
            }
            run = self.newton(aim, budget)?;
            iterations += run.iterations;
            if let Some(stop) = run.stopped {
                // Who is strict does not want the last iterate.
                if budget.is_strict() {
                    return Err(stop.into());
                }
                break;
            }
            if self.review(&mut flips) {
                settled = true;
                break;
            }
        }
        let flapping: Vec<usize> = (0..links).filter(|&k| flips[k] >= MOST_FLIPS).collect();
        let effort = Effort {
            residual: run.residual,
            tolerance: aim,
            converged: run.converged && settled && flapping.is_empty(),
            iterations,
            reused,
            stopped: run.stopped,
        };
        Ok(report::answer(self, effort, &flapping, &self.limits))
    }

    /// Islands, unknowns and the order of elimination.
    fn planned(&self, budget: &Budget) -> Result<Plan, Error> {
        let network = &self.network;
        let n = network.nodes.len();
        let carries = |k: usize| self.status[k] == Status::Open;
        let open = || network.links.iter().enumerate().filter(|(k, _)| carries(*k));
        let islands = Islands::of(n, open().map(|(_, l)| (l.from, l.to)), budget)?;
        let mut fixed = vec![false; n];
        let mut supply = vec![Supply::Dead; islands.count()];
        let mut asked = vec![(0.0f64, 0.0f64); islands.count()];
        for (k, node) in network.nodes.iter().enumerate() {
            let island = islands.island(k as u32);
            match node.kind {
                NodeKind::Fixed(_) => {
                    fixed[k] = true;
                    supply[island] = Supply::Fixed;
                }
                NodeKind::Demand(q) => {
                    asked[island].0 += q;
                    asked[island].1 += q.abs();
                }
            }
        }
        for (link, _) in
            network.links.iter().zip(&self.status).filter(|(_, s)| **s == Status::Regulating)
        {
            fixed[link.to as usize] = true;
            supply[islands.island(link.to)] = Supply::Fixed;
        }
        let mut pinned = vec![false; islands.count()];
        let mut unknown = vec![NONE; n];
        let mut count = 0;
        for (k, u) in unknown.iter_mut().enumerate() {
            let island = islands.island(k as u32);
            if supply[island] == Supply::Dead {
                let (sum, size) = asked[island];
                if sum.abs() > 1e-12 * size {
                    continue;
                }
                supply[island] = Supply::Floating;
            }
            // One head of an island that floats is pinned.
            let pin = supply[island] == Supply::Floating && !pinned[island];
            pinned[island] |= pin;
            if !fixed[k] && !pin {
                *u = count;
                count += 1;
            }
        }
        let pairs = open().filter_map(|(_, l)| {
            let pair = [unknown[l.from as usize], unknown[l.to as usize]];
            (!pair.contains(&NONE) && pair[0] != pair[1]).then_some(pair)
        });
        let factor: Ldl = factor_of(count as usize, pairs, budget)?;
        let mut active = Vec::new();
        for (k, link) in open() {
            if supply[islands.island(link.from)] == Supply::Dead {
                continue;
            }
            let (a, b) = (unknown[link.from as usize], unknown[link.to as usize]);
            let entry = |i: u32, j: u32| (i != NONE && j != NONE).then(|| factor.entry(i, j));
            let entries = if a == b && a != NONE {
                [None; 3]
            } else {
                [entry(a, a), entry(b, b), entry(a, b)]
            };
            active.push((k as u32, entries));
        }
        let asked = asked.iter().map(|a| a.0).collect();
        Ok(Plan { islands, supply, asked, unknown, active, factor })
    }

    /// Heads that are given.
    fn fix_heads(&mut self, plan: &Plan) {
        for (k, node) in self.network.nodes.iter().enumerate() {
            match node.kind {
                NodeKind::Fixed(head) => self.heads[k] = head,
                NodeKind::Demand(_) if plan.unknown[k] == NONE => self.heads[k] = 0.0,
                NodeKind::Demand(_) => {}
            }
        }
        for (link, _) in
            self.network.links.iter().zip(&self.status).filter(|(_, s)| **s == Status::Regulating)
        {
            if let LinkKind::Regulator { head, .. } = link.kind {
                let to = link.to as usize;
                self.heads[to] = self.network.nodes[to].elevation + head;
            }
        }
    }

    /// What every node is asked for: its demand and what regulators take from it.
    pub(crate) fn asked(&self) -> Vec<f64> {
        let nodes = self.network.nodes.iter();
        let mut asked: Vec<f64> =
            nodes.map(|n| if let NodeKind::Demand(q) = n.kind { q } else { 0.0 }).collect();
        for (k, link) in self.network.links.iter().enumerate() {
            if self.status[k] == Status::Regulating {
                asked[link.from as usize] += self.flows[k];
            }
        }
        asked
    }

    fn newton(&mut self, aim: f64, budget: &Budget) -> Result<Run, Error> {
        let Some(mut plan) = self.plan.take() else { return Ok(Run::default()) };
        self.fix_heads(&plan);
        let run = self.steps(&mut plan, aim, budget);
        self.plan = Some(plan);
        run
    }

    fn steps(&mut self, plan: &mut Plan, aim: f64, budget: &Budget) -> Result<Run, Error> {
        // How exact flows have to be, relative to the largest: a step is quadratic, the error
        // after it is the square of this.
        let enough = match budget.tier() {
            svgx_base::budget::Tier::Ui => 1e-2,
            svgx_base::budget::Tier::Edit => 1e-3,
            svgx_base::budget::Tier::Compute => 1e-5,
        };
        let asked = self.asked();
        let mut run = Run::default();
        let mut losses: Vec<Loss> = plan
            .active
            .iter()
            .map(|&(k, _)| self.laws[k as usize].at(self.flows[k as usize]))
            .collect();
        let mut steps = vec![0.0; losses.len()];
        // Heads of a large network are rounded more than once.
        let rounding = ROUNDING + 2e-12 * losses.len() as f64;
        let mut right = vec![0.0; plan.unknown.iter().filter(|&&u| u != NONE).count()];
        while run.iterations < MOST_ITERATIONS {
            if let Err(stop) = budget.checkpoint() {
                run.stopped = Some(stop);
                return if run.iterations > 0 { Ok(run) } else { Err(stop.into()) };
            }
            self.assemble(plan, &losses, &asked, &mut right, budget)?;
            match plan.factor.factor(0.0, budget) {
                Ok(()) => {}
                Err(FactorError::Stopped(stop)) => {
                    run.stopped = Some(stop);
                    return if run.iterations > 0 { Ok(run) } else { Err(stop.into()) };
                }
                Err(FactorError::NotPositive(pivot)) => {
                    let at = plan.unknown.iter().position(|&u| u == pivot.row).unwrap_or(0);
                    return Err(Error::Overflow { at: self.network.nodes[at].name.clone() });
                }
            }
            plan.factor.solve(&mut right);
            for (head, &u) in self.heads.iter_mut().zip(&plan.unknown) {
                if u != NONE {
                    *head = right[u as usize];
                }
            }
            let mut before = 0.0;
            for ((&(k, _), loss), step) in plan.active.iter().zip(&losses).zip(&mut steps) {
                *step = -(loss.head - self.drop(k)) / loss.slope;
                before += loss.slope * *step * *step;
            }
            // The first step makes the flows balance; only from there on does the content fall.
            let part =
                if run.iterations == 0 { 1.0 } else { self.line_search(plan, &steps, before) };
            run.iterations += 1;
            let (mut energy, mut most, mut moved) = (0.0f64, 0.0f64, 0.0f64);
            for ((&(k, _), loss), step) in plan.active.iter().zip(&mut losses).zip(&steps) {
                let q = self.flows[k as usize] + part * step;
                self.flows[k as usize] = q;
                *loss = self.laws[k as usize].at(q);
                energy = largest(energy, loss.head - self.drop(k));
                most = largest(most, q);
                moved = largest(moved, part * step);
            }
            let balance = self.imbalance(plan, &asked);
            run.residual = Residual { balance, energy };
            if !energy.is_finite() || !balance.is_finite() {
                break;
            }
            let balanced = balance <= 1e-9 * most + ROUNDING;
            if energy <= aim && balanced && moved <= enough * most + rounding {
                run.converged = true;
                break;
            }
        }
        Ok(run)
    }

    /// Fall of the head along a link, m.
    pub(crate) fn drop(&self, link: u32) -> f64 {
        let l = &self.network.links[link as usize];
        self.heads[l.from as usize] - self.heads[l.to as usize]
    }

    fn assemble(
        &self,
        plan: &mut Plan,
        losses: &[Loss],
        asked: &[f64],
        right: &mut [f64],
        budget: &Budget,
    ) -> Result<(), Stop> {
        plan.factor.clear();
        for (&u, q) in plan.unknown.iter().zip(asked) {
            if u != NONE {
                right[u as usize] = -q;
            }
        }
        let put = |factor: &mut Ldl, entry: Option<Entry>, value: f64| match entry {
            Some(Entry::Diagonal(at)) => factor.diagonal[at as usize] += value,
            Some(Entry::OffDiagonal(at)) => factor.off_diagonal[at as usize] += value,
            None => {}
        };
        for (count, ((k, entries), loss)) in plan.active.iter().zip(losses).enumerate() {
            if count % LINKS_PER_CHECKPOINT == LINKS_PER_CHECKPOINT - 1 {
                budget.checkpoint()?;
            }
            let link = &self.network.links[*k as usize];
            let p = 1.0 / loss.slope;
            put(&mut plan.factor, entries[0], p);
            put(&mut plan.factor, entries[1], p);
            put(&mut plan.factor, entries[2], -p);
            let (a, b) = (link.from as usize, link.to as usize);
            let rest = self.flows[*k as usize] - p * loss.head;
            let (u, v) = (plan.unknown[a], plan.unknown[b]);
            if u != NONE {
                right[u as usize] -= rest;
                if v == NONE {
                    right[u as usize] += p * self.heads[b];
                }
            }
            if v != NONE {
                right[v as usize] += rest;
                if u == NONE {
                    right[v as usize] += p * self.heads[a];
                }
            }
        }
        Ok(())
    }

    /// How much of a step is made. The content of the network falls along the step; its
    /// derivative rises from `-before` and is to come near zero.
    fn line_search(&self, plan: &Plan, steps: &[f64], before: f64) -> f64 {
        let mut part = 1.0;
        for _ in 0..10 {
            let mut slope = 0.0;
            for (&(k, _), &step) in plan.active.iter().zip(steps) {
                let q = self.flows[k as usize] + part * step;
                slope += (self.laws[k as usize].at(q).head - self.drop(k)) * step;
            }
            // What is no number is left to the look at the residuals.
            if slope.is_nan() || slope <= 0.5 * before {
                break;
            }
            part *= (before / (before + slope)).max(0.1);
        }
        part
    }

    fn imbalance(&self, plan: &Plan, asked: &[f64]) -> f64 {
        let mut sums: Vec<f64> = asked.iter().map(|q| -q).collect();
        for &(k, _) in &plan.active {
            let link = &self.network.links[k as usize];
            let q = self.flows[k as usize];
            sums[link.from as usize] -= q;
            sums[link.to as usize] += q;
        }
        let unknown = sums.iter().zip(&plan.unknown).filter(|(_, u)| **u != NONE);
        unknown.fold(0.0, |most, (s, _)| largest(most, *s))
    }

    /// What flows into the network at a node, beside what is asked for.
    pub(crate) fn put_in(&self) -> Vec<f64> {
        let mut sums = self.asked();
        let Some(plan) = &self.plan else { return sums };
        for &(k, _) in &plan.active {
            let link = &self.network.links[k as usize];
            sums[link.from as usize] += self.flows[k as usize];
            sums[link.to as usize] -= self.flows[k as usize];
        }
        sums
    }

    /// What the part of a node is asked for, if no source reaches it, m³/s.
    fn cut_off(&self, node: u32) -> Option<f64> {
        let plan = self.plan.as_ref()?;
        let island = plan.islands.island(node);
        (plan.supply[island] != Supply::Fixed).then(|| plan.asked[island])
    }

    /// Looks whether valves stand as they should; answers whether nothing changed.
    fn review(&mut self, flips: &mut [u8]) -> bool {
        let put_in = self.put_in();
        let mut same = true;
        let mut anew = false;
        for (k, flips) in flips.iter_mut().enumerate() {
            let link = &self.network.links[k];
            let status = self.status[k];
            let watched =
                self.laws[k].is_one_way() && status != Status::Closed && *flips < MOST_FLIPS;
            if !watched {
                continue;
            }
            let mut flow = self.flows[k];
            if status == Status::Regulating {
                // What its outlet needs is what it has to pass.
                flow = put_in[link.to as usize];
                if (flow - self.flows[k]).abs() > 1e-9 + 1e-6 * flow.abs() {
                    same = false;
                }
                self.flows[k] = flow.max(0.0);
            }
            let ends = (self.heads[link.from as usize], self.heads[link.to as usize]);
            let wanted = match self.cut_off(link.to) {
                // A part that only a valve feeds: it has no head that one could look at.
                Some(asked) if status == Status::Holding && asked <= 0.0 => status,
                _ => status::wanted(&self.network, k, status, flow, ends),
            };
            if wanted != status {
                self.status[k] = wanted;
                *flips += 1;
                anew = true;
                self.flows[k] = match wanted {
                    Status::Open => first_flow(&self.network.links[k]),
                    Status::Regulating => self.flows[k].max(0.0),
                    Status::Holding | Status::Closed => 0.0,
                };
            }
        }
        if anew {
            self.plan = None;
        }
        same && !anew
    }
}

/// The larger size; not a number counts as infinite.
pub(crate) fn largest(most: f64, value: f64) -> f64 {
    if value.is_nan() { f64::INFINITY } else { most.max(value.abs()) }
}

/// A flow to start with: a foot in a second through a pipe, half of what a pump can.
fn first_flow(link: &super::Link) -> f64 {
    if !link.open {
        return 0.0;
    }
    match link.kind {
        LinkKind::Pump(curve) => {
            let most = curve.most();
            if most.is_finite() { 0.5 * most } else { 1e-3 }
        }
        _ => Network::area(link).map_or(1e-3, |area| 0.3 * area),
    }
}
