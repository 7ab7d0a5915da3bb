//! Direct current against closed forms.

use crate::{near, unlimited};
use svgx_networks::electrical::{Block, Circuit, EARTH, Gap, Shares, Solution, Solver, Tie};
use svgx_networks::{Error, Kind, Limits};

fn solve(circuit: Circuit<f64>) -> (Solver<f64>, Solution<f64>) {
    let mut solver = Solver::new(circuit, &Limits::default(), &unlimited()).unwrap();
    let solution = solver.solve(&unlimited()).unwrap();
    (solver, solution)
}

#[test]
fn the_corners_of_a_cube_of_ohms_are_five_sixths_apart() {
    let mut c = Circuit::default();
    (0..8).for_each(|i| _ = c.terminal(format!("{i}")));
    for i in 0..8u32 {
        for bit in [1, 2, 4] {
            if i & bit == 0 {
                c.resistor(format!("{i}-{}", i | bit), i, i | bit, 1.0);
            }
        }
    }
    c.current_source("i", 7, 0, 1.0);
    let (_, s) = solve(c);
    near("voltage", s.between(0, 7).unwrap(), 5.0 / 6.0, 1e-12);
    assert!(s.floating.iter().all(|&f| f) && s.findings[0].kind == Kind::Floating);
}

#[test]
fn a_current_without_a_way_back_has_no_answer() {
    let mut c = Circuit::default();
    let [a, b] = ["a", "b"].map(|n| c.terminal(n));
    c.resistor("r", a, b, 1.0);
    c.current_source("i", EARTH, a, 1.0);
    let (_, s) = solve(c);
    assert_eq!((s.voltages, s.effort.converged), (vec![None, None], false));
    assert_eq!(
        s.findings[0].message,
        "a current is driven into a and b, and nothing leads it back"
    );
}

#[test]
fn a_bridge_and_constant_powers_are_those_of_an_analog_simulator() {
    let mut c = Circuit::default();
    let [a, b, d] = ["a", "b", "c"].map(|n| c.terminal(n));
    c.source("u", a, 10.0, 0.0);
    for (from, to, ohm) in
        [(a, b, 100.0), (a, d, 150.0), (b, EARTH, 120.0), (d, EARTH, 80.0), (b, d, 50.0)]
    {
        c.resistor(format!("{from}-{to}"), from, to, ohm);
    }
    let (_, s) = solve(c);
    near("b", s.voltages[1].unwrap(), 4.766_708_701_1, 1e-8);
    near("c", s.voltages[2].unwrap(), 4.136_191_672_7, 1e-8);
    near("i", s.tie_currents[0].unwrap(), 0.091_424_968_47, 1e-8);
    assert!(s.effort.converged && s.effort.residual.balance < 1e-12);

    // Resistances in a row behind 48 V, watts at their ends, voltages there.
    let rows: [(&[f64], &[f64], &[f64]); 2] = [
        (&[0.5], &[400.0], &[43.390_719_429_665_32]),
        (&[0.5, 0.25], &[400.0, 200.0], &[40.515_234_028, 39.241_058_418]),
    ];
    for (ohms, watts, volts) in rows {
        let mut c = Circuit::default();
        let mut before = c.terminal("source");
        c.source("u", before, 48.0, 0.0);
        for (k, (&ohm, &watt)) in ohms.iter().zip(watts).enumerate() {
            let at = c.terminal(format!("n{k}"));
            c.resistor(format!("r{k}"), before, at, ohm);
            c.load(format!("l{k}"), at, watt, 48.0, Shares::POWER);
            before = at;
        }
        let (_, s) = solve(c);
        for (k, &v) in volts.iter().enumerate() {
            near("volts", s.voltages[k + 1].unwrap(), v, 1e-7);
        }
    }
}

#[test]
fn more_than_a_path_carries_is_told_with_what_it_carries() {
    let mut c = Circuit::default();
    let [a, b, d] = ["a", "b", "c"].map(|n| c.terminal(n));
    c.source("u", a, 48.0, 0.0);
    c.resistor("cable", a, b, 0.5);
    c.load("oven", b, 1200.0, 48.0, Shares::POWER);
    // Elsewhere the network is answered.
    c.source("other", d, 24.0, 0.0);
    c.load("lamp", d, 12.0, 24.0, Shares::POWER);
    let (_, s) = solve(c);
    assert_eq!((s.voltages[1], s.voltages[2]), (None, Some(24.0)));
    let finding = &s.findings[0];
    assert_eq!(finding.kind, Kind::NoSolution);
    assert!(
        finding.message.starts_with("oven asks for 1200 W; the network carries 115"),
        "{}",
        finding.message
    );
    assert!(!s.effort.converged);
    // What it can carry, it carries.
    let mut c = Circuit::default();
    let [a, b] = ["a", "b"].map(|n| c.terminal(n));
    c.source("u", a, 48.0, 0.0);
    c.resistor("cable", a, b, 0.5);
    c.load("oven", b, 1150.0, 48.0, Shares::POWER);
    let (_, s) = solve(c);
    near("near the limit", s.voltages[1].unwrap(), 24.0 + (576.0f64 - 575.0).sqrt(), 1e-5);
}

