//! A feeder lowered to a circuit: primitive admittances of its elements, conductor by conductor.

use std::collections::BTreeMap;

use super::circuit::{Block, Circuit, EARTH, Gap, Load, Tie};
use super::feeder::{Conductor, Connection, Feeder, Line, Lowered, Phase, Return, polar};
use crate::error::Looked;
use crate::finding::{Finding, Kind, State};
use crate::matrix::Dense;
use crate::{Error, Name};

impl Lowered {
    /// The block of a line.
    pub fn line(&self, feeder: &Feeder, line: usize) -> usize {
        feeder.supplies.len() + line
    }

    fn at(&mut self, feeder: &Feeder, bus: u32, conductor: Conductor) -> u32 {
        if let Some(&t) = self.terminals.get(&(bus, conductor)) {
            return t;
        }
        let name = format!("{}.{}", feeder.buses[bus as usize], conductor.letter());
        let t = self.circuit.terminal(name);
        self.terminals.insert((bus, conductor), t);
        t
    }

    /// The terminals that the coils of an element lie between.
    fn coils(
        &mut self,
        feeder: &Feeder,
        name: &Name,
        bus: u32,
        conductors: &[Conductor],
        connection: Connection,
        backwards: bool,
    ) -> Option<Vec<(u32, u32)>> {
        let t: Vec<u32> = conductors.iter().map(|&c| self.at(feeder, bus, c)).collect();
        let n = t.len();
        match connection {
            Connection::Wye(to) => {
                let common = match to {
                    Return::Earth => EARTH,
                    Return::Neutral => self.at(feeder, bus, Conductor::N),
                    Return::Isolated => self.circuit.terminal(format!("{name} star point")),
                };
                Some(t.iter().map(|&t| (t, common)).collect())
            }
            Connection::Delta if n == 2 => Some(vec![(t[0], t[1])]),
            Connection::Delta if n == 3 => {
                let next = |k: usize| if backwards { (k + 2) % 3 } else { (k + 1) % 3 };
                Some((0..3).map(|k| (t[k], t[next(k)])).collect())
            }
            Connection::Delta => {
                let message = format!(
                    "{name} is connected in delta and names {n} {}: it needs two or three",
                    if n == 1 { "phase" } else { "phases" }
                );
                let elements = [name.clone()];
                self.findings.push(Finding::new(Kind::Terminal, State::Failed, elements, message));
                None
            }
        }
    }
}

impl Feeder {
    /// Lowers the feeder to a circuit.
    ///
    /// # Errors
    /// [`Error::Reference`] and [`Error::Quantity`].
    pub fn lower(&self) -> Result<Lowered, Error> {
        let mut lowered = Lowered {
            circuit: Circuit::default(),
            terminals: BTreeMap::new(),
            loads: Vec::new(),
            findings: Vec::new(),
        };
        self.supply(&mut lowered)?;
        self.wire(&mut lowered)?;
        self.transform(&mut lowered)?;
        for electrode in &self.electrodes {
            let looked = Looked { element: &electrode.name };
            looked.node(electrode.bus, self.buses.len())?;
            looked.not_negative("its impedance", electrode.impedance.norm())?;
            let at = lowered.at(self, electrode.bus, electrode.conductor);
            if electrode.impedance == Phase::default() {
                let (name, emf) = (electrode.name.clone(), Phase::default());
                lowered.circuit.ties.push(Tie { name, from: at, to: EARTH, emf, source: false });
                continue;
            }
            let y = electrode.impedance.inv();
            lowered.circuit.blocks.push(Block::between(electrode.name.clone(), at, EARTH, y));
        }
        self.demand(&mut lowered)?;
        for switch in &self.switches {
            let looked = Looked { element: &switch.name };
            looked.node(switch.from, self.buses.len())?;
            looked.node(switch.to, self.buses.len())?;
            let mut pairs = Vec::new();
            for &c in &switch.conductors {
                pairs.push((lowered.at(self, switch.from, c), lowered.at(self, switch.to, c)));
            }
            let name = switch.name.clone();
            if switch.closed {
                let emf = Phase::default();
                let tie = |(from, to)| Tie { name: name.clone(), from, to, emf, source: false };
                lowered.circuit.ties.extend(pairs.into_iter().map(tie));
            } else {
                lowered.circuit.gaps.push(Gap { name, pairs });
            }
        }
        Ok(lowered)
    }

    fn supply(&self, lowered: &mut Lowered) -> Result<(), Error> {
        for supply in &self.supplies {
            let looked = Looked { element: &supply.name };
            looked.node(supply.bus, self.buses.len())?;
            looked.positive("its voltage", supply.volts)?;
            let at = Conductor::PHASES.map(|c| lowered.at(self, supply.bus, c));
            let emf: Vec<Phase> = (0..3)
                .map(|k| {
                    let angle = supply.angle - f64::from(k) * 2.0 * std::f64::consts::FRAC_PI_3;
                    polar(supply.volts / 3f64.sqrt(), angle)
                })
                .collect();
            if supply.own == Phase::default() {
                for (&from, &emf) in at.iter().zip(&emf) {
                    let name = supply.name.clone();
                    lowered.circuit.ties.push(Tie { name, from, to: EARTH, emf, source: true });
                }
                // A block without admittance keeps the numbers of the others.
                let zero = Block::between(supply.name.clone(), at[0], EARTH, Phase::default());
                lowered.circuit.blocks.push(zero);
                continue;
            }
            let z = Dense { n: 3, values: Line::transposed(3, supply.own, supply.mutual) };
            let y = inverse(looked, "its impedance", &z)?;
            let injected = (0..3).map(|i| (0..3).map(|j| y.at(i, j) * emf[j]).sum()).collect();
            lowered.circuit.blocks.push(Block {
                name: supply.name.clone(),
                terminals: at.to_vec(),
                admittance: y,
                injected,
            });
        }
        Ok(())
    }

