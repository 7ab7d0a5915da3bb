//! Published and computed networks, one file each. A line is `node NAME ELEVATION KIND VALUE`,
//! `link NAME FROM TO OPEN KIND QUANTITIES`, `tolerance HEAD FLOW`, `answer WHAT NAME VALUE`,
//! `edit LINK SETTING` or `after WHAT NAME VALUE`, in m, m³/s and (air) Pa.

use std::collections::BTreeMap;

use crate::unlimited;
use svgx_networks::Limits;
use svgx_networks::flow::{
    Curve, Fluid, Law, Link, LinkKind, Network, Node, NodeKind, Solution, Solver,
    resistance_of_minor,
};

/// 32.2 ft/s², as EPANET has it.
const GRAVITY: f64 = 9.814_56;

/// A loss coefficient at a diameter as EPANET rounds it: 0.025 17 for 8 / (π² g) in feet.
fn valve(setting: f64, diameter: f64) -> LinkKind {
    let gravity = 8.0 * 0.3048 / (0.025_17 * std::f64::consts::PI.powi(2));
    LinkKind::Valve { resistance: resistance_of_minor(setting, diameter, gravity) }
}

struct Case {
    network: Network,
    nodes: BTreeMap<String, usize>,
    links: BTreeMap<String, usize>,
    tolerance: (f64, f64),
    answers: Vec<(String, String, f64)>,
    edit: Option<(usize, LinkKind)>,
    after: Vec<(String, String, f64)>,
}

fn read(text: &str) -> Case {
    let fluid = Fluid { gravity: GRAVITY, ..Fluid::WATER };
    let mut case = Case {
        network: Network { fluid, law: Law::Colebrook, nodes: vec![], links: vec![] },
        nodes: BTreeMap::new(),
        links: BTreeMap::new(),
        tolerance: (0.0, 0.0),
        answers: vec![],
        edit: None,
        after: vec![],
    };
    let mut diameters = BTreeMap::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |k: usize| words[k].parse::<f64>().unwrap();
        let per_pascal =
            if case.network.fluid.liquid { 1.0 } else { case.network.fluid.head_per_pascal() };
        match words[0] {
            "law" => {
                let laws =
                    [("hazen-williams", Law::HazenWilliams), ("swamee-jain", Law::SwameeJain)];
                case.network.law = laws.iter().find(|l| l.0 == words[1]).unwrap().1;
            }
            "fluid" => {
                let (density, viscosity) = (number(1), number(2));
                let liquid = words[3] == "water";
                case.network.fluid = Fluid { density, viscosity, gravity: GRAVITY, liquid };
            }
            "node" => {
                let kind = match words[3] {
                    "demand" => NodeKind::Demand(number(4)),
                    _ => NodeKind::Fixed(number(4)),
                };
                case.nodes.insert(words[1].into(), case.network.nodes.len());
                case.network.nodes.push(Node { name: words[1].into(), elevation: number(2), kind });
            }
            "link" => {
                let kind = match words[5] {
                    "pipe" => LinkKind::Pipe {
                        length: number(6),
                        diameter: number(7),
                        roughness: number(8),
                        minor: number(9),
                    },
                    "pump" | "fan" => LinkKind::Pump(Curve {
                        shut_off: number(6) * if words[5] == "fan" { per_pascal } else { 1.0 },
                        slope: number(7) * if words[5] == "fan" { per_pascal } else { 1.0 },
                        exponent: number(8),
                    }),
                    _ => {
                        diameters.insert(words[1].to_owned(), number(7));
                        valve(number(6), number(7))
                    }
                };
                case.links.insert(words[1].into(), case.network.links.len());
                let [from, to] = [2, 3].map(|k| case.nodes[words[k]] as u32);
                let open = words[4] == "open";
                case.network.links.push(Link { name: words[1].into(), from, to, open, kind });
            }
            "tolerance" => case.tolerance = (number(1), number(2)),
            "edit" => {
                let kind = valve(number(2), diameters[words[1]]);
                case.edit = Some((case.links[words[1]], kind));
            }
            what => {
                let answer = (words[1].to_owned(), words[2].to_owned(), number(3));
                if what == "answer" { case.answers.push(answer) } else { case.after.push(answer) }
            }
        }
    }
    case
}

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
