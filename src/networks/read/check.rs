//! What is wrong with a network as far as its drawing shows it: nothing is solved.

use std::collections::{BTreeMap, BTreeSet};

use svgx_base::budget::Budget;
use svgx_engine::document::{self, Diagnostic, Document};
use svgx_engine::geometry::Scene;

use super::{Domain, Model, Reader, System};
use crate::electrical::{EARTH, Feeder, Phase};
use crate::finding::{Finding, Kind, State, listed, number};
use crate::topology::{Islands, Sets};
use crate::{Error, Island, Limits, Name, flow, frame, heat};

/// What is wrong with the networks of a drawing, as far as it is seen without solving: what cannot
/// be read, parts that no source reaches, phases that do not arrive, sources that contradict each
/// other. Nothing for a drawing without a network.
///
/// # Errors
/// [`Error::Stopped`].
pub fn check(
    document: &Document,
    limits: &document::Limits,
    budget: &Budget,
) -> Result<Vec<Diagnostic>, Error> {
    if !super::is_in(document) {
        return Ok(Vec::new());
    }
    // What keeps a drawing from being resolved is told by those who draw it.
    let Ok(scene) = Scene::build(document, limits, budget) else {
        budget.checkpoint()?;
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for system in super::read(document, &scene, limits, budget)? {
        let mut findings = system.findings.clone();
        findings.extend(system.unreached(budget)?);
        found.extend(system.diagnostics(document, &findings));
    }
    Ok(found)
}

/// What is connected, whether or not its quantities could be read.
#[derive(Debug, Clone, Default)]
pub(super) struct Joints {
    nodes: Vec<Name>,
    /// Name, ends, and whether it is open to what flows.
    links: Vec<(Name, u32, u32, bool)>,
}

impl Joints {
    pub(super) fn of(reader: &Reader<'_, '_>, domain: Domain) -> Joints {
        let leads = |c: &super::Joined<'_>| match domain {
            // A switch that is open leads nothing; a valve that is, does.
            Domain::Electrical => c.kind != "switch" || reader.open_switch(c.owner),
            Domain::Water | Domain::Air => reader.open(c.owner),
            Domain::Heat | Domain::Frame => true,
        };
        let mut links: Vec<_> = reader
            .connections
            .iter()
            .map(|c| (Name::from(c.owner.name), c.from, c.to, leads(c)))
            .collect();
        let through = |(name, from, to): (&str, u32, u32)| {
            (Name::from(name), from, to, reader.open(reader.owner(name)))
        };
        links.extend(reader.links().into_iter().map(through));
        Joints { nodes: reader.nodes.iter().map(|n| n.0.clone()).collect(), links }
    }
}

impl System {
    /// The names of its nodes.
    pub fn nodes(&self) -> &[Name] {
        &self.joints.nodes
    }

    /// Every link: its name, the nodes it lies between, and whether it is open.
    pub fn links(&self) -> impl Iterator<Item = (&str, [&str; 2], bool)> {
        let node = |k: u32| self.joints.nodes.get(k as usize).map_or("", |n| n.as_ref());
        let links = self.joints.links.iter();
        links.map(move |(name, from, to, open)| (&**name, [node(*from), node(*to)], *open))
    }

