//! Published and computed networks, one file each (see [`super::reader`]).

use super::reader::{Case, read};
use crate::unlimited;
use svgx_networks::Limits;
use svgx_networks::flow::{Solution, Solver};

fn compare(file: &str, case: &Case, solution: &Solution, answers: &[(String, String, f64)]) {
    assert!(solution.effort.converged && !answers.is_empty(), "{file}: {:?}", solution.effort);
    let air = !case.network.fluid.liquid;
    for (what, name, wanted) in answers {
        let (value, tolerance) = match (what.as_str(), air) {
            ("head", false) => (solution.heads[case.nodes[name]], case.tolerance.0),
            ("head", true) => (solution.pressures[case.nodes[name]], case.tolerance.0),
            (_, false) => (solution.flows[case.links[name]], case.tolerance.1),
            (_, true) => (solution.flows[case.links[name]], case.tolerance.1 * wanted.abs()),
        };
        let value = value.unwrap();
        assert!((value - wanted).abs() <= tolerance, "{file}: {what} {name}: {value} for {wanted}");
    }
}

#[test]
fn networks_are_answered_within_the_tolerance_of_their_peers_and_after_an_edit_too() {
    for (file, text) in [
        ("net1", include_str!("cases/net1.txt")),
        ("net2", include_str!("cases/net2.txt")),
        ("net3", include_str!("cases/net3.txt")),
        ("grid-hw", include_str!("cases/grid-hw.txt")),
        ("grid-dw", include_str!("cases/grid-dw.txt")),
        ("cold water", include_str!("cases/cold-water.txt")),
        ("ducts", include_str!("cases/ducts.txt")),
    ] {
        let case = read(text);
        let mut solver = Solver::new(case.network.clone(), &Limits::default()).unwrap();
        let solution = solver.solve(&unlimited()).unwrap();
        compare(file, &case, &solution, &case.answers);
        if let Some((link, kind)) = case.edit {
            solver.set_link(link, kind).unwrap();
            let after = solver.solve(&unlimited()).unwrap();
            compare(file, &case, &after, &case.after);
            // An edit and its undo come to what was answered first, within the tolerance.
            solver.set_link(link, case.network.links[link].kind).unwrap();
            let undone = solver.solve(&unlimited()).unwrap();
            compare(file, &case, &undone, &case.answers);
        }
    }
}
