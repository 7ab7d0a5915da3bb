//! Water and air of a drawing.

use super::Reader;
use super::quantity::{Owner, shown};
use crate::finding::Kind;
use crate::flow::{
    Curve, Fluid, Law, Link, LinkKind, Network, Node, NodeKind, resistance_of_kv,
    resistance_of_minor,
};
use svgx_engine::behavior::unit::quantity;

/// What connections can be.
const LINKS: [&str; 6] = ["pipe", "duct", "valve", "check", "prv", "limiter"];

const ZERO_CELSIUS: f64 = 273.15;

/// Water at a temperature, °C (density: McCutcheon 1993; viscosity: Vogel's equation).
fn water(celsius: f64) -> Fluid {
    let t = celsius;
    let off = (t + 288.9414) * (t - 3.9863) * (t - 3.9863);
    let density = 1000.0 * (1.0 - off / (508_929.2 * (t + 68.129_63)));
    let dynamic = 2.414e-5 * libm::exp10(247.8 / (t + ZERO_CELSIUS - 140.0));
    Fluid { density, viscosity: dynamic / density, ..Fluid::WATER }
}

/// Air at a temperature, °C, and sea level (viscosity: Sutherland).
fn air(celsius: f64) -> Fluid {
    let kelvin = celsius + ZERO_CELSIUS;
    let density = 101_325.0 / (287.055 * kelvin);
    let dynamic = 1.458e-6 * kelvin * libm::sqrt(kelvin) / (kelvin + 110.4);
    Fluid { density, viscosity: dynamic / density, ..Fluid::AIR }
}

