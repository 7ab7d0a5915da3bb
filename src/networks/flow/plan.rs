//! What of a network does not depend on its quantities: islands, unknowns, the order of
//! elimination. It outlives edits, and the shutting of what does not cut a part off.

use svgx_base::budget::Budget;
use svgx_engine::linear::{Entry, Ldl};

use super::model::{LinkKind, Network, NodeKind};
use super::solve::NONE;
use super::status::Status;
use crate::Error;
use crate::matrix::factor_of;
use crate::topology::{Incidence, Islands, other};

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

/// A link that carries something, or would if it were open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Active {
    pub(crate) link: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// The unknowns of its ends; that after the last for a head that is given.
    pub(crate) u: u32,
    pub(crate) v: u32,
}

/// Which heads are unknown, and where links enter the matrix.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) islands: Islands,
    pub(crate) members: Vec<Vec<u32>>,
    pub(crate) supply: Vec<Supply>,
    /// What every island is asked for, m³/s.
    pub(crate) asked: Vec<f64>,
    /// The unknown of every node.
    pub(crate) unknown: Vec<u32>,
    /// How many there are.
    pub(crate) count: usize,
    pub(crate) active: Vec<Active>,
    /// The entries of active links: two diagonals and what is off it.
    pub(crate) entries: Vec<[Option<Entry>; 3]>,
    /// Which of the active links a link is.
    pub(crate) place: Vec<u32>,
    /// Active links at nodes.
    pub(crate) incidence: Incidence,
    /// Nodes whose head is given.
    pub(crate) given: Vec<u32>,
}

impl Shape {
    /// Islands, unknowns and the order of elimination.
    pub(crate) fn of(
        network: &Network,
        status: &[Status],
        budget: &Budget,
    ) -> Result<(Shape, Ldl), Error> {
        let n = network.nodes.len();
        let open = || network.links.iter().zip(status).filter(|(_, s)| **s == Status::Open);
        let islands = Islands::of(n, open().map(|(l, _)| (l.from, l.to)), budget)?;
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
        for (link, _) in network.links.iter().zip(status).filter(|(_, s)| **s == Status::Regulating)
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
        // What is shut within an island keeps its place: to open it changes no pattern. A
        // regulator is no part of any.
        let carries = |k: usize| {
            let link = &network.links[k];
            let island = islands.island(link.from);
            let within = island == islands.island(link.to)
                && !matches!(link.kind, LinkKind::Regulator { .. });
            supply[island] != Supply::Dead
                && (status[k] == Status::Open || within && status[k] != Status::Regulating)
        };
        let mut active = Vec::new();
        let mut place = vec![NONE; network.links.len()];
        for (k, link) in network.links.iter().enumerate().filter(|(k, _)| carries(*k)) {
            place[k] = active.len() as u32;
            let at = |node: u32| unknown[node as usize].min(count);
            let (u, v) = (at(link.from), at(link.to));
            active.push(Active { link: k as u32, from: link.from, to: link.to, u, v });
        }
        let pairs = active.iter().filter(|a| a.u != a.v && a.u < count && a.v < count);
        let factor: Ldl = factor_of(count as usize, pairs.map(|a| [a.u, a.v]), budget)?;
        let entries = active.iter().map(|a| {
            let entry = |i: u32, j: u32| (i < count && j < count).then(|| factor.entry(i, j));
            if a.u == a.v { [None; 3] } else { [entry(a.u, a.u), entry(a.v, a.v), entry(a.u, a.v)] }
        });
        let ends: Vec<(u32, u32)> = active.iter().map(|a| (a.from, a.to)).collect();
        let shape = Shape {
            members: islands.members(),
            given: (0..n as u32)
                .filter(|&k| matches!(network.nodes[k as usize].kind, NodeKind::Fixed(_)))
                .collect(),
            asked: asked.iter().map(|a| a.0).collect(),
            entries: entries.collect(),
            incidence: Incidence::of(n, &ends),
            count: count as usize,
            islands,
            supply,
            unknown,
            active,
            place,
        };
        Ok((shape, factor))
    }

    /// Whether the ends of an active link that was shut are joined by others that are open:
    /// breadth first from both ends by turns, so that a small part is found soon.
    pub(crate) fn joined(&self, link: u32, status: &[Status]) -> bool {
        let at = self.place[link as usize];
        if at == NONE {
            return true;
        }
        let Active { from, to, .. } = self.active[at as usize];
        if from == to {
            return true;
        }
        let mut side = std::collections::BTreeMap::from([(from, 0u8), (to, 1u8)]);
        let mut open = [vec![from], vec![to]];
        let mut next = [0usize; 2];
        loop {
            for s in 0..2 {
                let Some(&node) = open[s].get(next[s]) else { return false };
                next[s] += 1;
                for &a in self.incidence.at(node) {
                    let active = &self.active[a as usize];
                    if status[active.link as usize] != Status::Open {
                        continue;
                    }
                    let far = other((active.from, active.to), node);
                    match side.insert(far, s as u8) {
                        None => open[s].push(far),
                        Some(seen) if seen != s as u8 => return true,
                        Some(_) => {}
                    }
                }
            }
        }
    }
}