    /// Parts that no source reaches, and what else is wrong with how it is connected.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn unreached(&self, budget: &Budget) -> Result<Vec<Finding>, Error> {
        let (Some(domain), Some(model)) = (self.domain, &self.model) else {
            return Ok(Vec::new());
        };
        let mut findings = self.islands(domain, model, budget)?;
        if let Model::Electrical(feeder) = model {
            findings.extend(conflicts(feeder));
            if self.findings.iter().all(|f| f.state < State::Failed) {
                findings.extend(phases(feeder, budget)?);
            }
        }
        findings.truncate(Limits::default().findings);
        Ok(findings)
    }

    /// The parts of the network, with what feeds each of them and what is closed at its edge.
    /// `shut` are links that are closed beside those that the author closes.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn parts(&self, shut: &BTreeSet<Name>, budget: &Budget) -> Result<Vec<Island>, Error> {
        let Some(model) = &self.model else { return Ok(Vec::new()) };
        let Joints { nodes, links } = &self.joints;
        let leads = |l: &&(Name, u32, u32, bool)| l.3 && !shut.contains(&l.0);
        let joined = links.iter().filter(leads).map(|l| (l.1, l.2));
        let islands = Islands::of(nodes.len(), joined, budget)?;
        let roles = roles(model, nodes.len());
        let mut by: Vec<BTreeSet<&Name>> = vec![BTreeSet::new(); islands.count()];
        for link in links.iter().filter(|l| !leads(l)) {
            let (a, b) = (islands.island(link.1), islands.island(link.2));
            if a != b {
                by[a].insert(&link.0);
                by[b].insert(&link.0);
            }
        }
        let part = |(members, by): (&Vec<u32>, BTreeSet<&Name>)| {
            let name = |&k: &u32| nodes[k as usize].clone();
            let sources = members.iter().filter(|&&k| roles[k as usize].0);
            Island {
                members: members.iter().map(name).collect(),
                sources: sources.map(name).collect(),
                isolated_by: by.into_iter().cloned().collect(),
            }
        };
        Ok(islands.members().iter().zip(by).map(part).collect())
    }

    fn islands(
        &self,
        domain: Domain,
        model: &Model,
        budget: &Budget,
    ) -> Result<Vec<Finding>, Error> {
        let Joints { nodes, links } = &self.joints;
        let joined = links.iter().filter(|l| l.3).map(|l| (l.1, l.2));
        let islands = Islands::of(nodes.len(), joined, budget)?;
        let mut fed = vec![false; islands.count()];
        let mut asked = vec![0.0; islands.count()];
        for (k, (source, wants)) in roles(model, nodes.len()).into_iter().enumerate() {
            let at = islands.island(k as u32);
            fed[at] |= source;
            asked[at] += wants;
        }
        // A source that could not be read is told already, and may well reach what it is to.
        let names: BTreeSet<&Name> = nodes.iter().collect();
        let mut unread = self.findings.iter().filter(|f| f.state == State::Failed);
        if unread.any(|f| f.elements.iter().any(|e| names.contains(e))) {
            return Ok(Vec::new());
        }
        let any = fed.contains(&true);
        let mut cut: BTreeMap<usize, BTreeSet<&Name>> = BTreeMap::new();
        for (name, from, to, _) in links.iter().filter(|l| !l.3) {
            let (a, b) = (islands.island(*from), islands.island(*to));
            if a != b {
                cut.entry(a).or_default().insert(name);
                cut.entry(b).or_default().insert(name);
            }
        }
        let mut findings = Vec::new();
        for (at, members) in islands.members().iter().enumerate().filter(|(at, _)| !fed[*at]) {
            let inside: Vec<Name> = members.iter().map(|&k| nodes[k as usize].clone()).collect();
            let by: Vec<Name> = cut.get(&at).into_iter().flatten().map(|n| (*n).clone()).collect();
            findings.push(unfed(domain, &inside, &by, asked[at], any));
        }
        Ok(findings)
    }
}

/// Of every node whether it fixes a level, and how much it asks for.
fn roles(model: &Model, nodes: usize) -> Vec<(bool, f64)> {
    let mut roles = vec![(false, 0.0); nodes];
    let mut note = |node: usize, source: bool, wants: f64| {
        if let Some(role) = roles.get_mut(node) {
            role.0 |= source;
            role.1 += wants.max(0.0);
        }
    };
    match model {
        Model::Electrical(feeder) => {
            feeder.supplies.iter().for_each(|s| note(s.bus as usize, true, 0.0));
            feeder.demands.iter().for_each(|d| note(d.bus as usize, false, d.power.norm()));
        }
        Model::Flow(network) => {
            for (k, node) in network.nodes.iter().enumerate() {
                match node.kind {
                    flow::NodeKind::Fixed(_) => note(k, true, 0.0),
                    flow::NodeKind::Demand(flow) => note(k, false, flow.abs()),
                }
            }
        }
        Model::Heat(network) => {
            for (k, node) in network.nodes.iter().enumerate() {
                match node.kind {
                    heat::NodeKind::Fixed(_) => note(k, true, 0.0),
                    heat::NodeKind::Free(heat) => note(k, false, heat.abs()),
                }
            }
        }
        Model::Frame(structure) => {
            for (k, node) in structure.nodes.iter().enumerate() {
                let held = node.support.iter().any(|r| *r != frame::Restraint::Free);
                note(k, held, 0.0);
            }
        }
    }
    roles
}

