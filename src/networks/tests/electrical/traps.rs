//! What goes wrong elsewhere, and what is right.

use super::reader::read;
use crate::{near, unlimited};
use svgx_networks::accuracy::Reused;
use svgx_networks::electrical::feeder::{Demand, Supply, Switch, Transformer, Winding};
use svgx_networks::electrical::{
    Block, Circuit, Conductor, Connection, EARTH, Feeder, Phase, Return, Shares, Solution, Solver,
    Tie,
};
use svgx_networks::{Kind, Limits};

fn solve(circuit: Circuit<Phase>) -> Solution<Phase> {
    Solver::new(circuit, &Limits::default(), &unlimited()).unwrap().solve(&unlimited()).unwrap()
}

#[test]
fn a_single_phase_circuit_is_that_of_an_analog_simulator() {
    let mut c = Circuit::default();
    let [a, b, d, e, f, g] = ["a", "b", "c", "d", "e", "f"].map(|n| c.terminal(n));
    let omega = 100.0 * std::f64::consts::PI;
    let mut put =
        |from: u32, to: u32, z: Phase| c.blocks.push(Block::between("z".into(), from, to, z.inv()));
    put(a, b, Phase::new(0.4, 0.0));
    put(b, d, Phase::new(0.0, omega * 1e-3));
    put(d, EARTH, Phase::new(25.0, 0.0));
    put(d, EARTH, Phase::new(0.0, -1.0 / (omega * 50e-6)));
    put(d, e, Phase::new(0.8, 0.0));
    put(e, f, Phase::new(0.0, omega * 2e-3));
    put(f, g, Phase::new(12.0, 0.0));
    put(g, EARTH, Phase::new(0.0, omega * 20e-3));
    c.ties.push(Tie {
        name: "u".into(),
        from: a,
        to: EARTH,
        emf: Phase::new(230.0, 0.0),
        source: true,
    });
    let s = solve(c);
    for (value, wanted) in [
        (s.voltages[2].unwrap(), (219.862_272_4, -5.212_666_213)),
        (s.voltages[4].unwrap(), (204.648_969_2, -7.464_744_606)),
        (s.tie_currents[0].unwrap(), (22.005_355_53, -4.251_300_283)),
    ] {
        near("real", value.re, wanted.0, 1e-8);
        near("imaginary", value.im, wanted.1, 1e-7);
    }
}

/// 400 V behind an impedance, and one demand.
fn feeder(
    conductors: Vec<Conductor>,
    connection: Connection,
    volts: f64,
    watt: f64,
    ohm: f64,
) -> Feeder {
    let z = Phase::new(ohm, 0.0);
    Feeder {
        buses: vec!["board".into()],
        supplies: vec![Supply::of_sequences("grid".into(), 0, 400.0, z, z)],
        demands: vec![Demand {
            name: "oven".into(),
            bus: 0,
            conductors,
            connection,
            volts,
            power: Phase::new(watt, 0.0),
            shares: Shares::POWER,
        }],
        ..Feeder::default()
    }
}

#[test]
fn a_delta_load_with_one_end_is_an_error_that_names_it() {
    let lowered = feeder(vec![Conductor::A], Connection::Delta, 400.0, 1e3, 0.1).lower().unwrap();
    assert_eq!(lowered.findings[0].kind, Kind::Terminal);
    assert!(
        lowered.findings[0].message.starts_with("oven is connected in delta and names 1 phase")
    );
    assert!(lowered.circuit.loads.is_empty());
}

