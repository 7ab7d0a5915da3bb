//! Networks of a size and a seed: for us as types, for the peers as JSON.

use serde_json::{Value, json};
use svgx_base::random::{SplitMix64, unit};
use svgx_networks::electrical::feeder::{Demand, Line, Supply};
use svgx_networks::electrical::{Circuit, Conductor, Connection, Feeder, Phase, Return, Shares};
use svgx_networks::flow::{Curve, Fluid, Law, Link, LinkKind, Network, Node, NodeKind};
use svgx_networks::frame;

/// Gravity in EPANET: 32.2 ft/s².
const GRAVITY: f64 = 9.814_56;

/// Water with a place for an edit: the loss coefficient of a pipe.
pub(crate) struct Water {
    pub(crate) network: Network,
    pub(crate) edit: (usize, f64),
    pub(crate) pump: Option<usize>,
    /// Between which speeds the pump is set.
    pub(crate) speeds: [f64; 2],
}

impl Water {
    fn new() -> Water {
        let fluid = Fluid { gravity: GRAVITY, ..Fluid::WATER };
        let network =
            Network { fluid, law: Law::HazenWilliams, nodes: Vec::new(), links: Vec::new() };
        Water { network, edit: (0, 0.0), pump: None, speeds: [0.7, 1.3] }
    }

    fn node(&mut self, elevation: f64, kind: NodeKind) -> u32 {
        let k = self.network.nodes.len();
        self.network.nodes.push(Node { name: format!("n{k}").into(), elevation, kind });
        k as u32
    }

    fn pipe(&mut self, from: u32, to: u32, length: f64, diameter: f64, minor: f64) -> usize {
        self.link(from, to, LinkKind::Pipe { length, diameter, roughness: 130.0, minor })
    }

    fn link(&mut self, from: u32, to: u32, kind: LinkKind) -> usize {
        let k = self.network.links.len();
        self.network.links.push(Link { name: format!("l{k}").into(), from, to, open: true, kind });
        k
    }

    /// The link of the edit with another loss coefficient.
    pub(crate) fn edited(&self, minor: f64) -> LinkKind {
        match self.network.links[self.edit.0].kind {
            LinkKind::Pipe { length, diameter, roughness, .. } => {
                LinkKind::Pipe { length, diameter, roughness, minor }
            }
            kind => kind,
        }
    }

    pub(crate) fn json(&self, times: bool, peers: &[&str]) -> Value {
        let node = |n: &Node| match n.kind {
            NodeKind::Demand(q) => json!({"elevation": n.elevation, "demand": q}),
            NodeKind::Fixed(head) => json!({"head": head}),
        };
        let link = |l: &Link| match l.kind {
            LinkKind::Pump(c) => {
                // Through one point, as both have it; or through three.
                if c.exponent == 2.0 {
                    let head = 0.75 * c.shut_off;
                    let flow = (head / 3.0 / c.slope).sqrt();
                    return json!({"from": l.from, "to": l.to, "curve": [[flow, head]], "open": l.open});
                }
                let at = |part: f64| {
                    let flow = part * c.most();
                    [flow, c.shut_off - c.slope * flow.powf(c.exponent)]
                };
                let curve = [[0.0, c.shut_off], at(0.5), at(0.8)];
                json!({"from": l.from, "to": l.to, "curve": curve, "open": l.open})
            }
            LinkKind::Pipe { length, diameter, roughness, minor } => json!({
                "from": l.from, "to": l.to, "length": length, "diameter": diameter,
                "roughness": roughness, "minor": minor, "open": l.open,
            }),
            _ => Value::Null,
        };
        json!({
            "peers": peers, "times": times, "law": "hazen-williams",
            "nodes": self.network.nodes.iter().map(node).collect::<Vec<_>>(),
            "links": self.network.links.iter().map(link).collect::<Vec<_>>(),
            "edit": {"link": self.edit.0, "minor": self.edit.1},
            "speed": self.pump, "speeds": self.speeds,
        })
    }
}

fn random(seed: u64) -> impl FnMut() -> f64 {
    let mut random = SplitMix64::new(seed);
    move || unit(random.next_u64())
}

