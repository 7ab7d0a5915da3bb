//! What is measured of each network: from cold, and after an edit.

use std::hint::black_box;

use serde_json::Value;
use svgx_networks::Limits;
use svgx_networks::electrical::{self, Block, Circuit, Phase};
use svgx_networks::flow::{self, LinkKind};
use svgx_networks::frame;
use svgx_networks::heat;

use super::{
    Case, Options, Target, budget, cases, is_wanted, median, median_of, published, varied,
};

pub(super) fn water(
    name: &'static str,
    w: cases::Water,
    with: Options,
    targets: Vec<Target>,
) -> Case {
    let limits = Limits::default();
    let answer = |s: &flow::Solution| -> Vec<f64> {
        assert!(s.effort.converged, "{name}: {:?}", s.effort);
        s.heads.iter().chain(&s.flows).map(|v| v.unwrap_or(f64::NAN)).collect()
    };
    let mut solver = flow::Solver::new(w.network.clone(), &limits).expect("a network");
    let first = answer(&solver.solve(&budget()).expect("it is solved"));
    let set = |solver: &mut flow::Solver, minor: f64| {
        let kind = w.edited(minor);
        assert!(solver.set_link(w.edit.0, kind).expect("a quantity"));
    };
    set(&mut solver, w.edit.1);
    let after = answer(&solver.solve(&budget()).expect("it is solved"));
    let mut times = Vec::new();
    if with.times {
        timed(&mut times, "cold", || {
            median_of(
                |_| w.network.clone(),
                |_, network| {
                    let mut solver = flow::Solver::new(network, &limits).expect("a network");
                    let s = solver.solve(&budget()).expect("it is solved");
                    (solver, s)
                },
            )
        });
        timed(&mut times, "after", || {
            median(|k| {
                set(&mut solver, varied(w.edit.1, k));
                black_box(solver.solve(&budget()).expect("it is solved"));
            })
        });
        set(&mut solver, w.edit.1);
        let mut taps = w
            .network
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, n)| matches!(n.kind, flow::NodeKind::Demand(q) if q > 0.0));
        if let Some((tap, _)) = taps.next_back() {
            timed(&mut times, "demand", || {
                median(|k| {
                    assert!(solver.set_node(tap, varied(2e-5, k)));
                    black_box(solver.solve(&budget()).expect("it is solved"));
                })
            });
        }
        if let Some(pump) = w.pump
            && let LinkKind::Pump(curve) = w.network.links[pump].kind
        {
            timed(&mut times, "speed", || {
                median(|k| {
                    let [low, high] = w.speeds;
                    let speed = low + (high - low) / 0.6 * (varied(1.0, k) - 0.7);
                    let kind = LinkKind::Pump(curve.at_speed(speed));
                    assert!(solver.set_link(pump, kind).expect("a quantity"));
                    black_box(solver.solve(&budget()).expect("it is solved"));
                })
            });
        }
    }
    let (n, m) = (w.network.nodes.len(), w.network.links.len());
    // Small flows of a network with large ones are less exact in EPANET.
    let most = after[n..].iter().fold(0.0f64, |most, q| most.max(q.abs()));
    let compared = vec![(0, n, 2e-4), (n, m, 1e-6 + 1e-5 * most)];
    let json = w.json(with.times, &["epanet"]);
    Case { name, json, first, after, compared, times, targets }
}

