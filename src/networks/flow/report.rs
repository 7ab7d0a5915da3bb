//! What is told of a network that was solved.

use super::model::{Fluid, Link, LinkKind, Network, NodeKind};
use super::plan::{Shape, Supply};
use super::solve::{Solution, Solver};
use super::status::{NOTHING, Status};
use crate::accuracy::Effort;
use crate::finding::{Finding, Kind, State, digits, listed, number};
use crate::topology::{self, Sets};
use crate::{Limits, Name};

/// Above this a velocity is a slip of units or a fault, m/s.
const fn limit_of(liquid: bool) -> f64 {
    if liquid { 10.0 } else { 30.0 }
}

/// The flow at which a link is that fast, m³/s.
pub(super) fn fastest(fluid: &Fluid, link: &Link) -> f64 {
    Network::area(link).map_or(f64::INFINITY, |area| area * limit_of(fluid.liquid))
}

pub(crate) fn answer(
    solver: &Solver,
    effort: Effort,
    flapping: &[usize],
    limits: &Limits,
) -> Solution {
    let network = &solver.network;
    let n = network.nodes.len();
    let mut solution = Solution {
        heads: vec![None; n],
        pressures: vec![None; n],
        flows: vec![None; network.links.len()],
        supplied: vec![None; n],
        holding: solver.status.iter().map(|s| *s == Status::Holding).collect(),
        islands: Vec::new(),
        findings: Vec::new(),
        effort,
    };
    let Some(plan) = &solver.plan else { return solution };
    let plan = &*plan.shape;
    let members = &plan.members;
    let weight = network.fluid.density * network.fluid.gravity;
    for (k, node) in network.nodes.iter().enumerate() {
        let supply = plan.supply[plan.islands.island(k as u32)];
        if supply == Supply::Fixed {
            solution.heads[k] = Some(solver.heads[k]);
            solution.pressures[k] = Some(weight * (solver.heads[k] - node.elevation));
        }
        if supply != Supply::Dead {
            solution.supplied[k] = match node.kind {
                NodeKind::Demand(q) => Some(-q),
                NodeKind::Fixed(_) => None,
            };
        }
    }
    for (k, put_in) in solver.supplied() {
        if plan.supply[plan.islands.island(k)] != Supply::Dead {
            solution.supplied[k as usize] = Some(put_in);
        }
    }
    let dead = plan.supply.contains(&Supply::Dead);
    for (k, link) in network.links.iter().enumerate() {
        if !dead {
            let carries = matches!(solver.status[k], Status::Open | Status::Regulating);
            solution.flows[k] = Some(if carries { solver.flows[k] } else { 0.0 });
            continue;
        }
        let at = |node: u32| plan.supply[plan.islands.island(node)];
        solution.flows[k] = match solver.status[k] {
            Status::Closed | Status::Holding => Some(0.0),
            Status::Open if at(link.from) == Supply::Dead => None,
            Status::Regulating if at(link.from) == Supply::Dead => None,
            Status::Open | Status::Regulating => Some(solver.flows[k]),
        };
    }
    for &k in &solver.watched {
        // What rounding lets back through a valve that is open flows nowhere.
        if let Some(q) =
            solution.flows[k as usize].as_mut().filter(|q| (-NOTHING..0.0).contains(*q))
        {
            *q = 0.0;
        }
    }
    let mut findings = Vec::new();
    islands(network, solver, plan, members, &mut findings);
    valves(network, solver, flapping, &mut findings);
    pumps(network, solver, &solution, &mut findings);
    fast(network, solver, &solution, &mut findings);
    suction(network, &solution, &mut findings);
    if !effort.converged && effort.stopped.is_none() && flapping.is_empty() {
        let message = format!(
            "flows and heads do not settle: {} m of head are missed",
            digits(effort.residual.energy)
        );
        findings.push(Finding::new(Kind::NoSolution, State::Failed, [], message));
    }
    findings.truncate(limits.findings);
    solution.findings = findings;
    solution.islands.clone_from(members);
    solution
}

