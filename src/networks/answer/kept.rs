//! A system with its solver, kept between edits: what an edit left as it was is not computed
//! again.

use std::collections::{BTreeMap, BTreeSet};

use svgx_base::budget::Budget;

use super::rows::{self, Fed, Rows};
use super::{Answer, checks};
use crate::accuracy::Effort;
use crate::electrical::fault::Study;
use crate::electrical::{Feeder, Lowered, Phase};
use crate::read::{Model, System};
use crate::{Error, Limits, Name, electrical, flow, frame, heat};

/// Links that an edit changes for which the solver is kept; beyond, a new one is as fast.
const KEPT_CHANGES: usize = 32;

/// A system that was read, and its solver.
#[derive(Debug)]
pub struct Kept {
    system: System,
    limits: Limits,
    plan: Plan,
}

#[derive(Debug)]
enum Plan {
    /// Nothing of it could be read.
    Unread,
    Electrical(Box<Wired>),
    Flow(Box<flow::Solver>),
    Heat(heat::Network),
    Frame(Box<frame::Solver>),
}

/// A feeder, its circuit, and the solver of that.
#[derive(Debug)]
struct Wired {
    feeder: Feeder,
    lowered: Lowered,
    solver: electrical::Solver<Phase>,
    /// The largest fault currents of buses that were asked for, A.
    faults: BTreeMap<Name, Option<f64>>,
}

/// What an edit meant for a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Nothing.
    Same,
    /// Values changed; the solver goes on from where it was.
    Values,
    /// What is connected changed, or nearly everything: the solver is a new one.
    Anew,
}

impl Kept {
    /// Makes the solver of a system.
    ///
    /// # Errors
    /// [`Error`] for a network that cannot be solved at all.
    pub fn new(system: System, limits: &Limits, budget: &Budget) -> Result<Kept, Error> {
        let plan = Plan::of(&system, limits, budget)?;
        Ok(Kept { system, limits: *limits, plan })
    }

    /// The system as it was read last.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// Takes over a system that was read again after an edit.
    ///
    /// # Errors
    /// [`Error`] for a network that cannot be solved at all; it has to be made anew then.
    pub fn follow(&mut self, system: System, budget: &Budget) -> Result<Followed, Error> {
        let followed = match (&mut self.plan, &system.model) {
            (Plan::Unread, None) => Some(Followed::Same),
            (Plan::Electrical(wired), Some(Model::Electrical(feeder))) => wired.follow(feeder)?,
            (Plan::Flow(solver), Some(Model::Flow(network))) => follow_flow(solver, network)?,
            (Plan::Heat(old), Some(Model::Heat(new))) => {
                let same = *old == *new;
                old.clone_from(new);
                Some(if same { Followed::Same } else { Followed::Values })
            }
            (Plan::Frame(solver), Some(Model::Frame(new))) => follow_frame(solver, new)?,
            _ => None,
        };
        if followed.is_none() {
            self.plan = Plan::of(&system, &self.limits, budget)?;
        }
        let told = self.system.findings == system.findings && self.system.bounds == system.bounds;
        self.system = system;
        Ok(match followed {
            // What is said of it changed.
            Some(Followed::Same) if !told => Followed::Values,
            followed => followed.unwrap_or(Followed::Anew),
        })
    }

    /// Solves, from where the last solution was.
    ///
    /// # Errors
    /// [`Error`] for a network that cannot be solved at all.
    pub fn solve(&mut self, budget: &Budget) -> Result<Answer, Error> {
        let mut answer = Answer::begin(&self.system);
        let (system, limits) = (&self.system, &self.limits);
        let mut fed = Vec::new();
        let none = BTreeMap::new();
        let faults = match &mut self.plan {
            Plan::Unread => &none,
            Plan::Electrical(wired) => {
                fed = wired.solve(limits, &mut answer, budget)?;
                wired.find_faults(checks::faulted(&system.bounds), limits, budget)?;
                &wired.faults
            }
            Plan::Flow(solver) => {
                let s = solver.solve(budget)?;
                (answer.nodes, answer.links) = rows::flow(solver.network(), &s);
                finish(&mut answer, s.findings, s.effort);
                &none
            }
            Plan::Heat(network) => {
                let s = heat::steady(network, limits, budget)?;
                (answer.nodes, answer.links) = rows::heat(network, &s);
                finish(&mut answer, s.findings, s.effort);
                &none
            }
            Plan::Frame(solver) => {
                let s = solver.solve(budget)?;
                (answer.nodes, answer.links) = rows::frame(solver, &s);
                finish(&mut answer, s.findings, s.effort);
                &none
            }
        };
        let known = checks::Known { fed: &fed, faults };
        checks::check(&system.bounds, &known, limits, &mut answer);
        Ok(answer.end())
    }

