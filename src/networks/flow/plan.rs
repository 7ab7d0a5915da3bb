//! What of a network does not depend on its quantities: islands, trees, unknowns, the order of
//! elimination. It outlives edits, and the shutting of what does not cut a part off.
//!
//! In a part that hangs on one node and has no loop nothing is unknown: flows are what lies
//! behind them is asked for, and heads follow from the node. Only the rest, the *core*, is solved
//! (Simpson, Elhay and Alexander, *Forest-core partitioning algorithm for speeding up analysis of
//! water distribution systems*, J. Water Resour. Plann. Manage. 140, 2014).

use svgx_base::budget::Budget;
use svgx_engine::linear::{Entry, Ldl};

use super::model::{LinkKind, Network, NodeKind};
use super::solve::{NONE, largest};
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

/// A link of a tree, from the side of the core outward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch {
    pub(crate) link: u32,
    pub(crate) parent: u32,
    pub(crate) child: u32,
    /// One where the link leads outward, minus one where it leads back.
    pub(crate) sign: f64,
}

/// Which heads are unknown, and where links enter the matrix.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) islands: Islands,
    pub(crate) members: Vec<Vec<u32>>,
    pub(crate) supply: Vec<Supply>,
    /// What every island is asked for, m³/s.
    pub(crate) asked: Vec<f64>,
    /// The unknown of every node of the core.
    pub(crate) unknown: Vec<u32>,
    /// How many there are.
    pub(crate) count: usize,
    /// Those of the core first.
    pub(crate) active: Vec<Active>,
    core: usize,
    /// The others, outward: a parent comes before its children.
    pub(crate) trees: Vec<Branch>,
    /// Where links of the core are in the factor: twice in its diagonal, once off it.
    pub(crate) entries: Vec<[u32; 3]>,
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
        let mut free = vec![false; n];
        for (k, free) in free.iter_mut().enumerate() {
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
            *free = !fixed[k] && !pin;
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
        let carrying: Vec<u32> =
            (0..network.links.len() as u32).filter(|&k| carries(k as usize)).collect();
        let trees = trees(network, &carrying, &free);
        let mut is_tree = vec![false; network.links.len()];
        for branch in &trees {
            is_tree[branch.link as usize] = true;
            free[branch.child as usize] = false;
        }
        let mut unknown = vec![NONE; n];
        let mut count = 0;
        for (u, _) in unknown.iter_mut().zip(&free).filter(|(_, free)| **free) {
            *u = count;
            count += 1;
        }
        let mut active = Vec::with_capacity(carrying.len());
        let mut place = vec![NONE; network.links.len()];
        let of_core = carrying.iter().copied().filter(|&k| !is_tree[k as usize]);
        for k in of_core.chain(trees.iter().map(|branch| branch.link)) {
            let link = &network.links[k as usize];
            place[k as usize] = active.len() as u32;
            let at = |node: u32| unknown[node as usize].min(count);
            let (u, v) = (at(link.from), at(link.to));
            active.push(Active { link: k, from: link.from, to: link.to, u, v });
        }
        let core = active.len() - trees.len();
        let pairs = active[..core].iter().filter(|a| a.u != a.v && a.u < count && a.v < count);
        let factor: Ldl = factor_of(count as usize, pairs.map(|a| [a.u, a.v]), budget)?;
        let entries = active[..core].iter().map(|a| {
            let entry = |i: u32, j: u32| match (i < count && j < count).then(|| factor.entry(i, j))
            {
                Some(Entry::Diagonal(at) | Entry::OffDiagonal(at)) => at,
                None => NONE,
            };
            if a.u == a.v { [NONE; 3] } else { [entry(a.u, a.u), entry(a.v, a.v), entry(a.u, a.v)] }
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
            core,
            trees,
            place,
        };
        Ok((shape, factor))
    }

    /// Active links that are in the matrix.
    pub(crate) fn core(&self) -> &[Active] {
        &self.active[..self.core]
    }

    /// What is drawn from every unknown, negative, by what nodes are asked for; one more for
    /// heads that are given.
    pub(crate) fn drawn(&self, asked: &[f64]) -> Vec<f64> {
        let mut drawn = vec![0.0; self.count + 1];
        for (&u, q) in self.unknown.iter().zip(asked) {
            if u != NONE {
                drawn[u as usize] = -q;
            }
        }
        drawn
    }

    /// The largest imbalance of an unknown at flows of the core; `sums` is overwritten.
    pub(crate) fn imbalance(&self, drawn: &[f64], flows: &[f64], sums: &mut [f64]) -> f64 {
        sums.copy_from_slice(drawn);
        for (a, q) in self.core().iter().zip(flows) {
            sums[a.u as usize] -= q;
            sums[a.v as usize] += q;
        }
        sums[..self.count].iter().fold(0.0, |most, s| largest(most, *s))
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

/// Links behind which nothing leads back, outward: free nodes with one link are taken off again
/// and again.
fn trees(network: &Network, carrying: &[u32], free: &[bool]) -> Vec<Branch> {
    let ends = |&k: &u32| (network.links[k as usize].from, network.links[k as usize].to);
    let pairs: Vec<(u32, u32)> = carrying.iter().map(ends).collect();
    let incidence = Incidence::of(free.len(), &pairs);
    let mut degree: Vec<u32> =
        (0..free.len() as u32).map(|k| incidence.at(k).len() as u32).collect();
    let leaf = |k: usize, degree: &[u32]| free[k] && degree[k] == 1;
    let mut waiting: Vec<u32> =
        (0..free.len()).filter(|&k| leaf(k, &degree)).map(|k| k as u32).collect();
    let mut taken = vec![false; carrying.len()];
    let mut trees = Vec::new();
    let mut next = 0;
    while let Some(&child) = waiting.get(next) {
        next += 1;
        // The other end may have been taken off meanwhile.
        let left = incidence.at(child).iter().find(|&&at| !taken[at as usize]);
        let Some(&at) = left.filter(|_| degree[child as usize] == 1) else { continue };
        taken[at as usize] = true;
        let (from, to) = pairs[at as usize];
        let parent = other((from, to), child);
        let sign = if to == child { 1.0 } else { -1.0 };
        trees.push(Branch { link: carrying[at as usize], parent, child, sign });
        degree[child as usize] -= 1;
        degree[parent as usize] -= 1;
        if leaf(parent as usize, &degree) {
            waiting.push(parent);
        }
    }
    trees.reverse();
    trees
}