#[test]
fn a_power_beyond_the_path_is_told_and_a_power_at_a_low_voltage_stays_a_power() {
    let wye = Connection::Wye(Return::Earth);
    // 230.94 V behind 0.08 ohm carries 166.7 kW at most.
    for (watt, solved) in [(160e3, true), (800e3, false)] {
        let lowered = feeder(vec![Conductor::A], wye, 230.94, watt, 0.08).lower().unwrap();
        let s = solve(lowered.circuit);
        assert_eq!(s.voltages[0].is_some(), solved, "{:?}", s.effort);
        if solved {
            // Far below 0.95 of its nominal voltage, and still what the author asked for.
            let v = s.voltages[0].unwrap().norm();
            assert!(v < 0.8 * 230.94);
            near("drawn", v * (230.940_107_676 - v) / 0.08, watt, 1e-5);
        } else {
            let told = &s.findings[0];
            assert_eq!(told.kind, Kind::NoSolution);
            assert!(
                told.message.starts_with("oven asks for 800000 W; the network carries 1666"),
                "{}",
                told.message
            );
        }
    }
}

#[test]
fn a_transformer_that_turns_the_phase_needs_no_start_by_hand() {
    // Of 270 and of 150 degrees: the phases of the low side are named one and two further.
    for (turn, angle) in [(0, -30.0), (1, 90.0), (2, -150.0)] {
        let wye = Connection::Wye(Return::Earth);
        let mut feeder = feeder(Conductor::PHASES.to_vec(), wye, 400.0, 300e3, 0.1);
        feeder.supplies[0].volts = 20e3;
        feeder.buses.push("low".into());
        feeder.demands[0].bus = 1;
        let side = |bus: u32, connection: Connection, volts: f64, turn: usize| Winding {
            bus,
            conductors: (0..3).map(|k| Conductor::PHASES[(k + turn) % 3]).collect(),
            connection,
            volts,
            resistance: 0.005,
            tap: 1.0,
        };
        feeder.transformers.push(Transformer {
            name: "t".into(),
            windings: [side(0, Connection::Delta, 20e3, 0), side(1, wye, 400.0, turn)],
            power: 630e3,
            reactance: 0.04,
        });
        let lowered = feeder.lower().unwrap();
        let s = solve(lowered.circuit);
        assert!(s.effort.converged && s.effort.iterations < 10, "{:?}", s.effort);
        let v = s.voltages[lowered.terminals[&(1, Conductor::A)] as usize].unwrap();
        let off = (v.im.atan2(v.re).to_degrees() - angle + 540.0).rem_euclid(360.0) - 180.0;
        assert!(off.abs() < 3.0, "{turn}: {off}");
        assert!((v.norm() - 230.9).abs() < 5.0, "{turn}: {v}");
    }
}

#[test]
fn a_broken_neutral_is_solved_and_raises_the_voltage_of_light_phases() {
    let mut case = read(include_str!("cases/four-wire.txt"));
    let line = &mut case.feeder.lines[0];
    line.conductors.pop();
    let keep = |k: &usize| k / 4 < 3 && k % 4 < 3;
    line.impedance = (0..16).filter(keep).map(|k| line.impedance[k]).collect();
    for d in &mut case.feeder.demands {
        d.shares = Shares::IMPEDANCE;
    }
    let lowered = case.feeder.lower().unwrap();
    let s = solve(lowered.circuit.clone());
    assert!(s.effort.converged);
    let found: Vec<f64> =
        lowered.circuit.loads.iter().map(|l| s.between(l.from, l.to).unwrap().norm()).collect();
    for (v, wanted) in found.iter().zip([141.5, 261.3, 323.8]) {
        assert!((v - wanted).abs() < 0.1, "{found:?}");
    }
}

#[test]
fn an_open_switch_is_named_with_what_is_not_served() {
    let wye = Connection::Wye(Return::Earth);
    for closed in [true, false] {
        let mut feeder = feeder(Conductor::PHASES.to_vec(), wye, 400.0, 3e3, 0.1);
        feeder.buses.push("panel".into());
        feeder.demands[0].bus = 1;
        let conductors = Conductor::PHASES.to_vec();
        feeder.switches.push(Switch { name: "q1".into(), from: 0, to: 1, conductors, closed });
        let lowered = feeder.lower().unwrap();
        let s = solve(lowered.circuit);
        let at = lowered.terminals[&(1, Conductor::B)] as usize;
        assert_eq!(s.voltages[at].is_some(), closed);
        let messages: Vec<&str> = s.findings.iter().map(|f| f.message.as_str()).collect();
        if closed {
            assert!(messages.is_empty());
            near(
                "current",
                s.tie_currents[0].unwrap().norm(),
                1e3 / s.voltages[at].unwrap().norm(),
                1e-6,
            );
        } else {
            assert_eq!(messages.len(), 3);
            assert_eq!(messages[0], "panel.A has no voltage: q1 is open; 1000 W are not served");
        }
    }
}

