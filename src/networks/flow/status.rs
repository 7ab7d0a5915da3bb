//! What is open: links as they stand, valves that hold, regulators.

use std::collections::BTreeMap;

use super::model::{LinkKind, Network, NodeKind};
use crate::topology::Sets;

/// How a link takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// By its law.
    Open,
    /// Closed by the author.
    Closed,
    /// A valve or pump that keeps a flow from coming back.
    Holding,
    /// A regulator that keeps the head of its outlet.
    Regulating,
}

/// How often a valve may change its mind before it is named.
pub(crate) const MOST_FLIPS: u8 = 6;

/// Head by which a regulator has to be wrong before it changes, m.
const HYSTERESIS: f64 = 1e-4;

/// A flow back that is rounding, m³/s: into a part that only this link feeds and that is asked
/// for nothing.
pub(crate) const NOTHING: f64 = 1e-12;

/// The status every link starts with.
pub(crate) fn start(network: &Network) -> Vec<Status> {
    let of = |link: &super::Link| match link.kind {
        _ if !link.open => Status::Closed,
        LinkKind::Regulator { .. }
            if matches!(network.nodes[link.to as usize].kind, NodeKind::Demand(_)) =>
        {
            Status::Regulating
        }
        _ => Status::Open,
    };
    network.links.iter().map(of).collect()
}

/// Lets only such regulators regulate as are supplied themselves, and one of them at each node.
pub(crate) fn settle(network: &Network, status: &mut [Status]) {
    let regulating = |status: &[Status]| -> Vec<usize> {
        (0..status.len()).filter(|&k| status[k] == Status::Regulating).collect()
    };
    let mut at_node: BTreeMap<u32, (f64, usize)> = BTreeMap::new();
    for k in regulating(status) {
        let LinkKind::Regulator { head, .. } = network.links[k].kind else { continue };
        let best = at_node.entry(network.links[k].to).or_insert((head, k));
        if best.1 != k {
            let loser = if head > best.0 { std::mem::replace(best, (head, k)).1 } else { k };
            status[loser] = Status::Holding;
        }
    }
    if at_node.is_empty() {
        return;
    }
    let mut sets = Sets::new(network.nodes.len());
    for (link, _) in network.links.iter().zip(&*status).filter(|(_, s)| **s == Status::Open) {
        sets.join(link.from, link.to);
    }
    // Level by level down from the sources; what is not reached is fed by nothing and stands open.
    let mut waiting: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for k in regulating(status) {
        waiting.entry(sets.find(network.links[k].from)).or_default().push(k);
    }
    let mut open: Vec<u32> = Vec::new();
    for (k, node) in network.nodes.iter().enumerate() {
        if matches!(node.kind, NodeKind::Fixed(_)) {
            open.push(sets.find(k as u32));
        }
    }
    while let Some(root) = open.pop() {
        for k in waiting.remove(&root).unwrap_or_default() {
            open.push(sets.find(network.links[k].to));
        }
    }
    for k in waiting.into_values().flatten() {
        status[k] = Status::Open;
    }
}

/// The status a link ought to have, given heads at its ends and the flow through it.
pub(crate) fn wanted(
    network: &Network,
    k: usize,
    status: Status,
    flow: f64,
    (from, to): (f64, f64),
) -> Status {
    let link = &network.links[k];
    match (link.kind, status) {
        (LinkKind::Regulator { head, resistance }, _) if status != Status::Closed => {
            let outlet = &network.nodes[link.to as usize];
            let kept = outlet.elevation + head;
            // A head that is given cannot be kept by a valve: above its own it shuts.
            let given = matches!(outlet.kind, NodeKind::Fixed(_));
            match status {
                Status::Regulating if flow < -1e-12 => Status::Holding,
                Status::Regulating if from - resistance * flow * flow.abs() < kept - HYSTERESIS => {
                    Status::Open
                }
                Status::Open if flow < 0.0 => Status::Holding,
                Status::Open if to > kept + HYSTERESIS && given => Status::Holding,
                Status::Open if to > kept + HYSTERESIS => Status::Regulating,
                Status::Holding if to < kept - HYSTERESIS && from > to + HYSTERESIS => {
                    if from >= kept && !given { Status::Regulating } else { Status::Open }
                }
                status => status,
            }
        }
        (LinkKind::Check { .. }, Status::Open) if flow < -NOTHING => Status::Holding,
        (LinkKind::Check { .. }, Status::Holding) if from > to + HYSTERESIS => Status::Open,
        (LinkKind::Pump(_), Status::Open) if flow < -NOTHING => Status::Holding,
        (LinkKind::Pump(c), Status::Holding) if from + c.shut_off > to + HYSTERESIS => Status::Open,
        (_, status) => status,
    }
}