impl<'d> Reader<'_, 'd> {
    pub(super) fn flow(&mut self, liquid: bool) -> Option<Network> {
        let system = Owner { node: self.node, object: None, name: "the network" };
        let fluid = self.fluid(system, liquid);
        let law = match self.source.text(system, "friction").map(|t| t.0.trim()) {
            None | Some("colebrook") => Law::Colebrook,
            Some("swamee-jain") => Law::SwameeJain,
            Some("hazen-williams") => Law::HazenWilliams,
            Some(other) => {
                let message = format!(
                    "there is no friction {:?}: colebrook, swamee-jain or hazen-williams",
                    shown(other)
                );
                self.refuse(Kind::Quantity, system, "friction", message);
                Law::Colebrook
            }
        };
        let mut nodes = Vec::new();
        for (name, object) in self.nodes.clone() {
            let owner = self.owner(object);
            let elevation = self.get(owner, "elevation", "m").unwrap_or(0.0);
            let kind = self.flow_node(owner, object, elevation, &fluid);
            nodes.push(Node { name, elevation, kind });
        }
        let mut links = Vec::new();
        for k in 0..self.connections.len() {
            let c = &self.connections[k];
            let (owner, word, from, to) = (c.owner, c.kind, c.from, c.to);
            if let Some(kind) = self.flow_link(owner, word, &fluid, law) {
                links.push(Link {
                    name: owner.name.into(),
                    from,
                    to,
                    open: self.open(owner),
                    kind,
                });
            }
        }
        for (object, from, to) in self.links() {
            let owner = self.owner(object);
            if let Some(curve) = self.curve(owner, &fluid) {
                let open = self.open(owner);
                links.push(Link {
                    name: object.into(),
                    from,
                    to,
                    open,
                    kind: LinkKind::Pump(curve),
                });
            }
        }
        (!nodes.is_empty()).then_some(Network { fluid, law, nodes, links })
    }

    fn fluid(&mut self, system: Owner<'d>, liquid: bool) -> Fluid {
        let usual = if liquid { Fluid::WATER } else { Fluid::AIR };
        let Some((text, _)) = self.source.text(system, "fluid") else { return usual };
        let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let warm = quantity(rest).filter(|l| matches!(l.unit, "C" | "°C")).map(|l| l.number);
        match (word, warm) {
            ("water", None) if rest.is_empty() => Fluid::WATER,
            ("air", None) if rest.is_empty() => Fluid::AIR,
            ("water", Some(t)) if (0.0..=180.0).contains(&t) => water(t),
            ("air", Some(t)) if (-80.0..=500.0).contains(&t) => air(t),
            _ => {
                let message =
                    format!("there is no fluid {:?}: `water 60 C` or `air 20 C`", shown(text));
                self.refuse(Kind::Quantity, system, "fluid", message);
                usual
            }
        }
    }

    fn flow_node(
        &mut self,
        owner: Owner<'d>,
        object: &'d str,
        elevation: f64,
        fluid: &Fluid,
    ) -> NodeKind {
        let per_pascal = fluid.head_per_pascal();
        match self.kinds.get(object).copied().unwrap_or("") {
            "source" | "reservoir" | "tank" | "outside" => {
                let head = self.get(owner, "head", "m");
                let level = head.or_else(|| self.get(owner, "level", "m").map(|l| l + elevation));
                let pressure = |r: &mut Self| {
                    r.get(owner, "pressure", "Pa").map(|p| p * per_pascal + elevation)
                };
                NodeKind::Fixed(level.or_else(|| pressure(self)).unwrap_or(elevation))
            }
            "terminal" => match self.get(owner, "flow", "m^3/s") {
                Some(flow) => NodeKind::Demand(flow),
                None => NodeKind::Fixed(elevation),
            },
            "demand" | "load" => NodeKind::Demand(self.need(owner, "flow", "m^3/s").unwrap_or(0.0)),
            _ => NodeKind::Demand(0.0),
        }
    }

    fn flow_link(
        &mut self,
        owner: Owner<'d>,
        word: &str,
        fluid: &Fluid,
        law: Law,
    ) -> Option<LinkKind> {
        match word {
            "" | "pipe" | "duct" => {
                let length = self.source.length(owner, &mut self.findings);
                let diameter = self.need(owner, "diameter", "m");
                let minor = self.get(owner, "minor", "").unwrap_or(0.0);
                let roughness = if law == Law::HazenWilliams {
                    self.need(owner, "roughness", "")
                } else {
                    Some(self.get(owner, "roughness", "m").unwrap_or(0.0))
                };
                Some(LinkKind::Pipe {
                    length: length?,
                    diameter: diameter?,
                    roughness: roughness?,
                    minor,
                })
            }
            "valve" => Some(LinkKind::Valve { resistance: self.resistance(owner, fluid)? }),
            "check" => Some(LinkKind::Check { resistance: self.resistance(owner, fluid)? }),
            "prv" => {
                let pressure = self.need(owner, "pressure", "Pa");
                let resistance = self.resistance(owner, fluid)?;
                Some(LinkKind::Regulator { resistance, head: pressure? * fluid.head_per_pascal() })
            }
            "limiter" => {
                let most = self.need(owner, "flow", "m^3/s");
                let resistance = self.resistance(owner, fluid)?;
                Some(LinkKind::Limiter { resistance, most: most? })
            }
            other => {
                self.unknown_kind(owner, other, &LINKS);
                None
            }
        }
    }

    /// Of a valve: from `kv`, or `k` and `diameter`; part open it passes that part of its flow.
    fn resistance(&mut self, owner: Owner<'d>, fluid: &Fluid) -> Option<f64> {
        let whole = if self.source.text(owner, "kv").is_some() {
            let kv = self.get(owner, "kv", "m^3/h")?;
            // The value is of water of 1000 kg/m³ at 1 bar: a head of the fluid that flows.
            resistance_of_kv(kv, fluid.gravity)
        } else {
            let k = self.need(owner, "k", "");
            let diameter = self.need(owner, "diameter", "m");
            resistance_of_minor(k?, diameter?, fluid.gravity)
        };
        self.wholes.insert(owner.name, whole);
        let open = match self.source.text(owner, "open").map(|t| t.0.trim()) {
            None | Some("yes" | "true" | "no" | "false") => 1.0,
            Some(_) => self.get(owner, "open", "%").map_or(1.0, |percent| percent / 100.0),
        };
        if open <= 0.0 { Some(whole) } else { Some(whole / (open * open)) }
    }

    /// `0 L/s 12 m, 8 L/s 10 m, 14 L/s 4 m`, or one point; heads of a fan in Pa.
    fn curve(&mut self, owner: Owner<'d>, fluid: &Fluid) -> Option<Curve> {
        let (text, _) = self.source.text(owner, "curve")?;
        let points: Option<Vec<(f64, f64)>> =
            text.split(',').map(|p| point(p.trim(), fluid)).collect();
        let curve = match points.as_deref() {
            Some(&[(flow, head)]) if flow > 0.0 => Some(Curve::through_point(flow, head)),
            Some(&[(0.0, shut), second, third]) => Curve::through_points(shut, second, third),
            _ => None,
        };
        if curve.is_none() {
            let message = format!(
                "the curve of {} is {:?}: it needs one point, or none at zero flow and two more, with falling heads",
                owner.name,
                shown(text)
            );
            self.refuse(Kind::Quantity, owner, "curve", message);
        }
        if let Some(curve) = curve {
            self.curves.insert(owner.name, curve);
        }
        let speed = self.get(owner, "speed", "%").map_or(1.0, |percent| percent / 100.0);
        curve.map(|c| if speed > 0.0 { c.at_speed(speed) } else { c })
    }
}

/// `8 L/s 10 m` as m³/s and m.
fn point(text: &str, fluid: &Fluid) -> Option<(f64, f64)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [flow, flow_unit, head, head_unit] = words.as_slice() else { return None };
    let in_unit = |number: &str, unit: &str, wanted: &str| -> Option<f64> {
        let number: f64 = number.parse().ok().filter(|n: &f64| n.is_finite())?;
        svgx_engine::behavior::unit::convert(number, &unit.parse().ok()?, &wanted.parse().ok()?)
            .ok()
    };
    let flow = in_unit(flow, flow_unit, "m^3/s")?;
    let head = in_unit(head, head_unit, "m")
        .or_else(|| Some(in_unit(head, head_unit, "Pa")? * fluid.head_per_pascal()))?;
    Some((flow, head))
}
