//! Networks from files. A line is `node NAME ELEVATION KIND VALUE`, `link NAME FROM TO OPEN KIND
//! QUANTITIES`, `tolerance HEAD FLOW`, `answer WHAT NAME VALUE`, `edit LINK SETTING` or `after WHAT
//! NAME VALUE`, in m, m³/s and (air) Pa.

use std::collections::BTreeMap;

use svgx_networks::flow::{
    Curve, Fluid, Law, Link, LinkKind, Network, Node, NodeKind, resistance_of_minor,
};

/// 32.2 ft/s², as EPANET has it.
const GRAVITY: f64 = 9.814_56;

/// A loss coefficient at a diameter as EPANET rounds it: 0.025 17 for 8 / (π² g) in feet.
fn valve(setting: f64, diameter: f64) -> LinkKind {
    let gravity = 8.0 * 0.3048 / (0.025_17 * std::f64::consts::PI.powi(2));
    LinkKind::Valve { resistance: resistance_of_minor(setting, diameter, gravity) }
}

/// A network with what is said of it.
pub(crate) struct Case {
    pub(crate) network: Network,
    pub(crate) nodes: BTreeMap<String, usize>,
    pub(crate) links: BTreeMap<String, usize>,
    pub(crate) tolerance: (f64, f64),
    pub(crate) answers: Vec<(String, String, f64)>,
    pub(crate) edit: Option<(usize, LinkKind)>,
    pub(crate) after: Vec<(String, String, f64)>,
}

/// Reads a file.
pub(crate) fn read(text: &str) -> Case {
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
