//! Heads and flows by the global gradient algorithm (Todini and Pilati 1988): Newton's method on
//! flows and heads together, one symmetric positive definite system of heads in each step, and a
//! line search on the content (Collins and others 1978) so that it converges from anywhere.
//!
//! An edit is solved from the last solution with its factor ([`super::hot`]) where that goes.

use std::sync::Arc;

use svgx_base::budget::{Budget, Stop};
use svgx_engine::linear::Ldl;

use super::foretell::{OF_NODE, moved};
use super::hot::Kept;
use super::loss::Laws;
use super::model::{LinkKind, Network, NodeKind};
use super::plan::{Shape, Supply};
use super::report;
use super::status::{self, MOST_FLIPS, Status};
use crate::accuracy::{Domain, Effort, Residual, Reused, tolerance};
use crate::error::Looked;
use crate::memory::{Memory, Print};
use crate::trail::{Quantity, Trail};
use crate::{Error, Finding, Limits};

/// How often the status of valves is looked at.
const MOST_ROUNDS: u32 = 60;

pub(crate) const NONE: u32 = u32::MAX;

/// A network with what was computed of it.
///
/// Edits are cheap, and [`Solver::solve`] costs what they changed: a demand or a head that is
/// given one solution with the factor of the last time, a link a little more.
#[derive(Debug, Clone)]
pub struct Solver {
    pub(crate) network: Network,
    pub(super) limits: Limits,
    pub(crate) laws: Vec<Laws>,
    /// Links through which nothing flows back.
    pub(super) watched: Vec<u32>,
    /// The flow at which a link is too fast, m³/s.
    pub(super) fastest: Vec<f64>,
    pub(crate) status: Vec<Status>,
    pub(crate) flows: Vec<f64>,
    pub(crate) heads: Vec<f64>,
    /// What links of trees lost at their last flow, m³/s and m.
    pub(super) lost: Vec<(f64, f64)>,
    pub(crate) plan: Option<Plan>,
    /// Whether flows are those that one starts with.
    pub(super) fresh: bool,
    /// Links that were edited since the last solution.
    pub(super) touched: Vec<u32>,
    print: Print,
    memory: Memory<Arc<Moment>>,
    /// The last solution, and those before it that differ from it in one quantity.
    last: Option<Arc<Moment>>,
    pub(super) trail: Trail<Arc<Moment>>,
}

/// The shape of a network with a factor.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) shape: Arc<Shape>,
    /// None where the shape is that of a state which was gone back to.
    pub(crate) factor: Option<Ldl>,
    pub(crate) kept: Option<Kept>,
}