/// Cold water: two risers, on every floor a ring between them with branches to taps.
pub(crate) fn cold_water(floors: u32) -> Water {
    let mut w = Water::new();
    let mut r = random(1);
    let main = w.node(0.0, NodeKind::Fixed(120.0));
    let mut risers = [main, main];
    for floor in 0..floors {
        let height = 3.0 * f64::from(floor);
        let mut ring = Vec::new();
        for _ in 0..12 {
            ring.push(w.node(height, NodeKind::Demand(0.0)));
        }
        for (k, riser) in risers.iter_mut().enumerate() {
            let at = ring[6 * k];
            w.pipe(*riser, at, 3.0, 0.1, 0.5);
            *riser = at;
        }
        for k in 0..12 {
            let part = w.pipe(ring[k], ring[(k + 1) % 12], 4.0 + r(), 0.04, 0.4);
            // A valve in a ring, so that flows find another way.
            if floor == floors / 2 && k == 2 {
                w.edit = (part, 40.0);
            }
            for _ in 0..3 {
                let tap = w.node(height + 1.0, NodeKind::Demand(2e-5 * (0.2 + r())));
                w.pipe(ring[k], tap, 2.0 + 3.0 * r(), 0.015 + 0.005 * r(), 3.0);
            }
        }
    }
    w
}

/// A closed heating loop: a pump, two risers, on every floor supply and return with radiators.
pub(crate) fn heating(floors: u32, radiators: u32) -> Water {
    let mut w = Water::new();
    let mut r = random(2);
    let vessel = w.node(0.0, NodeKind::Fixed(90.0));
    let supply = w.node(0.0, NodeKind::Demand(0.0));
    let flow = 3e-5 * f64::from(floors * radiators);
    w.pump = Some(w.link(vessel, supply, LinkKind::Pump(Curve::through_point(flow, 8.0))));
    let (mut up, mut down) = (supply, vessel);
    for floor in 0..floors {
        let height = 3.0 * f64::from(floor);
        let next = |w: &mut Water| w.node(height, NodeKind::Demand(0.0));
        let (a, b) = (next(&mut w), next(&mut w));
        w.pipe(up, a, 3.0, 0.08, 0.5);
        w.pipe(b, down, 3.0, 0.08, 0.5);
        (up, down) = (a, b);
        let (mut there, mut back) = (a, b);
        for k in 0..radiators {
            let (c, d) = (next(&mut w), next(&mut w));
            w.pipe(there, c, 5.0, 0.032, 0.4);
            w.pipe(d, back, 5.0, 0.032, 0.4);
            let radiator = w.pipe(c, d, 2.0, 0.012, 20.0 + 60.0 * r());
            if floor == floors / 2 && k == radiators / 2 {
                w.edit = (radiator, 400.0);
            }
            (there, back) = (c, d);
        }
    }
    w
}

/// Streets: a grid that is fed at a corner.
pub(crate) fn streets(across: u32, along: u32) -> Water {
    let mut w = Water::new();
    let mut r = random(3);
    let source = w.node(0.0, NodeKind::Fixed(80.0));
    for _ in 0..across * along {
        let (height, asked) = (10.0 * r(), 4e-4 * 968.0 / f64::from(2 * across * along) * r());
        w.node(height, NodeKind::Demand(asked));
    }
    w.pipe(source, 1, 50.0, 0.8, 0.0);
    for j in 0..along {
        for i in 0..across {
            let at = 1 + j * across + i;
            if i + 1 < across {
                let k = w.pipe(at, at + 1, 60.0 + 60.0 * r(), 0.15 + 0.2 * r(), 0.0);
                if j == along / 2 && i == across / 2 {
                    w.edit = (k, 200.0);
                }
            }
            if j + 1 < along {
                w.pipe(at, at + across, 60.0 + 60.0 * r(), 0.15 + 0.2 * r(), 0.0);
            }
        }
    }
    w
}

/// A building at low voltage: boards in rows of three phases, circuits of one.
pub(crate) struct Building {
    pub(crate) feeder: Feeder,
    pub(crate) load: usize,
    pub(crate) line: usize,
    pub(crate) watt: f64,
    pub(crate) times: f64,
    json: Value,
}

impl Building {
    pub(crate) fn json(&self, times: bool, peers: &[&str]) -> Value {
        let mut json = self.json.clone();
        json["times"] = json!(times);
        json["peers"] = json!(peers);
        json
    }
}

const VOLTS: f64 = 400.0;