/// A mill behind a transformer whose secondary side is a delta: nothing earths it.
const MILL: &str = "\
supply grid 20 1 0 0.1 1 0 0
line up grid station ABC r 0.8 0 0.8 0 0 0.8 x 0.6 0 0.6 0 0 0.6
transformer t 630 6 station ABC earth 20 0.5 1 mill ABC delta 0.4 0.5 1
line down mill saw ABC r 0.01 0 0.01 0 0 0.01 x 0.004 0 0.004 0 0 0.004
load motor saw ABC delta power 0.4 200 80
load light station ABC earth power 20 300 100";

#[test]
fn a_line_that_is_edited_beside_a_part_that_floats_leaves_it_floating_and_named() {
    let case = read(MILL);
    let lowered = case.feeder.lower().unwrap();
    let limits = Limits::default();
    let mut solver = Solver::new(lowered.circuit.clone(), &limits, &unlimited()).unwrap();
    let first = solver.solve(&unlimited()).unwrap();
    assert_eq!(first.floating.iter().filter(|f| **f).count(), 6);
    let mut feeder = case.feeder.clone();
    // On either side of the transformer, one after the other and both again.
    for (line, times) in [(0, 1.7), (1, 0.4), (0, 0.2), (1, 5.0), (1, 1.0)] {
        let impedance = case.feeder.lines[line].impedance.iter().map(|z| z * times);
        feeder.lines[line].impedance = impedance.collect();
        let block = lowered.line(&feeder, line);
        let with = feeder.lower().unwrap().circuit.blocks.swap_remove(block);
        assert!(solver.set_block(block, with));
        let warm = solver.solve(&unlimited()).unwrap();
        let circuit = solver.circuit().clone();
        let cold =
            Solver::new(circuit, &limits, &unlimited()).unwrap().solve(&unlimited()).unwrap();
        assert_eq!(warm.effort.reused, Reused::Factor, "line {line}");
        assert!(warm.effort.converged && cold.effort.converged);
        assert_eq!((&warm.floating, &warm.findings), (&cold.floating, &cold.findings));
        let named = warm.findings.iter().find(|f| f.kind == Kind::Floating).unwrap();
        assert!(named.elements.iter().any(|e| &**e == "mill.A"), "{named:?}");
        let n = solver.circuit().terminals.len() as u32;
        for a in 0..n {
            if !cold.floating[a as usize] {
                let off = (warm.voltages[a as usize].unwrap() - cold.voltages[a as usize].unwrap())
                    .norm();
                assert!(off < 20e3 * 1e-6, "{a}: {off}");
            }
            // Of what floats the differences.
            for b in (0..a).filter(|&b| cold.floating[a as usize] && cold.floating[b as usize]) {
                let off = (warm.between(a, b).unwrap() - cold.between(a, b).unwrap()).norm();
                assert!(off < 400.0 * 1e-6, "{a} {b}: {off}");
            }
        }
    }
    // What earths the part ends that, by a factor of its own.
    let (to, y) = (lowered.terminals[&(case.buses["saw"], Conductor::A)], Phase::new(1e-3, 0.0));
    let mut circuit = solver.circuit().clone();
    circuit.blocks.push(Block::between("earth".into(), to, EARTH, y));
    let earthed = Solver::new(circuit, &limits, &unlimited()).unwrap().solve(&unlimited()).unwrap();
    assert!(earthed.floating.iter().all(|f| !f) && earthed.findings.is_empty());
}