fn names<'a>(network: &'a Network, nodes: impl IntoIterator<Item = &'a u32>) -> Vec<Name> {
    nodes.into_iter().map(|&k| network.nodes[k as usize].name.clone()).collect()
}

/// Islands without a source, and what cuts them off.
fn islands(
    network: &Network,
    solver: &Solver,
    plan: &Shape,
    members: &[Vec<u32>],
    findings: &mut Vec<Finding>,
) {
    let mut cut: Vec<Vec<u32>> = vec![Vec::new(); members.len()];
    for (k, link) in network.links.iter().enumerate() {
        if !matches!(solver.status[k], Status::Closed | Status::Holding) {
            continue;
        }
        let (a, b) = (plan.islands.island(link.from), plan.islands.island(link.to));
        if a != b {
            cut[a].push(k as u32);
            cut[b].push(k as u32);
        }
    }
    let medium = if network.fluid.liquid { "water" } else { "air" };
    let any = plan.supply.contains(&Supply::Fixed);
    for (island, nodes) in members.iter().enumerate() {
        if plan.supply[island] == Supply::Fixed {
            continue;
        }
        let by: Vec<Name> =
            cut[island].iter().map(|&k| network.links[k as usize].name.clone()).collect();
        let inside = names(network, nodes);
        let closed = || {
            let holds = cut[island].iter().any(|&k| solver.status[k as usize] == Status::Holding);
            let how = if holds { "closed or holding" } else { "closed" };
            match by.as_slice() {
                [] => "nothing leads there from a source".to_owned(),
                by => format!("{} {} {how}", listed(by), number(by.len(), "is", "are")),
            }
        };
        match plan.supply[island] {
            Supply::Fixed => {}
            Supply::Floating => {
                let message = format!("nothing fixes the pressure of {}", listed(&inside));
                findings.push(Finding::new(Kind::Floating, State::Unknown, inside, message));
            }
            Supply::Dead => {
                let missed: f64 = nodes
                    .iter()
                    .map(|&k| match network.nodes[k as usize].kind {
                        NodeKind::Demand(q) => q.max(0.0),
                        NodeKind::Fixed(_) => 0.0,
                    })
                    .sum();
                let message = format!(
                    "{} {} no {medium}: {}; {} L/s are not delivered",
                    listed(&inside),
                    number(inside.len(), "gets", "get"),
                    closed(),
                    digits(1000.0 * missed),
                );
                let kind = if any { Kind::Island } else { Kind::NoSource };
                let elements = by.into_iter().chain(inside);
                findings.push(Finding::new(kind, State::Failed, elements, message));
            }
        }
    }
}

/// Valves that hold, and such as cannot decide.
fn valves(network: &Network, solver: &Solver, flapping: &[usize], findings: &mut Vec<Finding>) {
    for (k, link) in network.links.iter().enumerate() {
        if solver.status[k] != Status::Holding {
            continue;
        }
        let (state, message) = match link.kind {
            LinkKind::Pump(curve) => (
                State::Critical,
                format!(
                    "{} lifts at most {} m and is asked for more: it delivers nothing",
                    link.name,
                    digits(curve.shut_off)
                ),
            ),
            _ => (State::Normal, format!("{} holds: nothing flows back", link.name)),
        };
        findings.push(Finding::new(Kind::Range, state, [link.name.clone()], message));
    }
    if !flapping.is_empty() {
        let names: Vec<Name> = flapping.iter().map(|&k| network.links[k].name.clone()).collect();
        let message = format!(
            "{} {} open and shut without end: {} as last seen",
            listed(&names),
            number(names.len(), "goes", "go"),
            number(names.len(), "it is answered", "they are answered"),
        );
        findings.push(Finding::new(Kind::Cycle, State::Critical, names, message));
    }
}