    /// Adds what helps to judge an answer of [`Kept::solve`]: the parts of the network, and how
    /// far every value may be off, by one more solution with what the answer misses.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn explain(&mut self, answer: &mut Answer, budget: &Budget) -> Result<(), Error> {
        let shut = match &self.plan {
            Plan::Flow(solver) => solver.holding(),
            _ => BTreeSet::new(),
        };
        answer.islands = self.system.parts(&shut, budget)?;
        if answer.effort.stopped.is_some() || !answer.effort.converged {
            return Ok(());
        }
        if let Some(better) = self.plan.improved(&self.limits, budget)? {
            answer.err(&better);
        }
        Ok(())
    }
}

impl Plan {
    fn of(system: &System, limits: &Limits, budget: &Budget) -> Result<Plan, Error> {
        Ok(match &system.model {
            None => Plan::Unread,
            Some(Model::Electrical(feeder)) => {
                let lowered = feeder.lower()?;
                let solver = electrical::Solver::new(lowered.circuit.clone(), limits, budget)?;
                let faults = BTreeMap::new();
                Plan::Electrical(Box::new(Wired {
                    feeder: feeder.clone(),
                    lowered,
                    solver,
                    faults,
                }))
            }
            Some(Model::Flow(network)) => {
                Plan::Flow(Box::new(flow::Solver::new(network.clone(), limits)?))
            }
            Some(Model::Heat(network)) => Plan::Heat(network.clone()),
            Some(Model::Frame(structure)) => {
                Plan::Frame(Box::new(frame::Solver::new(structure.clone(), limits, budget)?))
            }
        })
    }

    /// The rows of a solution that is better than the last one.
    fn improved(&mut self, limits: &Limits, budget: &Budget) -> Result<Option<Rows>, Error> {
        Ok(match self {
            Plan::Unread => None,
            Plan::Electrical(wired) => {
                let s = wired.solver.improved(budget)?;
                Some(rows::electrical(&wired.feeder, &wired.lowered, &wired.solver, &s))
            }
            Plan::Flow(solver) => {
                solver.improved(budget)?.map(|s| rows::flow(solver.network(), &s))
            }
            Plan::Heat(network) => {
                Some(rows::heat(network, &heat::steady_with(network, true, limits, budget)?))
            }
            Plan::Frame(solver) => solver.improved().map(|s| rows::frame(solver, &s)),
        })
    }
}

impl Wired {
    /// `None` where the circuit is another one.
    fn follow(&mut self, feeder: &Feeder) -> Result<Option<Followed>, Error> {
        let lowered = feeder.lower()?;
        let (old, new) = (&self.lowered.circuit, &lowered.circuit);
        let same = old.terminals == new.terminals
            && self.lowered.terminals == lowered.terminals
            && old.blocks.len() == new.blocks.len()
            && old.ties.len() == new.ties.len()
            && old.gaps.len() == new.gaps.len()
            && old.loads.len() == new.loads.len()
            && old
                .blocks
                .iter()
                .zip(&new.blocks)
                .all(|(a, b)| a.name == b.name && a.terminals == b.terminals)
            && old.ties.iter().zip(&new.ties).all(|(a, b)| {
                (&a.name, a.from, a.to, a.emf, a.source) == (&b.name, b.from, b.to, b.emf, b.source)
            })
            && old
                .gaps
                .iter()
                .zip(&new.gaps)
                .all(|(a, b)| (&a.name, &a.pairs) == (&b.name, &b.pairs))
            && old.loads.iter().zip(&new.loads).all(|(a, b)| {
                (&a.name, a.from, a.to, a.nominal, a.shares)
                    == (&b.name, b.from, b.to, b.nominal, b.shares)
            });
        if !same {
            return Ok(None);
        }
        let mut changed = false;
        for (k, (a, b)) in old.blocks.iter().zip(&new.blocks).enumerate() {
            if a.admittance.values != b.admittance.values || a.injected != b.injected {
                changed = true;
                // A source that is none any more, or a number that cannot be computed with.
                if a.is_source() != b.is_source() || !self.solver.set_block(k, b.clone()) {
                    return Ok(None);
                }
            }
        }
        for (k, (a, b)) in old.loads.iter().zip(&new.loads).enumerate() {
            if a.power != b.power {
                changed = true;
                if !self.solver.set_load(k, b.power) {
                    return Ok(None);
                }
            }
        }
        if changed {
            self.faults.clear();
        }
        (self.feeder, self.lowered) = (feeder.clone(), lowered);
        Ok(Some(if changed { Followed::Values } else { Followed::Same }))
    }

