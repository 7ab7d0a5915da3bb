//! Heat of a drawing: rooms, outside, and what conducts between them.

use super::Reader;
use super::quantity::{Owner, shown};
use crate::finding::Kind;
use crate::heat::{Layer, Link, Network, Node, NodeKind, Wall};
use svgx_engine::behavior::unit::convert;

impl<'d> Reader<'_, 'd> {
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
        let (mut links, mut walls) = (Vec::new(), Vec::new());
        for k in 0..self.connections.len() {
            let c = &self.connections[k];
            let (owner, word, from, to) = (c.owner, c.kind, c.from, c.to);
            if word == "wall" {
                walls.extend(self.wall(owner, from, to));
                continue;
            }
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
                    self.unknown_kind(owner, other, &["conduction", "air-exchange", "wall"]);
                    None
                }
            };
            if let Some(conductance) = conductance {
                links.push(Link { name: owner.name.into(), from, to, conductance });
            }
        }
        (!nodes.is_empty()).then_some(Network { nodes, links, walls })
    }

    /// A wall from outside to inside: `area`, and `layers`, the outermost first.
    fn wall(&mut self, owner: Owner<'d>, outside: u32, inside: u32) -> Option<Wall> {
        let area = self.need(owner, "area", "m^2");
        // Surface resistances of walls (ISO 6946).
        let mut film = |name, usual| self.get(owner, name, "m^2*K/W").unwrap_or(usual);
        let (film_outside, film_inside) = (film("film-outside", 0.04), film("film-inside", 0.13));
        let text = self.source.text(owner, "layers").map_or("", |t| t.0);
        let layers: Option<Vec<Layer>> = text.split(',').map(|l| layer(l.trim())).collect();
        let Some(layers) = layers else {
            let message = format!(
                "the layers of {} are {:?}: of each its thickness and conductivity, such as 240 mm 0.8 W/(m*K), and perhaps density and specific heat",
                owner.name,
                shown(text)
            );
            self.refuse(Kind::Quantity, owner, "layers", message);
            return None;
        };
        let name = owner.name.into();
        Some(Wall { name, outside, inside, area: area?, layers, film_outside, film_inside })
    }
}

/// `240 mm 0.8 W/(m*K)`, and perhaps `1800 kg/m^3 1000 J/(kg*K)`.
fn layer(text: &str) -> Option<Layer> {
    const UNITS: [&str; 4] = ["m", "W/(m*K)", "kg/m^3", "J/(kg*K)"];
    let words: Vec<&str> = text.split_whitespace().collect();
    if !matches!(words.len(), 4 | 8) {
        return None;
    }
    let mut values = [0.0; 4];
    for ((pair, unit), value) in words.chunks_exact(2).zip(UNITS).zip(&mut values) {
        let number: f64 = pair[0].parse().ok().filter(|n: &f64| n.is_finite())?;
        *value = convert(number, &pair[1].parse().ok()?, &unit.parse().ok()?).ok()?;
    }
    let [thickness, conductivity, density, heat] = values;
    Some(Layer { thickness, conductivity, density, heat })
}
