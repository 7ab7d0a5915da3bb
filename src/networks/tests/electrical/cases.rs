//! Feeders of the IEEE and of a building, against OpenDSS. A line is `supply BUS KV PU DEGREES
//! OWN MUTUAL`, `line NAME FROM TO CONDUCTORS r ... x ... b ...` (lower triangles, Ω, S),
//! `transformer NAME KVA X% (BUS CONDUCTORS CONNECTION KV R% TAP)²`, `load NAME BUS CONDUCTORS
//! CONNECTION MODEL KV KW KVAR`, `electrode NAME BUS CONDUCTOR R X`, `answer volts BUS CONDUCTOR
//! V DEGREES`, `answer amps LINE INDEX A DEGREES`, `edit load NAME KW KVAR`, `edit line NAME
//! TIMES`, then `after0 ...`, `after1 ...`.

use std::collections::BTreeMap;

use crate::unlimited;
use svgx_networks::Limits;
use svgx_networks::electrical::feeder::{
    Demand, Electrode, Line, Supply, Transformer, Winding, polar,
};
use svgx_networks::electrical::{
    Conductor, Connection, Feeder, Lowered, Phase, Return, Shares, Solution, Solver,
};

pub(super) struct Case {
    pub(super) feeder: Feeder,
    buses: BTreeMap<String, u32>,
    tolerance: f64,
    /// Tag and words of every answer and edit.
    lines: Vec<Vec<String>>,
}

fn conductors(text: &str) -> Vec<Conductor> {
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

pub(super) fn read(text: &str) -> Case {
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

fn compare(
    file: &str,
    case: &Case,
    lowered: &Lowered,
    solver: &Solver<Phase>,
    s: &Solution<Phase>,
    tag: &str,
) {
    assert!(s.effort.converged, "{file}: {:?}", s.effort);
    let mut count = 0;
    for w in case.lines.iter().filter(|w| w[0] == tag) {
        let wanted = polar(w[4].parse().unwrap(), w[5].parse::<f64>().unwrap().to_radians());
        count += 1;
        if w[1] == "volts" {
            let at = lowered.terminals[&(case.buses[&w[2]], conductors(&w[3])[0])];
            let value = s.voltages[at as usize].unwrap();
            if s.floating[at as usize] {
                // To earth they are an artefact: the difference to phase A is compared.
                let first = case.lines.iter().find(|x| x[..3] == w[..3]).unwrap();
                let a = lowered.terminals[&(case.buses[&w[2]], conductors(&first[3])[0])];
                let from =
                    polar(first[4].parse().unwrap(), first[5].parse::<f64>().unwrap().to_radians());
                let (found, wanted) = (s.between(at, a).unwrap(), wanted - from);
                let off = (found.norm() - wanted.norm()).abs();
                assert!(
                    off <= 2.0 * case.tolerance * wanted.norm(),
                    "{file} {tag}: {w:?}: {found} for {wanted}"
                );
                continue;
            }
            let off = (value - wanted).norm();
            // Angles are printed to seven digits.
            assert!(
                off <= 2.0 * case.tolerance * wanted.norm().max(1.0),
                "{file} {tag}: {w:?}: {value} for {wanted}"
            );
        } else {
            let line = case.feeder.lines.iter().position(|l| *l.name == *w[2]).unwrap();
            let currents = solver.block_currents(lowered.line(&case.feeder, line), s).unwrap();
            let value = currents[w[3].parse::<usize>().unwrap()].norm();
            let off = (value - wanted.norm()).abs();
            assert!(
                off <= 3e-5 * wanted.norm() + 2e-3,
                "{file} {tag}: {w:?}: {value} for {wanted}"
            );
        }
    }
    assert!(count > 5, "{file} {tag}");
}

#[test]
fn feeders_are_those_of_opendss_before_and_after_edits() {
    for (file, text) in [
        ("four-wire", include_str!("cases/four-wire.txt")),
        ("four nodes, wye wye", include_str!("cases/four-node-wye-wye.txt")),
        ("four nodes, delta wye", include_str!("cases/four-node-delta-wye.txt")),
        ("four nodes, open", include_str!("cases/four-node-open-wye-open-delta.txt")),
        ("IEEE 13", include_str!("cases/ieee13.txt")),
        ("IEEE 123", include_str!("cases/ieee123.txt")),
        ("building", include_str!("cases/building-100.txt")),
    ] {
        let case = read(text);
        let lowered = case.feeder.lower().unwrap();
        assert!(lowered.findings.is_empty());
        let mut solver =
            Solver::new(lowered.circuit.clone(), &Limits::default(), &unlimited()).unwrap();
        let first = solver.solve(&unlimited()).unwrap();
        compare(file, &case, &lowered, &solver, &first, "answer");
        let edits: Vec<_> = case.lines.iter().filter(|w| w[0] == "edit").collect();
        for (k, edit) in edits.iter().enumerate() {
            let mut edited = solver.clone();
            let number = |k: usize| edit[k].parse::<f64>().unwrap();
            if edit[1] == "load" {
                let demand = case.feeder.demands.iter().position(|d| *d.name == *edit[2]).unwrap();
                for &l in &lowered.loads[demand] {
                    assert!(edited.set_load(l, Phase::new(number(3), number(4)) * 1e3));
                }
            } else {
                let line = case.feeder.lines.iter().position(|l| *l.name == *edit[2]).unwrap();
                let mut feeder = case.feeder.clone();
                feeder.lines[line].impedance.iter_mut().for_each(|z| *z *= number(3));
                let block = lowered.line(&feeder, line);
                assert!(
                    edited.set_block(block, feeder.lower().unwrap().circuit.blocks.remove(block))
                );
            }
            let after = edited.solve(&unlimited()).unwrap();
            compare(file, &case, &lowered, &edited, &after, &format!("after{k}"));
        }
    }
}