fn pumps(network: &Network, solver: &Solver, solution: &Solution, findings: &mut Vec<Finding>) {
    for &k in &solver.watched {
        let link = &network.links[k as usize];
        let flow = solution.flows[k as usize];
        let (LinkKind::Pump(curve), Some(flow)) = (link.kind, flow) else { continue };
        let most = curve.most();
        if flow > most {
            let message = format!(
                "{} has to pass {} L/s; its curve ends at {} L/s",
                link.name,
                digits(1000.0 * flow),
                digits(1000.0 * most)
            );
            let elements = [link.name.clone()];
            findings.push(Finding::new(Kind::Range, State::Critical, elements, message));
        }
    }
}

/// Links that are too fast, and fixed heads between which nothing else lies.
fn fast(network: &Network, solver: &Solver, solution: &Solution, findings: &mut Vec<Finding>) {
    let over = |k: usize| solver.flows[k].abs() > solver.fastest[k];
    if !(0..network.links.len()).any(over) {
        return;
    }
    let limit = limit_of(network.fluid.liquid);
    let velocity = |k: usize| -> Option<f64> {
        let area = Network::area(&network.links[k])?;
        Some((solution.flows[k]? / area).abs())
    };
    let fast: Vec<usize> =
        (0..network.links.len()).filter(|&k| velocity(k).is_some_and(|v| v > limit)).collect();
    if fast.is_empty() {
        return;
    }
    let ends: Vec<(u32, u32)> = network.links.iter().map(|l| (l.from, l.to)).collect();
    let mut sets = Sets::new(network.nodes.len());
    for &k in &fast {
        sets.join(ends[k].0, ends[k].1);
    }
    let mut first: std::collections::BTreeMap<u32, u32> = Default::default();
    for (k, node) in network.nodes.iter().enumerate() {
        let NodeKind::Fixed(_) = node.kind else { continue };
        let k = k as u32;
        let a = *first.entry(sets.find(k)).or_insert(k);
        if a == k || findings.len() > 1000 {
            continue;
        }
        let leads = |l: usize| velocity(l).is_some_and(|v| v > limit);
        let path = topology::path(network.nodes.len(), &ends, leads, a, k).unwrap_or_default();
        let between: Vec<Name> =
            path.iter().map(|&l| network.links[l as usize].name.clone()).collect();
        let flow =
            path.iter().map(|&l| solver.flows[l as usize].abs()).fold(f64::INFINITY, f64::min);
        let (one, other) = (&network.nodes[a as usize].name, &node.name);
        let message = format!(
            "{one} and {other} fix different heads and little lies between them: {} L/s flow through {}",
            digits(1000.0 * flow),
            listed(&between),
        );
        let elements = [one.clone(), other.clone()].into_iter().chain(between);
        findings.push(Finding::new(Kind::Conflict, State::Critical, elements, message));
    }
    for k in fast {
        let link = &network.links[k];
        let message = format!(
            "{} runs at {} m/s, above {limit} m/s: are its units right?",
            link.name,
            digits(velocity(k).unwrap_or_default())
        );
        findings.push(Finding::new(Kind::Range, State::Critical, [link.name.clone()], message));
    }
}

/// Liquids below zero pressure.
fn suction(network: &Network, solution: &Solution, findings: &mut Vec<Finding>) {
    if !network.fluid.liquid {
        return;
    }
    if !solution.pressures.iter().any(|p| p.is_some_and(|p| p < 0.0)) {
        return;
    }
    let below: Vec<u32> = (0..network.nodes.len() as u32)
        .filter(|&k| {
            matches!(network.nodes[k as usize].kind, NodeKind::Demand(_))
                && solution.pressures[k as usize].is_some_and(|p| p < 0.0)
        })
        .collect();
    let Some(&worst) = below.iter().min_by(|&&a, &&b| {
        let at = |k: u32| solution.pressures[k as usize].unwrap_or_default();
        at(a).total_cmp(&at(b))
    }) else {
        return;
    };
    let inside = names(network, &below);
    let pressure = solution.pressures[worst as usize].unwrap_or_default();
    let message = format!(
        "the pressure is negative at {}, down to {} kPa at {}",
        listed(&inside),
        digits(pressure / 1000.0),
        network.nodes[worst as usize].name,
    );
    findings.push(Finding::new(Kind::Range, State::Critical, inside, message));
}