/// A part without a source. `by` are the closed links at its edge, `any` is whether another part
/// has a source.
fn unfed(domain: Domain, inside: &[Name], by: &[Name], asked: f64, any: bool) -> Finding {
    let (few, verb) = (listed(inside), number(inside.len(), "gets", "get"));
    let why = match (by, domain) {
        ([], _) => "nothing leads there from a source".to_owned(),
        (by, Domain::Electrical) => {
            format!("{} {} open", listed(by), number(by.len(), "is", "are"))
        }
        (by, _) => format!("{} {} closed", listed(by), number(by.len(), "is", "are")),
    };
    let level = match domain {
        Domain::Water | Domain::Air => Some("pressure"),
        Domain::Heat => Some("temperature"),
        Domain::Electrical | Domain::Frame => None,
    };
    let kind = if any { Kind::Island } else { Kind::NoSource };
    let (kind, state, message) = match (domain, level) {
        (Domain::Frame, _) => {
            let message =
                format!("nothing holds {few}: no node of the part is fixed by its support");
            (Kind::Mechanism, State::Failed, message)
        }
        (_, Some(level)) if asked == 0.0 => {
            let message = format!("nothing fixes the {level} of {few}");
            (Kind::Floating, State::Unknown, message)
        }
        (Domain::Electrical, _) => (kind, State::Failed, format!("{few} {verb} no supply: {why}")),
        (Domain::Heat, _) => {
            (kind, State::Failed, format!("nothing takes up the heat of {few}: {why}"))
        }
        (_, _) => {
            let medium = if domain == Domain::Air { "air" } else { "water" };
            (kind, State::Failed, format!("{few} {verb} no {medium}: {why}"))
        }
    };
    Finding::new(kind, state, by.iter().chain(inside).cloned(), message)
}

/// Supplies without an impedance that are joined and say different voltages.
fn conflicts(feeder: &Feeder) -> Vec<Finding> {
    let mut sets = Sets::new(feeder.buses.len());
    for switch in feeder.switches.iter().filter(|s| s.closed) {
        sets.join(switch.from, switch.to);
    }
    let mut first: BTreeMap<u32, usize> = BTreeMap::new();
    let mut findings = Vec::new();
    for (k, supply) in feeder.supplies.iter().enumerate() {
        if supply.own != Phase::default() {
            continue;
        }
        let one = *first.entry(sets.find(supply.bus)).or_insert(k);
        let other = &feeder.supplies[one];
        if other.volts != supply.volts || other.angle != supply.angle {
            let message = format!(
                "{} and {} are joined without an impedance: one is {} V, the other {} V",
                other.name, supply.name, other.volts, supply.volts
            );
            let elements = [other.name.clone(), supply.name.clone()];
            findings.push(Finding::new(Kind::Conflict, State::Failed, elements, message));
        }
    }
    findings
}

/// Conductors of a bus that no source reaches although another one of it is supplied.
fn phases(feeder: &Feeder, budget: &Budget) -> Result<Vec<Finding>, Error> {
    // What is out of bounds is told when it is solved.
    let Ok(lowered) = feeder.lower() else { return Ok(Vec::new()) };
    let circuit = &lowered.circuit;
    let blocks = circuit.blocks.iter().map(|b| (b.terminals.clone(), b.is_source()));
    let ties = circuit.ties.iter().map(|t| (vec![t.from, t.to], t.source));
    let groups: Vec<(Vec<u32>, bool)> = blocks.chain(ties).collect();
    // A load passes nothing on; what is earthed has a level as well.
    let chain = |of: &[u32]| -> Vec<(u32, u32)> {
        let of: Vec<u32> = of.iter().copied().filter(|&t| t != EARTH).collect();
        of.windows(2).map(|w| (w[0], w[1])).collect()
    };
    let links = groups.iter().flat_map(|(of, _)| chain(of));
    let islands = Islands::of(circuit.terminals.len(), links, budget)?;
    let mut fed = vec![false; islands.count()];
    for (of, source) in &groups {
        if *source || of.contains(&EARTH) {
            let of = of.iter().filter(|&&t| t != EARTH);
            of.for_each(|&terminal| fed[islands.island(terminal)] = true);
        }
    }
    let is_fed = |terminal: u32| fed[islands.island(terminal)];
    let mut findings = Vec::new();
    let mut supplied: BTreeSet<u32> = BTreeSet::new();
    for (&(bus, _), &terminal) in &lowered.terminals {
        if is_fed(terminal) {
            supplied.insert(bus);
        }
    }
    for (&(bus, conductor), &terminal) in &lowered.terminals {
        if supplied.contains(&bus) && !is_fed(terminal) {
            let name = &feeder.buses[bus as usize];
            let message =
                format!("{name} has a conductor {} that no source reaches", conductor.letter());
            findings.push(Finding::new(Kind::Phase, State::Failed, [name.clone()], message));
        }
    }
    Ok(findings)
}