/// `boards` of three phases and circuits to `lines` lines together.
pub(crate) fn building(boards: u32, lines: u32) -> Building {
    let mut r = random(4);
    let source = Phase::new(0.004, 0.012);
    let mut feeder = Feeder {
        buses: vec!["b0".into()],
        supplies: vec![Supply::of_sequences("grid".into(), 0, VOLTS, source, source)],
        ..Feeder::default()
    };
    let (mut wires, mut loads) = (Vec::new(), Vec::new());
    for k in 1..=lines {
        feeder.buses.push(format!("b{k}").into());
        let board = k <= boards;
        let from = if board { if k % 10 == 1 { 0 } else { k - 1 } } else { 1 + k % boards };
        let phase = if board { 0 } else { 1 + (k / boards) % 3 };
        let (z, m) = if board {
            (Phase::new(0.004 + 0.002 * r(), 0.002), Phase::new(0.001, 0.0008))
        } else {
            (Phase::new(0.1 + 0.2 * r(), 0.01), Phase::default())
        };
        let conductors = match phase {
            0 => Conductor::PHASES.to_vec(),
            p => vec![Conductor::PHASES[p as usize - 1]],
        };
        feeder.lines.push(Line {
            name: format!("l{}", k - 1).into(),
            from,
            to: k,
            impedance: Line::transposed(conductors.len(), z, m),
            conductors: conductors.clone(),
            charging: vec![],
        });
        wires.push(json!({"from": from, "to": k, "phase": phase, "r": z.re, "x": z.im, "rm": m.re, "xm": m.im}));
        if !board {
            let power = Phase::new(60.0 + 120.0 * r(), 20.0 * r());
            feeder.demands.push(Demand {
                name: format!("d{k}").into(),
                bus: k,
                conductors,
                connection: Connection::Wye(Return::Earth),
                volts: VOLTS / 3f64.sqrt(),
                power,
                shares: Shares::POWER,
            });
            loads.push(json!({"bus": k, "phase": phase, "watt": power.re, "var": power.im}));
        }
    }
    let (load, line) = (loads.len() / 2, (boards + 7) as usize);
    let (watt, times) = (400.0, 2.5);
    let json = json!({
        "volts": VOLTS, "source": [source.re, source.im], "lines": wires, "loads": loads,
        "buses": lines + 1,
        "edit": {"load": load, "watt": watt, "line": line, "times": times},
    });
    Building { feeder, load, line, watt, times, json }
}

/// One phase of a balanced building, behind an ideal source.
pub(crate) fn balanced(boards: u32, lines: u32) -> (Circuit<Phase>, usize, Building) {
    let mut building = building(boards, lines);
    let mut c = Circuit::default();
    (0..=lines).for_each(|k| _ = c.terminal(format!("b{k}")));
    let emf = Phase::new(VOLTS / 3f64.sqrt(), 0.0);
    c.ties.push(svgx_networks::electrical::Tie {
        name: "grid".into(),
        from: 0,
        to: svgx_networks::electrical::EARTH,
        emf,
        source: true,
    });
    for line in &building.feeder.lines {
        let z = line.impedance[0];
        let name = line.name.clone();
        c.blocks.push(svgx_networks::electrical::Block::between(name, line.from, line.to, z.inv()));
    }
    for d in &building.feeder.demands {
        c.loads.push(svgx_networks::electrical::Load {
            name: d.name.clone(),
            from: d.bus,
            to: svgx_networks::electrical::EARTH,
            power: d.power,
            nominal: d.volts,
            shares: Shares::POWER,
        });
    }
    building.json["edit"]["watt"] = json!(building.watt);
    let load = building.load;
    (c, load, building)
}

/// A mesh of resistors, ten volts at one corner of it, the other at earth.
pub(crate) struct Mesh {
    pub(crate) circuit: Circuit<f64>,
    pub(crate) edit: (usize, f64),
    pub(crate) wanted: Vec<u32>,
    json: Value,
}

