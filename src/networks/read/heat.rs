//! Heat of a drawing: rooms, outside, and what conducts between them.

use super::Reader;
use crate::heat::{Link, Network, Node, NodeKind};

impl Reader<'_, '_> {
    pub(super) fn heat(&mut self) -> Option<Network> {
        let mut nodes = Vec::new();
        for (name, object) in self.nodes.clone() {
            let owner = self.owner(object);
            // A temperature that is given is kept.
            let kept = self.get(owner, "temperature", "C");
            let capacity = self.get(owner, "capacity", "J/K").unwrap_or(0.0);
            let kind = match kept {
                Some(t) => NodeKind::Fixed(t),
                None => NodeKind::Free(self.get(owner, "heat", "W").unwrap_or(0.0)),
            };
            nodes.push(Node { name, capacity, kind });
        }
        let mut links = Vec::new();
        for k in 0..self.connections.len() {
            let c = &self.connections[k];
            let (owner, word, from, to) = (c.owner, c.kind, c.from, c.to);
            let conductance = match word {
                "" | "conduction" if self.source.text(owner, "conductance").is_some() => {
                    self.get(owner, "conductance", "W/K")
                }
                "" | "conduction" => {
                    let u = self.need(owner, "u", "W/(m^2*K)");
                    let area = self.need(owner, "area", "m^2");
                    u.zip(area).map(|(u, area)| u * area)
                }
                // Air of 1.2 kg/m³ and 1005 J/(kg K).
                "air-exchange" => self.need(owner, "flow", "m^3/s").map(|q| 1.2 * 1005.0 * q),
                other => {
                    self.unknown_kind(owner, other, &["conduction", "air-exchange"]);
                    None
                }
            };
            if let Some(conductance) = conductance {
                links.push(Link { name: owner.name.into(), from, to, conductance });
            }
        }
        (!nodes.is_empty()).then_some(Network { nodes, links, walls: Vec::new() })
    }
}