/// A solved state.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) shape: Arc<Shape>,
    pub(super) status: Vec<Status>,
    pub(super) flows: Vec<f64>,
    pub(super) heads: Vec<f64>,
    residual: Residual,
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
        let laws = Laws::of_all(&network);
        let flows = network.links.iter().map(first_flow).collect();
        let heads = vec![0.0; network.nodes.len()];
        let status = status::start(&network);
        let memory = Memory::new(2 * network.links.len() + network.nodes.len());
        Ok(Solver {
            watched: watched(&laws),
            fastest: network.links.iter().map(|l| report::fastest(&network.fluid, l)).collect(),
            lost: vec![(f64::NAN, 0.0); network.links.len()],
            network,
            limits: *limits,
            laws,
            status,
            flows,
            heads,
            plan: None,
            fresh: true,
            touched: Vec::new(),
            print: Print::default(),
            memory,
            last: None,
            trail: Trail::default(),
        })
    }

    /// The network as it is now.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Changes a demand, m³/s, or a fixed head, m. Answers whether there is such a node, of that
    /// kind.
    pub fn set_node(&mut self, node: usize, value: f64) -> bool {
        let Some(n) = self.network.nodes.get_mut(node).filter(|_| value.is_finite()) else {
            return false;
        };
        self.print.toggle(n.print(node));
        let (NodeKind::Demand(v) | NodeKind::Fixed(v)) = &mut n.kind;
        self.trail.edit(Quantity { element: node, what: OF_NODE }, *v, value);
        *v = value;
        self.print.toggle(n.print(node));
        // What a part without a source is asked for decides what can be said of it.
        if self.cut_off(node as u32).is_some() {
            self.plan = None;
        }
        true
    }

    /// Changes what a link is: its length, its setting, its curve. Answers whether there is such
    /// a link.
    ///
    /// # Errors
    /// [`Error::Quantity`]; the link stays as it was then.
    pub fn set_link(&mut self, link: usize, kind: LinkKind) -> Result<bool, Error> {
        let Some(l) = self.network.links.get(link) else { return Ok(false) };
        self.network.admit_kind(Looked { element: &l.name }, kind)?;
        let l = &mut self.network.links[link];
        self.print.toggle(l.print(link));
        let old = std::mem::replace(&mut l.kind, kind);
        self.print.toggle(l.print(link));
        self.laws[link] = Laws::of(l, self.network.law, &self.network.fluid);
        self.fastest[link] = report::fastest(&self.network.fluid, l);
        self.lost[link].0 = f64::NAN;
        match moved(old, kind) {
            Some((what, before, now)) => {
                self.trail.edit(Quantity { element: link, what }, before, now);
            }
            None => self.trail.disturb(),
        }
        if std::mem::discriminant(&old) != std::mem::discriminant(&kind) {
            self.status[link] = status::start(&self.network)[link];
            self.watched = watched(&self.laws);
            self.plan = None;
        }
        self.touched.push(link as u32);
        Ok(true)
    }

    /// Opens or closes a link. Answers whether there is such a link.
    pub fn set_open(&mut self, link: usize, open: bool) -> bool {
        let Some(l) = self.network.links.get_mut(link) else { return false };
        if l.open != open {
            self.print.toggle(l.print(link));
            l.open = open;
            self.trail.disturb();
            self.print.toggle(l.print(link));
            let regulates = matches!(l.kind, LinkKind::Regulator { .. });
            let stays = self.turn(link as u32, if open { Status::Open } else { Status::Closed });
            if regulates || !stays {
                self.plan = None;
            }
        }
        true
    }

    /// Lets a link carry or not. Answers whether the plan may stay: where no part is cut off or
    /// joined by it.
    fn turn(&mut self, link: u32, status: Status) -> bool {
        let k = link as usize;
        self.status[k] = status;
        self.flows[k] =
            if status == Status::Open { first_flow(&self.network.links[k]) } else { 0.0 };
        self.touched.push(link);
        self.plan.as_ref().is_none_or(|plan| match status {
            Status::Open => plan.shape.place[k] != NONE,
            _ => plan.shape.joined(link, &self.status),
        })
    }

    /// Forgets all but what the network is and the last flows and heads, from which the next
    /// solution begins: it is the same then as that of another solver which begins there.
    pub(crate) fn forget(&mut self) {
        self.plan = None;
        self.status = status::start(&self.network);
        self.fresh = false;
        self.touched.clear();
        self.memory = Memory::new(2 * self.network.links.len() + self.network.nodes.len());
        self.last = None;
        self.trail = Trail::default();
    }

    /// The last flows of links, m³/s, and heads of nodes, m.
    pub(crate) fn iterate(&self) -> (&[f64], &[f64]) {
        (&self.flows, &self.heads)
    }

    /// Begins the next solution at such flows and heads. Answers whether there are as many of
    /// them, and all are numbers.
    pub(crate) fn begin_at(&mut self, flows: Vec<f64>, heads: Vec<f64>) -> bool {
        let finite = flows.iter().chain(&heads).all(|v| v.is_finite());
        if !finite || flows.len() != self.flows.len() || heads.len() != self.heads.len() {
            return false;
        }
        (self.flows, self.heads) = (flows, heads);
        self.forget();
        true
    }

    /// Solves, from where the last solution was. A network that is what it was at one of the
    /// last solutions gets the answer it had then.
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
        budget.checkpoint()?;
        let value = self.trail.begin(self.last.take());
        if let Some(residual) = self.remembered(aim) {
            let effort = Effort {
                residual,
                tolerance: aim,
                converged: true,
                iterations: 0,
                reused: Reused::Factor,
                stopped: None,
            };
            return Ok(report::answer(self, effort, &[], &self.limits));
        }
        self.plan.take_if(|plan| plan.factor.is_none());
        if self.plan.is_none() {
            // Where valves stood in other parts says nothing of these.
            self.status = status::start(&self.network);
        }
        let foretold = value.is_some_and(|value| self.foretell(value));
        let links = self.network.links.len();
        let mut flips = vec![0u8; if self.watched.is_empty() { 0 } else { links }];
        let mut run = Run::default();
        let mut iterations = 0;
        let mut reused = if self.plan.is_some() { Reused::Factor } else { Reused::Nothing };
        let mut settled = false;
        for _ in 0..MOST_ROUNDS {
            if self.plan.is_none() {
                status::settle(&self.network, &mut self.status);
                let (shape, factor) = Shape::of(&self.network, &self.status, budget)?;
                self.plan = Some(Plan { shape: Arc::new(shape), factor: Some(factor), kept: None });
                reused = Reused::Nothing;
            }
            let first = self.hot(aim, foretold && iterations == 0, budget)?;
            if first.is_none() {
                if reused == Reused::Factor {
                    reused = Reused::Order;
                }
                self.touched.clear();
            }
            run = match first {
                Some(run) => run,
                None => self.steps_of_both(aim, budget)?,
            };
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
        let flapping = (0..flips.len()).filter(|&k| flips[k] >= MOST_FLIPS);
        let flapping: Vec<usize> = flapping.collect();
        let effort = Effort {
            residual: run.residual,
            tolerance: aim,
            converged: run.converged && settled && flapping.is_empty(),
            iterations,
            reused,
            stopped: run.stopped,
        };
        if let (true, Some(plan)) = (effort.converged, &self.plan) {
            let moment = Arc::new(Moment {
                shape: plan.shape.clone(),
                status: self.status.clone(),
                flows: self.flows.clone(),
                heads: self.heads.clone(),
                residual: run.residual,
            });
            if let Some(value) = value {
                if self.trail.newest().is_some_and(|m| !m.is_like(&moment)) {
                    self.trail.clear();
                }
                self.trail.keep(value, moment.clone());
            }
            self.last = Some(moment.clone());
            self.memory.keep(self.print, aim, moment);
        }
        Ok(report::answer(self, effort, &flapping, &self.limits))
    }

    /// Steps with a factor each as long as they are needed, then with the last one.
    fn steps_of_both(&mut self, aim: f64, budget: &Budget) -> Result<Run, Error> {
        let run = self.newton(aim, false, budget)?;
        if run.converged || run.stopped.is_some() || !self.has_kept() {
            return Ok(run);
        }
        let rest = match self.hot(aim, false, budget) {
            Ok(Some(rest)) => Ok(rest),
            Ok(None) => self.newton(aim, true, budget),
            Err(error) => Err(error),
        };
        let rest = match rest {
            // There is an iterate.
            Err(Error::Stopped(stop)) => return Ok(Run { stopped: Some(stop), ..run }),
            rest => rest?,
        };
        Ok(Run { iterations: run.iterations + rest.iterations, ..rest })
    }

    fn has_kept(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.kept.is_some())
    }

    /// Goes back to a state that was solved.
    fn remembered(&mut self, aim: f64) -> Option<Residual> {
        let moment = self.memory.find(self.print, aim)?.clone();
        let residual = moment.residual;
        let same = self.plan.as_ref().is_some_and(|p| Arc::ptr_eq(&p.shape, &moment.shape));
        // What the plan was made for with this status, it still is; its factor is another's.
        if !same {
            self.plan = Some(Plan { shape: moment.shape.clone(), factor: None, kept: None });
        } else {
            for (k, (now, then)) in self.status.iter().zip(&moment.status).enumerate() {
                if now != then {
                    self.touched.push(k as u32);
                }
            }
        }
        self.fresh = false;
        self.status.clone_from(&moment.status);
        self.flows.clone_from(&moment.flows);
        self.heads.clone_from(&moment.heads);
        self.last = Some(moment);
        Some(residual)
    }

    /// Heads that are given.
    pub(super) fn fix_heads(&mut self, shape: &Shape) {
        for (k, node) in self.network.nodes.iter().enumerate() {
            match node.kind {
                NodeKind::Fixed(head) => self.heads[k] = head,
                NodeKind::Demand(_) if shape.unknown[k] == NONE => self.heads[k] = 0.0,
                NodeKind::Demand(_) => {}
            }
        }
        if !self.regulates() {
            return;
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

    fn regulates(&self) -> bool {
        self.status.contains(&Status::Regulating)
    }

    /// What every node is asked for: its demand and what regulators take from it.
    pub(super) fn asked(&self) -> Vec<f64> {
        let nodes = self.network.nodes.iter();
        let mut asked: Vec<f64> =
            nodes.map(|n| if let NodeKind::Demand(q) = n.kind { q } else { 0.0 }).collect();
        if self.regulates() {
            for (k, link) in self.network.links.iter().enumerate() {
                if self.status[k] == Status::Regulating {
                    asked[link.from as usize] += self.flows[k];
                }
            }
        }
        asked
    }

    /// What flows into the network at nodes whose head is given; of others nobody asks.
    pub(crate) fn supplied(&self) -> Vec<(u32, f64)> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let shape = &plan.shape;
        if self.regulates() {
            let put_in = self.put_in();
            return shape.given.iter().map(|&k| (k, put_in[k as usize])).collect();
        }
        let out = |&node: &u32| {
            let at = shape.incidence.at(node).iter();
            let sum: f64 = at
                .map(|&a| {
                    let active = &shape.active[a as usize];
                    let q = self.flows[active.link as usize];
                    match (active.from == node, active.to == node) {
                        (true, false) => q,
                        (false, true) => -q,
                        _ => 0.0,
                    }
                })
                .sum();
            (node, sum)
        };
        shape.given.iter().map(out).collect()
    }

    /// What flows into the network at a node, beside what is asked for.
    pub(crate) fn put_in(&self) -> Vec<f64> {
        let mut sums = self.asked();
        let Some(plan) = &self.plan else { return sums };
        for a in &plan.shape.active {
            let q = self.flows[a.link as usize];
            sums[a.from as usize] += q;
            sums[a.to as usize] -= q;
        }
        sums
    }

    /// What the part of a node is asked for, if no source reaches it, m³/s.
    fn cut_off(&self, node: u32) -> Option<f64> {
        let shape = &self.plan.as_ref()?.shape;
        let island = shape.islands.island(node);
        (shape.supply[island] != Supply::Fixed).then(|| shape.asked[island])
    }

    /// Looks whether valves stand as they should; answers whether nothing changed.
    fn review(&mut self, flips: &mut [u8]) -> bool {
        if self.watched.is_empty() {
            return true;
        }
        let watched = std::mem::take(&mut self.watched);
        let put_in = if self.regulates() { self.put_in() } else { Vec::new() };
        let (mut same, mut anew) = (true, false);
        for &link in &watched {
            let k = link as usize;
            let status = self.status[k];
            if status == Status::Closed || flips[k] >= MOST_FLIPS {
                continue;
            }
            let l = &self.network.links[k];
            let mut flow = self.flows[k];
            if status == Status::Regulating {
                // What its outlet needs is what it has to pass.
                flow = put_in[l.to as usize];
                if (flow - self.flows[k]).abs() > 1e-9 + 1e-6 * flow.abs() {
                    same = false;
                }
                self.flows[k] = flow.max(0.0);
            }
            let ends = (self.heads[l.from as usize], self.heads[l.to as usize]);
            let wanted = match self.cut_off(l.to) {
                // A part that only a valve feeds: it has no head that one could look at.
                Some(asked) if status == Status::Holding && asked < 0.0 => status,
                _ => status::wanted(&self.network, k, status, flow, ends),
            };
            if wanted != status {
                flips[k] += 1;
                same = false;
                if [status, wanted].contains(&Status::Regulating)
                    || matches!(l.kind, LinkKind::Regulator { .. })
                {
                    self.status[k] = wanted;
                    self.flows[k] = match wanted {
                        Status::Open => first_flow(l),
                        Status::Regulating => self.flows[k].max(0.0),
                        Status::Holding | Status::Closed => 0.0,
                    };
                    anew = true;
                } else {
                    anew |= !self.turn(link, wanted);
                }
            }
        }
        self.watched = watched;
        if anew {
            self.plan = None;
        }
        same
    }
}

/// Links that are looked at after each round.
fn watched(laws: &[Laws]) -> Vec<u32> {
    (0..laws.len() as u32).filter(|&k| laws[k as usize].is_one_way()).collect()
}

/// The larger size; not a number counts as infinite.
pub(crate) fn largest(most: f64, value: f64) -> f64 {
    if value.is_nan() { f64::INFINITY } else { most.max(value.abs()) }
}

/// A flow to start with: a foot in a second through a pipe, half of what a pump can.
pub(super) fn first_flow(link: &super::Link) -> f64 {
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