/// Takes a time, if it is asked for.
fn timed(times: &mut Vec<(&'static str, f64)>, what: &'static str, take: impl FnOnce() -> f64) {
    if is_wanted(what) {
        times.push((what, take()));
    }
}

/// Voltages to compare: of the far end of every line, phase by phase.
fn volts(s: &electrical::Solution<Phase>, at: &[u32]) -> Vec<f64> {
    assert!(s.effort.converged, "{:?}", s.effort);
    let of = |&t: &u32| s.voltages[t as usize].map_or(f64::NAN, |v| v.norm());
    at.iter().map(of).collect()
}

pub(super) fn building(
    name: &'static str,
    boards: u32,
    lines: u32,
    with: Options,
    targets: Vec<Target>,
) -> Case {
    let b = cases::building(boards, lines);
    let limits = Limits::default();
    let lowered = b.feeder.lower().expect("a feeder");
    let mut at = Vec::new();
    for line in &b.feeder.lines {
        at.extend(line.conductors.iter().map(|&c| lowered.terminals[&(line.to, c)]));
    }
    let cold = || {
        let circuit = lowered.circuit.clone();
        electrical::Solver::new(circuit, &limits, &budget()).expect("a circuit")
    };
    let mut solver = cold();
    let first = volts(&solver.solve(&budget()).expect("it is solved"), &at);
    let load = lowered.loads[b.load][0];
    let reactive = solver.circuit().loads[load].power.im;
    let block = lowered.line(&b.feeder, b.line);
    let was = lowered.circuit.blocks[block].clone();
    // A line that is so many times as long.
    let longer = |times: f64| {
        let mut feeder = electrical::Feeder {
            buses: b.feeder.buses.clone(),
            lines: vec![b.feeder.lines[b.line].clone()],
            ..electrical::Feeder::default()
        };
        feeder.lines[0].impedance.iter_mut().for_each(|z| *z *= times);
        let mut blocks = feeder.lower().expect("a line").circuit.blocks;
        let mut with = blocks.remove(0);
        with.terminals.clone_from(&was.terminals);
        with
    };
    assert!(solver.set_load(load, Phase::new(b.watt, reactive)));
    assert!(solver.set_block(block, longer(b.times)));
    let after = volts(&solver.solve(&budget()).expect("it is solved"), &at);
    let mut times = Vec::new();
    if with.times {
        timed(&mut times, "build", || {
            median_of(
                |_| lowered.circuit.clone(),
                |_, circuit| {
                    let solver = electrical::Solver::new(circuit, &limits, &budget());
                    let mut solver = solver.expect("a circuit");
                    let s = solver.solve(&budget()).expect("it is solved");
                    (solver, s)
                },
            )
        });
        assert!(solver.set_block(block, was.clone()));
        timed(&mut times, "load", || {
            median(|k| {
                assert!(solver.set_load(load, Phase::new(varied(b.watt, k), reactive)));
                black_box(solver.solve(&budget()).expect("it is solved"));
            })
        });
        let many = if is_wanted("line") { 2000 } else { 0 };
        let lengths: Vec<Block<Phase>> = (0..many).map(|k| longer(varied(b.times, k))).collect();
        timed(&mut times, "line", || {
            median(|k| {
                assert!(solver.set_block(block, lengths[k].clone()));
                black_box(solver.solve(&budget()).expect("it is solved"));
            })
        });
    }
    let compared = vec![(0, at.len(), 1e-4)];
    Case { name, json: b.json(with.times, &["opendss"]), first, after, compared, times, targets }
}

/// A published feeder: a load of it, and a line.
pub(super) fn published(
    name: &'static str,
    p: &published::Published,
    with: Options,
    targets: Vec<Target>,
) -> Case {
    let limits = Limits::default();
    let lowered = p.feeder.lower().expect("a feeder");
    let at: Vec<u32> = p.wanted().iter().map(|key| lowered.terminals[key]).collect();
    let circuit = lowered.circuit.clone();
    let mut solver = electrical::Solver::new(circuit, &limits, &budget()).expect("a circuit");
    let first = volts(&solver.solve(&budget()).expect("it is solved"), &at);
    let load = lowered.loads[p.demand][0];
    let reactive = solver.circuit().loads[load].power.im;
    let block = lowered.line(&p.feeder, p.line);
    let was = lowered.circuit.blocks[block].clone();
    let longer = |times: f64| {
        let mut with = p.longer(times).lower().expect("a feeder").circuit.blocks.swap_remove(block);
        with.terminals.clone_from(&was.terminals);
        with
    };
    assert!(solver.set_load(load, Phase::new(p.watt, reactive)));
    assert!(solver.set_block(block, longer(p.times)));
    let after = volts(&solver.solve(&budget()).expect("it is solved"), &at);
    let mut times = Vec::new();
    if with.times {
        assert!(solver.set_block(block, was.clone()));
        timed(&mut times, "load", || {
            median(|k| {
                assert!(solver.set_load(load, Phase::new(varied(p.watt, k), reactive)));
                black_box(solver.solve(&budget()).expect("it is solved"));
            })
        });
        let many = if is_wanted("line") { 2000 } else { 0 };
        let lengths: Vec<Block<Phase>> = (0..many).map(|k| longer(varied(p.times, k))).collect();
        timed(&mut times, "line", || {
            median(|k| {
                assert!(solver.set_block(block, lengths[k].clone()));
                black_box(solver.solve(&budget()).expect("it is solved"));
            })
        });
    }
    // A hundred-thousandth of the voltage.
    let compared = vec![(0, at.len(), 2.4e-2)];
    Case { name, json: p.json(with.times, &["opendss"]), first, after, compared, times, targets }
}

pub(super) fn balanced(name: &'static str, with: Options, targets: Vec<Target>) -> Case {
    let (boards, lines) = if with.times { (100, 1000) } else { (20, 100) };
    let (circuit, load, b) = cases::balanced(boards, lines);
    let limits = Limits::default();
    let at: Vec<u32> = (0..=lines).collect();
    let cold = || electrical::Solver::new(circuit.clone(), &limits, &budget()).expect("a circuit");
    let mut solver = cold();
    let first = volts(&solver.solve(&budget()).expect("it is solved"), &at);
    let reactive = circuit.loads[load].power.im;
    assert!(solver.set_load(load, Phase::new(b.watt, reactive)));
    let after = volts(&solver.solve(&budget()).expect("it is solved"), &at);
    let mut times = Vec::new();
    if with.times {
        timed(&mut times, "cold", || {
            median_of(
                |_| circuit.clone(),
                |_, circuit| {
                    let solver = electrical::Solver::new(circuit, &limits, &budget());
                    let mut solver = solver.expect("a circuit");
                    let s = solver.solve(&budget()).expect("it is solved");
                    (solver, s)
                },
            )
        });
        timed(&mut times, "after", || {
            median(|k| {
                assert!(solver.set_load(load, Phase::new(varied(b.watt, k), reactive)));
                black_box(solver.solve(&budget()).expect("it is solved"));
            })
        });
    }
    let compared = vec![(0, at.len(), 1e-4)];
    Case { name, json: b.json(with.times, &["pandapower"]), first, after, compared, times, targets }
}

pub(super) fn mesh(
    name: &'static str,
    m: cases::Mesh,
    with: Options,
    targets: Vec<Target>,
) -> Case {
    let limits = Limits::default();
    let cold = |c: &Circuit<f64>| {
        electrical::Solver::new(c.clone(), &limits, &budget()).expect("a circuit")
    };
    let answer = |s: &electrical::Solution<f64>| -> Vec<f64> {
        let of = |&k: &u32| s.voltages[k as usize - 1].unwrap_or(f64::NAN);
        m.wanted.iter().map(of).collect()
    };
    let mut solver = cold(&m.circuit);
    let first = answer(&solver.solve(&budget()).expect("it is solved"));
    let set = |solver: &mut electrical::Solver<f64>, ohm: f64| {
        let was = &m.circuit.blocks[m.edit.0];
        let with = Block::between(was.name.clone(), was.terminals[0], was.terminals[1], 1.0 / ohm);
        assert!(solver.set_block(m.edit.0, with));
    };
    set(&mut solver, m.edit.1);
    let after = answer(&solver.solve(&budget()).expect("it is solved"));
    let mut times = Vec::new();
    if with.times {
        timed(&mut times, "cold", || {
            median_of(
                |_| m.circuit.clone(),
                |_, circuit| {
                    let solver = electrical::Solver::new(circuit, &limits, &budget());
                    let mut solver = solver.expect("a circuit");
                    let s = solver.solve(&budget()).expect("it is solved");
                    (solver, s)
                },
            )
        });
        timed(&mut times, "after", || {
            median(|k| {
                set(&mut solver, varied(m.edit.1, k));
                black_box(solver.solve(&budget()).expect("it is solved"));
            })
        });
    }
    let compared = vec![(0, m.wanted.len(), 1e-6)];
    Case { name, json: m.json(with.times, &["ngspice"]), first, after, compared, times, targets }
}

/// A day of a house of many rooms in steps of five minutes.
pub(super) fn rooms(name: &'static str, targets: Vec<Target>) -> Case {
    let m = cases::mesh(25, 40, 1);
    let mut json = m.json(true, &["ngspice"]);
    let farad = 2.0;
    let n = m.circuit.terminals.len();
    let fixed = |k: usize| match k {
        0 => heat::NodeKind::Fixed(0.0),
        1 => heat::NodeKind::Fixed(10.0),
        _ => heat::NodeKind::Free(0.0),
    };
    let node = |k: usize| heat::Node {
        name: format!("{k}").into(),
        capacity: if k < 2 { 0.0 } else { farad },
        kind: fixed(k),
    };
    let at = |t: u32| if t == electrical::EARTH { 0 } else { t + 1 };
    let resistors = json["resistors"].as_array().expect("a list").clone();
    let link = |(b, r): (&Block<f64>, &Value)| heat::Link {
        name: b.name.clone(),
        from: at(b.terminals[0]),
        to: at(b.terminals[1]),
        conductance: 1.0 / r[2].as_f64().expect("ohms"),
    };
    let network = heat::Network {
        nodes: (0..=n).map(node).collect(),
        links: m.circuit.blocks.iter().zip(&resistors).map(link).collect(),
        walls: vec![],
    };
    let capacitors: Vec<Value> = (2..=n).map(|k| serde_json::json!([k, farad])).collect();
    json["capacitors"] = Value::Array(capacitors);
    json["hours"] = 24.into();
    json["step"] = 300.into();
    let run = || {
        let start = vec![0.0; n + 1];
        let mut t = heat::Transient::new(&network, &start, &Limits::default(), &budget())
            .expect("a network");
        for _ in 0..288 {
            t.advance(300.0, &budget()).expect("a step");
        }
        m.wanted.iter().map(|&k| t.temperatures()[k as usize]).collect::<Vec<f64>>()
    };
    let first = run();
    let times = vec![("cold", median(|_| _ = black_box(run())))];
    let compared = vec![(0, m.wanted.len(), 2e-2)];
    Case { name, json, after: first.clone(), first, compared, times, targets }
}

pub(super) fn moment_frame(
    name: &'static str,
    f: cases::Frame,
    with: Options,
    peers: &[&str],
    targets: Vec<Target>,
) -> Case {
    let limits = Limits::default();
    let cold = || frame::Solver::new(f.structure.clone(), &limits, &budget()).expect("a frame");
    let answer = |s: &frame::Solution| -> Vec<f64> {
        s.displacements.iter().flat_map(|d| d.map_or([f64::NAN; 2], |d| [d[0], d[1]])).collect()
    };
    let mut solver = cold();
    let first = answer(&solver.solve(&budget()).expect("it is solved"));
    let set = |solver: &mut frame::Solver, inertia: f64| {
        assert!(solver.set_member(f.edit.0, |m| m.inertia = inertia).expect("a quantity"));
    };
    set(&mut solver, f.edit.1);
    let after = answer(&solver.solve(&budget()).expect("it is solved"));
    let mut times = Vec::new();
    if with.times {
        timed(&mut times, "cold", || {
            median_of(
                |_| f.structure.clone(),
                |_, structure| {
                    let solver = frame::Solver::new(structure, &limits, &budget());
                    let mut solver = solver.expect("a frame");
                    let s = solver.solve(&budget()).expect("it is solved");
                    (solver, s)
                },
            )
        });
        timed(&mut times, "after", || {
            median(|k| {
                set(&mut solver, varied(f.edit.1, k));
                black_box(solver.solve(&budget()).expect("it is solved"));
            })
        });
    }
    let compared = vec![(0, 2 * f.structure.nodes.len(), 1e-8)];
    Case { name, json: f.json(with.times, peers), first, after, compared, times, targets }
}
