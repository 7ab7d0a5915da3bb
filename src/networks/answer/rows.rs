//! What was computed, as rows of nodes and links with quantities and units.

use std::collections::{BTreeMap, BTreeSet};

use super::{Row, row};
use crate::electrical::{Conductor, EARTH, Feeder, Lowered, Phase};
use crate::finding::{Finding, Kind, State, digits};
use crate::{Name, electrical, flow, frame, heat};

/// Places along a member at which its forces are looked at.
const SECTIONS: u32 = 20;

/// Part of its nominal voltage above and below which a load is outside of what it is made for
/// (EN 50160).
const TOLERATED: f64 = 0.1;

/// Rows of nodes, and of links.
pub(crate) type Rows = (Vec<Row>, Vec<Row>);

pub(crate) fn flow(network: &flow::Network, s: &flow::Solution) -> Rows {
    let nodes = network.nodes.iter().enumerate().map(|(k, node)| {
        let values = [
            ("pressure", s.pressures[k], "Pa"),
            ("head", s.heads[k], "m"),
            ("supplied", s.supplied[k], "m^3/s"),
        ];
        row(&node.name, &values)
    });
    let links = network.links.iter().enumerate().map(|(k, link)| {
        let mut values = vec![("flow", s.flows[k], "m^3/s")];
        if let flow::LinkKind::Pipe { diameter, .. } = link.kind {
            let area = std::f64::consts::FRAC_PI_4 * diameter * diameter;
            values.push(("velocity", s.flows[k].map(|q| q / area), "m/s"));
        }
        row(&link.name, &values)
    });
    (nodes.collect(), links.collect())
}

pub(super) fn heat(network: &heat::Network, s: &heat::Steady) -> Rows {
    let nodes = network.nodes.iter().enumerate().map(|(k, node)| {
        row(&node.name, &[("temperature", s.temperatures[k], "C"), ("heat", s.heat[k], "W")])
    });
    let links = network.links.iter().zip(&s.links);
    let links = links.map(|(link, heat)| row(&link.name, &[("heat", *heat, "W")]));
    // The temperatures of its faces say which of them is outside, and the capacity tells orders
    // of layers apart that let the same heat through.
    let walls = network.walls.iter().zip(&s.walls).map(|(wall, heat)| {
        let face = |node: u32, film: f64, sign: f64| {
            Some(s.temperatures[node as usize]? + sign * (*heat)? * film / wall.area)
        };
        let values = [
            ("heat", *heat, "W"),
            ("outside face", face(wall.outside, wall.film_outside, 1.0), "C"),
            ("inside face", face(wall.inside, wall.film_inside, -1.0), "C"),
            ("u", Some(wall.u_value()), "W/(m^2*K)"),
            ("inner capacity", Some(wall.inner_capacity()), "J/(m^2*K)"),
        ];
        row(&wall.name, &values)
    });
    (nodes.collect(), links.chain(walls).collect())
}

pub(super) fn frame(solver: &frame::Solver, s: &frame::Solution) -> Rows {
    let structure = solver.structure();
    let nodes = structure.nodes.iter().enumerate().map(|(k, node)| {
        // Downward as in the drawing.
        let moved = s.displacements[k];
        let mut values =
            vec![("right", moved.map(|d| d[0]), "m"), ("down", moved.map(|d| -d[1]), "m")];
        if node.support.iter().any(|r| *r != frame::Restraint::Free) {
            let r = s.reactions[k];
            values.push(("reaction right", r.map(|r| r[0]), "N"));
            values.push(("reaction up", r.map(|r| r[1]), "N"));
            values.push(("reaction moment", r.map(|r| r[2]), "N*m"));
        }
        row(&node.name, &values)
    });
    let links = structure.members.iter().enumerate().map(|(k, member)| {
        let at = |n: u32| structure.nodes[n as usize].at;
        let (a, b) = (at(member.from), at(member.to));
        let length = libm::hypot(b[0] - a[0], b[1] - a[1]);
        let part = |i: u32| length * f64::from(i) / f64::from(SECTIONS);
        let places: Vec<f64> = (0..=SECTIONS).map(part).collect();
        let sections = solver.sections(s, k, &places);
        let most = |of: &dyn Fn(&frame::Section) -> f64| {
            let sections = sections.as_ref()?;
            sections.iter().map(of).max_by(|a, b| a.abs().total_cmp(&b.abs()))
        };
        let values = [
            ("axial", most(&|s| s.axial), "N"),
            ("shear", most(&|s| s.shear), "N"),
            ("moment", most(&|s| s.moment), "N*m"),
            ("deflection", most(&|s| -s.displacement[1]), "m"),
        ];
        row(&member.name, &values)
    });
    (nodes.collect(), links.collect())
}

