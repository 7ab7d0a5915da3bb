//! Alternating current of a drawing.

use super::Reader;
use super::quantity::{Owner, shown};
use crate::electrical::feeder::{Demand, Electrode, Line, Supply, Switch, Transformer, Winding};
use crate::electrical::{Conductor, Connection, Feeder, Phase, Return, Shares};
use crate::finding::Kind;

/// Resistivity of conductors, Ω m at 20 °C (IEC 60228, IEC 60909).
const MATERIALS: [(&str, f64); 2] = [("copper", 1.0 / 54e6), ("aluminium", 1.0 / 34e6)];

/// Reactance of a conductor in a cable where none is written, Ω/m (IEC 60364-5-52, annex G).
const REACTANCE: f64 = 0.08e-3;

impl<'d> Reader<'_, 'd> {
    pub(super) fn electrical(&mut self) -> Option<Feeder> {
        let mut feeder =
            Feeder { buses: self.nodes.iter().map(|n| n.0.clone()).collect(), ..Feeder::default() };
        for (bus, (_, object)) in self.nodes.clone().into_iter().enumerate() {
            let owner = self.owner(object);
            match self.kinds.get(object).copied().unwrap_or("") {
                "source" => self.supply(owner, bus as u32, &mut feeder),
                "load" => self.demand(owner, bus as u32, &mut feeder),
                _ => {}
            }
        }
        for k in 0..self.connections.len() {
            let c = &self.connections[k];
            let (owner, word, from, to) = (c.owner, c.kind, c.from, c.to);
            if word == "transformer" {
                self.transformer(owner, from, to, &mut feeder);
                continue;
            }
            let Some(conductors) = self.conductors(owner, "ABC") else { continue };
            let name = owner.name.into();
            match word {
                "" | "power" => {
                    if let Some(z) = self.impedance(owner) {
                        let impedance = Line::transposed(conductors.len(), z, Phase::default());
                        let charging = Vec::new();
                        feeder.lines.push(Line { name, from, to, conductors, impedance, charging });
                    }
                }
                "switch" => {
                    let closed = self.open_switch(owner);
                    feeder.switches.push(Switch { name, from, to, conductors, closed });
                }
                other => self.unknown_kind(owner, other, &["power", "switch", "transformer"]),
            }
        }
        (!feeder.buses.is_empty()).then_some(feeder)
    }

    /// A switch is closed unless it is said to be open.
    pub(super) fn open_switch(&self, owner: Owner<'d>) -> bool {
        let text = self.source.text(owner, "open").map(|t| t.0.trim());
        !matches!(text, Some("yes" | "true" | "1" | "100%" | "100 %"))
    }

    /// `ABCN`; `None` for anything else.
    fn conductors(&mut self, owner: Owner<'d>, usual: &str) -> Option<Vec<Conductor>> {
        let text =
            self.source.text(owner, "phases").map_or(usual.to_owned(), |t| t.0.trim().to_owned());
        let all = [Conductor::A, Conductor::B, Conductor::C, Conductor::N];
        let found: Vec<Conductor> = all.into_iter().filter(|c| text.contains(c.letter())).collect();
        if found.is_empty() || found.len() != text.chars().count() {
            let message = format!(
                "phases of {} are {:?}: letters of ABCN, each once",
                owner.name,
                shown(&text)
            );
            self.refuse(Kind::Phase, owner, "phases", message);
            return None;
        }
        Some(found)
    }

    fn supply(&mut self, owner: Owner<'d>, bus: u32, feeder: &mut Feeder) {
        let Some(volts) = self.need(owner, "voltage", "V") else { return };
        let Some(conductors) = self.conductors(owner, "ABC") else { return };
        // A fault current gives the size of the impedance; its angle is `x/r`, 1 if unsaid.
        let own = match self.get(owner, "fault", "A") {
            Some(fault) if fault > 0.0 => {
                let size = volts / (3f64.sqrt() * fault);
                let ratio = self.get(owner, "xr", "").unwrap_or(1.0);
                let r = size / libm::sqrt(1.0 + ratio * ratio);
                Phase::new(r, r * ratio)
            }
            _ => Phase::default(),
        };
        let name: crate::Name = owner.name.into();
        let mutual = Phase::default();
        feeder.supplies.push(Supply { name: name.clone(), bus, volts, angle: 0.0, own, mutual });
        if conductors.contains(&Conductor::N) {
            let (conductor, impedance) = (Conductor::N, Phase::default());
            feeder.electrodes.push(Electrode { name, bus, conductor, impedance });
        }
    }

    fn demand(&mut self, owner: Owner<'d>, bus: u32, feeder: &mut Feeder) {
        let Some(mut conductors) = self.conductors(owner, "ABC") else { return };
        let neutral = conductors.contains(&Conductor::N);
        conductors.retain(|c| *c != Conductor::N);
        let watt = self.need(owner, "power", "W");
        let pf = self.get(owner, "pf", "").unwrap_or(1.0);
        let volts = self.get(owner, "voltage", "V").unwrap_or_else(|| {
            // The nominal voltage of the supply, as the load sees it.
            let line = feeder.supplies.first().map_or(400.0, |s| s.volts);
            if conductors.len() == 1 { line / 3f64.sqrt() } else { line }
        });
        let shares = match self.source.text(owner, "model").map(|t| t.0.trim()) {
            None | Some("power") => Shares::POWER,
            Some("current") => Shares::CURRENT,
            Some("impedance") => Shares::IMPEDANCE,
            Some(other) => {
                let message = format!(
                    "the model of {} is {:?}: power, current or impedance",
                    owner.name,
                    shown(other)
                );
                self.refuse(Kind::Quantity, owner, "model", message);
                return;
            }
        };
        if !(pf > 0.0 && pf <= 1.0) {
            let message =
                format!("the power factor of {} is {pf}: above 0 and at most 1", owner.name);
            self.refuse(Kind::Range, owner, "pf", message);
            return;
        }
        let Some(watt) = watt else { return };
        let connection = match (neutral, conductors.len()) {
            (true, _) => Connection::Wye(Return::Neutral),
            (false, 1) => Connection::Wye(Return::Earth),
            (false, _) => Connection::Delta,
        };
        let power = Phase::new(watt, watt * libm::sqrt(1.0 - pf * pf) / pf);
        let name = owner.name.into();
        feeder.demands.push(Demand { name, bus, conductors, connection, volts, power, shares });
    }

    /// A transformer of three phases, from its rating plate: `power`, `primary`, `secondary`,
    /// `impedance` (of the short circuit, %), `loss` (at rated current), `group`, `tap` (%).
    fn transformer(&mut self, owner: Owner<'d>, from: u32, to: u32, feeder: &mut Feeder) {
        let power = self.need(owner, "power", "VA");
        let primary = self.need(owner, "primary", "V");
        let secondary = self.need(owner, "secondary", "V");
        let impedance = self.need(owner, "impedance", "%").map(|percent| percent / 100.0);
        let loss = self.get(owner, "loss", "W").unwrap_or(0.0);
        let tap = 1.0 + self.get(owner, "tap", "%").unwrap_or(0.0) / 100.0;
        let group = self.source.text(owner, "group").map_or("Dyn", |t| t.0.trim());
        let Some([high, low]) = windings(group) else {
            let message = format!(
                "the group of {} is {:?}: D, Y or YN, then d, y or yn, such as Dyn",
                owner.name,
                shown(group)
            );
            self.refuse(Kind::Phase, owner, "group", message);
            return;
        };
        let (Some(power), Some(primary), Some(secondary), Some(impedance)) =
            (power, primary, secondary, impedance)
        else {
            return;
        };
        let resistance = loss / power;
        if !(resistance >= 0.0 && resistance <= impedance) {
            let message = format!(
                "the loss of {} is {} % of its power: at most its impedance of {} %",
                owner.name,
                100.0 * resistance,
                100.0 * impedance
            );
            self.refuse(Kind::Range, owner, "loss", message);
            return;
        }
        let reactance = libm::sqrt(impedance * impedance - resistance * resistance);
        let winding = |bus, connection, volts, tap| Winding {
            bus,
            conductors: Conductor::PHASES.to_vec(),
            connection,
            volts,
            resistance: resistance / 2.0,
            tap,
        };
        let name: crate::Name = owner.name.into();
        if low == Connection::Wye(Return::Neutral) {
            // The neutral that is brought out is earthed there.
            let (conductor, impedance) = (Conductor::N, Phase::default());
            feeder.electrodes.push(Electrode { name: name.clone(), bus: to, conductor, impedance });
        }
        let windings = [winding(from, high, primary, tap), winding(to, low, secondary, 1.0)];
        feeder.transformers.push(Transformer { name, windings, power, reactance });
    }

    /// The impedance of one conductor, Ω: as written, or of its length, size and material.
    fn impedance(&mut self, owner: Owner<'d>) -> Option<Phase> {
        if self.source.text(owner, "resistance").is_some() {
            let r = self.get(owner, "resistance", "ohm")?;
            let x = self.get(owner, "reactance", "ohm").unwrap_or(0.0);
            return Some(Phase::new(r, x));
        }
        let length = self.source.length(owner, &mut self.findings);
        let size = self.need(owner, "size", "m^2");
        let word = self.source.text(owner, "material").map_or("copper", |t| t.0.trim());
        let Some(material) = MATERIALS.iter().find(|m| m.0 == word) else {
            let message =
                format!("the material of {} is {:?}: copper or aluminium", owner.name, shown(word));
            self.refuse(Kind::Quantity, owner, "material", message);
            return None;
        };
        let (length, size) = (length?, size?);
        Some(Phase::new(material.1 * length / size, REACTANCE * length))
    }
}

/// How the windings of a group are connected: `Dyn`, also with its clock number, which voltages
/// and currents do not depend on where transformers are not in parallel.
fn windings(group: &str) -> Option<[Connection; 2]> {
    let letters = group.trim_end_matches(|c: char| c.is_ascii_digit());
    let clock = group.get(letters.len()..)?;
    if !clock.is_empty() && clock.parse::<u8>().ok()? > 11 {
        return None;
    }
    let split = letters.find(|c: char| c.is_ascii_lowercase())?;
    let (high, low) = letters.split_at(split);
    let high = match high {
        "D" => Connection::Delta,
        "Y" => Connection::Wye(Return::Isolated),
        "YN" => Connection::Wye(Return::Earth),
        _ => return None,
    };
    let low = match low {
        "d" => Connection::Delta,
        "y" => Connection::Wye(Return::Isolated),
        "yn" => Connection::Wye(Return::Neutral),
        _ => return None,
    };
    Some([high, low])
}
