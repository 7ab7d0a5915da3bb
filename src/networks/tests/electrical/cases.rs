//! Feeders of the IEEE and of a building, against OpenDSS. Beside what [`super::reader`] reads, a
//! line is `answer volts BUS CONDUCTOR V DEGREES`, `answer amps LINE INDEX A DEGREES`, `edit load
//! NAME KW KVAR`, `edit line NAME TIMES`, then `after0 ...`, `after1 ...`.

use super::reader::{Case, conductors, read};
use crate::unlimited;
use svgx_networks::Limits;
use svgx_networks::electrical::feeder::polar;
use svgx_networks::electrical::{Lowered, Phase, Solution, Solver};

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