    fn wire(&self, lowered: &mut Lowered) -> Result<(), Error> {
        for line in &self.lines {
            let looked = Looked { element: &line.name };
            looked.node(line.from, self.buses.len())?;
            looked.node(line.to, self.buses.len())?;
            let n = line.conductors.len();
            let fits = line.impedance.len() == n * n
                && (line.charging.is_empty() || line.charging.len() == n * n)
                && (1..=4).contains(&n);
            looked.hold("its number of conductors", n as f64, fits, "that of its impedances")?;
            let y = inverse(looked, "its impedance", &Dense { n, values: line.impedance.clone() })?;
            let mut admittance = Dense::zero(2 * n);
            for i in 0..n {
                for j in 0..n {
                    let half = line.charging.get(i * n + j).map_or(0.0, |b| b / 2.0);
                    let own = y.at(i, j) + Phase::new(0.0, half);
                    admittance.add(i, j, own);
                    admittance.add(n + i, n + j, own);
                    admittance.add(i, n + j, -y.at(i, j));
                    admittance.add(n + i, j, -y.at(i, j));
                }
            }
            let ends = [line.from, line.to];
            let mut terminals = Vec::with_capacity(2 * n);
            for bus in ends {
                for &c in &line.conductors {
                    terminals.push(lowered.at(self, bus, c));
                }
            }
            let name = line.name.clone();
            lowered.circuit.blocks.push(Block { name, terminals, admittance, injected: vec![] });
        }
        Ok(())
    }

    fn transform(&self, lowered: &mut Lowered) -> Result<(), Error> {
        for t in &self.transformers {
            let looked = Looked { element: &t.name };
            looked.positive("its rated power", t.power)?;
            looked.not_negative("its reactance", t.reactance)?;
            let [high, low] = &t.windings;
            let three = high.conductors.len() == 3;
            let phases = if three { 3.0 } else { 1.0 };
            let mut volts = [0.0; 2];
            let mut coils = Vec::new();
            for (k, w) in t.windings.iter().enumerate() {
                looked.node(w.bus, self.buses.len())?;
                looked.positive("its rated voltage", w.volts)?;
                looked.positive("its tap", w.tap)?;
                looked.not_negative("its resistance", w.resistance)?;
                let star = three && matches!(w.connection, Connection::Wye(_));
                volts[k] = w.volts * w.tap / if star { 3f64.sqrt() } else { 1.0 };
                // The low side lags by 30 degrees: a coil of the high side in delta lies between
                // a phase and the one before it, of the low side the one after it.
                let both = [high, low].map(|w| w.connection == Connection::Delta) == [true; 2];
                let backwards = k == 0 && !both;
                let found =
                    lowered.coils(self, &t.name, w.bus, &w.conductors, w.connection, backwards);
                coils.extend(found);
            }
            let [one, other] = coils.as_slice() else { continue };
            let counts = one.len() == other.len();
            looked.hold(
                "its number of coils",
                other.len() as f64,
                counts,
                "the same on both sides",
            )?;
            let z = Phase::new(high.resistance + low.resistance, t.reactance);
            looked.positive("its impedance", z.norm())?;
            let y = z.inv() * (t.power / phases);
            let mut terminals = Vec::new();
            let mut index = |t: u32| {
                terminals.iter().position(|&u| u == t).unwrap_or_else(|| {
                    terminals.push(t);
                    terminals.len() - 1
                })
            };
            let mut entries = Vec::new();
            for (&a, &b) in one.iter().zip(other) {
                let ends = [
                    (index(a.0), 1.0 / volts[0]),
                    (index(a.1), -1.0 / volts[0]),
                    (index(b.0), -1.0 / volts[1]),
                    (index(b.1), 1.0 / volts[1]),
                ];
                for (i, u) in ends {
                    for (j, v) in ends {
                        entries.push((i, j, y * (u * v)));
                    }
                }
            }
            let mut admittance = Dense::zero(terminals.len());
            entries.into_iter().for_each(|(i, j, v)| admittance.add(i, j, v));
            let name = t.name.clone();
            lowered.circuit.blocks.push(Block { name, terminals, admittance, injected: vec![] });
        }
        Ok(())
    }

    fn demand(&self, lowered: &mut Lowered) -> Result<(), Error> {
        for demand in &self.demands {
            let looked = Looked { element: &demand.name };
            looked.node(demand.bus, self.buses.len())?;
            let coils = lowered.coils(
                self,
                &demand.name,
                demand.bus,
                &demand.conductors,
                demand.connection,
                false,
            );
            let coils = coils.unwrap_or_default();
            let star = demand.conductors.len() == 3 && demand.connection != Connection::Delta;
            let nominal = demand.volts / if star { 3f64.sqrt() } else { 1.0 };
            let power = demand.power / coils.len().max(1) as f64;
            let first = lowered.circuit.loads.len();
            for (from, to) in coils {
                let (name, shares) = (demand.name.clone(), demand.shares);
                lowered.circuit.loads.push(Load { name, from, to, power, nominal, shares });
            }
            lowered.loads.push((first..lowered.circuit.loads.len()).collect());
        }
        Ok(())
    }
}

fn inverse(
    looked: Looked<'_>,
    what: &'static str,
    z: &Dense<Phase>,
) -> Result<Dense<Phase>, Error> {
    match z.inverse() {
        Some(y) => Ok(y),
        None => {
            let size = z.values.first().map_or(0.0, |z| z.norm());
            looked.hold(what, size, false, "such that it can be inverted")?;
            Ok(Dense::zero(z.n))
        }
    }
}