pub(crate) fn mesh(across: u32, along: u32, repeat: u32) -> Mesh {
    let mut r = random(5);
    let mut circuit: Circuit<f64> = Circuit::default();
    (1..across * along).for_each(|k| _ = circuit.terminal(format!("{k}")));
    circuit.source("v", 0, 10.0, 0.0);
    let mut resistors = Vec::new();
    // Node `k` is terminal `k - 1`; node 0 is earth, and node 1 the source.
    let mut put = |circuit: &mut Circuit<f64>, a: u32, b: u32| {
        let ohm = 50.0 + 100.0 * r();
        let at = |k: u32| if k == 0 { svgx_networks::electrical::EARTH } else { k - 1 };
        circuit.resistor(format!("r{}", resistors.len()), at(a), at(b), ohm);
        resistors.push(json!([a, b, ohm]));
    };
    for j in 0..along {
        for i in 0..across {
            let at = j * across + i;
            if i + 1 < across {
                put(&mut circuit, at, at + 1);
            }
            if j + 1 < along {
                put(&mut circuit, at, at + across);
            }
        }
    }
    let edit = (resistors.len() / 2, 400.0);
    let wanted = vec![2, across + 3, across * along / 2, across * along - 1];
    let json = json!({
        "resistors": resistors, "edit": {"resistor": edit.0, "ohm": edit.1}, "wanted": wanted,
        "repeat": repeat,
    });
    Mesh { circuit, edit, wanted, json }
}

impl Mesh {
    pub(crate) fn json(&self, times: bool, peers: &[&str]) -> Value {
        let mut json = self.json.clone();
        json["times"] = json!(times);
        json["peers"] = json!(peers);
        json
    }
}

/// A moment frame: bays of 6 m, storeys of 3.5 m, with a column to edit.
pub(crate) struct Frame {
    pub(crate) structure: frame::Structure,
    pub(crate) edit: (usize, f64),
}

pub(crate) fn moment_frame(bays: u32, storeys: u32) -> Frame {
    let across = bays + 1;
    let mut s = frame::Structure::default();
    for j in 0..=storeys {
        for i in 0..across {
            let fixed = if j == 0 { frame::Restraint::Fixed } else { frame::Restraint::Free };
            let at = [6.0 * f64::from(i), 3.5 * f64::from(j)];
            s.nodes.push(frame::Node { name: format!("{i}_{j}").into(), at, support: [fixed; 3] });
        }
    }
    let member = |name: String, from: u32, to: u32, inertia: f64| frame::Member {
        name: name.into(),
        from,
        to,
        modulus: 2e11,
        area: 0.012,
        inertia,
        hinges: [false; 2],
    };
    for from in 0..storeys * across {
        s.members.push(member(format!("c{from}"), from, from + across, 1.5e-4));
    }
    for j in 1..=storeys {
        for i in 0..bays {
            let k = s.members.len() as u32;
            let from = j * across + i;
            s.members.push(member(format!("b{k}"), from, from + 1, 3e-4));
            s.loads.push(frame::Load::Uniform { member: k, force: [0.0, -20e3] });
        }
        s.loads.push(frame::Load::Node { node: j * across, force: [10e3, 0.0, 0.0] });
    }
    let edit = ((storeys / 2 * across + bays / 2) as usize, 1.65e-4);
    Frame { structure: s, edit }
}

impl Frame {
    pub(crate) fn json(&self, times: bool, peers: &[&str]) -> Value {
        let s = &self.structure;
        let down = |k: usize| {
            s.loads.iter().find_map(|l| match l {
                frame::Load::Uniform { member, force } if *member as usize == k => Some(force[1]),
                _ => None,
            })
        };
        let push = |l: &frame::Load| match l {
            frame::Load::Node { node, force } => Some(json!({"node": node, "force": force[0]})),
            _ => None,
        };
        // The loads of members are in their order, behind the columns.
        let columns = s.members.iter().take_while(|m| m.name.starts_with('c'));
        let columns = columns.count();
        let member = |(k, m): (usize, &frame::Member)| {
            let load = if k < columns { None } else { down(k) };
            json!({"from": m.from, "to": m.to, "inertia": m.inertia, "load": load})
        };
        json!({
            "peers": peers, "times": times, "modulus": 2e11, "area": 0.012,
            "nodes": s.nodes.iter().map(|n| json!({
                "x": n.at[0], "y": n.at[1], "fixed": n.support[0] == frame::Restraint::Fixed,
            })).collect::<Vec<_>>(),
            "members": s.members.iter().enumerate().map(member).collect::<Vec<_>>(),
            "pushes": s.loads.iter().filter_map(push).collect::<Vec<_>>(),
            "edit": {"member": self.edit.0, "inertia": self.edit.1},
        })
    }
}
