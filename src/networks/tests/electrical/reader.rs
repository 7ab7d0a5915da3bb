//! Feeders from files. A line is `supply BUS KV PU DEGREES OWN MUTUAL`, `line NAME FROM TO
//! CONDUCTORS r ... x ... b ...` (lower triangles, Ω, S), `transformer NAME KVA X% (BUS CONDUCTORS
//! CONNECTION KV R% TAP)²`, `load NAME BUS CONDUCTORS CONNECTION MODEL KV KW KVAR`, `electrode NAME
//! BUS CONDUCTOR R X`, and others that are kept as they are.

use std::collections::BTreeMap;

use svgx_networks::electrical::feeder::{Demand, Electrode, Line, Supply, Transformer, Winding};
use svgx_networks::electrical::{Conductor, Connection, Feeder, Phase, Return, Shares};

/// A feeder with what is said of it.
pub(crate) struct Case {
    pub(crate) feeder: Feeder,
    pub(crate) buses: BTreeMap<String, u32>,
    pub(crate) tolerance: f64,
    /// Tag and words of every answer and edit.
    pub(crate) lines: Vec<Vec<String>>,
}

pub(crate) fn conductors(text: &str) -> Vec<Conductor> {
    let all = [Conductor::A, Conductor::B, Conductor::C, Conductor::N];
    text.chars().map(|l| *all.iter().find(|c| c.letter() == l).unwrap()).collect()
}

fn connection(text: &str) -> Connection {
    match text {
        "delta" => Connection::Delta,
        "neutral" => Connection::Wye(Return::Neutral),
        _ => Connection::Wye(Return::Earth),
    }
}

/// Reads a file.
pub(crate) fn read(text: &str) -> Case {
    let mut case =
        Case { feeder: Feeder::default(), buses: BTreeMap::new(), tolerance: 0.0, lines: vec![] };
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let w: Vec<&str> = line.split_whitespace().collect();
        let number = |k: usize| w[k].parse::<f64>().unwrap();
        let mut bus = |k: usize| {
            let count = case.buses.len() as u32;
            let buses = &mut case.feeder.buses;
            *case.buses.entry(w[k].to_owned()).or_insert_with(|| {
                buses.push(w[k].into());
                count
            })
        };
        match w[0] {
            "supply" => {
                let supply = Supply {
                    name: "supply".into(),
                    bus: bus(1),
                    volts: number(2) * number(3) * 1e3,
                    angle: number(4).to_radians(),
                    own: Phase::new(number(5), number(6)),
                    mutual: Phase::new(number(7), number(8)),
                };
                case.feeder.supplies.push(supply);
            }
            "line" => {
                let (from, to) = (bus(2), bus(3));
                let conductors = conductors(w[4]);
                let n = conductors.len();
                let triangle = |letter: &str| -> Option<Vec<f64>> {
                    let at = w.iter().position(|x| *x == letter)? + 1;
                    let of = |k: usize| {
                        let (i, j) = (k / n, k % n);
                        let (i, j) = (i.max(j), i.min(j));
                        number(at + i * (i + 1) / 2 + j)
                    };
                    Some((0..n * n).map(of).collect())
                };
                let (r, x) = (triangle("r").unwrap(), triangle("x").unwrap());
                let impedance = r.iter().zip(&x).map(|(&r, &x)| Phase::new(r, x)).collect();
                let charging = triangle("b").unwrap_or_default();
                let name = w[1].into();
                case.feeder.lines.push(Line { name, from, to, conductors, impedance, charging });
            }
            "transformer" => {
                let mut winding = |k: usize| Winding {
                    bus: bus(k),
                    conductors: conductors(w[k + 1]),
                    connection: connection(w[k + 2]),
                    volts: number(k + 3) * 1e3,
                    resistance: number(k + 4) / 100.0,
                    tap: number(k + 5),
                };
                let windings = [winding(4), winding(10)];
                let (power, reactance) = (number(2) * 1e3, number(3) / 100.0);
                let name = w[1].into();
                case.feeder.transformers.push(Transformer { name, windings, power, reactance });
            }
            "load" => {
                let demand = Demand {
                    name: w[1].into(),
                    bus: bus(2),
                    conductors: conductors(w[3]),
                    connection: connection(w[4]),
                    volts: number(6) * 1e3,
                    power: Phase::new(number(7), number(8)) * 1e3,
                    shares: match w[5] {
                        "power" => Shares::POWER,
                        "current" => Shares::CURRENT,
                        _ => Shares::IMPEDANCE,
                    },
                };
                case.feeder.demands.push(demand);
            }
            "electrode" => {
                let impedance = Phase::new(number(4), number(5));
                let (name, conductor) = (w[1].into(), conductors(w[3])[0]);
                let bus = bus(2);
                case.feeder.electrodes.push(Electrode { name, bus, conductor, impedance });
            }
            "tolerance" => case.tolerance = number(1),
            _ => case.lines.push(w.iter().map(|&w| w.to_owned()).collect()),
        }
    }
    case
}
