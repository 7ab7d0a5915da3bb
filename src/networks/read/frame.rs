//! A frame of a drawing: nodes lie where their objects are drawn.

use super::Reader;
use crate::finding::Kind;
use crate::frame::{Load, Member, Node, Restraint, Structure};

impl Reader<'_, '_> {
    pub(super) fn frame(&mut self) -> Option<Structure> {
        let mut s = Structure::default();
        let mut loads = Vec::new();
        for (k, (name, object)) in self.nodes.clone().into_iter().enumerate() {
            let owner = self.owner(object);
            let Some(at) = self.source.place(object) else {
                let message =
                    format!("{object} is not drawn: a node of a frame lies where it is drawn");
                self.refuse(Kind::Terminal, owner, "ref", message);
                return None;
            };
            let fixed = self.source.text(owner, "fixed").map_or("", |t| t.0);
            let support = ["x", "y", "r"]
                .map(|d| if fixed.contains(d) { Restraint::Fixed } else { Restraint::Free });
            s.nodes.push(Node { name, at, support });
            // Down is where `y` of the drawing points.
            let down = self.get(owner, "load", "N").unwrap_or(0.0);
            let right = self.get(owner, "push", "N").unwrap_or(0.0);
            let moment = self.get(owner, "moment", "N*m").unwrap_or(0.0);
            if [down, right, moment] != [0.0; 3] {
                loads.push(Load::Node { node: k as u32, force: [right, -down, moment] });
            }
        }
        for k in 0..self.connections.len() {
            let c = &self.connections[k];
            let (owner, word, from, to) = (c.owner, c.kind, c.from, c.to);
            let bar = match word {
                "" | "member" => false,
                "truss" => true,
                other => {
                    self.unknown_kind(owner, other, &["member", "truss"]);
                    continue;
                }
            };
            let modulus = self.need(owner, "modulus", "Pa");
            let area = self.need(owner, "area", "m^2");
            let inertia = if bar { Some(0.0) } else { self.need(owner, "inertia", "m^4") };
            let hinges = self.source.text(owner, "hinges").map_or("", |t| t.0);
            let hinges = ["from", "to"].map(|end| hinges.split_whitespace().any(|h| h == end));
            let (Some(modulus), Some(area), Some(inertia)) = (modulus, area, inertia) else {
                continue;
            };
            let down = self.get(owner, "load", "N/m").unwrap_or(0.0);
            if down != 0.0 {
                let member = s.members.len() as u32;
                loads.push(Load::Uniform { member, force: [0.0, -down] });
            }
            s.members.push(Member {
                name: owner.name.into(),
                from,
                to,
                modulus,
                area,
                inertia,
                hinges,
            });
        }
        s.loads = loads;
        (!s.nodes.is_empty()).then_some(s)
    }
}
