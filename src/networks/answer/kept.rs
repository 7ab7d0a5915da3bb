//! A system with its solver, kept between edits: what an edit left as it was is not computed
//! again.

use std::collections::{BTreeMap, BTreeSet};

use svgx_base::budget::Budget;

use super::{Answer, row};
use crate::accuracy::Effort;
use crate::electrical::{Conductor, EARTH, Feeder, Lowered, Phase};
use crate::read::{Model, System};
use crate::{Error, Limits, electrical, flow, frame, heat};

/// Links that an edit changes for which the solver is kept; beyond, a new one is as fast.
const KEPT_CHANGES: usize = 32;

/// Places along a member at which its forces are looked at.
const SECTIONS: u32 = 20;

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
        let told = self.system.findings == system.findings;
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
        match &mut self.plan {
            Plan::Unread => {}
            Plan::Electrical(wired) => wired.solve(&mut answer, budget)?,
            Plan::Flow(solver) => solve_flow(solver, &mut answer, budget)?,
            Plan::Heat(network) => solve_heat(network, &self.limits, &mut answer, budget)?,
            Plan::Frame(solver) => solve_frame(solver, &mut answer, budget)?,
        }
        Ok(answer.end())
    }
}

impl Plan {
    fn of(system: &System, limits: &Limits, budget: &Budget) -> Result<Plan, Error> {
        Ok(match &system.model {
            None => Plan::Unread,
            Some(Model::Electrical(feeder)) => {
                let lowered = feeder.lower()?;
                let solver = electrical::Solver::new(lowered.circuit.clone(), limits, budget)?;
                Plan::Electrical(Box::new(Wired { feeder: feeder.clone(), lowered, solver }))
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
        (self.feeder, self.lowered) = (feeder.clone(), lowered);
        Ok(Some(if changed { Followed::Values } else { Followed::Same }))
    }

    fn solve(&mut self, answer: &mut Answer, budget: &Budget) -> Result<(), Error> {
        let Wired { feeder, lowered, solver } = self;
        answer.findings.extend(lowered.findings.iter().cloned());
        let s = solver.solve(budget)?;
        for (&(bus, conductor), &terminal) in &lowered.terminals {
            // Of a phase the voltage to its neutral, where the bus has one.
            let neutral = lowered.terminals.get(&(bus, Conductor::N)).copied();
            let to = neutral.filter(|&n| n != terminal).unwrap_or(EARTH);
            let floats = to == EARTH && s.floating[terminal as usize];
            let volts = s.between(terminal, to).filter(|_| !floats).map(|v| v.norm());
            let name = lowered.circuit.terminals[terminal as usize].clone();
            debug_assert!(name.ends_with(conductor.letter()), "terminals are named by conductors");
            answer.nodes.push(row(&name, &[("voltage", volts, "V")]));
        }
        for (k, line) in feeder.lines.iter().enumerate() {
            let currents = solver.block_currents(lowered.line(feeder, k), &s);
            let n = line.conductors.len();
            let most =
                currents.as_ref().map(|c| c[..n].iter().fold(0.0f64, |m, i| m.max(i.norm())));
            answer.links.push(row(&line.name, &[("current", most, "A")]));
        }
        for (k, transformer) in feeder.transformers.iter().enumerate() {
            // Blocks are supplies, lines, then transformers.
            let block = lowered.line(feeder, feeder.lines.len()) + k;
            let currents = solver.block_currents(block, &s);
            let of = |bus: u32| {
                let ends = lowered.circuit.blocks.get(block)?.terminals.iter();
                let at: BTreeSet<u32> = Conductor::PHASES
                    .iter()
                    .filter_map(|&c| lowered.terminals.get(&(bus, c)).copied())
                    .collect();
                let found = ends.zip(currents.as_ref()?).filter(|(t, _)| at.contains(t));
                Some(found.fold(0.0f64, |most, (_, i)| most.max(i.norm())))
            };
            let [high, low] = [0, 1].map(|side| of(transformer.windings[side].bus));
            let values = [("current", high, "A"), ("secondary current", low, "A")];
            answer.links.push(row(&transformer.name, &values));
        }
        // One conductor that nothing is said of leaves nothing to say of the switch.
        let mut through: BTreeMap<&str, Option<f64>> = BTreeMap::new();
        for (current, tie) in s.tie_currents.iter().zip(&lowered.circuit.ties) {
            let current = current.map(|i| i.norm());
            if !tie.source {
                let most = through.entry(&tie.name).or_insert(Some(0.0));
                *most = most.zip(current).map(|(a, b)| a.max(b));
            }
        }
        for switch in &feeder.switches {
            let most = through.get(&*switch.name).copied().unwrap_or(Some(0.0));
            let current = if switch.closed { most } else { Some(0.0) };
            answer.links.push(row(&switch.name, &[("current", current, "A")]));
        }
        finish(answer, s.findings, s.effort);
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

fn solve_flow(
    solver: &mut flow::Solver,
    answer: &mut Answer,
    budget: &Budget,
) -> Result<(), Error> {
    let s = solver.solve(budget)?;
    let network = solver.network();
    for (k, node) in network.nodes.iter().enumerate() {
        let values = [
            ("pressure", s.pressures[k], "Pa"),
            ("head", s.heads[k], "m"),
            ("supplied", s.supplied[k], "m^3/s"),
        ];
        answer.nodes.push(row(&node.name, &values));
    }
    for (k, link) in network.links.iter().enumerate() {
        let mut values = vec![("flow", s.flows[k], "m^3/s")];
        if let flow::LinkKind::Pipe { diameter, .. } = link.kind {
            let area = std::f64::consts::FRAC_PI_4 * diameter * diameter;
            values.push(("velocity", s.flows[k].map(|q| q / area), "m/s"));
        }
        answer.links.push(row(&link.name, &values));
    }
    finish(answer, s.findings, s.effort);
    Ok(())
}

fn solve_heat(
    network: &heat::Network,
    limits: &Limits,
    answer: &mut Answer,
    budget: &Budget,
) -> Result<(), Error> {
    let s = heat::steady(network, limits, budget)?;
    for (k, node) in network.nodes.iter().enumerate() {
        let values = [("temperature", s.temperatures[k], "C"), ("heat", s.heat[k], "W")];
        answer.nodes.push(row(&node.name, &values));
    }
    for (link, heat) in network.links.iter().zip(&s.links) {
        answer.links.push(row(&link.name, &[("heat", *heat, "W")]));
    }
    for (wall, heat) in network.walls.iter().zip(&s.walls) {
        answer.links.push(row(&wall.name, &[("heat", *heat, "W")]));
    }
    finish(answer, s.findings, s.effort);
    Ok(())
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

fn solve_frame(
    solver: &mut frame::Solver,
    answer: &mut Answer,
    budget: &Budget,
) -> Result<(), Error> {
    let s = solver.solve(budget)?;
    let structure = solver.structure();
    for (k, node) in structure.nodes.iter().enumerate() {
        // Downward as in the drawing.
        let moved = s.displacements[k];
        let mut values =
            vec![("right", moved.map(|d| d[0]), "m"), ("down", moved.map(|d| -d[1]), "m")];
        if node.support.iter().any(|r| *r != frame::Restraint::Free) {
            let r = s.reactions[k];
            values.push(("reaction right", r.map(|r| r[0]), "N"));
            values.push(("reaction up", r.map(|r| r[1]), "N"));
            values.push(("reaction moment", r.map(|r| r[2]), "N*m"));
        }
        answer.nodes.push(row(&node.name, &values));
    }
    for (k, member) in structure.members.iter().enumerate() {
        let at = |n: u32| structure.nodes[n as usize].at;
        let (a, b) = (at(member.from), at(member.to));
        let length = libm::hypot(b[0] - a[0], b[1] - a[1]);
        let part = |i: u32| length * f64::from(i) / f64::from(SECTIONS);
        let places: Vec<f64> = (0..=SECTIONS).map(part).collect();
        let sections = solver.sections(&s, k, &places);
        let most = |of: &dyn Fn(&frame::Section) -> f64| {
            let sections = sections.as_ref()?;
            sections.iter().map(of).max_by(|a, b| a.abs().total_cmp(&b.abs()))
        };
        let values = [
            ("axial", most(&|s| s.axial), "N"),
            ("shear", most(&|s| s.shear), "N"),
            ("moment", most(&|s| s.moment), "N*m"),
            ("deflection", most(&|s| -s.displacement[1]), "m"),
        ];
        answer.links.push(row(&member.name, &values));
    }
    finish(answer, s.findings, s.effort);
    Ok(())
}