pub(super) fn electrical(
    feeder: &Feeder,
    lowered: &Lowered,
    solver: &electrical::Solver<Phase>,
    s: &electrical::Solution<Phase>,
) -> Rows {
    let mut nodes = Vec::new();
    for (&(bus, conductor), &terminal) in &lowered.terminals {
        // Of a phase the voltage to its neutral, where the bus has one.
        let neutral = lowered.terminals.get(&(bus, Conductor::N)).copied();
        let to = neutral.filter(|&n| n != terminal).unwrap_or(EARTH);
        let floats = to == EARTH && s.floating[terminal as usize];
        let volts = s.between(terminal, to).filter(|_| !floats).map(|v| v.norm());
        let name = &lowered.circuit.terminals[terminal as usize];
        debug_assert!(name.ends_with(conductor.letter()), "terminals are named by conductors");
        let mut values = vec![("voltage", volts, "V")];
        // And to the next phase, which is known where that to earth is not.
        let next = match conductor {
            Conductor::A => [Conductor::B, Conductor::C],
            Conductor::B => [Conductor::C, Conductor::A],
            Conductor::C => [Conductor::A, Conductor::B],
            Conductor::N => [Conductor::N; 2],
        };
        let next = next.iter().find_map(|&c| lowered.terminals.get(&(bus, c)));
        if let Some(&next) = next.filter(|&&next| next != terminal) {
            let volts = s.between(terminal, next).map(|v| v.norm());
            values.push(("line voltage", volts, "V"));
        }
        nodes.push(row(name, &values));
    }
    let mut links = Vec::new();
    for (k, line) in feeder.lines.iter().enumerate() {
        let currents = solver.block_currents(lowered.line(feeder, k), s);
        let n = line.conductors.len();
        let most = currents.as_ref().map(|c| c[..n].iter().fold(0.0f64, |m, i| m.max(i.norm())));
        links.push(row(&line.name, &[("current", most, "A")]));
    }
    for (k, transformer) in feeder.transformers.iter().enumerate() {
        // Blocks are supplies, lines, then transformers.
        let block = lowered.line(feeder, feeder.lines.len()) + k;
        let currents = solver.block_currents(block, s);
        let of = |bus: u32| {
            let ends = lowered.circuit.blocks.get(block)?.terminals.iter();
            let at: BTreeSet<u32> = Conductor::PHASES
                .iter()
                .filter_map(|&c| lowered.terminals.get(&(bus, c)).copied())
                .collect();
            let found = ends.zip(currents.as_ref()?).filter(|(t, _)| at.contains(t));
            Some(found.fold(0.0f64, |most, (_, i)| most.max(i.norm())))
        };
        let [high, low] = [0, 1].map(|side| of(transformer.windings[side].bus));
        let values = [("current", high, "A"), ("secondary current", low, "A")];
        links.push(row(&transformer.name, &values));
    }
    // One conductor that nothing is said of leaves nothing to say of the switch.
    let mut through: BTreeMap<&str, Option<f64>> = BTreeMap::new();
    for (current, tie) in s.tie_currents.iter().zip(&lowered.circuit.ties) {
        let current = current.map(|i| i.norm());
        if !tie.source {
            let most = through.entry(&tie.name).or_insert(Some(0.0));
            *most = most.zip(current).map(|(a, b)| a.max(b));
        }
    }
    for switch in &feeder.switches {
        let most = through.get(&*switch.name).copied().unwrap_or(Some(0.0));
        let current = if switch.closed { most } else { Some(0.0) };
        links.push(row(&switch.name, &[("current", current, "A")]));
    }
    (nodes, links)
}

/// The voltages of a demand, by those it is made for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fed {
    pub(super) name: Name,
    /// What its phases are made for, V.
    pub(super) nominal: f64,
    /// Of each phase, V.
    pub(super) volts: Vec<f64>,
}

impl Fed {
    pub(super) fn lowest(&self) -> Option<f64> {
        self.volts.iter().copied().min_by(f64::total_cmp)
    }
}

/// Demands that have an answer, with the voltages at them.
pub(super) fn fed(feeder: &Feeder, lowered: &Lowered, s: &electrical::Solution<Phase>) -> Vec<Fed> {
    let demands = feeder.demands.iter().zip(&lowered.loads);
    let fed = demands.filter_map(|(demand, loads)| {
        let loads = || loads.iter().filter_map(|&l| lowered.circuit.loads.get(l));
        let volts: Vec<f64> =
            loads().filter_map(|l| s.between(l.from, l.to)).map(|v| v.norm()).collect();
        let nominal = loads().next()?.nominal;
        (!volts.is_empty()).then(|| Fed { name: demand.name.clone(), nominal, volts })
    });
    fed.collect()
}

/// Loads whose voltage is not what they are made for.
pub(super) fn out_of_range(fed: &[Fed], most: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    for fed in fed {
        let (low, high) = ((1.0 - TOLERATED) * fed.nominal, (1.0 + TOLERATED) * fed.nominal);
        let highest = fed.volts.iter().copied().max_by(f64::total_cmp).unwrap_or(fed.nominal);
        let lowest = fed.lowest().unwrap_or(fed.nominal);
        let (state, volts, how, bound) = if highest > high {
            (State::Critical, highest, "above", high)
        } else if lowest < low {
            (State::Warning, lowest, "below", low)
        } else {
            continue;
        };
        if findings.len() >= most {
            break;
        }
        let message = format!("{} has {} V, {how} {} V", fed.name, digits(volts), digits(bound));
        findings.push(Finding::new(Kind::Range, state, [fed.name.clone()], message));
    }
    findings
}