#[test]
fn ideal_sources_that_contradict_each_other_are_both_named() {
    for (second, conflict) in [(12.0, false), (13.0, true)] {
        let mut c = Circuit::default();
        let [a, b] = ["a", "b"].map(|n| c.terminal(n));
        c.source("battery", a, 12.0, 0.0);
        c.source("charger", b, second, 0.0);
        c.ties.push(Tie { name: "switch".into(), from: a, to: b, emf: 0.0, source: false });
        c.load("lamp", b, 12.0, 12.0, Shares::IMPEDANCE);
        let (_, s) = solve(c);
        assert_eq!(s.voltages[1].is_none(), conflict);
        let kinds: Vec<Kind> = s.findings.iter().map(|f| f.kind).collect();
        assert_eq!(kinds, if conflict { vec![Kind::Conflict] } else { vec![] });
        if conflict {
            let names: Vec<&str> = s.findings[0].elements.iter().map(AsRef::as_ref).collect();
            assert_eq!(names, ["battery", "charger", "switch"]);
        } else {
            // How the ampere divides between ideal sources nothing says.
            assert_eq!(s.tie_currents, [None, None, None]);
        }
    }
}

#[test]
fn a_dead_part_names_the_open_switch_and_what_is_not_served() {
    let mut c = Circuit::default();
    let [a, b, d] = ["a", "b", "c"].map(|n| c.terminal(n));
    c.source("u", a, 230.0, 0.1);
    c.resistor("cable", b, d, 0.2);
    c.load("heater", d, 2000.0, 230.0, Shares::IMPEDANCE);
    c.gaps.push(Gap { name: "q1".into(), pairs: vec![(a, b)] });
    let (_, s) = solve(c);
    assert_eq!(s.voltages, [Some(230.0), None, None]);
    assert_eq!(s.findings[0].kind, Kind::Island);
    assert_eq!(s.findings[0].message, "b and c have no voltage: q1 is open; 2000 W are not served");
}

#[test]
fn a_changed_load_keeps_the_factor_and_equals_a_cold_solution() {
    let net = |watt: f64, ohm: f64| {
        let mut c = Circuit::default();
        let [a, b] = ["a", "b"].map(|n| c.terminal(n));
        c.source("u", a, 48.0, 0.0);
        c.resistor("cable", a, b, ohm);
        c.load("oven", b, watt, 48.0, Shares { impedance: 0.2, current: 0.3, power: 0.5 });
        c
    };
    let (mut solver, _) = solve(net(300.0, 0.5));
    for (watt, ohm) in [(310.0, 0.5), (310.0, 0.4), (20.0, 0.4), (-50.0, 0.4)] {
        assert!(solver.set_load(0, watt));
        let cable = Block::between("cable".into(), 0, 1, 1.0 / ohm);
        assert!(solver.set_block(0, cable));
        let warm = solver.solve(&unlimited()).unwrap();
        let (_, cold) = solve(net(watt, ohm));
        near("volts", warm.voltages[1].unwrap(), cold.voltages[1].unwrap(), 1e-7);
    }
}

#[test]
fn quantities_that_are_no_numbers_and_nodes_that_do_not_exist_are_refused() {
    let refused = |build: &dyn Fn(&mut Circuit<f64>)| {
        let mut c = Circuit::default();
        c.terminal("a");
        build(&mut c);
        Solver::new(c, &Limits { nodes: 3, ..Limits::default() }, &unlimited()).unwrap_err()
    };
    for zero in [0.0, f64::NAN] {
        let error = refused(&|c| c.resistor("r", 0, EARTH, zero));
        assert!(matches!(error, Error::Quantity { .. }), "{error}");
    }
    assert!(matches!(refused(&|c| c.resistor("r", 0, 7, 1.0)), Error::Reference { node: 7, .. }));
    let many = refused(&|c| (0..9).for_each(|i| _ = c.terminal(format!("{i}"))));
    assert_eq!(many.to_string(), "10 nodes of a network: at most 3 are allowed");
}