    /// Solves, and answers the voltages of demands.
    fn solve(
        &mut self,
        limits: &Limits,
        answer: &mut Answer,
        budget: &Budget,
    ) -> Result<Vec<Fed>, Error> {
        let Wired { feeder, lowered, solver, .. } = self;
        answer.findings.extend(lowered.findings.iter().cloned());
        let s = solver.solve(budget)?;
        (answer.nodes, answer.links) = rows::electrical(feeder, lowered, solver, &s);
        let fed = rows::fed(feeder, lowered, &s);
        finish(answer, s.findings, s.effort);
        answer.findings.extend(rows::out_of_range(&fed, limits.findings));
        Ok(fed)
    }

    /// Finds fault currents that are not known yet.
    fn find_faults(
        &mut self,
        buses: BTreeSet<&Name>,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(), Error> {
        if buses.iter().all(|bus| self.faults.contains_key(*bus)) {
            return Ok(());
        }
        let mut study = Study::new(&self.feeder, limits, budget)?;
        for bus in buses {
            budget.checkpoint()?;
            let at = self.feeder.buses.iter().position(|b| b == bus);
            let fault = at.and_then(|at| study.largest(at as u32));
            self.faults.insert(bus.clone(), fault);
        }
        Ok(())
    }
}

fn finish(answer: &mut Answer, findings: Vec<crate::Finding>, effort: Effort) {
    answer.findings.extend(findings);
    answer.effort = effort;
}

/// `None` where the network is another one, or nearly so.
fn follow_flow(solver: &mut flow::Solver, new: &flow::Network) -> Result<Option<Followed>, Error> {
    let old = solver.network();
    let nodes = || old.nodes.iter().zip(&new.nodes);
    let links = || old.links.iter().zip(&new.links);
    let same = old.fluid == new.fluid
        && old.law == new.law
        && old.nodes.len() == new.nodes.len()
        && old.links.len() == new.links.len()
        && nodes().all(|(a, b)| {
            a.name == b.name
                && a.elevation == b.elevation
                && std::mem::discriminant(&a.kind) == std::mem::discriminant(&b.kind)
        })
        && links().all(|(a, b)| (&a.name, a.from, a.to) == (&b.name, b.from, b.to));
    if !same {
        return Ok(None);
    }
    let moved: Vec<usize> =
        nodes().enumerate().filter(|(_, (a, b))| a.kind != b.kind).map(|(k, _)| k).collect();
    let altered: Vec<usize> = links()
        .enumerate()
        .filter(|(_, (a, b))| a.kind != b.kind || a.open != b.open)
        .map(|(k, _)| k)
        .collect();
    if moved.is_empty() && altered.is_empty() {
        return Ok(Some(Followed::Same));
    }
    if altered.len() > KEPT_CHANGES {
        return Ok(None);
    }
    for k in moved {
        let (flow::NodeKind::Demand(value) | flow::NodeKind::Fixed(value)) = new.nodes[k].kind;
        if !solver.set_node(k, value) {
            return Ok(None);
        }
    }
    for k in altered {
        let link = &new.links[k];
        solver.set_link(k, link.kind)?;
        solver.set_open(k, link.open);
    }
    Ok(Some(Followed::Values))
}

/// `None` where the structure is another one, or lies elsewhere.
fn follow_frame(
    solver: &mut frame::Solver,
    new: &frame::Structure,
) -> Result<Option<Followed>, Error> {
    let old = solver.structure();
    let ends = |m: &frame::Member| (m.name.clone(), m.from, m.to);
    let members = || old.members.iter().zip(&new.members);
    let same = old.nodes == new.nodes
        && old.members.len() == new.members.len()
        && members().all(|(a, b)| ends(a) == ends(b));
    if !same {
        return Ok(None);
    }
    let altered: Vec<usize> =
        members().enumerate().filter(|(_, (a, b))| a != b).map(|(k, _)| k).collect();
    let loaded = old.loads != new.loads;
    if altered.is_empty() && !loaded {
        return Ok(Some(Followed::Same));
    }
    if altered.len() > KEPT_CHANGES {
        return Ok(None);
    }
    for k in altered {
        solver.set_member(k, |member| member.clone_from(&new.members[k]))?;
    }
    if loaded {
        solver.set_loads(new.loads.clone())?;
    }
    Ok(Some(Followed::Values))
}
